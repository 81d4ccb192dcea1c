"""What a simulated network is made of, every number of the future drawn beforehand.

Rules
-----
1. Axes are ``[day, site, item]``. A site is fed by a supplier that never runs out, or along one lane by another site;
   any lane may carry transfers besides.
2. Lead time d means: ordered in the morning of day t, received in the morning of day t + d, before that day's demand.
   The same holds for transit. 0 is the same morning, after orders were placed and shipments left.
3. A closed site receives, ships, orders and sells nothing; what arrives waits outside. A closed lane takes up nothing
   new; what is under way arrives.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np

from optimizer.arguments import (
    BoolArray,
    FloatArray,
    IntArray,
    counts,
    finite,
    flags,
    index,
    non_negative,
    same_length,
    share,
    whole,
)

Unmet = Literal["lost", "backordered"]
Checked = TypeVar("Checked", FloatArray, IntArray, BoolArray)
SUPPLIER = -1
"""Feeding lane of a site that buys."""


def _set(record: object, **checked: object) -> None:
    """Put checked arrays into a frozen record that is being built."""
    for name, value in checked.items():
        object.__setattr__(record, name, value)


def _no_index() -> IntArray:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Lanes:
    """Ways between sites, shape ``(lanes,)`` throughout.

    Parameters
    ----------
    origin, destination
        Sites, different from each other.
    transit_days
        Whole days, not negative.
    """

    origin: IntArray = field(default_factory=_no_index)
    destination: IntArray = field(default_factory=_no_index)
    transit_days: IntArray = field(default_factory=_no_index)

    def __post_init__(self) -> None:
        origin, destination = counts("origin", self.origin), counts("destination", self.destination)
        transit = counts("transit_days", self.transit_days)
        same_length(origin=origin, destination=destination, transit_days=transit)
        loop = origin == destination
        if loop.any():
            raise ValueError(f"destination must differ from origin, lane {int(np.argmax(loop))} does not")
        _set(self, origin=origin, destination=destination, transit_days=transit)

    def __len__(self) -> int:
        return len(self.origin)


@dataclass(frozen=True)
class Inbound:
    """Receipts already on order at the start, shape ``(k,)``: site, item, units, and the day they arrive."""

    site: IntArray = field(default_factory=_no_index)
    item: IntArray = field(default_factory=_no_index)
    quantity: FloatArray = field(default_factory=lambda: np.zeros(0))
    due_day: IntArray = field(default_factory=_no_index)

    def __post_init__(self) -> None:
        site, item = counts("site", self.site), counts("item", self.item)
        quantity, due = non_negative("quantity", self.quantity), counts("due_day", self.due_day)
        same_length(site=site, item=item, quantity=quantity, due_day=due)
        _set(self, site=site, item=item, quantity=quantity, due_day=due)


@dataclass(frozen=True)
class World:
    """A network, its opening state and everything that will happen to it.

    Parameters
    ----------
    demand
        Shape ``(days, sites, items)``, units, not negative.
    lead_time_days
        The same shape, supplier's lead time of what is ordered on that day. Any integer type.
    opening
        Shape ``(sites, items)``, on-hand less backordered, of either sign.
    unit_cost
        Shape ``(items,)``, money per unit.
    unmet
        What becomes of demand that finds no stock. Opening backorders are owed in either case.
    feeding_lane
        Shape ``(sites,)``, the lane that feeds a site, or `SUPPLIER`; empty: suppliers feed all.
    lanes, inbound
        Ways between sites, and receipts under way at the start.
    expedite_days
        Shape ``(sites, items)``, lead time of what is expedited; empty: 0.
    delivered_share, rest_after_days
        Shape ``(days, sites)``, share of an order placed that day that comes at its lead time, the rest so many days
        later; empty: all at once.
    site_open, lane_open
        Shapes ``(days, sites)`` and ``(days, lanes)``; empty: always.
    shelf_life_days
        Shape ``(items,)``, days a unit may be sold from its receipt from the supplier, at least 1; stock then leaves
        first-expired-first-out. None: it keeps. Opening stock and inbound count as fresh.
    period
        Shape ``(days,)``, the reporting period of each day, 0, 1, 2, ...; empty: one period.
    """

    demand: FloatArray
    lead_time_days: IntArray
    opening: FloatArray
    unit_cost: FloatArray
    unmet: Unmet = "lost"
    feeding_lane: IntArray = field(default_factory=_no_index)
    lanes: Lanes = field(default_factory=Lanes)
    inbound: Inbound = field(default_factory=Inbound)
    expedite_days: IntArray = field(default_factory=_no_index)
    delivered_share: FloatArray = field(default_factory=lambda: np.zeros(0))
    rest_after_days: int = 7
    site_open: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    lane_open: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    shelf_life_days: IntArray | None = None
    period: IntArray = field(default_factory=_no_index)

    def __post_init__(self) -> None:
        demand, lead = non_negative("demand", self.demand), counts("lead_time_days", self.lead_time_days)
        opening, cost = finite("opening", self.opening), non_negative("unit_cost", self.unit_cost)
        if demand.ndim != 3 or 0 in demand.shape:
            raise ValueError(f"demand must have shape (days, sites, items), none of them 0, got {demand.shape}")
        days, sites, items = demand.shape
        _shape("lead_time_days", lead, (days, sites, items))
        _shape("opening", opening, (sites, items))
        _shape("unit_cost", cost, (items,))
        if self.unmet not in ("lost", "backordered"):
            raise ValueError(f"unmet must be 'lost' or 'backordered', got {self.unmet!r}")
        _set(self, demand=demand, lead_time_days=lead, opening=opening, unit_cost=cost)
        self._check_network(sites, items)
        self._check_events(days, sites, items)

    def _check_network(self, sites: int, items: int) -> None:
        for name, place in (("lanes.origin", self.lanes.origin), ("lanes.destination", self.lanes.destination)):
            index(name, place, sites)
        index("inbound.site", self.inbound.site, sites)
        index("inbound.item", self.inbound.item, items)
        lane = whole("feeding_lane", _given(self.feeding_lane, np.full(sites, SUPPLIER, dtype=np.int64)))
        _shape("feeding_lane", lane, (sites,))
        bad = (lane < SUPPLIER) | (lane >= len(self.lanes))
        if bad.any():
            site = int(np.argmax(bad))
            raise ValueError(f"feeding_lane must be -1 or a lane at index ({site},), got {lane[site]}")
        fed = np.flatnonzero(lane != SUPPLIER)
        astray = self.lanes.destination[lane[fed]] != fed
        if astray.any():
            raise ValueError(f"feeding_lane of site {fed[astray][0]} does not lead there")
        _set(self, feeding_lane=lane)

    def _check_events(self, days: int, sites: int, items: int) -> None:
        quick = _given(self.expedite_days, np.zeros((sites, items), dtype=np.int64))
        part = _given(self.delivered_share, np.ones((days, sites)))
        site_open = _given(self.site_open, np.ones((days, sites), dtype=np.bool_))
        lane_open = _given(self.lane_open, np.ones((days, len(self.lanes)), dtype=np.bool_))
        period = _given(self.period, np.zeros(days, dtype=np.int64))
        _set(
            self,
            expedite_days=_shape("expedite_days", counts("expedite_days", quick), (sites, items)),
            delivered_share=_shape("delivered_share", share("delivered_share", part), (days, sites)),
            site_open=_shape("site_open", flags("site_open", site_open), (days, sites)),
            lane_open=_shape("lane_open", flags("lane_open", lane_open), (days, len(self.lanes))),
            period=_shape("period", counts("period", period), (days,)),
        )
        if self.rest_after_days < 1:
            raise ValueError(f"rest_after_days must be at least 1, got {self.rest_after_days}")
        if self.shelf_life_days is not None:
            life = _shape("shelf_life_days", counts("shelf_life_days", self.shelf_life_days), (items,))
            if (life < 1).any():
                raise ValueError(f"shelf_life_days must be at least 1, item {int(np.argmax(life < 1))} has 0")
            _set(self, shelf_life_days=life)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Days, sites, items."""
        days, sites, items = self.demand.shape
        return days, sites, items


def _given(array: Checked, default: Checked) -> Checked:
    """The array, or the default where it is empty."""
    return array if np.size(array) else default


def _shape(name: str, array: Checked, shape: tuple[int, ...]) -> Checked:
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    return array
