"""Tail of demand in every receipt state of every (series, day) cell: the kernel under all figures by day.

Rules
-----
1. A cell has four receipt states (neither, one, the other, both of the two exactly mixed orders arrived). Per state:
   its weight, P(demand > level) and E[(demand - level)+].
2. Screened, a cell is left out when Chernoff's bound puts even the state without receipts below 1e-9; a state is left
   out when it has no weight, and it is answered without a special function when the bound puts either tail below 1e-9.
3. Under the gamma law the two tails share one incomplete gamma function:
   k Q(k + 1, y) = k Q(k, y) + y^k e^-y / Gamma(k); the logarithm of Gamma(k) serves all four states.

Source
------
Chernoff bound of a gamma law with shape k and unit scale: P(X > y) <= exp(k - y + k log(y / k)) for y > k, and the same
for P(X < y) with y < k.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import gammaincc, gammaln

from optimizer.arguments import BoolArray, FloatArray, IntArray
from optimizer.laws.demand_law import DemandLaw, exceedance, expected_short
from optimizer.risk.supply import SupplyBlock

NEGLIGIBLE = 1e-9
_CHERNOFF = -np.log(NEGLIGIBLE)
NO_WEIGHT = NEGLIGIBLE * 1e-3
_NO_CHANCE = 1e-12


@dataclass(frozen=True)
class StateTail:
    """One receipt state over the cells, all of one shape ``(cells,)``: weight, P(out), expected units short."""

    weight: FloatArray
    exceedance: FloatArray
    expected_short: FloatArray


@dataclass(frozen=True)
class Cells:
    """Cells of a block that are worth a calculation; `place` are their flat positions, None when all are."""

    place: IntArray | None
    block: SupplyBlock

    @property
    def size(self) -> int:
        """Number of cells."""
        return self.block.level.size if self.place is None else self.place.size

    def take(self, values: FloatArray) -> FloatArray:
        """Values ``(rows, days)`` of the cells, flat."""
        return values.reshape(-1) if self.place is None else values.reshape(-1)[self.place]

    def take_rows(self, values: FloatArray) -> FloatArray:
        """Values ``(rows,)``, one for each cell, flat."""
        days = self.block.level.shape[1]
        return np.repeat(values, days) if self.place is None else values[self.place // days]

    def spread(self, values: FloatArray) -> FloatArray:
        """Flat values of the cells as ``(rows, days)``, zero elsewhere."""
        shape = self.block.level.shape
        if self.place is None:
            return values.reshape(shape)
        dense = np.zeros(self.block.level.size)
        dense[self.place] = values
        return dense.reshape(shape)

    def tails(self, law: DemandLaw, *, screened: bool) -> Iterator[StateTail]:
        """The four receipt states, in the order neither, second, first, both; one when the rows have no orders."""
        level, mean, variance = self.take(self.block.level), self.take(self.block.mean), self.take(self.block.variance)
        kernel = _Gamma.of(mean, variance) if law == "gamma" else _General(mean, variance, law)
        answer = kernel.screened if screened else kernel.full
        if not self.block.arrived:
            yield answer(np.ones(level.size), level)
            return
        arrived = [self.take(values) for values in self.block.arrived]
        units = [self.take_rows(values) for values in self.block.quantity]
        # One state at a time, so that what a state needs stays in cache.
        for has_first in (False, True):
            weight = arrived[0] if has_first else 1.0 - arrived[0]
            supply = level + units[0] if has_first else level
            with_second = weight * arrived[1]
            yield answer(weight - with_second, supply)
            yield answer(with_second, supply + units[1])


def cells_of(block: SupplyBlock, law: DemandLaw, *, screened: bool) -> Cells:
    """All cells, or under the gamma law only those in which the lowest supply could be exceeded."""
    if not screened or law != "gamma":
        return Cells(None, block)
    random = _random(block.mean, block.variance)
    # Cells without chance are divided too, which is quicker than leaving them out, and then left out of the answer.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        shape = block.mean**2 / block.variance
        y = block.level * shape / block.mean
        safe = random & (y > shape) & (block.level > block.mean)
        safe &= y - shape - shape * np.log(y / shape) > _CHERNOFF
    # Without demand, or with a certain one, the level alone decides.
    safe |= ~random & (block.level >= block.mean)
    return Cells(np.flatnonzero(~safe), block)


def _random(mean: FloatArray, variance: FloatArray) -> BoolArray:
    """Cells whose demand is neither none nor certain (coefficient of variation below 1e-6)."""
    return (mean > 0.0) & (variance > _NO_CHANCE * mean * mean)


@dataclass(frozen=True)
class _Gamma:
    """Gamma law of demand per cell: shape, scale, and where it is certain instead."""

    mean: FloatArray
    shape: FloatArray
    scale: FloatArray
    certain: BoolArray | None

    @classmethod
    def of(cls, mean: FloatArray, variance: FloatArray) -> "_Gamma":
        random = _random(mean, variance)
        if random.all():
            shape, scale = mean * mean / variance, variance / mean
            return cls(mean, shape, scale, None)
        safe_mean, safe_variance = np.where(random, mean, 1.0), np.where(random, variance, 1.0)
        shape, scale = safe_mean * safe_mean / safe_variance, safe_variance / safe_mean
        return cls(mean, shape, scale, ~random)

    @cached_property
    def log_gamma(self) -> FloatArray:
        """Logarithm of the gamma function of every shape, for all states at once."""
        return np.asarray(gammaln(self.shape))

    def full(self, weight: FloatArray, level: FloatArray) -> StateTail:
        out, short = _gamma_tail(level, self.shape, self.scale, self.log_gamma)
        if self.certain is not None:
            out[self.certain] = self.mean[self.certain] > level[self.certain]
            short[self.certain] = np.maximum(self.mean - level, 0.0)[self.certain]
        return StateTail(weight, out, short)

    def screened(self, weight: FloatArray, level: FloatArray) -> StateTail:
        short = np.maximum(self.mean - level, 0.0)
        out = np.empty(len(short))
        np.greater(self.mean, level, out=out)
        heavy = (weight > NO_WEIGHT) & (level >= 0.0)
        if self.certain is not None:
            heavy &= ~self.certain
        cells = np.flatnonzero(heavy)
        shape, y = self.shape[cells], level[cells] / self.scale[cells]
        ratio = np.maximum(y / shape, np.finfo(np.float64).tiny)
        near = y - shape - shape * np.log(ratio) < _CHERNOFF
        cells = cells[near]
        out[cells], short[cells] = _gamma_tail(
            level[cells], self.shape[cells], self.scale[cells], self.log_gamma[cells]
        )
        return StateTail(weight, out, short)


def _gamma_tail(
    level: FloatArray, shape: FloatArray, scale: FloatArray, log_gamma: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """P(demand > level) and E[(demand - level)+] of gamma laws, flat arrays of one shape."""
    y = level / scale
    positive = np.maximum(y, 0.0)
    above = np.asarray(gammaincc(shape, positive))
    # At y = 0 the logarithm is minus infinity and its exponential the right zero.
    with np.errstate(divide="ignore"):
        density = np.log(positive)
    density *= shape
    density -= positive
    density -= log_gamma
    np.exp(density, out=density)
    # The level is not needed any more; its memory, still in cache, takes the answer.
    short = np.subtract(shape, y, out=y)
    short *= above
    short += density
    short *= scale
    np.maximum(short, 0.0, out=short)
    return above, short


@dataclass(frozen=True)
class _General:
    """Any other law: the states that have weight, one by one."""

    mean: FloatArray
    variance: FloatArray
    law: DemandLaw

    def full(self, weight: FloatArray, level: FloatArray) -> StateTail:
        return StateTail(
            weight,
            exceedance(level, self.mean, self.variance, self.law),
            expected_short(level, self.mean, self.variance, self.law),
        )

    def screened(self, weight: FloatArray, level: FloatArray) -> StateTail:
        out, short = np.zeros_like(level), np.zeros_like(level)
        cells = np.flatnonzero(weight > NO_WEIGHT)
        arguments = (level[cells], self.mean[cells], self.variance[cells], self.law)
        out[cells], short[cells] = exceedance(*arguments), expected_short(*arguments)
        return StateTail(weight, out, short)
