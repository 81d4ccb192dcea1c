"""The stock ledger as a frame: what a sweep over every stock line reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import polars as pl
from pydantic import TypeAdapter
from sqlalchemy import Connection

from inventory.ledger import LEDGER_FIELDS, ledger_at, ledger_chunks
from inventory.records import LedgerRow, Scope

_SCHEMA = {name: pl.String if name in ("item", "site", "lot") else pl.Int64 for name in LEDGER_FIELDS}
_ROWS = TypeAdapter(list[LedgerRow])


def ledger_frame(connection: Connection, scope: Scope, *, items: Collection[str] | None = None) -> pl.DataFrame:
    """Rows by item, site and lot, with the columns of a `LedgerRow`; all items when none are named."""
    chunks = ledger_chunks(connection, scope, items=items)
    frames = [pl.DataFrame(chunk, schema=_SCHEMA, orient="row") for chunk in chunks]
    return pl.concat([pl.DataFrame(schema=_SCHEMA), *frames])


def ledger_frame_at(connection: Connection, scope: Scope, places: Collection[tuple[str, str]]) -> pl.DataFrame:
    """The same of some items and sites only."""
    return pl.DataFrame(ledger_at(connection, scope, places), schema=_SCHEMA, orient="row")


def frame_of(rows: Iterable[LedgerRow]) -> pl.DataFrame:
    """Ledger rows as a frame."""
    return pl.DataFrame([tuple(vars(row).values()) for row in rows], schema=_SCHEMA, orient="row")


def rows_of(ledger: pl.DataFrame) -> list[LedgerRow]:
    """A frame's ledger rows as records."""
    return _ROWS.validate_python(ledger.to_dicts())
