"""Usual purchase orders as a log: what was ordered when, and what of it has come.

Expedites and orders from before the run tell nothing about the lead times of the run and are not in it.
"""

import numpy as np

from optimizer.arguments import FloatArray, IntArray
from optimizer.simulation.planner import Receipts


class PurchaseBook:
    """Grows by arrays, one per day and delivery part; a planner is shown the past of it."""

    def __init__(self, items: int) -> None:
        self._items = items
        self._day: list[IntArray] = []
        self._cell: list[IntArray] = []
        self._wait: list[IntArray] = []
        self._quantity: list[FloatArray] = []

    def add(self, day: int, cell: IntArray, wait_days: IntArray, quantity: FloatArray) -> None:
        """Note orders of a day."""
        self._day.append(np.full(len(cell), day, dtype=np.int64))
        self._cell.append(cell)
        self._wait.append(np.asarray(wait_days, dtype=np.int64))
        self._quantity.append(quantity)

    def seen_from(self, day: int) -> Receipts:
        """The book as known in the morning of a day: the wait of orders still out is cut at today."""
        placed, cell, wait, quantity = self._columns()
        received = placed + wait <= day
        site, item = np.divmod(cell, self._items)
        return Receipts(site, item, quantity, placed, np.where(received, wait, day - placed), received)

    def _columns(self) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
        if not self._day:
            none = np.zeros(0, dtype=np.int64)
            return none, none, none, np.zeros(0)
        return (
            np.concatenate(self._day), np.concatenate(self._cell), np.concatenate(self._wait),
            np.concatenate(self._quantity),
        )  # fmt: skip
