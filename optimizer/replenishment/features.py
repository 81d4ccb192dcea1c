"""What is known of every series at one origin, for each of the next periods: a plain forecast and its circumstances.

Rules
-----
1. Only the history handed in is used: an origin is as good as its last period.
2. The plain forecast is level times seasonal index. Every other feature is a logarithm of a ratio to it or to the
   level, a share or a count, so one model can serve a series of 0.5 and one of 90 units a week.
3. Pools (stores, say) say whether everyone around sells above or below expectation just now; groups also what the
   finest group sold a year ago.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray
from optimizer.demand.seasonality import SeasonalIndices, group_codes, history_table, seasonal_indices
from optimizer.demand.trend import discounted_level

LEVEL_DISCOUNT = 0.93
_LONG_DISCOUNT = 0.97
_DISCOUNTS = (0.5, 0.7, 0.85, 0.97, 0.99)
_PRIOR_LEVEL, _PRIOR_PERIODS = 0.5, 0.6
_RECENT = 4
_QUARTER = 13


@dataclass(frozen=True)
class Origin:
    """All series at one origin.

    Parameters
    ----------
    base
        ``(n, horizon)``, plain forecast, units per period.
    features
        ``(n, horizon, features)``, no unit.
    """

    base: FloatArray
    features: FloatArray


def origin(
    history: ArrayLike,
    groups: ArrayLike,
    pools: ArrayLike,
    *,
    horizon: int = 3,
    season: int = 52,
    evidence: Sequence[float],
) -> Origin:
    """Plain forecast and features of the `horizon` periods after the history.

    Parameters
    ----------
    history
        ``(n, periods)``, units, oldest first, NaN where unusable; at least 13 periods.
    groups
        ``(n, levels)``, codes from coarse to fine, at least one level.
    pools
        ``(n, pools)``, codes of further neighborhoods; may have no column.
    horizon, season, evidence
        Periods ahead; periods of a year and evidence as in `seasonal_indices`.
    """
    table = history_table("history", history)
    if table.shape[1] < _QUARTER:
        raise ValueError(f"history must have at least {_QUARTER} periods, got {table.shape[1]}")
    if horizon < 1:
        raise ValueError(f"horizon must be at least 1, got {horizon}")
    levels = group_codes("groups", groups, len(table))
    if not levels:
        raise ValueError("groups must have at least one level")
    hoods = [np.zeros(len(table), dtype=np.int64), *levels, *group_codes("pools", pools, len(table))]
    seasonal = seasonal_indices(table, groups, season=season, evidence=evidence)
    now = _Now(table, seasonal, hoods)
    ahead = [now.ahead(step, levels[-1]) for step in range(horizon)]
    return Origin(np.stack([base for base, _ in ahead], axis=1), np.stack([f for _, f in ahead], axis=1))


class _Now:
    """The part that does not depend on how far ahead we look."""

    def __init__(self, table: FloatArray, seasonal: SeasonalIndices, hoods: list[IntArray]) -> None:
        self.table, self.seasonal = table, seasonal
        self.periods, self.season = table.shape[1], seasonal.index.shape[1]
        self.usable = ~np.isnan(table)
        self.sold = np.where(self.usable, table, 0.0)
        first = discounted_level(
            table, seasonal.index, discount=_LONG_DISCOUNT, prior_level=_PRIOR_LEVEL, prior=_PRIOR_PERIODS
        )
        self.level = self._level(LEVEL_DISCOUNT, first)
        self.index = np.maximum(seasonal.index, 1e-3)
        log_level = np.log(self.level)
        self.common = [np.log(self._level(d, first)) - log_level for d in _DISCOUNTS]
        self.common += [log_level, *self._recent(), *self._shape(), *self._neighborhoods(first, hoods)]

    def _level(self, discount: float, first: FloatArray) -> FloatArray:
        found = discounted_level(
            self.table, self.seasonal.index, discount=discount, prior_level=np.maximum(first, 1e-3), prior=1.0
        )
        return np.maximum(found, 1e-3)

    def _recent(self) -> list[FloatArray]:
        """Each of the last periods against its expectation."""
        answer = []
        for back in range(1, _RECENT + 1):
            t = self.periods - back
            expected = self.level * self.index[:, t % self.season]
            answer.append(np.where(self.usable[:, t], np.log((self.sold[:, t] + 0.5) / (expected + 0.5)), 0.0))
        return answer

    def _shape(self) -> list[FloatArray]:
        """Age, availability, share of periods with sales, time since the last, height of peaks."""
        t, sold, usable = self.periods, self.sold, self.usable
        year = slice(max(0, t - self.season), t)
        listed = np.where(usable.any(axis=1), usable.argmax(axis=1), t)
        sale = np.where(sold.any(axis=1), t - 1 - np.argmax(sold[:, ::-1] > 0.0, axis=1), -1)
        return [
            usable[:, -_RECENT:].mean(axis=1),
            usable[:, year].mean(axis=1),
            (sold[:, -_QUARTER:] > 0.0).mean(axis=1),
            np.log1p(np.minimum(t - listed, 2 * self.season)),
            np.log1p(np.minimum(t - 1 - sale, self.season)),
            np.log((sold[:, -_QUARTER:].max(axis=1) + 1.0) / (self.level + 1.0)),
            np.log((sold[:, year].max(axis=1) + 1.0) / (self.level + 1.0)),
        ]

    def _neighborhoods(self, level: FloatArray, hoods: list[IntArray]) -> list[FloatArray]:
        """Recent sales of everyone around against their expectation."""
        recent = np.arange(self.periods - _RECENT, self.periods)
        could = self.index[:, recent % self.season] * self.usable[:, recent]
        expected, sold = level * could.sum(axis=1), self.sold[:, recent].sum(axis=1)
        return [np.log((_pooled(code, sold) + 10.0) / (_pooled(code, expected) + 10.0)) for code in hoods]

    def ahead(self, step: int, finest: IntArray) -> tuple[FloatArray, FloatArray]:
        """Plain forecast and features of the period `step` after the next."""
        here = (self.periods + step) % self.season
        factor = self.index[:, here]
        base = self.level * factor
        log_factor = np.log(factor)
        features = [*self.common, log_factor, log_factor - np.log(self.index[:, (self.periods - 1) % self.season])]
        features += [np.log(self.index[:, (here + side) % self.season]) - log_factor for side in (-1, 1)]
        features += [np.log(np.maximum(level[:, here], 1e-3)) - log_factor for level in self.seasonal.by_level]
        features += [self._year_ago(step + side, base) for side in (-1, 0, 1)]
        sold, could = self._last_year(step)
        group_sold, group_base = _pooled(finest, sold), _pooled(finest, base * could)
        features += [np.log((group_sold + 2.0) / (group_base + 2.0)), np.full(len(base), float(step))]
        return base, np.stack(features, axis=1)

    def _last_year(self, step: int) -> tuple[FloatArray, FloatArray]:
        t = self.periods + step - self.season
        if not 0 <= t < self.periods:
            return np.zeros(len(self.level)), np.zeros(len(self.level))
        return self.sold[:, t], self.usable[:, t].astype(np.float64)

    def _year_ago(self, step: int, base: FloatArray) -> FloatArray:
        sold, could = self._last_year(step)
        return np.where(could > 0.0, np.log((sold + 1.0) / (base + 1.0)), 0.0)


def _pooled(code: IntArray, values: FloatArray) -> FloatArray:
    return np.asarray(np.bincount(code, values)[code])
