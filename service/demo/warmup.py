"""Twenty-six weeks of the static policy on the real demand: what is on the shelf and on order at the end.

Each week: the plant and the channel draw from the centre behind them, arrivals are put away, item-sites below their
reorder point order up to their level, then the week's demand is served from the shelf; what cannot be served is lost
(the recorded demand keeps it, so it is not censored).
Item-sites in the script stop ordering early and are set, four weeks before the end, to the stock that leaves the
scripted amount today.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.demo.catalogue import Catalogue
from service.demo.delays import SUPPLIERS, draw_delays
from service.demo.history import SalesHistory
from service.demo.policy import StaticPolicy
from service.demo.script import Script
from service.demo.situations import LATE_SUPPLIER, OPEN_TRANSFERS

WEEKS = 26
BOOK_WEEKS = 4
"""Weeks the stock book (movements) reaches back."""
TODAY = WEEKS * 7
"""Day number of today; day 0 is the first Monday of the history."""
SCRIPTED_STOP = 10
"""Week after which scripted item-sites order no more: every order before it has arrived when the book opens."""
CONGESTION_DAYS = 25
"""Orders of the late supplier promised within this many days before today have not come."""
NOT_YET = 10_000
"""Arrival day of an order nobody can date."""


@dataclass(frozen=True)
class OrderLines:
    """Purchase order lines; every array has shape ``(n_lines,)``, days counted from the first Monday."""

    row: NDArray[np.int64]
    ordered: NDArray[np.int64]
    promised: NDArray[np.int64]
    arrives: NDArray[np.int64]
    quantity: NDArray[np.int64]


@dataclass(frozen=True)
class Shipment:
    """One internal transfer line."""

    origin: int
    destination: int
    shipped: int
    quantity: int
    received: bool


@dataclass(frozen=True)
class Warmup:
    """The network after the warm-up."""

    on_hand: NDArray[np.int64]
    opening: NDArray[np.int64]
    """Stock when the book opens, ``BOOK_WEEKS`` before today."""
    issued: NDArray[np.int64]
    """Shape ``(n_pairs, BOOK_WEEKS)``, units served to demand in each week of the book."""
    orders: OrderLines
    shipments: tuple[Shipment, ...]


def warm_up(
    history: SalesHistory,
    catalogue: Catalogue,
    policy: StaticPolicy,
    script: Script,
    shares: Mapping[str, NDArray[np.float64]],
    rng: np.random.Generator,
) -> Warmup:
    """Runs the weeks and returns the state they end in."""
    run = _Run(history, catalogue, policy, script, shares, rng)
    for week in range(WEEKS):
        run.week(week)
    return run.result()


class _Run:
    """The moving state of the simulation."""

    def __init__(
        self,
        history: SalesHistory,
        catalogue: Catalogue,
        policy: StaticPolicy,
        script: Script,
        shares: Mapping[str, NDArray[np.float64]],
        rng: np.random.Generator,
    ) -> None:
        self.history, self.catalogue, self.policy, self.script = history, catalogue, policy, script
        self.shares, self.rng = shares, rng
        self.item = history.item_row
        self.scripted = script.target >= 0
        self.on_hand = policy.order_up_to_level.copy()
        self.on_order = np.zeros_like(self.on_hand)
        self.arrivals = np.zeros((len(self.on_hand), WEEKS), dtype=np.int64)
        self.lines: list[OrderLines] = []
        self.shipments: list[Shipment] = []
        self.issued = np.zeros((len(self.on_hand), BOOK_WEEKS), dtype=np.int64)
        self.opening = self.on_hand.copy()

    def week(self, week: int) -> None:
        if week == WEEKS - BOOK_WEEKS:
            self._open_book()
        self._ship_internally(week)
        self.on_hand = self.on_hand + self.arrivals[:, week]
        self.on_order = self.on_order - self.arrivals[:, week]
        self._buy(week)
        self._serve(week)

    def result(self) -> Warmup:
        self._send_open_transfers()
        columns = zip(*((o.row, o.ordered, o.promised, o.arrives, o.quantity) for o in self.lines), strict=True)
        row, ordered, promised, arrives, quantity = (np.concatenate(column) for column in columns)
        lines = OrderLines(row, ordered, promised, arrives, quantity)
        return Warmup(self.on_hand, self.opening, self.issued, lines, tuple(self.shipments))

    def _open_book(self) -> None:
        """Sets scripted stock to what the remaining weeks will leave as scripted, and places scripted orders."""
        remaining = self.history.weekly[:, -BOOK_WEEKS:].sum(axis=1)
        self.on_hand = np.where(self.scripted, self.script.target + remaining, self.on_hand)
        self.opening = self.on_hand.copy()
        forced = self.script.orders
        row = np.array([order.row for order in forced], dtype=np.int64)
        ordered = TODAY - np.array([order.ordered_day for order in forced], dtype=np.int64)
        quantity = np.array([order.quantity for order in forced], dtype=np.int64)
        promised = ordered + self.policy.lead_time_days[row]
        self._record(OrderLines(row, ordered, promised, np.full_like(row, NOT_YET), quantity))

    def _blocked(self, week: int) -> NDArray[np.bool_]:
        return self.scripted & (week > SCRIPTED_STOP)

    def _ship_internally(self, week: int) -> None:
        """Tops up the plant and the channel from the centre behind them, as far as its shelf allows."""
        short = (self.on_hand <= self.policy.reorder_point) & (self.policy.donor_row >= 0) & ~self._blocked(week)
        for row in np.flatnonzero(short & (self.policy.order_up_to_level > 0)).tolist():
            donor = int(self.policy.donor_row[row])
            # A scripted donor keeps to its script: the stock it must end with is already fixed.
            if self.scripted[donor]:
                continue
            wanted = int(self.policy.order_up_to_level[row] - self.on_hand[row])
            quantity = min(wanted, int(self.on_hand[donor]))
            if quantity > 0:
                self._move(Shipment(donor, row, week * 7, quantity, received=True))

    def _move(self, shipment: Shipment) -> None:
        self.on_hand[shipment.origin] -= shipment.quantity
        if shipment.received:
            self.on_hand[shipment.destination] += shipment.quantity
        self.shipments.append(shipment)

    def _buy(self, week: int) -> None:
        """Orders up to the level, in whole multiples and at least the minimum."""
        policy = self.policy
        position = self.on_hand + self.on_order
        due = (position <= policy.reorder_point) & (policy.donor_row < 0) & (policy.order_up_to_level > 0)
        row = np.flatnonzero(due & ~self._blocked(week))
        if not len(row):
            return
        item = self.item[row]
        multiple = self.catalogue.order_multiple[item]
        wanted = np.maximum(policy.order_up_to_level[row] - position[row], self.catalogue.minimum_order[item])
        quantity = -(-wanted // multiple) * multiple
        ordered = np.full(len(row), week * 7, dtype=np.int64)
        promised = ordered + policy.lead_time_days[row]
        delay = draw_delays(self.shares, self.catalogue.supplier[item], self.rng)
        arrives = np.maximum(_next_working_day(promised + delay), ordered + 2)
        late = np.array([SUPPLIERS[i].supplier == LATE_SUPPLIER for i in self.catalogue.supplier[item].tolist()])
        held_up = late & (np.maximum(promised, arrives) >= TODAY - CONGESTION_DAYS)
        self._record(OrderLines(row, ordered, promised, np.where(held_up, NOT_YET, arrives), quantity))

    def _record(self, lines: OrderLines) -> None:
        self.lines.append(lines)
        np.add.at(self.on_order, lines.row, lines.quantity)
        arriving = lines.arrives < TODAY
        np.add.at(self.arrivals, (lines.row[arriving], lines.arrives[arriving] // 7), lines.quantity[arriving])

    def _serve(self, week: int) -> None:
        served = np.minimum(self.on_hand, self.history.weekly[:, week])
        self.on_hand = self.on_hand - served
        if week >= WEEKS - BOOK_WEEKS:
            self.issued[:, week - (WEEKS - BOOK_WEEKS)] = served

    def _send_open_transfers(self) -> None:
        """Puts the scripted transfers on the road, three days before today."""
        row = self.history.row
        for item, origin, destination, wanted in OPEN_TRANSFERS:
            quantity = min(wanted, int(self.on_hand[row[item, origin]]))
            self._move(Shipment(row[item, origin], row[item, destination], TODAY - 3, quantity, received=False))


def _next_working_day(day: NDArray[np.int64]) -> NDArray[np.int64]:
    """The day itself, or the Monday after a weekend; day 0 is a Monday."""
    weekday = day % 7
    return np.where(weekday >= 5, day + 7 - weekday, day)
