"""Probability that an order of a supplier is badly late, and whether that is rising.

Rules
-----
1. Badly late: not there when `multiple` times the contract lead time has passed. That day decides an order, whether it
   came the day before or is still open; an order whose day is still ahead is not counted, even if it came early.
   Counting by the deciding day keeps both windows free of the bias that quick orders are known first.
2. Recent: decided within the last `recent_days`. Each window has a beta posterior whose prior is the share of all
   suppliers, worth `prior_orders` orders.
3. P(rising) is the probability that the recent share exceeds the earlier one under the two posteriors.

Source
------
Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., ch. 2 (beta-binomial).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, betaincinv

from optimizer.arguments import BoolArray, FloatArray, IntArray, flags, non_negative, position, positive, same_length

_NODES = 64


@dataclass(frozen=True)
class DisruptionRisk:
    """Disruption of each supplier, shape ``(suppliers,)`` throughout.

    Parameters
    ----------
    recent, earlier
        Share of orders badly late in each window, shrunk.
    low, high
        Limits of the central credible interval of 90 % of the recent share.
    trend
        Recent less earlier share.
    rising
        Probability that the share has risen, in [0, 1]; one half where nothing is known.
    recent_orders, earlier_orders
        Decided orders in each window.
    """

    recent: FloatArray
    earlier: FloatArray
    low: FloatArray
    high: FloatArray
    trend: FloatArray
    rising: FloatArray
    recent_orders: IntArray
    earlier_orders: IntArray


def disruption_risk(
    waited_days: ArrayLike,
    received: ArrayLike,
    age_days: ArrayLike,
    contract_days: ArrayLike,
    supplier: ArrayLike,
    suppliers: int,
    *,
    multiple: float = 1.5,
    recent_days: float = 90.0,
    prior_orders: float = 10.0,
) -> DisruptionRisk:
    """Disruption risk from orders.

    Parameters
    ----------
    waited_days
        Shape ``(m,)``, days from order to receipt, or to now when open.
    received
        Shape ``(m,)``, true when received.
    age_days
        Shape ``(m,)``, days since ordering, received or not.
    contract_days
        Shape ``(m,)``, agreed lead time of the order, positive.
    supplier
        Shape ``(m,)``, in ``range(suppliers)``.
    multiple
        Lead times of contract after which an order counts as badly late, positive.
    recent_days
        Length of the recent window, positive.
    prior_orders
        Orders that the share of all suppliers counts for, positive.

    Raises
    ------
    ValueError
        If a shape, sign or index is wrong.
    """
    waited, there = non_negative("waited_days", waited_days), flags("received", received)
    age, contract = non_negative("age_days", age_days), positive("contract_days", contract_days)
    of = position("supplier", supplier, suppliers)
    same_length(waited_days=waited, received=there, age_days=age, contract_days=contract, supplier=of)
    if not (multiple > 0.0 and recent_days > 0.0 and prior_orders > 0.0):
        raise ValueError(
            f"multiple, recent_days and prior_orders must be positive, got {multiple}, {recent_days}, {prior_orders}"
        )
    limit = multiple * contract
    decided_ago = age - limit
    late = waited > limit
    decided = decided_ago >= 0.0
    overall = (float(late[decided].sum()) + 0.5) / (float(decided.sum()) + 1.0)
    windows = (decided & (decided_ago < recent_days), decided & (decided_ago >= recent_days))
    (a_new, b_new), (a_old, b_old) = (
        _posterior(late[window], of[window], suppliers, overall, prior_orders) for window in windows
    )
    recent, earlier = a_new / (a_new + b_new), a_old / (a_old + b_old)
    return DisruptionRisk(
        recent=recent,
        earlier=earlier,
        low=np.asarray(betaincinv(a_new, b_new, 0.05), dtype=np.float64),
        high=np.asarray(betaincinv(a_new, b_new, 0.95), dtype=np.float64),
        trend=recent - earlier,
        rising=_probability_greater(a_new, b_new, a_old, b_old),
        recent_orders=np.bincount(of[windows[0]], minlength=suppliers),
        earlier_orders=np.bincount(of[windows[1]], minlength=suppliers),
    )


def _posterior(
    late: BoolArray, of: IntArray, suppliers: int, share: float, strength: float
) -> tuple[FloatArray, FloatArray]:
    """Parameters of the beta posterior per supplier."""
    bad = np.bincount(of, late, suppliers).astype(np.float64)
    good = np.bincount(of, minlength=suppliers) - bad
    return bad + strength * share, good + strength * (1.0 - share)


def _probability_greater(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> FloatArray:
    """P(X > Y) of X ~ Beta(a, b) and Y ~ Beta(c, d): Gauss-Legendre over the quantiles of X."""
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    x = betaincinv(a[:, None], b[:, None], 0.5 * (node + 1.0))
    return np.asarray(np.clip(betainc(c[:, None], d[:, None], x) @ (0.5 * weight), 0.0, 1.0))
