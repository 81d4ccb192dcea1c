"""The two columns: fit the old one to what was published, then run the new one on the same draws."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.company.planning import COVER_DAYS, FREIGHT_FIXED, Evenkeel, Fit, StaticErp, classes, lot_days
from benchmarks.company.world import EXPEDITE_DAYS, ITEMS, YEAR, Company, perfect_orders
from optimizer.simulation.network import simulate
from optimizer.simulation.planner import Planner
from optimizer.simulation.tally import Outcome
from optimizer.simulation.world import Inbound, World

PUBLISHED_STOCK, PUBLISHED_PERFECT, PUBLISHED_FREIGHT = 41e6, 0.78, 1.9e6
_FIRST_LOT, _FITTING_STEPS, _MOST_LINES = 105.0, 4, 24

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """A year's figures; by class in the order A, B, C. Money in full-size company terms."""

    stock: float
    stock_at_end: float
    turns: float
    perfect: float
    freight: float
    rushes: float
    orders: float
    fill_rate: float
    class_stock: tuple[float, ...]
    class_lines: tuple[float, ...]
    """Share of lines complete on their day."""


class Runs:
    """Warm-up and measured year of one company, under a fit."""

    def __init__(self, company: Company, seed: int) -> None:
        self.company, self.seed = company, seed
        self.rate = company.demand[:YEAR].mean(axis=0)
        self.abc = classes(company.demand[YEAR : 2 * YEAR], company.unit_cost)
        self.scale = ITEMS / len(company.unit_cost)

    def warm_up(self, fit: Fit) -> Outcome:
        """The second year under the old policy, from stock spread evenly over its range."""
        abc = classes(self.company.demand[:YEAR], self.company.unit_cost)
        spread = np.random.Generator(np.random.PCG64(self.seed)).random(self.rate.shape)
        opening = np.ceil(self.rate * (COVER_DAYS + spread * lot_days(abc, fit)))
        planner = StaticErp(self.rate, self._watched(abc), abc, fit)
        return simulate(self._year(1, opening, Inbound()), planner)

    def before(self, fit: Fit, warm: Outcome) -> Outcome:
        """The measured year under the old policy, its rates reviewed once, at the start."""
        rate = self.company.demand[YEAR : 2 * YEAR].mean(axis=0)
        return self._measured(warm, StaticErp(rate, self._watched(self.abc), self.abc, fit))

    def after(self, fit: Fit, warm: Outcome, *, keep_lots: bool = False) -> tuple[Outcome, Evenkeel]:
        """The measured year under Evenkeel, from the same state; and the planner as it ended."""
        company = self.company
        planner = Evenkeel(
            company.demand[: 2 * YEAR],
            warm.supply,
            company.supplier,
            company.unit_cost,
            self._watched(self.abc),
            fit,
            lot_days(self.abc, fit) if keep_lots else None,
        )
        return self._measured(warm, planner), planner

    def column(self, outcome: Outcome, fit: Fit) -> Column:
        """The figures of a measured year."""
        tally, cost = outcome.tally, self.company.unit_cost
        value = tally.on_hand_days[0] / YEAR * cost * self.scale
        stock = float(value.sum())
        lines, complete = tally.lines[0], tally.complete_lines[0]
        return Column(
            stock=stock,
            stock_at_end=float((outcome.on_hand * cost).sum() * self.scale),
            turns=float((tally.demand[0] * cost).sum() * self.scale) / stock,
            perfect=self.perfect(outcome, fit.most_lines),
            freight=self.freight(outcome, fit),
            rushes=float(tally.expedites.sum() * self.scale),
            orders=float(tally.orders.sum() * self.scale),
            fill_rate=float(tally.served.sum() / tally.demand.sum()),
            class_stock=tuple(float(value[:, self.abc == name].sum()) for name in "ABC"),
            class_lines=tuple(
                float(complete[:, self.abc == name].sum() / lines[:, self.abc == name].sum()) for name in "ABC"
            ),
        )

    def perfect(self, outcome: Outcome, most_lines: int) -> float:
        """Share of perfect orders."""
        return perfect_orders(self.seed, self.company.demand[2 * YEAR :], outcome.complete, most_lines)

    def freight(self, outcome: Outcome, fit: Fit) -> float:
        """Rush freight of the year, money."""
        tally = outcome.tally
        goods = float((tally.expedited[0] * self.company.unit_cost).sum())
        return (FREIGHT_FIXED * float(tally.expedites.sum()) + fit.freight_share * goods) * self.scale

    def _measured(self, warm: Outcome, planner: Planner) -> Outcome:
        under_way = Inbound(warm.due_site, warm.due_item, warm.due_quantity, warm.due_day)
        year = self._year(2, warm.on_hand - warm.backordered, under_way)
        return simulate(year, planner, record_lines=True)

    def _year(self, year: int, opening: Floats, inbound: Inbound) -> World:
        days = slice(year * YEAR, (year + 1) * YEAR)
        company = self.company
        return World(
            company.demand[days], company.lead_time_days[days], opening, company.unit_cost, unmet="backordered",
            inbound=inbound, expedite_days=np.full(self.rate.shape, EXPEDITE_DAYS),
        )  # fmt: skip

    def _watched(self, abc: NDArray[np.str_]) -> NDArray[np.bool_]:
        """Planners rush A items only."""
        return np.broadcast_to(abc == "A", self.rate.shape)


def fitted(runs: Runs) -> tuple[Fit, Outcome, Outcome]:
    """The fit that gives the published old column, its warm-up and its measured year; the new policy is never run."""
    fit = Fit(_FIRST_LOT)
    for _ in range(_FITTING_STEPS):
        warm = runs.warm_up(fit)
        before = runs.before(fit, warm)
        stock = runs.column(before, fit).stock
        last = fit
        # Two thirds of the stock move with the lots.
        fit = replace(fit, lot_days=fit.lot_days * (PUBLISHED_STOCK / stock) ** 1.4)
    goods = float((before.tally.expedited[0] * runs.company.unit_cost).sum()) * runs.scale
    fixed = FREIGHT_FIXED * float(before.tally.expedites.sum()) * runs.scale
    perfect = [runs.perfect(before, lines) for lines in range(1, _MOST_LINES + 1)]
    lines = 1 + int(np.argmin(np.abs(np.array(perfect) - PUBLISHED_PERFECT)))
    return Fit(last.lot_days, (PUBLISHED_FREIGHT - fixed) / goods, lines), warm, before


def cover_days(planner: Evenkeel, unit_cost: Floats) -> dict[str, Floats]:
    """Quantiles (5, 10, 25, 50, 75, 90, 95 %) of safety stock in days of demand, by count and by value of demand."""
    sells = planner.mean.ravel() > 0.0
    days = planner.safety_stock.ravel()[sells] / planner.mean.ravel()[sells]
    weight = (planner.mean * unit_cost).ravel()[sells]
    order = np.argsort(days, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    levels = np.array([0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95])
    return {
        "item-sites": np.quantile(days, levels),
        "value": days[order][np.minimum(np.searchsorted(share, levels), len(days) - 1)],
    }
