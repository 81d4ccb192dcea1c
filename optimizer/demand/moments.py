"""Demand per item-site from its history: level, spread, class.

Rules
-----
1. A period that is NaN was not listed, or sold out: it is left out of every sum and does not age an interval.
2. Mean: smooth and erratic series by exponential smoothing with normalised weights (the start-up weight is shared out,
   so short histories are not ruled by their first value); intermittent and lumpy ones by the Syntetos-Boylan
   approximation, Croston's ratio times ``1 - smoothing / 2``, started with the first size and the first interval.
3. Spread: variance over all usable periods (n - 1), hence with the zeros of an intermittent series. With a single
   usable period the mean stands in for the variance, as for Poisson.
4. Class: interval = usable periods / periods with demand, squared coefficient of variation of the sizes with n in the
   denominator; cuts 1.32 and 0.49, a value on the cut belongs to the wilder class.
5. Recursions run over periods, vectors over series in blocks that stay in cache; masks are arithmetic gates.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.arguments import FloatArray, IntArray

INTERVAL_CUT = 1.32
SIZE_CV2_CUT = 0.49
_BLOCK = 8192


class DemandClass(IntEnum):
    """Syntetos, Boylan & Croston (2005) classes, and no demand at all."""

    SMOOTH = 0
    ERRATIC = 1
    INTERMITTENT = 2
    LUMPY = 3
    NONE = 4


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


@dataclass(frozen=True)
class CrostonEstimate:
    """Smoothed size (units), interval (periods) and their ratio per series, shape ``(n,)``; 0 without demand."""

    size: FloatArray
    interval: FloatArray
    rate_per_period: FloatArray


@dataclass(frozen=True)
class _Block:
    """Periods by series: demand with zeros where unusable, and 1.0 where usable."""

    demand: FloatArray
    usable: FloatArray


def demand_moments(history: ArrayLike, *, days_per_period: int = 7, smoothing: float = 0.1) -> DemandMoments:
    """Mean, spread and class of demand, per series.

    Parameters
    ----------
    history
        Shape ``(n, periods)``, units per period, oldest first, NaN where unusable.
    days_per_period
        Days in a period, at least 1.
    smoothing
        Weight of the newest observation, in (0, 1].

    Raises
    ------
    ValueError
        If a usable period is negative or infinite (returns belong elsewhere), or a parameter is out of range.

    Source
    ------
    Syntetos & Boylan (2005), Int. J. Forecasting 21; Syntetos, Boylan & Croston (2005), J. Oper. Res. Soc. 56.

    Examples
    --------
    >>> moments = demand_moments([[7.0, 7.0, 7.0, 7.0]])
    >>> moments.mean_per_day, moments.sd_per_day
    (array([1.]), array([0.]))
    """
    table = _checked_history(history)
    if days_per_period < 1:
        raise ValueError(f"days_per_period must be at least 1, got {days_per_period}")
    _check_smoothing(smoothing)
    n = len(table)
    moments = DemandMoments(
        *(np.empty(n), np.empty(n), np.empty(n, np.int8)), *(np.empty(n), np.empty(n), np.empty(n, np.int64))
    )
    for start in range(0, n, _BLOCK):
        rows = slice(start, start + _BLOCK)
        _fill(moments, rows, _block(table[rows]), days_per_period, smoothing)
    return moments


def croston(history: ArrayLike, smoothing: float) -> CrostonEstimate:
    """Croston's estimate per series of ``(n, periods)``, started with the first size and the first interval.

    Examples
    --------
    >>> croston([[1, 0, 0, 0, 2, 0, 0]], 0.1).rate_per_period.round(6)
    array([0.846154])
    """
    table = _checked_history(history)
    _check_smoothing(smoothing)
    parts = [_croston(_block(table[i : i + _BLOCK]), smoothing) for i in range(0, len(table), _BLOCK)]
    size, interval = (np.concatenate([np.zeros(0), *(part[k] for part in parts)]) for k in (0, 1))
    return CrostonEstimate(size, interval, size / np.where(interval > 0.0, interval, 1.0))


def _check_smoothing(smoothing: float) -> None:
    if not 0.0 < smoothing <= 1.0:
        raise ValueError(f"smoothing must be in (0, 1], got {smoothing}")


def _checked_history(history: ArrayLike) -> NDArray[np.floating]:
    """The history as it came (float32 stays float32), refused when negative or infinite anywhere."""
    table = np.asarray(history)
    if not np.issubdtype(table.dtype, np.floating):
        table = table.astype(np.float64)
    if table.ndim != 2:
        raise ValueError(f"history must have shape (series, periods), got {table.shape}")
    if table.size:
        # fmin and fmax pass over NaN, so two sweeps without a temporary decide.
        low, high = np.fmin.reduce(table, axis=None), np.fmax.reduce(table, axis=None)
        if low < 0.0 or np.isinf(high):
            bad = (table < 0.0) | np.isinf(table)
            series, period = (int(i) for i in np.argwhere(bad)[0])
            value = table[series, period]
            raise ValueError(f"history must be finite and not negative: series {series}, period {period} holds {value}")
    return table


def _block(rows: NDArray[np.floating]) -> _Block:
    # A true copy even of a single series: the zeros below must not reach the caller's history.
    demand = np.array(rows.T, dtype=np.float64, order="C", copy=True)
    usable = (demand == demand).astype(np.float64)
    np.nan_to_num(demand, copy=False, nan=0.0)
    return _Block(demand, usable)


def _fill(moments: DemandMoments, rows: slice, block: _Block, days: int, smoothing: float) -> None:
    periods = block.usable.sum(axis=0)
    counted = np.maximum(periods, 1.0)
    events = np.count_nonzero(block.demand, axis=0).astype(np.float64)
    mean = block.demand.sum(axis=0) / counted
    squares = _squared_deviations(block, mean)
    interval = np.divide(periods, events, out=np.full_like(periods, np.inf), where=events > 0.0)
    size_cv2 = _size_cv2(mean, squares, periods, events)
    demand_class = classify(interval, size_cv2)
    size, gap = _croston(block, smoothing)
    sba = (1.0 - smoothing / 2.0) * size / np.maximum(gap, 1.0)
    rate = np.where(demand_class <= DemandClass.ERRATIC, _smoothed(block, smoothing), sba)
    variance = np.where(periods > 1.0, squares / np.maximum(periods - 1.0, 1.0), mean)
    moments.mean_per_day[rows] = rate / days
    moments.sd_per_day[rows] = np.sqrt(variance / days)
    moments.demand_class[rows] = demand_class
    moments.interval[rows] = interval
    moments.size_cv2[rows] = size_cv2
    moments.periods[rows] = periods


def classify(interval: FloatArray, size_cv2: FloatArray) -> NDArray[np.int8]:
    """Class per series from its interval (infinite: none) and the squared variation of its sizes."""
    code = (size_cv2 >= SIZE_CV2_CUT) + 2 * (interval >= INTERVAL_CUT)
    return np.where(np.isinf(interval), DemandClass.NONE, code).astype(np.int8)


def _squared_deviations(block: _Block, mean: FloatArray) -> FloatArray:
    """Sum of squared deviations from the mean, over usable periods, without forming squares of large levels."""
    total = np.zeros_like(mean)
    deviation = np.empty_like(mean)
    for demand, usable in zip(block.demand, block.usable, strict=True):
        np.subtract(demand, mean, out=deviation)
        deviation *= usable
        deviation *= deviation
        total += deviation
    return total


def _size_cv2(mean: FloatArray, squares: FloatArray, periods: FloatArray, events: FloatArray) -> FloatArray:
    """Variation of the positive sizes from that of all periods, by splitting the latter into within and between."""
    some = np.maximum(events, 1.0)
    size = mean * periods / some
    between = (periods - events) * mean * mean + events * (size - mean) ** 2
    within = np.maximum(squares - between, 0.0)
    # What the subtraction leaves of equal sizes is rounding, not variation.
    within[within < 1e-12 * squares] = 0.0
    return within / some / np.where(size > 0.0, size * size, 1.0)


def _smoothed(block: _Block, smoothing: float) -> FloatArray:
    """Exponentially weighted mean with weights that sum to one over the usable periods."""
    level = np.zeros(block.demand.shape[1])
    weight = np.zeros_like(level)
    keep = np.empty_like(level)
    for demand, usable in zip(block.demand, block.usable, strict=True):
        np.multiply(usable, -smoothing, out=keep)
        keep += 1.0
        level *= keep
        level += smoothing * demand
        weight *= keep
        weight += smoothing * usable
    return level / np.where(weight > 0.0, weight, 1.0)


def _croston(block: _Block, smoothing: float) -> tuple[FloatArray, FloatArray]:
    """Smoothed size and interval; zero before the first demand."""
    n = block.demand.shape[1]
    size, interval, since, started = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    gate, change = np.empty(n), np.empty(n)
    for demand, usable in zip(block.demand, block.usable, strict=True):
        since += usable
        event = np.sign(demand)
        # Full weight for the first event, `smoothing` for the later ones, none without an event.
        np.multiply(started, smoothing - 1.0, out=gate)
        gate += 1.0
        gate *= event
        np.subtract(demand, size, out=change)
        change *= gate
        size += change
        np.subtract(since, interval, out=change)
        change *= gate
        interval += change
        np.maximum(started, event, out=started)
        np.subtract(1.0, event, out=event)
        since *= event
    return size, interval


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
    table = _checked_history(history)
    if not 1 <= recent_periods < table.shape[1]:
        raise ValueError(f"recent_periods must be in 1..{table.shape[1] - 1}, got {recent_periods}")
    n = len(table)
    shift = DemandShift(np.empty(n), np.empty(n), np.empty(n))
    for start in range(0, n, _BLOCK):
        rows = slice(start, start + _BLOCK)
        _fill_shift(shift, rows, _block(table[rows]), recent_periods)
    return shift


def _fill_shift(shift: DemandShift, rows: slice, block: _Block, recent_periods: int) -> None:
    old = _Block(block.demand[:-recent_periods], block.usable[:-recent_periods])
    new = _Block(block.demand[-recent_periods:], block.usable[-recent_periods:])
    n_old, n_new = old.usable.sum(axis=0), new.usable.sum(axis=0)
    some_old, some_new = np.maximum(n_old, 1.0), np.maximum(n_new, 1.0)
    total_old, total_new = old.demand.sum(axis=0), new.demand.sum(axis=0)
    baseline, recent = total_old / some_old, total_new / some_new
    pooled = (total_old + total_new) / np.maximum(n_old + n_new, 1.0)
    variance = np.maximum(_squared_deviations(old, baseline) / np.maximum(n_old - 1.0, 1.0), pooled)
    error = np.sqrt(variance * (1.0 / some_old + 1.0 / some_new))
    known = (n_old >= 2.0) & (n_new >= 1.0) & (error > 0.0)
    shift.recent_mean_per_period[rows] = recent
    shift.baseline_mean_per_period[rows] = baseline
    shift.z_score[rows] = np.divide(recent - baseline, error, out=np.zeros_like(error), where=known)
