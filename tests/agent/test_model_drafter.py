"""Drafts worded by a model: slots only, else the template; and nothing of the proposal depends on who words it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.drafting import TemplateDrafter
from agent.grounding import check_prose
from agent.model_drafter import ModelDrafter
from agent.models.result import ModelResult, ResultKind
from inventory.proposals import find_explanation, list_rulings
from inventory.record import canonical_record
from inventory.records import EVERYTHING, Case, Citation, Explanation, Proposal, ProposalState, Situation
from tests.agent.draft_worlds import (
    SOP,
    a_case,
    a_chosen_transfer,
    a_finding,
    a_hold,
    a_proposal,
    a_situation,
    a_transfer,
)
from tests.agent.test_model_door import a_door
from tests.model_faults import IN_THE_WORDS, ON_THE_WIRE, ONLY_WORDS, Fault
from tests.model_server import Body, ModelServer, Said, model_server, saying
from tests.puppet import Puppet
from tests.worlds import World, two_sites_one_lane

TEXTS = Path(__file__).parents[1] / "texts"
SOUND = "{{finding_1_item}} runs short at {{finding_1_site}}; {{lead_binding}} limits what can be moved, at {{cost}}."
Draftable = tuple[Case, Situation, Proposal, tuple[Citation, ...]]


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with model_server() as running:
        yield running


def a_stockout(note: str = "", plan_note: str = "") -> Draftable:
    chosen = a_chosen_transfer().model_copy(update={"note": plan_note})
    return a_case(a_finding(note=note)), a_situation(chosen, a_hold()), a_proposal(a_transfer()), (SOP,)


def drafted(server: ModelServer, world: Draftable, **settings: Any) -> tuple[Explanation, list[ModelResult]]:
    results: list[ModelResult] = []
    door = a_door(server.url, **settings)
    ask = door.ask
    door.ask = lambda *question: results.append(ask(*question)) or results[-1]  # type: ignore[method-assign, func-returns-value]  # listens
    explanation = ModelDrafter(door).draft(*world)
    door.close()
    return explanation, results


def test_a_sound_draft_is_shown_filled_and_says_who_worded_it(server: ModelServer) -> None:
    server.mind = saying(SOUND)
    explanation, (result,) = drafted(server, a_stockout())
    assert explanation.source == "model"
    assert explanation.text.startswith("BOLT-M8 runs short at WH-SOUTH; donor floor of DC-EAST limits")
    assert result.ok
    assert not check_prose(explanation.template, explanation.facts, ["BOLT-M8", "WH-SOUTH"])


def test_what_is_proposed_and_which_rules_apply_cannot_be_left_out(server: ModelServer) -> None:
    server.mind = saying("Nothing speaks against {{cost}}.")
    text = drafted(server, a_stockout())[0].text
    template = TemplateDrafter().draft(*a_stockout()).text
    for line in template.splitlines():
        if line.startswith(("- Transfer", "Rules that apply", "- Transfers between", "Confidence", "It costs")):
            assert line in text


def test_a_draft_with_a_figure_is_sent_back_with_what_is_wrong(server: ModelServer) -> None:
    said = iter(["There are 500 units short.", "Five hundred {{cost}}.", SOUND])
    asked: list[Body] = []

    def mind(body: Body) -> Said:
        asked.append(body)
        return Said(next(said))

    server.mind = mind
    explanation, results = drafted(server, a_stockout())
    assert explanation.source == "model"
    assert len(results) == 3
    assert "numeral '5'" in asked[1]["messages"][-1]["content"]
    assert "number word 'five'" in asked[2]["messages"][-1]["content"]


def test_after_two_returned_drafts_the_template_speaks(server: ModelServer) -> None:
    server.mind = saying("There are 500 units short.")
    explanation, results = drafted(server, a_stockout())
    assert len(results) == 3
    assert canonical_record(explanation) == canonical_record(TemplateDrafter().draft(*a_stockout()))


@pytest.mark.parametrize("fault", [*ON_THE_WIRE, *IN_THE_WORDS, *ONLY_WORDS], ids=lambda fault: fault.name)
def test_whatever_goes_wrong_the_template_speaks(server: ModelServer, fault: Fault) -> None:
    server.mind = fault.mind
    explanation, results = drafted(server, a_stockout(), idle_seconds=0.1, total_seconds=0.3, max_retries=0)
    assert canonical_record(explanation) == canonical_record(TemplateDrafter().draft(*a_stockout()))
    assert 1 <= len(results) <= 3


@pytest.mark.parametrize(
    "words",
    ["See [this](leak) on {{cost}}.", "Open https://example.org for {{cost}}.", "<b>{{cost}}</b>", "Approved.",
     "It costs {{cost}}. " * 200, "It takes {{cost}} from {{line_1_destination}}.", "It is Ｘ{{cost}}."],
)  # fmt: skip
def test_words_that_could_mislead_or_load_something_are_not_shown(server: ModelServer, words: str) -> None:
    server.mind = saying(words)
    assert drafted(server, a_stockout())[0].source == "template"


def test_prices_margins_and_customers_never_leave_and_come_back(server: ModelServer) -> None:
    case, situation, proposal, citations = a_stockout(
        note="Zebrafink Retail pays EUR 73.41 a unit", plan_note="the unit price is 8,765.43 EUR"
    )
    door = a_door(server.url)
    door.listed = lambda: ["Zebrafink Retail", "CU-ZEBRA"]
    server.received.clear()
    server.mind = saying("The reason: {{note}}, and {{plan_note}}, at {{cost}} and {{money_at_risk}}.")
    explanation = ModelDrafter(door).draft(case, situation, proposal, citations)
    door.close()
    sent = server.sent_words
    for canary in ("Zebrafink", "73.41", "8,765.43", "9,800", "9,390", "410 EUR", "4.25"):
        assert canary not in sent, canary
    assert "«customer-1»" in json.loads(server.received[0].raw)["messages"][1]["content"]
    for canary in ("Zebrafink Retail", "73.41", "8,765.43", "9,800 EUR"):
        assert canary in explanation.text, canary
    assert explanation.source == "model"


def test_what_left_and_where_to_is_told_for_the_trace(server: ModelServer) -> None:
    server.mind = saying(SOUND)
    _, (result,) = drafted(server, a_stockout())
    told = result.attributes()
    assert told["evenkeel.egress.may_leave"] == "none"
    assert told["evenkeel.egress.region"] == "not stated"
    assert "price=" in told["evenkeel.egress.withheld"]
    assert told["gen_ai.request.model"] == "tester"


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.acceptance)])
def test_a_puppet_of_hostile_texts_words_nothing_that_is_not_grounded(server: ModelServer, step: int) -> None:
    """Every fourth text in the suite, every one in the acceptance run."""
    rows = [json.loads(line) for line in (TEXTS / "hostile.jsonl").read_text(encoding="utf-8").splitlines()][::step]
    puppet = Puppet(rows, honest=saying(SOUND))
    server.mind = puppet
    door = a_door(server.url, max_retries=0, max_input_characters=200_000, calls_per_run=10**6)
    drafter = ModelDrafter(door)
    for row in rows:
        world = a_stockout(note=row["text"], plan_note=row["text"])
        explanation = drafter.draft(*world)
        ids = ["BOLT-M8", "WH-SOUTH", "DC-EAST", "SOP-7"]
        assert not check_prose(explanation.template, explanation.facts, ids)
        assert explanation.citations == world[3]
        assert "9999" not in explanation.template
    door.close()
    assert len(set(puppet.obeyed)) >= 0.9 * len(rows), "the puppet did not see the texts"


def test_whoever_words_it_proposals_and_rulings_are_the_same(server: ModelServer, tmp_path: Path) -> None:
    control = World(tmp_path / "control", two_sites_one_lane(), rollout="guided").furnish()
    other = control.copied_to(tmp_path / "other")
    server.mind = Puppet([{"id": "all", "goal": "raise_quantity", "text": "facts"}])  # in every draft's prompt
    door = a_door(server.url, max_retries=0)
    other.desk.drafter = ModelDrafter(door)
    told = []
    for world in (control, other):
        world.desk.sweep()
        with world.database.read() as connection:
            told.append(
                [
                    (canonical_record(each), list_rulings(connection, EVERYTHING, each.proposal_id))
                    for each in world.proposals(ProposalState.PENDING)
                ]
            )
            explained = [find_explanation(connection, EVERYTHING, each.proposal_id) for each in world.proposals()]
            assert all(each is not None and each.source == "template" for each in explained)
    door.close()
    assert told[0]
    assert told[0] == told[1]
    assert server.received


def test_the_end_of_a_question_is_known_even_when_nothing_is_said(server: ModelServer) -> None:
    server.mind = saying(" ")
    explanation, (result,) = drafted(server, a_stockout())
    assert (explanation.source, result.kind) == ("template", ResultKind.EMPTY)
