"""Rows the import gate refused: counted by feed, and the item-sites whose stock is unknown for them.

A refused row is evidence and never a quantity: its text can only make a place doubtful, not say what it holds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import polars as pl
from sqlalchemy import Connection, select

from inventory.importing.report import ImportReport
from inventory.record import load
from inventory.records import CaseKind, Finding
from inventory.snapshots import Snapshot
from inventory.tables import imports, quarantine
from tools.detectors.records import EVERYWHERE, problem
from tools.thresholds import Thresholds

KIND = CaseKind.DATA_PROBLEM
STOCK = "stock"
_ESCAPED = re.compile(r"\\x[0-9a-f]{2}")
_ID = re.compile(r"[A-Za-z0-9._/-]+")
"""What the contract lets an id be made of; anything else parts the fields of a row, whatever its delimiter."""
Place = tuple[str, str]


class Refused(NamedTuple):
    """A refused row: where it stood, what failed first, and its text."""

    line: int
    column: str
    """Empty when the line itself is broken."""
    code: str
    raw: str


def refused_rows(
    connection: Connection, snapshot: Snapshot, thresholds: Thresholds
) -> tuple[list[Finding], Counter[str]]:
    """Rows refused in the delivery behind this snapshot: a finding a feed, and how many each feed lost."""
    imported = _delivery_behind(connection, snapshot)
    rows = connection.execute(
        select(quarantine.c.table_name, quarantine.c.code)
        .where(quarantine.c.import_id == imported)
        .order_by(quarantine.c.number)
    ).all()
    by_feed = Counter(str(row.table_name) for row in rows)
    found = []
    for feed, count in sorted(by_feed.items()):
        if count < thresholds.value(KIND.value, "quarantined_rows"):
            continue
        codes = Counter(str(row.code) for row in rows if row.table_name == feed)
        reasons = ", ".join(f"{code} {times}" for code, times in sorted(codes.items()))
        found.append(
            problem(
                snapshot,
                thresholds,
                site=EVERYWHERE,
                cause=f"refused_rows:{feed}",
                quantity=count,
                threshold="quarantined_rows",
                measures={"rows_refused": float(count)},
                note=f"correct these rows of the {feed} feed at the source and send it again: {reasons}",
            )
        )
    return found, by_feed


def unknown_stock(connection: Connection, snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """Planned item-sites that a refused row of the newest stock feed is about: what lies there is not known.

    They stay until a stock feed is delivered whole, also when other feeds come in between.
    """
    imported = _delivery_of_stock(connection, snapshot)
    query = (
        select(quarantine.c.line, quarantine.c.column_name, quarantine.c.code, quarantine.c.raw)
        .where(quarantine.c.import_id == imported, quarantine.c.table_name == STOCK)
        .order_by(quarantine.c.number)
    )
    rows = [Refused(*row) for row in connection.execute(query)]
    refused: dict[Place, list[Refused]] = {}
    for row, places in zip(rows, _places_named(snapshot, rows), strict=True):
        for place in places:
            refused.setdefault(place, []).append(row)
    return [
        problem(
            snapshot,
            thresholds,
            item=item,
            site=site,
            cause=f"refused_rows:{STOCK}",
            quantity=0,
            threshold="quarantined_rows",
            measures={"rows_refused": float(len(mine))},
            note=(
                f"count {item} at {site} or correct its row of the stock feed and send it again: "
                f"{', '.join(f'{row.code} on line {row.line}' for row in mine)}"
            ),
        )
        for (item, site), mine in sorted(refused.items())
    ]


def _places_named(snapshot: Snapshot, rows: Sequence[Refused]) -> Iterator[list[Place]]:
    """Planned item-sites each row names; one that names no site at all may be about any site of its item.

    So it is where the mapping gives a whole file its site, or a line is cut off before it. A site that is itself
    what was refused is no place that is planned.
    """
    named = [frozenset(_ID.findall(_ESCAPED.sub(" ", row.raw))) for row in rows]
    planned = snapshot.table("item_sites").select("item", "site")
    planned = planned.filter(pl.col("item").is_in(sorted(frozenset().union(*named)))).sort("item", "site")
    sites_of: dict[str, list[str]] = {}
    for item, site in planned.iter_rows():
        sites_of.setdefault(item, []).append(site)
    known = frozenset(snapshot.table("sites")["site"].to_list())
    for row, words in zip(rows, named, strict=True):
        anywhere = words.isdisjoint(known) and row.column != "site"
        yield [
            (item, site)
            for item in sorted(words & sites_of.keys())
            for site in sites_of[item]
            if anywhere or site in words
        ]


def _delivery_behind(connection: Connection, snapshot: Snapshot) -> str | None:
    """The newest import that led to the snapshot."""
    return connection.execute(
        select(imports.c.import_id)
        .where(imports.c.snapshot_id == snapshot.snapshot_id)
        .order_by(imports.c.at.desc(), imports.c.import_id)
        .limit(1)
    ).scalar_one_or_none()


def _delivery_of_stock(connection: Connection, snapshot: Snapshot) -> str | None:
    """The newest import up to the snapshot's own that brought a stock feed: the one its stock comes from."""
    behind = _delivery_behind(connection, snapshot)
    if behind is None:
        return None
    at = select(imports.c.at).where(imports.c.import_id == behind).scalar_subquery()
    bodies = connection.execute(
        select(imports.c.import_id, imports.c.body)
        .where(imports.c.at <= at)
        .order_by(imports.c.at.desc(), imports.c.import_id != behind, imports.c.import_id)
    )
    for import_id, body in bodies:
        if any(feed.table == STOCK for feed in load(ImportReport, body).tables):
            return str(import_id)
    return None
