"""The data directory: what lies where, what kind of home it is, and its clock.

A demo home has a clock of its own, kept in a file so that every process agrees on the time; a production home follows
the machine's. ``home.toml`` is written last when a home is made: without it there is no home.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from service.errors import HomeError


class HomeKind(StrEnum):
    """What a home is for."""

    DEMO = "demo"
    PRODUCTION = "production"


@dataclass(frozen=True)
class Layout:
    """Where everything of a home is."""

    home: Path

    @property
    def database(self) -> Path:
        """Cases, decisions and proof."""
        return self.home / "evenkeel.sqlite3"

    @property
    def snapshots(self) -> Path:
        """Parts of the snapshots."""
        return self.home / "snapshots"

    @property
    def knowledge(self) -> Path:
        """The index over the written rules; disposable."""
        return self.home / "knowledge"

    @property
    def checkpoints(self) -> Path:
        """Scratch paper of the graphs; disposable."""
        return self.home / "checkpoints.sqlite3"

    @property
    def anchor(self) -> Path:
        """Heads of the audit chain, outside the database."""
        return self.home / "anchor" / "audit.log"

    @property
    def signing_key(self) -> Path:
        """Signs the heads of the audit chain; its public half lies beside it."""
        return self.home / "anchor" / "signing.key"

    @property
    def erp(self) -> Path:
        """Books of the simulated ERP."""
        return self.home / "erp.sqlite3"

    @property
    def clock(self) -> Path:
        """Time of a demo home."""
        return self.home / "clock"

    @property
    def exported(self) -> Path:
        """Number of the newest step of the trace that was sent to a collector."""
        return self.home / "trace.exported"

    @property
    def marker(self) -> Path:
        """Says that this is a home, and of which kind."""
        return self.home / "home.toml"

    def exists(self) -> bool:
        """Whether a home was made here to the end."""
        return self.marker.is_file()


def read_kind(layout: Layout) -> HomeKind:
    """The kind of an existing home.

    Raises
    ------
    HomeError
        If there is none, or its marker cannot be understood.
    """
    if not layout.exists():
        raise HomeError(
            f"there is no Evenkeel home at {layout.home}: set EVENKEEL_HOME, "
            "make one with `evenkeel user add ID --name NAME --roles administrator`, or try `evenkeel demo`"
        )
    try:
        return HomeKind(tomllib.loads(layout.marker.read_text("utf-8"))["kind"])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, ValueError) as error:
        raise HomeError(f'{layout.marker}: expected kind = "demo" or "production" ({error})') from error


def write_marker(layout: Layout, kind: HomeKind) -> None:
    """Declare the home made."""
    _replace(layout.marker, f'kind = "{kind.value}"\n')


def write_number(path: Path, number: int) -> None:
    """Keep a whole number in a file of its own."""
    _replace(path, f"{number}\n")


class FileClock:
    """A clock that stands still until it is moved, shared by every process of a demo home."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self) -> datetime:
        """The home's time, UTC."""
        try:
            moment = datetime.fromisoformat(self.path.read_text("ascii").strip())
        except (OSError, ValueError) as error:
            raise HomeError(f"{self.path}: expected an ISO time with offset ({error})") from error
        if moment.tzinfo is None:
            raise HomeError(f"{self.path}: the time {moment.isoformat()} has no offset")
        return moment.astimezone(UTC)

    def set(self, moment: datetime) -> None:
        """Move the clock to a moment, which must carry an offset."""
        if moment.tzinfo is None:
            raise HomeError(f"the demo clock needs a time with an offset, not {moment.isoformat()}")
        _replace(self.path, f"{moment.astimezone(UTC).isoformat()}\n")

    def advance(self, step: timedelta) -> datetime:
        """Move the clock forward; returns the new time."""
        if step < timedelta(0):
            raise HomeError(f"the demo clock only moves forward, not by {step}")
        moment = self() + step
        self.set(moment)
        return moment


def system_clock() -> datetime:
    """The machine's time, UTC."""
    return datetime.now(UTC)


def clock_of(layout: Layout, kind: HomeKind) -> Callable[[], datetime]:
    """The clock of a home."""
    return FileClock(layout.clock) if kind is HomeKind.DEMO else system_clock


def _replace(path: Path, text: str) -> None:
    """Write a small file in one step: a reader sees the old text or the new."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    aside.write_text(text, "utf-8")
    aside.replace(path)
