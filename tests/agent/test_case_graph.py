"""The case graph for real: stopped, thrown away, rebuilt and resumed; SQL alone decides and acts."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Command

from agent.case_graph import DeskContext, case_graph
from agent.checkpoints import LISTED_TYPES, open_checkpoints
from inventory.chronicle import list_outcomes
from inventory.outbox import list_outbox
from inventory.records import EVERYTHING, Proposal, ProposalState, Tier
from inventory.trace import spans_of_case
from tests.agent.conftest import Copy
from tests.tools.networks import copy_of
from tests.worlds import TurnableClock, World

S = ProposalState


@contextmanager
def graph_of(world: World) -> Iterator[Any]:
    """The compiled graph on the world's own scratch paper."""
    with open_checkpoints(world.database, world.folder / "checkpoints.sqlite3") as checkpoints:
        yield case_graph(checkpoints.saver)


def thread(proposal: Proposal) -> Any:
    return {"configurable": {"thread_id": proposal.proposal_id}}


def context(world: World) -> DeskContext:
    return DeskContext(world.toolbox, world.desk.drafter, world.desk.gate)


def postings(world: World) -> int:
    with world.database.read() as connection:
        keys = [row.key for row in list_outbox(connection, EVERYTHING)]
    return sum(len(world.erp.orders_with(key)) for key in keys)


def rebuilt(world: World) -> World:
    """The same folder with every process object new."""
    world.database.dispose()
    return World(world.folder, world.network, TurnableClock(world.clock.at), world.native_key, world.rollout)


def test_the_graph_is_the_one_the_design_draws() -> None:
    drawn = {(edge.source, edge.target) for edge in case_graph(None).get_graph().edges}

    assert drawn == {
        ("__start__", "assemble"), ("assemble", "retrieve"), ("retrieve", "optimize"), ("optimize", "draft"),
        ("draft", "gate"), ("gate", "approve"), ("gate", "recall"), ("approve", "recall"), ("approve", "learn"),
        ("recall", "execute"), ("recall", "learn"), ("execute", "learn"), ("learn", "__end__"),
    }  # fmt: skip


