"""P(out on any day up to t), bounded in closed form for every series; `state_dp.py` computes it exactly for a few.

"Out on day t" and "ever out by day t" are different questions: a receipt ends a stockout, it does not undo it.

Rules
-----
1. Between receipts the stock only falls. Given the arrival days of the two most uncertain orders, "ever out" is "out
   just before the first receipt, or just before the second, or on day t": at most three events.
2. Upper bound: the three rise with the demand of each day, hence are positively associated, and none of them happens
   with at least the product of the probabilities that each does not.
3. Lower bound: the most likely of the three by their order, and the most likely single day so far.
4. Arrival days are mixed exactly by a recursion over days on the four receipt states. With more than two uncertain
   orders the others enter by two moments, and bounds are approximate. Without receipts both bounds are the exact value.

Source
------
Esary, Proschan & Walkup (1967), Association of random variables, Ann. Math. Statist. 38.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, same_length
from optimizer.laws.demand_law import DemandLaw, check_law
from optimizer.risk.cells import cells_of
from optimizer.risk.demand_by_day import DailyDemand, daily_demand
from optimizer.risk.inbound import InboundSchedule, ReceiptOrder, checked_stock, inbound_by_day
from optimizer.risk.shared_delay import SharedDelay, delay_cases
from optimizer.risk.supply import SupplyBlock, supply_table

_BLOCK_CELLS = 16_384
_NEITHER, _SECOND, _FIRST, _BOTH = range(4)
_RECEIPTS = (0, 1, 1, 2)


@dataclass(frozen=True)
class EverOutBounds:
    """Bounds of P(out on any day up to and including t), shape ``(n, horizon_days)`` each, rising by day.

    Parameters
    ----------
    lower, upper
        The probability lies between them.
    """

    lower: FloatArray
    upper: FloatArray


def ever_out_probability(
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
) -> EverOutBounds:
    """Bounds of the probability of having been out by each day; arguments as in `project_stock`.

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
        return _bounds(stock, demand, schedule, law)
    same_length(**{"inbound.series": schedule.series, "shared_delay.supplier": shared_delay.supplier})
    cases = delay_cases(schedule, shared_delay, len(stock), receipt_order)
    each = _bounds(stock[cases.series], demand.take(cases.series), cases.inbound, law)
    return EverOutBounds(cases.mix(each.lower), np.minimum(cases.mix(each.upper), 1.0))


def _bounds(stock: FloatArray, demand: DailyDemand, inbound: InboundSchedule, law: DemandLaw) -> EverOutBounds:
    shape = (len(stock), demand.horizon_days)
    answer = EverOutBounds(np.empty(shape), np.empty(shape))
    supply = supply_table(stock, inbound)
    rows_per_block = max(1, _BLOCK_CELLS // demand.horizon_days)
    for start in range(0, len(stock), rows_per_block):
        rows = np.arange(start, min(start + rows_per_block, len(stock)))
        block = supply.block(rows, demand)
        cells = cells_of(block, law, screened=True)
        out = np.stack([cells.spread(state.exceedance) for state in cells.tails(law, screened=True)])
        answer.lower[rows], answer.upper[rows] = _recursion(block, np.clip(out, 0.0, 1.0))
    return answer


def _recursion(block: SupplyBlock, out: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lower and upper bound by day from P(out) of each receipt state, shape ``(4, rows, days)``."""
    rows, days = block.level.shape
    hazard = [_hazard(arrived) for arrived in block.arrived]
    mass, unbroken = np.zeros((4, rows)), np.zeros((4, rows))
    mass[_NEITHER] = unbroken[_NEITHER] = 1.0
    ended = np.zeros((3, rows))
    before = np.zeros((4, rows))
    lower, upper = np.empty((rows, days)), np.empty((rows, days))
    for day in range(days):
        moves = _moves(hazard[0][:, day], hazard[1][:, day])
        next_mass, next_unbroken = np.zeros((4, rows)), np.zeros((4, rows))
        for source, target, share in moves:
            leaving = source != target
            next_mass[target] += share * mass[source]
            next_unbroken[target] += share * unbroken[source] * (1.0 - before[source] if leaving else 1.0)
            if leaving:
                ended[_RECEIPTS[source]] += share * mass[source] * before[source]
        mass, unbroken, before = next_mass, next_unbroken, out[:, :, day]
        now = mass * before
        by_receipt = ended + np.stack([now[_NEITHER], now[_SECOND] + now[_FIRST], now[_BOTH]])
        lower[:, day] = np.maximum(by_receipt.max(axis=0), now.sum(axis=0))
        upper[:, day] = 1.0 - (unbroken * (1.0 - before)).sum(axis=0)
    lower = np.minimum(np.maximum.accumulate(lower, axis=1), 1.0)
    upper = np.maximum.accumulate(np.maximum(upper, lower), axis=1)
    return lower, np.minimum(upper, 1.0)


def _hazard(arrived: FloatArray) -> FloatArray:
    """P(arrives on the day | not before), from the probability of having arrived."""
    before = np.concatenate([np.zeros((len(arrived), 1)), arrived[:, :-1]], axis=1)
    waiting = 1.0 - before
    return np.asarray(np.divide(arrived - before, waiting, out=np.zeros_like(arrived), where=waiting > 1e-12))


def _moves(first: FloatArray, second: FloatArray) -> list[tuple[int, int, FloatArray]]:
    """Receipt state before and after the day's arrivals, and the share that goes that way."""
    not_first, not_second = 1.0 - first, 1.0 - second
    return [
        (_NEITHER, _NEITHER, not_first * not_second),
        (_NEITHER, _SECOND, not_first * second),
        (_NEITHER, _FIRST, first * not_second),
        (_NEITHER, _BOTH, first * second),
        (_SECOND, _SECOND, not_first),
        (_SECOND, _BOTH, first),
        (_FIRST, _FIRST, not_second),
        (_FIRST, _BOTH, second),
        (_BOTH, _BOTH, np.ones_like(first)),
    ]
