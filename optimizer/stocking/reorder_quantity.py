r"""(r, Q) policies under continuous review and normal demand: when to order and how much, together.

Rules
-----
1. Demand over the lead time is normal with mean :math:`\lambda L` and sd :math:`\sigma \sqrt{L}`; the four are
   approximations. The exact policy for Poisson demand is in `reorder_poisson.py`.
2. `penalty` is money per unit short in the EIL approximation, and per unit and unit of time short in the others.
3. Order when the position reaches r; a reorder point may be negative where backorders are cheap.
4. All vectorised over items; iterations run until every item has settled, each item by itself.

Source
------
Snyder & Shen (2019), *Fundamentals of Supply Chain Theory*, 2nd ed., ch. 5.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from optimizer.arguments import FloatArray, non_negative, positive
from optimizer.errors import ConvergenceError
from optimizer.laws.loss import standard_normal_loss, standard_normal_loss_second_order
from optimizer.laws.loss_level import normal_loss_level
from optimizer.stocking.economic_order import economic_order, economic_order_backorders

_ROUNDS = 500


@dataclass(frozen=True)
class ReorderPolicy:
    """Reorder point and order quantity (units) and expected cost per unit of time (money), per item."""

    reorder_point: FloatArray
    order_quantity: FloatArray
    cost_rate: FloatArray


@dataclass(frozen=True)
class _Items:
    holding: FloatArray
    penalty: FloatArray
    fixed: FloatArray
    rate: FloatArray
    mean: FloatArray
    sd: FloatArray

    def at(self, rows: np.typing.NDArray[np.int64]) -> "_Items":
        return _Items(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def reorder_eil(
    holding_cost: ArrayLike,
    penalty: ArrayLike,
    fixed_cost: ArrayLike,
    demand_rate: ArrayLike,
    demand_sd: ArrayLike,
    lead_time: ArrayLike,
) -> ReorderPolicy:
    r"""Expected-inventory-level approximation: r and Q in turns until they settle.

    :math:`r = \Phi^{-1}(1 - Q h / (p \lambda))`, :math:`Q = \sqrt{2 \lambda (K + p\,n(r)) / h}` with the expected
    shortage n per cycle. Where holding an order costs more than losing all of it (:math:`Q h \ge p \lambda`) no r
    solves the first equation: r is then zero, Q the economic quantity, and demand that has none is left alone.
    """
    it = _items(holding_cost, penalty, fixed_cost, demand_rate, demand_sd, lead_time)
    quantity = economic_order(it.fixed, it.holding, it.rate).order_quantity
    point = np.zeros_like(quantity)
    hopeless = it.holding * quantity >= it.penalty * it.rate * (1.0 - 1e-12)
    todo = np.flatnonzero(~hopeless)
    for _ in range(_ROUNDS):
        some = it.at(todo)
        share = some.holding * quantity[todo] / (some.penalty * some.rate)
        lost = share >= 1.0 - 1e-12
        z = -ndtri(np.where(lost, 0.5, share))
        size = np.sqrt(2.0 * some.rate * (some.fixed + some.penalty * some.sd * standard_normal_loss(z)) / some.holding)
        moved = some.mean + z * some.sd
        settled = np.abs(size - quantity[todo]) <= 1e-12 * size
        quantity[todo], point[todo] = size, moved
        if lost.any():
            where = todo[lost]
            point[where] = 0.0
            quantity[where] = economic_order(it.fixed, it.holding, it.rate).order_quantity[where]
        todo = todo[~(settled | lost)]
        if todo.size == 0:
            return _eil_cost(it, point, quantity)
    raise ConvergenceError(f"no reorder point after {_ROUNDS} rounds for item {int(todo[0])}")


def reorder_eoqb(
    holding_cost: ArrayLike,
    penalty: ArrayLike,
    fixed_cost: ArrayLike,
    demand_rate: ArrayLike,
    demand_sd: ArrayLike,
    lead_time: ArrayLike,
) -> ReorderPolicy:
    """Quantity of the economic order with backorders, and the r that is best for it: cost at r equals cost at r + Q."""
    it = _items(holding_cost, penalty, fixed_cost, demand_rate, demand_sd, lead_time)
    quantity = economic_order_backorders(it.fixed, it.holding, it.penalty, it.rate).order_quantity
    ratio = it.holding / (it.holding + it.penalty)
    # The limit of a vanishing quantity is the newsvendor's level; without spread, r lies the share of Q below the mean.
    point = it.mean - np.where(it.sd > 0.0, ndtri(ratio) * it.sd, ratio * quantity)
    wide = np.flatnonzero((it.sd > 0.0) & (quantity > 1e-9 * it.sd))
    point[wide] = normal_loss_level(ratio[wide] * quantity[wide], it.mean[wide], it.sd[wide], quantity[wide])
    return _normal_cost(it, point, quantity)


def reorder_eoqss(
    holding_cost: ArrayLike,
    penalty: ArrayLike,
    fixed_cost: ArrayLike,
    demand_rate: ArrayLike,
    demand_sd: ArrayLike,
    lead_time: ArrayLike,
) -> ReorderPolicy:
    """Economic order quantity, and the newsvendor's level of lead-time demand as r (mean plus safety stock)."""
    it = _items(holding_cost, penalty, fixed_cost, demand_rate, demand_sd, lead_time)
    quantity = economic_order(it.fixed, it.holding, it.rate).order_quantity
    return _normal_cost(it, it.mean - ndtri(it.holding / (it.holding + it.penalty)) * it.sd, quantity)


