"""A world put back from a backup beside the one it was taken from; the ERP lives on."""

from __future__ import annotations

import shutil
from pathlib import Path

from inventory.backup import read_backup, take_backup
from inventory.chronicle import KILL_SWITCH, set_switch
from inventory.restores import Restored
from inventory.restoring import begin_in_doubt, newest_surviving, put_database, put_files
from tests.worlds import TurnableClock, World, database_in
from tools.erp.port import Posting


def backed_up(world: World, folder: Path) -> Path:
    """A backup of a world as it stands."""
    take_backup(world.database, world.folder / "snapshots", folder, home="production", now=world.clock())
    return folder


def restored(world: World, backup: Path, folder: Path) -> tuple[World, Restored]:
    """The world of the backup in a new folder, at the time of the one that was lost, before the same ERP."""
    manifest = read_backup(backup)
    put_files(backup, folder / "snapshots", folder / "anchor.log")
    database = database_in(folder)
    put_database(backup, database, folder / "aside.sqlite3", world.clock(), lambda step, done, of: None)
    lost_to = newest_surviving(manifest, [world.folder / "anchor.log"])
    with database.write("evenkeel", world.clock()) as transaction:
        record = begin_in_doubt(transaction, manifest, lost_to)
    database.dispose()
    shutil.copyfile(world.folder / "erp.sqlite3", folder / "erp.sqlite3")
    again = World(folder, world.network, TurnableClock(world.clock()), world.native_key, world.rollout)
    return again, record


def switch_on_again(world: World) -> None:
    """A person has looked at everything and lets execution go on."""
    with world.database.write("root", world.clock()) as transaction:
        set_switch(transaction, KILL_SWITCH, False)


def ours(world: World) -> list[Posting]:
    """Documents the ERP holds that carry a key of ours."""
    return [posting for posting in world.erp.open_documents() if posting.key]
