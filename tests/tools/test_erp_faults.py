"""Every way an ERP can misbehave, one by one and in random succession, with native keys and without.

With them: one document per approved version, or none and the proposal failed. Without: what we send we send once; what
nobody knows is in doubt, and an alarm once that has lasted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random

import pytest

from inventory.chronicle import KILL_SWITCH, set_switch
from inventory.doubts import DOUBT_LIMIT, alarms
from inventory.errors import LostRaceError
from inventory.executors import LEASE
from inventory.outbox import list_outbox, list_receipts
from inventory.records import EVERYTHING, DocumentState, OutboxRow, ProposalState
from tests.tools.conftest import Copy
from tests.tools.networks import copy_of
from tests.worlds import World
from tools.actions import dispatch, reconcile
from tools.erp.faults import FIND_FAULTS, POST_FAULTS, Fault, FaultKind
from tools.errors import KillSwitchError, LeaseLostError, ToolError

S = ProposalState
F = FaultKind
QUICK, FULL = 20, 500


@pytest.fixture(scope="module")
def approved(guided: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """One transfer of 78 units a planner has approved."""
    world = copy_of(guided, tmp_path_factory.mktemp("approved") / "home")
    world.decide(world.the_proposal(), "approve", "pia")
    return world


def send(world: World) -> ProposalState:
    return dispatch(world.toolbox, world.the_proposal().proposal_id).state


def look_up(world: World) -> ProposalState:
    """Let the lease run out and find out."""
    world.clock.forward(minutes=5)
    reconcile(world.toolbox)
    return world.the_proposal().state


def document(world: World) -> OutboxRow:
    with world.database.read() as connection:
        (row,) = list_outbox(connection, EVERYTHING)
    return row


def postings(world: World) -> int:
    """Documents under our key in the ERP's own books."""
    return len(world.erp.orders_with(document(world).key))


def alarms_of(world: World) -> list[str]:
    with world.database.read() as connection:
        return alarms(connection, EVERYTHING, world.clock())


NOT_TOLD = {F.STORM: (S.SENT, 0), F.UNREACHABLE: (S.SENT, 0), F.REJECT: (S.FAILED, 0), F.CLOSED_PERIOD: (S.FAILED, 0)}
"""Definitely not posted: to be sent again, or refused."""
OTHERWISE = dict.fromkeys(
    (F.WRONG_QUANTITY, F.PARTIAL, F.WRONG_ITEM, F.WRONG_LOT, F.UNIT_MISMATCH, F.SILENT_SECOND, F.EDITED),
    (S.IN_DOUBT, 1),
)
"""One document, but not the one that was asked for."""
WITH_KEY = dict.fromkeys(POST_FAULTS, (S.EXECUTED, 1)) | NOT_TOLD | OTHERWISE
"""Under a native key: asking again makes it exactly one. State after sending, and documents in the ERP."""
WITHOUT_KEY = {
    **{kind: (*after, after[0]) for kind, after in (NOT_TOLD | OTHERWISE).items()},
    F.DELAY: (S.EXECUTED, 1, S.EXECUTED),
    F.REJECTED_BUT_POSTED: (S.EXECUTED, 1, S.EXECUTED),
    F.DUPLICATE: (S.IN_DOUBT, 2, S.IN_DOUBT),
    **dict.fromkeys((F.LOSE_REQUEST, F.HANG, F.DELETED), (S.IN_DOUBT, 0, S.IN_DOUBT)),
    **dict.fromkeys(
        (F.LOSE_ANSWER, F.ANSWER_LATE, F.TEXT, F.MALFORMED, F.HUGE, F.OTHER_KEY), (S.IN_DOUBT, 1, S.EXECUTED)
    ),
}
"""Without: state after sending, documents in the ERP, and state once it was looked up."""


def test_at_least_24_faults_are_known() -> None:
    assert len(POST_FAULTS | FIND_FAULTS) >= 24
    assert WITH_KEY.keys() == WITHOUT_KEY.keys() == POST_FAULTS


@pytest.mark.parametrize("kind", sorted(POST_FAULTS))
def test_under_a_native_key_every_fault_ends_in_one_posting_or_none_or_doubt(
    approved: World, a_copy: Copy, kind: FaultKind
) -> None:
    world = a_copy(approved)
    world.erp.faults.add(Fault(kind=kind, seconds=0.01))

    assert (send(world), postings(world)) == WITH_KEY[kind]
    assert world.erp.faults.waiting() == ()


