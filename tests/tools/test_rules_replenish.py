"""The daily replenishment under machine rules: each changes what it is about, by its clause, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from inventory.machine_rules import PlannedDelisting, ProtectedRange, RuleRecord
from tests.tools.rule_worlds import SAID, look_under, rule
from tests.tools.test_replenish import MONDAY, lane, orders_of, rows_of
from tests.worlds import ItemSite, Lane, Network, World
from tools.replenish import Limit, Orders
from tools.rules.bounds import RowBounds
from tools.rules.buying import MostBought, order_terms
from tools.rules.keeping import Kept
from tools.rules.rows import RuleRows
from tools.stock_rows import StockRows

THREE = (("A", "DC", ""), ("A", "NORTH", "DC"), ("A", "SOUTH", "DC"))
LANES = {"NORTH": (lane("DC", "NORTH"),), "SOUTH": (lane("DC", "SOUTH"),)}


def bound(
    rows: StockRows, asked: RuleRecord, speaks: list[bool], *, keeps: float = 0.0, most: float = np.inf
) -> StockRows:
    """The rows under one rule that speaks about some of them."""
    about = np.array(speaks, dtype=np.bool_)
    rules, number = RuleRows((asked,), about[:, None]), np.where(about, 0, -1)
    none = np.full(rows.count, -1, dtype=np.int64)
    bounds = RowBounds(
        today=rows.today,
        rules=rules,
        kept=Kept(np.where(about, keeps, 0.0), number if keeps else none),
        terms=order_terms(rules, rows.minimum_order, rows.order_multiple),
        most=MostBought(np.where(about, most, np.inf), number if np.isfinite(most) else none),
        lead_days=rows.lead_mean,
    )
    return replace(rows, bounds=bounds)


def named(rows: StockRows, orders: Orders, row: int) -> str:
    assert rows.bounds is not None
    return rows.bounds.words(int(orders.rule[row])) if orders.rule[row] >= 0 else ""


def test_a_site_that_feeds_others_keeps_its_donor_floor() -> None:
    rows = rows_of(*THREE, free=[200.0, 0.0, 0.0])
    floored = bound(rows, rule("donor_floor", units=170), [True, False, False], keeps=170.0)
    ignoring, obeying = orders_of(rows, lanes=LANES), orders_of(floored, lanes=LANES)

    assert ignoring.quantity[1:].sum() > 30 >= obeying.quantity[1:].sum() > 0
    assert named(floored, obeying, 1) == f"by {SAID}"
    assert obeying.limits[1] & Limit.RULE


def test_a_range_that_is_not_given_away_goes_nowhere() -> None:
    rows = rows_of(*THREE, free=[200.0, 0.0, 0.0])
    protected = bound(rows, rule("protected_range", items=["A"]), [True, False, False], keeps=np.inf)
    obeying = orders_of(protected, lanes=LANES)

    assert obeying.quantity[1:].sum() == 0
    assert obeying.set_aside["needed, and a machine rule keeps it from it"] == 2


def test_a_banned_lane_is_not_replenished_over() -> None:
    rows = rows_of(*THREE, free=[500.0, 0.0, 0.0])
    banned = bound(rows, rule("lane_ban", destination="NORTH"), [True, True, True])
    ignoring, obeying = orders_of(rows, lanes=LANES), orders_of(banned, lanes=LANES)

    assert ignoring.quantity[1] > 0 == obeying.quantity[1]
    assert obeying.quantity[2] == ignoring.quantity[2]
    assert obeying.set_aside["a machine rule forbids the movement"] == 1


def test_nothing_is_ordered_in_an_embargo_on_orders() -> None:
    rows = rows_of(("A", "DC", ""), ("B", "DC", ""), free=[0.0, 0.0])
    asked = rule("embargo", actions=["purchase"], **{"from": MONDAY, "to": MONDAY + timedelta(days=3)})
    obeying = orders_of(bound(rows, asked, [True, False]))

    assert obeying.quantity[0] == 0 < obeying.quantity[1]


def test_the_minimum_and_multiple_of_a_clause_are_kept_and_named() -> None:
    rows = rows_of(("A", "DC", ""), ("B", "DC", ""), free=[0.0, 0.0])
    asked = bound(rows, rule("order_quantity", minimum=150, multiple=40), [True, False])
    ignoring, obeying = orders_of(rows), orders_of(asked)

    assert ignoring.quantity[0] < 150
    assert obeying.quantity[0] == 160
    assert obeying.quantity[1] == ignoring.quantity[1]
    assert named(asked, obeying, 0) == f"by {SAID}"
    assert named(asked, obeying, 1) == ""


def test_no_more_is_ordered_than_is_sold_before_a_delisting() -> None:
    rows = rows_of(("A", "DC", ""), ("B", "DC", ""), free=[0.0, 0.0])
    asked = rule("planned_delisting", items=["A"], on=MONDAY + timedelta(days=12))
    capped = bound(rows, asked, [True, False], most=12.0)
    ignoring, obeying = orders_of(rows), orders_of(capped)

    assert isinstance(asked, PlannedDelisting)
    assert ignoring.quantity[0] > 12 >= obeying.quantity[0] > 0
    assert obeying.quantity[1] == ignoring.quantity[1]
    assert named(capped, obeying, 0) == f"by {SAID}"


def test_money_that_is_short_is_not_taken_from_a_protected_range() -> None:
    rows = rows_of(("A", "DC", ""), ("B", "DC", ""), free=[0.0, 0.0])
    asked = rule("protected_range", items=["A"])
    whole = orders_of(rows)
    money = 10.0 * float(whole.quantity[0]) + 100.0
    ignoring = orders_of(rows, budgets={"DC": money})
    obeying = orders_of(bound(rows, asked, [True, False]), budgets={"DC": money})

    assert isinstance(asked, ProtectedRange)
    assert ignoring.quantity[0] < whole.quantity[0] == obeying.quantity[0]
    assert obeying.quantity[1] <= 10
    assert 10.0 * obeying.quantity.sum() <= money


def test_who_comes_first_is_replenished_first() -> None:
    rows = rows_of(*THREE, free=[60.0, 0.0, 0.0])
    first = bound(rows, rule("priority_customer", customer="ACME"), [False, False, True])
    ignoring, obeying = orders_of(rows, lanes=LANES), orders_of(first, lanes=LANES)

    assert ignoring.quantity[1] == ignoring.quantity[2], "treated alike"
    assert obeying.quantity[2] > ignoring.quantity[2]
    assert obeying.quantity[1] < ignoring.quantity[1]
    assert obeying.quantity[1:].sum() <= 60


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    network = Network(
        item_sites=(ItemSite("BOLT", "DC", weekly=10, on_hand=300), ItemSite("NUT", "NORTH", weekly=20, on_hand=4)),
        lanes=(Lane("DC", "NORTH"),),
    )
    return World(tmp_path_factory.mktemp("bounds") / "home", network).furnish()


def test_rows_of_a_look_carry_its_rules_and_parts_are_put_together_alike(world: World) -> None:
    rules = [rule("donor_floor", days=70), rule("order_quantity", rule_id="R-2", items=["NUT"], multiple=9)]
    outlook = look_under(world, rules)
    whole = StockRows.of(outlook)
    parts = StockRows.join([StockRows.of(outlook.take(np.array([row]))) for row in range(outlook.arrays.rows)])

    assert StockRows.of(look_under(world)).bounds is None
    assert whole.bounds is not None
    assert parts.bounds is not None
    assert whole.bounds.terms.multiple.tolist() == parts.bounds.terms.multiple.tolist() == [1.0, 9.0]
    assert whole.bounds.kept.units == pytest.approx([100.0, 200.0], rel=0.05)
    assert parts.bounds.kept.units.tolist() == whole.bounds.kept.units.tolist()
    assert whole.bounds.spoken_of(ProtectedRange).tolist() == [False, False]
    assert whole.bounds.words(1) == "by SOP-RULE@v1#1.1 (R-2)"
