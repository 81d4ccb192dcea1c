"""The immutable files a snapshot is made of: contiguous item ranges of a table, named by the hash of their content.

Parts are written aside and renamed, so a reader never sees half a file, and a part that is already there is shared.
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from inventory.content_hash import content_hash
from inventory.errors import SnapshotError
from inventory.record import Record
from inventory.stored_tables import is_by_item, stored_key, stored_schema

TEMPORARY = ".tmp"
ROW_GROUP = 1024
"""Rows of a group of a file; of a file sorted by item only the groups that can hold an item are read for it."""


class Part(Record):
    """One file: a table, or the rows of a range of items."""

    table: str
    rows: int
    first_item: str
    """Lowest item in it; empty for a table that is not cut."""
    last_item: str
    hash: str
    """Content hash; also the file's name."""

    @property
    def name(self) -> str:
        """Path below the snapshot directory, ``table/hash.parquet``."""
        return f"{self.table}/{self.hash}.parquet"

    def may_hold(self, item: str) -> bool:
        """Whether rows of the item can be in it."""
        return not self.first_item or self.first_item <= item <= self.last_item

    def may_hold_any(self, items: Sequence[str]) -> bool:
        """Whether rows of any of the sorted items can be in it."""
        first = bisect_left(items, self.first_item)
        return not self.first_item or (first < len(items) and items[first] <= self.last_item)


def item_boundaries(item_sites: pl.DataFrame, part_size: int, previous: tuple[str, ...]) -> tuple[str, ...]:
    """Items at which a new range begins, so that a range holds about ``part_size`` item-sites.

    Boundaries of the parent are kept, so that parts without a change keep their content; only a range that has grown
    beyond one and a half times the size is cut again.
    """
    counts = item_sites.group_by("item").len().sort("item")
    ranges: dict[int, list[tuple[str, int]]] = {}
    for item, count in counts.iter_rows():
        ranges.setdefault(bisect_right(previous, item), []).append((item, count))
    added: list[str] = []
    for members in ranges.values():
        if sum(count for _, count in members) > part_size * 3 // 2:
            added += _cuts(members, part_size)
    return tuple(sorted({*previous, *added}))


def _cuts(members: list[tuple[str, int]], part_size: int) -> list[str]:
    """Items that open the second and later ranges of about ``part_size`` each."""
    cuts, filled = [], 0
    for item, count in members:
        if filled and filled + count > part_size:
            cuts.append(item)
            filled = 0
        filled += count
    return cuts


def cut_table(name: str, frame: pl.DataFrame, boundaries: tuple[str, ...]) -> Iterator[pl.DataFrame]:
    """The table's non-empty item ranges, each sorted by the table's key; one range if it is not cut by item."""
    key = list(stored_key(name))
    if not is_by_item(name):
        if frame.height:
            yield frame.sort(key)
        return
    ordered = frame.sort("item")
    edges = [0, *(int(ordered["item"].search_sorted(item, side="left")) for item in boundaries), ordered.height]
    for start, stop in pairwise(edges):
        if stop > start:
            yield ordered.slice(start, stop - start).sort(key)


def write_part(directory: Path, name: str, frame: pl.DataFrame) -> Part:
    """Make sure the part's file is on disk, and return its description.

    Parameters
    ----------
    directory
        The snapshot directory.
    name
        Table the rows belong to.
    frame
        Rows sorted by key, columns as :func:`stored_schema` has them.
    """
    cut = is_by_item(name)
    part = Part(
        table=name,
        rows=frame.height,
        first_item=str(frame["item"].min()) if cut else "",
        last_item=str(frame["item"].max()) if cut else "",
        hash=content_hash(frame, stored_key(name)),
    )
    target = directory / part.name
    if target.exists():
        os.utime(target)  # an orphan about to be used again must not be swept
        return part
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{part.hash}.{os.getpid()}{TEMPORARY}")
    with aside.open("wb") as file:
        frame.write_parquet(file, compression="zstd", row_group_size=ROW_GROUP)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, target)
    _sync_directory(target.parent)
    return part


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_part(directory: Path, part: Part, items: Collection[str] | None = None) -> pl.DataFrame:
    """The part's rows.

    Parameters
    ----------
    items
        The only items whose rows are read; all when omitted.

    Raises
    ------
    SnapshotError
        If the file is missing, cannot be read, or does not hold the rows and columns it should.
    """
    path = directory / part.name
    try:
        if items is None:
            frame = pl.read_parquet(path, glob=False, hive_partitioning=False)
            height = frame.height
        else:
            stored = pl.scan_parquet(path, glob=False, hive_partitioning=False)
            frame = stored.filter(pl.col("item").is_in(sorted(items))).collect()
            height = stored.select(pl.len()).collect().item()
    except FileNotFoundError as error:
        raise SnapshotError(f"part {part.name} of table {part.table} is missing from {directory}") from error
    except (PolarsError, OSError) as error:
        raise SnapshotError(f"part {part.name} of table {part.table} is damaged: {error}") from error
    if frame.schema != stored_schema(part.table) or height != part.rows:
        raise SnapshotError(
            f"part {part.name} of table {part.table} is damaged: {height} rows of {frame.width} columns, "
            f"expected {part.rows} rows as the data contract has them"
        )
    return frame


def verify_part(directory: Path, part: Part) -> None:
    """Read the part and compare its content with its hash; ``SnapshotError`` naming it if they differ."""
    found = content_hash(read_part(directory, part), stored_key(part.table))
    if found != part.hash:
        raise SnapshotError(f"part {part.name} of table {part.table} is damaged: its content hashes to {found[:12]}")
