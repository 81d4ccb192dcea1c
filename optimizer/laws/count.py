"""Whole-number demand of a given mean and variance, whatever their order.

Rules
-----
1. Variance above the mean: negative binomial. Equal (within 1e-6): Poisson. Below: binomial, which the negative
   binomial cannot be and which no gamma rounds well at a handful of units.
2. The binomial's number of trials is whole: the fewest that give no less spread than asked for, rounded up, with the
   mean kept. Towards variance = mean the trials grow without bound and both neighbours meet in the Poisson law.
3. No mean is no demand.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

from optimizer.arguments import FloatArray, finite, non_negative, probability
from optimizer.laws.count_search import smallest_count
from optimizer.laws.loss import (
    negative_binomial_loss,
    negative_binomial_survival,
    poisson_loss,
    poisson_survival,
)

_NEAR = 1e-6


class CountKind(IntEnum):
    """Which family answers."""

    BINOMIAL = 0
    POISSON = 1
    NEGATIVE_BINOMIAL = 2


@dataclass(frozen=True)
class CountLaw:
    """Law of whole-number demand per series, arrays of one shape.

    Parameters
    ----------
    mean
        Units, at least 0.
    variance
        Units squared, at least 0, as asked for; a binomial's own may lie above it by rounding of its trials.
    """

    mean: FloatArray
    variance: FloatArray

    def __post_init__(self) -> None:
        mean, variance = non_negative("mean", self.mean), non_negative("variance", self.variance)
        if mean.shape != variance.shape:
            raise ValueError(f"mean and variance must have one shape, got {mean.shape} and {variance.shape}")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "variance", variance)

    @property
    def kind(self) -> NDArray[np.int8]:
        """Values of `CountKind`, int8."""
        above, below = self.variance > self.mean * (1.0 + _NEAR), self.variance < self.mean * (1.0 - _NEAR)
        return np.where(above, 2, np.where(below, 0, 1)).astype(np.int8)

    def exceedance(self, level: ArrayLike) -> FloatArray:
        """P(demand > level), `level` broadcast to the series; it may be fractional or negative."""
        return self._each(
            level,
            _binomial_survival,
            lambda x, m, _: poisson_survival(x, m),
            lambda x, m, v: negative_binomial_survival(x, m * m / (v - m), m / v),
        )

    def expected_short(self, level: ArrayLike) -> FloatArray:
        """E[(demand - level)+], units, `level` broadcast to the series."""
        return self._each(
            level,
            _binomial_loss,
            lambda x, m, _: poisson_loss(x, m),
            lambda x, m, v: negative_binomial_loss(x, m * m / (v - m), m / v),
        )

    def quantile(self, p: ArrayLike) -> FloatArray:
        """Smallest whole level not exceeded with probability `p` in (0, 1), broadcast to the series."""
        wanted = np.broadcast_to(probability("p", p), self.mean.shape)
        start = self.mean + 2.0 * np.sqrt(self.variance)
        return smallest_count(lambda x: self.exceedance(x) <= (1.0 - wanted) * (1.0 + 1e-9), start)

    def _each(
        self, level: ArrayLike, *families: Callable[[FloatArray, FloatArray, FloatArray], FloatArray]
    ) -> FloatArray:
        x = np.broadcast_to(finite("level", level), self.mean.shape)
        kind = self.kind
        answer = np.empty(self.mean.shape)
        for code, family in enumerate(families):
            part = kind == code
            if part.any():
                answer[part] = family(x[part], self.mean[part], self.variance[part])
        return answer


def _trials(mean: FloatArray, variance: FloatArray) -> FloatArray:
    # Less a hair: a whole quotient must not be pushed over by rounding.
    return np.maximum(np.ceil(mean * mean / (mean - variance) * (1.0 - 1e-9)), 1.0)


def _binomial_survival(x: FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
    trials = _trials(mean, variance)
    return _at_least(np.floor(x) + 1.0, trials, np.minimum(mean / trials, 1.0))


def _at_least(count: FloatArray, trials: FloatArray, chance: FloatArray) -> FloatArray:
    """P(X >= count) of a binomial law."""
    inside = (count >= 1.0) & (count <= trials)
    k = np.where(inside, count, 1.0)
    return np.where(count <= 0.0, 1.0, np.where(inside, betainc(k, np.maximum(trials - k + 1.0, 1.0), chance), 0.0))


def _binomial_loss(x: FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
    trials = _trials(mean, variance)
    chance = np.minimum(mean / trials, 1.0)
    count = np.floor(x) + 1.0
    # Sum of k P(X = k) over k >= c is the mean times P(X' >= c - 1) with one trial less.
    fewer = np.where(trials > 1.0, _at_least(count - 1.0, trials - 1.0, chance), (count <= 1.0).astype(np.float64))
    loss = mean * fewer - x * _at_least(count, trials, chance)
    return np.where(x < 0.0, mean - x, np.maximum(loss, 0.0))
