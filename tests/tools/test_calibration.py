"""Stated against observed confidence on the planned cases, and the bins it is told in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from optimizer.options.back_test import KeptChoices
from tests.worlds import World, two_stores_one_donor
from tools.calibration import CalibrationBin, binned, calibrate, pooled, worth_levels
from tools.errors import ToolInputError


@pytest.fixture(scope="module")
def rivals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two stores short of the same item, planned."""
    world = World(tmp_path_factory.mktemp("rivals") / "home", two_stores_one_donor(), rollout="guided").furnish()
    world.desk.sweep()
    yield world
    world.database.dispose()


def test_choices_fall_into_tenths_with_their_shares() -> None:
    stated = np.array([0.0, 0.05, 0.1, 0.3, 0.7, 1.0, 0.95, 0.9])
    kept = np.array([True, False, True, True, False, True, True, False])
    bins = binned(stated, kept)
    assert [(part.low, part.high, part.observations) for part in bins] == [
        (0.0, 0.1, 2), (0.1, 0.2, 1), (0.3, 0.4, 1), (0.7, 0.8, 1), (0.9, 1.0, 3),
    ]  # fmt: skip
    assert [part.observed for part in bins] == [0.5, 1.0, 1.0, 0.0, 0.6667]
    assert bins[0].stated == 0.025


def test_a_level_counts_the_moves_that_reach_the_least_and_those_worth_more_than_nothing() -> None:
    low = np.array([[[30.0, 30.0, 5.0, 90.0]], [[25.0, 10.0, 5.0, 90.0]], *[[[0.0, 0.0, 0.0, 90.0]]] * 4])
    acts = np.array([[True, True, True, False]])
    none = np.zeros((1, 4))
    found = KeptChoices(stated=none, kept=none > 0, acts=acts, low=low, worth=np.array([[40.0, -7.0, 3.0, 99.0]]))
    first, second, third, *_ = worth_levels([found, found], 25.0)
    assert (first.confidence, first.moves, first.reached, first.positive, first.worth) == (0.5, 6, 4, 2, 66.0)
    assert (second.reached, second.positive, second.positive_share) == (2, 2, 1.0)
    assert (third.reached, third.positive_share) == (0, 0.0)


def test_bins_pool_by_their_counts() -> None:
    parts = [CalibrationBin(low=low, high=low + 0.1, observations=many, stated=stated, observed=observed)
             for low, many, stated, observed in ((0.5, 100, 0.55, 0.5), (0.9, 300, 0.95, 0.9))]  # fmt: skip
    both = pooled(parts, 0.5)
    assert (both.observations, both.stated, both.observed) == (400, 0.85, 0.8)
    assert pooled([], 0.5).observations == 0


def test_the_table_is_of_the_newest_plan_and_the_same_for_the_same_seed(rivals: World) -> None:
    told: list[int] = []
    with rivals.database.read() as connection:
        table = calibrate(
            rivals.toolbox, connection, observations=60, draws=16, progress=lambda step, done, of: told.append(done)
        )
        again = calibrate(rivals.toolbox, connection, observations=60, draws=16)
    assert table == again
    assert (table.cases, table.rounds, table.draws) == (2, 30, 16)
    assert sum(part.observations for part in table.bins) == 60
    assert told == [5, 10, 15, 20, 25, 30]
    assert table.plan_run_id in {proposal.content.plan_run_id for proposal in rivals.proposals()}


def test_without_a_plan_there_is_nothing_to_measure(tmp_path: Path) -> None:
    world = World(tmp_path / "home", two_stores_one_donor()).furnish()
    with world.database.read() as connection, pytest.raises(ToolInputError, match="no plan with a case"):
        calibrate(world.toolbox, connection)
    world.database.dispose()
