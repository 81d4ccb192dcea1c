"""Orders as clauses allow them: minimum, multiple, and nothing that cannot be sold before a delisting."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.machine_rules import OrderQuantity
from inventory.records import ActionKind
from tests.tools.rule_worlds import SAID, look_under, planned, rule
from tests.worlds import MONDAY, ItemSite, Lane, Network, World
from tools.rules.buying import order_terms, ordered
from tools.rules.rows import RuleRows

ALONE = Network(
    item_sites=(
        ItemSite("BOLT", "NORTH", weekly=20, on_hand=4, flags="consumable", cost=4.0, price=10.0),
        ItemSite("NUT", "SOUTH", weekly=1, on_hand=90),
    ),
    lanes=(Lane("SOUTH", "NORTH"),),
)
"""Nobody has BOLT to send; the supplier sells from 10 on and needs 21 days."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """NORTH has 4 of what it sells 20 a week of."""
    return World(tmp_path_factory.mktemp("buying") / "home", ALONE).furnish()


@pytest.mark.parametrize(("terms", "divisor"), [({"multiple": 70}, 70), ({"minimum": 400, "multiple": 30}, 30)])
def test_an_order_keeps_to_minimum_and_multiple(world: World, terms: dict[str, int], divisor: int) -> None:
    ignoring, obeying = planned(world), planned(world, [rule("order_quantity", suppliers=["SUP"], **terms)])
    plain, units = ignoring.option(ActionKind.PURCHASE).quantity, obeying.option(ActionKind.PURCHASE).quantity

    assert plain % divisor or plain < terms.get("minimum", 0)
    assert units % divisor == 0
    assert units >= max(plain, terms.get("minimum", 0))
    assert ignoring.worth > obeying.worth, "ignoring the rule would win"
    assert SAID in obeying.option(ActionKind.PURCHASE).binding_constraint
    assert f"{plain:,} without it" in obeying.option(ActionKind.PURCHASE).binding_constraint


def test_another_suppliers_terms_change_nothing(world: World) -> None:
    assert planned(world, [rule("order_quantity", suppliers=["OTHER"], minimum=999)]).options == planned(world).options


@pytest.mark.parametrize(("days", "most"), [(35, 40), (42, 60)])
def test_no_more_is_bought_than_is_sold_before_a_delisting(world: World, days: int, most: int) -> None:
    """An order is there after 21 or 22 days; 20 a week are sold from then on."""
    asked = rule("planned_delisting", items=["BOLT"], on=MONDAY + timedelta(days=days))
    ignoring, obeying = planned(world), planned(world, [asked])
    purchase = obeying.option(ActionKind.PURCHASE)

    assert ignoring.units(ActionKind.PURCHASE) > most >= obeying.units(ActionKind.PURCHASE) > most - 7
    assert SAID in purchase.binding_constraint


def test_what_comes_after_the_delisting_is_not_bought_though_it_would_pay(world: World) -> None:
    asked = rule("planned_delisting", items=["BOLT"], on=MONDAY + timedelta(days=21))
    ignoring, obeying = planned(world), planned(world, [asked])
    purchase = obeying.option(ActionKind.PURCHASE)

    assert ignoring.units(ActionKind.PURCHASE) > 0
    assert obeying.lines == ()
    assert ignoring.worth > obeying.worth, "ignoring the rule would win"
    assert not purchase.feasible
    assert SAID in purchase.binding_constraint


def test_a_delisting_far_away_changes_nothing(world: World) -> None:
    asked = rule("planned_delisting", items=["BOLT"], on=MONDAY + timedelta(days=400))

    assert planned(world, [asked]).options == planned(world).options


def test_what_is_bought_counts_what_is_on_its_way(world: World) -> None:
    outlook = look_under(world, [rule("planned_delisting", items=["BOLT"], on=MONDAY + timedelta(days=42))])
    row = outlook.arrays.row_of[("BOLT", "NORTH")]
    coming = replace(outlook, on_order=outlook.on_order + 90.0)

    assert ordered(coming, row, 500).units == pytest.approx(120 - 4 - 90, abs=1.0)


@given(
    minimum=st.integers(0, 200), multiple=st.integers(1, 12), rule_minimum=st.integers(1, 300),
    rule_multiple=st.integers(1, 30), wanted=st.integers(1, 500),
)  # fmt: skip
def test_both_the_suppliers_and_the_rules_terms_hold(
    minimum: int, multiple: int, rule_minimum: int, rule_multiple: int, wanted: int
) -> None:
    asked = rule("order_quantity", minimum=rule_minimum, multiple=rule_multiple)
    rows = RuleRows((asked,), np.ones((1, 1), dtype=np.bool_))
    terms = order_terms(rows, np.array([float(minimum)]), np.array([float(multiple)]))
    least = next(
        units
        for units in range(max(wanted, minimum, rule_minimum), 10**6)
        if units % multiple == 0 and units % rule_multiple == 0
    )

    assert isinstance(asked, OrderQuantity)
    assert terms.minimum[0] == max(minimum, rule_minimum)
    assert int(np.ceil(max(wanted, terms.minimum[0]) / terms.multiple[0]) * terms.multiple[0]) == least
