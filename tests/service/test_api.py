"""The HTTP API: who may, what is understood, and that no door is left open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from inventory.people import issue_token
from service.api import create_app, refuse_open_doors
from service.bootstrap import House
from service.errors import OpenDoorError
from tests.service.doors import APPROVER, AUDITOR, PLANNER, Doors, a_transfer

BASE = "http://127.0.0.1"


@pytest.fixture(scope="module")
def still_client(still_house: House) -> Iterator[TestClient]:
    """A client of the shared copy."""
    with TestClient(create_app(still_house), base_url=BASE) as opened:
        yield opened


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    """A client of the app on the loopback address."""
    with TestClient(create_app(house), base_url=BASE) as opened:
        yield opened


def _as(house: House, user: str) -> dict[str, str]:
    with house.database.write("admin", house.clock()) as transaction:
        return {"Authorization": f"Bearer {issue_token(transaction, user)}"}


def _approve(house: House) -> tuple[str, dict[str, str]]:
    proposal = a_transfer(house)
    body = {"verb": "approve", "digest": proposal.digest[:16], "reason": "agree"}
    return f"/proposals/{proposal.proposal_id}/decision", body


def test_health_asks_nobody_and_tells_nothing(still_client: TestClient) -> None:
    answer = still_client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer  ", "Basic abc", "Bearer ek_wrong", "bearer \x7f"])
def test_without_a_valid_token_every_other_route_answers_401(
    still_client: TestClient, still_house: House, header: str | None
) -> None:
    proposal = a_transfer(still_house)
    headers = {} if header is None else {"Authorization": header}
    for method, path in (
        ("GET", "/cases"),
        ("GET", f"/cases/{proposal.content.case_id}"),
        ("GET", f"/proposals/{proposal.proposal_id}"),
        ("POST", f"/proposals/{proposal.proposal_id}/decision"),
        ("POST", "/decisions"),
    ):
        answer = still_client.request(method, path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Bearer"


def test_the_api_shows_what_the_command_line_shows(
    still_client: TestClient, still_house: House, still_doors: Doors
) -> None:
    mine = _as(still_house, PLANNER)
    case_id, proposal_id = a_transfer(still_house).content.case_id, a_transfer(still_house).proposal_id
    assert still_client.get("/cases", headers=mine).json() == still_doors.answer("cases", "--as", PLANNER)
    assert still_client.get(f"/cases/{case_id}", headers=mine).json() == still_doors.answer(
        "cases", case_id, "--as", PLANNER
    )
    shown = still_client.get(f"/proposals/{proposal_id}", headers=mine).json()
    assert shown == still_doors.answer("proposals", proposal_id, "--as", PLANNER)


def test_what_is_out_of_scope_is_not_there(still_client: TestClient, still_house: House) -> None:
    proposal, cara = a_transfer(still_house), _as(still_house, "cara.planner")
    path, body = _approve(still_house)
    absent = still_client.get("/proposals/prop-000000000000", headers=cara)
    hidden = still_client.get(f"/proposals/{proposal.proposal_id}", headers=cara)
    assert absent.status_code == hidden.status_code == 404
    assert hidden.json()["detail"] == absent.json()["detail"].replace("prop-000000000000", proposal.proposal_id)
    assert still_client.get(f"/cases/{proposal.content.case_id}", headers=cara).status_code == 404
    assert still_client.post(path, json=body, headers=cara).status_code == 404


def test_an_approval_is_taken_once(client: TestClient, house: House) -> None:
    path, body = _approve(house)
    mine = _as(house, PLANNER)
    first = client.post(path, json=body, headers=mine)
    assert first.status_code == 200
    assert first.json()["state"] == "approved"
    assert client.post(path, json=body, headers=mine).status_code == 409


def test_an_approval_answers_with_what_was_read_again(client: TestClient, house: House) -> None:
    path, body = _approve(house)
    answer = client.post(path, json=body, headers=_as(house, PLANNER)).json()
    assert answer["revalidation"]["verdict"] == "holds"
    assert {"stock", "tier"} <= {check["name"] for check in answer["revalidation"]["checks"]}
    shown = client.get(path.removesuffix("/decision"), headers=_as(house, PLANNER)).json()
    assert shown["revalidations"] == [answer["revalidation"]]


def test_a_question_is_asked_answered_and_shown(client: TestClient, house: House) -> None:
    path, body = _approve(house)
    ask = {**body, "verb": "ask", "to": APPROVER, "text": "Is it urgent?"}
    question = client.post(path, json=ask, headers=_as(house, PLANNER)).json()["question"]
    assert (question["asked_by"], question["asked_of"], question["answered_by"]) == (PLANNER, APPROVER, "")
    answer = {**body, "verb": "answer", "question": question["question_id"], "text": "It is."}
    assert client.post(path, json=answer, headers=_as(house, APPROVER)).json()["question"]["answer"] == "It is."
    (shown,) = client.get(path.removesuffix("/decision"), headers=_as(house, PLANNER)).json()["questions"]
    assert shown["answered_by"] == APPROVER


def test_a_snooze_may_wait_for_something(client: TestClient, house: House) -> None:
    path, body = _approve(house)
    line = a_transfer(house).content.lines[0]
    when = {"kind": "stock_above", "item": line.item, "site": line.destination, "units": 10**9}
    answer = client.post(path, json={**body, "verb": "snooze", "when": when}, headers=_as(house, PLANNER))
    assert (answer.status_code, answer.json()["state"]) == (200, "snoozed")
    shown = client.get(path.removesuffix("/decision"), headers=_as(house, PLANNER)).json()
    assert shown["snooze"]["condition"]["units"] == 10**9


def test_a_batch_answers_for_each(client: TestClient, house: House) -> None:
    proposal = a_transfer(house)
    one = {"proposal": proposal.proposal_id, "digest": proposal.digest[:12]}
    mine = _as(house, PLANNER)
    assert client.post("/decisions", json={"proposals": [one, one]}, headers=mine).status_code == 422
    assert client.post("/decisions", json={"proposals": []}, headers=mine).status_code == 422
    (row,) = client.post("/decisions", json={"proposals": [one]}, headers=mine).json()
    assert (row["outcome"], row["proposal"]["state"], row["revalidation"]["verdict"]) == (
        "approved",
        "approved",
        "holds",
    )
    (again,) = client.post("/decisions", json={"proposals": [one]}, headers=mine).json()
    assert again["outcome"] == "refused"


def test_who_may_not_decide_is_told_why(still_client: TestClient, still_house: House) -> None:
    path, body = _approve(still_house)
    answer = still_client.post(path, json=body, headers=_as(still_house, AUDITOR))
    assert answer.status_code == 403
    assert "auditor" in answer.json()["detail"]


def test_another_digest_approves_nothing(still_client: TestClient, still_house: House) -> None:
    path, body = _approve(still_house)
    answer = still_client.post(path, json={**body, "digest": "0" * 64}, headers=_as(still_house, PLANNER))
    assert answer.status_code == 403
    assert "not the one you saw" in answer.json()["detail"]


def test_an_edit_makes_a_new_version(client: TestClient, house: House) -> None:
    path, body = _approve(house)
    edit = {**body, "verb": "edit", "reason": "capacity", "text": "fewer", "lines": [{"line": 1, "quantity": 11}]}
    answer = client.post(path, json=edit, headers=_as(house, PLANNER))
    assert answer.status_code == 200
    assert answer.json()["content"]["version"] == 2
    assert answer.json()["content"]["lines"][0]["quantity"] == 11


GOOD = b'"verb":"approve","digest":"01234567","reason":"agree"'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"{" + GOOD + b',"verb":"approve"}',
        b"{" + GOOD + b',"tier":"auto"}',
        b"{" + GOOD + b',"user":"admin"}',
        b'{"verb":"approve","digest":"01234567"}',
        b'{"verb":"approve","digest":"0123456","reason":"agree"}',
        "{\"verb\":\"approve\",\"digest\":\"０1234567\",\"reason\":\"agree\"}".encode(),
        b'{"verb":"APPROVE","digest":"01234567","reason":"agree"}',
        b"{" + GOOD + b',"text":12}',
        b"{" + GOOD + b',"text":"\\u0000"}',
        b"{" + GOOD + b',"text":"\\ud800"}',
        b"{" + GOOD + b',"text":NaN}',
        b"{" + GOOD + b',"text":1e400}',
        b"{" + GOOD + b',"lines":[{"line":1,"quantity":4}]}',
        b'{"verb":"edit","digest":"01234567","reason":"agree"}',
        b'{"verb":"edit","digest":"01234567","reason":"agree","lines":[{"line":1,"quantity":NaN}]}',
        b'{"verb":"edit","digest":"01234567","reason":"agree","lines":[{"line":1,"quantity":1e400}]}',
        b'{"verb":"edit","digest":"01234567","reason":"agree","lines":[{"line":1,"quantity":"4"}]}',
        b'{"verb":"edit","digest":"01234567","reason":"agree","lines":[{"line":true,"quantity":4}]}',
        b'{"verb":"edit","digest":"01234567","reason":"agree","lines":[{"line":1,"quantity":-4}]}',
        b'{"verb":"edit","digest":"01234567","reason":"agree","lines":[{"line":1,"line":2,"quantity":4}]}',
        b'{"verb":"edit","digest":"01234567","reason":"agree",'
        b'"lines":[{"line":1,"quantity":4},{"line":1,"quantity":5}]}',
        b'{"verb":"snooze","digest":"01234567","reason":"agree","until":"2024-04-11T08:00:00"}',
        b'{"verb":"snooze","digest":"01234567","reason":"agree"}',
        b'{"verb":"snooze","digest":"01234567","reason":"agree","when":{"kind":"stock_below","item":"BOLT"}}',
        b'{"verb":"reject","digest":"01234567","reason":"distrust"}',
        b'{"verb":"reject","digest":"01234567","reason":"agree","text":"I do not"}',
        b'{"verb":"ask","digest":"01234567","reason":"agree"}',
        b'{"verb":"delegate","digest":"01234567","reason":"agree"}',
        b"{" + GOOD + b',"to":"pia"}',
        b"[" * 5_000,
        b'{"text":' + b"9" * 5_000 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_decision_is_422_and_nothing_of_it_is_repeated(
    still_client: TestClient, still_house: House, body: bytes
) -> None:
    path, _ = _approve(still_house)
    answer = still_client.post(path, content=body, headers=_as(still_house, PLANNER))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert all(set(found) == {"loc", "type", "msg"} for found in answer.json().get("errors", []))
    assert '"input"' not in answer.text
    assert a_transfer(still_house).state_version == 2, "still pending, untouched"


def test_a_body_without_end_is_refused(still_client: TestClient, still_house: House) -> None:
    path, _ = _approve(still_house)
    answer = still_client.post(path, content=b'{"text":"' + b"x" * 100_000, headers=_as(still_house, PLANNER))
    assert answer.status_code == 413


def test_a_strange_host_is_refused(still_house: House) -> None:
    with TestClient(create_app(still_house), base_url="http://evil.test") as still_client:
        assert still_client.get("/health").status_code == 400


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/redoc", "/", "/cases/"])
def test_nothing_else_answers(still_client: TestClient, still_house: House, path: str) -> None:
    answer = still_client.get(path, headers=_as(still_house, PLANNER), follow_redirects=False)
    assert answer.status_code in (307, 404)


def test_a_route_without_a_guard_does_not_start(still_house: House) -> None:
    app: FastAPI = create_app(still_house)
    app.get("/secrets")(lambda: {"everything": True})
    with pytest.raises(OpenDoorError, match="/secrets"):
        refuse_open_doors(app)


def test_other_machines_are_not_served_by_accident(doors: Doors) -> None:
    result = doors.knock("serve", "--host", "0.0.0.0")
    assert result.exit_code == 1
    assert "EVENKEEL_ALLOW_NON_LOOPBACK" in result.stderr
