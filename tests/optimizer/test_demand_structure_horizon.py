"""The plan ahead and its other cuts: days sum to weeks, parts sum to the whole, intervals equal a sum over days."""

import numpy as np
import pytest

from optimizer.arguments import FloatArray
from optimizer.demand.end_of_life import run_out
from optimizer.demand.hierarchy import channel_shares, roll_up, split_channels
from optimizer.demand.horizon import DemandPlan, demand_plan
from optimizer.demand.known import KnownRows
from optimizer.demand.launch import launch_forecast

_PROFILE = np.array([1.0, 1.0, 1.0, 1.0, 2.0, 3.0, 0.0])


def _known(seed: int, n: int) -> KnownRows:
    rng = np.random.default_rng(seed)
    rows = 4 * n
    return KnownRows(
        rng.integers(0, n, rows), rng.integers(0, 200, rows), rng.gamma(2.0, 9.0, rows), rng.random(rows) < 0.5
    )


def _full_plan(n: int = 40, unit: float = 1.0, order: np.ndarray | None = None) -> DemandPlan:
    """Everything at once: factors, young and ending series, known demand."""
    rng = np.random.default_rng(7)
    level, factors = rng.gamma(2.0, 20.0, n), rng.uniform(0.5, 1.5, (3, n, 26))
    end = np.where(rng.random(n) < 0.3, rng.integers(-1, 190, n), np.inf)
    seen, curve, age = rng.gamma(2.0, 9.0, (n, 13)), rng.gamma(2.0, 9.0, (n, 30)), rng.integers(0, 14, n)
    young, known = rng.random(n) < 0.3, _known(8, n)
    order = np.arange(n) if order is None else order
    place = np.argsort(order)
    young_rows = np.flatnonzero(young[order])
    picked = order[young_rows]
    return demand_plan(
        unit * level[order],
        unit**2 * 3.0 * level[order],
        season=factors[0][order],
        trend=factors[1][order],
        promotion=factors[2][order],
        weekday_profile=_PROFILE,
        launch=launch_forecast(unit * seen[picked], age[picked], unit * curve[picked]),
        launch_series=young_rows,
        life=run_out(end[order], bleed_days=20),
        known=KnownRows(place[known.series], known.day, unit * known.quantity, known.adds),
        backward_days=5,
        forward_days=3,
    )


def _arrays(plan: DemandPlan) -> list[FloatArray]:
    return [
        plan.mean_per_day,
        plan.variance_per_day,
        plan.mean_per_week,
        plan.variance_per_week,
        plan.known_per_day,
        plan.known_per_week,
    ]


def test_days_of_the_first_four_weeks_sum_to_the_weeks() -> None:
    plan = _full_plan()
    pairs = [
        (plan.mean_per_day, plan.mean_per_week),
        (plan.variance_per_day, plan.variance_per_week),
        (plan.known_per_day, plan.known_per_week),
    ]
    for days, weeks in pairs:
        np.testing.assert_allclose(days.reshape(-1, 4, 7).sum(axis=2), weeks[:, :4], rtol=1e-12)


def test_plan_equals_the_product_of_its_factors_and_the_profile() -> None:
    rng = np.random.default_rng(1)
    level, (season, trend, promotion, sensed) = rng.gamma(2.0, 20.0, 9), rng.uniform(0.5, 1.5, (4, 9, 26))
    plan = demand_plan(
        level, level, season=season, trend=trend, promotion=promotion, sensed=sensed, weekday_profile=_PROFILE
    )
    factor = season * trend * promotion * sensed
    np.testing.assert_allclose(plan.mean_per_week, level[:, None] * factor, rtol=1e-12)
    np.testing.assert_allclose(plan.variance_per_week, level[:, None] * factor**1.5, rtol=1e-12)
    np.testing.assert_allclose(plan.mean_per_day[3, 8], level[3] * factor[3, 1] / 9.0, rtol=1e-12)
    assert not plan.mean_per_day[:, 6::7].any()


def test_known_demand_beyond_the_forecast_raises_the_plan_and_what_it_contains_does_not() -> None:
    def plan(quantity: float, *, adds: bool, day: int) -> DemandPlan:
        row = KnownRows(np.array([0]), np.array([day]), np.array([quantity]), np.array([adds]))
        return demand_plan([70.0], [70.0], known=row)

    bare = demand_plan([70.0], [70.0]).mean_per_week.sum()
    assert plan(4.0, adds=False, day=3).mean_per_week.sum() == pytest.approx(bare)
    assert plan(16.0, adds=False, day=3).mean_per_week.sum() == pytest.approx(bare + 6.0)
    assert plan(16.0, adds=True, day=3).mean_per_week.sum() == pytest.approx(bare + 16.0)
    assert plan(60.0, adds=False, day=100).mean_per_week.sum() == pytest.approx(bare)
    assert plan(90.0, adds=False, day=100).mean_per_week[0, 14] == pytest.approx(90.0)
    assert plan(90.0, adds=True, day=182).mean_per_week.sum() == pytest.approx(bare)


