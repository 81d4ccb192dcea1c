"""Loss functions: the expected part of demand above a level, E[(X - x)+], per law, and the count laws' tails.

Survival comes from complementary functions (`ndtr(-z)`, `gammaincc`, the other side of an incomplete gamma or beta
function), never from one minus a distribution function: at z = 8 that subtraction has no correct digit left.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, gammainc, gammaincc, ndtr

from optimizer.arguments import FloatArray
from optimizer.laws.count_search import smallest_count

_DENSITY_AT_ZERO = 1.0 / np.sqrt(2.0 * np.pi)


def standard_normal_loss(z: ArrayLike) -> FloatArray:
    """Expected excess E[(Z - z)+] of a standard normal, any shape.

    Examples
    --------
    >>> float(standard_normal_loss(1.0).round(6))
    0.083315
    """
    level = np.asarray(z, dtype=np.float64)
    return np.asarray(_DENSITY_AT_ZERO * np.exp(-0.5 * level * level) - level * ndtr(-level))


def standard_normal_loss_second_order(z: ArrayLike) -> FloatArray:
    """Half the expected squared excess, E[((Z - z)+)^2] / 2, of a standard normal, any shape."""
    level = np.asarray(z, dtype=np.float64)
    density = _DENSITY_AT_ZERO * np.exp(-0.5 * level * level)
    return np.asarray(0.5 * ((level * level + 1.0) * ndtr(-level) - level * density))


def gamma_loss(x: ArrayLike, shape: ArrayLike, scale: ArrayLike) -> FloatArray:
    """Expected excess E[(X - x)+] of a gamma law with `shape` and `scale` > 0, broadcast together."""
    level, k, theta = _broadcast(x, shape, scale)
    y = np.maximum(level, 0.0) / theta
    above = theta * (k * gammaincc(k + 1.0, y) - y * gammaincc(k, y))
    return np.where(level < 0.0, k * theta - level, np.maximum(above, 0.0))


def poisson_survival(x: ArrayLike, mean: ArrayLike) -> FloatArray:
    """P(X > x) of a Poisson law with `mean` >= 0; one below zero; `x` may be fractional."""
    level, rate = _broadcast(x, mean)
    return np.where(level < 0.0, 1.0, gammainc(np.floor(np.maximum(level, 0.0)) + 1.0, rate))


def poisson_loss(x: ArrayLike, mean: ArrayLike) -> FloatArray:
    """Expected excess E[(X - x)+] of a Poisson law with `mean` >= 0; `x` may be fractional or negative.

    Examples
    --------
    >>> float(poisson_loss(5, 7).round(6))
    2.2926
    """
    level, rate = _broadcast(x, mean)
    # Sum of k P(X = k) over k > x is the mean times P(X >= floor(x)).
    loss = rate * poisson_survival(np.floor(level) - 1.0, rate) - level * poisson_survival(level, rate)
    return np.where(level < 0.0, rate - level, np.maximum(loss, 0.0))


def negative_binomial_survival(x: ArrayLike, successes: ArrayLike, probability: ArrayLike) -> FloatArray:
    """P(X > x) of failures before `successes` (> 0, may be fractional) at `probability` in (0, 1]."""
    level, r, p = _broadcast(x, successes, probability)
    return np.where(level < 0.0, 1.0, betainc(np.floor(np.maximum(level, 0.0)) + 1.0, r, 1.0 - p))


def negative_binomial_cdf(x: ArrayLike, successes: ArrayLike, probability: ArrayLike) -> FloatArray:
    """P(X <= x) of failures before `successes` (> 0, may be fractional) at `probability` in (0, 1]."""
    level, r, p = _broadcast(x, successes, probability)
    return np.where(level < 0.0, 0.0, betainc(r, np.floor(np.maximum(level, 0.0)) + 1.0, p))


def negative_binomial_loss(x: ArrayLike, successes: ArrayLike, probability: ArrayLike) -> FloatArray:
    """Expected excess E[(X - x)+] of a negative binomial law; arguments as in `negative_binomial_survival`."""
    level, r, p = _broadcast(x, successes, probability)
    mean = r * (1.0 - p) / p
    # Sum of k P_r(X = k) over k > x is the mean times P(X >= floor(x)) with one more success.
    at_least = negative_binomial_survival(np.floor(level) - 1.0, r + 1.0, p)
    loss = mean * at_least - level * negative_binomial_survival(level, r, p)
    return np.where(level < 0.0, mean - level, np.maximum(loss, 0.0))


def negative_binomial_quantile(q: ArrayLike, successes: ArrayLike, probability: ArrayLike) -> FloatArray:
    """Smallest whole x with P(X <= x) >= `q`, for `q` in (0, 1), by doubling and bisection over whole arrays."""
    target, r, p = _broadcast(q, successes, probability)
    return smallest_count(lambda x: negative_binomial_cdf(x, r, p) >= target, r * (1.0 - p) / p)


def _broadcast(*values: ArrayLike) -> tuple[FloatArray, ...]:
    return np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values))
