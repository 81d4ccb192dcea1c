"""The life of claims on capacity, step by step with the units of the proposal; :mod:`inventory.ledger` calls it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.sql.elements import ColumnElement

from inventory.capacity import AT_SLOT, REVOCABLE, CapacityKind, Slot, among, named, parts_of
from inventory.database import Transaction
from inventory.tables import capacity, capacity_holds


@dataclass(frozen=True)
class CapacityHold:
    """Part of a slot promised to one line of a proposal."""

    hold_id: str
    proposal_id: str
    line: int
    slot: Slot
    amount: int
    state: str
    document: str
    """Key of the document that carries the line, once it is posted."""


def list_capacity_holds(
    connection: Connection, *, proposal_id: str | None = None, slot: Slot | None = None, states: Collection[str] = ()
) -> list[CapacityHold]:
    """Holds of a proposal, on a slot, or all."""
    query = select(capacity_holds).order_by(capacity_holds.c.hold_id)
    if proposal_id is not None:
        query = query.where(capacity_holds.c.proposal_id == proposal_id)
    if slot is not None:
        query = query.where(among(capacity_holds.c, [slot]))
    if states:
        query = query.where(capacity_holds.c.state.in_(list(states)))
    return [
        CapacityHold(
            row.hold_id, row.proposal_id, row.line, Slot(CapacityKind(row.kind), row.key, row.day), int(row.amount),
            row.state, row.document,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def commit_capacity(transaction: Transaction, proposal_id: str) -> None:
    """Approved: held claims become committed."""
    _give(transaction, proposal_id, ("held",), to="committed")


def release_capacity(transaction: Transaction, proposal_id: str) -> int:
    """Give every claim of a proposal back that is not posted; returns how many."""
    return _give(transaction, proposal_id, (*REVOCABLE, "in_flight"), to="released")


def give_back_capacity(transaction: Transaction, proposal_id: str, kinds: Collection[CapacityKind]) -> int:
    """Give the claims of a proposal on some kinds of capacity back that are not in flight; returns how many."""
    return _give(transaction, proposal_id, REVOCABLE, to="released", kinds=kinds)


def lift_capacity_off(transaction: Transaction, proposal_id: str) -> None:
    """Leased: committed claims cannot be taken back any more."""
    _give(transaction, proposal_id, ("committed",), to="in_flight")


def touch_capacity_down(transaction: Transaction, proposal_id: str) -> bool:
    """Lease lost before sending: in-flight claims are committed again, unless a limit fell below them meanwhile."""
    connection, row = transaction.connection, capacity.c
    lifted = list_capacity_holds(connection, proposal_id=proposal_id, states=("in_flight",))
    for slot in sorted({hold.slot for hold in lifted}):
        over = select(row.reserved + row.used > row.limit_amount).where(among(row, [slot]))
        if connection.execute(over).scalar_one():
            return False
    _give(transaction, proposal_id, ("in_flight",), to="committed")
    return True


def _give(
    transaction: Transaction,
    proposal_id: str,
    states: tuple[str, ...],
    *,
    to: str,
    kinds: Collection[CapacityKind] = tuple(CapacityKind),
) -> int:
    """Move claims between the columns of their slots and to another state; returns how many."""
    held = list_capacity_holds(transaction.connection, proposal_id=proposal_id, states=states)
    return _moved(transaction, [hold for hold in held if hold.slot.kind in kinds], to)


def _moved(transaction: Transaction, moved: Sequence[CapacityHold], to: str, document: str | None = None) -> int:
    """Put claims into another state, and what they take into the column it counts in; all of one proposal."""
    connection, row, reserved, used = transaction.connection, capacity.c, Counter[Slot](), Counter[Slot]()
    for hold in moved:
        (reserved if hold.state in REVOCABLE else used)[hold.slot] -= hold.amount
        if to != "released":
            (reserved if to in REVOCABLE else used)[hold.slot] += hold.amount
    changed = sorted(slot for slot in {hold.slot for hold in moved} if reserved[slot] or used[slot])
    if changed:
        connection.execute(
            update(capacity)
            .where(AT_SLOT)
            .values(reserved=row.reserved + bindparam("reserved_by"), used=row.used + bindparam("used_by")),
            [{**named(slot), "reserved_by": reserved[slot], "used_by": used[slot]} for slot in changed],
        )
    if moved:
        told = {"state": to} | ({} if document is None else {"document": document})
        connection.execute(
            update(capacity_holds).where(capacity_holds.c.hold_id == bindparam("at_hold")).values(**told),
            [{"at_hold": hold.hold_id} for hold in moved],
        )
        body = {**told, "holds": [hold.hold_id for hold in moved]}
        transaction.record("capacity.moved", "proposal", moved[0].proposal_id, body)
    return len(moved)


def post_capacity(transaction: Transaction, proposal_id: str, lines: Collection[int], key: str) -> None:
    """The ERP has these lines' document, and with it what was claimed for the proposal as a whole."""
    held = list_capacity_holds(transaction.connection, proposal_id=proposal_id, states=("in_flight",))
    _moved(transaction, [hold for hold in held if hold.line in {0, *lines}], "posted", key)


def absorb_capacity(transaction: Transaction, shown_keys: Collection[str]) -> None:
    """The feeds show these documents: their claims have come to their end and stay counted.

    Money of a purchase budget is given back instead, for the feed counts the order from here on.
    """
    for some in parts_of(sorted(shown_keys)):
        _ordered(transaction, some)
        for proposal_id in _holders_of(transaction.connection, capacity_holds.c.document.in_(some)):
            held = list_capacity_holds(transaction.connection, proposal_id=proposal_id, states=("posted",))
            _moved(transaction, [hold for hold in held if hold.document in some], "absorbed")


def _holders_of(connection: Connection, *conditions: ColumnElement[bool]) -> list[str]:
    """Proposals with posted claims that meet some conditions."""
    query = select(capacity_holds.c.proposal_id).distinct().where(capacity_holds.c.state == "posted", *conditions)
    return sorted(connection.execute(query).scalars())


def _ordered(transaction: Transaction, keys: Sequence[str]) -> None:
    held = capacity_holds.c
    budget = held.kind == CapacityKind.PURCHASE_BUDGET.value
    for proposal_id in _holders_of(transaction.connection, budget, held.document.in_(keys)):
        mine = list_capacity_holds(transaction.connection, proposal_id=proposal_id, states=("posted",))
        shown = [hold for hold in mine if hold.slot.kind is CapacityKind.PURCHASE_BUDGET and hold.document in keys]
        _moved(transaction, shown, "released")
        body = {"money": sum(hold.amount for hold in shown), "documents": sorted({hold.document for hold in shown})}
        transaction.record("budget.ordered", "proposal", proposal_id, body)
