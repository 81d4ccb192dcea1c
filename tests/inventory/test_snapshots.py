"""Snapshots share unchanged parts, know their content, and appear only when they commit."""

from __future__ import annotations

import hashlib
import os
import random
import struct
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import snapshot_parts
from inventory.content_hash import content_hash
from inventory.database import Database
from inventory.errors import LostRaceError, SnapshotError
from inventory.snapshot_parts import item_boundaries
from inventory.snapshots import Snapshot, SnapshotStore
from inventory.stored_tables import HISTORY_WEEKS, STORED_TABLES, empty_table, stored_schema
from tests.inventory.import_worlds import LYON, NOW, PORTO, rows_of

ITEMS = [f"I-{number:03d}" for number in range(100)]


@pytest.fixture
def store(database: Database, tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "snapshots", database, part_size=20)


def a_world(changed: str = "", units: int = 1) -> dict[str, pl.DataFrame]:
    """A hundred items at two sites; one may have another stock."""
    places = [(item, site) for item in ITEMS for site in (LYON, PORTO)]
    stock: list[dict[str, object]] = [
        {"item": item, "site": site, "on_hand": units if item == changed else 7} for item, site in places
    ]
    planned: list[dict[str, object]] = [{"item": item, "site": site} for item, site in places]
    return {
        "items": rows_of("items", *({"item": item, "name": item, "cost": 2.5} for item in ITEMS)),
        "item_sites": rows_of("item_sites", *planned),
        "stock": rows_of("stock", *stock),
    }


def write(
    store: SnapshotStore, tables: dict[str, pl.DataFrame], parent: Snapshot | None = None, as_of: datetime = NOW
) -> Snapshot:
    return store.write(tables, as_of=as_of, import_id="import-1", actor="ines", now=NOW, parent=parent)


def test_parts_are_item_ranges_of_about_the_asked_size(store: SnapshotStore) -> None:
    snapshot = write(store, a_world())
    parts = snapshot.parts("item_sites")
    assert [part.rows for part in parts] == [20] * 10
    assert all(left.last_item < right.first_item for left, right in pairwise(parts))
    ranges = {(part.first_item, part.last_item) for part in parts}
    assert {(part.first_item, part.last_item) for part in snapshot.parts("stock")} == ranges
    assert sum(part.rows for part in snapshot.parts("items")) == 100


def test_a_change_of_one_item_costs_one_part(store: SnapshotStore) -> None:
    first = write(store, a_world())
    second = write(store, {"stock": a_world("I-042")["stock"]}, parent=first)
    changed = {part.name for part in second.manifest.parts} - {part.name for part in first.manifest.parts}
    (part,) = [part for part in second.manifest.parts if part.name in changed]
    assert (part.table, part.first_item <= "I-042" <= part.last_item) == ("stock", True)
    assert second.snapshot_id != first.snapshot_id
    assert second.table("stock", item="I-042")["on_hand"].to_list() == [1, 1]
    assert first.table("stock", item="I-042")["on_hand"].to_list() == [7, 7]


def test_a_new_item_joins_its_range_and_leaves_the_other_parts_alone(store: SnapshotStore) -> None:
    first = write(store, a_world())
    extra = rows_of("item_sites", {"item": "I-042x", "site": LYON})
    grown = {"item_sites": pl.concat([a_world()["item_sites"], extra])}
    second = write(store, grown, parent=first)
    assert len({part.name for part in second.manifest.parts} - {part.name for part in first.manifest.parts}) == 1
    assert second.manifest.boundaries == first.manifest.boundaries


def test_a_range_that_has_outgrown_its_size_is_cut_again() -> None:
    many = pl.DataFrame({"item": [f"I-042{n:02d}" for n in range(60)]})
    cut = item_boundaries(many, 20, ("I-040", "I-050"))
    assert {"I-040", "I-050"} < set(cut)
    assert cut == ("I-040", "I-04220", "I-04240", "I-050")


def test_equal_facts_have_one_id_in_whatever_order_they_come(store: SnapshotStore) -> None:
    first = write(store, a_world())
    shuffled = {name: frame.sample(fraction=1.0, shuffle=True, seed=3) for name, frame in a_world().items()}
    again = write(store, shuffled, parent=first)
    assert again.snapshot_id == first.snapshot_id
    assert [manifest.snapshot_id for manifest in store.history()] == [first.snapshot_id]
    later = write(store, a_world(), parent=again, as_of=NOW + timedelta(hours=1))
    assert later.snapshot_id != first.snapshot_id


