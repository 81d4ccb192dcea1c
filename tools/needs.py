"""Turns open cases into one joint transfer problem: who needs units, who can give them, over which lanes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from inventory.records import LedgerRow
from optimizer.options.shortage import expected_shortage_curve, marginal_savings
from optimizer.transfers.problem import TransferProblem
from tools.arrays import FloatArray
from tools.lanes import Lane
from tools.money import penalty_per_unit
from tools.outlook import Outlook

PIECES = 8
"""Steps of each convex value and cost curve."""


@dataclass(frozen=True)
class Need:
    """One item-site of a case that should receive units."""

    case_id: str
    row: int
    units: int
    """Most units worth receiving."""
    relief_per_unit: float = 0.0
    """Currency saved per unit a site with surplus gives: carrying cost and expected write-off; only for imbalances."""


@dataclass(frozen=True)
class LaneChoice:
    """A lane of the problem: which donor row could serve which need, how."""

    donor_row: int
    need: int
    lane: Lane


@dataclass(frozen=True)
class JointProblem:
    """The arrays to solve and what their rows mean."""

    problem: TransferProblem
    choices: tuple[LaneChoice, ...]
    floors: dict[int, int]
    """Units each donor row keeps."""


def wanted_units(outlook: Outlook, row: int) -> int:
    """Units that bring the position up to the order-up-to level, at least the expected shortage."""
    position = float(outlook.arrays.free[row] + outlook.on_order[row])
    gap = float(outlook.levels.order_up_to_level[row]) - position
    return max(int(np.ceil(max(gap, outlook.short_units(row)) - 1e-9)), 1)


def surplus_units(outlook: Outlook, row: int) -> int:
    """Free units above the row's own order-up-to level."""
    return int(np.floor(float(outlook.arrays.free[row]) - float(outlook.levels.order_up_to_level[row]) + 1e-9))


def donor_floor(outlook: Outlook, row: int) -> int:
    """Units a site keeps: its reorder point, and what it promised to customers if that is more."""
    arrays = outlook.arrays
    return int(np.ceil(max(float(outlook.levels.reorder_point[row]), float(arrays.committed_units[row])) - 1e-9))


def free_units(ledger: list[LedgerRow]) -> dict[tuple[str, str], int]:
    """Units not yet promised, by item and site, before any floor."""
    free: dict[tuple[str, str], int] = defaultdict(int)
    for line in ledger:
        free[(line.item, line.site)] += max(line.on_hand - line.allocated - line.reserved - line.in_flight, 0)
    return dict(free)


def worst_day(outlook: Outlook, row: int) -> int:
    """Day of the row's window on which most units are expected to be owed."""
    window = int(outlook.window_days[row])
    return int(np.argmax(outlook.projection.expected_short_units[row, :window]))


def _need_curve(outlook: Outlook, need: Need) -> tuple[FloatArray, FloatArray]:
    row, day = need.row, worst_day(outlook, need.row)
    arriving = outlook.arrivals.series == row
    come = float(
        (
            outlook.arrivals.quantity[arriving] * outlook.arrivals.arrival_probability[arriving, : day + 1].sum(axis=1)
        ).sum()
    )
    known = float(outlook.arrays.known_demand[row, : day + 1].sum())
    lot = max(need.units / PIECES, 1.0)
    curve = expected_shortage_curve(
        [float(outlook.arrays.free[row]) + come - known],
        [float(outlook.demand.mean_per_day[row]) * (day + 1)],
        [float(outlook.demand.sd_per_day[row]) ** 2 * (day + 1)],
        [lot],
        PIECES,
    )
    value = marginal_savings(curve)[0] / lot * penalty_per_unit(outlook, row) + need.relief_per_unit
    return np.full(PIECES, lot), np.minimum.accumulate(value)


