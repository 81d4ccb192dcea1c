"""Segments of item-sites: where each one stands today, and every change, append-only.

A segment is kept as the number of its cell (value, variability, stage of life, constrained supply). Only what changed
is written, so a quiet day over a large network costs a read.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl
from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, delete, func, select, true, update

from inventory.database import Transaction
from inventory.records import Scope, SegmentChange
from inventory.tables import segment_changes, segments

FEW = 500
"""Items a statement names; more are picked out of the answer."""
SCHEMA = {"item": pl.String, "site": pl.String, "cell": pl.Int64}


def segment_frame(connection: Connection, scope: Scope) -> pl.DataFrame:
    """Columns ``item``, ``site`` and ``cell`` of every item-site the reader may see, by item and site."""
    query = (
        select(segments.c.item, segments.c.site, segments.c.cell)
        .where(_visible(segments, scope))
        .order_by(segments.c.item, segments.c.site)
    )
    return pl.DataFrame([tuple(row) for row in connection.execute(query)], schema=SCHEMA, orient="row")


def places_in_cells(
    connection: Connection, cells: Sequence[int], *, items: Collection[str] | None = None
) -> pl.DataFrame:
    """Columns ``item``, ``site``, ``cell`` and ``item_class`` of the item-sites in some cells, of all items or some."""
    wanted = [segments.c.cell.in_(sorted(cells))]
    if items is not None and len(items) <= FEW:
        wanted.append(segments.c.item.in_(sorted(items)))
    query = (
        select(segments.c.item, segments.c.site, segments.c.cell, segments.c.item_class)
        .where(and_(*wanted))
        .order_by(segments.c.item, segments.c.site)
    )
    schema = SCHEMA | {"item_class": pl.String}
    found = pl.DataFrame([tuple(row) for row in connection.execute(query)], schema=schema, orient="row")
    return found if items is None else found.filter(pl.col("item").is_in(sorted(items)))


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
        # Straight to the driver: a network seen for the first time is a row for every item-site.
        insert = segments.insert().compile(dialect=connection.dialect)
        rows = [(*row, snapshot_id) for row in fresh]
        names = segments.columns.keys()
        named = rows if insert.positional else [dict(zip(names, row, strict=True)) for row in rows]
        connection.exec_driver_sql(str(insert), named)
    if changes:
        here = and_(segments.c.item == bindparam("of_item"), segments.c.site == bindparam("of_site"))
        connection.execute(
            update(segments).where(here).values(cell=bindparam("to_cell"), snapshot_id=snapshot_id),
            [{"of_item": change.item, "of_site": change.site, "to_cell": change.after} for change in changes],
        )
        there = and_(segment_changes.c.item == bindparam("of_item"), segment_changes.c.site == bindparam("of_site"))
        connection.execute(
            delete(segment_changes).where(segment_changes.c.snapshot_id == bindparam("of_snapshot"), there),
            [{"of_snapshot": one.snapshot_id, "of_item": one.item, "of_site": one.site} for one in changes],
        )
        connection.execute(segment_changes.insert(), [dict(change) for change in changes])
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
