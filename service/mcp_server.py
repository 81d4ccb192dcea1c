"""The questions of the catalogue as tools of the Model Context Protocol: read, what-if and suggest, never decide.

Every call has the rights of whoever holds the token at that moment. A suggestion is a filled form with its digest: it
stores and reserves nothing until a person submits it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from starlette.responses import Response

from agent.capabilities.registry import all_capabilities
from agent.tracing import own_place
from inventory.record import short_id
from inventory.records import User
from service.bootstrap import House
from service.problems import STATUS, status_of
from tools.capabilities.answer import Answer, FormAnswer
from tools.capabilities.registry import Asking, Capability
from tools.tracing import HOUSE, Step, begin, keep

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext
    from starlette.types import Receive, Scope, Send

INSTRUCTIONS = (
    "Inventory exceptions across sites: positions, projections, options, rules and decisions, as the holder of the "
    "token may see them. Nothing here approves, executes or changes anything: a proposal form is submitted by a person."
)
LARGEST_BODY = 65_536
"""Bytes of one request."""
CALL = "evenkeel/trace"
"""Where an answer names the call, for ``evenkeel trace``."""


def mcp_server(house: House, who: Callable[[], User]) -> Server[Any]:
    """The server of one caller.

    Parameters
    ----------
    who
        Tells who asks, anew for every call, so that rights taken away are gone at once.
    """
    offered = all_capabilities()

    async def list_tools(
        context: ServerRequestContext[Any], page: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[as_tool(capability) for capability in offered.values()])

    async def call_tool(
        context: ServerRequestContext[Any], called: types.CallToolRequestParams
    ) -> types.CallToolResult:
        if called.name not in offered:
            raise MCPError(types.INVALID_PARAMS, "there is no such tool")
        arguments = called.arguments or {}
        return await anyio.to_thread.run_sync(lambda: _called(house, who, offered[called.name], arguments))

    return Server("evenkeel", instructions=INSTRUCTIONS, on_list_tools=list_tools, on_call_tool=call_tool)


def as_tool(capability: Capability) -> types.Tool:
    """A capability as it is announced: none of them writes, reaches outside, or differs when asked again."""
    return types.Tool(
        name=capability.name,
        description=capability.description,
        input_schema=capability.schema(),
        output_schema=capability.answer.model_json_schema(mode="serialization"),
        annotations=types.ToolAnnotations(
            title=capability.name.replace("_", " "),
            read_only_hint=True,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )


def serve_stdio(house: House, who: Callable[[], User]) -> None:
    """Serve one caller on standard input and output until the input ends."""
    server = mcp_server(house, who)

    async def serve() -> None:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(serve)


class Handed(Response):
    """One request handed to a server of the caller's own, which keeps nothing afterwards."""

    def __init__(self, house: House, user: User) -> None:
        super().__init__()
        self._server = mcp_server(house, lambda: user)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request; one a web page of elsewhere sends is refused."""
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        manager = StreamableHTTPSessionManager(
            self._server,
            json_response=True,
            stateless=True,
            # Names of this server are checked for every route; here any Origin is a foreign one.
            security_settings=TransportSecuritySettings(allowed_hosts=[host]),
            max_request_body_size=LARGEST_BODY,
        )
        async with manager.run():
            await manager.handle_request(scope, receive, send)


def _called(
    house: House, who: Callable[[], User], capability: Capability, arguments: Mapping[str, Any]
) -> types.CallToolResult:
    """Ask one question and put the call on record, whatever becomes of it."""
    try:
        user = who()
    except tuple(STATUS) as error:
        return _refused(error)
    step = begin(house.toolbox, "invoke_workflow mcp", HOUSE, **{"gen_ai.tool.name": capability.name})
    call_id = short_id("call", user.user_id, step.began.isoformat(), capability.name, repr(arguments))
    result = _asked(house, user, capability, arguments, step)
    with house.database.write(user.user_id, house.clock()) as transaction:
        keep(transaction, [(step, own_place(user, call_id))])
    return result.model_copy(update={"meta": {CALL: call_id}})


def _asked(
    house: House, user: User, capability: Capability, arguments: Mapping[str, Any], step: Step
) -> types.CallToolResult:
    try:
        with step.at_hand(), house.chat.one_at_a_time, house.database.read() as connection:
            answer = capability.run(Asking(house.toolbox, connection, user), arguments)
    except tuple(STATUS) as error:
        return _refused(error)
    return types.CallToolResult(
        content=[types.TextContent(text=_words(answer))], structured_content=answer.model_dump(mode="json")
    )


def _refused(error: Exception) -> types.CallToolResult:
    told = "the service cannot answer this" if status_of(error) == 500 else str(error)
    return types.CallToolResult(content=[types.TextContent(text=told)], is_error=True)


def _words(answer: Answer) -> str:
    """The answer as text, with its sources and, for a form, how a person submits it."""
    parts = [answer.text]
    if answer.sources:
        parts.append("Sources: " + "; ".join(dict.fromkeys(source.text for source in answer.sources)))
    if isinstance(answer, FormAnswer) and answer.form is not None:
        asked = answer.form.asked.model_dump(mode="json", exclude_none=True)
        words = " ".join([str(asked.pop("action")), *(f"{name}={value}" for name, value in asked.items())])
        parts.append(f"A person submits it with: evenkeel propose '{words}' --form {answer.form_digest}")
    return "\n".join(parts)
