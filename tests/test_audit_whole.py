"""The audit log of a real run, from import to receipt: whatever is done to an anchored row is found and named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, Executable, delete, select, update

from inventory.anchor import Anchor, Link
from inventory.audit import Verification, entries, insert_entries, last_link, next_entry, verify
from inventory.tables import audit
from tests.invariants import verification
from tests.worlds import World

EXPECTED = {
    "snapshot.imported", "ledger.refreshed", "case.opened", "plan.made", "proposal.drafted", "proposal.explained",
    "proposal.ruled", "proposal.queued", "approval.given", "proposal.approved", "action.enqueued", "proposal.leased",
    "proposal.sent", "action.sent", "action.executed", "action.applied", "proposal.executed", "outcome.open",
    "reservation.absorbed", "outcome.observed", "case.closed", "sweep.finished",
}  # fmt: skip


@pytest.fixture(scope="module")
def run(shelf: dict[str, World], tmp_path_factory: pytest.TempPathFactory) -> World:
    """One case that came to its receipt."""
    world = shelf["guided"].copied_to(tmp_path_factory.mktemp("run") / "world")
    world.decide(world.the_proposal(), "approve", "pia")
    world.desk.execute()
    world.clock.forward(days=2)
    (document,) = world.erp.open_documents()
    world.erp.receive(document.reference, world.clock())
    world.deliver_from_erp()
    world.desk.sweep()
    return world


@pytest.fixture
def tampered(run: World) -> Iterator[World]:
    """The run, put back as it was afterwards."""
    with run.database.read() as connection:
        rows = [dict(row._mapping) for row in connection.execute(select(audit))]
    yield run
    with run.database.write("intruder", run.clock()) as transaction:
        transaction.connection.execute(delete(audit))
        transaction.connection.execute(audit.insert(), rows)


def after(world: World, *changes: Executable) -> Verification:
    """What the verifier says of the log with these changes; they are not kept."""
    with world.database.write("intruder", world.clock()) as transaction:
        nested = transaction.connection.begin_nested()
        for change in changes:
            transaction.connection.execute(change)
        result = verify(transaction.connection, world.database.anchor)
        nested.rollback()
    return result


def length(world: World) -> int:
    """Entries in the log."""
    return verification(world).entries


def test_the_log_tells_the_whole_story_and_is_sound(run: World) -> None:
    with run.database.read() as connection:
        told = {entry.event for entry in entries(connection)}
    assert told >= EXPECTED, EXPECTED - told
    result = verification(run)
    assert (result.sound, result.not_anchored, result.anchored) == (True, 0, result.entries)


def test_a_changed_row_is_found_and_named_wherever_it_is(run: World) -> None:
    for sequence in range(1, length(run) + 1):
        result = after(run, update(audit).where(audit.c.sequence == sequence).values(actor="somebody else"))
        assert result.first_bad == sequence
        assert f"entry {sequence} was changed" in result.problem


def test_a_dropped_row_is_found_and_named_wherever_it_is(run: World) -> None:
    for sequence in range(1, length(run) + 1):
        assert after(run, delete(audit).where(audit.c.sequence == sequence)).first_bad == sequence


def swap(first: int) -> tuple[Executable, ...]:
    """Exchange the places of an entry and the next."""
    aside = 1_000_000
    return tuple(
        update(audit).where(audit.c.sequence == old).values(sequence=new)
        for old, new in ((first, aside), (first + 1, first), (aside, first + 1))
    )


def test_two_swapped_rows_are_found_and_the_first_is_named(run: World) -> None:
    for sequence in range(1, length(run)):
        assert after(run, *swap(sequence)).first_bad == sequence


def rewrite(connection: Connection, world: World, first: int) -> None:
    """Tell another story from an entry on, with every hash recomputed, as somebody who knows the code would."""
    kept = list(entries(connection))
    connection.execute(delete(audit).where(audit.c.sequence >= first))
    for entry in kept[first - 1 :]:
        told = next_entry(
            last_link(connection), at=world.clock(), actor="somebody else", os_user=entry.os_user, event=entry.event,
            subject=entry.subject, subject_id=entry.subject_id, body=entry.data,
        )  # fmt: skip
        insert_entries(connection, [told])


def test_a_log_rewritten_with_fresh_hashes_is_found_by_its_anchor(tampered: World) -> None:
    middle = length(tampered) // 2
    with tampered.database.write("intruder", tampered.clock()) as transaction:
        rewrite(transaction.connection, tampered, middle)
    result = verification(tampered)
    assert result.first_bad == middle
    assert "anchored" in result.problem


class LateAnchor(Anchor):
    """An anchor whose storage is away: it takes nothing new."""

    def append(self, links: Sequence[Link]) -> None:
        """Lose them."""


def test_verify_says_how_many_events_are_not_anchored_and_recovery_anchors_them(
    shelf: dict[str, World], tmp_path: Path
) -> None:
    world = shelf["guided"].copied_to(tmp_path / "world")
    before, kept = length(world), world.database.anchor
    world.database.anchor = LateAnchor(kept.path)
    world.decide(world.the_proposal(), "approve", "pia")
    result = verification(world)
    assert result.sound
    assert result.not_anchored == result.entries - before == 6
    world.database.anchor = kept
    with world.database.write("iris", world.clock()) as transaction:
        transaction.record("log.read", "audit", "chain")
    assert verification(world).not_anchored == 6, "what follows a gap does not close it"
    world.desk.recover()
    assert verification(world).not_anchored == 0
