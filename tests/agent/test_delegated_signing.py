"""Signing for somebody else at the real desk: both names in row and chain, and rights as they stand at the click."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.decisions import Decision
from agent.errors import DecisionRefusedError
from inventory.audit import entries
from inventory.delegations import grant
from inventory.errors import NotFoundError
from inventory.people import save_user
from inventory.proposals import list_approvals
from inventory.records import EVERYTHING, Approval, Proposal, ProposalState, ReasonCode, User
from tests.agent.conftest import Copy
from tests.worlds import World

S = ProposalState
DORA = User(user_id="dora", name="Dora Deputy", roles=("planner",), sites=("SOUTH",), value_limit_minor=1)


def lend(world: World, giver: str, taker: str, hours: float = 24) -> None:
    with world.database.write(giver, world.clock()) as transaction:
        grant(transaction, giver, taker, ends=world.clock() + timedelta(hours=hours))


def change(world: World, user: User) -> None:
    with world.database.write("root", world.clock()) as transaction:
        save_user(transaction, user)


def approve(world: World, proposal: Proposal, user: User) -> Proposal:
    """Approve as a user who signed in with this record, however stale it is."""
    decision = Decision(
        proposal_id=proposal.proposal_id, digest_prefix=proposal.digest[:12], verb="approve", reason=ReasonCode.AGREE
    )
    return world.desk.decide(decision, user)


def signatures(world: World, proposal: Proposal) -> list[Approval]:
    with world.database.read() as connection:
        return list_approvals(connection, EVERYTHING, proposal.proposal_id)


def test_both_names_are_in_the_approval_and_in_the_chain(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    change(world, DORA)
    proposal = world.the_proposal(S.PENDING)
    with pytest.raises(NotFoundError):
        approve(world, proposal, DORA)
    lend(world, "pia", "dora")
    assert approve(world, proposal, DORA).state is S.APPROVED
    (signed,) = signatures(world, proposal)
    assert (signed.by, signed.on_behalf_of) == ("dora", "pia")
    with world.database.read() as connection:
        (told,) = [e for e in entries(connection, subject_id=proposal.proposal_id) if e.event == "approval.given"]
    assert (told.actor, told.data["by"], told.data["on_behalf_of"]) == ("dora", "dora", "pia")


def test_at_its_end_the_delegation_shows_and_signs_nothing(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    change(world, DORA)
    lend(world, "pia", "dora", hours=1)
    world.clock.forward(hours=1)
    with pytest.raises(NotFoundError):
        approve(world, world.the_proposal(S.PENDING), DORA)
    assert signatures(world, world.the_proposal(S.PENDING)) == []


def test_two_people_stay_two_people(formal: World, a_copy: Copy) -> None:
    world = a_copy(formal)
    change(world, DORA)
    lend(world, "ada", "dora", hours=12)
    lend(world, "carl", "dora")
    first = approve(world, world.the_proposal(S.PENDING), DORA)
    assert (first.state, first.reason) == (S.PENDING, "a second person must sign")
    for user in (DORA, world.user("ada")):
        with pytest.raises(DecisionRefusedError, match="signed this proposal already"):
            approve(world, world.the_proposal(S.PENDING), user)
    assert approve(world, world.the_proposal(S.PENDING), world.user("carl")).state is S.APPROVED
    assert {(made.by, made.on_behalf_of) for made in signatures(world, first)} == {("dora", "ada"), ("carl", "")}


def test_a_right_taken_away_counts_at_once_for_who_is_signed_in_and_for_who_signed(formal: World, a_copy: Copy) -> None:
    world = a_copy(formal)
    proposal = world.the_proposal(S.PENDING)
    assert approve(world, proposal, world.user("ada")).state is S.PENDING
    change(world, world.user("ada").model_copy(update={"active": False}))
    after = approve(world, world.the_proposal(S.PENDING), world.user("carl"))
    assert (after.state, after.reason) == (S.PENDING, "a second person must sign"), "the first one lost its weight"
    eve = User(user_id="eve", name="Eve", roles=("central",), value_limit_minor=50_000_000)
    change(world, eve)
    change(world, eve.model_copy(update={"active": False}))
    with pytest.raises(DecisionRefusedError, match="eve is not active"):
        approve(world, world.the_proposal(S.PENDING), eve)
    change(world, eve)
    assert approve(world, world.the_proposal(S.PENDING), eve).state is S.APPROVED


def test_who_asked_for_it_does_not_sign_through_somebody_else(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    change(world, DORA)
    lend(world, "pia", "dora")
    edited = world.decide(world.the_proposal(S.PENDING), "edit", "pia", quantities={1: 10})
    with pytest.raises(DecisionRefusedError, match="for pia: pia asked for this proposal"):
        approve(world, edited, DORA)
    assert world.decide(edited, "approve", "ada").state is S.APPROVED
