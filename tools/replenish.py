"""What to order and what to move today, for every item-site in scope.

Rules
-----
1. A row is worked out when its review day has come since the last run: review days lie a review period apart, counted
   from a Monday. Rows with an open case are left to the sweep.
2. Sites are decided from the stores up: what a site asks of the site that feeds it is owed there, and demand of all it
   feeds is part of its own. The order brings the stock up to the level of the replenishment decision.
3. A site gives what it has: too little is divided in fair shares, its own customers among the claimants, and a lane
   carries no more than its capacity. Money that is short goes where a unit avoids most.
4. Everything that changed a quantity is named with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag

import numpy as np
import polars as pl

from optimizer.laws.demand_law import expected_short
from optimizer.laws.lead_time_demand import LeadTimeDemand
from optimizer.replenishment.decision import decide
from optimizer.replenishment.terms import Limit as DecisionLimit
from optimizer.replenishment.terms import ReplenishmentInput, Unmet
from optimizer.stocking.budget import lots_within_budget
from optimizer.stocking.economic_order import economic_order
from optimizer.stocking.levels import stocking_levels
from optimizer.transfers.rationing import fair_shares
from tools.columns import BoolArray, FloatArray, IntArray
from tools.lanes import Lane
from tools.safety_stock import Protection, bounded_levels, cycle_targets
from tools.stock_rows import SPELLS, StockRows, spell_days
from tools.stocking_policy import METHODS, StockingTerms

DEEPEST = 8
"""Levels of sites feeding sites; more is a loop."""
PIECES = 8
"""Steps in which an order that the budget may cut is weighed."""


class Limit(IntFlag):
    """What changed a quantity."""

    NONE = 0
    MULTIPLE = 1
    MINIMUM = 2
    MAXIMUM = 4
    RATIONING = 8
    CAPACITY = 16
    BUDGET = 32
    FLOOR = 64
    """Safety stock of the stocking policy asks for more than the service target."""
    LEAST_STOCK = 128
    """The least reorder point of the stocking policy does."""
    RULE = 256
    """A machine rule does, or keeps it smaller; the clause is named."""


LEFT_WITHOUT = (
    (Limit.RULE, "needed, and a machine rule keeps it from it"),
    (Limit.BUDGET, "needed, and no budget is left"),
    (Limit.CAPACITY, "needed, and the lane is full"),
    (Limit.RATIONING, "needed, and the site that feeds it has none to give"),
    (Limit.MAXIMUM, "the least order would exceed the longest cover or the most stock"),
)
"""Why a row that needs something gets nothing, the first that holds."""


@dataclass(frozen=True)
class Orders:
    """Answer for each row, shape ``(n,)``, units."""

    quantity: IntArray
    wanted: IntArray
    """Before anything limited it."""
    position: FloatArray
    level: FloatArray
    limits: IntArray
    """`Limit` flags."""
    avoided: FloatArray
    """Expected units short that the quantity avoids over lead time and review period."""
    asked: FloatArray
    """Expected demand over lead time and review period, that of the sites it feeds included."""
    short_after: FloatArray
    """Expected units short in spite of the quantity."""
    decided: BoolArray
    """Rows a quantity was worked out for."""
    parent: IntArray
    """Row of the site that feeds the row, -1 for none."""
    lanes: dict[int, Lane]
    """Lane of each row that is fed by a site."""
    set_aside: dict[str, int]
    """Rows no order was worked out for, by reason."""
    enough: int
    rule: IntArray
    """Place of the machine rule that changed a quantity, -1 for none."""


def due_today(review_days: FloatArray, today: int, last_run: int | None) -> BoolArray:
    """Rows with a review day after the last run up to today; days are ordinals, all rows are due at the first run."""
    if last_run is None:
        return np.ones(review_days.shape, dtype=np.bool_)
    period = np.maximum(np.rint(review_days), 1.0)
    # Ordinal 1 was a Monday, so reviews a week apart fall on Mondays.
    return np.asarray((today - 1) // period > (last_run - 1) // period)


def recommend(
    rows: StockRows,
    terms: StockingTerms,
    available: FloatArray,
    excepted: BoolArray,
    lanes: Mapping[str, tuple[Lane, ...]],
    budgets: Mapping[str, float],
    *,
    last_run: int | None,
) -> Orders:
    """Orders and transfers of today.

    Parameters
    ----------
    available
        Units each row could give to others, by the ledger.
    excepted
        Rows with an open case.
    budgets
        Money left for purchases by site; a site that is not named has no limit, the empty name is the limit of all.
    last_run
        Ordinal of the day of the run before, None at the first.
    """
    parent, height = feeding(rows)
    ways = _ways(rows, lanes)
    fed = np.array([bool(site) for site in rows.source_site], dtype=np.bool_)
    has_lane = np.zeros(rows.count, dtype=np.bool_)
    has_lane[list(ways)] = True
    barred = _barred(rows, parent, ways, fed)
    reasons: tuple[tuple[str, BoolArray], ...] = (
        ("an open case: the sweep decides", excepted),
        ("too little history", ~rows.planned),
        ("policy orders nothing (end of life)", terms.method == METHODS.index("none")),
        ("sites feed each other", height < 0),
        ("no lane from the site that feeds it", fed & (~has_lane | (parent < 0))),
        ("no supplier sells it", ~fed & np.isnan(rows.price)),
        ("a machine rule forbids the movement", barred >= 0),
        ("not due for review", ~due_today(terms.review_days, rows.today.toordinal(), last_run)),
    )
    wanted_here, set_aside = np.ones(rows.count, dtype=np.bool_), Counter[str]()
    for reason, mask in reasons:
        set_aside[reason] += int((wanted_here & mask).sum())
        wanted_here &= ~mask
    plan = _Plan(rows, terms, parent, fed, ways)
    for level in range(int(height.max(initial=-1)) + 1):
        plan.decide_rows(np.flatnonzero((height == level) & wanted_here))
        plan.pass_up(np.flatnonzero((height == level) & (parent >= 0)))
    plan.keep_to_rules()
    plan.ration(available)
    plan.fit_lanes()
    plan.fit_budgets(budgets)
    asked, short_before, short_after = plan.expected()
    nothing = wanted_here & (plan.free_quantity > 0.0) & (plan.quantity <= 0.0)
    for limit, reason in LEFT_WITHOUT:
        set_aside[reason] += int((nothing & (plan.limits & limit > 0)).sum())
        nothing &= plan.limits & limit == 0
    return Orders(
        quantity=plan.quantity.astype(np.int64),
        wanted=np.ceil(plan.free_quantity * (1.0 - 1e-9)).astype(np.int64),
        position=plan.position,
        level=plan.level,
        limits=plan.limits,
        avoided=np.maximum(short_before - short_after, 0.0),
        asked=asked,
        short_after=short_after,
        decided=wanted_here,
        parent=parent,
        lanes=ways,
        set_aside={reason: number for reason, number in set_aside.items() if number},
        enough=int((wanted_here & (plan.free_quantity <= 0.0)).sum() + nothing.sum()),
        rule=plan.rule,
    )


class _Plan:
    """Quantities as they are worked out, a row each."""

    def __init__(
        self, rows: StockRows, terms: StockingTerms, parent: IntArray, fed: BoolArray, ways: dict[int, Lane]
    ) -> None:
        n = rows.count
        self.rows, self.terms, self.parent, self.fed, self.ways = rows, terms, parent, fed, ways
        self.feeds = np.zeros(n, dtype=np.bool_)
        self.feeds[parent[parent >= 0]] = True
        self.quantity, self.free_quantity = np.zeros(n), np.zeros(n)
        self.owed, self.level = np.zeros(n), np.zeros(n)
        self.limits, self.rule = np.zeros(n, dtype=np.int64), np.full(n, -1, dtype=np.int64)
        days = rows.lead_mean + terms.review_days
        # Demand of the sites it feeds is part of a site's own.
        self.mean, self.variance = rows.mean_per_day.copy(), rows.sd_per_day**2
        self.known_rate = rows.known.sum(axis=1) / np.maximum(days, 1.0)
        self.position = rows.free + rows.arriving.sum(axis=1)
        self.lot, self.least = self._lots()

    def pass_up(self, some: IntArray) -> None:
        """Demand and claims of rows go to the rows that feed them."""
        above = self.parent[some]
        np.add.at(self.mean, above, self.mean[some] + self.known_rate[some])
        np.add.at(self.variance, above, self.variance[some])
        np.add.at(self.owed, above, self.quantity[some])
        np.add.at(self.position, above, -self.quantity[some])

    def decide_rows(self, some: IntArray) -> None:
        """Order quantities of rows whose claimants are decided."""
        total_mean, total_variance = self._protected(some)
        level = self._closed_level(some, total_mean, total_variance)
        self.level[some] = level
        # The closed form says who surely has enough; the decision itself follows the stock of the others.
        short = some[self.position[some] < 1.1 * level + 2.0]
        for group, unmet in ((short[~self.feeds[short]], "lost"), (short[self.feeds[short]], "backordered")):
            if group.size:
                self._decide(group, "lost" if unmet == "lost" else "backordered")

    def _decide(self, some: IntArray, unmet: Unmet) -> None:
        rows, terms = self.rows, self.terms
        mean, variance = self._by_spell(some)
        on_hand = rows.free[some] - self.owed[some]
        weeks = np.maximum(rows.history_weeks[some], 1)
        spread = np.sqrt(self.variance[some] / (7.0 * weeks))
        some_demand = self.mean[some] > 0.0
        level_cv = np.divide(spread, self.mean[some], out=np.zeros(some.size), where=some_demand)
        most = np.minimum(self.mean[some] * terms.maximum_cover_days[some], terms.bounds.maximum_units[some])
        cover = np.maximum(most - self.position[some], 0.0)
        one, answer_to = np.ones(some.size), self._cycle_target(some)
        answer = decide(
            ReplenishmentInput(
                demand_mean=mean, demand_variance=variance, level_cv=np.minimum(level_cv, 1.0),
                on_hand=np.maximum(on_hand, 0.0) if unmet == "lost" else on_hand,
                inbound=rows.arriving[some], holding_cost=one, shortage_cost=one, left_over_cost=np.zeros(some.size),
                order_multiple=self.lot[some], minimum_order=self.least[some], maximum_order=cover,
                lead_periods=SPELLS, review_periods=1, cycle_service_level=answer_to, law="count", unmet=unmet,
            )
        )  # fmt: skip
        self.quantity[some] = np.rint(answer.order_quantity)
        self.free_quantity[some] = answer.unconstrained_quantity
        flags = np.array([Limit.NONE, Limit.MULTIPLE, Limit.MINIMUM, Limit.MAXIMUM], dtype=np.int64)
        order = [DecisionLimit.NONE, DecisionLimit.MULTIPLE, DecisionLimit.MINIMUM, DecisionLimit.MAXIMUM]
        moved = flags[[order.index(DecisionLimit(int(code))) for code in answer.limited_by]]
        # Rounding up to whole units is no limit worth a word.
        trifle = (moved == Limit.MULTIPLE) & (np.abs(answer.order_quantity - answer.unconstrained_quantity) < 1.0)
        self.limits[some] = np.where(trifle, 0, moved)
        self._raise_to_bounds(some, cover, unmet)
        self.level[some] = self.position[some] + self.free_quantity[some]

    def _raise_to_bounds(self, some: IntArray, most: FloatArray, unmet: Unmet) -> None:
        """Order more where a floor or a least reorder point of policy asks for it: whole lots within the most."""
        bounds, mean = self.terms.bounds.take(some), self.mean[some]
        by_spell, variance = self._by_spell(some)
        left = self.position[some] - by_spell.sum(axis=1)
        if unmet == "lost":  # what is not served before the order comes is not asked for later
            before, spread = by_spell[:, :SPELLS].sum(axis=1), variance[:, :SPELLS].sum(axis=1)
            left = left + expected_short(self.position[some], before, spread, "gamma")
        floor, least = bounds.floor(mean), bounds.minimum(mean)
        wants = (
            (Limit.FLOOR, np.where(floor > 0.0, floor - left, 0.0)),
            (Limit.LEAST_STOCK, np.where(least > 0.0, least - self.position[some], 0.0)),
        )
        for why, wanted in wants:
            binds = wanted > self.free_quantity[some] + 1e-6
            rows = some[binds]
            lots = np.ceil(np.maximum(wanted[binds], self.least[rows]) / self.lot[rows] * (1.0 - 1e-9)) * self.lot[rows]
            capped = lots > most[binds] + 1e-6
            fits = np.floor(most[binds] / self.lot[rows] * (1.0 + 1e-9)) * self.lot[rows]
            given = np.where(capped, np.where(fits < self.least[rows] * (1.0 - 1e-9), 0.0, fits), lots)
            self.free_quantity[rows] = wanted[binds]
            self.limits[rows] |= np.where(given > self.quantity[rows], int(why), 0)
            self.limits[rows] |= np.where(capped, int(Limit.MAXIMUM), 0)
            self.quantity[rows] = np.maximum(given, self.quantity[rows])

    def _by_spell(self, some: IntArray) -> tuple[FloatArray, FloatArray]:
        rows = self.rows
        days = spell_days(rows.lead_mean[some], self.terms.review_days[some])
        mean = self.mean[some][:, None] * days + rows.known[some]
        variance = self.variance[some][:, None] * days
        # What the spread of the lead time itself adds, over the spells that make it up.
        variance[:, :SPELLS] += ((self.mean[some] * rows.lead_sd[some]) ** 2 / SPELLS)[:, None]
        return mean, variance

    def _protected(self, some: IntArray) -> tuple[FloatArray, FloatArray]:
        mean, variance = self._by_spell(some)
        return mean.sum(axis=1), variance.sum(axis=1)

    def _closed_level(self, some: IntArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
        target = self._cycle_target(some)
        order = np.maximum(self.mean[some] * self.terms.review_days[some], 1.0)
        levels = stocking_levels(LeadTimeDemand(mean, variance), order_quantity=order, cycle_service_level=target)
        bounded = bounded_levels(levels, LeadTimeDemand(mean, variance), self.mean[some], self.terms.bounds.take(some))
        return bounded.reorder_point

    def _cycle_target(self, some: IntArray) -> FloatArray:
        """The target as a cycle service level: that of the point which the method and measure of policy give."""
        rows, terms = self.rows, self.terms
        mean, variance = self._by_spell(some)
        order = np.maximum(np.maximum(self.least[some], self.mean[some] * terms.review_days[some]), 1.0)
        answer_for = Protection(
            whole=LeadTimeDemand(mean.sum(axis=1), variance.sum(axis=1)),
            lead=LeadTimeDemand(mean[:, :SPELLS].sum(axis=1), variance[:, :SPELLS].sum(axis=1)),
            review=LeadTimeDemand(mean[:, SPELLS], variance[:, SPELLS]),
            order_quantity=order,
            margin=rows.margin[some],
            holding=rows.holding_per_day[some] * terms.review_days[some],
        )
        return cycle_targets(terms.safety_stock[some], terms.service_target[some], terms.by_fill_rate[some], answer_for)

    def _lots(self) -> tuple[FloatArray, FloatArray]:
        """Multiples and least orders: the supplier's, the lane's, and an economic quantity where policy asks for it."""
        rows = self.rows
        multiple, minimum = rows.order_multiple, rows.minimum_order
        if rows.bounds is not None:
            multiple, minimum = rows.bounds.terms.multiple, rows.bounds.terms.minimum
        lot, least = np.maximum(multiple, 1.0), np.where(np.isnan(minimum), 0.0, minimum)
        for row, lane in self.ways.items():
            lot[row], least[row] = float(lane.lot), 0.0
        economic = ~self.fed & (self.terms.method == METHODS.index("reorder_point"))
        known = economic & (rows.holding_per_day > 0.0) & (rows.order_cost > 0.0) & (rows.mean_per_day > 0.0)
        if known.any():
            best = economic_order(rows.order_cost[known], rows.holding_per_day[known], rows.mean_per_day[known])
            least[known] = np.maximum(least[known], np.rint(best.order_quantity))
        return lot, least

    def keep_to_rules(self) -> None:
        """Name the rules that made an order larger, and buy no more than can be sold before a delisting."""
        bounds = self.rows.bounds
        if bounds is None:
            return
        bought = ~self.fed & (self.quantity > 0.0)
        terms = bought & (bounds.terms.rule >= 0) & (self.quantity > np.ceil(self.free_quantity - 1e-9))
        self.limits[terms] |= int(Limit.RULE)
        self.rule[terms] = bounds.terms.rule[terms]
        over = np.flatnonzero(bought & (self.quantity > bounds.most.units))
        self.rule[over] = bounds.most.rule[over]
        self._cut(over, bounds.most.units[over], Limit.RULE)

    def ration(self, available: FloatArray) -> None:
        """What a site has, in fair shares over what is asked of it and what its own customers want until its next."""
        asked = np.flatnonzero((self.quantity > 0.0) & (self.parent >= 0))
        if not asked.size:
            return
        givers, place = np.unique(self.parent[asked], return_inverse=True)
        rows = self.rows
        own = np.ceil(rows.mean_per_day[givers] * rows.lead_mean[givers] + rows.known[givers, :SPELLS].sum(axis=1))
        stock = np.floor(np.maximum(available[givers], 0.0) + 1e-9)
        allowed = self._given_away(givers, stock)
        total = np.bincount(place, self.quantity[asked], givers.size)
        for giver in np.flatnonzero((total + own > stock) | (total > allowed)).tolist():
            takers = asked[place == giver]
            units = self._shares(takers, own[giver], stock[giver])
            if allowed[giver] < units.sum():
                fewer = np.minimum(units, self._shares(takers, 0.0, allowed[giver]))
                self._bound_by_keeping(takers[fewer < units], int(givers[giver]))
                units = fewer
            self._cut(takers, units, Limit.RATIONING)

    def _given_away(self, givers: IntArray, stock: FloatArray) -> FloatArray:
        """Units rules let each giver part with, at most its stock."""
        bounds = self.rows.bounds
        if bounds is None:
            return stock
        left = np.floor(np.maximum(self.rows.free[givers] - bounds.kept.units[givers], 0.0) + 1e-9)
        return np.where(bounds.kept.rule[givers] >= 0, np.minimum(stock, left), stock)

    def _bound_by_keeping(self, takers: IntArray, giver: int) -> None:
        bounds = self.rows.bounds
        if bounds is not None:
            self.limits[takers] |= int(Limit.RULE)
            self.rule[takers] = bounds.kept.rule[giver]

    def _shares(self, takers: IntArray, own: float, stock: float) -> FloatArray:
        """Fair shares of a stock over a giver's own customers and what is asked of it; who comes first is served first.

        The units of each taker, shape ``(takers,)``.
        """
        asked = self.quantity[takers]
        first = np.zeros(takers.size, dtype=np.bool_)
        if self.rows.bounds is not None:
            first = self.rows.bounds.served_first[takers]
        units, left = np.zeros(takers.size), stock
        for some, beside in ((first, 0.0), (~first, own)):
            if some.any():
                claims = np.concatenate([[beside], asked[some]])
                units[some] = fair_shares([left], claims[None, :]).units[0, 1:]
                left = max(left - float(units[some].sum()), 0.0)
        return units

    def fit_lanes(self) -> None:
        """No lane carries more than a day's capacity."""
        by_lane: dict[str, list[int]] = {}
        for row, lane in self.ways.items():
            if self.quantity[row] > 0.0 and lane.capacity_per_day is not None:
                by_lane.setdefault(lane.name, []).append(row)
        for members in by_lane.values():
            takers = np.array(members, dtype=np.int64)
            capacity = np.floor(float(self.ways[members[0]].capacity_per_day or 0.0))
            if self.quantity[takers].sum() > capacity:
                units = fair_shares([capacity], self.quantity[takers][None, :]).units[0]
                self._cut(takers, units.astype(np.float64), Limit.CAPACITY)

    def fit_budgets(self, budgets: Mapping[str, float]) -> None:
        """Money that is short goes where it avoids most: sites first, then all together."""
        sites = np.array(self.rows.sites, dtype=np.str_)
        for site, money in sorted(budgets.items(), reverse=True):
            bought = (self.quantity > 0.0) & ~self.fed & ((sites == site) | (site == ""))
            some = np.flatnonzero(bought)
            if (self.quantity[some] * self.rows.price[some]).sum() > money * (1.0 + 1e-9):
                self._spend(some, max(money, 0.0))

    def _spend(self, some: IntArray, money: float) -> None:
        """A protected range is bought first; the others share what is left."""
        if self.rows.bounds is not None:
            protected = self.rows.bounds.never_below_target[some]
            if protected.any() and not protected.all():
                cost = self.quantity[some] * self.rows.price[some]
                if cost[protected].sum() > money:
                    self._spend_alike(some[protected], money)
                left = max(money - float((self.quantity[some] * self.rows.price[some])[protected].sum()), 0.0)
                self._spend_alike(some[~protected], left)
                return
        self._spend_alike(some, money)

    def _spend_alike(self, some: IntArray, money: float) -> None:
        mean, variance = self._protected(some)
        lot = self.lot[some] * np.ceil(self.quantity[some] / self.lot[some] / PIECES * (1.0 - 1e-9))
        found = lots_within_budget(
            self.position[some], mean, variance, np.maximum(self.rows.price[some], 1e-6),
            np.maximum(np.nan_to_num(self.rows.margin[some]), 1e-6), lot, money, most_lots=PIECES,
        )  # fmt: skip
        self._cut(some, np.minimum(found.lots * lot, self.quantity[some]), Limit.BUDGET)

    def _cut(self, some: IntArray, units: FloatArray, why: Limit) -> None:
        """Take quantities down to whole lots within these units; below the least order nothing is ordered."""
        cut = np.floor(units / self.lot[some] * (1.0 + 1e-9)) * self.lot[some]
        cut = np.where(cut < self.least[some] * (1.0 - 1e-9), 0.0, cut)
        cut = np.minimum(cut, self.quantity[some])
        self.limits[some] |= np.where(cut < self.quantity[some], int(why), 0)
        self.quantity[some] = cut

    def expected(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Demand over lead time and review period, units short of it without and with the orders; zero elsewhere."""
        some = np.flatnonzero(self.quantity > 0.0)
        found = np.zeros((3, self.rows.count))
        mean, variance = self._protected(some)
        found[0, some] = mean
        found[1, some] = expected_short(self.position[some], mean, variance, "gamma")
        found[2, some] = expected_short(self.position[some] + self.quantity[some], mean, variance, "gamma")
        return found[0], found[1], found[2]


def feeding(rows: StockRows) -> tuple[IntArray, IntArray]:
    """Row that feeds each row (-1 for none), and its height above the ends of the network (-1 in a loop)."""
    text = {"item": pl.String, "site": pl.String}
    places = pl.DataFrame({"item": rows.items, "site": rows.sites}, schema=text).with_row_index("row")
    asked = pl.DataFrame({"item": rows.items, "site": rows.source_site}, schema=text)
    found = asked.join(places, on=["item", "site"], how="left", maintain_order="left")
    parent = found["row"].cast(pl.Int64).fill_null(-1).to_numpy().copy()
    height = np.zeros(rows.count, dtype=np.int64)
    below = np.flatnonzero(parent >= 0)
    for _ in range(DEEPEST):
        before = height.copy()
        np.maximum.at(height, parent[below], height[below] + 1)
        if (height == before).all():
            return parent, height
    looped = height >= DEEPEST - 1
    parent[looped] = -1
    return parent, np.where(looped, -1, height)


def _barred(rows: StockRows, parent: IntArray, ways: Mapping[int, Lane], fed: BoolArray) -> IntArray:
    """Place of the machine rule that forbids what would replenish each row, -1 for none."""
    if rows.bounds is None:
        return np.full(rows.count, -1, dtype=np.int64)
    return np.where(fed, rows.bounds.barred(ways, parent), rows.bounds.embargoed())


def _ways(rows: StockRows, lanes: Mapping[str, tuple[Lane, ...]]) -> dict[int, Lane]:
    """The quickest lane from the site that feeds each row."""
    quickest: dict[tuple[str, str], Lane] = {}
    for destination, ways in lanes.items():
        for lane in sorted(ways, key=lambda lane: (lane.transit_days, lane.mode)):
            quickest.setdefault((lane.origin, destination), lane)
    return {
        row: quickest[ends]
        for row, ends in enumerate(zip(rows.source_site, rows.sites, strict=True))
        if ends[0] and ends in quickest
    }
