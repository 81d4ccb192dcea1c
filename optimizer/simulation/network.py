"""A network played day by day: sites, lanes, suppliers, lots.

Rules
-----
1. State is a table ``(sites, items)``; Python walks over days and lanes only. Nothing couples items, so any cut of the
   items gives the same numbers.
2. A morning: what has expired goes, receipts come in and settle backorders, the planner sees the state and decides,
   transfers leave, then sites ship what they owe to the sites they feed, in lane order that turns by one each day so
   that none is always last. Then the day's demand.
3. Every day the books must close, or `ConservationError`: stock changes by what came, was served, sent and thrown
   away; on-order is what is under way plus what is owed; nothing is negative.
"""

import numpy as np

from optimizer.arguments import FloatArray, IntArray, non_negative
from optimizer.errors import ConservationError
from optimizer.simulation.planner import Orders, Planner, View
from optimizer.simulation.purchases import PurchaseBook
from optimizer.simulation.ring import ReceiptRing
from optimizer.simulation.stock import LayeredStock, PlainStock
from optimizer.simulation.tally import Outcome, Tally
from optimizer.simulation.world import SUPPLIER, World

_TOLERANCE = 1e-6


def simulate(world: World, planner: Planner, *, record_lines: bool = False) -> Outcome:
    """Play a world under a planner.

    Parameters
    ----------
    planner
        Called every morning with what is known then; an `OrderPolicy`, `GivenOrders` or any callable.
    record_lines
        Whether to keep, per day, if an item's demand was served in full.

    Raises
    ------
    ValueError
        If the planner decides something that cannot be (a wrong shape, a negative or infinite quantity).
    ConservationError
        If the books of a day do not close.
    """
    run = _Run(world, record_lines)
    for day in range(world.shape[0]):
        run.morning(day)
        run.decide(day, planner)
        run.sell(day)
        run.check(day)
    return run.outcome()


