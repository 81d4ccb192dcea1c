"""What a command writes: tables and JSON to standard output, progress and errors to standard error.

Text from feeds, documents and people is printed as it is, never as markup, and without characters that a terminal
would obey.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tools.plain_words import is_hidden

PIPE_WIDTH = 100
"""Columns when the output is not a terminal."""

Tell = Callable[[str, int, int], None]
"""Told of a step, how many are done and of how many."""


def out() -> Console:
    """The console for answers."""
    return _console(sys.stdout.isatty(), stderr=False)


def inert(text: str) -> str:
    """Text without characters that cannot be seen or that a terminal would obey."""
    return "".join(character for character in text if not is_hidden(character))


def write_json(value: BaseModel | Sequence[BaseModel]) -> None:
    """One JSON object or array on standard output, and nothing else; ASCII, so that no terminal obeys it."""
    data = value.model_dump(mode="json") if isinstance(value, BaseModel) else [v.model_dump(mode="json") for v in value]
    write_text(json.dumps(data, indent=2, allow_nan=False))


def write_text(text: str) -> None:
    """Text on standard output, ended by one newline."""
    sys.stdout.write(inert(text).rstrip("\n") + "\n")


@contextmanager
def progress() -> Iterator[Tell]:
    """A bar on a terminal, nothing elsewhere; gone when the work is done."""
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=_console(sys.stderr.isatty(), stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task("starting", total=None)

        def tell(step: str, done: int, of: int) -> None:
            bar.update(task, description=inert(step), completed=done, total=of)

        yield tell


def _console(is_terminal: bool, *, stderr: bool) -> Console:
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, width=None if is_terminal else PIPE_WIDTH)
