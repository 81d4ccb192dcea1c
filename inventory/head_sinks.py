"""Third places for signed heads: a folder on other storage, or a command of the operator's.

A place that fails never fails the commit it is told of. What it has not taken is counted and shown: since a head
covers every earlier one, only the newest need arrive.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from inventory.errors import HeadSinkError
from inventory.heads import SignedHead, parse_head

RETRY_SECONDS = 60.0
"""A place that failed is left alone for so long, so that one that hangs does not slow every commit."""
COMMAND_SECONDS = 5.0
"""Longest an operator's command may take over one head."""
_PER_FOLDER = 1000


class HeadSink(Protocol):
    """A place heads are sent to."""

    @property
    def name(self) -> str:
        """For people and for the file that remembers how far it has come."""

    def deliver(self, head: SignedHead) -> None:
        """Keep the head; ``HeadSinkError`` or ``OSError`` if that cannot be done."""

    def heads(self) -> list[SignedHead]:
        """What the place holds, oldest first; nothing where it cannot be read back."""


class FolderSink:
    """One file per head under a folder; none is ever written twice, so the storage may refuse changes."""

    name = "folder"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def deliver(self, head: SignedHead) -> None:
        """Write the head's file; the same head again is no error."""
        if not self.folder.is_dir():
            raise HeadSinkError(f"{self.folder}: there is no such folder")
        path = self._path(head.sequence)
        path.parent.mkdir(exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o440)
        except FileExistsError:
            if path.read_text("ascii").strip() != head.line:
                raise HeadSinkError(f"{path}: holds another head of entry {head.sequence}") from None
            return
        try:
            os.write(descriptor, f"{head.line}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def heads(self) -> list[SignedHead]:
        """Every head in the folder, by sequence; a file that holds none is an error."""
        found = []
        for path in sorted(self.folder.glob("*/*.head")):
            head = parse_head(path.read_text("ascii", "replace"))
            if head is None or self._path(head.sequence) != path:
                raise HeadSinkError(f"{path}: does not hold the head of its entry")
            found.append(head)
        return found

    def _path(self, sequence: int) -> Path:
        return self.folder / f"{sequence // _PER_FOLDER:09d}" / f"{sequence:012d}.head"


class CommandSink:
    """Writes each head as one line to the standard input of a command; its exit code 0 means *kept*.

    Parameters
    ----------
    command
        Program and arguments as in a shell, but run without one.
    seconds
        Longest it may take.
    """

    name = "command"

    def __init__(self, command: str, seconds: float = COMMAND_SECONDS) -> None:
        self.words = shlex.split(command)
        self.seconds = seconds

    def deliver(self, head: SignedHead) -> None:
        """Run the command."""
        try:
            done = subprocess.run(
                self.words, input=f"{head.line}\n".encode(), capture_output=True, timeout=self.seconds, check=False
            )
        except subprocess.TimeoutExpired:
            raise HeadSinkError(f"{self.words[0]} took longer than {self.seconds:g} s") from None
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise HeadSinkError(f"{self.words[0]} ended with {done.returncode}{': ' + said[-1] if said else ''}")

    def heads(self) -> list[SignedHead]:
        """Nothing: a command is only told."""
        return []


@dataclass(frozen=True)
class Undelivered:
    """A place that does not hold the newest head."""

    sink: str
    delivered: int
    """Sequence of the newest head it took; 0 for none."""
    newest: int
    error: str
    """Why the last attempt failed; empty when none was made since."""

    @property
    def words(self) -> str:
        """One line for people."""
        why = f": {self.error}" if self.error else ""
        return f"heads not delivered to {self.sink}: it has entry {self.delivered:,} of {self.newest:,}{why}"


class HeadDeliveries:
    """Sends heads to every place and remembers, outside the database, how far each has come.

    Parameters
    ----------
    sinks
        The places, each name once.
    folder
        Where a small file per place remembers.
    """

    def __init__(self, sinks: Sequence[HeadSink], folder: Path) -> None:
        self.sinks = tuple(sinks)
        self._folder = folder
        self._failed: dict[str, float] = {}

    def deliver(self, head: SignedHead, *, again: bool = False) -> None:
        """Offer a head to every place; with ``again`` also to those that failed a moment ago. Never raises for them."""
        for sink in self.sinks:
            failed = self._failed.get(sink.name)
            if failed is not None and not again and time.monotonic() - failed < RETRY_SECONDS:
                continue
            try:
                sink.deliver(head)
            except (HeadSinkError, OSError) as error:
                self._failed[sink.name] = time.monotonic()
                self._remember(sink.name, self._delivered(sink.name)[0], str(error))
            else:
                self._failed.pop(sink.name, None)
                self._remember(sink.name, head.sequence, "")

    def undelivered(self, newest: SignedHead | None) -> list[Undelivered]:
        """Places that lack the newest head."""
        if newest is None:
            return []
        states = [(sink.name, *self._delivered(sink.name)) for sink in self.sinks]
        return [
            Undelivered(name, delivered, newest.sequence, error)
            for name, delivered, error in states
            if delivered < newest.sequence
        ]

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.delivered"

    def _delivered(self, name: str) -> tuple[int, str]:
        try:
            known = json.loads(self._file(name).read_text("utf-8"))
            return int(known["sequence"]), str(known["error"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return 0, ""  # unknown counts as not delivered: the next head says otherwise

    def _remember(self, name: str, sequence: int, error: str) -> None:
        """Best effort: what is not remembered counts as not delivered."""
        path = self._file(name)
        aside = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            aside.write_text(json.dumps({"sequence": sequence, "error": error}), "utf-8")
            aside.replace(path)
        except OSError:
            aside.unlink(missing_ok=True)
