"""A turn of the chat: what is shown was checked, what is asked was vetted, and a bad model changes nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import polars as pl
import pytest
from langchain_core.messages import ToolMessage
from sqlalchemy import func, select

from agent.chat.context import Bounds
from agent.chat.controls import INSTEAD
from agent.chat.desk import ChatDesk
from agent.chat.events import ChatEvent, Reply
from agent.chat.graph import FELL_BACK
from inventory.conversations import purge_conversations, turns_of
from inventory.errors import NotFoundError
from inventory.people import find_user, scope_of
from inventory.records import EVERYTHING, User
from inventory.tables import conversations, messages, metadata
from tests.agent.scripted_chat import ScriptedChat, call
from tests.tools.conftest import Copy
from tests.tools.networks import copy_of
from tests.worlds import World
from tools.errors import ToolInputError

LOOK = call("stock_position", item="BOLT", site="NORTH")


@pytest.fixture(scope="module")
def world(guided: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A house that is only talked with."""
    return copy_of(guided, tmp_path_factory.mktemp("talked") / "home")


@pytest.fixture
def root(world: World) -> User:
    """Somebody who sees every site."""
    return _user(world, "root")


@pytest.fixture
def otto(world: World) -> User:
    """A planner of NORTH alone."""
    return _user(world, "otto")


def _user(world: World, name: str) -> User:
    with world.database.read() as connection:
        return find_user(connection, EVERYTHING, name)


def _desk(world: World, *script: Any, bounds: Bounds | None = None) -> tuple[ChatDesk, ScriptedChat]:
    model = ScriptedChat(script=list(script))
    return ChatDesk(world.toolbox, model, bounds=bounds or Bounds()), model


def test_offline_answer_states_what_the_stock_table_holds(world: World, root: User) -> None:
    reply = ChatDesk(world.toolbox).answer(root, "how many BOLT do we have at NORTH?")
    table = world.toolbox.snapshot().table("stock").filter((pl.col("item") == "BOLT") & (pl.col("site") == "NORTH"))
    on_hand = int(table.filter(pl.col("source") == "erp")["on_hand"].sum())
    assert re.search(rf"\b{on_hand}\b", reply.text), reply.text
    assert [(asked.name, asked.arguments) for asked in reply.questions] == [
        ("stock_position", {"item": "BOLT", "site": "NORTH"})
    ]
    assert any(world.toolbox.snapshot().snapshot_id in source for source in reply.sources)


def test_a_warm_desk_has_read_what_turns_share_and_answers_alike(world: World, root: User) -> None:
    said = "how many BOLT do we have at NORTH?"
    cold = ChatDesk(world.toolbox).answer(root, said).text
    fresh = replace(world.toolbox, _made={}, _shared={}, _knowledge={})
    desk = ChatDesk(fresh)
    desk.warm()
    assert all((fresh._made, fresh._shared, fresh._knowledge))
    assert desk.answer(root, said).text == cold


def test_a_model_s_sentence_is_shown_with_the_facts_in_its_slots(world: World, root: User) -> None:
    facts = ChatDesk(world.toolbox).answer(root, "stock of BOLT at NORTH").answers[0].facts
    slot = next(name for name, fact in facts.items() if fact.kind == "quantity")
    desk, _ = _desk(world, [LOOK], f"There are {{{{{slot}}}}} at the moment.")
    reply = desk.answer(root, "stock of BOLT at NORTH")
    assert reply.text.startswith(f"There are {facts[slot].text} at the moment.")
    assert FELL_BACK not in reply.text


@pytest.mark.parametrize(
    "claim",
    ["There are 17 pieces.", "There are seventeen.", "There are １７.", "BOLT is fine.", "Take {{no_such_fact}}."],
)
def test_a_claim_no_fact_stands_behind_is_never_shown(world: World, root: User, claim: str) -> None:
    desk, _ = _desk(world, [LOOK], f"I looked. {claim} Trust me.")
    pieces = list(desk.ask(root, "stock of BOLT at NORTH"))
    shown = [piece.text for piece in pieces if isinstance(piece, ChatEvent)]
    offline = ChatDesk(world.toolbox).answer(root, "stock of BOLT at NORTH")
    assert not any(claim in text or "Trust me" in text for text in shown)
    assert set(offline.text.split("\n")) <= set(shown)
    assert FELL_BACK in shown


def test_sentences_are_shown_before_the_model_has_finished(world: World, root: User) -> None:
    desk, model = _desk(world, [LOOK], "This comes early. That follows. It ends here.")
    model.before_the_last = Event()
    pieces = desk.ask(root, "stock of BOLT at NORTH")
    first = next(piece for piece in pieces if isinstance(piece, ChatEvent) and piece.kind == "sentence")
    assert first.text == "This comes early."
    assert "here." not in model.told
    model.before_the_last.set()
    list(pieces)
    assert "here." in model.told


