r"""Demand over several periods from the history itself: the periods' own frequencies, convolved exactly.

For lumpy demand no two-moment law is right, and a bootstrap has noise where it matters, in the tail. The mass function
of a period, raised to the number of periods in the Fourier domain, is what the bootstrap would converge to.

Rules
-----
1. Demand lives on a grid of `cells` values 0, u, 2u, ... per series. Where every size is a whole number and the grid
   holds all that can be sold, the step u is one unit and the answer exact; otherwise u is as small as the grid allows,
   and a size between two grid points is shared between them so that the mean is kept (the variance of a period grows by
   at most u^2 / 4).
2. The grid covers all but 1e-9 of the demand over the interval (Bernstein's inequality, or all that can be sold); what
   lies beyond wraps around, so no probability is off by more than that.
3. Periods that are NaN are no observations; a series without any has no demand.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import irfft, next_fast_len, rfft

from optimizer.arguments import (
    FloatArray,
    IntArray,
    counts,
    finite,
    mass_function,
    observed,
    positive,
    probability,
)

_TAIL = -np.log(1e-9)
_BLOCK = 1024
_MOST_PERIODS = 10_000
_Spectrum = NDArray[np.complex128]


@dataclass(frozen=True)
class EmpiricalDemand:
    """Mass function of demand per series on a grid of its own.

    Parameters
    ----------
    mass
        Shape ``(n, cells)``, probability of ``0, unit, 2 unit, ...``; rows sum to 1.
    unit
        Shape ``(n,)``, units of demand per cell, above 0.
    """

    mass: FloatArray
    unit: FloatArray

    def __post_init__(self) -> None:
        mass = _laws("mass", self.mass)
        unit = positive("unit", self.unit)
        if unit.shape != (len(mass),) or mass.shape[1] == 0:
            raise ValueError(f"unit must have shape ({len(mass)},) beside mass of shape {mass.shape}, got {unit.shape}")
        object.__setattr__(self, "mass", mass)
        object.__setattr__(self, "unit", unit)

    @property
    def mean(self) -> FloatArray:
        """Units, shape ``(n,)``."""
        cells = np.arange(self.mass.shape[1], dtype=np.float64)
        return np.asarray(self.unit * np.einsum("ij,j->i", self.mass, cells))

    @property
    def variance(self) -> FloatArray:
        """Units squared, shape ``(n,)``."""
        cells = np.arange(self.mass.shape[1], dtype=np.float64)
        off = cells - (self.mean / self.unit)[:, None]
        return np.asarray(self.unit**2 * np.einsum("ij,ij,ij->i", self.mass, off, off))

    def exceedance(self, level: ArrayLike) -> FloatArray:
        """P(demand > level), `level` a number or shape ``(n,)``."""
        cell = np.floor(self._cells(level) * (1.0 + 1e-9) + 1e-9)
        tail = _tails(self.mass)
        place = np.clip(cell + 1.0, 0.0, self.mass.shape[1]).astype(np.int64)
        return tail[np.arange(len(tail)), place]

    def expected_short(self, level: ArrayLike) -> FloatArray:
        """E[(demand - level)+], units, `level` a number or shape ``(n,)``."""
        x = self._cells(level)
        above = np.maximum(np.arange(self.mass.shape[1]) - x[:, None], 0.0)
        return np.asarray(self.unit * np.einsum("ij,ij->i", self.mass, above))

    def quantile(self, p: ArrayLike) -> FloatArray:
        """Smallest grid value not exceeded with probability `p` in (0, 1), a number or shape ``(n,)``; units."""
        wanted = np.broadcast_to(probability("p", p), self.unit.shape)
        tail = _tails(self.mass)[:, 1:]
        # Tails of a transform carry 1e-15 of rounding per cell: more than a guard of that size is not to be had.
        reached = tail <= ((1.0 - wanted) * (1.0 + 1e-9) + 1e-12)[:, None]
        return np.asarray(self.unit * reached.argmax(axis=1))

    def _cells(self, level: ArrayLike) -> FloatArray:
        x = finite("level", level)
        if x.ndim and x.shape != self.unit.shape:
            raise ValueError(f"level must be a number or have shape {self.unit.shape}, got {x.shape}")
        return x / self.unit


def empirical_demand(
    history: ArrayLike, periods: ArrayLike = 1, *, cells: int = 256, unit: ArrayLike | None = None
) -> EmpiricalDemand:
    """Demand over a whole number of periods, each drawn from the history independently.

    Parameters
    ----------
    history
        Shape ``(n, recorded)``, units per period, NaN where unusable.
    periods
        Periods in the interval, whole, at least 0, one number or shape ``(n,)``.
    cells
        Grid points, at least 8; the transform's time and the finest step depend on it.
    unit
        Step of the grid, units, one number or shape ``(n,)``, when the trade has one (a pack). Must be coarse enough.

    Raises
    ------
    ValueError
        If a usable period is negative or infinite, `periods` is not whole, or the grid is too short for `unit`.

    Examples
    --------
    >>> law = empirical_demand([[0.0, 0.0, 0.0, 4.0]], 2)
    >>> law.mean, law.exceedance(0.0), law.quantile(0.95)
    (array([2.]), array([0.4375]), array([8.]))
    """
    count = _whole(periods, len(_table(history)))

    def powers(spectrum: _Spectrum, rows: slice) -> _Spectrum:
        answer = np.empty_like(spectrum)
        for k in np.unique(count[rows]):
            same = np.flatnonzero(count[rows] == k)
            answer[same] = _power(spectrum if same.size == len(spectrum) else spectrum[same], int(k))
        return answer

    return _convolved(history, count.astype(np.float64), powers, cells, unit)


def empirical_lead_time_demand(
    history: ArrayLike, duration: ArrayLike, *, cells: int = 256, unit: ArrayLike | None = None
) -> EmpiricalDemand:
    """Demand over a random number of periods, exact: the mixture of `empirical_demand` over its law.

    Parameters
    ----------
    history, cells, unit
        As in `empirical_demand`.
    duration
        Shape ``(n, longest + 1)``: probability of 0, 1, ... periods; rows sum to 1. Bimodal lead times keep both humps.

    Raises
    ------
    ValueError
        As in `empirical_demand`, and if a row of `duration` does not sum to 1.
    """
    law = _laws("duration", duration)
    if law.shape[0] != len(_table(history)) or law.shape[1] == 0:
        raise ValueError(f"duration must have a row per series of history, got {law.shape}")
    longest = law.shape[1] - 1 - np.argmax(law[:, ::-1] > 0.0, axis=1)

    def mixture(spectrum: _Spectrum, rows: slice) -> _Spectrum:
        weights = law[rows]
        answer = np.repeat(weights[:, -1:], spectrum.shape[1], axis=1).astype(np.complex128)
        for k in range(law.shape[1] - 2, -1, -1):
            np.multiply(answer, spectrum, out=answer)
            answer += weights[:, k : k + 1]
        return answer

    return _convolved(history, longest.astype(np.float64), mixture, cells, unit)


def _convolved(
    history: ArrayLike,
    periods: FloatArray,
    transform: Callable[[_Spectrum, slice], _Spectrum],
    cells: int,
    unit: ArrayLike | None,
) -> EmpiricalDemand:
    table = _table(history)
    if cells < 8:
        raise ValueError(f"cells must be at least 8, got {cells}")
    n, size = len(table), next_fast_len(int(cells), real=True)
    step = None if unit is None else np.broadcast_to(positive("unit", unit), (n,))
    mass, chosen = np.empty((n, size)), np.empty(n)
    for start in range(0, n, _BLOCK):
        rows = slice(start, start + _BLOCK)
        part = _Periods.of(table[rows])
        chosen[rows] = part.unit(periods[rows], size, None if step is None else step[rows], start)
        spectrum = rfft(part.mass(chosen[rows], size), axis=1)
        demand = irfft(transform(spectrum, rows), n=size, axis=1)
        # Where nothing can be, the transform leaves rounding of either sign.
        np.maximum(demand, 0.0, out=demand)
        demand /= demand.sum(axis=1, keepdims=True)
        mass[rows] = demand
    return EmpiricalDemand(mass, chosen)


@dataclass(frozen=True)
class _Periods:
    """Sizes of some series, zeros where unusable, and how often each counts (1 / usable periods, or 0)."""

    sizes: FloatArray
    weight: FloatArray
    largest: FloatArray
    mean: FloatArray
    variance: FloatArray
    whole: NDArray[np.bool_]

    @staticmethod
    def of(table: FloatArray) -> "_Periods":
        usable = ~np.isnan(table)
        sizes = np.where(usable, table, 0.0)
        number = usable.sum(axis=1)
        weight = usable / np.maximum(number, 1)[:, None]
        mean = np.einsum("ij,ij->i", sizes, weight)
        off = sizes - mean[:, None]
        variance = np.einsum("ij,ij,ij->i", off, off, weight)
        whole = (sizes == np.rint(sizes)).all(axis=1)
        return _Periods(sizes, weight, sizes.max(axis=1), mean, variance, whole)

    def unit(self, periods: FloatArray, size: int, step: FloatArray | None, first_row: int) -> FloatArray:
        """Step of each grid: given, one, or as fine as it covers the interval."""
        reach = _TAIL * np.maximum(self.largest - self.mean, 0.0) / 3.0
        beyond = reach + np.sqrt(reach**2 + 2.0 * _TAIL * periods * self.variance)
        # A random number of periods spreads less than its longest, which is what `periods` holds.
        cover = np.minimum(periods * self.mean + beyond, periods * self.largest)
        cover = np.maximum(cover, self.largest)
        if step is not None:
            short = cover > step * (size - 1) * (1.0 + 1e-9)
            if short.any():
                row = int(np.argmax(short))
                raise ValueError(
                    f"unit of {step[row]} is too fine at index ({first_row + row},): "
                    f"{size} cells must reach {cover[row]}"
                )
            return step
        fits = self.whole & (cover <= size - 1)
        return np.where(fits | (cover <= 0.0), 1.0, cover / (size - 1))

    def mass(self, unit: FloatArray, size: int) -> FloatArray:
        """Mass function of one period on the grid."""
        n = len(unit)
        place = self.sizes / unit[:, None]
        cell = np.floor(place * (1.0 + 1e-12))
        share = np.clip(place - cell, 0.0, 1.0)
        # Row by row in one flat count.
        flat = (cell + (np.arange(n) * size)[:, None]).astype(np.int64)
        split = np.flatnonzero(share.any(axis=1))
        mass = np.bincount(flat.ravel(), (self.weight * (1.0 - share)).ravel(), n * size)[: n * size].reshape(n, size)
        if split.size:
            upper = flat[split] - (split * size - np.arange(split.size) * size)[:, None] + 1
            upper = np.minimum(upper, np.arange(1, split.size + 1)[:, None] * size - 1)
            above = np.bincount(upper.ravel(), (self.weight[split] * share[split]).ravel(), split.size * size)
            mass[split] += above.reshape(split.size, size)
        mass[:, 0] += 1.0 - self.weight.sum(axis=1)
        return np.asarray(mass, dtype=np.float64)


def _power(spectrum: _Spectrum, exponent: int) -> _Spectrum:
    """Repeated squaring: a complex power costs a logarithm and an exponential per entry."""
    answer: _Spectrum | None = None
    square = spectrum
    while exponent:
        if exponent & 1:
            answer = square.copy() if answer is None else answer * square
        exponent >>= 1
        if exponent:
            square = square * square
    return np.ones_like(spectrum) if answer is None else answer


def _tails(mass: FloatArray) -> FloatArray:
    """P(demand >= cell) for each cell and one beyond, summed from the far end so that small tails keep their digits."""
    tail = np.zeros((len(mass), mass.shape[1] + 1))
    np.cumsum(mass[:, ::-1], axis=1, out=tail[:, -2::-1])
    return tail


def _table(history: ArrayLike) -> FloatArray:
    table = observed("history", history)
    if table.ndim != 2 or table.shape[1] == 0:
        raise ValueError(f"history must have shape (series, periods) with at least one period, got {table.shape}")
    return table.astype(np.float64, copy=False)


def _laws(name: str, values: ArrayLike) -> FloatArray:
    mass = mass_function(name, values)
    short = mass.sum(axis=1) < 1.0 - 1e-9
    if short.any():
        raise ValueError(f"{name} must sum to 1 in each row, not so at index {int(np.argmax(short))}")
    return mass


def _whole(periods: ArrayLike, n: int) -> IntArray:
    count = counts("periods", periods)
    if count.ndim and count.shape != (n,):
        raise ValueError(f"periods must be a number or have shape ({n},), got {count.shape}")
    if count.size and count.max() > _MOST_PERIODS:
        raise ValueError(f"periods must be at most {_MOST_PERIODS}, at index {int(np.argmax(count))}: {count.max()}")
    return np.broadcast_to(count, (n,))
