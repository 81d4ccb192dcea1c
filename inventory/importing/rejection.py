"""Why a row was not accepted, and where it stands."""

from __future__ import annotations

from typing import Literal

from inventory.record import Record

RAW_LIMIT = 2_000
"""Characters of a row that are kept as raw text."""

ReasonCode = Literal[
    "broken_quotes", "too_few_fields", "too_many_fields", "cut_off", "missing_value", "bad_id", "bad_text",
    "text_too_long", "bad_format", "not_a_number", "not_finite", "fractional_quantity", "out_of_range", "unknown_unit",
    "bad_date", "bad_time", "future_date", "unknown_choice", "unknown_reference", "duplicate_key",
]  # fmt: skip

MEANINGS: dict[ReasonCode, str] = {
    "broken_quotes": "a quotation mark is not closed, or stands where none may stand",
    "too_few_fields": "fewer fields than the header",
    "too_many_fields": "more fields than the header",
    "cut_off": "the last line ends in the middle: the file was cut",
    "missing_value": "a required value is empty",
    "bad_id": "not 1 to 64 of the ASCII letters, digits and . _ - /",
    "bad_text": "holds a control character",
    "text_too_long": "longer than a field may be",
    "bad_format": "not in the form the column asks for",
    "not_a_number": "not a number in ASCII digits with the declared decimal mark",
    "not_finite": "NaN or infinity",
    "fractional_quantity": "finer than the item's smallest unit, or a fraction where a whole number is asked for",
    "out_of_range": "outside the column's range; negative stock is",
    "unknown_unit": "neither the item's base unit nor one it declares a conversion for",
    "bad_date": "not a calendar day in the declared date format",
    "bad_time": "not an ISO 8601 time with an offset",
    "future_date": "something past is dated after the delivery",
    "unknown_choice": "none of the allowed words",
    "unknown_reference": "names a row that is neither in the delivery nor in the snapshot before it",
    "duplicate_key": "repeats the key of an earlier row, which was kept",
}


class Rejection(Record):
    """One quarantined row."""

    file: str
    line: int
    """Physical line, the header being line 1 (in Parquet and .xlsx: row counted the same way)."""
    table: str
    column: str
    """First column that failed; empty when the line itself is broken."""
    code: ReasonCode
    message: str
    """Names file, line, column, value and what was expected."""
    raw: str
    """The row as delivered, control characters escaped."""


def raw_text(text: str) -> str:
    """The row's text, cut to :data:`RAW_LIMIT` characters, with control characters as ``\\x00``."""
    kept = text[:RAW_LIMIT]
    return "".join(c if c >= " " and c != "\x7f" else f"\\x{ord(c):02x}" for c in kept)
