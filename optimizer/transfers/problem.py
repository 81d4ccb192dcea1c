"""A joint transfer problem and its answer, as arrays.

Rules
-----
1. Needs gain from received units: the first `need_piece_units[j, 0]` units are worth `need_piece_value[j, 0]` each,
   the next `need_piece_units[j, 1]` are worth `need_piece_value[j, 1]`, and so on, never rising; units beyond the last
   piece are worth nothing.
2. Donors lose by giving: likewise `donor_piece_units`, `donor_piece_cost`, never falling; units beyond the last piece
   cost as much as those of the last piece. `donor_available` is what lies above the floor and is never exceeded.
3. A lane goes from one donor to one need and carries whole lots. Lanes with the same `lane_group` share a capacity.
4. The value of a plan is need value minus donor cost, unit and fixed lane costs: money saved against moving nothing.
"""

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from optimizer.arguments import FloatArray, IntArray, finite, index, non_negative

SolverPath = Literal["milp", "lp_rounded", "greedy_fallback"]


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
        (-1: none), and the capacity of each group in the same measure (units, volume, weight).

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

    def __post_init__(self) -> None:
        for field in fields(self):
            kind = np.int64 if field.type is IntArray else np.float64
            values = np.asarray(getattr(self, field.name))
            if kind is np.int64 and values.size and not np.issubdtype(values.dtype, np.integer):
                raise ValueError(f"{field.name} must hold integers, got {values.dtype}")
            object.__setattr__(self, field.name, values.astype(kind))
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
    for side, shape in pieces.items():
        if len(shape) != 2 or shape[1] == 0:
            raise ValueError(f"{side}_piece_units must have shape ({side}s, pieces) with a piece, got {shape}")
    for name, shape in expected.items():
        actual = getattr(problem, name).shape
        if actual != shape:
            raise ValueError(f"{name} must have shape {shape}, got {actual}")


def _check_values(problem: TransferProblem) -> None:
    for name in (
        *("need_piece_units", "need_piece_value", "need_capacity", "donor_available", "donor_piece_units"),
        *("lane_unit_cost", "lane_fixed_cost", "lane_load_per_unit", "group_capacity"),
    ):
        non_negative(name, getattr(problem, name))
    finite("donor_piece_cost", problem.donor_piece_cost)
    index("lane_donor", problem.lane_donor, problem.donors)
    index("lane_need", problem.lane_need, problem.needs)
    index("lane_group + 1", problem.lane_group + 1, len(problem.group_capacity) + 1)
    if (problem.lane_lot < 1).any():
        raise ValueError(f"lane_lot must be at least 1, got {problem.lane_lot.min()}")
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
