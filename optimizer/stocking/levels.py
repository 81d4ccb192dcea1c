"""Safety stock, reorder point and order-up-to level for a service target.

Rules
-----
1. `cycle_service_level` is the probability of no stockout in a replenishment cycle; `fill_rate` the share of demanded
   units met from stock, in its one-cycle form E[(X - s)+] = (1 - fill_rate) Q. Exactly one of them is the target.
2. The law is matched to mean and variance of demand over the protection interval. Gamma is the default: with normal
   quantiles a target of .98 delivers about .96 where demand is skewed.
3. A reorder point is never below zero and not rounded; the order-up-to level is the reorder point plus the quantity.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincinv, ndtri

from optimizer.arguments import FloatArray, non_negative, probability
from optimizer.errors import ConvergenceError
from optimizer.laws.demand_law import DemandLaw, exceedance, expected_short
from optimizer.laws.lead_time_demand import LeadTimeDemand, lead_time_demand_moments

StockingLaw = Literal["gamma", "normal"]
_MAX_STEPS = 60


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
    _check_stocking_law(law)
    quantity = _positive_quantity(order_quantity)
    mean, variance, quantity = np.broadcast_arrays(
        non_negative("demand.mean", demand.mean), non_negative("demand.variance", demand.variance), quantity
    )
    if cycle_service_level is not None and fill_rate is None:
        point = _quantile(mean, variance, probability("cycle_service_level", cycle_service_level), law)
    elif fill_rate is not None and cycle_service_level is None:
        allowed = (1.0 - probability("fill_rate", fill_rate)) * quantity
        point = _level_for_loss(mean, variance, np.broadcast_to(allowed, mean.shape), law)
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
        _positive_quantity(order_quantity),
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
    demand = lead_time_demand_moments(demand_mean, demand_sd, lead_time_mean, lead_time_sd)
    target = probability("cycle_service_level", cycle_service_level)
    return np.maximum(_quantile(demand.mean, demand.variance, target, "normal"), 0.0)


def _check_stocking_law(law: str) -> None:
    if law not in ("gamma", "normal"):
        raise ValueError(f"law must be 'gamma' or 'normal', got {law!r}")


def _positive_quantity(order_quantity: ArrayLike) -> FloatArray:
    quantity = non_negative("order_quantity", order_quantity)
    if (quantity == 0.0).any():
        raise ValueError("order_quantity must be positive")
    return quantity


def _quantile(mean: FloatArray, variance: FloatArray, target: FloatArray, law: StockingLaw) -> FloatArray:
    if law == "normal":
        return np.asarray(mean + ndtri(target) * np.sqrt(variance))
    random = (mean > 0.0) & (variance > 1e-12 * mean * mean)
    safe_mean, safe_variance = np.where(random, mean, 1.0), np.where(random, variance, 1.0)
    scale = safe_variance / safe_mean
    return np.where(random, scale * gammaincinv(safe_mean / scale, target), mean)


def _level_for_loss(mean: FloatArray, variance: FloatArray, allowed: FloatArray, law: StockingLaw) -> FloatArray:
    """Level at which the expected shortage is `allowed`: Newton on the logarithm of the loss.

    The loss is log-concave or log-convex, so after one step the iterates approach from one side and need no bracket.
    """
    level = np.maximum(mean - allowed, 0.0)
    for _ in range(_MAX_STEPS):
        short = np.maximum(expected_short(level, mean, variance, law), np.finfo(np.float64).tiny)
        slope = np.maximum(exceedance(level, mean, variance, law), np.finfo(np.float64).tiny)
        step = short * np.log(short / allowed) / slope
        moved = np.maximum(level + step, 0.0)
        settled = np.abs(moved - level) <= 1e-11 * (1.0 + np.abs(moved))
        level = moved
        if settled.all():
            return level
    raise ConvergenceError(f"no reorder point after {_MAX_STEPS} steps for series {int(np.argmin(settled))}")
