"""The walk through one block of worlds: forwards the distribution of stock, backwards the loss still to come.

A state is the set of followed orders received so far and the stock; receipts move probability between sets, demand
moves stock (`lattice.py`). Both ways use the same operators, one transposed, so their product is one number at every
moment.
"""

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from optimizer.arguments import FloatArray, IntArray
from optimizer.laws.demand_law import DemandLaw
from optimizer.options.lattice import Step, cubic, demand_step, shift_step
from optimizer.options.worlds import Worlds


class Walk:
    """One block of worlds with equally many intervals and followed orders."""

    def __init__(
        self,
        part: Worlds,
        orders: IntArray,
        whole: Worlds,
        count: IntArray,
        intervals: int,
        points: int,
        law: DemandLaw,
    ) -> None:
        self.part, self.points, self.law, self.intervals = part, points, law, intervals
        horizon = part.horizon_days[:, None]
        self.time: FloatArray = np.minimum(np.arange(intervals + 1.0) / count[:, None], 1.0) * horizon
        # Intervals are alike in all worlds of a block or in none: the blocks keep those walked day by day apart.
        self.alike = part.mean_per_day.ndim == 1 and part.sd_per_day.ndim == 1 and not len(part.dated)
        self.mean = np.diff(part.until(part.mean_per_day, self.time), axis=1)
        self.variance = np.diff(part.until(part.sd_per_day**2, self.time), axis=1)
        self.known = np.zeros_like(self.mean)
        if part.known_demand is not None:
            self.known = np.diff(part.until(part.known_demand, self.time), axis=1)
        self.stock = np.maximum(part.on_hand, 0.0)
        self.known[:, 0] += np.maximum(-part.on_hand, 0.0)
        self._receipts(orders, whole, count)

    def _receipts(self, orders: IntArray, whole: Worlds, count: IntArray) -> None:
        """Followed orders as units and hazards by moment; all others as expected units by moment."""
        rows, moments = len(self.part), self.intervals + 1
        self.slots = orders.shape[1]
        self.units = np.zeros(orders.shape)
        self.hazard = np.zeros((*orders.shape, moments))
        self.expected = np.zeros((rows, moments))
        if self.part.inbound is None or whole.inbound is None:
            return
        for slot in range(orders.shape[1]):
            source = whole.inbound.arrival_probability[orders[:, slot]]
            law = _by_moment(source, self.part.horizon_days, count, moments)
            self.units[:, slot] = whole.inbound.quantity[orders[:, slot]]
            waiting = 1.0 - (np.cumsum(law, axis=1) - law)
            self.hazard[:, slot] = np.clip(
                np.divide(law, waiting, out=np.zeros_like(law), where=waiting > 1e-12), 0.0, 1.0
            )
            self.expected -= law * self.units[:, slot, None]
        series, inbound = self.part.inbound.series, self.part.inbound
        law = _by_moment(inbound.arrival_probability, self.part.horizon_days[series], count[series], moments)
        np.add.at(self.expected, series, law * inbound.quantity[:, None])
        self.expected[self.expected < 1e-9 * (1.0 + self.units.sum(axis=1)[:, None])] = 0.0

    def sized(self, most_units: FloatArray) -> FloatArray:
        """Units per lattice step: up to what may be there, and no further than what may be asked for."""
        reach = self.stock + self.expected.sum(axis=1) + self.units.sum(axis=1) + most_units
        mean, variance = self.mean.sum(axis=1), self.variance.sum(axis=1)
        asked = mean + self.known.sum(axis=1) + 6.0 * np.sqrt(variance)
        self.step = np.maximum(np.minimum(reach, asked), 1e-9) / (self.points - 3.0)
        return np.asarray(self.step)

    def run(self) -> tuple[FloatArray, FloatArray]:
        """Backwards, then forwards: units lost before each moment, and from it on if so many steps are added at it."""
        receipts = [shift_step(self.units[:, slot], self.step, self.points) for slot in range(self.slots)]
        steps = self._steps()
        ahead = self._backwards(receipts, steps)
        state, lost = self._start()
        states, until = [state], [lost]
        for moment in range(self.intervals):
            state, now = self._received(state, moment, receipts)
            lost = lost + now
            for step in steps[moment]:
                state, now = step.carried(state)
                lost = lost + now
            states.append(state)
            until.append(lost)
        ahead_of = _product(np.stack(states, axis=1), np.stack(ahead, axis=1), self.step)
        return np.stack(until, axis=1), ahead_of

    def _start(self) -> tuple[FloatArray, FloatArray]:
        """All stock on the shelf, no followed order received."""
        sets = 1 << self.slots
        state = np.zeros((len(self.stock), sets, self.points))
        base, weight = cubic(np.minimum(self.stock / self.step, self.points - 1.0))
        lost = np.zeros(len(self.stock))
        worlds = np.arange(len(self.stock))
        for tap in range(4):
            target = base + tap - 1
            np.add.at(state[:, 0], (worlds, np.clip(target, 0, self.points - 1)), weight[:, tap])
            lost += weight[:, tap] * np.maximum(-target, 0) * self.step
        return state, lost

    def _steps(self) -> list[tuple[Step, ...]]:
        """What happens in each interval after its receipts: expected receipts and certain demand, then demand."""
        same = (
            demand_step(self.mean[:, 0], self.variance[:, 0], self.step, self.points, self.law) if self.alike else None
        )
        answer = []
        for moment in range(self.intervals):
            change = self.expected[:, moment] - self.known[:, moment]
            parts = [shift_step(change, self.step, self.points)] if change.any() else []
            answer.append(
                (
                    *parts,
                    same
                    or demand_step(self.mean[:, moment], self.variance[:, moment], self.step, self.points, self.law),
                )
            )
        return answer

    def _backwards(self, receipts: list[Step], steps: list[tuple[Step, ...]]) -> list[FloatArray]:
        """Expected loss still to come at each moment, before its receipts, ``(worlds, sets, points)``."""
        value = np.zeros((len(self.stock), 1 << len(receipts), self.points))
        answer = [value]
        for moment in range(self.intervals - 1, -1, -1):
            for step in reversed(steps[moment]):
                value = step.ahead(value)
            for slot, receipt in enumerate(receipts):
                value = self._expecting(value, slot, moment, receipt)
            answer.append(value)
        return answer[::-1]

    def _expecting(self, value: FloatArray, slot: int, moment: int, receipt: Step) -> FloatArray:
        """The value before a followed order may come."""
        chance = self.hazard[:, slot, moment, None, None]
        if not chance.any():
            return value
        without, with_it = _sides(value.shape[1], slot)
        before = value.copy()
        before[:, without] += chance * (receipt.ahead(value[:, with_it]) - value[:, without])
        return before

    def _received(self, state: FloatArray, moment: int, receipts: list[Step]) -> tuple[FloatArray, FloatArray]:
        """The distribution after the moment's receipts."""
        lost = np.zeros(len(self.stock))
        for slot in reversed(range(len(receipts))):
            chance = self.hazard[:, slot, moment, None, None]
            if chance.any():
                without, with_it = _sides(state.shape[1], slot)
                moving = chance * state[:, without]
                arrived, now = receipts[slot].carried(moving)
                state = state.copy()
                state[:, without] -= moving
                state[:, with_it] += arrived
                lost += now
        return state, lost


