"""Whole lots put right: lots taken off overfull groups where they are missed least, lots added where they save most.

Rules
-----
1. A lot is judged by the money it changes alone, from the point the plan has reached, per share of capacity it uses
   (or frees). Lots that use nothing shared come first. Ties go to the larger gain, then to the lower lane number.
2. A round changes one lane per item, so that what was judged stays true within the round. Rounds end when nothing is
   over its capacity (taking off), or nothing saves money any more (adding).
3. A lane not used yet pays its fixed cost, and opens its groups, with as many lots as make the best of it.
"""

from dataclasses import dataclass

import numpy as np

from optimizer.arguments import BoolArray, FloatArray, IntArray
from optimizer.transfers.groups import Memberships, memberships
from optimizer.transfers.items import Items
from optimizer.transfers.pieces import curve_money
from optimizer.transfers.problem import TransferProblem
from optimizer.transfers.value import open_ended, total_by

_GUARD = 1e-9


@dataclass(frozen=True)
class _Moves:
    """Lots on lanes that could change, with the money each change saves."""

    lane: IntArray
    lots: IntArray
    gain: FloatArray


class Repair:
    """A plan in whole lots under repair; `units` keeps every donor's floor and every receiver's capacity."""

    def __init__(
        self, problem: TransferProblem, items: Items, units: IntArray, closed: BoolArray | None = None
    ) -> None:
        self._problem, self._items = problem, items
        self.units = units.copy()
        self._received = total_by(problem.lane_need, units, problem.needs)
        self._given = total_by(problem.lane_donor, units, problem.donors)
        member = memberships(problem)
        order = np.argsort(member.lane, kind="stable")
        self._member = Memberships(member.lane[order], member.group[order], member.load_per_unit[order])
        self._start = np.searchsorted(self._member.lane, np.arange(problem.lanes + 1))
        self._load = np.zeros(problem.groups)
        np.add.at(self._load, self._member.group, self._member.load_per_unit * units[self._member.lane])
        self._riding = np.bincount(self._member.group[units[self._member.lane] > 0], minlength=problem.groups)
        self._closed = np.zeros(problem.groups, dtype=np.bool_) if closed is None else closed
        with np.errstate(divide="ignore"):
            share = self._member.load_per_unit / problem.group_capacity[self._member.group]
        share[np.isnan(share)] = 0.0
        self._share = np.zeros(problem.lanes)
        np.add.at(self._share, self._member.lane, np.minimum(share, 1e30))

    def relieve(self) -> None:
        """Take lots off until no group is over its capacity."""
        problem, member = self._problem, self._member
        while True:
            over = self._load > problem.group_capacity * (1.0 + _GUARD)
            if not over.any():
                return
            helping = over[member.group] & (self.units[member.lane] > 0) & (member.load_per_unit > 0.0)
            lane = np.unique(member.lane[helping])
            lots = -np.ones(len(lane), dtype=np.int64)
            loss = -self._gain(lane, lots)
            relief = np.zeros(problem.lanes)
            np.add.at(
                relief,
                member.lane[helping],
                member.load_per_unit[helping] / np.maximum(problem.group_capacity[member.group[helping]], 1e-30),
            )
            per_share = loss / (relief[lane] * problem.lane_lot[lane])
            for place in self._one_per_item(lane, np.lexsort((lane, per_share))):
                groups = self._groups(int(lane[place]))
                if (self._load[groups] > problem.group_capacity[groups] * (1.0 + _GUARD)).any():
                    self._send(int(lane[place]), -1)

    def fill(self, among: BoolArray | None = None) -> None:
        """Add lots while one saves money, on the lanes ``(lanes,)`` `among`."""
        allowed = np.ones(self._problem.lanes, dtype=np.bool_) if among is None else among.copy()
        allowed[self._member.lane[self._closed[self._member.group]]] = False
        lane = np.flatnonzero(allowed)
        while lane.size:
            moves = self._saving_moves(lane)
            if not moves.lane.size:
                return
            share = self._share[moves.lane] * moves.lots * self._problem.lane_lot[moves.lane]
            with np.errstate(divide="ignore"):
                worth = np.where(share > 0.0, moves.gain / share, np.inf)
            order = np.lexsort((moves.lane, -moves.gain, -worth))
            opened: list[int] = []
            for place in self._one_per_item(moves.lane, order):
                sent, lots = int(moves.lane[place]), int(moves.lots[place])
                groups = self._groups(sent)
                if self._fits(sent, lots):
                    fresh = groups[self._riding[groups] == 0]
                    opened += fresh[self._problem.opening_cost[fresh] > 0.0].tolist()
                    self._send(sent, lots)
            gaining = self._member.lane[np.isin(self._member.group, opened)]
            lane = np.union1d(moves.lane, gaining[allowed[gaining]])

    def empty_losers(self) -> None:
        """Take back lanes whose removal saves money, one per item and round, then groups."""
        while True:
            lane = np.flatnonzero((self.units > 0) & (self._problem.lane_fixed_cost > 0.0))
            lots = -(self.units[lane] // self._problem.lane_lot[lane])
            saved = self._gain(lane, lots) + self._problem.lane_fixed_cost[lane]
            loses = saved > _GUARD * self._problem.lane_fixed_cost[lane]
            if not loses.any():
                return
            lane, lots, saved = lane[loses], lots[loses], saved[loses]
            for place in self._one_per_item(lane, np.lexsort((lane, -saved))):
                self._send(int(lane[place]), int(lots[place]))

    def _saving_moves(self, lane: IntArray) -> _Moves:
        problem = self._problem
        possible = self._lots_possible(lane)
        lane, possible = lane[possible > 0], possible[possible > 0]
        opening = self._opening(lane)
        lots = np.ones(len(lane), dtype=np.int64)
        closed = np.flatnonzero(opening > 0.0)
        lots[closed] = self._best_lots(lane[closed], possible[closed])
        gain = self._gain(lane, lots) - opening
        scale = problem.need_piece_value[problem.lane_need[lane], 0] + problem.lane_unit_cost[lane]
        saves = gain > _GUARD * (scale * problem.lane_lot[lane] + opening)
        return _Moves(lane[saves], lots[saves], gain[saves])

    def _best_lots(self, lane: IntArray, possible: IntArray) -> IntArray:
        """Lots with most money before the opening cost: gains are concave, so the last lot that saves, by bisection."""
        low, high = np.ones(len(possible)), possible.astype(np.float64)
        while (low < high).any():
            middle = np.floor((low + high + 1.0) / 2.0)
            lots = middle.astype(np.int64)
            saves = self._gain(lane, lots) > self._gain(lane, lots - 1)
            low = np.where(saves, middle, low)
            high = np.maximum(np.where(saves, high, middle - 1.0), low)
        return np.asarray(low, dtype=np.int64)

    def _lots_possible(self, lane: IntArray) -> IntArray:
        problem = self._problem
        donor, need = problem.lane_donor[lane], problem.lane_need[lane]
        units = np.minimum(
            problem.donor_available[donor] - self._given[donor], problem.need_capacity[need] - self._received[need]
        )
        most = np.full(problem.lanes, np.inf)
        member = self._member
        bound = (member.load_per_unit > 0.0) & np.isfinite(problem.group_capacity[member.group])
        group, at = member.group[bound], member.lane[bound]
        room = np.maximum(problem.group_capacity[group] - self._load[group], 0.0)
        np.minimum.at(most, at, room / (member.load_per_unit[bound] * problem.lane_lot[at]))
        lots = np.minimum(units // problem.lane_lot[lane], np.floor(most[lane] * (1.0 + _GUARD)))
        return np.asarray(lots, dtype=np.int64)

    def _opening(self, lane: IntArray) -> FloatArray:
        """Money to pay before the first lot of each lane."""
        problem, member = self._problem, self._member
        if not problem.group_fixed_cost.any():
            return np.where(self.units[lane] > 0, 0.0, problem.lane_fixed_cost[lane])
        to_open = problem.opening_cost * (self._riding == 0)
        total = problem.lane_fixed_cost.copy()
        np.add.at(total, member.lane, to_open[member.group])
        return np.where(self.units[lane] > 0, 0.0, total[lane])

    def _gain(self, lane: IntArray, lots: IntArray) -> FloatArray:
        """Money saved by more (or fewer) lots on each lane alone, fixed costs aside."""
        problem = self._problem
        donor, need = problem.lane_donor[lane], problem.lane_need[lane]
        units = lots * problem.lane_lot[lane]
        points = np.stack([self._received[need], self._received[need] + units], axis=1)
        saved = np.diff(curve_money(problem.need_piece_units[need], problem.need_piece_value[need], points))[:, 0]
        points = np.stack([self._given[donor], self._given[donor] + units], axis=1)
        pieces = open_ended(problem.donor_piece_units[donor])
        lost = np.diff(curve_money(pieces, problem.donor_piece_cost[donor], points))[:, 0]
        return np.asarray(saved - lost - problem.lane_unit_cost[lane] * units)

    def _one_per_item(self, lane: IntArray, order: IntArray) -> list[int]:
        """Places of the best lane of each item, best first."""
        _, first = np.unique(self._items.of_lane[lane[order]], return_index=True)
        return [int(p) for p in order[np.sort(first)]]

    def _groups(self, lane: int) -> IntArray:
        return self._member.group[self._start[lane] : self._start[lane + 1]]

    def _fits(self, lane: int, lots: int) -> bool:
        here = slice(self._start[lane], self._start[lane + 1])
        group, each = self._member.group[here], self._member.load_per_unit[here]
        load = each * (lots * self._problem.lane_lot[lane])
        limit = self._problem.group_capacity[group] * (1.0 + _GUARD)
        return bool((self._load[group] + load <= limit).all())

    def _send(self, lane: int, lots: int) -> None:
        problem, units = self._problem, lots * int(self._problem.lane_lot[lane])
        before = int(self.units[lane] > 0)
        self.units[lane] += units
        self._received[problem.lane_need[lane]] += units
        self._given[problem.lane_donor[lane]] += units
        here = slice(self._start[lane], self._start[lane + 1])
        for group, each in zip(self._member.group[here], self._member.load_per_unit[here], strict=True):
            self._load[group] += each * units
            self._riding[group] += int(self.units[lane] > 0) - before


def repaired(problem: TransferProblem, items: Items, units: IntArray, closed: BoolArray | None = None) -> IntArray:
    """A feasible plan near the units ``(lanes,)``, which keep floors and receivers but perhaps not group capacity."""
    repair = Repair(problem, items, units // problem.lane_lot * problem.lane_lot, closed)
    repair.empty_losers()
    repair.relieve()
    repair.empty_losers()
    repair.fill()
    repair.empty_losers()
    return repair.units
