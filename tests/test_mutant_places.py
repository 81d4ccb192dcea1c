"""Each wrong change of `make mutants` still fits the sources, and the tests that must notice it are there."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.mutant_list import Mutant
from tests.mutants import ALL

ROOT = Path(__file__).parents[1]


@cache
def functions(file: str) -> frozenset[str]:
    """Names of the functions of a file, in whatever class."""
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_one_place_and_names_tests_that_exist(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text("utf-8")
    for old, new in mutant.changes:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert not name or name.split("::")[-1] in functions(file), test
