"""Quantiles and levels of the laws: against scipy's inverses, direct sums and their own inverses, at every edge."""

import doctest
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betainc, exp1, gammainc, gammaincinv, ndtr, pdtr, pdtrik

import optimizer.laws.count_quantile
import optimizer.laws.demand_level
import optimizer.laws.gamma_quantile
import optimizer.laws.loss_level
from optimizer.arguments import FloatArray
from optimizer.laws.count_quantile import negative_binomial_quantile, poisson_quantile
from optimizer.laws.demand_law import DemandLaw, demand_tail, exceedance, expected_short
from optimizer.laws.demand_level import demand_quantile, shortage_level
from optimizer.laws.gamma_quantile import gamma_quantile
from optimizer.laws.loss import gamma_loss, standard_normal_loss
from optimizer.laws.loss_level import gamma_loss_level, normal_loss_level

MODULES = [
    optimizer.laws.count_quantile,
    optimizer.laws.demand_level,
    optimizer.laws.gamma_quantile,
    optimizer.laws.loss_level,
]


def a_population(n: int = 4_000) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Probabilities, shapes and scales over everything that occurs, and more."""
    rng = np.random.default_rng(4)
    shape = np.exp(rng.uniform(np.log(1e-3), np.log(1e7), n))
    return rng.uniform(0.001, 0.9999, n), shape, np.exp(rng.uniform(-5.0, 5.0, n))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_docstring_examples_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(("exact", "within"), [(False, 1e-6), (True, 5e-14)])
def test_gamma_quantile_equals_the_inverse_function(exact: bool, within: float) -> None:
    q, shape, scale = a_population()
    expected = scale * gammaincinv(shape, q)
    np.testing.assert_allclose(gamma_quantile(q, shape, scale, exact=exact), expected, rtol=within, atol=1e-290)


def test_gamma_quantile_of_an_exponential_law_is_a_logarithm() -> None:
    q = np.array([1e-6, 0.3, 0.5, 0.9, 0.999999])
    np.testing.assert_allclose(gamma_quantile(q, 1.0, 3.0, exact=True), -3.0 * np.log1p(-q), rtol=1e-14)


@pytest.mark.parametrize("mean", [1e-9, 0.01, 0.7, 6.0, 47.5, 1e3, 1e5])
def test_poisson_quantile_is_the_smallest_count_that_reaches(mean: float) -> None:
    q = np.array([0.001, 0.2, 0.5, 0.9, 0.98, 0.9999])
    level = poisson_quantile(q, mean)
    assert (pdtr(level, mean) >= q * (1.0 - 1e-9)).all()
    assert ((level == 0.0) | (pdtr(level - 1.0, mean) < q)).all()
    assert (np.abs(level - np.ceil(pdtrik(q, mean))) <= 1.0).all()


@pytest.mark.parametrize(
    ("successes", "probability"), [(1e-4, 0.01), (0.3, 0.02), (2.5, 0.2), (60.0, 0.6), (5.0, 1e-5)]
)
def test_negative_binomial_quantile_is_the_smallest_count_that_reaches(successes: float, probability: float) -> None:
    q = np.array([0.01, 0.2, 0.5, 0.9, 0.98, 0.9999])
    level = negative_binomial_quantile(q, successes, probability)
    assert (betainc(successes, level + 1.0, probability) >= q - 1e-9).all()
    below = betainc(successes, np.maximum(level, 1.0), probability)
    assert ((level == 0.0) | (below < q)).all()


def test_a_target_that_equals_a_value_of_the_distribution_stays_at_it() -> None:
    levels = np.arange(12.0)
    np.testing.assert_array_equal(poisson_quantile(pdtr(levels, 6.0), 6.0), levels)
    cdf = betainc(2.5, levels + 1.0, 0.2)
    np.testing.assert_array_equal(negative_binomial_quantile(cdf, 2.5, 0.2), levels)


def test_counts_without_demand_need_nothing() -> None:
    assert poisson_quantile(0.99, 0.0) == 0.0
    assert negative_binomial_quantile(0.99, 2.0, 1.0) == 0.0


@pytest.mark.parametrize("window", [False, True])
def test_level_of_a_gamma_shortage_is_its_inverse_to_eight_digits(window: bool) -> None:
    share, shape, scale = a_population()
    mean = shape * scale
    rng = np.random.default_rng(5)
    quantity = mean * np.exp(rng.uniform(-4.0, 4.0, mean.size))
    allowed = (1.0 - share) * quantity
    level = gamma_loss_level(allowed, shape, scale, quantity if window else None)

    def short(x: FloatArray) -> FloatArray:
        return gamma_loss(x, shape, scale) - (gamma_loss(x + quantity, shape, scale) if window else 0.0)

    slack = 1e-8 * level
    positive = level > 0.0
    margin = 1e-10 * allowed
    assert (short(level + slack) <= allowed + margin).all()
    assert (short(level - slack)[positive] >= (allowed - margin)[positive]).all()


@pytest.mark.parametrize("window", [None, 0.3, 5.0])
def test_level_of_a_normal_shortage_is_its_inverse(window: float | None) -> None:
    z = np.linspace(-6.0, 7.0, 40)
    short = standard_normal_loss(z) - (0.0 if window is None else standard_normal_loss(z + window))
    inside = np.ones(z.size, dtype=np.bool_) if window is None else (short > 1e-12) & (short < window - 1e-6)
    level = normal_loss_level(2.0 * short[inside], 50.0, 2.0, None if window is None else 2.0 * window)
    np.testing.assert_allclose((level - 50.0) / 2.0, z[inside], atol=1e-7)


@given(
    mean=st.floats(1e-3, 1e6),
    cv=st.floats(0.02, 5.0),
    q=st.floats(0.02, 0.9999),
    law=st.sampled_from(["gamma", "normal", "count"]),
)
@settings(max_examples=150, deadline=None)
def test_a_quantile_is_exceeded_as_often_as_it_says(mean: float, cv: float, q: float, law: DemandLaw) -> None:
    m, v = np.array([mean]), np.array([(cv * mean) ** 2])
    level = demand_quantile(q, m, v, law)
    if law == "count":
        assert exceedance(level, m, v, law)[0] <= (1.0 - q) * (1.0 + 1e-8)
        assert level[0] == 0.0 or exceedance(level - 1.0, m, v, law)[0] > (1.0 - q) * (1.0 - 1e-8)
    else:
        assert exceedance(level, m, v, law)[0] == pytest.approx(1.0 - q, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("law", ["gamma", "normal", "count"])
def test_no_demand_and_certain_demand_are_answers(law: DemandLaw) -> None:
    mean, variance = np.array([0.0, 70.0]), np.zeros(2)
    if law != "count":
        np.testing.assert_array_equal(demand_quantile(0.95, mean, variance, law), mean)
        np.testing.assert_allclose(shortage_level(10.0, mean[1:], variance[1:], law), 60.0)
    assert demand_quantile(0.95, mean, variance, law)[0] == 0.0
    assert max(shortage_level(10.0, mean, variance, law)[0], 0.0) == 0.0


def test_pitfall_c1_normal_quantiles_under_deliver_on_gamma_demand() -> None:
    rng = np.random.default_rng(6)
    mean = rng.uniform(10.0, 200.0, 2_000)
    variance = (mean * rng.uniform(0.4, 1.0, 2_000)) ** 2
    for target, at_most in ((0.98, 0.970), (0.995, 0.988)):
        normal, gamma = (demand_quantile(target, mean, variance, law) for law in ("normal", "gamma"))
        delivered = 1.0 - exceedance(normal, mean, variance, "gamma")
        assert delivered.mean() < at_most
        np.testing.assert_allclose(1.0 - exceedance(gamma, mean, variance, "gamma"), target, atol=1e-7)


def test_pitfall_c2_subtracting_the_distribution_function_loses_the_loss_at_eight() -> None:
    z, density = 8.0, np.exp(-32.0) / np.sqrt(2.0 * np.pi)
    # Laplace's continued fraction of the tail, P(Z > z) = density / (z + 1 / (z + 2 / (z + ...))).
    fraction = z
    for k in range(200, 0, -1):
        fraction = z + k / fraction
    truth = density * (1.0 - z / fraction)
    assert standard_normal_loss(z) == pytest.approx(truth, rel=1e-10)
    subtracted = density - z * (1.0 - float(ndtr(z)))
    assert abs(subtracted / truth - 1.0) > 0.1


@pytest.mark.parametrize("shape", [1e-12, 1e-6, 1e-3, 0.05])
def test_pitfall_c3_gamma_loss_holds_for_shapes_far_below_one(shape: float) -> None:
    y = np.array([1e-6, 0.01, 1.0, 20.0])
    # As the shape goes to zero, loss / shape goes to e^-y - y E1(y); the shape enters linearly.
    limit = np.exp(-y) - y * exp1(y)
    np.testing.assert_allclose(gamma_loss(y, shape, 1.0) / shape, limit, rtol=max(20.0 * shape, 1e-10))
    assert gamma_loss(0.0, shape, 5.0) == pytest.approx(5.0 * shape, rel=1e-14)
    tail = demand_tail(np.zeros(1), np.array([shape]), np.array([shape]), "gamma")
    assert tail.expected_short[0] == pytest.approx(shape, rel=1e-12)


def test_pitfall_c3_gamma_loss_keeps_its_digits_for_huge_shapes() -> None:
    shape = np.array([1e8, 1e11])
    level = shape + 3.0 * np.sqrt(shape)
    # Edgeworth: the normal loss, corrected by the skewness 2 / sqrt(k); the next term is of order 1 / k.
    density = np.exp(-4.5) / np.sqrt(2.0 * np.pi)
    expected = np.sqrt(shape) * (standard_normal_loss(3.0) + 3.0 * density / (3.0 * np.sqrt(shape)))
    np.testing.assert_allclose(gamma_loss(level, shape, 1.0), expected, rtol=1e-6)


def _newton_steps(step: Callable[[float, float, float], float], allowed: float, shape: float) -> int:
    level = max(shape - allowed, 0.0)
    for count in range(1, 100):
        short = float(gamma_loss(level, shape, 1.0))
        moved = level + step(short, allowed, 1.0 - float(gammainc(shape, level)))
        if abs(moved - level) <= 1e-8 * moved:
            return count
        level = moved
    raise AssertionError("does not settle")


def test_pitfall_c4_plain_newton_on_the_shortage_is_slow_and_its_logarithm_is_not() -> None:
    shape, allowed = 1.5, 1e-5
    plain = _newton_steps(lambda short, a, tail: (short - a) / tail, allowed, shape)
    in_logs = _newton_steps(lambda short, a, tail: short * np.log(short / a) / tail, allowed, shape)
    assert plain >= 12
    assert in_logs <= 6
    level = gamma_loss_level(allowed, shape, 1.0)
    assert gamma_loss(level, shape, 1.0) == pytest.approx(allowed, rel=1e-7)


@pytest.mark.parametrize(
    "function",
    [
        lambda q, k, s: gamma_quantile(q, k, s),
        lambda q, k, s: gamma_quantile(q, k, s, exact=True),
        lambda q, k, s: gamma_loss_level((1.0 - q) * k * s, k, s),
        lambda q, k, s: gamma_loss_level((1.0 - q) * k * s, k, s, k * s),
        lambda q, k, s: poisson_quantile(q, np.minimum(k, 1e4)),
        lambda q, k, s: negative_binomial_quantile(q, k, 1.0 / (1.0 + np.minimum(s, 5.0))),
    ],
)
def test_blocks_and_order_change_no_bit(function: Callable[[FloatArray, FloatArray, FloatArray], FloatArray]) -> None:
    q, shape, scale = a_population(600)
    whole = function(q, shape, scale)
    parts = np.concatenate([function(*(a[i : i + 7] for a in (q, shape, scale))) for i in range(0, 600, 7)])
    np.testing.assert_array_equal(parts, whole)
    order = np.random.default_rng(1).permutation(600)
    np.testing.assert_array_equal(function(q[order], shape[order], scale[order]), whole[order])


def test_units_change_nothing_but_the_unit() -> None:
    q, shape, scale = a_population(600)
    np.testing.assert_array_equal(gamma_quantile(q, shape, 8.0 * scale), 8.0 * gamma_quantile(q, shape, scale))
    allowed = 0.1 * shape * scale
    np.testing.assert_array_equal(
        gamma_loss_level(8.0 * allowed, shape, 8.0 * scale), 8.0 * gamma_loss_level(allowed, shape, scale)
    )


@pytest.mark.parametrize("law", ["gamma", "normal", "count"])
def test_both_tails_at_once_equal_each_alone(law: DemandLaw) -> None:
    rng = np.random.default_rng(2)
    level, mean = rng.uniform(-5.0, 60.0, (3, 50)), rng.uniform(0.0, 40.0, (3, 50))
    variance = mean * rng.uniform(0.0, 9.0, (3, 50))
    tail = demand_tail(level, mean, variance, law)
    np.testing.assert_allclose(tail.exceedance, exceedance(level, mean, variance, law), atol=2e-9)
    np.testing.assert_allclose(tail.expected_short, expected_short(level, mean, variance, law), atol=1e-6)
