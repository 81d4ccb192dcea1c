"""Lane prices: shared capacity sold to the items at prices that are moved until supply meets demand.

Rules
-----
1. Each round asks every item for its best plan at the prices (`alone`), which also bounds every plan from above.
2. Prices move against the excess of each group, measured as a share of its capacity, with a part of the last move
   kept; the step aims at the best plan found so far (Polyak) and shortens when the bound stalls. Rounds are counted,
   never timed: the same problem gives the same prices.
3. Every few rounds the plan at the prices is repaired to whole lots within capacity. The best repaired plan wins.

Source
------
Held, Wolfe & Crowder (1974), "Validation of subgradient optimization", Mathematical Programming 6.
"""

from dataclasses import dataclass

import numpy as np

from optimizer.arguments import FloatArray, IntArray
from optimizer.transfers.alone import AloneItems
from optimizer.transfers.groups import group_load
from optimizer.transfers.problem import TransferProblem
from optimizer.transfers.repair import repaired
from optimizer.transfers.value import plan_value

_ROUNDS = 60
_REPAIR_EVERY = 5
_KEPT = 0.5
_PATIENCE = 2
_SHORTER = 0.6
_CLOSE_ENOUGH = 1e-3


@dataclass(frozen=True)
class PricedPlan:
    """A feasible plan ``(lanes,)``, its value, the least bound found and the prices ``(groups,)`` that gave it."""

    units: IntArray
    value: float
    bound: float
    price: FloatArray
    rounds: int


def priced_plan(problem: TransferProblem, alone: AloneItems, start: FloatArray, *, rounds: int = _ROUNDS) -> PricedPlan:
    """Plan and bound by lane prices, beginning with the prices `start` ``(groups,)``."""
    limited = np.isfinite(problem.group_capacity) & (problem.group_capacity > 0.0)
    capacity = problem.group_capacity[limited]
    price = best_price = np.where(limited, start, 0.0)
    answer = alone.best(price)
    bound = answer.bound
    units = _better(problem, alone, np.zeros(problem.lanes, dtype=np.int64), answer.units)
    value, move, length, stalled, done = plan_value(problem, units), np.zeros(len(capacity)), 1.0, 0, 0
    for done in range(1, rounds + 1):
        excess = group_load(problem, answer.units)[limited] / capacity - 1.0
        # A group with room whose price is zero already has nothing to say.
        excess = np.where((price[limited] == 0.0) & (excess < 0.0), 0.0, excess)
        move = excess + _KEPT * move
        size = float(move @ move)
        if bound - value <= _CLOSE_ENOUGH * 0.5 * bound or size <= 0.0:
            break
        step = length * max(answer.bound - value, _CLOSE_ENOUGH * bound) / size
        price = np.zeros(problem.groups)
        price[limited] = np.maximum(best_price[limited] * capacity + step * move, 0.0) / capacity
        answer = alone.best(price)
        if answer.bound < bound * (1.0 - 1e-6):
            stalled = 0
        else:
            stalled += 1
        if answer.bound < bound:
            bound, best_price = answer.bound, price
        if stalled >= _PATIENCE:
            length, stalled = length * _SHORTER, 0
        if done % _REPAIR_EVERY == 0 or done == rounds:
            units = _better(problem, alone, units, answer.units)
            value = plan_value(problem, units)
    return PricedPlan(units, value, max(bound, value), best_price, done)


def _better(problem: TransferProblem, alone: AloneItems, units: IntArray, asked: IntArray) -> IntArray:
    """The better of a plan and what the items asked for, repaired."""
    other = repaired(problem, alone.items, asked)
    return other if plan_value(problem, other) > plan_value(problem, units) else units
