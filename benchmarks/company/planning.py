"""The two ways of planning: what the static ERP does, and what Evenkeel does. Both see the past only."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.company.world import EXPEDITE_DAYS, LONGEST_LEAD, MASTER_LEAD_DAYS, PRICE_PER_COST, YEAR
from optimizer.demand.moments import demand_moments
from optimizer.laws.demand_law import expected_short
from optimizer.laws.lead_time_demand import LeadTimeDemand, lead_time_demand_moments
from optimizer.lead_time.kaplan_meier import LeadTimeLaw, kaplan_meier_lead_time
from optimizer.simulation.planner import OrderPolicy, Orders, Receipts, View
from optimizer.stocking.levels import stocking_levels

COVER_DAYS, REVIEW_DAYS = 18.0, 7
LOT_RATIO = {"A": 1.0, "B": 2.0, "C": 4.0}
"""How long an ERP lot lasts by class, in units of an A lot: slow items are ordered seldom, whatever they cost."""
ORDER_COST, CARRYING_RATE = 25.0, 0.22
"""Money per order line, and per money of stock and year."""
FREIGHT_FIXED = 50.0
"""Money per rush shipment, besides a share of the goods' cost."""
LATE_LINE, MOST_RISK, LEAST_RISK = 60.0, 0.4, 0.002
"""What a late order line is worth (chosen on companies of other seeds), and the bounds of a cycle's stockout risk."""
REFRESH_DAYS = 28

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def classes(demand: Floats, unit_cost: Floats) -> NDArray[np.str_]:
    """ABC by value of past demand over all sites, 80/15/5, shape ``(items,)``."""
    value = demand.sum(axis=(0, 1)) * unit_cost
    order = np.argsort(-value, kind="stable")
    before = np.empty_like(value)
    before[order] = np.cumsum(value[order]) - value[order]
    reached = before / value.sum()
    return np.where(reached < 0.80, "A", np.where(reached < 0.95, "B", "C"))


@dataclass(frozen=True)
class Fit:
    """What is fitted to the published column: days an A lot lasts, rush freight share of cost, most lines an order."""

    lot_days: float
    freight_share: float = 0.1
    most_lines: int = 1

    def freight(self, units: Floats, unit_cost: Floats) -> Floats:
        """Rush freight of single shipments, money."""
        return np.where(units > 0.0, FREIGHT_FIXED + self.freight_share * unit_cost * units, 0.0)


def rush_need(view: View, rate: Floats, watched: Bools) -> Floats:
    """The planner's rule, the same in both columns: rush what is projected to be out before the next review.

    Projected is stock less the demand until the next review, plus what suppliers promised for that time; an order past
    its promise is not counted on. Rushed is what is missing and a week more.
    """
    window = REVIEW_DAYS
    promised = _promised_within(view, window)
    rushed = _rushed(view)
    short = rate * window - (view.on_hand - view.backordered) - promised - rushed
    return np.where(watched & (short > 0.0), np.ceil(short + rate * REVIEW_DAYS), 0.0)


def _promised_within(view: View, window: int) -> Floats:
    """Open regular orders whose promised day lies in the window, shape ``(sites, items)``."""
    orders = view.supply()
    promised = orders.ordered_day + int(MASTER_LEAD_DAYS)
    coming = ~orders.received & (promised >= view.day) & (promised < view.day + window)
    return _sum(view, orders, coming)


def _rushed(view: View) -> Floats:
    """On order, but not as a regular order of this run: rushes (and orders of the run before)."""
    orders = view.supply()
    return np.maximum(view.on_order - _sum(view, orders, ~orders.received), 0.0)


def _sum(view: View, orders: Receipts, which: Bools) -> Floats:
    cell = (orders.site * view.on_hand.shape[1] + orders.item)[which]
    units = np.bincount(cell, orders.quantity[which], view.on_hand.size).astype(np.float64)
    return units.reshape(view.on_hand.shape)


def lot_days(abc: NDArray[np.str_], fit: Fit) -> Floats:
    """Days an ERP lot lasts, shape ``(items,)``."""
    return fit.lot_days * np.array([LOT_RATIO[name] for name in abc])


@dataclass
class StaticErp:
    """Minimum: master lead time and 18 days of cover; maximum: one lot more. Rates of the year before, all year."""

    rate: Floats
    watched: Bools
    abc: NDArray[np.str_]
    fit: Fit
    policy: OrderPolicy = field(init=False)

    def __post_init__(self) -> None:
        low = self.rate * (MASTER_LEAD_DAYS + COVER_DAYS)
        high = np.maximum(np.ceil(low + self.rate * lot_days(self.abc, self.fit)), low + 1.0)
        self.policy = OrderPolicy.min_max(low, high, review_period_days=REVIEW_DAYS, multiple=1.0)

    def __call__(self, view: View) -> Orders:
        """Regular orders by position, rushes by the planner's rule."""
        if view.day % REVIEW_DAYS:
            return Orders()
        return Orders(self.policy(view).replenish, rush_need(view, self.rate, self.watched))


