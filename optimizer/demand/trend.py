"""Level and damped trend of demand that has been freed from its season.

Rules
-----
1. Level: sales over seasonal index, both exponentially discounted, which weighs a period by what it could have sold;
   a thin series leans on its long-run level, worth `prior` periods. Periods that are NaN count on neither side.
2. Trend: damped, because an undamped one does not survive three months ahead; level and slope of the seasonally
   adjusted history in one pass, NaN periods carry the forecast on.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, non_negative
from optimizer.demand.seasonality import history_table


@dataclass(frozen=True)
class DampedTrend:
    """State of each series at the end of its history, units per period, shape ``(n,)``."""

    level: FloatArray
    slope: FloatArray
    damping: float

    def path(self, periods: int) -> FloatArray:
        """Level of the next `periods` periods, ``(n, periods)``, not below zero.

        Examples
        --------
        >>> DampedTrend(np.array([10.0]), np.array([2.0]), 0.5).path(2)
        array([[11. , 11.5]])
        """
        if periods < 1:
            raise ValueError(f"periods must be at least 1, got {periods}")
        grown = np.cumsum(self.damping ** np.arange(1, periods + 1))
        return np.maximum(self.level[:, None] + self.slope[:, None] * grown, 0.0)


def discounted_level(
    history: ArrayLike, seasonal_index: ArrayLike, *, discount: float, prior_level: ArrayLike, prior: float
) -> FloatArray:
    """Level of each series now, units per period at index one, shape ``(n,)``.

    ``(Σ wₜ salesₜ + prior · prior_level) / (Σ wₜ indexₜ + prior)`` with ``wₜ = discount`` to the age of the period.

    Parameters
    ----------
    history
        ``(n, periods)``, units, oldest first, NaN where unusable.
    seasonal_index
        ``(n, season)``; period t has index ``t % season``.
    discount
        Weight of a period against the next, in (0, 1].
    prior_level
        ``(n,)`` or a number, units per period.
    prior
        Periods the prior is worth, positive.

    Examples
    --------
    >>> discounted_level([[4.0, np.nan, 4.0]], [[1.0, 1.0]], discount=0.9, prior_level=4.0, prior=1.0)
    array([4.])
    """
    table, factor = history_table("history", history), non_negative("seasonal_index", seasonal_index)
    if factor.ndim != 2 or len(factor) != len(table) or factor.shape[1] == 0:
        raise ValueError(f"seasonal_index must have shape ({len(table)}, season), got {factor.shape}")
    _check_share("discount", discount)
    if not (np.isfinite(prior) and prior > 0.0):
        raise ValueError(f"prior must be positive and finite, got {prior}")
    start = non_negative("prior_level", prior_level)
    if start.shape not in ((), (len(table),)):
        raise ValueError(f"prior_level must be a number or have shape ({len(table)},), got {start.shape}")
    usable = ~np.isnan(table)
    sold, could = np.where(usable, table, 0.0), _stretched(factor, table.shape[1]) * usable
    weight = discount ** np.arange(table.shape[1] - 1, -1, -1)
    # Sums along rows, not a matrix product: its order of summation depends on the size of the block.
    return np.asarray(((sold * weight).sum(axis=1) + prior * start) / ((could * weight).sum(axis=1) + prior))


def damped_trend(
    history: ArrayLike,
    seasonal_index: ArrayLike,
    *,
    level_weight: float = 0.1,
    slope_weight: float = 0.02,
    damping: float = 0.9,
) -> DampedTrend:
    """Level and damped slope of each series of ``(n, periods)`` after its season is taken out.

    Source
    ------
    Gardner & McKenzie (1985), *Management Science* 31(10), error-correction form.
    """
    table, factor = history_table("history", history), non_negative("seasonal_index", seasonal_index)
    if factor.ndim != 2 or len(factor) != len(table) or factor.shape[1] == 0:
        raise ValueError(f"seasonal_index must have shape ({len(table)}, season), got {factor.shape}")
    for name, value in (("level_weight", level_weight), ("slope_weight", slope_weight), ("damping", damping)):
        _check_share(name, value)
    index = _stretched(factor, table.shape[1])
    usable = (~np.isnan(table)) & (index > 0.0)
    adjusted = np.divide(table, index, out=np.zeros_like(table), where=usable)
    level, slope, started = np.zeros(len(table)), np.zeros(len(table)), np.zeros(len(table))
    for value, gate in zip(adjusted.T, usable.T.astype(np.float64), strict=True):
        ahead = level + damping * slope
        error = value - ahead
        # Full weight for the first usable period, `level_weight` afterwards, none where unusable.
        level = ahead + gate * (1.0 + started * (level_weight - 1.0)) * error
        slope = damping * slope + gate * started * slope_weight * error
        started = np.maximum(started, gate)
    return DampedTrend(level, slope, damping)


def _stretched(factor: FloatArray, periods: int) -> FloatArray:
    return np.asarray(factor[:, np.arange(periods) % factor.shape[1]])


def _check_share(name: str, value: float) -> None:
    if not 0.0 < value <= 1.0:
        raise ValueError(f"{name} must be in (0, 1], got {value}")
