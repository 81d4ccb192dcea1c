"""Targets of segments: the look, its detectors and the options mean the service the stocking policy asks for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.integrate import quad
from scipy.stats import gamma

from inventory.cases import list_cases
from inventory.proposals import find_plan_run
from inventory.records import EVERYTHING, PolicyVersion
from inventory.rulebook import insert_policy
from tests.tools.networks import look
from tests.worlds import ItemSite, Lane, Network, World
from tools.forecast_days import protected_demand
from tools.outlook import Outlook
from tools.replay import replay_plan
from tools.stock_rows import network_stock
from tools.stocking_policy import packaged_stocking_policy
from tools.targets import SCHEMA, Targets
from tools.why import explain_why

RULE = """
[[rules]]
name = "ours"
source = "policy"
"""


def network() -> Network:
    return Network(
        item_sites=(
            ItemSite("BOLT", "DC", weekly=10, on_hand=300),
            ItemSite("BOLT", "NORTH", weekly=20, on_hand=4),
            ItemSite("NUT", "DC", weekly=6, on_hand=100),
            ItemSite("NUT", "NORTH", weekly=12, on_hand=62),
        ),
        lanes=(Lane("DC", "NORTH"),),
    )


def adopt(world: World, rule: str, version: int) -> None:
    text = packaged_stocking_policy().replace("version = 1", f"version = {version}") + RULE + rule
    policy = PolicyVersion(kind="stocking", version=version, content=text, author="root", effective_at=world.clock())
    with world.database.write("root", world.clock()) as transaction:
        insert_policy(transaction, policy)


def adopt_plain(world: World, rule: str, version: int) -> None:
    """A rule that leaves targets to the ERP."""
    text = packaged_stocking_policy().replace("version = 1", f"version = {version}")
    text += f'\n[[rules]]\nname = "bounds"\n{rule}'
    policy = PolicyVersion(kind="stocking", version=version, content=text, author="root", effective_at=world.clock())
    with world.database.write("root", world.clock()) as transaction:
        insert_policy(transaction, policy)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Swept once, so that every item-site has a segment."""
    made = World(tmp_path / "home", network(), rollout="guided").furnish()
    made.desk.sweep()
    return made


def protected(outlook: Outlook) -> tuple[np.ndarray, np.ndarray]:
    days = outlook.lead_time_mean + outlook.arrays.review_days
    demand = protected_demand(outlook.plan, days, outlook.lead_time_sd)
    return demand.mean, demand.variance


def test_the_packaged_policy_leaves_every_setting_to_the_erp(world: World) -> None:
    with world.database.read() as connection:
        assert Targets.in_force(connection).frame.is_empty()
    outlook, _ = look(world)
    assert set(outlook.arrays.service_target) == {0.95}


def test_a_cycle_target_of_a_segment_sets_the_reorder_point_of_the_look(world: World) -> None:
    before, _ = look(world)
    adopt(world, "service_target = 0.99\nreview_days = 14\n", 1)
    after, _ = look(world)
    mean, variance = protected(after)

    assert set(before.arrays.review_days) == {7.0}
    assert set(after.arrays.review_days) == {14.0}
    assert after.window_days.tolist() == (before.window_days + 7).tolist()
    np.testing.assert_allclose(
        after.levels.reorder_point, gamma.ppf(0.99, mean**2 / variance, scale=variance / mean), rtol=1e-6
    )


def test_a_fill_rate_of_a_segment_is_what_the_reorder_point_delivers(world: World) -> None:
    adopt(world, 'service_target = 0.98\nmeasure = "fill_rate"\n', 1)
    outlook, _ = look(world)
    mean, variance = protected(outlook)
    order = np.maximum(np.maximum(outlook.arrays.minimum_order, outlook.demand.mean_per_day * 7.0), 1.0)
    for row, point in enumerate(outlook.levels.reorder_point.tolist()):
        law = gamma(mean[row] ** 2 / variance[row], scale=variance[row] / mean[row])
        short, _ = quad(law.sf, point, law.isf(1e-12))
        assert 1.0 - short / order[row] == pytest.approx(0.98, abs=1e-4)
        assert outlook.arrays.service_target[row] == pytest.approx(law.cdf(point), abs=1e-6)


def test_only_the_segments_a_rule_names_are_set(world: World) -> None:
    adopt(world, 'value = ["A"]\nservice_target = 0.999\n', 1)
    with world.database.read() as connection:
        found = Targets.in_force(connection).frame
    known = {("BOLT", "NORTH")} | set(found.select("item", "site").iter_rows())
    outlook, _ = look(world)
    by_place = dict(zip(zip(outlook.arrays.items, outlook.arrays.sites, strict=True), outlook.arrays.service_target,
                        strict=True))  # fmt: skip
    assert 0 < len(known) < len(by_place)
    assert {place for place, target in by_place.items() if target == 0.999} == known
    assert {target for place, target in by_place.items() if place not in known} == {0.95}


def test_a_stockout_is_found_within_the_window_the_policy_sets(tmp_path: Path) -> None:
    """NUT has 36 days: more than the window of 21 + 7 days the ERP sets, less than one of 21 + 28, cut at 42."""
    world = World(tmp_path / "home", network(), rollout="guided").furnish()
    world.desk.sweep()
    adopt(world, "service_target = 0.95\nreview_days = 28\n", 1)
    assert ("NUT", "NORTH") not in found(world)
    world.clock.forward(hours=1)
    world.desk.sweep()
    assert ("NUT", "NORTH") in found(world)


