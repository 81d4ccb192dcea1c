"""A joint transfer problem and its answer, as arrays.

Rules
-----
1. Needs gain from received units: the first `need_piece_units[j, 0]` units are worth `need_piece_value[j, 0]` each,
   the next `need_piece_units[j, 1]` are worth `need_piece_value[j, 1]`, and so on, never rising; units beyond the last
   piece are worth nothing.
2. Donors lose by giving: likewise `donor_piece_units`, `donor_piece_cost`, never falling; units beyond the last piece
   cost as much as those of the last piece. `donor_available` is what lies above the floor and is never exceeded.
3. A lane goes from one donor to one need, departs and arrives as the caller's calendar says, and carries whole lots.
4. A group is whatever lanes share: the truck of a lane and day, receiving capacity of a site and day, labor of a site
   in units or minutes. `lane_group` names the first group of a lane, `member_*` any further ones (a sparse incidence).
   A group may cost money once when any of its lanes is used (`group_fixed_cost`: the shipment, whoever is on it).
5. The value of a plan is need value minus donor cost, unit and fixed lane costs and the fixed cost of the groups
   opened: money saved against moving nothing.
"""

from dataclasses import dataclass, field, fields
from typing import Literal

import numpy as np

from optimizer.arguments import FloatArray, IntArray, finite, index, non_negative, numbers

SolverPath = Literal[
    "milp", "lp_rounded", "greedy_fallback", "shortest_paths", "touched_milp", "touched_lp", "lane_prices"
]


def _no_rows() -> IntArray:
    return np.zeros(0, dtype=np.int64)


def _no_numbers() -> FloatArray:
    return np.zeros(0)


@dataclass(frozen=True)
class TransferProblem:
    """Who could send to whom, what it costs and what it saves.

    Parameters
    ----------
    need_series, donor_series
        Shapes ``(needs,)`` and ``(donors,)``: row of the item-site each stands for. No lane may join a row to itself.
    need_piece_units, need_piece_value
        Shape ``(needs, pieces)``: units of each piece (0 pads) and money saved per unit, not rising along a row.
    need_capacity
        Shape ``(needs,)``, whole units the receiver can take in.
    donor_available
        Shape ``(donors,)``, whole units above the donor's floor.
    donor_piece_units, donor_piece_cost
        Shape ``(donors, pieces)``: units of each piece and money lost per unit given, not falling along a row.
    lane_donor, lane_need
        Shape ``(lanes,)``, indices of donor and need.
    lane_unit_cost, lane_fixed_cost
        Shape ``(lanes,)``, money per unit moved, and once when the lane is used.
    lane_lot
        Shape ``(lanes,)``, units of a lot, at least 1.
    lane_load_per_unit, lane_group, group_capacity
        Shapes ``(lanes,)``, ``(lanes,)``, ``(groups,)``: capacity one unit uses, the group whose capacity it uses
        (-1: none), and the capacity of each group in the same measure (units, volume, weight); infinity is no limit.
    member_lane, member_group, member_load_per_unit
        Shape ``(memberships,)``: further groups of lanes and the capacity one unit uses there. Empty: none.
    group_fixed_cost
        Shape ``(groups,)``, money once when a group is used; empty: none costs anything.

    Raises
    ------
    ValueError
        If a shape, sign, index or the order of pieces is wrong, or a lane joins an item-site to itself.
    """

    need_series: IntArray
    need_piece_units: FloatArray
    need_piece_value: FloatArray
    need_capacity: IntArray
    donor_series: IntArray
    donor_available: IntArray
    donor_piece_units: FloatArray
    donor_piece_cost: FloatArray
    lane_donor: IntArray
    lane_need: IntArray
    lane_unit_cost: FloatArray
    lane_fixed_cost: FloatArray
    lane_lot: IntArray
    lane_load_per_unit: FloatArray
    lane_group: IntArray
    group_capacity: FloatArray
    member_lane: IntArray = field(default_factory=_no_rows)
    member_group: IntArray = field(default_factory=_no_rows)
    member_load_per_unit: FloatArray = field(default_factory=_no_numbers)
    group_fixed_cost: FloatArray = field(default_factory=_no_numbers)

    def __post_init__(self) -> None:
        for each in fields(self):
            values = np.asarray(getattr(self, each.name))
            if each.type is IntArray:
                if values.size and not np.issubdtype(values.dtype, np.integer):
                    finite(each.name, values)
                    raise ValueError(f"{each.name} must hold integers, got {values.dtype}")
                object.__setattr__(self, each.name, values.astype(np.int64))
            else:
                object.__setattr__(self, each.name, numbers(each.name, values))
        _check_shapes(self)
        _check_values(self)

    @property
    def needs(self) -> int:
        """Number of needs."""
        return len(self.need_series)

    @property
    def donors(self) -> int:
        """Number of donors."""
        return len(self.donor_series)

    @property
    def lanes(self) -> int:
        """Number of lanes."""
        return len(self.lane_donor)

    @property
    def groups(self) -> int:
        """Number of groups."""
        return len(self.group_capacity)

    @property
    def opening_cost(self) -> FloatArray:
        """Money once per group used, shape ``(groups,)``."""
        return self.group_fixed_cost if self.group_fixed_cost.size else np.zeros(self.groups)


