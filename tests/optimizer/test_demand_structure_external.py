"""Forecasts of others and returned units: textbook record, stated rules, thinning simulated unit by unit."""

import numpy as np
import pytest

from optimizer.demand.external import (
    ForecastRule,
    UsedForecast,
    choose_forecast,
    forecast_error,
    forecast_value_added,
    pooled_error,
)
from optimizer.demand.returns import net_of_returns, predicted_returns, return_rate
from tests.optimizer.golden import golden


def test_tracking_signal_equals_the_textbook_moving_average() -> None:
    case, answer = golden("demand_structure", "TAHOE")
    demand, average_of = np.array(case["demand"], dtype=float), case["average_of"]
    forecast = np.convolve(demand, np.full(average_of, 1.0 / average_of), mode="valid")[:-1]
    actual = demand[average_of:]
    record = forecast_error([forecast], [actual])
    assert record.tracking_signal[0] == pytest.approx(answer["tracking_signal"], rel=1e-4)
    assert record.wape[0] == pytest.approx(answer["mean_absolute_deviation"] / actual.mean(), rel=1e-12)


def test_record_leaves_out_what_was_not_forecast_or_not_observed() -> None:
    record = forecast_error([[12.0, np.nan, 9.0, 50.0]], [[10.0, 5.0, 10.0, np.nan]])
    assert record.periods[0] == 2
    assert record.bias[0] == pytest.approx(0.05)
    assert record.mean_squared_error[0] == pytest.approx(2.5)


def test_a_series_without_demand_or_record_has_no_share_of_demand() -> None:
    record = forecast_error([[1.0, 1.0], [np.nan, np.nan]], [[0.0, 0.0], [3.0, 3.0]])
    assert np.isnan(record.wape).all()
    assert record.tracking_signal.tolist() == [2.0, 0.0]
    assert record.mean_squared_error[0] == 1.0
    assert np.isnan(record.mean_squared_error[1])


def test_pooled_record_shows_a_common_direction_and_lets_no_error_cancel_in_wape() -> None:
    actual = np.full((4, 6), 10.0)
    common, mixed = actual[:2] + 1.0, actual[2:] + np.array([[2.0], [-2.0]])
    record = pooled_error(np.concatenate([common, mixed]), actual, [0, 0, 1, 1], groups=3)
    np.testing.assert_allclose(record.bias[:2], [0.1, 0.0], atol=1e-12)
    np.testing.assert_allclose(record.wape[:2], [0.1, 0.2])
    np.testing.assert_allclose(record.tracking_signal, [6.0, 0.0, 0.0])
    assert record.periods.tolist() == [12, 12, 0]
    assert np.isnan(record.bias[2])


def test_pooled_record_of_pools_of_one_is_the_record_of_each() -> None:
    rng = np.random.default_rng(1)
    forecast, actual = rng.gamma(2.0, 5.0, (2, 20, 12))
    actual[rng.random((20, 12)) < 0.2] = np.nan
    single, pooled = forecast_error(forecast, actual), pooled_error(forecast, actual, np.arange(20), groups=20)
    for name in ("bias", "wape", "mean_squared_error", "tracking_signal", "periods"):
        np.testing.assert_allclose(getattr(pooled, name), getattr(single, name), rtol=1e-12)


def test_weights_make_pools_independent_of_the_unit() -> None:
    rng = np.random.default_rng(2)
    forecast, actual = rng.gamma(2.0, 5.0, (2, 6, 12))
    price = rng.uniform(1.0, 5.0, 6)
    dozens = np.array([12.0, 1.0, 1.0, 1.0, 12.0, 1.0])
    plain = pooled_error(forecast, actual, np.zeros(6, int), groups=1, weight=price)
    other = pooled_error(
        forecast / dozens[:, None], actual / dozens[:, None], np.zeros(6, int), groups=1, weight=price * dozens
    )
    np.testing.assert_allclose(other.wape, plain.wape, rtol=1e-12)
    np.testing.assert_allclose(other.tracking_signal, plain.tracking_signal, rtol=1e-12)


@pytest.mark.parametrize(
    ("rule", "used", "weight"),
    [
        ("own", [0, 0, 0, 0], [0.0, 0.0, 0.0, 0.0]),
        ("external", [1, 1, 3, 1], [1.0, 1.0, 0.0, 1.0]),
        ("better", [1, 0, 3, 4], [1.0, 0.0, 0.0, 0.0]),
        ("inverse_error", [2, 2, 3, 4], [0.8, 0.5, 0.0, 0.0]),
    ],
)
def test_every_rule_says_what_it_used(rule: ForecastRule, used: list[int], weight: list[float]) -> None:
    external = np.array([[20.0, 20.0], [20.0, 20.0], [20.0, np.nan], [20.0, 20.0]])
    chosen = choose_forecast(
        np.full((4, 2), 10.0), external, [4.0, 4.0, 4.0, 4.0], [1.0, 4.0, 1.0, np.nan], [9, 9, 9, 9], rule=rule
    )
    assert chosen.used.tolist() == used
    np.testing.assert_allclose(chosen.external_weight, weight)
    np.testing.assert_allclose(chosen.mean, 10.0 + 10.0 * np.repeat(np.array(weight)[:, None], 2, axis=1))


