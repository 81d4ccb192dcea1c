"""Customers who are served first: their sites come before all others where there is too little for everybody."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inventory.machine_rules import PriorityCustomer, RuleRecord
from tools.columns import BoolArray, FloatArray
from tools.outlook import Outlook


def priority_of(outlook: Outlook, row: int) -> RuleRecord | None:
    """The rule by which a row serves a customer who comes first; ``None`` where it serves none."""
    return next(iter(outlook.arrays.rules.about(row, PriorityCustomer)), None) if outlook.arrays.rules else None


def come_first(outlook: Outlook, rows: Sequence[int]) -> BoolArray:
    """Whether each of some rows serves a customer who comes first."""
    return np.array([priority_of(outlook, row) is not None for row in rows], dtype=np.bool_)


def served_first(first: BoolArray, value: FloatArray, cheapest_way: FloatArray) -> FloatArray:
    """Values of units with those of the needs that come first above all others.

    Only units worth the cheapest way there are raised: to come first is no reason to send what helps nobody.

    Parameters
    ----------
    first
        Shape ``(needs,)``.
    value
        Shape ``(needs, pieces)``, currency per unit, falling along each row.
    cheapest_way
        Shape ``(needs,)``, least cost of sending one unit there.
    """
    if not first.any() or first.all():
        return value
    return np.where(first[:, None] & (value > cheapest_way[:, None]), value + value.max() + 1.0, value)
