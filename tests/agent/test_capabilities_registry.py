"""Every capability keeps the same promises: facts alone in words, rights at the door, plain values, bounded answers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from agent.capabilities.registry import all_capabilities
from agent.grounding import check_prose
from inventory.cases import list_cases
from inventory.database import Database
from inventory.errors import AccessError, NotFoundError
from inventory.record import canonical_record, load
from inventory.records import EVERYTHING, User
from tests.capability_worlds import CELIA, EXAMPLES, OTTO, answer, asked_by
from tests.worlds import World
from tools.capabilities.answer import Answer
from tools.capabilities.catalogue import SPECIFICATIONS
from tools.capabilities.registry import SITES
from tools.errors import ToolInputError

NAMES = [specification.name for specification in SPECIFICATIONS]
MAY_BE_NOTHING = {"held_back", "automatic_actions", "overrides", "tasks", "compare_policies"}
"""What this company has nothing to tell about; every other answer must have found something."""


def example(world: World, name: str) -> dict[str, Any]:
    if name != "show_case":
        return EXAMPLES[name]
    with world.database.read() as connection:
        return {"case": next(r.case.case_id for r in list_cases(connection, EVERYTHING) if "BOLT" in r.case.items)}


def ids(world: World) -> set[str]:
    snapshot = world.toolbox.snapshot()
    tables = (("items", "item"), ("sites", "site"), ("suppliers", "supplier"))
    return {name for table, column in tables for name in snapshot.table(table)[column].to_list()}


def test_every_question_of_the_catalogue_has_one_function_and_none_decides() -> None:
    capabilities = all_capabilities()

    assert list(capabilities) == NAMES == list(EXAMPLES)
    assert {one.effect for one in capabilities.values()} == {"read", "whatif", "suggest"}
    assert [name for name, one in capabilities.items() if one.effect == "suggest"] == ["prefill_proposal"]
    assert all(one.schema()["additionalProperties"] is False for one in capabilities.values())


@pytest.mark.parametrize("name", NAMES)
def test_words_hold_facts_alone_and_values_are_plain(company: World, name: str) -> None:
    found = answer(company, name, **example(company, name))

    for part in (found.template, *found.notes):
        assert check_prose(part, found.slots, ids(company)) == ()
    assert "{{" not in found.text
    assert found.sources
    assert found.found or name in MAY_BE_NOTHING
    values = [fact.value for fact in found.facts.values()] + [c for t in found.tables for row in t.rows for c in row]
    assert {type(value) for value in values} <= {str, int, float, type(None)}
    assert all(math.isfinite(value) for value in values if isinstance(value, float))
    assert load(type(found), canonical_record(found)) == found


@pytest.mark.parametrize("name", [n for n in NAMES if set(SITES) & set(EXAMPLES[n])])
@pytest.mark.parametrize("site", ["DC", "NOWHERE"])
def test_a_foreign_site_is_refused_in_the_same_words_whether_or_not_it_exists(
    company: World, name: str, site: str
) -> None:
    places = [place for place in SITES if place in EXAMPLES[name]]
    for place in places:
        with pytest.raises(AccessError, match=r"^you may see NORTH$"):
            answer(company, name, OTTO, **{**EXAMPLES[name], place: site})


@pytest.mark.parametrize("name", NAMES)
def test_who_sees_one_site_is_told_of_no_other(company: World, name: str) -> None:
    """Otto's own proposal names the site that gives, as the page of the case does; nothing else may."""
    asked = example(company, name)
    if "origin" in asked:
        with pytest.raises(AccessError):
            answer(company, name, OTTO, **asked)
        return
    found = answer(company, name, OTTO, **asked)
    if name in ("options", "show_case", "past_decision", "list_cases", "waiting_approvals", "why_not", "why"):
        return
    said = {str(fact.value) for fact in found.facts.values()} | {
        str(cell) for table in found.tables for row in table.rows for cell in row
    }
    assert "DC" not in said
    assert "OPEN-2" not in said


@pytest.mark.parametrize("name", [n for n in NAMES if "item" in EXAMPLES[n]])
def test_an_item_of_a_foreign_class_is_as_unknown_as_one_that_does_not_exist(company: World, name: str) -> None:
    told = []
    for item in ("NUT", "NOTHING"):
        try:
            found = answer(company, name, CELIA, **{**EXAMPLES[name], "item": item})
        except (NotFoundError, ToolInputError) as refused:
            told.append(str(refused).replace(item, "it"))
        else:
            assert name in ("past_decision",)
            told.append(str(found.found))
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("stock_position", {}),
        ("stock_position", {"item": "BOLT", "user": "root"}),
        ("forecast", {"item": "BOLT", "site": "DC", "weeks": 0}),
        ("projection", {"item": "BOLT", "site": "DC", "days": "many"}),
        ("prefill_proposal", {"action": "approve", "item": "BOLT", "site": "DC"}),
        ("what_if", {"change": "supplier_slips", "supplier": "SUP"}),
        ("what_if", {"change": "part_deliveries", "supplier": "SUP", "percent": 130}),
        ("who_approves", {}),
        ("past_decision", {}),
        ("lead_time", {}),
        ("kpis", {"name": "weather"}),
    ],
)
def test_arguments_that_make_no_question_are_refused_by_name(
    company: World, name: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ToolInputError, match=name):
        answer(company, name, **arguments)


def test_questions_change_nothing_and_are_answered_alike_twice(company: World) -> None:
    def counts(database: Database) -> dict[str, int]:
        from sqlalchemy import func, select

        from inventory.tables import metadata

        with database.read() as connection:
            return {
                table.name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
                for table in metadata.sorted_tables
            }

    before = counts(company.database)
    for name in NAMES:
        asked = example(company, name)
        assert answer(company, name, **asked) == answer(company, name, **asked)
    assert counts(company.database) == before


def test_an_answer_without_the_fact_of_a_slot_cannot_be_said() -> None:
    bare = Answer(capability="x", facts={}, sources=(), template="{{missing}}")
    with pytest.raises(ToolInputError, match="missing"):
        assert bare.text


def test_the_asker_is_never_an_argument() -> None:
    fields = {field for one in all_capabilities().values() for field in one.arguments.model_fields}
    assert not fields & {"user", "scope", "toolbox", "connection", "as_user"}


def test_a_person_of_no_site_sees_none(company: World) -> None:
    nobody = User(user_id="nobody", name="No Body", roles=("planner",), sites=())
    with pytest.raises(AccessError, match="no site"):
        answer(company, "stock_position", nobody, item="BOLT", site="NORTH")
    with asked_by(company, nobody) as asking:
        assert all_capabilities()["list_cases"].run(asking, {}).found is False


def test_scope_comes_from_the_user_alone(company: World, tmp_path: Path) -> None:
    del tmp_path
    with asked_by(company, OTTO) as asking:
        assert asking.scope.sites == frozenset({"NORTH"})
