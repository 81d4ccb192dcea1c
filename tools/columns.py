"""Columns of a frame as numpy arrays, the types the mathematics works on."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def floats_of(frame: pl.DataFrame, name: str, missing: float = np.nan) -> FloatArray:
    """A column as floats, with a value where it has none."""
    return frame[name].cast(pl.Float64).fill_null(missing).to_numpy().astype(np.float64)


def days_of(spans: pl.Series) -> IntArray:
    """Whole days of time spans, -1 where there is none."""
    return spans.dt.total_days().fill_null(-1).to_numpy().astype(np.int64)
