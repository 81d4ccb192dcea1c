"""Recovers rows from delimited text, line by line.

A general CSV reader lets one unclosed quotation mark swallow the rest of the file. Here a row is a line; only when a
quoted field stays open are a few following lines tried, and they are joined only if none of them could be a row of its
own and the result has exactly the header's number of fields. Otherwise the one line is broken, and reading goes on with
the next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

import polars as pl

from inventory.importing.rejection import ReasonCode

LINE = "#line"
"""Column that holds the line a row stands on."""
LINE_LIMIT = 100_000
"""Characters a line may have."""
LINES_PER_ROW = 8
"""Lines a quoted field may span."""


@dataclass(frozen=True)
class BrokenLine:
    """A line that is not a row."""

    line: int
    code: ReasonCode
    found: str
    """What was found, in words."""


@dataclass
class Lines:
    """Rows of a text, and the lines that are none.

    Attributes
    ----------
    header
        Names of the first line.
    rows
        Column :data:`LINE` (Int64, the header is 1), then one text column per header field.
    broken
        In order of line.
    """

    header: list[str]
    rows: pl.DataFrame
    broken: list[BrokenLine] = field(default_factory=list)


@cache
def _field_pattern(delimiter: str) -> re.Pattern[str]:
    """A quoted field, or one that does not begin with a quotation mark, and what ends it."""
    mark = re.escape(delimiter)
    quoted = r'"([^"]*(?:""[^"]*)*)"'
    plain = rf'((?:[^"{mark}\n][^{mark}\n]*)?)'
    return re.compile(rf"(?:{quoted}|{plain})({mark}|\Z)")


def split_fields(text: str, delimiter: str) -> list[str] | None:
    """Fields of one row by RFC 4180; None if its quotation marks do not fit.

    A field that does not begin with a quotation mark may hold some, as in ``Pipe 5"``.

    Examples
    --------
    >>> split_fields("a;'b';c", ";")
    ['a', "'b'", 'c']
    >>> split_fields('a,"b,c', ",") is None
    True
    """
    pattern = _field_pattern(delimiter)
    fields, position = [], 0
    while True:
        match = pattern.match(text, position)
        if match is None:
            return None
        quoted, plain, end = match.groups()
        fields.append(plain if quoted is None else quoted.replace('""', '"'))
        if not end:
            return fields
        position = match.end()


def physical_lines(text: str) -> tuple[list[str], bool]:
    """Lines of the text without their ends, and whether the last one was ended."""
    if "\n" not in text:
        text = text.replace("\r", "\n")
    ended = text.endswith("\n")
    lines = text.split("\n")
    if ended:
        lines.pop()
    return [line[:-1] if line.endswith("\r") else line for line in lines], ended


def read_lines(lines: list[str], ended: bool, header: list[str], delimiter: str) -> Lines:
    """Rows and broken lines of everything below the header.

    Parameters
    ----------
    lines
        Physical lines, the header first.
    ended
        Whether the last line had a line end; without one it may have been cut.
    header
        Names of the columns.
    delimiter
        One character.
    """
    width = len(header)
    plain_at: list[int] = []
    plain: list[str] = []
    other_at: list[int] = []
    other: list[list[str]] = []
    broken: list[BrokenLine] = []
    number = 1
    while number < len(lines):
        line = lines[number]
        number += 1
        if line.count(delimiter) == width - 1 and '"' not in line and "\0" not in line and len(line) <= LINE_LIMIT:
            if line.strip(" \t" + delimiter):
                plain_at.append(number)
                plain.append(line)
            continue
        if not line.strip():
            continue
        fields, used = _row(lines, number - 1, width, delimiter)
        if fields is not None and len(fields) == width and "\0" not in line and len(line) <= LINE_LIMIT:
            other_at.append(number)
            other.append(fields)
        else:
            last = number == len(lines) and not ended
            broken.append(_broken(line, number, fields, width, last))
        number += used - 1
    rows = pl.concat([_split(plain_at, plain, header, delimiter), _frame(other_at, other, header)]).sort(LINE)
    return Lines(header, rows, broken)


def _row(lines: list[str], at: int, width: int, delimiter: str) -> tuple[list[str] | None, int]:
    """Fields of the row that begins at a line, and how many lines it takes."""
    first = split_fields(lines[at], delimiter) if len(lines[at]) <= LINE_LIMIT else None
    if first is not None or '"' not in lines[at] or len(lines[at]) > LINE_LIMIT:
        return first, 1
    for used in range(2, min(LINES_PER_ROW, len(lines) - at) + 1):
        if lines[at + used - 1].count(delimiter) >= width - 1:
            break
        joined = "\n".join(lines[at : at + used])
        fields = split_fields(joined, delimiter) if len(joined) <= LINE_LIMIT else None
        if fields is not None and len(fields) == width:
            return fields, used
    return None, 1


def _broken(line: str, number: int, fields: list[str] | None, width: int, last: bool) -> BrokenLine:
    if len(line) > LINE_LIMIT:
        return BrokenLine(number, "text_too_long", f"{len(line)} characters, at most {LINE_LIMIT} expected")
    if last and (fields is None or len(fields) < width):
        return BrokenLine(number, "cut_off", "the last line has no end and is not whole: the file was cut")
    if "\0" in line:
        return BrokenLine(number, "bad_text", "a NUL character, text expected")
    if fields is None:
        return BrokenLine(number, "broken_quotes", "quotation marks do not pair")
    code: ReasonCode = "too_few_fields" if len(fields) < width else "too_many_fields"
    return BrokenLine(number, code, f"{len(fields)} fields, {width} expected")


def _split(at: list[int], plain: list[str], header: list[str], delimiter: str) -> pl.DataFrame:
    """Rows of lines without quotation marks and with the right number of delimiters, split all at once."""
    if not plain:
        return _frame([], [], header)
    if len(header) == 1:
        return _frame(at, [[line] for line in plain], header)
    rows = pl.read_csv(
        "\n".join(plain).encode(),
        has_header=False,
        new_columns=header,
        separator=delimiter,
        quote_char=None,
        infer_schema=False,
    )
    return rows.insert_column(0, pl.Series(LINE, at, pl.Int64))


def _frame(at: list[int], rows: list[list[str]], header: list[str]) -> pl.DataFrame:
    schema = {LINE: pl.Int64(), **dict.fromkeys(header, pl.String())}
    return pl.DataFrame([[number, *row] for number, row in zip(at, rows, strict=True)], schema=schema, orient="row")