def test_words_without_a_tool_are_not_shown(world: World, root: User) -> None:
    desk, _ = _desk(world, "Plenty of everything, do not worry.")
    reply = desk.answer(root, "how many BOLT do we have at NORTH?")
    assert "Plenty" not in reply.text
    assert reply.questions
    assert reply.text.endswith(FELL_BACK)


@pytest.mark.parametrize("quantity", [50, 7])
def test_a_number_nobody_said_does_not_reach_a_tool(world: World, root: User, quantity: int) -> None:
    asked = call("who_can_give", item="BOLT", site="NORTH", quantity=quantity)
    desk, model = _desk(world, [asked], [call("clarify", argument="quantity")])
    reply = desk.answer(root, "who can give us some BOLT at NORTH, say 49 or so?")
    told = [message for message in model.heard[1] if isinstance(message, ToolMessage)]
    assert not reply.questions
    assert "neither said by the user nor computed" in str(told[-1].content)


@pytest.mark.parametrize("said", ["fifty", "50", "５０", "50.0", "half a hundred, that is 50"])
def test_a_number_counts_in_any_notation(world: World, root: User, said: str) -> None:
    desk, _ = _desk(world, [call("who_can_give", item="BOLT", site="NORTH", quantity=50)], "Done.")
    reply = desk.answer(root, f"who can give us {said} of BOLT for NORTH?")
    assert reply.questions[0].arguments["quantity"] == 50


def test_a_number_a_tool_computed_may_be_used_later(world: World, root: User) -> None:
    first = ChatDesk(world.toolbox).answer(root, "stock of BOLT at DC")
    free = next(int(fact.value) for fact in first.answers[0].facts.values() if fact.kind == "quantity" and fact.value)
    asked = [call("who_can_give", item="BOLT", site="NORTH", quantity=free)]
    desk, _ = _desk(world, asked, "Done.")
    later = desk.answer(root, "can they give all of it?", first.conversation_id)
    assert later.questions[0].arguments["quantity"] == free
    assert not _desk(world, asked, [call("clarify", argument="quantity")])[0].answer(root, "all of it?").questions


def test_a_day_nobody_named_does_not_reach_a_tool(world: World, root: User) -> None:
    desk, model = _desk(world, [call("held_back", on="2023-01-01")], [call("clarify", argument="on")])
    assert not desk.answer(root, "what did you hide?").questions
    assert "was not said by the user" in str(model.heard[1][-1].content)


def test_ids_are_looked_up_by_code(world: World, root: User) -> None:
    desk, _ = _desk(world, [call("stock_position", item="bolt", site="north")], "Done.")
    assert desk.answer(root, "bolts up north?").questions[0].arguments == {"item": "BOLT", "site": "NORTH"}
    desk, _ = _desk(world, [call("stock_position", item="SPROCKET")])
    assert desk.answer(root, "sprockets?").asked_back == "item"


def test_a_foreign_site_is_refused_without_asking_the_tool(world: World, otto: User) -> None:
    for desk in (ChatDesk(world.toolbox), _desk(world, [call("stock_position", item="BOLT", site="DC")])[0]):
        reply = desk.answer(otto, "how many BOLT at DC?")
        assert reply.refused == ("foreign_site",)
        assert not reply.questions
        assert "300" not in reply.text


def test_what_may_be_answered_is_answered_beside_a_refusal(world: World, otto: User) -> None:
    desk, _ = _desk(world, [call("refuse", reason="approve"), LOOK], "Here it is.")
    reply = desk.answer(otto, "stock of BOLT at NORTH, and approve the transfer")
    assert reply.refused == ("approve",)
    assert reply.text.startswith(INSTEAD["approve"])
    assert [asked.name for asked in reply.questions] == ["stock_position"]


@pytest.mark.parametrize("name", ["approve", "decide", "execute", "release", "set_policy", "post", "__import__"])
def test_a_tool_that_is_not_in_the_registry_is_not_called(world: World, root: User, name: str) -> None:
    before = _rows(world)
    desk, model = _desk(world, [call(name, proposal="prop-1")], [call("refuse", reason="approve")])
    assert desk.answer(root, "approve everything").refused == ("approve",)
    assert f"there is no tool '{name}'" in str(model.heard[1][-1].content)
    assert _rows(world) == before


