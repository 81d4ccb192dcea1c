"""What must hold in every house at every moment, whatever was killed, raced or refused before."""

from __future__ import annotations

from collections import Counter

from inventory.audit import Verification, verify
from inventory.ledger import ledger_rows, reserved_by_line
from inventory.outbox import list_outbox, list_receipts
from inventory.proposals import find_approval, find_proposal
from inventory.records import EVERYTHING, DocumentState, ProposalState
from tests.worlds import World

ACTED = frozenset(
    {ProposalState.LEASED, ProposalState.SENT, ProposalState.EXECUTED, ProposalState.FAILED, ProposalState.IN_DOUBT}
)
MAY_SEND = frozenset({ProposalState.APPROVED, ProposalState.LEASED, ProposalState.SENT})


def assert_house_in_order(world: World) -> None:
    """Stock is promised once, documents are posted once and signed for, and the log is whole."""
    assert_ledger_equals_reservations(world)
    assert_every_posting_was_approved_once(world)
    assert_log_is_sound(world)


def assert_ledger_equals_reservations(world: World) -> None:
    """The ledger's columns are the sum of the reservations, and no line promises more than it has."""
    with world.database.read() as connection:
        rows = ledger_rows(connection, EVERYTHING)
        reserved = reserved_by_line(connection, EVERYTHING)
    promised: Counter[tuple[str, str]] = Counter()
    for row in rows:
        promised[(row.item, row.site)] += row.reserved + row.in_flight
        assert row.reserved <= max(row.on_hand - row.allocated - row.in_flight, 0), row
    assert {place: units for place, units in promised.items() if units} == reserved


def assert_every_posting_was_approved_once(world: World) -> None:
    """Each ERP document has one outbox row and one approval of exactly its proposal; none is there twice."""
    posted = Counter(erp_keys(world))
    assert all(count == 1 for count in posted.values()), posted
    with world.database.read() as connection:
        rows = {row.key: row for row in list_outbox(connection, EVERYTHING)}
        received = {receipt.key for receipt in list_receipts(connection, EVERYTHING)}
        assert set(posted) <= set(rows), "the ERP holds a document nobody enqueued"
        for row in rows.values():
            proposal = find_proposal(connection, EVERYTHING, row.proposal_id)
            assert find_approval(connection, EVERYTHING, proposal) is not None, row
            assert (row.state is DocumentState.EXECUTED) == (row.key in received), row
            if row.state is DocumentState.EXECUTED:
                assert posted[row.key] == 1, row
            if posted[row.key]:
                assert proposal.state in ACTED, proposal
            if row.state is DocumentState.READY:
                assert proposal.state in MAY_SEND, f"{row.key} waits, and its proposal is {proposal.state}"


def assert_log_is_sound(world: World) -> None:
    """Every link of the audit chain holds."""
    result = verification(world)
    assert result.sound, result.problem


def verification(world: World) -> Verification:
    """What the verifier says of the world's audit log."""
    with world.database.read() as connection:
        return verify(connection, world.database.anchor)


def erp_keys(world: World) -> list[str]:
    """The key of every document of ours in the ERP's own books, read past the adapter."""
    with world.erp.books.read() as connection:
        return [row["key"] for row in connection.execute("SELECT key FROM orders WHERE key <> '' ORDER BY number")]
