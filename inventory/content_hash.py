"""One hash for one content: of a table's values, not of the bytes some file format gives them.

The same rows hash alike in whatever order they arrive and whatever version wrote the file: rows are sorted by key,
integers are 64-bit little-endian, ``-0.0`` is ``0.0``, there is one NaN, texts are length-prefixed UTF-8, and nulls
are a mask beside the values.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

_PREFIX = b"evenkeel.table.v1\n"
_TYPE_NAMES = {
    pl.String: "text",
    pl.Int64: "integer",
    pl.Float32: "float32",
    pl.Float64: "float64",
    pl.Boolean: "boolean",
    pl.Date: "days",
    pl.Datetime: "microseconds",
}


def content_hash(frame: pl.DataFrame, key: Sequence[str]) -> str:
    """SHA-256 of a table's names, types and values, as 64 hexadecimal characters.

    Parameters
    ----------
    frame
        Columns in a fixed order; that order counts, the order of rows does not.
    key
        Columns whose values tell the rows apart.
    """
    sha = hashlib.sha256(_PREFIX)
    for series in frame.sort(key).iter_columns():
        head = f"{series.name}\n{_type_name(series.dtype)}\n{len(series)}\n".encode()
        sha.update(len(head).to_bytes(8, "little") + head)
        for values in _canonical(series):
            sha.update(np.ascontiguousarray(values).data)
    return sha.hexdigest()


def _type_name(kind: pl.DataType) -> str:
    """Our own word for a column's type, so that a library's spelling does not matter."""
    if isinstance(kind, pl.Array):
        return f"{_type_name(pl.Series(dtype=kind.inner).dtype)}[{kind.size}]"
    return _TYPE_NAMES[kind.base_type()]


def _canonical(series: pl.Series) -> Iterator[NDArray[np.generic]]:
    """A column's null mask, then its values."""
    yield np.packbits(series.is_null().to_numpy(), bitorder="little")
    if isinstance(series.dtype, pl.Array):
        yield from _canonical(series.explode())
    elif series.dtype == pl.String:
        texts = series.fill_null("")
        yield texts.str.len_bytes().to_numpy().astype("<i8")
        yield np.frombuffer("".join(texts.to_list()).encode(), dtype=np.uint8)
    elif series.dtype.is_float():
        yield _one_nan(series.fill_null(0.0).to_numpy())
    elif series.dtype == pl.Boolean:
        yield np.packbits(series.fill_null(False).to_numpy(), bitorder="little")
    else:
        yield series.to_physical().cast(pl.Int64).fill_null(0).to_numpy().astype("<i8")


def _one_nan(values: NDArray[np.floating]) -> NDArray[np.generic]:
    """Little-endian floats with one zero and one NaN, in their own width."""
    plain: NDArray[np.generic] = values.astype(f"<f{values.dtype.itemsize}") + values.dtype.type(0.0)
    plain[np.isnan(plain)] = np.nan
    return plain
