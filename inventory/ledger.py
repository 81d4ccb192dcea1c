"""The stock ledger: what is on hand, what is protected, and what has been promised.

A reservation lives held → committed → in flight → posted → absorbed, or is released. Held and committed units count in
``reserved`` and may still be taken back; units of a leased or posted proposal count in ``in_flight`` until the stock
and transfer feeds both show them. A unit is never promised twice: a CHECK on one row holds it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, and_, bindparam, case, delete, func, select, update
from sqlalchemy import true as sql_true

from inventory.allotment import Take, Wish, allot, rows_at
from inventory.database import Transaction
from inventory.errors import NotEnoughStockError
from inventory.record import short_id
from inventory.records import EVERYTHING, LedgerRow, ProposalState, Scope
from inventory.tables import proposals, reservations, stock_lines

REVOCABLE = ("held", "committed")
UNDERWAY = ("in_flight", "posted")
LEDGER_FIELDS = tuple(LedgerRow.model_fields)
_LEDGER_COLUMNS = tuple(stock_lines.c[name] for name in LEDGER_FIELDS)
_IN_ORDER = (stock_lines.c.item, stock_lines.c.site, stock_lines.c.lot)
_ALL = select(*_LEDGER_COLUMNS)
_CHUNK = 20_000
"""Rows of the ledger read at once."""
_LEDGER_ROWS = TypeAdapter(list[LedgerRow])


@dataclass(frozen=True)
class StockLine:
    """One row of a stock feed: unrestricted stock of an item at a site and lot."""

    item: str
    site: str
    lot: str
    expiry: date | None
    on_hand: int
    allocated: int


@dataclass(frozen=True)
class Reservation:
    """Units of one stock line promised to one proposal line."""

    reservation_id: str
    proposal_id: str
    line: int
    item: str
    site: str
    lot: str
    destination: str
    quantity: int
    state: str
    key: str
    posted_at: datetime | None


def _within(scope: Scope, column: Any) -> Any:
    return column.in_(sorted(scope.sites)) if scope.sites is not None else sql_true()


def ledger_rows(connection: Connection, scope: Scope, *, items: Collection[str] | None = None) -> list[LedgerRow]:
    """Rows of the ledger by item, site and lot; all items when none are named."""
    found = ledger_values(connection, scope, items=items)
    return _LEDGER_ROWS.validate_python([dict(zip(LEDGER_FIELDS, values, strict=True)) for values in found])


def ledger_values(
    connection: Connection, scope: Scope, *, items: Collection[str] | None = None
) -> list[tuple[str | int, ...]]:
    """The same as plain tuples in the order of the fields of a `LedgerRow`."""
    return [values for chunk in ledger_chunks(connection, scope, items=items) for values in chunk]


def ledger_chunks(
    connection: Connection, scope: Scope, *, items: Collection[str] | None = None
) -> Iterator[list[tuple[str | int, ...]]]:
    """The same some thousands at a time."""
    query = select(*_LEDGER_COLUMNS).where(_within(scope, stock_lines.c.site)).order_by(*_IN_ORDER)
    if items is not None:
        query = query.where(stock_lines.c.item.in_(sorted(set(items))))
    for chunk in connection.execute(query).partitions(_CHUNK):
        yield [tuple(row) for row in chunk]


def ledger_at(connection: Connection, scope: Scope, places: Collection[tuple[str, str]]) -> list[tuple[str | int, ...]]:
    """The same of some items and sites only."""
    seen = [place for place in places if scope.sites is None or place[1] in scope.sites]
    return [tuple(row) for row in rows_at(connection, seen, _LEDGER_COLUMNS, _IN_ORDER)]


def list_reservations(
    connection: Connection,
    scope: Scope,
    *,
    proposal_id: str | None = None,
    states: Collection[str] = (),
) -> list[Reservation]:
    """Reservations whose giving site the reader may see."""
    query = select(reservations).where(_within(scope, reservations.c.site)).order_by(reservations.c.reservation_id)
    if proposal_id is not None:
        query = query.where(reservations.c.proposal_id == proposal_id)
    if states:
        query = query.where(reservations.c.state.in_(list(states)))
    return [Reservation(**row._mapping) for row in connection.execute(query)]


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
    promised = {place: row for place, row in known.items() if row.reserved or row.in_flight}
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
    protect = _capped(min(row.protect, max(line.on_hand - line.allocated, 0)), line)
    transaction.connection.execute(
        update(stock_lines).where(_at(place)).values(**_values(line, as_of), protect=protect)
    )
    return victims


def _empty_promised(transaction: Transaction, place: tuple[str, str, str], row: Row[Any]) -> list[str]:
    """A line the feed no longer shows; it stays, empty, while units of it are in flight."""
    victims = _fit(transaction, place, 0)
    if row.in_flight:
        gone = update(stock_lines).where(_at(place)).values(on_hand=0, allocated=0, protect=0)
        transaction.connection.execute(gone)
    else:
        transaction.connection.execute(delete(stock_lines).where(_at(place)))
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
        connection.execute(update(stock_lines).where(_AT).values({name: bindparam(name) for name in columns}), changed)
    if gone:
        connection.execute(delete(stock_lines).where(_AT), gone)


def _insert(connection: Connection, lines: list[StockLine], as_of: datetime) -> None:
    if lines:
        connection.execute(
            stock_lines.insert(),
            [{"item": line.item, "site": line.site, "lot": line.lot, **_values(line, as_of)} for line in lines],
        )


def _at(place: tuple[Any, Any, Any]) -> Any:
    return and_(stock_lines.c.item == place[0], stock_lines.c.site == place[1], stock_lines.c.lot == place[2])


_AT = _at((bindparam("at_item"), bindparam("at_site"), bindparam("at_lot")))


def _room(line: StockLine, row: Row[Any]) -> int:
    """Units of the new stock that revocable reservations may keep."""
    return max(line.on_hand - line.allocated - int(row.in_flight), 0)


def _capped(protect: int, line: StockLine) -> Any:
    """The floor gives way to reservations already made above it: they were fair when they were made."""
    free = line.on_hand - line.allocated
    left = free - stock_lines.c.in_flight - stock_lines.c.reserved
    return case((stock_lines.c.reserved == 0, protect), (left < 0, 0), (left < protect, left), else_=protect)


def _fit(transaction: Transaction, place: tuple[str, str, str], room: int) -> list[str]:
    """Release revocable reservations on one line, newest proposal first, until ``room`` units hold the rest.

    What is reserved is read again: a proposal released for another of its lots has left this one already.
    """
    victims: list[str] = []
    reserved = transaction.connection.execute(select(stock_lines.c.reserved).where(_at(place))).scalar_one()
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


def set_protection(transaction: Transaction, floors: dict[tuple[str, str], int]) -> None:
    """Set the donor floor of each item and site, laid on the lots that expire last.

    Units already reserved or under way are not taken back: the floor gives way to them.
    """
    connection, lines = transaction.connection, stock_lines.c
    room = lines.on_hand - lines.allocated - lines.reserved - lines.in_flight
    order = (lines.expiry.is_(None).desc(), lines.expiry.desc(), lines.lot.desc())
    left, changed = dict(floors), []
    for item, site, lot, kept, most in rows_at(
        connection, floors, (lines.item, lines.site, lines.lot, lines.protect, room), order
    ):
        protect = min(left[(item, site)], max(most, 0))
        left[(item, site)] -= protect
        if protect != kept:
            changed.append({"at_item": item, "at_site": site, "at_lot": lot, "floor": protect})
    if changed:
        connection.execute(update(stock_lines).where(_AT).values(protect=bindparam("floor")), changed)


def hold(
    transaction: Transaction,
    *,
    proposal_id: str,
    line: int,
    item: str,
    site: str,
    destination: str,
    quantity: int,
) -> None:
    """Reserve units at a giving site, first-expiring lots first.

    Raises
    ------
    NotEnoughStockError
        If fewer units are free; nothing is reserved then.
    """
    allotted = allot(transaction.connection, [Wish(proposal_id, line, item, site, destination, quantity)])
    for why in allotted.refused.values():
        raise NotEnoughStockError(why)
    reserve(transaction, allotted.takes)


def reserve(transaction: Transaction, takes: Sequence[Take]) -> None:
    """Reserve what was allotted.

    Raises
    ------
    NotEnoughStockError
        If units were taken since they were allotted, once the caller's transaction rolls back.
    """
    if not takes:
        return
    connection, lines = transaction.connection, stock_lines.c
    free = lines.on_hand - lines.allocated - lines.protect - lines.reserved - lines.in_flight
    taken = connection.execute(
        update(stock_lines).where(_AT, free >= bindparam("units")).values(reserved=lines.reserved + bindparam("units")),
        [
            {"at_item": take.wish.item, "at_site": take.wish.site, "at_lot": take.lot, "units": take.quantity}
            for take in takes
        ],
    )
    if taken.rowcount != len(takes):
        raise NotEnoughStockError(f"{len(takes) - taken.rowcount} of {len(takes)} stock lines have fewer units by now")
    earlier = _held_before(connection, {take.wish.proposal_id for take in takes})
    connection.execute(
        reservations.insert(),
        [
            {
                "reservation_id": short_id(
                    "res", take.wish.proposal_id, str(take.wish.line), take.lot,
                    str(earlier[(take.wish.proposal_id, take.wish.line, take.lot)]),
                ),
                "proposal_id": take.wish.proposal_id,
                "line": take.wish.line,
                "item": take.wish.item,
                "site": take.wish.site,
                "lot": take.lot,
                "destination": take.wish.destination,
                "quantity": take.quantity,
                "state": "held",
            }
            for take in takes
        ],
    )  # fmt: skip


def _held_before(connection: Connection, proposal_ids: Collection[str]) -> Counter[tuple[str, int, str]]:
    """How often each proposal, line and lot was held: one woken from snooze holds again what it had released."""
    wanted, found = sorted(proposal_ids), Counter[tuple[str, int, str]]()
    for start in range(0, len(wanted), 500):
        some = reservations.c.proposal_id.in_(wanted[start : start + 500])
        query = select(reservations.c.proposal_id, reservations.c.line, reservations.c.lot).where(some)
        found.update(tuple(row) for row in connection.execute(query))
    return found


def commit_reservations(transaction: Transaction, proposal_id: str) -> None:
    """Approved: held units become committed."""
    _advance(transaction, proposal_id, ("held",), "committed")


def release(transaction: Transaction, proposal_id: str) -> int:
    """Give every revocable or in-flight unit of a proposal back; returns the units released."""
    connection = transaction.connection
    total = 0
    for held in list_reservations(connection, EVERYTHING, proposal_id=proposal_id, states=(*REVOCABLE, "in_flight")):
        column = stock_lines.c.in_flight if held.state == "in_flight" else stock_lines.c.reserved
        connection.execute(
            update(stock_lines).where(_at((held.item, held.site, held.lot))).values({column: column - held.quantity})
        )
        total += held.quantity
    _advance(transaction, proposal_id, (*REVOCABLE, "in_flight"), "released")
    if total:
        transaction.record("reservation.released", "proposal", proposal_id, {"units": total})
    return total


def lift_off(transaction: Transaction, proposal_id: str) -> None:
    """Leased: committed units leave ``reserved`` and count as in flight."""
    connection = transaction.connection
    for held in list_reservations(connection, EVERYTHING, proposal_id=proposal_id, states=("committed",)):
        connection.execute(
            update(stock_lines)
            .where(_at((held.item, held.site, held.lot)))
            .values(reserved=stock_lines.c.reserved - held.quantity, in_flight=stock_lines.c.in_flight + held.quantity)
        )
    _advance(transaction, proposal_id, ("committed",), "in_flight")


def touch_down(transaction: Transaction, proposal_id: str) -> bool:
    """Lease lost before sending: in-flight units are committed again, and a floor gives way to them.

    Returns
    -------
    bool
        Whether they still fit. If the stock fell meanwhile, every unit of the proposal is released instead, and the
        proposal must be voided.
    """
    connection = transaction.connection
    lifted = list_reservations(connection, EVERYTHING, proposal_id=proposal_id, states=("in_flight",))
    for held in lifted:
        row = connection.execute(select(stock_lines).where(_at((held.item, held.site, held.lot)))).one()
        if row.reserved + row.in_flight > row.on_hand - row.allocated:
            release(transaction, proposal_id)
            return False
    left = stock_lines.c.on_hand - stock_lines.c.allocated - stock_lines.c.in_flight - stock_lines.c.reserved
    for held in lifted:
        connection.execute(
            update(stock_lines)
            .where(_at((held.item, held.site, held.lot)))
            .values(
                in_flight=stock_lines.c.in_flight - held.quantity,
                reserved=stock_lines.c.reserved + held.quantity,
                protect=case((left < stock_lines.c.protect, left), else_=stock_lines.c.protect),
            )
        )
    _advance(transaction, proposal_id, ("in_flight",), "committed")
    return True


def post(transaction: Transaction, proposal_id: str, lines: Collection[int], key: str, posted_at: datetime) -> None:
    """The ERP has it: these lines' units stay in flight under the document's key until both feeds show it."""
    transaction.connection.execute(
        update(reservations)
        .where(
            reservations.c.proposal_id == proposal_id,
            reservations.c.state == "in_flight",
            reservations.c.line.in_(list(lines)),
        )
        .values(state="posted", key=key, posted_at=posted_at)
    )


def absorb(
    transaction: Transaction,
    shown_keys: Collection[str],
    feed_as_of: dict[tuple[str, str], datetime],
    as_of: datetime,
) -> int:
    """Posted units the feeds now show stop counting here, so that a unit is counted once.

    A unit is absorbed when the transfer feed shows our key and both the stock and the transfer feed of the giving site
    were taken after the posting.

    Parameters
    ----------
    shown_keys
        Our keys found in the transfers feed.
    feed_as_of
        Age of each ``(feed, site)``; a pair that is absent has the snapshot's own ``as_of``.

    Returns
    -------
    int
        Units absorbed.
    """
    connection = transaction.connection
    total = 0
    for held in list_reservations(connection, EVERYTHING, states=("posted",)):
        fresh = all(
            held.posted_at is not None and feed_as_of.get((feed, held.site), as_of) >= held.posted_at
            for feed in ("stock", "transfers")
        )
        if held.key not in shown_keys or not fresh:
            continue
        connection.execute(
            update(stock_lines)
            .where(_at((held.item, held.site, held.lot)))
            .values(in_flight=stock_lines.c.in_flight - held.quantity)
        )
        connection.execute(
            update(reservations).where(reservations.c.reservation_id == held.reservation_id).values(state="absorbed")
        )
        transaction.record(
            "reservation.absorbed", "proposal", held.proposal_id, {"key": held.key, "units": held.quantity}
        )
        total += held.quantity
    return total


def _advance(transaction: Transaction, proposal_id: str, states: Collection[str], to: str) -> None:
    transaction.connection.execute(
        update(reservations)
        .where(reservations.c.proposal_id == proposal_id, reservations.c.state.in_(list(states)))
        .values(state=to)
    )


def reserved_by_line(connection: Connection, scope: Scope) -> dict[tuple[str, str], int]:
    """Units promised and not yet absorbed, by item and giving site; the sum the ledger columns must equal."""
    query = (
        select(reservations.c.item, reservations.c.site, func.sum(reservations.c.quantity).label("units"))
        .where(_within(scope, reservations.c.site), reservations.c.state.in_((*REVOCABLE, *UNDERWAY)))
        .group_by(reservations.c.item, reservations.c.site)
    )
    return {(row.item, row.site): int(row.units) for row in connection.execute(query)}


def underway_inbound(connection: Connection, scope: Scope) -> list[Reservation]:
    """Units posted by us that the transfer feed does not show yet: the receiver counts them as on order."""
    query = (
        select(reservations)
        .join(proposals, proposals.c.proposal_id == reservations.c.proposal_id)
        .where(
            _within(scope, reservations.c.destination),
            reservations.c.state.in_(UNDERWAY),
            proposals.c.state != ProposalState.FAILED.value,
        )
        .order_by(reservations.c.reservation_id)
    )
    return [Reservation(**row._mapping) for row in connection.execute(query)]
