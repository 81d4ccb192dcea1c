"""The three graphs for a development server, which brings scratch paper of its own and hands no context in.

None of them can do more than the desk and the chat can: a run started there waits for the same decision in SQL, and
without an ERP it posts nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, AnyMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.graph.state import CompiledStateGraph

from agent.case_graph import DeskContext, case_graph
from agent.chat.desk import ChatDesk
from agent.desk import ExceptionDesk
from agent.sweep_graph import sweep_graph
from inventory.records import User

Graph = CompiledStateGraph[Any, Any, Any, Any]
PLAIN = ["snapshot_id", "cleared", "proposal_ids", "held_back", "dispositions", "result"]
"""What of a sweep's state is shown; arrays and the records found on the way are not."""


class Furnished(Graph):
    """A compiled graph that opens what its nodes work with by itself, anew for every run."""

    def __init__(self, *, furniture: Callable[[], AbstractContextManager[object]], **parts: Any) -> None:
        super().__init__(**parts)
        self.furniture = furniture

    def stream(self, *args: Any, **options: Any) -> Iterator[Any]:
        """Run the graph; a context that is handed in is not used."""
        with self.furniture() as context:
            yield from super().stream(*args, **{**options, "context": context})

    async def astream(self, *args: Any, **options: Any) -> AsyncIterator[Any]:
        """Run the graph; a context that is handed in is not used."""
        async with _elsewhere(self.furniture()) as context:
            async for part in super().astream(*args, **{**options, "context": context}):
                yield part


class Talk(TypedDict, total=False):
    """A conversation as a chat screen keeps it."""

    messages: Annotated[list[AnyMessage], add_messages]
    conversation_id: str


def studio_sweep(desk: ExceptionDesk) -> Graph:
    """The sweep graph over a desk; its input is empty, and its values are those a server can send."""
    return _furnished(sweep_graph(), desk.sweeping, stream_channels=PLAIN, output_channels=PLAIN)


def studio_case(desk: ExceptionDesk) -> Graph:
    """The case graph over a desk; its input is ``case_id`` and ``proposal_id`` of a draft."""
    context = DeskContext(desk.toolbox, desk.drafter, desk.gate)
    return _furnished(case_graph(None), lambda: nullcontext(context))


def studio_chat(desk: ChatDesk, user: User) -> Graph:
    """The chat as one person, whose rights it has; its input is ``messages``.

    Each turn runs the chat graph and is remembered where ``evenkeel chat`` remembers it.
    """

    def turn(state: Talk) -> Talk:
        reply = desk.answer(user, str(state["messages"][-1].text), state.get("conversation_id"))
        return {"messages": [AIMessage(reply.text)], "conversation_id": reply.conversation_id}

    graph = StateGraph(Talk)
    graph.add_node("turn", turn)
    graph.add_edge(START, "turn")
    graph.add_edge("turn", END)
    return graph.compile(name="chat")


@asynccontextmanager
async def _elsewhere(furniture: AbstractContextManager[object]) -> AsyncIterator[object]:
    """Opened and closed off the event loop, for what it opens are files and databases."""
    context = await asyncio.to_thread(furniture.__enter__)
    try:
        yield context
    except BaseException as error:
        if not await asyncio.to_thread(furniture.__exit__, type(error), error, error.__traceback__):
            raise
    else:
        await asyncio.to_thread(furniture.__exit__, None, None, None)


def _furnished(graph: Graph, furniture: Callable[[], AbstractContextManager[object]], **other: Any) -> Graph:
    # Without a schema of the context a server asks nobody for one.
    parts = {name: part for name, part in vars(graph).items() if name != "__orig_class__"}
    return Furnished(furniture=furniture, **{**parts, **other, "context_schema": None})
