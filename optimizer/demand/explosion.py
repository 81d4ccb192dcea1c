"""Dependent demand: what the making of products asks of their components, through every level of the bill.

Rules
-----
1. An item's low-level code is the longest way down to it from any product; items are worked off by code, so that every
   need of a component is known before its own components are asked for. A bill with a cycle has no such order.
2. What must be ready on day t is started `lead_time_days` earlier, and the start is when components are needed. A start
   that would lie in the past is due today (day 0) and counted as late.
3. Netted, stock and scheduled receipts serve the earliest needs first; what they do not cover is made, lot for lot.
4. Two lines with the same product and component add up.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from optimizer.arguments import BoolArray, FloatArray, IntArray, non_negative, position, same_length, shaped, whole
from optimizer.errors import CyclicBillError

_NOTHING = 1e-9


@dataclass(frozen=True)
class BillOfMaterials:
    """Who is made of what, one line per pair, shape ``(lines,)``.

    Parameters
    ----------
    product, component
        Items in ``range(items)``.
    quantity_per
        Units of the component for one unit of the product, scrap included, not negative.
    items
        Number of items, products and components alike.

    Attributes
    ----------
    low_level_codes
        Shape ``(items,)``: 0 for what no bill asks for, else one more than the deepest product that asks for it.

    Raises
    ------
    ValueError
        If an array is out of range, or an item is part of itself through any number of levels; the message names the
        items of the cycle.
    """

    product: IntArray
    component: IntArray
    quantity_per: FloatArray
    items: int
    low_level_codes: IntArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.items < 1:
            raise ValueError(f"items must be at least 1, got {self.items}")
        for name in ("product", "component"):
            object.__setattr__(self, name, position(name, getattr(self, name), self.items))
        object.__setattr__(self, "quantity_per", non_negative("quantity_per", self.quantity_per))
        shaped("quantity_per", self.quantity_per, len(self.product))
        same_length(product=self.product, component=self.component)
        object.__setattr__(self, "low_level_codes", _low_level_codes(self.product, self.component, self.items))


@dataclass(frozen=True)
class DependentDemand:
    """Needs of every item, shape ``(items, days)``, units.

    Parameters
    ----------
    gross
        All that is needed on the day: own (independent) needs and those of the products above.
    net
        What must be made or bought to be ready on the day, after stock and receipts.
    started
        The same on the day it must be started or ordered.
    late
        Shape ``(items,)``: how much of the first day's start ought to have been started before today.
    """

    gross: FloatArray
    net: FloatArray
    started: FloatArray
    late: FloatArray


def explode(
    bill: BillOfMaterials,
    needs: ArrayLike,
    lead_time_days: ArrayLike,
    *,
    on_hand: ArrayLike | None = None,
    receipts: ArrayLike | None = None,
) -> DependentDemand:
    """Needs of all items from those of the products, level by level.

    Parameters
    ----------
    needs
        Shape ``(items, days)``, units needed from outside the bill (production plan, sales, spares), not negative.
    lead_time_days
        Shape ``(items,)``, whole days from start (or order) to readiness.
    on_hand
        Shape ``(items,)``, units free to use; with it or `receipts` needs are netted, without either they are gross.
    receipts
        Shape ``(items, days)``, units that arrive by the day.

    Raises
    ------
    ValueError
        If an array is negative, not finite or of another shape.

    Source
    ------
    Orlicky (1975), *Material Requirements Planning*, ch. 4 and 5.

    Examples
    --------
    >>> bill = BillOfMaterials([0], [1], [4.0], items=2)
    >>> explode(bill, [[0.0, 0.0, 5.0], [0.0, 0.0, 0.0]], [1, 0]).gross
    array([[ 0.,  0.,  5.],
           [ 0., 20.,  0.]])
    """
    gross = non_negative("needs", needs).copy()
    shaped("needs", gross, bill.items, None)
    lead = whole("lead_time_days", lead_time_days)
    non_negative("lead_time_days", lead)
    shaped("lead_time_days", lead, bill.items)
    supply = _supply(on_hand, receipts, gross.shape)
    net, started, late = np.zeros_like(gross), np.zeros_like(gross), np.zeros(bill.items)
    level = bill.low_level_codes
    for code in range(int(level.max()) + 1):
        items = np.flatnonzero(level == code)
        net[items] = gross[items] if supply is None else net_requirements(gross[items], supply[items])
        started[items], late[items] = _earlier(net[items], lead[items])
        lines = np.flatnonzero(level[bill.product] == code)
        if lines.size:
            per_unit = (bill.quantity_per[lines], (bill.component[lines], bill.product[lines]))
            gross += np.asarray(csr_array(per_unit, shape=(bill.items, bill.items)) @ started)
    return DependentDemand(gross, net, started, late)


def net_requirements(gross: ArrayLike, supply: ArrayLike) -> FloatArray:
    """What supply does not cover, when it was first needed; surplus is kept for later days.

    Parameters
    ----------
    gross, supply
        Shape ``(n, days)``, units needed, and units that become available, on each day.

    Returns
    -------
    FloatArray
        Shape ``(n, days)``. Its running total is the highest shortfall so far, ``max over s <= t of (needed up to s -
        available up to s)+``.

    Raises
    ------
    ValueError
        If an array is negative, not finite or of another shape.
    """
    needed, available = non_negative("gross", gross), non_negative("supply", supply)
    shaped("gross", needed, len(needed) if needed.ndim else None, None)
    shaped("supply", available, *needed.shape)
    total = np.cumsum(needed, axis=1)
    short = np.maximum.accumulate(np.maximum(total - np.cumsum(available, axis=1), 0.0), axis=1)
    net = np.diff(short, axis=1, prepend=0.0)
    # What the subtraction of totals leaves of equal ones is rounding, not need.
    net[net <= _NOTHING * total] = 0.0
    return net


def _supply(on_hand: ArrayLike | None, receipts: ArrayLike | None, shape: tuple[int, ...]) -> FloatArray | None:
    """Units that become available on each day, stock on the first; None when nothing is netted."""
    if on_hand is None and receipts is None:
        return None
    supply = np.zeros(shape)
    if receipts is not None:
        arriving = non_negative("receipts", receipts)
        shaped("receipts", arriving, *shape)
        supply += arriving
    if on_hand is not None:
        stock = non_negative("on_hand", on_hand)
        shaped("on_hand", stock, shape[0])
        supply[:, 0] += stock
    return supply


def _earlier(net: FloatArray, lead: IntArray) -> tuple[FloatArray, FloatArray]:
    """Rows moved forward by their lead times; what falls off the front is put on day 0 and returned as late."""
    days = net.shape[1]
    source = np.arange(days) + np.minimum(lead, days)[:, None]
    padded = np.concatenate([net, np.zeros((len(net), 1))], axis=1)
    started = np.take_along_axis(padded, np.minimum(source, days), axis=1)
    late = np.where(np.arange(days) < lead[:, None], net, 0.0).sum(axis=1)
    started[:, 0] += late
    return started, late


def _low_level_codes(product: IntArray, component: IntArray, items: int) -> IntArray:
    """Longest way down to each item, by peeling off what nobody left asks for (Kahn)."""
    order = np.argsort(product, kind="stable")
    below = component[order]
    start = np.searchsorted(product[order], np.arange(items + 1))
    asked = np.bincount(component, minlength=items)
    level = np.zeros(items, dtype=np.int64)
    front, code, peeled = np.flatnonzero(asked == 0), 0, 0
    while front.size:
        level[front], code, peeled = code, code + 1, peeled + front.size
        parts = below[_ranges(start[front], start[front + 1])]
        asked -= np.bincount(parts, minlength=items)
        front = np.unique(parts[asked[parts] == 0])
    if peeled < items:
        raise CyclicBillError(_cycle(product, component, asked > 0))
    return level


def _ranges(start: IntArray, stop: IntArray) -> IntArray:
    """All positions in ``start[i]..stop[i] - 1``, one range after the other."""
    length = stop - start
    before = np.cumsum(length) - length
    return np.asarray(np.arange(length.sum()) + np.repeat(start - before, length))


def _cycle(product: IntArray, component: IntArray, left: BoolArray) -> tuple[int, ...]:
    """One cycle among the items left, product first and last."""
    lines = np.flatnonzero(left[product] & left[component])
    # Every item left is asked for by another one left: going up must come back to where it has been.
    asker = dict(zip(component[lines][::-1].tolist(), product[lines][::-1].tolist(), strict=True))
    walk, seen = [min(asker)], set[int]()
    while walk[-1] not in seen:
        seen.add(walk[-1])
        walk.append(asker[walk[-1]])
    return tuple(walk[walk.index(walk[-1]) :][::-1])
