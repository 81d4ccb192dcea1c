"""One law of demand over an interval, matched to a mean and a variance, behind two questions.

Rules
-----
1. `gamma` suits fast movers and non-discrete units, `normal` is a check value, `count` suits slow movers counted in
   whole units: negative binomial, or Poisson when the variance does not exceed the mean.
2. No variance means a certain demand; no mean means no demand. Neither is an error.
3. "Out" means demand *above* the level: a level of zero with no demand is not out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import gammaincc, ndtr

from optimizer.arguments import BoolArray, FloatArray, finite, non_negative
from optimizer.laws.gamma_terms import density_term, upper_tail
from optimizer.laws.loss import (
    gamma_loss,
    negative_binomial_loss,
    negative_binomial_survival,
    poisson_loss,
    poisson_survival,
    standard_normal_loss,
)

DemandLaw = Literal["gamma", "normal", "count"]
_CHERNOFF = -np.log(1e-9)
_Kernel = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]


def check_law(law: str) -> None:
    """Refuse a name that is no demand law, with a ValueError."""
    if law not in ("gamma", "normal", "count"):
        raise ValueError(f"law must be 'gamma', 'normal' or 'count', got {law!r}")


def exceedance(level: FloatArray, mean: FloatArray, variance: FloatArray, law: DemandLaw) -> FloatArray:
    """P(demand > level), elementwise over arrays of one shape; `level` may be negative.

    Raises
    ------
    ValueError
        If an entry is not finite, or a mean or variance is negative, or the shapes differ.
    """
    check_law(law)
    level, mean, variance = _checked(level, mean, variance)
    return _apply(_SURVIVAL[law], lambda x, m: (m > x).astype(np.float64), level, mean, variance, law)


def expected_short(level: FloatArray, mean: FloatArray, variance: FloatArray, law: DemandLaw) -> FloatArray:
    """E[(demand - level)+], units, elementwise over arrays of one shape; arguments as in `exceedance`."""
    check_law(law)
    level, mean, variance = _checked(level, mean, variance)
    return _apply(_LOSS[law], lambda x, m: np.maximum(m - x, 0.0), level, mean, variance, law)


@dataclass(frozen=True)
class DemandTail:
    """Both answers at once, arrays of one shape."""

    exceedance: FloatArray
    expected_short: FloatArray


def demand_tail(level: FloatArray, mean: FloatArray, variance: FloatArray, law: DemandLaw) -> DemandTail:
    """P(demand > level) and E[(demand - level)+] for sweeps; the first is exact to 1e-9.

    Under the gamma law the two share one incomplete gamma function, and where Chernoff's bound puts either tail below
    1e-9 none is computed.
    """
    check_law(law)
    if law != "gamma":
        return DemandTail(exceedance(level, mean, variance, law), expected_short(level, mean, variance, law))
    level, mean, variance = _checked(level, mean, variance)
    of = level.shape
    level, mean, variance = level.ravel(), mean.ravel(), variance.ravel()
    out, short = (mean > level).astype(np.float64), np.maximum(mean - level, 0.0)
    cells = np.flatnonzero(is_random(mean, variance, law) & (level > 0.0))
    k = mean[cells] ** 2 / variance[cells]
    scale = variance[cells] / mean[cells]
    y = level[cells] / scale
    log_y = np.log(np.maximum(y, np.finfo(np.float64).tiny))
    near = y - k - k * (log_y - np.log(k)) < _CHERNOFF
    cells, k, scale, y = cells[near], k[near], scale[near], y[near]
    above = upper_tail(k, y)
    out[cells] = above
    # k Q(k + 1, y) = k Q(k, y) + y^k e^-y / Gamma(k).
    short[cells] = np.maximum(scale * ((k - y) * above + density_term(k, y)), short[cells])
    return DemandTail(out.reshape(of), short.reshape(of))


def _checked(level: FloatArray, mean: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    level, mean, variance = finite("level", level), non_negative("mean", mean), non_negative("variance", variance)
    if not level.shape == mean.shape == variance.shape:
        level, mean, variance = np.broadcast_arrays(level, mean, variance)
    return level, mean, variance


def _apply(
    kernel: _Kernel,
    certain: Callable[[FloatArray, FloatArray], FloatArray],
    level: FloatArray,
    mean: FloatArray,
    variance: FloatArray,
    law: DemandLaw,
) -> FloatArray:
    """The kernel where the law is random, the certain answer elsewhere."""
    random = is_random(mean, variance, law)
    if random.all():
        return kernel(level, mean, variance)
    answer = certain(level, mean)
    answer[random] = kernel(level[random], mean[random], variance[random])
    return answer


def is_random(mean: FloatArray, variance: FloatArray, law: DemandLaw) -> BoolArray:
    """Where the law is one at all: elsewhere demand is certain, and under the count law zero."""
    if law == "count":
        return mean > 0.0
    # A coefficient of variation below 1e-6 is certainty as far as any stock decision goes, and keeps the shape finite.
    return (mean > 0.0) & (variance > 1e-12 * mean * mean)


def _gamma_survival(level: FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
    above = gammaincc(mean * mean / variance, np.maximum(level, 0.0) * mean / variance)
    return np.where(level < 0.0, 1.0, above)


def _gamma_loss(level: FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
    return gamma_loss(level, mean * mean / variance, variance / mean)


def _normal_survival(level: FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
    return np.asarray(ndtr((mean - level) / np.sqrt(variance)))


def _normal_loss(level: FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
    sd = np.sqrt(variance)
    return sd * standard_normal_loss((level - mean) / sd)


def _count(poisson: _Kernel, negative_binomial: _Kernel) -> _Kernel:
    """Negative binomial where the variance clearly exceeds the mean, Poisson elsewhere."""

    def kernel(level: FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
        dispersed = is_dispersed(mean, variance)
        if not dispersed.any():
            return poisson(level, mean, variance)
        answer = np.empty_like(mean)
        for part, law in ((~dispersed, poisson), (dispersed, negative_binomial)):
            answer[part] = law(level[part], mean[part], variance[part])
        return answer

    return kernel


def is_dispersed(mean: FloatArray, variance: FloatArray) -> BoolArray:
    """Where counts are negative binomial rather than Poisson."""
    return variance > mean * (1.0 + 1e-6)


def _successes(mean: FloatArray, variance: FloatArray) -> FloatArray:
    return mean * mean / (variance - mean)


_SURVIVAL: dict[str, _Kernel] = {
    "gamma": _gamma_survival,
    "normal": _normal_survival,
    "count": _count(
        lambda x, m, _: poisson_survival(x, m),
        lambda x, m, v: negative_binomial_survival(x, _successes(m, v), m / v),
    ),
}
_LOSS: dict[str, _Kernel] = {
    "gamma": _gamma_loss,
    "normal": _normal_loss,
    "count": _count(
        lambda x, m, _: poisson_loss(x, m),
        lambda x, m, v: negative_binomial_loss(x, _successes(m, v), m / v),
    ),
}
