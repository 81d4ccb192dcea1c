"""A house put back from a backup: what was posted since is found, and nothing is posted twice, with or without keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from inventory.chronicle import KILL_SWITCH, switch_is_on
from inventory.executors import LEASE
from inventory.outbox import list_outbox
from inventory.records import EVERYTHING, DocumentState, ProposalState
from inventory.restoring import FENCING_GAP
from tests.restored import backed_up, ours, restored, switch_on_again
from tests.worlds import World
from tools.erp.faults import Fault, FaultKind
from tools.errors import KillSwitchError
from tools.posting import ATTEMPTS

S = ProposalState


def nothing(world: World) -> None:
    """The backup is taken while the proposal waits for a person."""


def approve(world: World) -> None:
    """A person approves the proposal that waits, if one does."""
    for proposal in world.proposals(S.PENDING):
        world.decide(proposal, "approve", "pia")


def lose_every_answer(world: World, kind: FaultKind) -> None:
    """Execute, and fail as often as the document is posted in one go."""
    world.erp.faults.add(Fault(kind=kind, times=ATTEMPTS if world.native_key else 1))
    world.clock.forward(hours=5)
    world.desk.execute()


def approve_and_lose_the_answer(world: World) -> None:
    """The document is posted, and nobody knows."""
    approve(world)
    lose_every_answer(world, FaultKind.LOSE_ANSWER)


BEFORE: dict[str, Callable[[World], None]] = {
    "pending": nothing, "approved": approve, "in doubt": approve_and_lose_the_answer,
}  # fmt: skip


@pytest.fixture(params=[True, False], ids=["native keys", "no keys"])
def world(request: pytest.FixtureRequest, guided: World, tmp_path: Path) -> World:
    """One transfer waits for a person, before an ERP with native keys or without."""
    return with_keys(guided, tmp_path, native=request.param)


def with_keys(guided: World, tmp_path: Path, *, native: bool) -> World:
    """The same world before an ERP that enforces our keys, or does not."""
    guided.native_key = native
    return guided.copied_to(tmp_path / "world")


def finish(world: World) -> None:
    """Approve what waits and execute until nothing changes any more."""
    approve(world)
    for _ in range(3):
        world.clock.forward(hours=1)
        world.desk.execute()


@pytest.mark.parametrize(
    ("moment", "native"),
    [
        ("pending", True),
        ("pending", False),
        ("approved", False),
        ("in doubt", False),
        pytest.param("approved", True, marks=pytest.mark.acceptance),
        pytest.param("in doubt", True, marks=pytest.mark.acceptance),
    ],
)
def test_what_was_executed_after_the_backup_is_not_posted_again(
    guided: World, tmp_path: Path, moment: str, native: bool
) -> None:
    world = with_keys(guided, tmp_path, native=native)
    BEFORE[moment](world)
    backup = backed_up(world, tmp_path / "backup")
    world.clock.forward(hours=1)
    finish(world)
    (posted,) = ours(world)
    again, _ = restored(world, backup, tmp_path / "again")
    again.clock.forward(minutes=10)
    switch_on_again(again)
    finish(again)
    assert ours(again) == [posted]
    assert [proposal.state for proposal in again.proposals(S.EXECUTED, S.PENDING)] == [S.EXECUTED]
    with again.database.read() as connection:
        (row,) = list_outbox(connection, EVERYTHING)
    assert (row.key, row.state) == (posted.key, DocumentState.EXECUTED)


def test_what_was_never_posted_is_posted_once(world: World, tmp_path: Path) -> None:
    approve(world)
    again, _ = restored(world, backed_up(world, tmp_path / "backup"), tmp_path / "again")
    again.clock.forward(hours=1)
    switch_on_again(again)
    finish(again)
    assert len(ours(again)) == 1
    assert [proposal.state for proposal in again.proposals()] == [S.EXECUTED]


def test_what_was_under_way_starts_in_doubt(world: World, tmp_path: Path) -> None:
    approve_and_lose_the_answer(world)
    doubted = world.the_proposal()
    assert doubted.state in (S.SENT, S.IN_DOUBT)
    again, record = restored(world, backed_up(world, tmp_path / "backup"), tmp_path / "again")
    assert again.the_proposal().state is S.IN_DOUBT
    with again.database.read() as connection:
        (row,) = list_outbox(connection, EVERYTHING)
        assert switch_is_on(connection, KILL_SWITCH)
    assert row.state is DocumentState.IN_DOUBT
    assert set(record.doubted) <= {row.key}


def test_a_lost_document_waits_for_a_person_where_nobody_enforces_keys(world: World, tmp_path: Path) -> None:
    """Killed between `sent` and the post: with native keys it is sent under its key, without it is never sent again."""
    approve(world)
    lose_every_answer(world, FaultKind.LOSE_REQUEST)
    assert ours(world) == []
    again, _ = restored(world, backed_up(world, tmp_path / "backup"), tmp_path / "again")
    again.clock.forward(hours=1)
    switch_on_again(again)
    finish(again)
    if world.native_key:
        assert len(ours(again)) == 1
        assert again.the_proposal().state is S.EXECUTED
    else:
        assert ours(again) == []
        assert again.the_proposal().state is S.IN_DOUBT


def test_nothing_is_sent_before_a_person_says_so_and_the_erp_had_its_time(guided: World, tmp_path: Path) -> None:
    approve(guided)
    guided.clock.forward(hours=5)
    again, _ = restored(guided, backed_up(guided, tmp_path / "backup"), tmp_path / "again")
    (left,) = again.desk.execute()
    assert left.state is S.APPROVED
    assert "put back from a backup" in left.note
    again.clock.at += again.erp.capabilities.answer_limit
    again.clock.forward(seconds=1)
    with pytest.raises(KillSwitchError):
        again.desk.execute()
    assert ours(again) == []
    switch_on_again(again)
    (done,) = again.desk.execute()
    assert done.state is S.EXECUTED


def test_an_executor_from_before_holds_no_number_any_more(guided: World, tmp_path: Path) -> None:
    """It may have slept through everything and wake before the restored database."""
    from inventory.executors import ExecutorLease, holds, take_lease

    with guided.database.write("evenkeel", guided.clock()) as transaction:
        take_lease(transaction, "simulated", "before")
    backup = backed_up(guided, tmp_path / "backup")
    again, _ = restored(guided, backup, tmp_path / "again")
    now = again.clock()
    old = [ExecutorLease("simulated", "before", number, now + LEASE) for number in range(1, 50)]
    with again.database.write("evenkeel", now) as transaction:
        taken = take_lease(transaction, "simulated", "after")
        assert taken.fencing > FENCING_GAP
        assert not any(holds(transaction.connection, lease) for lease in old)


def test_the_lost_range_is_named_and_on_record(guided: World, tmp_path: Path) -> None:
    backup = backed_up(guided, tmp_path / "backup")
    before = max(guided.database.anchor.read())
    approve(guided)
    after = max(guided.database.anchor.read())
    _, record = restored(guided, backup, tmp_path / "again")
    assert record.lost == f"entries {before + 1:,}..{after:,} were anchored but are not in this backup"
