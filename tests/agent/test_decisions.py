"""What a person may decide, what it does to proposal, case and units, and what is refused on record."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.approval_policy import packaged_policy_text
from agent.decisions import Decision
from agent.errors import DecisionRefusedError
from inventory.audit import AuditEntry, entries
from inventory.cases import CaseRow, find_case
from inventory.chronicle import KILL_SWITCH, list_overrides, set_switch
from inventory.errors import LostRaceError, NotEnoughStockError, NotFoundError
from inventory.ledger import list_reservations, reserved_by_line
from inventory.outbox import list_outbox
from inventory.proposals import list_approvals, list_rulings
from inventory.records import (
    EVERYTHING,
    Approval,
    CaseState,
    PolicyVersion,
    Proposal,
    ProposalState,
    ReasonCode,
    Tier,
    User,
)
from inventory.rulebook import insert_policy
from tests.agent.conftest import Copy
from tests.worlds import ItemSite, Lane, World, two_sites_one_lane
from tools.errors import ToolInputError

S = ProposalState


def pending(world: World) -> Proposal:
    (proposal,) = world.proposals(S.PENDING)
    return proposal


def case_of(world: World, proposal: Proposal) -> CaseRow:
    with world.database.read() as connection:
        return find_case(connection, EVERYTHING, proposal.content.case_id)


def held(world: World) -> int:
    with world.database.read() as connection:
        return sum(reserved_by_line(connection, EVERYTHING).values())


def signatures(world: World, proposal: Proposal) -> list[Approval]:
    with world.database.read() as connection:
        return list_approvals(connection, EVERYTHING, proposal.proposal_id)


def last_entry(world: World) -> AuditEntry:
    with world.database.read() as connection:
        return list(entries(connection))[-1]


def refused(world: World, proposal: Proposal, verb: str, user_id: str, match: str, **more: Any) -> None:
    """The decision is refused, changes nothing, and is on record."""
    before = world.proposals()
    with pytest.raises(DecisionRefusedError, match=match):
        world.decide(proposal, verb, user_id, **more)
    entry = last_entry(world)
    assert world.proposals() == before
    assert (entry.event, entry.actor, entry.subject_id) == ("decision.refused", user_id, proposal.proposal_id)
    assert json.loads(entry.body)["verb"] == verb


def test_an_approval_releases_the_proposal_for_execution(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    approved = world.decide(pending(world), "approve", "pia")
    with world.database.read() as connection:
        documents = list_outbox(connection, EVERYTHING, proposal_id=approved.proposal_id)
        reservations = list_reservations(connection, EVERYTHING, proposal_id=approved.proposal_id)
    (signature,) = signatures(world, approved)

    assert approved.state is S.APPROVED
    assert approved.not_before == world.clock(), "a planner's approval has no recall window"
    assert (signature.by, signature.kind, signature.proposal_digest) == ("pia", "person", approved.digest)
    assert [row.document.approval_id for row in documents] == [signature.approval_id]
    assert {reservation.state for reservation in reservations} == {"committed"}
    assert case_of(world, approved).state is CaseState.DECIDED


def test_an_edit_is_a_new_version_that_goes_through_the_gate(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    old = pending(world)
    new = world.decide(old, "edit", "pia", quantities={1: 40}, reason=ReasonCode.KNOWS_EVENT, text="roadworks")
    (gone,) = world.proposals(S.SUPERSEDED)
    with world.database.read() as connection:
        (override,) = list_overrides(connection, EVERYTHING)
        rulings = list_rulings(connection, EVERYTHING, new.proposal_id)

    assert (gone.proposal_id, gone.reason) == (old.proposal_id, "edited by pia")
    assert (new.state, new.content.version, new.requested_by) == (S.PENDING, 2, "pia")
    assert new.content.lines[0].quantity == 40
    assert new.digest != old.digest
    assert [ruling.proposal_digest for ruling in rulings] == [new.digest]
    assert held(world) == 40, "the old one gave its units back"
    assert (override.by, override.decision, override.reason) == ("pia", "edit", ReasonCode.KNOWS_EVENT)
    assert override.text == "roadworks"


def test_an_edited_line_costs_and_weighs_in_proportion(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    old = pending(world)
    (line,) = old.content.lines
    new = world.decide(old, "edit", "pia", quantities={1: line.quantity // 2})

    assert new.content.lines[0].cost_minor == pytest.approx(line.cost_minor / 2, abs=1)
    assert new.content.value_minor == pytest.approx(old.content.value_minor / 2, abs=1)


def test_an_edit_cannot_take_units_that_are_not_there(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    old = pending(world)
    before = held(world)
    with pytest.raises(NotEnoughStockError, match="280 units asked"):
        world.decide(old, "edit", "pia", quantities={1: 280})

    assert (pending(world), held(world)) == (old, before)


@pytest.mark.parametrize(
    ("quantities", "match"),
    [
        ({7: 10}, "has no line 7; it has 1"),
        ({1: -1}, "at least 0, got -1"),
        ({1: 0}, "is a rejection"),
        ({}, "changes nothing"),
    ],
)
def test_an_edit_that_makes_no_sense_says_which_number(
    guided: World, a_copy: Copy, quantities: dict[int, int], match: str
) -> None:
    world = a_copy(guided)
    with pytest.raises(ToolInputError, match=match):
        world.decide(pending(world), "edit", "pia", quantities=quantities)

    assert pending(world).content.version == 1


def test_a_rejection_frees_the_units_and_lets_the_case_rest(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    rejected = world.decide(pending(world), "reject", "pia", reason=ReasonCode.DISTRUST)
    row = case_of(world, rejected)

    assert rejected.state is S.REJECTED
    assert held(world) == 0
    assert (row.state, row.reason) == (CaseState.WAITING, "rejected by pia")
    assert row.resume_on == world.clock().date() + timedelta(days=7)

    world.clock.forward(days=1)
    world.deliver()
    world.desk.sweep()
    assert world.proposals(S.PENDING) == [], "the same trouble is not proposed again the next morning"

    world.clock.forward(days=6)
    world.deliver()
    world.desk.sweep()
    assert pending(world).content.case_id == rejected.content.case_id


def test_a_snooze_frees_the_units_until_it_is_over(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    until = world.clock() + timedelta(days=2)
    snoozed = world.decide(pending(world), "snooze", "pia", until=until)

    assert (snoozed.state, snoozed.snoozed_until) == (S.SNOOZED, until)
    assert held(world) == 0
    assert case_of(world, snoozed).resume_on == until.date()

    world.clock.forward(days=1)
    world.deliver()
    world.desk.sweep()
    assert world.proposals(S.PENDING) == []

    world.clock.forward(days=1, hours=1)
    world.deliver()
    world.desk.sweep()
    awake = pending(world)
    assert awake.content.case_id == snoozed.content.case_id
    assert held(world) == sum(line.quantity for line in awake.content.lines)


def test_a_snooze_needs_a_moment_ahead(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)

    refused(world, pending(world), "snooze", "pia", "lies ahead", until=world.clock())
    refused(world, pending(world), "snooze", "pia", "lies ahead")


def test_an_escalation_asks_for_formal_approval_and_counts_for_the_click(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    escalated = world.decide(pending(world), "escalate", "pia")

    assert (escalated.state, escalated.tier) == (S.PENDING, Tier.FORMAL)
    assert escalated.expires_at == world.clock() + timedelta(hours=72)
    refused(world, escalated, "escalate", "pia", "already needs formal approval")
    refused(world, escalated, "approve", "pia", "holds none of the roles approver")
    assert world.decide(escalated, "approve", "ada").state is S.APPROVED


def test_nothing_else_is_approved_than_what_was_seen(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    seen = pending(world)
    content = seen.content.model_copy(update={"value_minor": 1})

    refused(world, seen.model_copy(update={"content": content}), "approve", "pia", "not the one you saw")


def test_a_proposal_that_has_expired_cannot_be_approved(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    proposal = pending(world)
    world.clock.at = proposal.expires_at

    refused(world, proposal, "approve", "pia", "expired at 2024-04-09 06:30 UTC")

    assert world.desk.recover().expired == (proposal.proposal_id,)
    assert held(world) == 0
    assert case_of(world, proposal).state is CaseState.OPEN


def test_the_second_decision_on_a_proposal_loses(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    proposal = pending(world)
    world.decide(proposal, "approve", "pia")

    for verb in ("approve", "reject", "edit", "snooze", "escalate"):
        with pytest.raises(LostRaceError, match="approved"):
            world.decide(proposal, verb, "carl")
    assert len(signatures(world, proposal)) == 1


EXTRA = (
    User(user_id="bot", name="Bot", roles=("planner", "service"), value_limit_minor=500_000),
    User(user_id="gone", name="Gone", roles=("planner",), value_limit_minor=500_000, active=False),
    User(user_id="poor", name="Poor", roles=("planner",), value_limit_minor=100),
    User(user_id="cold", name="Cold", roles=("planner",), item_classes=("cold_chain", "consumable"),
         value_limit_minor=500_000),
    User(user_id="wanda", name="Wanda", roles=("warehouse_manager",)),
)  # fmt: skip


def what_it_takes(world: World, verb: str) -> dict[str, Any]:
    """What a decision says besides its verb."""
    more: dict[str, dict[str, Any]] = {
        "edit": {"quantities": {1: 10}, "reason": ReasonCode.STRATEGY, "text": "fewer"},
        "reject": {"reason": ReasonCode.DISTRUST, "text": "no"},
        "recall": {"reason": ReasonCode.DISTRUST, "text": "stop"},
        "snooze": {"until": world.clock() + timedelta(days=1)},
        "ask": {"text": "why?", "to": "carl"},
        "delegate": {"to": "carl"},
    }
    return more.get(verb, {})


def decide_as(world: World, proposal: Proposal, verb: str, user: User, **more: Any) -> Proposal:
    return world.desk.decide(
        Decision.model_validate(
            {"proposal_id": proposal.proposal_id, "digest_prefix": proposal.digest[:12], "verb": verb,
             "reason": ReasonCode.AGREE, **more}
        ),
        user,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("user_id", "why"),
    [
        ("iris", "role auditor, which never signs"),
        ("root", "role administrator, which never signs"),
        ("bot", "role service, which never signs"),
        ("gone", "gone is not active"),
        ("poor", "above the limit of"),
        ("wanda", "holds none of the roles planner, approver, central"),
    ],
)
def test_who_may_not_sign_is_refused_on_record(guided: World, a_copy: Copy, user_id: str, why: str) -> None:
    world = a_copy(guided)
    proposal = pending(world)
    user = next(person for person in (*EXTRA, *(world.user(u) for u in ("iris", "root"))) if person.user_id == user_id)
    with pytest.raises(DecisionRefusedError, match=why):
        decide_as(world, proposal, "approve", user)
    entry = last_entry(world)

    assert (entry.event, entry.actor) == ("decision.refused", user_id)
    assert why.split(",")[0] in json.loads(entry.body)["why"]
    assert pending(world) == proposal
    assert signatures(world, proposal) == []


@pytest.mark.parametrize("user_id", ["iris", "root"])
@pytest.mark.parametrize("verb", ["edit", "reject", "snooze", "escalate", "ask", "delegate"])
def test_auditors_and_administrators_decide_nothing_at_all(
    guided: World, a_copy: Copy, user_id: str, verb: str
) -> None:
    world = a_copy(guided)

    refused(world, pending(world), verb, user_id, "may not decide", **what_it_takes(world, verb))


def test_who_edited_it_may_not_sign_it(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    edited = world.decide(pending(world), "edit", "pia", quantities={1: 40})

    refused(world, edited, "approve", "pia", "asked for this proposal and may not sign it")
    assert world.decide(edited, "approve", "otto").state is S.APPROVED


def test_a_class_outside_ones_rights_is_out_of_sight(guided: World, formal: World, a_copy: Copy) -> None:
    cold = next(user for user in EXTRA if user.user_id == "cold")
    seen, unseen = a_copy(guided), a_copy(formal)

    assert decide_as(seen, pending(seen), "approve", cold).state is S.APPROVED
    with pytest.raises(NotFoundError):
        decide_as(unseen, pending(unseen), "approve", cold)


def test_a_foreign_site_is_not_there(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    south = User(user_id="sue", name="Sue", roles=("planner",), sites=("SOUTH",), value_limit_minor=500_000)
    for verb in ("approve", "reject", "edit", "snooze", "escalate", "recall", "ask", "delegate"):
        with pytest.raises(NotFoundError, match="0 found that sue may see"):
            decide_as(world, pending(world), verb, south, **what_it_takes(world, verb))

    assert pending(world).state is S.PENDING


def test_above_the_limit_two_different_people_sign(formal: World, a_copy: Copy) -> None:
    world = a_copy(formal)
    proposal = pending(world)
    assert proposal.tier is Tier.FORMAL
    refused(world, proposal, "approve", "pia", "holds none of the roles approver")

    once = world.decide(proposal, "approve", "ada")
    assert (once.state, once.reason) == (S.PENDING, "a second person must sign")
    with world.database.read() as connection:
        assert list_outbox(connection, EVERYTHING) == []
    refused(world, once, "approve", "ada", "has signed this proposal already")

    twice = world.decide(once, "approve", "carl")
    assert twice.state is S.APPROVED
    assert [signature.by for signature in signatures(world, twice)] == ["ada", "carl"]


def test_an_edit_voids_the_first_of_two_signatures(formal: World, a_copy: Copy) -> None:
    world = a_copy(formal)
    signed = world.decide(pending(world), "approve", "ada")
    edited = world.decide(signed, "edit", "carl", quantities={1: signed.content.lines[0].quantity - 1})

    assert world.decide(edited, "approve", "ada").reason == "a second person must sign"
    refused(world, pending(world), "approve", "carl", "asked for this proposal")


def adopt_stricter_policy(world: World) -> None:
    """From the next version on, a donor keeps fifty times its floor or somebody formally agrees."""
    stricter = packaged_policy_text().replace(
        "planner_below = 1.2\nformal_below = 1.0", "planner_below = 50\nformal_below = 50"
    )
    assert stricter != packaged_policy_text()
    with world.database.write("root", world.clock()) as transaction:
        insert_policy(
            transaction,
            PolicyVersion(
                kind="approval", version=2, content=stricter, author="root", effective_at=world.clock()
            ),
        )  # fmt: skip


def test_a_stricter_tier_at_the_click_sends_it_back_to_pending(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    proposal = pending(world)
    adopt_stricter_policy(world)
    sent_back = world.decide(proposal, "approve", "pia")

    assert (sent_back.state, sent_back.tier) == (S.PENDING, Tier.FORMAL)
    assert sent_back.reason == "facts changed: now formal"
    assert sent_back.expires_at == world.clock() + timedelta(hours=72)
    assert signatures(world, proposal) == []
    refused(world, sent_back, "approve", "pia", "holds none of the roles")
    assert world.decide(sent_back, "approve", "ada").state is S.APPROVED


def test_a_milder_tier_at_the_click_does_not_lower_what_was_asked(formal: World, a_copy: Copy) -> None:
    world = a_copy(formal)
    with world.database.write("root", world.clock()) as transaction:
        insert_policy(
            transaction,
            PolicyVersion(
                kind="approval",
                version=2,
                content=packaged_policy_text()
                .replace('regulated = "formal"', 'regulated = "planner"')
                .replace("planner_limit = 5_000", "planner_limit = 500_000")
                .replace("two_people_above = 20_000", "two_people_above = 500_000"),
                author="root",
                effective_at=world.clock(),
            ),
        )

    refused(world, pending(world), "approve", "pia", "holds none of the roles approver")


def test_the_kill_switch_turns_an_approval_into_advice(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    with world.database.write("root", world.clock()) as transaction:
        set_switch(transaction, KILL_SWITCH, True)
    sent_back = world.decide(pending(world), "approve", "pia")

    assert (sent_back.state, sent_back.tier) == (S.PENDING, Tier.ADVICE)
    refused(world, sent_back, "approve", "carl", "nothing to sign")


def test_striking_one_of_two_lines_makes_another_proposal(tmp_path: Path) -> None:
    """Two donors share the need of NORTH; the planner strikes one of them."""
    base = two_sites_one_lane()
    network = replace(
        base,
        item_sites=(
            ItemSite("BOLT", "DC", weekly=10, on_hand=90, flags="consumable", cost=4.0, price=10.0),
            ItemSite("BOLT", "EAST", weekly=10, on_hand=90, flags="consumable", cost=4.0, price=10.0),
            base.item_sites[1],
        ),
        lanes=(Lane("DC", "NORTH"), Lane("EAST", "NORTH")),
    )
    world = World(tmp_path / "home", network, rollout="guided").furnish()
    world.desk.sweep()
    old = pending(world)
    assert sorted(line.origin for line in old.content.lines) == ["DC", "EAST"]
    struck = next(line.number for line in old.content.lines if line.origin == "EAST")
    new = world.decide(old, "edit", "pia", quantities={struck: 0})

    assert [line.origin for line in new.content.lines] == ["DC"]
    with world.database.read() as connection:
        assert {site for _, site in reserved_by_line(connection, EVERYTHING)} == {"DC"}
    approved = world.decide(new, "approve", "carl")
    with world.database.read() as connection:
        assert [row.document.origin for row in list_outbox(connection, EVERYTHING)] == ["DC"]
    assert approved.state is S.APPROVED
