r"""Wagner and Whitin's lot sizes: known demand by period, a fixed cost per order, holding from period to period.

Source
------
Wagner & Whitin (1958), *Dynamic version of the economic lot size model*, Management Science 5; Snyder & Shen (2019),
*Fundamentals of Supply Chain Theory*, 2nd ed., sec. 3.7.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, non_negative


@dataclass(frozen=True)
class LotSizes:
    """Order quantities per item and period ``(n, periods)`` (units) and total cost per item ``(n,)`` (money)."""

    order_quantity: FloatArray
    cost: FloatArray


def lot_sizes(
    demand: ArrayLike, fixed_cost: ArrayLike, holding_cost: ArrayLike, unit_cost: ArrayLike = 0.0
) -> LotSizes:
    r"""The cheapest orders that meet every period's demand, exact, all items at once.

    :math:`F_t = \min_{j \le t} F_{j-1} + K_j + \sum_{i=j}^{t} d_i (c_j + \sum_{l=j}^{i-1} h_l)`, an order in j covering
    whole periods j to t; no cost where they need nothing. ``O(periods^2)`` steps over the item axis.

    Parameters
    ----------
    demand
        ``(n, periods)``, units, not negative.
    fixed_cost, holding_cost, unit_cost
        Money per order, per unit carried over the end of a period, per unit ordered; broadcastable to ``demand``, so
        they may change by item ``(n, 1)`` and by period. Not negative. Ties go to the fewest, latest orders' first.

    Raises
    ------
    ValueError
        If an input is out of range or does not fit.

    Examples
    --------
    >>> lot_sizes([[90.0, 120.0, 80.0, 70.0]], 500.0, 2.0)
    LotSizes(order_quantity=array([[210.,   0., 150.,   0.]]), cost=array([1380.]))
    """
    need = non_negative("demand", demand)
    if need.ndim != 2:
        raise ValueError(f"demand must have shape (items, periods), got {need.shape}")
    n, periods = need.shape
    fixed, holding, price = (
        np.broadcast_to(non_negative(name, value), need.shape).T
        for name, value in (("fixed_cost", fixed_cost), ("holding_cost", holding_cost), ("unit_cost", unit_cost))
    )
    # Time first: a row is a vector over items.
    rows = np.ascontiguousarray(need.T)
    best = np.zeros((periods + 1, n))
    start = np.zeros((periods + 1, n), dtype=np.int64)
    # Costs of an order in each earlier period, stretched by one period at a time.
    stretch, carried, any_need = np.zeros((periods, n)), np.zeros((periods, n)), np.zeros((periods, n), dtype=np.bool_)
    for t in range(periods):
        stretch[: t + 1] += rows[t] * (price[: t + 1] + carried[: t + 1])
        any_need[: t + 1] |= rows[t] > 0.0
        total = best[: t + 1] + stretch[: t + 1] + np.where(any_need[: t + 1], fixed[: t + 1], 0.0)
        least = total.min(axis=0)
        start[t + 1] = np.argmax(total <= least * (1.0 + 1e-9), axis=0)
        best[t + 1] = least
        carried[: t + 1] += holding[t]
    return LotSizes(_orders(rows, start), best[periods].copy())


def _orders(rows: FloatArray, start: np.typing.NDArray[np.int64]) -> FloatArray:
    """Walk back from the last period: what an order covers is ordered where it starts."""
    periods, n = rows.shape
    quantity = np.zeros((n, periods))
    running = np.concatenate([np.zeros((1, n)), np.cumsum(rows, axis=0)])
    end, items = np.full(n, periods), np.arange(n)
    while (end > 0).any():
        begin = start[end, items]
        on = end > 0
        quantity[items[on], begin[on]] = running[end[on], items[on]] - running[begin[on], items[on]]
        end = np.where(on, begin, 0)
    return quantity
