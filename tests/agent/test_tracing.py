"""What a run leaves in the trace: whole trees across every pause, what was read and asked, and no secret."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

import pytest
from langchain_core.messages import HumanMessage
from sqlalchemy import select

from agent.chat.desk import ChatDesk
from agent.models.caps import Asker
from agent.models.door import Question
from agent.models.on_record import said_in
from agent.tracing import keep_step
from inventory.errors import NotFoundError
from inventory.people import scope_of
from inventory.proposals import list_citations
from inventory.record import digest_text
from inventory.records import EVERYTHING, ProposalState, User
from inventory.redaction import HIDDEN
from inventory.tables import trace, trace_words
from inventory.trace import Span, spans_after, spans_of_case, spans_of_trace, words_of
from tests.agent.conftest import Copy
from tests.agent.scripted_chat import ScriptedChat, call
from tests.agent.test_model_door import a_door
from tests.model_server import model_server, saying
from tests.worlds import World
from tools.retrieve import search_rules
from tools.tracing import code_version, taking

S = ProposalState
GRAPH = (
    "execute_tool assemble", "retrieval rules", "execute_tool options", "invoke_agent draft", "execute_tool gate",
)  # fmt: skip
AFTERWARDS = ("invoke_workflow approval", "execute_tool dispatch", "execute_tool outcome")
SECRET = "Tr0ub4dor-and-3"


def everything(world: World) -> list[Span]:
    with world.database.read() as connection:
        return [span for _, span in spans_after(connection, 0, 10_000)]


def of_case(world: World, case_id: str) -> list[Span]:
    with world.database.read() as connection:
        return spans_of_case(connection, EVERYTHING, case_id)


def user(world: World, name: str) -> User:
    return world.user(name)


def assert_trees(spans: Sequence[Span]) -> None:
    """Every parent is there before its children, in the same trace, and every trace has one root."""
    seen: dict[str, Span] = {}
    for span in spans:
        if span.parent_id:
            assert seen[span.parent_id].trace_id == span.trace_id, span.name
        seen[span.span_id] = span
    roots = Counter(span.trace_id for span in spans if not span.parent_id)
    assert set(roots.values()) == {1}
    assert roots.keys() == {span.trace_id for span in spans}


def test_a_case_is_one_tree_from_detection_to_outcome_across_the_pause(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    (proposal,) = world.proposals()
    before = of_case(world, proposal.content.case_id)
    world.decide(proposal, "approve", "pia")
    again = world.copied_to(world.folder.parent / "another process")  # nothing in memory is left
    (done,) = again.desk.execute()
    assert done.state is S.EXECUTED
    after = of_case(again, proposal.content.case_id)

    assert after[: len(before)] == before
    assert_trees(after)
    by_name = {span.name: span for span in after}
    (root,) = (span for span in after if not span.parent_id)
    above = by_name["invoke_workflow proposal"]
    assert (root.name, above.parent_id) == ("invoke_workflow case", root.span_id)
    assert {by_name[name].parent_id for name in (*GRAPH, *AFTERWARDS)} == {above.span_id}
    assert {span.case_id for span in after} == {span.trace_id for span in after} == {proposal.content.case_id}
    assert [span.name for span in after[len(before) :]] == list(AFTERWARDS)
    assert by_name["execute_tool dispatch"].attributes["evenkeel.erp.references"]


def test_without_its_scratch_paper_a_case_goes_on_in_the_same_tree(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    (proposal,) = world.proposals()
    world.decide(proposal, "approve", "pia")
    for thread in ("checkpoints.sqlite3", "checkpoints.sqlite3-wal", "checkpoints.sqlite3-shm"):
        (world.folder / thread).unlink(missing_ok=True)
    world.desk.execute()
    told = of_case(world, proposal.content.case_id)
    assert_trees(told)
    assert [span.name for span in told[-3:]] == list(AFTERWARDS)


def test_every_trace_of_a_house_is_a_whole_tree(rivals: World, a_copy: Copy) -> None:
    world = a_copy(rivals)
    world.clock.forward(hours=1)
    world.desk.sweep()
    ChatDesk(world.toolbox).answer(user(world, "root"), "stock of PUMP at NORTH")
    spans = everything(world)
    assert_trees(spans)
    sweeps = {span.trace_id for span in spans if span.name == "invoke_workflow sweep"}
    assert len(sweeps) == 2
    with world.database.read() as connection:
        steps = spans_of_trace(connection, EVERYTHING, max(sweeps))
    assert [span.name for span in steps][1:4] == ["execute_tool recover", "execute_tool health", "execute_tool detect"]


def test_a_tool_run_is_known_by_version_seed_and_digests_and_a_retrieval_by_its_passages(guided: World) -> None:
    (proposal,) = guided.proposals()
    told = {span.name: span for span in of_case(guided, proposal.content.case_id)}
    for name in ("execute_tool assemble", "execute_tool options", "execute_tool gate"):
        assert told[name].attributes["evenkeel.version"] == code_version()
        assert told[name].attributes["evenkeel.seed"] == str(guided.toolbox.seed)
        assert len(told[name].inputs) == len(told[name].outputs) == 64
    with guided.database.read() as connection:
        citations = list_citations(connection, EVERYTHING, proposal.proposal_id)
        said = words_of(connection, EVERYTHING, told.values())
    retrieval = told["retrieval rules"]
    assert citations
    assert json.loads(retrieval.attributes["gen_ai.retrieval.documents"]) == [
        {"id": one.passage_id, "document": one.document_id, "version": one.version, "hash": digest_text(one.text)}
        for one in citations
    ]
    assert retrieval.inputs == digest_text(said[retrieval.span_id]["prompt"])
    assert "transfer" in said[retrieval.span_id]["prompt"]


def test_steps_carry_the_sites_they_may_tell_of(rivals: World) -> None:
    otto = scope_of(user(rivals, "otto"))
    assert otto.sites == frozenset({"NORTH"})
    spans = [span for span in everything(rivals) if span.name == "invoke_agent draft"]
    assert {span.sites for span in spans} == {("DC", "NORTH"), ("DC", "SOUTH")}
    own, other = sorted(spans, key=lambda span: span.sites)
    with rivals.database.read() as connection:
        told = spans_of_case(connection, otto, own.case_id)
        assert told
        assert "DC" not in {site for span in told for site in span.sites}
        assert words_of(connection, otto, [own, other]) == {}, "a draft tells of both ends of the lane"
        with pytest.raises(NotFoundError):
            spans_of_case(connection, otto, other.case_id)


def test_a_turn_is_on_record_with_its_prompt_tools_and_answer_and_only_its_owner_reads_it(
    guided: World, a_copy: Copy
) -> None:
    world = a_copy(guided)
    before = len(everything(world))
    desk, root = ChatDesk(world.toolbox), user(world, "root")
    reply = desk.answer(root, "what do the rules say about a donor?")
    desk.answer(root, "stock of BOLT at NORTH", reply.conversation_id)
    spans = everything(world)[before:]
    assert_trees(spans)
    with world.database.read() as connection:
        assert spans_of_trace(connection, scope_of(root), reply.conversation_id) == spans
        said = words_of(connection, scope_of(root), spans)
        with pytest.raises(NotFoundError):
            spans_of_trace(connection, scope_of(user(world, "pia")), reply.conversation_id)
        assert words_of(connection, scope_of(user(world, "pia")), spans) == {}
    turns = [span for span in spans if span.name == "invoke_agent chat"]
    assert [said[turn.span_id]["prompt"] for turn in turns] == [
        "what do the rules say about a donor?", "stock of BOLT at NORTH",
    ]  # fmt: skip
    assert said[turns[0].span_id]["answer"] == reply.text
    by_id = {span.span_id: span for span in spans}
    (searched,) = (span for span in spans if span.name == "retrieval rules")
    assert by_id[searched.parent_id].name == "execute_tool find_rules"
    assert json.loads(searched.attributes["gen_ai.retrieval.documents"])[0]["document"] == "SOP-T"
    asked = [span for span in spans if span.name.startswith("chat ")]
    assert {by_id[span.parent_id].name for span in asked} == {"invoke_agent understand"}
    for span in asked:
        assert (span.inputs, span.outputs) == tuple(
            digest_text(said[span.span_id][part]) for part in ("prompt", "answer")
        )
    assert {(span.conversation_id, span.who, span.owner) for span in spans if span.seconds or span.inputs} == {
        (reply.conversation_id, "root", "root")
    }


def test_a_turn_nobody_listens_to_any_more_is_on_record_too(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    before = len(everything(world))
    pieces = ChatDesk(world.toolbox).ask(user(world, "root"), "stock of BOLT at NORTH")
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]  # a generator
    spans = everything(world)[before:]
    assert_trees(spans)
    assert [span.attributes["error.type"] for span in spans if span.name == "invoke_agent chat"] == ["GeneratorExit"]


def test_no_secret_is_in_any_row_whoever_says_it(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    world.toolbox.secrets = (SECRET,)
    model = ScriptedChat(
        script=[[call("stock_position", item="BOLT", site=f"NORTH {SECRET}")], RuntimeError(SECRET), f"It is {SECRET}."]
    )
    for desk in (ChatDesk(world.toolbox), ChatDesk(world.toolbox, model)):
        desk.answer(user(world, "root"), f"stock of BOLT at NORTH, my login is {SECRET} and password: hunter2222")
    with taking(world.toolbox, "execute_tool plan", "supply", note=SECRET), world.database.read() as connection:
        search_rules(world.toolbox.knowledge(connection), SECRET, EVERYTHING, on=world.clock().date())
    with world.database.read() as connection:
        rows = [str(row) for table in (trace, trace_words) for row in connection.execute(select(table))]
    assert any(HIDDEN in row for row in rows), "it was said, and taken out"
    assert [row for row in rows if SECRET in row or "hunter2222" in row] == []


def test_a_question_through_the_door_is_on_record_as_it_left_with_where_it_went(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    with model_server(saying("The price «price-1» is fair.")) as server:
        door = a_door(server.url)
        with taking(world.toolbox, "invoke_agent draft", "allocation") as step:
            result = door.ask(
                Question([HumanMessage("The price is 12.34 EUR, is it fair?")]),
                Asker(user="pia", run="run-1", purpose="draft"),
            )
        door.close()
    (asked,) = step.steps
    assert asked.name == "chat tester"
    assert "12.34" not in asked.words["prompt"]
    assert asked.words["answer"] == result.text
    assert "12.34" in result.text
    assert asked.attributes["gen_ai.request.model"] == "tester"
    assert asked.attributes["evenkeel.egress.withheld"] == "price=1"
    assert said_in([HumanMessage("hello")]) == "[human]\nhello"


def test_a_step_and_its_facts_are_there_together_or_not_at_all(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    (proposal,) = world.proposals()

    def cut_short() -> None:
        with (
            taking(world.toolbox, "execute_tool gate", "audit") as step,
            world.database.write("evenkeel", world.clock()) as transaction,
        ):
            keep_step(transaction, step, proposal)
            assert len(everything(world)) == len(before)
            raise RuntimeError("half-way")

    before = everything(world)
    with pytest.raises(RuntimeError, match="half-way"):
        cut_short()
    assert everything(world) == before
