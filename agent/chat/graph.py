"""One chat turn as a LangGraph: understand, then ask back, refuse, talk, or ask the tools and answer.

The graph decides nothing and writes nothing. Whatever model is behind it, its calls are vetted by code, its sentences
are checked before they are shown, and steps, calls and seconds are bounded; when it fails, the offline model answers
and the turn says so.
"""

from __future__ import annotations

from functools import wraps
from typing import Any, Literal, Protocol, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, ToolMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agent.chat.context import ChatContext
from agent.chat.controls import INSTEAD, TALKS, Reason, asking
from agent.chat.conversation import result_message, slotted
from agent.chat.events import ChatEvent
from agent.chat.listening import fall_back, heard
from agent.chat.outcome import Outcome, ToolCall
from agent.chat.speaking import Speaker
from agent.chat.vetting import NAMED
from agent.errors import AgentError
from inventory.errors import AccessError, InventoryError
from tools.capabilities.answer import Answer, FormAnswer
from tools.capabilities.registry import Asking
from tools.errors import ToolError

FELL_BACK = "The language model gave no usable answer, so this was understood and worded by rules."
NOTHING_SAID = "I could not answer that from what I can look up. Ask me for help to see what I know about."
TOO_MUCH = "That took more steps than a turn may take; here is what I have so far."


class ChatState(TypedDict, total=False):
    """What travels along the graph: how much was done, and what the last message came to."""

    steps: int
    calls: int
    outcome: dict[str, Any]


def understand(state: ChatState, runtime: Runtime[ChatContext]) -> ChatState:
    """Ask the model what to do next, or hear its answer."""
    context = runtime.context
    work = context.work
    speaker = _speaker(runtime)
    message = heard(context, speaker)
    work.messages.append(message)
    outcome = context.vetting.outcome(message.tool_calls, str(message.text))
    if not message.tool_calls and not work.answers and context.other:
        # Words without a tool: whatever they claim, nothing stands behind them.
        fall_back(work)
        return understand(state, runtime)
    return {"steps": state.get("steps", 0) + 1, "outcome": outcome.model_dump(mode="json")}


def reply(state: ChatState, runtime: Runtime[ChatContext]) -> ChatState:
    """Ask back, refuse or talk, in fixed words."""
    outcome, work = Outcome.model_validate(state["outcome"]), runtime.context.work
    for reason in outcome.refusals:
        _refuse(runtime, reason)
    if outcome.clarify is not None:
        work.asked_back, work.choices = outcome.clarify.argument, outcome.clarify.choices
        text = asking(outcome.clarify.argument, outcome.clarify.choices)
        work.said.append(text)
        runtime.stream_writer(ChatEvent(kind="question", text=text, argument=work.asked_back, choices=work.choices))
    elif outcome.smalltalk is not None:
        _say(runtime, TALKS[outcome.smalltalk])
    return {}


def ask_tools(state: ChatState, runtime: Runtime[ChatContext]) -> ChatState:
    """Put the vetted questions, and tell the model what was not let through."""
    outcome, work, context = Outcome.model_validate(state["outcome"]), runtime.context.work, runtime.context
    for reason in outcome.refusals:
        _refuse(runtime, reason)
    made = state.get("calls", 0)
    answered: set[str] = set()
    for call in outcome.calls:
        if made >= context.bounds.calls:
            break
        made += 1
        answered.add(call.call_id)
        work.messages.append(_put(call, runtime))
    problems = dict(outcome.problems)
    for call_id in _called(work.messages):
        if call_id not in answered and not _has_result(work.messages, call_id):
            work.messages.append(ToolMessage(problems.get(call_id, "done"), tool_call_id=call_id, status="error"))
    return {"calls": made}


def close(state: ChatState, runtime: Runtime[ChatContext]) -> ChatState:
    """Say in the tools' own words what was not said, and name the sources."""
    work = runtime.context.work
    if work.answers:
        for _, answer, prefix in work.answers:
            if not work.worded and not _tell(runtime, slotted(answer, answer.template, prefix)):
                _say(runtime, _listed(answer))
            for note in answer.notes:
                _tell(runtime, slotted(answer, note, prefix))
            _show(runtime, answer)
    elif not work.said:
        _say(runtime, NOTHING_SAID)
    if work.fell_back and runtime.context.model is not runtime.context.fallback:
        _say(runtime, FELL_BACK)
    return {}


def after_understanding(state: ChatState, runtime: Runtime[ChatContext]) -> Literal["reply", "ask_tools", "close"]:
    """Tools when something may be asked, fixed words when not, the end when the answer was heard."""
    outcome = Outcome.model_validate(state["outcome"])
    if outcome.calls or outcome.problems:
        return "ask_tools"
    if outcome.clarify or outcome.refusals or outcome.smalltalk:
        return "reply"
    return "close"


def after_tools(state: ChatState, runtime: Runtime[ChatContext]) -> Literal["understand", "close"]:
    """The model again, unless the turn has done all it may."""
    context = runtime.context
    work = context.work
    spent = (context.toolbox.machine() - context.started).total_seconds()
    done = state.get("steps", 0) >= context.bounds.steps or state.get("calls", 0) >= context.bounds.calls
    if not done and spent <= context.bounds.seconds:
        return "understand"
    if work.answers or not context.other:
        if context.other:
            _say(runtime, TOO_MUCH)
            fall_back(work)
        return "close"
    fall_back(work)
    return "understand"


