"""Slow drift: a straight line through the usable periods, and whether it is more than chance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

from optimizer.arguments import FloatArray
from optimizer.demand.history import Block, blocks, checked_history


@dataclass(frozen=True)
class DemandDrift:
    """Least-squares line of each series, shape ``(n,)`` throughout.

    Parameters
    ----------
    slope_per_period
        Units per period, per period; 0 with fewer than three usable periods.
    relative_per_year
        Slope over a year as a share of the mean; 0 without demand.
    t_score
        Slope over its standard error; 0 where it cannot be told or every period is equal.
    p_value
        Two-sided chance of a slope at least this steep in unchanging demand, Student's t with two parameters fitted;
        1 where it cannot be told. Near enough for skewed demand from some forty periods on.
    """

    slope_per_period: FloatArray
    relative_per_year: FloatArray
    t_score: FloatArray
    p_value: FloatArray


def demand_drift(history: ArrayLike, *, periods_per_year: float = 52.0) -> DemandDrift:
    """Slow trend of each series of ``(n, periods)``, NaN where unusable.

    Raises
    ------
    ValueError
        If a usable period is negative or infinite, or `periods_per_year` is not at least 1.

    Examples
    --------
    >>> demand_drift([[1.0, 2.0, 3.0, 5.0]]).slope_per_period.round(3)
    array([1.3])
    """
    table = checked_history(history)
    if not 1.0 <= periods_per_year < np.inf:
        raise ValueError(f"periods_per_year must be at least 1, got {periods_per_year}")
    n = len(table)
    drift = DemandDrift(np.empty(n), np.empty(n), np.empty(n), np.empty(n))
    for block in blocks(table):
        _fill(drift, block, float(periods_per_year))
    return drift


def _fill(drift: DemandDrift, block: Block, periods_per_year: float) -> None:
    number, total, time = (np.zeros(block.series) for _ in range(3))
    for period, demand in enumerate(block.demand):
        number += block.observed(period)
        total += demand
        time += np.multiply(block.observed(period), float(period))
    some = np.maximum(number, 1.0)
    mean, middle = total / some, time / some
    spread, together, squares = (np.zeros(block.series) for _ in range(3))
    for period, demand in enumerate(block.demand):
        away = (period - middle) * block.observed(period)
        off = (demand - mean) * block.observed(period)
        spread += away * away
        together += away * off
        squares += off * off
    told = number >= 3.0
    slope = np.divide(together, spread, out=np.zeros_like(spread), where=told & (spread > 0.0))
    left = np.maximum(squares - slope * together, 0.0)
    # What the line leaves of equal or exactly straight values is rounding.
    floor = 1e-24 * (squares + mean * mean * some)
    error = np.sqrt(np.maximum(left, floor) / np.maximum(number - 2.0, 1.0) / np.where(spread > 0.0, spread, 1.0))
    known = told & (squares > floor)
    score = np.divide(slope, error, out=np.zeros_like(slope), where=known & (error > 0.0))
    rows = block.rows
    drift.slope_per_period[rows] = slope
    drift.relative_per_year[rows] = np.divide(
        slope * periods_per_year, mean, out=np.zeros_like(slope), where=mean > 0.0
    )
    drift.t_score[rows] = score
    drift.p_value[rows] = np.where(known, 2.0 * stdtr(np.maximum(number - 2.0, 1.0), -np.abs(score)), 1.0)
