"""New stock that no longer covers what was promised voids the newest proposals and opens their cases again."""

from __future__ import annotations

from pathlib import Path

import pytest

from inventory.cases import find_case
from inventory.ledger import ledger_rows, reserved_by_line
from inventory.outbox import list_outbox
from inventory.records import EVERYTHING, CaseState, DocumentState, ProposalState
from tests.invariants import assert_house_in_order
from tests.tools.networks import copy_of
from tests.worlds import World, two_stores_one_donor

S = ProposalState


@pytest.fixture(scope="module")
def promised(tmp_path_factory: pytest.TempPathFactory) -> World:
    """85 of the donor's 130 units are promised to two stores."""
    world = World(tmp_path_factory.mktemp("promised") / "home", two_stores_one_donor(), rollout="guided").furnish()
    world.desk.sweep()
    assert len(world.proposals(S.PENDING)) == 2
    return world


@pytest.mark.parametrize(("stock", "void"), [(100, 0), (85, 0), (84, 1), (48, 1), (47, 2), (0, 2)])
def test_the_newest_promises_are_broken_until_the_rest_fits(
    promised: World, tmp_path: Path, stock: int, void: int
) -> None:
    """48 units were promised first, 37 last."""
    world = copy_of(promised, tmp_path / "copy")
    world.clock.forward(hours=1)
    world.deliver(two_stores_one_donor(stock=stock))
    broken, kept = world.proposals(S.VOID), world.proposals(S.PENDING)
    with world.database.read() as connection:
        reserved = sum(reserved_by_line(connection, EVERYTHING).values())
        (donor,) = [row for row in ledger_rows(connection, EVERYTHING) if row.site == "DC"]
        cases = [find_case(connection, EVERYTHING, proposal.content.case_id) for proposal in broken]

    assert (len(broken), len(kept)) == (void, 2 - void)
    assert reserved == donor.reserved == sum(line.quantity for p in kept for line in p.content.lines) <= stock
    assert all(f"{p.content.lines[0].quantity} of PUMP from DC" in p.reason for p in broken)
    assert all(case.state is CaseState.OPEN for case in cases)


def test_what_was_approved_and_lost_its_stock_leaves_no_document_waiting(promised: World, tmp_path: Path) -> None:
    world = copy_of(promised, tmp_path / "copy")
    for proposal in world.proposals(S.PENDING):
        world.decide(proposal, "approve", "pia")
    world.clock.forward(hours=1)
    world.deliver(two_stores_one_donor(stock=0))
    with world.database.read() as connection:
        documents = list_outbox(connection, EVERYTHING)

    assert len(world.proposals(S.VOID)) == len(documents) == 2
    assert {row.state for row in documents} == {DocumentState.FAILED}
    assert all("stock fell below" in row.note for row in documents)
    assert_house_in_order(world)


def test_what_was_voided_is_planned_on_the_new_stock(promised: World, tmp_path: Path) -> None:
    world = copy_of(promised, tmp_path / "copy")
    world.clock.forward(hours=1)
    world.deliver(two_stores_one_donor(stock=10))
    broken = {proposal.content.case_id for proposal in world.proposals(S.VOID)}
    world.desk.sweep()
    again = [proposal for proposal in world.proposals(S.PENDING) if proposal.content.case_id in broken]

    assert len(again) == len(broken) == 2
    assert all(line.origin == "" for proposal in again for line in proposal.content.lines)
