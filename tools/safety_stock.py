"""Safety stock by the method the stocking policy names, and the bounds it sets, for every item-site at once.

Rules
-----
1. A method gives a reorder point. ``gamma``, ``normal`` and ``count`` meet the service target by its measure under that
   law of demand; ``exact_fill_rate`` meets a fill rate in its exact form; ``newsvendor`` balances the margin lost on a
   unit short against keeping a unit for a review period, and meets the target where one of the two is not known.
2. A floor is what safety stock never falls below; a minimum is what the reorder point never falls below; a maximum is
   what no level and no order rises above. In days they are days of mean demand; of days and units the larger floor and
   minimum hold. Where they contradict each other for one item-site, the maximum stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optimizer.laws.demand_law import DemandLaw, exceedance
from optimizer.laws.lead_time_demand import LeadTimeDemand
from optimizer.stocking.fill_rate import reorder_point_for_fill_rate
from optimizer.stocking.levels import StockingLevels, stocking_levels
from optimizer.stocking.newsvendor import newsvendor
from tools.columns import BoolArray, FloatArray, IntArray

SAFETY_STOCK = ("gamma", "normal", "count", "exact_fill_rate", "newsvendor")
LAWS: tuple[DemandLaw, ...] = ("gamma", "normal", "count")
LEAST_TARGET, MOST_TARGET = 0.01, 1.0 - 1e-6
"""Cycle service levels a method may come to."""


@dataclass(frozen=True)
class Bounds:
    """What policy bounds stock by, shape ``(n,)``; zero and infinity bound nothing."""

    floor_days: FloatArray
    floor_units: FloatArray
    minimum_days: FloatArray
    minimum_units: FloatArray
    maximum_units: FloatArray

    @classmethod
    def none(cls, rows: int) -> Bounds:
        """Nothing is bounded."""
        zero = np.zeros(rows)
        return cls(zero, zero, zero, zero, np.full(rows, np.inf))

    def floor(self, mean_per_day: FloatArray) -> FloatArray:
        """Least safety stock, units."""
        return np.maximum(self.floor_units, self.floor_days * mean_per_day)

    def minimum(self, mean_per_day: FloatArray) -> FloatArray:
        """Least reorder point, units."""
        return np.maximum(self.minimum_units, self.minimum_days * mean_per_day)

    def take(self, rows: IntArray) -> Bounds:
        """Only some rows."""
        return Bounds(**{name: values[rows] for name, values in vars(self).items()})


@dataclass(frozen=True)
class Protection:
    """What a reorder point has to answer for, shape ``(n,)``."""

    whole: LeadTimeDemand
    """Demand over lead time and review period."""
    lead: LeadTimeDemand
    """Over the lead time alone."""
    review: LeadTimeDemand
    """Between two reviews."""
    order_quantity: FloatArray
    margin: FloatArray
    """Lost on a unit short, currency."""
    holding: FloatArray
    """Of a unit kept for a review period, currency."""

    def take(self, rows: IntArray) -> Protection:
        """Only some rows."""
        return Protection(
            whole=_taken(self.whole, rows),
            lead=_taken(self.lead, rows),
            review=_taken(self.review, rows),
            order_quantity=self.order_quantity[rows],
            margin=self.margin[rows],
            holding=self.holding[rows],
        )


def cycle_targets(method: IntArray, target: FloatArray, by_fill_rate: BoolArray, of: Protection) -> FloatArray:
    """Cycle service level, under the gamma law, of the reorder point each method gives.

    Parameters
    ----------
    method
        Place in ``SAFETY_STOCK``.
    target
        Service target in (0, 1): a fill rate where `by_fill_rate`, else a cycle service level.
    """
    found = np.clip(target, 1e-6, MOST_TARGET)
    no_cost = (method == SAFETY_STOCK.index("newsvendor")) & ~((of.margin > 0.0) & (of.holding > 0.0))
    method = np.where(no_cost, SAFETY_STOCK.index("gamma"), method)
    by_hand = np.flatnonzero(by_fill_rate | (method != SAFETY_STOCK.index("gamma")))
    if by_hand.size:
        part = of.take(by_hand)
        point = _points(method[by_hand], found[by_hand], by_fill_rate[by_hand], part)
        out = exceedance(point, part.whole.mean, part.whole.variance, "gamma")
        found[by_hand] = np.clip(1.0 - out, LEAST_TARGET, MOST_TARGET)
    return found


def _points(method: IntArray, target: FloatArray, by_fill_rate: BoolArray, of: Protection) -> FloatArray:
    """Reorder point of each row, units."""
    point = np.zeros(target.size)
    for number, name in enumerate(SAFETY_STOCK):
        here = method == number
        if name in LAWS:
            for some, measure in ((here & ~by_fill_rate, "cycle_service_level"), (here & by_fill_rate, "fill_rate")):
                rows = np.flatnonzero(some)
                if rows.size:
                    part, law = of.take(rows), LAWS[LAWS.index(name)]
                    point[rows] = stocking_levels(
                        part.whole, order_quantity=part.order_quantity, law=law, **{measure: target[rows]}
                    ).reorder_point
        elif (rows := np.flatnonzero(here)).size:
            part = of.take(rows)
            point[rows] = _exact(part, target[rows]) if name == "exact_fill_rate" else _newsvendor(part)
    return point


def _exact(of: Protection, target: FloatArray) -> FloatArray:
    return reorder_point_for_fill_rate(of.lead, of.order_quantity, target, form="exact", review_demand=of.review)


def _newsvendor(of: Protection) -> FloatArray:
    return newsvendor(of.whole.mean, of.whole.variance, of.holding, of.margin).order_up_to_level


def bounded_levels(
    levels: StockingLevels, whole: LeadTimeDemand, mean_per_day: FloatArray, by: Bounds
) -> StockingLevels:
    """The levels within their bounds; the order-up-to level stays as far above the reorder point as it was."""
    floor = by.floor(mean_per_day)
    point = np.where(floor > 0.0, np.maximum(levels.reorder_point, whole.mean + floor), levels.reorder_point)
    point = np.minimum(np.maximum(point, by.minimum(mean_per_day)), by.maximum_units)
    above = levels.order_up_to_level - levels.reorder_point
    return replace(
        levels,
        safety_stock=point - whole.mean,
        reorder_point=point,
        order_up_to_level=np.minimum(point + above, by.maximum_units),
    )


def _taken(demand: LeadTimeDemand, rows: IntArray) -> LeadTimeDemand:
    return LeadTimeDemand(demand.mean[rows], demand.variance[rows])
