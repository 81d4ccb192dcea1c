r"""Economic order quantity: the fixed cost of ordering against the cost of holding, demand certain and steady.

Source
------
Snyder & Shen (2019), *Fundamentals of Supply Chain Theory*, 2nd ed., ch. 3; Harris (1913).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, non_negative, positive


@dataclass(frozen=True)
class EconomicOrder:
    """Best quantity (units), its cost per unit of time (money, without the price of the goods unless it varies)."""

    order_quantity: FloatArray
    cost_rate: FloatArray


def economic_order(fixed_cost: ArrayLike, holding_cost: ArrayLike, demand_rate: ArrayLike) -> EconomicOrder:
    r"""Quantity :math:`\sqrt{2 K \lambda / h}` at cost :math:`\sqrt{2 K \lambda h}`, inputs broadcast together.

    Parameters
    ----------
    fixed_cost
        Money per order, not negative; free orders are as small as one likes: zero.
    holding_cost
        Money per unit and unit of time, positive.
    demand_rate
        Units per unit of time, not negative.

    Examples
    --------
    >>> economic_order([8.0], 0.225, 1300.0).order_quantity.round(2)
    array([304.05])
    """
    fixed, holding, rate = np.broadcast_arrays(
        non_negative("fixed_cost", fixed_cost),
        positive("holding_cost", holding_cost),
        non_negative("demand_rate", demand_rate),
    )
    quantity = np.sqrt(2.0 * fixed * rate / holding)
    return EconomicOrder(quantity, holding * quantity)


def economic_order_backorders(
    fixed_cost: ArrayLike, holding_cost: ArrayLike, penalty: ArrayLike, demand_rate: ArrayLike
) -> EconomicOrder:
    r"""With planned backorders at `penalty` per unit and unit of time: :math:`\sqrt{2 K \lambda (h + p) / (h p)}`."""
    fixed, holding, short, rate = np.broadcast_arrays(
        non_negative("fixed_cost", fixed_cost),
        positive("holding_cost", holding_cost),
        positive("penalty", penalty),
        non_negative("demand_rate", demand_rate),
    )
    quantity = np.sqrt(2.0 * fixed * rate * (holding + short) / (holding * short))
    return EconomicOrder(quantity, quantity * holding * short / (holding + short))


def economic_order_discounts(
    fixed_cost: ArrayLike,
    carrying_rate: ArrayLike,
    demand_rate: ArrayLike,
    least_quantity: ArrayLike,
    unit_cost: ArrayLike,
) -> EconomicOrder:
    r"""With all-units discounts: one price for the whole order, by its size; the cost includes the goods.

    Parameters
    ----------
    fixed_cost, demand_rate
        ``(n,)`` or a number, as in `economic_order`.
    carrying_rate
        Share of the unit cost per unit of time, positive; holding costs :math:`i c`.
    least_quantity, unit_cost
        ``(n, prices)``: the size from which each price holds, rising from 0, and the price, positive. Ties go to the
        first price.
    """
    least, price = non_negative("least_quantity", least_quantity), positive("unit_cost", unit_cost)
    if least.ndim != 2 or least.shape != price.shape or least.shape[1] == 0:
        raise ValueError(f"least_quantity and unit_cost must be (n, prices) alike, got {least.shape}, {price.shape}")
    if (least[:, 0] != 0.0).any() or (np.diff(least, axis=1) <= 0.0).any():
        bad = (least[:, 0] != 0.0) | (np.diff(least, axis=1) <= 0.0).any(axis=1)
        raise ValueError(f"least_quantity must rise from 0 in each row, row {int(np.argmax(bad))} does not")
    rows = np.zeros(least.shape[0])
    fixed, rate, carrying = (
        np.broadcast_to(non_negative("fixed_cost", fixed_cost), rows.shape)[:, None],
        np.broadcast_to(non_negative("demand_rate", demand_rate), rows.shape)[:, None],
        np.broadcast_to(positive("carrying_rate", carrying_rate), rows.shape)[:, None],
    )
    quantity = np.maximum(np.sqrt(2.0 * fixed * rate / (carrying * price)), least)
    # A price may only be used below the size at which the next one starts.
    usable = np.concatenate([quantity[:, :-1] < least[:, 1:], np.ones((len(rows), 1), dtype=np.bool_)], axis=1)
    orders = np.divide(fixed * rate, quantity, out=np.zeros_like(quantity), where=quantity > 0.0)
    cost = np.where(usable, price * rate + orders + 0.5 * carrying * price * quantity, np.inf)
    best = np.argmax(cost <= cost.min(axis=1, keepdims=True) * (1.0 + 1e-9), axis=1)
    at = np.arange(len(rows))
    return EconomicOrder(quantity[at, best], cost[at, best])
