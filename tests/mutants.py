"""Breaks every promise once and shows what turns red: ``python -m tests.mutants [NAME …]``.

Each mutant is a change of a few words in a copy of the repository, with the tests that must notice it. The tests are
first run on an unchanged copy: a test that is red anyway kills nothing. Ends with 1 if a mutant survives, with 2 if the
text to change is not to be found exactly once any more.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutant_list import MUTANTS, Mutant
from tests.mutants_of_decisions import OF_DECISIONS

ROOT = Path(__file__).parents[1]
ALL = (*MUTANTS, *OF_DECISIONS)
WORKERS = 2
SECONDS = 1800
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "*.egg-info")


def copy_of_the_repository(place: Path) -> Path:
    """The sources as they are now, without caches, so that nothing compiled before a change is run after it."""
    return Path(shutil.copytree(ROOT, place, ignore=LEFT_OUT))


def mutate(copy: Path, mutant: Mutant) -> None:
    """Make the change; ``ValueError`` if its place is not there exactly once."""
    source = copy / mutant.file
    text = source.read_text("utf-8")
    for old, new in mutant.changes:
        if text.count(old) != 1:
            raise ValueError(f"mutant {mutant.name}: {text.count(old)} places in {mutant.file} read {old!r}, not one")
        text = text.replace(old, new)
    compile(text, mutant.file, "exec")
    source.write_text(text, "utf-8")


def run_tests(copy: Path, tests: Sequence[str]) -> str:
    """Names of the tests that are red in a copy, the first; empty when all are green."""
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(copy)}
    # A folder of its own: runs that share one sweep up each other's leavings.
    apart = f"--basetemp={copy.parent / 'temp'}"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--tb=no", "--maxfail=1", apart, *tests]
    done = subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    red = re.findall(r"^(?:FAILED|ERROR) [^:]+::(.+?)(?: - .*)?$", done.stdout, re.MULTILINE)
    if done.returncode not in (0, 1) or (done.returncode and not red):
        raise RuntimeError(f"pytest ended with {done.returncode}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    return ", ".join(red)


def killers(mutant: Mutant) -> str:
    """Tests that notice the mutant."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = copy_of_the_repository(Path(scratch) / "copy")
        mutate(copy, mutant)
        return run_tests(copy, mutant.tests)


def check_places(mutants: Sequence[Mutant]) -> None:
    """Every change fits the sources as they are; ``ValueError`` names the first that does not."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = copy_of_the_repository(Path(scratch) / "copy")
        for mutant in mutants:
            before = (copy / mutant.file).read_text("utf-8")
            mutate(copy, mutant)
            (copy / mutant.file).write_text(before, "utf-8")


def red_without_a_mutant(mutants: Sequence[Mutant]) -> str:
    """Tests that are red in an unchanged copy."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = copy_of_the_repository(Path(scratch) / "copy")
        return run_tests(copy, sorted({test for mutant in mutants for test in mutant.tests}))


def main(names: Sequence[str]) -> int:
    """Run the mutants of these names, all when none is given; the exit code."""
    chosen = [mutant for mutant in ALL if not names or mutant.name in names]
    try:
        check_places(chosen)
    except ValueError as error:
        say(f"cannot begin: {error}")
        return 2
    red = red_without_a_mutant(chosen)
    if red:
        say(f"cannot begin: red without any mutant: {red}")
        return 2
    survivors = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for mutant, killed_by in zip(chosen, pool.map(killers, chosen), strict=True):
            say(f"{mutant.name:<28} {mutant.promise:<58} {killed_by or 'SURVIVED'}")
            if not killed_by:
                survivors.append(mutant.name)
    say(f"{len(chosen) - len(survivors)} of {len(chosen)} mutants killed")
    return 1 if survivors else 0


def say(line: str) -> None:
    """Tell the person at the terminal."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
