"""Loss functions against tables, published values and direct sums."""

import numpy as np
import pytest

from optimizer.laws.loss import (
    gamma_loss,
    negative_binomial_cdf,
    negative_binomial_loss,
    negative_binomial_quantile,
    negative_binomial_survival,
    poisson_loss,
    poisson_survival,
    standard_normal_loss,
    standard_normal_loss_second_order,
)
from tests.optimizer.golden import golden

REL = 1e-8


def test_normal_loss_equals_the_printed_table() -> None:
    given, answer = golden("loss", "A1")
    np.testing.assert_allclose(standard_normal_loss(given["z"]), answer, rtol=REL)


def test_normal_losses_of_both_orders_equal_published_values() -> None:
    given, (first, second) = golden("loss", "A2")
    np.testing.assert_allclose(standard_normal_loss(given["z"]), first, rtol=REL)
    np.testing.assert_allclose(standard_normal_loss_second_order(given["z"]), second, rtol=REL)


def test_normal_loss_keeps_its_digits_far_out() -> None:
    # Asymptotic series of the loss at 8, to the size of its next term.
    z = 8.0
    series = np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * (z**-2 - 3 * z**-4 + 15 * z**-6 - 105 * z**-8 + 945 * z**-10)
    assert standard_normal_loss(z) == pytest.approx(series, rel=2e-5)
    assert standard_normal_loss(-z) == pytest.approx(z, rel=1e-12)


def test_gamma_loss_equals_published_values() -> None:
    given, answer = golden("loss", "A4")
    np.testing.assert_allclose(gamma_loss(given["x"], given["shape"], given["scale"]), answer, rtol=REL)


def test_poisson_loss_equals_published_values() -> None:
    given, answer = golden("loss", "A6")
    np.testing.assert_allclose(poisson_loss(given["x"], given["mean"]), answer, rtol=REL)


def test_negative_binomial_equals_direct_series() -> None:
    given, (quantile, cdf, loss) = golden("loss", "K1")
    r, p, x = given["successes"], given["probability"], given["x"]
    assert negative_binomial_quantile(given["quantile_at"], r, p) == quantile
    assert negative_binomial_cdf(x, r, p) == pytest.approx(cdf, rel=REL)
    assert negative_binomial_survival(x, r, p) == pytest.approx(1.0 - cdf, rel=REL)
    assert negative_binomial_loss(x, r, p) == pytest.approx(loss, rel=REL)


def test_losses_below_zero_are_mean_minus_level() -> None:
    assert gamma_loss(-3.0, 2.0, 3.0) == pytest.approx(9.0)
    assert poisson_loss(-3.0, 6.0) == pytest.approx(9.0)
    assert negative_binomial_loss(-3.0, 2.5, 0.2) == pytest.approx(13.0)


def test_count_losses_between_whole_levels_are_linear() -> None:
    levels = np.array([4.0, 4.25, 5.0])
    for low, between, high in (poisson_loss(levels, 3.0), negative_binomial_loss(levels, 2.5, 0.2)):
        assert between == pytest.approx(0.75 * low + 0.25 * high, rel=1e-12)


def test_poisson_survival_counts_strictly_more() -> None:
    assert poisson_survival(0.0, 0.1) == pytest.approx(1.0 - np.exp(-0.1))
    assert poisson_survival(-0.5, 0.1) == 1.0
