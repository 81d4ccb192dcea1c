"""A copy of everything that cannot be made again: database, heads of the audit chain, and the snapshots' parts.

Rules
-----
- The database of a backup is one SQLite file, whatever the house runs on: both databases hold the same rows, so a
  backup can be restored to either, and drilled on a machine without a server. From SQLite it is taken with ``VACUUM
  INTO``, from PostgreSQL row by row; either way in one transaction that sees one state and keeps nobody waiting.
- The anchor is copied afterwards and cut to what the copied log holds: it never names an entry the copy lacks.
- Checkpoints are scratch paper, the index over the rules is made again, and the signing key stays where it is: whoever
  holds the backup must not be able to sign.
- A backup exists once its folder has its name: it is made aside and renamed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import ValidationError
from sqlalchemy import select, text

from inventory.anchor import Anchor
from inventory.audit import last_link
from inventory.database import Database, sqlite_module
from inventory.errors import BackupError
from inventory.migrate import HEAD
from inventory.record import Id, Record, Utc, canonical_record, digest_text, load
from inventory.snapshots import Manifest
from inventory.tables import metadata, snapshots

MANIFEST, DATABASE, ANCHOR, SNAPSHOTS = "manifest.json", "evenkeel.sqlite3", "anchor.log", "snapshots"
_CHUNK = 1_000
_BLOCK = 1 << 20

Progress = Callable[[str, int, int], None]


class BackupFile(Record):
    """One file of a backup."""

    name: str
    size: int
    """Bytes."""
    sha256: str


class BackupManifest(Record):
    """What a backup holds; written last."""

    format: Literal[1] = 1
    taken_at: Utc
    home: Id
    """Kind of the home it was taken from."""
    engine: Literal["sqlite", "postgresql"]
    """What the house ran on."""
    revision: Id
    """Of the schema."""
    entries: int
    """Entries of the log."""
    head: str
    """Hash of the newest entry."""
    signed_to: int
    """Newest entry a signed head covers; 0 when heads are not signed."""
    files: tuple[BackupFile, ...]

    @property
    def digest(self) -> str:
        """Names the backup: equal content, equal digest."""
        return digest_text(canonical_record(self))


def _nobody(_step: str, _done: int, _of: int) -> None:
    """Progress nobody watches."""


def take_backup(
    database: Database, parts: Path, target: Path, *, home: str, now: datetime, progress: Progress = _nobody
) -> BackupManifest:
    """Copy a house into a new folder, while it is at work.

    Parameters
    ----------
    parts
        Folder of the snapshots' parts.
    target
        The backup's folder, which must not exist.
    home
        Kind of home, kept in the manifest.

    Raises
    ------
    BackupError
        If there is something at the target already, or a part is missing.
    """
    if target.exists():
        raise BackupError(f"there is something at {target} already: a backup is written to a new folder")
    aside = target.with_name(f"{target.name}.{os.getpid()}.partial")
    aside.mkdir(parents=True)
    try:
        _copy_database(database, aside / DATABASE, now, progress)
        copied = Database(aside / DATABASE, Anchor(Path(os.devnull)))
        try:
            with copied.read() as connection:
                entries, head = last_link(connection)
                manifests = [
                    load(Manifest, body) for body in connection.execute(select(snapshots.c.manifest)).scalars()
                ]
        finally:
            copied.dispose()
        signed_to = _copy_anchor(database.anchor, aside / ANCHOR, entries)
        _copy_parts(parts, aside / SNAPSHOTS, manifests, progress)
        manifest = BackupManifest(
            taken_at=now,
            home=home,
            engine="postgresql" if database.is_postgresql else "sqlite",
            revision=HEAD,
            entries=entries,
            head=head,
            signed_to=signed_to,
            files=tuple(_files(aside)),
        )
        _write(aside / MANIFEST, canonical_record(manifest).encode())
        os.replace(aside, target)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return manifest


def read_backup(folder: Path, progress: Progress = _nobody) -> BackupManifest:
    """The manifest of a backup every file of which is as it was written.

    Raises
    ------
    BackupError
        Naming the first file that is missing, changed, or not of the backup.
    """
    try:
        manifest = load(BackupManifest, (folder / MANIFEST).read_text("utf-8"))
    except FileNotFoundError:
        raise BackupError(f"there is no backup at {folder}: {MANIFEST} is missing") from None
    except (ValidationError, UnicodeDecodeError, ValueError) as error:
        raise BackupError(f"{folder / MANIFEST} cannot be read: {str(error).splitlines()[0]}") from error
    if manifest.revision > HEAD:
        raise BackupError(
            f"the backup has schema {manifest.revision}, this installation knows {HEAD}: restore it with a newer one"
        )
    for number, file in enumerate(manifest.files, start=1):
        progress("check", number, len(manifest.files))
        path = folder / file.name
        if not path.is_file():
            raise BackupError(f"{file.name} is missing from the backup")
        if path.stat().st_size != file.size or _sha256(path) != file.sha256:
            raise BackupError(f"{file.name} is not what was backed up: its digest differs")
    return manifest


def copy_rows(source: Database, target: Database, now: datetime, progress: Progress = _nobody) -> None:
    """Copy every row of one database into an empty one of the same schema, each seen in one transaction."""
    tables = metadata.sorted_tables
    with source.read() as reading, target.write("backup", now) as writing:
        for number, table in enumerate(tables, start=1):
            progress("copy rows", number, len(tables))
            found = reading.execute(select(table).execution_options(yield_per=_CHUNK))
            for rows in found.mappings().partitions():
                writing.connection.execute(table.insert(), [dict(row) for row in rows])


def is_empty(database: Database) -> bool:
    """Whether nothing was ever written: every table is empty."""
    with database.read() as connection:
        return not any(
            connection.execute(select(text("1")).select_from(table).limit(1)).first()
            for table in metadata.sorted_tables
        )


def _copy_database(database: Database, path: Path, now: datetime, progress: Progress) -> None:
    if not database.is_postgresql:
        progress("copy database", 0, 1)
        source = sqlite_module().connect(str(database.path))
        try:
            source.execute("VACUUM INTO ?", (str(path),))
        finally:
            source.close()
        return
    copy = Database(path, Anchor(Path(os.devnull)))
    try:
        copy.migrate()
        copy_rows(database, copy, now, progress)
    finally:
        copy.dispose()


def _copy_anchor(anchor: Anchor, path: Path, entries: int) -> int:
    """Copy heads and links up to that entry; links no kept head covers stay out and are anchored again later."""
    heads = [head for head in anchor.heads() if head.sequence <= entries]
    signed_to = max((head.sequence for head in heads), default=0)
    last = signed_to if heads else entries
    lines = [head.line for head in heads]
    lines += [f"{sequence} {value}" for sequence, value in sorted(anchor.read().items()) if sequence <= last]
    _write(path, "".join(f"\n{line}" for line in lines).encode())
    return signed_to


def _copy_parts(source: Path, target: Path, manifests: list[Manifest], progress: Progress) -> None:
    names = sorted({part.name for manifest in manifests for part in manifest.parts})
    for number, name in enumerate(names, start=1):
        progress("copy snapshots", number, len(names))
        to = target / name
        to.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(source / name, to)
        except FileNotFoundError:
            raise BackupError(f"part {name} of a snapshot is missing from {source}") from None
        _sync(to)


def _files(folder: Path) -> Iterator[BackupFile]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            yield BackupFile(name=name, size=path.stat().st_size, sha256=_sha256(path))


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