def build_chat_graph(
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> CompiledStateGraph[ChatState, ChatContext, ChatState, ChatState]:
    """The graph of a turn.

    Parameters
    ----------
    checkpointer
        Where a turn's scratch paper goes; none is needed, the conversation is in SQL.
    """
    graph = StateGraph(ChatState, ChatContext)
    for node in (understand, reply, ask_tools, close):
        graph.add_node(node.__name__, _on_record(node))
    graph.add_edge(START, "understand")
    graph.add_conditional_edges("understand", after_understanding)
    graph.add_conditional_edges("ask_tools", after_tools)
    graph.add_edge("reply", "close")
    graph.add_edge("close", END)
    return graph.compile(checkpointer=checkpointer, name="chat")


class Node(Protocol):
    """A step of a turn."""

    __name__: str

    def __call__(self, state: ChatState, runtime: Runtime[ChatContext]) -> ChatState:
        """What it adds to the state."""


def _on_record(node: Node) -> Node:
    """The node, noted as a step of the turn."""

    @wraps(node)
    def taken(state: ChatState, runtime: Runtime[ChatContext]) -> ChatState:
        with runtime.context.work.step.within(f"invoke_agent {node.__name__}"):
            return node(state, runtime)

    return taken


def _put(call: ToolCall, runtime: Runtime[ChatContext]) -> ToolMessage:
    """One question to one tool, and what the model is told of the answer."""
    context, work = runtime.context, runtime.context.work
    about = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in call.arguments.items())
    looking = f"{call.name.replace('_', ' ')}: {about}" if about else call.name.replace("_", " ")
    runtime.stream_writer(ChatEvent(kind="looking", text=looking))
    try:
        with context.one_at_a_time, context.toolbox.database.read() as connection:
            asking_now = Asking(context.toolbox, connection, context.user)
            answer = context.capabilities[call.name].run(asking_now, call.arguments)
    except AccessError:
        _refuse(runtime, "foreign_site")
        return ToolMessage("refused: outside the user's rights", tool_call_id=call.call_id, status="error")
    except (ToolError, InventoryError, AgentError) as error:
        _say(runtime, f"I could not look that up: {error}.".replace("..", "."))
        return ToolMessage(f"failed: {type(error).__name__}", tool_call_id=call.call_id, status="error")
    prefix = "" if not work.answers else f"q{len(work.answers) + 1}_"
    work.answers.append((call, answer, prefix))
    work.worded = False
    work.facts.update({f"{prefix}{name}": fact.text for name, fact in answer.facts.items()})
    work.known_ids |= {str(fact.value) for fact in answer.facts.values() if fact.kind in _ID_KINDS}
    work.known_ids |= {str(call.arguments[name]) for name in NAMED if name in call.arguments}
    return result_message(call.call_id, answer, prefix)


_ID_KINDS = frozenset({"item", "site", "supplier", "document", "clause", "reference"})


def _called(messages: list[AnyMessage]) -> list[str]:
    newest = next((message for message in reversed(messages) if isinstance(message, AIMessage)), None)
    return [] if newest is None else [str(call["id"]) for call in newest.tool_calls]


def _has_result(messages: list[AnyMessage], call_id: str) -> bool:
    return any(isinstance(message, ToolMessage) and message.tool_call_id == call_id for message in messages)


def _speaker(runtime: Runtime[ChatContext]) -> Speaker:
    work = runtime.context.work
    ids = {*runtime.context.names.ids("site"), *runtime.context.names.ids("supplier"), *work.known_ids}
    return Speaker(work.facts, ids, lambda text: _say(runtime, text))


def _say(runtime: Runtime[ChatContext], text: str) -> None:
    runtime.context.work.said.append(text)
    runtime.stream_writer(ChatEvent(kind="sentence", text=text))


def _refuse(runtime: Runtime[ChatContext], reason: Reason) -> None:
    work = runtime.context.work
    if reason not in work.refused:
        work.refused.append(reason)
        work.said.append(INSTEAD[reason])
        runtime.stream_writer(ChatEvent(kind="refusal", text=INSTEAD[reason], reason=reason))


def _tell(runtime: Runtime[ChatContext], template: str) -> bool:
    """Say a template of a tool, checked like a model's words; whether all of it passed."""
    speaker = _speaker(runtime)
    speaker.hear(template)
    speaker.finish()
    return not speaker.broken


def _listed(answer: Answer) -> str:
    """The facts of an answer, for want of words that pass."""
    return "; ".join(f"{name.replace('_', ' ')}: {fact.text}" for name, fact in answer.facts.items()) or NOTHING_SAID


def _show(runtime: Runtime[ChatContext], answer: Answer) -> None:
    for table in answer.tables:
        runtime.stream_writer(ChatEvent(kind="table", text=table.title, table=table))
    if isinstance(answer, FormAnswer) and answer.form is not None:
        runtime.stream_writer(ChatEvent(kind="form", form=answer.form, form_digest=answer.form_digest))
    for source in answer.sources:
        runtime.stream_writer(ChatEvent(kind="source", text=source.text))
