"""Mean and variance of backorders (X - s)+ under a law of demand given by two moments."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import gammaincc

from optimizer.arguments import FloatArray
from optimizer.echelons.shapes import at_most, finite_within
from optimizer.laws.loss import negative_binomial_survival, poisson_survival

BackorderLaw = Literal["gamma", "count"]


@dataclass(frozen=True)
class BackorderMoments:
    """Expected backorders (units) and their variance (units squared), arrays of one shape."""

    expected: FloatArray
    variance: FloatArray


def backorder_moments(level: FloatArray, mean: FloatArray, variance: FloatArray, law: BackorderLaw) -> BackorderMoments:
    r"""Moments of :math:`(X - s)^+`, elementwise over arrays of one shape.

    `level` is any number, `mean` and `variance` are >= 0; a count law with less variance than mean is Poisson.

    The factorial (count) or raw (gamma) moments above a level are those of the same law with its shape raised:
    :math:`E[X; X > s] = m\,P_{+1}` and :math:`E[X(X-1); X > s] = m^2 (1 + a/m) P_{+2}` for a count law of dispersion
    :math:`a = var/m - 1`, Poisson at :math:`a = 0`.

    Raises
    ------
    ValueError
        If an array is out of its range, not finite or of another shape, or the law has another name.
    """
    if law not in ("gamma", "count"):
        raise ValueError(f"law must be 'gamma' or 'count', got {law!r}")
    level, mean = finite_within("level", level), at_most("mean", mean)
    variance = at_most("variance", variance)
    if not level.shape == mean.shape == variance.shape:
        raise ValueError(
            f"level, mean and variance must have one shape, got {level.shape}, {mean.shape} and {variance.shape}"
        )
    expected, second = np.maximum(mean - level, 0.0), np.maximum(mean - level, 0.0) ** 2
    floor = 0.0 if law == "gamma" else 1.0
    random = (mean > 0.0) & ((variance > 1e-12 * mean * mean) | (law == "count"))
    part = _gamma if law == "gamma" else _count
    expected[random], second[random] = part(level[random], mean[random], variance[random])
    expected = np.maximum(expected, np.maximum(mean - level, 0.0))
    # The square of a whole number is at least itself: far in the tail, where the digits of the sum are gone, it holds.
    second = np.maximum(second, np.where(random, floor * expected, 0.0))
    return BackorderMoments(expected, np.maximum(second - expected**2, 0.0))


def _gamma(s: FloatArray, mean: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
    k, scale = mean * mean / variance, variance / mean
    y = np.maximum(s, 0.0) / scale
    none, one, two = gammaincc(k, y), gammaincc(k + 1.0, y), gammaincc(k + 2.0, y)
    first = mean * one - s * none
    return first, mean * (mean + scale) * two - 2.0 * s * mean * one + s * s * none


def _count(s: FloatArray, mean: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Whole levels or between them; P(X >= k) of the raised laws is the survival one or two below."""
    spread = np.maximum(variance / mean - 1.0, 0.0)
    below = np.floor(s)
    none, one, two = (_survival(below - raised, mean, spread, raised) for raised in (0, 1, 2))
    first = mean * one - s * none
    falling = mean * (mean + spread) * two
    return first, falling + mean * one - 2.0 * s * mean * one + s * s * none


def _survival(x: FloatArray, mean: FloatArray, spread: FloatArray, raised: int) -> FloatArray:
    answer = np.asarray(poisson_survival(x, mean))
    many = spread > 1e-6
    if many.any():
        successes = mean[many] / spread[many] + raised
        answer[many] = negative_binomial_survival(x[many], successes, 1.0 / (1.0 + spread[many]))
    return answer
