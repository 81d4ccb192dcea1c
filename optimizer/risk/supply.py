"""Supply of each series by day: what is certain, two uncertain orders mixed exactly, the rest by two moments."""

from dataclasses import dataclass

import numpy as np

from optimizer.arguments import BoolArray, FloatArray, IntArray
from optimizer.risk.demand_by_day import DailyDemand
from optimizer.risk.inbound import InboundSchedule

EXACT_ORDERS = 2
Rows = IntArray | slice


@dataclass(frozen=True)
class SupplyTable:
    """Orders of every series, sorted into those mixed exactly and the rest.

    Parameters
    ----------
    on_hand
        Shape ``(n,)``.
    order
        Shape ``(n, 2)``, the orders mixed exactly, the most uncertain first where there are more; -1: none.
    inbound
        The orders themselves.
    rest, rest_mean, rest_variance
        `rest` ``(n,)`` is the row of a series in the other two ``(m, days)``: moments of its other orders; -1: none.
    """

    on_hand: FloatArray
    order: IntArray
    inbound: InboundSchedule
    rest: IntArray
    rest_mean: FloatArray
    rest_variance: FloatArray

    def alone(self) -> BoolArray:
        """Series without an open order, shape ``(n,)``: they have one receipt state instead of four."""
        return np.asarray((self.order[:, 0] < 0) & (self.rest < 0))

    def block_alone(self, rows: Rows, demand: DailyDemand) -> "SupplyBlock":
        """As `block`, of rows without open orders, whose two orders are left out."""
        return SupplyBlock(self._stock(rows, demand), *demand.moments_until(rows), (), ())

    def block(self, rows: Rows, demand: DailyDemand) -> "SupplyBlock":
        """Supply of the given rows, net of their known demand."""
        mean, variance = demand.moments_until(rows)
        level = self._stock(rows, demand)
        rest = self.rest[rows]
        some = np.flatnonzero(rest >= 0)
        if some.size:
            level[some] += self.rest_mean[rest[some]]
            variance[some] += self.rest_variance[rest[some]]
        first, second = self.orders_of(rows)
        return SupplyBlock(level, mean, variance, (first[0], second[0]), (first[1], second[1]))

    def _stock(self, rows: Rows, demand: DailyDemand) -> FloatArray:
        """On-hand net of known demand, by day."""
        stock = self.on_hand[rows]
        level = np.empty((len(stock), demand.horizon_days))
        if demand.known is None:
            np.copyto(level, stock[:, None])
        else:
            np.subtract(stock[:, None], demand.known_until(rows), out=level)
        return level

    def orders_of(self, rows: Rows) -> tuple[tuple[FloatArray, FloatArray], ...]:
        """Of both exactly mixed orders: probability of having arrived by day, and units, per row."""
        return tuple(self._order(self.order[rows, slot]) for slot in range(EXACT_ORDERS))

    def _order(self, order: IntArray) -> tuple[FloatArray, FloatArray]:
        """Probability of having arrived by day, and units, of one order per row (-1: none)."""
        some = np.flatnonzero(order >= 0)
        if some.size == order.size:
            every = _evenly_spaced(order)
            return _arrived(self.inbound.arrival_probability[every]), self.inbound.quantity[every]
        arrived = np.zeros((len(order), self.inbound.arrival_probability.shape[1]))
        quantity = np.zeros(len(order))
        arrived[some] = _arrived(self.inbound.arrival_probability[order[some]])
        quantity[some] = self.inbound.quantity[order[some]]
        return arrived, quantity


@dataclass(frozen=True)
class SupplyBlock:
    """Some series by day: shapes ``(rows, days)``, quantities ``(rows,)``.

    Parameters
    ----------
    level
        Supply if neither of the two orders has arrived, net of known demand.
    mean, variance
        Moments of demand up to the day; the variance includes that of the orders not mixed exactly.
    arrived, quantity
        Of the two orders; empty when the rows have none.
    """

    level: FloatArray
    mean: FloatArray
    variance: FloatArray
    arrived: tuple[FloatArray, ...]
    quantity: tuple[FloatArray, ...]

    def expected(self) -> FloatArray:
        """Expected supply by day."""
        supply = self.level
        for arrived, quantity in zip(self.arrived, self.quantity, strict=True):
            received = arrived * quantity[:, None]
            supply = np.add(supply, received, out=received)
        return supply if self.arrived else supply.copy()


def supply_table(on_hand: FloatArray, inbound: InboundSchedule) -> SupplyTable:
    """Orders of every series; where there are more than two, ranked by what they leave in doubt (see `_doubt`)."""
    n, (orders, days) = len(on_hand), inbound.arrival_probability.shape
    crowded = np.bincount(inbound.series, minlength=n) > EXACT_ORDERS
    contested = np.flatnonzero(crowded[inbound.series])
    doubt = np.zeros(orders)
    doubt[contested] = _doubt(inbound, contested)
    stable = np.argsort(inbound.series, kind="stable")
    ranking = np.lexsort((-doubt, inbound.series)) if contested.size else stable
    series = inbound.series[ranking]
    place = np.arange(orders) - np.searchsorted(series, series)
    exact = place < EXACT_ORDERS
    order = np.full((n, EXACT_ORDERS), -1)
    order[series[exact], place[exact]] = ranking[exact]
    rest = np.where(crowded, np.cumsum(crowded) - 1, -1)
    shape = (int(crowded.sum()), days)
    rest_mean, rest_variance = np.zeros(shape), np.zeros(shape)
    others = ranking[~exact]
    source, units = rest[inbound.series[others]], inbound.quantity[others, None]
    arrived = _arrived(inbound.arrival_probability[others])
    np.add.at(rest_mean, source, units * arrived)
    np.add.at(rest_variance, source, units**2 * arrived * (1.0 - arrived))
    return SupplyTable(on_hand, order, inbound, rest, rest_mean, rest_variance)


def _evenly_spaced(order: IntArray) -> Rows:
    """The same positions as a slice, which copies nothing, where they rise evenly."""
    step = int(order[1] - order[0]) if order.size > 1 else 1
    even = step > 0 and bool((np.diff(order) == step).all())
    return slice(int(order[0]), int(order[-1]) + 1, step) if even and order.size else order


def _arrived(arrival_probability: FloatArray) -> FloatArray:
    """Probability of having arrived by each day."""
    arrived = np.cumsum(arrival_probability, axis=1)
    return np.minimum(arrived, 1.0, out=arrived)


def _doubt(inbound: InboundSchedule, orders: IntArray) -> FloatArray:
    """Variance of the units arrived, the largest over the days."""
    arrived = _arrived(inbound.arrival_probability[orders])
    return np.asarray(inbound.quantity[orders] ** 2 * (arrived * (1.0 - arrived)).max(axis=1, initial=0.0))
