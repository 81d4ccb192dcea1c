"""Every condition of the gate comes out both ways in its tests: its source is run with each one watched."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

import agent.approval_policy
from inventory.records import ActionKind, Tier
from tests.agent.gate_worlds import POLICY, facts
from tests.agent.test_approval_policy import BOUNDARIES

SOURCE = Path(agent.approval_policy.__file__)


class Watcher(ast.NodeTransformer):
    """Wraps every condition: of ``if``, inline choice and comprehension, and each part of ``and`` and ``or``."""

    def __init__(self) -> None:
        self.conditions: dict[int, str] = {}

    def _watched(self, test: ast.expr) -> ast.expr:
        number = len(self.conditions)
        self.conditions[number] = f"line {test.lineno}: {ast.unparse(test)}"
        call = ast.Call(ast.Name("_seen", ast.Load()), [ast.Constant(number), test], [])
        return ast.copy_location(call, test)

    def visit_If(self, node: ast.If) -> ast.AST:
        node.test = self._watched(node.test)
        return self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        node.test = self._watched(node.test)
        return self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        node.ifs = [self._watched(test) for test in node.ifs]
        return self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        node.values = [value if isinstance(value, ast.Constant) else self._watched(value) for value in node.values]
        return self.generic_visit(node)


def watched_gate() -> tuple[dict[str, Any], dict[int, str], dict[int, set[bool]]]:
    """The gate's module run from its own source, its conditions, and how each came out so far."""
    watcher = Watcher()
    tree = ast.fix_missing_locations(watcher.visit(ast.parse(SOURCE.read_text("utf-8"))))
    outcomes: dict[int, set[bool]] = defaultdict(set)

    def seen(number: int, value: Any) -> Any:
        outcomes[number].add(bool(value))
        return value

    module: dict[str, Any] = {"__name__": "agent.approval_policy", "_seen": seen}
    exec(compile(tree, str(SOURCE), "exec"), module)  # our own source, read from our own package
    return module, watcher.conditions, outcomes


def test_every_condition_of_the_gate_comes_out_both_ways() -> None:
    gate, conditions, outcomes = watched_gate()
    for changes, tier in BOUNDARIES:
        assert gate["rule_on"](facts(**changes), POLICY).tier is tier
    unlisted = {kind: limits for kind, limits in POLICY.actions.items() if kind is not ActionKind.EXPEDITE}
    gate["rule_on"](facts(action=ActionKind.EXPEDITE), POLICY.model_copy(update={"actions": unlisted}))
    assert gate["recall_window"](Tier.AUTO, POLICY).total_seconds() == 1_800
    with pytest.raises(ValueError, match="never executed"):
        gate["recall_window"](Tier.ADVICE, POLICY)
    assert len(conditions) > 50
    assert {conditions[n] for n in conditions if outcomes[n] != {True, False}} == set()
