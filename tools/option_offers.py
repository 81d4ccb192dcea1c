"""What facts allow to be done about one item at one site, before anything is priced.

Every offer states what it brings and when, what it costs, who pays, what it does to others, and what stops it from
being larger. Offers a person has to carry out (a call to the supplier, a price) are marked as not executable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from inventory.records import ActionKind
from tools.columns import FloatArray, IntArray
from tools.lanes import Lane
from tools.needs import donor_floor, spare_units, wanted_units
from tools.offer import Offer
from tools.outlook import Outlook
from tools.rules.binding import Bound, binding_on_lanes
from tools.rules.buying import ordered
from tools.rules.in_force import clause_of
from tools.rules.offering import ruled
from tools.rules.serving import priority_of


@dataclass(frozen=True)
class PlannedMove:
    """Units the joint plan sends to a need over one lane."""

    lane: Lane
    units: int
    donor_row: int
    donor_cost: float
    """Expected loss at the donor, currency."""


@dataclass(frozen=True)
class OrderIndex:
    """Open orders by receiving row: those of row ``r`` are ``order[first[r] : first[r + 1]]``."""

    order: IntArray
    first: IntArray

    def of(self, row: int) -> IntArray:
        """Orders of one row, in the order of the inbound list."""
        return self.order[self.first[row] : self.first[row + 1]]


def orders_by_row(outlook: Outlook) -> OrderIndex:
    """Index of the open orders, made once and kept beside the look's own cached figures."""
    kept = vars(outlook).get("_orders_by_row")
    if isinstance(kept, OrderIndex):
        return kept
    series = outlook.arrivals.series
    order = np.argsort(series, kind="stable")
    made = OrderIndex(order, np.searchsorted(series[order], np.arange(outlook.arrays.rows + 1)))
    vars(outlook)["_orders_by_row"] = made
    return made


def horizon(outlook: Outlook, row: int) -> int:
    """Days all options of the row are judged over."""
    return max(int(outlook.window_days[row]), 7)


def refused(action: ActionKind, days: int, limit: str, *, executable: bool = True) -> Offer:
    """An option there is not, and why."""
    return Offer(action, 0, np.zeros(days), 0.0, 0.0, limit=limit, feasible=False, executable=executable)


Full = Mapping[str, tuple[str, ...]]
"""What has no room for a further lot, by name of the lane that draws on it."""


def plain_offers(
    outlook: Outlook,
    row: int,
    moves: tuple[PlannedMove, ...],
    lanes: tuple[Lane, ...],
    relief_per_unit: float,
    full: Full | None = None,
) -> list[Offer]:
    """Hold, transfer, purchase and expedite: what can be posted from here."""
    days = min(horizon(outlook, row), outlook.arrays.horizon_days)
    sent = sum(move.units for move in moves)
    found = [
        Offer(ActionKind.HOLD, 0, np.zeros(days), 0.0, 0.0, paid_by="sales"),
        replace(_transfer(outlook, row, moves, lanes, days, full or {}), relief=relief_per_unit * sent),
        _purchase(outlook, row, days),
        _expedite(outlook, row, days),
    ]
    return [ruled(outlook, row, offer) for offer in found]


def _transfer(
    outlook: Outlook, row: int, moves: tuple[PlannedMove, ...], lanes: tuple[Lane, ...], days: int, full: Full
) -> Offer:
    arrays = outlook.arrays
    units = sum(move.units for move in moves)
    no_room = _no_room(outlook, row, moves, lanes, full)
    bound = binding_on_lanes(outlook, row, lanes, {move.donor_row: move.units for move in moves})
    first = priority_of(outlook, row)
    if first is not None:
        bound = (*bound, Bound(first, f"served before others by {clause_of(first)}"))
    by_rule, rules = "; ".join(each.words for each in bound), tuple(each.rule for each in bound)
    if not units:
        why = by_rule or no_room or _why_no_transfer(outlook, row, lanes)
        return replace(refused(ActionKind.TRANSFER, days, why), rules=rules)
    arrival = sum((move.units / units * move.lane.arrival_law(arrays.today, days) for move in moves), np.zeros(days))
    wanted = wanted_units(outlook, row)
    lost = sum(move.donor_cost for move in moves)
    return Offer(
        ActionKind.TRANSFER,
        units,
        np.minimum(arrival, 1.0),
        0.0,
        0.0,
        source="+".join(sorted({move.lane.origin for move in moves})),
        mode="+".join(sorted({move.lane.mode for move in moves})),
        p50_day=max((move.lane.arrives(arrays.today, 0.5) - arrays.today).days for move in moves),
        p90_day=max((move.lane.arrives(arrays.today, 0.9) - arrays.today).days for move in moves),
        limit="the need itself" if units >= wanted else by_rule or no_room or _what_stops_more(outlook, moves),
        rules=rules,
        paid_by="logistics",
        freight_per_unit=sum(move.units * move.lane.unit_cost for move in moves) / units,
        freight=sum(move.lane.fixed_cost for move in moves),
        elsewhere=lost,
        side_effects=("the giving site has less for its own customers",) if lost > 0 else (),
    )


