"""What a site does not give away: ignoring the rule would be worth more, and the plan obeys and names the clause."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from inventory.machine_rules import RuleRecord
from inventory.records import ActionKind
from tests.tools.rule_worlds import SAID, look_under, planned, rule
from tests.worlds import MONDAY, World, two_sites_one_lane
from tools.needs import donor_floor, spare_units, surplus_units

SOON = {"from": MONDAY - timedelta(days=2), "to": MONDAY + timedelta(days=20)}
"""A window today lies in."""

GIVING: dict[str, tuple[RuleRecord, int]] = {
    "donor floor in days": (rule("donor_floor", sites=["DC"], days=168), 65),
    "donor floor in units": (rule("donor_floor", sites=["DC"], units=260), 40),
    "freeze of some": (rule("freeze", sites=["DC"], items=["BOLT"], units=270), 30),
    "freeze of all": (rule("freeze", sites=["DC"], items=["BOLT"], until=MONDAY), 0),
    "protected range": (rule("protected_range", items=["BOLT"]), 0),
    "promotion build-up": (rule("promotion_build_up", items=["BOLT"], sites=["DC"], units=280, **SOON), 20),
    "promotion build-up of all": (rule("promotion_build_up", classes=["consumable"], **SOON), 0),
    "commitment in units a week": (rule("allocation_commitment", sites=["DC"], units=60, customer="ACME"), 60),
    "commitment as a share": (rule("allocation_commitment", sites=["DC"], share=0.9, channel="web"), 30),
}
"""Each with the most of DC's 300 BOLT that may leave it, worked out by hand; it sells 10 a week."""
OTHERS = {
    "another site": rule("donor_floor", sites=["NORTH"], units=260),
    "another item": rule("freeze", sites=["DC"], items=["NUT"]),
    "another class": rule("protected_range", classes=["regulated"]),
    "over": rule("freeze", sites=["DC"], until=MONDAY - timedelta(days=1)),
    "not begun": rule(
        "promotion_build_up", items=["BOLT"], **{"from": MONDAY + timedelta(1), "to": MONDAY + timedelta(9)}
    ),
    "another customer": rule("protected_range", items=["BOLT"], customers=["ACME"]),
    "another channel": rule("protected_range", items=["BOLT"], channels=["web"]),
    "another supplier": rule("donor_floor", suppliers=["OTHER"], units=260),
    "another brand": rule("protected_range", brands=["Bo"]),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """DC has 300 BOLT and sells 10 a week; NORTH sells 20 and has 4."""
    return World(tmp_path_factory.mktemp("giving") / "home", two_sites_one_lane()).furnish()


@pytest.mark.parametrize("name", GIVING)
def test_a_donor_keeps_what_the_rule_asks_and_the_clause_is_named(name: str, world: World) -> None:
    asked, most = GIVING[name]
    ignoring, obeying = planned(world), planned(world, [asked])

    assert ignoring.units(ActionKind.TRANSFER) > most >= obeying.units(ActionKind.TRANSFER)
    assert ignoring.worth > obeying.worth, "ignoring the rule would win"
    transfer = obeying.option(ActionKind.TRANSFER)
    assert transfer.clauses == (asked.passage_id,)
    assert SAID in transfer.binding_constraint
    assert "more units could go without it" in transfer.binding_constraint


def test_what_could_go_without_a_rule_is_what_would_be_spare(world: World) -> None:
    asked, _ = GIVING["freeze of some"]
    without, under = look_under(world), look_under(world, [asked])
    dc = under.arrays.row_of[("BOLT", "DC")]
    more = spare_units(without, dc) - spare_units(under, dc)

    assert (
        f"; {more} more units could go without it"
        in planned(world, [asked]).option(ActionKind.TRANSFER).binding_constraint
    )
    assert donor_floor(under, dc) == 270


@pytest.mark.parametrize("name", OTHERS)
def test_a_rule_about_something_else_changes_nothing(name: str, world: World) -> None:
    ignoring, obeying = planned(world), planned(world, [OTHERS[name]])

    assert obeying.lines == ignoring.lines
    assert obeying.options == ignoring.options


def test_of_several_rules_the_strictest_holds_and_is_named(world: World) -> None:
    several = [
        rule("donor_floor", rule_id="R-2", days=70),
        rule("donor_floor", rule_id="R-1", days=168),
        rule("freeze", rule_id="R-3", units=200),
    ]
    together, alone = planned(world, several), planned(world, several[1:2])

    assert together.lines == alone.lines
    assert "(R-1)" in together.option(ActionKind.TRANSFER).binding_constraint


def test_adding_a_rule_never_lets_more_go(world: World) -> None:
    rules = [one.model_copy(update={"rule_id": f"R-{number}"}) for number, (one, _) in enumerate(GIVING.values())]
    generator = np.random.default_rng(20240408)
    for _ in range(12):
        order = generator.permutation(len(rules))
        held = [rules[number] for number in order[: generator.integers(1, len(rules))].tolist()]
        fewer, more = look_under(world, held[:-1]), look_under(world, held)
        for row in range(fewer.arrays.rows):
            assert donor_floor(more, row) >= donor_floor(fewer, row)
            assert spare_units(more, row) <= spare_units(fewer, row)
            assert surplus_units(more, row) <= surplus_units(fewer, row)


def test_what_is_built_up_for_a_promotion_is_no_surplus(world: World) -> None:
    asked = rule("promotion_build_up", items=["BOLT"], sites=["DC"], units=290, **SOON)
    without, under = look_under(world), look_under(world, [asked])
    dc = under.arrays.row_of[("BOLT", "DC")]

    assert surplus_units(without, dc) > 10 == surplus_units(under, dc)
