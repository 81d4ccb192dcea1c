"""Roll-ups: figures of item-sites by family, site or region, and stock by age."""

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, finite, non_negative, numbers, position, same_length


def rolled_up(values: ArrayLike, group: ArrayLike, groups: int) -> FloatArray:
    """Sum of a figure by group: ``(n,)`` or ``(n, k)`` values, group ``(n,)`` in ``0..groups - 1``.

    Returns
    -------
    FloatArray
        Shape ``(groups,)`` or ``(groups, k)``; the sum over groups is that over series.

    Raises
    ------
    ValueError
        If a value is not finite, a group is out of range, or the lengths differ.
    """
    figure, member = finite("values", values), position("group", group, groups)
    same_length(values=figure, group=member)
    if figure.ndim == 1:
        return np.bincount(member, figure, groups).astype(np.float64)
    columns = [np.bincount(member, column, groups) for column in figure.T]
    return np.stack(columns, axis=1).astype(np.float64)


def stock_by_age(
    age_days: ArrayLike, quantity: ArrayLike, group: ArrayLike, groups: int, edges: ArrayLike
) -> FloatArray:
    """Units by age bucket and group, shape ``(groups, buckets + 1)``.

    Parameters
    ----------
    age_days, quantity, group
        Shape ``(lots,)``: days on the shelf, units, and the group of each lot.
    edges
        Shape ``(buckets,)``, rising days; the first bucket is below the first edge, the last from the last edge on.

    Raises
    ------
    ValueError
        If an input is negative, not finite or of another length, or the edges do not rise.
    """
    age, units = non_negative("age_days", age_days), non_negative("quantity", quantity)
    member, limit = position("group", group, groups), non_negative("edges", numbers("edges", edges))
    same_length(age_days=age, quantity=units, group=member)
    if limit.ndim != 1 or (np.diff(limit) <= 0.0).any():
        raise ValueError(f"edges must rise, got {limit.tolist()}")
    bucket = np.searchsorted(limit, age, side="right")
    width = len(limit) + 1
    return np.bincount(member * width + bucket, units, groups * width).reshape(groups, width).astype(np.float64)
