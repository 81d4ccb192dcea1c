"""Checks the rows of one feed: each is accepted with its values, or rejected with the first thing that is wrong.

A row is judged column by column in the contract's order: form, range, then whether what it refers to exists. Then keys
are compared: of rows with one key the first is kept, every later one is rejected, even if it is identical.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

import polars as pl

from inventory.contract import Column, Table
from inventory.importing.columns import NamedColumns, name_columns
from inventory.importing.conversions import Converted, convert, expectation, reason
from inventory.importing.csv_lines import LINE
from inventory.importing.mapping import NATIVE, FeedFormat, Mapping
from inventory.importing.quantities import convert_quantities
from inventory.importing.readers import RawFeed
from inventory.importing.rejection import ReasonCode, Rejection, raw_text
from inventory.stored_tables import row_schema

CLOCK_SKEW = timedelta(hours=1)
"""A feed's clock may be this much ahead of ours."""
SITE_DAY = timedelta(days=1)
"""A site's calendar may be a day ahead of UTC."""
PAST: dict[str, tuple[str, ...]] = {
    "stock": ("as_of",),
    "demand": ("date",),
    "purchase_orders": ("ordered_date", "received_date"),
    "transfers": ("shipped_date", "received_date"),
    "returns": ("date",),
    "movements": ("at",),
    "supplier_lots": ("received_date",),
    "feeds": ("as_of",),
}
"""Columns that tell of what has happened, and so cannot lie after the delivery."""
BALANCES = ("opening", "count")
"""Kinds of movement whose quantity is a balance, which is never negative."""
_ROW, _CODE, _COLUMN, _KEPT = "#row", "#code", "#column", "#kept"


@dataclass
class Known:
    """What rows may refer to: the accepted rows of the delivery so far, and tables inherited from the parent."""

    now: datetime
    as_of: datetime
    values: dict[str, pl.Series] = field(default_factory=dict)
    """By ``table.column``."""
    items: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(
            schema={"item": pl.String, "base_unit": pl.String, "decimals": pl.Int64, "conversions": pl.String}
        )
    )

    def add(self, contract: Table, frame: pl.DataFrame) -> None:
        """Let later feeds refer to these rows."""
        self.values |= {f"{contract.name}.{key}": frame[key] for key in contract.key}
        if contract.name == "items":
            self.items = frame.select(self.items.columns)


@dataclass(frozen=True)
class CheckedFeed:
    """The outcome for one feed: ``read == accepted.height + len(rejections)``."""

    table: str
    file: str
    read: int
    accepted: pl.DataFrame
    """Columns as the contract has them, rows in the order of the file."""
    rejections: tuple[Rejection, ...]
    """In order of line."""
    ignored: tuple[str, ...]


def check_feed(contract: Table, raw: RawFeed, mapping: Mapping, known: Known) -> CheckedFeed:
    """Accept or reject every row of a feed.

    Raises
    ------
    ContractError
        If the file lacks a required column, or the mapping names one it does not have.
    """
    named = name_columns(contract, raw, mapping.feed(contract.name))
    formats = {
        column.name: NATIVE if column.name in named.native else mapping.format_of(contract.name)
        for column in contract.columns
    }
    judged = _judged(contract, named, formats, known)
    judged = _without_unknown_kin(contract, _without_duplicates(contract, judged))
    rejections = [
        *_broken_lines(contract, raw),
        *_rejections(contract, raw, named, formats, judged.filter(pl.col(_CODE).is_not_null())),
    ]
    return CheckedFeed(
        table=contract.name,
        file=raw.file,
        read=raw.read,
        accepted=judged.filter(pl.col(_CODE).is_null()).select(row_schema(contract.name).names()),
        rejections=tuple(sorted(rejections, key=lambda rejection: rejection.line)),
        ignored=named.ignored,
    )


def _judged(contract: Table, named: NamedColumns, formats: dict[str, FeedFormat], known: Known) -> pl.DataFrame:
    """Values, row number, line, and the code and column of the first thing wrong with each row."""
    values, codes = [named.lines.alias(LINE)], []
    for column in contract.columns:
        converted = _convert(column, named, formats[column.name], known)
        values.append(converted.values.alias(column.name))
        codes.append(converted.codes.alias(f"{_CODE} {column.name}"))
    frame = pl.DataFrame([*values, *codes]).with_row_index(_ROW)
    found = []
    for column in contract.columns:
        own, tests = pl.col(f"{_CODE} {column.name}"), _in_context(contract, column, known)
        found.append(pl.coalesce(own, reason(tests)) if tests else own)
    frame = frame.with_columns(found)
    where = pl.coalesce(
        pl.when(pl.col(f"{_CODE} {column.name}").is_not_null()).then(pl.lit(column.name)) for column in contract.columns
    )
    return frame.with_columns(
        pl.coalesce(each.name for each in codes).alias(_CODE),
        where.alias(_COLUMN),
        pl.lit(None, pl.Int64).alias(_KEPT),
    ).drop(each.name for each in codes)


