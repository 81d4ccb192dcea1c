"""A run in shadow beside what was ordered after it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inventory.records import EVERYTHING, ActionKind, ReplenishmentLine, ReplenishmentRun
from tests.tools.networks import amended, order
from tests.worlds import MONDAY, START, ItemSite, Lane, Network, World
from tools.shadow_compare import VERDICTS, compare_with_orders

ITEMS = ("A", "B", "C", "D", "E")


def line(item: str, quantity: int) -> ReplenishmentLine:
    return ReplenishmentLine(
        action=ActionKind.PURCHASE, item=item, site="DC", source="SUP", quantity=quantity, wanted=quantity,
        position=0.0, order_up_to_level=float(quantity), cost_minor=1_000 * quantity, value_minor=1_000 * quantity,
        shortage_avoided_units=0.0, shortage_avoided_minor=0, arrive_on=MONDAY + timedelta(days=21), planner="pia",
        item_class="standard", segment=0,
    )  # fmt: skip


def a_run(day_offset: int) -> ReplenishmentRun:
    return ReplenishmentRun(
        run_id="repl-1", day=MONDAY - timedelta(days=day_offset), snapshot_id="snap-0", shadow=True, currency="EUR",
        policy_version=1, stocking_version=1, plan_run_id="", item_sites=5, enough=0,
        lines=tuple(line(item, 100) for item in "ABCD"), set_aside={}, at=START - timedelta(days=day_offset),
    )  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Orders of four days ago: A as recommended, B less, C more, D none, E unasked; and one from before the run."""
    places = (*(ItemSite(item, "DC", weekly=10, on_hand=50) for item in ITEMS), ItemSite("A", "NORTH", 1, 9))
    orders = [
        order(f"NEW-{item}", item, "DC", units, ordered_ago=4, promised_in=17)
        for item, units in (("A", 105), ("B", 40), ("C", 180), ("E", 7))
    ]
    before = order("OLD-D", "D", "DC", 100, ordered_ago=9, promised_in=12)
    return World(
        tmp_path_factory.mktemp("shadow") / "home", amended(Network(places, (Lane("DC", "NORTH"),)), *orders, before)
    ).furnish()


def test_each_line_is_judged_once_and_the_money_adds_up(world: World) -> None:
    found = compare_with_orders(world.toolbox.snapshot(), a_run(7), EVERYTHING)
    rows = {row.verdict: row for row in found.rows}
    assert tuple(rows) == VERDICTS
    assert {verdict: row.lines for verdict, row in rows.items()} == dict.fromkeys(VERDICTS, 1)
    assert [rows[verdict].ordered_units for verdict in VERDICTS] == [105, 40, 180, 0, 7]
    assert sum(row.recommended_minor for row in found.rows) == 4 * 100 * 1_000
    assert sum(row.ordered_minor for row in found.rows) == (105 + 40 + 180 + 7) * 1_000
    assert found.final


def test_before_the_window_is_over_it_says_so(world: World) -> None:
    found = compare_with_orders(world.toolbox.snapshot(), a_run(5), EVERYTHING)
    assert not found.final
    assert found.until == MONDAY
