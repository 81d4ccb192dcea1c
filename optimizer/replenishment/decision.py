"""How much to order now, for every series at once.

Rules
-----
1. Periods are counted from now. The order arrives at the start of period `lead_periods` (0: before the next demand),
   the next one `review_periods` later; this order answers for the periods between, called its cycle.
2. Stock until the arrival is not subtracted as a mean: it is followed period by period as a distribution that stops at
   zero. When demand is lost, less is consumed and more is left than a position would say; when it is backordered, all
   demand until the end of the cycle counts against the position.
3. With costs, the quantity is the smallest at which one more unit saves no more than it costs:
   ``shortage · P(need > Q) <= holding · Σ P(need by period j <= Q) + left_over · P(need <= Q)`` over the periods of the
   cycle. With one period a cycle that is the critical ratio. With a cycle service level it is the smallest with
   ``P(need <= Q)`` at the target. What is left is not lost, the next order is smaller by it; but it cannot be sent back
   when the next target is lower, and `left_over_cost` says what that is worth.
4. Lots: with costs the cheaper of the two neighboring multiples (the lower on a tie), with a target the upper one. A
   minimum order is either reached or not used: with costs whichever is cheaper, with a target always reached. A
   maximum is never exceeded, even when it leaves less than the minimum: then nothing is ordered.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from optimizer.arguments import FloatArray
from optimizer.replenishment.lattice import grid
from optimizer.replenishment.need import Need, cycle_need
from optimizer.replenishment.terms import SERIES_ARRAYS, Limit, ReplenishmentDecision, ReplenishmentInput

_BLOCK = 2048


def decide(given: ReplenishmentInput) -> ReplenishmentDecision:
    """Order quantity of every series, with what is expected of it; rows do not depend on each other.

    Source
    ------
    Myopic policies of lost-sales systems with a lead time: Zipkin (2008), *Operations Research* 56(5); critical ratio:
    Silver, Pyke & Thomas (2017), 4th ed., ch. 9.
    """
    n = len(given.on_hand)
    drift = given.level_cv * given.demand_mean.sum(axis=1)
    sd = np.sqrt(given.demand_variance.sum(axis=1) + drift**2)
    width, cell = grid(given.demand_mean.sum(axis=1), sd, given.law)
    answer = _empty(n, given.lead_periods)
    for cells in np.unique(width):
        rows = np.flatnonzero(width == cells)
        for start in range(0, len(rows), _BLOCK):
            part = rows[start : start + _BLOCK]
            found = _decide(_rows(given, part), cell[part], int(cells))
            for name in (f.name for f in fields(answer)):
                getattr(answer, name)[part] = getattr(found, name)
    return answer


def _empty(n: int, lead: int) -> ReplenishmentDecision:
    return ReplenishmentDecision(
        *(np.zeros(n), np.zeros(n), np.zeros(n, np.int8), np.zeros((n, lead))), *(np.zeros(n) for _ in range(6))
    )


def _rows(given: ReplenishmentInput, part: NDArray[np.int64]) -> ReplenishmentInput:
    target = None if given.cycle_service_level is None else given.cycle_service_level[part]
    return replace(given, **{name: getattr(given, name)[part] for name in SERIES_ARRAYS}, cycle_service_level=target)


def _decide(given: ReplenishmentInput, cell: FloatArray, width: int) -> ReplenishmentDecision:
    need = cycle_need(given, cell, width)
    beyond = np.cumsum((1.0 - need.at_most)[..., ::-1], axis=-1)[..., ::-1] * cell[None, :, None]
    curve = _Curve(need, beyond, cell, given.holding_cost, given.shortage_cost, given.left_over_cost)
    free = need.owed + _unconstrained(given, need.at_most, cell)
    quantity, limit = _constrained(given, curve, free)
    left, short = curve.left(quantity)[-1], curve.short(quantity)[-1]
    return ReplenishmentDecision(
        *(quantity, free, limit, need.projected, need.at_arrival, need.short_before, left, short),
        *(curve.out(quantity), curve.cost(quantity)),
    )


@dataclass(frozen=True)
class _Curve:
    """Expectations of the cycle as functions of the quantity, units."""

    need: Need
    beyond: FloatArray
    cell: FloatArray
    holding: FloatArray
    shortage: FloatArray
    left_over: FloatArray

    def short(self, quantity: FloatArray) -> FloatArray:
        """E[(need - Q)+] by each period of the cycle, ``(review, n)``."""
        width = self.beyond.shape[-1]
        place = np.maximum(quantity - self.need.owed, 0.0) / self.cell
        low = np.minimum(np.floor(place + 1e-9), width - 1.0)
        i = low.astype(np.int64)[None, :, None]
        here = np.take_along_axis(self.beyond, i, axis=-1)[..., 0]
        slope = 1.0 - np.take_along_axis(self.need.at_most, i, axis=-1)[..., 0]
        met = np.maximum(here - slope * np.minimum(place - low, 1.0) * self.cell, 0.0)
        return np.asarray(met + np.maximum(self.need.owed - quantity, 0.0))

    def left(self, quantity: FloatArray) -> FloatArray:
        """E[(Q - need)+] by each period of the cycle."""
        return np.maximum(quantity - self.need.mean + self.short(quantity), 0.0)

    def out(self, quantity: FloatArray) -> FloatArray:
        """P(need of the whole cycle > Q)."""
        spare = quantity - self.need.owed
        place = np.minimum(np.floor(np.maximum(spare, 0.0) / self.cell + 1e-9), self.beyond.shape[-1] - 1.0)
        out = 1.0 - self.need.at_most[-1][np.arange(len(place)), place.astype(np.int64)]
        return np.where(spare < -1e-9 * self.need.owed, 1.0, out)

    def cost(self, quantity: FloatArray) -> FloatArray:
        """Money."""
        left = self.left(quantity)
        held = self.holding * left.sum(axis=0) + self.left_over * left[-1]
        return np.asarray(held + self.shortage * self.short(quantity)[-1])


def _unconstrained(given: ReplenishmentInput, at_most: FloatArray, cell: FloatArray) -> FloatArray:
    if given.cycle_service_level is not None:
        gap = given.cycle_service_level[:, None] - at_most[-1]
        slack = given.cycle_service_level * 1e-9
    else:
        holding, shortage = given.holding_cost[:, None], given.shortage_cost[:, None]
        gap = (
            shortage * (1.0 - at_most[-1]) - holding * at_most.sum(axis=0) - given.left_over_cost[:, None] * at_most[-1]
        )
        slack = given.shortage_cost * 1e-9
    reached = gap <= slack[:, None]
    reached[:, -1] = True
    first = np.argmax(reached, axis=1)
    rows = np.arange(len(cell))
    before, here = gap[rows, np.maximum(first - 1, 0)], gap[rows, first]
    # On a grid of whole units the first cell is the answer; on a coarser one the crossing lies inside the cell.
    coarse = (first > 0) & ((cell != 1.0) | (given.law == "gamma")) & (before > here)
    back = np.where(coarse, np.clip(here / np.where(coarse, here - before, 1.0), 0.0, 1.0), 0.0)
    # The mass of a coarse cell reaches half a cell beyond its place.
    return np.asarray((first - back + 0.5 * coarse) * cell)


def _constrained(given: ReplenishmentInput, curve: _Curve, free: FloatArray) -> tuple[FloatArray, NDArray[np.int8]]:
    """Quantity under lots, minimum and maximum, and the last of them that changed it."""
    lot = given.order_multiple
    some = lot > 0.0
    size = np.where(some, lot, 1.0)
    up = np.where(some, np.ceil(free / size * (1.0 - 1e-9)) * size, free)
    down = np.where(some, np.maximum(up - size, 0.0), free)
    least = np.where(some, np.ceil(given.minimum_order / size * (1.0 - 1e-9)) * size, given.minimum_order)
    most = np.where(some, np.floor(given.maximum_order / size * (1.0 + 1e-9)) * size, given.maximum_order)
    quantity = up
    if given.cycle_service_level is None:
        quantity = np.where(some & (curve.cost(down) <= curve.cost(up) * (1.0 + 1e-12)), down, up)
    limit = np.where(np.abs(quantity - free) > 1e-9 * np.maximum(free, 1.0), Limit.MULTIPLE, Limit.NONE)
    raised = (free > 0.0) & (quantity < least)
    if given.cycle_service_level is None:
        reach = curve.cost(least) < curve.cost(np.zeros_like(least))
    else:
        reach = np.ones(len(free), dtype=bool)
    quantity = np.where(raised, np.where(reach, least, 0.0), quantity)
    limit = np.where(raised, Limit.MINIMUM, limit)
    capped = quantity > most
    quantity = np.where(capped, np.where(most >= least, most, 0.0), quantity)
    return quantity, np.where(capped, Limit.MAXIMUM, limit).astype(np.int8)
