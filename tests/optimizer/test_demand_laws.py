"""Empirical demand over several periods, and the count law that suits a mean and a variance."""

from itertools import product

import numpy as np
import pytest
from scipy.special import comb

from optimizer.laws.count import CountKind, CountLaw
from optimizer.laws.empirical import EmpiricalDemand, empirical_demand, empirical_lead_time_demand


def _enumerated(history: list[float], periods: int) -> dict[float, float]:
    """Every draw of that many periods, one by one."""
    mass: dict[float, float] = {}
    for draw in product(history, repeat=periods):
        mass[sum(draw)] = mass.get(sum(draw), 0.0) + len(history) ** -float(periods)
    return mass


def test_convolution_equals_enumeration_of_every_draw() -> None:
    history = [0.0, 0.0, 3.0, 1.0, 0.0, 7.0]
    law = empirical_demand([history, [0.0] * 6], [4, 4], cells=64)
    mass = _enumerated(history, 4)
    for level in (0.0, 2.5, 7.0, 14.0, 27.0, 28.0, 100.0):
        above = sum(p for x, p in mass.items() if x > level)
        short = sum(p * (x - level) for x, p in mass.items() if x > level)
        assert law.exceedance(level)[0] == pytest.approx(above, abs=1e-13)
        assert law.expected_short(level)[0] == pytest.approx(short, abs=1e-11)
    assert law.mean[0] == pytest.approx(4.0 * np.mean(history), rel=1e-12)
    assert law.variance[0] == pytest.approx(4.0 * np.var(history), rel=1e-10)
    assert law.exceedance(0.0)[1] == 0.0
    assert law.quantile(0.999).tolist() == [min(x for x in mass if sum(mass[y] for y in mass if y > x) <= 0.001), 0.0]


def test_quantile_is_the_smallest_level_that_holds() -> None:
    history = np.random.default_rng(31).poisson(0.8, (40, 52)).astype(np.float64)
    law = empirical_demand(history, 3)
    for p in (0.5, 0.9, 0.98, 0.999):
        level = law.quantile(p)
        assert (law.exceedance(level) <= 1.0 - p + 1e-9).all()
        assert (law.exceedance(level - 1.0) > 1.0 - p - 1e-9).all()


def test_a_bootstrap_converges_to_the_convolution() -> None:
    rng = np.random.default_rng(32)
    history = np.where(rng.random((1, 104)) < 0.2, np.ceil(rng.lognormal(2.0, 0.6, (1, 104))), 0.0)
    law = empirical_demand(history, 6, cells=512)
    draws = 200_000
    drawn = rng.choice(history[0], (draws, 6)).sum(axis=1)
    for level in (0.0, 10.0, 25.0, 40.0):
        above = (drawn > level).mean()
        assert law.exceedance(level)[0] == pytest.approx(above, abs=4.0 * np.sqrt(0.25 / draws))


def test_a_random_number_of_periods_is_the_mixture_of_its_lengths() -> None:
    history = [[0.0, 2.0, 0.0, 5.0], [1.0, 1.0, 0.0, 0.0]]
    weights = np.array([[0.0, 0.5, 0.0, 0.5], [0.1, 0.2, 0.7, 0.0]])
    law = empirical_lead_time_demand(history, weights, cells=64)
    for level in (0.0, 1.0, 6.0, 9.0):
        parts = np.array([empirical_demand(history, k, cells=64).exceedance(level) for k in range(4)])
        np.testing.assert_allclose(law.exceedance(level), (weights * parts.T).sum(axis=1), atol=1e-13)


def test_sizes_between_grid_points_keep_the_mean_and_bound_the_spread() -> None:
    history = np.random.default_rng(33).gamma(0.5, 40.0, (20, 104))
    law = empirical_demand(history, 4, cells=128)
    np.testing.assert_allclose(law.mean, 4.0 * history.mean(axis=1), rtol=1e-6)
    surplus = law.variance - 4.0 * history.var(axis=1)
    assert (surplus >= -1e-6 * law.variance).all()
    assert (surplus <= law.unit**2 + 1e-6 * law.variance).all()


