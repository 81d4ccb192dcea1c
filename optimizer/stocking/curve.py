"""What service costs: the capital and carrying cost of a whole class of items at each target, and per point between.

Rules
-----
1. One target holds for every item of the class (`cost_service_curve`), or money is spread so that the class as a whole
   gets the most fill rate for it (`best_service_curve`): the distance between the two is what a flat target costs.
2. Capital is unit cost times expected stock: what is left of the reorder point at the end of a cycle, plus half an
   order. The fill rate is one-cycle, weighted by demanded units.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, non_negative, positive, probability
from optimizer.laws.demand_law import DemandLaw, expected_short
from optimizer.laws.lead_time_demand import LeadTimeDemand
from optimizer.stocking.budget import levels_within_budget
from optimizer.stocking.levels import stocking_levels

Measure = Literal["cycle_service_level", "fill_rate"]


@dataclass(frozen=True)
class CostServiceCurve:
    """One entry per point of the curve, ``(m,)``: target (or budget), capital and carrying cost in money, fill rate."""

    target: FloatArray
    capital: FloatArray
    carrying_cost: FloatArray
    fill_rate: FloatArray

    @property
    def carrying_cost_per_point(self) -> FloatArray:
        """Carrying cost of one more percentage point of fill rate between neighbours, ``(m - 1,)``; NaN where none."""
        points = 100.0 * np.diff(self.fill_rate)
        costs = np.diff(self.carrying_cost)
        return np.asarray(np.divide(costs, points, out=np.full(points.shape, np.nan), where=points > 0.0))


@dataclass(frozen=True)
class _Class:
    demand: LeadTimeDemand
    quantity: FloatArray
    cost: FloatArray
    units: FloatArray


def cost_service_curve(
    demand_mean: ArrayLike,
    demand_variance: ArrayLike,
    order_quantity: ArrayLike,
    unit_cost: ArrayLike,
    units_per_period: ArrayLike,
    targets: ArrayLike,
    carrying_rate: float,
    *,
    measure: Measure = "cycle_service_level",
    law: DemandLaw = "gamma",
) -> CostServiceCurve:
    """Cost of a class at each of several targets, the item arguments broadcast together to ``(n,)``.

    Parameters
    ----------
    demand_mean, demand_variance
        Moments over the protection interval (lead time plus review), units.
    order_quantity
        Units, positive.
    unit_cost
        Money per unit, not negative.
    units_per_period
        Demand per period, the weight of an item in the class's fill rate, not negative.
    targets
        ``(m,)``, in (0, 1).
    carrying_rate
        Cost of a unit of capital per period, not negative.

    Examples
    --------
    >>> curve = cost_service_curve([100.0], 900.0, 200.0, 5.0, 1.0, [0.97, 0.98], 0.2, law="normal")
    >>> curve.capital.round(2)
    array([783.86, 809.16])
    """
    items = _class(demand_mean, demand_variance, order_quantity, unit_cost, units_per_period)
    goals = np.atleast_1d(probability("targets", targets))
    if goals.ndim != 1:
        raise ValueError(f"targets must be flat, got shape {goals.shape}")
    points = []
    for goal in goals:
        by_cycle, by_fill = (goal, None) if measure == "cycle_service_level" else (None, goal)
        levels = stocking_levels(
            items.demand, order_quantity=items.quantity, cycle_service_level=by_cycle, fill_rate=by_fill, law=law
        )
        points.append(_point(items, levels.reorder_point, law))
    return _curve(goals, points, carrying_rate)


def best_service_curve(
    demand_mean: ArrayLike,
    demand_variance: ArrayLike,
    order_quantity: ArrayLike,
    unit_cost: ArrayLike,
    units_per_period: ArrayLike,
    budgets: ArrayLike,
    carrying_rate: float,
    *,
    law: Literal["gamma", "normal"] = "gamma",
) -> CostServiceCurve:
    """The most fill rate of a class for each of several sums bound in its reorder points.

    Arguments as in `cost_service_curve`, but `unit_cost` positive; `budgets` ``(m,)``, money for
    reorder points at unit cost, not negative, is the curve's `target`. Exact for divisible units.
    """
    items = _class(demand_mean, demand_variance, order_quantity, unit_cost, units_per_period)
    sums = np.atleast_1d(non_negative("budgets", budgets))
    # The class's share short is the sum of units x E[short] / Q over the sum of units.
    weight = items.units / items.quantity
    points = []
    for money in sums:
        best = levels_within_budget(items.demand.mean, items.demand.variance, items.cost, weight, float(money), law=law)
        points.append(_point(items, best.level, law))
    return _curve(sums, points, carrying_rate)


def _class(
    demand_mean: ArrayLike,
    demand_variance: ArrayLike,
    order_quantity: ArrayLike,
    unit_cost: ArrayLike,
    units_per_period: ArrayLike,
) -> _Class:
    mean, variance, quantity, cost, units = (
        np.atleast_1d(part).ravel()
        for part in np.broadcast_arrays(
            non_negative("demand_mean", demand_mean),
            non_negative("demand_variance", demand_variance),
            positive("order_quantity", order_quantity),
            non_negative("unit_cost", unit_cost),
            non_negative("units_per_period", units_per_period),
        )
    )
    return _Class(LeadTimeDemand(mean, variance), quantity, cost, units)


def _point(items: _Class, level: FloatArray, law: DemandLaw) -> tuple[float, float]:
    """Capital and fill rate of the class at these reorder points."""
    short = expected_short(level, items.demand.mean, items.demand.variance, law)
    stock = level - items.demand.mean + short + 0.5 * items.quantity
    missed = math.fsum(items.units * np.minimum(short / items.quantity, 1.0))
    demanded = math.fsum(items.units)
    return math.fsum(items.cost * stock), 1.0 - missed / demanded if demanded > 0.0 else 1.0


def _curve(target: FloatArray, points: list[tuple[float, float]], carrying_rate: float) -> CostServiceCurve:
    rate = float(non_negative("carrying_rate", carrying_rate))
    capital, fill = np.array(points).reshape(-1, 2).T
    return CostServiceCurve(target, capital.copy(), rate * capital, fill.copy())
