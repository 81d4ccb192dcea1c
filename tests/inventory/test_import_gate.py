"""A delivery is taken or refused as a whole, and sending it twice changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import func, select

from inventory.audit import entries
from inventory.database import Database, Transaction
from inventory.errors import ContractError, InventoryError, MappingError, SnapshotError, UnreadableFeedError
from inventory.importing.mapping import Mapping, parse_mapping
from inventory.snapshots import Snapshot, SnapshotStore
from inventory.tables import imports, quarantine, snapshots
from tests.inventory.import_worlds import BOARD, GLUE, LAST_WEEK, LYON, NOW, PORTO, SCREW, Feeds, a_delivery, send, take

TOMORROW = NOW + timedelta(days=1)


@pytest.fixture
def store(database: Database, tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "snapshots", database)


def counts(database: Database) -> tuple[int, int, int]:
    """Imports, quarantined rows, snapshots."""
    with database.read() as connection:
        imported, rows, taken = (
            int(connection.execute(select(func.count()).select_from(each)).scalar_one())
            for each in (imports, quarantine, snapshots)
        )
    return imported, rows, taken


def events(database: Database) -> list[str]:
    with database.read() as connection:
        return [entry.event for entry in entries(connection)]


def test_accepted_rows_become_a_snapshot_in_smallest_units(
    database: Database, store: SnapshotStore, tmp_path: Path
) -> None:
    report = take(send(tmp_path / "feeds", a_delivery()), database, store)
    snapshot = store.open(report.snapshot_id)
    held = {(row["item"], row["site"]): row["on_hand"] for row in snapshot.table("stock").iter_rows(named=True)}
    assert held == {(BOARD, LYON): 120, (BOARD, PORTO): 4, (GLUE, LYON): 2250}
    assert snapshot.table("sites")["calendar"].to_list() == ["12345", "12345"]
    assert snapshot.as_of == NOW
    assert not report.replay
    assert report.quarantined == 0
    assert events(database) == ["snapshot.imported"]
    snapshot.verify()


def test_a_delivery_sent_twice_is_a_replay_and_writes_nothing(
    database: Database, store: SnapshotStore, tmp_path: Path
) -> None:
    folder = send(tmp_path / "feeds", a_delivery())
    first = take(folder, database, store)
    before = counts(database), events(database), sorted(store.directory.rglob("*"))
    again = take(send(tmp_path / "again", a_delivery()), database, store, now=TOMORROW)
    assert again == first.model_copy(update={"replay": True})
    assert (counts(database), events(database), sorted(store.directory.rglob("*"))) == before


def as_parquet(folder: Path, name: str, frame: pl.DataFrame) -> None:
    frame.write_parquet(folder / f"{name}.parquet")


def as_xlsx(folder: Path, name: str, frame: pl.DataFrame) -> None:
    from openpyxl import Workbook  # type: ignore[import-untyped]  # ships no type information

    book = Workbook()
    sheet = book.active
    sheet.append(frame.columns)
    for row in frame.iter_rows():
        sheet.append(row)
    book.save(folder / f"{name}.xlsx")


def typed(rows: list[dict[str, str]]) -> pl.DataFrame:
    """The rows with numbers and dates as their own types."""
    frame = pl.DataFrame(rows)
    numbers = [name for name in frame.columns if name in {"on_hand", "quantity", "cost", "decimals", "reorder_point"}]
    days = [name for name in frame.columns if name in {"date", "expiry"}]
    empty = [pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in [*numbers, *days]]
    return frame.with_columns(empty).with_columns(
        *(pl.col(name).cast(pl.Float64) for name in numbers), *(pl.col(name).str.to_date() for name in days)
    )


@pytest.mark.parametrize("write", [as_parquet, as_xlsx])
def test_the_same_facts_make_the_same_snapshot_from_every_kind_of_file(
    database: Database, store: SnapshotStore, tmp_path: Path, write: Callable[[Path, str, pl.DataFrame], None]
) -> None:
    plain = take(send(tmp_path / "csv", a_delivery()), database, store)
    other = tmp_path / "typed"
    other.mkdir()
    for name, rows in a_delivery().items():
        write(other, name, typed(rows))
    report = take(other, database, store)
    assert report.snapshot_id == plain.snapshot_id
    assert report.quarantined == 0
    assert counts(database) == (2, 0, 1)


def test_a_mapping_reads_a_western_european_export_to_the_same_snapshot(
    database: Database, store: SnapshotStore, tmp_path: Path
) -> None:
    plain = take(send(tmp_path / "plain", a_delivery()), database, store)
    folder = tmp_path / "export"
    folder.mkdir()
    ours = {"item": "MATNR", "on_hand": "LABST", "expiry": "VFDAT", "quantity": "MENGE", "date": "DATUM"}
    for name, rows in a_delivery().items():
        kept = [{ours.get(key, key): dotted(value, key) for key, value in row.items()} for row in rows]
        text = pl.DataFrame(kept).write_csv(separator=";", line_terminator="\r\n")
        (folder / f"X_{name}.csv").write_bytes(text.encode("latin-1"))
    lines = ['[defaults]\nencoding = "latin-1"\ndelimiter = ";"\ndecimal_mark = ","\ndate_format = "dd.mm.yyyy"']
    for name, rows in a_delivery().items():
        columns = ", ".join(f'{ours[key]} = "{key}"' for key in rows[0] if key in ours)
        lines.append(f'[tables.{name}]\nfile = "X_{name}.csv"\ncolumns = {{ {columns} }}')
    report = take(folder, database, store, mapping=parse_mapping("\n".join(lines)))
    assert report.quarantined == 0
    assert report.snapshot_id == plain.snapshot_id


def dotted(value: str, column: str) -> str:
    if column in {"expiry", "date"} and value:
        year, month, day = value.split("-")
        return f"{day}.{month}.{year}"
    return value.replace(".", ",") if column in {"on_hand", "cost", "holding_rate_per_year", "quantity"} else value


def test_units_come_from_the_mapping_a_column_or_beside_the_number(
    database: Database, store: SnapshotStore, tmp_path: Path
) -> None:
    feeds = a_delivery()
    feeds["stock"] = [
        {"item": BOARD, "site": LYON, "on_hand": "2", "uom": "pallet", "allocated": "1", "as_of": NOW.isoformat()},
        {"item": SCREW, "site": LYON, "on_hand": "3", "uom": "box", "allocated": "0", "as_of": NOW.isoformat()},
        {"item": SCREW, "site": PORTO, "on_hand": "1 each", "uom": "box", "allocated": "0", "as_of": NOW.isoformat()},
        {"item": GLUE, "site": PORTO, "on_hand": "3", "uom": "box", "allocated": "0", "as_of": NOW.isoformat()},
        {"item": GLUE, "site": LYON, "on_hand": "3", "uom": "", "allocated": "0", "as_of": NOW.isoformat()},
    ]
    mapping = parse_mapping('[tables.stock]\nunit_columns = { on_hand = "uom" }\nunits = { allocated = "pallet" }')
    report = take(send(tmp_path / "feeds", feeds), database, store, mapping=mapping)
    stock = store.open(report.snapshot_id).table("stock")
    assert dict(stock.select("item", "on_hand").filter(pl.col("item") == BOARD).iter_rows()) == {BOARD: 96}
    assert stock.filter(pl.col("item") == BOARD)["allocated"].to_list() == [48]
    reasons = next(each.reasons for each in report.tables if each.table == "stock")
    assert reasons == {"unknown_unit": 4}  # screws and glue know no pallet, glue knows no box, one row has no unit


def test_a_table_that_is_not_sent_is_inherited_and_demand_is_merged(
    database: Database, store: SnapshotStore, tmp_path: Path
) -> None:
    first = store.open(take(send(tmp_path / "one", a_delivery()), database, store).snapshot_id)
    later = {
        "stock": a_delivery(TOMORROW)["stock"][:2],
        "demand": [
            {"item": BOARD, "site": LYON, "date": LAST_WEEK.isoformat(), "quantity": "50"},
            {"item": GLUE, "site": LYON, "date": LAST_WEEK.isoformat(), "quantity": "1.5"},
        ],
    }
    report = take(send(tmp_path / "two", later), database, store, now=TOMORROW)
    second = store.open(report.snapshot_id)
    assert second.manifest.parent_id == first.snapshot_id
    assert second.table("items").equals(first.table("items"))
    assert second.table("stock").height == 2
    weekly = {
        key: list(row[-2:]) for key, row in zip(second.demand().keys.iter_rows(), second.demand().weekly, strict=True)
    }
    assert weekly[(BOARD, LYON)] == [6.0, 50.0]
    assert weekly[(BOARD, PORTO)] == [6.0, 5.0]
    assert weekly[(GLUE, LYON)][1] == 1500.0
    assert second.feeds()[("stock", PORTO)] == TOMORROW
    assert second.feeds()[("item_sites", PORTO)] == NOW
    assert second.feeds()[("demand", PORTO)] == NOW  # this delivery had no demand of Porto


def test_what_refers_to_an_item_no_longer_sent_is_dropped_with_a_warning(
    database: Database, store: SnapshotStore, tmp_path: Path
) -> None:
    take(send(tmp_path / "one", a_delivery()), database, store)
    fewer = {"items": a_delivery()["items"][:2], "stock": a_delivery(TOMORROW)["stock"]}
    report = take(send(tmp_path / "two", fewer), database, store, now=TOMORROW)
    left = store.open(report.snapshot_id).table("item_sites")["item"].unique().sort().to_list()
    assert left == [GLUE, BOARD]
    assert any(warning.startswith("item_sites: 2 rows") for warning in report.warnings)


def test_items_short_of_history_are_listed_and_kept(database: Database, store: SnapshotStore, tmp_path: Path) -> None:
    report = take(send(tmp_path / "feeds", a_delivery()), database, store)
    assert report.refused_items == 4
    assert report.refused_item_sites == (f"{GLUE}@{LYON}", f"{GLUE}@{PORTO}", f"{SCREW}@{LYON}", f"{SCREW}@{PORTO}")
    assert "6 of 6 item-sites have under 78 weeks" in report.warnings[0]
    weeks = store.open(report.snapshot_id).history_weeks()
    assert dict(zip(weeks["item"] + "@" + weeks["site"], weeks["weeks"], strict=True))[f"{BOARD}@{LYON}"] == 10


def without(name: str) -> Callable[[Feeds], Feeds]:
    return lambda feeds: {key: rows for key, rows in feeds.items() if key != name}


def with_stock(**values: str) -> Callable[[Feeds], Feeds]:
    return lambda feeds: {**feeds, "stock": [{**row, **values} for row in feeds["stock"]]}


FIRST_REFUSALS: dict[str, tuple[Callable[[Feeds], Feeds], type[InventoryError], str]] = {
    "a required table is missing": (without("demand"), ContractError, "lacks table demand"),
    "the future": (with_stock(as_of=(NOW + timedelta(hours=2)).isoformat()), SnapshotError, "in the future"),
    "no moment": (with_stock(as_of=""), ContractError, "does not say when it was taken"),
    "no acceptable row": (with_stock(on_hand="many"), ContractError, "no acceptable row"),
}


@pytest.mark.parametrize("name", sorted(FIRST_REFUSALS))
def test_a_refused_first_delivery_leaves_nothing_but_an_audit_entry(
    database: Database, store: SnapshotStore, tmp_path: Path, name: str
) -> None:
    change, error, words = FIRST_REFUSALS[name]
    with pytest.raises(error, match=words):
        take(send(tmp_path / "feeds", change(a_delivery())), database, store)
    assert counts(database) == (0, 0, 0)
    assert store.current() is None
    assert events(database) == ["import.refused"]


def stale(folder: Path) -> None:
    send(folder, a_delivery(NOW - timedelta(days=1)))


def half_gone(folder: Path) -> None:
    send(folder, {"stock": a_delivery(TOMORROW)["stock"][:1]})


def wrong_encoding(folder: Path) -> None:
    send(folder, {"stock": a_delivery(TOMORROW)["stock"]})
    (folder / "items.csv").write_bytes("item,name,cost\nX,Mélèze,1\n".encode("latin-1"))


def cut_parquet(folder: Path) -> None:
    send(folder, {"stock": a_delivery(TOMORROW)["stock"]})
    pl.DataFrame(a_delivery()["items"]).write_parquet(folder / "items.parquet")
    data = (folder / "items.parquet").read_bytes()
    (folder / "items.parquet").write_bytes(data[: len(data) // 2])


def cut_xlsx(folder: Path) -> None:
    send(folder, {"stock": a_delivery(TOMORROW)["stock"]})
    as_xlsx(folder, "items", pl.DataFrame(a_delivery()["items"]))
    data = (folder / "items.xlsx").read_bytes()
    (folder / "items.xlsx").write_bytes(data[: len(data) // 2])


def empty_file(folder: Path) -> None:
    send(folder, {"stock": a_delivery(TOMORROW)["stock"]})
    (folder / "items.csv").write_bytes(b"")


def other_delimiter(folder: Path) -> None:
    send(folder, {"stock": a_delivery(TOMORROW)["stock"]})
    (folder / "items.csv").write_text("item;name;cost\nX;x;1\n")


def two_files_for_a_table(folder: Path) -> None:
    send(folder, {"stock": a_delivery(TOMORROW)["stock"]})
    pl.DataFrame(a_delivery(TOMORROW)["stock"]).write_parquet(folder / "stock.parquet")


def mostly_bad(folder: Path) -> None:
    rows = [{"item": f"I-{n}", "name": "x", "cost": "1,5" if n % 2 else "1.5"} for n in range(40)]
    send(folder, {"items": rows, "stock": a_delivery(TOMORROW)["stock"]})


def another_unit(folder: Path) -> None:
    items = [{**row, "decimals": "1"} for row in a_delivery()["items"]]
    send(folder, {"items": items, "stock": a_delivery(TOMORROW)["stock"]})


REFUSALS: list[tuple[Callable[[Path], None], type[InventoryError], str]] = [
    (stale, SnapshotError, "it is stale"),
    (half_gone, SnapshotError, "stock has 1 rows, 3 in the snapshot before"),
    (wrong_encoding, UnreadableFeedError, r"items.csv:2: byte 18 of the file \(0xe9\) is not utf-8"),
    (cut_parquet, UnreadableFeedError, "items.parquet: not a whole Parquet file"),
    (cut_xlsx, UnreadableFeedError, "items.xlsx: not a whole .xlsx"),
    (empty_file, UnreadableFeedError, "items.csv:1: the file has no header"),
    (other_delimiter, ContractError, "items needs column item, name, cost; the file has item;name;cost"),
    (two_files_for_a_table, ContractError, "stock is given by stock.csv and stock.parquet"),
    (mostly_bad, ContractError, "20 of 40 rows of items do not meet the contract"),
    (another_unit, ContractError, "item GLUE-5: base unit each with 1 decimals, expected each with 3"),
]


@pytest.mark.parametrize(("write", "error", "words"), REFUSALS, ids=lambda each: getattr(each, "__name__", ""))
def test_a_bad_delivery_leaves_the_last_good_snapshot(
    database: Database,
    store: SnapshotStore,
    tmp_path: Path,
    write: Callable[[Path], None],
    error: type[InventoryError],
    words: str,
) -> None:
    good = take(send(tmp_path / "good", a_delivery()), database, store)
    before = counts(database)
    (tmp_path / "bad").mkdir()
    write(tmp_path / "bad")
    with pytest.raises(error, match=words):
        take(tmp_path / "bad", database, store, now=TOMORROW)
    current = store.current()
    assert current is not None
    assert current.snapshot_id == good.snapshot_id
    assert counts(database) == before
    assert events(database) == ["snapshot.imported", "import.refused"]


def test_shrinking_is_let_through_when_it_is_meant(database: Database, store: SnapshotStore, tmp_path: Path) -> None:
    take(send(tmp_path / "good", a_delivery()), database, store)
    (tmp_path / "fewer").mkdir()
    half_gone(tmp_path / "fewer")
    report = take(tmp_path / "fewer", database, store, now=TOMORROW, allow_shrink=True)
    assert store.open(report.snapshot_id).table("stock").height == 1


class PowerCutError(Exception):
    """The machine stops between the part files and the commit."""


def test_a_crash_between_parts_and_commit_leaves_the_last_good_snapshot(
    database: Database, store: SnapshotStore, tmp_path: Path
) -> None:
    good = take(send(tmp_path / "good", a_delivery()), database, store)
    before, files = counts(database), set(store.directory.rglob("*.parquet"))
    bad_row = {"item": "?", "site": LYON, "on_hand": "1", "expiry": "", "as_of": TOMORROW.isoformat()}
    changed = {"stock": [*a_delivery(TOMORROW)["stock"], bad_row]}

    def stop(transaction: Transaction, snapshot: Snapshot) -> None:
        raise PowerCutError

    folder = send(tmp_path / "next", changed)
    with pytest.raises(PowerCutError):
        take(folder, database, store, now=TOMORROW, when_current=stop)
    assert counts(database) == before
    assert events(database) == ["snapshot.imported"]
    current = store.current()
    assert current is not None
    assert current.snapshot_id == good.snapshot_id
    orphans = set(store.directory.rglob("*.parquet")) - files
    assert orphans
    again = take(folder, database, store, now=TOMORROW)
    assert not again.replay
    assert counts(database) == (2, 1, 2)


def test_a_mapping_must_fit_the_files(database: Database, store: SnapshotStore, tmp_path: Path) -> None:
    mapping = Mapping.model_validate({"tables": {"stock": {"columns": {"LABST": "on_hand"}}}})
    with pytest.raises(MappingError, match="names column LABST; the file has item, site"):
        take(send(tmp_path / "feeds", a_delivery()), database, store, mapping=mapping)


def test_quarantined_rows_carry_line_column_code_and_raw_text(
    database: Database, store: SnapshotStore, tmp_path: Path
) -> None:
    folder = send(tmp_path / "feeds", a_delivery())
    with (folder / "stock.csv").open("a") as file:
        file.write(f"{BOARD},NANTES,5,,\n{SCREW},LYON,3")
    report = take(folder, database, store)
    with database.read() as connection:
        rows = connection.execute(select(quarantine).order_by(quarantine.c.number)).all()
    assert [(row.file, row.line, row.column_name, row.code, row.raw) for row in rows] == [
        ("stock.csv", 5, "site", "unknown_reference", f"{BOARD},NANTES,5,,"),
        ("stock.csv", 6, "", "cut_off", f"{SCREW},LYON,3"),
    ]
    assert rows[0].message == "stock.csv:5: site 'NANTES': expected a value of sites.site"
    assert any("ends in the middle of line 6" in warning for warning in report.warnings)
    assert [problem.line for problem in report.problems] == [5, 6]
