"""Joint transfers of long lists: exact where nothing is shared, joint only where items meet.

Paths, in the order they are considered
---------------------------------------
`shortest_paths`  every item alone is exact and no group is overfull: that is the optimum, no solver is asked.
`milp`            up to `MILP_ITEMS` items in all; left to `solve`.
`touched_milp`    up to `MILP_ITEMS` touched items: they are a mixed-integer program over what the others leave.
`touched_lp`      no fixed costs, up to `_LP_ITEMS` touched items: their relaxation, rounded, filled up, repaired.
`lane_prices`     otherwise, and whenever a solver gives no usable point: no solver is needed here.

The bound is that of all items at prices (`alone`), so it is one for the whole problem. The bound of a touched
mixed-integer program counts only where the other items use nothing of the groups it shares.
"""

from dataclasses import dataclass

import numpy as np

from optimizer.arguments import BoolArray, IntArray
from optimizer.errors import SolverPathError
from optimizer.transfers.alone import AloneItems, AlonePlan
from optimizer.transfers.answer import MILP_ITEMS, plan_of, whole_units
from optimizer.transfers.consolidation import consolidated
from optimizer.transfers.groups import group_load, memberships
from optimizer.transfers.highs import ask_highs
from optimizer.transfers.items import Items
from optimizer.transfers.prices import priced_plan
from optimizer.transfers.problem import SolverPath, TransferPlan, TransferProblem
from optimizer.transfers.program import linear_program
from optimizer.transfers.repair import repaired
from optimizer.transfers.touched import by_relaxation, sub_problem, touched_items
from optimizer.transfers.value import plan_value

SCALE_PATHS: tuple[SolverPath, ...] = ("shortest_paths", "touched_milp", "touched_lp", "lane_prices")

_LP_ITEMS = 5000


@dataclass(frozen=True)
class ScaleLimits:
    """Limits of a solver: nodes, relative gap, and seconds after which its process is killed (None: no process)."""

    node_limit: int
    gap: float
    hard_kill_seconds: float | None


def plan_at_scale(problem: TransferProblem, limits: ScaleLimits, force_path: SolverPath | None) -> TransferPlan | None:
    """The plan of a path, or of the first that suits, not yet checked; None where that is `milp`.

    Raises
    ------
    SolverPathError
        If a path is forced that cannot be gone: its solver gives no usable point, or `shortest_paths` is asked where
        items share something.
    """
    items = Items(problem)
    alone = AloneItems(problem, items)
    first = alone.best(np.zeros(problem.groups))
    touched = touched_items(problem, alone, first.units, np.zeros(problem.groups))
    path = force_path or _path(problem, items, touched)
    if path == "milp":
        return None
    if path == "shortest_paths":
        return _alone(problem, items, first, touched)
    if path == "lane_prices":
        return _priced(problem, alone, "lane prices")
    if path == "touched_lp":
        joint = by_relaxation(problem, alone, first.units, hard_kill_seconds=limits.hard_kill_seconds)
        if joint is not None:
            units = consolidated(problem, items, joint.units)
            return plan_of(problem, units, path, min(joint.bound, first.bound), joint.status)
        why = "no usable point for the relaxation"
    else:
        plan = _exact_touched(problem, alone, first, touched, limits)
        if isinstance(plan, TransferPlan):
            return plan
        why = plan
    if force_path is not None:
        raise SolverPathError(f"path {path} was forced, but the solver gave no usable plan: {why}")
    return _priced(problem, alone, f"lane prices: {why}")


def _path(problem: TransferProblem, items: Items, touched: BoolArray) -> SolverPath:
    if not touched.any():
        return "shortest_paths"
    if items.count <= MILP_ITEMS:
        return "milp"
    if touched.sum() <= MILP_ITEMS:
        return "touched_milp"
    plain = not problem.lane_fixed_cost.any() and not problem.opening_cost.any()
    return "touched_lp" if plain and touched.sum() <= _LP_ITEMS else "lane_prices"


def _alone(problem: TransferProblem, items: Items, first: AlonePlan, touched: BoolArray) -> TransferPlan:
    if touched.any():
        raise SolverPathError(f"path shortest_paths was forced, but {int(touched.sum())} items share a group")
    value = plan_value(problem, first.units)
    return plan_of(problem, first.units, "shortest_paths", value, f"optimal: {items.count} items, each alone")


def _priced(problem: TransferProblem, alone: AloneItems, status: str) -> TransferPlan:
    priced = priced_plan(problem, alone, np.zeros(problem.groups))
    units = consolidated(problem, alone.items, priced.units)
    return plan_of(problem, units, "lane_prices", priced.bound, f"{status}, {priced.rounds} rounds")


def _exact_touched(
    problem: TransferProblem, alone: AloneItems, first: AlonePlan, touched: BoolArray, limits: ScaleLimits
) -> TransferPlan | str:
    """Touched items as a mixed-integer program of their own; why not, if there is no usable point."""
    items = alone.items
    lane = np.flatnonzero(touched[items.of_lane])
    kept: IntArray = np.where(touched[items.of_lane], 0, first.units)
    used = group_load(problem, kept)
    part = sub_problem(problem, lane, np.maximum(problem.group_capacity - used, 0.0))
    program = linear_program(part)
    answer = ask_highs(
        program,
        integral=True,
        node_limit=limits.node_limit,
        gap=limits.gap,
        hard_kill_seconds=limits.hard_kill_seconds,
    )
    units = whole_units(part, answer, "touched_milp")
    if units is None:
        return answer.status
    others, bound = plan_value(problem, kept), first.bound
    kept[lane] = units
    plans = [kept, repaired(problem, items, first.units)]
    relaxed = by_relaxation(problem, alone, first.units, hard_kill_seconds=limits.hard_kill_seconds)
    if relaxed is not None:
        plans.append(relaxed.units)
        bound = min(bound, relaxed.bound)
    shared = np.zeros(problem.groups, dtype=np.bool_)
    shared[memberships(part).group] = True
    shared &= np.isfinite(problem.group_capacity)
    if np.isfinite(answer.bound) and not (shared & (used > 0.0)).any():
        bound = min(bound, others - answer.bound * program.scale)
    best = max(plans, key=lambda units: plan_value(problem, units))
    return plan_of(problem, best, "touched_milp", bound, answer.status)
