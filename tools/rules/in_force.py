"""Machine rules as a plan takes them, and as its record keeps them for replay."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection

from inventory.machine_rules import RuleRecord, list_effective, rule_adapter
from inventory.record import canonical_record
from inventory.records import EVERYTHING, PlanRun


def rules_in_force(connection: Connection, on: date) -> tuple[RuleRecord, ...]:
    """Every machine rule of the documents that speak on a day.

    Where two of them contradict, both are kept to, so the stricter binds: each only narrows what may be done.
    """
    return list_effective(connection, EVERYTHING, on)


def on_record(rules: Iterable[RuleRecord]) -> tuple[str, ...]:
    """Rules as a plan run keeps them: whole, so that a document deleted later does not change what it decided."""
    return tuple(canonical_record(rule) for rule in rules)


def rules_of_run(run: PlanRun) -> tuple[RuleRecord, ...]:
    """The rules a plan kept to, from its own record."""
    return tuple(rule_adapter().validate_json(text) for text in run.rules)


def clause_of(rule: RuleRecord) -> str:
    """The clause and the rule that implements it, such as ``SOP-TRF-01@v2#3.2 (R-TRF-01)``."""
    return f"{rule.passage_id} ({rule.rule_id})"
