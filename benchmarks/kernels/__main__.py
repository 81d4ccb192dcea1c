"""``python -m benchmarks.kernels [ROOM ...] [--out FILE]``: every room, or those named, as one table."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import platform
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from os import cpu_count
from pathlib import Path

from rich.console import Console
from rich.table import Table

import benchmarks.kernels
from benchmarks.measure import Row

HEADINGS = ("job", "size", "ours", "peer or limit", "peer /s", "ratio", "target", "met")


def main() -> int:
    """Print the table as it grows; exit code 1 when a promised ratio is missed."""
    known = [module.name for module in pkgutil.iter_modules(benchmarks.kernels.__path__) if module.name != "__main__"]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernels", description=(__doc__ or "").split(":")[1])
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=", ".join(known))
    parser.add_argument("--out", type=Path, help="also write the table there, as Markdown with date and machine")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.rooms) - set(known))
    if unknown:
        parser.error(f"no such room: {', '.join(unknown)}; there are {', '.join(known)}")
    console = Console(width=None if sys.stdout.isatty() else 170)
    measured: dict[str, list[Row]] = {}
    for room in arguments.rooms or known:
        measured[room] = importlib.import_module(f"benchmarks.kernels.{room}").measure()
        show(room, measured[room], console)
    if arguments.out is not None:
        arguments.out.write_text("\n".join(as_markdown(measured)) + "\n", encoding="utf-8")
    return 0 if all(row.met for rows in measured.values() for row in rows) else 1


def cells(row: Row) -> tuple[str, ...]:
    """A row in words."""
    promised = row.target is not None
    return (
        row.what,
        row.size,
        f"{row.ours_per_second:,.4g} {row.unit}/s",
        row.peer,
        f"{row.peer_per_second:,.4g}",
        f"{row.ratio:,.3g}",
        f"{row.target:,.3g}" if promised else "",
        ("yes" if row.met else "**NO**") if promised else "",
    )


def show(room: str, rows: list[Row], console: Console) -> None:
    """The rows of a room as a table for people."""
    table = Table(*HEADINGS, title=room, title_justify="left")
    for row in rows:
        table.add_row(*cells(row))
    console.print(table)


def as_markdown(measured: dict[str, list[Row]]) -> Iterator[str]:
    """The tables of all rooms as lines of Markdown, with when and on what they were taken."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy"))
    yield "# Kernels beside their peers and beside the machine"
    yield ""
    yield (
        f"Command: `python -m benchmarks.kernels`. {datetime.now(UTC):%Y-%m-%d}, {cpu_count()} cores "
        f"({platform.machine()}), {platform.system()}, Python {platform.python_version()}, {packages}. "
        "Ratios are of one run, both sides timed in turns."
    )
    for room, rows in measured.items():
        yield from ("", f"## {room}", "", f"| {' | '.join(HEADINGS)} |", "|---|---|---:|---|---:|---:|---:|---|")
        yield from (f"| {' | '.join(cells(row))} |" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
