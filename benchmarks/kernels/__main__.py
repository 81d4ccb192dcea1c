"""``python -m benchmarks.kernels [ROOM ...]``: every room, or those named, as one table."""

from __future__ import annotations

import importlib
import pkgutil
import sys

from rich.console import Console
from rich.table import Table

import benchmarks.kernels
from benchmarks.measure import Row


def main(rooms: list[str]) -> int:
    """Print the table; exit code 1 when a promised ratio is missed."""
    known = [module.name for module in pkgutil.iter_modules(benchmarks.kernels.__path__) if module.name != "__main__"]
    unknown = sorted(set(rooms) - set(known))
    if unknown:
        print(f"no such room: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    measured = [
        row for room in rooms or known for row in importlib.import_module(f"benchmarks.kernels.{room}").measure()
    ]
    show(measured, Console(width=None if sys.stdout.isatty() else 160))
    return 0 if all(row.met for row in measured) else 1


def show(rows: list[Row], console: Console) -> None:
    """The rows as a table for people."""
    table = Table("job", "size", "ours /s", "peer or limit", "peer /s", "ratio", "target", "met")
    for row in rows:
        table.add_row(
            row.what,
            row.size,
            f"{row.ours_per_second:,.4g} {row.unit}",
            row.peer,
            f"{row.peer_per_second:,.4g}",
            f"{row.ratio:,.3g}",
            "" if row.target is None else f"{row.target:,.3g}",
            "" if row.target is None else ("yes" if row.met else "NO"),
        )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
