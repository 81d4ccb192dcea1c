"""Two documents whose machine rules contradict one another are a case of their own, until one of them gives way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from inventory.cases import CaseRow, list_cases
from inventory.document_life import end_document
from inventory.machine_rules import DonorFloor
from inventory.records import EVERYTHING, CaseKind, CaseState, DocumentOfRecord
from tests.worlds import START, World, two_sites_one_lane
from tests.written_rules import put_in_force
from tools.triage import MISSES_UNTIL_CLEARED


def floor(world: World, name: str, days: int) -> None:
    """A document about what DC keeps."""
    document = DocumentOfRecord(
        document_id=f"SOP-{name}",
        title="Donor floor",
        version=1,
        text=f"## 1 Floor\n\n1.1 DC keeps {days} days of its own demand.\n",
        effective_from=START.date() - timedelta(days=30),
        added_by="root",
        added_at=START,
    )
    rule = DonorFloor(rule_id=f"R-{name}", document_id=f"SOP-{name}", version=1, clause="1.1", sites=("DC",), days=days)
    put_in_force(world.database, document, (rule,))


def contradictions(world: World) -> list[CaseRow]:
    with world.database.read() as connection:
        return [
            row
            for row in list_cases(connection, EVERYTHING, states=tuple(CaseState))
            if row.case.kind is CaseKind.POLICY_INCONSISTENCY
        ]


def look_again(world: World) -> None:
    """A day later, with a fresh delivery."""
    world.clock.forward(days=1)
    world.deliver()
    world.desk.sweep()


def test_a_contradiction_is_a_case_until_one_document_gives_way(tmp_path: Path) -> None:
    world = World(tmp_path, two_sites_one_lane(), rollout="guided").furnish()
    floor(world, "A", 3)
    floor(world, "B", 5)
    world.desk.sweep()
    (row,) = contradictions(world)
    assert (row.case.cause, row.case.scope, row.state) == ("rule_conflict:R-A:R-B", "DC", CaseState.OPEN)
    (finding,) = row.case.findings
    assert "R-B (SOP-B@v1#1.1) asks donor floor days 5 for sites DC holds until" in finding.note
    assert "SOP-A@v1#1.1" in finding.note
    with world.database.write("root", world.clock()) as transaction:
        end_document(transaction, "SOP-A", 1, "withdrawn")
    for _ in range(MISSES_UNTIL_CLEARED):
        look_again(world)
    assert [row.state for row in contradictions(world)] == [CaseState.CLOSED]
