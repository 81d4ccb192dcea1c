"""Demand moments, classes and shifts: textbook values, degenerate histories, properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from optimizer.arguments import FloatArray
from optimizer.demand.classes import DemandClass, classify
from optimizer.demand.moments import demand_moments
from optimizer.demand.shift import demand_shift
from optimizer.demand.smoothing import croston
from tests.optimizer.golden import golden

HISTORIES = arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(1, 20)),
    elements=st.one_of(st.just(0.0), st.just(np.nan), st.floats(0.5, 1e4)),
)


def test_croston_equals_the_value_printed_in_the_bug_report() -> None:
    case, answer = golden("demand", "F1")
    rate = croston([case["history"]], case["smoothing"]).rate_per_period
    assert rate[0] == pytest.approx(answer, rel=1e-12)


def test_croston_and_sba_equal_the_textbook_series() -> None:
    case, (plain, sba) = golden("demand", "F2")
    assert croston([case["history"]], case["smoothing"]).rate_per_period[0] == pytest.approx(plain, rel=1e-12)
    moments = demand_moments([case["history"]], days_per_period=1, smoothing=case["smoothing"])
    assert moments.mean_per_day[0] == pytest.approx(sba, rel=1e-12)


def test_textbook_series_is_lumpy_by_periods_per_event_and_population_variance() -> None:
    case, (interval, _, size_cv2, _) = golden("demand", "F4")
    moments = demand_moments([case["history"]])
    assert moments.interval[0] == pytest.approx(interval, rel=1e-12)
    assert moments.size_cv2[0] == pytest.approx(size_cv2, rel=1e-12)
    assert moments.demand_class[0] == DemandClass.LUMPY


def test_a_value_on_a_cut_belongs_to_the_wilder_class() -> None:
    interval = np.array([1.31, 1.31, 1.32, 1.32, np.inf])
    size_cv2 = np.array([0.48, 0.49, 0.48, 0.49, 0.0])
    assert classify(interval, size_cv2).tolist() == [0, 1, 2, 3, 4]


def test_spread_is_the_sample_variance_of_all_usable_periods_per_day() -> None:
    history = np.random.default_rng(3).gamma(2.0, 10.0, (50, 104))
    moments = demand_moments(history)
    np.testing.assert_allclose(moments.sd_per_day, history.std(axis=1, ddof=1) / np.sqrt(7), rtol=1e-12)


def test_spread_survives_a_large_level() -> None:
    history = (1e7 + np.random.default_rng(3).integers(0, 2, (3, 104))).astype(np.float32)
    expected = history.astype(np.float64).std(axis=1, ddof=1) / np.sqrt(7)
    np.testing.assert_allclose(demand_moments(history).sd_per_day, expected, rtol=1e-9)


def test_smoothed_mean_forgets_geometrically() -> None:
    moments = demand_moments([[10.0, 20.0, 40.0]], days_per_period=1, smoothing=0.5)
    assert moments.mean_per_day[0] == pytest.approx((10 * 0.25 + 20 * 0.5 + 40) / 1.75)


@pytest.mark.parametrize(
    ("history", "mean", "kind"),
    [
        ([0.0, 0.0, 0.0], 0.0, DemandClass.NONE),
        ([np.nan, np.nan, np.nan], 0.0, DemandClass.NONE),
        ([0.0, 0.0, 6.0], 0.95 * 6.0 / 3.0, DemandClass.INTERMITTENT),
        ([6.0, 0.0, 0.0], 0.95 * 6.0, DemandClass.INTERMITTENT),
        ([6.0], 6.0, DemandClass.SMOOTH),
    ],
)
def test_degenerate_histories_have_finite_moments(history: list[float], mean: float, kind: DemandClass) -> None:
    moments = demand_moments([history], days_per_period=1)
    assert moments.mean_per_day[0] == pytest.approx(mean)
    assert moments.demand_class[0] == kind
    assert np.isfinite(moments.sd_per_day[0])


def test_a_single_period_has_poisson_spread() -> None:
    assert demand_moments([[9.0]], days_per_period=1).sd_per_day[0] == pytest.approx(3.0, rel=1e-15)


@given(HISTORIES)
@settings(max_examples=60, deadline=None)
def test_unusable_periods_change_nothing(history: FloatArray) -> None:
    gaps = np.insert(history, range(history.shape[1] + 1), np.nan, axis=1)
    plain, gapped = demand_moments(history), demand_moments(gaps)
    np.testing.assert_allclose(gapped.mean_per_day, plain.mean_per_day, rtol=1e-12)
    np.testing.assert_allclose(gapped.sd_per_day, plain.sd_per_day, rtol=1e-12)
    np.testing.assert_array_equal(gapped.demand_class, plain.demand_class)


@given(HISTORIES, st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_permuting_series_permutes_moments(history: FloatArray, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(history))
    plain, permuted = demand_moments(history), demand_moments(history[order])
    for name in ("mean_per_day", "sd_per_day", "demand_class", "interval", "size_cv2", "periods"):
        np.testing.assert_array_equal(getattr(permuted, name), getattr(plain, name)[order])


def test_blocks_do_not_change_the_answer() -> None:
    history = np.random.default_rng(5).poisson(0.4, (20_000, 12)).astype(np.float32)
    whole, part = demand_moments(history), demand_moments(history[9_000:9_010])
    np.testing.assert_array_equal(whole.mean_per_day[9_000:9_010], part.mean_per_day)
    np.testing.assert_array_equal(whole.sd_per_day[9_000:9_010], part.sd_per_day)


def test_the_history_handed_in_is_left_as_it_was() -> None:
    history = np.array([[np.nan, 1.0, 2.0]])
    demand_moments(history)
    croston(history, 0.1)
    assert np.isnan(history[0, 0])


@pytest.mark.parametrize("bad", [-1.0, np.inf])
def test_a_negative_or_infinite_period_is_refused_by_place(bad: float) -> None:
    with pytest.raises(ValueError, match="series 1, period 0"):
        demand_moments([[1.0, 2.0], [bad, 2.0]])


def test_bad_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        demand_moments([1.0, 2.0])
    with pytest.raises(ValueError, match="smoothing"):
        demand_moments([[1.0]], smoothing=0.0)
    with pytest.raises(ValueError, match="days_per_period"):
        demand_moments([[1.0]], days_per_period=0)
    with pytest.raises(ValueError, match="recent_periods"):
        demand_shift([[1.0, 2.0]], recent_periods=2)


def test_shift_score_has_unit_spread_when_nothing_changed() -> None:
    history = np.random.default_rng(7).negative_binomial(5, 0.2, (4_000, 104)).astype(np.float64)
    score = demand_shift(history).z_score
    assert abs(score.mean()) < 0.1
    assert 0.93 < score.std() < 1.1


def test_shift_sees_a_doubling_and_its_direction() -> None:
    history = np.full((2, 52), 100.0) + np.tile([-10.0, 10.0], 26)
    history[0, -4:], history[1, -4:] = 200.0, 50.0
    shift = demand_shift(history)
    assert shift.recent_mean_per_period.tolist() == [200.0, 50.0]
    assert shift.z_score[0] > 10.0
    assert shift.z_score[1] < -5.0


def test_a_dead_series_that_sells_one_unit_is_no_spike() -> None:
    history = np.zeros((2, 52))
    history[1, -1] = 1.0
    assert demand_shift(history).z_score[0] == 0.0
    assert 0.0 < demand_shift(history).z_score[1] < 4.0
