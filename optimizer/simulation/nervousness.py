"""How nervous a plan is: how often it takes back what it said, and how much more it orders than is demanded."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, counts, finite, non_negative, same_length, shaped


def reversals_per_hundred(
    item: ArrayLike, origin: ArrayLike, destination: ArrayLike, day: ArrayLike, *, within_days: int
) -> float:
    """Moves A to B of an item that a move B to A takes back, the same day or within so many days, per 100 moves.

    Parameters
    ----------
    item, origin, destination
        Shape ``(moves,)``, positions; origin and destination differ.
    day
        Shape ``(moves,)``, whole days, in any order.
    within_days
        Not negative.

    Returns
    -------
    float
        In 0..100; 0 without moves. A move counts once, however often it is taken back.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    what, start, end = counts("item", item), counts("origin", origin), counts("destination", destination)
    when = counts("day", day)
    moves = same_length(item=what, origin=start, destination=end, day=when)
    if what.ndim != 1:
        raise ValueError(f"item must have shape (moves,), got {what.shape}")
    if (start == end).any():
        raise ValueError(f"destination must differ from origin, move {int(np.argmax(start == end))} does not")
    if within_days < 0:
        raise ValueError(f"within_days must not be negative, got {within_days}")
    if moves == 0:
        return 0.0
    # One number per item and pair of sites, so that a search finds the next move the other way.
    span = int(when.max()) + within_days + 2
    there, back_again = np.stack([what, start, end]), np.stack([what, end, start])
    route = np.unique(np.hstack([there, back_again]), axis=1, return_inverse=True)[1].reshape(2, moves)
    taken = np.sort(route[0] * span + when)
    opposite = route[1] * span + when
    # Two opposite moves of one day are one reversal, counted on the move to the site with the higher number.
    first = np.searchsorted(taken, opposite + (start > end), side="left")
    found = first < moves
    back = taken[np.minimum(first, moves - 1)]
    return 100.0 * float((found & (back <= opposite + within_days)).mean())


def plan_instability(earlier: ArrayLike, later: ArrayLike, *, discount: float = 0.9) -> FloatArray:
    r"""Change between two plans over the horizon they share, relative to the quantity planned, per series.

    :math:`\sum_t w^t |q_t^{later} - q_t^{earlier}| / \sum_t w^t q_t^{earlier}`, t = 0 being the nearest day.

    Parameters
    ----------
    earlier, later
        Shape ``(n, days)``, units planned for the same days, nearest first.
    discount
        Weight w of a day relative to the day before, in (0, 1].

    Returns
    -------
    FloatArray
        Shape ``(n,)``, not negative; 0 where neither plans anything, 1 where only the later one does.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source
    ------
    Kimms (1998), *Stability measures for rolling schedules*, Computers & Operations Research 25; Sridharan, Berry &
    Udayabhanu (1988), *Measuring master production schedule stability*, Decision Sciences 19.
    """
    before, after = non_negative("earlier", earlier), non_negative("later", later)
    shaped("earlier", before, None, None)
    shaped("later", after, *before.shape)
    if not 0.0 < discount <= 1.0:
        raise ValueError(f"discount must be in (0, 1], got {discount}")
    weight = discount ** np.arange(before.shape[1])
    changed, planned = np.abs(after - before) @ weight, before @ weight
    fresh = np.where(changed > 0.0, 1.0, 0.0)
    return np.asarray(np.divide(changed, planned, out=fresh, where=planned > 0.0))


def sign_changes(recommendation: ArrayLike) -> FloatArray:
    """Times a recommendation changed sign from run to run, runs that recommend nothing passed over, per series.

    Parameters
    ----------
    recommendation
        Shape ``(n, runs)``, units, oldest first; positive takes stock in, negative gives it away.

    Returns
    -------
    FloatArray
        Shape ``(n,)``, whole numbers.
    """
    table = finite("recommendation", recommendation)
    shaped("recommendation", table, None, None)
    last = np.zeros(len(table))
    changes = np.zeros(len(table))
    for column in np.sign(table).T:
        changes += column * last < 0.0
        last = np.where(column != 0.0, column, last)
    return changes


def variance_ratio(orders: ArrayLike, demand: ArrayLike) -> FloatArray:
    """Bullwhip: variance of orders over variance of demand, per series.

    Parameters
    ----------
    orders, demand
        Shape ``(n, periods)``, units, at least two periods.

    Returns
    -------
    FloatArray
        Shape ``(n,)``; 1 where neither varies, infinite where only orders do.

    Source
    ------
    Chen, Drezner, Ryan & Simchi-Levi (2000), *Quantifying the bullwhip effect*, Management Science 46.
    """
    ordered, demanded = non_negative("orders", orders), non_negative("demand", demand)
    shaped("orders", ordered, None, None)
    shaped("demand", demanded, *ordered.shape)
    if ordered.shape[1] < 2:
        raise ValueError(f"orders must have at least 2 periods, got {ordered.shape[1]}")
    out, base = ordered.var(axis=1, ddof=1), demanded.var(axis=1, ddof=1)
    still = np.where(out > 0.0, np.inf, 1.0)
    return np.asarray(np.divide(out, base, out=still, where=base > 0.0))


def used_before_next_receipt(moved: ArrayLike, stock_before: ArrayLike, demand_until_receipt: ArrayLike) -> float:
    """Share of moved units that the destination sold before its next planned receipt: what the moves were good for.

    Parameters
    ----------
    moved
        Shape ``(moves,)``, units.
    stock_before
        Shape ``(moves,)``, on-hand at the destination when the move arrived; it is sold first.
    demand_until_receipt
        Shape ``(moves,)``, demand from then to the next planned receipt.

    Returns
    -------
    float
        In 0..1; 1 when nothing was moved.
    """
    units, stock = non_negative("moved", moved), non_negative("stock_before", stock_before)
    demand = non_negative("demand_until_receipt", demand_until_receipt)
    same_length(moved=units, stock_before=stock, demand_until_receipt=demand)
    used = np.minimum(np.maximum(demand - stock, 0.0), units)
    total = float(units.sum())
    return float(used.sum()) / total if total > 0.0 else 1.0