def test_what_is_known_is_certain() -> None:
    row = KnownRows(np.array([0, 0]), np.array([0, 1]), np.array([4.0, 50.0]), np.array([False, True]))
    plan = demand_plan([70.0], [70.0], known=row)
    np.testing.assert_allclose(plan.variance_per_day[0, :3], [6.0, 10.0, 10.0])
    np.testing.assert_allclose(plan.known_per_day[0, :3], [4.0, 50.0, 0.0])


def test_young_series_follow_their_launch_and_the_others_their_level() -> None:
    launch = launch_forecast([[np.nan]], [0], np.array([[10.0, 30.0, 20.0, 20.0]]))
    plan = demand_plan([5.0, 7.0], [5.0, 7.0], launch=launch, launch_series=[1])
    np.testing.assert_allclose(plan.mean_per_week[1, :5], [10.0, 30.0, 20.0, 20.0, 20.0])
    np.testing.assert_allclose(plan.mean_per_week[0], 5.0)
    assert plan.level_cv2.tolist() == [0.0, 0.25]


def test_demand_ends_with_the_life_of_the_item() -> None:
    plan = demand_plan([70.0, 70.0], [70.0, 70.0], life=run_out([9.0, 45.0]))
    np.testing.assert_allclose(plan.mean_per_day[0], [10.0] * 10 + [0.0] * 18)
    np.testing.assert_allclose(plan.mean_per_week[0], [70.0, 30.0] + [0.0] * 24)
    np.testing.assert_allclose(plan.mean_per_week[1, :8], [70.0] * 6 + [40.0, 0.0])
    np.testing.assert_allclose(plan.variance_per_week[1, :8], [70.0] * 6 + [40.0, 0.0])


def test_demand_over_an_interval_equals_the_sum_of_its_days() -> None:
    plan, rng = _full_plan(), np.random.default_rng(2)
    first = rng.integers(0, 120, 40)
    stop = first + rng.integers(0, 60, 40)
    later = np.repeat(plan.mean_per_week[:, 4:] / 7.0, 7, axis=1)
    mean = np.concatenate([plan.mean_per_day, later], axis=1)
    spread = np.concatenate([plan.variance_per_day, np.repeat(plan.variance_per_week[:, 4:] / 7.0, 7, axis=1)], axis=1)
    known = np.concatenate([plan.known_per_day, np.repeat(plan.known_per_week[:, 4:] / 7.0, 7, axis=1)], axis=1)
    over = plan.over(first, stop)
    for row in range(40):
        days = slice(first[row], stop[row])
        uncertain = (mean[row, days] - known[row, days]).sum()
        assert over.mean[row] == pytest.approx(mean[row, days].sum(), abs=1e-9)
        expected = spread[row, days].sum() + plan.level_cv2[row] * uncertain**2
        assert over.variance[row] == pytest.approx(expected, abs=1e-6)
    np.testing.assert_allclose(plan.over(0, 182).mean, plan.mean_per_week.sum(axis=1), rtol=1e-12)


def test_an_interval_that_ends_before_it_starts_or_after_the_plan_is_refused() -> None:
    plan = demand_plan([1.0, 1.0], [1.0, 1.0])
    with pytest.raises(ValueError, match=r"stop_day must not be before first_day at index \(1,\): 3 < 4"):
        plan.over([0, 4], 3)
    with pytest.raises(ValueError, match=r"stop_day must be in 0\.\.182 at index \(0,\): 183"):
        plan.over(0, 183)


def test_plan_follows_a_permutation_of_the_series_and_a_change_of_unit() -> None:
    plan, order = _full_plan(), np.random.default_rng(3).permutation(40)
    for moved, plain in zip(_arrays(_full_plan(order=order)), _arrays(plan), strict=True):
        np.testing.assert_array_equal(moved, plain[order])
    scaled = _full_plan(unit=4.0)
    np.testing.assert_array_equal(scaled.mean_per_day, 4.0 * plan.mean_per_day)
    np.testing.assert_array_equal(scaled.variance_per_week, 16.0 * plan.variance_per_week)


def test_no_series_make_an_empty_plan() -> None:
    assert demand_plan(np.zeros(0), np.zeros(0)).mean_per_day.shape == (0, 28)


