"""Figures people read, from what a simulation counted: by site, family, month or any other grouping."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, counts, non_negative, shaped
from optimizer.simulation.tally import Tally


@dataclass(frozen=True)
class Summary:
    """Figures per group, shape ``(groups,)``; a ratio is 1 where nothing was wanted.

    Parameters
    ----------
    demand, lost_units, expired_units
        Units.
    fill_rate
        Share of demanded units served from stock on their day.
    ready_rate
        Share of item-site evenings with stock.
    perfect_line_rate
        Share of order lines complete on their day.
    average_on_hand, on_hand_value
        Mean over evenings of the units and of the money on hand.
    average_backordered
        Mean over evenings of units owed.
    orders, expedites, transfers
        How many.
    expedited_units, transferred_units
        Units.
    """

    demand: FloatArray
    lost_units: FloatArray
    expired_units: FloatArray
    fill_rate: FloatArray
    ready_rate: FloatArray
    perfect_line_rate: FloatArray
    average_on_hand: FloatArray
    on_hand_value: FloatArray
    average_backordered: FloatArray
    orders: FloatArray
    expedites: FloatArray
    transfers: FloatArray
    expedited_units: FloatArray
    transferred_units: FloatArray


def by_site(sites: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.int64]]:
    """Grouping with a group per site."""
    return np.arange(sites, dtype=np.int64)[None, :, None]


def by_period(periods: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.int64]]:
    """Grouping with a group per reporting period."""
    return np.arange(periods, dtype=np.int64)[:, None, None]


def by_family(family: ArrayLike) -> np.ndarray[tuple[int, int, int], np.dtype[np.int64]]:
    """Grouping by the family number of each item, shape ``(items,)``."""
    number = counts("family", family)
    shaped("family", number, None)
    return number.reshape(1, 1, -1)


def summarize(tally: Tally, unit_cost: ArrayLike, group: ArrayLike | None = None) -> Summary:
    """Roll a tally up.

    Parameters
    ----------
    unit_cost
        Shape ``(items,)``, money per unit.
    group
        Broadcastable to ``(periods, sites, items)``, number of the group of each cell; None: one group of all.

    Raises
    ------
    ValueError
        If a shape does not fit or a number is negative.
    """
    shape = tally.demand.shape
    cost = non_negative("unit_cost", unit_cost)
    shaped("unit_cost", cost, shape[2])
    label = np.zeros((1, 1, 1), dtype=np.int64) if group is None else counts("group", group)
    try:
        cell = np.broadcast_to(label, shape).ravel()
    except ValueError as error:
        raise ValueError(f"group must be broadcastable to {shape}, got {label.shape}") from error
    groups = int(cell.max()) + 1

    def total(amount: FloatArray) -> FloatArray:
        return np.bincount(cell, np.broadcast_to(amount, shape).ravel(), groups).astype(np.float64)

    # Evenings of a group: its periods differ in length, and each of its cells has as many evenings as its period.
    lengths = tally.days.max(axis=(1, 2))
    evenings = np.zeros(groups)
    for period, days in enumerate(lengths):
        present = np.zeros(groups, dtype=np.bool_)
        present[np.broadcast_to(label, shape)[period].ravel()] = True
        evenings += days * present
    spread = np.where(evenings > 0.0, evenings, 1.0)
    demand = total(tally.demand)
    return Summary(
        demand=demand,
        lost_units=total(tally.lost),
        expired_units=total(tally.expired),
        fill_rate=_ratio(total(tally.served), demand),
        ready_rate=_ratio(total(tally.in_stock_days), total(tally.days)),
        perfect_line_rate=_ratio(total(tally.complete_lines), total(tally.lines)),
        average_on_hand=total(tally.on_hand_days) / spread,
        on_hand_value=total(tally.on_hand_days * cost) / spread,
        average_backordered=total(tally.backordered_days) / spread,
        orders=total(tally.orders),
        expedites=total(tally.expedites),
        transfers=total(tally.transfers),
        expedited_units=total(tally.expedited),
        transferred_units=total(tally.transferred),
    )


def perfect_order_rate(complete: ArrayLike, wanted: ArrayLike, order: ArrayLike) -> float:
    """Share of customer orders all of whose lines were complete on their day.

    Parameters
    ----------
    complete, wanted
        Any one shape, booleans: whether a line was served in full, and whether it is a line at all.
    order
        The same shape, number of the customer order a line belongs to; lines of one number are one order.

    Returns
    -------
    float
        In 0..1; 1 without orders.
    """
    served, lines = np.asarray(complete), np.asarray(wanted)
    number = counts("order", order)
    for name, flag in (("complete", served), ("wanted", lines)):
        if flag.dtype != np.bool_ or flag.shape != number.shape:
            raise ValueError(f"{name} must hold booleans of shape {number.shape}, got {flag.dtype} of {flag.shape}")
    mine, place = np.unique(number[lines], return_inverse=True)
    if not mine.size:
        return 1.0
    missed = np.bincount(place, ~served[lines], len(mine))
    return float((missed == 0.0).mean())


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.asarray(np.divide(part, whole, out=np.ones_like(part), where=whole > 0.0))
