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


def positive(name: str, values: ArrayLike) -> FloatArray:
    """`values` as float64, refused with a ValueError when any entry is zero, negative, NaN or infinite."""
    array = non_negative(name, values)
    bad = array == 0.0
    if bad.any():
        raise ValueError(f"{name} must be positive{_first(bad)}: 0")
    return array


def non_negative_or_infinite(name: str, values: ArrayLike) -> FloatArray:
    """`values` as float64, refused when any entry is negative or NaN; infinity means that there is none."""
    array = numbers(name, values)
    non_negative(name, np.where(array == np.inf, 0.0, array))
    return array


def whole_numbers(name: str, values: ArrayLike, low: int, high: int) -> IntArray:
    """`values` as int64, refused with a ValueError when any entry is no whole number in ``low..high``."""
    array = finite(name, values)
    bad = (array != np.floor(array)) | (array < low) | (array > high)
    if bad.any():
        raise ValueError(f"{name} must be whole and in {low}..{high}{_first(bad)}: {array[bad].flat[0]}")
    return array.astype(np.int64)


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


def flags(name: str, values: ArrayLike) -> BoolArray:
    """`values` as booleans, refused with a ValueError when they are of another type (0 and 1 are no flags)."""
    array = np.asarray(values)
    if array.dtype != np.bool_:
        raise ValueError(f"{name} must hold booleans, got {array.dtype}")
    return array


def whole(name: str, values: ArrayLike) -> IntArray:
    """`values` as int64, refused with a ValueError when any entry is not a whole number of at most 2**53."""
    array = finite(name, values)
    bad = (array != np.rint(array)) | (np.abs(array) > 2.0**53)
    if bad.any():
        raise ValueError(f"{name} must hold whole numbers{_first(bad)}: {array[bad].flat[0]}")
    return array.astype(np.int64)


def position(name: str, values: ArrayLike, size: int) -> IntArray:
    """As `index`, a NaN among the values refused by its place."""
    return index(name, values if finite(name, values).size else [], size)


def share(name: str, values: ArrayLike) -> FloatArray:
    """`values` as float64, refused with a ValueError when any entry is outside [0, 1]."""
    array = non_negative(name, values)
    bad = array > 1.0
    if bad.any():
        raise ValueError(f"{name} must be in 0..1{_first(bad)}: {array[bad].flat[0]}")
    return array


def observed(name: str, values: ArrayLike) -> NDArray[np.floating]:
    """`values` with their float type kept, NaN (not observed) allowed, negative or infinite ones refused."""
    array = np.asarray(values)
    if array.dtype not in (np.float32, np.float64):
        array = numbers(name, values)
    if array.size:
        # fmin and fmax pass over NaN, so two sweeps without a temporary decide.
        low, high = np.fmin.reduce(array, axis=None), np.fmax.reduce(array, axis=None)
        if low < 0.0 or np.isinf(high):
            bad = (array < 0.0) | np.isinf(array)
            raise ValueError(f"{name} must be finite and not negative{_first(bad)}: {array[bad].flat[0]}")
    return array


def shaped(name: str, array: NDArray[np.generic], *shape: int | None) -> None:
    """Refuse an array of another shape with a ValueError; None stands for any length of at least 1."""
    fits = array.ndim == len(shape) and all(
        (have >= 1 if want is None else have == want) for have, want in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("1 or more" if length is None else str(length) for length in shape)
        raise ValueError(f"{name} must have shape ({wanted}), got {array.shape}")


def counts(name: str, values: ArrayLike) -> IntArray:
    """`values` as int64, refused with a ValueError when any entry is negative or no whole number."""
    array = np.asarray(values)
    if array.dtype.kind in "iu" and array.size and array.min() >= 0 and array.max() <= 2**53:
        return array.astype(np.int64, copy=False)
    return whole(name, non_negative(name, values))
