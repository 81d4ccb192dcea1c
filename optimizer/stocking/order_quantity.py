"""From a need to an order one may place: minimum, multiple and shelf life, and which of them decided.

Rules
-----
1. Nothing is ordered while the inventory position is above the reorder point; at or below it, the need is the distance
   to the order-up-to level.
2. The need is raised to the minimum, then rounded up to the multiple; a need within 1e-9 of a multiple is just that.
3. A limit (shelf life, space) cuts down to the largest multiple within it. A limit below the minimum leaves nothing to
   order: that is an answer with its own code, since somebody has to decide, not an error.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, finite, non_negative, non_negative_or_infinite, probability
from optimizer.laws.demand_law import DemandLaw
from optimizer.laws.demand_level import demand_quantile

_GUARD = 1e-9


class Binding(IntEnum):
    """What decided an order quantity."""

    NO_NEED = 0
    NEED = 1
    MINIMUM = 2
    MULTIPLE = 3
    LIMIT = 4
    CONFLICT = 5


@dataclass(frozen=True)
class OrderQuantities:
    """Units to order ``(n,)`` and the `Binding` code of each ``(n,)``."""

    quantity: FloatArray
    binding: IntArray


def order_quantities(
    inventory_position: ArrayLike,
    reorder_point: ArrayLike,
    order_up_to_level: ArrayLike,
    minimum: ArrayLike = 0.0,
    multiple: ArrayLike = 0.0,
    limit: ArrayLike = np.inf,
) -> OrderQuantities:
    """Order of each series, arguments broadcast together.

    Parameters
    ----------
    inventory_position
        On hand plus on order less backordered, units; may be negative.
    reorder_point, order_up_to_level
        Units; the level is not below the point, and either may be negative where backorders are planned.
    minimum
        Smallest order accepted, units; 0 is none.
    multiple
        Orders are whole multiples of this, units; 0 is any quantity.
    limit
        Largest order that makes sense, units, infinity for none: see `shelf_life_limit`.

    Raises
    ------
    ValueError
        If an argument is out of range, with its name and position.

    Examples
    --------
    >>> order_quantities([10.0, 30.0], 20.0, 55.0, minimum=24.0, multiple=12.0)
    OrderQuantities(quantity=array([48.,  0.]), binding=array([3, 0]))
    """
    position, point, level, least, step, most = np.broadcast_arrays(
        finite("inventory_position", inventory_position),
        finite("reorder_point", reorder_point),
        finite("order_up_to_level", order_up_to_level),
        non_negative("minimum", minimum),
        non_negative("multiple", multiple),
        non_negative_or_infinite("limit", limit),
    )
    if (level < point).any():
        place = tuple(int(i) for i in np.argwhere(level < point)[0])
        raise ValueError(f"order_up_to_level must not be below reorder_point at index {place}: {level[place]}")
    need = np.where(position <= point, np.maximum(level - position, 0.0), 0.0)
    raised = np.where(need > 0.0, np.maximum(need, least), 0.0)
    rounded = _multiples(raised, step, up=True)
    quantity = np.where(rounded > most, _multiples(np.minimum(rounded, most), step, up=False), rounded)
    conflict = (need > 0.0) & ((quantity < least * (1.0 - _GUARD)) | (quantity == 0.0))
    quantity = np.where(conflict, 0.0, quantity)
    binding = np.select(
        [need == 0.0, conflict, rounded > most, rounded > raised, raised > need],
        [Binding.NO_NEED, Binding.CONFLICT, Binding.LIMIT, Binding.MULTIPLE, Binding.MINIMUM],
        Binding.NEED,
    )
    return OrderQuantities(quantity, binding.astype(np.int64))


def shelf_life_limit(
    inventory_position: ArrayLike,
    demand_mean: ArrayLike,
    demand_variance: ArrayLike,
    waste_risk: ArrayLike,
    *,
    law: DemandLaw = "gamma",
) -> FloatArray:
    """Units that may be ordered so that the last one sells in time but for a small risk, arguments broadcast together.

    Parameters
    ----------
    inventory_position
        Units sold before the new ones (first in, first out), not negative.
    demand_mean, demand_variance
        Moments of demand from now to the end of the new units' shelf life.
    waste_risk
        Accepted probability that some of them are left over, in (0, 1).
    """
    position = non_negative("inventory_position", inventory_position)
    mean, variance = non_negative("demand_mean", demand_mean), non_negative("demand_variance", demand_variance)
    sold = demand_quantile(probability("waste_risk", waste_risk), mean, variance, law)
    return np.asarray(np.maximum(sold - position, 0.0))


def _multiples(units: FloatArray, step: FloatArray, *, up: bool) -> FloatArray:
    size = np.where(step > 0.0, step, 1.0)
    count = units / size
    whole = np.ceil(count * (1.0 - _GUARD)) if up else np.floor(count * (1.0 + _GUARD))
    return np.where(step > 0.0, whole * size, units)
