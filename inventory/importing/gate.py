"""The import gate: reads a delivery, quarantines what does not fit, and makes a snapshot of the rest.

Rules
-----
- Every row read is accepted or quarantined with file, line, column, reason and raw text.
- A delivery is taken as a whole or refused as a whole; refused, it changes nothing but the audit chain.
- Snapshot, quarantine, import and audit entry commit in one transaction; the part files are there before.
- The same delivery sent again is a replay: it answers what it answered the first time and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from sqlalchemy import select

from inventory.contract import REFUSE_BELOW_WEEKS, TABLES, WARN_BELOW_WEEKS, table
from inventory.crash_points import crash_point
from inventory.database import Database, Transaction
from inventory.errors import ContractError, SnapshotError
from inventory.importing.checks import CLOCK_SKEW, CheckedFeed, Known, check_feed
from inventory.importing.columns import name_columns
from inventory.importing.combine import MERGED, combine
from inventory.importing.conversions import convert
from inventory.importing.delivery import Delivery, FeedFile, find_delivery
from inventory.importing.mapping import NATIVE, Mapping
from inventory.importing.readers import RawFeed, read_feed
from inventory.importing.references import reading_order, referred_tables
from inventory.importing.report import SHOWN, ImportReport, first_rejections, table_report
from inventory.record import canonical_record, load
from inventory.snapshots import Snapshot, SnapshotStore
from inventory.tables import imports, quarantine

SHRINK_LIMIT = 0.5
"""A required table that keeps less than this share of its rows is refused: half a file looks like that."""
QUARANTINE_LIMIT = 0.2
"""A file of which a larger share is quarantined is refused: its mapping is probably wrong."""
QUARANTINE_FLOOR = 10
"""... but not for fewer rows than this."""
_BATCH = 1_000

Progress = Callable[[str, int, int], None]
"""Called with a table's name, feeds done and feeds in all."""
WhenCurrent = Callable[[Transaction, Snapshot], None]
"""Called inside the transaction that makes the snapshot current, as to refresh the stock ledger."""


@dataclass(frozen=True)
class Limits:
    """What a sender may ask to be let through."""

    allow_shrink: bool = False
    quarantined_share: float = QUARANTINE_LIMIT


