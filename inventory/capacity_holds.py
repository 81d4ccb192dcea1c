"""The life of claims on capacity, step by step with the units of the proposal; :mod:`inventory.ledger` calls it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update

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
    _advance(transaction.connection, proposal_id, ("held",), "committed")


def release_capacity(transaction: Transaction, proposal_id: str) -> int:
    """Give every claim of a proposal back that is not posted; returns how many."""
    return _give(transaction.connection, proposal_id, (*REVOCABLE, "in_flight"), to="released")


def lift_capacity_off(transaction: Transaction, proposal_id: str) -> None:
    """Leased: committed claims cannot be taken back any more."""
    _give(transaction.connection, proposal_id, ("committed",), to="in_flight")


def touch_capacity_down(transaction: Transaction, proposal_id: str) -> bool:
    """Lease lost before sending: in-flight claims are committed again, unless a limit fell below them meanwhile."""
    connection, row = transaction.connection, capacity.c
    lifted = list_capacity_holds(connection, proposal_id=proposal_id, states=("in_flight",))
    for slot in sorted({hold.slot for hold in lifted}):
        over = select(row.reserved + row.used > row.limit_amount).where(among(row, [slot]))
        if connection.execute(over).scalar_one():
            return False
    _give(connection, proposal_id, ("in_flight",), to="committed")
    return True


def _give(connection: Connection, proposal_id: str, states: tuple[str, ...], *, to: str) -> int:
    """Move claims between the columns of their slots and to another state; returns how many."""
    moved = list_capacity_holds(connection, proposal_id=proposal_id, states=states)
    row, reserved, used = capacity.c, Counter[Slot](), Counter[Slot]()
    for hold in moved:
        (reserved if hold.state in REVOCABLE else used)[hold.slot] -= hold.amount
        if to != "released":
            (reserved if to in REVOCABLE else used)[hold.slot] += hold.amount
    if moved:
        connection.execute(
            update(capacity)
            .where(AT_SLOT)
            .values(reserved=row.reserved + bindparam("reserved_by"), used=row.used + bindparam("used_by")),
            [
                {**named(slot), "reserved_by": reserved[slot], "used_by": used[slot]}
                for slot in sorted({hold.slot for hold in moved})
            ],
        )
        _advance(connection, proposal_id, states, to)
    return len(moved)


def _advance(connection: Connection, proposal_id: str, states: Collection[str], to: str) -> None:
    connection.execute(
        update(capacity_holds)
        .where(capacity_holds.c.proposal_id == proposal_id, capacity_holds.c.state.in_(list(states)))
        .values(state=to)
    )


def post_capacity(transaction: Transaction, proposal_id: str, lines: Collection[int], key: str) -> None:
    """The ERP has these lines' document, and with it what was claimed for the proposal as a whole."""
    transaction.connection.execute(
        update(capacity_holds)
        .where(
            capacity_holds.c.proposal_id == proposal_id,
            capacity_holds.c.state == "in_flight",
            capacity_holds.c.line.in_([0, *lines]),
        )
        .values(state="posted", document=key)
    )


def absorb_capacity(transaction: Transaction, shown_keys: Collection[str]) -> None:
    """The feeds show these documents: their claims have come to their end and stay counted."""
    for some in parts_of(sorted(shown_keys)):
        transaction.connection.execute(
            update(capacity_holds)
            .where(capacity_holds.c.state == "posted", capacity_holds.c.document.in_(some))
            .values(state="absorbed")
        )
