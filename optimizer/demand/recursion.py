"""One pass over a block of histories: every recursive estimate and the sums for the spread, period by period.

The gates are arithmetic: an event is 1.0 or 0.0 and becomes the factor ``keep = 1 - w * event`` that shrinks a state,
so no vector is indexed by a mask. What keeps the pass at two operations a state:

* Croston and TSB smooth the same sizes, so they share one state.
* Every state is a discounted sum, scaled once at the end: ``state = state * keep + news``.
* Croston's interval p is carried as the backlog ``B = p (1 - w) / w`` plus the periods since the last demand. A period
  adds one, an event multiplies by ``1 - w``: that is ``p <- (1 - w) p + w q`` without ever forming the interval q.
* Started with the first size and the first interval, both stay put at the first event: no "has it started" gate.
* Events are counted in bytes, an eighth of the traffic of a state.

Sums of squares are taken of deviations from the first size, in float64. Whatever that size is, it is one of the values,
so at most `periods` times the spread is cancelled and no large level can drown it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.arguments import BoolArray, FloatArray
from optimizer.demand.history import Block, Demand

_BYTE = np.iinfo(np.uint8).max


@dataclass(frozen=True)
class Recursion:
    """State after the last period, shape ``(k,)``.

    Parameters
    ----------
    level, size
        Discounted sums of demand: over periods, and over events; times their weight they are averages.
    backlog
        ``p (1 - w) / w`` of Croston's interval p, plus the periods since the last demand.
    chance
        Discounted sum of events.
    events
        Usable periods with demand.
    first_size, first_interval
        Units (0 without demand), and usable periods up to and including the first demand.
    since
        Usable periods since the last demand.
    deviation, squares
        Sums of ``demand - first_size`` and of its square over usable periods; zeros, as `level`, when not
        asked for.
    """

    level: Demand
    size: Demand
    backlog: Demand
    chance: Demand
    events: FloatArray
    first_size: FloatArray
    first_interval: FloatArray
    since: FloatArray
    deviation: FloatArray
    squares: FloatArray


def recursion(block: Block, size_weight: float, chance_weight: float, *, level: bool, spread: bool) -> Recursion:
    """The state of each series of the block after its last period; weights in (0, 1)."""
    state = _start(block, size_weight)
    event, keep = np.empty(block.series, block.dtype), np.empty(block.series, block.dtype)
    sold, counter = np.empty(block.series, np.bool_), _Counter(block)
    deviations = _Spread(block, state)
    # Numbers as arrays of no dimension: a plain one is converted at every call.
    none, one, lost = (np.asarray(number, block.dtype) for number in (0.0, 1.0, -size_weight))
    observed: Demand = one
    size_kept, chance_kept = (np.asarray(1.0 - weight, block.dtype) for weight in (size_weight, chance_weight))
    for period, demand in enumerate(block.demand):
        if block.usable is not None:
            observed = block.usable[period]
            size_kept, chance_kept = _kept(observed, size_weight), _kept(observed, chance_weight)
        np.greater(demand, none, out=sold)
        np.copyto(event, sold)
        counter.count(period, sold)
        np.multiply(event, lost, out=keep)
        np.add(keep, one, out=keep)
        np.multiply(state.size, keep, out=state.size)
        np.add(state.size, demand, out=state.size)
        np.add(state.backlog, observed, out=state.backlog)
        np.multiply(state.backlog, keep, out=state.backlog)
        np.multiply(state.chance, chance_kept, out=state.chance)
        np.add(state.chance, event, out=state.chance)
        if level:
            np.multiply(state.level, size_kept, out=state.level)
            np.add(state.level, demand, out=state.level)
        if spread:
            deviations.add(period, demand)
    counter.total(state.events, state.since)
    return state


def _kept(observed: Demand, forgotten: float) -> Demand:
    """``1 - forgotten`` where the period is an observation, 1 where it is none."""
    # Rounded as the number for all would be, lest a neighbour's gap change the last digit.
    number = observed.dtype.type
    return np.where(observed > 0.0, number(1.0 - forgotten), number(1.0))


class _Counter:
    """Events of each series, and usable periods since the last: counted in bytes, carried over before they overflow."""

    def __init__(self, block: Block) -> None:
        self._usable, self._periods = block.usable, 0
        self._events, self._seen, self._last, self._place = (np.zeros(block.series, np.uint8) for _ in range(4))
        self._all_events, self._all_seen, self._all_last = (np.zeros(block.series) for _ in range(3))
        self._observed = np.empty(block.series, np.bool_)

    def count(self, period: int, sold: BoolArray) -> None:
        """One period more, with an event where `sold`."""
        if self._periods == _BYTE:
            self._carry()
        self._periods += 1
        event = sold.view(np.uint8)
        np.add(self._events, event, out=self._events)
        np.multiply(event, self._so_far(period), out=self._place)
        np.maximum(self._last, self._place, out=self._last)

    def total(self, events: FloatArray, since: FloatArray) -> None:
        """Write the sums down; without an event `since` is all usable periods."""
        self._carry()
        np.copyto(events, self._all_events)
        np.subtract(self._all_seen, self._all_last, out=since)

    def _so_far(self, period: int) -> NDArray[np.uint8]:
        """Usable periods since the last carry, one number when they are the same for all."""
        if self._usable is None:
            return np.asarray(self._periods, np.uint8)
        np.greater(self._usable[period], 0.0, out=self._observed)
        return np.add(self._seen, self._observed.view(np.uint8), out=self._seen)

    def _carry(self) -> None:
        self._all_events += self._events
        np.copyto(self._all_last, self._all_seen + self._last, where=self._last > 0)
        self._all_seen += self._periods if self._usable is None else self._seen
        for bytes_ in (self._events, self._seen, self._last):
            bytes_.fill(0)
        self._periods = 0


def _start(block: Block, size_weight: float) -> Recursion:
    size = block.demand.take(block.first * block.series + np.arange(block.series))
    chance, level = np.zeros(block.series, block.dtype), np.zeros(block.series, block.dtype)
    interval = first_interval(block)
    backlog = (interval * ((1.0 - size_weight) / size_weight)).astype(block.dtype)
    first_size: FloatArray = np.asarray(size, dtype=np.float64).copy()
    size /= size_weight
    events, since, deviation, squares = (np.zeros(block.series) for _ in range(4))
    return Recursion(level, size, backlog, chance, events, first_size, interval, since, deviation, squares)


def first_interval(block: Block) -> FloatArray:
    """Usable periods up to and including the first demand, shape ``(k,)``."""
    if block.usable is None:
        return np.asarray(block.first + 1.0, dtype=np.float64)
    so_far: FloatArray = np.cumsum(block.usable, axis=0, dtype=np.float64)
    return np.asarray(so_far[block.first, np.arange(block.series)], dtype=np.float64)


class _Spread:
    """Sums of deviations from the first size and of their squares, in float64 whatever the history."""

    def __init__(self, block: Block, state: Recursion) -> None:
        self._usable, self._state = block.usable, state
        self._wide, self._cast = np.empty(block.series), block.dtype != np.float64

    def add(self, period: int, demand: Demand) -> None:
        """One period more."""
        wide, state = self._wide, self._state
        if self._cast:
            # A cast of its own: numpy would cast in small pieces inside the subtraction.
            np.copyto(wide, demand)
            demand = wide
        np.subtract(demand, state.first_size, out=wide)
        if self._usable is not None:
            np.multiply(wide, self._usable[period], out=wide)
        np.add(state.deviation, wide, out=state.deviation)
        np.multiply(wide, wide, out=wide)
        np.add(state.squares, wide, out=state.squares)
