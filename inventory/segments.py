"""Segments of item-sites: where each one stands today, and every change, append-only.

A segment is kept as the number of its cell (value, variability, stage of life, constrained supply). Only what changed
is written, so a quiet day over a large network costs a read.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, func, select, true, update

from inventory.database import Transaction
from inventory.records import Scope, SegmentChange
from inventory.tables import segment_changes, segments

SCHEMA = {"item": pl.String, "site": pl.String, "cell": pl.Int64}


def segment_frame(connection: Connection, scope: Scope) -> pl.DataFrame:
    """Columns ``item``, ``site`` and ``cell`` of every item-site the reader may see, by item and site."""
    query = (
        select(segments.c.item, segments.c.site, segments.c.cell)
        .where(_visible(segments, scope))
        .order_by(segments.c.item, segments.c.site)
    )
    return pl.DataFrame([tuple(row) for row in connection.execute(query)], schema=SCHEMA, orient="row")


def save_segments(
    transaction: Transaction,
    snapshot_id: str,
    *,
    fresh: Sequence[tuple[str, str, str, int]],
    changes: Sequence[SegmentChange],
) -> None:
    """Keep the segments of item-sites seen first, and the changes of the others; the same snapshot again adds nothing.

    Parameters
    ----------
    fresh
        ``(item, site, item class, cell)`` of item-sites that had no segment.
    """
    connection = transaction.connection
    if fresh:
        names = ("item", "site", "item_class", "cell")
        rows = [{**dict(zip(names, row, strict=True)), "snapshot_id": snapshot_id} for row in fresh]
        connection.execute(segments.insert(), rows)
    if changes:
        here = and_(segments.c.item == bindparam("of_item"), segments.c.site == bindparam("of_site"))
        connection.execute(
            update(segments).where(here).values(cell=bindparam("to_cell"), snapshot_id=snapshot_id),
            [{"of_item": change.item, "of_site": change.site, "to_cell": change.after} for change in changes],
        )
        connection.execute(
            segment_changes.insert().prefix_with("OR REPLACE", dialect="sqlite"),
            [dict(change) for change in changes],
        )
    if fresh or changes:
        transaction.record("segments.assigned", "snapshot", snapshot_id, {"fresh": len(fresh), "changed": len(changes)})


def list_segment_changes(
    connection: Connection, scope: Scope, snapshot_id: str, *, limit: int | None = None
) -> list[SegmentChange]:
    """Changes of a snapshot, most valuable first, then by item and site."""
    query = (
        select(segment_changes)
        .where(segment_changes.c.snapshot_id == snapshot_id, _visible(segment_changes, scope))
        .order_by(segment_changes.c.value_minor.desc(), segment_changes.c.item, segment_changes.c.site)
    )
    if limit is not None:
        query = query.limit(limit)
    return [SegmentChange.model_validate(dict(row._mapping)) for row in connection.execute(query)]


def count_segment_changes(connection: Connection, scope: Scope, snapshot_id: str) -> int:
    """How many item-sites changed segment in a snapshot."""
    query = select(func.count()).where(segment_changes.c.snapshot_id == snapshot_id, _visible(segment_changes, scope))
    return int(connection.execute(query).scalar_one())


def _visible(table: Table, scope: Scope) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = []
    if scope.sites is not None:
        conditions.append(table.c.site.in_(sorted(scope.sites)))
    if scope.item_classes is not None:
        conditions.append(table.c.item_class.in_(sorted(scope.item_classes)))
    return and_(*conditions) if conditions else true()
