"""Other programs at the door: the same questions with the caller's own rights, and nothing that decides."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from time import monotonic, sleep
from typing import Any, TypeVar

import httpx2
import pytest
import uvicorn
from fastapi.testclient import TestClient
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from agent.capabilities.registry import all_capabilities
from inventory.audit import count
from inventory.people import find_user, issue_token, revoke_tokens
from inventory.records import EVERYTHING, User
from service.api import create_app
from service.bootstrap import House
from service.mcp_server import mcp_server
from tests.service.doors import MANAGER, PLANNER, Doors

ITEM, SITE, FOREIGN = "P-3435", "PL-NORTH", "DC-WEST"
FORM = {"action": "purchase", "item": "P-14235", "site": "PL-NORTH", "quantity": 20}
T = TypeVar("T")


def person(house: House, user_id: str) -> User:
    with house.database.read() as connection:
        return find_user(connection, EVERYTHING, user_id)


def token_of(house: House, user_id: str) -> str:
    with house.database.write("admin", house.clock()) as transaction:
        return issue_token(transaction, user_id)


def in_process(house: House, user_id: str, ask: Callable[[Client], Awaitable[T]]) -> T:
    """Ask a server made for somebody."""
    user = person(house, user_id)

    async def connected() -> T:
        async with Client(mcp_server(house, lambda: user)) as client:
            return await ask(client)

    return asyncio.run(connected())


def call(house: House, user_id: str, name: str, /, **arguments: Any) -> Any:
    return in_process(house, user_id, lambda client: client.call_tool(name, arguments))


def entries_of(house: House) -> int:
    with house.database.read() as connection:
        return count(connection)


def test_every_question_is_offered_with_its_own_schema_and_none_decides(still_house: House) -> None:
    tools = in_process(still_house, PLANNER, lambda client: client.list_tools()).tools
    known = all_capabilities()

    assert [tool.name for tool in tools] == list(known)
    for tool in tools:
        assert tool.input_schema == known[tool.name].schema()
        assert tool.annotations is not None
        assert (tool.annotations.read_only_hint, tool.annotations.destructive_hint) == (True, False)
    deciding = {"approve", "reject", "decide", "execute", "submit", "sign", "release"}
    assert not deciding & {word for tool in tools for word in tool.name.split("_")}


def test_the_answer_is_the_one_the_desk_gives_in_words_and_as_data(still_house: House, still_doors: Doors) -> None:
    found = call(still_house, PLANNER, "stock_position", item=ITEM, site=SITE)
    asked = still_doors.answer("ask", f"stock of {ITEM} at {SITE}", "--as", PLANNER)

    assert found.is_error is False
    assert found.structured_content == asked["answers"][0]
    assert str(found.structured_content["facts"]["total_free"]["text"]) in found.content[0].text
    assert still_house.toolbox.snapshot().snapshot_id in found.content[0].text


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("stock_position", {}, "item"),
        ("stock_position", {"item": ITEM, "user": "admin"}, "user"),
        ("projection", {"item": ITEM, "site": SITE, "days": -3}, "days"),
        ("what_if", {"change": "approve_everything"}, "change"),
        ("stock_position", {"item": "NO-SUCH-ITEM"}, "NO-SUCH-ITEM"),
    ],
)
def test_what_cannot_be_understood_is_told_as_an_error_of_the_tool(
    still_house: House, name: str, arguments: dict[str, Any], told: str
) -> None:
    found = call(still_house, PLANNER, name, **arguments)

    assert found.is_error is True
    assert told in found.content[0].text
    assert "Traceback" not in found.content[0].text
    assert found.structured_content is None


@pytest.mark.parametrize("name", ["approve", "decide", "execute_proposal", "submit_suggestion", ""])
def test_a_tool_that_is_not_offered_cannot_be_called(still_house: House, name: str) -> None:
    async def refused(client: Client) -> str:
        with pytest.raises(MCPError) as caught:
            await client.call_tool(name, {"proposal": "prop-000000000000"})
        return str(caught.value)

    assert in_process(still_house, PLANNER, refused) == "there is no such tool"


def test_another_site_is_refused_whether_or_not_there_is_one(still_house: House) -> None:
    foreign = call(still_house, PLANNER, "stock_position", item=ITEM, site=FOREIGN)
    absent = call(still_house, PLANNER, "stock_position", item=ITEM, site="ST-NOWHERE")

    assert foreign.is_error is absent.is_error is True
    assert foreign.content == absent.content
    assert call(still_house, MANAGER, "stock_position", item=ITEM, site=FOREIGN).is_error is False


def test_a_suggestion_stores_and_reserves_nothing_until_a_person_submits_it(house: House, doors: Doors) -> None:
    before = entries_of(house)
    found = call(house, PLANNER, "prefill_proposal", **FORM)
    assert found.structured_content["form"]["lines"][0]["quantity"] > 0
    assert entries_of(house) == before, "not a line of the audit log"

    command = found.content[0].text.splitlines()[-1]
    assert found.structured_content["form_digest"] in command
    shown = doors.knock("propose", command.split("'")[1], "--as", PLANNER)
    assert found.structured_content["form_digest"][:12] in shown.stdout.replace("\n", "")


@contextmanager
def listening(house: House) -> Iterator[str]:
    """The app on a free port of this machine."""
    server = uvicorn.Server(uvicorn.Config(create_app(house), host="127.0.0.1", port=0, log_level="error"))
    thread = Thread(target=server.run)
    thread.start()
    deadline = monotonic() + 20
    while not server.started and monotonic() < deadline:
        sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/mcp"
    finally:
        server.should_exit = True
        thread.join(20)


def over_http(url: str, token: str, ask: Callable[[Client], Awaitable[T]]) -> T:
    async def connected() -> T:
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            return await ask(client)

    return asyncio.run(connected())


def test_over_http_each_token_has_its_own_rights_and_a_revoked_one_has_none(still_house: House) -> None:
    def foreign(client: Client) -> Awaitable[Any]:
        return client.call_tool("stock_position", {"item": ITEM, "site": FOREIGN})

    planner, manager = token_of(still_house, PLANNER), token_of(still_house, MANAGER)
    with listening(still_house) as url:
        assert over_http(url, planner, foreign).is_error is True
        assert over_http(url, manager, foreign).is_error is False
        with still_house.database.write("admin", still_house.clock()) as transaction:
            revoke_tokens(transaction, MANAGER)
        gone = httpx2.post(url, headers={"Authorization": f"Bearer {manager}"}, json={}, trust_env=False)
    assert (gone.status_code, gone.headers["content-type"]) == (401, "application/problem+json")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer ek_wrong"}, 401),
        ({"Authorization": "mine", "Origin": "http://evil.test"}, 403),
        ({"Authorization": "mine", "Host": "evil.test"}, 400),
        ({"Authorization": "mine", "Content-Type": "text/plain"}, 400),
        ({"Authorization": "mine", "Content-Length": "70000"}, 413),
    ],
)
def test_the_door_over_http_is_as_narrow_as_every_other(
    still_house: House, headers: dict[str, str], status: int
) -> None:
    if headers.get("Authorization") == "mine":
        headers = {**headers, "Authorization": f"Bearer {token_of(still_house, PLANNER)}"}
    accepted = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    with TestClient(create_app(still_house), base_url="http://127.0.0.1") as client:
        answer = client.post("/mcp", json=listing, headers={**accepted, **headers})
        assert client.get("/mcp").status_code == 405
    assert answer.status_code == status


def test_the_command_serves_the_holder_of_the_token_on_standard_streams(still_house: House) -> None:
    env = {"EVENKEEL_HOME": str(still_house.layout.home), "EVENKEEL_TOKEN": token_of(still_house, PLANNER)}
    command = StdioServerParameters(command=sys.executable, args=["-m", "service.cli", "mcp"], env=env)

    async def connected() -> Any:
        async with Client(command) as client:
            return await client.call_tool("stock_position", {"item": ITEM, "site": FOREIGN})

    assert asyncio.run(connected()).is_error is True


def test_without_a_token_the_command_serves_nobody(still_doors: Doors) -> None:
    refused = still_doors.knock("mcp", env={"EVENKEEL_TOKEN": ""})
    assert refused.exit_code == 1
    assert "EVENKEEL_TOKEN" in refused.stderr
