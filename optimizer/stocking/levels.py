"""Safety stock, reorder point and order-up-to level for a service target.

Rules
-----
1. `cycle_service_level` is the probability of no stockout in a replenishment cycle; `fill_rate` the share of demanded
   units met from stock, in its one-cycle form E[(X - s)+] = (1 - fill_rate) Q (the exact form is in `fill_rate.py`).
   Exactly one of them is the target.
2. The law is matched to mean and variance of demand over the protection interval. Gamma is the default: with normal
   quantiles a target of .98 delivers about .96 where demand is skewed.
3. Under periodic review the demand given covers lead time **plus review period**: a level for the lead time alone
   leaves the review period unprotected.
4. A reorder point is never below zero and, but for the count law, not whole; the order-up-to level is the reorder
   point plus the quantity.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.arguments import FloatArray, non_negative, positive, probability
from optimizer.laws.demand_law import DemandLaw, exceedance, expected_short
from optimizer.laws.demand_level import demand_quantile, shortage_level
from optimizer.laws.lead_time_demand import LeadTimeDemand, lead_time_demand_moments

StockingLaw = DemandLaw


@dataclass(frozen=True)
class StockingLevels:
    """Levels of each series, units, shape ``(n,)``; safety stock is the reorder point less mean demand."""

    safety_stock: FloatArray
    reorder_point: FloatArray
    order_up_to_level: FloatArray


@dataclass(frozen=True)
class StockingService:
    """What a reorder point delivers, shape ``(n,)``."""

    cycle_service_level: FloatArray
    expected_short_per_cycle: FloatArray
    fill_rate: FloatArray


def stocking_levels(
    demand: LeadTimeDemand,
    *,
    order_quantity: ArrayLike,
    cycle_service_level: ArrayLike | None = None,
    fill_rate: ArrayLike | None = None,
    law: StockingLaw = "gamma",
) -> StockingLevels:
    """Levels that reach the target, per series.

    Parameters
    ----------
    demand
        Moments over the protection interval, ``(n,)``.
    order_quantity
        ``(n,)`` or a number, units per replenishment, positive.
    cycle_service_level, fill_rate
        The target, ``(n,)`` or a number in (0, 1); exactly one is given.

    Raises
    ------
    ValueError
        If both or neither target is given, or an input is out of range.
    """
    mean, variance, quantity = np.broadcast_arrays(
        non_negative("demand.mean", demand.mean),
        non_negative("demand.variance", demand.variance),
        positive("order_quantity", order_quantity),
    )
    if cycle_service_level is not None and fill_rate is None:
        target = probability("cycle_service_level", cycle_service_level)
        point = demand_quantile(target, mean, variance, law)
    elif fill_rate is not None and cycle_service_level is None:
        allowed = (1.0 - probability("fill_rate", fill_rate)) * quantity
        point = shortage_level(allowed, mean, variance, law)
    else:
        raise ValueError("give exactly one of cycle_service_level and fill_rate")
    point = np.maximum(point, 0.0)
    return StockingLevels(point - mean, point, point + quantity)


def stocking_service(
    demand: LeadTimeDemand, reorder_point: ArrayLike, order_quantity: ArrayLike, *, law: DemandLaw = "gamma"
) -> StockingService:
    """Service that a reorder point and an order quantity deliver, per series (one-cycle fill rate, not below zero)."""
    level, mean, variance, quantity = np.broadcast_arrays(
        non_negative("reorder_point", reorder_point),
        non_negative("demand.mean", demand.mean),
        non_negative("demand.variance", demand.variance),
        positive("order_quantity", order_quantity),
    )
    short = expected_short(level, mean, variance, law)
    out = exceedance(level, mean, variance, law)
    return StockingService(1.0 - out, short, np.maximum(1.0 - short / quantity, 0.0))


def reorder_point(
    demand_mean: ArrayLike,
    demand_sd: ArrayLike,
    lead_time_mean: ArrayLike,
    lead_time_sd: ArrayLike,
    cycle_service_level: float,
) -> NDArray[np.float64]:
    r"""Inventory position at which to reorder, per item and site.

    Lead-time demand is taken as normal with mean :math:`\mu L` and variance
    :math:`L\sigma^2 + \mu^2\sigma_L^2`; review is continuous, so the interval
    protected is the lead time alone.

    Parameters
    ----------
    demand_mean, demand_sd
        Shape ``(n_items, n_sites)``, units per day. Days are independent.
    lead_time_mean, lead_time_sd
        Broadcastable to ``(n_items, n_sites)``, days.
    cycle_service_level
        Probability of no stockout in a replenishment cycle, in ``(0, 1)``.

    Returns
    -------
    NDArray[np.float64]
        Shape ``(n_items, n_sites)``, units. Not rounded; never below zero.

    Raises
    ------
    ValueError
        If ``cycle_service_level`` is outside ``(0, 1)``, or an input is
        negative or not finite.

    Source
    ------
    Silver, Pyke & Thomas (2017), *Inventory and Production Management in
    Supply Chains*, 4th ed., ch. 6.

    Examples
    --------
    >>> reorder_point([[20.0]], [[5.0]], 9.0, 0.0, 0.95).round(2)
    array([[204.67]])
    """
    demand = lead_time_demand_moments(
        non_negative("demand_mean", demand_mean),
        non_negative("demand_sd", demand_sd),
        non_negative("lead_time_mean", lead_time_mean),
        non_negative("lead_time_sd", lead_time_sd),
    )
    target = probability("cycle_service_level", cycle_service_level)
    return np.maximum(demand_quantile(target, demand.mean, demand.variance, "normal"), 0.0)
