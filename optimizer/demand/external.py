"""Forecasts that others make (sales, a customer, another system): taken as input, with their own record kept.

Rules
-----
1. Error = forecast - actual: a positive bias is a forecast too high. Periods without an actual (NaN: sold out, not
   listed) or without a forecast (NaN) are left out of every measure.
2. Bias = sum of errors / sum of actuals; WAPE = sum of absolute errors / sum of actuals; both NaN without demand.
   Tracking signal = sum of errors / mean absolute error, within plus or minus the number of periods; 0 without error.
3. Pooled (by source, site, family): absolute errors add up over series, hence nothing cancels in WAPE; the tracking
   signal is that of the pool's error per period, hence a common direction shows.
4. What is used is a stated rule, never a silent mix: the external forecast, our own, the one with the better record, or
   both weighted by inverse squared error. A series whose external forecast has a gap, or whose record is too short to
   be compared, uses our own, and says so.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.arguments import (
    FloatArray,
    IntArray,
    non_negative,
    numbers,
    observed,
    position,
    same_length,
    shaped,
    whole,
)

ForecastRule = Literal["external", "own", "better", "inverse_error"]


class UsedForecast(IntEnum):
    """What the forecast of a series was made from."""

    OWN = 0
    EXTERNAL = 1
    COMBINED = 2
    OWN_FOR_MISSING_EXTERNAL = 3
    OWN_FOR_MISSING_RECORD = 4


@dataclass(frozen=True)
class ForecastError:
    """Record of forecasts against actuals, shape ``(n,)`` or one entry per pool.

    Parameters
    ----------
    bias, wape
        Shares of demand; NaN where there was none.
    mean_squared_error
        Units squared per period (per series and period in a pool); NaN without a period.
    tracking_signal
        Mean absolute errors the sum of errors amounts to, signed.
    periods
        Periods compared (series times periods in a pool).
    """

    bias: FloatArray
    wape: FloatArray
    mean_squared_error: FloatArray
    tracking_signal: FloatArray
    periods: IntArray


@dataclass(frozen=True)
class ChosenForecast:
    """Forecast to be used, and where it came from.

    Parameters
    ----------
    mean
        Shape ``(n, periods)``, units.
    used
        Shape ``(n,)``, int8 values of `UsedForecast`.
    external_weight
        Shape ``(n,)``, weight of the external forecast, in 0..1.
    """

    mean: FloatArray
    used: NDArray[np.int8]
    external_weight: FloatArray


def forecast_error(forecast: ArrayLike, actual: ArrayLike) -> ForecastError:
    """Record of each series.

    Parameters
    ----------
    forecast, actual
        Shape ``(n, periods)``, units, NaN where there is none.

    Raises
    ------
    ValueError
        If an array is negative, infinite or of another shape.

    Source
    ------
    Brown (1963), *Smoothing, Forecasting and Prediction* (tracking signal); Kolassa & Schütz (2007), Foresight 6
    (WAPE, there as MAD/mean ratio).

    Examples
    --------
    >>> record = forecast_error([[12.0, 9.0]], [[10.0, 10.0]])
    >>> record.bias, record.wape, record.tracking_signal
    (array([0.05]), array([0.15]), array([0.66666667]))
    """
    error, demand, seen = _compared(forecast, actual)
    periods = seen.sum(axis=1)
    absolute = np.abs(error).sum(axis=1)
    signal = _share(error.sum(axis=1) * periods, absolute, 0.0)
    return _record(error.sum(axis=1), absolute, (error * error).sum(axis=1), demand.sum(axis=1), periods, signal)


def pooled_error(
    forecast: ArrayLike,
    actual: ArrayLike,
    group: ArrayLike,
    *,
    groups: int,
    weight: ArrayLike = 1.0,
) -> ForecastError:
    """Record of each pool of series: a source, a site, a family.

    Parameters
    ----------
    forecast, actual
        Shape ``(n, periods)``, units, NaN where there is none.
    group
        Shape ``(n,)``, in ``range(groups)``.
    weight
        A number or ``(n,)``, value of a unit, so that series of different units can be added; not negative.

    Raises
    ------
    ValueError
        If an array is negative, infinite or of another shape, or a group out of range.
    """
    error, demand, seen = _compared(forecast, actual)
    label = position("group", group, groups)
    shaped("group", label, len(error))
    value = non_negative("weight", weight)
    if value.ndim:
        shaped("weight", value, len(error))
    value = np.broadcast_to(value, (len(error),))[:, None]
    error, demand, steps = error * value, demand * value, error.shape[1]

    def total(values: FloatArray) -> FloatArray:
        return np.bincount(label, values.sum(axis=1), groups).astype(np.float64)

    cell = (label[:, None] * steps + np.arange(steps)).ravel()
    by_period = np.bincount(cell, error.ravel(), groups * steps).reshape(groups, steps)
    compared = np.bincount(cell, seen.ravel(), groups * steps).reshape(groups, steps) > 0.0
    signal = _share(by_period.sum(axis=1) * compared.sum(axis=1), np.abs(by_period).sum(axis=1), 0.0)
    periods = np.rint(total(seen.astype(np.float64))).astype(np.int64)
    return _record(total(error), total(np.abs(error)), total(error * error), total(demand), periods, signal)


def forecast_value_added(own_wape: ArrayLike, external_wape: ArrayLike) -> FloatArray:
    """How much lower the external forecast's error is than our own, shape ``(n,)``, in shares of demand.

    Positive: the external forecast adds value. NaN where either has no record.

    Raises
    ------
    ValueError
        If an array is negative, infinite or of another length.

    Source
    ------
    Gilliland (2010), *The Business Forecasting Deal* (forecast value added).
    """
    own = observed("own_wape", own_wape).astype(np.float64)
    external = observed("external_wape", external_wape).astype(np.float64)
    shaped("external_wape", external, same_length(own_wape=own, external_wape=external))
    return own - external


def choose_forecast(
    own: ArrayLike,
    external: ArrayLike,
    own_error: ArrayLike,
    external_error: ArrayLike,
    periods: ArrayLike,
    *,
    rule: ForecastRule,
    min_periods: int = 8,
) -> ChosenForecast:
    """Forecast of each series by a stated rule.

    Parameters
    ----------
    own
        Shape ``(n, periods)``, our forecast, units.
    external
        Shape ``(n, periods)``, theirs, NaN where they made none.
    own_error, external_error
        Shape ``(n,)``, mean squared errors over the same past periods, NaN without a record.
    periods
        Shape ``(n,)``, past periods both were compared on.
    rule
        ``external`` (wherever complete), ``own``, ``better`` (the lower error; ours on a tie) or ``inverse_error``.
    min_periods
        Record needed by the last two rules.

    Raises
    ------
    ValueError
        If an array is negative, infinite or of another shape, or the rule is unknown.

    Source
    ------
    Bates & Granger (1969), The combination of forecasts, Operational Research Quarterly 20 (inverse squared error).
    """
    if rule not in ("external", "own", "better", "inverse_error"):
        raise ValueError(f"rule must be 'external', 'own', 'better' or 'inverse_error', got {rule!r}")
    ours, theirs = non_negative("own", own), observed("external", external).astype(np.float64)
    shaped("own", ours, len(ours) if ours.ndim else None, None)
    shaped("external", theirs, *ours.shape)
    record = whole("periods", periods)
    non_negative("periods", record)
    shaped("periods", record, len(ours))
    error, their_error = observed("own_error", own_error), observed("external_error", external_error)
    shaped("own_error", error, len(ours))
    shaped("external_error", their_error, len(ours))
    missing = np.isnan(theirs).any(axis=1)
    compared = (record >= min_periods) & ~np.isnan(error) & ~np.isnan(their_error)
    asks_record = rule in ("better", "inverse_error")
    if rule == "inverse_error":
        # 1 / theirs over 1 / ours + 1 / theirs, in the form that allows a perfect record.
        weight = _share(error.astype(np.float64), error + their_error, 0.5)
    elif rule == "better":
        weight = (their_error < error).astype(np.float64)
    else:
        weight = np.full(len(ours), float(rule == "external"))
    unfit = missing | (asks_record & ~compared)
    weight = np.where(unfit, 0.0, weight)
    used = np.select([weight == 0.0, weight == 1.0], [UsedForecast.OWN, UsedForecast.EXTERNAL], UsedForecast.COMBINED)
    if rule != "own":
        used = np.where(missing, UsedForecast.OWN_FOR_MISSING_EXTERNAL, used)
        used = np.where(~missing & unfit, UsedForecast.OWN_FOR_MISSING_RECORD, used)
    share = weight[:, None]
    mean = (1.0 - share) * ours + share * np.where(np.isnan(theirs), 0.0, theirs)
    return ChosenForecast(mean, used.astype(np.int8), weight)


def _compared(forecast: ArrayLike, actual: ArrayLike) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Errors and actuals with zeros where not compared, and where they were."""
    foreseen, came = numbers("forecast", observed("forecast", forecast)), numbers("actual", observed("actual", actual))
    shaped("forecast", foreseen, len(foreseen) if foreseen.ndim else None, None)
    shaped("actual", came, *foreseen.shape)
    seen = ~(np.isnan(foreseen) | np.isnan(came))
    return np.where(seen, foreseen - came, 0.0), np.where(seen, came, 0.0), seen


def _record(
    error: FloatArray,
    absolute: FloatArray,
    squared: FloatArray,
    demand: FloatArray,
    periods: IntArray,
    signal: FloatArray,
) -> ForecastError:
    squares = _share(squared, periods.astype(np.float64), np.nan)
    return ForecastError(_share(error, demand, np.nan), _share(absolute, demand, np.nan), squares, signal, periods)


def _share(part: FloatArray, whole_of: FloatArray, otherwise: float) -> FloatArray:
    """Quotient, `otherwise` where the divisor is zero."""
    quotient: FloatArray = np.divide(part, whole_of, out=np.full(part.shape, otherwise), where=whole_of != 0.0)
    return quotient