@dataclass
class Evenkeel:
    """Levels from laws of demand and lead time learned from the past, refreshed monthly; rushes only where they pay.

    Parameters
    ----------
    history
        Shape ``(days, sites, items)``, demand before the run.
    receipts
        Orders before the run.
    kept_lot_days
        Shape ``(items,)``, lots in days of demand that may not be changed; None: economic lots.
    """

    history: Floats
    receipts: Receipts
    supplier: NDArray[np.int64]
    unit_cost: Floats
    watched: Bools
    fit: Fit
    kept_lot_days: Floats | None = None
    policy: OrderPolicy = field(init=False)
    law: LeadTimeLaw = field(init=False)
    mean: Floats = field(init=False)
    sd: Floats = field(init=False)
    safety_stock: Floats = field(init=False)

    def __call__(self, view: View) -> Orders:
        """Regular orders by position, rushes by the planner's rule where they save more than they cost."""
        if view.day % REVIEW_DAYS:
            return Orders()
        if view.day % REFRESH_DAYS == 0:
            self.learn(view.demand, view.supply())
        return Orders(self.policy(view).replenish, self.paying(view, rush_need(view, self.mean, self.watched)))

    def learn(self, demand: Floats, supply: Receipts) -> None:
        """Laws and levels from everything known today."""
        seen = np.concatenate([self.history, demand])[-2 * YEAR :]
        weeks = len(seen) // 7
        weekly = seen[len(seen) - 7 * weeks :].reshape(weeks, 7, -1).sum(axis=1).T
        moments = demand_moments(weekly)
        shape = self.history.shape[1:]
        self.mean, self.sd = moments.mean_per_day.reshape(shape), moments.sd_per_day.reshape(shape)
        self.law = self._lead_times(supply)
        days, spread = (moment[self.supplier] for moment in (self.law.mean_days(), self.law.sd_days()))
        protected = lead_time_demand_moments(self.mean, self.sd, days, spread, REVIEW_DAYS)
        lot = np.sqrt(2.0 * ORDER_COST * self.mean * YEAR / (CARRYING_RATE * self.unit_cost))
        if self.kept_lot_days is not None:
            lot = self.mean * self.kept_lot_days
        lot = np.maximum(np.rint(lot), 1.0)
        # A cycle's stockout may cost what a lower level saves: carrying a unit for the cycle = risk x late lines saved.
        line = self.mean / np.maximum((seen > 0.0).mean(axis=0), 1e-9)
        risk = CARRYING_RATE * self.unit_cost * lot * line / (np.maximum(self.mean, 1e-9) * YEAR * LATE_LINE)
        levels = stocking_levels(
            LeadTimeDemand(protected.mean.ravel(), protected.variance.ravel()), order_quantity=lot.ravel(),
            cycle_service_level=1.0 - np.clip(risk, LEAST_RISK, MOST_RISK).ravel(),
        )  # fmt: skip
        point = levels.reorder_point.reshape(shape)
        self.safety_stock = levels.safety_stock.reshape(shape) + self.mean * REVIEW_DAYS
        self.policy = OrderPolicy.min_max(point, point + lot, review_period_days=REVIEW_DAYS, multiple=1.0)

    def paying(self, view: View, wanted: Floats) -> Floats:
        """Of the rushes wanted, those whose expected shortage avoided is worth more than the freight."""
        site, item = np.nonzero(wanted)
        if not site.size:
            return wanted
        wait = self._wait_days(view, site, item)
        stock = (view.on_hand - view.backordered)[site, item]
        mean, sd = self.mean[site, item], self.sd[site, item]
        ahead = np.maximum(wait, EXPEDITE_DAYS + 1.0)
        quantity = wanted[site, item]
        without = expected_short(stock, mean * ahead, sd**2 * ahead, "gamma")
        with_rush = expected_short(stock + quantity, mean * ahead, sd**2 * ahead, "gamma")
        unit_gain = (PRICE_PER_COST - 1.0) * self.unit_cost[item]
        gain = np.where(wait > EXPEDITE_DAYS, (without - with_rush) * unit_gain, 0.0)
        pays = gain > self.fit.freight(quantity, self.unit_cost[item])
        chosen = np.zeros_like(wanted)
        chosen[site[pays], item[pays]] = quantity[pays]
        return chosen

    def _lead_times(self, supply: Receipts) -> LeadTimeLaw:
        days = np.concatenate([self.receipts.days, supply.days])
        received = np.concatenate([self.receipts.received, supply.received])
        item = np.concatenate([self.receipts.item, supply.item])
        return kaplan_meier_lead_time(
            days, received, np.ones(len(days)), self.supplier[item], int(self.supplier.max()) + 1,
            horizon_days=LONGEST_LEAD + 30, prior_days=np.full(int(self.supplier.max()) + 1, MASTER_LEAD_DAYS),
        )  # fmt: skip

    def _wait_days(self, view: View, site: NDArray[np.int64], item: NDArray[np.int64]) -> Floats:
        """Expected days until the next regular receipt: the remaining time, given its age, of the oldest open order."""
        orders = view.supply()
        still = np.flatnonzero(~orders.received)
        oldest = np.full(view.on_hand.shape, -1)
        cell_site, cell_item = orders.site[still], orders.item[still]
        # Written youngest first, so that the oldest stays.
        oldest[cell_site[::-1], cell_item[::-1]] = still[::-1]
        order = oldest[site, item]
        usual = self.law.mean_days()[self.supplier[item]] + REVIEW_DAYS / 2.0
        has = order >= 0
        remaining = self.law.given_age(orders.days[order[has]].astype(np.float64), self.supplier[item[has]])
        usual[has] = remaining @ np.arange(remaining.shape[1])
        return usual