def test_a_week_without_selling_days_and_a_series_launched_twice_are_refused() -> None:
    with pytest.raises(ValueError, match="weekday_profile, sum of a row, must be positive at index"):
        demand_plan([1.0, 1.0], [1.0, 1.0], weekday_profile=[[1.0] * 7, [0.0] * 7])
    launch = launch_forecast([[1.0], [1.0]], [1, 1], [[1.0], [1.0]])
    with pytest.raises(ValueError, match="launch_series must name each series once, got 1 twice"):
        demand_plan([1.0, 1.0], [1.0, 1.0], launch=launch, launch_series=[1, 1])


def test_parts_sum_to_family_region_and_network_alike() -> None:
    plan, rng = _full_plan(), np.random.default_rng(4)
    network = roll_up(plan.mean_per_day, plan.variance_per_day, np.zeros(40, int), groups=1)
    for groups in (3, 7):
        cut = roll_up(plan.mean_per_day, plan.variance_per_day, rng.integers(0, groups, 40), groups=groups)
        np.testing.assert_allclose(cut.mean.sum(axis=0), network.mean[0], rtol=1e-12)
        np.testing.assert_allclose(cut.variance.sum(axis=0), network.variance[0], rtol=1e-12)
    np.testing.assert_allclose(network.mean[0], plan.mean_per_day.sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("correlation", [0.0, 0.3, 1.0])
def test_variance_of_a_sum_is_that_of_the_covariance_matrix(correlation: float) -> None:
    rng = np.random.default_rng(5)
    spread, group = rng.gamma(1.0, 5.0, (12, 4)), rng.integers(0, 3, 12)
    rolled = roll_up(np.ones((12, 4)), spread, group, groups=4, correlation=correlation)
    for label in range(4):
        for period in range(4):
            sd = np.sqrt(spread[group == label, period])
            matrix = np.full((len(sd), len(sd)), correlation)
            np.fill_diagonal(matrix, 1.0)
            assert rolled.variance[label, period] == pytest.approx(sd @ matrix @ sd, abs=1e-12)


def test_channels_sum_to_the_item_site() -> None:
    plan, rng = _full_plan(), np.random.default_rng(6)
    sold = rng.gamma(0.5, 9.0, (40, 3)) * (rng.random((40, 3)) < 0.6)
    shares = channel_shares(sold, rng.integers(0, 20, 40), rng.integers(0, 9, 40), items=9)
    split = split_channels(plan.mean_per_day, plan.variance_per_day, shares)
    assert split.mean.shape == (40, 3, 28)
    np.testing.assert_allclose(split.mean.sum(axis=1), plan.mean_per_day, rtol=1e-12)
    np.testing.assert_allclose(split.variance.sum(axis=1), plan.variance_per_day, rtol=1e-12)


def test_a_site_without_sales_takes_the_shares_of_its_item_and_an_item_without_any_those_of_the_others() -> None:
    sold = np.array([[30.0, 10.0], [0.0, 0.0], [0.0, 0.0], [5.0, 15.0]])
    shares = channel_shares(sold, [52, 0, 0, 52], [0, 0, 1, 2], items=4)
    assert shares[1].tolist() == [0.75, 0.25]
    assert shares[2].tolist() == [0.5, 0.5]
    assert channel_shares(np.zeros((1, 4)), [0], [0], items=1).tolist() == [[0.25] * 4]


def test_a_share_moves_to_what_was_sold_as_evidence_grows() -> None:
    sold = np.array([[100.0, 0.0], [0.0, 100.0]])
    few, many = (channel_shares(sold, [periods, periods], [0, 0], items=1)[0, 0] for periods in (1, 100))
    assert 0.5 < few < 0.6
    assert many > 0.95


def test_shares_do_not_depend_on_the_unit_of_an_item() -> None:
    rng = np.random.default_rng(9)
    sold, item = rng.gamma(1.0, 9.0, (30, 3)), rng.integers(0, 5, 30)
    unit = np.array([1.0, 2.0, 4.0, 8.0, 0.5])[item][:, None]
    periods = rng.integers(1, 30, 30)
    np.testing.assert_array_equal(
        channel_shares(sold * unit, periods, item, items=5), channel_shares(sold, periods, item, items=5)
    )


@pytest.mark.parametrize("power", [1.0, 1.5, 1.7, 2.0])
def test_variance_follows_the_stated_power_of_the_factor(power: float) -> None:
    factor = np.linspace(0.0, 2.0, 26)[None, :]
    plan = demand_plan([10.0], [30.0], season=factor, variance_power=power)
    np.testing.assert_allclose(plan.variance_per_week, 30.0 * factor**power, rtol=1e-12)


def test_a_power_outside_one_to_two_is_refused() -> None:
    with pytest.raises(ValueError, match=r"variance_power must be in 1\.\.2, got 0\.5"):
        demand_plan([1.0], [1.0], variance_power=0.5)
