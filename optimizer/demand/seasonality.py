"""Multiplicative seasonality, pooled over product groups and shrunk by evidence.

Rules
-----
1. A year of one item-site is mostly noise, so its index is that of its group unless its own units say otherwise, and
   the group's that of its parent: everything, then each level from coarse to fine, then the series itself. At every
   step the index is ``(units sold + evidence × parent index) / (units expected + evidence)`` per season, the posterior
   mean of a gamma prior around the parent worth `evidence` units under Poisson sales.
2. Units expected are those of the level around each period: an exponentially weighted ratio of sales to index looking
   both ways, so a series that grows is not mistaken for one with a late season. Level and index are found in turns.
3. Periods that are NaN (not listed, sold out) count on neither side.
4. Older years weigh less, by `year_discount` a year. Indices of a series average to one over the seasons.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, non_negative, numbers

_ROUNDS = 3


@dataclass(frozen=True)
class SeasonalIndices:
    """Indices by season; column p belongs to the periods t of the history with ``t % season == p``.

    Parameters
    ----------
    index
        ``(n, season)``, factor on the level of each series, mean one along a row.
    by_level
        ``(levels + 1, n, season)``, not normalised: the index each series would have from everything, then from each
        group level; what the finer levels start from.
    """

    index: FloatArray
    by_level: FloatArray


def seasonal_indices(
    history: ArrayLike,
    groups: ArrayLike,
    *,
    season: int = 52,
    evidence: Sequence[float] = (20.0, 40.0, 80.0),
    year_discount: float = 0.7,
    level_discount: float = 0.9,
) -> SeasonalIndices:
    """Seasonal indices of each series.

    Parameters
    ----------
    history
        ``(n, periods)``, units per period, oldest first, NaN where unusable.
    groups
        ``(n, levels)``, code of the group of each series, coarse to fine, 0 and up; no level at all is allowed.
    season
        Periods in a year, at least 2.
    evidence
        Units the parent is worth for everything, for each group level and for the series itself: ``levels + 2``
        positive numbers.
    year_discount, level_discount
        Weight of a year against the next, and of a period against its neighbor in the level; in (0, 1].

    Raises
    ------
    ValueError
        If a usable period is negative or infinite, or a parameter is out of range.

    Source
    ------
    Pooling by group: Dalhart (1974) and Bunn & Vassilopoulos (1999), *Int. J. Forecasting* 15; the shrinkage is the
    gamma-Poisson posterior mean, Gelman et al., *Bayesian Data Analysis*, 3rd ed., ch. 2.

    Examples
    --------
    >>> seasonal_indices([[10.0, 30.0] * 40], np.zeros((1, 0)), season=2, evidence=(0.001, 0.001)).index.round(2)
    array([[0.5, 1.5]])
    """
    table = history_table("history", history)
    codes = group_codes("groups", groups, len(table))
    if season < 2:
        raise ValueError(f"season must be at least 2 periods, got {season}")
    worth = non_negative("evidence", list(evidence))
    if worth.shape != (len(codes) + 2,) or (worth == 0.0).any():
        raise ValueError(f"evidence must hold {len(codes) + 2} positive numbers for these groups, got {worth.tolist()}")
    for name, value in (("year_discount", year_discount), ("level_discount", level_discount)):
        if not 0.0 < value <= 1.0:
            raise ValueError(f"{name} must be in (0, 1], got {value}")
    return _indices(table, codes, season, worth, year_discount, level_discount)


def history_table(name: str, values: ArrayLike) -> FloatArray:
    """A history ``(n, periods)`` as float64; NaN is allowed, a negative or infinite entry is refused by position."""
    table = numbers(name, values)
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(f"{name} must have shape (series, periods) and hold something, got {table.shape}")
    bad = np.isinf(table) | (table < 0.0)
    if bad.any():
        series, period = (int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"{name} must be finite and not negative: index ({series}, {period}) holds {table[series, period]}"
        )
    return table


def group_codes(name: str, values: ArrayLike, n: int) -> list[IntArray]:
    """Columns of ``(n, any)`` group codes, renumbered from 0; what is no whole number >= 0 is refused by position."""
    table = numbers(name, values)
    if table.ndim != 2 or len(table) != n:
        raise ValueError(f"{name} must have shape ({n}, any number), got {table.shape}")
    bad = ~np.isfinite(table) | (table < 0.0) | (table != np.floor(table))
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{name} must be whole and not negative: index ({row}, {column}) holds {table[row, column]}")
    return [np.unique(column, return_inverse=True)[1] for column in table.T]


def _indices(
    table: FloatArray, codes: list[IntArray], season: int, evidence: FloatArray, year: float, level: float
) -> SeasonalIndices:
    n, periods = table.shape
    usable = ~np.isnan(table)
    sold = np.where(usable, table, 0.0)
    place = np.arange(periods) % season
    weight = year ** ((periods - 1 - np.arange(periods)) // season)
    found = np.ones((n, season))
    steps = [np.zeros(n, dtype=np.int64), *codes, np.arange(n)]
    by_level = np.ones((len(steps) - 1, n, season))
    around_sold = _around(sold, level)
    actual = _by_season(sold * weight, season)
    for _ in range(_ROUNDS):
        around_index = _around(found[:, place] * usable, level)
        base = np.divide(around_sold, around_index, out=np.zeros_like(sold), where=around_index > 0.0)
        expected = _by_season(base * usable * weight, season)
        parent = np.ones((n, season))
        for step, (code, worth) in enumerate(zip(steps, evidence, strict=True)):
            parent = (_summed(actual, code) + worth * parent) / (_summed(expected, code) + worth)
            if step < len(by_level):
                by_level[step] = parent
        found = parent / parent.mean(axis=1, keepdims=True)
    return SeasonalIndices(found, by_level)


def _around(values: FloatArray, discount: float) -> FloatArray:
    """Exponentially weighted sums that look both ways, the own period counted once."""
    total = np.zeros_like(values)
    for order in (range(values.shape[1]), range(values.shape[1] - 1, -1, -1)):
        running = np.zeros(len(values))
        for t in order:
            running = running * discount + values[:, t]
            total[:, t] += running
    return total - values


def _by_season(values: FloatArray, season: int) -> FloatArray:
    """Sums ``(n, season)`` over the years."""
    total = np.zeros((len(values), season))
    for start in range(0, values.shape[1], season):
        year = values[:, start : start + season]
        total[:, : year.shape[1]] += year
    return total


def _summed(values: FloatArray, code: IntArray) -> FloatArray:
    """Each row replaced by the sum over its group."""
    if code[-1] == len(code) - 1 and np.array_equal(code, np.arange(len(code))):
        return values
    total = np.zeros((int(code.max()) + 1, values.shape[1]))
    np.add.at(total, code, values)
    return np.asarray(total[code])