def reorder_loss(
    holding_cost: ArrayLike,
    penalty: ArrayLike,
    fixed_cost: ArrayLike,
    demand_rate: ArrayLike,
    demand_sd: ArrayLike,
    lead_time: ArrayLike,
) -> ReorderPolicy:
    r"""Loss-function approximation: :math:`(h + p)\,n(r) = h Q` and :math:`h Q^2 = 2 (K\lambda + (h + p)\,n_2(r))`.

    n is the loss and n2 half the second-order loss of lead-time demand. Newton's step on the second equation, r
    following from the first; taking turns, as is usual, needs thousands of rounds where backorders are cheap.
    """
    it = _items(holding_cost, penalty, fixed_cost, demand_rate, demand_sd, lead_time)
    quantity = economic_order_backorders(it.fixed, it.holding, it.penalty, it.rate).order_quantity
    point = it.mean - it.holding / (it.holding + it.penalty) * quantity
    todo = np.flatnonzero((it.sd > 0.0) & (quantity > 0.0))
    for _ in range(_ROUNDS):
        if todo.size == 0:
            return _normal_cost(it, point, quantity)
        some = it.at(todo)
        both = some.holding + some.penalty
        level = normal_loss_level(some.holding * quantity[todo] / both, some.mean, some.sd)
        z = (level - some.mean) / some.sd
        wanted = some.fixed * some.rate + both * some.sd**2 * standard_normal_loss_second_order(z)
        # Half the derivative of h Q^2 - 2 wanted, over h Q: 1 - h / ((h + p) P(X > r)), without the subtraction.
        slope = (some.penalty - both * ndtr(z)) / (both * ndtr(-z))
        newton = 0.5 * (2.0 * wanted / (some.holding * quantity[todo]) - quantity[todo]) / slope
        turn = np.sqrt(2.0 * wanted / some.holding)
        size = np.where(slope > 0.0, np.maximum(quantity[todo] + newton, 0.1 * quantity[todo]), turn)
        settled = np.abs(size - quantity[todo]) <= 1e-11 * size * both / some.penalty
        quantity[todo], point[todo] = size, level
        todo = todo[~settled]
    raise ConvergenceError(f"no reorder point after {_ROUNDS} rounds for item {int(todo[0])}")


def _items(
    holding_cost: ArrayLike,
    penalty: ArrayLike,
    fixed_cost: ArrayLike,
    demand_rate: ArrayLike,
    demand_sd: ArrayLike,
    lead_time: ArrayLike,
) -> _Items:
    holding, short, fixed, rate, sd, lead = np.broadcast_arrays(
        positive("holding_cost", holding_cost),
        positive("penalty", penalty),
        non_negative("fixed_cost", fixed_cost),
        non_negative("demand_rate", demand_rate),
        non_negative("demand_sd", demand_sd),
        non_negative("lead_time", lead_time),
    )
    parts = (holding, short, fixed, rate, rate * lead, sd * np.sqrt(lead))
    return _Items(*(np.atleast_1d(part).ravel() for part in parts))


def _eil_cost(it: _Items, point: FloatArray, quantity: FloatArray) -> ReorderPolicy:
    z = np.divide(point - it.mean, it.sd, out=np.zeros_like(point), where=it.sd > 0.0)
    loss = np.where(it.sd > 0.0, it.sd * standard_normal_loss(z), np.maximum(it.mean - point, 0.0))
    per_cycle = it.rate * (it.fixed + it.penalty * loss)
    orders = np.divide(per_cycle, quantity, out=np.zeros_like(point), where=quantity > 0.0)
    return ReorderPolicy(point, quantity, it.holding * (point - it.mean + 0.5 * quantity) + orders)


def _normal_cost(it: _Items, point: FloatArray, quantity: FloatArray) -> ReorderPolicy:
    r"""Cost rate :math:`(K\lambda + \int_r^{r+Q} g(y)\,dy) / Q`, its integral through the second-order loss."""
    ends = []
    for level in (point, point + quantity):
        z = np.divide(level - it.mean, it.sd, out=np.zeros_like(level), where=it.sd > 0.0)
        random = it.sd**2 * standard_normal_loss_second_order(z)
        ends.append(np.where(it.sd > 0.0, random, 0.5 * np.maximum(it.mean - level, 0.0) ** 2))
    area = it.holding * quantity * (point + 0.5 * quantity - it.mean)
    area += (it.holding + it.penalty) * (ends[0] - ends[1])
    # The limit without an order is the cost of standing at r.
    z = np.divide(point - it.mean, it.sd, out=np.zeros_like(point), where=it.sd > 0.0)
    standing = it.holding * (point - it.mean) + (it.holding + it.penalty) * it.sd * standard_normal_loss(z)
    cost = np.divide(it.fixed * it.rate + area, quantity, out=standing, where=quantity > 1e-9 * it.sd)
    return ReorderPolicy(point, quantity, cost)
