"""Putting a backup back: files and rows first, then everything that was under way starts in doubt.

What happened after the backup was taken happened nevertheless, in the ERP and for people. So nothing is taken up where
it stood: documents that were being sent are looked up before anything else is done about them, an executor that still
runs somewhere finds its number outlived, and nothing at all is sent until a person turns the kill switch off.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path

from inventory.anchor import Anchor
from inventory.backup import ANCHOR, DATABASE, SNAPSHOTS, BackupManifest, Progress, copy_rows, is_empty
from inventory.chronicle import KILL_SWITCH, set_switch, switch_is_on
from inventory.database import Database, Transaction
from inventory.errors import AuditError, BackupError
from inventory.executors import outlive
from inventory.head_sinks import FolderSink
from inventory.lifecycle import move
from inventory.outbox import list_outbox, move_document
from inventory.proposals import list_proposals
from inventory.records import EVERYTHING, DocumentState, ProposalState
from inventory.restores import Restored, insert_restore
from inventory.tables import workers
from inventory.tasks import keys_with_tasks

NOTE = "restored from a backup: what became of it must be found out"
FENCING_GAP = 1_000_000
"""Executors of before the restore may have held so many leases since the backup, and none of them counts any more."""
UNDER_WAY = (ProposalState.LEASED, ProposalState.SENT, ProposalState.IN_DOUBT)


def put_files(folder: Path, parts: Path, anchor: Path) -> None:
    """Copy the snapshots' parts and the anchor to their places."""
    anchor.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / ANCHOR, anchor)
    if (folder / SNAPSHOTS).is_dir():
        shutil.copytree(folder / SNAPSHOTS, parts, dirs_exist_ok=True)


def put_database(folder: Path, database: Database, aside: Path, now: datetime, progress: Progress) -> None:
    """Bring the rows of a backup into an empty database of the newest schema.

    Parameters
    ----------
    aside
        Where a working copy may lie for a while: an older backup is brought to the newest schema first.

    Raises
    ------
    BackupError
        If the database is not empty.
    """
    if not database.is_postgresql:
        if database.path.exists():
            raise BackupError(f"there is a database at {database.path} already")
        database.path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / DATABASE, database.path)
        database.migrate()
        return
    database.migrate()
    if not is_empty(database):
        raise BackupError("the PostgreSQL database is not empty: create a new one and set EVENKEEL_DATABASE_URL to it")
    shutil.copyfile(folder / DATABASE, aside)
    copy = Database(aside, Anchor(Path(os.devnull)))
    try:
        copy.migrate()
        copy_rows(copy, database, now, progress)
    finally:
        copy.dispose()
        aside.unlink()


def newest_surviving(manifest: BackupManifest, survivors: Iterable[Path]) -> int:
    """Newest entry that surviving anchors and folders of heads know of, at least that of the backup.

    Raises
    ------
    AuditError
        If one of them contradicts the backup, which then is of another house, or was tampered with.
    """
    newest = manifest.entries
    for path in survivors:
        known = _known(path)
        if known.get(manifest.entries, manifest.head) != manifest.head:
            raise AuditError(f"{path}: entry {manifest.entries} is anchored with another hash than the backup holds")
        newest = max(newest, max(known, default=0))
    return newest


def _known(path: Path) -> dict[int, str]:
    """Hashes by sequence that an anchor file or a folder of heads holds."""
    if path.is_dir():
        return {head.sequence: head.hash for head in FolderSink(path).heads()}
    if not path.is_file():
        raise BackupError(f"{path}: there is neither an anchor file nor a folder of heads")
    anchor = Anchor(path)
    return {**{head.sequence: head.hash for head in anchor.heads()}, **anchor.read()}


def begin_in_doubt(transaction: Transaction, manifest: BackupManifest, lost_to: int) -> Restored:
    """Doubt everything that was under way, outlive earlier executors, switch execution off, and put it on record."""
    connection, now = transaction.connection, transaction.now
    doubted: list[str] = []
    for proposal in list_proposals(connection, EVERYTHING, states=UNDER_WAY):
        doubted += _doubt_documents(
            transaction, proposal.proposal_id, keys_with_tasks(connection, proposal.proposal_id)
        )
        if proposal.state is ProposalState.LEASED:
            proposal = move(transaction, proposal, ProposalState.SENT, reason=NOTE, lease_until=now)
        if proposal.state is ProposalState.SENT:
            move(transaction, proposal, ProposalState.IN_DOUBT, reason=NOTE, lease_until=now)
    outlive(transaction, FENCING_GAP)
    connection.execute(workers.delete())
    if not switch_is_on(connection, KILL_SWITCH):
        set_switch(transaction, KILL_SWITCH, True)
    restored = Restored(
        at=now, backup=manifest.digest, taken_at=manifest.taken_at, entries=manifest.entries, lost_to=lost_to,
        doubted=tuple(doubted),
    )  # fmt: skip
    insert_restore(transaction, restored)
    return restored


def _doubt_documents(transaction: Transaction, proposal_id: str, by_hand: Collection[str]) -> list[str]:
    """Doubt the documents of a proposal that was being sent; a person's task stays the person's."""
    doubted = []
    for row in list_outbox(
        transaction.connection, EVERYTHING, proposal_id=proposal_id, states=(DocumentState.READY, DocumentState.SENT)
    ):
        if row.key in by_hand:
            continue
        if row.state is DocumentState.READY:
            row = move_document(transaction, row, DocumentState.SENT, note=NOTE)
        move_document(transaction, row, DocumentState.IN_DOUBT, note=NOTE)
        doubted.append(row.key)
    return doubted
