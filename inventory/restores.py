"""Restores on record: whether and when this database was put back from a backup, and what was lost."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select

from inventory.database import Transaction
from inventory.record import Record, Utc, canonical_record, load
from inventory.tables import restores


class Restored(Record):
    """One time the database was put back."""

    at: Utc
    backup: str
    """Digest of the backup's manifest."""
    taken_at: Utc
    """When the backup was taken."""
    entries: int
    """Entries of the log in the backup."""
    lost_to: int
    """Newest entry known to have been anchored; equal to ``entries`` when none is known to be lost."""
    doubted: tuple[str, ...]
    """Documents whose outcome must be found out."""

    @property
    def lost(self) -> str:
        """The lost range in words; empty when none is known."""
        if self.lost_to <= self.entries:
            return ""
        first = self.entries + 1
        return f"entries {first:,}..{self.lost_to:,} were anchored but are not in this backup"


def insert_restore(transaction: Transaction, restored: Restored) -> None:
    """Put a restore on record, in the log too."""
    connection = transaction.connection
    number = 1 + (connection.execute(select(func.max(restores.c.number))).scalar_one() or 0)
    connection.execute(
        insert(restores).values(
            number=number, at=restored.at, backup=restored.backup, body=canonical_record(restored)
        )
    )  # fmt: skip
    transaction.record("backup.restored", "backup", restored.backup, restored.model_dump(mode="json"))


def newest_restore(connection: Connection) -> Restored | None:
    """The last restore; ``None`` in a house that never was restored."""
    body = connection.execute(select(restores.c.body).order_by(restores.c.number.desc()).limit(1)).scalar_one_or_none()
    return None if body is None else load(Restored, body)
