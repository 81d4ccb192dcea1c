"""The day's budget of what policy may move: reserved in the ruling transaction, given back with the units."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.approval_policy import load_policy, packaged_policy_text
from agent.auto_budget import within_auto_budget
from agent.policy_document import ApprovalPolicy
from inventory.capacity import CapacityKind, taken_capacity
from inventory.ledger import release
from inventory.records import ActionKind, Proposal, ProposalState, Ruling, Tier
from tests.worlds import World


@pytest.fixture
def own(guided: World, tmp_path: Path) -> World:
    """One transfer waits for a person, in a house of this test's own."""
    return guided.copied_to(tmp_path / "own")


def policy(limit: int) -> ApprovalPolicy:
    packaged = load_policy(packaged_policy_text())
    return packaged.model_copy(update={"budget": packaged.budget.model_copy(update={"auto_per_site_day": limit})})


def ruled(world: World, proposal: Proposal, limit: int, tier: Tier = Tier.AUTO) -> Ruling:
    ruling = Ruling(
        proposal_digest=proposal.digest,
        tier=tier,
        fired=(),
        aggregates={},
        policy_version=1,
        two_people=False,
        at=world.clock(),
    )
    with world.database.write("evenkeel", world.clock()) as transaction:
        return within_auto_budget(transaction, proposal, ruling, policy(limit))


def taken(world: World) -> dict[str, int]:
    with world.database.read() as connection:
        slots = taken_capacity(connection, CapacityKind.AUTO_VALUE, world.clock().date())
    return {slot.key: units for slot, units in slots.items()}


def test_what_policy_signed_has_taken_the_budget_of_both_sites(auto: World) -> None:
    proposal = auto.the_proposal(ProposalState.APPROVED)
    value = proposal.content.value_minor
    assert taken(auto) == {"DC": value, "NORTH": value}
    auto.decide(proposal, "reject", "pia")
    assert taken(auto) == {}, "what was recalled may be moved by something else"


def test_when_the_budget_is_used_up_a_planner_decides_and_hears_who_used_it(own: World) -> None:
    proposal = own.the_proposal()
    whole = -(-proposal.content.value_minor // 100)
    assert ruled(own, proposal, whole).tier is Tier.AUTO
    again = ruled(own, proposal, whole)
    assert again.tier is Tier.PLANNER
    (fired,) = again.fired
    assert fired.rule == "auto_budget"
    assert f"{proposal.proposal_id} holds" in fired.reason
    with own.database.write("evenkeel", own.clock()) as transaction:
        release(transaction, proposal.proposal_id)
    assert ruled(own, proposal, whole).tier is Tier.AUTO


@pytest.mark.parametrize("tier", [Tier.PLANNER, Tier.FORMAL, Tier.ADVICE])
def test_what_a_person_decides_takes_none_of_it(own: World, tier: Tier) -> None:
    assert ruled(own, own.the_proposal(), 1, tier).tier is tier
    assert taken(own) == {}


def test_a_hold_takes_none_of_it(own: World) -> None:
    proposal = own.the_proposal()
    hold = proposal.model_copy(update={"content": proposal.content.model_copy(update={"action": ActionKind.HOLD})})
    assert ruled(own, hold, 0).tier is Tier.AUTO
    assert taken(own) == {}
