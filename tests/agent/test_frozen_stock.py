"""Frozen stock in the running house: planned around, kept through snapshots, and an alarm when it is not there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from inventory.cases import list_cases
from inventory.freezes import ask_freeze, confirm_freeze, list_freezes
from inventory.ledger import ledger_rows
from inventory.records import EVERYTHING, ActionKind, CaseKind, CaseState
from tests.worlds import World, two_sites_one_lane


def frozen_house(folder: Path, units: int | None) -> World:
    """The two sites, with units of the donor frozen for a customer before anything is planned."""
    world = World(folder / "home", two_sites_one_lane(), rollout="guided").furnish()
    with world.database.write("carl", world.clock()) as transaction:
        asked = ask_freeze(
            transaction, EVERYTHING, item="BOLT", site="DC", units=units, purpose="ACME",
            until=world.clock() + timedelta(days=3),
        )  # fmt: skip
    with world.database.write("ada", world.clock()) as transaction:
        confirm_freeze(transaction, EVERYTHING, asked.freeze_id)
    return world


def frozen(world: World) -> int:
    with world.database.read() as connection:
        return sum(row.frozen for row in ledger_rows(connection, EVERYTHING))


def test_nothing_is_planned_out_of_a_frozen_line(tmp_path: Path) -> None:
    world = frozen_house(tmp_path, None)
    world.desk.sweep()
    assert frozen(world) == 300
    transfers = [p for p in world.proposals() if p.content.action is ActionKind.TRANSFER]
    assert transfers == []


def test_what_is_not_frozen_is_planned_with_and_the_rest_is_kept(tmp_path: Path) -> None:
    world = frozen_house(tmp_path, 150)
    world.desk.sweep()
    moved = sum(line.quantity for p in world.proposals() for line in p.content.lines if line.origin == "DC")
    assert 0 < moved <= 150
    assert frozen(world) == 150


def test_stock_below_what_is_frozen_opens_a_case_and_shrinks_nothing(tmp_path: Path) -> None:
    world = frozen_house(tmp_path, 200)
    world.desk.sweep()
    world.clock.forward(hours=1)
    world.deliver(world.network.with_stock({("BOLT", "DC"): 120}))
    world.desk.sweep()
    assert frozen(world) == 200
    with world.database.read() as connection:
        cases = [row.case for row in list_cases(connection, EVERYTHING) if row.case.cause.startswith("frozen_short")]
    (case,) = cases
    assert case.kind is CaseKind.DATA_PROBLEM
    (finding,) = case.findings
    assert (finding.item, finding.site, finding.quantity) == ("BOLT", "DC", 80)
    assert "200 units are frozen for ACME" in finding.note
    world.clock.forward(days=4)
    world.deliver(world.network.with_stock({("BOLT", "DC"): 120}))
    assert frozen(world) == 0, "the freeze ended with its time"
    for _ in range(2):
        world.desk.sweep()
        world.clock.forward(hours=1)
        world.deliver(world.network.with_stock({("BOLT", "DC"): 120}))
    with world.database.read() as connection:
        assert [row.freeze.state for row in list_freezes(connection, EVERYTHING)] == ["ended"]
    world.desk.sweep()
    with world.database.read() as connection:
        closed = list_cases(connection, EVERYTHING, states=(CaseState.CLOSED,))
    assert case.case_id in {row.case.case_id for row in closed}
