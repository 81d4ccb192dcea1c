"""Quantiles of the count laws: Cornish and Fisher's start, one tail evaluation, then a walk on the probabilities.

Rules
-----
1. The answer is the smallest whole x with P(X > x) <= (1 - q)(1 + 1e-9): the margin keeps a target that equals a value
   of the distribution function from falling to either side by a rounding.
2. From the start the tail is followed unit by unit through the ratios of neighbouring probabilities. What has not
   arrived after a few units starts over from the place Newton's step names; what never settles is bisected.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, gammainc, gammaln, ndtri

from optimizer.arguments import BoolArray, FloatArray, non_negative, positive
from optimizer.arguments import probability as checked_probability
from optimizer.laws.count_search import smallest_count

_UNITS = 4
_ROUNDS = 4
_GUARD = 1.0 + 1e-9


@dataclass(frozen=True)
class _CountLaw:
    """Functions of (x, first parameter, second parameter): P(X > x), P(X = x), and P(X = x + 1) / P(X = x)."""

    survival: Callable[[FloatArray, FloatArray, FloatArray], FloatArray]
    mass: Callable[[FloatArray, FloatArray, FloatArray], FloatArray]
    ratio: Callable[[FloatArray, FloatArray, FloatArray], FloatArray]


def poisson_quantile(q: ArrayLike, mean: ArrayLike) -> FloatArray:
    """Smallest whole x with P(X <= x) >= `q` of a Poisson law with `mean` >= 0, for `q` in (0, 1), broadcast together.

    Examples
    --------
    >>> float(poisson_quantile(0.8, 6.0))
    8.0
    """
    target, rate = np.broadcast_arrays(checked_probability("q", q), non_negative("mean", mean))
    return poisson_level(1.0 - target, rate)


def poisson_level(tail: FloatArray, mean: FloatArray) -> FloatArray:
    """Smallest whole x >= 0 with P(X > x) <= `tail`, in (0, 1), of a Poisson law; arrays of one shape."""
    start = _cornish_fisher(-ndtri(tail), mean, mean, 1.0 / np.sqrt(np.maximum(mean, 1e-300)), 1.0 / mean.clip(1e-300))
    return _level(_POISSON, tail, mean, mean, start)


def negative_binomial_quantile(q: ArrayLike, successes: ArrayLike, probability: ArrayLike) -> FloatArray:
    """Smallest whole x with P(X <= x) >= `q` of failures before `successes` (> 0) at `probability` in (0, 1].

    `q` in (0, 1); arguments are broadcast together.

    Examples
    --------
    >>> float(negative_binomial_quantile(0.95, 2.5, 0.2))
    24.0
    """
    p = positive("probability", probability)
    if (p > 1.0).any():
        place = tuple(int(i) for i in np.argwhere(p > 1.0)[0])
        raise ValueError(f"probability must be inside (0, 1] at index {place}: {p[place]}")
    target, r, p = np.broadcast_arrays(checked_probability("q", q), positive("successes", successes), p)
    return negative_binomial_level(1.0 - target, r, p)


def negative_binomial_level(tail: FloatArray, successes: FloatArray, probability: FloatArray) -> FloatArray:
    """Smallest whole x >= 0 with P(X > x) <= `tail`, in (0, 1), of a negative binomial law; arrays of one shape."""
    r, p = successes, probability
    failure = 1.0 - p
    mean = r * failure / p
    spread = np.sqrt(np.maximum(r * failure, 1e-300))
    start = _cornish_fisher(-ndtri(tail), mean, mean / p, (2.0 - p) / spread, 6.0 / r + (p / spread) ** 2)
    return _level(_NEGATIVE_BINOMIAL, tail, r, p, start)


def _cornish_fisher(
    z: FloatArray, mean: FloatArray, variance: FloatArray, skewness: FloatArray, kurtosis: FloatArray
) -> FloatArray:
    """A first guess from four moments; where the skewness is so large that the expansion folds, the mean."""
    square = z * z
    w = z + (square - 1.0) * skewness / 6.0 + z * (square - 3.0) * kurtosis / 24.0
    w -= z * (2.0 * square - 5.0) * skewness * skewness / 36.0
    guess = mean + np.sqrt(variance) * w
    return np.where(skewness < 4.0, np.maximum(np.ceil(guess - 0.5), 0.0), np.ceil(mean))


def _level(law: _CountLaw, tail: FloatArray, first: FloatArray, second: FloatArray, start: FloatArray) -> FloatArray:
    bound = (tail * _GUARD).ravel()
    a, b, x = np.ravel(first), np.ravel(second), np.array(start, dtype=np.float64).ravel()
    todo = np.arange(x.size)
    for _ in range(_ROUNDS):
        if todo.size == 0:
            break
        x[todo], settled = _walk(law, bound[todo], a[todo], b[todo], x[todo])
        todo = todo[~settled]
    if todo.size:
        some_a, some_b, limit = a[todo], b[todo], bound[todo]
        x[todo] = smallest_count(lambda level: law.survival(level, some_a, some_b) <= limit, x[todo])
    return x.reshape(np.shape(tail))


def _walk(
    law: _CountLaw, bound: FloatArray, a: FloatArray, b: FloatArray, x: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Follow the tail from x, up while it is above the bound, down while one unit less is still within it."""
    above = law.survival(x, a, b)
    mass = law.mass(x, a, b)
    level, settled = x.copy(), np.zeros(x.size, dtype=np.bool_)
    rising = above > bound
    # Up: x + 1 has the tail less its own mass.
    todo, tail, here = np.flatnonzero(rising), above[rising], mass[rising]
    for _ in range(_UNITS):
        if todo.size == 0:
            break
        here = here * law.ratio(level[todo], a[todo], b[todo])
        level[todo] += 1.0
        tail = tail - here
        on = tail > bound[todo]
        settled[todo[~on]] = True
        todo, tail, here = todo[on], tail[on], here[on]
    jump = [(todo, tail, here)]
    # Down: x - 1 has the tail plus the mass at x.
    todo, tail, here = np.flatnonzero(~rising), above[~rising], mass[~rising]
    for _ in range(_UNITS):
        if todo.size == 0:
            break
        tail = tail + here
        on = (tail <= bound[todo]) & (level[todo] > 0.0)
        settled[todo[~on]] = True
        todo, tail, here = todo[on], tail[on], here[on]
        level[todo] -= 1.0
        here = here / law.ratio(level[todo], a[todo], b[todo])
    jump.append((todo, tail, here))
    for left, tail, here in jump:
        density = np.maximum(here, np.finfo(np.float64).tiny)
        # In the logarithm of the tail, which is nearly straight far out.
        step = tail * np.log(np.maximum(tail, 1e-300) / bound[left]) / density
        level[left] = np.maximum(np.floor(np.clip(level[left] + step, 0.5 * level[left], 2.0 * level[left] + 8.0)), 0.0)
    return level, settled


def _negative_binomial_mass(x: FloatArray, r: FloatArray, p: FloatArray) -> FloatArray:
    log_failure = np.log1p(-np.minimum(p, 1.0 - 1e-16))
    return np.exp(gammaln(x + r) - gammaln(x + 1.0) - gammaln(r) + r * np.log(p) + x * log_failure)


_POISSON = _CountLaw(
    survival=lambda x, mean, _: np.asarray(gammainc(x + 1.0, mean)),
    mass=lambda x, mean, _: np.exp(x * np.log(np.maximum(mean, 1e-300)) - mean - gammaln(x + 1.0)),
    ratio=lambda x, mean, _: mean / (x + 1.0),
)
_NEGATIVE_BINOMIAL = _CountLaw(
    survival=lambda x, r, p: np.asarray(betainc(x + 1.0, r, 1.0 - p)),
    mass=_negative_binomial_mass,
    ratio=lambda x, r, p: (x + r) / (x + 1.0) * (1.0 - p),
)
