"""Marginal analysis at bases: units are added while the next one still pays, over all bases of all items at once.

Kernels of the room: `two_echelon_stock` has checked what comes in.
"""

from dataclasses import dataclass

import numpy as np

from optimizer.arguments import FloatArray

_GUARD = 1.0 + 1e-9


@dataclass(frozen=True)
class BaseLevels:
    """Stock levels (whole units) and the expected backorders they leave, arrays of one shape."""

    level: FloatArray
    expected_backorders: FloatArray


def levels_of_pipeline(mean: FloatArray, variance: FloatArray, tail: FloatArray) -> BaseLevels:
    r"""Smallest levels with P(pipeline > level) <= `tail`; pipelines are negative binomial, or Poisson at var = mean.

    With :math:`a = var/mean - 1` both laws obey :math:`P(k+1)/P(k) = (m + a k) / ((1 + a)(k + 1))`, so a unit more
    costs a handful of vector operations and no special function. Arrays of one shape, `tail` in (0, 1).
    """
    shape = mean.shape
    mean, tail = mean.ravel(), tail.ravel() * _GUARD
    spread = np.where(mean > 0.0, np.maximum(variance.ravel() / np.where(mean > 0.0, mean, 1.0) - 1.0, 0.0), 0.0)
    tiny = spread < 1e-12
    mass = np.exp(-mean * np.where(tiny, 1.0, np.log1p(spread) / np.where(tiny, 1.0, spread)))
    level, left = np.zeros(mean.size), mean.copy()
    above = 1.0 - mass
    at = np.flatnonzero(above > tail)
    state = np.stack((mass, above, mean, mean / (1.0 + spread), spread / (1.0 + spread), tail))[:, at]
    k = 0.0
    while at.size:
        mass, above, owed, rise, step, least = state
        owed -= above
        mass *= rise + step * k
        mass /= k + 1.0
        above -= mass
        k += 1.0
        going = above > least
        if not going.all():
            done = at[~going]
            level[done], left[done] = k, np.maximum(owed[~going], 0.0)
            at, state = at[going], state[:, going]
    return BaseLevels(level.reshape(shape), left.reshape(shape))


def levels_of_law(mass: FloatArray, mean: FloatArray, tail: FloatArray) -> BaseLevels:
    """The same for explicit laws `mass` ``(units, ...)``; the level is the number of rows where they do not reach."""
    above = np.maximum(1.0 - np.add.accumulate(mass, axis=0), 0.0)
    level = (above > tail * _GUARD).sum(axis=0)
    saved = np.concatenate((np.zeros((1, *mean.shape)), np.add.accumulate(above, axis=0)))
    left = np.maximum(mean - np.take_along_axis(saved, level[None], axis=0)[0], 0.0)
    return BaseLevels(level.astype(np.float64), left)
