r"""Stages in series under local base-stock policies, many demand paths at once.

Rules
-----
1. Stage 0 faces the customers, stage i + 1 feeds stage i, the last one buys from a source that never runs out. State
   is a vector over paths; Python walks over periods and stages only.
2. A period: demand is seen, every stage orders at once (an order needs no time to travel), shipments that left
   `lead_time` periods ago arrive, and each stage ships what it can from the top down. Lead time 0 is the same period.
3. Inventory level is on-hand less backordered, unmet demand waits. A negative demand is a return: it raises the level,
   and never makes an order negative.
4. Cost of a period, at its end: holding on stock, the stage's holding rate on what travels from it to the next stage,
   penalty on backorders.
5. Every period the books must close: level and pipeline equal inventory position, or `ConservationError`.

Source
------
Snyder & Shen (2019), *Fundamentals of Supply Chain Theory*, 2nd ed., ch. 6; sequence of events as in stockpyl 1.0.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, counts, finite, non_negative, same_length
from optimizer.errors import ConservationError

_BLOCK_PATHS = 4096
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class SerialSystem:
    """Stages from the customer upwards, shape ``(stages,)`` throughout.

    Parameters
    ----------
    base_stock_level
        Local order-up-to level of the inventory position, units, of either sign.
    lead_time
        Periods from shipment to receipt.
    holding_cost, penalty
        Money per unit and period; penalty on a stage's own backorders.
    opening_level
        Inventory level before the first period, of either sign; what a stage is short of then, it owes to the one
        below. Empty starts at the base-stock level.
    """

    base_stock_level: FloatArray
    lead_time: IntArray
    holding_cost: FloatArray
    penalty: FloatArray
    opening_level: FloatArray = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        checked: dict[str, FloatArray | IntArray] = {
            "base_stock_level": finite("base_stock_level", self.base_stock_level),
            "lead_time": counts("lead_time", self.lead_time),
            "holding_cost": non_negative("holding_cost", self.holding_cost),
            "penalty": non_negative("penalty", self.penalty),
        }
        opening = self.opening_level if np.size(self.opening_level) else self.base_stock_level
        checked["opening_level"] = finite("opening_level", opening)
        if same_length(**checked) == 0 or any(array.ndim != 1 for array in checked.values()):
            raise ValueError("base_stock_level must have shape (stages,) with at least one stage")
        for name, array in checked.items():
            object.__setattr__(self, name, array)


@dataclass(frozen=True)
class SerialOutcome:
    """What a run cost and did, per path.

    Parameters
    ----------
    total_cost
        Shape ``(paths,)``, money over all periods and stages.
    holding_cost, in_transit_cost, penalty_cost
        Shape ``(stages, paths)``, its parts.
    closing_level
        Shape ``(stages, paths)``, inventory level after the last period.
    """

    total_cost: FloatArray
    holding_cost: FloatArray
    in_transit_cost: FloatArray
    penalty_cost: FloatArray
    closing_level: FloatArray


def simulate_serial(system: SerialSystem, demand: ArrayLike) -> SerialOutcome:
    """Play demand paths through stages in series.

    Parameters
    ----------
    demand
        Shape ``(periods, paths)``, customer demand, units, of either sign.

    Raises
    ------
    ValueError
        If demand is not finite or has no period or path.
    ConservationError
        If the books of a period do not close.
    """
    table = finite("demand", demand)
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(f"demand must have shape (periods, paths), both at least 1, got {table.shape}")
    stages, paths = len(system.lead_time), table.shape[1]
    parts = [np.empty((stages, paths)) for _ in range(4)]
    for start in range(0, paths, _BLOCK_PATHS):
        block = slice(start, start + _BLOCK_PATHS)
        for whole_array, part in zip(parts, _play(system, np.ascontiguousarray(table[:, block])), strict=True):
            whole_array[:, block] = part
    level_days, short_days, transit_days, closing = parts
    holding = system.holding_cost[:, None] * (level_days + short_days)
    transit = np.zeros_like(holding)
    transit[1:] = system.holding_cost[1:, None] * transit_days[:-1]
    penalty = system.penalty[:, None] * short_days
    return SerialOutcome((holding + transit + penalty).sum(axis=0), holding, transit, penalty, closing)


class _Stage:
    """One stage of a block of paths; all arrays are reused from period to period."""

    def __init__(self, base: float, lead: int, opening: float, paths: int) -> None:
        self.base, self.lead = base, lead
        self.level = np.full(paths, opening)
        self.below = np.minimum(self.level, 0.0)
        self.position = self.level.copy()
        self.order = np.zeros(paths)
        self.pipeline = np.zeros((lead + 1, paths))
        self.in_transit = np.zeros(paths)
        self.due = np.zeros(paths)
        self.level_days, self.below_days, self.transit_days = (np.zeros(paths) for _ in range(3))

    def order_for(self, inbound: FloatArray) -> FloatArray:
        """Order up to the base-stock level after an inbound order; `due` is what the stage still waits for."""
        np.subtract(self.position, inbound, out=self.position)
        np.subtract(self.base, self.position, out=self.order)
        np.maximum(self.order, 0.0, out=self.order)
        np.add(self.position, self.order, out=self.position)
        return self.order

    def ship(self, arrived: FloatArray, inbound: FloatArray, sent: FloatArray) -> None:
        """Take in what arrived and write what leaves to `sent`: the order and old backorders, less the new ones."""
        np.subtract(inbound, self.below, out=sent)
        np.add(self.level, arrived, out=self.level)
        np.subtract(self.level, inbound, out=self.level)
        np.minimum(self.level, 0.0, out=self.below)
        np.add(sent, self.below, out=sent)
        self.level_days += self.level
        self.below_days += self.below

    def arrive(self, period: int, shipped: FloatArray) -> FloatArray:
        """Put a shipment in the pipeline and hand out the one that left `lead` periods ago."""
        slot = period % (self.lead + 1)
        np.copyto(self.pipeline[slot], shipped)
        arrived: FloatArray = self.pipeline[(period + 1) % (self.lead + 1)]
        if self.lead:
            np.add(self.in_transit, shipped, out=self.in_transit)
            np.subtract(self.in_transit, arrived, out=self.in_transit)
            self.transit_days += self.in_transit
        return arrived


def _play(system: SerialSystem, demand: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Sums over periods of level, backorders and inbound transit, and the closing level, each ``(stages, paths)``."""
    paths = demand.shape[1]
    stages = [
        _Stage(float(base), int(lead), float(opening), paths)
        for base, lead, opening in zip(system.base_stock_level, system.lead_time, system.opening_level, strict=True)
    ]
    for stage, above in pairwise(stages):
        # What the stage above is short of at the start, it owes to this one.
        stage.position -= above.below
    sent, scratch = np.empty(paths), np.empty(paths)
    scale = 1.0 + float(np.abs(demand).max()) + float(np.abs(system.base_stock_level).max())
    for period, customers in enumerate(demand):
        inbound = customers
        for stage in stages:
            inbound = stage.order_for(inbound)
        # What is ordered of a source that never runs out leaves at once.
        np.copyto(sent, inbound)
        for number in range(len(stages) - 1, -1, -1):
            stage = stages[number]
            arrived = stage.arrive(period, sent)
            stage.ship(arrived, stages[number - 1].order if number else customers, sent)
        _check_books(stages, period, scale, scratch)
    return (
        np.stack([stage.level_days for stage in stages]),
        np.stack([-stage.below_days for stage in stages]),
        np.stack([stage.transit_days for stage in stages]),
        np.stack([stage.level for stage in stages]),
    )


def _check_books(stages: list[_Stage], period: int, scale: float, scratch: FloatArray) -> None:
    """Position = level + in transit + what the stage above still owes, stage by stage, summed over the paths."""
    for number, stage in enumerate(stages):
        np.subtract(stage.position, stage.level, out=scratch)
        np.subtract(scratch, stage.in_transit, out=scratch)
        if number + 1 < len(stages):
            np.add(scratch, stages[number + 1].below, out=scratch)
        if not max(float(scratch.max()), -float(scratch.min())) <= _TOLERANCE * scale * (period + 1.0):
            path = int(np.argmax(np.abs(scratch)))
            raise ConservationError(
                f"period {period}, stage {number}, path {path}: position {stage.position[path]} is not level "
                f"{stage.level[path]} plus what is under way, off by {scratch[path]}"
            )
