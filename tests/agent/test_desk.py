"""The desk: executes what is due, puts right what was left half-way, and answers for what it did."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from inventory.anchor import Anchor
from inventory.audit import entries
from inventory.chronicle import KILL_SWITCH, set_switch
from inventory.errors import NotFoundError
from inventory.outbox import list_outbox
from inventory.records import EVERYTHING, ProposalState, Scope
from tests.agent.conftest import Copy
from tests.invariants import assert_house_in_order
from tests.tools.networks import copy_of
from tests.worlds import World, two_stores_one_donor
from tools.erp.faults import Fault, FaultKind
from tools.erp.simulated import StockRow
from tools.errors import KillSwitchError

S = ProposalState


@pytest.fixture(scope="module")
def two_approved(engine: str, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two stores' transfers from one donor, both approved."""
    world = World(tmp_path_factory.mktemp("two") / "home", two_stores_one_donor(), rollout="guided").furnish()
    world.desk.sweep()
    for proposal in world.proposals(S.PENDING):
        world.decide(proposal, "approve", "pia")
    return world


def postings(world: World) -> int:
    with world.database.read() as connection:
        keys = [row.key for row in list_outbox(connection, EVERYTHING)]
    return sum(len(world.erp.orders_with(key)) for key in keys)


def test_everything_due_is_executed_with_progress(two_approved: World, a_copy: Copy) -> None:
    world = a_copy(two_approved)
    told: list[tuple[str, int, int]] = []
    done = world.desk.execute(lambda *step: told.append(step))

    assert [execution.state for execution in done] == [S.EXECUTED, S.EXECUTED]
    assert told == [("execute", 1, 2), ("execute", 2, 2)]
    assert postings(world) == 2
    assert world.desk.execute() == ()


def test_one_void_proposal_does_not_stop_the_other(two_approved: World, a_copy: Copy) -> None:
    """The donor has 40 left by the ERP's book: enough for one of the two."""
    world = a_copy(two_approved)
    world.erp.load_stock([StockRow(item="PUMP", site="DC", on_hand=40)])
    done = world.desk.execute()

    assert sorted(execution.state for execution in done) == [S.EXECUTED, S.VOID]
    assert postings(world) == 1
    assert_house_in_order(world)
    assert world.erp.on_hand("PUMP", "DC") >= 0


def test_the_kill_switch_stops_all_of_it(two_approved: World, a_copy: Copy) -> None:
    world = a_copy(two_approved)
    with world.database.write("root", world.clock()) as transaction:
        set_switch(transaction, KILL_SWITCH, True)
    with pytest.raises(KillSwitchError):
        world.desk.execute()

    assert {proposal.state for proposal in world.proposals()} == {S.APPROVED}
    assert postings(world) == 0


def test_a_lost_answer_is_found_out_at_the_next_execution(two_approved: World, a_copy: Copy) -> None:
    world = a_copy(two_approved, native_key=False)
    world.erp.faults.add(Fault(kind=FaultKind.LOSE_ANSWER))
    assert sorted(execution.state for execution in world.desk.execute()) == [S.EXECUTED, S.IN_DOUBT]

    world.clock.forward(minutes=5)
    assert [execution.state for execution in world.desk.execute()] == [S.EXECUTED]
    assert postings(world) == 2


def test_recovering_twice_changes_nothing_more(two_approved: World, a_copy: Copy) -> None:
    world = a_copy(two_approved, native_key=False)
    world.erp.faults.add(Fault(kind=FaultKind.LOSE_REQUEST))
    world.desk.execute()
    world.clock.forward(minutes=5)
    world.desk.recover()
    with world.database.read() as connection:
        before = sum(1 for _ in entries(connection))
    world.desk.recover()
    with world.database.read() as connection:
        after = sum(1 for _ in entries(connection))

    assert (before, postings(world)) == (after, 1)


def test_entries_committed_but_not_anchored_are_anchored(two_approved: World, a_copy: Copy) -> None:
    world = a_copy(two_approved)
    path = world.folder / "anchor.log"
    whole = Anchor(path).read()
    path.write_text("\n".join(path.read_text().splitlines()[:-3]) + "\n")
    assert len(Anchor(path).read()) == len(whole) - 3
    again = copy_of(world, world.folder.with_name("again"))

    assert again.desk.recover().anchored == 3
    assert again.desk.recover().anchored == 0
    assert Anchor(again.folder / "anchor.log").read() == whole


def test_replay_takes_a_plan_a_proposal_or_a_case(two_approved: World) -> None:
    proposal = two_approved.proposals()[0]
    for identifier in (proposal.content.plan_run_id, proposal.proposal_id, proposal.content.case_id):
        (replay,) = two_approved.desk.replay(identifier)
        assert replay.same, replay.differences
        assert proposal.proposal_id in replay.proposal_ids


def test_replay_of_a_case_covers_every_version_also_the_edited_one(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    (old,) = world.proposals()
    edited = world.decide(old, "edit", "pia", quantities={1: 40})
    replays = world.desk.replay(edited.content.case_id)

    assert [replay.proposal_ids for replay in replays] == [(old.proposal_id,), (edited.proposal_id,)]
    assert all(replay.same for replay in replays)


def test_replay_shows_nothing_out_of_scope(two_approved: World) -> None:
    proposal = two_approved.proposals()[0]
    west = Scope(user="wes", sites=frozenset({"WEST"}))
    for identifier in (proposal.proposal_id, proposal.content.case_id, proposal.content.plan_run_id):
        with pytest.raises(NotFoundError):
            two_approved.desk.replay(identifier, west)


def test_what_expired_frees_its_units_and_is_planned_anew(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    (old,) = world.proposals()
    world.clock.at = old.expires_at + timedelta(minutes=1)
    world.deliver()
    world.desk.sweep()
    (new,) = world.proposals(S.PENDING)
    (gone,) = world.proposals(S.EXPIRED)

    assert (gone.proposal_id, gone.reason) == (old.proposal_id, "nobody decided in time")
    assert (new.content.case_id, new.content.version) == (old.content.case_id, 2)


def test_equal_worlds_tell_equal_stories(two_approved: World, tmp_path: Path) -> None:
    """Two houses of the same facts, clock and people end with the same digests, keys and audit events."""
    other = World(tmp_path / "other", two_stores_one_donor(), rollout="guided").furnish()
    other.desk.sweep()
    for proposal in other.proposals(S.PENDING):
        other.decide(proposal, "approve", "pia")
    stories = []
    for world in (copy_of(two_approved, tmp_path / "copy"), other):
        world.desk.execute()
        with world.database.read() as connection:
            keys = [row.key for row in list_outbox(connection, EVERYTHING)]
            events = [(entry.event, entry.subject_id) for entry in entries(connection)]
        stories.append(([proposal.digest for proposal in world.proposals()], keys, events))

    assert stories[0] == stories[1]
