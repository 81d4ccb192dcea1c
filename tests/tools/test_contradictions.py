"""Two documents whose machine rules contradict one another are a case of their own, until one of them gives way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from inventory.cases import CaseRow, list_cases
from inventory.document_life import end_document
from inventory.machine_rules import DonorFloor, RuleRecord
from inventory.machine_rules_conflicts import conflicts
from inventory.records import EVERYTHING, ActionKind, CaseKind, CaseState, DocumentOfRecord
from tests.tools.rule_worlds import planned
from tests.tools.rule_worlds import rule as written
from tests.worlds import START, World, two_sites_one_lane
from tests.written_rules import put_in_force
from tools.rules.check import left_by, violations
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


BOLT, LATER = {"items": ["BOLT"]}, {"rule_id": "R-2"}
DELISTED = written("planned_delisting", on=START.date() + timedelta(days=28), **BOLT)
AT_ODDS: dict[str, tuple[RuleRecord, RuleRecord]] = {
    "two floors": (written("donor_floor", units=260), written("donor_floor", units=240, **LATER)),
    "frozen and committed": (
        written("freeze", sites=["DC"]),
        written("allocation_commitment", sites=["DC"], units=60, customer="ACME", **LATER),
    ),
    "two multiples": (
        written("order_quantity", multiple=35, **BOLT),
        written("order_quantity", multiple=20, **BOLT, **LATER),
    ),
    "delisted and protected": (DELISTED, written("protected_range", **BOLT, **LATER)),
    "delisted and built up": (
        DELISTED,
        written(
            "promotion_build_up", **BOLT, **LATER,
            **{"from": START.date(), "to": START.date() + timedelta(days=40)},
        ),
    ),
}  # fmt: skip
"""Pairs that contradict one another."""


@pytest.mark.parametrize("name", AT_ODDS)
def test_meanwhile_a_plan_keeps_to_both(name: str, furnished: World) -> None:
    """DC has 300 BOLT, NORTH 4; what either forbids is not done, though without them it would be."""
    pair = AT_ODDS[name]
    closed = written("lane_ban", rule_id="R-3", destination="NORTH") if name == "two multiples" else None
    beside = [closed] if closed else []
    ignoring, obeying = planned(furnished, beside), planned(furnished, [*beside, *pair])
    look, snapshot = ignoring.outlook, furnished.toolbox.snapshot()

    assert len(conflicts(pair, START.date())) == 1
    assert violations(pair, snapshot, look, ignoring.lines, left_by(look, ignoring.lines)) != ()
    assert violations(pair, snapshot, look, obeying.lines, left_by(look, obeying.lines)) == ()
    assert ignoring.worth > obeying.worth, "ignoring them would win"


def test_a_protected_range_that_is_delisted_is_neither_given_away_nor_bought_for_long(furnished: World) -> None:
    """An order is there after 21 days: 20 units are sold in the week that is left."""
    plan = planned(furnished, AT_ODDS["delisted and protected"])
    transfer, purchase = plan.option(ActionKind.TRANSFER), plan.option(ActionKind.PURCHASE)

    assert plan.units(ActionKind.TRANSFER) == 0
    assert "(R-2)" in transfer.binding_constraint
    assert plan.units(ActionKind.PURCHASE) <= 20
    assert "(R-1)" in purchase.binding_constraint


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Not swept."""
    return World(tmp_path_factory.mktemp("at-odds") / "home", two_sites_one_lane()).furnish()
