"""The day a stockout becomes likely, for a sweep: found by bisection instead of from the whole grid.

Rules
-----
1. Without receipts the risk never falls from one day to the next and is never below the risk with receipts. The first
   day it reaches the threshold is found by bisection; no earlier day can be the answer.
2. From that day on the receipt states that have weight are mixed, day by day, until the risk reaches the threshold.
3. Where rule 1 is not certain (a forecast by day, more than two open orders), the grid of `project_stock` is read.
"""

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray
from optimizer.laws.demand_law import DemandLaw, check_law, exceedance
from optimizer.risk.cells import NO_WEIGHT
from optimizer.risk.demand_by_day import DailyDemand, daily_demand
from optimizer.risk.inbound import InboundSchedule, ReceiptOrder, checked_stock, inbound_by_day
from optimizer.risk.projection import project_independent
from optimizer.risk.supply import SupplyTable, supply_table

_BLOCK_ROWS = 4096


def first_risky_day(
    on_hand: ArrayLike,
    mean_per_day: ArrayLike,
    sd_per_day: ArrayLike,
    threshold: float,
    *,
    horizon_days: int,
    known_demand: ArrayLike | None = None,
    inbound: InboundSchedule | None = None,
    law: DemandLaw = "gamma",
    receipt_order: ReceiptOrder = "before_demand",
) -> IntArray:
    """First day on which P(out on the day) reaches `threshold` in (0, 1), shape ``(n,)``; -1 if none.

    As ``project_stock(...).first_risky_day(threshold)``, with arguments as there, several times faster.

    Raises
    ------
    ValueError
        If a shape, sign or index is wrong.
    """
    if not 0.0 < threshold < 1.0:
        raise ValueError(f"threshold must be in (0, 1), got {threshold}")
    stock = checked_stock("on_hand", on_hand)
    demand = daily_demand(len(stock), mean_per_day, sd_per_day, known_demand, horizon_days)
    check_law(law)
    schedule = inbound_by_day(inbound, len(stock), horizon_days, receipt_order)
    if not demand.same_every_day:
        return project_independent(stock, demand, schedule, law).first_risky_day(threshold)
    supply = supply_table(stock, schedule)
    day = np.full(len(stock), -1)
    for start in range(0, len(stock), _BLOCK_ROWS):
        rows = np.arange(start, min(start + _BLOCK_ROWS, len(stock)))
        day[rows] = _search(_Curve(supply, demand, rows, law), threshold)
    crowded = np.flatnonzero(supply.rest >= 0)
    if crowded.size:
        sub = schedule.of_series(crowded, len(stock))
        day[crowded] = project_independent(stock[crowded], demand.take(crowded), sub, law).first_risky_day(threshold)
    return day


class _Curve:
    """Risk of some series on any of their days."""

    def __init__(self, supply: SupplyTable, demand: DailyDemand, rows: IntArray, law: DemandLaw) -> None:
        self.rows, self.law, self.days = rows, law, demand.horizon_days
        self._supply = supply
        self._mean, self._variance = demand.mean[rows, 0], demand.variance[rows, 0]
        self._stock = supply.on_hand[rows]
        self._known = None if demand.known is None else demand.known_until(rows)
        self._orders: tuple[tuple[FloatArray, FloatArray], ...] = ()

    def without_receipts(self, at: IntArray, day: IntArray) -> FloatArray:
        """P(out on the day) of the series at positions `at` if nothing arrives."""
        return exceedance(self._level(at, day), *self._moments(at, day), self.law)

    def with_receipts(self, at: IntArray, day: IntArray) -> FloatArray:
        """P(out on the day), the receipt states mixed."""
        level, (mean, variance) = self._level(at, day), self._moments(at, day)
        (first, first_units), (second, second_units) = self._arrivals(at, day)
        both = first * second
        risk = np.zeros(len(at))
        for weight, units in (
            (np.maximum(1.0 - first - second + both, 0.0), np.zeros(len(at))),
            (second - both, second_units),
            (first - both, first_units),
            (both, first_units + second_units),
        ):
            some = np.flatnonzero(weight > NO_WEIGHT)
            tail = exceedance(level[some] + units[some], mean[some], variance[some], self.law)
            risk[some] += weight[some] * tail
        return risk

    def _level(self, at: IntArray, day: IntArray) -> FloatArray:
        if self._known is None:
            return self._stock[at]
        return np.asarray(self._stock[at] - np.asarray(self._known)[at, day])

    def _moments(self, at: IntArray, day: IntArray) -> tuple[FloatArray, FloatArray]:
        return self._mean[at] * (day + 1.0), self._variance[at] * (day + 1.0)

    def _arrivals(self, at: IntArray, day: IntArray) -> list[tuple[FloatArray, FloatArray]]:
        if not self._orders:
            self._orders = self._supply.orders_of(self.rows)
        return [(arrived[at, day], units[at]) for arrived, units in self._orders]


def _search(curve: _Curve, threshold: float) -> IntArray:
    """Bisection without receipts, then day by day with them."""
    every = np.arange(len(curve.rows))
    at = every[curve.without_receipts(every, np.full(len(every), curve.days - 1)) >= threshold]
    low, high = np.full(len(at), -1), np.full(len(at), curve.days - 1)
    while (wide := np.flatnonzero(high - low > 1)).size:
        middle = (low[wide] + high[wide]) // 2
        reached = curve.without_receipts(at[wide], middle) >= threshold
        high[wide] = np.where(reached, middle, high[wide])
        low[wide] = np.where(reached, low[wide], middle)
    answer = np.full(len(every), -1)
    day = high
    while at.size:
        reached = curve.with_receipts(at, day) >= threshold
        answer[at[reached]] = day[reached]
        open_ = ~reached & (day + 1 < curve.days)
        at, day = at[open_], day[open_] + 1
    return answer
