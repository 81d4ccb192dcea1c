"""What service costs over a whole class of item-sites, and the best service that money buys.

Levels are those of the stocking rule: demand over lead time and review period as a gamma law. A flat target treats
every item-site alike; spread money puts each unit of stock where it is worth most, and the distance between the two is
what a flat target costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Connection

from inventory.record import Record
from inventory.segment_words import CELLS, cell_codes
from inventory.snapshots import Snapshot
from optimizer.laws.lead_time_demand import LeadTimeDemand, lead_time_demand_moments
from optimizer.stocking.curve import CostServiceCurve, best_service_curve, cost_service_curve
from optimizer.stocking.levels import stocking_levels
from optimizer.stocking.segments import AbcClass
from tools.columns import FloatArray, IntArray
from tools.errors import ToolInputError
from tools.segments import segment_network
from tools.stock_rows import REVIEW_DAYS, NetworkStock, StockRows
from tools.stocking_policy import stocking_policy_in_force

CLASSES = tuple(one.name for one in AbcClass)
STEP = 0.01


class CurvePoint(Record):
    """One target, or one sum of money."""

    target: float
    """Cycle service level, or money bound in reorder points."""
    fill_rate: float
    capital: float
    """Money bound in stock on average: safety stock and half an order."""
    carrying_per_year: float
    more_per_year: float
    """Carrying cost against the point before."""
    spread_fill_rate: float
    """Fill rate were the same reorder money spread where it is worth most."""


class Choice(Record):
    """One way to stock the class: a flat target, or money spread."""

    name: str
    carrying_per_year: float
    fill_rate: float
    capital: float


class ServiceCurve(Record):
    """The curve of a class."""

    name: str
    item_sites: int
    demand_value_per_year: float
    targets: tuple[CurvePoint, ...]
    budget: CurvePoint | None
    """The best service for the money asked about."""
    choices: tuple[Choice, ...]
    """No other choice is better in one of cost, service and capital without being worse in another."""


@dataclass(frozen=True)
class _Class:
    """The item-sites of a class with demand, cost and an order quantity."""

    demand: LeadTimeDemand
    quantity: FloatArray
    cost: FloatArray
    units: FloatArray
    rate: float


def service_curve(
    connection: Connection,
    snapshot: Snapshot,
    stock: NetworkStock,
    name: str,
    *,
    first: float = 0.95,
    last: float = 0.99,
    budget: float | None = None,
    at: datetime | None = None,
) -> ServiceCurve:
    """The curve of class A, B or C, or of everything when the name is empty.

    Parameters
    ----------
    first, last
        Targets between, a percentage point apart.
    budget
        Money for reorder points at cost: the best service it buys.
    at
        Moment whose stocking policy tells the classes; the newest policy without it.

    Raises
    ------
    ToolInputError
        If there is no such class, nobody in it, or the targets do not rise within 0.5 and 0.9999.
    """
    if not 0.5 <= first <= last < 1.0:
        raise ToolInputError(f"targets must rise within 0.5 and 0.9999, got {first} to {last}")
    rows = stock.rows
    some = _members(connection, snapshot, stock, name, at)
    if not some.size:
        raise ToolInputError(f"class {name or 'all'}: no item-site with demand, cost and enough history")
    members = _class(rows, some)
    goals = np.round(np.append(np.arange(first, last - 1e-9, STEP), last), 6)
    flat = _flat(members, goals)
    money = np.array([_reorder_money(members, goal) for goal in goals])
    spread = _best(members, money)
    targets = tuple(_point(flat, spread, at) for at in range(goals.size))
    best = None
    if budget is not None:
        bought = _best(members, np.array([budget]))
        best = _point(bought, bought, 0)
    return ServiceCurve(
        name=name or "all",
        item_sites=int(some.size),
        demand_value_per_year=round(float((rows.mean_per_day[some] * 365.0 * rows.cost[some]).sum()), 2),
        targets=targets,
        budget=best,
        choices=undominated(
            [
                *(_choice(f"{goal:.0%} for each", flat, at) for at, goal in enumerate(goals.tolist())),
                *(_choice(f"money of {goal:.0%}, spread", spread, at) for at, goal in enumerate(goals.tolist())),
            ]
        ),
    )


def undominated(choices: Sequence[Choice]) -> tuple[Choice, ...]:
    """Choices no other one beats: cheaper to carry, better served or less capital, and no worse in the rest."""
    table = np.array([(one.carrying_per_year, -one.fill_rate, one.capital) for one in choices]).reshape(-1, 3)
    # A billionth is no difference; of equal choices the first stays.
    scale = np.maximum(np.abs(table).max(axis=0, initial=0.0), 1.0) * 1e-9
    kept = []
    for at, mine in enumerate(table):
        better = (table <= mine + scale).all(axis=1) & (table < mine - scale).any(axis=1)
        same_before = (np.abs(table[:at] - mine) <= scale).all(axis=1).any()
        if not better.any() and not same_before:
            kept.append(choices[at])
    return tuple(sorted(kept, key=lambda one: (one.carrying_per_year, -one.fill_rate, one.name)))


def _members(
    connection: Connection, snapshot: Snapshot, stock: NetworkStock, name: str, at: datetime | None
) -> IntArray:
    if name and name not in CLASSES:
        raise ToolInputError(f"no class {name!r}; known: {', '.join(CLASSES)}")
    rows = stock.rows
    usable = rows.planned & (rows.mean_per_day > 0.0) & (np.nan_to_num(rows.cost) > 0.0)
    if name:
        policy = stocking_policy_in_force(connection, at=at)
        cell = segment_network(connection, snapshot, stock.facts, policy).cell
        wanted = np.array([cell_codes(number)[0] == CLASSES.index(name) for number in range(CELLS)])
        usable &= wanted[cell]
    return np.flatnonzero(usable)


def _class(rows: StockRows, some: IntArray) -> _Class:
    review = np.where(np.isnan(rows.review_days[some]), REVIEW_DAYS, rows.review_days[some])
    mean = rows.mean_per_day[some]
    demand = lead_time_demand_moments(mean, rows.sd_per_day[some], rows.lead_mean[some], rows.lead_sd[some], review)
    bought = np.array([not rows.source_site[row] for row in some.tolist()], dtype=np.bool_)
    minimum = np.where(bought, np.nan_to_num(rows.minimum_order[some]), 0.0)
    cost = rows.cost[some]
    # One rate for the class: what its stock costs to keep a year over what it is worth.
    value = mean * cost
    rate = float((rows.holding_per_day[some] * 365.0 * mean).sum() / value.sum())
    return _Class(
        LeadTimeDemand(demand.mean, demand.variance),
        np.maximum(np.maximum(minimum, mean * review), 1.0),
        cost,
        mean,
        rate,
    )


def _flat(members: _Class, goals: FloatArray) -> CostServiceCurve:
    return cost_service_curve(
        members.demand.mean, members.demand.variance, members.quantity, members.cost, members.units, goals,
        members.rate,
    )  # fmt: skip


def _best(members: _Class, money: FloatArray) -> CostServiceCurve:
    return best_service_curve(
        members.demand.mean, members.demand.variance, members.quantity, members.cost, members.units, money,
        members.rate,
    )  # fmt: skip


def _reorder_money(members: _Class, goal: float) -> float:
    levels = stocking_levels(members.demand, order_quantity=members.quantity, cycle_service_level=goal)
    return float((members.cost * levels.reorder_point).sum())


def _point(flat: CostServiceCurve, spread: CostServiceCurve, at: int) -> CurvePoint:
    before = flat.carrying_cost[at - 1] if at else flat.carrying_cost[at]
    return CurvePoint(
        target=float(flat.target[at]),
        fill_rate=round(float(flat.fill_rate[at]), 6),
        capital=round(float(flat.capital[at]), 2),
        carrying_per_year=round(float(flat.carrying_cost[at]), 2),
        more_per_year=round(float(flat.carrying_cost[at] - before), 2),
        spread_fill_rate=round(float(spread.fill_rate[at]), 6),
    )


def _choice(name: str, curve: CostServiceCurve, at: int) -> Choice:
    return Choice(
        name=name,
        carrying_per_year=round(float(curve.carrying_cost[at]), 2),
        fill_rate=round(float(curve.fill_rate[at]), 6),
        capital=round(float(curve.capital[at]), 2),
    )
