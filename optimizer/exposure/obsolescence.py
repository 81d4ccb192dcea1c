"""Obsolescence: what is left when demand may end for good on any day."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, non_negative, same_length, share
from optimizer.exposure.excess import excess_exposure
from optimizer.laws.demand_law import DemandLaw

_NODES = 8


@dataclass(frozen=True)
class ObsolescenceExposure:
    """Exposure of each series, shape ``(n,)``.

    Parameters
    ----------
    expected_leftover
        Units expected at the horizon, demand perhaps ended before.
    expected_obsolete
        The part of them whose demand has ended.
    probability_ended
        Probability that demand has ended by the horizon.
    """

    expected_leftover: FloatArray
    expected_obsolete: FloatArray
    probability_ended: FloatArray


def obsolescence_exposure(
    on_hand: ArrayLike,
    on_order: ArrayLike,
    mean_per_day: ArrayLike,
    sd_per_day: ArrayLike,
    horizon_days: ArrayLike,
    hazard_per_day: ArrayLike,
    *,
    law: DemandLaw = "gamma",
) -> ObsolescenceExposure:
    r"""Leftover when demand ends at a constant hazard, such as the decay of TSB's demand probability.

    With :math:`L(t)` the leftover if demand lasts `t` days and hazard `h`:
    :math:`E = e^{-hH} L(H) + \int_0^H h e^{-ht} L(t) dt`, the integral by Gauss-Legendre on 8 points.

    Parameters
    ----------
    on_hand, on_order, mean_per_day, sd_per_day
        Shape ``(n,)``, as in `excess.excess_exposure`.
    horizon_days
        Shape ``(n,)``, days.
    hazard_per_day
        Shape ``(n,)``, probability per day that demand ends, in [0, 1].

    Raises
    ------
    ValueError
        If an input is negative, not finite or of another length, or a hazard exceeds 1.

    Source
    ------
    Teunter, Syntetos & Babai (2011), Intermittent demand: linking forecasting to inventory obsolescence, EJOR 214.
    """
    days, hazard = non_negative("horizon_days", horizon_days), share("hazard_per_day", hazard_per_day)
    stock, ordered = non_negative("on_hand", on_hand), non_negative("on_order", on_order)
    same_length(on_hand=stock, on_order=ordered, horizon_days=days, hazard_per_day=hazard)
    lasting = np.exp(-hazard * days)
    whole = excess_exposure(stock, ordered, mean_per_day, sd_per_day, days, law=law).expected_leftover
    place, weight = np.polynomial.legendre.leggauss(_NODES)
    ended = np.zeros_like(stock)
    for at, share_of in zip(0.5 * (place + 1.0), 0.5 * weight, strict=True):
        left = excess_exposure(stock, ordered, mean_per_day, sd_per_day, at * days, law=law).expected_leftover
        ended += share_of * days * hazard * np.exp(-hazard * at * days) * left
    # What the rule leaves of probability is small; it goes to the parts in proportion.
    exact = -np.expm1(-hazard * days)
    summed = sum(
        w * days * hazard * np.exp(-hazard * a * days) for a, w in zip(0.5 * (place + 1), 0.5 * weight, strict=True)
    )
    ended = np.divide(ended * exact, summed, out=np.zeros_like(ended), where=np.asarray(summed) > 0.0)
    return ObsolescenceExposure(lasting * whole + ended, ended, exact)