def test_a_turn_that_never_ends_is_cut(world: World, root: User) -> None:
    desk, model = _desk(world, [LOOK, call("tasks", site="NORTH")], bounds=Bounds(steps=4, calls=6))
    reply = desk.answer(root, "stock of BOLT at NORTH")
    assert len(model.heard) <= 4
    assert len(reply.questions) <= 6
    assert "BOLT" in reply.text


def test_a_model_that_talks_without_end_is_cut(world: World, root: User) -> None:
    desk, model = _desk(world, [LOOK], "word " * 50_000, bounds=Bounds(characters=1_000))
    reply = desk.answer(root, "stock of BOLT at NORTH")
    assert len(model.told) < 1_000
    assert "BOLT" in reply.text
    assert FELL_BACK in reply.text


@pytest.mark.parametrize("when", [0, 1])
def test_a_model_that_fails_is_replaced_and_the_answer_says_so(world: World, root: User, when: int) -> None:
    script: list[Any] = [[LOOK], ConnectionError("gone")] if when else [ConnectionError("gone")]
    desk, _ = _desk(world, *script)
    reply = desk.answer(root, "stock of BOLT at NORTH")
    offline = ChatDesk(world.toolbox).answer(root, "stock of BOLT at NORTH")
    assert reply.text == f"{offline.text}\n{FELL_BACK}"
    assert "gone" not in reply.text


def test_a_model_that_only_makes_mistakes_leaves_an_honest_answer(world: World, root: User) -> None:
    desk, _ = _desk(world, [call("stock_position", item="BOLT", site="NORTH", colour="red")])
    reply = desk.answer(root, "hmm")
    assert reply.refused == ("out_of_field",)
    assert not reply.questions


def test_a_conversation_is_remembered_and_its_owner_s_alone(world: World, root: User, otto: User) -> None:
    desk = ChatDesk(world.toolbox)
    first = desk.answer(root, "why is BOLT short at NORTH?")
    second = desk.answer(root, "and who could spare some?", first.conversation_id)
    assert second.questions[0].arguments == {"item": "BOLT", "site": "NORTH"}
    assert second.conversation_id == first.conversation_id
    with pytest.raises(NotFoundError):
        list(desk.ask(otto, "and at DC?", first.conversation_id))
    with world.database.read() as connection:
        assert [turn.said for turn in turns_of(connection, scope_of(root), first.conversation_id)] == [
            "why is BOLT short at NORTH?",
            "and who could spare some?",
        ]
        with pytest.raises(NotFoundError):
            turns_of(connection, scope_of(otto), first.conversation_id)


def test_old_conversations_are_thrown_away(a_copy: Copy, guided: World, root: User) -> None:
    world = a_copy(guided)
    desk = ChatDesk(world.toolbox)
    old = desk.answer(root, "hi").conversation_id
    world.clock.forward(days=10)
    new = desk.answer(root, "hello").conversation_id
    world.clock.forward(days=1)
    with world.database.write("evenkeel", world.clock()) as transaction:
        assert purge_conversations(transaction, world.clock().replace(hour=0) - timedelta(days=5)) == 1
        known = set(transaction.connection.execute(select(conversations.c.conversation_id)).scalars())
        kept = set(transaction.connection.execute(select(messages.c.conversation_id)).scalars())
    assert known == kept == {new}
    assert old != new


def test_talk_writes_nothing_but_the_conversation(world: World, root: User) -> None:
    desk, before = ChatDesk(world.toolbox), _rows(world)
    for said in (
        "hi",
        "approve it for me",
        "why is BOLT short at NORTH?",
        "draft the transfer",
        "what if demand doubles",
    ):
        desk.answer(root, said)
    assert _rows(world) == before


@pytest.mark.parametrize("said", ["", "   ", "\u200b\u200b", "x" * 2_001])
def test_a_message_without_words_or_without_end_is_not_taken(world: World, root: User, said: str) -> None:
    with pytest.raises(ToolInputError, match="1 to 2000 characters"):
        list(ChatDesk(world.toolbox).ask(root, said))


def test_the_last_piece_is_the_whole_turn(world: World, root: User) -> None:
    pieces = list(ChatDesk(world.toolbox).ask(root, "stock of BOLT"))
    assert isinstance(pieces[-1], Reply)
    sentences = [piece.text for piece in pieces if isinstance(piece, ChatEvent) and piece.kind == "sentence"]
    assert pieces[-1].text == "\n".join(sentences)


def _rows(world: World) -> dict[str, int]:
    """Rows of every table but those of the conversations and of the trace."""
    with world.database.read() as connection:
        return {
            name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
            for name, table in metadata.tables.items()
            if name not in ("conversations", "messages") and not name.startswith("trace")
        }
