"""Checks of array arguments at the edge: shape, sign, finiteness, each with a message that names the culprit."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def _first(bad: BoolArray) -> str:
    """Index of the first offending entry, as text."""
    where = np.argwhere(bad)[0]
    return "" if where.size == 0 else f" at index {tuple(int(i) for i in where)}"


def numbers(name: str, values: ArrayLike) -> FloatArray:
    """`values` as float64, refused with a ValueError when they are no numbers (text, objects, complex, ragged rows)."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} must be an array of numbers: {error}") from error
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold numbers, got {array.dtype}")
    return array.astype(np.float64, copy=False)


def finite(name: str, values: ArrayLike) -> FloatArray:
    """`values` as float64, refused with a ValueError when any entry is NaN or infinite."""
    array = numbers(name, values)
    bad = ~np.isfinite(array)
    if bad.any():
        raise ValueError(f"{name} must be finite{_first(bad)}: {array[bad].flat[0]}")
    return array


def non_negative(name: str, values: ArrayLike) -> FloatArray:
    """`values` as float64, refused with a ValueError when any entry is negative, NaN or infinite."""
    array = finite(name, values)
    bad = array < 0.0
    if bad.any():
        raise ValueError(f"{name} must not be negative{_first(bad)}: {array[bad].flat[0]}")
    return array


def probability(name: str, values: ArrayLike) -> FloatArray:
    """`values` as float64, refused with a ValueError when any entry is outside the open interval (0, 1)."""
    array = finite(name, values)
    bad = (array <= 0.0) | (array >= 1.0)
    if bad.any():
        raise ValueError(f"{name} must be inside (0, 1){_first(bad)}: {array[bad].flat[0]}")
    return array


def mass_function(name: str, values: ArrayLike) -> FloatArray:
    """Rows of probabilities (k, days), each summing to at most one; the rest lies beyond the last day."""
    array = non_negative(name, values)
    if array.ndim != 2:
        raise ValueError(f"{name} must have shape (rows, days), got {array.shape}")
    total = array.sum(axis=1)
    bad = total > 1.0 + 1e-9
    if bad.any():
        raise ValueError(f"{name} must sum to at most 1 in each row{_first(bad)}: {total[bad][0]}")
    return array


def index(name: str, values: ArrayLike, size: int) -> IntArray:
    """`values` as a flat array of positions in `range(size)`, refused with a ValueError otherwise."""
    array = np.asarray(values)
    if array.size == 0:
        return np.zeros(0, dtype=np.int64)
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} must be a flat array of integers, got {array.dtype} of shape {array.shape}")
    bad = (array < 0) | (array >= size)
    if bad.any():
        raise ValueError(f"{name} must be in 0..{size - 1}{_first(bad)}: {array[bad][0]}")
    return array.astype(np.int64)


def same_length(**arrays: FloatArray | IntArray | BoolArray) -> int:
    """The common length of the first axis, refused with a ValueError when the arrays differ."""
    lengths = {name: array.shape[0] if array.ndim else -1 for name, array in arrays.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"arrays must have one length, got {lengths}")
    return next(iter(lengths.values()))
