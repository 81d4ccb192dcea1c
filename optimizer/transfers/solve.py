"""Joint transfers: who sends what to whom, in whole lots, over shared lanes, above every donor's floor.

Rules
-----
1. A greedy plan comes first and always; whatever a solver returns is checked anew and used only if feasible and better.
2. Up to `_MILP_ITEMS` items (connected groups of donors and needs) the mixed-integer program is solved; above, its
   relaxation is, rounded down to whole lots and filled up greedily: the gap closes as the list grows.
3. Limits are nodes and gap. If the hard kill fires, or the solver gives no usable point, the path is
   `greedy_fallback`, and the status says why.
4. Forcing a path repeats it without looking at the size; the same problem and path give the same plan. A forced path
   whose solver gives no point is a `SolverPathError`: replay must not quietly decide otherwise.
"""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from optimizer.arguments import IntArray
from optimizer.errors import SolverPathError
from optimizer.transfers.check import require_sound, verify_plan, violations
from optimizer.transfers.greedy import greedy_units
from optimizer.transfers.highs import HighsAnswer, ask_highs
from optimizer.transfers.problem import SolverPath, TransferPlan, TransferProblem
from optimizer.transfers.program import linear_program
from optimizer.transfers.value import plan_value

__all__ = ["SolverPath", "TransferPlan", "TransferProblem", "plan_value", "solve_transfers", "verify_plan"]

_MILP_ITEMS = 50
_WHOLE = 1e-6


def solve_transfers(
    problem: TransferProblem,
    *,
    node_limit: int = 5000,
    gap: float = 1e-4,
    hard_kill_seconds: float | None = None,
    force_path: SolverPath | None = None,
) -> TransferPlan:
    """Plan that saves most money, as far as the path can tell.

    Parameters
    ----------
    problem
        What could be moved, and what it is worth.
    node_limit, gap
        Where the mixed-integer search stops: nodes, and relative distance to the bound.
    hard_kill_seconds
        Run HiGHS in a child process and kill it after that long; None runs it in this process.
    force_path
        Path of a recorded plan, for replay; None chooses by size.

    Raises
    ------
    ValueError
        If a limit is out of range.
    SolverPathError
        If a solver path is forced and the solver gives no usable point.
    PlanViolationError
        If the plan fails the final check; that would be a defect of this package.
    """
    if node_limit < 1 or not 0.0 <= gap < 1.0 or (hard_kill_seconds is not None and hard_kill_seconds <= 0.0):
        raise ValueError(f"limits are out of range: {node_limit} nodes, gap {gap}, kill after {hard_kill_seconds} s")
    greedy = greedy_units(problem)
    path = force_path or _path_by_size(problem)
    if path == "greedy_fallback" or problem.lanes == 0:
        status = "no lanes" if problem.lanes == 0 else "greedy plan as asked"
        return require_sound(problem, _plan(problem, greedy, path, _worth(problem), status))
    program = linear_program(problem)
    answer = ask_highs(
        program, integral=path == "milp", node_limit=node_limit, gap=gap, hard_kill_seconds=hard_kill_seconds
    )
    units = _whole_units(problem, answer, path)
    if units is None:
        if force_path is not None:
            raise SolverPathError(f"path {force_path} was forced, but the solver gave no usable plan: {answer.status}")
        status = f"no usable plan from the solver: {answer.status}"
        return require_sound(problem, _plan(problem, greedy, "greedy_fallback", _worth(problem), status))
    best = units if plan_value(problem, units) >= plan_value(problem, greedy) else greedy
    bound = -answer.bound * program.scale
    return require_sound(problem, _plan(problem, best, path, bound, answer.status))


def _path_by_size(problem: TransferProblem) -> SolverPath:
    return "milp" if _items(problem) <= _MILP_ITEMS else "lp_rounded"


def _items(problem: TransferProblem) -> int:
    """Connected groups of donors and needs that have a lane."""
    nodes = problem.donors + problem.needs
    edges = (problem.lane_donor, problem.donors + problem.lane_need)
    graph = coo_array((np.ones(problem.lanes), edges), shape=(nodes, nodes))
    label = connected_components(graph.tocsr(), directed=False)[1]
    return len(np.unique(label[problem.lane_donor]))


def _whole_units(problem: TransferProblem, answer: HighsAnswer, path: SolverPath) -> IntArray | None:
    """Units of a solver's point in whole lots, None if there is no point or it is not feasible after all."""
    if answer.point is None:
        return None
    lots = answer.point[: problem.lanes]
    whole = np.rint(lots) if path == "milp" else np.floor(lots + _WHOLE)
    units = np.maximum(whole, 0.0).astype(np.int64) * problem.lane_lot
    if violations(problem, units):
        return None
    return units if path == "milp" else greedy_units(problem, units)


def _worth(problem: TransferProblem) -> float:
    """A bound that needs no solver: every need met in full for nothing, donors glad to give."""
    gladly = np.maximum(-problem.donor_piece_cost[:, 0], 0.0) @ problem.donor_available
    return float((problem.need_piece_units * problem.need_piece_value).sum() + gladly)


def _plan(problem: TransferProblem, units: IntArray, path: SolverPath, bound: float, status: str) -> TransferPlan:
    value = plan_value(problem, units)
    limit = max(value, bound if np.isfinite(bound) else _worth(problem))
    gap = (limit - value) / limit if limit > 0.0 else 0.0
    return TransferPlan(units, value, path, limit, gap, status)
