"""Asking a model behind the door: sound answers, and every way to go wrong comes to one kind of result, in time."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from agent.models.caps import Admission, Asker, NoCallBook
from agent.models.door import ModelDoor, Question
from agent.models.egress import packaged_egress, read_egress
from agent.models.result import ModelResult, ResultKind
from agent.models.settings import ModelSettings, StructuredMethod
from tests.model_faults import IN_THE_WORDS, ON_THE_WIRE, ONLY_WORDS, RAW, Fault, raw_server
from tests.model_server import Body, ModelServer, Said, model_server, saying

LOOK_UP = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Look an item up.",
        "parameters": {
            "type": "object",
            "properties": {"item": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
            "required": ["item"],
            "additionalProperties": False,
        },
    },
}
FORM = {"type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"]}
ASKER = Asker(user="anna", run="run-1")


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with model_server() as running:
        yield running


def a_door(url: str, **settings: Any) -> ModelDoor:
    """A door with times a test can wait for."""
    quick = {"connect_seconds": 2.0, "idle_seconds": 1.0, "total_seconds": 6.0, "backoff_seconds": 0.01,
             "max_output_bytes": 300_000, "max_output_characters": 20_000}  # fmt: skip
    known = ModelSettings.model_validate({"base_url": url, "model": "tester", **quick, **settings})
    return ModelDoor(known, read_egress(packaged_egress()), NoCallBook(), chance=Random(7))


def asked(door: ModelDoor, **question: Any) -> ModelResult:
    messages = [SystemMessage("You help."), HumanMessage("How is P-1 doing?")]
    try:
        return door.ask(Question(messages, **question), ASKER)
    finally:
        door.close()


def test_words_come_whole_and_counted(server: ModelServer) -> None:
    server.mind = saying("All is well.")
    result = asked(a_door(server.url))
    assert (result.kind, result.text, result.tool_calls) == (ResultKind.OK, "All is well.", ())
    assert (result.input_tokens, result.output_tokens, result.attempts) == (11, 7, 1)
    assert result.destination is not None
    assert result.destination.region == "not stated"


def test_words_come_as_they_are_said(server: ModelServer) -> None:
    server.mind = lambda body: Said("One by one.", pieces=11)
    door = a_door(server.url)
    pieces = list(door.stream(Question([HumanMessage("Say it.")]), ASKER))
    door.close()
    assert len(pieces) == 11
    assert "".join(pieces) == "One by one."


def test_tool_calls_come_with_arguments_that_fit(server: ModelServer) -> None:
    server.mind = lambda body: Said(calls=[("a", "look_up", '{"item":"P-1"}'), ("b", "look_up", '{"item":"P-2"}')])
    result = asked(a_door(server.url), tools=[LOOK_UP])
    assert [(call.call_id, call.arguments) for call in result.tool_calls] == [
        ("a", {"item": "P-1"}),
        ("b", {"item": "P-2"}),
    ]


@pytest.mark.parametrize("method", ["json_schema", "json_mode", "function_calling"])
def test_a_form_is_asked_for_in_the_way_the_server_knows(server: ModelServer, method: StructuredMethod) -> None:
    def mind(body: Body) -> Said:
        if method == "function_calling":
            assert body["tool_choice"]["function"]["name"] == "answer"
            return Said(calls=[("a", "answer", '{"words": "yes"}')])
        assert body["response_format"]["type"] == ("json_schema" if method == "json_schema" else "json_object")
        return Said('{"words": "yes"}')

    server.mind = mind
    assert asked(a_door(server.url, structured_method=method), schema=FORM).parsed == {"words": "yes"}


@pytest.mark.parametrize("said", ['{"words": 7}', "{}", "not a form", "[]", '{"words": "a", "n": NaN}'])
def test_an_answer_of_another_form_is_none(server: ModelServer, said: str) -> None:
    server.mind = saying(said)
    assert asked(a_door(server.url), schema=FORM).kind is ResultKind.MALFORMED_ANSWER


def test_azure_is_asked_at_its_deployment(server: ModelServer) -> None:
    server.mind = saying("Here.")
    url = server.url.removesuffix("/v1")
    assert asked(a_door(url, kind="azure", model="planner-4", api_key="secret-key")).text == "Here."
    newest = server.received[-1]
    assert newest.path == "/openai/deployments/planner-4/chat/completions"
    assert newest.headers["api-key"] == "secret-key"


@pytest.mark.parametrize("fault", [*ON_THE_WIRE, *IN_THE_WORDS, *ONLY_WORDS], ids=lambda fault: fault.name)
def test_every_fault_comes_to_its_result_in_time(server: ModelServer, fault: Fault) -> None:
    server.mind, begun, name = fault.mind, time.monotonic(), fault.name.replace(" ", "-")
    result = asked(
        a_door(server.url, model=name, idle_seconds=fault.idle, total_seconds=fault.seconds), tools=[LOOK_UP]
    )
    assert result.kind is fault.ends, result
    assert sum(each.body["model"] == name for each in server.received) == fault.attempts == result.attempts
    assert time.monotonic() - begun < fault.seconds + 2
    assert result.ok or (result.parsed is None and not result.tool_calls)


@pytest.mark.parametrize(("answer", "ends"), [case[1:] for case in RAW], ids=[case[0] for case in RAW])
def test_what_is_no_http_comes_to_its_result(answer: Callable[[socket.socket], None], ends: ResultKind) -> None:
    with raw_server(answer) as url:
        assert asked(a_door(url)).kind is ends


def test_nobody_at_home_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    result = asked(a_door(f"http://127.0.0.1:{port}/v1"))
    assert (result.kind, result.attempts) == (ResultKind.UNREACHABLE, 3)


def test_a_passing_fault_is_survived(server: ModelServer) -> None:
    broken = ON_THE_WIRE[3].mind
    minds = iter([broken, broken, saying("Here again.")])
    server.mind = lambda body: next(minds)(body)
    result = asked(a_door(server.url))
    assert (result.kind, result.text, result.attempts) == (ResultKind.OK, "Here again.", 3)


def test_words_that_were_handed_out_are_not_asked_for_again(server: ModelServer) -> None:
    stalls = next(fault for fault in ON_THE_WIRE if fault.name == "stall mid-stream")
    server.mind, before = stalls.mind, len(server.received)
    assert asked(a_door(server.url)).attempts == 1
    assert len(server.received) == before + 1


def test_the_breaker_leaves_a_failing_endpoint_alone_and_tries_again_later(server: ModelServer) -> None:
    now = [100.0]
    server.mind = ON_THE_WIRE[3].mind
    door = a_door(server.url, breaker_failures=3, max_retries=0, breaker_seconds=30)
    door.clock = lambda: now[0]
    kinds = [door.ask(Question([HumanMessage("Well?")]), ASKER).kind for _ in range(3)]
    before = len(server.received)
    assert kinds == [ResultKind.SERVER_ERROR] * 3
    assert door.ask(Question([HumanMessage("Well?")]), ASKER).kind is ResultKind.CIRCUIT_OPEN
    assert len(server.received) == before
    now[0] += 31
    server.mind = saying("Back.")
    assert door.ask(Question([HumanMessage("Well?")]), ASKER).ok
    assert not door.breaker.is_open
    door.close()


def test_an_answer_of_no_use_does_not_open_the_breaker(server: ModelServer) -> None:
    server.mind = saying(" ")
    door = a_door(server.url, breaker_failures=1)
    assert [door.ask(Question([HumanMessage("Well?")]), ASKER).kind for _ in range(3)] == [ResultKind.EMPTY] * 3
    door.close()


def test_what_is_too_long_is_not_sent(server: ModelServer) -> None:
    before = len(server.received)
    assert asked(a_door(server.url, max_input_characters=10)).kind is ResultKind.TOO_LONG
    assert len(server.received) == before


def test_a_reached_cap_sends_nothing(server: ModelServer) -> None:
    class Full(NoCallBook):
        def admit(self, asker: Asker, endpoint: str, model: str) -> Admission:
            return Admission(refused="calls of a day: 3 of 3")

    door, before = a_door(server.url), len(server.received)
    door.book = Full()
    result = asked(door)
    assert (result.kind, result.detail) == (ResultKind.OVER_BUDGET, "calls of a day: 3 of 3")
    assert len(server.received) == before


def test_the_environment_cannot_turn_the_words_elsewhere(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        elsewhere = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "OPENAI_PROXY", "OPENAI_BASE_URL", "OPENAI_API_BASE",
                     "LANGSMITH_ENDPOINT"):  # fmt: skip
            monkeypatch.setenv(name, elsewhere)
        monkeypatch.setenv("LANGSMITH_TRACING", "true")
        monkeypatch.setenv("LANGSMITH_API_KEY", "key")
        monkeypatch.delenv("NO_PROXY", raising=False)
        server.mind = saying("Here.")
        assert asked(a_door(server.url)).text == "Here."
        listener.settimeout(0.1)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_result_tells_no_words_and_no_key(server: ModelServer) -> None:
    server.mind = ON_THE_WIRE[5].mind
    result = asked(a_door(server.url, api_key="very-secret"))
    told = result.model_dump_json() + str(result.attributes())
    assert "very-secret" not in told
    assert "P-1" not in told
