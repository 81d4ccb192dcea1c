"""The page of controls names tests that exist, and the settings and commands it speaks of are real."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from service.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "controls.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
AREAS = (
    "Segregation of duties", "Limits", "Authorisation", "Reconciliation", "Period end", "Change management",
    "Access reviews",
)  # fmt: skip


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_test_that_is_named_exists(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("area", AREAS)
def test_each_area_names_a_mechanism_and_a_test_for_every_control(area: str) -> None:
    section = PAGE.split(f"## {area}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 3
    for row in rows:
        assert len(row) == 3, row
        assert re.search(r"`tests/[\w/]+\.py::\w+`", row[2]), row


def test_the_files_and_settings_it_speaks_of_are_there() -> None:
    for file in re.findall(r"`((?:agent|inventory|service)/\w+\.py)`", PAGE):
        assert (ROOT / file).is_file(), file
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    assert set(re.findall(rf"`({PREFIX}\w+)`", PAGE)) <= known
