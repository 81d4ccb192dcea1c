"""Checks of the arrays of a network: one row an item, one column a stage or site."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.arguments import FloatArray, finite

_MOST = 1e15


def table(name: str, values: ArrayLike, check: Callable[[str, ArrayLike], FloatArray]) -> FloatArray:
    """`values` as a table (items, columns), at least one column, each entry passing `check`."""
    array = check(name, values)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"{name} must have shape (items, columns), got {array.shape}")
    return array


def spread(
    name: str, values: ArrayLike, shape: tuple[int, ...], check: Callable[[str, ArrayLike], FloatArray]
) -> FloatArray:
    """`values` repeated to `shape`: a number, or an array of exactly that many axes and lengths (or a single column).

    An array of length one is not stretched over several items: a forgotten item is a mistake, not a default.
    """
    array = check(name, values)
    if array.ndim == 0:
        return np.broadcast_to(array, shape)
    if array.shape != shape:
        raise ValueError(f"{name} must be a number or have shape {shape}, got {array.shape}")
    return array


def whole(name: str, values: ArrayLike) -> FloatArray:
    """`values` as whole numbers >= 0 in float64, refused with a ValueError naming the first that is not."""
    array = at_most(name, values)
    bad = array != np.rint(array)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{name} must be whole at index {where}: {array[where]}")
    return array


def positive(name: str, values: ArrayLike) -> FloatArray:
    """`values` as float64 above zero, refused with a ValueError naming the first that is not."""
    array = at_most(name, values)
    refuse(name, array <= 0.0, array, "positive")
    return array


def at_most(name: str, values: ArrayLike) -> FloatArray:
    """`values` as float64 in [0, 1e15], so that no product of three of them overflows; else a ValueError."""
    array = finite(name, values)
    refuse(name, array < 0.0, array, "at least 0 (not negative)")
    refuse(name, array > _MOST, array, f"at most {_MOST:g}")
    return array


def finite_within(name: str, values: ArrayLike) -> FloatArray:
    """`values` as float64 in [-1e15, 1e15]; else a ValueError."""
    array = finite(name, values)
    refuse(name, np.abs(array) > _MOST, array, f"within {_MOST:g} of zero")
    return array


def refuse(name: str, bad: NDArray[np.bool_], values: FloatArray, expected: str) -> None:
    """Raise a ValueError naming the first entry marked `bad`, if any."""
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{name} must be {expected}, at index {where}: {values[where]}")
