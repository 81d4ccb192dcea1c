"""What lanes share: the capacity of a lane, the receiving and the labor of a site on a day, and what is left of each.

Rules
-----
1. All that one decision sends over a lane goes on one departure: the lane carries its capacity of one day.
2. A site takes in so many units a day, and its people handle so many. A transfer is handled where it leaves on its day
   of departure, and received and handled where it arrives on the day it is there as likely as not.
3. What feeds promise for a day, and what decided lines bring or take on it, is booked before. An overdue order has no
   day, so it books none.
4. A limit nobody stated is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from inventory.records import ActionKind, ProposalLine
from inventory.snapshots import Snapshot
from tools.lanes import Lane

Day = tuple[str, date]
"""A site on a day."""
COMING = (ActionKind.TRANSFER, ActionKind.PURCHASE)


@dataclass(frozen=True)
class SiteDays:
    """What sites can take in and handle on a day, and what is booked already; units."""

    today: date
    receiving: dict[str, float] = field(default_factory=dict)
    """Units received per day, by site that states it."""
    labor: dict[str, float] = field(default_factory=dict)
    """Units handled per day, by site that states it."""
    arriving: dict[Day, float] = field(default_factory=dict)
    leaving: dict[Day, float] = field(default_factory=dict)

    def groups(self, lane: Lane) -> dict[str, float]:
        """Room of what a lane shares at its two sites, by name."""
        left, there = (lane.origin, lane.departs(self.today)), (lane.destination, lane.arrives(self.today, 0.5))
        found = {}
        if lane.destination in self.receiving:
            room = self.receiving[lane.destination] - self.arriving.get(there, 0.0)
            found[f"receiving at {there[0]} on {there[1]}"] = max(room, 0.0)
        for place in (left, there):
            if place[0] in self.labor:
                booked = self.arriving.get(place, 0.0) + self.leaving.get(place, 0.0)
                found[f"labor at {place[0]} on {place[1]}"] = max(self.labor[place[0]] - booked, 0.0)
        return found


@dataclass(frozen=True)
class Limits:
    """Units that what lanes share may still carry."""

    room: dict[str, float]
    """By name of what is shared, in words."""
    groups: dict[str, tuple[str, ...]]
    """What each lane draws on, by its name."""

    @classmethod
    def of(cls, lanes: Mapping[str, tuple[Lane, ...]], days: SiteDays | None = None) -> Limits:
        """Limits of the lanes themselves and, where they are given, of the sites at their ends."""
        room: dict[str, float] = {}
        groups: dict[str, tuple[str, ...]] = {}
        for lane in (lane for ways in lanes.values() for lane in ways):
            shared = {} if lane.capacity_per_day is None else {f"lane {lane.name}": lane.capacity_per_day}
            shared |= {} if days is None else days.groups(lane)
            room |= shared
            groups[lane.name] = tuple(shared)
        return cls(room, groups)

    @classmethod
    def none(cls) -> Limits:
        """Everything has room without end."""
        return cls({}, {})

    def load(self, sent: Iterable[tuple[str, int]]) -> Counter[str]:
        """Units of each limit that lanes use: ``(name of the lane, units)``."""
        used: Counter[str] = Counter()
        for lane, units in sent:
            for group in self.groups.get(lane, ()):
                used[group] += units
        return used

    def overfull(self, sent: Iterable[tuple[str, int]]) -> set[str]:
        """Lanes that draw on something with less room than is sent."""
        used = self.load(sent)
        full = {group for group, units in used.items() if units > self.room[group] * (1.0 + 1e-9)}
        return {lane for lane, groups in self.groups.items() if not full.isdisjoint(groups)}

    def after(self, sent: Iterable[tuple[str, int]]) -> Limits:
        """What is left of the room."""
        used = self.load(sent)
        return replace(self, room={group: max(room - used[group], 0.0) for group, room in self.room.items()})

    def stops(self, lane: Lane) -> tuple[str, ...]:
        """What has no room for a further lot over a lane."""
        return tuple(group for group in self.groups.get(lane.name, ()) if self.room[group] * (1.0 + 1e-9) < lane.lot)


def site_days(snapshot: Snapshot, committed: Iterable[ProposalLine]) -> SiteDays:
    """Receiving and labor of the sites of a snapshot, less what feeds and decided lines book."""
    today = snapshot.as_of.date()
    sites = snapshot.table("sites").select("site", "receiving_capacity_per_day", "labour_capacity_per_day")
    receiving = {site: float(units) for site, units, _ in sites.iter_rows() if units is not None}
    labor = {site: float(units) for site, _, units in sites.iter_rows() if units is not None}
    if not receiving and not labor:
        return SiteDays(today)
    arriving, leaving = Counter(_due(snapshot, today)), Counter[Day]()
    for line in committed:
        if line.action in COMING:
            arriving[(line.destination, line.arrive_on)] += line.quantity
        if line.action is ActionKind.TRANSFER:
            leaving[(line.origin, line.ship_on)] += line.quantity
    return SiteDays(today, receiving, labor, dict(arriving), dict(leaving))


def _due(snapshot: Snapshot, today: date) -> dict[Day, float]:
    """Units of open orders and transfers by the site and day they are promised for."""
    left = (pl.col("quantity") - pl.col("received_quantity").fill_null(0)).cast(pl.Float64)
    orders = snapshot.table("purchase_orders").filter(pl.col("status") == "open")
    moves = snapshot.table("transfers").filter(pl.col("status").is_in(["open", "in_transit"]))
    coming = pl.concat([
        orders.select("site", day="promised_date", units=left),
        moves.select(site="destination", day="expected_date", units=left),
    ])  # fmt: skip
    due = coming.filter((pl.col("day") >= today) & (pl.col("units") > 0)).group_by("site", "day").agg(pl.sum("units"))
    return {(site, day): units for site, day, units in due.sort("site", "day").iter_rows()}
