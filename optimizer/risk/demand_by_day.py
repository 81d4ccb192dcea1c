"""Demand by day and up to each day, the same every day or with its own moments per day."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, non_negative, same_length


@dataclass(frozen=True)
class DailyDemand:
    """Mean and variance of each day's demand, days independent, and demand known for certain on top.

    Parameters
    ----------
    mean, variance
        Shape ``(n, 1)`` (every day alike) or ``(n, horizon_days)``, units and units squared.
    known
        Shape ``(n, horizon_days)``, units, or None.
    horizon_days
        Days looked at.
    """

    mean: FloatArray
    variance: FloatArray
    known: FloatArray | None
    horizon_days: int

    def moments_until(self, rows: IntArray | slice) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of demand up to and including each day, each ``(len(rows), horizon_days)``."""
        return self._until(self.mean[rows]), self._until(self.variance[rows])

    def known_until(self, rows: IntArray | slice) -> FloatArray | float:
        """Known demand up to and including each day; zero when there is none."""
        return 0.0 if self.known is None else np.cumsum(self.known[rows], axis=1)

    def of_day(self, day: int, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of one day, each ``(len(rows),)``."""
        column = 0 if self.mean.shape[1] == 1 else day
        return self.mean[rows, column], self.variance[rows, column]

    def moments_to(self, day: int, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of demand up to and including one day, each ``(len(rows),)``."""
        if self.same_every_day:
            return self.mean[rows, 0] * (day + 1.0), self.variance[rows, 0] * (day + 1.0)
        return self.mean[rows, : day + 1].sum(axis=1), self.variance[rows, : day + 1].sum(axis=1)

    def known_on(self, day: int, rows: IntArray) -> FloatArray | None:
        """Known demand of one day, None when there is none at all."""
        return None if self.known is None else self.known[rows, day]

    @property
    def same_every_day(self) -> bool:
        """Whether one pair of moments serves all days."""
        return bool(self.mean.shape[1] == 1)

    def take(self, rows: IntArray) -> "DailyDemand":
        """The demand of the given rows."""
        known = None if self.known is None else self.known[rows]
        return DailyDemand(self.mean[rows], self.variance[rows], known, self.horizon_days)

    def _until(self, values: FloatArray) -> FloatArray:
        if values.shape[1] == 1:
            return values * np.arange(1.0, self.horizon_days + 1.0)
        return np.cumsum(values, axis=1)


def daily_demand(
    n: int, mean_per_day: ArrayLike, sd_per_day: ArrayLike, known_demand: ArrayLike | None, horizon_days: int
) -> DailyDemand:
    """Checked demand of `n` series; see `project_stock` for the shapes."""
    if horizon_days < 1:
        raise ValueError(f"horizon_days must be at least 1, got {horizon_days}")
    mean = _by_day("mean_per_day", mean_per_day, n, horizon_days)
    variance = _by_day("sd_per_day", sd_per_day, n, horizon_days) ** 2
    if mean.shape != variance.shape:
        shape = (n, horizon_days)
        mean, variance = np.broadcast_to(mean, shape), np.broadcast_to(variance, shape)
    if known_demand is None:
        return DailyDemand(mean, variance, None, horizon_days)
    known = non_negative("known_demand", known_demand)
    if known.shape != (n, horizon_days):
        raise ValueError(f"known_demand must have shape {(n, horizon_days)}, got {known.shape}")
    return DailyDemand(mean, variance, known, horizon_days)


def _by_day(name: str, values: ArrayLike, n: int, horizon_days: int) -> FloatArray:
    array = non_negative(name, values)
    if array.ndim == 1:
        same_length(**{"on_hand": np.empty(n), name: array})
        return array[:, None]
    if array.shape != (n, horizon_days):
        raise ValueError(f"{name} must have shape ({n},) or {(n, horizon_days)}, got {array.shape}")
    return array