def _sides(sets: int, slot: int) -> tuple[IntArray, IntArray]:
    """Sets without an order, and the same sets with it."""
    every = np.arange(sets)
    without = every[(every >> slot) & 1 == 0]
    return without, without | 1 << slot


def _by_moment(arrival: FloatArray, horizon: IntArray, count: IntArray, moments: int) -> FloatArray:
    """Arrival laws ``(rows, days)`` on the moments, each day shared between the two beside it."""
    row, day = np.nonzero(arrival)
    inside = day < horizon[row]
    row, day = row[inside], day[inside]
    at = day * (count[row] / horizon[row])
    base = np.floor(at + 1e-9)
    right = np.maximum(at - base, 0.0)
    share = arrival[row, day]
    place = row * moments + base.astype(np.int64)
    size = len(arrival) * moments
    left = np.bincount(place, share * (1.0 - right), size)
    return np.asarray(left + np.bincount(place + 1, share * right, size + 1)[:size]).reshape(len(arrival), moments)


def _product(state: FloatArray, ahead: FloatArray, step: FloatArray) -> FloatArray:
    """Loss to come when 0 - 1, 0, 1, .. steps are added, from ``(worlds, moments, sets, points)``."""
    worlds, moments, sets, points = state.shape
    longer = np.empty((worlds, moments, sets, 2 * points + 1))
    longer[..., 0] = ahead[..., 0] + step[:, None, None]
    longer[..., 1 : points + 1] = ahead
    longer[..., points + 1 :] = ahead[..., -1:]
    length = next_fast_len(2 * points + 1, real=True)
    spectrum = np.conj(rfft(state, length))
    spectrum *= rfft(longer, length)
    return np.asarray(irfft(spectrum.sum(axis=2), length)[..., : points + 2])
