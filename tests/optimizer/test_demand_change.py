"""Change told from noise, tracking signals and drift."""

import numpy as np
import pytest

from optimizer.arguments import FloatArray
from optimizer.demand.change import demand_change
from optimizer.demand.drift import demand_drift
from optimizer.demand.tracking import tracking

SERIES, WEEKS = 1_000, 156


def _clean_worlds() -> dict[str, FloatArray]:
    rng, shape = np.random.default_rng(21), (SERIES, WEEKS)
    return {
        "poisson": rng.poisson(5.0, shape).astype(np.float64),
        "slow poisson": rng.poisson(0.5, shape).astype(np.float64),
        "negative binomial": rng.negative_binomial(2.0, 0.2, shape).astype(np.float64),
        "gamma": rng.gamma(4.0, 10.0, shape),
        "normal": np.maximum(rng.normal(100.0, 20.0, shape), 0.0),
        "intermittent": np.where(rng.random(shape) < 0.2, rng.geometric(0.2, shape), 0.0),
        "lumpy": np.where(rng.random(shape) < 0.15, np.ceil(rng.lognormal(2.0, 0.8, shape)), 0.0),
    }


@pytest.mark.parametrize("rate", [0.25, 1.0])
def test_false_alarms_on_clean_worlds_stay_within_the_stated_band(rate: float) -> None:
    years = SERIES * (WEEKS - 26) / 52.0
    for name, history in _clean_worlds().items():
        alarms = demand_change(history, false_alarms_per_year=rate).alarms.sum() / years
        # Three standard deviations of the count on top of the promise.
        assert rate / 12.0 <= alarms <= rate + 3.0 * np.sqrt(rate / years), name


def test_a_doubling_and_a_halving_are_found_with_their_week_and_sizes() -> None:
    rng = np.random.default_rng(22)
    history = rng.poisson(20.0, (400, 104)).astype(np.float64)
    history[:200, 84:] = rng.poisson(40.0, (200, 20))
    history[200:, 84:] = rng.poisson(10.0, (200, 20))
    change = demand_change(history, false_alarms_per_year=0.1, recent_periods=20)
    found = change.changed & (change.direction == np.repeat([1, -1], 200))
    assert found.mean() > 0.9
    assert np.median(change.change_period[found]) == 84
    assert np.median(change.alarm_period[found]) <= 86
    assert np.median(change.mean_before[found]) == pytest.approx(20.0, rel=0.03)
    assert np.median(change.mean_after[:200][found[:200]]) == pytest.approx(40.0, rel=0.05)
    assert np.median(change.mean_after[200:][found[200:]]) == pytest.approx(10.0, rel=0.05)


def test_one_wild_week_is_no_change() -> None:
    history = np.full((1, 104), 10.0) + np.tile([-2.0, 2.0], 52)
    history[0, 80] = 1_000.0
    assert demand_change(history).alarms.tolist() == [0]
    history[0, 81] = 1_000.0
    again = demand_change(history, recent_periods=40)
    assert again.alarm_period.tolist() == [81]
    assert again.direction.tolist() == [1]


def test_change_does_not_depend_on_the_unit_or_on_neighbours() -> None:
    history = _clean_worlds()["gamma"][:50]
    history[:25, 100:] *= 2.0
    history[3, 5:9] = np.nan
    once, grams = demand_change(history), demand_change(1024.0 * history)
    for name in ("changed", "alarm_period", "change_period", "direction", "alarms"):
        np.testing.assert_array_equal(getattr(grams, name), getattr(once, name))
    np.testing.assert_array_equal(grams.mean_after, 1024.0 * once.mean_after)
    alone = demand_change(history[10:11])
    assert alone.alarm_period[0] == once.alarm_period[10]
    assert once.direction[:25].sum() > 20


def test_unusable_weeks_raise_no_alarm_and_silent_items_none_either() -> None:
    history = np.full((3, 104), 10.0) + np.tile([-2.0, 2.0], 52)
    history[0, 60:] = np.nan
    history[1] = 0.0
    change = demand_change(history)
    assert change.alarms.tolist() == [0, 0, 0]
    assert change.change_period.tolist() == [-1, -1, -1]
    assert change.mean_after.tolist() == [0.0, 0.0, 0.0]


def test_bad_rates_of_change_are_refused() -> None:
    for name, value in (("false_alarms_per_year", 0.0), ("periods_per_year", 0.5), ("baseline_periods", 3)):
        with pytest.raises(ValueError, match=name):
            demand_change([[1.0, 2.0]], **{name: value})  # type: ignore[arg-type]


def test_tracking_of_a_smoothed_level_equals_a_plain_loop() -> None:
    history = np.random.default_rng(24).gamma(2.0, 5.0, (5, 40))
    history[2, 10:14] = np.nan
    answer = tracking(history, alpha=0.2, gamma=0.1)
    for row, one in enumerate(history):
        level, smooth, smooth_absolute, errors, demanded = -1.0, 0.0, 0.0, [], 0.0
        for demand in one[~np.isnan(one)]:
            if level < 0.0:
                level = demand
                continue
            error = demand - level
            errors.append(error)
            demanded += demand
            smooth += 0.1 * (error - smooth)
            smooth_absolute += 0.1 * (abs(error) - smooth_absolute)
            level += 0.2 * error
        assert answer.bias[row] == pytest.approx(sum(errors) / demanded)
        assert answer.mean_absolute_error[row] == pytest.approx(np.abs(errors).mean())
        assert answer.trigg_signal[row] == pytest.approx(smooth / smooth_absolute)
        assert answer.brown_signal[row] == pytest.approx(sum(errors) / np.abs(errors).mean())
        assert answer.errors[row] == len(errors)


def test_a_forecast_given_too_low_has_a_signal_at_its_end() -> None:
    history = np.full((1, 30), 10.0)
    given = np.full((1, 30), 8.0)
    given[0, :3] = np.nan
    answer = tracking(history, forecast=given)
    assert answer.bias[0] == pytest.approx(0.2)
    assert answer.trigg_signal[0] == pytest.approx(1.0)
    assert answer.brown_signal[0] == pytest.approx(27.0)
    with pytest.raises(ValueError, match="forecast"):
        tracking(history, forecast=given[:, 1:])


def test_drift_equals_least_squares_and_its_chance_is_honest() -> None:
    rng = np.random.default_rng(25)
    history = rng.gamma(4.0, 5.0, (4_000, 104))
    history[0, 3:9] = np.nan
    drift = demand_drift(history)
    seen = ~np.isnan(history[0])
    slope, _ = np.polyfit(np.flatnonzero(seen), history[0, seen], 1)
    assert drift.slope_per_period[0] == pytest.approx(slope, rel=1e-9)
    assert drift.relative_per_year[0] == pytest.approx(52.0 * slope / history[0, seen].mean(), rel=1e-9)
    assert (drift.p_value < 0.05).mean() == pytest.approx(0.05, abs=0.011)
    rising = demand_drift(history + 0.2 * np.arange(104))
    assert (rising.t_score > 3.0).mean() > 0.95


def test_drift_of_equal_single_or_absent_values_is_none() -> None:
    history = np.array([[5.0] * 6, [0.0] * 6, [np.nan] * 6, [np.nan] * 4 + [1.0, 9.0]])
    drift = demand_drift(history)
    assert drift.slope_per_period.tolist() == [0.0] * 4
    assert drift.p_value.tolist() == [1.0] * 4
    straight = demand_drift([[1.0, 2.0, 3.0, 4.0]])
    assert straight.p_value[0] < 1e-6
