"""Which smoothing weight suits a series: the one whose one-step-ahead forecasts erred least on its own history."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray
from optimizer.demand.history import Block, Demand, blocks, checked_history, weight
from optimizer.demand.recursion import first_interval

Method = Literal["ses", "sba", "tsb"]
ALPHAS = (0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3)


@dataclass(frozen=True)
class SmoothingChoice:
    """Weight with the least squared error per series, shape ``(n,)``.

    Parameters
    ----------
    alpha
        The chosen weight; the first of those offered where errors tie, or where none can be counted.
    mean_squared_error
        Of its one-step-ahead forecasts from the first demand on, units squared; 0 where none can be counted.
    rate_per_period
        Its forecast of the next period, units.
    """

    alpha: FloatArray
    mean_squared_error: FloatArray
    rate_per_period: FloatArray


def choose_smoothing(
    history: ArrayLike, *, method: Method = "sba", alphas: Sequence[float] = ALPHAS
) -> SmoothingChoice:
    """Smoothing weight per series by squared one-step-ahead error, all candidates run side by side.

    Parameters
    ----------
    history
        Shape ``(n, periods)``, units per period, oldest first, NaN where unusable.
    method
        ``"ses"``, ``"sba"`` or ``"tsb"`` (the weight then serves sizes and probability, which starts at 1 with the
        first demand). All start at the first period with demand.
    alphas
        Candidates in (0, 1), tried in order; ties keep the earlier.

    Raises
    ------
    ValueError
        If a usable period is negative or infinite, the method is unknown, or a weight is out of range.

    Source
    ------
    Petropoulos, Kourentzes & Nikolopoulos (2016), Int. J. Production Economics 181 (optimal weights for intermittent
    demand).
    """
    table = checked_history(history)
    if method not in ("ses", "sba", "tsb"):
        raise ValueError(f"method must be 'ses', 'sba' or 'tsb', got {method!r}")
    offered = [weight("alphas", alpha) for alpha in alphas]
    if not offered:
        raise ValueError("alphas must offer at least one weight")
    n = len(table)
    choice = SmoothingChoice(np.full(n, offered[0]), np.full(n, np.inf), np.zeros(n))
    for block in blocks(table):
        alpha, best, rate = (
            choice.alpha[block.rows],
            choice.mean_squared_error[block.rows],
            choice.rate_per_period[block.rows],
        )
        for candidate in offered:
            error, forecast = _trial(block, candidate, method)
            better = error < best * (1.0 - 1e-9)
            alpha[better], best[better], rate[better] = candidate, error[better], forecast[better]
    return choice


def _trial(block: Block, alpha: float, method: Method) -> tuple[FloatArray, FloatArray]:
    """Mean squared error of a candidate, and its forecast of the period after the last."""
    k, dtype = block.series, block.dtype
    chance, since, started, number = (np.zeros(k, dtype) for _ in range(4))
    # Started at the first interval and size, neither moves at the first demand.
    interval = first_interval(block).astype(dtype)
    size = block.demand[block.first, np.arange(k)]
    forecast, event, change = np.empty(k, dtype), np.empty(k, dtype), np.empty(k, dtype)
    sold = np.empty(k, np.bool_)
    squares, wide = np.zeros(k), np.empty(k)
    for period, demand in enumerate(block.demand):
        observed = block.observed(period)
        _forecast(method, alpha, size, chance, interval, forecast)
        np.subtract(demand, forecast, out=change)
        np.multiply(change, started, out=change)
        if block.usable is not None:
            np.multiply(change, observed, out=change)
        np.copyto(wide, change)
        np.multiply(wide, wide, out=wide)
        np.add(squares, wide, out=squares)
        if block.usable is None:
            np.add(number, started, out=number)
        else:
            np.multiply(started, observed, out=change)
            np.add(number, change, out=number)
        np.greater(demand, 0.0, out=sold)
        np.copyto(event, sold)
        np.add(since, observed, out=since)
        if method == "ses":
            gate: Demand = started * (observed * dtype.type(alpha))
        else:
            gate = event * dtype.type(alpha)
        np.subtract(demand, size, out=change)
        np.multiply(change, gate, out=change)
        np.add(size, change, out=size)
        if method == "sba":
            _smooth_interval(interval, since, event, gate, change)
        elif method == "tsb":
            # Full weight with the first demand, the candidate's later on, none where there is no observation.
            chance += (event - chance) * observed * (started * dtype.type(alpha) + (1.0 - started) * event)
        np.maximum(started, event, out=started)
    _forecast(method, alpha, size, chance, interval, forecast)
    return squares / np.maximum(number, 1.0), forecast.astype(np.float64)


def _smooth_interval(interval: Demand, since: Demand, event: Demand, gate: Demand, change: Demand) -> None:
    np.subtract(since, interval, out=change)
    np.multiply(change, gate, out=change)
    np.add(interval, change, out=interval)
    np.multiply(since, event, out=change)
    np.subtract(since, change, out=since)


def _forecast(method: Method, alpha: float, size: Demand, chance: Demand, interval: Demand, out: Demand) -> None:
    if method == "ses":
        np.copyto(out, size)
    elif method == "tsb":
        np.multiply(size, chance, out=out)
    else:
        # Without a demand there is neither size nor interval, and no forecast.
        np.divide(size, np.maximum(interval, 1.0), out=out)
        np.multiply(out, 1.0 - alpha / 2.0, out=out)
