"""Joint transfers: who sends what to whom, in whole lots, over shared lanes, above every donor's floor.

Rules
-----
1. A feasible plan comes first and always; whatever a solver returns is checked anew and used only if feasible and
   better.
2. Up to `MILP_ITEMS` items (connected groups of donors and needs) the mixed-integer program is solved; above, its
   relaxation is, rounded down to whole lots and filled up greedily: the gap closes as the list grows.
3. Limits are nodes and gap. If the hard kill fires, or the solver gives no usable point, the path is
   `greedy_fallback`, and the status says why.
4. A caller that can replay them allows the paths of large lists (`scale.SCALE_PATHS`): exact per item where nothing is
   shared, a joint decision of the touched items only, or lane prices.
5. Forcing a path repeats it without looking at the size; the same problem and path give the same plan. A forced path
   whose solver gives no point is a `SolverPathError`: replay must not quietly decide otherwise.
"""

from optimizer.errors import SolverPathError
from optimizer.transfers.answer import MILP_ITEMS, items_of, plan_of, whole_units, worth
from optimizer.transfers.check import require_sound, verify_plan
from optimizer.transfers.greedy import greedy_units
from optimizer.transfers.highs import ask_highs
from optimizer.transfers.problem import SolverPath, TransferPlan, TransferProblem
from optimizer.transfers.program import linear_program
from optimizer.transfers.scale import SCALE_PATHS, ScaleLimits, plan_at_scale
from optimizer.transfers.value import plan_value

__all__ = ["SolverPath", "TransferPlan", "TransferProblem", "plan_value", "solve_transfers", "verify_plan"]


def solve_transfers(
    problem: TransferProblem,
    *,
    node_limit: int = 5000,
    gap: float = 1e-4,
    hard_kill_seconds: float | None = None,
    force_path: SolverPath | None = None,
    at_scale: bool = False,
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
    at_scale
        Choose among all paths, those of large lists included; a caller that says so must be able to replay them.

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
    if problem.lanes and (force_path in SCALE_PATHS or (at_scale and force_path is None)):
        limits = ScaleLimits(node_limit, gap, hard_kill_seconds)
        plan = plan_at_scale(problem, limits, force_path)
        if plan is not None:
            return require_sound(problem, plan)
    greedy = greedy_units(problem)
    path = force_path or _path_by_size(problem)
    if path == "greedy_fallback" or problem.lanes == 0:
        status = "no lanes" if problem.lanes == 0 else "greedy plan as asked"
        return require_sound(problem, plan_of(problem, greedy, path, worth(problem), status))
    program = linear_program(problem)
    answer = ask_highs(
        program, integral=path == "milp", node_limit=node_limit, gap=gap, hard_kill_seconds=hard_kill_seconds
    )
    units = whole_units(problem, answer, path)
    if units is None:
        if force_path is not None:
            raise SolverPathError(f"path {force_path} was forced, but the solver gave no usable plan: {answer.status}")
        status = f"no usable plan from the solver: {answer.status}"
        return require_sound(problem, plan_of(problem, greedy, "greedy_fallback", worth(problem), status))
    best = units if plan_value(problem, units) >= plan_value(problem, greedy) else greedy
    bound = -answer.bound * program.scale
    return require_sound(problem, plan_of(problem, best, path, bound, answer.status))


def _path_by_size(problem: TransferProblem) -> SolverPath:
    return "milp" if items_of(problem) <= MILP_ITEMS else "lp_rounded"
