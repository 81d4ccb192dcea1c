"""Excess: what is expected to be left of stock at the end of a horizon, an end of life or a shelf life."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, non_negative, same_length
from optimizer.laws.demand_law import DemandLaw, check_law, exceedance, expected_short


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

    Raises
    ------
    ValueError
        If an input is negative, not finite or of another length.
    """
    check_law(law)
    stock = non_negative("on_hand", on_hand) + non_negative("on_order", on_order)
    mean, sd = non_negative("mean_per_day", mean_per_day), non_negative("sd_per_day", sd_per_day)
    same_length(on_hand=stock, mean_per_day=mean, sd_per_day=sd)
    days = np.broadcast_to(non_negative("horizon_days", horizon_days), stock.shape)
    demand, variance = mean * days, sd**2 * days
    leftover = stock - demand + expected_short(stock, demand, variance, law)
    # Something is left unless demand reaches the stock; a count law reaches it one unit lower than it exceeds it.
    reach = stock - 1.0 if law == "count" else stock
    sold_out = np.where(stock > 0.0, exceedance(reach, demand, variance, law), 1.0)
    supply = np.divide(stock, mean, out=np.full_like(stock, np.inf), where=mean > 0.0)
    return ExcessExposure(
        np.maximum(leftover, 0.0), np.where(stock > 0.0, 1.0 - sold_out, 0.0), np.where(stock > 0.0, supply, 0.0)
    )