def _convert(column: Column, named: NamedColumns, written: FeedFormat, known: Known) -> Converted:
    text = named.text[column.name]
    if column.type != "quantity":
        return convert(column, text, written)
    of_row = pl.DataFrame({"item": named.text["item"]}).join(known.items, on="item", how="left", maintain_order="left")
    return convert_quantities(column, text, named.units[column.name], of_row.drop("item"), written.decimal_mark)


def _in_context(contract: Table, column: Column, known: Known) -> list[tuple[pl.Expr, ReasonCode]]:
    """What may be wrong with a value that is fine by itself."""
    value = pl.col(column.name)
    tests: list[tuple[pl.Expr, ReasonCode]] = []
    if column.refers_to and not column.refers_to.startswith(f"{contract.name}."):
        there = known.values.get(column.refers_to, pl.Series([], dtype=pl.String))
        tests.append((value.is_not_null() & ~value.is_in(there.implode()), "unknown_reference"))
    if column.name in PAST.get(contract.name, ()):
        latest = known.now + CLOCK_SKEW if column.type == "time" else (known.as_of + SITE_DAY).date()
        tests.append((value > latest, "future_date"))
    if contract.name == "movements" and column.name == "quantity":
        tests.append(((value < 0) & pl.col("kind").is_in(BALANCES), "out_of_range"))
    return tests


def _without_duplicates(contract: Table, judged: pl.DataFrame) -> pl.DataFrame:
    """Rejects every row whose key an earlier good row has."""
    good = judged.filter(pl.col(_CODE).is_null())
    first = good.select(
        _ROW, kept=pl.col(LINE).first().over(contract.key), first=pl.col(_ROW).first().over(contract.key)
    )
    again = first.filter(pl.col(_ROW) != pl.col("first")).select(
        _ROW,
        pl.lit("duplicate_key").alias(_CODE),
        pl.lit(", ".join(contract.key)).alias(_COLUMN),
        pl.col("kept").alias(_KEPT),
    )
    return judged.update(again, on=_ROW, include_nulls=False) if again.height else judged


def _without_unknown_kin(contract: Table, judged: pl.DataFrame) -> pl.DataFrame:
    """Rejects rows that refer to rows of the same feed which are not accepted, until all that are left fit."""
    for column in contract.columns:
        if not column.refers_to.startswith(f"{contract.name}."):
            continue
        target = column.refers_to.partition(".")[2]
        while True:
            good = judged.filter(pl.col(_CODE).is_null())
            lost = good.filter(pl.col(column.name).is_not_null() & ~pl.col(column.name).is_in(good[target].implode()))
            if lost.is_empty():
                break
            marked = lost.select(_ROW, pl.lit("unknown_reference").alias(_CODE), pl.lit(column.name).alias(_COLUMN))
            judged = judged.update(marked, on=_ROW, include_nulls=False)
    return judged


def _rejections(
    contract: Table, raw: RawFeed, named: NamedColumns, formats: dict[str, FeedFormat], refused: pl.DataFrame
) -> Iterator[Rejection]:
    """A rejection for each refused row, in words."""
    for row, line, code, name, kept in refused.select(_ROW, LINE, _CODE, _COLUMN, _KEPT).iter_rows():
        if kept is None:
            expected = expectation(contract.column(name), cast(ReasonCode, code), formats[name])
            value = named.text[name][row]
            said = f"{name} is empty: {expected}" if value is None else f"{name} {value[:80]!r}: {expected}"
        else:
            values = ", ".join(repr(named.text[key][row] or "") for key in contract.key)
            said = f"{name} ({values}): repeats the key of line {kept}, which was kept"
        yield Rejection(
            file=raw.file,
            line=line,
            table=contract.name,
            column=name,
            code=code,
            message=f"{raw.file}:{line}: {said}",
            raw=raw_text(raw.raw(line)),
        )


def _broken_lines(contract: Table, raw: RawFeed) -> Iterator[Rejection]:
    for broken in raw.broken:
        yield Rejection(
            file=raw.file,
            line=broken.line,
            table=contract.name,
            column="",
            code=broken.code,
            message=f"{raw.file}:{broken.line}: {broken.found}",
            raw=raw_text(raw.raw(broken.line)),
        )
