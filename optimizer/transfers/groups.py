"""Which lanes share which group, and what a plan uses of it."""

from dataclasses import dataclass

import numpy as np

from optimizer.arguments import BoolArray, FloatArray, IntArray
from optimizer.transfers.problem import TransferProblem


@dataclass(frozen=True)
class Memberships:
    """All memberships of lanes in groups, shapes ``(memberships,)``; a pair listed twice counts twice."""

    lane: IntArray
    group: IntArray
    load_per_unit: FloatArray


def memberships(problem: TransferProblem) -> Memberships:
    """First groups of all lanes and their further ones, by lane number within each kind."""
    first = np.flatnonzero(problem.lane_group >= 0)
    return Memberships(
        np.concatenate([first, problem.member_lane]),
        np.concatenate([problem.lane_group[first], problem.member_group]),
        np.concatenate([problem.lane_load_per_unit[first], problem.member_load_per_unit]),
    )


def group_load(problem: TransferProblem, units: IntArray | FloatArray) -> FloatArray:
    """Capacity used in each group ``(groups,)`` by the units ``(lanes,)``."""
    member = memberships(problem)
    load = np.zeros(problem.groups)
    np.add.at(load, member.group, member.load_per_unit * units[member.lane])
    return load


def groups_used(problem: TransferProblem, units: IntArray) -> BoolArray:
    """Groups ``(groups,)`` with a lane that carries something."""
    member = memberships(problem)
    used = np.zeros(problem.groups, dtype=np.bool_)
    used[member.group[units[member.lane] > 0]] = True
    return used


def lots_that_fit(problem: TransferProblem, room: FloatArray) -> FloatArray:
    """Lots each lane ``(lanes,)`` could carry alone within the room ``(groups,)`` of its groups; infinite if unbound.

    Whole numbers: the floor has a relative guard of 1e-9.
    """
    member = memberships(problem)
    load = member.load_per_unit * problem.lane_lot[member.lane]
    bound = load > 0.0
    lots = np.full(problem.lanes, np.inf)
    np.minimum.at(lots, member.lane[bound], room[member.group[bound]] / load[bound])
    return np.asarray(np.floor(np.maximum(lots, 0.0) * (1.0 + 1e-9)))
