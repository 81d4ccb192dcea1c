"""Kill -9 between planning and receipt: nothing is lost, nothing is doubled, and the case goes on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from inventory.cases import list_cases
from inventory.outbox import list_receipts
from inventory.proposals import list_approvals
from inventory.records import EVERYTHING, ActionKind, CaseKind, CaseState, Proposal, ProposalState
from tests.crashes import KILLED, Job, house, kill, templates
from tests.invariants import assert_house_in_order, erp_keys, verification
from tests.worlds import START, World

S = ProposalState
AFTER_THE_KILL: dict[str, dict[str, tuple[ProposalState | None, int]]] = {
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
        "dispatch.after_lease": (S.SENT, 0),
        "dispatch.after_sent": (S.SENT, 0),
        "erp.before_post": (S.SENT, 0),
        "erp.after_post": (S.SENT, 1),
        "dispatch.before_receipt": (S.SENT, 1),
        "dispatch.after_receipt": (S.SENT, 1),
    },
}
"""By step and point: the state the proposal is found in, and the documents the ERP holds."""
PAST_THE_LEASE = timedelta(seconds=31)


def wrecks(root: Path, jobs: list[Job], *, native_key: bool = True) -> list[Path]:
    """A folder for each job, left by a process that was killed there."""
    folders = templates(root / "templates", native_key=native_key)
    ready = []
    for number, job in enumerate(jobs):
        place = root / f"wreck-{number}"
        shutil.copytree(folders[job.step], place)
        ready.append(replace(job, folder=str(place), native_key=native_key))
    codes = kill(ready, root)
    assert codes == [KILLED] * len(jobs), [(job.point, code) for job, code in zip(jobs, codes, strict=True) if code + 9]
    return [Path(job.folder) for job in ready]


def reopen(folder: Path, *, native_key: bool = True) -> World:
    """The house as the next process finds it, when any lease has run out."""
    world = house(folder, native_key=native_key)
    world.clock.at = START + PAST_THE_LEASE
    return world


def the_transfer(world: World) -> Proposal | None:
    """The one move this house is about."""
    moves = [p for p in world.proposals() if p.content.action is ActionKind.TRANSFER]
    assert len(moves) <= 1, "the move was proposed twice"
    return moves[0] if moves else None


def carry_on(world: World) -> None:
    """What anybody would do next: sweep, decide what waits, execute."""
    world.desk.sweep()
    for proposal in world.proposals(S.PENDING):
        world.decide(proposal, "approve", "pia")
    world.desk.execute()


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


@pytest.mark.parametrize("step", AFTER_THE_KILL)
def test_after_a_kill_nothing_is_lost_nothing_is_doubled_and_the_case_goes_on(tmp_path: Path, step: str) -> None:
    points = AFTER_THE_KILL[step]
    folders = wrecks(tmp_path, [Job("", step, point) for point in points])
    for folder, (point, (state, documents)) in zip(folders, points.items(), strict=True):
        world = reopen(folder)
        assert_as_left(world, point, state, documents)
        carry_on(world)
        assert_done_once(world, point)
        if step == "execute":
            let_the_goods_arrive(world)
            assert_received(world, point)


def test_a_checkpoint_file_deleted_between_draft_and_decision_loses_nothing(tmp_path: Path) -> None:
    folders = templates(tmp_path)
    for step in ("decide", "execute"):
        world = house(folders[step])
        for scratch in world.folder.glob("checkpoints.sqlite3*"):
            scratch.unlink()
        carry_on(world)
        assert_done_once(world, step)
    let_the_goods_arrive(world)
    assert_received(world, "checkpoint deleted")
