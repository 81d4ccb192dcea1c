"""A transfer is followed from the shelf to the receipt, in full, in part or refused, and no unit is counted twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inventory.cases import CaseRow, find_case
from inventory.chronicle import list_outcomes
from inventory.records import EVERYTHING, CaseState, Outcome, ProposalState
from tests.tools.conftest import Copy
from tests.tools.networks import copy_of
from tests.worlds import World

UNITS, AT_DC, AT_NORTH = 78, 300, 4


@pytest.fixture(scope="module")
def posted(guided: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world whose one transfer has been posted."""
    world = copy_of(guided, tmp_path_factory.mktemp("posted") / "home")
    world.decide(world.the_proposal(), "approve", "pia")
    world.desk.execute()
    return world


def next_day(world: World, days: int = 1) -> CaseRow:
    """The ERP's feeds some days later; the case after the sweep."""
    world.clock.forward(days=days)
    world.deliver_from_erp()
    world.desk.sweep()
    return the_case(world)


def the_case(world: World) -> CaseRow:
    (proposal,) = world.proposals(ProposalState.EXECUTED)
    with world.database.read() as connection:
        return find_case(connection, EVERYTHING, proposal.content.case_id)


def the_outcome(world: World) -> Outcome:
    with world.database.read() as connection:
        return list_outcomes(connection, EVERYTHING)[0]


def reference(world: World) -> str:
    (document,) = world.erp.open_documents()
    return document.reference


def units_anywhere(world: World) -> int:
    """Units at both sites and on the way between them, as the snapshot the house works on has them."""
    with world.database.read() as connection:
        outlook = world.toolbox.outlook(connection)
    stock = world.toolbox.snapshot().table("stock")["on_hand"].sum()
    return int(stock) + round(float(outlook.on_order.sum()))


def test_a_case_says_where_the_goods_are_until_they_are_there(posted: World, a_copy: Copy) -> None:
    world = a_copy(posted)
    assert the_case(world).reason == "posted, waiting for receipt"
    moving = next_day(world)
    assert moving.state is CaseState.IN_TRANSIT
    assert moving.reason.startswith("in transit, due 2024-04-")

    world.erp.receive(reference(world), world.clock(), 30)
    assert next_day(world).reason == "in transit: 30 of 78 units received, the rest is on its way"
    world.erp.receive(reference(world), world.clock())
    ended = next_day(world)
    assert (ended.state, ended.reason) == (CaseState.CLOSED, "received")
    assert the_outcome(world).observed["units_received"] == UNITS


def test_refused_goods_open_the_case_again_with_what_is_missing(posted: World, a_copy: Copy) -> None:
    world = a_copy(posted)
    next_day(world)
    world.erp.refuse(reference(world), world.clock() + timedelta(days=1))
    world.clock.forward(days=1)
    world.deliver_from_erp()
    case = the_case(world)
    assert case.state is CaseState.IN_TRANSIT, "nothing is known of it yet"
    world.desk.sweep()

    assert the_case(world).state is not CaseState.CLOSED
    assert the_outcome(world).observed["units_received"] == 0
    assert the_outcome(world).observed["units_refused"] == UNITS
    with world.database.read() as connection:
        story = connection.exec_driver_sql("SELECT body FROM audit WHERE event = 'case.moved'").scalars().all()
    assert any("refused: none of 78 units received" in body for body in story)


def test_part_received_and_part_refused_opens_the_case_with_the_difference(posted: World, a_copy: Copy) -> None:
    world = a_copy(posted)
    next_day(world)
    order = reference(world)
    world.erp.receive(order, world.clock(), 50)
    world.erp.refuse(order, world.clock())
    next_day(world)
    outcome = the_outcome(world)

    assert (outcome.state, outcome.observed["units_received"], outcome.observed["units_refused"]) == (
        "observed",
        50,
        28,
    )
    with world.database.read() as connection:
        story = connection.exec_driver_sql("SELECT body FROM audit WHERE event = 'case.moved'").scalars().all()
    assert any("received in part: 50 of 78 units, 28 refused" in body for body in story)


def test_a_document_deleted_in_the_erp_is_missed(posted: World, a_copy: Copy) -> None:
    world = a_copy(posted)
    world.erp.delete(reference(world))
    assert next_day(world).reason == "posted, waiting for receipt"
    missed = next_day(world, days=2)
    assert (missed.state, missed.reason) == (
        CaseState.IN_TRANSIT, "posted on 2024-04-08, and no feed shows it: look in the ERP",
    )  # fmt: skip
    assert world.erp.on_hand("BOLT", "DC") == AT_DC


@pytest.mark.parametrize("refused", [0, 28, 78])
def test_every_unit_is_counted_once_on_its_way_received_or_refused(posted: World, a_copy: Copy, refused: int) -> None:
    world = a_copy(posted)
    world.clock.forward(days=1)
    world.deliver_from_erp()
    assert units_anywhere(world) == AT_DC + AT_NORTH
    order = reference(world)
    if refused:
        world.erp.refuse(order, world.clock(), refused)
    world.clock.forward(hours=6)
    world.deliver_from_erp()
    assert units_anywhere(world) == AT_DC + AT_NORTH, "refused, the rest on its way"
    if refused < UNITS:
        world.erp.receive(order, world.clock())
    world.clock.forward(hours=6)
    world.deliver_from_erp()
    assert units_anywhere(world) == AT_DC + AT_NORTH
    assert world.erp.on_hand("BOLT", "NORTH") == AT_NORTH + UNITS - refused
