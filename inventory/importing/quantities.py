"""Quantities: from decimals in some unit to integers in the item's smallest unit, exactly.

Plain numbers in the base unit, nearly all of them, are converted as whole columns of digits; no binary fraction is
involved. Numbers in another unit go through decimal arithmetic row by row.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache

import polars as pl

from inventory.contract import Column
from inventory.importing.conversions import NOT_FINITE, Converted, all_empty, reason
from inventory.importing.rejection import ReasonCode

_DIGITS = 12
"""Digits before the decimal mark; with six decimals this stays within 64 bits."""
_DECIMALS = 6
_LIMIT = 10 ** (_DIGITS + _DECIMALS)


def convert_quantities(column: Column, text: pl.Series, units: pl.Series, items: pl.DataFrame, mark: str) -> Converted:
    """Integers in the smallest unit of each row's item.

    Parameters
    ----------
    column
        What the contract says of the quantity.
    text
        Cleaned text, as ``12``, ``0.5`` or ``3 box``; empty as null.
    units
        Unit each row declares elsewhere; null means the base unit. A unit beside the number goes first.
    items
        ``base_unit``, ``decimals`` and ``conversions`` of each row's item; null where the item is unknown.
    mark
        Decimal mark.
    """
    if not column.required and not column.default and text.null_count() == len(text):
        return all_empty(pl.Series(column.name, [0], pl.Int64), len(text))
    point = re.escape(mark)
    split = text.str.extract_groups(
        rf"^(?<sign>[+-]?)(?<whole>[0-9]{{0,{_DIGITS}}})(?:{point}(?<part>[0-9]*))?(?:\s*(?<unit>[A-Za-z][^\s]*))?$"
    ).struct.unnest()
    frame = pl.DataFrame({"text": text, "declared": units}).hstack(split).hstack(items)
    frame = frame.with_columns(
        pl.coalesce(pl.col("unit"), pl.col("declared"), pl.col("base_unit")).alias("unit"),
        pl.col("base_unit").fill_null(""),
        pl.col("decimals").fill_null(0),
        pl.col("part").fill_null("").str.strip_chars_end("0"),
        digits=(pl.col("whole").str.len_bytes() + pl.col("part").fill_null("").str.len_bytes()) > 0,
    )
    foreign = pl.col("unit").is_not_null() & (pl.col("unit") != pl.col("base_unit")) & (pl.col("base_unit") != "")
    frame = frame.with_columns(foreign=foreign & pl.col("digits"), value=_base_units())
    frame = frame.with_columns(code=reason(_tests(column.required)))
    frame = _with_foreign_units(frame, mark)
    if column.low is not None:
        low = pl.col("value") < column.low * 10 ** pl.col("decimals")
        frame = frame.with_columns(code=pl.coalesce("code", reason([(low, "out_of_range")])))
    default = 0 if column.default is None else int(column.default)
    value = pl.col("value") if column.required else pl.col("value").fill_null(default * 10 ** pl.col("decimals"))
    return Converted(frame.select(value.cast(pl.Int64).alias(column.name)).to_series(), frame["code"])


def _tests(required: bool) -> list[tuple[pl.Expr, ReasonCode]]:
    """What may be wrong with a number, the unit aside."""
    text = pl.col("text")
    missing: list[tuple[pl.Expr, ReasonCode]] = [(text.is_null(), "missing_value")]
    return [
        *(missing if required else []),
        (text.str.contains(NOT_FINITE), "not_finite"),
        (text.str.contains(rf"^[+-]?[0-9]{{{_DIGITS + 1},}}"), "out_of_range"),
        (text.is_not_null() & ~pl.col("digits").fill_null(False), "not_a_number"),
        (~pl.col("foreign") & (pl.col("part").str.len_bytes() > pl.col("decimals")), "fractional_quantity"),
    ]


def _base_units() -> pl.Expr:
    """Sign, whole and part of a number in the base unit as one integer; null where that is not one."""
    decimals = pl.col("decimals").cast(pl.Int64)
    part = pl.col("part").str.pad_end(_DECIMALS, "0").str.head(_DECIMALS).cast(pl.Int64, strict=False)
    whole = pl.when(pl.col("whole") == "").then(pl.lit("0")).otherwise("whole").cast(pl.Int64, strict=False)
    sign = pl.when(pl.col("sign") == "-").then(-1).otherwise(1)
    value = sign * (whole * 10**decimals + part // 10 ** (_DECIMALS - decimals))
    return pl.when(pl.col("digits")).then(value)


def _with_foreign_units(frame: pl.DataFrame, mark: str) -> pl.DataFrame:
    """Fill in value and code of rows in a unit other than the base unit."""
    rows = frame.with_row_index("at").filter("foreign", pl.col("code").is_null())
    if rows.is_empty():
        return frame
    found = [
        _in_smallest_units(text, unit, conversions, decimals, mark)
        for text, unit, conversions, decimals in rows.select("text", "unit", "conversions", "decimals").iter_rows()
    ]
    changed = rows.select("at").with_columns(
        pl.Series("value", [value for value, _ in found], pl.Int64),
        pl.Series("code", [code for _, code in found], pl.String),
    )
    return frame.with_row_index("at").update(changed, on="at", include_nulls=False).drop("at")


def _in_smallest_units(
    text: str, unit: str, conversions: str, decimals: int, mark: str
) -> tuple[int | None, ReasonCode | None]:
    factor = factors(conversions or "").get(unit)
    if factor is None:
        return None, "unknown_unit"
    number = re.sub(r"\s*[A-Za-z].*$", "", text).replace(mark, ".")
    exact = Decimal(number) * factor * 10**decimals
    if exact != exact.to_integral_value():
        return None, "fractional_quantity"
    return (None, "out_of_range") if abs(exact) > _LIMIT else (int(exact), None)


@cache
def factors(conversions: str) -> dict[str, Decimal]:
    """Base units in one of each other unit, from ``box=12;case=144``.

    Examples
    --------
    >>> factors("box=12;case=144")["case"]
    Decimal('144')
    """
    pairs = (pair.split("=") for pair in conversions.split(";") if pair)
    return {unit: Decimal(factor) for unit, factor in pairs}
