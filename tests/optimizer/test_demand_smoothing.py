"""The recursions against a plain loop, the reference cases, and every pitfall of demand estimation."""

import numpy as np
import pytest

from optimizer.arguments import FloatArray
from optimizer.demand import history as blocks_of
from optimizer.demand.classes import DemandClass, classify
from optimizer.demand.moments import demand_moments, rate_by_class
from optimizer.demand.obsolescence import obsolescence
from optimizer.demand.smoothing import SmoothedDemand, smooth
from optimizer.demand.smoothing_choice import Method, choose_smoothing
from optimizer.laws.demand_law import exceedance
from optimizer.laws.empirical import empirical_demand
from tests.optimizer.golden import golden

FIELDS = ("level", "size", "interval", "probability", "croston", "sba", "tsb", "since", "events", "periods")


def _plainly(history: FloatArray, alpha: float, beta: float, p0: float) -> dict[str, float]:
    """One series, period by period, as the papers write it."""
    size = interval = 0.0
    weighted = weights = 0.0
    since, chance = 0, p0
    for demand in history[~np.isnan(history)]:
        since += 1
        weighted, weights = (1 - alpha) * weighted + alpha * demand, (1 - alpha) * weights + alpha
        chance += beta * ((demand > 0) - chance)
        if demand > 0:
            size, interval = (
                (demand, since)
                if size == 0
                else (size + alpha * (demand - size), interval + alpha * (since - interval))
            )
            since = 0
    ratio = size / interval if interval else 0.0
    level = weighted / weights if weights else 0.0
    return {"level": level, "sba": (1 - alpha / 2) * ratio, "tsb": chance * size, "interval": interval, "since": since}


def _some_histories(series: int = 200, periods: int = 60) -> FloatArray:
    rng = np.random.default_rng(11)
    history = rng.poisson(rng.uniform(0.05, 3.0, (series, 1)), (series, periods)).astype(np.float64)
    history[rng.random(history.shape) < 0.05] = np.nan
    history[0] = 0.0
    history[1] = np.nan
    return history


def test_every_estimate_equals_a_plain_loop_over_periods() -> None:
    history = _some_histories()
    smoothed = smooth(history, alpha=0.15, beta=0.07, initial_probability=0.4)
    for row, one in enumerate(history):
        expected = _plainly(one, 0.15, 0.07, 0.4)
        for name, value in expected.items():
            assert getattr(smoothed, name)[row] == pytest.approx(value, rel=1e-11, abs=1e-12), (row, name)


def test_reference_cases_f1_f2_hold() -> None:
    case, answer = golden("demand", "F1")
    assert smooth([case["history"]], alpha=case["smoothing"]).croston[0] == pytest.approx(answer, rel=1e-8)
    case, (plain, sba) = golden("demand", "F2")
    smoothed = smooth([case["history"]], alpha=case["smoothing"])
    assert smoothed.croston[0] == pytest.approx(plain, rel=1e-8)
    assert smoothed.sba[0] == pytest.approx(sba, rel=1e-8)


def test_block_size_and_neighbours_do_not_change_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    for history in (_some_histories(), _some_histories().astype(np.float32)):
        whole = smooth(history)
        monkeypatch.setattr(blocks_of, "BLOCK_BYTES", 7 * history.itemsize)
        parts = smooth(history)
        monkeypatch.undo()
        alone = smooth(history[150:151])
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))
            np.testing.assert_array_equal(getattr(whole, name)[150:151], getattr(alone, name))


def test_doubling_the_unit_doubles_every_rate() -> None:
    history = _some_histories()
    once, twice = smooth(history), smooth(2.0 * history)
    for name in ("level", "size", "croston", "sba", "tsb"):
        np.testing.assert_array_equal(getattr(twice, name), 2.0 * getattr(once, name))
    np.testing.assert_array_equal(twice.interval, once.interval)


def test_pitfall_a1_negative_demand_is_refused_so_sizes_and_intervals_stay_aligned() -> None:
    with pytest.raises(ValueError, match=r"history .* series 0, period 1 holds -1"):
        smooth([[3.0, -1.0, 2.0]])


