"""Commands that keep the house running: worker, backup, restore and retention."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.options import AsJson, AsUser, signed_in
from service.errors import AlarmError, BrokenError, InputError

if TYPE_CHECKING:
    from threading import Event

    from inventory.restores import Restored
    from service.restoring import Drill

Survivors = Annotated[
    list[Path] | None,
    typer.Option("--anchor", metavar="PATH", help="Anchor file or folder of heads that outlived the loss."),
]


def worker(
    once: Annotated[bool, typer.Option("--once", help="One round, then end.")] = False,
    every: Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds between rounds.")] = 10.0,
    as_user: AsUser = None,
) -> None:
    """Keep executing what is approved and due.

    Round after round: recover, escalate, send, find out, deliver audit heads, and once a day audit and retention. Ends
    after the document in hand when it is told to (SIGTERM, SIGINT).
    """
    from datetime import timedelta
    from threading import Event

    from service.console import write_text
    from service.sign_in import Right, require
    from service.worker import Worker

    stop = Event()
    with signed_in(as_user) as (house, user):
        require(user, Right.OPERATE)

        def tell(words: str) -> None:
            write_text(f"{house.machine():%Y-%m-%d %H:%M:%S} {words}")
            _flush()

        with _until_told(stop):
            trouble = Worker(house, tell, every=timedelta(seconds=every), stop=stop).run(once=once)
    if once and trouble:
        raise AlarmError(trouble)


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The new folder the backup is written to.")],
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Copy database, audit heads and snapshots.

    The house goes on working meanwhile. The signing key is not in it: keep that elsewhere.
    """
    import time

    from inventory.backup import take_backup
    from service.console import progress, write_json, write_text
    from service.sign_in import Right, require_everywhere

    begun = time.monotonic()
    with signed_in(as_user) as (house, user), progress() as tell:
        require_everywhere(user, Right.BACK_UP)
        made = take_backup(
            house.database, house.layout.snapshots, folder.absolute(), home=house.kind.value, now=house.clock(),
            progress=tell,
        )  # fmt: skip
    if as_json:
        write_json(made)
        return
    size = sum(file.size for file in made.files) / 1e6
    write_text(
        f"backup {made.digest[:12]} in {folder}: {made.entries:,} entries of the log, {len(made.files):,} files, "
        f"{size:,.1f} MB, {time.monotonic() - begun:.1f} s\n"
        "the signing key is not in it: keep a copy of it elsewhere"
    )


def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The backup.")],
    drill: Annotated[
        bool, typer.Option("--drill", help="Restore into a temporary home, look at everything, change nothing.")
    ] = False,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="The signing key, which no backup holds.")] = None,
    anchor: Survivors = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup back into an empty home.

    Everything that was under way starts in doubt, and the kill switch is on until a person turns it off. Needs no
    token: whoever may write the home may restore it.
    """
    import time

    from service.console import progress, write_json, write_text
    from service.restoring import drill as rehearse
    from service.restoring import restore_home
    from service.settings import read_settings

    if drill and key is not None:
        raise InputError("--drill signs nothing and takes no --key")
    begun, survivors = time.monotonic(), anchor or []
    if drill:
        with progress() as tell:
            rehearsed = rehearse(folder, survivors=survivors, progress=tell)
        write_json(rehearsed) if as_json else write_text(_drill_words(rehearsed))
        if not rehearsed.sound:
            raise BrokenError("the house could not be put back from this backup as it was")
        return
    settings = read_settings()
    with progress() as tell:
        restored = restore_home(settings, folder, key=key, survivors=survivors, progress=tell)
    if as_json:
        write_json(restored)
        return
    write_text(_restored_words(restored, settings.home, time.monotonic() - begun))


def _drill_words(found: Drill) -> str:
    lines = [
        f"backup of {found.taken_at:%Y-%m-%d %H:%M} UTC, {found.entries:,} entries of the log: "
        + ("sound" if not found.log_problems else "NOT SOUND"),
        *(f"  {problem}" for problem in found.log_problems),
        f"{found.parts:,} parts of snapshots hold what they are named for",
        f"{found.replayed}: " + ("DIFFERENT" if found.replay_problems else "the same quantities")
        if found.replayed
        else "no plan to replay",
        *(f"  {problem}" for problem in found.replay_problems),
        f"{found.in_doubt:,} documents would start in doubt",
        *([found.lost] if found.lost else []),
        f"{found.seconds:.1f} s",
    ]
    return "\n".join(lines)


def _restored_words(restored: Restored, home: Path, seconds: float) -> str:
    lines = [
        f"restored to {home}: backup of {restored.taken_at:%Y-%m-%d %H:%M} UTC, {restored.entries:,} entries of the "
        f"log, {seconds:.1f} s",
        *([f"LOST: {restored.lost}"] if restored.lost else []),
        f"{len(restored.doubted):,} documents are in doubt and are looked up in the ERP first",
        "the kill switch is on: evenkeel doctor, then look at what waits, then evenkeel kill-switch off",
    ]
    return "\n".join(lines)


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Throw away old scratch paper and words.

    Checkpoints go; of the trace's steps the words go and their digests stay. EVENKEEL_RETENTION_TRACE_DAYS and
    EVENKEEL_RETENTION_CHECKPOINT_DAYS say how old. The worker does it once a day.
    """
    from service.console import write_json, write_text
    from service.retention import apply_retention
    from service.sign_in import Right, require_everywhere

    with signed_in(as_user) as (house, user):
        require_everywhere(user, Right.BACK_UP)
        found = apply_retention(house, dry_run=dry_run)
    write_json(found) if as_json else write_text(f"{'would go' if dry_run else 'gone'}: {found.words}")


def _flush() -> None:
    """A line must be read when it is told, also through a pipe."""
    import sys

    sys.stdout.flush()


@contextmanager
def _until_told(stop: Event) -> Iterator[None]:
    """Set the event at SIGTERM or SIGINT; the second of them ends the process as it always did."""
    import signal

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def told(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, told)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
