"""Kill -9 between planning and receipt: nothing is lost, nothing is doubled, and the case goes on."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from agent.checkpoints import open_checkpoints
from inventory.cases import list_cases
from inventory.ledger import list_reservations
from inventory.outbox import list_outbox, list_receipts
from inventory.proposals import list_approvals
from inventory.records import (
    EVERYTHING,
    ActionKind,
    CaseKind,
    CaseState,
    DocumentState,
    Proposal,
    ProposalState,
)
from tests.crashes import KILLED, Job, house, kill, templates
from tests.invariants import assert_house_in_order, erp_keys, verification
from tests.load import busy_house, busy_network, past_every_lease, told
from tests.worlds import World, copy_home

S = ProposalState
AFTER_THE_KILL: dict[str, dict[str, tuple[ProposalState | None, int]]] = {
    "import": {
        "snapshot.parts_written": (S.PENDING, 0),
        "import.before_commit": (S.PENDING, 0),
        "import.after_commit": (S.PENDING, 0),
    },
    "sweep": {
        "plan.solved": (None, 0),
        "plan.before_commit": (None, 0),
        "plan.after_commit": (S.DRAFT, 0),
        "draft.after_explanation": (S.DRAFT, 0),
        "gate.before_commit": (S.DRAFT, 0),
        "gate.after_commit": (S.PENDING, 0),
    },
    "decide": {"decide.before_commit": (S.PENDING, 0), "decide.after_commit": (S.APPROVED, 0)},
    "execute": {
        "executor.taken": (S.APPROVED, 0),
        "dispatch.leased": (S.LEASED, 0),
        "dispatch.after_lease": (S.SENT, 0),
        "dispatch.after_sent": (S.SENT, 0),
        "erp.before_post": (S.SENT, 0),
        "erp.after_post": (S.SENT, 1),
        "dispatch.before_receipt": (S.SENT, 1),
        "dispatch.receipt_before_commit": (S.SENT, 1),
        "dispatch.after_receipt": (S.SENT, 1),
        "dispatch.settled": (S.EXECUTED, 1),
    },
    "find out": {
        "reconcile.found": (S.IN_DOUBT, 1),
        "dispatch.receipt_before_commit": (S.IN_DOUBT, 1),
        "reconcile.before_settle": (S.IN_DOUBT, 1),
    },
}
"""By step and point: the state the proposal is found in, and the documents the ERP holds."""
EDITED: dict[str, tuple[ProposalState, ...]] = {
    "decide.before_commit": (S.PENDING,),
    "decide.after_commit": (S.SUPERSEDED, S.DRAFT),
    "gate.before_commit": (S.SUPERSEDED, S.DRAFT),
    "gate.after_commit": (S.SUPERSEDED, S.PENDING),
}
"""By point: the states of a proposal's versions after an edit was killed there."""
EXPIRED: dict[str, ProposalState] = {"expire.before_commit": S.PENDING, "expire.after_commit": S.EXPIRED}
RECOVERY_SECONDS = 60


