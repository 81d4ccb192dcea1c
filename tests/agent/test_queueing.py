"""Every found case is shown, automatic or held back with a reason; what is held back reserves nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from agent.policy_book import load_policy
from agent.policy_document import ApprovalPolicy, packaged_policy_text
from agent.queueing import dispose
from agent.ruling import Gate, policy_in_force
from agent.shortlist import Shortlist
from inventory.cases import list_cases
from inventory.ledger import ledger_rows, reserved_by_line
from inventory.records import EVERYTHING, ActionKind, Case, PolicyVersion, ProposalState, ReasonCode
from inventory.rulebook import insert_policy
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
        found = dispose(transaction, cases, capped, {})
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
        found = dispose(transaction, cases[:2], policy_in_force(transaction.connection), {})

    assert set(found) == {case.case_id for case in cases[:2]}


def shortlist(per_planner: int, **gate: Any) -> Shortlist:
    policy = load_policy(packaged_policy_text())
    policy = policy.model_copy(update={"queue": policy.queue.model_copy(update={"per_planner": per_planner})})
    return Shortlist(policy, Gate(**({"rollout": "guided", "erp_native_key": True} | gate)), kill_switch=False)


def test_drafts_end_with_the_planners_slots_where_a_person_must_decide(queued: World) -> None:
    with queued.database.read() as connection:
        cases = [row.case for row in list_cases(connection, EVERYTHING)]
    short = shortlist(2)
    told = {case.items[0]: short.refuses(case, ActionKind.TRANSFER, 10_000) for case in cases}
    assert told == {"A": "", "B": "", "C": "queue cap of 2 for pia reached", "D": ""}


def test_a_waiting_proposal_takes_a_slot(queued: World) -> None:
    with queued.database.read() as connection:
        first, second, *_ = [row.case for row in list_cases(connection, EVERYTHING)]
    short = shortlist(1)
    short.waits(first)
    assert short.refuses(second, ActionKind.TRANSFER, 10_000) == "queue cap of 1 for pia reached"


def test_what_may_need_nobody_gets_a_draft_up_to_twice_the_sites_budget(queued: World) -> None:
    """The packaged budget is 2,000 per site and day, and a transfer of consumables may be worth 500."""
    with queued.database.read() as connection:
        case = list_cases(connection, EVERYTHING)[0].case
    short = shortlist(1, rollout="auto")
    told = [short.refuses(case, ActionKind.TRANSFER, 50_000) for _ in range(10)]
    assert told[:9] == [""] * 9, "eight within twice the budget, and one in the planner's slot"
    assert told[9] == f"queue cap of 1 for {case.planner} reached"


def test_a_case_without_a_slot_is_planned_but_gets_no_draft(tmp_path: Path) -> None:
    world = World(tmp_path / "home", four_short_stores(), rollout="guided").furnish()
    one_slot = (
        packaged_policy_text().replace("per_planner = 20", "per_planner = 1").replace("version = 1", "version = 2")
    )
    policy = {"kind": "approval", "version": 2, "content": one_slot, "author": "ada", "effective_at": world.clock()}
    with world.database.write("ada", world.clock()) as transaction:
        insert_policy(transaction, PolicyVersion.model_validate(policy))
    sweep = world.desk.sweep()

    assert (sweep.found, sweep.shown, sweep.held_back) == (4, 2, 2)
    assert {proposal.content.lines[0].item for proposal in world.proposals()} == {"A", "D"}
    assert reserved_items(world) == {"A", "D"}
    told = {what for what in sweep.dispositions.values() if what != "shown"}
    assert told == {"held_back:queue cap of 1 for pia reached"}
    assert world.desk.sweep().shown == 2, "and the slot stays taken while nobody decides"
