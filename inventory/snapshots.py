"""Snapshots: dated, immutable pictures of the facts, each a manifest of parts in SQL and Parquet files beside it.

Rules
-----
- A snapshot exists once its SQL row commits. Parts are written before; a run that dies in between leaves orphan files
  and the last good snapshot.
- The id is a digest over the moment, the contract version and the parts' content hashes: equal facts, equal id.
- The newest committed snapshot is the current one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
from sqlalchemy import Row, func, select

from inventory.contract import CONTRACT_VERSION
from inventory.crash_points import crash_point
from inventory.database import Database, Transaction
from inventory.demand_history import DemandHistory
from inventory.errors import LostRaceError, SnapshotError
from inventory.record import Record, Utc, canonical_record, load, short_id
from inventory.snapshot_parts import Part, cut_table, item_boundaries, read_part, verify_part, write_part
from inventory.stored_tables import STORED_TABLES, empty_table, history_weeks, is_by_item, stored_key, stored_schema
from inventory.tables import snapshots

PART_SIZE = 40_000
"""Item-sites in a part, about."""
ORPHAN_GRACE = timedelta(hours=24)
"""A part younger than this may belong to an import that is still running."""


class Manifest(Record):
    """What a snapshot is made of and where it comes from."""

    snapshot_id: str
    as_of: Utc
    parent_id: str | None
    import_id: str
    contract_version: int
    parts: tuple[Part, ...]
    boundaries: tuple[str, ...]
    """Items at which the second and later ranges begin; handed on from parent to child."""
    history_start: date
    """Monday of the first week of the demand lists."""
    history_weeks: int


class Snapshot:
    """One committed snapshot, read part by part.

    Parameters
    ----------
    directory
        Where the parts are.
    manifest
        What it is made of.
    items
        The only items its tables speak of; all when omitted.
    whole
        Tables of all items that are at hand already, and need not be read again.
    """

    def __init__(
        self,
        directory: Path,
        manifest: Manifest,
        items: Collection[str] | None = None,
        whole: Mapping[str, pl.DataFrame] | None = None,
    ) -> None:
        self.directory = directory
        self.manifest = manifest
        self._items = None if items is None else sorted(set(items))
        self._whole = whole or {}
        self._tables: dict[str, pl.DataFrame] = {}

    @property
    def snapshot_id(self) -> str:
        """``snap-`` and 12 hexadecimal characters."""
        return self.manifest.snapshot_id

    @property
    def as_of(self) -> datetime:
        """The moment the facts are complete up to, UTC."""
        return self.manifest.as_of

    @property
    def weeks(self) -> list[date]:
        """Mondays of the demand lists, oldest first."""
        start = self.manifest.history_start
        return [start + timedelta(weeks=week) for week in range(self.manifest.history_weeks)]

    def of_items(self, items: Collection[str]) -> Snapshot:
        """The same facts about some items only: tables cut by item are read from the parts that can hold them."""
        return Snapshot(self.directory, self.manifest, items, self._tables if self._items is None else None)

    def parts(self, name: str | None = None) -> tuple[Part, ...]:
        """Parts of one table, or all, in order of table and item."""
        return tuple(part for part in self.manifest.parts if name in (None, part.table))

    def table(self, name: str, *, item: str | None = None) -> pl.DataFrame:
        """A table's rows sorted by key; without rows, but with its columns, when it was never delivered.

        Quantities are integers in the item's smallest unit.

        Parameters
        ----------
        name
            A table of the data contract, or ``demand_recent``.
        item
            Only the rows of this item; reads no more than the part that can hold them.

        Raises
        ------
        SnapshotError
            If a part is missing or damaged.
        KeyError
            If the contract has no such table.
        """
        if item is not None:
            parts = [part for part in self.parts(name) if part.may_hold(item)]
            return self._read(name, parts).filter(pl.col("item") == item)
        if name not in self._tables:
            self._tables[name] = self._read(name, list(self.parts(name)))
        return self._tables[name]

    def demand(self) -> DemandHistory:
        """Weekly demand as arrays."""
        return DemandHistory.of(self._read("demand", list(self.parts("demand"))), self.weeks)

    def feeds(self) -> dict[tuple[str, str], datetime]:
        """The moment each feed is complete up to, by ``(table, site)``; a pair that is absent was never delivered."""
        rows = self.table("feeds").select("feed", "site", "as_of").iter_rows()
        return {(feed, site): as_of for feed, site, as_of in rows}

    def history_weeks(self) -> pl.DataFrame:
        """Columns ``item``, ``site``, ``weeks``: weeks of demand history of each planned item-site, 0 to 104."""
        demand = self.demand()
        known = demand.keys.with_columns(pl.Series("weeks", demand.history_weeks, pl.Int64))
        planned = self.table("item_sites").select("item", "site")
        return planned.join(known, on=["item", "site"], how="left", maintain_order="left").with_columns(
            pl.col("weeks").fill_null(0)
        )

    def verify(self) -> None:
        """Read every part and compare content with hash; ``SnapshotError`` naming the first that differs."""
        for part in self.manifest.parts:
            verify_part(self.directory, part)

    def _read(self, name: str, parts: list[Part]) -> pl.DataFrame:
        chosen = self._items if is_by_item(name) else None
        if name in self._whole:
            rows = self._whole[name]
            return rows if chosen is None else rows.filter(pl.col("item").is_in(chosen))
        if chosen is not None:
            parts = [part for part in parts if part.may_hold_any(chosen)]
        if not parts:
            return empty_table(name)
        key = stored_key(name)
        rows = pl.concat([read_part(self.directory, part, chosen) for part in parts], rechunk=True)
        return rows if key[0] == "item" or len(parts) == 1 else rows.sort(key)


class SnapshotStore:
    """Writes, finds and sweeps snapshots.

    Parameters
    ----------
    directory
        Where the parts are kept; created when first written.
    database
        Where the manifests are kept.
    part_size
        Item-sites in a part, about.
    """

    def __init__(self, directory: Path, database: Database, *, part_size: int = PART_SIZE) -> None:
        self.directory = directory
        self.database = database
        self.part_size = part_size

    def current(self) -> Snapshot | None:
        """The newest committed snapshot; None before the first."""
        with self.database.read() as connection:
            query = select(snapshots.c.manifest).order_by(snapshots.c.number.desc()).limit(1)
            row = connection.execute(query).one_or_none()
        return None if row is None else self._loaded(row)

    def open(self, snapshot_id: str) -> Snapshot:
        """The snapshot of that id; ``SnapshotError`` if there is none."""
        with self.database.read() as connection:
            query = select(snapshots.c.manifest).where(snapshots.c.snapshot_id == snapshot_id)
            row = connection.execute(query).one_or_none()
        if row is None:
            raise SnapshotError(f"no snapshot {snapshot_id}")
        return self._loaded(row)

    def history(self) -> list[Manifest]:
        """Every manifest, oldest first."""
        with self.database.read() as connection:
            query = select(snapshots.c.manifest).order_by(snapshots.c.number)
            return [load(Manifest, row.manifest) for row in connection.execute(query)]

    def write(
        self,
        tables: Mapping[str, pl.DataFrame],
        *,
        as_of: datetime,
        import_id: str,
        actor: str,
        now: datetime,
        parent: Snapshot | None = None,
    ) -> Snapshot:
        """Write and commit a snapshot in one go; see :meth:`prepare` for the arguments."""
        manifest = self.prepare(tables, as_of=as_of, import_id=import_id, parent=parent)
        with self.database.write(actor, now) as transaction:
            self.commit(transaction, manifest)
        return Snapshot(self.directory, manifest)

    def prepare(
        self,
        tables: Mapping[str, pl.DataFrame],
        *,
        as_of: datetime,
        import_id: str,
        parent: Snapshot | None,
    ) -> Manifest:
        """Write the parts of a snapshot that does not exist before :meth:`commit`.

        Parameters
        ----------
        tables
            By name, with the columns and types of :func:`inventory.stored_tables.stored_schema`, any row order.
            Tables left out are the parent's.
        as_of
            The moment the facts are complete up to.
        import_id
            The delivery they came with.
        parent
            The snapshot this one follows.

        Raises
        ------
        SnapshotError
            If a table is not of the contract, has other columns, repeats a key, or the weeks move on without demand.
        """
        for name, frame in tables.items():
            _check(name, frame)
        weeks = history_weeks(as_of.astimezone(UTC))
        if parent is not None and parent.manifest.history_start != weeks[0] and "demand" not in tables:
            raise SnapshotError(f"demand must be moved on to the week of {weeks[-1]} before the snapshot is written")
        boundaries = parent.manifest.boundaries if parent else ()
        if "item_sites" in tables:
            boundaries = item_boundaries(tables["item_sites"], self.part_size, boundaries)
        parts = [part for name in STORED_TABLES for part in self._parts_of(name, tables.get(name), boundaries, parent)]
        moment = as_of.astimezone(UTC).isoformat()
        return Manifest(
            snapshot_id=short_id("snap", moment, str(CONTRACT_VERSION), *(f"{p.table} {p.hash}" for p in parts)),
            as_of=as_of,
            parent_id=parent.snapshot_id if parent else None,
            import_id=import_id,
            contract_version=CONTRACT_VERSION,
            parts=tuple(parts),
            boundaries=boundaries,
            history_start=weeks[0],
            history_weeks=len(weeks),
        )

    def _parts_of(
        self, name: str, frame: pl.DataFrame | None, boundaries: tuple[str, ...], parent: Snapshot | None
    ) -> list[Part]:
        """The table's parts: written when it is given or must be cut anew, otherwise the parent's own."""
        if frame is None:
            if parent is None:
                return []
            if boundaries == parent.manifest.boundaries or not is_by_item(name):
                return list(parent.parts(name))
            frame = parent.table(name)
        ordered = frame.select(stored_schema(name).names())
        return [write_part(self.directory, name, rows) for rows in cut_table(name, ordered, boundaries)]

    def commit(self, transaction: Transaction, manifest: Manifest) -> None:
        """Make a prepared snapshot the current one, with its audit entry, inside the caller's transaction.

        Facts that were there before, at the same moment, are the same snapshot: it becomes current again.

        Raises
        ------
        LostRaceError
            If another snapshot became current since the parent was read.
        """
        connection = transaction.connection
        query = select(snapshots.c.snapshot_id, snapshots.c.number).order_by(snapshots.c.number.desc()).limit(1)
        last = connection.execute(query).one_or_none()
        if (last.snapshot_id if last else None) != manifest.parent_id:
            raise LostRaceError(
                f"snapshot {last.snapshot_id if last else 'none'} became current while one following "
                f"{manifest.parent_id} was prepared"
            )
        crash_point("snapshot.parts_written")
        number = last.number + 1 if last else 1
        same = snapshots.c.snapshot_id == manifest.snapshot_id
        if connection.execute(select(func.count()).where(same)).scalar_one():
            connection.execute(snapshots.update().where(same).values(number=number))
        else:
            connection.execute(
                snapshots.insert().values(
                    snapshot_id=manifest.snapshot_id,
                    number=number,
                    as_of=manifest.as_of,
                    created_at=transaction.now,
                    parent_id=manifest.parent_id,
                    manifest=canonical_record(manifest),
                )
            )
        body = {
            "as_of": manifest.as_of.isoformat(),
            "parent": manifest.parent_id,
            "import": manifest.import_id,
            "parts": len(manifest.parts),
        }
        transaction.record("snapshot.imported", "snapshot", manifest.snapshot_id, body)

    def sweep_orphans(self, now: datetime, *, grace: timedelta = ORPHAN_GRACE) -> int:
        """Remove files no snapshot names and no running import can still need; returns how many.

        Parameters
        ----------
        now
            Compared with the files' own times.
        grace
            Files younger than this stay.
        """
        named = {part.name for manifest in self.history() for part in manifest.parts}
        removed = 0
        for path in sorted(self.directory.glob("*/*")):
            young = path.stat().st_mtime > (now - grace).timestamp()
            if path.relative_to(self.directory).as_posix() not in named and not young:
                path.unlink()
                removed += 1
        return removed

    def _loaded(self, row: Row[tuple[str]]) -> Snapshot:
        manifest = load(Manifest, row.manifest)
        if manifest.contract_version != CONTRACT_VERSION:
            raise SnapshotError(
                f"snapshot {manifest.snapshot_id} follows data contract {manifest.contract_version}, "
                f"this installation reads {CONTRACT_VERSION}"
            )
        return Snapshot(self.directory, manifest)


def _check(name: str, frame: pl.DataFrame) -> None:
    if name not in STORED_TABLES:
        raise SnapshotError(f"table {name} is not in the data contract")
    expected = stored_schema(name)
    found = frame.schema
    wrong = [f"{column} {found.get(column, 'missing')}" for column in expected if found.get(column) != expected[column]]
    wrong += [f"{column} unexpected" for column in found if column not in expected]
    if wrong:
        raise SnapshotError(f"table {name} does not have the columns of the data contract: {', '.join(wrong)}")
    if frame.select(stored_key(name)).is_duplicated().any():
        raise SnapshotError(f"table {name} repeats a key ({', '.join(stored_key(name))})")
