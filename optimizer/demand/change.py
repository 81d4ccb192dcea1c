r"""Has demand changed, or is it noise? Two cumulative sums per series with a stated rate of false alarms.

Rules
-----
1. Every usable period is judged against the mean m and the variance v of the periods before it, so nothing is known in
   advance and a baseline of finite length is not mistaken for the truth.
2. A sum collects log-likelihood ratios of a shifted mean :math:`\rho m` against m, never falling below zero. With
   :math:`\kappa = m^2 / v`, a rise is scored under the gamma law, :math:`\kappa (x (1 - 1/\rho) / m - \log \rho)`,
   a fall under the scaled Poisson law, :math:`\kappa (x \log(\rho) / m - \rho + 1)`. Each is the law under which that
   side strays furthest by chance, so demand between the two (negative binomial, compound Poisson) alarms no oftener.
3. The shift looked for is one standard deviation of a period, at most a doubling or a halving.
4. A sum alarms at the height h at which its average run length is that asked for: Siegmund's approximation
   :math:`(e^b - b - 1) / I = ARL`, :math:`b = h + 1.166\,s`, with I and s the drift and the spread of a step. Rises and
   falls share the allowance equally.
5. One period alone never alarms: a step counts for little more than half the height, and what lies beyond that is not
   learnt either, or one wild period would make the ordinary ones after it look like a fall.
6. After an alarm everything starts anew from that period: the new level has to be learnt before it can be judged.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.arguments import BoolArray, FloatArray, IntArray
from optimizer.demand.history import Block, Demand, blocks, checked_history

_OVERSHOOT = 1.166
_LARGEST_STEP = 0.55
# Rates and heights follow the estimated variance once a quarter; the mean is followed every period.
_REFRESH = 13
_CAUTION = 1.0
_LEAST_EVENTS = 8.0


@dataclass(frozen=True)
class DemandChange:
    """The latest change of each series, shape ``(n,)``.

    Parameters
    ----------
    changed
        There was an alarm within the recent periods.
    alarm_period, change_period
        Index of the period of the latest alarm, and of the first period that belongs to the new level; -1 without one.
    direction
        1 for a rise, -1 for a fall, 0 without an alarm (int8).
    mean_before, mean_after
        Units per period: from the previous alarm (or the start) to the change, and from the change to the end; 0
        without an alarm.
    alarms
        Alarms over the whole record.
    """

    changed: BoolArray
    alarm_period: IntArray
    change_period: IntArray
    direction: NDArray[np.int8]
    mean_before: FloatArray
    mean_after: FloatArray
    alarms: IntArray


def demand_change(
    history: ArrayLike,
    *,
    false_alarms_per_year: float = 0.25,
    periods_per_year: float = 52.0,
    baseline_periods: int = 26,
    recent_periods: int = 13,
) -> DemandChange:
    """The latest change of level in each series, told from noise.

    Parameters
    ----------
    history
        Shape ``(n, periods)``, units per period, oldest first, NaN where unusable.
    false_alarms_per_year
        Alarms per series and year of unchanged demand, above 0 and at most a tenth of `periods_per_year`. Simulated
        over smooth, erratic, intermittent and lumpy demand the rate lies between a twelfth of this (rare sales, which
        are watched late) and this.
    periods_per_year
        Periods in a year, at least 1.
    baseline_periods
        Usable periods before the first judgement, and after an alarm before the next, at least 8; in
        any case until 8 periods with demand were seen.
    recent_periods
        How long ago an alarm may lie to count as `changed`, at least 1.

    Raises
    ------
    ValueError
        If a usable period is negative or infinite, or a parameter is out of range.

    Source
    ------
    Page (1954), Biometrika 41; Siegmund (1985), *Sequential Analysis*; Hawkins (1987), The Statistician 36
    (self-starting).
    """
    table = checked_history(history)
    if not periods_per_year >= 1.0:
        raise ValueError(f"periods_per_year must be at least 1, got {periods_per_year}")
    if not 0.0 < false_alarms_per_year <= periods_per_year / 10.0:
        raise ValueError(
            f"false_alarms_per_year must be in (0, {periods_per_year / 10:g}], got {false_alarms_per_year}"
        )
    if baseline_periods < 8 or recent_periods < 1:
        raise ValueError(
            "baseline_periods must be at least 8 and recent_periods at least 1, "
            f"got {baseline_periods} and {recent_periods}"
        )
    n = len(table)
    whole = (np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int8), np.zeros(n), np.zeros(n))
    alarm, change, direction, before, after = whole
    alarms = np.zeros(n, np.int64)
    run_length = 2.0 * periods_per_year / false_alarms_per_year
    for block in blocks(table):
        watch = _Watch(block, run_length, baseline_periods)
        for period in range(len(block.demand)):
            watch.see(period)
        rows = block.rows
        alarm[rows], change[rows], direction[rows], alarms[rows] = (
            watch.alarm,
            watch.change,
            watch.direction,
            watch.count,
        )
        before[rows], after[rows] = watch.means()
    recent = (alarm >= 0) & (alarm >= table.shape[1] - recent_periods)
    return DemandChange(recent, alarm, change, direction, before, after, alarms)


class _Side:
    """One cumulative sum per series: its design, its height, where it last left zero."""

    def __init__(self, series: int, run_length: float, *, rise: bool) -> None:
        self.rise, self.run_length = rise, run_length
        self.total = np.zeros(series)
        self.start = np.zeros(series, np.int64)
        self.slope, self.drift, self.height = np.zeros(series), np.zeros(series), np.full(series, np.inf)
        self.largest = np.full(series, np.inf)

    def design(self, kappa: FloatArray, known: BoolArray) -> None:
        """Steps ``slope * x / m - drift`` and the alarm height for the present estimate of m^2 / v."""
        sd = 1.0 / np.sqrt(kappa)
        ratio = 1.0 + np.minimum(sd, 1.0) if self.rise else 1.0 - np.minimum(sd, 0.5)
        log = np.log(ratio)
        # No evidence is gathered before there is a height to hold it against.
        weight = np.where(known, kappa, 0.0)
        self.slope = weight * ((1.0 - 1.0 / ratio) if self.rise else log)
        self.drift = weight * (log if self.rise else ratio - 1.0)
        fall = self.drift - self.slope
        bound = np.log1p(self.run_length * fall)
        for _ in range(4):
            bound = np.log1p(self.run_length * fall + bound)
        height = np.maximum(bound - _OVERSHOOT * np.abs(self.slope) * sd, 0.5 * bound)
        self.height = np.where(known, height, np.inf)
        self.largest = np.divide(
            self.drift + _LARGEST_STEP * height, self.slope, out=np.full_like(height, np.inf), where=known
        )

    def see(self, relative: FloatArray, judged: FloatArray, period: int) -> BoolArray:
        """Add a period's evidence; True where the sum is over its height."""
        step = self.slope * relative - self.drift
        np.minimum(step, _LARGEST_STEP * self.height, out=step)
        step *= judged
        self.total += step
        at_rest = self.total <= 0.0
        np.copyto(self.total, 0.0, where=at_rest)
        np.copyto(self.start, period + 1, where=at_rest)
        return self.total >= self.height

    def restart(self, where: BoolArray, period: int) -> None:
        self.total[where] = 0.0
        self.start[where] = period


