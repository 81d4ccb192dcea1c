"""Stock on a lattice of equal steps: demand and receipts as operators on functions and on distributions of stock.

Rules
-----
1. A function of stock is given at ``step x 0, 1, ..`` and, below zero, goes on with slope -1: a unit missing is a unit
   lost. A distribution of stock goes through the transposed operator, so both ways round give one number.
2. Demand of an interval is spread over neighbouring points so that its mean and variance are kept; where the step is
   coarse against the spread this takes small negative weights, as any interpolation above the first order does.
3. Between points functions are cubic (four points of Lagrange).
4. The highest point holds more than can be asked for within the horizon; what would be above it stays there.
"""

from dataclasses import dataclass

import numpy as np

from optimizer.arguments import FloatArray, IntArray
from optimizer.laws.demand_law import DemandLaw, expected_short

_WHOLE_TAIL = 1e-3


@dataclass(frozen=True)
class Step:
    """One interval of every world.

    Parameters
    ----------
    move
        Shape ``(worlds, points, points)``, from stock before to stock after.
    lost
        Shape ``(worlds, points)``, units lost by stock before.
    """

    move: FloatArray
    lost: FloatArray

    def ahead(self, after: FloatArray) -> FloatArray:
        """Expected loss from before the interval on, ``(worlds, sets, points)``, given that from after it on."""
        later = np.matmul(after, self.move.transpose(0, 2, 1))
        later += self.lost[:, None]
        return np.asarray(later)

    def carried(self, before: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Distribution after the interval, and units lost in it ``(worlds,)``."""
        return np.matmul(before, self.move), weighted(before.sum(axis=1), self.lost)


def weighted(mass: FloatArray, values: FloatArray) -> FloatArray:
    """Sum of mass times value ``(worlds, points)`` per world, the same whatever other worlds are in company."""
    return np.asarray(np.matmul(mass[:, None], values[:, :, None])[:, 0, 0])


def demand_step(mean: FloatArray, variance: FloatArray, step: FloatArray, points: int, law: DemandLaw) -> Step:
    """Demand of an interval with moments and lattice steps ``(worlds,)``."""
    level = step[:, None] * np.arange(points + 1.0)
    wide = [np.broadcast_to(values[:, None], level.shape).copy() for values in (mean, variance)]
    short = expected_short(level, wide[0], wide[1], law)
    scaled = short / step[:, None]
    mass = _mass(scaled, mean / step, variance / (step * step))
    move = np.take(mass, _places(points), axis=1)
    # From an empty shelf nothing moves; the highest point keeps what would rise above it.
    move[:, 0] = 0.0
    move[:, -1, -1] += mass[:, 0]
    move[:, :, 0] = 1.0 - move[:, :, 1:].sum(axis=2)
    return Step(move, short[:, :-1])


def _mass(scaled: FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
    """P(demand = -1, 0, 1, .. steps) and a final zero, from E[(demand - j)+] in steps."""
    slope = np.diff(scaled, axis=1)
    points = slope.shape[1]
    plain = np.zeros((len(scaled), points + 4))
    plain[:, 2] = 1.0 + slope[:, 0]
    plain[:, 3:-2] = np.diff(slope, axis=1)
    np.maximum(plain, 0.0, out=plain)
    # Spreading over two neighbours adds variance: known exactly where the whole law is on the lattice, else a sixth.
    added = scaled[:, 0] + 2.0 * scaled[:, 1:].sum(axis=1) - mean * mean - variance
    added = np.where(scaled[:, -1] > _WHOLE_TAIL * np.maximum(mean, 1e-300), 1.0 / 6.0, np.clip(added, 0.0, 0.25))
    curved = plain[:, :-2] - 2.0 * plain[:, 1:-1] + plain[:, 2:]
    mass = plain[:, 1:-1] - 0.5 * added[:, None] * curved
    mass[:, -1] = 0.0
    return mass


def _places(points: int) -> IntArray:
    """Where the mass of going from stock i to j is kept: demand i - j, from -1 on; the last place is empty."""
    demand = np.arange(points)[:, None] - np.arange(points)
    return np.where(demand >= -1, demand + 1, points + 1)


def shift_step(units: FloatArray, step: FloatArray, points: int) -> Step:
    """Stock changed by `units` ``(worlds,)``: up for a receipt, down for a certain demand, lost below zero."""
    base, weight = cubic(units / step)
    worlds = np.arange(len(units))[:, None]
    place = np.arange(points)
    move, lost = np.zeros((len(units), points, points)), np.zeros((len(units), points))
    for tap in range(4):
        target = place + (base[:, None] + (tap - 1))
        move[worlds, place, np.clip(target, 0, points - 1)] += weight[:, tap, None]
        lost += weight[:, tap, None] * np.maximum(-target, 0)
    return Step(move, lost * step[:, None])


def cubic(position: FloatArray) -> tuple[IntArray, FloatArray]:
    """Cell of each position and the weights ``(.., 4)`` of the points one below it to two above it."""
    base = np.floor(position + 1e-9)
    return base.astype(np.int64), four_points(position - base)


def four_points(at: FloatArray) -> FloatArray:
    """Weights ``(.., 4)`` of points -1, 0, 1, 2 at a place, usually in 0..1 (Lagrange)."""
    low, high, above = at - 1.0, at + 1.0, at - 2.0
    weights = (-at * low * above / 6.0, high * low * above / 2.0, -high * at * above / 2.0, high * at * low / 6.0)
    return np.stack(weights, axis=-1)
