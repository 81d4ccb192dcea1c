"""Open orders of each series as sets: which have a certain day, which may have arrived, and their hazard by day."""

from dataclasses import dataclass

import numpy as np

from optimizer.arguments import FloatArray, IntArray
from optimizer.risk.inbound import InboundSchedule

MOST_ORDERS = 6
_CERTAIN = 1.0 - 1e-12


@dataclass(frozen=True)
class OrderSets:
    """Receipts of each series.

    Parameters
    ----------
    on_hand
        Shape ``(n,)``.
    certain
        Shape ``(n, days)``, units received for certain on each day.
    uncertain
        Shape ``(n,)``, how many uncertain orders a series has.
    quantity
        Shape ``(n, most)``, units of each uncertain order.
    hazard
        Shape ``(n, most, days)``, P(arrives on the day | not before).
    """

    on_hand: FloatArray
    certain: FloatArray
    uncertain: IntArray
    quantity: FloatArray
    hazard: FloatArray

    def highest(self) -> FloatArray:
        """Highest level a series could reach, shape ``(n,)``."""
        return np.asarray(self.on_hand + self.certain.sum(axis=1) + self.quantity.sum(axis=1))

    def take(self, rows: IntArray, orders: int) -> "OrderSets":
        """Some series, all with the same number of uncertain orders."""
        return OrderSets(
            self.on_hand[rows],
            self.certain[rows],
            self.uncertain[rows],
            self.quantity[rows, :orders],
            self.hazard[rows, :orders],
        )

    def level_of_sets(self) -> FloatArray:
        """Stock at the start plus the uncertain orders of each set, shape ``(n, 2 ** orders)``; bit j is order j."""
        orders = self.quantity.shape[1]
        member = (np.arange(2**orders)[:, None] >> np.arange(orders)) & 1
        return np.asarray(self.on_hand[:, None] + self.quantity @ member.T.astype(np.float64))


def order_sets(on_hand: FloatArray, inbound: InboundSchedule) -> OrderSets:
    """Sort the orders; a ValueError names the first series with more than `MOST_ORDERS` uncertain ones."""
    n, days = len(on_hand), inbound.arrival_probability.shape[1]
    likely = inbound.arrival_probability.max(axis=1, initial=0.0)
    certain = np.zeros((n, days))
    sure = np.flatnonzero(likely >= _CERTAIN)
    day = inbound.arrival_probability[sure].argmax(axis=1)
    np.add.at(certain, (inbound.series[sure], day), inbound.quantity[sure])
    open_ = np.flatnonzero((likely > 0.0) & (likely < _CERTAIN) & (inbound.quantity > 0.0))
    open_ = open_[np.argsort(inbound.series[open_], kind="stable")]
    series = inbound.series[open_]
    uncertain = np.bincount(series, minlength=n)
    most = int(uncertain.max(initial=0))
    if most > MOST_ORDERS:
        row = int(np.argmax(uncertain > MOST_ORDERS))
        raise ValueError(f"inbound has {uncertain[row]} uncertain orders for series {row}, at most {MOST_ORDERS} fit")
    place = np.arange(len(series)) - np.searchsorted(series, series)
    quantity, hazard = np.zeros((n, most)), np.zeros((n, most, days))
    quantity[series, place] = inbound.quantity[open_]
    arrival = inbound.arrival_probability[open_]
    waiting = 1.0 - (np.cumsum(arrival, axis=1) - arrival)
    chance = np.divide(arrival, waiting, out=np.zeros_like(arrival), where=waiting > 1e-12)
    hazard[series, place] = np.clip(chance, 0.0, 1.0)
    return OrderSets(on_hand, certain, uncertain, quantity, hazard)
