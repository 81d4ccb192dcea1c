"""The relaxation of chosen items over the capacity left to them, as a linear program with prices of the groups.

Variables, in this order: lots per lane, lots in each piece of each need, lots in each piece of each donor. Fixed costs
are spread over the most a lane or group could carry, which never overstates them: the maximum is a bound. What a need
can take in and what lies above a donor's floor are the lengths of their pieces, so that rows are needs, donors and
groups only.
"""

from dataclasses import dataclass

import numpy as np

from optimizer.arguments import FloatArray, IntArray
from optimizer.transfers.groups import lots_that_fit, memberships
from optimizer.transfers.items import Items
from optimizer.transfers.problem import TransferProblem


@dataclass(frozen=True)
class Relaxation:
    """Minimise `cost` @ x with A x <= `row_high` (the last `equal_rows` rows: = instead), 0 <= x <= `upper`.

    A is given by coordinates. The first ``len(lane)`` variables are lots of `lane`; the last rows before the equal ones
    are those of `group`. Minus `scale` times the minimum is the money saved.
    """

    cost: FloatArray
    upper: FloatArray
    row: IntArray
    column: IntArray
    value: FloatArray
    row_high: FloatArray
    equal_rows: int
    scale: float
    lane: IntArray
    group: IntArray
    group_row: IntArray


def most_units(problem: TransferProblem, room: FloatArray) -> IntArray:
    """Units each lane ``(lanes,)`` could carry alone, whole lots, within the room of its groups."""
    units = np.minimum(problem.donor_available[problem.lane_donor], problem.need_capacity[problem.lane_need])
    lots = np.minimum(units // problem.lane_lot, lots_that_fit(problem, room))
    return lots.astype(np.int64) * problem.lane_lot


def group_most(problem: TransferProblem, most: IntArray) -> FloatArray:
    """Capacity of each group ``(groups,)`` that could be used at all: its own, or what its lanes could bring.

    What its lanes could bring is counted by lanes, by donors and by needs; the least of the three holds.
    """
    member = memberships(problem)
    load = member.load_per_unit * most[member.lane]
    ways = [_sum_by(member.group, load, problem.groups)]
    for end, limit in ((problem.lane_donor, problem.donor_available), (problem.lane_need, problem.need_capacity)):
        # One end of all its lanes in a group sends no more than it has, at the heaviest of their loads.
        place = end[member.lane]
        key, at = np.unique(member.group * np.int64(len(limit)) + place, return_inverse=True)
        heaviest = np.zeros(len(key))
        np.maximum.at(heaviest, at, member.load_per_unit)
        brought = np.minimum(_sum_by(at, load, len(key)), heaviest * limit[key % max(len(limit), 1)])
        ways.append(_sum_by(key // max(len(limit), 1), brought, problem.groups))
    return np.minimum(problem.group_capacity, np.minimum(np.minimum(ways[0], ways[1]), ways[2]))


def spread_cost(problem: TransferProblem, room: FloatArray) -> FloatArray:
    """Cost per unit of each lane ``(lanes,)`` with all fixed costs spread as thinly as possible."""
    most = most_units(problem, room)
    cost = problem.lane_unit_cost + problem.lane_fixed_cost / np.maximum(most, 1)
    if problem.group_fixed_cost.size:
        member, reach = memberships(problem), group_most(problem, most)
        rate = np.divide(problem.opening_cost, reach, out=np.zeros(problem.groups), where=reach > 0.0)
        # A group used twice by a lane, or without load, is spread over nothing.
        np.add.at(cost, member.lane, rate[member.group] * member.load_per_unit)
    return np.where(most > 0, cost, np.inf)


def relaxation(problem: TransferProblem, items: Items, touched: IntArray, room: FloatArray) -> Relaxation:
    """Relaxation for the items `touched`, with `room` ``(groups,)`` of the groups left to them."""
    inside = np.zeros(items.count + 1, dtype=np.bool_)
    inside[touched] = True
    cost = spread_cost(problem, room)
    lane = np.flatnonzero(inside[items.of_lane] & np.isfinite(cost))
    need, donor = np.flatnonzero(inside[items.of_need]), np.flatnonzero(inside[items.of_donor])
    lot = items.lot[items.of_lane[lane]].astype(np.float64)
    need_lots, need_money = items.need_pieces.lots[need], items.need_pieces.money_per_lot[need]
    donor_lots, donor_money = items.donor_pieces.lots[donor], items.donor_pieces.money_per_lot[donor]
    need_at, donor_at = np.nonzero(need_lots)[0], np.nonzero(donor_lots)[0]
    first_need, first_donor = len(lane), len(lane) + len(need_at)
    need_row, donor_row = np.full(problem.needs, -1), np.full(problem.donors, -1)
    need_row[need] = np.arange(len(need))
    # A donor that gains by giving must not be paid for units it keeps: its row is an equation, and goes last.
    gains = (donor_lots > 0) & (donor_money < 0.0)
    order = np.argsort(gains.any(axis=1), kind="stable")
    equal = int(gains.any(axis=1).sum())
    member = memberships(problem)
    place = np.full(problem.lanes, -1)
    place[lane] = np.arange(len(lane))
    used = (place[member.lane] >= 0) & (member.load_per_unit > 0.0) & np.isfinite(room[member.group])
    group, at = np.unique(member.group[used], return_inverse=True)
    plain = len(donor) - equal
    place_of_donor = np.empty(len(donor), dtype=np.int64)
    place_of_donor[order] = np.where(np.arange(len(donor)) < plain, 0, len(group)) + len(need) + np.arange(len(donor))
    donor_row[donor] = place_of_donor
    group_row = len(need) + plain + np.arange(len(group))
    column = place[member.lane[used]]
    money = np.concatenate(
        [cost[lane] * lot, -need_money[need_lots > 0], donor_money[donor_lots > 0]],
    )
    scale = float(np.abs(money).max(initial=0.0)) or 1.0
    high = np.zeros(len(need) + len(donor) + len(group))
    high[group_row] = room[group]
    return Relaxation(
        cost=money / scale,
        upper=np.concatenate([np.full(len(lane), np.inf), need_lots[need_lots > 0], donor_lots[donor_lots > 0]]),
        row=np.concatenate(
            [
                need_row[problem.lane_need[lane]],
                need_at,
                donor_row[problem.lane_donor[lane]],
                place_of_donor[donor_at],
                group_row[at],
            ]
        ),
        column=np.concatenate(
            [
                np.arange(len(lane)),
                first_need + np.arange(len(need_at)),
                np.arange(len(lane)),
                first_donor + np.arange(len(donor_at)),
                column,
            ]
        ),
        value=np.concatenate(
            [
                -np.ones(len(lane)),
                np.ones(len(need_at)),
                np.ones(len(lane)),
                -np.ones(len(donor_at)),
                member.load_per_unit[used] * lot[column],
            ]
        ),
        row_high=high,
        equal_rows=equal,
        scale=scale,
        lane=lane,
        group=group,
        group_row=group_row,
    )


def _sum_by(row: IntArray, values: FloatArray, rows: int) -> FloatArray:
    total = np.zeros(rows)
    np.add.at(total, row, values)
    return total
