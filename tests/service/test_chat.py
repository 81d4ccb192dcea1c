"""Talking at the doors: the command line, and server-sent events over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from inventory.conversations import turns_of
from inventory.people import find_user, issue_token, scope_of
from inventory.records import EVERYTHING, Scope
from service.api import create_app
from service.bootstrap import House
from tests.service.doors import MANAGER, PLANNER, Doors

ITEM, SITE = "P-3435", "PL-NORTH"


@pytest.fixture(scope="module")
def client(still_house: House) -> Iterator[TestClient]:
    """A client of the shared copy."""
    with TestClient(create_app(still_house), base_url="http://127.0.0.1") as opened:
        yield opened


def _token(house: House, user: str) -> dict[str, str]:
    with house.database.write("admin", house.clock()) as transaction:
        return {"Authorization": f"Bearer {issue_token(transaction, user)}"}


def _scope(house: House, user: str) -> Scope:
    with house.database.read() as connection:
        return scope_of(find_user(connection, EVERYTHING, user))


def _events(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_ask_answers_in_facts_and_names_its_source(still_doors: Doors, still_house: House) -> None:
    said = still_doors.knock("ask", f"how many {ITEM} do we have at the plant", "--as", PLANNER)
    assert said.exit_code == 0, said.output
    assert ITEM in said.stdout
    assert still_house.toolbox.snapshot().snapshot_id in said.stdout.replace("\n", "")


def test_ask_as_json_is_one_object(still_doors: Doors) -> None:
    said = still_doors.knock("ask", f"why is {ITEM} short at the plant?", "--json", "--as", PLANNER)
    reply = json.loads(said.stdout)
    assert [each["name"] for each in reply["questions"]] == ["why"]
    assert reply["answers"][0]["capability"] == "why"
    assert reply["model"] == "offline-rules-1"


def test_a_conversation_goes_on_at_the_command_line(still_doors: Doors) -> None:
    lines = f"stock of {ITEM} at the plant\nand when does it run out?\napprove it for me\n\n"
    said = still_doors.knock("chat", "--as", PLANNER, typed=lines)
    assert said.exit_code == 0, said.output
    assert "cannot approve" in said.stdout.replace("\n", " ")
    conversation = said.stdout.split("conversation ")[-1].split()[0]
    later = still_doors.knock("ask", "who could spare some?", "--json", "--conversation", conversation, "--as", PLANNER)
    assert json.loads(later.stdout)["questions"][0]["arguments"] == {"item": ITEM, "site": SITE}
    foreign = still_doors.knock("ask", "and now?", "--conversation", conversation, "--as", MANAGER)
    assert foreign.exit_code == 1
    assert ITEM not in foreign.output


def test_what_comes_back_holds_nothing_a_terminal_obeys(still_doors: Doors) -> None:
    said = still_doors.knock("ask", "stock of [bold]\x1b[31mP-9999\x1b[0m", "--as", PLANNER)
    assert "\x1b" not in said.stdout


def test_chat_over_http_streams_checked_pieces(client: TestClient, still_house: House) -> None:
    headers = _token(still_house, PLANNER)
    answer = client.post("/chat", json={"message": f"stock of {ITEM} at the plant"}, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = _events(answer.text)
    assert [kind for kind, _ in events[:2]] == ["looking", "sentence"]
    assert events[-1][0] == "done"
    done = events[-1][1]
    assert done["text"] == "\n".join(data["text"] for kind, data in events if kind == "sentence")
    with still_house.database.read() as connection:
        assert len(turns_of(connection, _scope(still_house, PLANNER), done["conversation_id"])) == 1
    later = {"message": "when does it run out?", "conversation": done["conversation_id"]}
    again = _events(client.post("/chat", json=later, headers=headers).text)[-1][1]
    assert again["questions"] == [{"name": "projection", "arguments": {"item": ITEM, "site": SITE}}]


def test_another_s_conversation_and_another_s_site_stay_closed(client: TestClient, still_house: House) -> None:
    owner = _events(client.post("/chat", json={"message": "hi"}, headers=_token(still_house, MANAGER)).text)[-1][1]
    body = {"message": "go on", "conversation": owner["conversation_id"]}
    foreign = _events(client.post("/chat", json=body, headers=_token(still_house, PLANNER)).text)
    assert [(kind, data["status"]) for kind, data in foreign] == [("error", 404)]
    asked = client.post("/chat", json={"message": "stock of P-3679 at Pine"}, headers=_token(still_house, PLANNER))
    assert _events(asked.text)[-1][1]["refused"] == ["foreign_site"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"message": ""}, 422),
        ({"message": "x" * 2_001}, 422),
        ({"message": 5}, 422),
        ({"message": "hi", "user": "admin"}, 422),
        ({"message": "hi", "conversation": 7}, 422),
    ],
)
def test_a_body_that_is_no_message_is_not_taken(
    client: TestClient, still_house: House, body: dict[str, Any], status: int
) -> None:
    assert client.post("/chat", json=body, headers=_token(still_house, PLANNER)).status_code == status


def test_chat_needs_a_token(client: TestClient) -> None:
    assert client.post("/chat", json={"message": "hi"}).status_code == 401
