"""One stage per series, random lead times and lots: the fast lane of the simulator.

Same mornings and evenings as `network` with one site, a supplier without limit and lost sales or backorders; use it
where a policy has to be tried on millions of series.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, counts, finite, non_negative
from optimizer.errors import ConservationError
from optimizer.simulation.world import Unmet

_BLOCK = 16_384
_GUARD = 1e-9


@dataclass(frozen=True)
class SingleStageOutcome:
    """Sums over days, shape ``(n,)``: units, evenings with stock, orders; and the closing net stock."""

    demand: FloatArray
    served: FloatArray
    on_hand_days: FloatArray
    in_stock_days: FloatArray
    orders: FloatArray
    closing: FloatArray

    @property
    def fill_rate(self) -> FloatArray:
        """Share of units served on their day; 1 without demand."""
        return np.divide(self.served, self.demand, out=np.ones_like(self.served), where=self.demand > 0.0)


def simulate_single_stage(
    demand: ArrayLike,
    lead_time_days: ArrayLike,
    *,
    opening: ArrayLike,
    reorder_point: ArrayLike,
    order_up_to_level: ArrayLike,
    multiple: ArrayLike,
    unmet: Unmet = "lost",
) -> SingleStageOutcome:
    """Play (s, S) policies with daily review.

    Parameters
    ----------
    demand
        Shape ``(days, n)``, units, not negative.
    lead_time_days
        Shape ``(days, n)``, of an order placed on that day.
    opening
        Shape ``(n,)``, on-hand less backordered, of either sign; nothing is on order.
    reorder_point, order_up_to_level
        Shape ``(n,)``, units; ordered is where the position is at or below the first.
    multiple
        Shape ``(n,)``, orders are rounded up to it; 0 where any quantity goes.
    unmet
        What becomes of demand that finds no stock.

    Raises
    ------
    ValueError
        If an argument is out of range or shapes differ.
    ConservationError
        If the books of a day do not close.
    """
    table, lead = non_negative("demand", demand), counts("lead_time_days", lead_time_days)
    if table.ndim != 2 or 0 in table.shape or lead.shape != table.shape:
        raise ValueError(f"demand and lead_time_days must have one shape (days, n), got {table.shape}, {lead.shape}")
    given = {
        "opening": finite("opening", opening),
        "reorder_point": finite("reorder_point", reorder_point),
        "order_up_to_level": finite("order_up_to_level", order_up_to_level),
        "multiple": non_negative("multiple", multiple),
    }
    n = table.shape[1]
    for name, array in given.items():
        if array.shape != (n,):
            raise ValueError(f"{name} must have shape ({n},), got {array.shape}")
    bad = given["order_up_to_level"] < given["reorder_point"]
    if bad.any():
        raise ValueError(f"order_up_to_level must not be below reorder_point at index ({int(np.argmax(bad))},)")
    if unmet not in ("lost", "backordered"):
        raise ValueError(f"unmet must be 'lost' or 'backordered', got {unmet!r}")
    parts = []
    for start in range(0, n, _BLOCK):
        block = slice(start, start + _BLOCK)
        policies = _Policies(**{name: array[block] for name, array in given.items()})
        parts.append(_play(table[:, block], lead[:, block], policies, int(lead.max()), unmet == "lost"))
    return SingleStageOutcome(*(np.concatenate(column) for column in zip(*parts, strict=True)))


@dataclass(frozen=True)
class _Policies:
    """Opening state and policies of a block, shape ``(n,)``."""

    opening: FloatArray
    reorder_point: FloatArray
    order_up_to_level: FloatArray
    multiple: FloatArray


def _play(
    demand: FloatArray, lead: IntArray, policies: _Policies, longest: int, lost: bool
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """One block: totals of demand, served, on-hand days, days in stock, orders, and the closing net stock."""
    days, n = demand.shape
    opening, level = policies.opening, policies.order_up_to_level
    point, multiple = policies.reorder_point, policies.multiple
    net, position = opening.copy(), opening.copy()
    ring = np.zeros((longest + 1, n))
    cells = ring.reshape(-1)
    on_hand_days, in_stock, orders, short = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    on_order, work, below = np.zeros(n), np.empty(n), np.minimum(net, 0.0)
    evenings, order_days = np.zeros(n, dtype=np.uint8), np.zeros(n, dtype=np.uint8)
    scale = 1.0 + float(np.abs(opening).max()) + float(level.max(initial=0.0)) + float(demand.max())
    flag, lotted = np.empty(n, dtype=np.bool_), bool(multiple.any())
    for day in range(days):
        slot = day % (longest + 1)
        np.less_equal(position, point, out=flag)
        ordering = np.flatnonzero(flag)
        if ordering.size:
            at = position.take(ordering)
            quantity = level.take(ordering) - at
            if lotted:
                lot = multiple.take(ordering)
                whole = np.ceil(quantity / np.where(lot > 0.0, lot, 1.0) * (1.0 - _GUARD)) * lot
                quantity = np.where(lot > 0.0, whole, quantity)
            position[ordering] = at + quantity
            on_order[ordering] += quantity
            flag[ordering] = quantity > 0.0
            arrival = lead[day].take(ordering) + slot
            arrival -= (longest + 1) * (arrival > longest)
            cells[arrival * n + ordering] += quantity
            np.add(order_days, flag.view(np.uint8), out=order_days)
        np.add(net, ring[slot], out=net)
        np.subtract(on_order, ring[slot], out=on_order)
        ring[slot] = 0.0
        # What was owed and can be settled before today's demand is not short today.
        np.minimum(net, 0.0, out=below)
        np.subtract(net, demand[day], out=net)
        np.minimum(net, 0.0, out=work)
        if lost:
            np.subtract(work, below, out=work)
            np.subtract(net, work, out=net)
            np.subtract(position, work, out=position)
            short -= work
        else:
            short += below
            short -= work
        np.subtract(position, demand[day], out=position)
        np.maximum(net, 0.0, out=work)
        on_hand_days += work
        np.greater(net, 0.0, out=flag)
        # Bytes are added a hundred times faster than flags to floats; they are emptied before they can wrap.
        np.add(evenings, flag.view(np.uint8), out=evenings)
        if day % 255 == 254:
            in_stock += evenings
            orders += order_days
            evenings[:] = order_days[:] = 0
        np.subtract(position, net, out=work)
        np.subtract(work, on_order, out=work)
        if not float(np.abs(work, out=work).max()) <= 1e-9 * scale * (day + 1.0):
            series = int(np.argmax(np.abs(work)))
            raise ConservationError(f"day {day}, series {series}: position is off by {work[series]} units")
    in_stock += evenings
    orders += order_days
    total = demand.sum(axis=0)
    return total, np.maximum(total - short, 0.0), on_hand_days, in_stock, orders, net
