"""Turns the named situations into arrays the warm-up obeys: stock to end with, orders to place, parameters to hold."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.demo.catalogue import Catalogue
from service.demo.history import SalesHistory
from service.demo.policy import REVIEW_DAYS, StaticPolicy
from service.demo.situations import (
    COMMITMENTS,
    COMPONENT_DONORS,
    EXCESS,
    EXPIRING,
    IMBALANCES,
    LATE,
    MISMATCHES,
    NOT_USABLE,
    PLANT,
    PLANT_STOCK,
    SHORTAGES,
)

EXCESS_WEEKS = 70
DEAD_STOCK = 45
COUNTED_STOCK = 40
"""Least stock where a mismatch is to be seen."""


@dataclass(frozen=True)
class ForcedOrder:
    """A purchase order the script places, still open today."""

    row: int
    ordered_day: int
    """Days before today it was sent."""
    quantity: int


@dataclass(frozen=True)
class Script:
    """What the warm-up must end with, over item-sites."""

    target: NDArray[np.int64]
    """On-hand to end with, or -1 where the simulation decides."""
    reorder_point: NDArray[np.int64]
    """The policy's, lowered where the script says the ERP's is too low."""
    orders: tuple[ForcedOrder, ...]


def write_script(history: SalesHistory, catalogue: Catalogue, policy: StaticPolicy) -> Script:
    """Targets, orders and parameters of every named situation."""
    return _Writer(history, catalogue, policy).write()


class _Writer:
    """Collects the situations one kind at a time."""

    def __init__(self, history: SalesHistory, catalogue: Catalogue, policy: StaticPolicy) -> None:
        self.catalogue = catalogue
        self.policy = policy
        self.row = history.row
        self.item_row = history.item_row
        self.pace: NDArray[np.float64] = history.weekly[:, -4:].mean(axis=1) / 7
        """Units a day over the last four weeks."""
        self.steady: NDArray[np.float64] = np.maximum(self.pace, history.weekly[:, -8:].mean(axis=1) / 7)
        self.target = np.full(len(history.pairs), -1, dtype=np.int64)
        self.reorder_point = policy.reorder_point.copy()
        self.orders: list[ForcedOrder] = []

    def write(self) -> Script:
        self._shortages()
        self._excess()
        self._imbalances()
        self._late_orders()
        self._plant()
        self._steady_stock()
        return Script(self.target, self.reorder_point, tuple(self.orders))

    def _cover(self, row: int, days: float) -> int:
        return max(1, math.ceil(float(self.pace[row]) * days))

    def _comfortable(self, row: int) -> int:
        """Stock that carries a site past its next replenishment with room to spare."""
        days = int(self.policy.lead_time_days[row]) + REVIEW_DAYS
        return max(2, math.ceil(1.5 * float(self.steady[row]) * days))

    def _order(self, row: int, days_ago: int, days_of_demand: int) -> None:
        item = int(self.item_row[row])
        lot, multiple = int(self.catalogue.minimum_order[item]), int(self.catalogue.order_multiple[item])
        wanted = max(lot, math.ceil(self.steady[row] * days_of_demand))
        self.orders.append(ForcedOrder(row, days_ago, math.ceil(wanted / multiple) * multiple))

    def _shortages(self) -> None:
        for shortage in SHORTAGES:
            receiver, donor = self.row[shortage.item, shortage.receiver], self.row[shortage.item, shortage.donor]
            self.target[receiver] = self._cover(receiver, shortage.cover_days)
            lead = int(self.policy.lead_time_days[receiver])
            self.target[donor] = self._comfortable(donor) + math.ceil(1.6 * self.steady[receiver] * (lead + 14))
            if shortage.ordered:
                self._order(receiver, days_ago=7, days_of_demand=35)
            else:
                self.reorder_point[receiver] = max(0, int(self.target[receiver]) - 1)

    def _excess(self) -> None:
        for item, site in EXCESS:
            row = self.row[item, site]
            weekly = 7 * self.steady[row]
            self.target[row] = max(DEAD_STOCK if weekly == 0 else 30, math.ceil(weekly * EXCESS_WEEKS))

    def _imbalances(self) -> None:
        for item, short_site, long_site in IMBALANCES:
            short, long = self.row[item, short_site], self.row[item, long_site]
            # Just past the day a normal order could arrive: below the level to order at, yet no likely stockout.
            self.target[short] = self._cover(short, int(self.policy.lead_time_days[short]) + REVIEW_DAYS + 3)
            self.reorder_point[short] = max(0, int(self.target[short]) - 1)
            self.target[long] = math.ceil(40 * 7 * max(self.steady[long], 0.1))

    def _late_orders(self) -> None:
        for index, pair in enumerate(LATE):
            row = self.row[pair]
            self.target[row] = self._cover(row, 6 + index % 9)
            days_late = 12 + index % 14
            self._order(row, int(self.policy.lead_time_days[row]) + days_late, days_of_demand=42)

    def _plant(self) -> None:
        for item, quantity in PLANT_STOCK.items():
            row = self.row[item, PLANT]
            self.target[row] = quantity
            self.reorder_point[row] = 10
        for item, site, surplus in COMPONENT_DONORS:
            row = self.row[item, site]
            self.target[row] = self._comfortable(row) + surplus

    def _steady_stock(self) -> None:
        """Enough to be seen where something is promised, counted apart, set aside or about to expire."""
        least = {(item, site): 2 * protected for _, item, site, protected in COMMITMENTS}
        least |= {(item, site): COUNTED_STOCK for item, site, _ in MISMATCHES}
        least |= {(item, site): 3 * units for item, site, _, units in NOT_USABLE}
        least |= dict.fromkeys(EXPIRING, 12)
        for pair, units in least.items():
            row = self.row[pair]
            if self.target[row] < 0:
                self.target[row] = max(units, self._comfortable(row))