@pytest.mark.parametrize("kind", sorted(POST_FAULTS))
def test_without_a_native_key_nothing_is_sent_twice(approved: World, a_copy: Copy, kind: FaultKind) -> None:
    world = a_copy(approved, native_key=False)
    world.erp.faults.add(Fault(kind=kind, seconds=0.01))
    state, count, settled = WITHOUT_KEY[kind]

    assert (send(world), postings(world)) == (state, count)
    assert [look_up(world) for _ in range(2)] == [settled, settled]
    assert (postings(world), document(world).attempts) == (count, 1)
    world.clock.forward(hours=DOUBT_LIMIT.total_seconds() / 3600)
    assert bool(alarms_of(world)) is (settled is S.IN_DOUBT), "what stays in doubt becomes an alarm"


@pytest.mark.parametrize("native_key", [True, False])
@pytest.mark.parametrize("kind", sorted(FIND_FAULTS))
def test_a_look_up_that_misleads_never_makes_a_second_document(
    approved: World, a_copy: Copy, kind: FaultKind, native_key: bool
) -> None:
    world = a_copy(approved, native_key=native_key)
    lost = 3 if native_key else 1
    world.erp.faults.add(Fault(kind=F.LOSE_ANSWER, times=lost), Fault(kind=kind))

    assert send(world) is S.IN_DOUBT
    first = look_up(world)
    assert first is (S.EXECUTED if kind is F.FIND_STALE and native_key else S.IN_DOUBT)
    assert (look_up(world), postings(world)) == (S.EXECUTED, 1)


