"""Serial system with Poisson demand, exact: convolution over whole echelon levels, nothing cut off."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincc, gammaln, xlogy

from optimizer.arguments import FloatArray
from optimizer.echelons.serial import SerialPolicy, serial_costs
from optimizer.echelons.shapes import at_most, refuse, spread
from optimizer.laws.count_search import smallest_count

MOST_DEMAND = 5000.0
"""Most mean demand over all lead times, units; beyond it the normal solver differs by less than a unit."""
_CELLS = 1 << 16
_NOTHING = 1e-30


def serial_poisson(
    echelon_holding_cost: ArrayLike,
    penalty: ArrayLike,
    lead_time: ArrayLike,
    demand_rate: ArrayLike,
    *,
    review_period: ArrayLike = 0.0,
) -> SerialPolicy:
    r"""Best echelon base-stock levels of serial systems under Poisson demand, exact.

    :math:`C_j(y) = E[h_j (y - D_j) + C_{j-1}(\min(S_{j-1}, y - D_j))]`, with
    :math:`C_0(x) = (p + \sum_i h_i) x^-` and :math:`S_j` the smallest level of least :math:`C_j`; the cost is
    :math:`C_N(S_N)`. Because :math:`R_j` of rule 3 vanishes below zero, the sums are finite.

    Parameters
    ----------
    echelon_holding_cost, lead_time
        Shape ``(items, stages)``, stage 0 at the customer; money per unit and period, > 0; periods, >= 0 (zero is a
        lead time like any other).
    penalty
        A number or ``(items,)``, money per unit backordered and period, > 0.
    demand_rate
        A number or ``(items,)``, units per period; at most 5,000 units over all lead times.
    review_period
        A number or ``(items,)``, periods between reviews; 0 is continuous review.

    Raises
    ------
    ValueError
        If an input is out of its range, not finite or of another shape.

    Source
    ------
    Clark & Scarf (1960), *Optimal policies for a multi-echelon inventory problem*, Management Science 6(4).

    Examples
    --------
    >>> policy = serial_poisson([[3.0, 2.0, 2.0]], 37.12, [[1.0, 1.0, 2.0]], 5.0)
    >>> policy.echelon_base_stock, policy.expected_cost.round(6)
    (array([[ 9., 15., 26.]]), array([72.046741]))
    """
    costs = serial_costs(echelon_holding_cost, penalty, lead_time, review_period)
    rate = spread("demand_rate", demand_rate, (len(costs.slope),), at_most)
    mean = costs.exposure * rate[:, None]
    total = np.add.accumulate(mean, axis=1)
    refuse("demand_rate", total[:, -1] > MOST_DEMAND, rate, f"at most {MOST_DEMAND:g} units over all lead times")
    ratio = costs.upper_ratio * (1.0 - 1e-12)
    highest = smallest_count(lambda x: gammaincc(x + 1.0, total) >= ratio, total)
    levels, cost = np.empty_like(mean), np.empty(len(mean))
    # Items of like size share a table.
    size = highest.max(axis=1)
    rising = np.argsort(size, kind="stable")
    start = 0
    while start < len(rising):
        block = max(1, int(_CELLS // (size[rising[start]] + 2.0)))
        items = rising[start : start + block]
        levels[items], cost[items] = _solve(
            (-costs.backorder[items], costs.slope[items].T), mean[items].T, int(size[items].max()) + 2
        )
        start += block
    return SerialPolicy(levels, cost)


def _solve(costs: tuple[FloatArray, FloatArray], mean: FloatArray, size: int) -> tuple[FloatArray, FloatArray]:
    """Levels (items, stages) and cost (items,) of one block; arrays inside are (level, items)."""
    below, slope = costs
    y = np.arange(size, dtype=np.float64)[:, None]
    # Under the last stage every unit short costs `-below`: no rest, level zero.
    level, rest, offset = np.zeros(mean.shape[1]), np.zeros((size, mean.shape[1])), np.zeros(mean.shape[1])
    levels = np.empty(mean.shape[::-1])
    for stage, exposed in enumerate(mean):
        rest = _after_demand(np.where(y <= level, rest, _at(rest, level) - below * (y - level)), exposed, y)
        below = slope[stage]
        offset = offset - below * exposed
        # The smallest level at which one more unit no longer pays; guarded relative to what a unit is worth.
        level = (rest[1:] - rest[:-1] + below >= below * 1e-11).argmax(axis=0).astype(np.float64)
        levels[:, stage] = level
    return levels, offset + below * level + _at(rest, level)


def _at(values: FloatArray, level: FloatArray) -> FloatArray:
    return np.asarray(np.take_along_axis(values, level.astype(np.int64)[None], axis=0)[0])


def _after_demand(values: FloatArray, mean: FloatArray, y: FloatArray) -> FloatArray:
    """E[values(y - D)] for values that are zero up to zero, by shifted sums in rising order of demand.

    The order is the same for one item and for many, so the digits are too; an FFT of a length that depends on the
    block would not keep them.
    """
    mass = np.exp(xlogy(y, mean) - mean - gammaln(y + 1.0))
    mass[mass < _NOTHING] = 0.0
    expected = np.zeros_like(values)
    for demand in np.flatnonzero(mass.any(axis=1)).tolist():
        expected[demand:] += mass[demand] * values[: len(values) - demand]
    return expected
