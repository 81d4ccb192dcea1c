"""Prices, substitutes, customers who come first, and life left on arrival: what clauses ask of them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import select

from inventory.ledger import ledger_rows
from inventory.proposals import find_plan_run
from inventory.records import EVERYTHING, ActionKind, Option, ProposalContent, ProposalLine, Tier
from inventory.tables import plan_runs
from tests.tools.networks import add_rows, amended, set_column
from tests.tools.rule_worlds import SAID, document, look_under, net_value, planned, rule
from tests.tools.test_lots import lots_promised, world_of_lots
from tests.worlds import MONDAY, ItemSite, Lane, Network, World, two_stores_one_donor
from tests.written_rules import put_in_force
from tools.lot_rules import LotRules
from tools.options import describe, offers_for_surplus
from tools.rules.gate import gate_rules
from tools.rules.lots import LifeOnArrival

BUYING = (ActionKind.PURCHASE, ActionKind.EXPEDITE)
SLOW = Network(
    item_sites=(
        ItemSite("COAT", "NORTH", weekly=7, on_hand=900, cost=5.0, price=90.0),
        ItemSite("HOOD", "SOUTH", weekly=1, on_hand=90, cost=10.0, price=30.0),
    ),
    lanes=(Lane("SOUTH", "NORTH"),),
)
"""NORTH has two years of COAT."""


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("slow") / "home", SLOW).furnish()


def surplus_table(world: World, *rules: object) -> dict[ActionKind, Option]:
    outlook = look_under(world, rules)  # type: ignore[arg-type]
    row = outlook.arrays.row_of[("COAT", "NORTH")]
    found = offers_for_surplus(outlook, row, world.toolbox.option_facts(world.toolbox.snapshot()))
    table = describe(outlook, row, found, (), chosen=0, minimum_net_benefit=1.0, seed=1, draws=4)
    return {option.action: option for option in table}


@pytest.mark.parametrize(
    "asked",
    [
        rule("no_markdown", items=["COAT"]),
        rule("no_markdown", brands=["Coat"]),
        rule("protected_range", items=["COAT"]),
    ],
    ids=["item", "brand", "protected"],
)
def test_what_must_not_be_marked_down_is_not_though_it_would_pay(slow: World, asked: object) -> None:
    ignoring, obeying = surplus_table(slow), surplus_table(slow, asked)

    assert ignoring[ActionKind.MARKDOWN].feasible
    assert ignoring[ActionKind.MARKDOWN].net_value_minor > ignoring[ActionKind.HOLD].net_value_minor == 0
    assert not obeying[ActionKind.MARKDOWN].feasible
    assert obeying[ActionKind.MARKDOWN].quantity == 0
    assert SAID in obeying[ActionKind.MARKDOWN].binding_constraint


def test_a_protected_range_is_not_given_back_either(slow: World) -> None:
    ignoring, obeying = surplus_table(slow), surplus_table(slow, rule("protected_range", items=["COAT"]))

    assert ignoring[ActionKind.RETURN_TO_SUPPLIER].quantity > 0
    assert not obeying[ActionKind.RETURN_TO_SUPPLIER].feasible
    assert SAID in obeying[ActionKind.RETURN_TO_SUPPLIER].binding_constraint


def test_another_items_rule_changes_nothing(slow: World) -> None:
    assert surplus_table(slow, rule("no_markdown", items=["HOOD"])) == surplus_table(slow)


@pytest.fixture(scope="module")
def rivals(tmp_path_factory: pytest.TempPathFactory) -> World:
    """DC has 100 PUMP, keeps 45; NORTH and SOUTH want 80 each, and it is dearer to SOUTH, whose customer is ACME."""
    promised = (
        set_column(
            "lanes", pl.when(pl.col("destination") == "SOUTH").then(3.0).otherwise("unit_cost").alias("unit_cost")
        ),
        add_rows("customers", {"customer": "ACME", "name": "Acme", "tier": "standard", "penalty_share": 0.0}),
        add_rows(
            "commitments",
            {"customer": "ACME", "item": "PUMP", "site": "SOUTH", "protected_quantity": 1, "until": None},
        ),
    )
    return World(
        tmp_path_factory.mktemp("rivals") / "home", amended(two_stores_one_donor(stock=100), *promised)
    ).furnish()


def test_who_comes_first_is_served_first_though_others_would_be_worth_more(rivals: World) -> None:
    asked = rule("priority_customer", customer="ACME")
    ignoring, obeying = planned(rivals), planned(rivals, [asked])

    assert ignoring.units(ActionKind.TRANSFER, destination="NORTH") > 0
    assert ignoring.units(ActionKind.TRANSFER, destination="SOUTH") == 0
    assert obeying.units(ActionKind.TRANSFER, destination="SOUTH") > 0
    assert obeying.units(ActionKind.TRANSFER, destination="NORTH") == 0
    assert ignoring.worth > obeying.worth, "ignoring the rule would win"
    assert SAID in obeying.option(ActionKind.TRANSFER, "SOUTH").binding_constraint
    assert obeying.joint.won_by == {"case-NORTH": "case-SOUTH"}
    assert f"served first by {SAID}" in obeying.joint.lost_to["case-NORTH"]


def test_a_customer_nobody_serves_here_comes_before_nobody(rivals: World) -> None:
    assert planned(rivals, [rule("priority_customer", customer="OTHER")]).lines == planned(rivals).lines


@pytest.fixture(scope="module")
def lots(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two lots at the centre, no clause, swept."""
    world = world_of_lots(tmp_path_factory.mktemp("lots"), old="2024-06-01")
    world.desk.sweep()
    return world