def paused_after_sent(world: World, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """The next dispatch does something else between marking its document as sent and posting it."""

    def pause(place: str) -> None:
        if place == "dispatch.after_sent":
            monkeypatch.setattr("tools.posting.crash_point", lambda place: None)
            meanwhile()

    monkeypatch.setattr("tools.posting.crash_point", pause)


def another_worker(world: World, native_key: bool) -> World:
    """The same folder as another process has it open, on the same clock."""
    return World(world.folder, world.network, world.clock, native_key, world.rollout)


@pytest.mark.parametrize(("native_key", "state", "count"), [(True, S.EXECUTED, 1), (False, S.IN_DOUBT, 0)])
def test_a_worker_that_slept_through_its_lease_posts_and_writes_nothing_when_it_wakes(
    approved: World, a_copy: Copy, monkeypatch: pytest.MonkeyPatch, native_key: bool, state: ProposalState, count: int
) -> None:
    world = a_copy(approved, native_key=native_key)
    other = another_worker(world, native_key)
    paused_after_sent(world, monkeypatch, lambda: look_up(other))

    with pytest.raises(LeaseLostError, match="was taken over: nothing is posted"):
        send(world)
    assert (world.the_proposal().state, postings(world)) == (state, count)
    assert document(world).fencing == 2, "the second executor wrote last"
    assert look_up(world) is state
    other.database.dispose()


@pytest.mark.parametrize(("native_key", "state", "count"), [(True, S.EXECUTED, 1), (False, S.IN_DOUBT, 0)])
def test_a_worker_that_slept_posts_nothing_although_nobody_took_its_place(
    approved: World, a_copy: Copy, monkeypatch: pytest.MonkeyPatch, native_key: bool, state: ProposalState, count: int
) -> None:
    world = a_copy(approved, native_key=native_key)
    paused_after_sent(world, monkeypatch, lambda: world.clock.forward(seconds=LEASE.total_seconds() - 4))

    with pytest.raises(LeaseLostError, match="ends at"):
        send(world)
    assert (document(world).state, postings(world)) == (DocumentState.SENT, 0)
    assert (look_up(world), postings(world)) == (state, count)


def test_an_answer_that_comes_after_the_lease_is_written_by_whoever_holds_it_now(
    approved: World, a_copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = a_copy(approved, native_key=False)
    other = another_worker(world, False)
    post = world.erp.post

    def slow(asked: object) -> object:
        posting = post(asked)  # type: ignore[arg-type]  # handed through as it came
        assert look_up(other) is S.EXECUTED
        return posting

    monkeypatch.setattr(world.erp, "post", slow)
    with pytest.raises(LostRaceError):
        send(world)
    with world.database.read() as connection:
        (receipt,) = list_receipts(connection, EVERYTHING)
    assert (receipt.found_by, postings(world)) == ("reconciliation", 1)
    other.database.dispose()


def test_a_second_worker_by_mistake_does_nothing_while_the_first_is_at_work(
    approved: World, a_copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = a_copy(approved)
    other = another_worker(world, True)

    def intrude() -> None:
        assert reconcile(other.toolbox) == []
        with pytest.raises(LostRaceError, match="has an executor already"):
            send(other)

    paused_after_sent(world, monkeypatch, intrude)
    assert (send(world), postings(world), document(world).attempts) == (S.EXECUTED, 1, 1)
    other.database.dispose()


def test_the_kill_switch_stops_a_document_already_marked_as_sent(
    approved: World, a_copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = a_copy(approved, native_key=False)

    def halt() -> None:
        with world.database.write("root", world.clock()) as transaction:
            set_switch(transaction, KILL_SWITCH, True)

    paused_after_sent(world, monkeypatch, halt)
    with pytest.raises(KillSwitchError):
        send(world)
    assert (document(world).state, postings(world)) == (DocumentState.READY, 0)


def test_a_document_tried_in_vain_becomes_a_dead_letter(approved: World, a_copy: Copy) -> None:
    world = a_copy(approved, native_key=False)
    world.erp.faults.add(Fault(kind=F.STORM, times=50))
    for _ in range(15):
        assert send(world) is S.SENT
    assert (document(world).attempts, postings(world)) == (10, 0)
    (alarm,) = alarms_of(world)
    assert "tried 10 times" in alarm


def misbehave(world: World, chance: Random) -> set[FaultKind]:
    """A random succession of faults, sends, look-ups and pauses; the faults that were met."""
    kinds = sorted(POST_FAULTS | FIND_FAULTS - {F.FIND_STALE})  # denial and a stale copy together hide for good
    script = [Fault(kind=chance.choice(kinds), seconds=chance.choice((0.0, 90.0))) for _ in range(chance.randint(1, 5))]
    world.erp.faults.add(*script)
    for _ in range(chance.randint(1, 5)):
        step = chance.choice((partial(send, world), partial(reconcile, world.toolbox), partial(look_up, world)))
        with suppress(LostRaceError, ToolError):
            step()
    left = world.erp.faults.waiting()
    for fault in left:
        world.erp.faults.take(fault.key, frozenset({fault.kind}))
    return set(Counter(fault.kind for fault in script) - Counter(fault.kind for fault in left))


def assert_one_or_none_or_in_doubt(world: World, met: set[FaultKind]) -> None:
    """What must hold once the ERP behaves again."""
    for _ in range(2):
        world.clock.forward(minutes=5)
        reconcile(world.toolbox)
        with suppress(LostRaceError):
            send(world)
    world.clock.forward(hours=5)
    state, count = world.the_proposal().state, postings(world)
    if world.native_key:
        assert count == 1 or (state, count) == (S.FAILED, 0), (state, count, met)
    else:
        assert count <= (2 if F.DUPLICATE in met else 1), (state, count, met)
    assert state in (S.EXECUTED, S.FAILED, S.IN_DOUBT), met
    assert (state is S.EXECUTED) <= (count == 1), met
    assert (state is S.FAILED) <= (count == 0), met
    assert bool(alarms_of(world)) is (state is S.IN_DOUBT), met


def random_sequences(approved: World, folder: Path, native_key: bool, seeds: range) -> None:
    for seed in seeds:
        world = copy_of(approved, folder / f"run{seed}", native_key=native_key)
        world.erp._sleep = lambda seconds: None
        assert_one_or_none_or_in_doubt(world, misbehave(world, Random(seed)))
        world.database.dispose()


@pytest.mark.parametrize("native_key", [True, False])
def test_random_faults_end_in_one_posting_or_none_or_doubt(approved: World, tmp_path: Path, native_key: bool) -> None:
    random_sequences(approved, tmp_path, native_key, range(QUICK))


@pytest.mark.acceptance
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("native_key", [True, False])
def test_500_random_faults_end_in_one_posting_or_none_or_doubt(
    approved: World, tmp_path: Path, native_key: bool
) -> None:
    random_sequences(approved, tmp_path, native_key, range(FULL))
