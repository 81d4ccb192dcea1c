"""The stock book of the demo: the movements of four weeks and the stock they lead to, lot by lot.

Opening balances plus movements rebuild the ERP's stock exactly, and no balance on the way is negative.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import polars as pl

from service.demo.catalogue import Catalogue
from service.demo.history import SalesHistory
from service.demo.orders import transfer_id
from service.demo.warmup import BOOK_WEEKS, TODAY, Warmup

FIRST_DAY = TODAY - 7 * BOOK_WEEKS
OPENING_LOT_AGE_DAYS = 45
"""Age of the lots the book opens with."""
COUNTED_SITE, COUNTED_ROWS = "DC-EAST", 10
"""The book holds a count of the first rows of one site."""


@dataclass(frozen=True)
class Entry:
    """One movement of one item-site; ``day`` is a day number of the warm-up."""

    row: int
    day: int
    hour: int
    kind: str
    quantity: int
    reference: str
    lot: str = ""


@dataclass(frozen=True)
class Book:
    """All movements in order, and the balance of every lot at the end."""

    entries: tuple[Entry, ...]
    balance: dict[tuple[int, str], int]
    """Units by ``(row, lot)``; lots that are empty are left out unless the item-site has no other."""
    lot_day: dict[tuple[int, str], int]
    """Day number on which each lot was received."""


def keep_book(history: SalesHistory, catalogue: Catalogue, warmup: Warmup) -> Book:
    """Replays the last weeks of the warm-up as book entries, naming lots where the item asks for them."""
    entries: list[Entry] = []
    balance: dict[tuple[int, str], int] = {}
    lot_day: dict[tuple[int, str], int] = {}
    raw = _raw_entries(history, warmup)
    for row, (item, site) in enumerate(history.pairs):
        lots = catalogue.flags[history.item_row[row]] in ("regulated", "cold_chain")
        shelf: dict[str, int] = {}
        for entry in raw[row]:
            for posted in _post(entry, shelf, f"{item}-{site}" if lots else ""):
                entries.append(posted)
                lot_day.setdefault(
                    (row, posted.lot), posted.day - (OPENING_LOT_AGE_DAYS if posted.kind == "opening" else 0)
                )
        kept = {lot: units for lot, units in shelf.items() if units} or dict(list(shelf.items())[:1])
        balance.update({(row, lot): units for lot, units in kept.items()})
    entries.sort(key=lambda entry: (entry.day, entry.hour, entry.row, entry.kind, entry.lot, entry.reference))
    return Book(tuple(entries), balance, lot_day)


def _raw_entries(history: SalesHistory, warmup: Warmup) -> defaultdict[int, list[Entry]]:
    """Per item-site its entries in time order, before lots are named."""
    raw: defaultdict[int, list[Entry]] = defaultdict(list)
    for row, quantity in enumerate(warmup.opening.tolist()):
        raw[row].append(Entry(row, FIRST_DAY, 0, "opening", quantity, "OPENING"))
    lines = warmup.orders
    for index in np.flatnonzero((lines.arrives >= FIRST_DAY) & (lines.arrives < TODAY)).tolist():
        row, day = int(lines.row[index]), int(lines.arrives[index])
        raw[row].append(Entry(row, day, 9, "receipt", int(lines.quantity[index]), f"GR-{index:05d}"))
    for number, shipment in enumerate(warmup.shipments, start=1):
        if shipment.shipped < FIRST_DAY:
            continue
        reference = transfer_id(number)
        raw[shipment.origin].append(Entry(shipment.origin, shipment.shipped, 8, "issue", -shipment.quantity, reference))
        if shipment.received:
            day = shipment.shipped + 2
            raw[shipment.destination].append(
                Entry(shipment.destination, day, 10, "receipt", shipment.quantity, reference)
            )
    for row, week in zip(*np.nonzero(warmup.issued), strict=True):
        day = FIRST_DAY + 7 * int(week) + 6
        raw[int(row)].append(Entry(int(row), day, 20, "issue", -int(warmup.issued[row, week]), f"SALES-W{week + 1}"))
    for entries in raw.values():
        entries.sort(key=lambda entry: (entry.day, entry.hour, entry.reference))
    counted = [row for row, (_, site) in enumerate(history.pairs) if site == COUNTED_SITE][:COUNTED_ROWS]
    for row in counted:
        total = sum(entry.quantity for entry in raw[row])
        raw[row].append(Entry(row, TODAY - 1, 22, "count", total, "CYCLE-COUNT"))
    return raw


def _post(entry: Entry, shelf: dict[str, int], lot_stem: str) -> list[Entry]:
    """Posts an entry to the lots of an item-site, oldest lot first, and returns what was posted.

    ``lot_stem`` is empty for an item without lots: everything then lies in one lot with an empty name.
    """

    def named(lot: str, quantity: int) -> Entry:
        return Entry(entry.row, entry.day, entry.hour, entry.kind, quantity, entry.reference, lot)

    if entry.kind == "count":
        return [named(lot, units) for lot, units in shelf.items()]
    if entry.quantity >= 0:
        lot = f"{lot_stem}-{len(shelf) + 1}" if lot_stem else ""
        shelf[lot] = shelf.get(lot, 0) + entry.quantity
        return [named(lot, entry.quantity)]
    posted, owed = [], -entry.quantity
    for lot, units in list(shelf.items()):
        taken = min(units, owed)
        if taken:
            shelf[lot] -= taken
            owed -= taken
            posted.append(named(lot, -taken))
    if owed:
        raise ValueError(f"stock book: {entry.reference} takes {owed} units that {shelf} does not hold")
    return posted


def movements_table(history: SalesHistory, book: Book, start: date) -> pl.DataFrame:
    """The ``movements`` table; ``start`` is day 0 of the warm-up."""
    rows = [
        (
            f"MV-{number:06d}",
            *history.pairs[entry.row],
            entry.lot,
            datetime.combine(start + timedelta(days=entry.day), time(entry.hour), UTC),
            entry.kind,
            entry.quantity,
            entry.reference,
        )
        for number, entry in enumerate(book.entries, start=1)
    ]
    names = ["movement_id", "item", "site", "lot", "at", "kind", "quantity", "reference"]
    return pl.DataFrame(rows, schema=names, orient="row")
