r"""The best service that a fixed sum of money buys, across items.

Rules
-----
1. Minimised is the weighted expected shortage :math:`\sum_i w_i E[(D_i - s_i)^+]` with :math:`\sum_i c_i s_i` within
   the budget; it is convex, so one price of money :math:`\lambda` decides: stock every unit whose worth
   :math:`w_i P(D_i > s)` is at least :math:`\lambda c_i`. Exact for divisible units.
2. In whole lots the same ranking is exact but for the last lot: what it leaves below the divisible optimum is stated
   as a bound, and never more than one lot's worth.
3. Sums are exactly rounded, so that the order of the items changes nothing.

Source
------
Everett (1963), *Generalized Lagrange multiplier method*, Operations Research 11; Sherbrooke (2004), *Optimal Inventory
Modeling of Systems*, 2nd ed., ch. 2, marginal analysis.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from optimizer.arguments import FloatArray, IntArray, finite, non_negative, positive, probability
from optimizer.laws.demand_law import DemandLaw, expected_short
from optimizer.laws.demand_level import demand_quantile


@dataclass(frozen=True)
class BudgetedLevels:
    """Levels ``(n,)`` in units, money bound in them, weighted shortage left, and the price of money."""

    level: FloatArray
    spent: float
    weighted_short: float
    price: float


@dataclass(frozen=True)
class BudgetedLots:
    """Lots per item ``(n,)``, money spent, worth of the shortage avoided, and what no plan within budget can exceed."""

    lots: IntArray
    spent: float
    worth: float
    bound: float


def levels_within_budget(
    demand_mean: ArrayLike,
    demand_variance: ArrayLike,
    unit_cost: ArrayLike,
    weight: ArrayLike,
    budget: float,
    *,
    floor: ArrayLike = 0.0,
    most_service: float = 0.9999,
    law: Literal["gamma", "normal"] = "gamma",
) -> BudgetedLevels:
    """Levels that leave the least weighted shortage for the money, arguments broadcast together to ``(n,)``.

    Parameters
    ----------
    demand_mean, demand_variance
        Moments over the protection interval.
    unit_cost
        Money per unit, positive.
    weight
        Worth of a unit not short, not negative: penalty, or penalty times cycles a year.
    budget
        Money for the levels, not below what the floors cost.
    floor
        Units that are there or promised, not negative: levels do not fall below.
    most_service
        No level goes beyond this quantile, in (0, 1): money that is left then stays unspent, at price zero.

    Raises
    ------
    ValueError
        If an argument is out of range, or the budget does not cover the floors.
    """
    mean, variance, cost, worth, least = (
        np.atleast_1d(part).ravel()
        for part in np.broadcast_arrays(
            non_negative("demand_mean", demand_mean),
            non_negative("demand_variance", demand_variance),
            positive("unit_cost", unit_cost),
            non_negative("weight", weight),
            non_negative("floor", floor),
        )
    )
    if law not in ("gamma", "normal"):
        raise ValueError(f"law must be 'gamma' or 'normal', got {law!r}; for counts use lots_within_budget")
    money = float(non_negative("budget", budget))
    tail = 1.0 - float(probability("most_service", most_service))
    if math.fsum(cost * least) > money * (1.0 + 1e-9):
        raise ValueError(f"budget must cover the floors, {math.fsum(cost * least)}, got {money}")

    def levels(price: float) -> FloatArray:
        out = np.clip(np.divide(price * cost, worth, out=np.ones_like(worth), where=worth > 0.0), tail, 1.0 - 1e-12)
        level = demand_quantile(1.0 - out, mean, variance, law)
        return np.asarray(np.maximum(np.where(price * cost < worth, level, 0.0), least))

    price = _price_of(lambda price: math.fsum(cost * levels(price)) - money, float((worth / cost).max()), tail)
    level = levels(price)
    short = math.fsum(worth * expected_short(level, mean, variance, law))
    return BudgetedLevels(level, math.fsum(cost * level), short, price)


def lots_within_budget(
    inventory_position: ArrayLike,
    demand_mean: ArrayLike,
    demand_variance: ArrayLike,
    unit_cost: ArrayLike,
    weight: ArrayLike,
    lot_size: ArrayLike,
    budget: float,
    *,
    most_lots: int,
    law: DemandLaw = "gamma",
) -> BudgetedLots:
    """Lots of one order run, the most worth for the money, arguments broadcast together to ``(n,)``.

    Parameters
    ----------
    inventory_position
        Units before the run; may be negative.
    demand_mean, demand_variance, unit_cost, weight
        As in `levels_within_budget`.
    lot_size
        Units, positive.
    budget
        Money for the run, not negative.
    most_lots
        Lots considered of one item, at least 1.
    """
    position, mean, variance, cost, worth, lot = (
        np.atleast_1d(part).ravel()
        for part in np.broadcast_arrays(
            finite("inventory_position", inventory_position),
            non_negative("demand_mean", demand_mean),
            non_negative("demand_variance", demand_variance),
            positive("unit_cost", unit_cost),
            non_negative("weight", weight),
            positive("lot_size", lot_size),
        )
    )
    money = float(non_negative("budget", budget))
    if most_lots < 1:
        raise ValueError(f"most_lots must be at least 1, got {most_lots}")
    levels = position[:, None] + lot[:, None] * np.arange(most_lots + 1.0)
    short = expected_short(levels, _beside(mean, levels), _beside(variance, levels), law)
    # Running minima of the gains keep the lots of an item in their order where rounding would swap them.
    gains = np.minimum.accumulate(np.maximum(worth[:, None] * -np.diff(short, axis=1), 0.0), axis=1)
    price = np.broadcast_to((cost * lot)[:, None], gains.shape)
    order = np.argsort(-(gains / price), axis=None, kind="stable")
    order = order[gains.ravel()[order] > 0.0]
    gain, spend, item = gains.ravel()[order], price.ravel()[order], order // most_lots
    taken, bound = _take(gain, spend, money)
    lots = np.bincount(item[taken], minlength=mean.size).astype(np.int64)
    return BudgetedLots(lots, math.fsum(spend[taken]), math.fsum(gain[taken]), bound)


def _beside(values: FloatArray, levels: FloatArray) -> FloatArray:
    return np.broadcast_to(values[:, None], levels.shape)


def _take(gain: FloatArray, spend: FloatArray, money: float) -> tuple[IntArray, float]:
    """Best first while money lasts, then whatever still fits; and the worth of the divisible optimum.

    Lots of an item cost alike, so one that does not fit shuts out the ones behind it as well.
    """
    taken: list[IntArray] = []
    todo, left, bound = np.arange(gain.size), money, None
    while True:
        fits = np.cumsum(spend[todo]) <= left * (1.0 + 1e-12)
        count = int(np.argmin(fits)) if not fits.all() else todo.size
        taken.append(todo[:count])
        left -= math.fsum(spend[todo[:count]])
        if bound is None:
            bound = math.fsum(gain[todo[:count]])
            if count < todo.size:
                bound += max(left, 0.0) * float(gain[todo[count]] / spend[todo[count]])
        todo = todo[count:]
        todo = todo[spend[todo] <= left * (1.0 + 1e-12)]
        if todo.size == 0:
            return np.concatenate(taken), bound


def _price_of(excess: Callable[[float], float], highest: float, tail: float) -> float:
    """The price at which spending meets the budget; zero when even the fullest levels cost less."""
    if highest == 0.0:
        return 0.0
    lowest = highest
    while excess(lowest) < 0.0:
        lowest *= 0.1
        if lowest < 1e-12 * tail * highest:
            return 0.0
    if lowest == highest:
        return highest
    root = brentq(
        lambda log: excess(math.exp(log)), math.log(lowest), math.log(min(10.0 * lowest, highest)), xtol=1e-12
    )
    # Not above the budget by a rounding: a step towards the dearer side.
    price, step = math.exp(float(root)), 1e-12
    while excess(price) > 0.0:
        price, step = price * (1.0 + step), 2.0 * step
    return price
