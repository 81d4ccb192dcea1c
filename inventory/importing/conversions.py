"""Turns columns of text into values of the contract's types, and says of every text that is none why.

Nothing is guessed: ASCII digits only, dates by the declared pattern, times with an offset, choices word for word. A
whole column is converted at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from zoneinfo import available_timezones

import polars as pl

from inventory.contract import Column
from inventory.importing.mapping import FeedFormat
from inventory.importing.rejection import ReasonCode
from inventory.stored_tables import column_type

TEXT_LIMIT = 500
"""Characters a text may have."""
ID_PATTERN = r"^[A-Za-z0-9._/-]{1,64}$"
FIRST_YEAR = 1900
NOT_FINITE = r"(?i)^[+-]?(nan|inf|infinity)$"
BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}

_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})$"
_CONVERSION = r"[A-Za-z][A-Za-z0-9._%/-]{0,19}=[0-9]{1,9}(\.[0-9]{1,9})?"
_DIRECTIVES = {"%Y": "[0-9]{4}", "%m": "[0-9]{2}", "%d": "[0-9]{2}"}
_SHAPES = {
    "calendar": r"^1?2?3?4?5?6?7?$",
    "currency": r"^[A-Z]{3}$",
    "conversions": rf"^({_CONVERSION}(;{_CONVERSION})*)?$",
}
"""Columns whose text has a form of its own."""


@dataclass(frozen=True)
class Converted:
    """A column of values and, where a text is none, the reason code (null where it is)."""

    values: pl.Series
    codes: pl.Series


def clean(text: pl.Series) -> pl.Series:
    """Text without surrounding blanks, in NFC; null when nothing is left."""
    stripped = text.str.normalize("NFC").str.strip_chars()
    return stripped.set(stripped == "", None)


def number_pattern(mark: str) -> str:
    """Regular expression of a decimal number with that decimal mark."""
    point = re.escape(mark)
    return rf"^[+-]?([0-9]+({point}[0-9]*)?|{point}[0-9]+)([eE][+-]?[0-9]{{1,3}})?$"


def reason(tests: list[tuple[pl.Expr, ReasonCode]]) -> pl.Expr:
    """The code of the first test that holds; null if none does."""
    return pl.coalesce(pl.when(test).then(pl.lit(code)) for test, code in tests)


def convert(column: Column, text: pl.Series, feed_format: FeedFormat) -> Converted:
    """Convert every column but quantities, which need their item's units.

    Parameters
    ----------
    column
        What the contract says of it.
    text
        Cleaned text, empty as null.
    feed_format
        How numbers and dates are written.
    """
    if not column.required and text.null_count() == len(text):
        return all_empty(pl.select(_default(column).alias(column.name)).to_series(), len(text))
    value, tests = _expressions(column, feed_format)
    required: list[tuple[pl.Expr, ReasonCode]] = [(pl.col("text").is_null(), "missing_value")]
    frame = pl.DataFrame({"text": text}).with_columns(value=value)
    low, high = column.low, column.high
    ranges: list[tuple[pl.Expr, ReasonCode]] = []
    if low is not None:
        ranges.append((pl.col("value") < low, "out_of_range"))
    if high is not None:
        ranges.append((pl.col("value") > high, "out_of_range"))
    result = frame.select(
        pl.col("value").cast(column_type(column)).fill_null(_default(column)),
        code=reason([*(required if column.required else []), *tests, *ranges]),
    )
    return Converted(result["value"].rename(column.name), result["code"])


def all_empty(default: pl.Series, rows: int) -> Converted:
    """An optional column in which no row says anything, or which the feed does not have: nothing to read."""
    return Converted(default.new_from_index(0, rows), pl.Series([None], dtype=pl.String).new_from_index(0, rows))


def _default(column: Column) -> pl.Expr:
    return pl.lit(column.default, dtype=column_type(column))


def _expressions(column: Column, feed_format: FeedFormat) -> tuple[pl.Expr, list[tuple[pl.Expr, ReasonCode]]]:
    """The value of column ``text``, and what may be wrong with it; both may use ``text`` and ``value``."""
    text = pl.col("text")
    if column.type == "id":
        return text, [(~text.str.contains(ID_PATTERN), "bad_id")]
    if column.type == "text":
        return text, _text_tests(column)
    if column.type == "choice":
        return text, [(~text.is_in(column.choices), "unknown_choice")]
    if column.type == "boolean":
        lowered = text.str.to_lowercase()
        value = lowered.replace_strict(BOOLEANS, default=None, return_dtype=pl.Boolean)
        return value, [(text.is_not_null() & pl.col("value").is_null(), "unknown_choice")]
    if column.type == "date":
        return _date(feed_format.date_format)
    if column.type == "time":
        return _time()
    if column.type == "list":
        return _list(column)
    return _number(column, feed_format.decimal_mark)


def _text_tests(column: Column) -> list[tuple[pl.Expr, ReasonCode]]:
    text = pl.col("text")
    tests: list[tuple[pl.Expr, ReasonCode]] = [
        (text.str.len_chars() > TEXT_LIMIT, "text_too_long"),
        (text.str.contains(_CONTROL), "bad_text"),
    ]
    if column.name in _SHAPES:
        tests.append((~text.str.contains(_SHAPES[column.name]), "bad_format"))
    if column.name == "time_zone":
        tests.append((~text.is_in(_time_zones()), "bad_format"))
    return tests


@cache
def _time_zones() -> list[str]:
    """Every zone this machine knows; finding them reads a directory tree."""
    return sorted(available_timezones())


def _date(date_format: str) -> tuple[pl.Expr, list[tuple[pl.Expr, ReasonCode]]]:
    pattern = re.escape(date_format)
    for directive, digits in _DIRECTIVES.items():
        pattern = pattern.replace(re.escape(directive), digits)
    text = pl.col("text")
    value = pl.when(text.str.contains(f"^{pattern}$")).then(text).str.to_date(date_format, strict=False)
    wrong = text.is_not_null() & (pl.col("value").is_null() | (pl.col("value").dt.year() < FIRST_YEAR))
    return value, [(wrong, "bad_date")]


def _time() -> tuple[pl.Expr, list[tuple[pl.Expr, ReasonCode]]]:
    text = pl.col("text")
    full = (
        pl.when(text.str.contains(_TIME))
        .then(text)
        .str.replace(" ", "T", literal=True)
        .str.replace("Z", "+00:00", literal=True)
        .str.replace(r"^(.{16})([+-])", "${1}:00${2}")
    )
    value = full.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", time_zone="UTC", strict=False)
    wrong = text.is_not_null() & (pl.col("value").is_null() | (pl.col("value").dt.year() < FIRST_YEAR))
    return value, [(wrong, "bad_time")]


def _list(column: Column) -> tuple[pl.Expr, list[tuple[pl.Expr, ReasonCode]]]:
    """Members separated by ``;``, ``,`` or ``|``, kept separated by ``;``."""
    value = pl.col("text").str.replace_all(r"\s*[;|,]\s*", ";").str.strip_chars(";")
    tests: list[tuple[pl.Expr, ReasonCode]] = []
    if column.choices:
        known = pl.col("value").str.split(";").list.eval(pl.element().is_in(column.choices)).list.all()
        tests.append(((pl.col("value") != "") & ~known, "unknown_choice"))
    if column.name in _SHAPES:
        tests.append((~pl.col("value").str.contains(_SHAPES[column.name]), "bad_format"))
    return value, tests


def _number(column: Column, mark: str) -> tuple[pl.Expr, list[tuple[pl.Expr, ReasonCode]]]:
    text = pl.col("text")
    is_number = text.str.contains(number_pattern(mark))
    plain = pl.when(is_number).then(text).str.replace(mark, ".", literal=True)
    tests: list[tuple[pl.Expr, ReasonCode]] = [
        (text.str.contains(NOT_FINITE), "not_finite"),
        (~is_number, "not_a_number"),
    ]
    if column.type == "decimal":
        value = plain.cast(pl.Float64, strict=False) + 0.0  # -0.0 becomes 0.0
        return value, [*tests, (pl.col("value").is_infinite(), "out_of_range")]
    whole = plain.str.contains(r"^[+-]?[0-9]{1,15}([.]0*)?$")
    value = pl.when(whole).then(plain).str.replace(r"[.]0*$", "").str.replace(r"^[+]", "").cast(pl.Int64, strict=False)
    too_long = plain.str.contains(r"^[+-]?[0-9]{16,}([.]0*)?$")
    return value, [*tests, (too_long, "out_of_range"), (plain.is_not_null() & ~whole, "fractional_quantity")]


def expectation(column: Column, code: ReasonCode, feed_format: FeedFormat) -> str:
    """What was expected where the code was found, in words."""
    mark = feed_format.decimal_mark
    words: dict[str, str] = {
        "missing_value": "a value is required",
        "bad_id": "expected 1 to 64 of the ASCII letters, digits and . _ - /",
        "bad_text": "expected text without control characters",
        "text_too_long": f"expected at most {TEXT_LIMIT} characters",
        "bad_format": f"expected {column.meaning}",
        "not_a_number": f"expected a number in ASCII digits with decimal mark {mark!r} and no thousands separator",
        "not_finite": "expected a finite number",
        "fractional_quantity": "expected a whole number"
        if column.type == "integer"
        else "expected a whole number of the item's smallest unit",
        "out_of_range": f"expected a number {_range(column)}",
        "unknown_unit": "expected the item's base unit or one of its conversions",
        "bad_date": f"expected a day as {feed_format.date_format} from the year {FIRST_YEAR} on",
        "bad_time": "expected an ISO 8601 time with an offset, as 2024-04-08T06:00:00+00:00",
        "future_date": "expected a day or time not after the delivery",
        "unknown_choice": f"expected one of {', '.join(column.choices or sorted(BOOLEANS))}",
        "unknown_reference": f"expected a value of {column.refers_to}",
    }
    return words[code]


def _range(column: Column) -> str:
    if column.low is not None and column.high is not None:
        return f"from {column.low:g} to {column.high:g}"
    return f"of at least {column.low:g} and at most 15 digits" if column.low is not None else "of at most 15 digits"
