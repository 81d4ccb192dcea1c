"""Only the items that meet at a full group are decided together; all others keep what is best for them alone.

Rules
-----
1. An item is touched when its plan alone uses a group that is overfull, that has a price or costs money to open, or
   when its plan alone is not exact.
2. The touched items share what the others leave: by the relaxation, rounded down to whole lots, filled up and
   repaired (`by_relaxation`), or exactly as a mixed-integer program of their own (`sub_problem`).
3. Groups that earn a price in the relaxation touch further items; rounds end when none is new.
4. The bound is that of all items at the prices of the relaxation, so it holds for the whole problem.
"""

from dataclasses import dataclass, replace

import numpy as np

from optimizer.arguments import BoolArray, FloatArray, IntArray
from optimizer.transfers.alone import AloneItems
from optimizer.transfers.groups import group_load, memberships
from optimizer.transfers.highs import ask_relaxed
from optimizer.transfers.problem import TransferProblem
from optimizer.transfers.relaxation import relaxation
from optimizer.transfers.repair import repaired

_ROUNDS = 4
_WHOLE = 1e-6


@dataclass(frozen=True)
class TouchedPlan:
    """A feasible plan ``(lanes,)``, a bound, prices ``(groups,)``, and what the solver said."""

    units: IntArray
    bound: float
    price: FloatArray
    status: str


def touched_items(problem: TransferProblem, alone: AloneItems, units: IntArray, price: FloatArray) -> BoolArray:
    """Items ``(items,)`` to be decided together, given what all would do alone."""
    shared = group_load(problem, units) > problem.group_capacity * (1.0 + 1e-9)
    shared |= (price > 0.0) | (problem.opening_cost > 0.0)
    member, of_lane = memberships(problem), alone.items.of_lane
    touched = ~alone.exact
    uses = shared[member.group] & (units[member.lane] > 0)
    touched[of_lane[member.lane[uses]]] = True
    return touched


def by_relaxation(
    problem: TransferProblem, alone: AloneItems, units: IntArray, *, hard_kill_seconds: float | None
) -> TouchedPlan | None:
    """Plan from the plans alone `units`; None with no usable answer of the solver."""
    items, price = alone.items, np.zeros(problem.groups)
    touched = touched_items(problem, alone, units, price)
    if not touched.any():
        return TouchedPlan(units, alone.best(price).bound, price, "nothing is shared")
    for _ in range(_ROUNDS):
        others = np.where(touched[items.of_lane], 0, units)
        room = np.maximum(problem.group_capacity - group_load(problem, others), 0.0)
        program = relaxation(problem, items, np.flatnonzero(touched), room)
        answer = ask_relaxed(program, hard_kill_seconds=hard_kill_seconds)
        if answer.point is None or not answer.price.size:
            return None
        point = answer.point
        price = np.zeros(problem.groups)
        price[program.group] = np.maximum(-answer.price[program.group_row] * program.scale, 0.0)
        price[price < 1e-9 * price.max(initial=0.0)] = 0.0
        further = touched | touched_items(problem, alone, units, price)
        if (further == touched).all():
            break
        touched = further
    rounded = others
    lots = np.floor(point[: len(program.lane)] + _WHOLE).astype(np.int64)
    rounded[program.lane] = np.maximum(lots, 0) * items.lot[items.of_lane[program.lane]]
    return TouchedPlan(repaired(problem, items, rounded), alone.best(price).bound, price, answer.status)


def sub_problem(problem: TransferProblem, lane: IntArray, room: FloatArray) -> TransferProblem:
    """The problem with some lanes ``(k,)`` only, over the room ``(groups,)`` left; donors and needs stay in place."""
    place = np.full(problem.lanes, -1)
    place[lane] = np.arange(len(lane))
    member = place[problem.member_lane] >= 0
    names = ("donor", "need", "unit_cost", "fixed_cost", "lot", "load_per_unit", "group")
    changes = {f"lane_{name}": getattr(problem, f"lane_{name}")[lane] for name in names}
    return replace(
        problem,
        **changes,
        member_lane=place[problem.member_lane[member]],
        member_group=problem.member_group[member],
        member_load_per_unit=problem.member_load_per_unit[member],
        group_capacity=room,
    )
