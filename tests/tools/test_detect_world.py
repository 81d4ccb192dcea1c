"""A small world lived day by day with troubles put in: what is found, what is missed, what is cried for nothing."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.detection import Judge, Score, clean_rates, watch
from benchmarks.injected import CLEAN, InjectedWorld, Troubles
from tests.tools.detect_pictures import thresholds

TROUBLES = Troubles(
    blocked=0.06, surge=0.0, drop=0.03, phantom=0.03, miscounted=0.03, excess=0.03, expiring=0.03, biased=0.0,
    duplicated=0.03, late_suppliers=1, drifting_suppliers=0, dying_items=0, stale_feeds=2, silent_sites=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def troubled() -> InjectedWorld:
    return InjectedWorld(60, 70, seed=5, troubles=TROUBLES)


@pytest.fixture(scope="module")
def scores(troubled: InjectedWorld) -> dict[str, Score]:
    return {score.name: score for score in Judge(troubled, watch(troubled, every=3)).scores()}


@pytest.mark.parametrize("kind", ["projected_stockout", "supplier_delay", "data_problem"])
def test_nineteen_of_twenty_are_found_and_four_of_five_alarms_are_right(scores: dict[str, Score], kind: str) -> None:
    score = scores[kind]

    assert score.injected >= (1 if kind == "supplier_delay" else 15)
    assert score.recall >= 0.95
    assert score.precision >= 0.8


@pytest.mark.parametrize("kind", ["excess", "obsolescence/expires"])
def test_surplus_and_expiry_are_found(scores: dict[str, Score], kind: str) -> None:
    assert scores[kind].injected >= 10
    assert scores[kind].recall >= 0.95
    assert scores[kind].precision >= 0.8


def test_a_stockout_is_said_half_a_lead_time_before_it_happens(scores: dict[str, Score]) -> None:
    score = scores["projected_stockout"]
    assert np.median(score.warnings) >= np.median(score.half_lead_times)


def test_a_world_without_trouble_raises_no_more_alarms_than_stated() -> None:
    """Rates are means; a hundred item-site weeks may see a few more, never three standard deviations."""
    world = InjectedWorld(40, 42, seed=6, troubles=CLEAN)
    weeks = world.n * world.days / 7.0 / 1000.0
    for rate in clean_rates(world, watch(world, every=3), thresholds()):
        if rate.stated is not None:
            expected = rate.stated * weeks
            assert rate.alarms <= expected + 3.0 * np.sqrt(expected) + 1e-9, rate


def test_equal_seeds_give_equal_worlds(troubled: InjectedWorld) -> None:
    again = InjectedWorld(60, 70, seed=5, troubles=TROUBLES)
    day = troubled.first_day + 40

    assert troubled.snapshot(day).table("purchase_orders").equals(again.snapshot(day).table("purchase_orders"))
    assert np.array_equal(troubled.book, again.book)


def test_units_of_the_world_are_conserved(troubled: InjectedWorld) -> None:
    """Where nothing was put in, stock of the morning is that of the day before, less what was sold, plus what came."""
    touched = np.stack([troubled.truth.since[name] >= 0 for name in troubled.truth.since]).any(axis=0)
    change = np.diff(troubled.book, axis=1) + troubled.sold[:, :-1]
    came = np.zeros_like(troubled.book)
    orders = troubled.orders
    for row, arrives, quantity in zip(orders.row, orders.arrives, orders.quantity, strict=True):
        if arrives < troubled.last_day:
            came[row, arrives] += quantity

    assert np.array_equal(change[~touched], came[~touched, 1:])
