"""Backups: every row, link and part, taken while the house is at work, and no file of it changed unseen."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from inventory.anchor import Anchor
from inventory.audit import verify
from inventory.backup import ANCHOR, DATABASE, MANIFEST, is_empty, read_backup, take_backup
from inventory.database import Database
from inventory.errors import AuditError, BackupError
from inventory.restoring import newest_surviving, put_database
from inventory.tables import metadata
from tests import postgres
from tests.restored import backed_up
from tests.worlds import World


def rows(database: Database) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    with database.read() as connection:
        return {
            table.name: sorted(str(tuple(row)) for row in connection.execute(select(table)))
            for table in metadata.sorted_tables
        }


def quiet(_step: str, _done: int, _of: int) -> None:
    """Progress nobody watches."""


def test_a_backup_holds_every_row_and_is_restored_to_either_database(auto: World, tmp_path: Path) -> None:
    backup = backed_up(auto, tmp_path / "backup")
    manifest = read_backup(backup)
    before = rows(auto.database)
    assert sum(len(held) for held in before.values()) > 50
    targets: list[Path | str] = [tmp_path / "new.sqlite3"]
    if postgres.engine() == "postgresql":
        targets.append(postgres.new_database())
    for where in targets:
        target = postgres.remember(Database(where, Anchor(tmp_path / "none")))
        put_database(backup, target, tmp_path / "aside", auto.clock(), quiet)
        assert rows(target) == before
        with target.read() as connection:
            found = verify(connection, Anchor(backup / ANCHOR))
        assert found.sound
        assert (found.entries, found.anchored) == (manifest.entries, manifest.entries)


def test_a_database_that_holds_something_is_not_overwritten(auto: World, tmp_path: Path) -> None:
    backup = backed_up(auto, tmp_path / "backup")
    assert not is_empty(auto.database)
    with pytest.raises(BackupError, match=r"already|not empty"):
        put_database(backup, auto.database, tmp_path / "aside", auto.clock(), quiet)


def test_the_anchor_of_a_backup_never_names_what_its_log_lacks(auto: World, tmp_path: Path) -> None:
    """Commits between the copy of the database and that of the anchor: here, entries the copied log has not."""

    class Busy(Anchor):
        def read(self) -> dict[int, str]:
            held = super().read()
            return {**held, max(held) + 1: "a" * 64}

    auto.database.anchor = Busy(auto.folder / "anchor.log")
    manifest = read_backup(backed_up(auto, tmp_path / "backup"))
    assert max(Anchor(tmp_path / "backup" / ANCHOR).read()) == manifest.entries


@pytest.mark.parametrize("damage", ["one bit", "cut", "removed", "part", "no manifest"])
def test_a_backup_that_was_changed_is_refused(auto: World, tmp_path: Path, damage: str) -> None:
    backup = backed_up(auto, tmp_path / "backup")
    file = backup / DATABASE
    if damage == "one bit":
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:-1])
    elif damage == "removed":
        (backup / ANCHOR).unlink()
    elif damage == "part":
        next((backup / "snapshots").glob("*/*")).write_bytes(b"")
    else:
        (backup / MANIFEST).unlink()
    with pytest.raises(BackupError):
        read_backup(backup)


def test_a_backup_is_whole_or_not_there(auto: World, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    shutil.rmtree(auto.folder / "snapshots")
    with pytest.raises(BackupError, match="missing"):
        backed_up(auto, backup)
    assert list(tmp_path.glob("backup*")) == []
    backup.mkdir()
    with pytest.raises(BackupError, match="already"):
        take_backup(auto.database, auto.folder / "snapshots", backup, home="production", now=auto.clock())


def test_survivors_tell_what_was_lost_and_whether_the_backup_is_of_this_house(auto: World, tmp_path: Path) -> None:
    manifest = read_backup(backed_up(auto, tmp_path / "backup"))
    mine = auto.folder / "anchor.log"
    assert newest_surviving(manifest, [mine]) == manifest.entries
    auto.clock.forward(hours=4)
    auto.desk.execute()
    assert newest_surviving(manifest, [mine]) == max(Anchor(mine).read()) > manifest.entries
    other = tmp_path / "other.log"
    other.write_text(f"\n{manifest.entries} {'b' * 64}")
    with pytest.raises(AuditError, match="another hash"):
        newest_surviving(manifest, [other])
    with pytest.raises(BackupError, match="neither"):
        newest_surviving(manifest, [tmp_path / "absent"])
