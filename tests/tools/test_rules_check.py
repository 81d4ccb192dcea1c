"""The second look: lines that break a rule are found whatever planned them, and what keeps to the rules is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from inventory.machine_rules import RuleRecord
from inventory.records import ActionKind, ProposalLine
from tests.tools.rule_worlds import SAID, look_under, planned, rule
from tests.worlds import MONDAY, World, two_sites_one_lane
from tools.rules.check import left_by, violations, violations_of_each


def line(action: ActionKind = ActionKind.TRANSFER, quantity: int = 100, **told: Any) -> ProposalLine:
    ends = {"origin": "DC", "mode": "truck"} if action is ActionKind.TRANSFER else {"supplier": "SUP"}
    body = {
        "number": 1, "action": action, "item": "BOLT", "destination": "NORTH", "quantity": quantity, "cost_minor": 1,
        "ship_on": MONDAY + timedelta(days=1), "arrive_on": MONDAY + timedelta(days=3), **ends, **told,
    }  # fmt: skip
    return ProposalLine.model_validate(body)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """DC has 300 BOLT, NORTH 4."""
    return World(tmp_path_factory.mktemp("check") / "home", two_sites_one_lane()).furnish()


TODAY = {"from": MONDAY, "to": MONDAY}
TOMORROW = {"from": MONDAY + timedelta(days=1), "to": MONDAY + timedelta(days=1)}
BROKEN: dict[str, tuple[RuleRecord, ProposalLine, ProposalLine]] = {
    "donor floor": (rule("donor_floor", units=201), line(), line(quantity=99)),
    "donor floor in days": (rule("donor_floor", days=168), line(), line(quantity=50)),
    "freeze": (rule("freeze", sites=["DC"]), line(quantity=1), line(ActionKind.PURCHASE)),
    "commitment": (rule("allocation_commitment", share=0.7, customer="ACME"), line(), line(quantity=90)),
    "promotion": (rule("promotion_build_up", items=["BOLT"], units=250, **TODAY), line(), line(quantity=50)),
    "protected range": (rule("protected_range", items=["BOLT"]), line(), line(ActionKind.PURCHASE)),
    "lane": (rule("lane_ban", destination="NORTH"), line(), line(ActionKind.PURCHASE)),
    "embargo": (rule("embargo", sites=["NORTH"], **TOMORROW), line(), line(ship_on=MONDAY + timedelta(days=2))),
    "embargo on orders": (
        rule("embargo", actions=["purchase"], direction="in", **TOMORROW), line(ActionKind.PURCHASE), line()
    ),
    "minimum": (rule("order_quantity", minimum=101), line(ActionKind.PURCHASE), line(ActionKind.PURCHASE, 101)),
    "multiple": (rule("order_quantity", multiple=8), line(ActionKind.PURCHASE), line(ActionKind.PURCHASE, 104)),
    "delisting": (
        rule("planned_delisting", items=["BOLT"], on=MONDAY + timedelta(days=28)),
        line(ActionKind.PURCHASE), line(ActionKind.PURCHASE, 60),
    ),
    "no markdown": (rule("no_markdown", items=["BOLT"]), line(ActionKind.MARKDOWN), line(ActionKind.PURCHASE)),
}  # fmt: skip
"""Each with a line that breaks it and one that does not."""


@pytest.mark.parametrize("name", BROKEN)
def test_a_line_that_breaks_a_rule_is_found_by_its_clause(name: str, world: World) -> None:
    asked, breaking, keeping = BROKEN[name]
    outlook, snapshot = look_under(world), world.toolbox.snapshot()
    (found,) = violations([asked], snapshot, outlook, [breaking], left_by(outlook, [breaking]))

    assert found.rule == asked
    assert SAID in found.words
    assert violations([asked], snapshot, outlook, [keeping], left_by(outlook, [keeping])) == ()


def test_lines_are_added_up_before_they_are_looked_at(world: World) -> None:
    outlook, half = look_under(world), line(quantity=60)
    lines = [half, half.model_copy(update={"number": 2})]
    found = violations(
        [rule("donor_floor", units=201)], world.toolbox.snapshot(), outlook, lines, left_by(outlook, lines)
    )

    assert len(found) == 1
    assert "giving 120 of BOLT leaves DC 180" in found[0].words


def test_lines_looked_at_together_break_what_they_break_alone(world: World) -> None:
    outlook, snapshot = look_under(world), world.toolbox.snapshot()
    rules = [asked for asked, _, _ in BROKEN.values()]
    groups = [[], *([line] for _, breaking, keeping in BROKEN.values() for line in (breaking, keeping))]
    groups.append([line(quantity=0), line(), line(ActionKind.MARKDOWN)])
    left = left_by(outlook, groups[-1])

    alone = [violations(rules, snapshot, outlook, lines, left) for lines in groups]
    assert violations_of_each(rules, snapshot, outlook, groups, left) == alone
    assert sum(map(bool, alone)) > len(BROKEN)


@pytest.mark.parametrize("name", BROKEN)
def test_what_the_plan_does_under_a_rule_passes_the_second_look(name: str, world: World) -> None:
    asked = BROKEN[name][0]
    plan = planned(world, [asked])

    assert (
        violations([asked], world.toolbox.snapshot(), plan.outlook, plan.lines, left_by(plan.outlook, plan.lines)) == ()
    )


def test_a_place_nobody_planned_cannot_be_shown_to_keep_its_floor(world: World) -> None:
    elsewhere, outlook = line(origin="ATTIC"), look_under(world)

    assert violations([rule("donor_floor", days=1)], world.toolbox.snapshot(), outlook, [elsewhere], {}) != ()
