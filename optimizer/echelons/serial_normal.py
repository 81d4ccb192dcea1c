r"""Serial system with normal demand to about 1e-9: quadrature on the part below each level, closed forms for the rest.

Rules
-----
1. Normal demand may be negative; the recursion is taken over the whole line, so a law with mass below zero is solved
   as it stands instead of being cut or folded.
2. Above a level the folded cost is a straight line and has a closed form; below it the rest :math:`R` is smooth and
   known at Gauss-Legendre nodes, which the next stage uses directly: no grid, no interpolation, no kink inside.
3. A stage without lead time adds no demand: its level is found on the function of the stage below it.
4. The number of nodes follows from the item alone, so an item's answer does not depend on its neighbors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from optimizer.arguments import FloatArray, IntArray
from optimizer.echelons.serial import SerialPolicy, serial_costs
from optimizer.echelons.shapes import at_most, finite_within, refuse, spread
from optimizer.errors import ConvergenceError
from optimizer.laws.loss import standard_normal_loss

_CELLS = 1 << 17
_TAIL = 8.5
_FEWEST_NODES, _MOST_NODES = 64, 2048
_MAX_STEPS = 100
_DENSITY_AT_ZERO = 1.0 / np.sqrt(2.0 * np.pi)


def serial_normal(
    echelon_holding_cost: ArrayLike,
    penalty: ArrayLike,
    lead_time: ArrayLike,
    demand_mean: ArrayLike,
    demand_sd: ArrayLike,
    *,
    review_period: ArrayLike = 0.0,
) -> SerialPolicy:
    r"""Best echelon base-stock levels of serial systems under independent normal demand per period.

    :math:`C_j(y) = E[h_j (y - D_j) + C_{j-1}(\min(S_{j-1}, y - D_j))]`, with
    :math:`C_0(x) = (p + \sum_i h_i) x^-` and :math:`S_j` the minimizer of :math:`C_j`; the cost is :math:`C_N(S_N)`.

    Parameters
    ----------
    echelon_holding_cost, lead_time
        Shape ``(items, stages)``, stage 0 at the customer; money per unit and period, > 0; periods, >= 0 (zero is a
        lead time like any other).
    penalty
        A number or ``(items,)``, money per unit backordered and period, > 0.
    demand_mean, demand_sd
        A number or ``(items,)``, units per period; the mean may have any sign, the deviation is >= 0.
    review_period
        A number or ``(items,)``, periods between reviews; 0 is continuous review.

    Raises
    ------
    ValueError
        If an input is out of its range, not finite or of another shape, or lead times of one item differ by a factor
        of more than some thousands (join or drop the tiny ones).

    Source
    ------
    Clark & Scarf (1960), *Optimal policies for a multi-echelon inventory problem*, Management Science 6(4).

    Examples
    --------
    >>> policy = serial_normal([[3.0, 2.0, 2.0]], 37.12, [[1.0, 1.0, 2.0]], 5.0, 1.0)
    >>> policy.echelon_base_stock.round(4), policy.expected_cost.round(5)
    (array([[ 6.4909, 12.0176, 22.7055]]), array([47.66015]))
    """
    costs = serial_costs(echelon_holding_cost, penalty, lead_time, review_period)
    items, stages = costs.slope.shape
    mean = spread("demand_mean", demand_mean, (items,), finite_within)[:, None] * costs.exposure
    period_sd = spread("demand_sd", demand_sd, (items,), at_most)
    sd = period_sd[:, None] * np.sqrt(costs.exposure)
    total_sd = period_sd[:, None] * np.sqrt(np.add.accumulate(costs.exposure, axis=1))
    # Everything is solved for demand less its mean; means shift levels and nothing else.
    low, high = ndtri(costs.lower_ratio) * total_sd, ndtri(costs.upper_ratio) * total_sd
    nodes = _node_counts(sd, total_sd, high)
    kind = np.column_stack((nodes, sd > 0.0)).astype(np.int64)
    levels, cost = np.empty((items, stages)), np.empty(items)
    for key in np.unique(kind, axis=0):
        alike = np.flatnonzero((kind == key).all(axis=1))
        block = max(1, _CELLS // int(key[:stages].max()) ** 2)
        for start in range(0, len(alike), block):
            part = alike[start : start + block]
            system = _System(costs.slope[part], costs.backorder[part], sd[part], total_sd[part], low[part], high[part])
            levels[part], cost[part] = system.solve(key[:stages])
    below = costs.slope * mean
    return SerialPolicy(
        levels + np.add.accumulate(mean, axis=1),
        cost - np.add.accumulate(below, axis=1)[:, -1] + costs.slope[:, -1] * np.add.accumulate(mean, axis=1)[:, -1],
    )


def _node_counts(sd: FloatArray, total_sd: FloatArray, high: FloatArray) -> IntArray:
    """Nodes per stage: enough for the narrower of the laws on either side of them, in doublings."""
    width = np.maximum(high, 0.0) + _TAIL * total_sd
    above = np.column_stack((sd[:, 1:], sd[:, -1]))
    narrow = np.minimum(np.where(sd > 0.0, sd, np.inf), np.where(above > 0.0, above, np.inf))
    wanted = 24.0 + 2.5 * width / np.where(np.isfinite(narrow), narrow, 1.0) * np.isfinite(narrow)
    refuse("lead_time", wanted > _MOST_NODES, wanted, f"such that {_MOST_NODES} nodes suffice (join tiny lead times)")
    doublings = np.ceil(np.log2(np.maximum(wanted / _FEWEST_NODES, 1.0)) - 1e-9)
    return (_FEWEST_NODES * 2.0**doublings).astype(np.int64)


@cache
def _legendre(count: int) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights on [0, 1]."""
    x, w = np.polynomial.legendre.leggauss(count)
    return 0.5 * (x + 1.0), 0.5 * w


