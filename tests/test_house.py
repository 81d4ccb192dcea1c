"""The house as a whole: who may import whom, whose names these are, how long a file is, and that it deploys."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("agent", "tools", "inventory", "knowledge", "optimizer", "service")
LONGEST = 500


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """A command in the repository, with what it said."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)


def test_imports_point_down_and_the_leaves_do_not_know_each_other() -> None:
    done = run(sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_distribution_owns_a_name_of_ours(package: str) -> None:
    assert set(packages_distributions().get(package, [])) <= {"evenkeel"}


@pytest.mark.parametrize("folder", [*PACKAGES, "tests", "benchmarks"])
def test_a_file_stays_readable_or_says_why_not(folder: str) -> None:
    for source in sorted((ROOT / folder).rglob("*.py")):
        text = source.read_text("utf-8")
        said = ast.get_docstring(ast.parse(text)) or ""
        assert text.count("\n") <= LONGEST or re.search(r"(long|lines)\s+because", said), source
