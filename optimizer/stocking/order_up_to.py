r"""The optimal (s, S) policy under periodic review and Poisson demand, exact and for many items at once.

Rules
-----
1. Each period: if the inventory position is at or below s, order up to S; demand backordered costs `penalty`, stock
   `holding_cost`, per unit and period. The one-period cost G covers lead time **plus one period** of demand.
2. The cost of (s, S) is :math:`c(s, S) = (K + \sum_{j<D} m_j G(S - j)) / \sum_{j<D} m_j`, with D = S - s and m the
   renewal mass of one period's demand. For any attained cost c0 the best policy has G(s + 1) <= c0, G(S) <= c0 and
   s < y* <= S with y* the lowest point of G. So all pairs in that box are enumerated, by running sums; nothing is
   cut off. Ties go to the lowest S; s then lies
   just below the levels whose G is no worse than the best cost, which is the optimal one.
3. Items of similar box are enumerated together; each by itself, so grouping changes nothing.

Source
------
Zheng & Federgruen (1991), *Finding optimal (s, S) policies is about as simple as evaluating a single policy*,
Operations Research 39: cost and bounds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from optimizer.arguments import FloatArray, non_negative, positive
from optimizer.laws.count_quantile import poisson_level
from optimizer.laws.loss import poisson_loss, poisson_survival

_CELLS = 1 << 14
_MOST_UNITS = 4_000


@dataclass(frozen=True)
class OrderUpToPolicy:
    """Reorder level s, order-up-to level S (whole units) and expected cost per period (money), per item."""

    reorder_point: FloatArray
    order_up_to_level: FloatArray
    cost_rate: FloatArray


def order_up_to_poisson(
    holding_cost: ArrayLike,
    penalty: ArrayLike,
    fixed_cost: ArrayLike,
    demand_mean: ArrayLike,
    lead_time_periods: ArrayLike = 0.0,
) -> OrderUpToPolicy:
    """The optimal (s, S) per item, arguments broadcast together to ``(n,)``.

    Parameters
    ----------
    holding_cost, penalty
        Money per unit and period, positive.
    fixed_cost
        Money per order, not negative.
    demand_mean
        Units per period, not negative. Without demand the answer is (-1, 0) at no cost: never order.
    lead_time_periods
        Periods from order to arrival, not negative; 0 arrives before the period's demand.

    Raises
    ------
    ValueError
        If an argument is out of range, or an item's box exceeds 4,000 units: use a continuous policy there.
    """
    holding, short, fixed, mean, lead = (
        np.atleast_1d(part).ravel()
        for part in np.broadcast_arrays(
            positive("holding_cost", holding_cost),
            positive("penalty", penalty),
            non_negative("fixed_cost", fixed_cost),
            non_negative("demand_mean", demand_mean),
            non_negative("lead_time_periods", lead_time_periods),
        )
    )
    point, level, cost = np.full(mean.size, -1.0), np.zeros(mean.size), np.zeros(mean.size)
    box = 6.0 + 3.0 * np.sqrt(mean * (lead + 1.0))
    box += 0.7 * np.sqrt(2.0 * fixed * mean * (holding + short) / (holding * short))
    _refuse_large(box)
    order = np.argsort(box, kind="stable")
    order = order[mean[order] > 0.0]
    while order.size:
        # Boxes ascend: as many items as fit beside the widest of them.
        cells = np.arange(1, order.size + 1) * box[order]
        rows, order = np.split(order, [max(int(np.searchsorted(cells, _CELLS)), 1)])
        items = _Items(holding[rows], short[rows], fixed[rows], mean[rows], mean[rows] * (lead[rows] + 1.0))
        point[rows], level[rows], cost[rows] = _enumerate(items, int(box[rows[-1]]))
    return OrderUpToPolicy(point, level, cost)


@dataclass(frozen=True)
class _Items:
    holding: FloatArray
    short: FloatArray
    fixed: FloatArray
    mean: FloatArray
    covered: FloatArray


def _enumerate(items: _Items, span: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The best (s, S, cost) of the box; `span` is a first guess of how far it reaches to either side."""
    lowest = poisson_level(items.holding / (items.holding + items.short), items.covered)
    while True:
        # Column j stands for the level lowest + span - j.
        period = _period_costs(items, lowest, span)
        mass = _renewal_mass(items.mean, span)
        attained = (items.fixed[:, None] + np.cumsum(mass * period[:, span : 2 * span], axis=1)) / np.cumsum(
            mass, axis=1
        )
        inside = period <= attained.min(axis=1, keepdims=True) * (1.0 + 1e-9)
        if not (inside[:, 0].any() or inside[:, -1].any()):
            break
        span *= 2
        _refuse_large(np.array([span / 2.0]))
    up, down = inside[:, :span].sum(axis=1), inside[:, span + 1 :].sum(axis=1)
    below, above = int(down.max()), int(up.max())
    mass = _renewal_mass(items.mean, above + below + 1)
    orders = np.cumsum(mass, axis=1)
    rows = np.arange(lowest.size)
    best_cost, best_up = np.full(rows.size, np.inf), np.zeros(rows.size)
    for offset in range(above + 1):
        width = offset + below + 1
        sums = np.cumsum(mass[:, :width] * period[:, span - offset : span + below + 1], axis=1)[:, offset:]
        cost = (items.fixed[:, None] + sums) / orders[:, offset:width]
        # s at most one below the box: D from offset + 1 to offset + down + 1.
        cost[np.arange(below + 1) > down[:, None]] = np.inf
        value = np.where(offset <= up, cost.min(axis=1), np.inf)
        better = value < best_cost * (1.0 - 1e-9)
        best_cost = np.where(better, value, best_cost)
        best_up = np.where(better, float(offset), best_up)
    # Of the s that cost alike, the one just below the levels no worse than the best average.
    within = (period[:, span + 1 :] <= best_cost[:, None] * (1.0 + 1e-9)).sum(axis=1)
    return lowest - within - 1.0, lowest + best_up, best_cost


