"""The links of the audit chain, as pure data: what is hashed, and what follows what.

Standard library only, so that whoever checks an export needs nothing else of the house.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

GENESIS = "0" * 64
"""What the first entry, and the first head, follows."""
_PREFIX = b"evenkeel.audit.v1\n"
HASHED = ("at", "actor", "os_user", "event", "subject", "subject_id", "body")
"""Fields under the hash besides sequence and previous hash, in order."""


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

    @property
    def hashed_fields(self) -> tuple[str, ...]:
        """Texts under the hash, in order."""
        return (self.at, self.actor, self.os_user, self.event, self.subject, self.subject_id, self.body)


def entry_hash(sequence: int, previous: str, fields: tuple[str, ...]) -> str:
    """SHA-256 over a domain prefix, sequence, previous hash and length-prefixed fields."""
    sha = hashlib.sha256(_PREFIX + sequence.to_bytes(8, "big") + bytes.fromhex(previous))
    for field in fields:
        data = field.encode()
        sha.update(len(data).to_bytes(8, "big") + data)
    return sha.hexdigest()


def link_problem(entry: AuditEntry, expected: int, previous: str) -> str:
    """Why an entry is not the ``expected`` one after the hash ``previous``; empty when it is."""
    if entry.sequence != expected:
        return f"entry {expected} is missing; the log goes on with {entry.sequence}"
    if entry.previous != previous:
        return f"entry {expected} does not follow the entry before it"
    if entry_hash(entry.sequence, entry.previous, entry.hashed_fields) != entry.hash:
        return f"entry {expected} was changed: its content does not match its hash"
    return ""
