"""Expected shortage of a need as a convex curve over whole lots received.

What a donor risks by giving is the same curve read backwards: with `available` reduced by all its lots, column j is
its shortage after keeping j of them.
"""

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, finite, non_negative, same_length
from optimizer.laws.demand_law import DemandLaw, check_law, expected_short


def expected_shortage_curve(
    available: ArrayLike,
    demand_mean: ArrayLike,
    demand_variance: ArrayLike,
    lot_units: ArrayLike,
    lots: int,
    *,
    law: DemandLaw = "gamma",
) -> FloatArray:
    """Units expected to be short over the protection interval with 0..`lots` more lots.

    Parameters
    ----------
    available
        Shape ``(n,)``, units there now or arriving in time; negative when units are owed.
    demand_mean, demand_variance
        Shape ``(n,)``, demand over the interval.
    lot_units
        Shape ``(n,)`` or a number, units per lot, positive.
    lots
        Number of lots, not negative.

    Returns
    -------
    FloatArray
        Shape ``(n, lots + 1)``, falling and convex along a row.

    Raises
    ------
    ValueError
        If an input is negative (but `available`), not finite or of another length, or a lot is not positive.
    """
    check_law(law)
    stock = finite("available", available)
    mean, variance = non_negative("demand_mean", demand_mean), non_negative("demand_variance", demand_variance)
    same_length(available=stock, demand_mean=mean, demand_variance=variance)
    units = np.broadcast_to(non_negative("lot_units", lot_units), stock.shape)
    if lots < 0 or (units <= 0.0).any():
        raise ValueError(f"lots must not be negative and lot_units must be positive, got {lots} and {units.min()}")
    level = stock[:, None] + units[:, None] * np.arange(lots + 1.0)
    mean, variance = (np.broadcast_to(a[:, None], level.shape) for a in (mean, variance))
    return expected_short(level, mean, variance, law)


def marginal_savings(curve: ArrayLike) -> FloatArray:
    """Shortage avoided by each further lot of a curve ``(n, lots + 1)``: shape ``(n, lots)``, falling along a row.

    Rounding may leave a later lot a hair above an earlier one; the running minimum takes that away.
    """
    values = finite("curve", curve)
    if values.ndim != 2:
        raise ValueError(f"curve must have shape (series, lots + 1), got {values.shape}")
    savings = np.maximum(-np.diff(values, axis=1), 0.0)
    return np.minimum.accumulate(savings, axis=1)
