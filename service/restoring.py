"""Putting a home back from a backup, and the drill: the same into a temporary home, held against everything it can be.

A home is declared made last: a restore that dies half-way leaves no home, and may be repeated in an empty folder.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from inventory.anchor import Anchor
from inventory.backup import BackupManifest, Progress, read_backup
from inventory.database import Database
from inventory.heads import HeadSigner, public_file
from inventory.log_report import examine_log
from inventory.record import Record
from inventory.restores import Restored
from inventory.restoring import begin_in_doubt, newest_surviving, put_database, put_files
from inventory.snapshot_parts import verify_part
from inventory.tables import plan_runs
from service.bootstrap import SERVICE_USER, House, database_of
from service.errors import HomeError
from service.home import FileClock, HomeKind, Layout, clock_of, system_clock, write_marker
from service.log_keeping import house_anchor, public_key
from service.settings import Settings


class Drill(Record):
    """What a restore into a temporary home came to."""

    taken_at: datetime
    entries: int
    lost: str
    """Lost range in words; empty when none is known."""
    log_problems: tuple[str, ...]
    parts: int
    """Parts of snapshots whose content was compared with their name."""
    replayed: str
    """Plan run that was worked out again; empty when the backup holds none."""
    replay_problems: tuple[str, ...]
    in_doubt: int
    """Documents that a restore would doubt."""
    seconds: float

    @property
    def sound(self) -> bool:
        """Whether the house could be put back from it."""
        return not self.log_problems and not self.replay_problems


def restore_home(
    settings: Settings, folder: Path, *, key: Path | None, survivors: Sequence[Path], progress: Progress
) -> Restored:
    """Put a backup back into the empty home, or the empty database, that the settings name.

    Parameters
    ----------
    key
        The signing key of the house, which no backup holds; it may lie in the home already.
    survivors
        Anchor files and folders of heads that outlived the loss: they tell what the backup lacks.

    Raises
    ------
    HomeError
        If the home is not empty, or the key is missing or another house's.
    inventory.errors.BackupError, inventory.errors.AuditError
        If the backup is not whole, or a survivor contradicts it.
    """
    manifest = read_backup(folder, progress)
    layout, kind = Layout(settings.home), HomeKind(manifest.home)
    _require_empty(layout)
    lost_to = newest_surviving(manifest, _all_survivors(settings, manifest, survivors))
    _put_key(layout, manifest, key)
    layout.home.mkdir(parents=True, exist_ok=True)
    if kind is HomeKind.DEMO:
        FileClock(layout.clock).set(manifest.taken_at)
    clock = clock_of(layout, kind)
    put_files(folder, layout.snapshots, layout.anchor)
    database = Database(database_of(settings, layout, kind), house_anchor(settings, layout, clock))
    try:
        now = clock()
        put_database(folder, database, layout.home / "restoring.sqlite3", now, progress)
        _require_own_key(database, layout)
        with database.write(SERVICE_USER.user_id, now) as transaction:
            restored = begin_in_doubt(transaction, manifest, lost_to)
    finally:
        database.dispose()
    write_marker(layout, kind)
    return restored


def drill(folder: Path, *, survivors: Sequence[Path], progress: Progress) -> Drill:
    """Restore into a temporary home, look at everything, and throw it away; nothing else is touched."""
    begun = time.monotonic()
    manifest = read_backup(folder, progress)
    lost_to = newest_surviving(manifest, survivors)
    with _temporary_house(folder, manifest, progress) as house:
        with house.database.read() as connection:
            report = examine_log(connection, house.database.anchor)
        parts = {part.name: part for held in house.snapshots.history() for part in held.parts}
        for number, part in enumerate(parts.values(), start=1):
            progress("verify snapshots", number, len(parts))
            verify_part(house.layout.snapshots, part)
        with house.database.read() as connection:
            newest = connection.execute(
                select(plan_runs.c.plan_run_id).order_by(plan_runs.c.at.desc(), plan_runs.c.plan_run_id).limit(1)
            ).scalar_one_or_none()
        progress("replay", 0, 1)
        replays = house.desk.replay(newest) if newest else ()
        with house.database.write(SERVICE_USER.user_id, manifest.taken_at) as transaction:
            restored = begin_in_doubt(transaction, manifest, lost_to)
    return Drill(
        taken_at=manifest.taken_at,
        entries=manifest.entries,
        lost=restored.lost,
        log_problems=tuple(alarm.words for alarm in report.alarms),
        parts=len(parts),
        replayed=newest or "",
        replay_problems=tuple(said for made in replays if not made.same for said in made.differences),
        in_doubt=len(restored.doubted),
        seconds=round(time.monotonic() - begun, 1),
    )


@contextmanager
def _temporary_house(folder: Path, manifest: BackupManifest, progress: Progress) -> Iterator[House]:
    """A house on the backup in a folder of its own, without a key: it looks, and signs nothing."""
    home = Path(tempfile.mkdtemp(prefix="evenkeel-drill-"))
    try:
        layout = Layout(home)
        put_files(folder, layout.snapshots, layout.anchor)
        database = Database(layout.database, Anchor(layout.anchor))
        try:
            put_database(folder, database, home / "restoring.sqlite3", manifest.taken_at, progress)
            yield House(
                Settings(home=home, erp="none"), layout, HomeKind.PRODUCTION, lambda: manifest.taken_at, database
            )
        finally:
            database.dispose()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _all_survivors(settings: Settings, manifest: BackupManifest, survivors: Sequence[Path]) -> list[Path]:
    """Those named, and the folder heads go to; which must not hold heads the restored log would contradict."""
    folder = settings.heads_folder
    if folder is None or not folder.is_dir():
        return list(survivors)
    newest = newest_surviving(manifest, [folder])
    if newest > manifest.entries:
        raise HomeError(
            f"{folder} holds heads up to entry {newest:,}, the backup ends at {manifest.entries:,}: keep it as proof, "
            "name it with --anchor, and set EVENKEEL_HEADS_FOLDER to a new folder"
        )
    return [*survivors, folder]


def _require_empty(layout: Layout) -> None:
    """Nothing may lie in the home but a signing key."""
    allowed = {layout.anchor.parent, layout.signing_key, public_file(layout.signing_key)}
    if layout.home.exists():
        found = sorted(path for path in layout.home.rglob("*") if path not in allowed)
        if found:
            raise HomeError(f"{layout.home} is not empty ({found[0].name}): restore into a new home")


def _put_key(layout: Layout, manifest: BackupManifest, key: Path | None) -> None:
    if key is not None:
        layout.signing_key.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(layout.signing_key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.read_bytes())
    if not manifest.signed_to:
        return
    if not layout.signing_key.exists():
        raise HomeError(
            "the heads of this log are signed: name the signing key, which no backup holds, with --key FILE"
        )
    public = HeadSigner(layout.signing_key, system_clock).public
    public_file(layout.signing_key).write_text(f"{public}\n", "ascii")


def _require_own_key(database: Database, layout: Layout) -> None:
    if not layout.signing_key.exists():
        return
    with database.read() as connection:
        told = public_key(connection)
    if told and told != HeadSigner(layout.signing_key, system_clock).public:
        raise HomeError(f"{layout.signing_key} is not the signing key of this house")
