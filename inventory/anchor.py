"""The second place for the audit chain's hashes: an append-only file outside the database.

Whoever can write the audit table can recompute the whole chain; only a copy out of reach shows it. Put the anchor
file on storage the database's operator cannot rewrite. With a signer every append begins with a signed head, so that a
link in the file that no head covers was not left by a crash.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from inventory.chain import GENESIS
from inventory.errors import AuditError
from inventory.heads import HeadSigner, SignedHead, parse_head

if TYPE_CHECKING:
    from inventory.head_sinks import HeadDeliveries, Undelivered

_TAIL = 1 << 16
"""Bytes read from the end of the file to find the newest head."""


class Link(Protocol):
    """What is anchored of an audit entry."""

    @property
    def sequence(self) -> int:
        """Position in the chain, from 1."""

    @property
    def hash(self) -> str:
        """Hash of the entry, 64 hexadecimal characters."""


class Anchor:
    """Appends ``sequence hash`` lines and signed heads to a file and reads them back.

    Parameters
    ----------
    path
        The file.
    signer
        Signs a head for each append; without one only links are kept.
    deliveries
        Further places for the heads; one that fails never fails the append.
    """

    def __init__(self, path: Path, signer: HeadSigner | None = None, deliveries: HeadDeliveries | None = None) -> None:
        self.path = path
        self.signer = signer
        self.deliveries = deliveries
        self._known: tuple[int, SignedHead | None] = (0, None)
        """Size of the file when its newest head was last looked for, and that head."""

    def append(self, links: Sequence[Link]) -> None:
        """Add committed links and the head they bring the chain to; a link already there is written again without harm.

        Each line begins with its newline, so that one torn by a power cut cannot run into the next. The head stands
        before its links: a torn append loses links, never the head of links that are there.
        """
        if not links:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._alone() as descriptor:
            head = self._next_head(descriptor, max(links, key=lambda link: link.sequence))
            lines = [head.line] if head else []
            data = "".join(f"\n{line}" for line in [*lines, *(f"{link.sequence} {link.hash}" for link in links)])
            _write_all(descriptor, data.encode())
            os.fsync(descriptor)
            if head:
                self._known = (os.fstat(descriptor).st_size, head)
        if head and self.deliveries:
            self.deliveries.deliver(head)

    def read(self) -> dict[int, str]:
        """Every anchored hash by sequence; a torn line is ignored, a contradiction is an error."""
        anchored: dict[int, str] = {}
        for number, line in self._lines():
            words = line.split()
            if len(words) != 2 or len(words[1]) != 64 or not words[0].isdigit():
                continue
            sequence, value = int(words[0]), words[1]
            if anchored.setdefault(sequence, value) != value:
                raise AuditError(f"{self.path}:{number}: entry {sequence} is anchored with two different hashes")
        return anchored

    def heads(self) -> list[SignedHead]:
        """Every signed head, in the order of the file."""
        return [head for _, line in self._lines() if line.startswith("head") and (head := parse_head(line))]

    def newest_head(self) -> SignedHead | None:
        """The head signed last, or ``None`` while there is none."""
        if not self.path.exists():
            return None
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            return self._newest(descriptor)
        finally:
            os.close(descriptor)

    def undelivered(self) -> tuple[Undelivered, ...]:
        """Further places that lack the newest head."""
        return tuple(self.deliveries.undelivered(self.newest_head())) if self.deliveries else ()

    def _lines(self) -> Iterator[tuple[int, str]]:
        if self.path.exists():
            with self.path.open(encoding="ascii", errors="replace") as file:
                yield from enumerate(file, start=1)

    @contextmanager
    def _alone(self) -> Iterator[int]:
        """The open file, with no other process appending a head meanwhile."""
        import fcntl  # heads of two processes must follow one another; POSIX has what that takes

        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    def _next_head(self, descriptor: int, top: Link) -> SignedHead | None:
        """The head of a chain that has come to ``top``; none if a later one is signed already, which covers it."""
        if self.signer is None or not self.signer.available:
            return None
        newest = self._newest(descriptor)
        if newest and newest.sequence >= top.sequence:
            return None
        return self.signer.sign(top.sequence, top.hash, newest.link if newest else GENESIS)

    def _newest(self, descriptor: int) -> SignedHead | None:
        size, head = os.fstat(descriptor).st_size, None
        if size == self._known[0]:
            return self._known[1]
        length = 0
        while head is None and length < size:
            length = min(max(length * 4, _TAIL), size)
            lines = os.pread(descriptor, length, size - length).decode("ascii", "replace").splitlines()
            head = next(filter(None, map(parse_head, reversed(lines))), None)
        self._known = (size, head)
        return head


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