class _Watch:
    """Both sums over a block, and what they have found."""

    def __init__(self, block: Block, run_length: float, baseline: int) -> None:
        k = block.series
        self.block, self.baseline = block, float(baseline)
        self.n, self.events, self.mean, self.squares = np.zeros(k), np.zeros(k), np.zeros(k), np.zeros(k)
        self.sides = (_Side(k, run_length, rise=True), _Side(k, run_length, rise=False))
        self.alarm, self.change = np.full(k, -1), np.full(k, -1)
        self.direction, self.count = np.zeros(k, np.int8), np.zeros(k, np.int64)
        self.origin, self.judged_from = np.zeros(k, np.int64), np.zeros(k, np.int64)

    def see(self, period: int) -> None:
        demand = self.block.demand[period].astype(np.float64)
        observed = self.block.observed(period)
        if period % _REFRESH == 0:
            self._design()
        known = self._known()
        relative = demand / np.where(known, self.mean, 1.0)
        judged = np.where(known, np.asarray(observed, dtype=np.float64), 0.0)
        over = [side.see(relative, judged, period) for side in self.sides]
        limit = np.where(known, self.sides[0].largest, np.inf)
        self._learn(np.minimum(demand, np.where(known, self.mean, 1.0) * limit), observed)
        for side, where, sign in zip(self.sides, over, (1, -1), strict=True):
            if where.any():
                self._raise(side, where, sign, period)

    def _known(self) -> BoolArray:
        # A rare item's baseline is as long as its events are few: a mean of two sales is no yardstick.
        return (self.n >= self.baseline) & (self.events >= _LEAST_EVENTS)

    def _design(self) -> None:
        known = self._known() & (self.squares > 0.0)
        some = np.maximum(self.n, 2.0)
        # A variance from few periods is more often too small than too large, and the mean has an error of its own.
        variance = self.squares / (some - 1.0) * (1.0 + _CAUTION / some)
        kappa = np.where(known, self.mean**2 / np.where(known, variance, 1.0), 1.0)
        for side in self.sides:
            side.design(kappa, known)

    def _learn(self, demand: FloatArray, observed: Demand | float) -> None:
        self.n += observed
        self.events += demand > 0.0
        off = (demand - self.mean) * observed
        self.mean += off / np.maximum(self.n, 1.0)
        self.squares += off * (demand - self.mean)

    def _raise(self, side: _Side, where: BoolArray, sign: int, period: int) -> None:
        self.origin[where] = self.judged_from[where]
        self.judged_from[where] = side.start[where]
        self.alarm[where], self.change[where], self.direction[where] = period, side.start[where], sign
        self.count += where
        for state in (self.n, self.events, self.mean, self.squares):
            state[where] = 0.0
        for each in self.sides:
            each.restart(where, period + 1)
            each.height[where] = np.inf

    def means(self) -> tuple[FloatArray, FloatArray]:
        """Mean before and after the latest change, over usable periods."""
        before, after = np.zeros(len(self.n)), np.zeros(len(self.n))
        found = np.flatnonzero(self.alarm >= 0)
        demand = self.block.demand[:, found].astype(np.float64)
        usable = np.ones_like(demand) if self.block.usable is None else self.block.usable[:, found]
        period = np.arange(len(demand))[:, None]
        new = period >= self.change[found]
        old = ~new & (period >= self.origin[found])
        for answer, part in ((before, old), (after, new)):
            total, number = np.zeros(found.size), np.zeros(found.size)
            for row, seen, mask in zip(demand, usable, part, strict=True):
                total += row * mask
                number += seen * mask
            answer[found] = total / np.maximum(number, 1.0)
        return before, after