def import_feeds(
    paths: Path | Sequence[Path],
    *,
    mapping: Mapping | None,
    database: Database,
    snapshots: SnapshotStore,
    actor: str,
    now: datetime,
    as_of: datetime | None = None,
    allow_shrink: bool = False,
    max_quarantined_share: float = QUARANTINE_LIMIT,
    when_current: WhenCurrent | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Import a delivery: a folder, a file, or several files.

    Parameters
    ----------
    paths
        Files named after their tables, or named in the mapping.
    mapping
        None when every file follows the contract to the letter.
    database, snapshots
        Where facts about the import and the facts themselves go.
    actor
        Who sends.
    now
        Aware; nothing may be dated more than an hour after it.
    as_of
        The facts are complete up to here. Absent: what the mapping says, else the newest ``as_of`` of the stock feed.
    allow_shrink
        Let a required table lose more than half of its rows.
    max_quarantined_share
        Share of a file's rows, 0 to 1, above which the delivery is refused.
    when_current
        Joins the committing transaction.
    progress
        Told after each feed.

    Raises
    ------
    ContractError
        If the delivery is not whole: a required table missing in the first one, a file unreadable
        (``UnreadableFeedError``), the mapping wrong for the files (``MappingError``), too many rows quarantined.
    SnapshotError
        If it is dated in the future, older than the current snapshot, or has lost too many rows.
    LostRaceError
        If another snapshot became current meanwhile.
    """
    mapping = mapping or Mapping()
    import_id = "unidentified"
    try:
        if as_of is not None and as_of.tzinfo is None:
            raise ContractError(f"as_of {as_of.isoformat()} has no offset, expected one as +00:00")
        delivery = find_delivery(paths, mapping, as_of)
        import_id = delivery.import_id
        before = _sent_before(database, import_id)
        if before is not None:
            return before.model_copy(update={"replay": True})
        moment = as_of or mapping.defaults.as_of
        limits = Limits(allow_shrink, max_quarantined_share)
        parent = snapshots.current()
        arrived = _Arrived(delivery, mapping, parent, now, moment, limits, progress)
        return _settle(arrived, database, snapshots, actor, when_current)
    except (ContractError, SnapshotError) as error:
        with database.write(actor, now) as transaction:
            transaction.record("import.refused", "import", import_id, {"reason": str(error)})
        raise


def _sent_before(database: Database, import_id: str) -> ImportReport | None:
    with database.read() as connection:
        row = connection.execute(select(imports.c.body).where(imports.c.import_id == import_id)).one_or_none()
    return None if row is None else load(ImportReport, row.body)


@dataclass(frozen=True)
class _Arrived:
    """A delivery on its way through the gate."""

    delivery: Delivery
    mapping: Mapping
    parent: Snapshot | None
    now: datetime
    stated_as_of: datetime | None
    limits: Limits
    progress: Progress | None


def _settle(
    arrived: _Arrived, database: Database, snapshots: SnapshotStore, actor: str, when_current: WhenCurrent | None
) -> ImportReport:
    """Judge every row, write the parts, and commit."""
    delivery, parent = arrived.delivery, arrived.parent
    _check_complete(delivery, parent)
    stock = next((_read(feed, arrived.mapping) for feed in delivery.feeds if feed.table == "stock"), None)
    as_of = _moment(arrived, stock)
    checked = list(_checked(arrived, stock, as_of))
    accepted = {feed.table: feed.accepted for feed in checked}
    shrunk = _check_size(accepted, parent, arrived.limits)
    _check_units(accepted, parent)
    combined = combine(accepted, parent, as_of)
    manifest = snapshots.prepare(combined.tables, as_of=as_of, import_id=delivery.import_id, parent=parent)
    snapshot = Snapshot(snapshots.directory, manifest)
    history_warnings, refused = _history(snapshot)
    report = ImportReport(
        import_id=delivery.import_id,
        replay=False,
        snapshot_id=manifest.snapshot_id,
        as_of=as_of,
        tables=tuple(table_report(feed) for feed in checked),
        warnings=(*_feed_warnings(arrived, checked), *shrunk, *combined.warnings, *history_warnings),
        problems=first_rejections(checked),
        refused_items=len(refused),
        refused_item_sites=tuple(refused[:SHOWN]),
    )
    with database.write(actor, arrived.now) as transaction:
        _enter(transaction, report, checked)
        snapshots.commit(transaction, manifest)
        if when_current is not None:
            when_current(transaction, snapshot)
        crash_point("import.before_commit")
    crash_point("import.after_commit")
    return report


def _check_complete(delivery: Delivery, parent: Snapshot | None) -> None:
    sent = {feed.table for feed in delivery.feeds}
    missing = [each.name for each in TABLES if each.required and each.name not in sent]
    if parent is None and missing:
        raise ContractError(
            f"the first delivery lacks table {', '.join(missing)}, without which nothing can be planned"
        )


def _read(feed: FeedFile, mapping: Mapping) -> RawFeed:
    return read_feed(feed.path.name, feed.content(), mapping.format_of(feed.table), mapping.feed(feed.table).sheet)


def _moment(arrived: _Arrived, stock: RawFeed | None) -> datetime:
    """When the delivery is complete up to; refused when in the future or before the current snapshot."""
    limit = arrived.now + CLOCK_SKEW
    as_of = arrived.stated_as_of or _newest_stock(arrived.mapping, stock, limit)
    if as_of is None:
        raise ContractError(
            "the delivery does not say when it was taken: give as_of, in the mapping or in the stock feed"
        )
    if as_of > limit:
        raise SnapshotError(
            f"the delivery is dated {as_of.isoformat()}, in the future: expected at most {limit.isoformat()}"
        )
    if arrived.parent is not None and as_of < arrived.parent.as_of:
        raise SnapshotError(
            f"the delivery is dated {as_of.isoformat()}, before the current snapshot {arrived.parent.snapshot_id} of "
            f"{arrived.parent.as_of.isoformat()}: it is stale"
        )
    return as_of.astimezone(UTC)


def _newest_stock(mapping: Mapping, stock: RawFeed | None, limit: datetime) -> datetime | None:
    """Newest ``as_of`` in the stock feed that is not in the future; the oldest if all of them are."""
    if stock is None:
        return None
    contract = table("stock")
    text = name_columns(contract, stock, mapping.feed("stock")).text["as_of"]
    times = convert(contract.column("as_of"), text, NATIVE).values.drop_nulls()
    past = times.filter(times <= limit)
    newest = past.max() if len(past) else times.min()
    return newest if isinstance(newest, datetime) else None


def _checked(arrived: _Arrived, stock: RawFeed | None, as_of: datetime) -> Iterator[CheckedFeed]:
    """Every feed judged, those that others refer to first."""
    known = Known(arrived.now, as_of)
    feeds, done = {feed.table: feed for feed in arrived.delivery.feeds}, 0
    for contract in reading_order():
        feed = feeds.get(contract.name)
        if feed is None:
            if arrived.parent is not None and contract.name in referred_tables():
                known.add(contract, arrived.parent.table(contract.name))
            continue
        raw = stock if stock is not None and contract.name == "stock" else _read(feed, arrived.mapping)
        checked = check_feed(contract, raw, arrived.mapping, known)
        _check_share(checked, arrived.limits)
        known.add(contract, checked.accepted)
        yield checked
        done += 1
        if arrived.progress is not None:
            arrived.progress(contract.name, done, len(feeds))


def _check_share(checked: CheckedFeed, limits: Limits) -> None:
    bad = len(checked.rejections)
    if bad >= QUARANTINE_FLOOR and bad > limits.quarantined_share * checked.read:
        first = "; ".join(rejection.message for rejection in checked.rejections[:5])
        raise ContractError(
            f"{checked.file}: {bad} of {checked.read} rows of {checked.table} do not meet the contract, more than "
            f"{limits.quarantined_share:.0%}; the first: {first}"
        )


def _check_size(accepted: dict[str, pl.DataFrame], parent: Snapshot | None, limits: Limits) -> list[str]:
    """Refuse a required table without rows or with few of its rows left; warn of others that shrank as much."""
    warnings = []
    for name, frame in accepted.items():
        if parent is None or name in MERGED:
            if parent is None and table(name).required and frame.is_empty():
                raise ContractError(f"table {name} has no acceptable row, and nothing can be planned without it")
            continue
        before = sum(part.rows for part in parent.parts(name))
        if frame.height >= SHRINK_LIMIT * before:
            continue
        said = f"table {name} has {frame.height} rows, {before} in the snapshot before"
        if table(name).required and not limits.allow_shrink:
            raise SnapshotError(f"{said}: less than {SHRINK_LIMIT:.0%} are left; allow shrinking if that is meant")
        warnings.append(said)
    return warnings


def _check_units(accepted: dict[str, pl.DataFrame], parent: Snapshot | None) -> None:
    """Refuse another smallest unit for an item whose history is kept in the old one."""
    if parent is None or "items" not in accepted:
        return
    units = ["item", "base_unit", "decimals"]
    both = parent.table("items").select(units).join(accepted["items"].select(units), on="item", suffix="_new")
    changed = both.filter(
        (pl.col("base_unit") != pl.col("base_unit_new")) | (pl.col("decimals") != pl.col("decimals_new"))
    )
    for item, old, old_decimals, new, new_decimals in changed.sort("item").head(1).iter_rows():
        raise ContractError(
            f"item {item}: base unit {new} with {new_decimals} decimals, expected {old} with {old_decimals} as before "
            f"({changed.height} items changed); history is kept in the old unit, so give the item another id"
        )


def _feed_warnings(arrived: _Arrived, checked: list[CheckedFeed]) -> Iterator[str]:
    for name in arrived.delivery.ignored:
        yield f"{name} belongs to no table of the contract and was not read"
    for feed in checked:
        if feed.ignored and not arrived.mapping.feed(feed.table).columns:
            yield f"{feed.file}: column {', '.join(feed.ignored)} is not in the contract and was not read"
        cut = [rejection.line for rejection in feed.rejections if rejection.code == "cut_off"]
        if cut:
            yield f"{feed.file} ends in the middle of line {cut[0]}: it was probably cut; the rows before were kept"


def _history(snapshot: Snapshot) -> tuple[list[str], list[str]]:
    """Warnings about short histories, and the item-sites too short for mathematics."""
    weeks = snapshot.history_weeks()
    short = weeks.filter(pl.col("weeks") < WARN_BELOW_WEEKS).height
    none = weeks.filter(pl.col("weeks") == 0).height
    few = weeks.filter(pl.col("weeks") < REFUSE_BELOW_WEEKS)
    warnings = []
    if short:
        warnings.append(
            f"{short} of {weeks.height} item-sites have under {WARN_BELOW_WEEKS} weeks of demand: lower confidence"
        )
    if few.height:
        warnings.append(
            f"{few.height} item-sites have under {REFUSE_BELOW_WEEKS} weeks of demand ({none} of them none): they are "
            "kept, but get no quantity from mathematics"
        )
    return warnings, [f"{item}@{site}" for item, site in few.select("item", "site").iter_rows()]


def _enter(transaction: Transaction, report: ImportReport, checked: list[CheckedFeed]) -> None:
    """The import and its quarantined rows, in the transaction of the snapshot."""
    connection = transaction.connection
    connection.execute(
        imports.insert().values(
            import_id=report.import_id,
            at=transaction.now,
            by=transaction.actor,
            accepted=report.accepted,
            quarantined=report.quarantined,
            snapshot_id=report.snapshot_id,
            body=canonical_record(report),
        )
    )
    rejections = [rejection for feed in checked for rejection in feed.rejections]
    rows = [
        {
            "import_id": report.import_id,
            "number": number,
            "file": rejection.file,
            "line": rejection.line,
            "table_name": rejection.table,
            "column_name": rejection.column,
            "code": rejection.code,
            "message": rejection.message,
            "raw": rejection.raw,
        }
        for number, rejection in enumerate(rejections, start=1)
    ]
    for start in range(0, len(rows), _BATCH):
        connection.execute(quarantine.insert(), rows[start : start + _BATCH])
