"""Deliveries of a small company: boards and glue at Lyon and Porto, as the files its ERP would send."""

from __future__ import annotations

from collections.abc import Mapping as Map
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from inventory.contract import table
from inventory.database import Database
from inventory.importing.gate import WhenCurrent, import_feeds
from inventory.importing.mapping import Mapping
from inventory.importing.report import ImportReport
from inventory.snapshots import SnapshotStore
from inventory.stored_tables import row_schema

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
"""A Monday."""
LAST_WEEK = date(2026, 2, 23)
BOARD, GLUE, SCREW = "LARCH-BOARD", "GLUE-5", "SCREW-40"
LYON, PORTO = "LYON", "PORTO"

Feeds = dict[str, list[dict[str, str]]]


def a_delivery(as_of: datetime = NOW) -> Feeds:
    """The five required tables, every value as text."""
    moment = as_of.isoformat()
    mondays = [LAST_WEEK - timedelta(weeks=back) for back in range(10)]
    return {
        "sites": [
            {"site": LYON, "name": "Lyon", "kind": "dc", "holding_rate_per_year": "0.25"},
            {"site": PORTO, "name": "Porto", "kind": "store", "holding_rate_per_year": "0.2"},
        ],
        "items": [
            {"item": BOARD, "name": "Mélèze 2 m", "decimals": "0", "cost": "12.5", "conversions": "pallet=48"},
            {"item": GLUE, "name": "Glue, 5 kg", "decimals": "3", "cost": "4.2", "conversions": ""},
            {"item": SCREW, "name": "Screws", "decimals": "0", "cost": "0.02", "conversions": "box=200"},
        ],
        "item_sites": [
            {"item": item, "site": site, "reorder_point": "10", "order_up_to_level": "60"}
            for item in (BOARD, GLUE, SCREW)
            for site in (LYON, PORTO)
        ],
        "stock": [
            {"item": BOARD, "site": LYON, "on_hand": "120", "expiry": "", "as_of": moment},
            {"item": BOARD, "site": PORTO, "on_hand": "4", "expiry": "", "as_of": moment},
            {"item": GLUE, "site": LYON, "on_hand": "2.25", "expiry": "2026-12-24", "as_of": moment},
        ],
        "demand": [
            {"item": BOARD, "site": site, "date": monday.isoformat(), "quantity": str(5 + number)}
            for site in (LYON, PORTO)
            for number, monday in enumerate(mondays)
        ],
    }


def as_csv(rows: list[dict[str, str]]) -> str:
    """The rows as CSV with a header."""
    return pl.DataFrame(rows).write_csv()


def send(folder: Path, feeds: Map[str, list[dict[str, str]]]) -> Path:
    """Write a delivery of CSV files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in feeds.items():
        (folder / f"{name}.csv").write_text(as_csv(rows), encoding="utf-8")
    return folder


def take(
    folder: Path,
    database: Database,
    snapshots: SnapshotStore,
    *,
    mapping: Mapping | None = None,
    now: datetime = NOW,
    allow_shrink: bool = False,
    when_current: WhenCurrent | None = None,
) -> ImportReport:
    """Send a folder through the gate."""
    return import_feeds(
        folder,
        mapping=mapping,
        database=database,
        snapshots=snapshots,
        actor="ines",
        now=now,
        allow_shrink=allow_shrink,
        when_current=when_current,
    )


def rows_of(name: str, *rows: dict[str, object]) -> pl.DataFrame:
    """Rows of a contract table, defaults filled in."""
    contract = table(name)
    defaults = {column.name: column.default for column in contract.columns}
    return pl.DataFrame([{**defaults, **row} for row in rows], schema=row_schema(name))
