"""Excess: what is expected to be left of stock at the end of a horizon, an end of life or a shelf life."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, non_negative, same_length
from optimizer.laws.demand_law import DemandLaw, check_law, demand_tail, exceedance

_BLOCK = 32_768


@dataclass(frozen=True)
class ExcessExposure:
    """Exposure of each series, shape ``(n,)``.

    Parameters
    ----------
    expected_leftover
        Units expected to remain after the horizon.
    probability_leftover
        Probability that anything remains.
    days_of_supply
        Stock and orders over mean demand per day; infinite without demand, 0 without stock.
    """

    expected_leftover: FloatArray
    probability_leftover: FloatArray
    days_of_supply: FloatArray


def excess_exposure(
    on_hand: ArrayLike,
    on_order: ArrayLike,
    mean_per_day: ArrayLike,
    sd_per_day: ArrayLike,
    horizon_days: ArrayLike,
    *,
    law: DemandLaw = "gamma",
) -> ExcessExposure:
    """Leftover of ``(n,)`` series; `horizon_days` a number or ``(n,)``. Orders are taken to arrive in time to be sold.

    With demand D over the horizon: E[(S - D)+] = S - E[D] + E[(D - S)+], one special function a series.

    Raises
    ------
    ValueError
        If an input is negative, not finite or of another length.

    Source
    ------
    Expected leftover of a newsvendor: Silver, Pyke & Thomas (2017), 4th ed., ch. 9.
    """
    check_law(law)
    stock, ordered = non_negative("on_hand", on_hand), non_negative("on_order", on_order)
    mean, sd = non_negative("mean_per_day", mean_per_day), non_negative("sd_per_day", sd_per_day)
    count = same_length(on_hand=stock, on_order=ordered, mean_per_day=mean, sd_per_day=sd)
    days = non_negative("horizon_days", horizon_days)
    if days.ndim and days.shape != stock.shape:
        raise ValueError(f"horizon_days must be a number or have shape {stock.shape}, got {days.shape}")
    days = np.broadcast_to(days, stock.shape)
    answer = ExcessExposure(np.empty(count), np.empty(count), np.empty(count))
    for start in range(0, count, _BLOCK):
        part = slice(start, start + _BLOCK)
        _fill(answer, part, stock[part] + ordered[part], mean[part], sd[part], days[part], law)
    return answer


def _fill(
    answer: ExcessExposure,
    part: slice,
    stock: FloatArray,
    mean: FloatArray,
    sd: FloatArray,
    days: FloatArray,
    law: DemandLaw,
) -> None:
    demand = mean * days
    variance = sd * sd * days
    tail = demand_tail(stock, demand, variance, law)
    left = np.maximum(stock - demand + tail.expected_short, 0.0)
    out = tail.exceedance
    if law == "count":
        # Something is left unless demand reaches the stock; a count law reaches it one unit lower than it exceeds it.
        out = exceedance(stock - 1.0, demand, variance, law)
    some = stock > 0.0
    supply = np.divide(stock, mean, out=np.full_like(stock, np.inf), where=mean > 0.0)
    answer.expected_leftover[part] = left
    answer.probability_leftover[part] = np.where(some, 1.0 - out, 0.0)
    answer.days_of_supply[part] = np.where(some, supply, 0.0)
