"""Demand of an item that is ending: full, then bleeding down, then nothing.

Rules
-----
1. Days count from today (0). The end is the last day on sale; past ends mean no demand at all, infinity means no end.
2. In the last `bleed_days` demand falls in equal steps: with k days left to sell, the last one included, the factor is
   ``min(1, k / (bleed_days + 1))``.
3. Customers leave independently, so the variance falls with the mean.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, non_negative, numbers, same_length, shaped


@dataclass(frozen=True)
class RunOut:
    """Share of normal demand that remains, in 0..1.

    Parameters
    ----------
    day_factor
        Shape ``(n, days)``, of each coming day.
    week_factor
        Shape ``(n, weeks)``, mean over the days of each coming week.
    """

    day_factor: FloatArray
    week_factor: FloatArray

    def __post_init__(self) -> None:
        day, week = non_negative("day_factor", self.day_factor), non_negative("week_factor", self.week_factor)
        shaped("day_factor", day, len(day) if day.ndim else None, None)
        shaped("week_factor", week, len(day), None)


@dataclass(frozen=True)
class RemainingDemand:
    """All demand from today to the end of life, shape ``(n,)``, units; the base of a last buy."""

    mean: FloatArray
    variance: FloatArray


def run_out(end_day: ArrayLike, *, bleed_days: int = 0, days: int = 28, weeks: int = 26) -> RunOut:
    """Factor on demand of each coming day and week.

    Parameters
    ----------
    end_day
        Shape ``(n,)``, last day on sale, days from today; negative is past, infinite is no end.
    bleed_days
        Days before the end in which demand falls, not negative.

    Raises
    ------
    ValueError
        If `end_day` holds NaN or is not flat, or a size is out of range.

    Examples
    --------
    >>> run_out([1.0, np.inf], bleed_days=1, days=3, weeks=1).day_factor
    array([[1. , 0.5, 0. ],
           [1. , 1. , 1. ]])
    """
    if days < 1 or weeks < 1:
        raise ValueError(f"days and weeks must be at least 1, got {days} and {weeks}")
    # No end is an end past every horizon, so that differences stay finite.
    end = np.minimum(_end(end_day, bleed_days), days + 7.0 * weeks + bleed_days)
    left = end[:, None] + 1.0 - np.arange(days)
    by_week = np.diff(-_selling_days(end[:, None] + 1.0 - 7.0 * np.arange(weeks + 1), bleed_days), axis=1) / 7.0
    return RunOut(np.clip(left / (bleed_days + 1.0), 0.0, 1.0), np.clip(by_week, 0.0, 1.0))


def remaining_demand(
    mean_per_day: ArrayLike, variance_per_day: ArrayLike, end_day: ArrayLike, *, bleed_days: int = 0
) -> RemainingDemand:
    """Demand until the end of life at a level mean; every series must have an end.

    Parameters
    ----------
    mean_per_day, variance_per_day, end_day
        Shape ``(n,)``; the end as in `run_out`, but not infinite.

    Raises
    ------
    ValueError
        If an array is negative (the end may be), not finite or of another length.
    """
    mean, variance = non_negative("mean_per_day", mean_per_day), non_negative("variance_per_day", variance_per_day)
    end = _end(end_day, bleed_days)
    if np.isinf(end).any():
        raise ValueError(f"end_day must be finite for demand to end, series {int(np.argmax(np.isinf(end)))} has none")
    same_length(mean_per_day=mean, variance_per_day=variance, end_day=end)
    days = _selling_days(end + 1.0, bleed_days)
    return RemainingDemand(mean * days, variance * days)


def _end(end_day: ArrayLike, bleed_days: int) -> FloatArray:
    """Last day as a whole number, infinite without an end."""
    if bleed_days < 0:
        raise ValueError(f"bleed_days must not be negative, got {bleed_days}")
    end = numbers("end_day", end_day)
    shaped("end_day", end, len(end) if end.ndim else None)
    bad = np.isnan(end) | np.isneginf(end)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"end_day must be a day or infinity at index ({row},): {end[row]}")
    return np.floor(end)


def _selling_days(left: FloatArray, bleed_days: int) -> FloatArray:
    """Sum of the factors over the last `left` days of life: k / (b + 1) summed up to b, then one for each day more."""
    bleed = float(bleed_days)
    some = np.clip(left, 0.0, bleed)
    return some * (some + 1.0) / (2.0 * (bleed + 1.0)) + np.maximum(left - bleed, 0.0)
