"""Bands of projected on-hand by day: the stock that is undercut with a stated probability."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import BoolArray, FloatArray, IntArray, probability
from optimizer.laws.demand_law import DemandLaw, check_law, exceedance
from optimizer.risk.cells import NO_WEIGHT
from optimizer.risk.demand_by_day import daily_demand
from optimizer.risk.inbound import InboundSchedule, ReceiptOrder, checked_stock, inbound_by_day
from optimizer.risk.supply import SupplyBlock, supply_table

_BLOCK_CELLS = 16_384
_STEPS = 30
_EDGE = 1e-9


@dataclass(frozen=True)
class ProjectionBands:
    """Quantiles of on-hand by day.

    Parameters
    ----------
    probability
        Shape ``(bands,)``, as asked for.
    on_hand
        Shape ``(bands, n, horizon_days)``, units on the shelf at the end of the day, never below zero.
    """

    probability: FloatArray
    on_hand: FloatArray


def projection_bands(
    on_hand: ArrayLike,
    mean_per_day: ArrayLike,
    sd_per_day: ArrayLike,
    *,
    horizon_days: int,
    probabilities: ArrayLike = (0.1, 0.5, 0.9),
    known_demand: ArrayLike | None = None,
    inbound: InboundSchedule | None = None,
    law: DemandLaw = "gamma",
    receipt_order: ReceiptOrder = "before_demand",
) -> ProjectionBands:
    """Quantiles of on-hand by day, from the mixture over receipt states that `project_stock` uses.

    The answer is the smallest stock x >= 0 with P(on-hand <= x) >= p, found by bisection to 1e-9 of the largest
    supply; a whole number where the law counts and all supply is whole. Other arguments as in `project_stock`.

    Parameters
    ----------
    probabilities
        Shape ``(bands,)``, in (0, 1).

    Raises
    ------
    ValueError
        If a shape, sign or index is wrong.
    """
    wanted = probability("probabilities", probabilities)
    if wanted.ndim != 1 or not wanted.size:
        raise ValueError(f"probabilities must have shape (bands,) with at least one, got {wanted.shape}")
    stock = checked_stock("on_hand", on_hand)
    demand = daily_demand(len(stock), mean_per_day, sd_per_day, known_demand, horizon_days)
    check_law(law)
    supply = supply_table(stock, inbound_by_day(inbound, len(stock), horizon_days, receipt_order))
    bands = np.empty((len(wanted), len(stock), horizon_days))
    rows_per_block = max(1, _BLOCK_CELLS // horizon_days)
    for start in range(0, len(stock), rows_per_block):
        rows = np.arange(start, min(start + rows_per_block, len(stock)))
        mixture = _Mixture.of(supply.block(rows, demand), law)
        for band, p in enumerate(wanted):
            bands[band, rows] = mixture.quantile(float(p)).reshape(len(rows), horizon_days)
    return ProjectionBands(wanted, bands)


@dataclass(frozen=True)
class _Mixture:
    """Receipt states that have weight, one entry per (cell, state)."""

    cell: IntArray
    weight: FloatArray
    level: FloatArray
    mean: FloatArray
    variance: FloatArray
    law: DemandLaw
    highest: FloatArray
    whole: BoolArray

    @classmethod
    def of(cls, block: SupplyBlock, law: DemandLaw) -> "_Mixture":
        first, second = (arrived.ravel() for arrived in block.arrived)
        units = [np.repeat(quantity, block.level.shape[1]) for quantity in block.quantity]
        level, both = block.level.ravel(), first * second
        weights = np.stack([np.maximum(1.0 - first - second + both, 0.0), second - both, first - both, both])
        levels = np.stack([level, level + units[1], level + units[0], level + units[0] + units[1]])
        used = weights > NO_WEIGHT
        state, cell = np.nonzero(used)
        whole = ((levels == np.rint(levels)) | ~used).all(axis=0) & (law == "count")
        highest = np.maximum(np.where(used, levels, 0.0).max(axis=0), 0.0)
        moments = block.mean.ravel()[cell], block.variance.ravel()[cell]
        return cls(cell, weights[state, cell], levels[state, cell], *moments, law, highest, whole)

    def reached(self, stock: FloatArray, p: float) -> BoolArray:
        """Whether P(on-hand <= stock) >= p, per cell."""
        # Demand of exactly the difference leaves the stock at hand, so a counting law is asked just below it.
        below = self.level - stock[self.cell] - _EDGE * (1.0 + np.abs(self.level))
        tail = exceedance(below, self.mean, self.variance, self.law)
        return np.asarray(np.bincount(self.cell, self.weight * tail, len(stock)) >= p * (1.0 - _EDGE))

    def quantile(self, p: float) -> FloatArray:
        low, high = np.zeros(len(self.highest)), self.highest.copy()
        empty = self.reached(low, p)
        for _ in range(_STEPS):
            middle = 0.5 * (low + high)
            hit = self.reached(middle, p)
            high = np.where(hit, middle, high)
            low = np.where(hit, low, middle)
        high = np.where(self.whole, np.floor(high + 1e-6), high)
        return np.where(empty, 0.0, high)
