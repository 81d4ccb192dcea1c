"""Gives a feed's columns their names in the contract."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from inventory.contract import Table
from inventory.errors import ContractError, MappingError
from inventory.importing.conversions import clean
from inventory.importing.csv_lines import LINE
from inventory.importing.mapping import FeedMapping
from inventory.importing.readers import RawFeed

NO_UNIT = "(none)"
"""Stands for the unit of a row whose unit column is empty: nothing is assumed, so the row is refused."""


@dataclass(frozen=True)
class NamedColumns:
    """Cleaned text columns under the contract's names.

    Attributes
    ----------
    text
        By contract column; every column of the contract is there, all null when the feed has none.
    units
        By quantity column: the declared unit of each row, null for the base unit.
    native
        Columns written plainly whatever the mapping declares.
    lines
        Line of each row.
    ignored
        Columns of the file nothing was taken from.
    """

    text: dict[str, pl.Series]
    units: dict[str, pl.Series]
    native: frozenset[str]
    lines: pl.Series
    ignored: tuple[str, ...]


def name_columns(contract: Table, raw: RawFeed, feed: FeedMapping) -> NamedColumns:
    """Rename, fill in constants, and find the unit of each quantity.

    Raises
    ------
    MappingError
        If the mapping names a column the file does not have.
    ContractError
        If a required column is nowhere to be found.
    """
    absent = sorted({*feed.columns, *feed.unit_columns.values()} - set(raw.columns))
    if absent:
        raise MappingError(
            f"{raw.file}: the mapping of {contract.name} names column {', '.join(absent)}; "
            f"the file has {', '.join(raw.columns)}"
        )
    theirs = _sources(contract, raw, feed)
    missing = [c.name for c in contract.columns if c.required and c.name not in theirs and c.name not in feed.constants]
    if missing:
        raise ContractError(
            f"{raw.file}:1: table {contract.name} needs column {', '.join(missing)}; the file has "
            f"{', '.join(raw.columns)} (a mapping file can rename columns and declare the delimiter)"
        )
    height = raw.rows.height
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, height)
    text = {column.name: nothing for column in contract.columns}
    text |= {ours: clean(raw.rows[name]) for ours, name in theirs.items()}
    text |= {ours: pl.Series([value]).new_from_index(0, height) for ours, value in feed.constants.items()}
    used = {*theirs.values(), *feed.unit_columns.values()}
    return NamedColumns(
        text=text,
        units=_units(contract, raw, feed),
        native=frozenset(ours for ours, name in theirs.items() if name in raw.native) | frozenset(feed.constants),
        lines=raw.rows[LINE],
        ignored=tuple(name for name in raw.columns if name not in used),
    )


def _sources(contract: Table, raw: RawFeed, feed: FeedMapping) -> dict[str, str]:
    """Contract column to the file's column."""
    sources = {ours: name for name, ours in feed.columns.items()}
    for column in contract.columns:
        free = column.name not in feed.columns and column.name not in feed.constants
        if column.name in raw.columns and free:
            sources.setdefault(column.name, column.name)
    return sources


def _units(contract: Table, raw: RawFeed, feed: FeedMapping) -> dict[str, pl.Series]:
    units = {}
    for column in contract.columns:
        if column.type != "quantity":
            continue
        if column.name in feed.unit_columns:
            units[column.name] = clean(raw.rows[feed.unit_columns[column.name]]).fill_null(NO_UNIT)
        else:
            unit = pl.Series([feed.units.get(column.name)], dtype=pl.String)
            units[column.name] = unit.new_from_index(0, raw.rows.height)
    return units
