"""Is the forecast off to one side? Bias and tracking signals of one-step-ahead errors.

The forecast for a period is the smoothed level of the usable periods before it, or one given from outside. Errors count
from the second usable period on (there is nothing to smooth before), given forecasts from the first.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray
from optimizer.demand.history import Block, Demand, blocks, checked_history, weight


@dataclass(frozen=True)
class Tracking:
    """One-step-ahead errors of each series (demand minus forecast), shape ``(n,)`` throughout.

    Parameters
    ----------
    bias
        Sum of errors over the sum of demand: the share by which the forecast falls short (positive) or overshoots;
        0 without demand.
    mean_absolute_error
        Units per period.
    trigg_signal
        Smoothed error over smoothed absolute error, in [-1, 1]; near the ends the forecast is persistently off.
    brown_signal
        Sum of errors over the mean absolute error; beyond 4 to 6 either way by the usual rule. Grows with the record.
    errors
        How many errors were counted.
    """

    bias: FloatArray
    mean_absolute_error: FloatArray
    trigg_signal: FloatArray
    brown_signal: FloatArray
    errors: IntArray


def tracking(
    history: ArrayLike, *, forecast: ArrayLike | None = None, alpha: float = 0.1, gamma: float = 0.1
) -> Tracking:
    r"""Bias and tracking signals of each series.

    Trigg's signal is :math:`E / M` with :math:`E \leftarrow E + \gamma (e - E)`,
    :math:`M \leftarrow M + \gamma (|e| - M)`; Brown's is :math:`\sum e / \overline{|e|}`.

    Parameters
    ----------
    history
        Shape ``(n, periods)``, units per period, oldest first, NaN where unusable.
    forecast
        One-step-ahead forecasts of the same shape, units per period; NaN where none was made. Without it, exponential
        smoothing with weight `alpha`, started at the first usable period.
    alpha, gamma
        Weights of the level and of the errors, in (0, 1).

    Raises
    ------
    ValueError
        If a value is negative or infinite, shapes differ, or a weight is out of range.

    Source
    ------
    Trigg (1964), Oper. Res. Quarterly 15; Brown (1959), *Statistical Forecasting for Inventory Control*.
    """
    table = checked_history(history)
    alpha, gamma = weight("alpha", alpha), weight("gamma", gamma)
    given = None if forecast is None else checked_history(forecast, "forecast").astype(table.dtype, copy=False)
    if given is not None and given.shape != table.shape:
        raise ValueError(f"forecast must have the shape of history {table.shape}, got {given.shape}")
    n = len(table)
    answer = Tracking(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n, np.int64))
    theirs = None if given is None else blocks(given, name="forecast")
    for block in blocks(table):
        _fill(answer, block, None if theirs is None else next(theirs), alpha, gamma)
    return answer


def _fill(answer: Tracking, block: Block, given: Block | None, alpha: float, gamma: float) -> None:
    total, absolute, smooth, smooth_absolute, number, demanded, level, seen = (np.zeros(block.series) for _ in range(8))
    counted, error = np.empty(block.series), np.empty(block.series)
    for period, demand in enumerate(block.demand):
        observed = block.observed(period)
        expected: Demand
        if given is None:
            np.multiply(seen, observed, out=counted)
            expected = level
        else:
            counted[:] = np.asarray(given.observed(period)) * observed
            expected = given.demand[period]
        np.subtract(demand, expected, out=error)
        np.multiply(error, counted, out=error)
        demanded += demand * counted
        total += error
        number += counted
        smooth += gamma * (error - smooth * counted)
        np.abs(error, out=error)
        absolute += error
        smooth_absolute += gamma * (error - smooth_absolute * counted)
        # The first usable period sets the level, the later ones move it by alpha.
        level += (demand - level) * observed * (1.0 - (1.0 - alpha) * seen)
        np.maximum(seen, observed, out=seen)
    rows = block.rows
    mean = absolute / np.maximum(number, 1.0)
    answer.bias[rows] = np.divide(total, demanded, out=np.zeros_like(total), where=demanded > 0.0)
    answer.mean_absolute_error[rows] = mean
    answer.trigg_signal[rows] = _ratio(smooth, smooth_absolute)
    answer.brown_signal[rows] = _ratio(total, mean)
    answer.errors[rows] = number


def _ratio(error: FloatArray, absolute: FloatArray) -> FloatArray:
    return np.divide(error, absolute, out=np.zeros_like(error), where=absolute > 0.0)
