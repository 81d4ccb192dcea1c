"""The transfer problem as a mixed-integer linear program.

Variables, in this order: lots per lane (integer), use of each lane with a fixed cost (binary), units in each piece of
each need, units in each piece of each donor, opening of each group with a fixed cost (binary).
Costs are scaled so that the largest is one: the plan does not depend on the currency.
"""

from dataclasses import dataclass

import numpy as np

from optimizer.arguments import FloatArray, IntArray
from optimizer.transfers.groups import lots_that_fit, memberships
from optimizer.transfers.problem import TransferProblem
from optimizer.transfers.value import open_ended


@dataclass(frozen=True)
class LinearProgram:
    """Minimise `cost` @ x with `row_low` <= A x <= `row_high`, 0 <= x <= `upper`, `integrality` as in scipy's milp.

    A is given by the coordinates `row`, `column` and its `value`. Minus `scale` times the minimum is the money saved.
    """

    cost: FloatArray
    upper: FloatArray
    integrality: IntArray
    row: IntArray
    column: IntArray
    value: FloatArray
    row_low: FloatArray
    row_high: FloatArray
    scale: float


class _Rows:
    """Rows of a sparse matrix, collected by blocks."""

    def __init__(self) -> None:
        self.row: list[IntArray] = []
        self.column: list[IntArray] = []
        self.value: list[FloatArray] = []
        self.low: list[FloatArray] = []
        self.high: list[FloatArray] = []
        self._count = 0

    def block(self, low: FloatArray, high: FloatArray, *entries: tuple[IntArray, IntArray, FloatArray]) -> None:
        """Add rows with bounds; entries are (row within the block, column, value)."""
        for row, column, value in entries:
            self.row.append(row + self._count)
            self.column.append(column)
            self.value.append(value)
        self.low.append(low)
        self.high.append(high)
        self._count += len(low)


def most_lots(problem: TransferProblem) -> IntArray:
    """Lots a lane could carry at most if it were alone."""
    units = np.minimum(problem.donor_available[problem.lane_donor], problem.need_capacity[problem.lane_need])
    lots = units // problem.lane_lot
    return np.minimum(lots, lots_that_fit(problem, problem.group_capacity)).astype(np.int64)


def linear_program(problem: TransferProblem) -> LinearProgram:
    """The program of a problem."""
    lanes, lots = problem.lanes, most_lots(problem)
    fixed = np.flatnonzero(problem.lane_fixed_cost > 0.0)
    need_pieces, donor_pieces = problem.need_piece_units, open_ended(problem.donor_piece_units)
    first_need = lanes + len(fixed)
    first_donor = first_need + need_pieces.size
    lane, lot = np.arange(lanes), problem.lane_lot.astype(np.float64)
    rows = _Rows()
    need_row = np.repeat(np.arange(problem.needs), need_pieces.shape[1])
    need_column = first_need + np.arange(need_pieces.size)
    # Units valued at a need are no more than those received.
    rows.block(
        np.full(problem.needs, -np.inf),
        np.zeros(problem.needs),
        (need_row, need_column, np.ones(need_pieces.size)),
        (problem.lane_need, lane, -lot),
    )
    rows.block(
        np.full(problem.needs, -np.inf), problem.need_capacity.astype(np.float64), (problem.lane_need, lane, lot)
    )
    donor_row = np.repeat(np.arange(problem.donors), donor_pieces.shape[1])
    donor_column = first_donor + np.arange(donor_pieces.size)
    # Units paid for at a donor are those given.
    rows.block(
        np.zeros(problem.donors),
        np.zeros(problem.donors),
        (donor_row, donor_column, np.ones(donor_pieces.size)),
        (problem.lane_donor, lane, -lot),
    )
    rows.block(
        np.full(problem.donors, -np.inf), problem.donor_available.astype(np.float64), (problem.lane_donor, lane, lot)
    )
    member = memberships(problem)
    rows.block(
        np.full(problem.groups, -np.inf),
        problem.group_capacity,
        (member.group, member.lane, member.load_per_unit * lot[member.lane]),
    )
    # A lane with a fixed cost carries nothing unless it is used.
    place = np.arange(len(fixed))
    rows.block(
        np.full(len(fixed), -np.inf),
        np.zeros(len(fixed)),
        (place, fixed, np.ones(len(fixed))),
        (place, lanes + place, -lots[fixed].astype(np.float64)),
    )
    # A lane of a group with a fixed cost carries nothing unless the group is opened.
    opened = np.flatnonzero(problem.opening_cost > 0.0)
    first_opened = first_donor + donor_pieces.size
    asks = np.flatnonzero(problem.opening_cost[member.group] > 0.0)
    asking, asked = member.lane[asks], np.searchsorted(opened, member.group[asks])
    place = np.arange(len(asks))
    rows.block(
        np.full(len(asks), -np.inf),
        np.zeros(len(asks)),
        (place, asking, np.ones(len(asks))),
        (place, first_opened + asked, -lots[asking].astype(np.float64)),
    )
    cost = np.concatenate(
        [
            problem.lane_unit_cost * lot,
            problem.lane_fixed_cost[fixed],
            -problem.need_piece_value.ravel(),
            problem.donor_piece_cost.ravel(),
            problem.opening_cost[opened],
        ]
    )
    whole = np.zeros(len(cost), dtype=np.int64)
    whole[:first_need] = 1
    whole[first_opened:] = 1
    scale = float(np.abs(cost).max(initial=0.0)) or 1.0
    return LinearProgram(
        cost=cost / scale,
        upper=np.concatenate(
            [lots, np.ones(len(fixed)), need_pieces.ravel(), donor_pieces.ravel(), np.ones(len(opened))]
        ),
        integrality=whole,
        row=np.concatenate(rows.row),
        column=np.concatenate(rows.column),
        value=np.concatenate(rows.value),
        row_low=np.concatenate(rows.low),
        row_high=np.concatenate(rows.high),
        scale=scale,
    )
