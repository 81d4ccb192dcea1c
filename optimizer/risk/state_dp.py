"""Exact stockout risk of flagged series: the distribution of stock, day by day, over every set of received orders.

Rules
-----
1. State of a series: which of its uncertain orders have arrived, and the stock. Orders arrive independently of each
   other (unless a shared delay is given) and of demand; an order with a certain day changes no set.
2. `lost`: demand not met at once is lost. `backorder`: it is owed and served by the next receipt.
3. Out on a day: some unit of it is lost, or owed when its demand has been served. Until the first such day the two
   rules are one, so ever-out is the same under both. Stock below zero at the start is owed under both.
4. Whole units under the counting law: exact, up to 1e-12 of probability. Other laws run on a lattice of `cells` steps
   per series and are exact up to about its step.
5. Under backorders the figures of a day follow from demand up to it, whose law has the summed moments of its days:
   exact where the ratio of variance to mean is the same every day.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, same_length, whole
from optimizer.laws.demand_law import DemandLaw, check_law
from optimizer.risk.demand_by_day import DailyDemand, daily_demand
from optimizer.risk.inbound import InboundSchedule, ReceiptOrder, checked_stock, inbound_by_day
from optimizer.risk.lattice import transform_length
from optimizer.risk.order_sets import order_sets
from optimizer.risk.shared_delay import SharedDelay, delay_cases
from optimizer.risk.stock_walk import Grid, rows_alike, walk

Unmet = Literal["lost", "backorder"]
_BLOCK_CELLS = 65_536
_MOST_POINTS = 1e6


@dataclass(frozen=True)
class StockoutRisk:
    """Exact risk by day, shape ``(n, horizon_days)`` throughout.

    Parameters
    ----------
    stockout_probability
        P(out on the day).
    ever_out_probability
        P(out on that day or any before).
    expected_unmet_units
        Units expected to be lost on the day, or owed at its end under backorders.
    """

    stockout_probability: FloatArray
    ever_out_probability: FloatArray
    expected_unmet_units: FloatArray


def exact_stockout_risk(
    on_hand: ArrayLike,
    mean_per_day: ArrayLike,
    sd_per_day: ArrayLike,
    *,
    horizon_days: int,
    known_demand: ArrayLike | None = None,
    inbound: InboundSchedule | None = None,
    law: DemandLaw = "count",
    unmet: Unmet = "lost",
    receipt_order: ReceiptOrder = "before_demand",
    shared_delay: SharedDelay | None = None,
    cells: int = 256,
) -> StockoutRisk:
    """Risk of a stockout by day from the state program; arguments as in `project_stock`, and two more.

    Parameters
    ----------
    unmet
        What becomes of demand that is not met at once.
    cells
        Lattice steps up to the highest stock a series can reach, at least 8; only for laws that do not count.

    Raises
    ------
    ValueError
        If a shape, sign or index is wrong; if a series has more than 6 uncertain orders or, under the counting law,
        units that are not whole or a stock of more than a million units.

    Source
    ------
    Checked against the derived case D1 and against simulation; absorbing-state recursion as in any text on Markov
    chains.
    """
    stock = checked_stock("on_hand", on_hand)
    demand = daily_demand(len(stock), mean_per_day, sd_per_day, known_demand, horizon_days)
    check_law(law)
    if unmet not in ("lost", "backorder"):
        raise ValueError(f"unmet must be 'lost' or 'backorder', got {unmet!r}")
    if cells < 8:
        raise ValueError(f"cells must be at least 8, got {cells}")
    schedule = inbound_by_day(inbound, len(stock), horizon_days, receipt_order)
    if law == "count":
        _check_whole(stock, schedule, demand)
    if shared_delay is None:
        return _exact(stock, demand, schedule, law, unmet, cells)
    same_length(**{"inbound.series": schedule.series, "shared_delay.supplier": shared_delay.supplier})
    cases = delay_cases(schedule, shared_delay, len(stock), receipt_order)
    each = _exact(stock[cases.series], demand.take(cases.series), cases.inbound, law, unmet, cells)
    return StockoutRisk(
        cases.mix(each.stockout_probability),
        cases.mix(each.ever_out_probability),
        cases.mix(each.expected_unmet_units),
    )


def _exact(
    stock: FloatArray, demand: DailyDemand, inbound: InboundSchedule, law: DemandLaw, unmet: Unmet, cells: int
) -> StockoutRisk:
    """Series of equal size and equally many orders are walked together."""
    sets = order_sets(stock, inbound)
    highest = np.maximum(sets.highest(), 0.0)
    step = np.ones(len(stock)) if law == "count" else np.maximum(highest / cells, 1e-9)
    points = np.ceil(highest / step * (1.0 - 1e-12)) + 2.0
    if (points > _MOST_POINTS).any():
        row = int(np.argmax(points))
        raise ValueError(f"on_hand and inbound of series {row} may reach {highest[row]:g} units, over {_MOST_POINTS:g}")
    peak = demand.mean.max(axis=1), demand.variance.max(axis=1)
    width = _size(points)
    length = transform_length(width, *peak, step, law)
    answer = StockoutRisk(*(np.zeros((len(stock), demand.horizon_days)) for _ in range(3)))
    for (orders, room, transform), group in rows_alike(sets.uncertain, width, length):
        block = max(1, _BLOCK_CELLS // (room << orders))
        for start in range(0, len(group), block):
            rows = group[start : start + block]
            grid = Grid(step[rows], room, transform)
            days = walk(sets.take(rows, orders), demand.take(rows), grid, law, lost=unmet == "lost")
            answer.stockout_probability[rows] = np.clip(days.out, 0.0, 1.0)
            answer.ever_out_probability[rows] = np.clip(np.cumsum(days.first_out, axis=1), 0.0, 1.0)
            answer.expected_unmet_units[rows] = np.maximum(days.unmet, 0.0)
    return answer


def _size(least: FloatArray) -> IntArray:
    """Smallest of 16, 24, 32, 48, 64, ... that is large enough: few sizes, all quick to transform."""
    power = 2.0 ** np.ceil(np.log2(np.maximum(least, 16.0)))
    return np.where(0.75 * power >= np.maximum(least, 16.0), 0.75 * power, power).astype(np.int64)


def _check_whole(stock: FloatArray, inbound: InboundSchedule, demand: DailyDemand) -> None:
    whole("on_hand", stock)
    whole("inbound.quantity", inbound.quantity)
    if demand.known is not None:
        whole("known_demand", demand.known)