@pytest.fixture(scope="module")
def before(engine: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By step: the house of the kills, standing right before it."""
    return templates(tmp_path_factory.mktemp(f"templates-{engine}"))


def wrecks(folders: dict[str, Path], root: Path, jobs: Sequence[Job], *, native_key: bool = True) -> list[Path]:
    """A folder for each job, left by a process that was killed there."""
    ready = []
    for number, job in enumerate(jobs):
        place = root / f"wreck-{number}"
        copy_home(folders[job.step], place)
        ready.append(replace(job, folder=str(place), native_key=native_key))
    codes = kill(ready, root)
    assert codes == [KILLED] * len(jobs), [(job.point, code) for job, code in zip(jobs, codes, strict=True) if code + 9]
    return [Path(job.folder) for job in ready]


def reopen(folder: Path, *, native_key: bool = True) -> World:
    """The house as the next process finds it, when any lease has run out."""
    world = house(folder, native_key=native_key)
    world.clock.at = past_every_lease(world)
    return world


def the_transfer(world: World) -> Proposal | None:
    """The one move this house is about."""
    moves = [p for p in world.proposals() if p.content.action is ActionKind.TRANSFER]
    assert len(moves) <= 1, "the move was proposed twice"
    return moves[0] if moves else None


def carry_on(world: World, by: str = "pia") -> None:
    """What anybody would do next: sweep, decide what waits, execute; it takes no minute."""
    began = time.monotonic()
    world.desk.sweep()
    for proposal in world.proposals(S.PENDING):
        world.decide(proposal, "approve", by)
    world.desk.execute()
    assert time.monotonic() - began <= RECOVERY_SECONDS


def let_the_goods_arrive(world: World) -> None:
    """Two days later the ERP books the receipt, and its feeds say so."""
    world.clock.forward(days=2)
    (document,) = world.erp.open_documents()
    world.erp.receive(document.reference, world.clock())
    world.deliver_from_erp()
    world.desk.sweep()


def assert_as_left(world: World, point: str, state: ProposalState | None, documents: int) -> None:
    """What was committed before the kill is there, and nothing else."""
    found = the_transfer(world)
    assert (found.state if found else None) is state, point
    assert len(erp_keys(world)) == documents, point
    if found is not None:
        with world.database.read() as connection:
            signed = list_approvals(connection, EVERYTHING, found.proposal_id)
        assert len(signed) == (0 if state in (S.DRAFT, S.PENDING) else 1), point


def assert_done_once(world: World, point: str) -> None:
    """One document, one receipt, one signature, a ledger that adds up, a log that is whole and anchored."""
    done = the_transfer(world)
    assert done is not None, point
    assert done.state is S.EXECUTED, point
    with world.database.read() as connection:
        receipts = list_receipts(connection, EVERYTHING, proposal_id=done.proposal_id)
        signed = list_approvals(connection, EVERYTHING, done.proposal_id)
    assert [receipt.key for receipt in receipts] == erp_keys(world), point
    assert (len(receipts), len(signed)) == (1, 1), point
    assert_house_in_order(world)
    assert verification(world).not_anchored == 0, point


def assert_received(world: World, point: str) -> None:
    """The case that was found has come to its end, because the goods are there."""
    with world.database.read() as connection:
        (case,) = [
            row
            for row in list_cases(connection, EVERYTHING, states=tuple(CaseState))
            if row.case.kind is CaseKind.PROJECTED_STOCKOUT
        ]
    assert (case.state, case.reason) == (CaseState.CLOSED, "received"), point
    assert_house_in_order(world)


def kills(times: int = 1, steps: Collection[str] = ()) -> list[Job]:
    """So many kills at each point of these steps; of all when none is named."""
    points: dict[str, Collection[str]] = {**AFTER_THE_KILL, "edit": EDITED, "expire": EXPIRED}
    return [Job("", step, point) for step in steps or points for point in points[step] for _ in range(times)]


def assert_killed_in_vain(job: Job, folder: Path) -> None:
    """Nothing is lost, nothing is doubled, and the case goes on."""
    if job.step == "edit":
        assert_edited(folder, job.point, EDITED[job.point])
    elif job.step == "expire":
        assert_expired(folder, job.point, EXPIRED[job.point])
    else:
        state, documents = AFTER_THE_KILL[job.step][job.point]
        assert_nothing_came_of_the_kill(folder, job.point, state, documents, to_receipt=job.step == "execute")


def test_after_a_kill_nothing_is_lost_nothing_is_doubled_and_the_case_goes_on(
    before: dict[str, Path], tmp_path: Path
) -> None:
    jobs = kills()
    assert len({job.point for job in jobs}) >= 24
    for job, folder in zip(jobs, wrecks(before, tmp_path, jobs), strict=True):
        assert_killed_in_vain(job, folder)


def assert_nothing_came_of_the_kill(
    folder: Path, point: str, state: ProposalState | None, documents: int, *, to_receipt: bool
) -> None:
    """What was left is what had been committed, and going on from there ends as if nothing had been."""
    world = reopen(folder)
    assert_as_left(world, point, state, documents)
    carry_on(world)
    assert_done_once(world, point)
    if to_receipt:
        let_the_goods_arrive(world)
        assert_received(world, point)
    world.database.dispose()


def assert_edited(folder: Path, point: str, states: tuple[ProposalState, ...]) -> None:
    """One version lives; another person approves it, and it is posted once."""
    world = reopen(folder)
    assert tuple(version.state for version in by_version(world)) == states, point
    carry_on(world, by="ada")
    assert [version.state for version in by_version(world)][-1] is S.EXECUTED, point
    assert len(erp_keys(world)) == 1, point
    assert_house_in_order(world)
    world.database.dispose()


def by_version(world: World) -> list[Proposal]:
    """The versions of the one proposal, oldest first."""
    return sorted(world.proposals(), key=lambda proposal: proposal.content.version)


def assert_expired(folder: Path, point: str, state: ProposalState) -> None:
    """It is as it was left, and expired once anybody looks; its units are free."""
    world = reopen(folder)
    world.clock.forward(days=4)
    known = world.the_proposal()
    assert known.state is state, point
    world.desk.recover()
    assert world.the_proposal().state is S.EXPIRED, point
    with world.database.read() as connection:
        held = list_reservations(connection, EVERYTHING, proposal_id=known.proposal_id)
    assert {reservation.state for reservation in held} == {"released"}, point
    assert_house_in_order(world)
    world.database.dispose()


def test_a_house_killed_at_work_forgets_nothing_it_told_and_doubles_nothing(tmp_path: Path) -> None:
    assert_survives(tmp_path, kills=3, seed=1)


def assert_survives(root: Path, *, kills: int, seed: int, at_once: int = 6) -> None:
    """Houses at work are killed at random moments, put right, and killed again."""
    chance = Random(seed)
    ready = World(root / "ready", busy_network()).furnish()
    folders = [copied(ready, root / f"house-{number}") for number in range(min(at_once, kills))]
    ready.database.dispose()
    for _ in range(-(-kills // len(folders))):
        jobs = [Job(str(folder), "load", "", milliseconds=chance.randint(1, 1500)) for folder in folders]
        assert kill(jobs, root) == [KILLED] * len(jobs)
        for folder in folders:
            assert_put_right(folder)
    assert any(told(folder) for folder in folders), "nobody was told anything: the kills came too soon"


def copied(world: World, folder: Path) -> Path:
    """A copy of a house; its folder."""
    world.database.dispose()
    return copy_home(world.folder, folder)


def assert_put_right(folder: Path) -> None:
    """Half a minute later nothing is half-way, and everything somebody was told is so."""
    world = busy_house(folder)
    world.clock.at = past_every_lease(world)
    began = time.monotonic()
    world.desk.sweep()
    world.desk.execute()
    assert time.monotonic() - began <= RECOVERY_SECONDS
    world.clock.at = past_every_lease(world)
    world.desk.execute()
    states = {proposal.proposal_id: proposal.state for proposal in world.proposals()}
    half_way = {name for name, state in states.items() if state in (S.LEASED, S.DRAFT)}
    assert not half_way, half_way
    with world.database.read() as connection:
        for proposal_id, digest, state in told(folder):
            signed = [
                approval
                for approval in list_approvals(connection, EVERYTHING, proposal_id)
                if approval.proposal_digest == digest and approval.decision in ("approve", "reject")
            ]
            assert signed, f"{proposal_id} was {state}, and nobody knows"
            documents = list_outbox(connection, EVERYTHING, proposal_id=proposal_id)
            assert bool(documents) == (state == S.APPROVED.value), proposal_id
        for row in list_outbox(connection, EVERYTHING):
            waits = states[row.proposal_id] in (S.APPROVED, S.SENT)
            assert row.state is not DocumentState.SENT, row
            assert row.state is not DocumentState.READY or waits, row
    assert_house_in_order(world)
    assert verification(world).not_anchored == 0
    world.database.dispose()


def test_a_checkpoint_file_deleted_between_draft_and_decision_loses_nothing(
    before: dict[str, Path], tmp_path: Path
) -> None:
    for step in ("decide", "execute"):
        world = house(before[step]).copied_to(tmp_path / step)
        with open_checkpoints(world.database, world.folder / "checkpoints.sqlite3") as checkpoints:
            checkpoints.prune(set())
        for scratch in world.folder.glob("checkpoints.sqlite3*"):
            scratch.unlink()
        carry_on(world)
        assert_done_once(world, step)
    let_the_goods_arrive(world)
    assert_received(world, "checkpoint deleted")
