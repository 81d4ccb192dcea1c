"""The outbox: one row per ERP document of an approved proposal, written with the approval, and its receipt."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, exists, select, update

from inventory.database import Transaction
from inventory.errors import LostRaceError, NotFoundError
from inventory.executors import ExecutorLease, newest
from inventory.proposals import find_proposal
from inventory.record import canonical_record, load
from inventory.records import EVERYTHING, DocumentState, ErpDocument, OutboxRow, Receipt, Scope
from inventory.tables import case_scopes, outbox, proposals, receipts

ARROWS: dict[DocumentState, frozenset[DocumentState]] = {
    DocumentState.READY: frozenset({DocumentState.SENT, DocumentState.FAILED}),
    DocumentState.SENT: frozenset(
        {DocumentState.EXECUTED, DocumentState.FAILED, DocumentState.IN_DOUBT, DocumentState.READY}
    ),
    DocumentState.IN_DOUBT: frozenset({DocumentState.EXECUTED, DocumentState.FAILED}),
}


def idempotency_key(proposal_digest: str, number: int) -> str:
    """``EK-`` and 26 base32 characters of SHA-256 over proposal digest and document number."""
    raw = hashlib.sha256(f"{proposal_digest}\n{number}".encode()).digest()
    return "EK-" + base64.b32encode(raw).decode()[:26]


def enqueue(transaction: Transaction, proposal_id: str, documents: Collection[ErpDocument]) -> None:
    """Write the documents of a proposal that is being approved in this transaction."""
    for number, document in enumerate(documents, start=1):
        transaction.connection.execute(
            outbox.insert().values(
                key=document.key,
                proposal_id=proposal_id,
                number=number,
                state=DocumentState.READY.value,
                changed_at=transaction.now,
                body=canonical_record(document),
            )
        )
        transaction.record("action.enqueued", "proposal", proposal_id, document.model_dump(mode="json"))


def withdraw(transaction: Transaction, proposal_id: str, note: str) -> None:
    """Fail the documents of a proposal that ended before they were sent; nothing may wait that nobody will send."""
    for row in list_outbox(transaction.connection, EVERYTHING, proposal_id=proposal_id, states=(DocumentState.READY,)):
        move_document(transaction, row, DocumentState.FAILED, note=note)


def _row(row: Row[Any]) -> OutboxRow:
    return OutboxRow(
        key=row.key,
        proposal_id=row.proposal_id,
        number=row.number,
        document=load(ErpDocument, row.body),
        state=DocumentState(row.state),
        attempts=row.attempts,
        note=row.note,
        fencing=row.fencing,
        changed_at=row.changed_at,
    )


def find_document(connection: Connection, scope: Scope, key: str) -> OutboxRow:
    """The document of a key, or of a key beginning so when only one does; ``NotFoundError`` otherwise."""
    named = key.upper()
    found = [row for row in list_outbox(connection, scope) if row.key == named] or [
        row for row in list_outbox(connection, scope) if named and row.key.startswith(named)
    ]
    if len(found) != 1:
        raise NotFoundError(f"document {key!r}: {len(found)} found that {scope.user} may see, expected one")
    return found[0]


def list_outbox(
    connection: Connection,
    scope: Scope,
    *,
    proposal_id: str | None = None,
    states: Collection[DocumentState] = (),
) -> list[OutboxRow]:
    """Outbox rows of proposals the reader may see, by proposal and number."""
    query = select(outbox).order_by(outbox.c.proposal_id, outbox.c.number)
    if proposal_id is not None:
        query = query.where(outbox.c.proposal_id == find_proposal(connection, scope, proposal_id).proposal_id)
    if states:
        query = query.where(outbox.c.state.in_([state.value for state in states]))
    if scope.item_classes is not None:
        query = query.where(
            exists().where(
                proposals.c.proposal_id == outbox.c.proposal_id,
                case_scopes.c.case_id == proposals.c.case_id,
                case_scopes.c.item_class.in_(sorted(scope.item_classes)),
            )
        )
    rows = [_row(row) for row in connection.execute(query)]
    if scope.sites is None:
        return rows
    return [row for row in rows if {row.document.origin, row.document.destination} & scope.sites]


def move_document(
    transaction: Transaction,
    row: OutboxRow,
    to: DocumentState,
    *,
    note: str = "",
    lease: ExecutorLease | None = None,
) -> OutboxRow:
    """Move one document along an arrow.

    Parameters
    ----------
    lease
        The executor's, when it is an executor that moves it; a person needs none.

    Raises
    ------
    LostRaceError
        If it has moved since it was read, or another executor holds a later lease.
    """
    if to not in ARROWS.get(row.state, frozenset()):
        raise LostRaceError(f"document {row.key}: no way from {row.state} to {to}")
    attempts = row.attempts + (1 if to is DocumentState.SENT else 0)
    fencing = row.fencing if lease is None else lease.fencing
    unchanged = [outbox.c.key == row.key, outbox.c.state == row.state.value, outbox.c.attempts == row.attempts]
    changed = transaction.connection.execute(
        update(outbox)
        .where(*unchanged, *([] if lease is None else [newest(lease)]))
        .values(state=to.value, attempts=attempts, note=note, fencing=fencing, changed_at=transaction.now)
    )
    if changed.rowcount != 1:
        raise LostRaceError(f"document {row.key} is no longer {row.state}: another executor has it")
    numbered = {} if lease is None else {"fencing": fencing, "erp": lease.erp}
    transaction.record(
        f"action.{to.value}",
        "proposal",
        row.proposal_id,
        {"key": row.key, "number": row.number, "attempt": attempts, "note": note, **numbered},
    )
    return row.model_copy(
        update={
            "state": to, "attempts": attempts, "note": note, "fencing": fencing, "changed_at": transaction.now,
        }
    )  # fmt: skip


def insert_receipt(transaction: Transaction, receipt: Receipt) -> None:
    """Keep the ERP's answer; one per key."""
    transaction.connection.execute(
        receipts.insert().values(
            key=receipt.key,
            proposal_id=receipt.proposal_id,
            erp_reference=receipt.erp_reference,
            posted_at=receipt.posted_at,
            body=canonical_record(receipt),
        )
    )
    transaction.record("action.applied", "proposal", receipt.proposal_id, receipt.model_dump(mode="json"))


def list_receipts(connection: Connection, scope: Scope, *, proposal_id: str | None = None) -> list[Receipt]:
    """Receipts, of one proposal or of all the reader may see, by time then key."""
    query = select(receipts.c.body, receipts.c.proposal_id).order_by(receipts.c.posted_at, receipts.c.key)
    if proposal_id is not None:
        query = query.where(receipts.c.proposal_id == find_proposal(connection, scope, proposal_id).proposal_id)
    found = [load(Receipt, row.body) for row in connection.execute(query)]
    if scope.sites is None and scope.item_classes is None:
        return found
    mine = {row.key for row in list_outbox(connection, scope)}
    return [receipt for receipt in found if receipt.key in mine]
