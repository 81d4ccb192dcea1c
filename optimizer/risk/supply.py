"""Supply of each series by day: what is certain, two uncertain orders mixed exactly, the rest by two moments."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from optimizer.arguments import FloatArray, IntArray

_EXACT = 2
_ALL = slice(None)


class Inbound(Protocol):
    """Checked open orders: see `InboundSchedule`."""

    @property
    def series(self) -> IntArray: ...
    @property
    def quantity(self) -> FloatArray: ...
    @property
    def arrival_probability(self) -> FloatArray: ...


@dataclass(frozen=True)
class SupplyStates:
    """Supply up to and including each day, net of known demand.

    Parameters
    ----------
    certain
        Shape ``(n, days)``: stock less known demand, plus the mean of the orders not mixed exactly.
    noise
        Shape ``(m, days)`` and `noise_row` ``(n,)`` (-1: none): their variance, only for series that have such orders.
    order
        Shape ``(n, 2)``, the orders mixed exactly (-1: none), into `quantity` and `arrived`.
    quantity, arrived
        Shapes ``(k,)`` and ``(k, days)``: units, and probability of having arrived by each day.
    """

    certain: FloatArray
    noise: FloatArray
    noise_row: IntArray
    order: IntArray
    quantity: FloatArray
    arrived: FloatArray

    def expected(self, rows: IntArray | slice = _ALL) -> FloatArray:
        """Expected supply by day of the given rows."""
        total = self.certain[rows].copy()
        for slot in range(_EXACT):
            order = self.order[rows, slot]
            some = np.flatnonzero(order >= 0)
            total[some] += self.quantity[order[some], None] * self.arrived[order[some]]
        return total

    def variance(self, rows: IntArray) -> FloatArray:
        """Variance of the orders not mixed exactly, by day, of the given rows."""
        spread = np.zeros((len(rows), self.certain.shape[1]))
        source = self.noise_row[rows]
        spread[source >= 0] = self.noise[source[source >= 0]]
        return spread

    def mixture(self, rows: IntArray) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Weight and supply level by day of each receipt state; the weights of a cell sum to one."""
        certain = self.certain[rows]
        first, second = (self._slot(rows, slot) for slot in range(_EXACT))
        for has_first in (False, True):
            weight = first[0] if has_first else 1.0 - first[0]
            level = certain + first[1][:, None] if has_first else certain
            yield weight * (1.0 - second[0]), level
            yield weight * second[0], level + second[1][:, None]

    def _slot(self, rows: IntArray, slot: int) -> tuple[FloatArray, FloatArray]:
        """Probability of having arrived by day, and quantity, of one exactly mixed order per row."""
        order = self.order[rows, slot]
        some = order >= 0
        arrived, quantity = np.zeros((len(rows), self.certain.shape[1])), np.zeros(len(rows))
        arrived[some], quantity[some] = self.arrived[order[some]], self.quantity[order[some]]
        return arrived, quantity


def supply_states(on_hand: FloatArray, known: FloatArray, inbound: Inbound | None) -> SupplyStates:
    """States of supply from stock ``(n,)``, cumulated known demand ``(n, days)`` and checked inbound."""
    n, days = known.shape
    certain = on_hand[:, None] - known
    order, noise_row = np.full((n, _EXACT), -1), np.full(n, -1)
    if inbound is None or not inbound.series.size:
        return SupplyStates(certain, np.zeros((0, days)), noise_row, order, np.zeros(0), np.zeros((0, days)))
    arrived = np.minimum(np.cumsum(inbound.arrival_probability, axis=1), 1.0)
    doubt = inbound.quantity**2 * (arrived * (1.0 - arrived)).max(axis=1)
    ranking = np.lexsort((-doubt, inbound.series))
    series = inbound.series[ranking]
    place = np.arange(len(series)) - np.searchsorted(series, series)
    exact = place < _EXACT
    order[series[exact], place[exact]] = ranking[exact]
    rest = ranking[~exact]
    noisy, source = np.unique(inbound.series[rest], return_inverse=True)
    noise_row[noisy] = np.arange(len(noisy))
    noise = np.zeros((len(noisy), days))
    arrived_rest, units = arrived[rest], inbound.quantity[rest, None]
    np.add.at(certain, inbound.series[rest], units * arrived_rest)
    np.add.at(noise, source, units**2 * arrived_rest * (1.0 - arrived_rest))
    return SupplyStates(certain, noise, noise_row, order, inbound.quantity, arrived)