def _donor_curve(outlook: Outlook, row: int, available: int) -> tuple[FloatArray, FloatArray]:
    """Expected loss of giving, per unit, rising with the units given."""
    window = float(outlook.window_days[row])
    lot = max(available / PIECES, 1.0)
    left = float(outlook.arrays.free[row]) - lot * PIECES
    curve = expected_shortage_curve(
        [left],
        [float(outlook.demand.mean_per_day[row]) * window],
        [float(outlook.demand.sd_per_day[row]) ** 2 * window],
        [lot],
        PIECES,
    )
    cost = marginal_savings(curve)[0][::-1] / lot * penalty_per_unit(outlook, row)
    return np.full(PIECES, lot), np.maximum.accumulate(cost)


def spare_units(outlook: Outlook, row: int, free: dict[tuple[str, str], int]) -> int:
    """Units a site can give above its floor."""
    place = (outlook.arrays.items[row], outlook.arrays.sites[row])
    return max(free.get(place, 0) - donor_floor(outlook, row), 0)


def donor_loss(outlook: Outlook, row: int, available: int, units: int) -> float:
    """Expected loss at a site that gives so many of its available units, currency, from its convex curve."""
    left, loss = float(units), 0.0
    for size, cost in zip(*_donor_curve(outlook, row, available), strict=True):
        take = min(left, float(size))
        loss += take * float(cost)
        left -= take
    return loss


def joint_problem(
    outlook: Outlook, needs: list[Need], lanes: dict[str, tuple[Lane, ...]], ledger: list[LedgerRow]
) -> JointProblem:
    """All needs, every site of the same item that has units above its floor, and the lanes between them."""
    arrays = outlook.arrays
    free = free_units(ledger)
    needing = {need.row for need in needs}
    floors: dict[int, int] = {}
    available: dict[int, int] = {}
    choices: list[LaneChoice] = []
    for number, need in enumerate(needs):
        item, site = arrays.items[need.row], arrays.sites[need.row]
        for lane in lanes.get(site, ()):
            donor = arrays.row_of.get((item, lane.origin))
            if donor is None or donor in needing or not outlook.planned[donor]:
                continue
            if need.relief_per_unit and surplus_units(outlook, donor) < lane.lot:
                continue
            if donor not in floors:
                floors[donor] = donor_floor(outlook, donor)
                available[donor] = spare_units(outlook, donor, free)
            if available[donor] >= lane.lot:
                choices.append(LaneChoice(donor, number, lane))
    donors = sorted({choice.donor_row for choice in choices})
    place = {row: number for number, row in enumerate(donors)}
    need_curves = [_need_curve(outlook, need) for need in needs]
    donor_curves = [_donor_curve(outlook, row, available[row]) for row in donors]
    groups = sorted({c.lane.name for c in choices if c.lane.capacity_per_day is not None})
    group_of = {name: number for number, name in enumerate(groups)}
    capacity = {c.lane.name: float(c.lane.capacity_per_day or 0.0) for c in choices}
    empty = np.zeros((0, PIECES))
    return JointProblem(
        problem=TransferProblem(
            need_series=np.array([need.row for need in needs], dtype=np.int64),
            need_piece_units=np.array([curve[0] for curve in need_curves]) if needs else empty,
            need_piece_value=np.array([curve[1] for curve in need_curves]) if needs else empty,
            need_capacity=np.array([need.units for need in needs], dtype=np.int64),
            donor_series=np.array(donors, dtype=np.int64),
            donor_available=np.array([available[row] for row in donors], dtype=np.int64),
            donor_piece_units=np.array([curve[0] for curve in donor_curves]) if donors else empty,
            donor_piece_cost=np.array([curve[1] for curve in donor_curves]) if donors else empty,
            lane_donor=np.array([place[c.donor_row] for c in choices], dtype=np.int64),
            lane_need=np.array([c.need for c in choices], dtype=np.int64),
            lane_unit_cost=np.array([c.lane.unit_cost for c in choices], dtype=np.float64),
            lane_fixed_cost=np.array([c.lane.fixed_cost for c in choices], dtype=np.float64),
            lane_lot=np.array([c.lane.lot for c in choices], dtype=np.int64),
            lane_load_per_unit=np.ones(len(choices)),
            lane_group=np.array([group_of.get(c.lane.name, -1) for c in choices], dtype=np.int64),
            group_capacity=np.array([capacity[name] for name in groups], dtype=np.float64),
        ),
        choices=tuple(choices),
        floors=floors,
    )
