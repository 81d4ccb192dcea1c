"""The outbox: a key that never drifts, arrows won once, one receipt per key."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from inventory.audit import entries
from inventory.database import Database
from inventory.errors import LostRaceError, NotFoundError
from inventory.outbox import (
    ARROWS,
    enqueue,
    idempotency_key,
    insert_receipt,
    list_outbox,
    list_receipts,
    move_document,
)
from inventory.records import EVERYTHING, DocumentState, OutboxRow, Proposal, Receipt, Scope
from inventory.tables import outbox
from tests.inventory.worlds import (
    GHENT_PLANNER,
    LYON,
    NOW,
    PORTO_PLANNER,
    REGULATED_ONLY,
    STANDARD_ONLY,
    a_document,
    draft,
)

ALLOWED = {
    ("ready", "sent"),
    ("ready", "failed"),
    ("sent", "ready"),
    ("sent", "executed"),
    ("sent", "failed"),
    ("sent", "in_doubt"),
    ("in_doubt", "executed"),
    ("in_doubt", "failed"),
}


@pytest.fixture
def approved(database: Database) -> Proposal:
    """A proposal with two documents in the outbox."""
    with database.write("ines", NOW) as transaction:
        proposal = draft(transaction, 1)
        enqueue(transaction, proposal.proposal_id, [a_document(proposal, 1), a_document(proposal, 2)])
    return proposal


def rows(database: Database, scope: Scope = EVERYTHING) -> list[OutboxRow]:
    with database.read() as connection:
        return list_outbox(connection, scope)


def a_receipt(row: OutboxRow, reference: str = "TO-9") -> Receipt:
    return Receipt(key=row.key, proposal_id=row.proposal_id, erp_reference=reference, posted_at=NOW, found_by="answer")


def keep(database: Database, receipt: Receipt) -> Receipt:
    with database.write("executor", NOW) as transaction:
        insert_receipt(transaction, receipt)
    return receipt


def test_the_key_never_drifts() -> None:
    assert idempotency_key("ab" * 32, 1) == "EK-63BZV3X273RQZ4TDRJ6SCN732H"


def test_the_key_is_26_base32_characters_of_the_digest_and_number() -> None:
    by_hand = base64.b32encode(hashlib.sha256(b"cd" * 32 + b"\n12").digest()).decode()
    assert idempotency_key("cd" * 32, 12) == "EK-" + by_hand[:26]
    assert len({idempotency_key(text * 64, number) for text in "ab" for number in range(1, 30)}) == 58


def test_documents_wait_in_the_order_they_were_written(database: Database, approved: Proposal) -> None:
    found = rows(database)
    assert [(row.number, row.state, row.attempts) for row in found] == [(1, "ready", 0), (2, "ready", 0)]
    assert [row.document for row in found] == [a_document(approved, 1), a_document(approved, 2)]
    with database.read() as connection:
        told = [entry.data["key"] for entry in entries(connection) if entry.event == "action.enqueued"]
        assert list_outbox(connection, EVERYTHING, states=[DocumentState.SENT]) == []
        assert list_outbox(connection, EVERYTHING, proposal_id=approved.proposal_id) == found
        with pytest.raises(NotFoundError):
            list_outbox(connection, EVERYTHING, proposal_id="prop-999")
    assert told == [row.key for row in found]


def test_the_same_document_cannot_be_queued_twice(database: Database, approved: Proposal) -> None:
    with pytest.raises(IntegrityError), database.write("ines", NOW) as transaction:
        enqueue(transaction, approved.proposal_id, [a_document(approved, 1)])
    with pytest.raises(IntegrityError), database.write("ines", NOW) as transaction:
        enqueue(transaction, approved.proposal_id, [a_document(approved, 3)])
    assert len(rows(database)) == 2


def test_the_arrows_are_these_and_no_others(database: Database, approved: Proposal) -> None:
    assert {(left.value, right.value) for left, targets in ARROWS.items() for right in targets} == ALLOWED
    first = rows(database)[0]
    for left in DocumentState:
        for right in DocumentState:
            with database.write("test", NOW) as transaction:
                transaction.connection.execute(update(outbox).values(state=left.value, attempts=3, note=""))
            standing = first.model_copy(update={"state": left, "attempts": 3})
            if (left.value, right.value) not in ALLOWED:
                with (
                    pytest.raises(LostRaceError, match=f"no way from {left} to {right}"),
                    database.write("executor", NOW) as transaction,
                ):
                    move_document(transaction, standing, right)
                assert rows(database)[0] == standing
                continue
            with database.write("executor", NOW) as transaction:
                moved = move_document(transaction, standing, right, note="because")
            assert rows(database)[0] == moved
            assert (moved.state, moved.attempts, moved.note) == (right, 4 if right == "sent" else 3, "because")
            with database.read() as connection:
                last = list(entries(connection))[-1]
            assert last.event == f"action.{right}"
            assert last.data == {"key": first.key, "number": 1, "attempt": moved.attempts, "note": "because"}


def test_the_second_executor_loses(database: Database, approved: Proposal) -> None:
    read = rows(database)[0]
    with database.write("executor-1", NOW) as transaction:
        sent = move_document(transaction, read, DocumentState.SENT)
    with (
        pytest.raises(LostRaceError, match="no longer ready: another executor has it"),
        database.write("executor-2", NOW) as transaction,
    ):
        move_document(transaction, read, DocumentState.SENT)
    with database.write("executor-1", NOW) as transaction:
        move_document(transaction, move_document(transaction, sent, DocumentState.READY), DocumentState.SENT)
    with pytest.raises(LostRaceError), database.write("executor-2", NOW) as transaction:
        move_document(transaction, sent, DocumentState.EXECUTED)
    assert rows(database)[0].attempts == 2, "sent again, and what was read at the first attempt is stale"


def test_one_key_has_one_receipt(database: Database, approved: Proposal) -> None:
    first, second = rows(database)
    kept = [keep(database, a_receipt(first)), keep(database, a_receipt(second, "TO-10"))]
    with pytest.raises(IntegrityError):
        keep(database, a_receipt(first, "TO-11"))
    with database.read() as connection:
        found = list_receipts(connection, EVERYTHING)
        assert list_receipts(connection, EVERYTHING, proposal_id=approved.proposal_id) == found
    assert found == sorted(kept, key=lambda receipt: receipt.key)


def test_a_receipt_needs_its_document(database: Database, approved: Proposal) -> None:
    stray = a_receipt(rows(database)[0]).model_copy(update={"key": "EK-NOBODY", "posted_at": NOW + timedelta(hours=1)})
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        keep(database, stray)


def test_documents_and_receipts_are_shown_where_they_arrive_leave_or_belong(
    database: Database, approved: Proposal
) -> None:
    first = rows(database)[0]
    receipt = keep(database, a_receipt(first))
    giver = Scope(user="luc", sites=frozenset({LYON}))
    for scope, number in (
        (PORTO_PLANNER, 2),
        (giver, 2),
        (STANDARD_ONLY, 2),
        (GHENT_PLANNER, 0),
        (REGULATED_ONLY, 0),
        (PORTO_PLANNER.model_copy(update={"item_classes": frozenset({"regulated"})}), 0),
        (PORTO_PLANNER.model_copy(update={"item_classes": frozenset({"standard"})}), 2),
    ):
        assert len(rows(database, scope)) == number
        with database.read() as connection:
            assert list_receipts(connection, scope) == ([receipt] if number else [])
