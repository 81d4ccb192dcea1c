"""The state program itself: units used so far and orders received so far, carried from day to day.

A set of received orders has a level: stock at the start plus what it received. The stock of a path is the level of its
set less the units used, so a receipt moves probability between sets and leaves the units used as they are. Where sales
are lost, the units used stop at the level. A level below zero is debt: the path is out whatever is asked.

Distributions have shape ``(kinds, sets, rows, points)``. Kind 0 holds the paths that were never out; kind 1, where
sales are lost, all paths.
"""

from dataclasses import dataclass

import numpy as np

from optimizer.arguments import FloatArray, IntArray
from optimizer.laws.demand_law import DemandLaw, exceedance, expected_short
from optimizer.risk.demand_by_day import DailyDemand
from optimizer.risk.lattice import DayDemand, raised, tails_of_sets
from optimizer.risk.order_sets import OrderSets

_NO_MASS = 1e-15


@dataclass(frozen=True)
class Grid:
    """Lattice of some series: `step` ``(rows,)`` in units, `points` of stock, `length` of the transforms."""

    step: FloatArray
    points: int
    length: int


@dataclass(frozen=True)
class WalkedDays:
    """Figures by day, each ``(rows, days)``: P(out on the day), P(first out on the day), units unmet."""

    out: FloatArray
    first_out: FloatArray
    unmet: FloatArray


def walk(sets: OrderSets, demand: DailyDemand, grid: Grid, law: DemandLaw, *, lost: bool) -> WalkedDays:
    """Carry the distributions through all days; `lost` also follows the paths that have been out."""
    rows, days = sets.certain.shape
    state = _State(sets, grid, law, kinds=2 if lost else 1)
    answer = WalkedDays(*(np.zeros((rows, days)) for _ in range(3)))
    every = np.arange(rows)
    known = np.zeros(rows)
    for day in range(days):
        if day == 0 or not demand.same_every_day:
            state.expect(*demand.of_day(day, every))
        state.receive_certain(sets.certain[:, day])
        for order in range(sets.quantity.shape[1]):
            state.receive(order, sets.hazard[:, order, day])
        due = demand.known_on(day, every)
        out, short = state.sell(due)
        answer.first_out[:, day] = out[0]
        if lost:
            answer.out[:, day], answer.unmet[:, day] = out[1], short
        else:
            known += 0.0 if due is None else due
            answer.out[:, day], answer.unmet[:, day] = state.owed(known, *demand.moments_to(day, every))
    return answer