@pytest.mark.parametrize(
    ("history", "sba", "since"),
    [
        ([0.0, 0.0, 0.0, 0.0], 0.0, 4),
        ([0.0, 0.0, 8.0, 0.0], 0.95 * 8.0 / 3.0, 1),
        ([8.0, 0.0, 0.0, 0.0], 0.95 * 8.0, 3),
        ([0.0, 0.0, 0.0, 8.0], 0.95 * 2.0, 0),
        ([np.nan, np.nan, 8.0, 0.0], 0.95 * 8.0, 1),
    ],
)
def test_pitfall_a2_all_zeros_one_sale_and_leading_zeros(history: list[float], sba: float, since: int) -> None:
    smoothed = smooth([history])
    assert smoothed.sba[0] == pytest.approx(sba, rel=1e-12)
    assert smoothed.since[0] == since
    assert all(np.isfinite(getattr(smoothed, name)).all() for name in FIELDS)


def test_pitfall_a3_tsb_starts_from_a_probability_that_is_stated() -> None:
    history = [[0.0, 4.0, 0.0, 4.0]]
    by_default = smooth(history, beta=0.1)
    half = smooth(history, beta=0.1, initial_probability=0.5)
    sure = smooth(history, beta=0.1, initial_probability=[1.0])
    np.testing.assert_array_equal(by_default.tsb, half.tsb)
    assert sure.probability[0] - half.probability[0] == pytest.approx(0.5 * 0.9**4, rel=1e-12)
    with pytest.raises(ValueError, match="initial_probability"):
        smooth(history, initial_probability=1.5)


def test_pitfall_a4_a_truncated_record_biases_the_first_interval_and_the_mean_gap_does_not() -> None:
    rng = np.random.default_rng(5)
    history = np.zeros((4_000, 40))
    # Every tenth period sells; the record begins anywhere in between.
    for row, offset in enumerate(rng.integers(0, 10, len(history))):
        history[row, offset::10] = 5.0
    record, between = smooth(history), smooth(history, first_interval="between")
    assert record.interval.mean() < 9.0
    np.testing.assert_allclose(between.interval, 10.0, rtol=1e-12)


def test_pitfall_a5_sba_is_biased_low_where_demand_comes_nearly_always_so_the_class_decides() -> None:
    rng = np.random.default_rng(6)
    dense = np.where(rng.random((3_000, 200)) < 0.97, 20.0, 0.0)
    sparse = np.where(rng.random((3_000, 200)) < 0.25, 20.0, 0.0)
    moments, smoothed = demand_moments(dense, days_per_period=1, smoothing=0.2), smooth(dense, alpha=0.2)
    assert smoothed.sba.mean() < 0.93 * dense.mean()
    assert moments.mean_per_day.mean() == pytest.approx(dense.mean(), rel=0.01)
    croston, sba = smooth(sparse, alpha=0.2).croston.mean(), smooth(sparse, alpha=0.2).sba.mean()
    assert croston > 1.05 * sparse.mean()
    assert sba == pytest.approx(sparse.mean(), rel=0.03)


def test_pitfall_a6_interval_is_periods_per_event_and_variation_has_n_below() -> None:
    case, (per_event, gap, with_n, with_less) = golden("demand", "F4")
    history = np.array(case["history"], dtype=np.float64)
    moments = demand_moments([history])
    assert moments.interval[0] == pytest.approx(per_event, rel=1e-8)
    assert moments.size_cv2[0] == pytest.approx(with_n, rel=1e-8)
    # The other readings, for the record: neither is what the class is made of.
    sold = np.flatnonzero(history)
    assert np.diff(sold, prepend=-1).mean() == pytest.approx(gap, rel=1e-8)
    sizes = history[sold]
    assert sizes.var(ddof=1) / sizes.mean() ** 2 == pytest.approx(with_less, rel=1e-8)
    assert classify([1.31, 1.33], [0.48, 0.5]).tolist() == [DemandClass.SMOOTH, DemandClass.LUMPY]


