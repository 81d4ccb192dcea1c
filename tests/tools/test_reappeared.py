"""A feed that shows a document we hold as failed is an alarm and a finding, and nothing is posted beside it unseen."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from inventory.cases import list_cases
from inventory.outbox import list_outbox
from inventory.records import EVERYTHING, CaseKind, DocumentState, OutboxRow, ProposalState, Scope
from tests.tools.conftest import Copy
from tests.worlds import World
from tools.actions import dispatch
from tools.erp.faults import Fault, FaultKind
from tools.reappeared import REMEMBERED, Reappeared, reappeared

S = ProposalState


def given_up(world: World) -> OutboxRow:
    """The document of a transfer that the ERP refused: failed here, and as far as anybody knows, nowhere else."""
    world.erp.faults.add(Fault(kind=FaultKind.REJECT))
    world.decide(world.the_proposal(S.PENDING), "approve", "pia")
    dispatch(world.toolbox, world.the_proposal().proposal_id)
    with world.database.read() as connection:
        (row,) = list_outbox(connection, EVERYTHING)
    assert row.state is DocumentState.FAILED
    return row


def shown(world: World, row: OutboxRow, **changes: object) -> dict[str, object]:
    """The same document as a line of the transfers feed."""
    today = world.clock().date()
    return {
        "transfer_id": "TO-77", "line": 1, "item": "BOLT", "origin": "DC", "destination": "NORTH", "mode": "truck",
        "shipped_date": today, "expected_date": today + timedelta(days=2), "received_date": None,
        "quantity": row.document.lines[0].quantity, "received_quantity": 0, "status": "in_transit", "our_key": row.key,
        **changes,
    }  # fmt: skip


def seen(world: World, scope: Scope = EVERYTHING) -> list[Reappeared]:
    with world.database.read() as connection:
        return reappeared(connection, scope, world.toolbox.snapshot())


@pytest.fixture
def world(guided: World, a_copy: Copy) -> World:
    return a_copy(guided)


def test_a_failed_document_that_a_feed_shows_is_named_with_both_numbers_and_opens_a_case(world: World) -> None:
    row = given_up(world)
    world.clock.forward(hours=2)
    assert seen(world) == []
    world.deliver(transfers=[shown(world, row)])

    (found,) = seen(world)
    units = row.document.lines[0].quantity
    assert (found.key, found.reference, found.site, found.units) == (row.key, "TO-77", "NORTH", units)
    assert row.key in found.words
    assert "TO-77" in found.words
    assert seen(world, Scope(user="x", sites=frozenset({"WEST"}))) == []
    world.desk.sweep()
    with world.database.read() as connection:
        cases = [known.case for known in list_cases(connection, EVERYTHING)]
    (case,) = [case for case in cases if case.cause == "failed_document_shown"]
    assert case.kind is CaseKind.DATA_PROBLEM
    assert case.findings[0].note == found.words


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"status": "cancelled"}, False),
        ({"status": "refused"}, False),
        ({"status": "received", "days_ago": 1}, True),
        ({"status": "received", "days_ago": REMEMBERED.days + 1}, False),
    ],
)
def test_what_was_taken_back_or_is_long_on_the_shelf_is_no_news(
    world: World, change: dict[str, object], named: bool
) -> None:
    row = given_up(world)
    world.clock.forward(hours=2)
    said = dict(change)
    if (ago := said.pop("days_ago", None)) is not None:
        assert isinstance(ago, int)
        day = world.clock().date() - timedelta(days=ago)
        said |= {"received_date": day, "received_quantity": row.document.lines[0].quantity}
        said |= {"shipped_date": day - timedelta(days=2), "expected_date": day}
    world.deliver(transfers=[shown(world, row, **said)])
    assert bool(seen(world)) is named


def test_a_document_that_is_not_failed_is_nobodys_business(world: World) -> None:
    world.decide(world.the_proposal(S.PENDING), "approve", "pia")
    dispatch(world.toolbox, world.the_proposal().proposal_id)
    world.clock.forward(hours=2)
    world.deliver_from_erp()
    assert seen(world) == []


def planned_again(world: World) -> OutboxRow:
    """The same need is proposed once more, before the feed shows the failed document."""
    row = given_up(world)
    world.clock.forward(hours=1)
    world.deliver()
    world.desk.sweep()
    assert world.the_proposal(S.PENDING).content.version == 2
    world.clock.forward(hours=1)
    return row


def test_nobody_signs_a_second_posting_of_what_turned_up(world: World) -> None:
    row = planned_again(world)
    world.deliver(transfers=[shown(world, row)])
    after = world.decide(world.the_proposal(S.PENDING), "approve", "pia")
    assert after.state is S.VOID
    assert "TO-77" in after.reason


def test_what_was_signed_before_it_turned_up_is_not_posted_beside_it(world: World, tmp_path: Path) -> None:
    row = planned_again(world)
    approved = world.decide(world.the_proposal(S.PENDING), "approve", "pia")
    assert approved.state is S.APPROVED
    world.deliver(transfers=[shown(world, row)])
    done = dispatch(world.toolbox, approved.proposal_id)
    assert done.state is S.VOID
    assert row.key in done.note
    assert world.erp.open_documents() == ()