class _State:
    """Distributions and what goes with them; changed in place from day to day."""

    def __init__(self, sets: OrderSets, grid: Grid, law: DemandLaw, kinds: int) -> None:
        self.grid, self.law = grid, law
        self.level = sets.level_of_sets().T.copy()
        count, rows = self.level.shape
        self.mass = np.zeros((count, rows))
        self.used = np.zeros((kinds, count, rows, grid.points))
        self.mass[0] = 1.0
        self.used[:, 0, :, 0] = 1.0
        self._stale = True

    def expect(self, mean: FloatArray, variance: FloatArray) -> None:
        """Take on a day's law of demand."""
        self.mean, self.variance = mean, variance
        grid = self.grid
        self.demand = DayDemand.of(mean, variance, grid.step, grid.points, grid.length, self.law)
        self._stale = True

    def receive_certain(self, units: FloatArray) -> None:
        """Receipts that every set gets."""
        if units.any():
            self.level += units
            self._stale = True

    def receive(self, order: int, hazard: FloatArray) -> None:
        """One uncertain order arrives with its hazard in every set that lacks it."""
        for without in range(len(self.mass)):
            with_it = without | 1 << order
            rows = np.flatnonzero(hazard * self.mass[without] > _NO_MASS) if with_it != without else ()
            if not len(rows):
                continue
            chance = hazard[rows]
            moving = self.used[:, without, rows]
            arrived = moving * chance[:, None]
            self.used[:, with_it, rows] += arrived
            self.used[:, without, rows] = np.subtract(moving, arrived, out=moving)
            self.mass[with_it, rows] += chance * self.mass[without, rows]
            self.mass[without, rows] *= 1.0 - chance

    def sell(self, due: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        """A day's demand: P(out) by kind ``(kinds, rows)``, and units lost of the last kind."""
        if self._stale:
            self._tabulate()
        kinds, count, rows, _ = self.used.shape
        out, short = np.zeros((kinds, rows)), np.zeros(rows)
        for members in range(count):
            row = np.flatnonzero(self.mass[members] > _NO_MASS)
            if row.size:
                out_here, short_here = self._sell_of(members, row, None if due is None else due[row])
                out[:, row] += out_here
                short[row] += short_here
        return out, short

    def _sell_of(self, members: int, row: IntArray, due: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        """The same of one set of received orders."""
        used = self.used[:, members, row]
        cut, missing = np.zeros(used.shape[:2]), np.zeros(len(row))
        if due is not None and due.any():
            used, cut, missing = self._serve_known(members, row, used, due)
        missed = np.einsum("kij,ij->ki", used, self._survival[members, row])
        before = used[-1].sum(axis=-1)
        if self._never_out is not None:
            used[0] *= self._never_out[members, row]
        left = self.demand.added_to(used, row)
        left *= self._fits[members, row]
        out = missed + cut
        short = np.zeros(len(row))
        if len(used) > 1:
            # What does not fit has sold out, and so have the paths that known demand cut off.
            left[1, np.arange(len(row)), self._last[members, row]] += before - left[1].sum(axis=-1) + cut[1]
            short = np.einsum("ij,ij->i", used[1], self._shortage[members, row])
            short += missing + cut[1] * self.mean[row]
        self.used[:, members, row] = left
        return out, short

    def _serve_known(
        self, members: int, row: IntArray, used: FloatArray, due: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Units used after known demand, probability that it was not met, and units of it not met (last kind)."""
        step = self.grid.step[row]
        stock = np.maximum(self.level[members, row, None] - step[:, None] * np.arange(used.shape[-1]), 0.0)
        missing = np.einsum("ij,ij->i", used[-1], np.maximum(due[:, None] - stock, 0.0))
        after = raised(used, due / step) * self._fits[members, row]
        after[:, due <= 0.0] = used[:, due <= 0.0]
        return after, np.maximum(used.sum(axis=-1) - after.sum(axis=-1), 0.0), missing

    def owed(self, known: FloatArray, mean: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
        """P(out) and units owed if unmet demand waits, from demand up to the day."""
        members, row = np.nonzero(self.mass > _NO_MASS)
        weight = self.mass[members, row]
        tail = (self.level[members, row] - known[row], mean[row], variance[row], self.law)
        rows = len(known)
        out, short = weight * exceedance(*tail), weight * expected_short(*tail)
        return np.bincount(row, out, rows).astype(np.float64), np.bincount(row, short, rows).astype(np.float64)

    def _tabulate(self) -> None:
        """Tails by set, row and units used; which units used a level allows, and the last of them."""
        grid = self.grid
        survival, self._shortage = tails_of_sets(self.level, self.mean, self.variance, grid.step, grid.points, self.law)
        debt = self.level < 0.0
        survival[debt] = 1.0
        self._survival = survival
        self._last = np.floor(np.maximum(self.level, 0.0) / grid.step * (1.0 + 1e-12)).astype(np.int64)
        self._fits = ((np.arange(grid.points) <= self._last[..., None]) & ~debt[..., None]).astype(np.float64)
        self._never_out: FloatArray | None = None if self.law == "count" else self._law_over_lattice(survival)
        self._stale = False

    def _law_over_lattice(self, survival: FloatArray) -> FloatArray:
        """P(demand fits) by the law over that by the lattice, by set, row and units used.

        The lattice keeps the mean of demand, not the chance that it is met; for paths that were never out the law has
        the last word, state by state.
        """
        room = np.maximum(self._last[..., None] - np.arange(self.grid.points), 0)
        reached = self.demand.reached[np.arange(survival.shape[1])[None, :, None], room]
        over = np.divide(1.0 - survival, reached, out=np.zeros_like(survival), where=reached > _NO_MASS)
        return np.asarray(over)


def rows_alike(*keys: IntArray) -> list[tuple[tuple[int, ...], IntArray]]:
    """Rows that agree in all keys, by ascending key."""
    table = np.stack(keys, axis=1)
    values, which = np.unique(table, axis=0, return_inverse=True)
    which = which.reshape(-1)
    return [(tuple(int(v) for v in value), np.flatnonzero(which == place)) for place, value in enumerate(values)]
