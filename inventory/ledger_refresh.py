"""Makes the stock of a new snapshot the ledger's.

Stock below what was promised is accepted: the newest proposals on that line lose their units until the rest fits. What
is frozen never shrinks here; a line that has less than is frozen on it promises nothing more, and a person is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, case, delete, select, update

from inventory.database import Transaction
from inventory.ledger import AT_PLACE, LEDGER_FIELDS, REVOCABLE, at_place, release
from inventory.tables import proposals, reservations, stock_lines

_ALL = select(*(stock_lines.c[name] for name in LEDGER_FIELDS))


@dataclass(frozen=True)
class StockLine:
    """One row of a stock feed: unrestricted stock of an item at a site and lot."""

    item: str
    site: str
    lot: str
    expiry: date | None
    on_hand: int
    allocated: int


def refresh_ledger(transaction: Transaction, lines: Iterable[StockLine], as_of: datetime) -> list[str]:
    """Make a new snapshot's stock the ledger's.

    Stock below what was promised is accepted: the newest revocable proposals on that line lose their reservations until
    the rest fits.

    Returns
    -------
    list[str]
        Ids of the proposals whose reservations were released and which must be voided.
    """
    wanted = {(line.item, line.site, line.lot): line for line in lines}
    known = {(row.item, row.site, row.lot): row for row in transaction.connection.execute(_ALL)}
    promised = {place: row for place, row in known.items() if row.reserved or row.in_flight or row.frozen}
    victims: list[str] = []
    for place in [place for place in wanted if place in promised]:
        victims += _refresh_promised(transaction, wanted[place], promised[place], as_of)
    for place in [place for place in sorted(promised) if place not in wanted]:
        victims += _empty_promised(transaction, place, promised[place])
    _refresh_free(transaction.connection, wanted, {p: row for p, row in known.items() if p not in promised}, as_of)
    _insert(transaction.connection, [line for place, line in wanted.items() if place not in known], as_of)
    transaction.record("ledger.refreshed", "ledger", "stock", {"lines": len(wanted), "voids": sorted(set(victims))})
    return list(dict.fromkeys(victims))


def _values(line: StockLine, as_of: datetime) -> dict[str, Any]:
    return {"expiry": line.expiry, "on_hand": line.on_hand, "allocated": line.allocated, "as_of": as_of}


def _refresh_promised(transaction: Transaction, line: StockLine, row: Row[Any], as_of: datetime) -> list[str]:
    """New stock of one line somebody was promised units of; returns the proposals that lose theirs."""
    place = (line.item, line.site, line.lot)
    victims = _fit(transaction, place, _room(line, row)) if row.reserved > _room(line, row) else []
    protect = _capped(min(row.protect, max(line.on_hand - line.allocated - row.frozen, 0)), line)
    transaction.connection.execute(
        update(stock_lines).where(at_place(place)).values(**_values(line, as_of), protect=protect)
    )
    return victims


def _empty_promised(transaction: Transaction, place: tuple[str, str, str], row: Row[Any]) -> list[str]:
    """A line the feed no longer shows; it stays, empty, while units of it are in flight or frozen."""
    victims = _fit(transaction, place, 0)
    if row.in_flight or row.frozen:
        gone = update(stock_lines).where(at_place(place)).values(on_hand=0, allocated=0, protect=0)
        transaction.connection.execute(gone)
    else:
        transaction.connection.execute(delete(stock_lines).where(at_place(place)))
    return victims


def _refresh_free(
    connection: Connection,
    wanted: dict[tuple[str, str, str], StockLine],
    free: dict[tuple[str, str, str], Row[Any]],
    as_of: datetime,
) -> None:
    """New stock of the lines nobody was promised anything of, all in one statement each."""
    changed, gone = [], []
    for place, row in free.items():
        at = dict(zip(("at_item", "at_site", "at_lot"), place, strict=True))
        line = wanted.get(place)
        if line is None:
            gone.append(at)
        else:
            protect = min(row.protect, max(line.on_hand - line.allocated, 0))
            changed.append({**at, **_values(line, as_of), "protect": protect})
    if changed:
        columns = ("expiry", "on_hand", "allocated", "as_of", "protect")
        connection.execute(
            update(stock_lines).where(AT_PLACE).values({name: bindparam(name) for name in columns}), changed
        )
    if gone:
        connection.execute(delete(stock_lines).where(AT_PLACE), gone)


def _insert(connection: Connection, lines: list[StockLine], as_of: datetime) -> None:
    if lines:
        connection.execute(
            stock_lines.insert(),
            [{"item": line.item, "site": line.site, "lot": line.lot, **_values(line, as_of)} for line in lines],
        )


def _room(line: StockLine, row: Row[Any]) -> int:
    """Units of the new stock that revocable reservations may keep."""
    return max(line.on_hand - line.allocated - int(row.frozen) - int(row.in_flight), 0)


def _capped(protect: int, line: StockLine) -> Any:
    """The floor gives way to reservations already made above it: they were fair when they were made."""
    free = line.on_hand - line.allocated
    left = free - stock_lines.c.frozen - stock_lines.c.in_flight - stock_lines.c.reserved
    return case((stock_lines.c.reserved == 0, protect), (left < 0, 0), (left < protect, left), else_=protect)


def _fit(transaction: Transaction, place: tuple[str, str, str], room: int) -> list[str]:
    """Release revocable reservations on one line, newest proposal first, until ``room`` units hold the rest.

    What is reserved is read again: a proposal released for another of its lots has left this one already.
    """
    victims: list[str] = []
    reserved = transaction.connection.execute(select(stock_lines.c.reserved).where(at_place(place))).scalar_one()
    excess = reserved - room
    query = (
        select(reservations.c.proposal_id, reservations.c.quantity)
        .join(proposals, proposals.c.proposal_id == reservations.c.proposal_id)
        .where(
            reservations.c.item == place[0],
            reservations.c.site == place[1],
            reservations.c.lot == place[2],
            reservations.c.state.in_(REVOCABLE),
        )
        .order_by(proposals.c.created_at.desc(), proposals.c.proposal_id.desc())
    )
    for row in transaction.connection.execute(query).all():
        if excess <= 0:
            break
        victims.append(row.proposal_id)
        release(transaction, row.proposal_id)
        excess -= row.quantity
    return victims
