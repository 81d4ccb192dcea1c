"""Loss functions: the expected part of demand above a level, E[(X - x)+], per law, and the count laws' tails.

Survival comes from complementary functions (`ndtr(-z)`, `gammaincc`, the other side of an incomplete gamma or beta
function), never from one minus a distribution function: at z = 8 that subtraction has no correct digit left.
Every function broadcasts its arguments together and refuses what is no finite number with a ValueError.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, gammainc, ndtr

from optimizer.arguments import FloatArray, finite, non_negative, positive
from optimizer.laws.count_quantile import negative_binomial_quantile as negative_binomial_quantile
from optimizer.laws.gamma_terms import density_term, upper_tail

_DENSITY_AT_ZERO = 1.0 / np.sqrt(2.0 * np.pi)


def standard_normal_loss(z: ArrayLike) -> FloatArray:
    """Expected excess E[(Z - z)+] of a standard normal, any shape.

    Examples
    --------
    >>> float(standard_normal_loss(1.0).round(6))
    0.083315
    """
    level = finite("z", z)
    return np.asarray(_DENSITY_AT_ZERO * np.exp(-0.5 * level * level) - level * ndtr(-level))


def standard_normal_loss_second_order(z: ArrayLike) -> FloatArray:
    """Half the expected squared excess, E[((Z - z)+)^2] / 2, of a standard normal, any shape."""
    level = finite("z", z)
    density = _DENSITY_AT_ZERO * np.exp(-0.5 * level * level)
    return np.asarray(0.5 * ((level * level + 1.0) * ndtr(-level) - level * density))


def gamma_loss(x: ArrayLike, shape: ArrayLike, scale: ArrayLike) -> FloatArray:
    r"""Expected excess E[(X - x)+] of a gamma law with `shape` k and `scale` > 0; `x` may be negative.

    :math:`\theta [k Q(k + 1, y) - y Q(k, y)]` at :math:`y = x / \theta`, where the recurrence
    :math:`Q(k + 1, y) = Q(k, y) + y^k e^{-y} / \Gamma(k + 1)` leaves one incomplete gamma function.
    """
    level, k, theta = _broadcast(finite("x", x), positive("shape", shape), positive("scale", scale))
    y = np.maximum(level, 0.0) / theta
    flat, at = k.ravel(), y.ravel()
    above = theta * ((flat - at) * upper_tail(flat, at) + density_term(flat, at)).reshape(k.shape)
    return np.where(level <= 0.0, k * theta - level, np.maximum(above, 0.0))


def poisson_survival(x: ArrayLike, mean: ArrayLike) -> FloatArray:
    """P(X > x) of a Poisson law with `mean` >= 0; one below zero; `x` may be fractional."""
    level, rate = _broadcast(finite("x", x), non_negative("mean", mean))
    return np.where(level < 0.0, 1.0, gammainc(np.floor(np.maximum(level, 0.0)) + 1.0, rate))


def poisson_loss(x: ArrayLike, mean: ArrayLike) -> FloatArray:
    """Expected excess E[(X - x)+] of a Poisson law with `mean` >= 0; `x` may be fractional or negative.

    Examples
    --------
    >>> float(poisson_loss(5, 7).round(6))
    2.2926
    """
    level, rate = _broadcast(finite("x", x), non_negative("mean", mean))
    # Sum of k P(X = k) over k > x is the mean times P(X >= floor(x)).
    loss = rate * poisson_survival(np.floor(level) - 1.0, rate) - level * poisson_survival(level, rate)
    return np.where(level < 0.0, rate - level, np.maximum(loss, 0.0))


def negative_binomial_survival(x: ArrayLike, successes: ArrayLike, probability: ArrayLike) -> FloatArray:
    """P(X > x) of failures before `successes` (> 0, may be fractional) at `probability` in (0, 1]."""
    level, r, p = _negative_binomial(x, successes, probability)
    return np.where(level < 0.0, 1.0, betainc(np.floor(np.maximum(level, 0.0)) + 1.0, r, 1.0 - p))


def negative_binomial_cdf(x: ArrayLike, successes: ArrayLike, probability: ArrayLike) -> FloatArray:
    """P(X <= x) of failures before `successes` (> 0, may be fractional) at `probability` in (0, 1]."""
    level, r, p = _negative_binomial(x, successes, probability)
    return np.where(level < 0.0, 0.0, betainc(r, np.floor(np.maximum(level, 0.0)) + 1.0, p))


def negative_binomial_loss(x: ArrayLike, successes: ArrayLike, probability: ArrayLike) -> FloatArray:
    """Expected excess E[(X - x)+] of a negative binomial law; arguments as in `negative_binomial_survival`."""
    level, r, p = _negative_binomial(x, successes, probability)
    mean = r * (1.0 - p) / p
    # Sum of k P_r(X = k) over k > x is the mean times P(X >= floor(x)) with one more success.
    at_least = negative_binomial_survival(np.floor(level) - 1.0, r + 1.0, p)
    loss = mean * at_least - level * negative_binomial_survival(level, r, p)
    return np.where(level < 0.0, mean - level, np.maximum(loss, 0.0))


def _negative_binomial(x: ArrayLike, successes: ArrayLike, probability: ArrayLike) -> tuple[FloatArray, ...]:
    p = positive("probability", probability)
    if (p > 1.0).any():
        raise ValueError(f"probability must be inside (0, 1] at index {_position(p > 1.0)}: {p[p > 1.0].flat[0]}")
    return _broadcast(finite("x", x), positive("successes", successes), p)


def _position(bad: np.typing.NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(bad)[0])


def _broadcast(*values: FloatArray) -> tuple[FloatArray, ...]:
    return np.broadcast_arrays(*values)
