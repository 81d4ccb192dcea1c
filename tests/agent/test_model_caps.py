"""Caps on calls to a model, counted in SQL over every process, and the chat behind the door."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage
from sqlalchemy import select

from agent.models.caps import Asker, SqlCallBook
from agent.models.chat_model import DoorChatModel, ModelFailedError
from agent.models.door import Question
from agent.models.result import ModelResult, ResultKind
from agent.models.settings import ModelSettings
from inventory.database import Database
from inventory.tables import model_calls
from tests.agent.test_model_door import LOOK_UP, a_door
from tests.model_faults import IN_THE_WORDS, ON_THE_WIRE, Fault
from tests.model_server import ModelServer, Said, model_server, saying
from tests.worlds import START, TurnableClock, database_in

CLOCK = TurnableClock(START)


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with model_server() as running:
        yield running


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = database_in(tmp_path)
    made.migrate()
    yield made
    made.dispose()


def a_book(database: Database, **caps: int) -> SqlCallBook:
    settings = ModelSettings.model_validate({"base_url": "http://127.0.0.1:9/v1", "model": "tester", **caps})
    return SqlCallBook(database, CLOCK, settings)


def admitted(book: SqlCallBook, user: str = "anna", run: str = "run-1") -> bool:
    return not book.admit(Asker(user=user, run=run), "127.0.0.1:9", "tester").refused


def test_a_run_a_person_and_a_day_each_have_their_cap(database: Database) -> None:
    book = a_book(database, calls_per_run=2, calls_per_user_day=3, calls_per_day=5)
    assert [admitted(book) for _ in range(3)] == [True, True, False]
    assert [admitted(book, run=f"run-{n}") for n in (2, 3)] == [True, False]
    assert [admitted(book, user="ben", run="run-4"), admitted(book, user="ben", run="run-5")] == [True, True]
    assert not admitted(book, user="cora", run="run-6")


def test_the_day_begins_anew_at_midnight(database: Database) -> None:
    clock = TurnableClock(START)
    book = SqlCallBook(database, clock, a_book(database, calls_per_user_day=1).settings)
    assert [admitted(book, run=f"run-{n}") for n in range(2)] == [True, False]
    clock.forward(days=1)
    assert admitted(book, run="run-3")


def test_tokens_of_a_day_have_their_cap(database: Database) -> None:
    book = a_book(database, tokens_per_day=100)
    admission = book.admit(Asker(), "127.0.0.1:9", "tester")
    book.finish(admission.call_id, ModelResult(kind=ResultKind.OK, input_tokens=60, output_tokens=40))
    assert not admitted(book)


def test_many_at_once_cannot_take_more_than_there_is(database: Database) -> None:
    book, taken = a_book(database, calls_per_day=10), []

    def take(number: int) -> None:
        taken.append(sum(admitted(book, user=f"user-{number}", run=f"run-{number}-{n}") for n in range(4)))

    threads = [threading.Thread(target=take, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 10


def ended(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(select(model_calls.c.ended).order_by(model_calls.c.number)).scalars())


def test_every_attempt_is_counted_with_its_end_and_no_words(server: ModelServer, database: Database) -> None:
    broken = ON_THE_WIRE[3].mind
    minds = iter([broken, saying("There you are.")])
    server.mind = lambda body: next(minds)(body)
    door = a_door(server.url)
    door.book = a_book(database)
    assert door.ask(Question([HumanMessage("a secret question")]), Asker()).ok
    door.close()
    assert ended(database) == ["server_error", "ok"]
    with database.read() as connection:
        assert "secret" not in str(connection.execute(select(model_calls)).all())


@pytest.mark.parametrize("fault", ON_THE_WIRE[:6], ids=lambda fault: fault.name)
def test_caps_hold_however_the_server_fails(server: ModelServer, database: Database, fault: Fault) -> None:
    server.mind = fault.mind
    door = a_door(server.url, breaker_failures=99)
    door.book, before = a_book(database, calls_per_run=2), len(server.received)
    kinds = [door.ask(Question([HumanMessage("Well?")]), Asker()).kind for _ in range(4)]
    door.close()
    assert kinds[-1] is ResultKind.OVER_BUDGET
    assert len(server.received) - before == 2


def test_words_given_up_half_way_are_entered_too(server: ModelServer, database: Database) -> None:
    server.mind = lambda body: Said("One by one by one.", pieces=9)
    door = a_door(server.url)
    door.book = a_book(database)
    pieces = door.stream(Question([HumanMessage("Say it.")]), Asker())
    next(pieces)
    pieces.close()
    door.close()
    assert ended(database) == ["stalled"]


def test_the_chat_model_streams_words_and_then_sound_calls(server: ModelServer) -> None:
    server.mind = lambda body: Said("Let me look.", calls=[("a", "look_up", '{"item": "P-1"}')])
    door = a_door(server.url)
    model = DoorChatModel(door=door).for_turn("anna", "turn-1")
    chunks = list(model.bind_tools([LOOK_UP]).stream("How is P-1?"))
    whole: Any = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    door.close()
    assert str(whole.text) == "Let me look."
    assert [(call["name"], call["args"]) for call in whole.tool_calls] == [("look_up", {"item": "P-1"})]
    assert whole.response_metadata["finish_reason"] == "tool_calls"
    assert whole.usage_metadata["total_tokens"] == 18


@pytest.mark.parametrize("fault", [*ON_THE_WIRE[3:6], *IN_THE_WORDS], ids=lambda fault: fault.name)
def test_the_chat_model_raises_what_happened_and_hands_on_no_call(server: ModelServer, fault: Fault) -> None:
    server.mind = fault.mind
    door = a_door(server.url, max_retries=0)
    calls: list[object] = []

    def listen() -> None:
        for chunk in DoorChatModel(door=door).bind_tools([LOOK_UP]).stream("How is P-1?"):
            assert isinstance(chunk, AIMessageChunk)
            calls.extend(chunk.tool_call_chunks)

    with pytest.raises(ModelFailedError) as raised:
        listen()
    door.close()
    assert raised.value.result.kind is fault.ends
    assert not calls