def test_pitfall_a8_a_gamma_law_misses_the_days_without_demand() -> None:
    history = np.zeros((1, 100))
    history[0, :10] = 50.0
    atom = empirical_demand(history).exceedance(0.0)[0]
    assert atom == pytest.approx(0.1, rel=1e-12)
    mean, variance = np.array([history.mean()]), np.array([history.var()])
    assert exceedance(np.array([1e-3]), mean, variance, "gamma")[0] > 0.3


def test_pitfall_a9_sold_out_weeks_are_no_demand() -> None:
    history = np.full((1, 104), 10.0)
    sold_out = history.copy()
    sold_out[0, ::4] = np.nan
    as_zeros = np.nan_to_num(sold_out)
    assert demand_moments(sold_out).mean_per_day == pytest.approx(demand_moments(history).mean_per_day, rel=1e-12)
    assert demand_moments(as_zeros).mean_per_day[0] < 0.9 * demand_moments(history).mean_per_day[0]
    assert smooth(sold_out).interval[0] == pytest.approx(1.0)


def test_pitfall_a10_float32_histories_keep_their_spread_over_730_periods() -> None:
    rng = np.random.default_rng(8)
    history = (1e4 + rng.gamma(3.0, 2.0, (300, 730))).astype(np.float32)
    exact = history.astype(np.float64)
    np.testing.assert_allclose(demand_moments(history).sd_per_day, demand_moments(exact).sd_per_day, rtol=1e-9)
    single, double = smooth(history), smooth(exact)
    for name in ("level", "sba", "tsb"):
        np.testing.assert_allclose(getattr(single, name), getattr(double, name), rtol=2e-6)


def test_float32_recursions_stay_within_a_few_units_of_the_last_place() -> None:
    history = np.random.default_rng(9).poisson(0.3, (2_000, 104)).astype(np.float64)
    single, double = smooth(history.astype(np.float32)), smooth(history)
    np.testing.assert_allclose(single.sba, double.sba, rtol=2e-5)
    np.testing.assert_allclose(single.tsb, double.tsb, rtol=2e-6)


def test_an_item_that_fell_silent_beyond_accident_is_dying_and_estimated_by_its_decaying_probability() -> None:
    rng = np.random.default_rng(10)
    history = np.where(rng.random((2, 104)) < 0.4, rng.geometric(0.1, (2, 104)), 0.0)
    history[0, 70:] = 0.0
    history[1, -1] = 12.0
    smoothed = smooth(history)
    signs = obsolescence(smoothed)
    assert signs.dying.tolist() == [True, False]
    assert signs.silence_probability[0] < 1e-4
    # Every silent week costs TSB's probability a tenth, here from somewhat below the item's long-run chance.
    assert signs.hazard_per_period[0] == pytest.approx(-np.log(0.9), rel=0.1)
    assert signs.hazard_per_period[1] == 0.0
    rates = rate_by_class(demand_moments(history).demand_class, smoothed)
    assert rates.tolist() == [smoothed.tsb[0], smoothed.sba[1]]
    assert smoothed.tsb[0] < 0.1 * smoothed.sba[0]


def test_living_intermittent_items_are_called_dying_as_rarely_as_stated() -> None:
    history = np.where(np.random.default_rng(12).random((20_000, 104)) < 0.15, 3.0, 0.0)
    assert obsolescence(smooth(history), significance=0.05).dying.mean() < 0.065


def _errors_by_hand(history: FloatArray, alpha: float, method: Method) -> tuple[float, float]:
    """Mean squared error from the first demand on, and the last forecast, one series."""
    errors: list[float] = []
    size = interval = chance = forecast = 0.0
    since = 0
    for demand in history[~np.isnan(history)]:
        since += 1
        started = size > 0
        if started:
            errors.append((demand - forecast) ** 2)
        if method == "ses":
            size = size + alpha * (demand - size) if started else demand
            forecast = size
            continue
        if demand > 0:
            size, interval = (
                (size + alpha * (demand - size), interval + alpha * (since - interval)) if started else (demand, since)
            )
            since = 0
        chance = chance + alpha * ((demand > 0) - chance) if started else float(demand > 0)
        if size > 0:
            forecast = chance * size if method == "tsb" else (1 - alpha / 2) * size / interval
    return float(np.mean(errors)) if errors else 0.0, forecast


