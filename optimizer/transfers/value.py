"""Money of a transfer plan, from the problem alone: shared by construction and by the independent check."""

import numpy as np

from optimizer.arguments import FloatArray, IntArray
from optimizer.transfers.groups import groups_used
from optimizer.transfers.problem import TransferProblem


def plan_value(problem: TransferProblem, units: IntArray) -> float:
    """Money saved against moving nothing by the units ``(lanes,)`` of a plan."""
    received = total_by(problem.lane_need, units, problem.needs)
    given = total_by(problem.lane_donor, units, problem.donors)
    saved = need_value(problem, received).sum() - donor_cost(problem, given).sum()
    fixed = problem.lane_fixed_cost @ (units > 0) + problem.opening_cost @ groups_used(problem, units)
    return float(saved - problem.lane_unit_cost @ units - fixed)


def total_by(row: IntArray, units: IntArray, rows: int) -> IntArray:
    """Whole units summed by row."""
    total = np.zeros(rows, dtype=np.int64)
    np.add.at(total, row, units)
    return total


def need_value(problem: TransferProblem, received: IntArray) -> FloatArray:
    """Money saved at each need ``(needs,)``; units beyond the last piece are worth nothing."""
    return _pieces_total(problem.need_piece_units, problem.need_piece_value, received.astype(np.float64))


def donor_cost(problem: TransferProblem, given: IntArray) -> FloatArray:
    """Money lost at each donor ``(donors,)``; units beyond the last piece cost as much as those of the last."""
    return _pieces_total(open_ended(problem.donor_piece_units), problem.donor_piece_cost, given.astype(np.float64))


def open_ended(piece_units: FloatArray) -> FloatArray:
    """Pieces whose last one has no end."""
    longer = piece_units.copy()
    longer[:, -1] = np.inf
    return longer


def _pieces_total(piece_units: FloatArray, rate: FloatArray, units: FloatArray) -> FloatArray:
    """Sum of rate times the units that fall into each piece, pieces filled in order."""
    start = np.concatenate([np.zeros((len(rate), 1)), np.cumsum(piece_units[:, :-1], axis=1)], axis=1)
    filled = np.clip(units[:, None] - start, 0.0, piece_units)
    return np.asarray((filled * rate).sum(axis=1))