def found(world: World) -> set[tuple[str, str]]:
    with world.database.read() as connection:
        return {(f.item, f.site) for row in list_cases(connection, EVERYTHING) for f in row.case.findings}


def levels_at(outlook: Outlook, *place: str) -> tuple[float, float, float]:
    row, levels = outlook.arrays.row_of[(place[0], place[1])], outlook.levels
    return float(levels.safety_stock[row]), float(levels.reorder_point[row]), float(levels.order_up_to_level[row])


def test_a_floor_of_one_site_lifts_its_levels_and_leaves_every_other_alone(world: World) -> None:
    before, _ = look(world)
    adopt_plain(world, 'site = ["DC"]\nfloor_units = 5000\n', 1)
    after, _ = look(world)
    mean, _ = protected(after)
    safety, point, up_to = levels_at(after, "BOLT", "DC")
    assert safety == 5000
    assert point == pytest.approx(mean[after.arrays.row_of[("BOLT", "DC")]] + 5000)
    was = levels_at(before, "BOLT", "DC")
    assert up_to - point == pytest.approx(was[2] - was[1])
    assert levels_at(after, "BOLT", "NORTH") == levels_at(before, "BOLT", "NORTH")
    assert set(after.arrays.service_target) == {0.95}, "the ERP's targets stay"


def test_a_maximum_caps_both_levels_and_a_minimum_lifts_the_reorder_point(world: World) -> None:
    adopt_plain(world, 'site = ["NORTH"]\nmaximum_units = 30\n', 1)
    adopt_plain(world, 'site = ["DC"]\nminimum_units = 777\n', 2)
    outlook, _ = look(world)
    assert levels_at(outlook, "BOLT", "DC")[1] == 777
    adopt_plain(world, 'site = ["NORTH"]\nmaximum_units = 30\n', 3)
    outlook, _ = look(world)
    assert levels_at(outlook, "BOLT", "NORTH")[1:] == (30, 30)


def test_a_floor_keeps_a_donor_from_giving_what_it_would_give_and_the_words_name_it(tmp_path: Path) -> None:
    """Segments are known from a quiet sweep; then NUT runs out at one store while DC has 100."""

    def sent(rule: str) -> tuple[int, str]:
        world = World(tmp_path / f"home{len(rule)}", network(), rollout="guided").furnish()
        world.desk.sweep()
        if rule:
            adopt_plain(world, rule, 1)
        world.clock.forward(hours=1)
        world.deliver(network().with_stock({("NUT", "NORTH"): 0}))
        world.desk.sweep()
        lines = [line for proposal in world.proposals() for line in proposal.content.lines if line.item == "NUT"]
        with world.database.read() as connection:
            why = explain_why(world.toolbox, connection, EVERYTHING, "NUT", "DC")
        world.database.dispose()
        return sum(line.quantity for line in lines if line.origin == "DC"), " ".join(step.detail for step in why.steps)

    (free, plain), (held, named) = sent(""), sent('site = ["DC"]\nfloor_units = 5000\n')
    assert free > 0
    assert held == 0
    assert "policy floor" not in plain
    assert "policy floor of 5,000 units of safety stock which binds" in named


def test_a_plan_made_by_policy_targets_repeats_after_the_policy_has_changed(world: World) -> None:
    adopt(world, "service_target = 0.99\nreview_days = 14\n", 1)
    world.clock.forward(hours=1)
    world.deliver(network().with_stock({("NUT", "NORTH"): 0}))
    world.desk.sweep()
    newest = world.proposals()[-1].content.plan_run_id
    with world.database.read() as connection:
        run = find_plan_run(connection, EVERYTHING, newest)
    assert {(one.item, one.site) for one in run.targets} == set(run.places)
    assert {one.service_target for one in run.targets} == {0.99}
    adopt(world, "service_target = 0.6\nreview_days = 3\n", 2)
    with world.database.read() as connection:
        replay = replay_plan(world.toolbox, connection, newest)
        forged = run.model_copy(update={"targets": ()})
    assert (replay.same, replay.differences) == (True, ())
    assert forged != run


def test_the_replenishment_run_asks_its_own_policy_and_not_the_looks(world: World) -> None:
    """Its rows carry the ERP's settings: the segments it has just found out decide whether they hold."""
    adopt(world, "service_target = 0.99\nreview_days = 14\n", 1)
    rows = network_stock(world.toolbox).rows
    assert set(rows.service_target) == {0.95}
    assert set(rows.review_days) == {7.0}


def test_parts_carry_the_targets_of_their_items_only() -> None:
    frame = pl.DataFrame(
        [
            ("A", "X", 0.9, False, 7, "gamma", 0.0, 0, 0.0, 0, None),
            ("B", "X", None, False, None, "normal", 2.5, 4, 1.0, 9, 30),
        ],
        schema=SCHEMA, orient="row",
    )  # fmt: skip
    targets = Targets(frame)
    assert targets.of_items(["B"]).frame["item"].to_list() == ["B"]
    again = Targets.of_records(targets.records(frame.select("item", "site")))
    assert again.frame.equals(frame)
