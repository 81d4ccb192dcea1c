"""Seasons of product groups, learnt once from the whole network.

Rules
-----
1. A group's week is what its series sold in it over what they sell on average, series weighted by how steady they are
   (inverse squared coefficient of variation, bounded). Unit and height of a series do not matter; weeks that are
   unknown, sold out or disturbed by a promotion count on neither side.
2. A season needs a second year to be told from noise: the noise of a group's week is taken from the difference to the
   same week a year before, its growth from the mean of those differences. A group whose weeks differ no more than by
   that noise is level. What a week is worth as evidence is one over the variance, so that a noisy group leans on its
   family, and a noisy family on everything.
3. Weeks of the index follow the weeks of the history: column p belongs to its weeks p, p + 52, ...
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from inventory.demand_history import DemandHistory
from optimizer.demand.seasonality import seasonal_indices
from tools.columns import BoolArray, FloatArray, IntArray
from tools.forecast_groups import STEP, Groups, group_sums, whole_sums

SEASON = 52
"""Weeks in a year."""
DIP_WEEKS = 2
"""Weeks after a promotion in which demand may be depressed."""
PRIOR_EVIDENCE = (40.0, 40.0, 80.0)
"""What no season at all, the network's season and the family's are worth: inverse variances of an index."""
_LEAST_WEEKS = 26
"""Weeks a series must be known for, and weeks that must be known in both years."""
_BEYOND_CHANCE = 1.6
"""Ratio of the variance between weeks to that of chance which one group in twenty without a season would show (F)."""
_BLOCK_ROWS = 8_192
_STEADIEST = 0.04
"""Squared coefficient of variation under which a series counts no more."""
_MOST_EVIDENCE = 400.0
_NO_SEASON = 0.01
"""An index that moves less than this all year is none."""


@dataclass(frozen=True)
class Seasons:
    """Seasonal index of each group, shape ``(groups, 52)``, mean one along a row; ones where there is no season."""

    index: FloatArray

    @property
    def any(self) -> bool:
        """Whether any group has a season."""
        return bool((self.index != 1.0).any())

    def history(self, group: IntArray, weeks: int) -> FloatArray:
        """Index in each week of the history, shape ``(n, weeks)``."""
        return np.asarray(self.index[np.ix_(group, np.arange(weeks) % SEASON)])

    def ahead(self, group: IntArray, weeks: int, *, past_weeks: int, days_into_week: int) -> FloatArray:
        """Index in each week of the plan, whose weeks start today rather than on a Monday.

        Parameters
        ----------
        weeks
            Weeks of the plan.
        past_weeks
            Weeks of the history.
        days_into_week
            Days since the Monday after the history's last week.
        """
        first = past_weeks + days_into_week // 7 + np.arange(weeks)
        late = (days_into_week % 7) / 7.0
        by_group = (1.0 - late) * self.index[:, first % SEASON] + late * self.index[:, (first + 1) % SEASON]
        return np.asarray(by_group[group])


def learn_seasons(sums: Iterable[FloatArray], groups: Groups) -> Seasons:
    """Seasons of all groups from the `relative_sums` of the whole network, in whatever parts it comes."""
    sold: FloatArray | None = None
    for part in sums:
        sold = part if sold is None else sold + part
    none = Seasons(np.ones((groups.count, SEASON)))
    if sold is None or not sold.any():
        return none
    half = sold.shape[1] // 2
    known = sold[:, half:] > 0.0
    ratio = np.divide(sold[:, :half], sold[:, half:], out=np.full_like(known, np.nan, np.float64), where=known)
    seen = _seen(ratio)
    if not seen.evidence.any():
        return none
    # A group too young to tell brings no weeks of its own and follows its family.
    weighted = np.where(seen.evidence[:, None] > 0.0, seen.ratio, np.nan) * seen.evidence[:, None]
    found = seasonal_indices(
        weighted, groups.families[:, None], season=SEASON, evidence=PRIOR_EVIDENCE, level_discount=1.0
    ).index
    flat = np.abs(found - 1.0).max(axis=1) < _NO_SEASON
    found[flat] = 1.0
    return Seasons(found)


def after_promotion(promoted: BoolArray, weeks: int = DIP_WEEKS) -> BoolArray:
    """Weeks in which no promotion runs but one did within so many weeks before."""
    after = np.zeros_like(promoted)
    for lag in range(1, weeks + 1):
        after[:, lag:] |= promoted[:, :-lag]
    return after & ~promoted


def relative_sums(history: DemandHistory, groups: Groups) -> FloatArray:
    """Weighted sums per group and week: sold over average, and the weights themselves, side by side."""
    group = groups.numbers(history.keys)
    total = np.zeros((groups.count, 2 * history.weekly.shape[1]))
    for start in range(0, len(group), _BLOCK_ROWS):
        rows = start + np.flatnonzero(group[start : start + _BLOCK_ROWS] >= 0)
        total += _sums_of_block(history, rows, group[rows], groups.count)
    return total


def _sums_of_block(history: DemandHistory, rows: IntArray, group: IntArray, groups: int) -> FloatArray:
    table = history.weekly[rows].astype(np.float64)
    promoted = history.promotion[rows]
    usable = ~(np.isnan(table) | history.censored[rows] | promoted)
    if promoted.any():
        usable &= ~after_promotion(promoted)
    table[~usable] = 0.0
    count = usable.sum(axis=1)
    mean = table.sum(axis=1) / np.maximum(count, 1)
    counted = (count >= _LEAST_WEEKS) & (mean > 0.0)
    scale = np.where(counted, 1.0 / np.where(counted, mean, 1.0), 0.0)
    cv2 = np.einsum("ij,ij->i", table, table) * scale**2 / np.maximum(count, 1) - 1.0
    weight = np.where(counted, 1.0 / (np.maximum(cv2, 0.0) + _STEADIEST), 0.0)
    table *= (scale * weight)[:, None]
    weights = np.rint(weight / STEP) * STEP
    sold = group_sums(table, group, groups)
    return np.concatenate([sold, whole_sums(usable, weights, group, groups)], axis=1)


@dataclass(frozen=True)
class _Seen:
    """What each group shows: its weeks free of growth, ``(groups, weeks)``, and what one of them is worth."""

    ratio: FloatArray
    evidence: FloatArray
    """Inverse variance of a week; 0 where there is no second year."""


def _seen(ratio: FloatArray) -> _Seen:
    """Growth, noise and season told apart by what differs between two years and between the weeks of both."""
    groups, weeks = ratio.shape
    if weeks <= SEASON:
        return _Seen(ratio, np.zeros(groups))
    earlier, later = ratio[:, :-SEASON], ratio[:, SEASON:]
    both = ~np.isnan(earlier + later)
    pairs = both.sum(axis=1)
    growth = _mean(later - earlier, both)
    noise = _mean((later - earlier - growth[:, None]) ** 2, both) * pairs / np.maximum(pairs - 1, 1) / 2.0
    free = np.maximum(ratio - growth[:, None] * (np.arange(weeks) - (weeks - 1) / 2.0) / SEASON, 0.0)
    typical = (free[:, :-SEASON] + free[:, SEASON:]) / 2.0
    between = _mean((typical - _mean(typical, both)[:, None]) ** 2, both) * pairs / np.maximum(pairs - 1, 1)
    level = (between <= _BEYOND_CHANCE * noise / 2.0)[:, None] & ~np.isnan(free)
    told = pairs >= _LEAST_WEEKS
    return _Seen(
        np.where(level, 1.0, free), np.where(told, np.minimum(1.0 / np.maximum(noise, 1e-9), _MOST_EVIDENCE), 0.0)
    )


def _mean(values: FloatArray, counted: BoolArray) -> FloatArray:
    """Mean of the counted weeks of each group."""
    return np.asarray(np.where(counted, values, 0.0).sum(axis=1) / np.maximum(counted.sum(axis=1), 1))
