r"""The optimal (r, Q) policy under continuous review and Poisson demand, exact and for all items at once.

Source
------
Federgruen & Zheng (1992), *An efficient algorithm for computing an optimal (r, Q) policy in continuous review
stochastic inventory systems*, Operations Research 40; Snyder & Shen (2019), *Fundamentals of Supply Chain Theory*,
2nd ed., ch. 5.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from optimizer.arguments import FloatArray, non_negative, positive
from optimizer.laws.count_quantile import poisson_level
from optimizer.laws.loss import poisson_loss, poisson_survival
from optimizer.stocking.economic_order import economic_order_backorders
from optimizer.stocking.reorder_quantity import ReorderPolicy

_MOST_UNITS = 100_000


def reorder_poisson(
    holding_cost: ArrayLike, penalty: ArrayLike, fixed_cost: ArrayLike, demand_rate: ArrayLike, lead_time: ArrayLike
) -> ReorderPolicy:
    r"""The optimal (r, Q) under Poisson demand: order Q when the position falls to r, both whole.

    The cost is :math:`(K\lambda + \sum_{y=r+1}^{r+Q} g(y)) / Q` with the newsvendor cost g of lead-time demand; since g
    is convex, the best window of Q + 1 is the best window of Q with its cheaper neighbour, and widening stops as soon
    as that neighbour costs more than the average so far. Ties keep the smaller quantity and the higher window.

    Raises
    ------
    ValueError
        If an argument is out of range, or an order would exceed 100,000 units: use a continuous policy there.
    """
    holding, short, fixed, rate, lead = _flat(
        positive("holding_cost", holding_cost),
        positive("penalty", penalty),
        non_negative("fixed_cost", fixed_cost),
        non_negative("demand_rate", demand_rate),
        non_negative("lead_time", lead_time),
    )
    rough = economic_order_backorders(fixed, holding, short, rate).order_quantity + np.sqrt(rate * lead)
    if (rough > _MOST_UNITS).any():
        item = int(np.argmax(rough > _MOST_UNITS))
        raise ValueError(
            f"demand_rate, fixed_cost or penalty of item ({item},) needs orders of {rough[item]:.0f} units"
        )
    mean = rate * lead
    first = poisson_level(holding / (holding + short), mean)
    return _widen(holding, short, mean, fixed * rate, first)


def _widen(
    holding: FloatArray, short: FloatArray, mean: FloatArray, fixed_rate: FloatArray, first: FloatArray
) -> ReorderPolicy:
    both = holding + short
    # The neighbours on either side carry their own loss, survival and mass along, one recurrence a step.
    low, high = first - 1.0, first + 1.0
    low_tail, high_tail = poisson_survival(low, mean), poisson_survival(high, mean)
    low_loss, high_loss = poisson_loss(low, mean), poisson_loss(high, mean)
    low_mass, high_mass = _mass(low, mean), _mass(high, mean)
    total = fixed_rate + holding * (first - mean) + both * poisson_loss(first, mean)
    size, point, best = np.ones_like(mean), low.copy(), total.copy()
    todo = np.arange(mean.size)
    while todo.size:
        below = holding[todo] * (low[todo] - mean[todo]) + both[todo] * low_loss[todo]
        above = holding[todo] * (high[todo] - mean[todo]) + both[todo] * high_loss[todo]
        down = below < above * (1.0 - 1e-12)
        added = np.where(down, below, above)
        better = added < best[todo] * (1.0 - 1e-12)
        todo, down, added = todo[better], down[better], added[better]
        total[todo] += added
        size[todo] += 1.0
        best[todo] = total[todo] / size[todo]
        one = todo[down]
        point[one] -= 1.0
        low_tail[one] += low_mass[one]
        low_mass[one] = np.where(
            low[one] > 0.0, low_mass[one] * low[one] / np.where(mean[one] > 0, mean[one], 1.0), 0.0
        )
        low[one] -= 1.0
        low_loss[one] += low_tail[one]
        one = todo[~down]
        high_loss[one] -= high_tail[one]
        high[one] += 1.0
        high_mass[one] *= mean[one] / high[one]
        high_tail[one] = np.maximum(high_tail[one] - high_mass[one], 0.0)
    return ReorderPolicy(point, size, best)


def _mass(x: FloatArray, mean: FloatArray) -> FloatArray:
    whole = np.maximum(x, 0.0)
    mass = np.exp(whole * np.log(np.maximum(mean, 1e-300)) - mean - gammaln(whole + 1.0))
    return np.where(x < 0.0, 0.0, mass)


def _flat(*arrays: FloatArray) -> tuple[FloatArray, ...]:
    return tuple(np.atleast_1d(array).ravel() for array in np.broadcast_arrays(*arrays))
