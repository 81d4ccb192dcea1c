"""How each table of the data contract is kept in a snapshot: column types, key and order.

Rules
-----
- Texts, ids, choices and lists are strings; a list is ``;``-separated. Integers and quantities are 64-bit integers,
  decimals 64-bit floats, times microseconds in UTC.
- ``demand`` is kept as one row per item and site with lists of :data:`HISTORY_WEEKS` weeks, newest last.
- ``demand_recent`` holds the delivered demand rows of the last complete week and after, so that a day that is sent
  late or again still adds up to the right week.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl

from inventory.contract import TABLES, Column, table

HISTORY_WEEKS = 104
"""Weeks in a demand list; what is older is forgotten."""
RECENT_DEMAND = "demand_recent"
STORED_TABLES: tuple[str, ...] = (*(each.name for each in TABLES), RECENT_DEMAND)

_TYPES: dict[str, pl.DataType] = {
    "id": pl.String(),
    "text": pl.String(),
    "choice": pl.String(),
    "list": pl.String(),
    "integer": pl.Int64(),
    "quantity": pl.Int64(),
    "decimal": pl.Float64(),
    "date": pl.Date(),
    "time": pl.Datetime("us", "UTC"),
    "boolean": pl.Boolean(),
}
_WEEKLY_SCHEMA = pl.Schema(
    {
        "item": pl.String(),
        "site": pl.String(),
        "weekly": pl.Array(pl.Float32, HISTORY_WEEKS),
        "promotion": pl.Array(pl.Boolean, HISTORY_WEEKS),
        "censored": pl.Array(pl.Boolean, HISTORY_WEEKS),
    }
)


def column_type(column: Column) -> pl.DataType:
    """Type a column of the contract has in a snapshot."""
    return _TYPES[column.type]


def row_schema(name: str) -> pl.Schema:
    """Columns and types of a contract table's accepted rows, in the contract's order."""
    return pl.Schema({column.name: column_type(column) for column in table(name).columns})


def stored_schema(name: str) -> pl.Schema:
    """Columns and types a table has in a snapshot; differs from :func:`row_schema` for ``demand`` only."""
    if name == "demand":
        return _WEEKLY_SCHEMA
    return row_schema("demand" if name == RECENT_DEMAND else name)


def stored_key(name: str) -> tuple[str, ...]:
    """Columns that tell a table's rows apart; rows are kept in their order."""
    if name == "demand":
        return ("item", "site")
    return table("demand" if name == RECENT_DEMAND else name).key


def is_by_item(name: str) -> bool:
    """Whether the table is cut into item ranges."""
    return name == RECENT_DEMAND or table(name).by_item


def empty_table(name: str) -> pl.DataFrame:
    """The table without rows."""
    return pl.DataFrame(schema=stored_schema(name))


def history_weeks(as_of: datetime) -> list[date]:
    """Mondays of the demand lists at that moment: the last one starts the last week that is complete, in UTC."""
    today = as_of.date()
    last = today - timedelta(days=today.weekday() + 7)
    return [last - timedelta(weeks=back) for back in range(HISTORY_WEEKS - 1, -1, -1)]
