"""Segments: the classes themselves, their order-free shares, and that they do not flicker inside their band."""

import doctest

import numpy as np
import pytest

import optimizer.stocking.segments
from optimizer.stocking.segments import (
    AbcClass,
    SegmentCodes,
    Stage,
    XyzClass,
    constrained_supply,
    life_stages,
    value_classes,
    variability_classes,
)


def test_docstring_examples_hold() -> None:
    result = doctest.testmod(optimizer.stocking.segments)
    assert result.attempted > 0
    assert result.failed == 0


def test_the_item_that_crosses_a_cut_is_above_it() -> None:
    classes = value_classes([70.0, 20.0, 6.0, 4.0])
    assert classes.tolist() == [AbcClass.A, AbcClass.A, AbcClass.B, AbcClass.C]


def test_equal_values_share_a_class_whatever_their_order() -> None:
    value = np.array([10.0] * 9 + [100.0, 0.0])
    classes = value_classes(value)
    assert len(set(classes[:9].tolist())) == 1
    order = np.random.default_rng(0).permutation(11)
    np.testing.assert_array_equal(value_classes(value[order]), classes[order])
    np.testing.assert_array_equal(value_classes(value * 1024.0), classes)


def test_without_value_everything_is_in_the_last_class() -> None:
    assert value_classes([0.0, 0.0]).tolist() == [AbcClass.C, AbcClass.C]
    assert value_classes(np.zeros(0)).size == 0


def test_variability_counts_the_cuts_below_and_no_demand_is_erratic() -> None:
    classes = variability_classes([0.0, 0.5, 0.99, 1.0, np.inf])
    assert classes.tolist() == [XyzClass.X, XyzClass.Y, XyzClass.Y, XyzClass.Z, XyzClass.Z]


def test_a_class_changes_only_beyond_its_band() -> None:
    today = np.array([0.55, 0.65, 0.45, 0.35, 0.55])
    yesterday = np.array([XyzClass.X, XyzClass.X, XyzClass.Y, XyzClass.Y, -1])
    classes = variability_classes(today, previous=yesterday, band=0.1)
    assert classes.tolist() == [XyzClass.X, XyzClass.Y, XyzClass.Y, XyzClass.X, XyzClass.Y]
    assert variability_classes(today).tolist() == [1, 1, 0, 0, 1]


def test_values_jittering_around_a_cut_do_not_flicker() -> None:
    rng = np.random.default_rng(1)
    base = np.exp(rng.normal(0.0, 1.5, 400))
    classes, plain = value_classes(base), value_classes(base)
    with_band = without = 0
    for _ in range(20):
        jittered = base * rng.uniform(0.97, 1.03, 400)
        banded, bare = value_classes(jittered, previous=classes, band=0.02), value_classes(jittered)
        with_band, without = with_band + int((banded != classes).sum()), without + int((bare != plain).sum())
        classes, plain = banded, bare
    assert without > 50
    assert with_band < without / 10


def test_stages_follow_their_order_of_precedence() -> None:
    stages = life_stages(
        age_days=[10.0, 500.0, 500.0, 500.0, 500.0, 500.0, 10.0],
        silent_days=[0.0, 0.0, 0.0, 0.0, 400.0, 0.0, 0.0],
        recent_demand=[1.0, 2.0, 1.0, 0.5, 0.0, 1.0, 1.0],
        earlier_demand=[0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0],
        ends_within_days=[np.inf, np.inf, np.inf, np.inf, np.inf, 30.0, 30.0],
    )
    expected = [
        Stage.LAUNCH,
        Stage.GROWTH,
        Stage.MATURE,
        Stage.DECLINE,
        Stage.END_OF_LIFE,
        Stage.END_OF_LIFE,
        Stage.END_OF_LIFE,
    ]
    assert stages.tolist() == expected


def test_growth_is_left_only_beyond_its_band() -> None:
    old = np.full(4, 900.0)
    stages = life_stages(
        old,
        np.zeros(4),
        [1.2, 1.1, 1.3, 1.3],
        np.ones(4),
        np.full(4, np.inf),
        previous=[Stage.GROWTH, Stage.GROWTH, Stage.MATURE, Stage.LAUNCH],
        band=0.1,
    )
    assert stages.tolist() == [Stage.GROWTH, Stage.MATURE, Stage.MATURE, Stage.GROWTH]


def test_no_demand_before_and_after_is_no_change_and_a_start_from_zero_is_growth() -> None:
    stages = life_stages([400.0, 400.0], [10.0, 0.0], [0.0, 1.0], [0.0, 0.0], [np.inf, np.inf])
    assert stages.tolist() == [Stage.MATURE, Stage.GROWTH]


def test_supply_is_constrained_below_its_share_and_freed_beyond_its_band() -> None:
    assert constrained_supply([80.0, 95.0, 0.0], [100.0, 100.0, 0.0]).tolist() == [1, 0, 0]
    held = constrained_supply([93.0, 97.0, 87.0], [100.0] * 3, previous=[1, 1, 0], band=0.05)
    assert held.tolist() == [1, 0, 0]


def test_cells_number_every_segment_once_and_changes_are_listed() -> None:
    grid = np.array(np.meshgrid(range(3), range(3), range(5), range(2), indexing="ij")).reshape(4, -1)
    codes = SegmentCodes(*grid)
    assert codes.cell.tolist() == list(range(90))
    moved = SegmentCodes(grid[0], grid[1], grid[2], 1 - grid[3])
    assert codes.changed_from(moved).all()
    assert not codes.changed_from(codes).any()
    with pytest.raises(ValueError, match="previous must hold 90 items"):
        codes.changed_from(SegmentCodes(*grid[:, :5]))