def test_what_is_sent_has_the_life_left_that_the_clause_asks(lots: World, tmp_path: Path) -> None:
    """The house takes a quarter of 120 days: the old lot would do. The clause asks for 60 on arrival, on 11 April."""
    obeying = world_of_lots(tmp_path, old="2024-06-01")
    asked = rule("shelf_life_minimum", items=["BOLT"], sites=["NORTH"], days=60)
    put_in_force(obeying.database, document(), [asked])
    obeying.desk.sweep()
    with obeying.database.read() as connection:
        old = next(row for row in ledger_rows(connection, EVERYTHING) if row.lot == "OLD")

    assert lots_promised(lots) == {"OLD": 78}, "the old lot goes first, before it must be written off"
    assert lots_promised(obeying) == {"FRESH": 78}
    assert old.reserved == 0


def test_what_no_lot_is_fresh_enough_for_is_not_sent_though_it_would_pay(lots: World, tmp_path: Path) -> None:
    """The house would send either lot; the clause asks for 400 days, which none has."""
    obeying = world_of_lots(tmp_path, old="2024-06-01")
    put_in_force(obeying.database, document(), [rule("shelf_life_minimum", items=["BOLT"], days=400)])
    obeying.desk.sweep()
    with obeying.database.read() as connection:
        (plan,) = connection.execute(select(plan_runs.c.plan_run_id)).scalars()
        (why,) = find_plan_run(connection, EVERYTHING, plan).lost_to.values()

    assert sum(lots_promised(lots).values()) == 78
    assert lots_promised(obeying) == {}
    assert net_value(lots) > net_value(obeying), "ignoring the rule would win"
    for lot in ("OLD", "FRESH"):
        assert f"lot {lot} expires" in why
    assert why.count(f"400 days of life are needed on arrival 2024-04-11 by {SAID}") == 2


def test_the_stricter_of_house_and_clauses_holds_for_a_lot(tmp_path: Path) -> None:
    world = world_of_lots(tmp_path, old="2024-06-01")
    some = [
        rule("shelf_life_minimum", rule_id="R-1", share=0.5, sites=["NORTH"]),
        rule("shelf_life_minimum", rule_id="R-2", days=10),
    ]
    rules = LotRules(world.toolbox.snapshot(), tuple(some))
    life = LifeOnArrival.of(rules.rules, rules.snapshot, {("BOLT", "NORTH"), ("BOLT", "DC")})

    assert life.needed("BOLT", "DC", "NORTH", 120) == (60, f" by {SAID}")
    assert life.needed("BOLT", "NORTH", "DC", 120)[0] == 60, "it leaves one of the rule's sites"
    assert life.needed("BOLT", "EAST", "DC", 120)[0] == 10
    assert LifeOnArrival().needed("BOLT", "DC", "NORTH", 120) == (0, "")


def test_a_substitute_goes_only_formally_and_with_consent(tmp_path_factory: pytest.TempPathFactory) -> None:
    """SPARE stands in for BOLT at once and for nothing; the clause does not forbid it, it asks for people."""
    network = amended(
        Network(
            item_sites=(
                ItemSite("BOLT", "NORTH", weekly=20, on_hand=4, flags="consumable", cost=4.0, price=10.0),
                ItemSite("SPARE", "NORTH", weekly=1, on_hand=300, flags="consumable", cost=4.0, price=10.0),
                ItemSite("SPARE", "SOUTH", weekly=1, on_hand=90),
            ),
            lanes=(Lane("SOUTH", "NORTH"),),
        ),
        add_rows("substitutes", {"item": "BOLT", "substitute": "SPARE", "acceptance": 0.9, "needs_consent": False}),
    )
    world = World(tmp_path_factory.mktemp("stand-in") / "home", network).furnish()
    asked = rule("substitution_consent", items=["BOLT"])
    ignoring, obeying = planned(world), planned(world, [asked])
    free, bound = ignoring.option(ActionKind.SUBSTITUTE), obeying.option(ActionKind.SUBSTITUTE)
    line = ProposalLine(
        number=1, action=ActionKind.SUBSTITUTE, item="BOLT", destination="NORTH", mode="SPARE", quantity=10,
        cost_minor=0, ship_on=MONDAY, arrive_on=MONDAY,
    )  # fmt: skip
    content = ProposalContent(
        case_id="case", version=1, action=ActionKind.SUBSTITUTE, lines=(line,), value_minor=0, currency="EUR",
        snapshot_id="snap", plan_run_id="plan", policy_version=1,
    )  # fmt: skip
    asks = gate_rules([asked], world.toolbox.snapshot(), obeying.outlook, content, 0)

    assert free.net_value_minor > max(one.net_value_minor for one in ignoring.options if one.action in BUYING)
    assert SAID not in " ".join((free.binding_constraint, *free.side_effects))
    assert bound.clauses == (asked.passage_id,)
    assert any("the customer must consent" in effect and SAID in effect for effect in bound.side_effects)
    assert [(one.tier, one.rule) for one in asks.fired] == [(Tier.FORMAL, "R-1")]
    other = rule("substitution_consent", items=["NUT"])
    assert gate_rules([other], world.toolbox.snapshot(), obeying.outlook, content, 0).fired == ()
