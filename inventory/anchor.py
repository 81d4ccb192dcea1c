"""The second place for the audit chain's hashes: an append-only file outside the database.

Whoever can write the audit table can recompute the whole chain; only a copy out of reach shows it. Put the anchor
file on storage the database's operator cannot rewrite.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from inventory.errors import AuditError


class Link(Protocol):
    """What is anchored of an audit entry."""

    @property
    def sequence(self) -> int:
        """Position in the chain, from 1."""

    @property
    def hash(self) -> str:
        """Hash of the entry, 64 hexadecimal characters."""


class Anchor:
    """Appends ``sequence hash`` lines to a file and reads them back."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, links: Sequence[Link]) -> None:
        """Add committed links; a link already there is written again without harm.

        Each line begins with its newline, so that one torn by a power cut cannot run into the next.
        """
        if not links:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        data = "".join(f"\n{link.sequence} {link.hash}" for link in links).encode()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self) -> dict[int, str]:
        """Every anchored hash by sequence; a torn last line is ignored, a contradiction is an error."""
        anchored: dict[int, str] = {}
        if not self.path.exists():
            return anchored
        for number, line in enumerate(self.path.read_text("ascii").splitlines(), start=1):
            words = line.split()
            if len(words) != 2 or len(words[1]) != 64:
                continue
            sequence, value = int(words[0]), words[1]
            if anchored.setdefault(sequence, value) != value:
                raise AuditError(f"{self.path}:{number}: entry {sequence} is anchored with two different hashes")
        return anchored