def _no_room(outlook: Outlook, row: int, moves: tuple[PlannedMove, ...], lanes: tuple[Lane, ...], full: Full) -> str:
    """What is full on every way by which a donor could send one more lot; empty where one is open, or nobody could."""
    arrays, item = outlook.arrays, outlook.arrays.items[row]
    ways = []
    for lane in lanes if full else ():
        donor = arrays.row_of.get((item, lane.origin))
        if donor is None or not outlook.planned[donor]:
            continue
        sent = sum(move.units for move in moves if move.donor_row == donor)
        if spare_units(outlook, donor) - sent >= lane.lot:
            ways.append(lane.name)
    if not ways or not all(full.get(name) for name in ways):
        return ""
    return f"no room left: {', '.join(dict.fromkeys(what for name in ways for what in full[name]))}"


def _what_stops_more(outlook: Outlook, moves: tuple[PlannedMove, ...]) -> str:
    """What keeps a transfer below the need: a floor, or what further units are worth here and elsewhere."""
    free = outlook.arrays.free
    if any(free[move.donor_row] - move.units - donor_floor(outlook, move.donor_row) >= move.lane.lot for move in moves):
        return "further units are worth more in other cases, or cost more than they save"
    return "what donors can give above their floors, in whole lots"


def _why_no_transfer(outlook: Outlook, row: int, lanes: tuple[Lane, ...]) -> str:
    arrays = outlook.arrays
    item = arrays.items[row]
    donors = [lane.origin for lane in lanes if (item, lane.origin) in arrays.row_of]
    if not lanes:
        return "no lane leads to this site"
    if not donors:
        return "no other site keeps this item"
    return "no donor has units above its floor that are worth more here"


def sold_by_supplier(outlook: Outlook, row: int) -> bool:
    """Whether an order can be placed at all."""
    arrays = outlook.arrays
    return not np.isnan(arrays.purchase_price[row]) and bool(arrays.group[row] >= 0)


def _purchase(outlook: Outlook, row: int, days: int) -> Offer:
    arrays = outlook.arrays
    if not sold_by_supplier(outlook, row):
        return refused(ActionKind.PURCHASE, days, "no supplier sells this item")
    order = ordered(outlook, row, wanted_units(outlook, row))
    if not order.units:
        return replace(refused(ActionKind.PURCHASE, days, order.limit), rules=order.rules)
    law = outlook.lead_times.law.probability[arrays.group[row]]
    early, late = reached_days(law)
    return Offer(
        ActionKind.PURCHASE,
        order.units,
        within(law, days),
        0.0,
        float(arrays.order_cost[row]),
        source=arrays.supplier[row],
        p50_day=early,
        p90_day=late,
        limit=order.limit,
        rules=order.rules,
        paid_by="purchasing",
    )


def _expedite(outlook: Outlook, row: int, days: int) -> Offer:
    """Pull the row's largest open supplier order in, on the supplier's expedite terms."""
    arrays, inbound = outlook.arrays, outlook.arrays.inbound
    if np.isnan(arrays.expedite_days[row]) or np.isnan(arrays.purchase_price[row]):
        return refused(ActionKind.EXPEDITE, days, "the supplier offers no expedite")
    order = largest_supplier_order(outlook, row)
    if order < 0:
        return refused(ActionKind.EXPEDITE, days, "no open order to expedite")
    law = expedited_law(outlook, row)
    early, late = reached_days(law)
    return Offer(
        ActionKind.EXPEDITE,
        int(inbound.quantity[order]),
        within(law, days),
        float(arrays.purchase_price[row]) * (float(arrays.expedite_factor[row]) - 1.0),
        float(arrays.expedite_cost[row]),
        source=inbound.supplier[order],
        replaces=order,
        p50_day=early,
        p90_day=late,
        limit="the units of the open order",
        paid_by="purchasing",
    )


def largest_supplier_order(outlook: Outlook, row: int) -> int:
    """Open supplier order of most units, the first among equals; -1 without one."""
    inbound = outlook.arrays.inbound
    orders = [order for order in orders_by_row(outlook).of(row).tolist() if inbound.group[order] >= 0]
    return max(orders, key=lambda order: (float(inbound.quantity[order]), -order), default=-1)


def expedited_law(outlook: Outlook, row: int) -> FloatArray:
    """Arrival law under the expedite terms: as scattered around the promised days as the supplier's lead time is."""
    arrays = outlook.arrays
    promised = float(arrays.expedite_days[row])
    group = int(arrays.group[row])
    if group < 0:
        law = np.zeros(int(promised) + 1)
        law[-1] = 1.0
        return law
    usual = outlook.lead_times.law.probability[group]
    mean = max(float(outlook.lead_times.mean_days[group]), 1e-9)
    return in_other_time(usual, min(promised / mean, 1.0))


def in_other_time(law: FloatArray, factor: float) -> FloatArray:
    """A law by day with every day multiplied by a factor of at most 1, to the nearest day, never before today."""
    day = np.rint(np.arange(law.size) * factor).astype(np.int64)
    return np.bincount(day, law, law.size).astype(np.float64)


def within(law: FloatArray, days: int) -> FloatArray:
    """The law over so many days; the rest comes too late."""
    arrival = np.zeros(days)
    width = min(days, law.size)
    arrival[:width] = law[:width]
    return arrival


def reached_days(law: FloatArray) -> tuple[int, int]:
    """Median and 90 % day of a law."""
    reached = np.cumsum(law)
    return int(np.searchsorted(reached, 0.5 * reached[-1])), int(np.searchsorted(reached, 0.9 * reached[-1]))
