"""Seasonal indices and trend recover what was put in, and shrink where evidence is thin."""

from typing import Any

import numpy as np
import pytest

from optimizer.demand.seasonality import seasonal_indices
from optimizer.demand.trend import DampedTrend, damped_trend, discounted_level

SEASON = np.array([0.4, 0.8, 1.6, 1.2])


def two_groups(years: int = 5, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Ten series with the season, ten flat; levels from 5 to 50."""
    level = np.linspace(5.0, 50.0, 10)[:, None] * scale
    seasonal = level * np.tile(SEASON, years)
    flat = np.broadcast_to(level, seasonal.shape)
    return np.concatenate([seasonal, flat]), np.repeat([[0], [1]], 10, axis=0)


def test_each_group_finds_its_own_season() -> None:
    history, groups = two_groups()
    found = seasonal_indices(history, groups, season=4, evidence=(1.0, 1.0, 1.0), level_discount=0.99)
    np.testing.assert_allclose(found.index[:10], np.broadcast_to(SEASON, (10, 4)), atol=0.03)
    np.testing.assert_allclose(found.index[10:], 1.0, atol=0.03)


def test_a_series_without_sales_has_the_season_of_its_group() -> None:
    history, groups = two_groups()
    history[0] = 0.0
    found = seasonal_indices(history, groups, season=4, evidence=(1.0, 1.0, 50.0), level_discount=0.99)
    np.testing.assert_allclose(found.index[0], SEASON, atol=0.05)


def test_evidence_decides_between_the_group_and_the_series() -> None:
    history, groups = two_groups()
    history[0] = 20.0
    spread = [
        seasonal_indices(history, groups, season=4, evidence=(1.0, 1.0, worth)).index[0].std()
        for worth in (0.1, 100.0, 10_000.0)
    ]
    assert spread[0] < 0.05
    assert spread[0] < spread[1] < spread[2]


def test_growth_is_not_mistaken_for_a_late_season() -> None:
    history = (10.0 * 1.02 ** np.arange(40.0))[None, :] * np.tile(SEASON, 10)
    found = seasonal_indices(history, np.zeros((1, 0)), season=4, evidence=(0.1, 0.1), year_discount=1.0)
    np.testing.assert_allclose(found.index[0], SEASON, atol=0.05)


def test_pitfall_a9_weeks_out_of_stock_are_not_a_low_season() -> None:
    history, groups = two_groups(years=6)
    history[:, [2, 6, 13]] = np.nan
    found = seasonal_indices(history, groups, season=4, evidence=(1.0, 1.0, 1.0), level_discount=0.99)
    np.testing.assert_allclose(found.index[3], SEASON, atol=0.05)
    as_zero = seasonal_indices(np.nan_to_num(history), groups, season=4, evidence=(1.0, 1.0, 1.0), level_discount=0.99)
    assert as_zero.index[3, 2] < found.index[3, 2] - 0.05


def test_the_last_year_counts_more() -> None:
    history = np.concatenate([np.tile([1.0, 3.0], 4), np.tile([3.0, 1.0], 2)])[None, :] * 20.0
    groups = np.zeros((1, 0))
    old, new = (
        seasonal_indices(history, groups, season=2, evidence=(0.1, 0.1), year_discount=d, level_discount=1.0)
        for d in (1.0, 0.2)
    )
    assert new.index[0, 0] > 1.2 > old.index[0, 0]


def test_indices_do_not_depend_on_the_order_of_series_or_names_of_groups() -> None:
    history, groups = two_groups()
    history = np.random.default_rng(2).poisson(history).astype(float)
    order = np.random.default_rng(3).permutation(20)
    first = seasonal_indices(history, groups, season=4).index
    second = seasonal_indices(history[order], 7 - groups[order], season=4).index
    np.testing.assert_allclose(second, first[order], rtol=1e-12)


def test_the_level_is_a_ratio_of_sales_to_season_and_passes_over_missing_weeks() -> None:
    history = 6.0 * np.tile(SEASON, 5)[None, :]
    history[0, 3:9] = np.nan
    level = discounted_level(history, SEASON[None, :], discount=0.9, prior_level=0.0, prior=1e-9)
    assert level[0] == pytest.approx(6.0)


def test_a_thin_series_leans_on_its_prior() -> None:
    level = discounted_level([[np.nan, np.nan, 8.0]], [[1.0, 1.0]], discount=1.0, prior_level=2.0, prior=1.0)
    assert level[0] == pytest.approx(5.0)


def test_holt_without_damping_follows_a_straight_line() -> None:
    line = (5.0 + 2.0 * np.arange(60.0))[None, :]
    trend = damped_trend(line, np.ones((1, 4)), level_weight=0.5, slope_weight=0.3, damping=1.0)
    np.testing.assert_allclose(trend.path(3)[0], [125.0, 127.0, 129.0], atol=1e-3)


def test_a_damped_trend_flattens_and_never_falls_below_zero() -> None:
    path = DampedTrend(np.array([10.0, 1.0]), np.array([2.0, -2.0]), 0.5).path(40)
    assert path[0, -1] == pytest.approx(12.0)
    assert path[1, -1] == 0.0


def test_trend_carries_on_over_missing_weeks() -> None:
    line = (5.0 + 2.0 * np.arange(60.0))[None, :]
    line[0, -4:] = np.nan
    trend = damped_trend(line, np.ones((1, 4)), level_weight=0.5, slope_weight=0.3, damping=1.0)
    assert trend.level[0] == pytest.approx(123.0, abs=1e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"season": 1}, "season"), ({"evidence": (1.0,)}, "evidence"), ({"year_discount": 0.0}, "year_discount")],
)
def test_parameters_without_meaning_are_refused_by_name(changes: dict[str, Any], message: str) -> None:
    history, groups = two_groups()
    with pytest.raises(ValueError, match=message):
        seasonal_indices(history, groups, **{"season": 4, **changes})
