"""Open orders as arrays: whose they are, how much, and when they may arrive."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import (
    FloatArray,
    IntArray,
    finite,
    index,
    mass_function,
    non_negative,
    position,
    same_length,
)

ReceiptOrder = Literal["before_demand", "after_demand"]
"""Whether what is received on a day can serve that day's demand."""


@dataclass(frozen=True)
class InboundSchedule:
    """Open orders as arrays.

    Parameters
    ----------
    series
        Shape ``(k,)``, row of the stock each order is for.
    quantity
        Shape ``(k,)``, units, not negative.
    arrival_probability
        Shape ``(k, horizon_days)``, probability of arrival on each day, column 0 today; rows sum to at most one, the
        rest arrives after the horizon.

    Raises
    ------
    ValueError
        If an entry is no number, not finite or negative, a row sums to more than one, or the lengths differ.
    """

    series: IntArray
    quantity: FloatArray
    arrival_probability: FloatArray

    def __post_init__(self) -> None:
        series = position("inbound.series", self.series, np.iinfo(np.int64).max)
        quantity = non_negative("inbound.quantity", self.quantity)
        arrival = mass_function("inbound.arrival_probability", self.arrival_probability)
        lengths = {"inbound.quantity": quantity, "inbound.arrival_probability": arrival}
        same_length(**{"inbound.series": series}, **lengths)
        for name, value in (("series", series), ("quantity", quantity), ("arrival_probability", arrival)):
            object.__setattr__(self, name, value)

    @classmethod
    def none(cls, horizon_days: int) -> "InboundSchedule":
        """No open orders."""
        return cls(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros((0, horizon_days)))

    def of_series(self, rows: IntArray, n: int) -> "InboundSchedule":
        """Orders of some of the `n` series, which are counted anew in the order of `rows`."""
        place = np.full(n, -1)
        place[rows] = np.arange(len(rows))
        kept = place[self.series] >= 0
        return InboundSchedule(place[self.series[kept]], self.quantity[kept], self.arrival_probability[kept])


def inbound_by_day(
    inbound: InboundSchedule | None, n: int, horizon_days: int, receipt_order: ReceiptOrder
) -> InboundSchedule:
    """The schedule fitted to `n` series and `horizon_days`; receipts after demand count from the next day on."""
    if receipt_order not in ("before_demand", "after_demand"):
        raise ValueError(f"receipt_order must be 'before_demand' or 'after_demand', got {receipt_order!r}")
    if inbound is None:
        return InboundSchedule.none(horizon_days)
    index("inbound.series", inbound.series, n)
    arrival = inbound.arrival_probability
    if arrival.shape[1] != horizon_days:
        raise ValueError(f"inbound.arrival_probability must have {horizon_days} days, got {arrival.shape[1]}")
    if receipt_order == "before_demand":
        return inbound
    later = np.zeros_like(arrival)
    later[:, 1:] = arrival[:, :-1]
    return InboundSchedule(inbound.series, inbound.quantity, later)


def checked_stock(name: str, values: ArrayLike) -> FloatArray:
    """Stock of each series, shape ``(n,)``, negative when units are owed; no series at all is an answer too."""
    stock = finite(name, values)
    if stock.ndim != 1:
        raise ValueError(f"{name} must have shape (n,), got {stock.shape}")
    return stock
