"""Turns open cases into one joint transfer problem: who needs units, who can give them, over which lanes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from optimizer.options.shortage import expected_shortage_curve, marginal_savings
from optimizer.transfers.problem import TransferProblem
from tools.columns import FloatArray, IntArray
from tools.lanes import Lane
from tools.limits import Limits
from tools.money import penalties
from tools.outlook import Outlook
from tools.rules.keeping import built_up, floor_units, kept
from tools.rules.moving import Barriers
from tools.rules.serving import come_first, served_first

PIECES = 8
"""Steps of each convex value and cost curve."""
MOST_UNITS = 1e15
"""More than anybody has; keeps what is infinite a whole number."""


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
    """Free units above the row's own order-up-to level, and above what was built up for a promotion."""
    level = float(outlook.levels.order_up_to_level[row])
    if outlook.arrays.rules:
        level = max(level, float(built_up(outlook).units[row]))
    return int(np.floor(max(float(outlook.arrays.free[row]) - level, -MOST_UNITS) + 1e-9))


def own_floor(outlook: Outlook, row: int) -> int:
    """Units a site keeps for itself: its reorder point, and what it promised to customers if that is more."""
    arrays = outlook.arrays
    return int(np.ceil(max(float(outlook.levels.reorder_point[row]), float(arrays.committed_units[row])) - 1e-9))


def donor_floor(outlook: Outlook, row: int) -> int:
    """Units a site keeps: `own_floor`, and what a machine rule asks if that is more; all it has where one says so."""
    own = own_floor(outlook, row)
    if not outlook.arrays.rules:
        return own
    asked = float(kept(outlook).units[row])
    if np.isinf(asked):
        return max(own, int(np.ceil(max(float(outlook.arrays.on_hand[row]), float(outlook.arrays.free[row])) - 1e-9)))
    return max(own, int(np.ceil(asked - 1e-9)))


def barriers(outlook: Outlook) -> Barriers:
    """What keeps goods off lanes by machine rules; made once and kept beside the look's own cached figures."""
    known = vars(outlook).get("_barriers")
    if not isinstance(known, Barriers):
        known = vars(outlook)["_barriers"] = Barriers(outlook.arrays.rules, outlook.arrays.today)
    return known


@dataclass(frozen=True)
class Curves:
    """Convex curves, a row each: units of every piece and money per unit, shape ``(rows, PIECES)``."""

    units: FloatArray
    money: FloatArray

    @classmethod
    def of_lots(cls, lot: FloatArray, money: FloatArray) -> Curves:
        """Curves whose pieces are one lot each."""
        return cls(np.repeat(lot[:, None], PIECES, axis=1), money)


def need_curves(outlook: Outlook, needs: list[Need]) -> Curves:
    """What units are worth to each need, falling with the units received."""
    row = np.array([need.row for need in needs], dtype=np.int64)
    day = outlook.worst_day[row]
    lot = np.maximum(np.array([need.units for need in needs], dtype=np.float64) / PIECES, 1.0)
    known = np.cumsum(outlook.arrays.known_demand[row], axis=1)[np.arange(row.size), day]
    curve = expected_shortage_curve(
        outlook.arrays.free[row] + _come_by(outlook, outlook.worst_day)[row] - known,
        outlook.demand.mean_per_day[row] * (day + 1),
        outlook.demand.sd_per_day[row] ** 2 * (day + 1),
        lot,
        PIECES,
    )
    relief = np.array([need.relief_per_unit for need in needs])
    value = marginal_savings(curve) / lot[:, None] * penalties(outlook, row)[:, None] + relief[:, None]
    return Curves.of_lots(lot, np.minimum.accumulate(value, axis=1))


def _come_by(outlook: Outlook, day: IntArray) -> FloatArray:
    """Units expected to arrive up to and including a day, of each row."""
    arrivals = outlook.arrivals
    reached = np.cumsum(arrivals.arrival_probability, axis=1)[np.arange(arrivals.series.size), day[arrivals.series]]
    return np.bincount(arrivals.series, arrivals.quantity * reached, outlook.arrays.rows).astype(np.float64)


def donor_curves(outlook: Outlook, rows: IntArray, available: IntArray) -> Curves:
    """What giving is expected to cost each donor, rising with the units given."""
    window = outlook.window_days[rows].astype(np.float64)
    lot = np.maximum(available / PIECES, 1.0)
    curve = expected_shortage_curve(
        outlook.arrays.free[rows] - lot * PIECES,
        outlook.demand.mean_per_day[rows] * window,
        outlook.demand.sd_per_day[rows] ** 2 * window,
        lot,
        PIECES,
    )
    cost = marginal_savings(curve)[:, ::-1] / lot[:, None] * penalties(outlook, rows)[:, None]
    return Curves.of_lots(lot, np.maximum.accumulate(cost, axis=1))


