"""What every item would do alone at given prices of the shared groups, and the bound that follows.

Rules
-----
1. Without fixed costs and with one lot size an item's answer is exact (successive shortest paths).
2. Up to `_ENUMERATED` lanes with a fixed cost an item's answer is exact too: every set of open lanes is tried.
   Beyond, the bound spreads each fixed cost over the most its lane could carry, and the plan spreads it over what the
   lane carried in that answer.
3. For any prices, what all items save alone plus the worth of the capacity at those prices is a bound on every plan
   (Lagrange). Opening costs of groups are spread over the most a group could carry.

Source
------
Geoffrion (1974), "Lagrangean relaxation for integer programming", Mathematical Programming Study 2.
"""

from dataclasses import dataclass

import numpy as np

from optimizer.arguments import BoolArray, FloatArray, IntArray
from optimizer.transfers.groups import Memberships, memberships
from optimizer.transfers.items import Items
from optimizer.transfers.problem import TransferProblem
from optimizer.transfers.relaxation import group_most, most_units

_ENUMERATED = 6
_CELLS = 200_000


@dataclass(frozen=True)
class AlonePlan:
    """Units ``(lanes,)`` in the items' common lots, and the bound on every plan."""

    units: IntArray
    bound: float


class AloneItems:
    """The items of a problem, asked at prices of the groups ``(groups,)``, money per unit of capacity."""

    def __init__(self, problem: TransferProblem, items: Items) -> None:
        self.items = items
        self._problem = problem
        self._member: Memberships = memberships(problem)
        self._most = most_units(problem, problem.group_capacity)
        reach = group_most(problem, self._most)
        rate = np.divide(problem.opening_cost, reach, out=np.zeros(problem.groups), where=reach > 0.0)
        self._cost = problem.lane_unit_cost.copy()
        np.add.at(self._cost, self._member.lane, rate[self._member.group] * self._member.load_per_unit)
        self._cost[self._most == 0] = np.inf
        self._fixed = np.where(self._most > 0, problem.lane_fixed_cost, 0.0)
        self._rank, self._paid = self._fixed_lanes()

    @property
    def exact(self) -> BoolArray:
        """Items ``(items,)`` whose answer at zero prices is the best plan they have alone."""
        opening = np.zeros(self.items.count, dtype=np.bool_)
        costs = self._problem.opening_cost[self._member.group] > 0.0
        opening[self.items.of_lane[self._member.lane[costs]]] = True
        return self.items.one_lot & (self._paid <= _ENUMERATED) & ~opening

    def best(self, price: FloatArray) -> AlonePlan:
        """Best plan of each item at the prices, and the bound; groups without limit have price zero."""
        cost = self._cost.copy()
        np.add.at(cost, self._member.lane, price[self._member.group] * self._member.load_per_unit)
        spread = cost + self._fixed / np.maximum(self._most, 1)
        plans = self.items.best_plans(spread)
        units, saved = plans.units, plans.saved.copy()
        if self._fixed.any():
            self._pay_fixed_costs(cost, units, saved)
        limited = np.isfinite(self._problem.group_capacity)
        return AlonePlan(units, float(saved.sum() + price[limited] @ self._problem.group_capacity[limited]))

    def _pay_fixed_costs(self, cost: FloatArray, units: IntArray, saved: FloatArray) -> None:
        """Improve spread fixed costs to paid ones: exactly where few, by the use they had where many."""
        of_lane = self.items.of_lane
        few = (self._paid > 0) & (self._paid <= _ENUMERATED)
        paid = self._fixed > 0.0
        best, best_units = np.zeros(self.items.count), np.zeros_like(units)
        sets = np.arange(2 ** int(self._paid[few].max(initial=0)) if few.any() else 0)
        # As many sets at once as fill a block of the exact solver; few items, many sets.
        at_once = max(1, _CELLS // max(1, self._problem.lanes))
        for start in range(0, len(sets), at_once):
            chosen = sets[start : start + at_once, None]
            asked = few & (chosen < 2**self._paid)
            opened = paid & ((chosen >> self._rank) & 1).astype(np.bool_)
            plans = self.items.best_plans_each(np.where(paid & ~opened, np.inf, cost), asked)
            for number in range(len(chosen)):
                bill = np.zeros(self.items.count)
                np.add.at(bill, of_lane[opened[number]], self._fixed[opened[number]])
                better = asked[number] & (plans.saved[number] - bill > best)
                best[better] = (plans.saved[number] - bill)[better]
                best_units[better[of_lane]] = plans.units[number, better[of_lane]]
        units[few[of_lane]] = best_units[few[of_lane]]
        saved[few] = best[few]
        many = self._paid > _ENUMERATED
        if many.any():
            used = np.where(units > 0, units, np.maximum(self._most, 1))
            plans = self.items.best_plans(cost + self._fixed / used, many)
            units[many[of_lane]] = plans.units[many[of_lane]]

    def _fixed_lanes(self) -> tuple[IntArray, IntArray]:
        """Rank of each lane with a fixed cost within its item (0 for others), and how many the item has."""
        rank, paid = np.zeros(self._problem.lanes, dtype=np.int64), np.flatnonzero(self._fixed > 0.0)
        item = self.items.of_lane[paid]
        order = np.argsort(item, kind="stable")
        count = np.bincount(item, minlength=self.items.count).astype(np.int64)
        first = np.concatenate([[0], np.cumsum(count)])[item[order]]
        rank[paid[order]] = np.arange(len(paid)) - first
        return np.minimum(rank, 62), count
