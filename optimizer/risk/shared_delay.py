"""Delays that orders of one supplier have in common: arrivals are independent only given the supplier's state.

Rules
-----
1. A supplier is in one of a few states, the same for all its open orders; suppliers are independent of each other.
2. Given the state, an order follows its law of that state and orders are independent. Cases are mixed exactly.
3. A supplier with a single order in a series needs no case there: its mixture over the states is its law. Of the
   others, the three suppliers with the most units in a series are mixed exactly; further ones count as independent.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, mass_function, non_negative, position, positive, same_length
from optimizer.risk.inbound import InboundSchedule, ReceiptOrder

_SUPPLIERS = 3


@dataclass(frozen=True)
class SharedDelay:
    """States of suppliers and arrival laws in each state.

    Parameters
    ----------
    supplier
        Shape ``(k,)``, supplier of each open order, 0 or more.
    state_probability
        Shape ``(states,)``, sums to one.
    arrival_probability
        Shape ``(states, k, horizon_days)``, as `InboundSchedule.arrival_probability`, given the state. The schedule's
        own law of an order should be the mixture of these (see `split_arrivals`, `delayed_arrivals`).

    Raises
    ------
    ValueError
        If a shape is wrong, an entry is negative, or a law sums to more than one.
    """

    supplier: IntArray
    state_probability: FloatArray
    arrival_probability: FloatArray

    def __post_init__(self) -> None:
        supplier = position("supplier", self.supplier, np.iinfo(np.int64).max)
        state = _states(self.state_probability)
        arrival = non_negative("arrival_probability", self.arrival_probability)
        if arrival.ndim != 3 or arrival.shape[:2] != (len(state), len(supplier)):
            wanted = f"({len(state)}, {len(supplier)}, days)"
            raise ValueError(f"arrival_probability must have shape {wanted}, got {arrival.shape}")
        total = arrival.sum(axis=2)
        if (total > 1.0 + 1e-9).any():
            place = tuple(int(i) for i in np.argwhere(total > 1.0 + 1e-9)[0])
            raise ValueError(f"arrival_probability must sum to at most 1 at index {place}: {total[place]}")
        for name, value in (("supplier", supplier), ("state_probability", state), ("arrival_probability", arrival)):
            object.__setattr__(self, name, value)

    def marginal(self) -> FloatArray:
        """Arrival law of each order with the state unknown, shape ``(k, horizon_days)``."""
        return np.tensordot(self.state_probability, self.arrival_probability, axes=1)


def split_arrivals(arrival_probability: ArrayLike, supplier: ArrayLike, state_probability: ArrayLike) -> SharedDelay:
    """Early to late states cut from the orders' own laws: each law stays as it is, orders become late together.

    State s holds the slice of each law between the sums of `state_probability` before and up to s: with (0.8, 0.2) the
    second state is the latest fifth of every order's law.

    Parameters
    ----------
    arrival_probability
        Shape ``(k, horizon_days)``, rows sum to at most one.
    supplier
        Shape ``(k,)``.
    state_probability
        Shape ``(states,)``, positive, sums to one, early states first.
    """
    law = mass_function("arrival_probability", arrival_probability)
    state = _states(state_probability)
    positive("state_probability", state)
    until = np.concatenate([[0.0], np.cumsum(state)])
    arrived = np.concatenate([np.zeros((len(law), 1)), np.cumsum(law, axis=1)], axis=1)
    slices = [
        np.diff(np.clip(arrived, low, high), axis=1) / share
        for low, high, share in zip(until[:-1], until[1:], state, strict=True)
    ]
    return SharedDelay(np.asarray(supplier), state, np.stack(slices))


def delayed_arrivals(
    arrival_probability: ArrayLike, supplier: ArrayLike, state_probability: ArrayLike, delay_days: ArrayLike
) -> SharedDelay:
    """States in which all orders of a supplier are `delay_days` later than their law without delay.

    Parameters
    ----------
    arrival_probability
        Shape ``(k, horizon_days)``, without delay.
    supplier
        Shape ``(k,)``.
    state_probability, delay_days
        Shape ``(states,)``; whole days, not negative.
    """
    law = mass_function("arrival_probability", arrival_probability)
    state = _states(state_probability)
    delay = np.rint(non_negative("delay_days", delay_days)).astype(np.int64)
    same_length(state_probability=state, delay_days=delay)
    late = np.zeros((len(state), *law.shape))
    for row, days in enumerate(np.minimum(delay, law.shape[1])):
        late[row, :, days:] = law[:, : law.shape[1] - days]
    return SharedDelay(np.asarray(supplier), state, late)


@dataclass(frozen=True)
class DelayCases:
    """Series once per combination of supplier states: `series` ``(m,)`` ascending, `weight` ``(m,)``, and `inbound`."""

    series: IntArray
    weight: FloatArray
    inbound: InboundSchedule

    def mix(self, values: FloatArray) -> FloatArray:
        """Weighted sums of values ``(m, ...)`` over the cases of each series, shape ``(n, ...)``."""
        starts = np.flatnonzero(np.diff(self.series, prepend=-1))
        weight = self.weight.reshape(-1, *[1] * (values.ndim - 1))
        return np.asarray(np.add.reduceat(values * weight, starts, axis=0))


def delay_cases(inbound: InboundSchedule, delay: SharedDelay, n: int, receipt_order: ReceiptOrder) -> DelayCases:
    """Every combination of the states that matter to a series, with the laws its orders then have."""
    days = inbound.arrival_probability.shape[1]
    if delay.arrival_probability.shape[2] != days:
        raise ValueError(f"shared_delay must have {days} days, got {delay.arrival_probability.shape[2]}")
    given_state = delay.arrival_probability
    if receipt_order == "after_demand":
        given_state = np.concatenate([np.zeros_like(given_state[..., :1]), given_state[..., :-1]], axis=2)
    states = len(delay.state_probability)
    slot = _slots(inbound, delay.supplier)
    used = np.zeros(n, dtype=np.int64)
    np.maximum.at(used, inbound.series, slot + 1)
    combinations = states**used
    start = np.concatenate([[0], np.cumsum(combinations)[:-1]])
    series = np.repeat(np.arange(n), combinations)
    case = np.arange(len(series)) - start[series]
    weight = np.ones(len(series))
    for place in range(_SUPPLIERS):
        active = used[series] > place
        weight[active] *= delay.state_probability[(case[active] // states**place) % states]
    order = np.repeat(np.arange(len(slot)), combinations[inbound.series])
    first = np.cumsum(combinations[inbound.series]) - combinations[inbound.series]
    order_case = np.arange(len(order)) - first[order]
    state = (order_case // states ** np.maximum(slot[order], 0)) % states
    law = np.where((slot[order] >= 0)[:, None], given_state[state, order], inbound.arrival_probability[order])
    row = start[inbound.series[order]] + order_case
    return DelayCases(series, weight, InboundSchedule(row, inbound.quantity[order], law))


def _slots(inbound: InboundSchedule, supplier: IntArray) -> IntArray:
    """Which of a series' supplier states an order hangs on, shape ``(k,)``; -1 for its own law."""
    slot = np.full(len(supplier), -1)
    if not len(supplier):
        return slot
    key, pair = np.unique(np.stack([inbound.series, supplier], axis=1), axis=0, return_inverse=True)
    pair = pair.reshape(-1)
    orders = np.bincount(pair)
    units = np.bincount(pair, inbound.quantity)
    shared = np.flatnonzero(orders > 1)
    ranking = shared[np.lexsort((shared, -units[shared], key[shared, 0]))]
    series = key[ranking, 0]
    place = np.arange(len(ranking)) - np.searchsorted(series, series)
    of_pair = np.full(len(key), -1)
    of_pair[ranking] = np.where(place < _SUPPLIERS, place, -1)
    return np.asarray(of_pair[pair])


def _states(state_probability: ArrayLike) -> FloatArray:
    state = non_negative("state_probability", state_probability)
    if state.ndim != 1 or not state.size or abs(state.sum() - 1.0) > 1e-9:
        raise ValueError(f"state_probability must be flat and sum to 1, got {state}")
    return state
