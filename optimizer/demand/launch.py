"""Demand of an item too young for a history: the first weeks of an older item like it, at the new item's own height.

Rules
-----
1. Scale = (units seen + shrinkage x typical analog week x prior scale) / (analog units in the same weeks + shrinkage x
   typical analog week). Nothing seen gives the prior scale (a planner's judgement; 1 without one), every week
   seen moves it towards what was seen.
2. Forecast = scale x the analog's week of the same age. Past the end of the analog's curve its last weeks' mean holds.
3. The scale is uncertain in the same direction for all weeks. Its squared coefficient of variation starts at that of
   analog forecasts and falls in proportion to what the prior still counts for. It is kept apart from the noise of
   single weeks, since it does not average out over a lead time.
4. Weeks not observed (NaN) in either item leave both sums of rule 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, non_negative, observed, positive, same_length, shaped, whole

LAUNCH_DAYS = 90
"""Age below which an item is forecast by analog."""
MATURE_WEEKS = 4
"""Weeks at the end of a curve whose mean holds afterwards."""


@dataclass(frozen=True)
class LaunchForecast:
    """Demand of young items in the coming weeks.

    Parameters
    ----------
    mean_per_week, variance_per_week
        Shape ``(n, weeks)``; the variance is that of single weeks at the given scale, independent from week to week.
    scale
        Shape ``(n,)``, height of the new item over its analog.
    level_cv2
        Shape ``(n,)``, squared coefficient of variation of the scale, shared by all weeks: over any set of weeks it
        adds ``level_cv2 x mean²`` to the variance.
    """

    mean_per_week: FloatArray
    variance_per_week: FloatArray
    scale: FloatArray
    level_cv2: FloatArray

    def __post_init__(self) -> None:
        mean, variance = (non_negative(name, getattr(self, name)) for name in ("mean_per_week", "variance_per_week"))
        scale, level_cv2 = non_negative("scale", self.scale), non_negative("level_cv2", self.level_cv2)
        same_length(mean_per_week=mean, variance_per_week=variance, scale=scale, level_cv2=level_cv2)
        shaped("mean_per_week", mean, len(scale), None)
        shaped("variance_per_week", variance, *mean.shape)


def first_weeks(history: ArrayLike, launch_week: ArrayLike, *, weeks: int) -> FloatArray:
    """First `weeks` of each series from its launch, shape ``(n, weeks)``, NaN after the end of the record.

    Parameters
    ----------
    history
        Shape ``(n, periods)``, units per week, oldest first, NaN where not observed.
    launch_week
        Shape ``(n,)``, column of the first week on sale, in ``range(periods)``.

    Raises
    ------
    ValueError
        If a launch lies outside the record, or an array is of another shape.
    """
    table = observed("history", history)
    shaped("history", table, len(table) if table.ndim else None, None)
    first = whole("launch_week", launch_week)
    non_negative("launch_week", first)
    shaped("launch_week", first, len(table))
    if (first >= table.shape[1]).any():
        row = int(np.argmax(first >= table.shape[1]))
        raise ValueError(f"launch_week must be in 0..{table.shape[1] - 1} at index ({row},): {first[row]}")
    if weeks < 1:
        raise ValueError(f"weeks must be at least 1, got {weeks}")
    column = first[:, None] + np.arange(weeks)
    inside = column < table.shape[1]
    values = np.take_along_axis(table, np.minimum(column, table.shape[1] - 1), axis=1).astype(np.float64)
    return np.where(inside, values, np.nan)


def launch_forecast(
    seen: ArrayLike,
    age_weeks: ArrayLike,
    analog: ArrayLike,
    *,
    weeks: int = 26,
    prior_scale: ArrayLike = 1.0,
    noise_cv2: ArrayLike = 0.5,
    analog_cv: float = 0.5,
    shrinkage: float = 4.0,
) -> LaunchForecast:
    """Forecast of young items from the launch curves of their analogs.

    Parameters
    ----------
    seen
        Shape ``(n, longest age)``, units in each week since launch, NaN where not observed; weeks beyond an item's age
        do not count. As of `first_weeks`.
    age_weeks
        Shape ``(n,)``, full weeks since launch, at most the columns of `seen`; 0 before the launch.
    analog
        Shape ``(n, curve weeks)``, the analog's units in each week since its launch, NaN where not observed.
    weeks
        Weeks to forecast; the first is week ``age_weeks`` of the item's life.
    prior_scale
        A number or ``(n,)``, height expected before anything is seen, positive.
    noise_cv2
        A number or ``(n,)``, squared coefficient of variation of a single week (the analog's, say).
    analog_cv
        Coefficient of variation of actual over analog at launch, before anything is seen.
    shrinkage
        Typical analog weeks the prior counts for, above 0.

    Raises
    ------
    ValueError
        If an array is negative, infinite or of another shape, an age is longer than what is given as seen, or an analog
        has no demand to take a shape from.

    Source
    ------
    Kahn (2006), *New Product Forecasting: An Applied Approach* (looks-like analysis); scale and its variance are the
    mean and squared coefficient of variation of a gamma prior updated by Poisson demand.

    Examples
    --------
    >>> launch = launch_forecast([[20.0, 40.0]], [2], [[10.0, 20.0, 30.0, 20.0]], weeks=2, shrinkage=1.5)
    >>> launch.scale, launch.mean_per_week
    (array([1.5]), array([[45., 30.]]))
    """
    sold, curve = observed("seen", seen), observed("analog", analog).astype(np.float64)
    shaped("seen", sold, len(sold) if sold.ndim else None, None)
    shaped("analog", curve, len(sold), None)
    age = whole("age_weeks", age_weeks)
    non_negative("age_weeks", age)
    shaped("age_weeks", age, len(sold))
    if (age > sold.shape[1]).any():
        row = int(np.argmax(age > sold.shape[1]))
        raise ValueError(f"age_weeks must be at most the {sold.shape[1]} weeks seen at index ({row},): {age[row]}")
    prior = np.broadcast_to(positive("prior_scale", prior_scale), age.shape)
    noise = np.broadcast_to(non_negative("noise_cv2", noise_cv2), age.shape)
    if weeks < 1:
        raise ValueError(f"weeks must be at least 1, got {weeks}")
    if not (np.isfinite(shrinkage) and shrinkage > 0.0 and np.isfinite(analog_cv) and analog_cv >= 0.0):
        raise ValueError(f"shrinkage must be positive and analog_cv not negative, got {shrinkage} and {analog_cv}")
    full, typical = _whole_curve(curve, max(int(age.max(initial=0)), sold.shape[1]) + weeks)
    expected = full[:, : sold.shape[1]]
    known = (np.arange(sold.shape[1]) < age[:, None]) & ~np.isnan(sold) & ~np.isnan(expected)
    weight = shrinkage * typical
    foreseen = np.where(known, expected, 0.0).sum(axis=1) + weight
    scale = (np.where(known, sold, 0.0).sum(axis=1) + weight * prior) / foreseen
    level_cv2 = analog_cv**2 * weight / foreseen
    ahead = np.take_along_axis(full, age[:, None] + np.arange(weeks), axis=1)
    mean = scale[:, None] * np.where(np.isnan(ahead), typical[:, None], ahead)
    # Law of total variance of scale times week: the noise is on top of an uncertain height.
    return LaunchForecast(mean, mean * mean * (noise * (1.0 + level_cv2))[:, None], scale, level_cv2)


def _whole_curve(curve: FloatArray, length: int) -> tuple[FloatArray, FloatArray]:
    """Curve continued at its mature mean, and the mean of its observed weeks."""
    seen = ~np.isnan(curve)
    filled = np.where(seen, curve, 0.0)
    typical = filled.sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    if (typical == 0.0).any():
        raise ValueError(
            f"analog must hold demand to take a shape from, series {int(np.argmax(typical == 0.0))} has none"
        )
    last = np.cumsum(seen[:, ::-1], axis=1)[:, ::-1] <= MATURE_WEEKS
    mature = np.where(seen & last, filled, 0.0).sum(axis=1) / (seen & last).sum(axis=1)
    more = max(length - curve.shape[1], 0)
    return np.concatenate([curve, np.repeat(mature[:, None], more, axis=1)], axis=1), typical
