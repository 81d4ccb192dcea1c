"""Two steps of a dynamic program over times, for a vector of items: the least sum, and the first time that has it."""

import numpy as np

from optimizer.arguments import FloatArray, IntArray

_TIE = 1.0 + 1e-12
_SMALL_TABLE = 1 << 13


def min_plus(own: FloatArray, values: FloatArray, size: int, shift: int) -> FloatArray:
    """``best[x] = min over y of own[x + y + shift] + values[y]`` for x in ``range(size)``, per item.

    `own` is ``(times, items)`` and counts from zero: pairs with x + y + shift < 0 are not allowed. `values` is
    ``(ys, items)``. A square table is built only while it is small; otherwise a Python loop runs over the shorter of
    the two axes. Either way the same sums are compared, so the digits are the same.
    """
    if size * values.size <= _SMALL_TABLE:
        # A pair that is not allowed reads the row of infinities put in front.
        covered = np.arange(1 + shift, 1 + shift + size)[:, None] + np.arange(len(values))
        padded = np.concatenate((np.full((1, own.shape[1]), np.inf), own))
        return np.asarray(np.minimum.reduce(padded[np.maximum(covered, 0)] + values, axis=1))
    best = np.full((size, own.shape[1]), np.inf)
    if len(values) > size:
        for x in range(size):
            first = max(0, -x - shift)
            if first < len(values):
                sums = own[x + first + shift : x + len(values) + shift] + values[first:]
                np.minimum.reduce(sums, axis=0, out=best[x])
        return best
    candidate = np.empty_like(best)
    for y, value in enumerate(values):
        first = max(0, -y - shift)
        if first < size:
            np.add(own[first + y + shift : size + y + shift], value, out=candidate[first:])
            np.minimum(best[first:], candidate[first:], out=best[first:])
    return best


def first_of_least(cost: FloatArray, *, least: IntArray | None = None, most: IntArray | None = None) -> IntArray:
    """First row of the least cost per item, rows from `least` to `most` (per item); costs within 1e-12 tie.

    Finer than the house's guard of 1e-9, so that a chain of ties cannot add up to a visible loss.
    """
    if least is not None:
        cost = np.where(np.arange(len(cost))[:, None] < least, np.inf, cost)
    if most is not None:
        cost = np.where(np.arange(len(cost))[:, None] > most, np.inf, cost)
    return np.asarray((cost <= np.minimum.reduce(cost, axis=0) * _TIE).argmax(axis=0))
