"""The audit chain: every entry carries the hash of the one before it.

What the chain proves: an entry that was changed, dropped or swapped after it was anchored is found, and the first
bad one is named. What it does not prove: entries written after the last anchoring may be cut off unseen, so
``verify`` says how many those are. The verifier reads every link, not only the ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, LargeBinary, cast, func, select

from inventory.anchor import Anchor
from inventory.chain import GENESIS, AuditEntry, entry_hash, link_problem
from inventory.record import canonical
from inventory.tables import audit

__all__ = [
    "GENESIS", "AuditEntry", "Verification", "count", "entries", "entry_hash", "insert_entries", "last_link",
    "next_entry", "verify",
]  # fmt: skip

_CHUNK = 20_000
"""Rows read at once, so that a long log need not fit into memory."""

Observer = Callable[[AuditEntry], None]
"""Told of each entry whose link holds, in order."""


@dataclass(frozen=True)
class Verification:
    """Result of reading the whole chain."""

    entries: int
    anchored: int
    first_bad: int | None
    problem: str
    anchored_to: int = field(default=0, compare=False)
    """Newest sequence in the anchor."""

    @property
    def sound(self) -> bool:
        """No link is broken."""
        return self.first_bad is None

    @property
    def not_anchored(self) -> int:
        """Entries after the last anchored one: cutting them off would not be seen."""
        return max(self.entries - self.anchored, 0)


def last_link(connection: Connection) -> tuple[int, str]:
    """Sequence and hash of the newest entry; what the first entry follows when there is none."""
    last = connection.execute(
        select(audit.c.sequence, audit.c.hash).order_by(audit.c.sequence.desc()).limit(1)
    ).one_or_none()
    return (last.sequence, last.hash) if last else (0, GENESIS)


def next_entry(
    after: tuple[int, str],
    *,
    at: datetime,
    actor: str,
    os_user: str,
    event: str,
    subject: str,
    subject_id: str,
    body: dict[str, Any],
) -> AuditEntry:
    """The entry that follows the link of that sequence and hash."""
    sequence, previous = after[0] + 1, after[1]
    moment = at.astimezone(UTC).isoformat()
    fields = (moment, actor, os_user, event, subject, subject_id, canonical(body))
    return AuditEntry(sequence, *fields, previous, entry_hash(sequence, previous, fields))


def insert_entries(connection: Connection, chained: Sequence[AuditEntry]) -> None:
    """Write entries inside the caller's transaction, which has held the write lock since it read the last link."""
    if chained:
        connection.execute(audit.insert(), [vars(entry) for entry in chained])


def entries(
    connection: Connection, *, subject_id: str | None = None, first: int = 1, last: int | None = None
) -> Iterator[AuditEntry]:
    """Entries in order: all, those about one subject, or those of a range of sequences (both ends included)."""
    query = select(audit).order_by(audit.c.sequence).where(audit.c.sequence >= first)
    if subject_id is not None:
        query = query.where(audit.c.subject_id == subject_id)
    if last is not None:
        query = query.where(audit.c.sequence <= last)
    with connection.execute(query.execution_options(yield_per=_CHUNK)) as rows:
        for row in rows:
            yield AuditEntry(**row._mapping)


def count(connection: Connection) -> int:
    """How many entries the chain holds."""
    return int(connection.execute(select(func.count()).select_from(audit)).scalar_one())


def verify(connection: Connection, anchor: Anchor, observe: Observer | None = None) -> Verification:
    """Read every link and compare it with the anchor; name the first that does not hold."""
    anchored = anchor.read()
    newest = max(anchored, default=0)
    previous, expected, seen = GENESIS, 1, 0
    for entry in _entries_as_stored(connection):
        seen += 1
        problem = _problem(entry, expected, previous, anchored)
        if problem:
            return Verification(count(connection), len(anchored), expected, problem, newest)
        previous, expected = entry.hash, expected + 1
        if observe is not None:
            observe(entry)
    if newest > seen:
        missing = f"entry {seen + 1} is anchored but missing from the log"
        return Verification(seen, len(anchored), seen + 1, missing, newest)
    return Verification(seen, len(anchored), None, "", newest)


def _entries_as_stored(connection: Connection) -> Iterator[AuditEntry]:
    """Entries read as bytes: what is no text any more is a changed entry, not an error on the way to it.

    PostgreSQL holds nothing but valid text in a text column, and its cast to bytes would read escapes.
    """
    names = [column for column in audit.columns if column.name != "sequence"]
    if connection.dialect.name == "sqlite":
        query = select(audit.c.sequence, *(cast(column, LargeBinary).label(column.name) for column in names))
    else:
        query = select(audit.c.sequence, *names)
    in_order = query.order_by(audit.c.sequence).execution_options(yield_per=_CHUNK)
    with connection.execute(in_order) as rows:
        for row in rows:
            yield AuditEntry(row[0], *(_text(value) for value in row[1:]))


def _text(value: Any) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value)


def _problem(entry: AuditEntry, expected: int, previous: str, anchored: dict[int, str]) -> str:
    problem = link_problem(entry, expected, previous)
    if problem:
        return problem
    if anchored.get(expected, entry.hash) != entry.hash:
        return f"entry {expected} was rewritten: its hash is not the one anchored outside the database"
    return ""
