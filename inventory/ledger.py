"""The stock ledger: what is on hand, what is protected, and what has been promised.

A reservation lives held → committed → in flight → posted → absorbed, or is released. Held and committed units count in
``reserved`` and may still be taken back; units of a leased or posted proposal count in ``in_flight`` until the stock
and transfer feeds both show them. A unit is never promised twice: a CHECK on one row holds it. Frozen units are kept
for a stated purpose (:mod:`inventory.freezes`): only a hold for it takes them. What a proposal claims of lanes and
budgets (:mod:`inventory.capacity`) goes along with its units through every step.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, and_, bindparam, case, func, select, update
from sqlalchemy import true as sql_true

from inventory.allotment import Take, Wish, allot, rows_at
from inventory.capacity_holds import (
    absorb_capacity,
    commit_capacity,
    lift_capacity_off,
    post_capacity,
    release_capacity,
    touch_capacity_down,
)
from inventory.database import Transaction
from inventory.errors import NotEnoughStockError
from inventory.record import short_id
from inventory.records import EVERYTHING, LedgerRow, ProposalState, Scope
from inventory.tables import freezes, proposals, reservations, stock_lines

REVOCABLE = ("held", "committed")
UNDERWAY = ("in_flight", "posted")
LEDGER_FIELDS = tuple(LedgerRow.model_fields)
_LEDGER_COLUMNS = tuple(stock_lines.c[name] for name in LEDGER_FIELDS)
_IN_ORDER = (stock_lines.c.item, stock_lines.c.site, stock_lines.c.lot)
_CHUNK = 20_000
"""Rows of the ledger read at once."""
_IN_FORCE = freezes.c.state.in_(("in_force", "lift_asked"))
_LEDGER_ROWS = TypeAdapter(list[LedgerRow])


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
    freeze_id: str = ""
    """The freeze the units were taken from, for its purpose."""


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


def at_place(place: tuple[Any, Any, Any]) -> Any:
    """Condition that names one stock line by item, site and lot."""
    return and_(stock_lines.c.item == place[0], stock_lines.c.site == place[1], stock_lines.c.lot == place[2])


AT_PLACE = at_place((bindparam("at_item"), bindparam("at_site"), bindparam("at_lot")))
"""The same with parameters, for many lines in one statement."""


def set_protection(transaction: Transaction, floors: dict[tuple[str, str], int]) -> None:
    """Set the donor floor of each item and site, laid on the lots that expire last.

    Units already reserved or under way are not taken back: the floor gives way to them.
    """
    connection, lines = transaction.connection, stock_lines.c
    room = lines.on_hand - lines.allocated - lines.frozen - lines.reserved - lines.in_flight
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
        connection.execute(update(stock_lines).where(AT_PLACE).values(protect=bindparam("floor")), changed)


def hold(
    transaction: Transaction,
    *,
    proposal_id: str,
    line: int,
    item: str,
    site: str,
    destination: str,
    quantity: int,
    purpose: str = "",
    barred: tuple[tuple[str, str], ...] = (),
    impossible: str = "",
) -> None:
    """Reserve units at a giving site, first-expiring lots first.

    Parameters
    ----------
    purpose
        What units may be frozen for; those are taken first.
    barred, impossible
        Lots the receiver may not have and why, or why it may have none; see `Wish`.

    Raises
    ------
    NotEnoughStockError
        If fewer units are free; nothing is reserved then.
    """
    wish = Wish(proposal_id, line, item, site, destination, quantity, purpose, barred, impossible)
    allotted = allot(transaction.connection, [wish])
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
    free = lines.on_hand - lines.allocated - lines.protect - lines.frozen - lines.reserved - lines.in_flight
    plain = [take for take in takes if not take.freeze_id]
    taken = 0
    if plain:
        taken = connection.execute(
            update(stock_lines)
            .where(AT_PLACE, free >= bindparam("units"))
            .values(reserved=lines.reserved + bindparam("units")),
            [
                {"at_item": take.wish.item, "at_site": take.wish.site, "at_lot": take.lot, "units": take.quantity}
                for take in plain
            ],
        ).rowcount
    taken += sum(_thawed(connection, take) for take in takes if take.freeze_id)
    if taken != len(takes):
        raise NotEnoughStockError(f"{len(takes) - taken} of {len(takes)} stock lines have fewer units by now")
    earlier = _held_before(connection, {take.wish.proposal_id for take in takes})
    rows: list[dict[str, Any]] = [
        {
            "reservation_id": short_id(
                "res",
                take.wish.proposal_id,
                str(take.wish.line),
                take.lot,
                *filter(None, [take.freeze_id]),
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
            "freeze_id": take.freeze_id,
        }
        for take in takes
    ]
    connection.execute(reservations.insert(), rows)
    told = defaultdict[str, list[dict[str, Any]]](list)
    for row in rows:
        part = {name: value for name, value in row.items() if name not in ("proposal_id", "state")}
        told[row["proposal_id"]].append(part)
    for proposal_id, units in told.items():
        transaction.record("reservation.held", "proposal", proposal_id, {"units": units})


def _thawed(connection: Connection, take: Take) -> int:
    """Frozen units go to the purpose they were frozen for; 1 when they were still there."""
    place = (take.wish.item, take.wish.site, take.lot)
    free = (
        stock_lines.c.on_hand - stock_lines.c.allocated - stock_lines.c.protect - stock_lines.c.frozen
        - stock_lines.c.reserved - stock_lines.c.in_flight
    )  # fmt: skip
    kept = connection.execute(
        update(freezes)
        .where(freezes.c.freeze_id == take.freeze_id, _IN_FORCE, freezes.c.remaining >= take.quantity)
        .values(remaining=freezes.c.remaining - take.quantity)
    )
    given = connection.execute(
        update(stock_lines)
        .where(at_place(place), stock_lines.c.frozen >= take.quantity, free >= 0)
        .values(frozen=stock_lines.c.frozen - take.quantity, reserved=stock_lines.c.reserved + take.quantity)
    )
    return min(kept.rowcount, given.rowcount)


def _frozen_again(connection: Connection, held: Reservation) -> int:
    """Units of a released reservation that its freeze takes back; 0 once the freeze is over."""
    if not held.freeze_id:
        return 0
    kept = connection.execute(
        update(freezes)
        .where(freezes.c.freeze_id == held.freeze_id, _IN_FORCE)
        .values(remaining=freezes.c.remaining + held.quantity)
    )
    return held.quantity * kept.rowcount


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
    commit_capacity(transaction, proposal_id)


def release(transaction: Transaction, proposal_id: str) -> int:
    """Give every revocable or in-flight unit of a proposal back; returns the units released."""
    connection, total, back = transaction.connection, 0, (*REVOCABLE, "in_flight")
    given = list_reservations(connection, EVERYTHING, proposal_id=proposal_id, states=back)
    for held in given:
        column = stock_lines.c.in_flight if held.state == "in_flight" else stock_lines.c.reserved
        frozen = stock_lines.c.frozen + _frozen_again(connection, held)
        connection.execute(
            update(stock_lines)
            .where(at_place((held.item, held.site, held.lot)))
            .values({column: column - held.quantity, stock_lines.c.frozen: frozen})
        )
        total += held.quantity
    _advance(transaction, proposal_id, back, "released")
    claims = release_capacity(transaction, proposal_id)
    if total or claims:
        body = {"units": total, "reservations": [held.reservation_id for held in given]}
        body |= {"claims": claims} if claims else {}
        transaction.record("reservation.released", "proposal", proposal_id, body)
    return total


def lift_off(transaction: Transaction, proposal_id: str) -> None:
    """Leased: committed units leave ``reserved`` and count as in flight."""
    connection = transaction.connection
    for held in list_reservations(connection, EVERYTHING, proposal_id=proposal_id, states=("committed",)):
        connection.execute(
            update(stock_lines)
            .where(at_place((held.item, held.site, held.lot)))
            .values(reserved=stock_lines.c.reserved - held.quantity, in_flight=stock_lines.c.in_flight + held.quantity)
        )
    _advance(transaction, proposal_id, ("committed",), "in_flight")
    lift_capacity_off(transaction, proposal_id)


def touch_down(transaction: Transaction, proposal_id: str) -> bool:
    """Lease lost before sending: in-flight units are committed again, and a floor gives way to them.

    Returns
    -------
    bool
        Whether they still fit. If the stock or a limit fell meanwhile, everything of the proposal is released instead,
        and the proposal must be voided.
    """
    connection = transaction.connection
    lifted = list_reservations(connection, EVERYTHING, proposal_id=proposal_id, states=("in_flight",))
    for held in lifted:
        row = connection.execute(select(stock_lines).where(at_place((held.item, held.site, held.lot)))).one()
        if row.reserved + row.in_flight > row.on_hand - row.allocated - row.frozen:
            release(transaction, proposal_id)
            return False
    if not touch_capacity_down(transaction, proposal_id):
        release(transaction, proposal_id)
        return False
    lines = stock_lines.c
    left = lines.on_hand - lines.allocated - lines.frozen - lines.in_flight - lines.reserved
    for held in lifted:
        connection.execute(
            update(stock_lines)
            .where(at_place((held.item, held.site, held.lot)))
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
    changed = transaction.connection.execute(
        update(reservations)
        .where(
            reservations.c.proposal_id == proposal_id,
            reservations.c.state == "in_flight",
            reservations.c.line.in_(list(lines)),
        )
        .values(state="posted", key=key, posted_at=posted_at)
    )
    if changed.rowcount:
        transaction.record("reservation.posted", "proposal", proposal_id, {"key": key, "lines": sorted(lines)})
    post_capacity(transaction, proposal_id, lines, key)


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
    absorb_capacity(transaction, shown_keys)
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
            .where(at_place((held.item, held.site, held.lot)))
            .values(in_flight=stock_lines.c.in_flight - held.quantity)
        )
        connection.execute(
            update(reservations).where(reservations.c.reservation_id == held.reservation_id).values(state="absorbed")
        )
        transaction.record(
            "reservation.absorbed", "proposal", held.proposal_id,
            {"key": held.key, "units": held.quantity, "reservation_id": held.reservation_id},
        )  # fmt: skip
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
