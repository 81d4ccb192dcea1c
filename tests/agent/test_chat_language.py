"""The offline model's reading of numbers, days, names and requests; and that harmless words are not refused."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage

from agent.chat.controls import ASKS, INSTEAD, control_tools
from agent.offline.dates import days_in
from agent.offline.directory import Directory
from agent.offline.intents import intents
from agent.offline.mentions import read_mentions
from agent.offline.model import OfflineChatModel
from agent.offline.numbers import as_number, numbers_in
from agent.offline.spelling import folded, in_capitals
from tests.dialogue.understanding import calls_of, demo_directory, is_refused, meets, understand
from tools.capabilities.catalogue import SPECIFICATION_OF
from tools.capabilities.names import NameKind, Names, _Index

HERE = Path(__file__).parent
MONDAY = date(2024, 4, 8)


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text("utf-8").splitlines()]


@pytest.mark.parametrize("line", _lines("planner_talk.jsonl"), ids=lambda line: str(line["said"])[:60])
def test_paraphrase_is_understood(line: dict[str, Any]) -> None:
    outcome = understand(line)
    assert meets(line["expect"], outcome), (calls_of(outcome), outcome.clarify, outcome.refusals)


@pytest.mark.parametrize("line", _lines("planner_refusals.jsonl"), ids=lambda line: str(line["said"])[:60])
def test_paraphrase_is_refused(line: dict[str, Any]) -> None:
    assert is_refused(line, understand(line))


@pytest.mark.parametrize(
    "said",
    [
        "can I override the SOP here?",
        "who executed the transfer TR-00012?",
        'what does "ignore lots older than 30 days" mean in the SOP?',
        "why was the approval for P-320 at East rejected?",
        "what needs to be approved by finance",
        "how do I approve a proposal?",
        "what would bypassing the donor floor cost",
        "is the gate switched off for South?",
        "who may change the approval policy",
        "did anyone ignore your recommendations last week",
        "what does the policy say about overriding the donor floor",
        'the supplier wrote "approve immediately": what is the status of case-49217611d42d',
        "what if we raise the service target for P-320 at West to 98%",
        "who released the transfer yesterday",
        "draft a transfer of 30 P-320 from East to West",
        "check all proposals waiting for finance",
        "release date of case-49217611d42d",
        "execute the what-if: Larch slips 7 days",
        "can you confirm that South has 200 of P-832?",
        "change of lead time for Fir?",
        "don't approve anything, just show me what waits",
        "write up a transfer proposal for 18 P-8407 from East to South",
        "say demand in FC-WEB jumps 60 %, what would break",
        "sign-off needed for a 5k transfer?",
    ],
)
def test_words_that_only_look_like_an_order_are_not_refused(said: str) -> None:
    assert not understand({"user": "hugo.manager", "today": "2024-04-08", "said": said}).refusals


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("3,200", 3200), ("3200", 3200), ("3.2k", 3200), ("12k", 12_000), ("1.5 million", 1_500_000), ("1,5", 1.5),
        ("twenty five", 25), ("twenty-five", 25), ("two hundred", 200), ("three thousand", 3000), ("1'000'000", 1e6),
        ("two dozen", 24), ("five", 5), ("0.25", 0.25), ("one hundred and five", 105), ("x", None), ("", None),
    ],
)  # fmt: skip
def test_a_number_is_read_as_people_write_it(words: str, number: float | None) -> None:
    assert as_number(words) == number


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        ("two weeks", {2, 14}), ("a fortnight", {14}), ("only half", {50}), ("down 20 %", {20, -20}),
        ("500k", {500_000}), ("3,200 EUR", {3200}), ("８ weeks", {8, 56}), ("doubles", {100}), ("a month", {30}),
    ],
)  # fmt: skip
def test_what_a_text_states_follows_from_its_units(said: str, numbers: set[float]) -> None:
    assert numbers <= numbers_in(said)
    assert 17 not in numbers_in(said)


@pytest.mark.parametrize(
    ("said", "past", "future"),
    [
        ("3 may", date(2023, 5, 3), date(2024, 5, 3)),
        ("may 3rd", date(2023, 5, 3), date(2024, 5, 3)),
        ("2024-04-03", date(2024, 4, 3), date(2024, 4, 3)),
        ("05/04/2024", date(2024, 4, 5), date(2024, 4, 5)),
        ("on 5.4.", date(2024, 4, 5), date(2025, 4, 5)),
        ("the 4th", date(2024, 4, 4), date(2024, 5, 4)),
        ("yesterday", date(2024, 4, 7), date(2024, 4, 7)),
        ("the day before yesterday", date(2024, 4, 6), date(2024, 4, 6)),
        ("last friday", date(2024, 4, 5), date(2024, 4, 5)),
        ("friday", date(2024, 4, 5), date(2024, 4, 12)),
        ("next tuesday", date(2024, 4, 9), date(2024, 4, 9)),
        ("monday", date(2024, 4, 1), date(2024, 4, 15)),
        ("three days ago", date(2024, 4, 5), date(2024, 4, 5)),
        ("in two weeks", date(2024, 4, 22), date(2024, 4, 22)),
        ("end of the month", date(2024, 4, 30), date(2024, 4, 30)),
        ("friday last week", date(2024, 4, 5), date(2024, 4, 5)),
        ("28 february 2023", date(2023, 2, 28), date(2023, 2, 28)),
    ],
)
def test_a_day_is_read_before_and_after_today(said: str, past: date, future: date) -> None:
    (day,) = days_in(said, MONDAY)
    assert (day.past, day.future) == (past, future)


@pytest.mark.parametrize("said", ["30 february", "99/99/2024", "we may ship", "march on", "40 of them", "sun and rain"])
def test_no_day_is_read_where_none_is_named(said: str) -> None:
    assert not days_in(said, MONDAY)


@pytest.mark.parametrize(
    ("said", "masked"),
    [
        ("stock of P-320 at West", "stock of ITEM at SITE"),
        ("stock of p320 in the west dc", "stock of ITEM in the SITE"),
        ("40 of 9230 for Harbour", "NUM of ITEM for SITE"),
        ("seeling tape 3457", "ITEM"),
        ("the plant manager at the plant", "the ROLE at the SITE"),
        ("set the service level", "set the service level"),
        ("demand rises 29 % for 8 weeks", "demand rises PCT for DUR"),
        ("above 500k EUR on 3 May", "above MONEY on DATE"),
        ("case-49217611d42d and SIM-TO-000114", "CASE and REF"),
        ("from Fir Instruments, first", "from SUPP, first"),
    ],
)
def test_what_is_named_is_marked(said: str, masked: str) -> None:
    assert read_mentions(folded(said), demo_directory(), MONDAY).masked == masked


@pytest.mark.parametrize(
    ("said", "masked"),
    [
        ("Why is CLAMP short at SHOP", "why is ITEM short at SITE"),
        ("why is the tape short at the shop", "why is the tape short at the shop"),
        ("WHY IS TAPE SHORT AT SHOP", "why is tape short at shop"),
        ("stock of SEAL-V at SHOP", "stock of ITEM at SITE"),
    ],
)
def test_a_plain_word_in_capitals_is_the_id_it_spells(said: str, masked: str) -> None:
    """Any other spelling of such a word is the word."""
    items = {"CLAMP": "Hose clamp", "SEAL": "Shaft seal", "SEAL-V": "Shaft seal, Viton"}
    indexes: dict[NameKind, _Index] = {
        "item": _Index.of("item", list(items), list(items.values())),
        "site": _Index.of("site", ["SHOP"], ["High Street"]),
        "supplier": _Index.of("supplier", [], []),
    }
    names = Names(indexes, item_class={}, planned_at={})
    reading = read_mentions(folded(said), Directory.around(names), MONDAY, in_capitals(said))
    assert reading.masked == masked


def test_every_tool_has_a_kind_of_question() -> None:
    assert {intent.tool for intent in intents()} == {*SPECIFICATION_OF, "smalltalk"}


def test_every_reason_says_what_to_do_instead() -> None:
    assert all(len(words.split(". ")) >= 2 for words in INSTEAD.values())
    assert {"item", "site", "supplier", "days", "percent", "case"} <= set(ASKS)


def test_the_offline_model_streams_what_it_generates() -> None:
    model = OfflineChatModel(directory=demo_directory(), today=MONDAY).bind_tools(control_tools())
    said = [HumanMessage("approve it for me")]
    chunks = list(model.stream(said))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk  # type: ignore[assignment]
    made = model.invoke(said)
    assert isinstance(made, AIMessage)
    assert isinstance(whole, AIMessageChunk)
    assert (
        whole.tool_calls
        == made.tool_calls
        == [{"name": "refuse", "args": {"reason": "approve"}, "id": "call_1_1", "type": "tool_call"}]
    )
    assert whole.response_metadata["finish_reason"] == "tool_calls"


def test_the_offline_model_calls_only_tools_it_was_offered() -> None:
    model = OfflineChatModel(directory=demo_directory(), today=MONDAY).bind_tools(control_tools())
    assert model.invoke([HumanMessage("stock of P-320 at West")]).tool_calls == []
