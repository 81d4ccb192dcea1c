"""How far a supplier keeps its word: on time and in full, how late, how evenly.

Rules
-----
1. An order is on time and in full (OTIF) when the agreed share of its quantity is there by the promised day plus a
   tolerance. An order still open past that day has failed; one not yet due is undecided and not counted.
2. Shares and lateness are drawn towards those of all suppliers, which count for `prior_orders` orders.
3. Lateness is days after the promise, zero when early; an order that is open and overdue counts with its days so far,
   so the mean is a lower bound while such orders exist.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv

from optimizer.arguments import FloatArray, IntArray, finite, flags, position, same_length, share


@dataclass(frozen=True)
class SupplierReliability:
    """Reliability of each supplier, shape ``(suppliers,)`` throughout.

    Parameters
    ----------
    on_time_in_full
        Share of decided orders, shrunk, in [0, 1]: the reliability score.
    low, high
        Limits of its central credible interval of 90 %.
    mean_late_days
        Mean lateness, shrunk, days.
    sd_late_days
        Spread of days after (or before) the promise, of received orders; NaN with fewer than two.
    decided_orders
        Orders the figures rest on.
    """

    on_time_in_full: FloatArray
    low: FloatArray
    high: FloatArray
    mean_late_days: FloatArray
    sd_late_days: FloatArray
    decided_orders: IntArray


def supplier_reliability(
    late_days: ArrayLike,
    received: ArrayLike,
    filled_share: ArrayLike,
    supplier: ArrayLike,
    suppliers: int,
    *,
    tolerance_days: float = 0.0,
    in_full_share: float = 1.0,
    prior_orders: float = 5.0,
) -> SupplierReliability:
    """Reliability from orders.

    Parameters
    ----------
    late_days
        Shape ``(m,)``, days from promise to receipt, or from promise to now when open; negative before the promise.
    received
        Shape ``(m,)``, true when received.
    filled_share
        Shape ``(m,)``, share of the quantity received by then, in [0, 1].
    supplier
        Shape ``(m,)``, in ``range(suppliers)``.
    tolerance_days
        Days after the promise that still count as on time.
    in_full_share
        Share of the quantity in (0, 1] that counts as in full.
    prior_orders
        Orders that the figures of all suppliers count for, positive.

    Raises
    ------
    ValueError
        If a shape, share or index is wrong.
    """
    late, there = finite("late_days", late_days), flags("received", received)
    filled, of = share("filled_share", filled_share), position("supplier", supplier, suppliers)
    same_length(late_days=late, received=there, filled_share=filled, supplier=of)
    if not 0.0 < in_full_share <= 1.0 or not prior_orders > 0.0 or not tolerance_days >= 0.0:
        raise ValueError(
            "in_full_share must be in (0, 1], prior_orders positive and tolerance_days not negative, "
            f"got {in_full_share}, {prior_orders} and {tolerance_days}"
        )
    decided = there | (late > tolerance_days)
    good = there & (late <= tolerance_days) & (filled >= in_full_share * (1.0 - 1e-9))
    orders = np.bincount(of[decided], minlength=suppliers)
    # One good and one bad order keep the share of all suppliers off its ends.
    overall = (good.sum() + 1.0) / (decided.sum() + 2.0)
    a = np.bincount(of[decided], good[decided], suppliers) + prior_orders * overall
    b = orders + prior_orders - a
    lateness = np.maximum(late, 0.0)
    mean_of_all = float(lateness[decided].mean()) if decided.any() else 0.0
    total = np.bincount(of[decided], lateness[decided], suppliers) + prior_orders * mean_of_all
    return SupplierReliability(
        on_time_in_full=a / (a + b),
        low=betaincinv(a, b, 0.05),
        high=betaincinv(a, b, 0.95),
        mean_late_days=total / (orders + prior_orders),
        sd_late_days=_spread(late[there], of[there], suppliers),
        decided_orders=orders.astype(np.int64),
    )


def _spread(values: FloatArray, of: IntArray, groups: int) -> FloatArray:
    """Standard deviation per group (n - 1), NaN with fewer than two values."""
    count = np.bincount(of, minlength=groups)
    mean = np.divide(np.bincount(of, values, groups), count, out=np.zeros(groups), where=count > 0)
    squares = np.bincount(of, (values - mean[of]) ** 2, groups)
    return np.asarray(np.sqrt(np.divide(squares, count - 1, out=np.full(groups, np.nan), where=count > 1)))
