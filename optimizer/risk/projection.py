"""Stock by day over a short horizon, in closed form: expected on-hand, probability of a stockout, expected shortage.

Rules
-----
1. Column 0 is today. Receipts of a day come before its demand unless said otherwise; then the figures of a day are
   those at the close of demand, its own receipts not yet booked. Nothing but the dated inbound arrives.
2. Unmet demand is owed, so a figure of a day depends only on demand and supply *up to* that day. "Out on the day" is
   not "ever out by the day" (`ever_out.py`): the first can fall again after a receipt.
3. Demand up to a day follows one law with the means and variances of its days added up; known demand is certain and
   comes on top of it.
4. Arrivals are independent of each other and of demand, unless a shared delay is given. Per series the two most
   uncertain orders are mixed exactly; of the others, mean and variance up to the day are used.
5. Screened, what Chernoff's bound puts below 1e-9 is not computed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, same_length
from optimizer.laws.demand_law import DemandLaw, check_law, exceedance
from optimizer.risk.cells import NEGLIGIBLE, Cells, cells_of
from optimizer.risk.demand_by_day import DailyDemand, daily_demand
from optimizer.risk.inbound import InboundSchedule, ReceiptOrder, checked_stock, inbound_by_day
from optimizer.risk.shared_delay import SharedDelay, delay_cases
from optimizer.risk.supply import Rows, SupplyBlock, SupplyTable, supply_table

__all__ = ["InboundSchedule", "StockProjection", "project_stock"]

_BLOCK_CELLS = 16_384


@dataclass(frozen=True)
class StockProjection:
    """Stock by day, shape ``(n, horizon_days)`` throughout.

    Parameters
    ----------
    expected_on_hand
        Units expected on the shelf at the end of the day.
    stockout_probability
        Probability that demand up to and including the day exceeds supply up to the day.
    expected_short_units
        Units expected to be owed at the end of the day.
    """

    expected_on_hand: FloatArray
    stockout_probability: FloatArray
    expected_short_units: FloatArray

    def first_risky_day(self, threshold: float) -> IntArray:
        """First day on which the stockout probability reaches `threshold` in (0, 1], shape ``(n,)``; -1 if none."""
        if not 0.0 < threshold <= 1.0:
            raise ValueError(f"threshold must be in (0, 1], got {threshold}")
        risky = self.stockout_probability >= threshold
        return np.where(risky.any(axis=1), risky.argmax(axis=1), -1)


def project_stock(
    on_hand: ArrayLike,
    mean_per_day: ArrayLike,
    sd_per_day: ArrayLike,
    *,
    horizon_days: int,
    known_demand: ArrayLike | None = None,
    inbound: InboundSchedule | None = None,
    law: DemandLaw = "gamma",
    receipt_order: ReceiptOrder = "before_demand",
    shared_delay: SharedDelay | None = None,
    screened: bool = True,
) -> StockProjection:
    """Stock of every series by day.

    Parameters
    ----------
    on_hand
        Shape ``(n,)``, units free to be sold; negative when units are already owed.
    mean_per_day, sd_per_day
        Shape ``(n,)``, or ``(n, horizon_days)`` for a forecast by day; units, days independent.
    horizon_days
        Days to project, at least 1.
    known_demand
        Shape ``(n, horizon_days)``, units due on each day on top of the daily law.
    inbound
        Orders that may arrive, with `horizon_days` columns.
    law
        Law of demand, see `demand_law`.
    receipt_order
        Whether receipts of a day can serve its demand.
    shared_delay
        Delays that orders of one supplier have in common; None for independent arrivals.
    screened
        False computes every receipt state of every cell, for checks and benchmarks.

    Raises
    ------
    ValueError
        If a shape, sign or index is wrong.
    """
    stock = checked_stock("on_hand", on_hand)
    demand = daily_demand(len(stock), mean_per_day, sd_per_day, known_demand, horizon_days)
    check_law(law)
    schedule = inbound_by_day(inbound, len(stock), horizon_days, receipt_order)
    if shared_delay is None:
        return project_independent(stock, demand, schedule, law, screened)
    same_length(**{"inbound.series": schedule.series, "shared_delay.supplier": shared_delay.supplier})
    cases = delay_cases(schedule, shared_delay, len(stock), receipt_order)
    each = project_independent(stock[cases.series], demand.take(cases.series), cases.inbound, law, screened)
    return StockProjection(
        cases.mix(each.expected_on_hand),
        np.minimum(cases.mix(each.stockout_probability), 1.0),
        cases.mix(each.expected_short_units),
    )


def project_independent(
    stock: FloatArray, demand: DailyDemand, inbound: InboundSchedule, law: DemandLaw, screened: bool = True
) -> StockProjection:
    """The projection from checked arguments with independent arrivals, block by block."""
    shape = (len(stock), demand.horizon_days)
    answer = StockProjection(np.empty(shape), np.zeros(shape), np.zeros(shape))
    supply = supply_table(stock, inbound)
    alone = supply.alone() if screened else np.zeros(len(stock), np.bool_)
    for lonely in (False, True):
        for rows in _blocks(np.flatnonzero(alone == lonely), demand.horizon_days):
            _fill(answer, rows, supply, demand, law, screened=screened, alone=lonely)
    return answer


def _blocks(rows: IntArray, days: int) -> Iterator[Rows]:
    """The rows in blocks of so many cells that they stay in cache; a slice where nothing lies between them."""
    step = max(1, _BLOCK_CELLS // days)
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        yield slice(int(part[0]), int(part[-1]) + 1) if part[-1] - part[0] == len(part) - 1 else part


def _fill(
    answer: StockProjection,
    rows: Rows,
    supply: SupplyTable,
    demand: DailyDemand,
    law: DemandLaw,
    *,
    screened: bool,
    alone: bool,
) -> None:
    """Fill the rows: one pass per receipt state over the cells worth a calculation."""
    block_of = supply.block_alone if alone else supply.block
    if screened and law != "gamma":
        rows = _may_run_out(answer, rows, block_of(rows, demand), law)
    block = block_of(rows, demand)
    cells = cells_of(block, law, screened=screened)
    out, short = _mixed(cells, law, screened=screened)
    answer.stockout_probability[rows] = cells.spread(np.minimum(out, 1.0, out=out))
    answer.expected_short_units[rows] = short_by_day = cells.spread(short)
    left = block.expected()
    left -= block.mean
    left += short_by_day
    answer.expected_on_hand[rows] = np.maximum(left, 0.0, out=left)


def _mixed(cells: Cells, law: DemandLaw, *, screened: bool) -> tuple[FloatArray, FloatArray]:
    """P(out) and units short of every cell, its receipt states mixed in the memory of the first one's answer."""
    states = cells.tails(law, screened=screened)
    first = next(states)
    out = np.multiply(first.weight, first.exceedance, out=first.exceedance)
    short = np.multiply(first.weight, first.expected_short, out=first.expected_short)
    for state in states:
        out += np.multiply(state.weight, state.exceedance, out=state.exceedance)
        short += np.multiply(state.weight, state.expected_short, out=state.expected_short)
    return out, short


def _may_run_out(answer: StockProjection, rows: Rows, block: SupplyBlock, law: DemandLaw) -> IntArray:
    """The rows that could run out by the horizon without any receipt; plain arithmetic for the others."""
    answer.expected_on_hand[rows] = np.maximum(block.expected() - block.mean, 0.0)
    lowest = (block.level[:, -1], block.mean[:, -1], block.variance[:, -1])
    risky = np.flatnonzero(exceedance(*lowest, law) > NEGLIGIBLE)
    return np.asarray(risky + rows.start if isinstance(rows, slice) else rows[risky])
