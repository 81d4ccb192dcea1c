"""An independent check of a transfer plan: counts again, trusts nothing the solver said."""

import numpy as np

from optimizer.arguments import BoolArray, IntArray
from optimizer.errors import PlanViolationError
from optimizer.transfers.problem import TransferPlan, TransferProblem
from optimizer.transfers.value import plan_value, total_by


def violations(problem: TransferProblem, units: IntArray) -> tuple[str, ...]:
    """Every limit the units break, in words; empty when the plan is feasible."""
    if units.shape != (problem.lanes,):
        return (f"units must have shape ({problem.lanes},), got {units.shape}",)
    if not np.issubdtype(units.dtype, np.integer):
        return (f"units must be whole, got {units.dtype}",)
    received = total_by(problem.lane_need, units, problem.needs)
    given = total_by(problem.lane_donor, units, problem.donors)
    grouped = problem.lane_group >= 0
    load = np.bincount(
        problem.lane_group[grouped],
        (problem.lane_load_per_unit * units)[grouped],
        len(problem.group_capacity),
    )
    for lane, group, each in zip(problem.member_lane, problem.member_group, problem.member_load_per_unit, strict=True):
        load[group] += each * units[lane]
    own = problem.donor_series[problem.lane_donor] == problem.need_series[problem.lane_need]
    found = _named(units < 0, "lane {} sends a negative number of units")
    found += _named(units % problem.lane_lot != 0, "lane {} does not send whole lots")
    found += _named(own & (units != 0), "lane {} joins an item-site to itself")
    found += _named(given > problem.donor_available, "donor {} falls below its floor")
    found += _named(received > problem.need_capacity, "need {} receives more than it can take in")
    found += _named(load > problem.group_capacity * (1.0 + 1e-9), "lane group {} is over its capacity")
    if received.sum() != given.sum():
        found += (f"{given.sum()} units are given but {received.sum()} received",)
    return found


def verify_plan(problem: TransferProblem, plan: TransferPlan) -> tuple[str, ...]:
    """Violations of a plan, its stated value included; empty when it is sound."""
    found = violations(problem, plan.units)
    if found:
        return found
    value = plan_value(problem, plan.units)
    if abs(value - plan.objective) > 1e-6 * max(1.0, abs(value)):
        found += (f"the plan states {plan.objective} saved, it saves {value}",)
    return found


def require_sound(problem: TransferProblem, plan: TransferPlan) -> TransferPlan:
    """The plan itself, or a PlanViolationError naming every violation."""
    found = verify_plan(problem, plan)
    if found:
        raise PlanViolationError("; ".join(found))
    return plan


def _named(bad: BoolArray, sentence: str) -> tuple[str, ...]:
    return tuple(sentence.format(int(i)) for i in np.flatnonzero(bad))
