"""What was predicted is kept when a proposal ends, and compared once the goods are in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inventory.cases import CaseRow, find_case
from inventory.chronicle import list_outcomes
from inventory.proposals import find_situation
from inventory.records import EVERYTHING, CaseState, Outcome, Proposal, ProposalState
from tests.tools.conftest import Copy
from tests.tools.networks import copy_of
from tests.worlds import World, two_sites_one_lane

UNITS = 78


def outcome_of(world: World) -> Outcome:
    with world.database.read() as connection:
        (outcome,) = list_outcomes(connection, EVERYTHING)
    return outcome


def case_of(world: World, proposal: Proposal) -> CaseRow:
    with world.database.read() as connection:
        return find_case(connection, EVERYTHING, proposal.content.case_id)


@pytest.fixture(scope="module")
def posted(guided: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world whose one transfer has been posted."""
    world = copy_of(guided, tmp_path_factory.mktemp("posted") / "home")
    (pending,) = world.proposals(ProposalState.PENDING)
    world.decide(pending, "approve", "pia")
    world.clock.forward(minutes=1)
    (done,) = world.desk.execute()
    assert done.state is ProposalState.EXECUTED
    return world


def the_proposal(world: World) -> Proposal:
    (proposal,) = world.proposals(ProposalState.EXECUTED)
    return proposal


def next_morning(world: World, days: int, received: bool) -> None:
    """Feeds as the ERP exports them some days later."""
    if received:
        (document,) = world.erp.open_documents()
        world.erp.receive(document.reference, world.clock() + timedelta(days=days))
    world.clock.forward(days=days)
    stock = {("BOLT", "DC"): 300 - UNITS, ("BOLT", "NORTH"): 4 + (UNITS if received else 0)}
    world.deliver(two_sites_one_lane().with_stock(stock), world.erp.export_transfers())


def test_an_outcome_opens_with_what_the_chosen_option_promised(posted: World, a_copy: Copy) -> None:
    world = a_copy(posted)
    proposal = the_proposal(world)
    outcome = outcome_of(world)
    with world.database.read() as connection:
        situation = find_situation(connection, EVERYTHING, proposal.proposal_id)
    assert situation is not None
    (chosen,) = [option for option in situation.options if option.chosen]

    assert (outcome.state, outcome.observed, outcome.observed_at) == ("open", {}, None)
    assert outcome.predicted == {
        "shortage_avoided_units": pytest.approx(chosen.shortage_avoided_units),
        "shortage_avoided_minor": chosen.shortage_avoided_minor,
        "cost_minor": chosen.cost_minor,
        "units": UNITS,
    }


@pytest.mark.parametrize(("days", "late"), [(3, 0), (6, 3)])
def test_a_receipt_completes_the_outcome_and_closes_the_case(posted: World, a_copy: Copy, days: int, late: int) -> None:
    """The transfer is due on the third day."""
    world = a_copy(posted)
    proposal = the_proposal(world)
    next_morning(world, 1, received=False)
    world.desk.recover()
    assert outcome_of(world).state == "open"
    assert case_of(world, proposal).state is CaseState.IN_TRANSIT

    next_morning(world, days - 1, received=True)
    world.desk.sweep()
    outcome, case = outcome_of(world), case_of(world, proposal)
    assert (outcome.state, outcome.observed) == ("observed", {"units_received": UNITS, "days_late": late})
    assert outcome.observed_at == world.clock()
    assert (case.state, case.reason) == (CaseState.CLOSED, "received")

    seen_at = outcome.observed_at
    world.clock.forward(days=1)
    world.desk.sweep()
    assert outcome_of(world).observed_at == seen_at, "an observation is final"


def test_goods_on_the_way_keep_the_case_open(posted: World, a_copy: Copy) -> None:
    world = a_copy(posted)
    proposal = the_proposal(world)
    for _ in range(3):
        next_morning(world, 1, received=False)
        world.desk.sweep()

    assert case_of(world, proposal).state is CaseState.IN_TRANSIT
    assert outcome_of(world).state == "open"


def test_a_part_of_the_goods_does_not_complete_the_outcome(posted: World, a_copy: Copy) -> None:
    world = a_copy(posted)
    proposal = the_proposal(world)
    (document,) = world.erp.open_documents()
    world.clock.forward(days=3)
    world.erp.receive(document.reference, world.clock(), 30)
    world.deliver(
        two_sites_one_lane().with_stock({("BOLT", "DC"): 300 - UNITS, ("BOLT", "NORTH"): 34}),
        world.erp.export_transfers(),
    )
    world.desk.sweep()

    assert outcome_of(world).state == "open"
    assert case_of(world, proposal).state is CaseState.IN_TRANSIT