@pytest.mark.parametrize("method", ["ses", "sba", "tsb"])
def test_the_chosen_weight_has_the_least_one_step_error(method: Method) -> None:
    history = np.random.default_rng(13).poisson(0.8, (30, 50)).astype(np.float64)
    history[:, 0] = 2.0
    history[3, 7] = np.nan
    history[4, :] = 0.0
    alphas = (0.05, 0.2, 0.5)
    choice = choose_smoothing(history, method=method, alphas=alphas)
    for row, one in enumerate(history):
        tried = [_errors_by_hand(one, alpha, method) for alpha in alphas]
        best = int(np.argmin([round(error, 12) for error, _ in tried]))
        assert choice.alpha[row] == alphas[best]
        assert choice.mean_squared_error[row] == pytest.approx(tried[best][0], rel=1e-10, abs=1e-12)
        assert choice.rate_per_period[row] == pytest.approx(tried[best][1], rel=1e-10, abs=1e-12)


def test_bad_weights_and_words_are_refused() -> None:
    for word, call in (
        ("alpha", lambda: smooth([[1.0]], alpha=1.0)),
        ("beta", lambda: smooth([[1.0]], beta=0.0)),
        ("first_interval", lambda: smooth([[1.0]], first_interval="never")),  # type: ignore[arg-type]
        ("method", lambda: choose_smoothing([[1.0]], method="mean")),  # type: ignore[arg-type]
        ("alphas", lambda: choose_smoothing([[1.0]], alphas=())),
        ("at least one period", lambda: smooth(np.zeros((3, 0)))),
    ):
        with pytest.raises(ValueError, match=word):
            call()


def test_no_series_give_empty_answers() -> None:
    assert smooth(np.zeros((0, 5))).sba.shape == (0,)
    assert isinstance(smooth(np.zeros((0, 5))), SmoothedDemand)
    assert demand_moments(np.zeros((0, 5))).mean_per_day.shape == (0,)


@pytest.mark.parametrize("gaps", [False, True])
def test_events_and_silence_are_counted_beyond_what_a_byte_holds(gaps: bool) -> None:
    rng = np.random.default_rng(5)
    history = (rng.random((40, 600)) < rng.uniform(0.0, 1.0, (40, 1))).astype(np.float64)
    history[0], history[1], history[2, 100:] = 0.0, 1.0, 0.0
    if gaps:
        history[rng.random(history.shape) < 0.2] = np.nan
    answer = smooth(history)
    observed = ~np.isnan(history)
    sold = np.nan_to_num(history) > 0.0
    last = np.where(sold.any(axis=1), 599 - sold[:, ::-1].argmax(axis=1), -1)
    np.testing.assert_array_equal(answer.events, sold.sum(axis=1))
    np.testing.assert_array_equal(
        answer.since, [seen[end + 1 :].sum() for seen, end in zip(observed, last, strict=True)]
    )


def test_a_negative_zero_is_no_demand_and_no_gap() -> None:
    plain, signed = smooth([[0.0, 3.0, 0.0]]), smooth([[-0.0, 3.0, -0.0]])
    for name, value in vars(plain).items():
        np.testing.assert_array_equal(getattr(signed, name), value)


def test_a_series_nobody_listed_gets_a_weight_that_was_offered_and_no_forecast() -> None:
    choice = choose_smoothing(np.full((3, 20), np.nan), alphas=(0.2, 0.4))
    assert choice.alpha.tolist() == [0.2] * 3
    assert choice.rate_per_period.tolist() == [0.0] * 3


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_the_first_demand_is_found_in_every_period_among_gaps_and_in_blocks_of_others(kind: type[np.floating]) -> None:
    periods = 40
    history = np.vstack([np.eye(periods), np.zeros((1, periods))]).astype(kind)
    sold_at = np.append(np.arange(1.0, periods + 1.0), 0.0)
    np.testing.assert_allclose(smooth(history).interval, sold_at, rtol=1e-5)
    history[:, 0] = np.nan
    sold_at = np.append(np.arange(periods), 0.0)
    np.testing.assert_allclose(smooth(history).interval, sold_at, rtol=1e-5, atol=1e-9)
