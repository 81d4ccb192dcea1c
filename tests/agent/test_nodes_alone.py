"""Each node is a plain function of state and run context, and can be called without a graph."""

from __future__ import annotations

from pathlib import Path

import pytest
from langgraph.runtime import Runtime

from agent import case_graph as nodes
from agent.case_graph import CaseState, DeskContext
from agent.sweep_graph import SweepContext, sweep_graph
from inventory.chronicle import list_outcomes
from inventory.proposals import (
    find_approval,
    find_explanation,
    find_situation,
    list_citations,
    list_rulings,
)
from inventory.records import EVERYTHING, ProposalState, Tier
from tests.tools.networks import copy_of
from tests.worlds import World, two_sites_one_lane

S = ProposalState


def nothing(*_: object) -> None:
    """Explains and rules on nothing, so that drafts stay drafts."""


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A sweep that stopped after planning: one draft, no facts kept yet."""
    world = World(tmp_path_factory.mktemp("drafted") / "home", two_sites_one_lane()).furnish()
    context = SweepContext(world.toolbox, world.desk.gate, world.desk.recover, nothing, nothing)
    sweep_graph().invoke({}, context=context)
    assert [proposal.state for proposal in world.proposals()] == [S.DRAFT]
    return world


@pytest.fixture
def world(drafted: World, tmp_path: Path) -> World:
    return copy_of(drafted, tmp_path / "copy")


def start(world: World) -> tuple[CaseState, Runtime[DeskContext]]:
    (proposal,) = world.proposals()
    state = CaseState(case_id=proposal.content.case_id, proposal_id=proposal.proposal_id)
    return state, Runtime(context=DeskContext(world.toolbox, world.desk.drafter, world.desk.gate))


def test_assemble_keeps_dated_facts_and_puts_none_into_the_state(world: World) -> None:
    state, runtime = start(world)
    assert nodes.assemble(state, runtime) == {}
    with world.database.read() as connection:
        situation = find_situation(connection, EVERYTHING, state["proposal_id"])

    assert situation is not None
    assert situation.as_of == world.toolbox.snapshot().as_of
    assert situation.facts[0].measures["on_hand"] == 4
    assert situation.options == ()


def test_retrieve_keeps_clauses_in_force_and_counts_them(world: World) -> None:
    state, runtime = start(world)
    found = nodes.retrieve(state, runtime)
    with world.database.read() as connection:
        citations = list_citations(connection, EVERYTHING, state["proposal_id"])

    assert found == {"citations": len(citations)}
    assert {citation.document_id for citation in citations} == {"SOP-T"}


def test_optimize_prices_options_even_where_nothing_was_assembled(world: World) -> None:
    state, runtime = start(world)
    assert nodes.optimize(state, runtime) == {"options": 10}
    with world.database.read() as connection:
        situation = find_situation(connection, EVERYTHING, state["proposal_id"])

    assert situation is not None
    assert situation.options[0].chosen


def test_draft_words_what_is_fixed_already(world: World) -> None:
    state, runtime = start(world)
    before = world.proposals()[0].digest
    nodes.optimize(state, runtime)
    assert nodes.draft(state, runtime) == {}
    with world.database.read() as connection:
        explanation = find_explanation(connection, EVERYTHING, state["proposal_id"])

    assert explanation is not None
    assert explanation.source == "template"
    assert "78" in explanation.text
    assert world.proposals()[0].digest == before, "words are outside the digest"


def test_gate_without_priced_options_fails_closed(world: World) -> None:
    state, runtime = start(world)

    assert nodes.gate(state, runtime) == {"tier": Tier.ADVICE}
    (proposal,) = world.proposals()
    with world.database.read() as connection:
        (ruling,) = list_rulings(connection, EVERYTHING, proposal.proposal_id)
    assert (proposal.state, proposal.tier) == (S.PENDING, Tier.ADVICE)
    assert "could not be established: priced options" in {rule.reason for rule in ruling.fired}


def test_gate_signs_for_the_auto_tier_and_rules_once(world: World) -> None:
    state, runtime = start(world)
    nodes.optimize(state, runtime)
    assert nodes.gate(state, runtime) == {"tier": Tier.AUTO}
    assert nodes.gate(state, runtime) == {"tier": Tier.AUTO}
    (proposal,) = world.proposals()
    with world.database.read() as connection:
        approval = find_approval(connection, EVERYTHING, proposal)
        rulings = list_rulings(connection, EVERYTHING, proposal.proposal_id)

    assert len(rulings) == 1
    assert approval is not None
    assert (approval.kind, approval.by) == ("policy", "policy:1:allow_list")
    assert proposal.state is S.APPROVED


def test_approve_and_recall_pass_on_what_sql_holds(world: World) -> None:
    state, runtime = start(world)
    nodes.optimize(state, runtime)
    nodes.gate(state, runtime)
    (proposal,) = world.proposals()
    with world.database.read() as connection:
        approval = find_approval(connection, EVERYTHING, proposal)
    assert approval is not None
    assert nodes.approve(state, runtime) == {"decision_id": approval.approval_id}

    world.clock.forward(minutes=30)
    assert nodes.recall(state, runtime) == {}
    assert nodes.execute(state, runtime) == {"ended": S.EXECUTED}
    assert nodes.execute(state, runtime) == {"ended": S.EXECUTED}, "what has ended is not sent again"
    assert len(world.erp.open_documents()) == 1


def test_learn_opens_the_outcome_once(world: World) -> None:
    state, runtime = start(world)
    assert nodes.learn(state, runtime) == {}
    world.clock.forward(hours=1)
    nodes.learn(state, runtime)
    with world.database.read() as connection:
        (outcome,) = list_outcomes(connection, EVERYTHING)

    assert outcome.opened_at == world.clock.at.replace(hour=6, minute=30)


@pytest.mark.parametrize(
    ("tier", "following"), [(Tier.AUTO, "recall"), (Tier.PLANNER, "approve"), (Tier.FORMAL, "approve")]
)
def test_only_the_auto_tier_goes_past_the_person(tier: Tier, following: str) -> None:
    assert nodes.after_gate(CaseState(tier=tier)) == following


@pytest.mark.parametrize("ended", sorted(nodes.ENDED))
def test_what_has_ended_goes_straight_to_learning(ended: ProposalState) -> None:
    assert nodes.after_decision(CaseState(ended=ended)) == "learn"
    assert nodes.after_recall(CaseState(ended=ended)) == "learn"


def test_what_goes_on_goes_through_recall_to_execution() -> None:
    assert nodes.after_decision(CaseState(decision_id="appr-1")) == "recall"
    assert nodes.after_recall(CaseState(decision_id="appr-1")) == "execute"
