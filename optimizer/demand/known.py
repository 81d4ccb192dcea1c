"""Known future demand (orders, contracts, promotions, production needs) joined with the forecast, counted once.

Rules
-----
1. Known demand either *adds* to the forecast (it was never in the history) or is a *part* of it (the forecast already
   expects it). What adds is simply added.
2. A part consumes the forecast of its own day first, then of up to `backward_days` before it, nearest first, then of up
   to `forward_days` after it, nearest first. Own days are served before any window; later days after earlier ones.
3. What a part does not find in its window is demand beyond the forecast and raises the total. Without a window the
   demand of a day is therefore ``max(forecast, part) + added``.
4. Known demand is certain. Of the variance of a day the share stays that the unconsumed forecast has in the forecast,
   as for independent customers of whom some have already ordered.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import (
    BoolArray,
    FloatArray,
    IntArray,
    flags,
    non_negative,
    position,
    same_length,
    shaped,
    whole,
)


@dataclass(frozen=True)
class KnownRows:
    """Known demand as it is listed, one row per order line, contract call or planned need, shape ``(rows,)``.

    Parameters
    ----------
    series
        Which series wants it, from 0.
    day
        Day it is due, from 0 (today); what is overdue is due today.
    quantity
        Units, not negative.
    adds
        True: on top of the forecast; False: a part of it.
    """

    series: IntArray
    day: IntArray
    quantity: FloatArray
    adds: BoolArray

    def __post_init__(self) -> None:
        for name in ("series", "day"):
            values = whole(name, getattr(self, name))
            non_negative(name, values)
            object.__setattr__(self, name, values)
        object.__setattr__(self, "quantity", non_negative("quantity", self.quantity))
        object.__setattr__(self, "adds", flags("adds", self.adds))
        rows = same_length(series=self.series, day=self.day, quantity=self.quantity, adds=self.adds)
        for name in ("series", "day", "quantity", "adds"):
            shaped(name, getattr(self, name), rows)

    def in_buckets(self, *, series: int, first_day: int, buckets: int, days_per_bucket: int) -> "KnownDemand":
        """Sums per series and bucket; rows due outside the buckets are no part of them.

        Raises
        ------
        ValueError
            If a row names a series that does not exist, or a size is not positive.
        """
        if buckets < 1 or days_per_bucket < 1:
            raise ValueError(f"buckets and days_per_bucket must be at least 1, got {buckets} and {days_per_bucket}")
        row = position("series", self.series, series)
        bucket = (self.day - first_day) // days_per_bucket
        tables = []
        for kind in (~self.adds, self.adds):
            cells = kind & (bucket >= 0) & (bucket < buckets)
            flat = np.bincount(row[cells] * buckets + bucket[cells], self.quantity[cells], series * buckets)
            tables.append(flat.astype(np.float64).reshape(series, buckets))
        return KnownDemand(*tables)


@dataclass(frozen=True)
class KnownDemand:
    """Known units per series and day, shape ``(n, days)``: part of the forecast, and on top of it."""

    part: FloatArray
    added: FloatArray

    def __post_init__(self) -> None:
        part, added = non_negative("part", self.part), non_negative("added", self.added)
        shaped("part", part, len(part) if part.ndim else None, None)
        shaped("added", added, *part.shape)


@dataclass(frozen=True)
class JoinedDemand:
    """Forecast and known demand as one, shape ``(n, days)``, units.

    Parameters
    ----------
    total
        Known demand and what is left of the forecast.
    known
        The certain part of the total: parts and additions.
    unconsumed
        The uncertain part: forecast nobody has ordered yet.
    """

    total: FloatArray
    known: FloatArray
    unconsumed: FloatArray


def join_known(
    forecast: ArrayLike,
    part: ArrayLike,
    added: ArrayLike,
    *,
    backward_days: int = 0,
    forward_days: int = 0,
) -> JoinedDemand:
    """Demand of each day from its forecast and what is known of it, by the rules of this module.

    Parameters
    ----------
    forecast, part, added
        Shape ``(n, days)``, units, not negative. Any period does in place of a day.
    backward_days, forward_days
        Consumption window around the day a part is due, not negative.

    Raises
    ------
    ValueError
        If an array is negative, not finite or of another shape, or a window is negative.

    Source
    ------
    Vollmann, Berry, Whybark & Jacobs (2005), *Manufacturing Planning and Control for Supply Chain Management*, 5th ed.,
    ch. 4 and 6 (consuming the forecast by actual orders).

    Examples
    --------
    >>> join_known([[10.0, 10.0]], [[0.0, 14.0]], [[1.0, 0.0]]).total
    array([[11., 14.]])
    >>> join_known([[10.0, 10.0]], [[0.0, 14.0]], [[1.0, 0.0]], backward_days=1).total
    array([[ 7., 14.]])
    """
    expected, booked, extra = (
        non_negative(name, values) for name, values in (("forecast", forecast), ("part", part), ("added", added))
    )
    shaped("forecast", expected, len(expected) if expected.ndim else None, None)
    shaped("part", booked, *expected.shape)
    shaped("added", extra, *expected.shape)
    if backward_days < 0 or forward_days < 0:
        raise ValueError(f"windows must not be negative, got {backward_days} and {forward_days}")
    unconsumed = expected.copy()
    rows = np.flatnonzero(booked.any(axis=1))
    unconsumed[rows] = _consumed(expected[rows].T, booked[rows].T, backward_days, forward_days).T
    known = booked + extra
    return JoinedDemand(known + unconsumed, known, unconsumed)


def unconsumed_share(forecast: ArrayLike, unconsumed: ArrayLike) -> FloatArray:
    """Left of the forecast, in 0..1, elementwise: the share of the variance that stays (rule 4); 0 of nothing."""
    expected, left = non_negative("forecast", forecast), non_negative("unconsumed", unconsumed)
    shaped("unconsumed", left, *expected.shape)
    bad = left > expected * (1.0 + 1e-9)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"unconsumed must not exceed the forecast at index {where}: {left[where]}")
    return np.minimum(np.divide(left, expected, out=np.zeros_like(left), where=expected > 0.0), 1.0)


def _consumed(forecast: FloatArray, part: FloatArray, backward: int, forward: int) -> FloatArray:
    """Forecast left, days by series."""
    left, wanted = np.array(forecast, order="C"), np.array(part, order="C")
    take = np.minimum(left, wanted)
    left -= take
    wanted -= take
    days = len(left)
    for day in range(days):
        nearest_first = [*range(day - 1, max(day - backward, 0) - 1, -1), *range(day + 1, min(day + forward + 1, days))]
        if not nearest_first or not wanted[day].any():
            continue
        for other in nearest_first:
            taken = np.minimum(left[other], wanted[day])
            left[other] -= taken
            wanted[day] -= taken
    return left
