"""Shipments that do not pay for themselves are called off: fixed costs of groups shared by all who ride on them.

Rules
-----
1. A plan is given, made with the opening cost of each group spread over its load. One group after the other, the
   least saving per money of its opening first, is closed on trial: its moves are taken back and its riders find their
   best way on what stays. The closing is kept if the plan saves more after all.
2. Sweeps go on until one changes nothing, at most `_SWEEPS`. Closed groups stay closed within a sweep and may open in
   the next when one rider alone pays for them.
3. Two plans are tried: that with opening costs spread, and one made as if opening cost nothing. Once it is known what
   stays open, all items decide again on that alone, where opening is paid for whoever rides.
"""

from dataclasses import replace

import numpy as np

from optimizer.arguments import BoolArray, FloatArray, IntArray
from optimizer.transfers.alone import AloneItems
from optimizer.transfers.groups import groups_used, memberships
from optimizer.transfers.items import Items
from optimizer.transfers.prices import priced_plan
from optimizer.transfers.problem import TransferProblem
from optimizer.transfers.repair import Repair
from optimizer.transfers.touched import sub_problem
from optimizer.transfers.value import plan_value

_SWEEPS = 4
_ROUNDS = 20


def consolidated(problem: TransferProblem, items: Items, units: IntArray) -> IntArray:
    """Units ``(lanes,)`` of a feasible plan that saves no less, from the feasible plan `units`."""
    if not problem.opening_cost.any():
        return units
    every_lane = np.arange(problem.lanes)
    plans = [close_losing_groups(problem, items, start) for start in (units, _as_if_open(problem, every_lane))]
    for plan in list(plans):
        shut = (problem.opening_cost > 0.0) & ~groups_used(problem, plan)
        member = memberships(problem)
        open_lanes = np.setdiff1d(every_lane, member.lane[shut[member.group]])
        plans.append(close_losing_groups(problem, items, _as_if_open(problem, open_lanes)))
    return max([units, *plans], key=lambda plan: plan_value(problem, plan))


def _as_if_open(problem: TransferProblem, lane: IntArray) -> IntArray:
    """Plan by lane prices on some lanes, their groups open for nothing."""
    units = np.zeros(problem.lanes, dtype=np.int64)
    if lane.size:
        part = sub_problem(replace(problem, group_fixed_cost=np.zeros(0)), lane, problem.group_capacity)
        alone = AloneItems(part, Items(part))
        units[lane] = priced_plan(part, alone, np.zeros(problem.groups), rounds=_ROUNDS).units
    return units


def close_losing_groups(problem: TransferProblem, items: Items, units: IntArray) -> IntArray:
    """Units ``(lanes,)`` of a feasible plan that saves no less, from the feasible plan `units`."""
    if not problem.opening_cost.any():
        return units
    value = plan_value(problem, units)
    for _ in range(_SWEEPS):
        before, closed = value, np.zeros(problem.groups, dtype=np.bool_)
        for group in _worst_first(problem, units):
            if not groups_used(problem, units)[group]:
                continue
            closed[group] = True
            other = _without(problem, items, units, group, closed)
            other_value = plan_value(problem, other)
            if other_value > value + 1e-9 * abs(value):
                units, value = other, other_value
            else:
                closed[group] = False
        if value <= before:
            break
    return units


def _worst_first(problem: TransferProblem, units: IntArray) -> list[int]:
    """Groups in use that cost money, by what rides on them per money of opening them."""
    member = memberships(problem)
    load: FloatArray = np.zeros(problem.groups)
    np.add.at(load, member.group, units[member.lane])
    costly = np.flatnonzero((problem.opening_cost > 0.0) & groups_used(problem, units))
    return [int(g) for g in costly[np.lexsort((costly, load[costly] / problem.opening_cost[costly]))]]


def _without(problem: TransferProblem, items: Items, units: IntArray, group: int, closed: BoolArray) -> IntArray:
    """The plan without a group: its riders try again on what stays open."""
    member = memberships(problem)
    lanes = member.lane[member.group == group]
    riders = np.zeros(items.count, dtype=np.bool_)
    riders[items.of_lane[lanes[units[lanes] > 0]]] = True
    kept = units.copy()
    kept[lanes] = 0
    repair = Repair(problem, items, kept, closed)
    repair.fill(riders[items.of_lane])
    repair.empty_losers()
    return repair.units
