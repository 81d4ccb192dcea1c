"""Exposure: the derived case, obsolescence and FEFO waste against simulation, run-out, roll-ups, the Pareto set."""

import numpy as np
import pytest
from scipy.special import gammaincc

from optimizer.exposure.excess import ExcessExposure, excess_exposure
from optimizer.exposure.expiry import expiry_exposure
from optimizer.exposure.obsolescence import obsolescence_exposure
from optimizer.exposure.pareto import pareto_set
from optimizer.exposure.roll_up import rolled_up, stock_by_age
from optimizer.exposure.run_out import run_out_days
from tests.optimizer.golden import golden


def test_leftover_and_its_probability_equal_the_derived_case_i1() -> None:
    _, answer = golden("projection", "I1")
    exposure = excess_exposure([1200.0], [0.0], [40.0 / 7.0], [np.sqrt(0.6 * 1600.0 / 7.0)], [182.0])
    assert exposure.expected_leftover[0] == pytest.approx(answer["expected_leftover"], rel=1e-8)
    assert exposure.probability_leftover[0] == pytest.approx(answer["p_leftover"], rel=1e-8)
    assert exposure.days_of_supply[0] == pytest.approx(7.0 * answer["cover_periods"])


def _excess(arrays: list[np.ndarray]) -> ExcessExposure:
    on_hand, on_order, mean, sd, days = arrays
    return excess_exposure(on_hand, on_order, mean, sd, days)


def test_excess_is_the_same_in_any_block_and_order_and_unit() -> None:
    rng = np.random.default_rng(1)
    n = 40_000
    arrays = [rng.gamma(2.0, scale, n) for scale in (50.0, 20.0, 1.0, 1.0)] + [np.full(n, 182.0)]
    whole = _excess(arrays)
    order = rng.permutation(n)
    shuffled = _excess([values[order] for values in arrays])
    np.testing.assert_array_equal(shuffled.expected_leftover, whole.expected_leftover[order])
    np.testing.assert_array_equal(
        _excess([values[5:6] for values in arrays]).expected_leftover, whole.expected_leftover[5:6]
    )
    scaled = _excess([*(values * 1024.0 for values in arrays[:4]), arrays[4]])
    np.testing.assert_allclose(scaled.expected_leftover, 1024.0 * whole.expected_leftover, rtol=1e-9, atol=1e-6)


def test_demand_that_may_end_leaves_more_as_simulation_says() -> None:
    rng = np.random.default_rng(4)
    hazard, days, paths = 0.01, 120.0, 200_000
    ends = np.minimum(rng.exponential(1.0 / hazard, paths), days)
    left = np.maximum(200.0 - rng.gamma(ends * (2.0 / 1.5) ** 2, 1.5**2 / 2.0), 0.0)
    ours = obsolescence_exposure([200.0], [0.0], [2.0], [1.5], [days], [hazard])
    assert ours.expected_leftover[0] == pytest.approx(left.mean(), rel=0.01)
    assert ours.expected_obsolete[0] == pytest.approx((left * (ends < days)).mean(), rel=0.01)
    assert ours.probability_ended[0] == pytest.approx(1.0 - np.exp(-1.2))
    never = obsolescence_exposure([200.0], [0.0], [2.0], [1.5], [days], [0.0])
    plain = excess_exposure([200.0], [0.0], [2.0], [1.5], [days])
    assert never.expected_leftover[0] == pytest.approx(plain.expected_leftover[0])


def _simulated_waste(units: np.ndarray, day: np.ndarray, mean: float, sd: float, paths: int) -> np.ndarray:
    rng = np.random.default_rng(8)
    sold_ahead, before, waste = np.zeros(paths), 0.0, []
    for lot in range(len(units)):
        span = day[lot] - before
        before = day[lot]
        asked = rng.gamma(span * (mean / sd) ** 2, sd * sd / mean, paths) if span > 0 else np.zeros(paths)
        waste.append(np.maximum(units[lot] - sold_ahead - asked, 0.0).mean())
        sold_ahead = np.maximum(sold_ahead + asked - units[lot], 0.0)
    return np.array(waste)


