"""Who must act, who stands in, and the one escalation of what nobody answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from agent.rights_tasks import escalate_overdue, escalations_due, task_desk
from inventory.audit import entries
from inventory.cases import find_case
from inventory.delegations import grant
from inventory.escalations import insert_escalation, list_escalations
from inventory.people import save_user, scope_of
from inventory.records import EVERYTHING, ActionKind, PolicyVersion, Proposal, ProposalState, Scope, Tier
from inventory.rulebook import insert_policy
from tests.agent.conftest import Copy
from tests.agent.rights_worlds import rights_with
from tests.worlds import ItemSite, Lane, Network, World

TICK = timedelta(microseconds=1)


def owner(world: World, proposal: Proposal) -> str:
    """Who must act, in words."""
    with world.database.read() as connection:
        case = find_case(connection, EVERYTHING, proposal.content.case_id).case
        desk = task_desk(connection, world.clock())
        return desk.words(desk.task_of_proposal(case, proposal))


def escalated(world: World) -> list[tuple[str, str]]:
    return [(one.from_role, one.to_role) for one in escalate_overdue(world.toolbox)]


def test_the_planner_of_the_case_owns_what_waits_for_a_planner(guided: World, formal: World) -> None:
    assert owner(guided, guided.the_proposal(ProposalState.PENDING)) == "planner: pia"
    waiting = formal.the_proposal(ProposalState.PENDING)
    assert waiting.tier is Tier.FORMAL
    assert owner(formal, waiting) == "approver: ada"


def test_a_case_without_a_proposal_has_an_owner_too(guided: World) -> None:
    with guided.database.read() as connection:
        case = find_case(connection, EVERYTHING, guided.the_proposal().content.case_id).case
        assert task_desk(connection, guided.clock()).task_of_case(case).words == "planner: pia"


def test_the_owner_follows_the_people(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    proposal = world.the_proposal(ProposalState.PENDING)
    with world.database.write("pia", world.clock()) as transaction:
        grant(transaction, "pia", "carl", ends=world.clock() + timedelta(hours=2))
    assert owner(world, proposal) == "planner: pia (carl acts for pia)"
    steps = ("pia", "planner: otto"), ("otto", "approver for planner: ada"), ("ada", "central for planner: carl")
    for locked, left in steps:
        with world.database.write("root", world.clock()) as transaction:
            save_user(transaction, world.user(locked).model_copy(update={"active": False}))
        assert owner(world, proposal) == left
    world.clock.forward(hours=2)
    assert owner(world, proposal) == "central for planner: carl"


def test_what_nobody_answers_becomes_another_roles_task_exactly_once(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    proposal = world.the_proposal(ProposalState.PENDING)
    world.clock.at += timedelta(hours=8) - TICK
    assert escalated(world) == []
    world.clock.at += TICK
    with world.database.read() as connection:
        (due,) = escalations_due(connection, world.clock())
    assert (due.proposal, due.waited) == (proposal, timedelta(hours=8))
    assert escalated(world) == [("planner", "approver")]
    assert owner(world, proposal) == "approver: ada"
    world.clock.forward(hours=10)
    assert escalated(world) == []
    assert world.the_proposal(ProposalState.PENDING) == proposal, "tier, state and version are what they were"
    with world.database.read() as connection:
        told = [entry for entry in entries(connection, subject_id=proposal.proposal_id)]
    assert [(entry.event, entry.data) for entry in told if entry.event == "proposal.escalated"] == [
        ("proposal.escalated", {"from": "planner", "to": "approver"})
    ]
    assert world.decide(proposal, "approve", "pia").state is ProposalState.APPROVED, "the planner still may sign"


def test_the_schema_refuses_a_second_escalation(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    known = world.the_proposal().proposal_id
    with world.database.write("evenkeel", world.clock()) as transaction:
        insert_escalation(transaction, known, "planner", "approver")
    with pytest.raises(IntegrityError), world.database.write("evenkeel", world.clock()) as transaction:
        insert_escalation(transaction, known, "planner", "central")
    with world.database.read() as connection:
        assert set(list_escalations(connection, EVERYTHING)) == {known}
        assert set(list_escalations(connection, scope_of(world.user("otto")))) == {known}
        assert list_escalations(connection, Scope(user="x", sites=frozenset({"SOUTH"}))) == {}


def test_what_is_decided_expired_or_with_the_right_role_is_left_alone(
    guided: World, formal: World, a_copy: Copy
) -> None:
    expired = a_copy(guided)
    expired.clock.at = expired.the_proposal(ProposalState.PENDING).expires_at
    assert escalated(expired) == []
    decided = a_copy(guided)
    decided.decide(decided.the_proposal(ProposalState.PENDING), "approve", "pia")
    decided.clock.forward(hours=20)
    assert escalated(decided) == []
    with_central = a_copy(formal)
    with with_central.database.write("root", with_central.clock()) as transaction:
        save_user(transaction, with_central.user("ada").model_copy(update={"active": False}))
    with_central.clock.forward(hours=30)
    assert owner(with_central, with_central.the_proposal(ProposalState.PENDING)) == "central for approver: carl"
    assert escalated(with_central) == []


def test_the_document_in_force_decides_and_one_for_later_does_not(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    sooner = rights_with(('after_hours = 8\nto = "approver"', 'after_hours = 1\nto = "central"'))
    with world.database.write("root", world.clock()) as transaction:
        for version, content, hours in ((1, rights_with(), 0), (2, sooner, 2)):
            insert_policy(
                transaction,
                PolicyVersion(
                    kind="rights", version=version, content=content, author="root",
                    effective_at=world.clock() + timedelta(hours=hours),
                ),
            )  # fmt: skip
    world.clock.at += timedelta(hours=2) - TICK
    assert escalated(world) == []
    world.clock.at += TICK
    assert escalated(world) == [("planner", "central")]
    assert owner(world, world.the_proposal(ProposalState.PENDING)) == "central: carl"


PARTS = 5


def many_items_one_lane() -> Network:
    """Five stores' worth of trouble on one lane: each transfer alone is within a planner's limit."""
    return Network(
        item_sites=tuple(
            ItemSite(f"PUMP{part}", site, weekly=weekly, on_hand=stock, cost=20.0, price=50.0)
            for part in range(PARTS)
            for site, weekly, stock in (("DC", 4, 300), ("NORTH", 12, 2))
        ),
        lanes=(Lane("DC", "NORTH"),),
    )


def test_a_transfer_split_into_parts_of_other_items_needs_the_formal_tier(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The 24-hour sum of the lane counts every item, so the last parts are signed as the whole would have been."""
    world = World(tmp_path_factory.mktemp("split") / "home", many_items_one_lane(), rollout="guided").furnish()
    world.desk.sweep()
    parts = [part for part in world.proposals(ProposalState.PENDING) if part.content.action is ActionKind.TRANSFER]
    values = [part.content.value_minor for part in parts]
    assert len(parts) == PARTS
    assert all(part.content.lanes == ("DC>NORTH",) and part.tier is Tier.PLANNER for part in parts)
    assert max(values) <= 5_000_00 < sum(values)
    signed = 0
    for part in parts:
        after = world.decide(part, "approve", "pia")
        whole = signed + part.content.value_minor
        assert (after.state is ProposalState.APPROVED) is (whole <= 5_000_00), f"{whole} of the lane in 24 hours"
        if after.state is ProposalState.APPROVED:
            signed = whole
        else:
            assert (after.state, after.tier) == (ProposalState.PENDING, Tier.FORMAL)
    assert max(values) * 2 < signed <= 5_000_00, "several parts went through before the sum was reached"
    world.database.dispose()
