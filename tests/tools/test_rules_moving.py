"""Lanes nothing goes over: the dearer way is taken, and the clause is named."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inventory.records import ActionKind
from tests.tools.rule_worlds import SAID, Planned, planned, rule
from tests.worlds import MONDAY, ItemSite, Lane, Network, World


def network() -> Network:
    """NORTH is short; DC has units at 8 a truck, WEST at 60. A truck leaves tomorrow and is there on day 3."""
    return Network(
        item_sites=(
            ItemSite("BOLT", "DC", weekly=10, on_hand=300, flags="consumable", cost=4.0, price=10.0),
            ItemSite("BOLT", "NORTH", weekly=20, on_hand=4, flags="consumable", cost=4.0, price=10.0),
            ItemSite("BOLT", "WEST", weekly=10, on_hand=300, flags="consumable", cost=4.0, price=10.0),
        ),
        lanes=(Lane("DC", "NORTH"), Lane("WEST", "NORTH", fixed_cost=60.0)),
    )


def window(first: int, last: int) -> dict[str, object]:
    return {"from": MONDAY + timedelta(days=first), "to": MONDAY + timedelta(days=last)}


def origins(plan: Planned) -> set[str]:
    return {line.origin for line in plan.lines if line.action is ActionKind.TRANSFER}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Furnished, not swept."""
    return World(tmp_path_factory.mktemp("moving") / "home", network()).furnish()


BARRING = {
    "lane": rule("lane_ban", origin="DC", destination="NORTH"),
    "all lanes out of DC": rule("lane_ban", origin="DC", items=["BOLT"]),
    "all lanes to NORTH of some sites": rule("lane_ban", destination="NORTH", sites=["DC"]),
    "nothing leaves": rule("embargo", sites=["DC"], direction="out", **window(1, 1)),
    "nothing leaves or comes": rule("embargo", sites=["DC"], **window(-3, 1)),
    "nothing of it is under way": rule("embargo", sites=["DC"], direction="out", **window(3, 9)),
}


@pytest.mark.parametrize("name", BARRING)
def test_a_barred_lane_is_not_used_and_the_clause_is_named(name: str, world: World) -> None:
    asked = BARRING[name]
    ignoring, obeying = planned(world), planned(world, [asked])

    assert origins(ignoring) == {"DC"}
    assert origins(obeying) == {"WEST"}
    assert ignoring.worth > obeying.worth, "ignoring the rule would win"
    assert obeying.option(ActionKind.TRANSFER).clauses == (asked.passage_id,)


SPEAKING_OF_OTHERS = {
    "another item": rule("lane_ban", origin="DC", items=["NUT"]),
    "the way back": rule("lane_ban", origin="NORTH", destination="DC"),
    "another site": rule("lane_ban", destination="NORTH", sites=["PORTO"]),
    "over already": rule("embargo", sites=["DC"], **window(-9, 0)),
    "not begun yet": rule("embargo", sites=["DC"], **window(4, 9)),
    "goods that come to it": rule("embargo", sites=["DC"], direction="in", **window(-3, 9)),
    "orders only": rule("embargo", sites=["DC"], actions=["purchase"], **window(-3, 9)),
}


@pytest.mark.parametrize("name", SPEAKING_OF_OTHERS)
def test_a_rule_about_something_else_changes_nothing(name: str, world: World) -> None:
    ignoring, obeying = planned(world), planned(world, [SPEAKING_OF_OTHERS[name]])

    assert obeying.lines == ignoring.lines
    assert obeying.options == ignoring.options


def test_where_no_lane_is_left_the_transfer_is_refused_by_the_clause(world: World) -> None:
    obeying = planned(world, [rule("embargo", sites=["NORTH"], direction="in", **window(3, 9))])
    transfer = obeying.option(ActionKind.TRANSFER)

    assert not transfer.feasible
    assert transfer.binding_constraint.count(SAID) == 2, "on either lane"
    assert origins(obeying) == set()


def test_an_embargo_on_orders_leaves_the_transfer(world: World) -> None:
    asked = rule("embargo", sites=["NORTH"], actions=["purchase"], **window(0, 0))
    lanes_closed = rule("lane_ban", rule_id="R-2", destination="NORTH")
    ignoring, obeying = planned(world, [lanes_closed]), planned(world, [lanes_closed, asked])

    assert ignoring.units(ActionKind.PURCHASE) > 0
    assert obeying.lines == ()
    assert ignoring.worth > obeying.worth
    assert SAID in obeying.option(ActionKind.PURCHASE).binding_constraint