@dataclass(frozen=True)
class TransferPlan:
    """A feasible joint plan.

    Parameters
    ----------
    units
        Shape ``(lanes,)``, whole units sent on each lane.
    objective
        Money saved against moving nothing, never negative.
    solver_path
        How it was found; forcing it finds the same plan again.
    bound
        No plan saves more than this, as far as the path can tell.
    gap
        ``(bound - objective) / bound``, in [0, 1].
    status
        What the solver said, for the record.
    """

    units: IntArray
    objective: float
    solver_path: SolverPath
    bound: float
    gap: float
    status: str


def _check_shapes(problem: TransferProblem) -> None:
    pieces = {"need": problem.need_piece_units.shape, "donor": problem.donor_piece_units.shape}
    expected: dict[str, tuple[int, ...]] = {
        "need_capacity": (problem.needs,),
        "donor_available": (problem.donors,),
        "need_piece_units": (problem.needs, *pieces["need"][1:2]),
        "need_piece_value": pieces["need"],
        "donor_piece_units": (problem.donors, *pieces["donor"][1:2]),
        "donor_piece_cost": pieces["donor"],
    }
    lane_fields = ("need", "unit_cost", "fixed_cost", "lot", "load_per_unit", "group")
    expected |= {f"lane_{name}": (problem.lanes,) for name in lane_fields}
    expected |= {f"member_{name}": problem.member_lane.shape for name in ("group", "load_per_unit")}
    expected |= {"group_capacity": (problem.group_capacity.size,), "member_lane": (problem.member_lane.size,)}
    if problem.group_fixed_cost.size:
        expected["group_fixed_cost"] = problem.group_capacity.shape
    for side, shape in pieces.items():
        if len(shape) != 2 or shape[1] == 0:
            raise ValueError(f"{side}_piece_units must have shape ({side}s, pieces) with a piece, got {shape}")
    for name, shape in expected.items():
        actual = getattr(problem, name).shape
        if actual != shape:
            raise ValueError(f"{name} must have shape {shape}, got {actual}")


def _check_values(problem: TransferProblem) -> None:
    for name in (
        *("need_series", "donor_series", "need_piece_units", "need_piece_value", "need_capacity", "donor_available"),
        *("donor_piece_units", "lane_unit_cost", "lane_fixed_cost", "lane_load_per_unit", "lane_lot"),
        *("member_load_per_unit", "group_fixed_cost"),
    ):
        non_negative(name, getattr(problem, name))
    limited = np.where(np.isposinf(problem.group_capacity), 0.0, problem.group_capacity)
    non_negative("group_capacity", limited)
    finite("donor_piece_cost", problem.donor_piece_cost)
    index("lane_donor", problem.lane_donor, problem.donors)
    index("lane_need", problem.lane_need, problem.needs)
    index("lane_group + 1", problem.lane_group + 1, problem.groups + 1)
    index("member_lane", problem.member_lane, problem.lanes)
    index("member_group", problem.member_group, problem.groups)
    if (problem.lane_lot < 1).any():
        first = int(np.argmax(problem.lane_lot < 1))
        raise ValueError(f"lane_lot must be at least 1, got {problem.lane_lot[first]} at index ({first},)")
    if _rises(problem.need_piece_value):
        raise ValueError("need_piece_value must not rise along a row: more units never save more each")
    if _rises(-problem.donor_piece_cost):
        raise ValueError("donor_piece_cost must not fall along a row: giving more never costs less each")
    own = problem.donor_series[problem.lane_donor] == problem.need_series[problem.lane_need]
    if own.any():
        raise ValueError(f"lane {int(np.argmax(own))} joins an item-site to itself")


def _rises(values: FloatArray) -> bool:
    """Whether any row rises by more than rounding."""
    scale = np.maximum(1.0, np.abs(values[:, :-1]))
    return bool((np.diff(values, axis=1) > 1e-9 * scale).any())
