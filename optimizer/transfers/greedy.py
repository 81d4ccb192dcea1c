"""A feasible transfer plan, built by always taking the step that saves most per unit; also repairs rounded plans.

Rules
-----
1. A step sends on one lane as many lots as earn the same per unit (up to the end of a need's or donor's piece), or one
   lot where a lot spans pieces. A lane not used yet pays its fixed cost and opens its groups first, so its first step
   takes as many lots as make the best of it.
2. A gain only falls while other steps are taken, so the best step is found with a heap whose entries are refreshed
   when they surface; when a step opens a group, the group's other lanes gain and enter the heap again. Equal gains go
   to the lower lane number.
3. At the end a lane that does not pay for itself is emptied, and so is a group.
"""

import heapq
from dataclasses import dataclass

import numpy as np

from optimizer.arguments import FloatArray, IntArray
from optimizer.transfers.groups import group_load, memberships
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
        member = memberships(problem)
        self._load = group_load(problem, units)
        self._riding = np.bincount(member.group[units[member.lane] > 0], minlength=problem.groups)
        self._opening_cost = problem.opening_cost
        self._groups: list[list[tuple[int, float]]] = [[] for _ in range(problem.lanes)]
        self._members: list[list[int]] = [[] for _ in range(problem.groups)]
        for lane, group, each in zip(member.lane.tolist(), member.group.tolist(), member.load_per_unit, strict=True):
            self._groups[lane].append((group, float(each)))
            self._members[group].append(lane)
        donor_units = open_ended(problem.donor_piece_units)
        self._need = [_Pieces(u, v) for u, v in zip(problem.need_piece_units, problem.need_piece_value, strict=True)]
        self._donor = [_Pieces(u, c) for u, c in zip(donor_units, problem.donor_piece_cost, strict=True)]

    def insert(self) -> None:
        """Take steps until none saves money, then empty lanes that do not pay."""
        self._empty_losers()
        heap = [(key, lane) for lane in range(self._problem.lanes) if (key := self._key(lane)) is not None]
        heapq.heapify(heap)
        while heap:
            _, lane = heapq.heappop(heap)
            key = self._key(lane)
            if key is None:
                continue
            if heap and (key, lane) > heap[0]:
                heapq.heappush(heap, (key, lane))
                continue
            closed = [group for group, _ in self._groups[lane] if self._is_closed(group)]
            step = self._best_step(lane)
            self._send(lane, step.lots if step else 0)
            gaining = {lane}.union(*(self._members[group] for group in closed))
            for other in sorted(gaining):
                if (following := self._key(other)) is not None:
                    heapq.heappush(heap, (following, other))
        self._empty_losers()

    def _key(self, lane: int) -> float | None:
        """Minus the money a unit of the lane's best step saves, None when it saves nothing."""
        step = self._best_step(lane)
        return None if step is None else -step.gain / (step.lots * self._lot(lane))

    def _is_closed(self, group: int) -> bool:
        return bool(self._riding[group] == 0 and self._opening_cost[group] > 0.0)

    def _opening(self, lane: int) -> float:
        """Money to pay before the first lot: the lane's fixed cost and its closed groups'."""
        if self.units[lane] > 0:
            return 0.0
        closed = sum(float(self._opening_cost[g]) for g, _ in self._groups[lane] if self._is_closed(g))
        return float(self._problem.lane_fixed_cost[lane]) + closed

    def _lot(self, lane: int) -> int:
        return int(self._problem.lane_lot[lane])

    def _lots_possible(self, lane: int) -> int:
        """Lots that floor, receiver, worth and lane capacity still admit."""
        problem, donor, need = self._problem, self._problem.lane_donor[lane], self._problem.lane_need[lane]
        lot = self._lot(lane)
        units = min(
            int(problem.donor_available[donor] - self._given[donor]),
            int(problem.need_capacity[need] - self._received[need]),
        )
        lots = units // lot
        worthwhile = problem.need_piece_units[need].sum() - self._received[need]
        lots = min(lots, int(np.ceil(max(worthwhile, 0.0) / lot - _ROUNDING)))
        for group, each in self._groups[lane]:
            if each > 0.0 and np.isfinite(problem.group_capacity[group]):
                room = problem.group_capacity[group] - self._load[group]
                lots = min(lots, int(np.floor(room / (each * lot) * (1.0 + _ROUNDING))))
        return max(lots, 0)

    def _best_step(self, lane: int) -> _Step | None:
        """The next step of a lane, or None when it saves nothing."""
        possible = self._lots_possible(lane)
        if possible == 0:
            return None
        opening = self._opening(lane)
        step = self._opening_step(lane, possible, opening) if opening > 0.0 else self._next_step(lane, possible)
        scale = abs(self._problem.lane_unit_cost[lane]) + 1e-300
        return step if step.gain > _ROUNDING * scale else None

    def _next_step(self, lane: int, possible: int) -> _Step:
        donor, need, lot = self._problem.lane_donor[lane], self._problem.lane_need[lane], self._lot(lane)
        room = min(self._need[need].room(int(self._received[need])), self._donor[donor].room(int(self._given[donor])))
        whole = possible if np.isinf(room) else int((room + _ROUNDING) // lot)
        lots = max(1, min(possible, whole))
        return _Step(lots, float(self._gains(lane, np.array([lots]))[0]))

    def _opening_step(self, lane: int, possible: int, opening: float) -> _Step:
        """Most money after the fixed cost; gains are concave, so the fewest lots at the top are taken."""
        lots = np.arange(1, possible + 1)
        gains = self._gains(lane, lots) - opening
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
        before = int(self.units[lane] > 0)
        self.units[lane] += units
        self._received[problem.lane_need[lane]] += units
        self._given[problem.lane_donor[lane]] += units
        for group, each in self._groups[lane]:
            self._load[group] += each * units
            self._riding[group] += int(self.units[lane] > 0) - before

    def _empty_losers(self) -> None:
        """Take back every lane whose removal saves money, then every group, one after the other."""
        for lane in np.flatnonzero(self.units).tolist():
            lots = int(self.units[lane] // self._lot(lane))
            kept = -float(self._gains(lane, np.array([-lots]))[0]) - float(self._problem.lane_fixed_cost[lane])
            if kept < 0.0:
                self._send(lane, -lots)
        for group in np.flatnonzero((self._riding > 0) & (self._opening_cost > 0.0)).tolist():
            self._empty_losing_group(group)

    def _empty_losing_group(self, group: int) -> None:
        """Take back everything on a group if that saves more than what rode on it."""
        problem, kept = self._problem, -float(self._opening_cost[group])
        taken = [(lane, int(self.units[lane] // self._lot(lane))) for lane in dict.fromkeys(self._members[group])]
        taken = [(lane, lots) for lane, lots in taken if lots > 0]
        for lane, lots in taken:
            kept -= float(self._gains(lane, np.array([-lots]))[0]) + float(problem.lane_fixed_cost[lane])
            self._send(lane, -lots)
        if kept >= 0.0:
            for lane, lots in taken:
                self._send(lane, lots)


def greedy_units(problem: TransferProblem, start: IntArray | None = None) -> IntArray:
    """Units per lane of the greedy plan, from nothing or from the feasible units `start`."""
    plan = GreedyTransfers(problem, np.zeros(problem.lanes, dtype=np.int64) if start is None else start)
    plan.insert()
    return plan.units
