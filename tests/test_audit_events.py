"""Every event the house records is on the one list, and the list covers every kind of event."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from inventory.audit import entries
from inventory.events import EVENTS, EventKind
from inventory.lifecycle import EVENTS as PROPOSAL_EVENTS
from inventory.records import DocumentState
from inventory.tasks import ANSWERS
from tests.worlds import World

ROOT = Path(__file__).parents[1]
PACKAGES = ("inventory", "tools", "agent", "service")
OUTCOMES = ("outcome.open", "outcome.observed")
SWITCHES = ("switch.set", "switch.lifted")
NOT_SPELT_OUT = {
    "inventory/cases.py": ("case.closed", "case.moved"),
    "inventory/chronicle.py": (*OUTCOMES, *SWITCHES),
    "inventory/configuration.py": ("configuration.changed",),
    "inventory/document_life.py": ("document.deleted", "document.refused", "document.withdrawn"),
    "inventory/lifecycle.py": tuple(PROPOSAL_EVENTS.values()),
    "inventory/outbox.py": tuple(f"action.{state.value}" for state in DocumentState),
    "inventory/policy_drafts.py": ("policy.rejected", "policy.withdrawn"),
    "inventory/tasks.py": tuple(ANSWERS.values()),
    "service/log_keeping.py": ("signing_key.created",),
}
"""Where a ``record`` call takes its event from elsewhere, and what it may be."""
FORMER = {"document.added"}
"""Recorded by earlier versions only; their logs are still read."""


def recorded() -> dict[str, list[str | None]]:
    """First argument of every ``transaction.record`` call by file; ``None`` where it is no plain text."""
    found: dict[str, list[str | None]] = {}
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "record":
                first = node.args[0] if len(node.args) >= 3 else None
                if first is not None:
                    name = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
                    found.setdefault(path.relative_to(ROOT).as_posix(), []).append(name)
    return found


def test_every_recorded_event_is_listed() -> None:
    spelt = {name for names in recorded().values() for name in names if name is not None}
    assert len(spelt) > 20
    assert spelt - set(EVENTS) == set(), "add it to inventory/events.py"


def test_events_that_are_not_spelt_out_where_they_are_recorded_are_listed_too() -> None:
    computed = {file for file, names in recorded().items() if None in names}
    assert computed - set(NOT_SPELT_OUT) == set(), "say here which events these calls record"
    assert {name for names in NOT_SPELT_OUT.values() for name in names} - set(EVENTS) == set()


def test_every_listed_event_is_recorded_somewhere() -> None:
    spelt = {name for names in recorded().values() for name in names if name is not None}
    assert set(EVENTS) - FORMER - spelt - {name for names in NOT_SPELT_OUT.values() for name in names} == set()


@pytest.mark.parametrize("kind", EventKind)
def test_each_kind_of_event_is_covered(kind: EventKind) -> None:
    assert kind in EVENTS.values()


def test_a_real_run_records_nothing_else(guided: World) -> None:
    guided.decide(guided.the_proposal(), "approve", "pia")
    guided.desk.execute()
    with guided.database.read() as connection:
        told = {entry.event for entry in entries(connection)}
    assert told <= set(EVENTS)
    assert {EVENTS[name] for name in told} >= {EventKind.DATA, EventKind.DECISION, EventKind.EXECUTION}
