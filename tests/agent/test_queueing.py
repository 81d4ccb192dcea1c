"""Every found case is shown, automatic or held back with a reason; what is held back reserves nothing."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from agent.policy_document import ApprovalPolicy
from agent.queueing import dispose
from agent.ruling import policy_in_force
from inventory.cases import list_cases
from inventory.ledger import ledger_rows, reserved_by_line
from inventory.records import EVERYTHING, Case, ProposalState, ReasonCode
from tests.agent.conftest import Copy
from tests.tools.networks import amended, set_column
from tests.worlds import ItemSite, Lane, Network, World

ITEMS = ("A", "B", "C", "D")


def four_short_stores() -> Network:
    """Four items run out at NORTH, dearer ones first; D is planned by otto, the rest by pia."""
    network = Network(
        tuple(
            place
            for number, item in enumerate(ITEMS)
            for place in (
                ItemSite(item, "DC", weekly=10, on_hand=300, cost=4.0, price=20.0 - number),
                ItemSite(item, "NORTH", weekly=20, on_hand=4, cost=4.0, price=20.0 - number),
            )
        ),
        (Lane("DC", "NORTH"),),
    )
    planner = pl.when(pl.col("item") == "D").then(pl.lit("otto")).otherwise(pl.lit("pia")).alias("planner")
    return amended(network, set_column("item_sites", planner))


@pytest.fixture(scope="module")
def queued(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Four pending transfers, all shown under the packaged cap."""
    world = World(tmp_path_factory.mktemp("queued") / "home", four_short_stores(), rollout="guided").furnish()
    assert world.desk.sweep().shown == 4
    return world


def queue(world: World, per_planner: int) -> dict[str, str]:
    """Dispositions under another cap, by item."""
    with world.database.write("evenkeel", world.clock()) as transaction:
        policy = policy_in_force(transaction.connection)
        capped: ApprovalPolicy = policy.model_copy(
            update={"queue": policy.queue.model_copy(update={"per_planner": per_planner})}
        )
        cases = [row.case for row in list_cases(transaction.connection, EVERYTHING)]
        found = dispose(transaction, cases, capped)
    return {case.items[0]: found[case.case_id] for case in cases}


def reserved_items(world: World) -> set[str]:
    with world.database.read() as connection:
        by_line = reserved_by_line(connection, EVERYTHING)
        assert sum(by_line.values()) == sum(row.reserved for row in ledger_rows(connection, EVERYTHING))
    return {item for item, _ in by_line}


def test_the_cap_counts_each_planners_own_cases_most_money_first(queued: World, a_copy: Copy) -> None:
    assert queue(a_copy(queued), 2) == {
        "A": "shown", "B": "shown", "C": "held_back:queue cap of 2 for pia reached", "D": "shown",
    }  # fmt: skip


def test_what_is_held_back_is_void_and_gives_its_units_back(queued: World, a_copy: Copy) -> None:
    world = a_copy(queued)
    assert reserved_items(world) == set(ITEMS)
    queue(world, 1)
    void = {p.content.lines[0].item: p.reason for p in world.proposals(ProposalState.VOID)}

    assert void == dict.fromkeys(("B", "C"), "held back: over the queue cap of 1")
    assert reserved_items(world) == {"A", "D"}


def test_what_is_held_back_comes_again_once_there_is_room(queued: World, a_copy: Copy) -> None:
    world = a_copy(queued)
    queue(world, 1)
    world.clock.forward(hours=1)
    sweep = world.desk.sweep()

    assert (sweep.found, sweep.shown) == (4, 4)
    assert reserved_items(world) == set(ITEMS)


def test_a_wide_cap_holds_nothing_back(queued: World, a_copy: Copy) -> None:
    world = a_copy(queued)
    before = world.proposals()

    assert set(queue(world, 20).values()) == {"shown"}
    assert world.proposals() == before


def test_automatic_cases_take_no_slot(tmp_path: Path) -> None:
    world = World(tmp_path / "home", four_short_stores()).furnish()
    sweep = world.desk.sweep()
    assert sweep.automatic > 0
    found = queue(world, 1)

    assert list(found.values()).count("automatic") == sweep.automatic
    assert list(found.values()).count("shown") == min(sweep.shown, 2)


def test_decided_and_resting_cases_are_held_back_with_their_reason(queued: World, a_copy: Copy) -> None:
    world = a_copy(queued)
    by_item = {p.content.lines[0].item: p for p in world.proposals()}
    world.decide(by_item["A"], "approve", "pia")
    world.decide(by_item["B"], "reject", "pia", reason=ReasonCode.CAPACITY)

    assert queue(world, 20) == {
        "A": "held_back:already decided, approved",
        "B": "held_back:rejected by pia",
        "C": "shown",
        "D": "shown",
    }


def test_dispositions_cover_exactly_the_cases_given(queued: World, a_copy: Copy) -> None:
    world = a_copy(queued)
    with world.database.write("evenkeel", world.clock()) as transaction:
        cases: list[Case] = [row.case for row in list_cases(transaction.connection, EVERYTHING)]
        found = dispose(transaction, cases[:2], policy_in_force(transaction.connection))

    assert set(found) == {case.case_id for case in cases[:2]}
