"""The audit chain: every entry carries the hash of the one before it.

What the chain proves: an entry that was changed, dropped or swapped after it was anchored is found, and the first
bad one is named. What it does not prove: entries written after the last anchoring may be cut off unseen, so
``verify`` says how many those are. The verifier reads every link, not only the ends.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, LargeBinary, cast, func, select

from inventory.anchor import Anchor
from inventory.record import canonical
from inventory.tables import audit

GENESIS = "0" * 64
_PREFIX = b"evenkeel.audit.v1\n"


@dataclass(frozen=True)
class AuditEntry:
    """One link: what happened, who did it, when, and the hashes that chain it."""

    sequence: int
    at: str
    actor: str
    os_user: str
    event: str
    subject: str
    subject_id: str
    body: str
    previous: str
    hash: str

    @property
    def data(self) -> dict[str, Any]:
        """The body as plain data."""
        loaded: dict[str, Any] = json.loads(self.body)
        return loaded


@dataclass(frozen=True)
class Verification:
    """Result of reading the whole chain."""

    entries: int
    anchored: int
    first_bad: int | None
    problem: str

    @property
    def sound(self) -> bool:
        """No link is broken."""
        return self.first_bad is None

    @property
    def not_anchored(self) -> int:
        """Entries after the last anchored one: cutting them off would not be seen."""
        return max(self.entries - self.anchored, 0)


def entry_hash(sequence: int, previous: str, fields: tuple[str, ...]) -> str:
    """SHA-256 over sequence, previous hash and length-prefixed fields."""
    sha = hashlib.sha256(_PREFIX + sequence.to_bytes(8, "big") + bytes.fromhex(previous))
    for field in fields:
        data = field.encode()
        sha.update(len(data).to_bytes(8, "big") + data)
    return sha.hexdigest()


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


def entries(connection: Connection, *, subject_id: str | None = None) -> Iterator[AuditEntry]:
    """Entries in order, all or those about one subject."""
    query = select(audit).order_by(audit.c.sequence)
    if subject_id is not None:
        query = query.where(audit.c.subject_id == subject_id)
    for row in connection.execute(query):
        yield AuditEntry(**row._mapping)


def count(connection: Connection) -> int:
    """How many entries the chain holds."""
    return int(connection.execute(select(func.count()).select_from(audit)).scalar_one())


def verify(connection: Connection, anchor: Anchor) -> Verification:
    """Read every link and compare it with the anchor; name the first that does not hold."""
    anchored = anchor.read()
    previous, expected, seen = GENESIS, 1, 0
    for entry in _entries_as_stored(connection):
        seen += 1
        problem = _problem(entry, expected, previous, anchored)
        if problem:
            return Verification(count(connection), len(anchored), expected, problem)
        previous, expected = entry.hash, expected + 1
    if anchored and max(anchored) > seen:
        return Verification(seen, len(anchored), seen + 1, f"entry {seen + 1} is anchored but missing from the log")
    return Verification(seen, len(anchored), None, "")


def _entries_as_stored(connection: Connection) -> Iterator[AuditEntry]:
    """Entries read as bytes: what is no text any more is a changed entry, not an error on the way to it."""
    texts = [cast(column, LargeBinary).label(column.name) for column in audit.columns if column.name != "sequence"]
    for row in connection.execute(select(audit.c.sequence, *texts).order_by(audit.c.sequence)):
        yield AuditEntry(row.sequence, *(value.decode("utf-8", "replace") for value in row[1:]))


def _problem(entry: AuditEntry, expected: int, previous: str, anchored: dict[int, str]) -> str:
    if entry.sequence != expected:
        return f"entry {expected} is missing; the log goes on with {entry.sequence}"
    if entry.previous != previous:
        return f"entry {expected} does not follow the entry before it"
    fields = (entry.at, entry.actor, entry.os_user, entry.event, entry.subject, entry.subject_id, entry.body)
    if entry_hash(entry.sequence, entry.previous, fields) != entry.hash:
        return f"entry {expected} was changed: its content does not match its hash"
    if anchored.get(expected, entry.hash) != entry.hash:
        return f"entry {expected} was rewritten: its hash is not the one anchored outside the database"
    return ""
