"""Demand of a day on a lattice of equal steps, for the state program.

Rules
-----
1. Under the counting law the step is one unit, and probabilities are those of the law.
2. Under other laws demand is spread over the two lattice points around it, nearer first, which keeps its mean exactly:
   P(j) is the second difference of the expected shortage at j over the step.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft
from scipy.special import gammaln

from optimizer.arguments import FloatArray, IntArray
from optimizer.laws.demand_law import DemandLaw, exceedance, expected_short

_DISPERSED = 1.0 + 1e-6
_WRAPPED = 1e-14


@dataclass(frozen=True)
class DayDemand:
    """Demand of one day.

    Parameters
    ----------
    spectrum
        Transform of P(demand = j steps), shape ``(rows, length // 2 + 1)``.
    reached
        P(demand <= j steps), shape ``(rows, points)``.
    """

    spectrum: NDArray[np.complex128]
    reached: FloatArray
    length: int

    @classmethod
    def of(
        cls, mean: FloatArray, variance: FloatArray, step: FloatArray, points: int, length: int, law: DemandLaw
    ) -> "DayDemand":
        """From moments and steps ``(rows,)``; `points` lattice points of stock, transforms of the given length."""
        mass = _counted(mean, variance, points) if law == "count" else _spread(mean, variance, step, points, law)
        return cls(rfft(mass, length, axis=1), np.cumsum(mass, axis=1), length)

    def added_to(self, used: FloatArray, row: IntArray) -> FloatArray:
        """Distribution of used + demand, both ``(kinds, m, points)`` of series `row`; what is beyond is cut off."""
        spectrum = rfft(used, self.length, axis=-1)
        spectrum *= self.spectrum[row]
        return np.asarray(irfft(spectrum, self.length, axis=-1, overwrite_x=True)[..., : used.shape[-1]])


def transform_length(
    points: IntArray, mean: FloatArray, variance: FloatArray, step: FloatArray, law: DemandLaw
) -> IntArray:
    """Shortest of a few quick lengths at which demand that wraps round has less than 1e-14 of probability."""
    length = 2 * points
    # points is 16, 24, 32, 48 ...: these are whole and factor into 2, 3 and 5.
    for quarters in (7, 6, 5):
        shorter = points * quarters // 4
        room = (shorter - points - 1) * step
        fits = exceedance(room.astype(np.float64), mean, variance, law) < _WRAPPED
        length = np.where(fits, shorter, length)
    return length


def _counted(mean: FloatArray, variance: FloatArray, points: int) -> FloatArray:
    """Negative binomial where the variance clearly exceeds the mean, Poisson elsewhere."""
    count = np.arange(points, dtype=np.float64)
    log_factorial = gammaln(count + 1.0)
    mass = np.zeros((len(mean), points))
    dispersed = variance > mean * _DISPERSED
    poisson = np.flatnonzero(~dispersed & (mean > 0.0))
    rate = mean[poisson, None]
    mass[poisson] = np.exp(count * np.log(rate) - rate - log_factorial)
    m, v = mean[dispersed], variance[dispersed]
    r, p = (m * m / (v - m))[:, None], (m / v)[:, None]
    log_mass = gammaln(count + r) - gammaln(r) - log_factorial + r * np.log(p) + count * np.log1p(-p)
    mass[dispersed] = np.exp(log_mass)
    mass[mean <= 0.0, 0] = 1.0
    return mass


def _spread(mean: FloatArray, variance: FloatArray, step: FloatArray, points: int, law: DemandLaw) -> FloatArray:
    """Any law, kept to its mean by spreading over neighbours; what lies below zero (normal law) is no demand."""
    shape = (len(mean), points + 1)
    level = step[:, None] * np.arange(points + 1.0)
    wide_mean, wide_variance = (np.broadcast_to(values[:, None], shape).copy() for values in (mean, variance))
    slope = np.diff(expected_short(level, wide_mean, wide_variance, law), axis=1) / step[:, None]
    mass = np.empty((len(mean), points))
    mass[:, 0] = 1.0 + slope[:, 0]
    mass[:, 1:] = np.diff(slope, axis=1)
    return np.maximum(mass, 0.0)


def raised(used: FloatArray, steps: FloatArray) -> FloatArray:
    """Distributions ``(kinds, m, points)`` moved up by `steps` ``(m,)``, a fraction shared between neighbours.

    What moves off the end is cut off.
    """
    whole = np.floor(steps)
    fraction = (steps - whole)[:, None]
    moved = _moved(used, whole.astype(np.int64))
    if not fraction.any():
        return moved
    return (1.0 - fraction) * moved + fraction * _moved(used, whole.astype(np.int64) + 1)


def _moved(used: FloatArray, steps: IntArray) -> FloatArray:
    source = np.arange(used.shape[-1]) - steps[:, None]
    outside = source < 0
    moved = np.take_along_axis(used, np.where(outside, 0, source)[None], axis=-1)
    moved[:, outside] = 0.0
    return moved


def tails_of_sets(
    level: FloatArray, mean: FloatArray, variance: FloatArray, step: FloatArray, points: int, law: DemandLaw
) -> tuple[FloatArray, FloatArray]:
    """P(demand > left) and E[(demand - left)+], left = level less j steps, at least zero.

    `level` ``(sets, rows)``, moments and step ``(rows,)``, answers ``(sets, rows, points)``.
    """
    left = np.maximum(level[..., None] - step[:, None] * np.arange(points), 0.0)
    if law != "count":
        wide_mean, wide_variance = (np.broadcast_to(v[:, None], left.shape).copy() for v in (mean, variance))
        return exceedance(left, wide_mean, wide_variance, law), expected_short(left, wide_mean, wide_variance, law)
    survival = np.maximum(1.0 - np.cumsum(_counted(mean, variance, points), axis=1), 0.0)
    shortage = np.empty_like(survival)
    shortage[:, 0] = mean
    shortage[:, 1:] = np.maximum(mean[:, None] - np.cumsum(survival[:, :-1], axis=1), 0.0)
    place = np.arange(len(mean))[:, None], left.astype(np.int64)
    return survival[place], shortage[place]
