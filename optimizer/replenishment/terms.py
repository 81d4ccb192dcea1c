"""The question and the answer of a replenishment decision, as arrays of one row per series."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from optimizer.arguments import BoolArray, FloatArray, non_negative, numbers, probability
from optimizer.replenishment.lattice import OutlookLaw

Unmet = Literal["lost", "backordered"]


class Limit(IntEnum):
    """What kept an order from its unconstrained quantity."""

    NONE = 0
    MULTIPLE = 1
    MINIMUM = 2
    MAXIMUM = 3


@dataclass(frozen=True)
class ReplenishmentInput:
    """Demand law, stock and terms of each series.

    Parameters
    ----------
    demand_mean, demand_variance
        ``(n, lead_periods + review_periods)``, units and squared units of each period given the level.
    level_cv
        ``(n,)``, coefficient of variation of the level the periods share, 0 to 2.
    on_hand
        ``(n,)``, units now; less what is owed to customers it may be negative when demand is backordered.
    inbound
        ``(n, lead_periods + 1)``, units arriving at the start of each period; the last arrive with this order.
    holding_cost, shortage_cost
        ``(n,)``, money per unit left at the end of a period, and per unit short; positive.
    left_over_cost
        ``(n,)``, money per unit left at the end of the cycle, beyond its holding.
    order_multiple, minimum_order, maximum_order
        ``(n,)``, units: lots (0: any quantity), least and most of an order (infinity: no limit).
    lead_periods, review_periods
        Periods until arrival, 0 and up; periods until the next arrival, 1 and up.
    cycle_service_level
        ``(n,)`` in (0, 1): target instead of the costs, or None.
    law
        ``count``: whole units, negative binomial or Poisson; ``gamma``: any quantity.
    unmet
        What becomes of demand beyond the stock.

    Raises
    ------
    ValueError
        If a shape, sign or parameter is out of range; the message names the first position.
    """

    demand_mean: FloatArray
    demand_variance: FloatArray
    level_cv: FloatArray
    on_hand: FloatArray
    inbound: FloatArray
    holding_cost: FloatArray
    shortage_cost: FloatArray
    left_over_cost: FloatArray
    order_multiple: FloatArray
    minimum_order: FloatArray
    maximum_order: FloatArray
    lead_periods: int
    review_periods: int = 1
    cycle_service_level: FloatArray | None = None
    law: OutlookLaw = "count"
    unmet: Unmet = "lost"

    def __post_init__(self) -> None:
        """Check once; arrays become float64."""
        if self.lead_periods < 0 or self.review_periods < 1:
            raise ValueError(
                f"lead_periods must be >= 0 and review_periods >= 1, got {self.lead_periods}, {self.review_periods}"
            )
        if self.law not in ("count", "gamma"):
            raise ValueError(f"law must be 'count' or 'gamma', got {self.law!r}")
        if self.unmet not in ("lost", "backordered"):
            raise ValueError(f"unmet must be 'lost' or 'backordered', got {self.unmet!r}")
        n, periods = len(np.atleast_1d(np.asarray(self.on_hand))), self.lead_periods + self.review_periods
        shapes = {"demand_mean": (n, periods), "demand_variance": (n, periods), "inbound": (n, self.lead_periods + 1)}
        for name in SERIES_ARRAYS:
            array = _checked(name, getattr(self, name))
            if array.shape != shapes.get(name, (n,)):
                raise ValueError(f"{name} must have shape {shapes.get(name, (n,))}, got {array.shape}")
            object.__setattr__(self, name, array)
        if self.cycle_service_level is not None:
            target = probability("cycle_service_level", self.cycle_service_level)
            if target.shape != (n,):
                raise ValueError(f"cycle_service_level must have shape {(n,)}, got {target.shape}")
            object.__setattr__(self, "cycle_service_level", target)
        _refuse("level_cv", self.level_cv, self.level_cv > 2.0, "at most 2")
        for name in ("holding_cost", "shortage_cost"):
            _refuse(name, getattr(self, name), getattr(self, name) <= 0.0, "positive")
        if self.unmet == "lost":
            _refuse("on_hand", self.on_hand, self.on_hand < 0.0, "not negative, or unmet demand be backordered")


SERIES_ARRAYS = (
    *("demand_mean", "demand_variance", "level_cv", "on_hand", "inbound", "holding_cost", "shortage_cost"),
    *("left_over_cost", "order_multiple", "minimum_order", "maximum_order"),
)
_LARGEST = 1e12


def _checked(name: str, values: FloatArray) -> FloatArray:
    array = numbers(name, values)
    if name == "maximum_order":
        _refuse(name, array, np.isnan(array) | (array < 0.0), "not negative")
        return array
    if name == "on_hand":
        _refuse(name, array, ~np.isfinite(array), "finite")
    else:
        array = non_negative(name, array)
    _refuse(name, array, np.abs(array) > (_LARGEST**2 if name == "demand_variance" else _LARGEST), "below 1e12")
    return array


def _refuse(name: str, array: FloatArray, bad: BoolArray, expected: str) -> None:
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{name} must be {expected}: index {where} holds {array[where]}")


@dataclass(frozen=True)
class ReplenishmentDecision:
    """What to order and what to expect of it, shape ``(n,)`` unless said.

    Parameters
    ----------
    order_quantity, unconstrained_quantity
        Units with and without lots, minimum and maximum.
    limited_by
        int8 values of `Limit`.
    projected_on_hand
        ``(n, lead_periods)``, expected units at the end of each period before the arrival.
    on_hand_at_arrival
        Expected units when the order arrives, what arrives with it from before included, the order not; net of what is
        owed when demand is backordered.
    short_before_arrival
        Expected units short before this order can help.
    left_over, short
        Expected units at the end of the cycle, and short in the cycle.
    stockout_probability
        Of a shortage in the cycle.
    expected_cost
        Holding at the end of each period of the cycle, left over at its end, shortage in it: money.
    """

    order_quantity: FloatArray
    unconstrained_quantity: FloatArray
    limited_by: NDArray[np.int8]
    projected_on_hand: FloatArray
    on_hand_at_arrival: FloatArray
    short_before_arrival: FloatArray
    left_over: FloatArray
    short: FloatArray
    stockout_probability: FloatArray
    expected_cost: FloatArray
