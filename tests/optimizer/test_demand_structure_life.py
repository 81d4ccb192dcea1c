"""Young items, ending items, and items prediction does not apply to."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.demand.end_of_life import remaining_demand, run_out
from optimizer.demand.launch import first_weeks, launch_forecast
from optimizer.demand.scope import Exclusion, Fault, Route, master_data_faults, prediction_scope

CURVE = np.array([[40.0, 80.0, 60.0, 50.0, 44.0, 42.0, 40.0, 38.0, 40.0, 42.0, 40.0, 38.0, 40.0]])


def test_a_new_item_follows_its_analog_at_its_own_height() -> None:
    launch = launch_forecast(0.5 * CURVE[:, :6], [6], CURVE, weeks=7, shrinkage=1e-9)
    np.testing.assert_allclose(launch.mean_per_week, 0.5 * CURVE[:, 6:], rtol=1e-8)


def test_before_anything_is_seen_the_planners_height_holds() -> None:
    launch = launch_forecast([[np.nan]], [0], CURVE, weeks=13, prior_scale=1.5)
    np.testing.assert_allclose(launch.mean_per_week, 1.5 * CURVE, rtol=1e-12)
    assert launch.level_cv2[0] == pytest.approx(0.25)


def test_scale_moves_from_prior_to_what_was_seen_and_its_spread_narrows() -> None:
    ages = np.arange(14)
    launch = launch_forecast(np.repeat(2.0 * CURVE, 14, axis=0), ages, np.repeat(CURVE, 14, axis=0), weeks=1)
    assert launch.scale[0] == 1.0
    assert (np.diff(launch.scale) > 0.0).all()
    assert launch.scale[-1] < 2.0
    assert (np.diff(launch.level_cv2) < 0.0).all()


def test_scale_equals_the_posterior_mean_of_a_gamma_prior_integrated_numerically() -> None:
    seen, analog = np.array([[7.0, 12.0, 5.0]]), np.array([[5.0, 9.0, 7.0, 7.0]])
    launch = launch_forecast(seen, [3], analog, weeks=1, prior_scale=1.2, shrinkage=2.0)
    grid = np.linspace(1e-4, 6.0, 200_001)
    weight = 2.0 * analog.mean()
    log_density = (weight * 1.2 - 1.0) * np.log(grid) - weight * grid + seen.sum() * np.log(grid) - 21.0 * grid
    density = np.exp(log_density - log_density.max())
    assert launch.scale[0] == pytest.approx((grid * density).sum() / density.sum(), rel=1e-6)


def test_a_young_item_has_a_wider_spread_than_the_same_item_grown_up() -> None:
    launch = launch_forecast([[np.nan]], [0], CURVE, weeks=4, noise_cv2=0.3)
    grown_up = 0.3 * launch.mean_per_week**2
    assert (launch.variance_per_week > grown_up).all()
    whole_month = launch.mean_per_week.sum() ** 2 * launch.level_cv2 + launch.variance_per_week.sum()
    assert whole_month > 2.0 * grown_up.sum()


def test_spread_equals_a_simulation_of_uncertain_height_times_noise() -> None:
    rng = np.random.default_rng(1)
    launch = launch_forecast([[np.nan]], [0], np.full((1, 13), 20.0), weeks=4, noise_cv2=0.3, analog_cv=0.5)
    height = rng.gamma(4.0, 0.25, (400_000, 1))
    demand = 20.0 * height * rng.gamma(1.0 / 0.3, 0.3, (400_000, 4))
    month = launch.variance_per_week.sum() + launch.level_cv2[0] * launch.mean_per_week.sum() ** 2
    assert month == pytest.approx(demand.sum(axis=1).var(), rel=0.02)


def test_past_the_curve_its_mature_mean_holds_and_gaps_are_bridged() -> None:
    curve = np.array([[10.0, np.nan, 30.0, 20.0, 20.0, 20.0, 24.0]])
    launch = launch_forecast([[10.0, 99.0]], [1], curve, weeks=8, shrinkage=1.0)
    assert launch.scale[0] == pytest.approx((10.0 + 124.0 / 6.0) / (10.0 + 124.0 / 6.0))
    np.testing.assert_allclose(
        launch.mean_per_week[0], [124.0 / 6.0, 30.0, 20.0, 20.0, 20.0, 24.0, 21.0, 21.0], rtol=1e-12
    )


def test_weeks_not_observed_are_no_failure_of_the_launch() -> None:
    seen = 2.0 * CURVE[:, :6]
    seen[0, 2:4] = np.nan
    told = launch_forecast(seen, [6], CURVE, weeks=4)
    fooled = launch_forecast(np.nan_to_num(seen), [6], CURVE, weeks=4)
    assert told.scale[0] > 1.4 > fooled.scale[0]


def test_pitfall_a2_an_analog_without_demand_is_refused_and_a_launch_without_demand_is_finite() -> None:
    with pytest.raises(ValueError, match=r"analog must hold demand .* series 1 has none"):
        launch_forecast(np.zeros((2, 3)), [3, 3], np.array([[1.0, 0.0], [0.0, np.nan]]))
    launch = launch_forecast(np.zeros((1, 13)), [13], CURVE)
    assert 0.0 < launch.scale[0] < 0.3


def test_first_weeks_start_at_the_launch_and_end_with_the_record() -> None:
    weeks = first_weeks([[0.0, 0.0, 5.0, 6.0], [1.0, 2.0, 3.0, 4.0]], [2, 0], weeks=3)
    np.testing.assert_array_equal(weeks, [[5.0, 6.0, np.nan], [1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match=r"launch_week must be in 0..3 at index \(1,\): 4"):
        first_weeks(np.ones((2, 4)), [0, 4], weeks=3)


def test_launch_does_not_depend_on_its_neighbours_nor_on_the_unit() -> None:
    rng = np.random.default_rng(2)
    seen, curve, age = rng.gamma(1.0, 9.0, (30, 13)), rng.gamma(1.0, 9.0, (30, 20)), rng.integers(0, 14, 30)
    plain = launch_forecast(seen, age, curve)
    order = rng.permutation(30)
    np.testing.assert_array_equal(
        launch_forecast(seen[order], age[order], curve[order]).mean_per_week, plain.mean_per_week[order]
    )
    np.testing.assert_array_equal(
        launch_forecast(4.0 * seen, age, 4.0 * curve).mean_per_week, 4.0 * plain.mean_per_week
    )


def _sold_days(end: float, bleed: int, days: int) -> list[float]:
    """Factor of each day by counting the days left to sell."""
    return [0.0 if day > end else min(1.0, (end - day + 1) / (bleed + 1)) for day in range(days)]


@settings(max_examples=100, deadline=None)
@given(st.integers(-5, 220), st.integers(0, 60))
def test_run_out_equals_counting_the_days_left(end: int, bleed: int) -> None:
    life, expected = run_out([float(end)], bleed_days=bleed), np.array(_sold_days(end, bleed, 182))
    np.testing.assert_allclose(life.day_factor[0], expected[:28], atol=1e-12)
    np.testing.assert_allclose(life.week_factor[0], expected.reshape(26, 7).mean(axis=1), atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.integers(-5, 120), st.integers(0, 60))
def test_remaining_demand_is_the_sum_of_the_days_to_the_end(end: int, bleed: int) -> None:
    left = remaining_demand([3.0], [5.0], [float(end)], bleed_days=bleed)
    days = sum(_sold_days(end, bleed, 130))
    assert left.mean[0] == pytest.approx(3.0 * days, abs=1e-9)
    assert left.variance[0] == pytest.approx(5.0 * days, abs=1e-9)


def test_no_end_leaves_demand_untouched_and_a_past_end_leaves_none() -> None:
    life = run_out([np.inf, -1.0], bleed_days=30)
    assert (life.day_factor[0] == 1.0).all()
    assert (life.week_factor[0] == 1.0).all()
    assert not life.day_factor[1].any()
    assert not life.week_factor[1].any()
    with pytest.raises(ValueError, match="end_day must be finite for demand to end, series 0 has none"):
        remaining_demand([1.0], [1.0], [np.inf])


def test_the_first_reason_that_holds_excludes_a_series() -> None:
    rows = [
        # usable, age, engineered, faulty, ended, analog
        (104, -1, False, False, False, False, Exclusion.NONE, Route.HISTORY, False),
        (77, -1, False, False, False, False, Exclusion.NONE, Route.HISTORY, True),
        (104, -1, True, True, True, False, Exclusion.ENGINEERED_TO_ORDER, Route.NOT_PREDICTED, False),
        (104, -1, False, True, True, False, Exclusion.BAD_MASTER_DATA, Route.NOT_PREDICTED, False),
        (104, -1, False, False, True, False, Exclusion.ENDED, Route.NOT_PREDICTED, False),
        (0, -1, False, False, False, True, Exclusion.NO_HISTORY, Route.NOT_PREDICTED, False),
        (7, 7, False, False, False, False, Exclusion.SHORT_HISTORY, Route.NOT_PREDICTED, False),
        (8, 8, False, False, False, False, Exclusion.NONE, Route.HISTORY, True),
        (0, 0, False, False, False, True, Exclusion.NONE, Route.ANALOG, True),
        (12, 12, False, False, False, True, Exclusion.NONE, Route.ANALOG, True),
        (13, 13, False, False, False, True, Exclusion.NONE, Route.HISTORY, True),
    ]
    usable, age, engineered, faulty, ended, analog, exclusion, route, low = zip(*rows, strict=True)
    scope = prediction_scope(
        usable, age, engineered_to_order=engineered, bad_master_data=faulty, ended=ended, has_analog=analog
    )
    assert scope.exclusion.tolist() == list(exclusion)
    assert scope.route.tolist() == list(route)
    assert scope.low_confidence.tolist() == list(low)
    assert scope.applies.tolist() == [code == Exclusion.NONE for code in exclusion]


def test_master_data_that_cannot_be_true_is_named_fault_by_fault() -> None:
    faults = master_data_faults(
        [1.0, 0.0, np.nan, 1.0, 1.0, 0.0], [5.0, 5.0, 5.0, 731.0, np.nan, 5.0], [1.0, np.nan, 1.0, 1.0, 1.0, 0.0]
    )
    assert [Fault(int(code)) for code in faults] == [
        Fault.NONE,
        Fault.COST,
        Fault.COST,
        Fault.LEAD_TIME,
        Fault.LEAD_TIME,
        Fault.COST | Fault.ORDER_MULTIPLE,
    ]