def test_a_short_record_falls_back_in_sight_and_a_perfect_one_takes_all() -> None:
    chosen = choose_forecast([[1.0], [1.0]], [[2.0], [2.0]], [1.0, 1.0], [0.0, 0.0], [7, 8], rule="inverse_error")
    assert chosen.used.tolist() == [UsedForecast.OWN_FOR_MISSING_RECORD, UsedForecast.EXTERNAL]
    assert chosen.mean.tolist() == [[1.0], [2.0]]


def test_inverse_error_minimises_the_variance_of_independent_errors() -> None:
    weight = choose_forecast([[0.0]], [[1.0]], [9.0], [4.0], [99], rule="inverse_error").external_weight[0]
    grid = np.linspace(0.0, 1.0, 10_001)
    assert weight == pytest.approx(grid[np.argmin((1.0 - grid) ** 2 * 9.0 + grid**2 * 4.0)], abs=1e-4)


def test_value_added_is_positive_where_the_external_forecast_errs_less() -> None:
    np.testing.assert_allclose(forecast_value_added([0.4, 0.2, np.nan], [0.3, 0.3, 0.1]), [0.1, -0.1, np.nan])


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="rule must be"):
        choose_forecast([[1.0]], [[1.0]], [1.0], [1.0], [9], rule="vote")  # type: ignore[arg-type]  # wrong on purpose


DELAY = np.array([[0.1, 0.3, 0.4, 0.2]])


def _crates(seed: int, n: int, periods: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Crates sent and those that came back, each with its own coin and its own delay."""
    rng = np.random.default_rng(seed)
    shipped = rng.poisson(200.0, (n, periods))
    returned = np.zeros((n, periods + 4))
    for lag, chance in enumerate(DELAY[0]):
        returned[:, lag : lag + periods] += rng.poisson(shipped * rate * chance)
    return shipped.astype(float), returned[:, :periods]


def test_return_rate_equals_the_one_units_were_thinned_with() -> None:
    shipped, returned = _crates(1, 40, 26, 0.7)
    rate = return_rate(shipped, returned, np.zeros(40, int), DELAY)
    assert rate.mean() == pytest.approx(0.7, abs=0.005)
    # Returns over shipments alone takes crates still out for lost.
    assert returned.sum() / shipped.sum() < 0.69


def test_a_series_with_few_shipments_takes_the_rate_of_its_pool() -> None:
    shipped, returned = _crates(2, 3, 26, 0.7)
    shipped[2], returned[2] = 0.0, 0.0
    shipped[2, 0], returned[2, 3] = 1.0, 0.0
    rate = return_rate(shipped, returned, [0, 0, 0], DELAY)
    assert rate[2] == pytest.approx(rate[:2].mean(), rel=0.05)
    alone = return_rate(shipped[2:], returned[2:], [0], DELAY)
    assert alone[0] == 0.0


def test_predicted_returns_equal_a_loop_over_shipments() -> None:
    rng = np.random.default_rng(3)
    shipped, planned, rate = rng.gamma(1.0, 50.0, (3, 9)), rng.gamma(1.0, 50.0, (3, 5)), np.array([0.2, 0.5, 1.0])
    delay, pool = np.array([[0.2, 0.8, 0.0], [0.1, 0.2, 0.7]]), np.array([0, 1, 1])
    predicted = predicted_returns(shipped, planned, rate, pool, delay)
    everything = np.concatenate([shipped, planned], axis=1)
    for row in range(3):
        for period in range(5):
            chances = [(rate[row] * delay[pool[row], lag], everything[row, 9 + period - lag]) for lag in range(3)]
            assert predicted.mean[row, period] == pytest.approx(sum(p * units for p, units in chances))
            assert predicted.variance[row, period] == pytest.approx(sum(p * (1 - p) * units for p, units in chances))


def test_all_that_is_shipped_comes_back_once_at_rate_one() -> None:
    predicted = predicted_returns([[30.0, 40.0]], np.zeros((1, 6)), [1.0], [0], [[0.0, 0.0, 0.25, 0.75]])
    assert predicted.mean.sum() == pytest.approx(70.0)


def test_returns_serve_the_earliest_demand_and_the_rest_is_kept() -> None:
    assert net_of_returns([[5.0, 5.0, 5.0]], [[7.0, 0.0, 1.0]]).tolist() == [[0.0, 3.0, 4.0]]


def test_a_record_shorter_than_the_longest_delay_is_refused() -> None:
    with pytest.raises(ValueError, match="shipped must reach back more than the longest delay of 3 periods, got 3"):
        return_rate(np.ones((1, 3)), np.ones((1, 3)), [0], DELAY)
    with pytest.raises(ValueError, match=r"delay must sum to 1 in each row, row 0 sums to 0\.5"):
        return_rate(np.ones((1, 3)), np.ones((1, 3)), [0], [[0.5]])


def test_rates_do_not_depend_on_the_unit_when_everything_counted_in_it_is_scaled() -> None:
    shipped, returned = _crates(4, 6, 12, 0.4)
    pool, delay = np.array([0, 1, 0, 1, 0, 1]), np.repeat(DELAY, 2, axis=0)
    plain = return_rate(shipped, returned, pool, delay, shrinkage=50.0)
    np.testing.assert_array_equal(return_rate(4.0 * shipped, 4.0 * returned, pool, delay, shrinkage=200.0), plain)
