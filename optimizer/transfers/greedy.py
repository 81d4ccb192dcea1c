"""A feasible transfer plan, built by always taking the step that saves most per unit; also repairs rounded plans.

Rules
-----
1. A step sends on one lane as many lots as earn the same per unit (up to the end of a need's or donor's piece), or one
   lot where a lot spans pieces. A lane not used yet pays its fixed cost first, so its first step takes as many lots as
   make the best of it.
2. A gain only falls while other steps are taken, so the best step is found with a heap whose entries are refreshed
   when they surface. Equal gains go to the lower lane number.
3. At the end a lane that does not pay for itself is emptied.
"""

import heapq
from dataclasses import dataclass

import numpy as np

from optimizer.arguments import FloatArray, IntArray
from optimizer.transfers.problem import TransferProblem
from optimizer.transfers.value import open_ended, total_by

_ROUNDING = 1e-9


@dataclass(frozen=True)
class _Step:
    """Lots to add on a lane and the money they save."""

    lots: int
    gain: float


class _Pieces:
    """A piecewise linear curve read at a point: rate there, units to the end of the piece, total between points."""

    def __init__(self, units: FloatArray, rate: FloatArray) -> None:
        self._ends = np.cumsum(units)
        self._starts = self._ends - units if np.isfinite(units).all() else np.concatenate([[0.0], self._ends[:-1]])
        self._units, self._rate = units, rate

    def room(self, at: int) -> float:
        """Units from `at` to the end of the piece that holds the next unit."""
        beyond = self._ends[self._ends > at + _ROUNDING]
        return float(beyond[0] - at) if beyond.size else np.inf

    def totals(self, at: FloatArray) -> FloatArray:
        """Money of the first `at` units, for an array of points."""
        filled = np.clip(at[:, None] - self._starts, 0.0, self._units)
        return np.asarray(filled @ self._rate)


class GreedyTransfers:
    """A plan under construction; `units` is always feasible."""

    def __init__(self, problem: TransferProblem, units: IntArray) -> None:
        self._problem = problem
        self.units = units.copy()
        self._received = total_by(problem.lane_need, units, problem.needs)
        self._given = total_by(problem.lane_donor, units, problem.donors)
        load = problem.lane_load_per_unit * units
        grouped = problem.lane_group >= 0
        self._load = np.bincount(problem.lane_group[grouped], load[grouped], len(problem.group_capacity))
        donor_units = open_ended(problem.donor_piece_units)
        self._need = [_Pieces(u, v) for u, v in zip(problem.need_piece_units, problem.need_piece_value, strict=True)]
        self._donor = [_Pieces(u, c) for u, c in zip(donor_units, problem.donor_piece_cost, strict=True)]

    def insert(self) -> None:
        """Take steps until none saves money, then empty lanes that do not pay."""
        self._empty_losers()
        heap = [
            (-step.gain / (step.lots * self._lot(lane)), lane)
            for lane in range(self._problem.lanes)
            if (step := self._best_step(lane)) is not None
        ]
        heapq.heapify(heap)
        while heap:
            _, lane = heapq.heappop(heap)
            step = self._best_step(lane)
            if step is None:
                continue
            key = (-step.gain / (step.lots * self._lot(lane)), lane)
            if heap and key > heap[0]:
                heapq.heappush(heap, key)
                continue
            self._send(lane, step.lots)
            if (following := self._best_step(lane)) is not None:
                heapq.heappush(heap, (-following.gain / (following.lots * self._lot(lane)), lane))
        self._empty_losers()

    def _lot(self, lane: int) -> int:
        return int(self._problem.lane_lot[lane])

    def _lots_possible(self, lane: int) -> int:
        """Lots that floor, receiver, worth and lane capacity still admit."""
        problem, donor, need = self._problem, self._problem.lane_donor[lane], self._problem.lane_need[lane]
        lot, group = self._lot(lane), problem.lane_group[lane]
        units = min(
            int(problem.donor_available[donor] - self._given[donor]),
            int(problem.need_capacity[need] - self._received[need]),
        )
        lots = units // lot
        worthwhile = problem.need_piece_units[need].sum() - self._received[need]
        lots = min(lots, int(np.ceil(max(worthwhile, 0.0) / lot - _ROUNDING)))
        load = problem.lane_load_per_unit[lane] * lot
        if group >= 0 and load > 0.0:
            room = problem.group_capacity[group] - self._load[group]
            lots = min(lots, int(np.floor(room / load * (1.0 + _ROUNDING))))
        return max(lots, 0)

    def _best_step(self, lane: int) -> _Step | None:
        """The next step of a lane, or None when it saves nothing."""
        possible = self._lots_possible(lane)
        if possible == 0:
            return None
        opening = self.units[lane] == 0 and self._problem.lane_fixed_cost[lane] > 0.0
        step = self._opening_step(lane, possible) if opening else self._next_step(lane, possible)
        scale = abs(self._problem.lane_unit_cost[lane]) + 1e-300
        return step if step.gain > _ROUNDING * scale else None

    def _next_step(self, lane: int, possible: int) -> _Step:
        donor, need, lot = self._problem.lane_donor[lane], self._problem.lane_need[lane], self._lot(lane)
        room = min(self._need[need].room(int(self._received[need])), self._donor[donor].room(int(self._given[donor])))
        whole = possible if np.isinf(room) else int((room + _ROUNDING) // lot)
        lots = max(1, min(possible, whole))
        return _Step(lots, float(self._gains(lane, np.array([lots]))[0]))

    def _opening_step(self, lane: int, possible: int) -> _Step:
        """Most money after the fixed cost; gains are concave, so the fewest lots at the top are taken."""
        lots = np.arange(1, possible + 1)
        gains = self._gains(lane, lots) - self._problem.lane_fixed_cost[lane]
        best = int(gains.argmax())
        return _Step(int(lots[best]), float(gains[best]))

    def _gains(self, lane: int, lots: IntArray) -> FloatArray:
        """Money saved by more lots on a lane, without its fixed cost."""
        problem, donor, need = self._problem, self._problem.lane_donor[lane], self._problem.lane_need[lane]
        units = np.concatenate([[0], lots * self._lot(lane)]).astype(np.float64)
        saved = self._need[need].totals(self._received[need] + units)
        lost = self._donor[donor].totals(self._given[donor] + units)
        money = saved - lost - problem.lane_unit_cost[lane] * units
        return np.asarray(money[1:] - money[0])

    def _send(self, lane: int, lots: int) -> None:
        """Add lots (or take away, if negative) and keep the totals."""
        problem, units = self._problem, lots * self._lot(lane)
        self.units[lane] += units
        self._received[problem.lane_need[lane]] += units
        self._given[problem.lane_donor[lane]] += units
        if problem.lane_group[lane] >= 0:
            self._load[problem.lane_group[lane]] += problem.lane_load_per_unit[lane] * units

    def _empty_losers(self) -> None:
        """Take back every lane whose removal saves money, one after the other."""
        for lane in np.flatnonzero(self.units).tolist():
            lots = int(self.units[lane] // self._lot(lane))
            kept = -float(self._gains(lane, np.array([-lots]))[0]) - float(self._problem.lane_fixed_cost[lane])
            if kept < 0.0:
                self._send(lane, -lots)


def greedy_units(problem: TransferProblem, start: IntArray | None = None) -> IntArray:
    """Units per lane of the greedy plan, from nothing or from the feasible units `start`."""
    plan = GreedyTransfers(problem, np.zeros(problem.lanes, dtype=np.int64) if start is None else start)
    plan.insert()
    return plan.units
