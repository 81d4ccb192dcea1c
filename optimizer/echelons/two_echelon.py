"""Best stock levels of a depot and its bases: searched with two moments, confirmed with the exact law.

Rules
-----
1. For each depot level every base takes its own best level by marginal analysis under VARI-METRIC; the depot levels
   are enumerated, because the total need not be convex in them.
   Levels at which a unit more cannot pay under any law are left out.
2. The winner and its neighbors one unit below and above are then priced exactly, each with its exact best base
   levels, and the cheapest of the three is the answer. Whether the search's own winner stood is told.
3. Ties go to the lower depot level.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, xlogy

from optimizer.arguments import BoolArray, FloatArray, IntArray
from optimizer.echelons.backorder_moments import backorder_moments
from optimizer.echelons.base_levels import BaseLevels, levels_of_law, levels_of_pipeline
from optimizer.echelons.depot_and_bases import DepotAndBases, backorder_shares, pipeline
from optimizer.echelons.shapes import positive, refuse, spread
from optimizer.laws.count_search import smallest_count
from optimizer.laws.loss import poisson_survival

_CELLS = 1 << 16
_LEAST_TAIL = 1e-11


@dataclass(frozen=True)
class TwoEchelonStock:
    """Best levels and what they cost per period, by the exact law.

    Parameters
    ----------
    depot_stock, base_stock
        Whole units, ``(items,)`` and ``(items, bases)``.
    holding_at_depot, holding_at_bases, backorders
        Parts of the cost, money per period, ``(items,)``.
    cost
        Their sum.
    searched_cost
        Cost of its own best plan as VARI-METRIC sees it, ``(items,)``.
    confirmed
        Whether the exact law kept the depot level of the search, ``(items,)``.
    """

    depot_stock: FloatArray
    base_stock: FloatArray
    holding_at_depot: FloatArray
    holding_at_bases: FloatArray
    backorders: FloatArray
    cost: FloatArray
    searched_cost: FloatArray
    confirmed: BoolArray


def two_echelon_stock(
    network: DepotAndBases, depot_holding_cost: ArrayLike, base_holding_cost: ArrayLike, backorder_cost: ArrayLike
) -> TwoEchelonStock:
    """Depot and base levels of least holding and backorder cost per period.

    Parameters
    ----------
    network
        Demand and times.
    depot_holding_cost
        A number or ``(items,)``, money per unit on hand and period, > 0.
    base_holding_cost, backorder_cost
        A number or ``(items, bases)``, money per unit on hand, or owed to a customer, and period, > 0.

    Raises
    ------
    ValueError
        If a cost is not positive or of another shape, or a backorder costs over 1e11 times what a unit on hand does.

    Source
    ------
    Sherbrooke (1986), *VARI-METRIC: improved approximations for multi-indenture, multi-echelon availability models*,
    Operations Research 34(2).

    Examples
    --------
    >>> pair = DepotAndBases(np.array([[0.1, 0.1]]), np.array([[2.0, 2.0]]), np.array([14.0]))
    >>> best = two_echelon_stock(pair, 1.0, 1.0, 20.0)
    >>> best.depot_stock, best.base_stock, best.cost.round(4)
    (array([3.]), array([[2., 2.]]), array([5.2312]))
    """
    shape = network.demand_rate.shape
    at_depot = spread("depot_holding_cost", depot_holding_cost, shape[:1], positive)
    at_base = spread("base_holding_cost", base_holding_cost, shape, positive)
    owed = spread("backorder_cost", backorder_cost, shape, positive)
    tail = at_base / (at_base + owed)
    refuse("backorder_cost", tail < _LEAST_TAIL, owed, f"at most {1.0 / _LEAST_TAIL:g} times the base holding cost")
    mean = network.depot_mean
    # One more unit at the depot spares its bases at most one backorder, and only when the depot is out: where that is
    # rarer than holding is cheap, no level above can be better, whatever the law.
    rarely = at_depot / (at_depot + owed.max(axis=1))
    most = smallest_count(lambda x: poisson_survival(x, mean) <= rarely, mean)
    parts = [np.zeros(shape[0]) for _ in range(6)]
    depot, at_depots, at_bases, backorders, searched, first = parts
    levels = np.zeros(shape)
    for items in _blocks(most, shape[1]):
        part = _Items(network, items, at_depot[items], at_base[items], owed[items], tail[items])
        first[items], searched[items] = part.search(most[items])
        answer = part.confirm(first[items], most[items])
        depot[items], levels[items], at_depots[items], at_bases[items], backorders[items] = answer
    return TwoEchelonStock(
        depot_stock=depot,
        base_stock=levels,
        holding_at_depot=at_depots,
        holding_at_bases=at_bases,
        backorders=backorders,
        cost=at_depots + at_bases + backorders,
        searched_cost=searched,
        confirmed=depot == first,
    )


def _blocks(most: FloatArray, bases: int) -> list[IntArray]:
    """Positions of items of like size, about `_CELLS` (depot level, base) cells a block."""
    rising = np.argsort(most, kind="stable")
    blocks, start = [], 0
    while start < len(rising):
        size = max(1, int(_CELLS / ((most[rising[start]] + 1.0) * bases)))
        blocks.append(rising[start : start + size])
        start += size
    return blocks


class _Items:
    """A block of items: network and costs, sums over bases taken base by base so that blocks do not touch digits."""

    def __init__(
        self,
        network: DepotAndBases,
        items: IntArray,
        at_depot: FloatArray,
        at_base: FloatArray,
        owed: FloatArray,
        tail: FloatArray,
    ) -> None:
        self.mean, self.share = network.depot_mean[items], network.share[items]
        self.lane = network.lane_mean[items]
        self.at_depot, self.at_base, self.owed, self.tail = at_depot, at_base, owed, tail

    def search(self, most: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Best depot level and its cost under VARI-METRIC; arrays inside are (item, depot level, base)."""
        level = np.broadcast_to(np.arange(most.max() + 1.0), (len(most), int(most.max()) + 1))
        mean = np.broadcast_to(self.mean[:, None], level.shape)
        depot = backorder_moments(level, mean, mean, "count")
        expected, variance = depot.expected[:, :, None], depot.variance[:, :, None]
        waiting = pipeline(self.share[:, None], self.lane[:, None], expected, variance)
        tail = np.broadcast_to(self.tail[:, None], waiting.mean.shape)
        best = levels_of_pipeline(waiting.mean, waiting.variance, tail)
        holding, owed = self._at_bases(best, waiting.mean)
        cost = self.at_depot[:, None] * (level - mean + depot.expected) + holding + owed
        cost = np.where(level <= most[:, None], cost, np.inf)
        least = cost.min(axis=1)
        chosen = (cost <= least[:, None] * (1.0 + 1e-9)).argmax(axis=1)
        return chosen.astype(np.float64), least

    def confirm(self, first: FloatArray, most: FloatArray) -> tuple[FloatArray, ...]:
        """The cheapest of three depot levels by the exact law: levels, and the three parts of the cost."""
        tried = np.clip(first[:, None] + np.array([-1.0, 0.0, 1.0]), 0.0, np.maximum(most, 0.0)[:, None])
        mean = np.broadcast_to(self.mean[:, None], tried.shape)
        depot = backorder_moments(tried, mean, mean, "count")
        best, pipelines = self._exact(tried, depot.expected)
        at_bases, owed = self._at_bases(best, pipelines)
        at_depot = self.at_depot[:, None] * (tried - mean + depot.expected)
        cost = at_depot + at_bases + owed
        chosen = (cost <= cost.min(axis=1)[:, None] * (1.0 + 1e-9)).argmax(axis=1)
        row = np.arange(len(first))
        return tuple(part[row, chosen] for part in (tried, best.level, at_depot, at_bases, owed))

    def _exact(self, tried: FloatArray, expected: FloatArray) -> tuple[BaseLevels, FloatArray]:
        """Exact best base levels (item, tried, base) and mean pipelines."""
        share = np.broadcast_to(self.share[:, None], (*tried.shape, self.share.shape[1]))
        lane = np.broadcast_to(self.lane[:, None], share.shape)
        mean = lane + share * expected[:, :, None]
        tail = np.broadcast_to(self.tail[:, None], share.shape)
        depot = np.broadcast_to(self.mean[:, None, None], share.shape)
        length = int((mean + 6.0 * np.sqrt(mean)).max()) + 4
        while True:
            law = _convolved(backorder_shares(depot, tried[:, :, None], share, length), lane, length)
            best = levels_of_law(law, mean, tail)
            if best.level.max() < length:
                return best, mean
            length *= 2

    def _at_bases(self, best: BaseLevels, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Holding and backorder cost of all bases (item, ...)."""
        on_hand = self.at_base[:, None] * (best.level - mean + best.expected_backorders)
        owed = self.owed[:, None] * best.expected_backorders
        return (
            np.asarray(np.add.accumulate(on_hand, axis=2)[:, :, -1]),
            np.asarray(np.add.accumulate(owed, axis=2)[:, :, -1]),
        )


def _convolved(owed: FloatArray, lane: FloatArray, length: int) -> FloatArray:
    """Law of the depot's debt plus what is on the lane, on units 0 to `length` - 1."""
    units = np.arange(float(length)).reshape(-1, *([1] * lane.ndim))
    moving = np.exp(xlogy(units, lane) - lane - gammaln(units + 1.0))
    law = np.zeros(moving.shape)
    for debt, mass in enumerate(owed):
        law[debt:] += mass * moving[: length - debt]
    return law
