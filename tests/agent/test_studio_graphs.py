"""The graphs for a development server: paused as review screens expect, and opened by SQL alone."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from pydantic import ValidationError

from agent.chat.desk import ChatDesk
from inventory.cases import list_cases
from inventory.records import EVERYTHING, Proposal, ProposalState
from service.studio_graphs import Graph, studio_case, studio_chat, studio_sweep
from tests.agent.conftest import Copy
from tests.worlds import World

THREAD: Any = {"configurable": {"thread_id": "studio"}}


def with_paper(graph: Graph) -> Graph:
    """As a development server takes a graph: a copy with scratch paper of the server's own."""
    return graph.copy({"checkpointer": InMemorySaver()})


def begun(world: World, proposal: Proposal) -> tuple[Graph, dict[str, Any]]:
    """A run of the case graph that waits, and what it says."""
    graph = with_paper(studio_case(world.desk))
    start: Any = {"case_id": proposal.content.case_id, "proposal_id": proposal.proposal_id}
    (waiting,) = graph.invoke(start, THREAD)["__interrupt__"]
    return graph, waiting.value


def test_a_paused_case_says_what_review_screens_read(guided: World, a_copy: Copy) -> None:
    """The batched shape: each request a name, args and words, each review the decisions that are allowed."""
    world = a_copy(guided)
    proposal = world.the_proposal()
    _, value = begun(world, proposal)

    (request,), (review,) = value["action_requests"], value["review_configs"]
    assert request.keys() == {"name", "args", "description"}
    assert review == {"action_name": request["name"], "allowed_decisions": ["approve", "edit", "reject"]}
    (line,) = proposal.content.lines
    assert request["name"] == "transfer"
    assert request["args"]["lines"] == [
        {"item": "BOLT", "quantity": line.quantity, "origin": "DC", "destination": "NORTH",
         "arrive_on": line.arrive_on.isoformat()}
    ]  # fmt: skip
    assert {name: value[name] for name in ("proposal_id", "digest", "tier")} == {
        "proposal_id": proposal.proposal_id, "digest": proposal.digest, "tier": "planner",
    }  # fmt: skip
    assert json.loads(json.dumps(value)) == value, "plain data"


@pytest.mark.parametrize("resume", [{"decisions": [{"type": "approve"}]}, "approve", {"decision_id": 7}])
def test_an_answer_that_names_no_decision_is_not_taken_and_the_case_stays_open(
    guided: World, a_copy: Copy, resume: Any
) -> None:
    world = a_copy(guided)
    proposal = world.the_proposal()
    graph, _ = begun(world, proposal)

    with pytest.raises(ValidationError, match="DecisionRef"):
        graph.invoke(Command(resume=resume), THREAD)

    world.decide(proposal, "reject", "pia")
    ended = graph.invoke(Command(resume={"decision_id": "any"}), THREAD)
    assert ended["ended"] is ProposalState.REJECTED


def test_a_resume_waits_again_until_sql_holds_the_decision(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    proposal = world.the_proposal()
    graph, first = begun(world, proposal)
    for forged in ("appr-000000000000", proposal.proposal_id, proposal.digest):
        (again,) = graph.invoke(Command(resume={"decision_id": forged}), THREAD)["__interrupt__"]
        assert again.value == first
    assert world.the_proposal() == proposal

    approved = world.decide(proposal, "approve", "pia")
    graph.invoke(Command(resume={"decision_id": "any"}), THREAD)
    assert world.the_proposal().state is ProposalState.EXECUTED
    assert approved.state is ProposalState.APPROVED


def test_a_case_in_its_recall_window_says_until_when(automatic: World, a_copy: Copy) -> None:
    world = a_copy(automatic)
    proposal = world.the_proposal()
    _, value = begun(world, proposal)

    assert proposal.not_before is not None
    assert value["not_before"] == proposal.not_before.isoformat()
    assert value["review_configs"] == [{"action_name": "transfer", "allowed_decisions": ["recall"]}]


def test_the_sweep_runs_without_a_context_from_outside(tmp_path: Path) -> None:
    from tests.worlds import two_sites_one_lane

    world = World(tmp_path / "world", two_sites_one_lane(), rollout="guided").furnish()
    result = asyncio.run(studio_sweep(world.desk).ainvoke({}))

    with world.database.read() as connection:
        found = list_cases(connection, EVERYTHING)
    assert result["result"].found == len(found) == 1
    assert world.the_proposal().state is ProposalState.PENDING


def test_the_chat_remembers_a_conversation_and_sees_what_its_user_sees(company: World, a_copy: Copy) -> None:
    world = a_copy(company)
    graph = with_paper(studio_chat(ChatDesk(world.toolbox), world.user("otto")))
    first = graph.invoke({"messages": [("user", "how many BOLT at NORTH?")]}, THREAD)
    then = graph.invoke({"messages": [("user", "how many BOLT at DC?")]}, THREAD)

    assert "4 units" in first["messages"][-1].text
    assert then["conversation_id"] == first["conversation_id"]
    assert len(then["messages"]) == 4
    assert "300" not in then["messages"][-1].text, "DC is not Otto's"
