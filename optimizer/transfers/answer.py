"""From a solver's answer to a plan: whole lots that are feasible, and what can be said about the best."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from optimizer.arguments import IntArray
from optimizer.transfers.check import violations
from optimizer.transfers.greedy import greedy_units
from optimizer.transfers.highs import HighsAnswer
from optimizer.transfers.problem import SolverPath, TransferPlan, TransferProblem
from optimizer.transfers.value import plan_value

MILP_ITEMS = 50
"""Most items a mixed-integer program is asked to decide together."""

_WHOLE = 1e-6


def items_of(problem: TransferProblem) -> int:
    """Connected groups of donors and needs that have a lane."""
    nodes = problem.donors + problem.needs
    edges = (problem.lane_donor, problem.donors + problem.lane_need)
    graph = coo_array((np.ones(problem.lanes), edges), shape=(nodes, nodes))
    label = connected_components(graph.tocsr(), directed=False)[1]
    return len(np.unique(label[problem.lane_donor]))


def whole_units(problem: TransferProblem, answer: HighsAnswer, path: SolverPath) -> IntArray | None:
    """Units of a solver's point in whole lots, None if there is no point or it is not feasible after all."""
    if answer.point is None:
        return None
    lots = answer.point[: problem.lanes]
    exact = path in ("milp", "touched_milp")
    whole = np.rint(lots) if exact else np.floor(lots + _WHOLE)
    units = np.maximum(whole, 0.0).astype(np.int64) * problem.lane_lot
    if violations(problem, units):
        return None
    return units if exact else greedy_units(problem, units)


def worth(problem: TransferProblem) -> float:
    """A bound that needs no solver: every need met in full for nothing, donors glad to give."""
    gladly = np.maximum(-problem.donor_piece_cost[:, 0], 0.0) @ problem.donor_available
    return float((problem.need_piece_units * problem.need_piece_value).sum() + gladly)


def plan_of(problem: TransferProblem, units: IntArray, path: SolverPath, bound: float, status: str) -> TransferPlan:
    """The plan of units, with its value and its gap to the bound."""
    value = plan_value(problem, units)
    limit = max(value, bound if np.isfinite(bound) else worth(problem))
    gap = (limit - value) / limit if limit > 0.0 else 0.0
    return TransferPlan(units, value, path, limit, gap, status)