def test_a_case_waits_at_the_interrupt_and_ends_in_a_new_process(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    (proposal,) = world.proposals()
    with graph_of(world) as graph:
        waiting = graph.get_state(thread(proposal))
    assert waiting.next == ("approve",)
    value = waiting.interrupts[0].value
    assert (value["proposal_id"], value["digest"], value["tier"]) == (proposal.proposal_id, proposal.digest, "planner")

    second = rebuilt(world)
    second.decide(proposal, "approve", "pia")
    third = rebuilt(second)
    (done,) = third.desk.execute()
    with graph_of(third) as graph:
        ended = graph.get_state(thread(proposal))
    with third.database.read() as connection:
        outcomes = list_outcomes(connection, EVERYTHING)

    assert (done.state, postings(third)) == (S.EXECUTED, 1)
    assert (ended.next, ended.values) == ((), {}), "the scratch paper of what has ended is thrown away"
    assert [outcome.proposal_id for outcome in outcomes] == [proposal.proposal_id]


def test_checkpoints_hold_ids_and_the_two_listed_types_only(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    (proposal,) = world.proposals()
    approved = world.decide(proposal, "approve", "pia")
    with graph_of(world) as graph:
        graph.invoke(Command(resume={"decision_id": approved.proposal_id}), thread(proposal), context=context(world))
        history = [state.values for state in graph.get_state_history(thread(proposal))]
    types = {type(value) for values in history for value in values.values()}

    # PostgreSQL keeps what is a text or a number as it is, an enumeration of texts included.
    assert types == ({str, int} if world.database.is_postgresql else {str, int, Tier, ProposalState})
    assert {f"{kind.__module__}.{kind.__name__}" for kind in (Tier, ProposalState)} == {
        f"{module}.{name}" for module, name in LISTED_TYPES
    }


@pytest.mark.parametrize("decision_id", ["appr-000000000000", "", "prop-2a40032728f1"])
def test_a_resume_without_a_decision_in_sql_stops_again(guided: World, a_copy: Copy, decision_id: str) -> None:
    world = a_copy(guided)
    (proposal,) = world.proposals()
    with graph_of(world) as graph:
        for _ in range(2):
            graph.invoke(Command(resume={"decision_id": decision_id}), thread(proposal), context=context(world))
            assert graph.get_state(thread(proposal)).next == ("approve",)

    assert world.proposals() == [proposal]
    assert postings(world) == 0


def test_a_foreign_approval_does_not_open_the_gate(guided: World, formal: World, a_copy: Copy) -> None:
    """The id names a real approval, of another house's proposal."""
    other = a_copy(formal)
    (theirs,) = other.proposals()
    other.decide(theirs, "approve", "ada")
    world = a_copy(guided)
    (proposal,) = world.proposals()
    with graph_of(world) as graph:
        graph.invoke(Command(resume={"decision_id": theirs.proposal_id}), thread(proposal), context=context(world))
        assert graph.get_state(thread(proposal)).next == ("approve",)

    assert postings(world) == 0


def test_resuming_twice_posts_once(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    (proposal,) = world.proposals()
    world.decide(proposal, "approve", "pia")
    with graph_of(world) as graph:
        for _ in range(2):
            graph.invoke(Command(resume={"decision_id": "x"}), thread(proposal), context=context(world))
    world.desk.execute()

    assert world.proposals()[0].state is S.EXECUTED
    assert postings(world) == 1


def test_two_executors_at_once_post_once(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    (proposal,) = world.proposals()
    world.decide(proposal, "approve", "pia")
    rival = World(world.folder, world.network, TurnableClock(world.clock.at), rollout="guided")
    with ThreadPoolExecutor(2) as pool:
        results = [run.result() for run in [pool.submit(house.desk.execute) for house in (world, rival)]]
    rival.database.dispose()
    world.clock.forward(minutes=5)
    world.desk.execute()

    assert any(execution.state is S.EXECUTED for executions in results for execution in executions)
    assert world.proposals()[0].state is S.EXECUTED
    assert postings(world) == 1


@pytest.mark.parametrize("moment", ["before the decision", "before the execution"])
def test_losing_every_checkpoint_loses_nothing(guided: World, a_copy: Copy, moment: str) -> None:
    world = a_copy(guided)
    (proposal,) = world.proposals()
    if moment == "before the decision":
        delete_checkpoints(world)
    world.decide(proposal, "approve", "pia")
    if moment == "before the execution":
        delete_checkpoints(world)
    (done,) = rebuilt(world).desk.execute()
    with world.database.read() as connection:
        (outcome,) = list_outcomes(connection, EVERYTHING)

    assert (done.state, postings(world)) == (S.EXECUTED, 1)
    assert outcome.predicted["units"] == 78


def delete_checkpoints(world: World) -> None:
    with open_checkpoints(world.database, world.folder / "checkpoints.sqlite3") as checkpoints:
        assert checkpoints.threads()
        checkpoints.prune(set())


def test_an_edit_after_the_checkpoints_are_gone_goes_through_the_gate(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    delete_checkpoints(world)
    edited = world.decide(world.proposals()[0], "edit", "pia", quantities={1: 40})

    assert (edited.state, edited.tier) == (S.PENDING, Tier.PLANNER)
    assert world.decide(edited, "approve", "otto").state is S.APPROVED
    assert world.desk.execute()[0].state is S.EXECUTED


def test_a_rejected_case_resumes_to_its_end_without_acting(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    (proposal,) = world.proposals()
    world.decide(proposal, "reject", "pia")
    with graph_of(world) as graph:
        result = graph.invoke(Command(resume={"decision_id": "x"}), thread(proposal), context=context(world))

    assert result["ended"] is S.REJECTED
    assert postings(world) == 0
    assert world.desk.execute() == ()


def test_the_auto_tier_skips_the_person_but_not_the_recall_window(automatic: World, a_copy: Copy) -> None:
    world = a_copy(automatic)
    (proposal,) = world.proposals()
    with graph_of(world) as graph:
        assert graph.get_state(thread(proposal)).next == ("recall",)
        graph.invoke(Command(resume={"decision_id": "x"}), thread(proposal), context=context(world))
        assert graph.get_state(thread(proposal)).next == ("recall",), "the window still runs"
    assert postings(world) == 0

    world.clock.forward(minutes=30)
    assert [execution.state for execution in world.desk.execute()] == [S.EXECUTED]
    assert postings(world) == 1


def test_what_is_recalled_in_its_window_is_never_sent(automatic: World, a_copy: Copy) -> None:
    world = a_copy(automatic)
    (proposal,) = world.proposals()
    world.clock.forward(minutes=29)
    recalled = world.decide(proposal, "reject", "pia")
    world.clock.forward(hours=2)

    assert recalled.state is S.RECALLED
    assert world.desk.execute() == ()
    assert postings(world) == 0


def test_every_step_of_a_case_is_on_record_with_its_role(guided: World) -> None:
    (proposal,) = guided.proposals()
    with guided.database.read() as connection:
        spans = {span.name: span.role for span in spans_of_case(connection, EVERYTHING, proposal.content.case_id)}

    assert spans.items() >= {
        "execute_tool assemble": "inventory", "retrieval rules": "audit", "execute_tool options": "replenishment",
        "invoke_agent draft": "allocation", "execute_tool gate": "audit",
    }.items()  # fmt: skip


def test_another_checkpointer_tells_the_same_story(guided: World, tmp_path: Path) -> None:
    world = copy_of(guided, tmp_path / "copy")
    (proposal,) = world.proposals()
    graph = case_graph(InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=LISTED_TYPES)))
    begin: Any = {"case_id": proposal.content.case_id, "proposal_id": proposal.proposal_id}
    graph.invoke(begin, thread(proposal), context=context(world))
    assert graph.get_state(thread(proposal)).next == ("approve",)
    assert world.proposals() == [proposal], "a gate that has ruled rules no second time"

    world.decide(proposal, "approve", "pia")
    resume: Any = Command(resume={"decision_id": "x"})
    result = graph.invoke(resume, thread(proposal), context=context(world))
    assert result["ended"] is S.EXECUTED
    assert postings(world) == 1
