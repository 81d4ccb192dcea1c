"""Histories as kernels read them: checked once, then cut into blocks of series that stay in cache.

Rules
-----
1. A history is ``(series, periods)``, units per period, oldest first; float32 stays float32, all else is float64.
2. NaN marks a period that is no observation (not listed, sold out). It is left out of every sum, ages no interval and
   counts nowhere as zero demand.
3. Negative demand is refused: sizes and intervals cannot both be right once returns sit among sales, so returns are
   netted before they come here.
4. A block is periods by series: the Python loop runs over periods, every vector is one period of some thousand series.
   Arithmetic is elementwise, so no answer depends on how series are grouped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Demand = NDArray[np.floating[Any]]
Places = NDArray[np.intp]

# 128 KiB a vector: the six vectors of a recursion stay in a megabyte of second-level cache, and calls are few.
BLOCK_BYTES = 131_072
# Tall narrow tiles keep both sides of the transposition in first-level cache.
_TILE = 512
# Most series sell within so many periods, told by three operations on bytes a period; the others are read by row.
_OPENING = 16
LARGEST_DEMAND = 1e15


@dataclass(frozen=True)
class Block:
    """Some series, transposed; valid until the next block is asked for.

    Parameters
    ----------
    rows
        Where they stand in the whole.
    demand
        Shape ``(periods, k)``, contiguous, with 0 where there is no observation.
    usable
        Shape ``(periods, k)``, 1 where there is an observation; None when there is one everywhere.
    first
        Index of the first period with demand, shape ``(k,)``; 0 without demand.
    """

    rows: slice
    demand: Demand
    usable: Demand | None
    first: Places

    @property
    def series(self) -> int:
        """Number of series."""
        return len(self.first)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Precision of the recursions."""
        return self.demand.dtype

    def usable_periods(self) -> NDArray[np.float64]:
        """Observations of each series, shape ``(k,)``; ``(1,)`` where all have as many: a power is taken once."""
        if self.usable is None:
            return np.full(1, float(len(self.demand)))
        return np.asarray(self.usable.sum(axis=0, dtype=np.float64))

    def observed(self, period: int) -> Demand | float:
        """1 where the period is an observation: one number when it is for all."""
        if self.usable is None:
            return 1.0
        seen: Demand = np.asarray(self.usable[period])
        return seen


def checked_history(history: ArrayLike, name: str = "history") -> Demand:
    """The history as a table as it came (float32 stays float32); its values are checked by `blocks`.

    Raises
    ------
    ValueError
        If it is not two-dimensional, has no period, or holds no numbers.
    """
    try:
        table = np.asarray(history)
    except ValueError as error:
        raise ValueError(f"{name} must be a table of numbers: {error}") from error
    if table.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold numbers, got {table.dtype}")
    if table.dtype != np.float32:
        table = table.astype(np.float64, copy=False)
    if table.ndim != 2 or table.shape[1] == 0:
        raise ValueError(f"{name} must have shape (series, periods) with at least one period, got {table.shape}")
    return table


def blocks(table: Demand, series: int | None = None, name: str = "history") -> Iterator[Block]:
    """The table in blocks, in order; a block lives until the next one is asked for, which reuses its memory.

    `series` overrides their number per block; the answers are the same.

    Raises
    ------
    ValueError
        If an observed value is negative, infinite or above `LARGEST_DEMAND` (whose squares would drown the spread).
    """
    size = min(series or max(1, BLOCK_BYTES // table.itemsize), max(len(table), 1))
    buffer = np.empty(table.shape[1] * size, table.dtype)
    # No series at all still are one block, so that every answer has its shape.
    for start in range(0, max(len(table), 1), size):
        rows = slice(start, min(start + size, len(table)))
        yield _block(rows, table[rows], buffer, name)


def _block(rows: slice, source: Demand, buffer: Demand, name: str) -> Block:
    demand = buffer[: source.size].reshape(source.shape[::-1])
    gaps = False
    for start in range(0, len(source), _TILE):
        # A tile is read once from memory by its check; the transposition finds it in cache.
        tile = source[start : start + _TILE]
        gaps |= _has_gaps(tile, rows.start + start, name)
        demand[:, start : start + _TILE] = tile.T
    first = _first_demand(demand, source)
    if not gaps:
        return Block(rows, demand, None, first)
    usable = (demand == demand).astype(demand.dtype)
    np.copyto(demand, 0.0, where=usable == 0.0)
    return Block(rows, demand, usable, first)


def _first_demand(demand: Demand, source: Demand) -> Places:
    """Index of the first period with demand, from the transposed series and from their rows; 0 without demand."""
    periods, series = demand.shape
    opening = min(periods, _OPENING)
    sold, left, most = np.empty(series, np.bool_), np.empty(series, np.uint8), np.zeros(series, np.uint8)
    for period in range(opening):
        # Periods left of the opening at a demand: at the first one they are the most.
        np.greater(demand[period], 0.0, out=sold)
        np.multiply(sold.view(np.uint8), np.uint8(opening - period), out=left)
        np.maximum(most, left, out=most)
    first: Places = np.subtract(opening, most, dtype=np.intp)
    late = np.flatnonzero(most == 0)
    for start in range(0, late.size, _TILE):
        some = late[start : start + _TILE]
        first[some] = (source[some] > 0.0).argmax(axis=1)
    return first


def _has_gaps(tile: Demand, first_row: int, name: str) -> bool:
    """Whether there is a NaN; refuses what is no demand."""
    # Read as whole numbers, the bits of positive floats are ordered as they are, and negative ones and NaN lie above:
    # one maximum tells whether every value is in range.
    bits = np.dtype(f"u{tile.itemsize}")
    largest = tile.dtype.type(LARGEST_DEMAND).view(bits)
    if np.maximum.reduce(tile.view(bits), axis=None) <= largest:
        return False
    bad = (tile < 0.0) | (tile > LARGEST_DEMAND)
    if bad.any():
        series, period = (int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"{name} must be finite and not negative, at most {LARGEST_DEMAND:g}: "
            f"series {first_row + series}, period {period} holds {tile[series, period]}"
        )
    # A negative zero is no gap.
    return bool(np.isnan(tile).any())


def weight(name: str, value: float) -> float:
    """A smoothing weight in (0, 1), refused otherwise with a ValueError."""
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} must be in (0, 1), got {value}")
    return float(value)


def precise(table: Demand, smoothing: float) -> Demand:
    """The table in the precision a weight needs: heavy weights leave little of an interval's state for float32."""
    return table if smoothing <= 0.5 else table.astype(np.float64, copy=False)