def spare_units(outlook: Outlook, row: int) -> int:
    """Units a site can give above its floor."""
    return max(int(outlook.arrays.free[row]) - donor_floor(outlook, row), 0)


def donor_losses(outlook: Outlook, rows: IntArray, available: IntArray, units: IntArray) -> FloatArray:
    """Expected loss at sites that give so many of their available units, currency, from their convex curves."""
    curves = donor_curves(outlook, rows, available)
    before = np.cumsum(curves.units, axis=1) - curves.units
    taken = np.clip(units[:, None] - before, 0.0, curves.units)
    return np.asarray((taken * curves.money).sum(axis=1))


def _giving(outlook: Outlook) -> tuple[IntArray, IntArray, IntArray]:
    """`donor_floor`, `spare_units` and `surplus_units` of every row."""
    arrays, levels = outlook.arrays, outlook.levels
    floor = floor_units(outlook, np.maximum(levels.reorder_point, arrays.committed_units))
    spare = np.maximum(np.trunc(arrays.free).astype(np.int64) - floor, 0)
    level = levels.order_up_to_level
    if arrays.rules:
        level = np.minimum(np.maximum(level, built_up(outlook).units), MOST_UNITS)
    return floor, spare, np.floor(arrays.free - level + 1e-9).astype(np.int64)


def _cheapest(choices: Sequence[LaneChoice], needs: int) -> FloatArray:
    """Least cost of sending a unit to each need; infinite where nothing leads there."""
    least = np.full(needs, np.inf)
    np.minimum.at(least, [choice.need for choice in choices], [choice.lane.unit_cost for choice in choices])
    return least


def joint_problem(
    outlook: Outlook, needs: list[Need], lanes: dict[str, tuple[Lane, ...]], limits: Limits
) -> JointProblem:
    """All needs, every site of the same item that has units above its floor, the lanes between, and what they share."""
    arrays = outlook.arrays
    needing = {need.row for need in needs}
    floors: dict[int, int] = {}
    choices: list[LaneChoice] = []
    floor_of, spare_of, surplus_of = (units.tolist() for units in _giving(outlook))
    barred = barriers(outlook)
    for number, need in enumerate(needs):
        item, site = arrays.items[need.row], arrays.sites[need.row]
        for lane in lanes.get(site, ()):
            donor = arrays.row_of.get((item, lane.origin))
            if donor is None or donor in needing or not outlook.planned[donor]:
                continue
            if need.relief_per_unit and surplus_of[donor] < lane.lot:
                continue
            if barred.on(lane, donor, need.row) is not None:
                continue
            floors[donor] = floor_of[donor]
            if spare_of[donor] >= lane.lot:
                choices.append(LaneChoice(donor, number, lane))
    donors = sorted({choice.donor_row for choice in choices})
    place = {row: number for number, row in enumerate(donors)}
    giving = np.array(donors, dtype=np.int64)
    spare = np.array([spare_of[row] for row in donors], dtype=np.int64)
    wanted, given = need_curves(outlook, needs), donor_curves(outlook, giving, spare)
    if arrays.rules:
        first = come_first(outlook, [need.row for need in needs])
        wanted = replace(wanted, money=served_first(first, wanted.money, _cheapest(choices, len(needs))))
    shared = [limits.groups.get(choice.lane.name, ()) for choice in choices]
    names = sorted({name for groups in shared for name in groups})
    group_of = {name: number for number, name in enumerate(names)}
    further = [(lane, group_of[name]) for lane, groups in enumerate(shared) for name in groups[1:]]
    member = np.array(further, dtype=np.int64).reshape(-1, 2)
    return JointProblem(
        problem=TransferProblem(
            need_series=np.array([need.row for need in needs], dtype=np.int64),
            need_piece_units=wanted.units,
            need_piece_value=wanted.money,
            need_capacity=np.array([need.units for need in needs], dtype=np.int64),
            donor_series=giving,
            donor_available=spare,
            donor_piece_units=given.units,
            donor_piece_cost=given.money,
            lane_donor=np.array([place[c.donor_row] for c in choices], dtype=np.int64),
            lane_need=np.array([c.need for c in choices], dtype=np.int64),
            lane_unit_cost=np.array([c.lane.unit_cost for c in choices], dtype=np.float64),
            lane_fixed_cost=np.array([c.lane.fixed_cost for c in choices], dtype=np.float64),
            lane_lot=np.array([c.lane.lot for c in choices], dtype=np.int64),
            lane_load_per_unit=np.ones(len(choices)),
            lane_group=np.array([group_of[groups[0]] if groups else -1 for groups in shared], dtype=np.int64),
            group_capacity=np.array([limits.room[name] for name in names], dtype=np.float64),
            member_lane=member[:, 0],
            member_group=member[:, 1],
            member_load_per_unit=np.ones(len(member)),
        ),
        choices=tuple(choices),
        floors=floors,
    )
