"""Recent demand against what went before: one score per series, for thresholds a person understands."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray
from optimizer.demand.history import Block, blocks, checked_history


@dataclass(frozen=True)
class DemandShift:
    """How far recent demand lies from what went before, shape ``(n,)``.

    Parameters
    ----------
    recent_mean_per_period, baseline_mean_per_period
        Units per period over the usable periods of each part; 0 where a part has none.
    z_score
        Standard deviations of the difference; positive is a rise, 0 where either part is too short to tell.
    """

    recent_mean_per_period: FloatArray
    baseline_mean_per_period: FloatArray
    z_score: FloatArray


def demand_shift(history: ArrayLike, *, recent_periods: int = 4) -> DemandShift:
    """Recent mean against baseline mean of each series of ``(n, periods)``, NaN where unusable.

    The variance of a period is that of the baseline, never below the mean of all periods (Poisson), so a dead series
    that wakes up has a finite score and a rare single sale is not a spike.

    Raises
    ------
    ValueError
        If `recent_periods` leaves no baseline, or a usable period is negative or infinite.
    """
    table = checked_history(history)
    if not 1 <= recent_periods < table.shape[1]:
        raise ValueError(f"recent_periods must be in 1..{table.shape[1] - 1}, got {recent_periods}")
    n = len(table)
    shift = DemandShift(np.empty(n), np.empty(n), np.empty(n))
    for block in blocks(table):
        _fill(shift, block, recent_periods)
    return shift


@dataclass(frozen=True)
class _Sums:
    """Usable periods, total demand and squared deviations from the mean over some periods, shape ``(k,)``."""

    periods: FloatArray
    total: FloatArray
    squares: FloatArray

    @property
    def mean(self) -> FloatArray:
        return self.total / np.maximum(self.periods, 1.0)


def _sums(block: Block, periods: range) -> _Sums:
    """Two passes over time: no sum along it may depend on how many series share the block."""
    usable, total, squares = np.zeros(block.series), np.zeros(block.series), np.zeros(block.series)
    wide = np.empty(block.series)
    for period in periods:
        np.add(usable, block.observed(period), out=usable)
        np.add(total, block.demand[period], out=total)
    mean = total / np.maximum(usable, 1.0)
    for period in periods:
        np.subtract(block.demand[period], mean, out=wide)
        np.multiply(wide, block.observed(period), out=wide)
        np.multiply(wide, wide, out=wide)
        np.add(squares, wide, out=squares)
    return _Sums(usable, total, squares)


def _fill(shift: DemandShift, block: Block, recent_periods: int) -> None:
    periods = range(len(block.demand))
    old, new = _sums(block, periods[:-recent_periods]), _sums(block, periods[-recent_periods:])
    pooled = (old.total + new.total) / np.maximum(old.periods + new.periods, 1.0)
    variance = np.maximum(old.squares / np.maximum(old.periods - 1.0, 1.0), pooled)
    error = np.sqrt(variance * (1.0 / np.maximum(old.periods, 1.0) + 1.0 / np.maximum(new.periods, 1.0)))
    known = (old.periods >= 2.0) & (new.periods >= 1.0) & (error > 0.0)
    shift.recent_mean_per_period[block.rows] = new.mean
    shift.baseline_mean_per_period[block.rows] = old.mean
    shift.z_score[block.rows] = np.divide(new.mean - old.mean, error, out=np.zeros_like(error), where=known)