class _Run:
    """The state of one simulation."""

    def __init__(self, world: World, record_lines: bool) -> None:
        days, sites, items = world.shape
        self.world, self.shape, self.items = world, (sites, items), items
        opening = np.maximum(world.opening, 0.0)
        self.stock: PlainStock | LayeredStock = (
            PlainStock(opening) if world.shelf_life_days is None else LayeredStock(opening, world.shelf_life_days)
        )
        self.backordered = np.maximum(-world.opening, 0.0)
        self.on_order, self.in_transit = np.zeros(self.shape), np.zeros(self.shape)
        self.owed = np.zeros((len(world.lanes), items))
        self.owed_by_site = np.zeros(self.shape)
        waits = (world.lead_time_days, world.expedite_days, world.inbound.due_day)
        longest = max(int(wait.max(initial=0)) for wait in waits) + world.rest_after_days
        self.purchases = ReceiptRing(longest, self.shape)
        layers = (self.stock.layers,) if self.stock.layers else ()
        # A day more than the longest transit, for what waits before a closed site.
        self.on_lanes = ReceiptRing(int(world.lanes.transit_days.max(initial=0)) + 1, (*layers, *self.shape))
        self.book = PurchaseBook(items)
        self.tally = Tally.empty(int(world.period.max()) + 1, sites, items)
        self.complete = np.ones((days if record_lines else 0, sites, items), dtype=np.bool_)
        self.past = world.demand.view()
        self.past.flags.writeable = False
        self.fed_by_supplier = (world.feeding_lane == SUPPLIER)[:, None]
        self._place_opening_orders()

    def _place_opening_orders(self) -> None:
        inbound = self.world.inbound
        self._buy(0, inbound.site * self.items + inbound.item, inbound.due_day, inbound.quantity, usual=False)

    def morning(self, day: int) -> None:
        """Expiry, receipts, and backorders they settle."""
        self.before = self.stock.on_hand - self.backordered
        self.moved = np.zeros(self.shape)
        expired = self.stock.expire(day)
        self.moved -= expired
        if self.stock.layers:
            spoiled = self.on_lanes.drop_layer(day % self.stock.layers)
            self.on_order -= spoiled
            self.in_transit -= spoiled
            expired = expired + spoiled
        self._receive(day)
        self._settle(day)
        self.tally.count(int(self.world.period[day]), expired=expired)

    def decide(self, day: int, planner: Planner) -> None:
        """Ask the planner and carry out what he decides."""
        view = View(
            day=day,
            on_hand=_read_only(self.stock.on_hand),
            backordered=_read_only(self.backordered),
            on_order=_read_only(self.on_order),
            owed=_read_only(self.owed_by_site),
            demand=self.past[:day],
            supply=lambda: self.book.seen_from(day),
        )
        orders = planner(view)
        quantities = _checked(orders, self.shape, len(self.world.lanes))
        self._transfer(day, quantities.transfer)
        self._order(day, quantities.replenish)
        self._expedite(day, quantities.expedite)
        self._ship(day)
        # What needs no time is there the same morning.
        self._receive(day)
        self._settle(day)

    def sell(self, day: int) -> None:
        """The day's demand."""
        world = self.world
        demand = world.demand[day]
        served = self.stock.serve(day, demand * world.site_open[day][:, None])
        missing = demand - served
        lost = missing if world.unmet == "lost" else np.zeros(self.shape)
        self.backordered += missing - lost
        self.moved -= demand - lost
        # A line short by a rounding error is complete.
        complete = missing <= 1e-9 * demand
        wanted = demand > 0.0
        if len(self.complete):
            self.complete[day] = complete
        on_hand = self.stock.on_hand
        self.tally.count(
            int(world.period[day]), days=np.ones(self.shape), demand=demand, served=served, lost=lost, lines=wanted,
            complete_lines=wanted & complete, on_hand_days=on_hand, in_stock_days=on_hand > 0.0,
            backordered_days=self.backordered,
        )  # fmt: skip

    def check(self, day: int) -> None:
        """Close the day's books."""
        scale = 1.0 + np.abs(self.before) + self.world.demand[day] + self.on_order + self.stock.on_hand
        books = {
            "net stock": self.stock.on_hand - self.backordered - self.before - self.moved,
            "on order": self.on_order - self.in_transit - self._owed_to(),
            "on hand": np.minimum(self.stock.on_hand, 0.0),
            "in transit": np.minimum(self.in_transit, 0.0),
        }
        for name, gap in books.items():
            bad = ~(np.abs(gap) <= _TOLERANCE * scale)
            if bad.any():
                site, item = (int(i) for i in np.argwhere(bad)[0])
                raise ConservationError(
                    f"day {day}, site {site}, item {item}: {name} is off by {gap[site, item]} units"
                )

    def outcome(self) -> Outcome:
        """Totals and closing state; at the end the rings themselves are counted."""
        on_lanes = self.on_lanes.total()
        under_way = self.purchases.total() + (on_lanes.sum(axis=0) if self.stock.layers else on_lanes)
        gap = np.abs(under_way - self.in_transit) > _TOLERANCE * (1.0 + under_way)
        if gap.any():
            site, item = (int(i) for i in np.argwhere(gap)[0])
            raise ConservationError(f"site {site}, item {item}: {under_way[site, item]} units are under way at the end")
        wait, cell, quantity = self.purchases.waiting(self.world.shape[0])
        supply = self.book.seen_from(self.world.shape[0])
        due = (*np.divmod(cell, self.items), quantity, wait)
        return Outcome(self.tally, self.stock.on_hand, self.backordered, self.on_order, self.complete, *due, supply)

    def _receive(self, day: int) -> None:
        fresh, layered = self.purchases.take(day), self.on_lanes.take(day)
        closed = np.flatnonzero(~self.world.site_open[day])
        if len(closed):
            self._wait_outside(day, closed, fresh, layered)
        arrived = fresh + (layered.sum(axis=0) if self.stock.layers else layered)
        self.stock.receive(day, fresh, layered)
        self.on_order -= arrived
        self.in_transit -= arrived
        self.moved += arrived

    def _wait_outside(self, day: int, closed: IntArray, fresh: FloatArray, layered: FloatArray) -> None:
        """Try again tomorrow with what came to a closed site."""
        for ring, arrived in ((self.purchases, fresh), (self.on_lanes, layered)):
            waiting = np.zeros_like(arrived)
            waiting[..., closed, :] = arrived[..., closed, :]
            arrived[..., closed, :] = 0.0
            cell = np.flatnonzero(waiting)
            ring.add(day, cell, np.ones(len(cell), dtype=np.int64), waiting.flat[cell])

    def _settle(self, day: int) -> None:
        """Serve backorders from stock; net stock does not change."""
        if self.backordered.any():
            self.backordered -= self.stock.serve(day, self.backordered * self.world.site_open[day][:, None])

    def _order(self, day: int, quantity: FloatArray | None) -> None:
        if quantity is None:
            return
        world = self.world
        quantity = quantity * world.site_open[day][:, None]
        bought = np.flatnonzero(quantity * self.fed_by_supplier)
        self._buy(day, bought, world.lead_time_days[day].flat[bought], quantity.flat[bought], usual=True)
        for site in np.flatnonzero(~self.fed_by_supplier[:, 0]):
            lane = world.feeding_lane[site]
            self.owed[lane] += quantity[site]
            self.owed_by_site[world.lanes.origin[lane]] += quantity[site]
            self.on_order[site] += quantity[site]
        self.tally.count(int(world.period[day]), orders=quantity > 0.0, ordered=quantity)

    def _expedite(self, day: int, quantity: FloatArray | None) -> None:
        if quantity is None:
            return
        world = self.world
        quantity = quantity * world.site_open[day][:, None]
        cell = np.flatnonzero(quantity)
        self._buy(day, cell, world.expedite_days.flat[cell], quantity.flat[cell], usual=False)
        self.tally.count(int(world.period[day]), expedites=quantity > 0.0, expedited=quantity)

    def _buy(self, day: int, cell: IntArray, wait: IntArray, quantity: FloatArray, *, usual: bool) -> None:
        """Order at the supplier, for flat cells; a usual delivery may come in two parts."""
        part = self.world.delivered_share[day].repeat(self.items)[cell] if usual else np.ones(len(cell))
        parts = ((wait, quantity * part), (wait + self.world.rest_after_days, quantity * (1.0 - part)))
        for days, units in parts:
            some = np.flatnonzero(units > 0.0)
            self.purchases.add(day, cell[some], days[some], units[some])
            if usual:
                self.book.add(day, cell[some], days[some], units[some])
        np.add.at(self.on_order.reshape(-1), cell, quantity)
        np.add.at(self.in_transit.reshape(-1), cell, quantity)

    def _transfer(self, day: int, quantity: FloatArray | None) -> None:
        if quantity is None:
            return
        lanes = self.world.lanes
        for lane in np.flatnonzero(quantity.any(axis=1)):
            if not self._passable(day, lane):
                continue
            units = self._send(day, int(lane), quantity[lane])
            site = lanes.destination[lane]
            self.on_order[site] += units
            self.tally.transfers[self.world.period[day], site] += units > 0.0
            self.tally.transferred[self.world.period[day], site] += units

    def _ship(self, day: int) -> None:
        """Ship what sites owe each other, as far as stock goes."""
        lanes = self.world.lanes
        for turn in range(len(lanes)):
            lane = (turn + day) % len(lanes)
            if self._passable(day, lane) and self.owed[lane].any():
                units = self._send(day, lane, self.owed[lane])
                self.owed[lane] -= units
                self.owed_by_site[lanes.origin[lane]] -= units

    def _passable(self, day: int, lane: int | np.int64) -> bool:
        return bool(self.world.lane_open[day, lane] and self.world.site_open[day, self.world.lanes.origin[lane]])

    def _send(self, day: int, lane: int, wanted: FloatArray) -> FloatArray:
        """Move units from the shelf of a lane's origin onto the lane; what was sent, shape ``(items,)``."""
        lanes = self.world.lanes
        origin, destination = lanes.origin[lane], lanes.destination[lane]
        sent = self.stock.send(day, int(origin), wanted)
        layer, item = np.divmod(np.flatnonzero(sent), self.items)
        cell = layer * self.moved.size + destination * self.items + item
        self.on_lanes.add(day, cell, lanes.transit_days[lane], sent.reshape(-1, self.items)[layer, item])
        units = sent.sum(axis=0) if self.stock.layers else sent
        self.moved[origin] -= units
        self.in_transit[destination] += units
        return np.asarray(units)

    def _owed_to(self) -> FloatArray:
        owed = np.zeros(self.shape)
        np.add.at(owed, self.world.lanes.destination, self.owed)
        return owed


def _read_only(array: FloatArray) -> FloatArray:
    """A copy, so that what a planner keeps stays as he saw it."""
    seen = array.copy()
    seen.flags.writeable = False
    return seen


def _checked(orders: Orders, shape: tuple[int, int], lanes: int) -> Orders:
    """The planner's quantities, refused with a ValueError when they cannot be."""
    checked: dict[str, FloatArray | None] = {}
    wanted = {"replenish": shape, "expedite": shape, "transfer": (lanes, shape[1])}
    for name, size in wanted.items():
        given = getattr(orders, name)
        checked[name] = None if given is None else non_negative(name, given)
        if given is not None and np.shape(given) != size:
            raise ValueError(f"{name} must have shape {size}, got {np.shape(given)}")
    return Orders(**checked)
