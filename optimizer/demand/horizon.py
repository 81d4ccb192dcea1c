"""Demand of the coming 28 days and 26 weeks, put together from level, factors, launch, end of life and known demand.

Rules
-----
1. Week = level x season x trend x promotion x sensed (weather, events ...). Its variance scales with the product of the
   factors to the power `variance_power`: 1 when a busier week is more customers, 2 when every customer buys more;
   between the two by Taylor's law.
2. A young item's weeks are those of its `LaunchForecast`, which has its own season; promotion and sensed factors apply.
3. The first four weeks are divided into days by the weekday profile; days are independent, so their variances add up.
4. End of life thins days and weeks; known demand joins last, by the rules of `known`: by day in the first 28, by week
   in the 22 after, the window across days only.
5. Days rule: the first four weeks are the sums of their days, mean and variance alike.
6. `level_cv2` is uncertainty of the height itself, the same for all days (young items). It does not average out, so
   `DemandPlan.over` adds it once over the whole interval, for the part of demand that is not known.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, non_negative, position, positive, same_length, shaped, whole
from optimizer.demand.end_of_life import RunOut
from optimizer.demand.known import KnownRows, join_known, unconsumed_share
from optimizer.demand.launch import LaunchForecast

DAYS = 28
WEEKS = 26
_DAY_WEEKS = DAYS // 7


@dataclass(frozen=True)
class IntervalDemand:
    """Demand over an interval of days, shape ``(n,)``, units and units squared."""

    mean: FloatArray
    variance: FloatArray


@dataclass(frozen=True)
class DemandPlan:
    """Demand of each series in the time ahead.

    Parameters
    ----------
    mean_per_day, variance_per_day
        Shape ``(n, 28)``, day 0 is today.
    mean_per_week, variance_per_week
        Shape ``(n, 26)``, week 0 starts today; the first four weeks are the sums of their days.
    known_per_day, known_per_week
        Same shapes, the certain part of the means.
    level_cv2
        Shape ``(n,)``, squared coefficient of variation that all days share (rule 6).
    """

    mean_per_day: FloatArray
    variance_per_day: FloatArray
    mean_per_week: FloatArray
    variance_per_week: FloatArray
    known_per_day: FloatArray
    known_per_week: FloatArray
    level_cv2: FloatArray

    def __post_init__(self) -> None:
        level = non_negative("level_cv2", self.level_cv2)
        shaped("level_cv2", level, same_length(level_cv2=level))
        for name, columns in (("day", DAYS), ("week", WEEKS)):
            for kind in ("mean", "variance", "known"):
                values = non_negative(f"{kind}_per_{name}", getattr(self, f"{kind}_per_{name}"))
                shaped(f"{kind}_per_{name}", values, len(level), columns)

    def over(self, first_day: ArrayLike, stop_day: ArrayLike) -> IntervalDemand:
        """Demand from `first_day` up to and without `stop_day`, each a number or ``(n,)`` of days in 0..182.

        Beyond day 28 a week's demand is spread evenly over its days.

        Raises
        ------
        ValueError
            If a day is out of range or an interval ends before it starts.
        """
        n = len(self.level_cv2)
        first, stop = (_days(name, day, n) for name, day in (("first_day", first_day), ("stop_day", stop_day)))
        if (stop < first).any():
            row = int(np.argmax(stop < first))
            raise ValueError(f"stop_day must not be before first_day at index ({row},): {stop[row]} < {first[row]}")
        mean = _between(self.mean_per_day, self.mean_per_week, first, stop)
        spread = _between(self.variance_per_day, self.variance_per_week, first, stop)
        open_part = np.maximum(mean - _between(self.known_per_day, self.known_per_week, first, stop), 0.0)
        return IntervalDemand(mean, spread + self.level_cv2 * open_part**2)


def demand_plan(
    level_per_week: ArrayLike,
    variance_per_week: ArrayLike,
    *,
    season: ArrayLike | None = None,
    trend: ArrayLike | None = None,
    promotion: ArrayLike | None = None,
    sensed: ArrayLike | None = None,
    weekday_profile: ArrayLike | None = None,
    launch: LaunchForecast | None = None,
    launch_series: ArrayLike | None = None,
    life: RunOut | None = None,
    known: KnownRows | None = None,
    backward_days: int = 0,
    forward_days: int = 0,
    variance_power: float = 1.5,
) -> DemandPlan:
    """Mean and variance of demand per day for 28 days and per week for 26 weeks.

    Parameters
    ----------
    level_per_week, variance_per_week
        Shape ``(n,)``, units and units squared of a week at factor 1.
    season, trend, promotion, sensed
        Shape ``(n, 26)``, factors, not negative; 1 when left out.
    weekday_profile
        Shape ``(7,)`` or ``(n, 7)``, relative demand of the days of a week that starts today, not negative; even when
        left out.
    launch, launch_series
        Forecast of young items for 26 weeks, and which series they are, shape ``(young,)``, each once.
    life
        End of life of all series, over 28 days and 26 weeks.
    known
        Known demand; what is due after 182 days is no part of the plan.
    backward_days, forward_days
        Consumption window of the known parts.
    variance_power
        In 1..2, rule 1.

    Raises
    ------
    ValueError
        If an array is negative, not finite or of another shape, a profile is all zero, or a number is out of range.

    Source
    ------
    Taylor (1961), Aggregation, variance and the mean, Nature 189 (power law of rule 1).

    Examples
    --------
    >>> plan = demand_plan([70.0], [49.0], weekday_profile=[1.0, 1.0, 1.0, 1.0, 1.0, 5.0, 0.0])
    >>> plan.mean_per_day[0, :7], plan.over(5, 9).mean
    (array([ 7.,  7.,  7.,  7.,  7., 35.,  0.]), array([49.]))
    """
    level, spread = non_negative("level_per_week", level_per_week), non_negative("variance_per_week", variance_per_week)
    n = same_length(level_per_week=level, variance_per_week=spread)
    shaped("level_per_week", level, n)
    shaped("variance_per_week", spread, n)
    if not 1.0 <= variance_power <= 2.0:
        raise ValueError(f"variance_power must be in 1..2, got {variance_power}")
    passing = _product(n, promotion=promotion, sensed=sensed)
    week_mean, week_variance = _scaled(level, spread, passing * _product(n, season=season, trend=trend), variance_power)
    level_cv2 = np.zeros(n)
    if launch is not None:
        young = _young(launch, launch_series, n)
        week_mean[young] = launch.mean_per_week * passing[young]
        week_variance[young] = launch.variance_per_week * _powered(passing[young], variance_power)
        level_cv2[young] = launch.level_cv2
    elif launch_series is not None:
        raise ValueError("launch_series needs the launch it belongs to")
    daily = _profile(weekday_profile, n)
    day_mean, day_variance = (_by_day(values, daily) for values in (week_mean, week_variance))
    if life is not None:
        shaped("life.day_factor", life.day_factor, n, DAYS)
        shaped("life.week_factor", life.week_factor, n, WEEKS)
        for by_day, by_week in ((day_mean, week_mean), (day_variance, week_variance)):
            by_day *= life.day_factor
            by_week *= life.week_factor
    known_day, known_week = np.broadcast_to(0.0, (n, DAYS)), np.broadcast_to(0.0, (n, WEEKS))
    if known is not None:
        known_day, known_week = np.zeros((n, DAYS)), np.zeros((n, WEEKS))
        later = slice(_DAY_WEEKS, WEEKS)
        _join(known, 0, 1, day_mean, day_variance, known_day, (backward_days, forward_days))
        _join(known, DAYS, 7, week_mean[:, later], week_variance[:, later], known_week[:, later], (0, 0))
        known_week[:, :_DAY_WEEKS] = _by_week(known_day)
    week_mean[:, :_DAY_WEEKS] = _by_week(day_mean)
    week_variance[:, :_DAY_WEEKS] = _by_week(day_variance)
    return DemandPlan(day_mean, day_variance, week_mean, week_variance, known_day, known_week, level_cv2)


def _product(n: int, **factors: ArrayLike | None) -> FloatArray:
    """Product of the factors given, shape ``(n, 26)``."""
    product = np.ones((n, WEEKS))
    for name, values in factors.items():
        if values is not None:
            factor = non_negative(name, values)
            shaped(name, factor, n, WEEKS)
            product *= factor
    return product


def _scaled(level: FloatArray, spread: FloatArray, factor: FloatArray, power: float) -> tuple[FloatArray, FloatArray]:
    return level[:, None] * factor, spread[:, None] * _powered(factor, power)


def _powered(factor: FloatArray, power: float) -> FloatArray:
    """The usual powers without the tenfold price of a general one."""
    if power == 1.5:
        return np.asarray(factor * np.sqrt(factor))
    return np.asarray(factor**power)


def _young(launch: LaunchForecast, launch_series: ArrayLike | None, n: int) -> IntArray:
    young = position("launch_series", [] if launch_series is None else launch_series, n)
    shaped("launch_series", young, len(launch.scale))
    shaped("launch.mean_per_week", launch.mean_per_week, len(launch.scale), WEEKS)
    if np.unique(young).size != young.size:
        raise ValueError(f"launch_series must name each series once, got {int(np.argmax(np.bincount(young)))} twice")
    return young


def _profile(weekday_profile: ArrayLike | None, n: int) -> FloatArray:
    """Shares of the days in a week, shape ``(n or 1, 7)``."""
    if weekday_profile is None:
        return np.full((1, 7), 1.0 / 7.0)
    profile = non_negative("weekday_profile", weekday_profile)
    profile = profile[None, :] if profile.ndim == 1 else profile
    shaped("weekday_profile", profile, 1 if len(profile) == 1 else n, 7)
    total = profile.sum(axis=1, keepdims=True)
    positive("weekday_profile, sum of a row,", total)
    return np.asarray(profile / total)


def _by_day(weeks: FloatArray, daily: FloatArray) -> FloatArray:
    """First four weeks divided into days."""
    return (weeks[:, :_DAY_WEEKS, None] * daily[:, None, :]).reshape(len(weeks), DAYS)


def _by_week(days: FloatArray) -> FloatArray:
    return np.asarray(days.reshape(len(days), _DAY_WEEKS, 7).sum(axis=2))


def _join(
    known: KnownRows,
    first_day: int,
    days_per_bucket: int,
    mean: FloatArray,
    variance: FloatArray,
    certain: FloatArray,
    window: tuple[int, int],
) -> None:
    """Known demand into mean and variance, in place; only series that have some are touched."""
    n, buckets = mean.shape
    tables = known.in_buckets(series=n, first_day=first_day, buckets=buckets, days_per_bucket=days_per_bucket)
    rows = np.flatnonzero((tables.part + tables.added).any(axis=1))
    forecast = mean[rows]
    joined = join_known(
        forecast, tables.part[rows], tables.added[rows], backward_days=window[0], forward_days=window[1]
    )
    mean[rows] = joined.total
    variance[rows] *= unconsumed_share(forecast, joined.unconsumed)
    certain[rows] = joined.known


def _days(name: str, day: ArrayLike, n: int) -> IntArray:
    days = whole(name, day)
    non_negative(name, days)
    if days.ndim:
        shaped(name, days, n)
    bad = np.flatnonzero(days > 7 * WEEKS)
    if bad.size:
        raise ValueError(f"{name} must be in 0..{7 * WEEKS} at index ({bad[0]},): {days.flat[bad[0]]}")
    return np.broadcast_to(days, (n,))


def _between(by_day: FloatArray, by_week: FloatArray, first: IntArray, stop: IntArray) -> FloatArray:
    """Sum over an interval of each row, as a difference of running totals."""
    start = np.zeros((len(by_day), 1))
    days = np.concatenate([start, np.cumsum(by_day, axis=1)], axis=1)
    weeks = np.concatenate([start, np.cumsum(by_week, axis=1)], axis=1)
    row = np.arange(len(by_day))

    def up_to(day: IntArray) -> FloatArray:
        week = np.minimum(day // 7, WEEKS - 1)
        even = weeks[row, week] + by_week[row, week] * (day - 7 * week) / 7.0
        return np.asarray(np.where(day <= DAYS, days[row, np.minimum(day, DAYS)], even))

    return np.maximum(up_to(stop) - up_to(first), 0.0)
