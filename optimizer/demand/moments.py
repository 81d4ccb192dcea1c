"""Demand per item-site from its history: level, spread, class.

Rules
-----
1. A period that is NaN was not listed, or sold out: it is left out of every sum and does not age an interval.
2. Mean: smooth and erratic series by exponential smoothing with normalised weights (the start-up weight is shared out,
   so short histories are not ruled by their first value); intermittent and lumpy ones by the Syntetos-Boylan
   approximation, Croston's ratio times ``1 - smoothing / 2``, started with the first size and the first interval; those
   of them that have fallen silent beyond accident by TSB, whose probability decays (`optimizer.demand.obsolescence`).
3. Spread: variance over all usable periods (n - 1), hence with the zeros of an intermittent series. With a single
   usable period the mean stands in for the variance, as for Poisson.
4. Class: see `optimizer.demand.classes`.
5. Recursions run over periods, vectors over series in blocks that stay in cache; masks are arithmetic gates.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.arguments import FloatArray, IntArray, position
from optimizer.demand.classes import DemandClass, classify
from optimizer.demand.history import blocks, checked_history, precise, weight
from optimizer.demand.obsolescence import fallen_silent
from optimizer.demand.recursion import Recursion, recursion
from optimizer.demand.smoothing import SmoothedDemand, estimates, leveled


@dataclass(frozen=True)
class DemandMoments:
    """Demand of each series, shape ``(n,)`` throughout.

    Parameters
    ----------
    mean_per_day, sd_per_day
        Units per day; days are independent, so a period of d days has d times the variance of a day.
    demand_class
        int8 values of `DemandClass`.
    interval
        Usable periods per period with demand; infinite without demand.
    size_cv2
        Squared coefficient of variation of the positive sizes.
    periods
        Usable periods.
    """

    mean_per_day: FloatArray
    sd_per_day: FloatArray
    demand_class: NDArray[np.int8]
    interval: FloatArray
    size_cv2: FloatArray
    periods: IntArray


def demand_moments(history: ArrayLike, *, days_per_period: int = 7, smoothing: float = 0.1) -> DemandMoments:
    """Mean, spread and class of demand, per series.

    Parameters
    ----------
    history
        Shape ``(n, periods)``, units per period, oldest first, NaN where unusable.
    days_per_period
        Days in a period, at least 1.
    smoothing
        Weight of the newest observation, in (0, 1).

    Raises
    ------
    ValueError
        If a usable period is negative or infinite (returns belong elsewhere), or a parameter is out of range.

    Source
    ------
    Syntetos & Boylan (2005), Int. J. Forecasting 21; Syntetos, Boylan & Croston (2005), J. Oper. Res. Soc. 56;
    Teunter, Syntetos & Babai (2011), Eur. J. Oper. Res. 214.

    Examples
    --------
    >>> moments = demand_moments([[7.0, 7.0, 7.0, 7.0]])
    >>> moments.mean_per_day, moments.sd_per_day
    (array([1.]), array([0.]))
    """
    if days_per_period < 1:
        raise ValueError(f"days_per_period must be at least 1, got {days_per_period}")
    table = precise(checked_history(history), weight("smoothing", smoothing))
    n = len(table)
    moments = DemandMoments(
        *(np.empty(n), np.empty(n), np.empty(n, np.int8)), *(np.empty(n), np.empty(n), np.empty(n, np.int64))
    )
    for block in blocks(table):
        state = recursion(block, smoothing, smoothing, level=True, spread=True)
        estimate = estimates(block, state, smoothing, smoothing)
        smoothed = SmoothedDemand(level=leveled(block, state, smoothing), **vars(estimate))
        _fill(moments, block.rows, smoothed, state, days_per_period)
    return moments


def _fill(moments: DemandMoments, rows: slice, smoothed: SmoothedDemand, state: Recursion, days: int) -> None:
    periods, events = smoothed.periods, smoothed.events
    squares, size_cv2 = _spread(periods, events, state)
    interval = np.where(events > 0.0, periods / np.maximum(events, 1.0), np.inf)
    demand_class = classify(interval, size_cv2)
    mean = rate_by_class(demand_class, smoothed)
    variance = np.where(periods > 1.0, squares / np.maximum(periods - 1.0, 1.0), mean)
    moments.mean_per_day[rows] = mean / days
    moments.sd_per_day[rows] = np.sqrt(variance / days)
    moments.demand_class[rows] = demand_class
    moments.interval[rows] = interval
    moments.size_cv2[rows] = size_cv2
    moments.periods[rows] = periods


def rate_by_class(demand_class: ArrayLike, smoothed: SmoothedDemand) -> FloatArray:
    """Units per period by the estimate that suits each class, shape ``(n,)``.

    Smoothing for smooth and erratic demand, Syntetos-Boylan for intermittent and lumpy, TSB for those that are dying.

    Raises
    ------
    ValueError
        If `demand_class` has not one value of `DemandClass` per series.
    """
    kind = position("demand_class", demand_class, len(DemandClass))
    if kind.shape != smoothed.level.shape:
        raise ValueError(f"demand_class must have shape {smoothed.level.shape}, got {kind.shape}")
    sparse = np.where(fallen_silent(smoothed), smoothed.tsb, smoothed.sba)
    return np.where(kind <= DemandClass.ERRATIC, smoothed.level, sparse)


def _spread(periods: FloatArray, events: FloatArray, state: Recursion) -> tuple[FloatArray, FloatArray]:
    """Squared deviations over usable periods, and variation of the positive sizes.

    The sums are of deviations from the first size. A period without demand deviates by minus that size, which is known
    without looking, so what is left belongs to the sizes; zeros then add the variation between none and some.
    """
    first = state.first_size
    some, zeros = np.maximum(events, 1.0), periods - events
    deviation = state.deviation + zeros * first
    within = np.maximum(state.squares - zeros * first * first - deviation * deviation / some, 0.0)
    # What the subtraction leaves of equal sizes is rounding, not variation.
    within = np.where(within < 1e-12 * state.squares, 0.0, within)
    size = np.where(events > 0.0, first + deviation / some, 0.0)
    between = size * size * zeros * events / np.maximum(periods, 1.0)
    return within + between, within / some / np.where(size > 0.0, size * size, 1.0)