def test_facts_that_return_become_current_again(store: SnapshotStore) -> None:
    first = write(store, a_world())
    second = write(store, a_world("I-001"), parent=first)
    back = write(store, a_world(), parent=second)
    current = store.current()
    assert current is not None
    assert current.snapshot_id == back.snapshot_id == first.snapshot_id


def test_a_table_never_delivered_is_empty_with_its_columns(store: SnapshotStore) -> None:
    snapshot = write(store, a_world())
    for name in STORED_TABLES:
        assert snapshot.table(name).schema == stored_schema(name)
    assert snapshot.table("lanes").is_empty()
    assert snapshot.demand().weekly.shape == (0, HISTORY_WEEKS)


def test_a_table_is_sorted_by_its_key_across_parts(store: SnapshotStore) -> None:
    plain: dict[str, object] = {"line": 1, "supplier": "S", "site": LYON, "status": "open", "quantity": 1}
    dates: dict[str, object] = {"ordered_date": NOW.date(), "promised_date": NOW.date()}
    orders = [{**plain, **dates, "order_id": f"PO-{99 - n:02d}", "item": item} for n, item in enumerate(ITEMS)]
    snapshot = write(store, {**a_world(), "purchase_orders": rows_of("purchase_orders", *orders)})
    assert len(snapshot.parts("purchase_orders")) == 10
    assert snapshot.table("purchase_orders")["order_id"].is_sorted()


@pytest.mark.parametrize("harm", ["missing", "cut", "other values"])
def test_a_damaged_part_is_found_and_named(store: SnapshotStore, harm: str) -> None:
    snapshot = write(store, a_world())
    snapshot.verify()
    part = snapshot.parts("stock")[3]
    path = store.directory / part.name
    if harm == "missing":
        path.unlink()
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:100])
    else:
        pl.read_parquet(path).with_columns(on_hand=pl.lit(9, pl.Int64)).write_parquet(path)
    with pytest.raises(SnapshotError, match=part.name):
        store.open(snapshot.snapshot_id).verify()


@pytest.mark.parametrize("at_hand", [False, True])
def test_the_facts_of_some_items_are_those_rows_of_the_whole_and_no_more(
    store: SnapshotStore, monkeypatch: pytest.MonkeyPatch, *, at_hand: bool
) -> None:
    monkeypatch.setattr(snapshot_parts, "ROW_GROUP", 3)
    snapshot, chosen = write(store, a_world(ITEMS[1])), [ITEMS[1], ITEMS[2], ITEMS[57], "NOBODY"]
    whole = {name: Snapshot(snapshot.directory, snapshot.manifest).table(name) for name in ("items", "stock")}
    if at_hand:
        for name in whole:
            snapshot.table(name)
    some = snapshot.of_items(chosen)
    for name, rows in whole.items():
        assert some.table(name).equals(rows.filter(pl.col("item").is_in(chosen)))
    assert some.table("stock").height == 6


@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_a_damaged_part_is_found_as_well_when_one_item_is_asked_for(store: SnapshotStore, harm: str) -> None:
    snapshot = write(store, a_world())
    part = next(part for part in snapshot.parts("stock") if part.may_hold(ITEMS[1]))
    path = snapshot.directory / part.name
    if harm == "gone":
        path.unlink()
    else:
        pl.read_parquet(path).head(part.rows - 1).write_parquet(path)
    with pytest.raises(SnapshotError, match=part.hash):
        snapshot.of_items([ITEMS[1]]).table("stock")


def test_an_unknown_snapshot_is_refused_by_name(store: SnapshotStore) -> None:
    assert store.current() is None
    with pytest.raises(SnapshotError, match="no snapshot snap-0"):
        store.open("snap-0")


def test_only_old_orphans_are_swept(store: SnapshotStore, database: Database) -> None:
    first = write(store, a_world())
    parent = write(store, a_world("I-001"), parent=first)
    prepared = store.prepare(a_world("I-002"), as_of=NOW, import_id="import-2", parent=parent)
    moment = datetime.now(UTC)
    assert store.sweep_orphans(moment) == 0
    assert store.sweep_orphans(moment + timedelta(hours=25)) == 1
    first.verify()
    parent.verify()
    with pytest.raises(SnapshotError, match="is missing"):
        Snapshot(store.directory, prepared).verify()
    old = (moment - timedelta(days=3)).timestamp()
    for file in store.directory.glob("*/*"):
        os.utime(file, (old, old))
    store.prepare(a_world("I-002"), as_of=NOW, import_id="import-2", parent=parent)
    (store.directory / "stock" / "left.tmp").write_bytes(b"half")
    assert store.sweep_orphans(moment) == 0