def _period_costs(items: _Items, lowest: FloatArray, span: int) -> FloatArray:
    """G at lowest + span ... lowest - span, ``(n, 2 span + 1)``; sums run outwards from the lowest point."""
    mean = items.covered[:, None]
    levels = lowest[:, None] + np.arange(span, -span - 1.0, -1.0)
    whole = np.maximum(levels, 0.0)
    mass = np.where(levels < 0.0, 0.0, np.exp(whole * np.log(mean) - mean - gammaln(whole + 1.0)))
    centre = lowest[:, None]
    tail, loss = poisson_survival(centre, mean), poisson_loss(centre, mean)
    # Downwards: P(X > y - 1) = P(X > y) + P(X = y), and the loss grows by the tail it passes.
    down = np.minimum(tail + np.cumsum(mass[:, span:-1], axis=1), 1.0)
    up = np.maximum(tail - np.cumsum(mass[:, span - 1 :: -1][:, :span], axis=1), 0.0)
    shorter = loss - np.cumsum(np.concatenate([tail, up[:, :-1]], axis=1), axis=1)
    longer = loss + np.cumsum(down, axis=1)
    losses = np.concatenate([np.maximum(shorter[:, ::-1], 0.0), loss, longer], axis=1)
    return np.asarray(items.holding[:, None] * (levels - mean) + (items.holding + items.short)[:, None] * losses)


def _renewal_mass(mean: FloatArray, length: int) -> FloatArray:
    """Expected visits m_j at j units below S within an order cycle, ``(n, length)``."""
    step = np.arange(length, dtype=np.float64)
    law = np.exp(step * np.log(mean[:, None]) - mean[:, None] - gammaln(step + 1.0))
    stay = -np.expm1(-mean)[:, None]
    visits = np.zeros((mean.size, length))
    visits[:, 0] = 1.0
    for j in range(length):
        visits[:, j] /= stay[:, 0]
        visits[:, j + 1 :] += visits[:, j : j + 1] * law[:, 1 : length - j]
    return visits


def _refuse_large(box: FloatArray) -> None:
    if (box > _MOST_UNITS).any():
        item = int(np.argmax(box > _MOST_UNITS))
        raise ValueError(
            f"demand_mean, lead_time_periods, fixed_cost or penalty of item ({item},) spans over {_MOST_UNITS} units"
        )
