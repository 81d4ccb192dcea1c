"""Who must sign, asked before anything is proposed: machine rules in force are part of the answer, by their clauses."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from agent.policy_question import Answer, Question, ask
from agent.ruling import Gate
from inventory.records import ActionKind, Tier
from service.policy_pages import answer_page
from tests.capability_worlds import answer
from tests.tools.networks import copy_of
from tests.tools.rule_worlds import CITED, document, rule
from tests.worlds import World
from tests.written_rules import put_in_force

CENTRAL = rule("approval_right", roles=["central"], above=100)
EITHER = rule("approval_right", rule_id="R-2", roles=["finance", "quality"], sites=["NORTH"])
OF_NUTS = rule("approval_right", rule_id="R-3", roles=["finance"], items=["NUT"])
ELSEWHERE = rule("approval_right", rule_id="R-4", roles=["finance"], sites=["PORTO"])
NEVER = rule("never_automatic", rule_id="R-5", classes=["standard"], actions=["transfer"])


@pytest.fixture(scope="module")
def ruled(company: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The company under rules for the gate."""
    world = copy_of(company, tmp_path_factory.mktemp("ruled") / "home")
    put_in_force(world.database, document(), [CENTRAL, EITHER, OF_NUTS, ELSEWHERE, NEVER])
    return world


def asked(world: World, **told: Any) -> Answer:
    question = Question.model_validate(
        {"action": ActionKind.TRANSFER, "value_minor": 200_00, "item_classes": ("standard",), **told}
    )
    with world.database.read() as connection:
        return ask(world.toolbox, connection, Gate(rollout="auto", erp_native_key=True), question)


def fired(found: Answer) -> set[str]:
    return {each.rule for each in found.by_clause}


@pytest.mark.parametrize(
    ("told", "certain", "may"),
    [
        ({"sites": ("NORTH",)}, {"R-1", "R-2", "R-5"}, {"R-3"}),
        ({"sites": ("DC",)}, {"R-1", "R-5"}, {"R-3"}),
        ({"sites": ("DC",), "value_minor": 100_00}, {"R-5"}, {"R-3"}),
        ({"sites": ("DC",), "action": ActionKind.PURCHASE}, {"R-1"}, {"R-3"}),
        ({"sites": ("DC",), "item_classes": ("regulated",)}, {"R-1"}, {"R-3"}),
        ({}, {"R-1", "R-5"}, {"R-2", "R-3", "R-4"}),
        ({"sites": ("NORTH",), "item": "NUT"}, {"R-1", "R-2", "R-3", "R-5"}, set()),
        ({"lane": ("DC", "NORTH"), "item": "BOLT", "item_classes": ("consumable",)}, {"R-1", "R-2"}, set()),
    ],
)
def test_a_rule_speaks_where_its_scope_and_value_hold_and_may_speak_where_it_is_left_open(
    ruled: World, told: dict[str, Any], certain: set[str], may: set[str]
) -> None:
    found = asked(ruled, **told)

    assert fired(found) == certain
    assert {words.split()[0] for words in found.may_fire} == may
    assert all(f"by {CITED}" in each.reason for each in found.by_clause)


def test_what_would_be_automatic_is_not_where_a_clause_speaks(company: World, ruled: World) -> None:
    told = {"value_minor": 50_00, "item_classes": ("consumable",), "lane": ("DC", "NORTH")}
    assert asked(company, **told).tier is Tier.AUTO
    assert asked(company, **told).may_fire == ()
    assert asked(ruled, **told).tier is Tier.PLANNER


def test_the_page_of_the_answer_names_one_of_several_roles(ruled: World) -> None:
    console = Console(width=200)
    with console.capture() as printed:
        console.print(answer_page(asked(ruled, sites=("NORTH",))))
    said = printed.get()

    assert "among the signers: central, finance or quality" in said
    assert f"by {CITED} (R-2)" in said
    assert "may ask for more: R-3" in said


def test_who_approves_names_the_roles_of_a_clause_and_the_clause(company: World, ruled: World) -> None:
    before = answer(company, "who_approves", action="transfer", value=200, site="NORTH")
    found = answer(ruled, "who_approves", action="transfer", value=200, site="NORTH")

    assert "finance" not in before.text
    assert "Besides, central and finance or quality must be among the signers." in found.text
    assert f"central must be among the signers above 100, by {CITED} (R-1)" in found.text
    assert "may ask for more: R-3" in found.text
    assert "carl" in found.text, "central can sign"


@pytest.mark.parametrize(
    ("item", "role"),
    [("NUT", "central and finance or quality and finance must"), ("BOLT", "central and finance or quality must")],
)
def test_a_preview_of_an_action_on_an_item_knows_which_rules_speak(ruled: World, item: str, role: str) -> None:
    found = answer(ruled, "tier_preview", action="transfer", item=item, site="NORTH", origin="DC", quantity=60)

    assert f"{role}" in found.text
    assert ("R-3" in str(found.tables)) is (item == "NUT")