def test_of_two_that_follow_one_parent_the_second_to_commit_loses(store: SnapshotStore, database: Database) -> None:
    first = write(store, a_world())
    late = store.prepare(a_world("I-001"), as_of=NOW, import_id="import-2", parent=first)
    write(store, a_world("I-002"), parent=first)
    with database.write("ines", NOW) as transaction, pytest.raises(LostRaceError, match="became current"):
        store.commit(transaction, late)


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"shelves": empty_table("zones")}, "shelves is not in the data contract"),
        ({"zones": empty_table("zones").drop("capacity")}, "capacity missing"),
        ({"stock": pl.concat([a_world()["stock"]] * 2)}, "stock repeats a key"),
    ],
)
def test_tables_that_are_not_of_the_contract_are_refused(
    store: SnapshotStore, tables: dict[str, pl.DataFrame], words: str
) -> None:
    with pytest.raises(SnapshotError, match=words):
        write(store, tables)


values = st.fixed_dictionaries(
    {
        "text": st.none() | st.text(st.characters(codec="utf-8"), max_size=6),
        "number": st.none() | st.integers(-(2**63), 2**63 - 1),
        "share": st.none() | st.floats(),
        "yes": st.none() | st.booleans(),
    }
)
SCHEMA = {"key": pl.Int64(), "text": pl.String(), "number": pl.Int64(), "share": pl.Float64(), "yes": pl.Boolean()}


@given(st.lists(values, max_size=12), st.randoms(use_true_random=False))
def test_the_hash_does_not_depend_on_the_order_of_rows(rows: list[dict[str, object]], chance: random.Random) -> None:
    keyed = [{"key": number, **row} for number, row in enumerate(rows)]
    shuffled = list(keyed)
    chance.shuffle(shuffled)
    assert content_hash(pl.DataFrame(keyed, SCHEMA), ["key"]) == content_hash(pl.DataFrame(shuffled, SCHEMA), ["key"])


@given(st.lists(values, min_size=1, max_size=8), st.sampled_from(["text", "number", "share", "yes"]), st.data())
def test_the_hash_depends_on_every_value(rows: list[dict[str, object]], column: str, data: st.DataObject) -> None:
    frame = pl.DataFrame([{"key": number, **row} for number, row in enumerate(rows)], SCHEMA)
    at = data.draw(st.integers(0, frame.height - 1))
    other = frame.with_columns(pl.when(pl.col("key") == at).then(None).otherwise(pl.col(column)).alias(column))
    same = frame[column][at] is None
    assert (content_hash(frame, ["key"]) == content_hash(other, ["key"])) == same


def test_the_hash_knows_one_zero_and_one_nan_and_is_written_down() -> None:
    payload = np.array([0x7FF8000000000001], dtype="<u8").view("<f8")
    plain = pl.DataFrame({"key": [1, 2], "share": [0.0, float("nan")], "name": ["é", None]})
    odd = pl.DataFrame({"key": [1, 2], "share": [-0.0, payload[0]], "name": ["é", None]})
    assert content_hash(plain, ["key"]) == content_hash(odd, ["key"])
    columns = [
        (b"key\ninteger\n2\n", b"\0", struct.pack("<2q", 1, 2)),
        (b"share\nfloat64\n2\n", b"\0", struct.pack("<2d", 0.0, float("nan"))),
        (b"name\ntext\n2\n", b"\2", struct.pack("<2q", 2, 0) + "é".encode()),
    ]
    written = b"evenkeel.table.v1\n" + b"".join(
        struct.pack("<q", len(h)) + h + mask + data for h, mask, data in columns
    )
    assert content_hash(plain, ["key"]) == hashlib.sha256(written).hexdigest()


def test_texts_that_run_together_hash_apart() -> None:
    one, other = pl.DataFrame({"key": ["a", "bc"]}), pl.DataFrame({"key": ["ab", "c"]})
    assert content_hash(one, ["key"]) != content_hash(other, ["key"])
