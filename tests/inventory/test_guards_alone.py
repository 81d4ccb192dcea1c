"""Guards that stand behind another guard, each tried without the one in front of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from inventory.audit_heads import check_heads
from inventory.chain import GENESIS
from inventory.database import Database
from inventory.errors import LostRaceError
from inventory.executors import LEASE, take_lease
from inventory.heads import HeadSigner, SignedHead, create_key
from inventory.outbox import enqueue, list_outbox, move_document
from inventory.records import EVERYTHING, DocumentState
from tests.inventory.worlds import NOW, a_document, draft

HASHES = {number: f"{number:064x}" for number in range(1, 10)}


def test_an_executor_whose_lease_was_taken_over_moves_no_document(database: Database) -> None:
    with database.write("ines", NOW) as transaction:
        proposal = draft(transaction, 1)
        enqueue(transaction, proposal.proposal_id, [a_document(proposal, 1)])
        slept = take_lease(transaction, "erp", "one")
    with database.write("executor", NOW + LEASE + timedelta(seconds=1)) as transaction:
        awake = take_lease(transaction, "erp", "two")
    with database.read() as connection:
        (row,) = list_outbox(connection, EVERYTHING)
    with pytest.raises(LostRaceError), database.write("executor", NOW) as transaction:
        move_document(transaction, row, DocumentState.SENT, lease=slept)
    with database.write("executor", NOW) as transaction:
        assert move_document(transaction, row, DocumentState.SENT, lease=awake).fencing == awake.fencing


@pytest.fixture
def signer(tmp_path: Path) -> HeadSigner:
    """A house's key."""
    create_key(tmp_path / "signing.key")
    return HeadSigner(tmp_path / "signing.key", lambda: NOW)


def chained(signer: HeadSigner, *sequences: int) -> list[SignedHead]:
    """Heads of these entries, each after the one before."""
    heads: list[SignedHead] = []
    for sequence in sequences:
        heads.append(signer.sign(sequence, HASHES[sequence], heads[-1].link if heads else GENESIS))
    return heads


def first_bad(signer: HeadSigner, heads: list[SignedHead], hashes: dict[int, str], anchored_to: int) -> int | None:
    """What the check of the heads names first."""
    checked = check_heads(heads, public=signer.public, hashes=hashes, entries=9, anchored_to=anchored_to)
    return checked.first_bad


def test_heads_that_follow_one_another_and_agree_with_the_log_are_sound(signer: HeadSigner) -> None:
    assert first_bad(signer, chained(signer, 2, 5, 7), HASHES, 7) is None


def test_a_link_in_the_anchor_that_no_head_covers_is_found(signer: HeadSigner) -> None:
    assert first_bad(signer, chained(signer, 2, 5, 7)[:2], HASHES, 7) == 6


def test_an_entry_whose_hash_is_not_the_signed_one_is_found(signer: HeadSigner) -> None:
    assert first_bad(signer, chained(signer, 2, 5, 7), HASHES | {5: "f" * 64}, 7) == 5


def test_a_head_taken_out_between_two_others_is_found(signer: HeadSigner) -> None:
    first, _, last = chained(signer, 2, 5, 7)
    assert first_bad(signer, [first, last], HASHES, 7) == 3