def test_waste_per_lot_is_that_of_simulated_first_expired_first_out() -> None:
    rng = np.random.default_rng(2)
    units, day = rng.uniform(0.0, 60.0, (8, 4)), np.sort(rng.integers(3, 60, (8, 4)), axis=1).astype(float)
    mean = rng.uniform(1.0, 5.0, 8)
    sd = mean * rng.uniform(0.3, 1.5, 8)
    ours = expiry_exposure(units, day, mean, sd)
    for row in range(8):
        simulated = _simulated_waste(units[row], day[row], float(mean[row]), float(sd[row]), 50_000)
        np.testing.assert_allclose(ours.expected_waste[row], simulated, atol=0.004 * units[row].sum() + 0.02)
    np.testing.assert_allclose(ours.total, ours.expected_waste.sum(axis=1))


def test_blocked_lots_are_neither_sold_nor_wasted_and_the_order_given_does_not_matter() -> None:
    units, day = np.array([[30.0, 20.0, 25.0]]), np.array([[20.0, 5.0, 10.0]])
    blocked = np.array([[False, True, False]])
    ours = expiry_exposure(units, day, [2.0], [1.0], blocked=blocked).expected_waste[0]
    without = expiry_exposure(units[:, [2, 0]], day[:, [2, 0]], [2.0], [1.0]).expected_waste[0]
    assert ours[1] == 0.0
    np.testing.assert_allclose(ours[[2, 0]], without, atol=0.05)


def test_without_demand_everything_is_wasted_and_what_has_expired_is_wasted_at_once() -> None:
    ours = expiry_exposure([[30.0, 10.0], [30.0, 10.0]], [[5.0, 9.0], [0.0, 900.0]], [0.0, 3.0], [0.0, 1.0])
    np.testing.assert_allclose(ours.expected_waste, [[30.0, 10.0], [30.0, 0.0]], atol=0.05)


def test_run_out_days_are_the_quantiles_of_the_day_stock_is_used_up() -> None:
    days = run_out_days([100.0, 1e9], [10.0, 1e3], [8.0, 900.0], [0.1, 0.5, 0.9])
    chance = gammaincc(days[0] * 100.0 / 64.0, 100.0 / 6.4)
    np.testing.assert_allclose(chance, [0.1, 0.5, 0.9], atol=1e-9)
    assert (np.diff(days, axis=1) > 0.0).all()
    np.testing.assert_allclose(days[1], 1e6, rtol=0.01)
    edge = run_out_days([0.0, 5.0], [1.0, 0.0], [1.0, 0.0], [0.5])
    assert edge.tolist() == [[0.0], [np.inf]]


def test_roll_ups_add_up_to_the_whole() -> None:
    rng = np.random.default_rng(3)
    values, family = rng.gamma(2.0, 5.0, (50, 2)), rng.integers(0, 6, 50)
    by_family = rolled_up(values, family, 6)
    np.testing.assert_allclose(by_family.sum(axis=0), values.sum(axis=0))
    np.testing.assert_allclose(by_family[2], values[family == 2].sum(axis=0))


def test_stock_is_counted_in_its_age_bucket() -> None:
    table = stock_by_age([0.0, 30.0, 89.0, 400.0], [5.0, 7.0, 2.0, 1.0], np.array([0, 0, 1, 1]), 2, [30.0, 90.0])
    assert table.tolist() == [[5.0, 7.0, 0.0], [0.0, 2.0, 1.0]]
    with pytest.raises(ValueError, match="edges must rise"):
        stock_by_age([0.0], [5.0], np.array([0]), 1, [90.0, 30.0])


def test_the_pareto_set_is_what_brute_force_leaves() -> None:
    rng = np.random.default_rng(5)
    cost, service, capital = (
        rng.integers(0, 12, 80) * 1.0,
        rng.integers(0, 12, 80) / 12.0,
        rng.integers(0, 12, 80) * 1.0,
    )
    figures = np.stack([cost, -service, capital], axis=1)
    beaten = [
        any(
            (figures[j] <= figures[i]).all() and ((figures[j] < figures[i]).any() or j < i) for j in range(80) if j != i
        )
        for i in range(80)
    ]
    kept = pareto_set(cost, service, capital)
    assert sorted(kept.tolist()) == [i for i in range(80) if not beaten[i]]
    assert (np.diff(cost[kept]) >= 0.0).all()