def test_unit_of_measure_batches_and_order_change_nothing() -> None:
    history = np.random.default_rng(34).poisson(0.5, (2_100, 30)).astype(np.float64)
    history[5, ::3] = np.nan
    law = empirical_demand(history, 2, cells=32)
    half = empirical_demand(history / 2.0, 2, cells=32, unit=0.5)
    np.testing.assert_array_equal(half.mass, law.mass)
    np.testing.assert_array_equal(half.quantile(0.95), law.quantile(0.95) / 2.0)
    order = np.random.default_rng(35).permutation(len(history))
    np.testing.assert_array_equal(empirical_demand(history[order], 2, cells=32).mass, law.mass[order])
    np.testing.assert_array_equal(empirical_demand(history[2_050:2_051], 2, cells=32).mass, law.mass[2_050:2_051])


def test_periods_without_observation_are_left_out_and_none_at_all_is_no_demand() -> None:
    law = empirical_demand([[np.nan, 2.0, np.nan, 0.0], [np.nan] * 4], 1, cells=8)
    np.testing.assert_allclose(law.exceedance(1.0), [0.5, 0.0], atol=1e-15)
    assert empirical_demand([[3.0, 4.0]], 0, cells=8).exceedance(0.0).tolist() == [0.0]


def test_a_unit_too_fine_for_the_grid_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unit of 0\.1 is too fine at index"):
        empirical_demand([[0.0, 50.0]], 3, cells=64, unit=0.1)
    with pytest.raises(ValueError, match="cells"):
        empirical_demand([[0.0, 50.0]], 3, cells=4)
    with pytest.raises(ValueError, match="sum to 1"):
        EmpiricalDemand(np.array([[0.5, 0.2]]), np.ones(1))
    with pytest.raises(ValueError, match="duration"):
        empirical_lead_time_demand([[1.0]], [[0.5, 0.2]])


def test_pitfall_a7_variance_at_or_below_the_mean_is_poisson_or_binomial_never_a_failed_negative_binomial() -> None:
    law = CountLaw(np.full(3, 4.0), np.array([2.0, 4.0, 8.0]))
    assert law.kind.tolist() == [CountKind.BINOMIAL, CountKind.POISSON, CountKind.NEGATIVE_BINOMIAL]
    # Eight trials at one half: mean 4, variance 2.
    above = [sum(comb(8, k, exact=True) for k in range(x + 1, 9)) / 256.0 for x in range(9)]
    for x, expected in enumerate(above):
        one = CountLaw(np.array([4.0]), np.array([2.0]))
        assert one.exceedance(x)[0] == pytest.approx(expected, abs=1e-14)
        short = sum(above[y] for y in range(x, 9))
        assert one.expected_short(x)[0] == pytest.approx(short, abs=1e-13)
    assert (np.diff(law.exceedance(7.0)) > 0.0).all()


def test_pitfall_a7_the_count_law_passes_smoothly_from_binomial_to_negative_binomial() -> None:
    mean = np.full(2_001, 3.0)
    law = CountLaw(mean, np.linspace(2.97, 3.03, 2_001))
    for x in (0.0, 3.0, 8.0):
        assert np.abs(np.diff(law.exceedance(x))).max() < 1e-4
        assert np.abs(np.diff(law.expected_short(x))).max() < 1e-4


def test_count_law_keeps_its_mean_and_its_quantile_holds() -> None:
    rng = np.random.default_rng(36)
    mean = rng.uniform(0.1, 20.0, 200)
    law = CountLaw(mean, mean * rng.uniform(0.0, 3.0, 200))
    np.testing.assert_allclose(law.expected_short(0.0), mean, rtol=1e-9)
    np.testing.assert_allclose(law.expected_short(-2.0), mean + 2.0, rtol=1e-9)
    level = law.quantile(0.95)
    assert (law.exceedance(level) <= 0.05 + 1e-9).all()
    assert (law.exceedance(level - 1.0) > 0.05 - 1e-9).all()


def test_certain_and_absent_counts() -> None:
    law = CountLaw(np.array([3.0, 0.0]), np.array([0.0, 0.0]))
    assert law.exceedance(2.0).tolist() == [1.0, 0.0]
    assert law.exceedance(3.0).tolist() == [0.0, 0.0]
    assert law.expected_short(1.0).tolist() == [2.0, 0.0]
    assert law.quantile(0.9).tolist() == [3.0, 0.0]
