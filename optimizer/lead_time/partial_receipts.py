"""Orders received in parts, as observations by quantity: each part at its day, the rest still open."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import BoolArray, FloatArray, IntArray, non_negative, position, same_length


@dataclass(frozen=True)
class ReceiptObservations:
    """What `kaplan_meier_lead_time` takes, shape ``(m,)`` throughout; `order` tells pieces of one order."""

    days: FloatArray
    observed: BoolArray
    weight: FloatArray
    group: IntArray
    order: IntArray


def receipt_observations(
    ordered_quantity: ArrayLike,
    order_age_days: ArrayLike,
    order_group: ArrayLike,
    receipt_order: ArrayLike,
    receipt_day: ArrayLike,
    receipt_quantity: ArrayLike,
    *,
    closed_share: float = 1.0,
) -> ReceiptObservations:
    """Observations weighted by the share of the order, so that an order counts once in however many parts it came.

    Parameters
    ----------
    ordered_quantity, order_age_days, order_group
        Shape ``(orders,)``: units ordered, days since ordering, group of the lead-time law.
    receipt_order, receipt_day, receipt_quantity
        Shape ``(receipts,)``: the order received upon, days from ordering to receipt, units.
    closed_share
        Share of the quantity in (0, 1] from which an order counts as complete; what is then missing is no open order.

    Raises
    ------
    ValueError
        If an entry is negative or not finite, a receipt is of no order, or it is later than the order is old.
    """
    ordered = non_negative("ordered_quantity", ordered_quantity)
    age = non_negative("order_age_days", order_age_days)
    group = position("order_group", order_group, np.iinfo(np.int64).max)
    orders = same_length(ordered_quantity=ordered, order_age_days=age, order_group=group)
    of = position("receipt_order", receipt_order, orders)
    day = non_negative("receipt_day", receipt_day)
    units = non_negative("receipt_quantity", receipt_quantity)
    same_length(receipt_order=of, receipt_day=day, receipt_quantity=units)
    if not 0.0 < closed_share <= 1.0:
        raise ValueError(f"closed_share must be in (0, 1], got {closed_share}")
    if (day > age[of]).any():
        bad = int(np.argmax(day > age[of]))
        raise ValueError(f"receipt_day must not exceed the order's age at index {bad}: {day[bad]} > {age[of[bad]]}")
    received = np.bincount(of, units, orders)
    whole = np.maximum(ordered, received)
    still_open = np.flatnonzero((received < closed_share * ordered * (1.0 - 1e-9)) & (ordered > 0.0))
    size = np.where(whole > 0.0, whole, 1.0)
    counted = np.flatnonzero(units > 0.0)
    return ReceiptObservations(
        days=np.concatenate([day[counted], age[still_open]]),
        observed=np.arange(len(counted) + len(still_open)) < len(counted),
        weight=np.concatenate([units[counted] / size[of[counted]], 1.0 - received[still_open] / size[still_open]]),
        group=np.concatenate([group[of[counted]], group[still_open]]),
        order=np.concatenate([of[counted], still_open]),
    )
