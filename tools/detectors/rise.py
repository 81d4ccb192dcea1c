"""Demand that has lately risen: told from chance at a stated rate, with its pace and the chance that it goes on.

Rules
-----
1. The last weeks are read back from today in stretches: the last week, the last two, three and four, each with and
   without the days since; those days alone once there are four. In a mean of four weeks a rise of ten days is lost.
2. A stretch is judged against the weeks before the last four, whose mean is not known exactly either, under the gamma
   law: it is more skewed than Poisson or negative binomial counts of that mean and variance.
3. A rise is a stretch whose weeks all lie above the old level and that is less likely than `CHANCE` if demand were as
   before. Looked at daily, unchanged demand of 2 to 90 units a week, of variance one to five times its mean, is said to
   have risen in at most `FALSE_RISES_PER_WEEK` of item-sites a week (simulated: `tests/tools/test_rise.py`).
4. The least likely stretch gives the pace. Of one week or less it may as well be one wild week: it goes on with chance
   `ALONE`, unless change detection has alarmed as well.
5. Season and promotions are taken out first, as in the forecast, and season is put back for the days ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.laws.demand_law import exceedance
from tools.columns import BoolArray, FloatArray, IntArray
from tools.detectors.scan import Scan
from tools.forecast_promotion import factors

WEEKS = 4
"""Weeks read back."""
CHANCE = 0.0002
"""Of a stretch of at least so many units, were demand as before."""
FALSE_RISES_PER_WEEK = 0.0025
"""Of item-sites whose demand is as before, at most."""
LEAST_DAYS = 4
"""Days since the last complete week that say something by themselves."""
LEAST_WEEKS = 13
"""Weeks that make an old level."""
ALONE = 0.5


@dataclass(frozen=True)
class Rise:
    """Rows whose demand has risen far enough to empty the shelf within the window, shape ``(k,)`` throughout."""

    row: IntArray
    pace: FloatArray
    """Units a day ahead."""
    lasts: FloatArray
    """Chance that the pace goes on."""

    @classmethod
    def of(cls, scan: Scan) -> Rise:
        """The rises among the rows of a scan."""
        outlook, change = scan.outlook, scan.signals.change
        rows = _could_matter(scan)
        if not rows.size:
            return cls(rows, np.zeros(0), np.zeros(0))
        sold = Stretches.of(
            _usual_weeks(scan, rows), scan.signals.shelf.sold_since[rows], scan.signals.shelf.days_since
        )
        best = np.argmin(sold.chance, axis=1)[:, None]
        chance, units, weeks = (
            np.take_along_axis(each, best, axis=1)[:, 0] for each in (sold.chance, sold.units, sold.weeks)
        )
        usual, level = outlook.demand.mean_per_day[rows], outlook.forecast.level.mean_per_day[rows]
        season = np.divide(usual, level, out=np.ones_like(usual), where=level > 0.0)
        pace = units / np.maximum(weeks, 1.0 / 7.0) / 7.0 * season
        confirmed = (weeks > 1.0) | (change.alarmed & (change.direction > 0))[rows]
        risen = np.flatnonzero((chance < CHANCE) & (pace > usual))
        return cls(rows[risen], pace[risen], np.where(confirmed, 1.0, ALONE)[risen])


@dataclass(frozen=True)
class Stretches:
    """Recent demand of each row by stretch, shape ``(k, stretches)`` throughout."""

    units: FloatArray
    weeks: FloatArray
    """Usable weeks of the stretch, days as parts of one."""
    chance: FloatArray
    """Of so many units at the old level; 1 where a week lies below it, or where there is no old level."""

    @classmethod
    def of(cls, history: FloatArray, sold: FloatArray, days: int) -> Stretches:
        """The stretches of some histories.

        Parameters
        ----------
        history
            Shape ``(k, weeks)``, units a week, NaN where unusable.
        sold, days
            Units since the last complete week, shape ``(k,)``, and days since.
        """
        before, last = history[:, :-WEEKS], history[:, : -WEEKS - 1 : -1]
        seen = np.isfinite(before).sum(axis=1)[:, None]
        mean = np.nansum(before, axis=1)[:, None] / np.maximum(seen, 1)
        variance = np.maximum(np.nansum((before - mean) ** 2, axis=1)[:, None] / np.maximum(seen - 1, 1), mean)
        usable = np.isfinite(last)
        above = np.logical_and.accumulate(~usable | (last > mean), axis=1)
        units, weeks = np.cumsum(np.where(usable, last, 0.0), axis=1), np.cumsum(usable, axis=1).astype(np.float64)
        if days:
            since, part = sold[:, None], days / 7.0
            rising = since > part * mean
            alone = rising & (days >= LEAST_DAYS)
            above = np.concatenate([above, above & rising, alone], axis=1)
            units = np.concatenate([units, units + since, since], axis=1)
            weeks = np.concatenate([weeks, weeks + part, np.full_like(since, part)], axis=1)
        judged = above & (weeks > 0.0) & (seen >= LEAST_WEEKS) & (mean > 0.0)
        spread = variance * (weeks + weeks**2 / np.maximum(seen, 1))
        chance = np.ones_like(units)
        # Half a unit: counts read as a continuous law.
        level = np.maximum(units - 0.5, 0.0)[judged]
        chance[judged] = exceedance(level, (weeks * mean)[judged], spread[judged], "gamma")
        return cls(units, weeks, chance)


def _could_matter(scan: Scan) -> IntArray:
    """Rows that one of the last weeks, going on, would empty within the window."""
    outlook, shelf = scan.outlook, scan.signals.shelf
    last = np.nan_to_num(outlook.arrays.history[:, -WEEKS:]).max(axis=1) / 7.0
    highest = np.maximum(last, shelf.sold_since / max(shelf.days_since, 1))
    risen: BoolArray = outlook.planned & (highest > outlook.demand.mean_per_day)
    return np.flatnonzero(risen & (np.maximum(outlook.arrays.free, 0.0) < highest * outlook.window_days))


def _usual_weeks(scan: Scan, rows: IntArray) -> FloatArray:
    """Histories without season, promoted weeks left out."""
    arrays = scan.outlook.arrays
    history = np.asarray(arrays.history[rows], dtype=np.float64)
    history[arrays.inputs.promoted[rows]] = np.nan
    return np.asarray(history / factors(arrays.inputs.seasons, arrays.inputs.group[rows], history.shape[1]))
