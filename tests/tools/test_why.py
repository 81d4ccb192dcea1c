"""Why there is a case, or why there is none: the first check that stops it is named with its numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from inventory.errors import NotFoundError
from inventory.records import EVERYTHING, PolicyVersion, ProposalState, Scope
from inventory.rulebook import find_policy, insert_policy
from tests.tools.networks import look, one_trouble_each
from tests.worlds import WEEKS, ItemSite, Lane, Network, World, steady, two_sites_one_lane
from tools.detect import detect
from tools.detectors.standing import open_places
from tools.thresholds import packaged_thresholds
from tools.why import Why, explain_why

CHECKS = (
    "enough demand history",
    "demand draws on the stock",
    "a stockout is likely before a normal order arrives",
    "enough units would be short",
    "enough money is at risk",
)


def why(world: World, item: str, site: str, scope: Scope = EVERYTHING) -> Why:
    with world.database.read() as connection:
        return explain_why(world.toolbox, connection, scope, item, site)


@pytest.fixture(scope="module")
def stops(tmp_path_factory: pytest.TempPathFactory) -> World:
    """One item for each check that can stop a case."""
    network = Network(
        (
            ItemSite("DUST", "NORTH", weekly=0, on_hand=0, history=(0,) * 30),
            ItemSite("FINE", "NORTH", weekly=10, on_hand=80),
            ItemSite("OTHER", "DC", weekly=1, on_hand=20),
            ItemSite("PENNY", "NORTH", weekly=20, on_hand=4, cost=0.1, price=0.2),
            ItemSite("TRICKLE", "NORTH", weekly=0.2, on_hand=0, history=(0, 0, 0, 0, 1) * 6, cost=90.0, price=400.0),
        ),
        (Lane("DC", "NORTH"),),
    )
    return World(tmp_path_factory.mktemp("stops") / "home", network).furnish()


def stopped_at(found: Why) -> str:
    assert tuple(step.check for step in found.steps[: len(CHECKS)]) == CHECKS
    return next((step.check for step in found.steps if not step.passed), "")


@pytest.mark.parametrize(
    ("item", "check", "detail"),
    [
        ("DUST", CHECKS[1], "0.0 units a week"),
        ("FINE", CHECKS[2], "threshold 50%"),
        ("TRICKLE", CHECKS[3], "threshold 1.0"),
        ("PENNY", CHECKS[4], "threshold 40.00"),
    ],
)
def test_the_first_check_that_stops_a_case_is_named(stops: World, item: str, check: str, detail: str) -> None:
    found = why(stops, item, "NORTH")

    assert stopped_at(found) == check
    assert found.verdict.startswith(f"no case, because: {check} — ")
    assert detail in found.verdict
    assert found.case_id == ""


def test_a_new_item_is_stopped_by_its_history(troubled: World) -> None:
    found = why(troubled, "NEW", "NORTH")

    assert stopped_at(found) == CHECKS[0]
    assert "5 weeks, 8 needed" in found.verdict


def test_trouble_no_sweep_has_looked_at_yet_is_announced(troubled: World) -> None:
    found = why(troubled, "SHORT", "NORTH")

    assert stopped_at(found) == ""
    assert found.verdict == "every check passes: the next sweep opens a case"


def test_an_open_case_is_named_with_what_became_of_it(tmp_path: Path) -> None:
    world = World(tmp_path / "home", one_trouble_each(), rollout="guided").furnish()
    world.desk.sweep()
    proposals = {p.content.lines[0].item: p for p in world.proposals(ProposalState.PENDING)}
    short, slow = why(world, "SHORT", "NORTH"), why(world, "SLOW", "NORTH")

    assert short.case_id == proposals["SHORT"].content.case_id
    assert "projected stockout, open; purchase proposed, pending" in short.verdict
    assert slow.case_id == proposals["SLOW"].content.case_id
    assert "excess, open; hold proposed" in slow.verdict
    assert stopped_at(slow) == CHECKS[2], "no stockout, and covered by another kind of case all the same"


def test_what_is_not_planned_or_not_ones_to_see_is_not_found(troubled: World) -> None:
    south = Scope(user="sue", sites=frozenset({"SOUTH"}))
    for item, site, scope in (("GHOST", "NORTH", EVERYTHING), ("SHORT", "NORTH", south)):
        with pytest.raises(NotFoundError, match="not planned, or not for"):
            why(troubled, item, site, scope)


def test_an_open_case_stays_by_the_lower_band_and_why_says_so(tmp_path: Path) -> None:
    """The least money is raised to 1.1 times what is at risk: too much to open a case, not enough to close one."""
    world = World(tmp_path / "home", two_sites_one_lane(), rollout="guided").furnish()
    place = ("BOLT", "NORTH")
    opened = why(world, *place)
    money = round(float(money_at_risk(opened)))
    world.desk.sweep()
    with world.database.read() as connection:
        assert ("projected_stockout", *place) in open_places(connection)
    raise_minimum(world, money * 1.1)
    held = why(world, *place)
    step = next(step for step in held.steps if step.check == CHECKS[4])

    assert step.passed
    assert f"threshold {0.8 * money * 1.1:,.2f} (80% of the usual one, because a case is open)" in step.detail
    fresh = World(tmp_path / "fresh", two_sites_one_lane(), rollout="guided").furnish()
    raise_minimum(fresh, money * 1.1)
    stopped = why(fresh, *place)
    assert stopped_at(stopped) == CHECKS[4]
    assert f"threshold {money * 1.1:,.2f}" in stopped.verdict
    assert "usual" not in stopped.verdict


def money_at_risk(found: Why) -> str:
    return next(step.detail for step in found.steps if step.check == CHECKS[4]).split(" at risk")[0].replace(",", "")


def raise_minimum(world: World, money: float) -> None:
    """Thresholds under which the stockout must be worth so much."""
    text = packaged_thresholds().replace("minimum_money = 40.0 ", f"minimum_money = {money:.6f} ", 1)
    with world.database.write("root", world.clock()) as transaction:
        version = find_policy(transaction.connection, EVERYTHING, "thresholds").version + 1
        text = text.replace("version = 1", f"version = {version}", 1)
        policy = PolicyVersion(
            kind="thresholds", version=version, content=text, author="root", effective_at=world.clock()
        )
        insert_policy(transaction, policy)


def test_demand_that_has_risen_is_judged_at_the_pace_of_the_last_weeks_as_the_detector_judges_it(
    tmp_path: Path,
) -> None:
    """Five a week for years and thirty for four weeks: 70 units last a window at the old pace, not at the new."""
    spike = (*steady(5, WEEKS - 4), 30, 31, 29, 30)
    network = Network(
        (ItemSite("SPIKE", "NORTH", weekly=5, on_hand=70, history=spike), ItemSite("SPIKE", "DC", weekly=1, on_hand=9)),
        (Lane("DC", "NORTH"),),
    )
    world = World(tmp_path / "home", network, rollout="guided").furnish()
    found = why(world, "SPIKE", "NORTH")
    (chance,) = [step for step in found.steps if step.check == CHECKS[2]]
    outlook, thresholds = look(world)
    (finding,) = [f for f in detect(outlook, thresholds) if (f.item, f.site) == ("SPIKE", "NORTH")]

    assert stopped_at(found) == ""
    assert finding.measures["at_the_pace_of_the_last_weeks"] == 1.0
    assert "at the pace of the last weeks, which have risen (at the forecast's pace " in chance.detail
    (short,) = [step for step in found.steps if step.check == CHECKS[3]]
    assert short.detail.startswith(f"{finding.measures['expected_short_units']:.1f} units expected short at that pace")
    world.desk.sweep()
    assert "covers it" in why(world, "SPIKE", "NORTH").verdict