@dataclass(frozen=True)
class _Rest:
    """The convex rest of a stage's cost, as a function of the centered level, and its first two derivatives.

    The demand of the stage has deviation `sd`; under it the folded rest of the stage below is a line of slope `rise`
    above `level`, where it has value `value`, and given at distances `under` below it by values and slopes, already
    times their quadrature weights. Without nodes the folded rest is zero below the level.
    """

    sd: FloatArray
    level: FloatArray
    rise: FloatArray
    value: FloatArray
    under: FloatArray
    values: FloatArray
    slopes: FloatArray

    def __call__(self, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Value, slope, curvature at `y` (items, points)."""
        sd = self.sd[:, None]
        v = (y - self.level[:, None]) / sd
        phi = _DENSITY_AT_ZERO * np.exp(-0.5 * v * v) / sd
        value = self.rise[:, None] * sd * standard_normal_loss(-v) + self.value[:, None] * ndtr(v)
        slope = self.rise[:, None] * ndtr(v)
        curvature = self.rise[:, None] * phi
        if self.under.shape[1]:
            w = v[:, :, None] + (self.under / sd)[:, None, :]
            density = np.exp(-0.5 * w * w)
            density *= _DENSITY_AT_ZERO / sd[:, :, None]
            value += (density * self.values[:, None, :]).sum(axis=2)
            density *= self.slopes[:, None, :]
            slope += density.sum(axis=2)
            density *= w
            curvature -= density.sum(axis=2) / sd
        return value, slope, curvature


@dataclass(frozen=True)
class _System:
    """Items alike in node counts and zero lead times, demand centered: all arrays (items, stages) or (items,)."""

    slope: FloatArray
    backorder: FloatArray
    sd: FloatArray
    total_sd: FloatArray
    low: FloatArray
    high: FloatArray

    def solve(self, nodes: IntArray) -> tuple[FloatArray, FloatArray]:
        """Levels and the cost of the last stage, both of the centered system."""
        items, stages = self.slope.shape
        level, rise, levels = np.zeros(items), self.backorder, np.zeros((items, stages))
        rest: _Rest | None = None
        for stage in range(stages):
            if self.sd[0, stage] > 0.0:
                rest = self._next_rest(rest, stage, level, rise, int(nodes[stage - 1]) if stage else 0)
            rise = -self.slope[:, stage]
            if rest is not None:
                level = _root(rest, rise, self.low[:, stage], self.high[:, stage])
            levels[:, stage] = level
        value = np.zeros(items) if rest is None else rest(level[:, None])[0][:, 0]
        return levels, self.slope[:, -1] * level + value

    def _next_rest(self, rest: _Rest | None, stage: int, level: FloatArray, rise: FloatArray, nodes: int) -> _Rest:
        """The rest after this stage's demand, given that of the stage below and its level."""
        if rest is None:
            empty = np.empty((len(level), 0))
            return _Rest(self.sd[:, stage], level, rise, np.zeros(len(level)), empty, empty, empty)
        x, weight = _legendre(nodes)
        width = level + _TAIL * self.total_sd[:, stage - 1]
        under = width[:, None] * x
        # One point more, at the level itself, gives the value where the line starts.
        value, slope, _ = rest(level[:, None] - np.column_stack((under, np.zeros(len(level)))))
        scaled = width[:, None] * weight
        return _Rest(
            self.sd[:, stage], level, rise, value[:, -1], under, value[:, :-1] * scaled, slope[:, :-1] * scaled
        )


def _root(rest: _Rest, rise: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Where the slope of the rest reaches `rise`: Newton's method inside a bracket that only shrinks."""
    low, high = low.copy(), high.copy()
    scale = np.maximum(np.abs(low), np.abs(high))
    y, done = 0.5 * (low + high), np.zeros(len(low), dtype=np.bool_)
    for _ in range(_MAX_STEPS):
        _, slope, curvature = (part[:, 0] for part in rest(y[:, None]))
        over = slope > rise
        low, high = np.where(over, low, y), np.where(over, y, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = y - (slope - rise) / curvature
        inside = (newton >= low) & (newton <= high)
        following = np.where(inside, newton, 0.5 * (low + high))
        step = np.abs(following - y)
        y = np.where(done, y, following)
        done = done | (step <= 1e-12 * scale) | (slope == rise)
        if done.all():
            return y
    raise ConvergenceError(f"no level found for item {int((~done).argmax())} of its block in {_MAX_STEPS} steps")
