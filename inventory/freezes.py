"""Freezes: units of one stock line that nobody may promise or send but for a stated purpose.

A freeze is stronger than a reservation or a floor. It is set by two different people and lifted by two different
people. Frozen units lie in a column of the stock line that the line's CHECK counts, so no statement can promise them
to somebody else. A snapshot never shrinks them: a line that has less than is frozen on it promises nothing, and
`short_freezes` names it until people lift or stock arrives. What was held for the purpose and is released is frozen
again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy import Connection, case, select, update

from inventory.database import Transaction
from inventory.errors import AccessError, LostRaceError, NotEnoughStockError, NotFoundError
from inventory.ledger import REVOCABLE, at_place
from inventory.record import Id, Record, Text, Utc, canonical_record, load, short_id
from inventory.records import EVERYTHING, Scope
from inventory.tables import freezes, reservations, stock_lines

IN_FORCE = ("in_force", "lift_asked")
OPEN = ("asked", *IN_FORCE)
NAMED_HOLDERS = 3


class Freeze(Record):
    """Units of one stock line kept for one purpose."""

    freeze_id: Id
    item: Id
    site: Id
    lot: str = ""
    units: int | None = Field(default=None, ge=1)
    """Units kept; ``None`` keeps everything on the line nobody was promised, and what arrives later."""
    purpose: Id
    """The customer, promotion or production order they are kept for."""
    until: Utc
    reason: Text = ""
    state: str = "asked"
    set_by: Id
    set_confirmed_by: str = ""
    frozen_units: int = 0
    """Units frozen when it was confirmed."""
    set_at: Utc
    lift_by: str = ""
    lift_confirmed_by: str = ""
    lift_reason: Text = ""


class FreezeRow(Record):
    """A freeze and where it stands."""

    freeze: Freeze
    units: int
    """Units frozen in all, those already held for the purpose included."""
    remaining: int
    """Units frozen and not held for the purpose."""


@dataclass(frozen=True)
class ShortFreeze:
    """A line that has less than is frozen on it."""

    row: FreezeRow
    short: int
    """Units missing on the line."""
    on_hand: int


def ask_freeze(
    transaction: Transaction,
    scope: Scope,
    *,
    item: str,
    site: str,
    purpose: str,
    until: datetime,
    lot: str = "",
    units: int | None = None,
    reason: str = "",
) -> Freeze:
    """Ask for a freeze; it keeps nothing before another person confirms it.

    Raises
    ------
    NotFoundError
        If there is no such stock line the asker may see.
    AccessError
        If it would be over already.
    """
    _line(transaction.connection, scope, item, site, lot)
    if until <= transaction.now:
        raise AccessError(f"a freeze of {item} at {site} until {until:%Y-%m-%d %H:%M} UTC would be over already")
    number = len(list_freezes(transaction.connection, scope, item=item, site=site)) + 1
    asked = Freeze(
        freeze_id=short_id("frz", item, site, lot, purpose, str(number), transaction.now.isoformat()),
        item=item, site=site, lot=lot, units=units, purpose=purpose, until=until, reason=reason,
        set_by=transaction.actor, set_at=transaction.now,
    )  # fmt: skip
    transaction.connection.execute(
        freezes.insert().values(
            freeze_id=asked.freeze_id, item=item, site=site, lot=lot, purpose=purpose, units=units or 1, remaining=0,
            state=asked.state, until=until, set_by=asked.set_by, body=canonical_record(asked),
        )
    )  # fmt: skip
    transaction.record("freeze.asked", "freeze", asked.freeze_id, asked.model_dump(mode="json"))
    return asked


def confirm_freeze(transaction: Transaction, scope: Scope, freeze_id: str) -> Freeze:
    """A second person agrees, and the units are frozen from now on; a donor's floor on the line gives way.

    Raises
    ------
    AccessError
        If it is the person who asked, or it would be over already.
    NotEnoughStockError
        If fewer units are free of promises, naming who holds them; reject those first.
    """
    asked = find_freeze(transaction.connection, scope, freeze_id).freeze
    _second(asked.set_by, transaction.actor, "set")
    if asked.until <= transaction.now:
        raise AccessError(f"freeze {freeze_id} would have ended at {asked.until:%Y-%m-%d %H:%M} UTC")
    line = _line(transaction.connection, scope, asked.item, asked.site, asked.lot)
    there = line.on_hand - line.allocated - line.reserved - line.in_flight - line.frozen
    units = max(there, 0) if asked.units is None else asked.units
    if units < 1 or units > there:
        raise NotEnoughStockError(
            f"freeze {freeze_id}: {asked.units or 'all'} units of {asked.item} at {asked.site} wanted, only "
            f"{max(there, 0)} promised to nobody{_holders(transaction.connection, asked)}"
        )
    made = _move(transaction, asked, "asked", "in_force", units=units, remaining=units,
                 set_confirmed_by=transaction.actor, body={"frozen_units": units},
    )  # fmt: skip
    _keep(transaction.connection, asked, units)
    transaction.record("freeze.confirmed", "freeze", freeze_id, made.model_dump(mode="json"))
    return made


def withdraw_freeze(transaction: Transaction, scope: Scope, freeze_id: str) -> Freeze:
    """Take back what nobody confirmed yet: anybody may, since nothing is frozen."""
    asked = find_freeze(transaction.connection, scope, freeze_id).freeze
    made = _move(transaction, asked, "asked", "withdrawn")
    transaction.record("freeze.withdrawn", "freeze", freeze_id, made.model_dump(mode="json"))
    return made


def ask_lift(transaction: Transaction, scope: Scope, freeze_id: str, *, reason: str = "") -> Freeze:
    """Ask for a freeze to end early; it holds until another person confirms."""
    known = find_freeze(transaction.connection, scope, freeze_id).freeze
    made = _move(
        transaction, known, "in_force", "lift_asked", lift_by=transaction.actor, body={"lift_reason": reason}
    )  # fmt: skip
    transaction.record("freeze.lift_asked", "freeze", freeze_id, made.model_dump(mode="json"))
    return made


def confirm_lift(transaction: Transaction, scope: Scope, freeze_id: str) -> Freeze:
    """A second person agrees, and the units are free for everybody again.

    Raises
    ------
    AccessError
        If it is the person who asked for the lift.
    """
    row = find_freeze(transaction.connection, scope, freeze_id)
    _second(row.freeze.lift_by, transaction.actor, "lifted")
    made = _move(transaction, row.freeze, "lift_asked", "lifted", remaining=0, lift_confirmed_by=transaction.actor)
    _keep(transaction.connection, row.freeze, -row.remaining)
    transaction.record("freeze.lifted", "freeze", freeze_id, made.model_dump(mode="json"))
    return made


def end_freezes(transaction: Transaction) -> list[Freeze]:
    """End the freezes whose time is over; their units are free again."""
    ended = []
    for row in list_freezes(transaction.connection, EVERYTHING, states=OPEN):
        if row.freeze.until > transaction.now:
            continue
        to = "withdrawn" if row.freeze.state == "asked" else "ended"
        made = _move(transaction, row.freeze, row.freeze.state, to, remaining=0)
        _keep(transaction.connection, row.freeze, -row.remaining)
        if to == "ended":
            transaction.record("freeze.ended", "freeze", made.freeze_id, made.model_dump(mode="json"))
        else:
            transaction.record("freeze.withdrawn", "freeze", made.freeze_id, made.model_dump(mode="json"))
        ended.append(made)
    return ended


def grow_freezes(transaction: Transaction) -> int:
    """Freeze what arrived on lines that are frozen as a whole; returns the units."""
    connection, total = transaction.connection, 0
    for row in list_freezes(connection, EVERYTHING, states=IN_FORCE):
        if row.freeze.units is not None:
            continue
        line = _line(connection, EVERYTHING, row.freeze.item, row.freeze.site, row.freeze.lot)
        units = line.on_hand - line.allocated - line.reserved - line.in_flight - line.frozen
        if units > 0:
            connection.execute(
                update(freezes)
                .where(freezes.c.freeze_id == row.freeze.freeze_id)
                .values(units=freezes.c.units + units, remaining=freezes.c.remaining + units)
            )
            _keep(connection, row.freeze, units)
            transaction.record("freeze.grown", "freeze", row.freeze.freeze_id, {"units": units})
            total += units
    return total


def short_freezes(connection: Connection, scope: Scope) -> list[ShortFreeze]:
    """Freezes on lines that have less than is frozen on them, with what is reserved or under way taken off."""
    found = []
    for row in list_freezes(connection, scope, states=IN_FORCE):
        line = connection.execute(_at(row.freeze)).one_or_none()
        there = line.on_hand - line.allocated - line.reserved - line.in_flight if line is not None else 0
        short = (line.frozen if line is not None else row.remaining) - there
        if row.remaining and short > 0:
            found.append(ShortFreeze(row, min(short, row.remaining), int(line.on_hand) if line is not None else 0))
    return found


def list_freezes(
    connection: Connection, scope: Scope, *, states: tuple[str, ...] = (), item: str = "", site: str = ""
) -> list[FreezeRow]:
    """Freezes at sites the reader may see, those that end first first."""
    columns = freezes.c
    query = select(columns.body, columns.units, columns.remaining).order_by(columns.until, columns.freeze_id)
    if scope.sites is not None:
        query = query.where(columns.site.in_(sorted(scope.sites)))
    if states:
        query = query.where(columns.state.in_(states))
    if item:
        query = query.where(columns.item == item, columns.site == site)
    return [
        FreezeRow(freeze=load(Freeze, row.body), units=row.units, remaining=row.remaining)
        for row in connection.execute(query)
    ]


def find_freeze(connection: Connection, scope: Scope, freeze_id: str) -> FreezeRow:
    """The freeze of that id, or of the id that begins so when only one does."""
    rows = list_freezes(connection, scope)
    found = [row for row in rows if row.freeze.freeze_id == freeze_id] or [
        row for row in rows if freeze_id and row.freeze.freeze_id.startswith(freeze_id)
    ]
    if len(found) != 1:
        raise NotFoundError(f"freeze {freeze_id!r}: {len(found)} found that {scope.user} may see, expected one")
    return found[0]


def _second(first: str, second: str, word: str) -> None:
    if first == second:
        raise AccessError(f"a freeze is {word} by two different people; {first} is the first of them already")


def _at(freeze: Freeze) -> Any:
    return select(stock_lines).where(at_place((freeze.item, freeze.site, freeze.lot)))


def _line(connection: Connection, scope: Scope, item: str, site: str, lot: str) -> Any:
    seen = scope.sites is None or site in scope.sites
    lines = select(stock_lines).where(stock_lines.c.item == item, stock_lines.c.site == site)
    rows = connection.execute(lines.order_by(stock_lines.c.lot)).all() if seen else []
    found = [row for row in rows if row.lot == lot]
    if not found:
        lots = ", ".join(row.lot or "none" for row in rows)
        known = f"; lots there: {lots}" if lots else ""
        raise NotFoundError(f"no stock of {item} lot {lot or 'none'} at {site}{known}")
    return found[0]


def _keep(connection: Connection, freeze: Freeze, units: int) -> None:
    """Move units into, or out of, the frozen column of the line."""
    lines = stock_lines.c
    left = lines.on_hand - lines.allocated - lines.reserved - lines.in_flight - lines.frozen - units
    protect = case((left < 0, 0), (left < lines.protect, left), else_=lines.protect) if units > 0 else lines.protect
    connection.execute(
        update(stock_lines)
        .where(at_place((freeze.item, freeze.site, freeze.lot)))
        .values(frozen=lines.frozen + units, protect=protect)
    )


def _holders(connection: Connection, freeze: Freeze) -> str:
    held = reservations.c
    query = (
        select(held.proposal_id, held.quantity)
        .where(held.item == freeze.item, held.site == freeze.site, held.lot == freeze.lot, held.state.in_(REVOCABLE))
        .order_by(held.quantity.desc(), held.proposal_id)
    )
    named = [f"{proposal_id} holds {units}" for proposal_id, units in connection.execute(query)]
    more = [f"{len(named) - NAMED_HOLDERS} more"] if len(named) > NAMED_HOLDERS else []
    return f"; {', '.join(named[:NAMED_HOLDERS] + more)}" if named else ""


def _move(
    transaction: Transaction, freeze: Freeze, state: str, to: str, *, body: dict[str, Any] | None = None, **columns: Any
) -> Freeze:
    """One conditional step of a freeze; ``LostRaceError`` if it has moved since."""
    kept = {name: value for name, value in columns.items() if isinstance(value, str)}
    made = freeze.model_copy(update={"state": to, **kept, **(body or {})})
    changed = transaction.connection.execute(
        update(freezes)
        .where(freezes.c.freeze_id == freeze.freeze_id, freezes.c.state == state)
        .values(state=to, body=canonical_record(made), **columns)
    )
    if changed.rowcount != 1:
        raise LostRaceError(f"freeze {freeze.freeze_id} is {freeze.state.replace('_', ' ')}, not {state}")
    return made
