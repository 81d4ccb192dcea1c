"""Reads feed files of three kinds into one shape: text columns and the line each row stands on."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import polars as pl
from fastexcel import FastExcelError
from polars.exceptions import PolarsError

from inventory.errors import UnreadableFeedError
from inventory.importing.csv_lines import LINE, BrokenLine, physical_lines, read_lines, split_fields
from inventory.importing.mapping import FeedFormat

SUFFIXES = (".csv", ".parquet", ".xlsx")
_UTF8_MARK = b"\xef\xbb\xbf"
_ORDINARY_NAME = re.compile(r"[^#^].*")
_FLOAT_EXACT = 2.0**53


@dataclass(frozen=True)
class RawFeed:
    """A feed file as text.

    Attributes
    ----------
    file
        Its name.
    rows
        Column :data:`LINE` (Int64, the header being 1), then the file's columns as text, empty as null.
    native
        Columns that were typed in the file: their text is plain whatever format the mapping declares.
    broken
        Lines that are not rows.
    raw
        The text of the row on a line.
    """

    file: str
    rows: pl.DataFrame
    native: frozenset[str]
    broken: list[BrokenLine]
    raw: Callable[[int], str]

    @property
    def columns(self) -> list[str]:
        """Names of the file's columns."""
        return [name for name in self.rows.columns if name != LINE]

    @property
    def read(self) -> int:
        """Rows found, broken ones included."""
        return self.rows.height + len(self.broken)


def read_feed(file: str, data: bytes, feed_format: FeedFormat, sheet: str | None = None) -> RawFeed:
    """Read a ``.csv``, ``.parquet`` or ``.xlsx`` file.

    Parameters
    ----------
    file
        Its name; the ending says what it claims to be.
    data
        Its content.
    feed_format
        How its texts are written.
    sheet
        Worksheet of an .xlsx file; None for the first.

    Raises
    ------
    UnreadableFeedError
        If the file as a whole cannot be read: other encoding, no header, names twice, or not the format its name
        claims.
    """
    suffix = PurePath(file).suffix.lower()
    if suffix == ".csv":
        return _read_csv(file, data, feed_format)
    if suffix not in SUFFIXES:
        raise UnreadableFeedError(f"{file}: ends in {suffix or 'nothing'}, expected one of {', '.join(SUFFIXES)}")
    frame = _read_parquet(file, data) if suffix == ".parquet" else _read_xlsx(file, data, sheet)
    return _from_typed(file, frame)


def _read_csv(file: str, data: bytes, feed_format: FeedFormat) -> RawFeed:
    lines, ended = physical_lines(_decoded(file, data, feed_format.encoding))
    header = _header(file, lines, feed_format.delimiter)
    found = read_lines(lines, ended, header, feed_format.delimiter)
    return RawFeed(file, found.rows, frozenset(), found.broken, lambda line: lines[line - 1])


def _decoded(file: str, data: bytes, encoding: str) -> str:
    """The file's text; refuses bytes that are none in that encoding rather than guessing another."""
    if data.startswith(_UTF8_MARK):
        if encoding != "utf-8":
            raise UnreadableFeedError(f"{file}: begins with a UTF-8 mark, but the mapping declares {encoding}")
        data = data[len(_UTF8_MARK) :]
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableFeedError(
            f"{file}:{line}: byte {error.start} of the file (0x{data[error.start]:02x}) is not {encoding}, "
            f"which was expected; declare the file's encoding in the mapping"
        ) from error


def _header(file: str, lines: list[str], delimiter: str) -> list[str]:
    fields = split_fields(lines[0], delimiter) if lines else []
    if fields is None:
        raise UnreadableFeedError(f"{file}:1: the header has quotation marks that do not pair")
    if not any(name.strip() for name in fields):
        raise UnreadableFeedError(f"{file}:1: the file has no header")
    return _named(file, fields)


def _named(file: str, fields: Sequence[str]) -> list[str]:
    """Column names, distinct; a column without one, or with one that means something here, is called by position."""
    names = [
        name.strip() if _ORDINARY_NAME.fullmatch(name.strip()) else f"(column {position})"
        for position, name in enumerate(fields, start=1)
    ]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or (LINE in names and names.count(LINE) > 1):
        raise UnreadableFeedError(f"{file}:1: column {', '.join(twice)} stands in the header more than once")
    return names


def _read_parquet(file: str, data: bytes) -> pl.DataFrame:
    try:
        return pl.read_parquet(data)
    except (PolarsError, OSError) as error:
        raise UnreadableFeedError(f"{file}: not a whole Parquet file: {_first_line(error)}") from error


def _read_xlsx(file: str, data: bytes, sheet: str | None) -> pl.DataFrame:
    # drop_empty_rows would shift the line numbers behind an empty row; a workbook without sheets is an IndexError
    try:
        return pl.read_excel(
            data,
            sheet_name=sheet,
            engine="calamine",
            infer_schema_length=None,
            drop_empty_rows=False,
            raise_if_empty=False,
        )
    except (PolarsError, FastExcelError, ValueError, IndexError, OSError) as error:
        raise UnreadableFeedError(f"{file}: not a whole .xlsx worksheet: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _from_typed(file: str, frame: pl.DataFrame) -> RawFeed:
    """Typed columns as plain text; rows that are empty throughout are left out."""
    if not frame.width:
        raise UnreadableFeedError(f"{file}:1: the file has no header")
    frame.columns = _named(file, frame.columns)
    native = frozenset(name for name, kind in frame.schema.items() if kind not in (pl.String, pl.Categorical))
    texts = frame.select(_plain_text(file, name, kind) for name, kind in frame.schema.items())
    kept = ~pl.all_horizontal(pl.exclude(LINE).is_null())
    rows = texts.with_row_index(LINE, offset=2).cast({LINE: pl.Int64}).filter(kept)
    return RawFeed(file, rows, native, [], lambda line: ";".join(value or "" for value in texts.row(line - 2)))


def _plain_text(file: str, name: str, kind: pl.DataType) -> pl.Expr:
    """The column as text: numbers with a point, ISO dates, times in UTC, ``true`` and ``false``."""
    column = pl.col(name)
    if kind.is_float():
        whole = (column == column.floor()) & (column.abs() < _FLOAT_EXACT)
        return (
            pl.when(whole).then(column.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(column.cast(pl.String))
        )
    if isinstance(kind, pl.Datetime):
        if kind.time_zone is not None:
            return column.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f%:z")
        day = column.dt.strftime("%Y-%m-%d")
        return pl.when(column.dt.time() == pl.time(0)).then(day).otherwise(column.dt.strftime("%Y-%m-%dT%H:%M:%S"))
    if kind in (pl.String, pl.Boolean, pl.Date, pl.Categorical, pl.Null) or kind.is_integer() or kind.is_decimal():
        return column.cast(pl.String)
    raise UnreadableFeedError(f"{file}: column {name} holds {kind}, expected texts, numbers, dates or times")
