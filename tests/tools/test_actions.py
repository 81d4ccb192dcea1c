"""The way to the ERP: posted exactly once, or visibly in doubt, and never without a matching approval."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import update

from inventory.cases import find_case
from inventory.chronicle import KILL_SWITCH, set_switch
from inventory.ledger import ledger_rows, lift_off, list_reservations
from inventory.lifecycle import move
from inventory.outbox import list_outbox, list_receipts, move_document
from inventory.proposals import find_proposal
from inventory.records import (
    EVERYTHING,
    ActionKind,
    CaseState,
    DocumentState,
    OutboxRow,
    Proposal,
    ProposalState,
)
from inventory.tables import approvals
from tests.tools.conftest import Copy
from tests.tools.networks import add_rows, amended, copy_of, set_column
from tests.worlds import ItemSite, Network, World, two_sites_one_lane
from tools.actions import LEASE, Execution, dispatch, due, reconcile
from tools.erp.faults import Fault, FaultKind
from tools.erp.simulated import StockRow
from tools.errors import ApprovalMismatchError, KillSwitchError, StaleFactsError, ToolInputError

S = ProposalState
APPROVED_UNITS = 78


@pytest.fixture(scope="module")
def approved(guided: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """One transfer of 78 units a planner has approved."""
    world = copy_of(guided, tmp_path_factory.mktemp("approved") / "home")
    world.decide(the_proposal(world), "approve", "pia")
    return world


def the_proposal(world: World) -> Proposal:
    (proposal,) = world.proposals()
    return proposal


def send(world: World) -> Execution:
    return dispatch(world.toolbox, the_proposal(world).proposal_id)


def documents(world: World) -> list[OutboxRow]:
    with world.database.read() as connection:
        return list_outbox(connection, EVERYTHING)


def postings(world: World) -> int:
    """What the ERP itself holds under our keys."""
    return sum(len(world.erp.orders_with(row.key)) for row in documents(world))


def donor_book(world: World) -> int:
    return world.erp.on_hand("BOLT", "DC")


def settle(world: World) -> ProposalState:
    """Let the lease run out and find out."""
    world.clock.forward(minutes=5)
    reconcile(world.toolbox)
    return the_proposal(world).state


def test_a_document_is_posted_once_with_its_receipt(approved: World, a_copy: Copy) -> None:
    world = a_copy(approved)
    done = send(world)
    (row,) = documents(world)
    (receipt,) = done.receipts
    (posting,) = world.erp.orders_with(row.key)
    with world.database.read() as connection:
        case = find_case(connection, EVERYTHING, the_proposal(world).content.case_id)
        (reservation,) = list_reservations(connection, EVERYTHING)

    assert (done.state, row.state) == (S.EXECUTED, DocumentState.EXECUTED)
    assert (receipt.erp_reference, receipt.key) == (posting.reference, row.key)
    assert [line.quantity for line in posting.lines] == [APPROVED_UNITS]
    assert donor_book(world) == 300 - APPROVED_UNITS
    assert (case.state, case.reason) == (CaseState.IN_TRANSIT, "posted, waiting for receipt")
    assert (reservation.state, reservation.key) == ("posted", row.key)


def test_sending_again_posts_nothing_more(approved: World, a_copy: Copy) -> None:
    world = a_copy(approved)
    first = send(world)
    again = send(world)

    assert again.receipts == first.receipts
    assert due(world.toolbox) == []
    assert postings(world) == 1


def test_a_document_found_later_is_marked_as_reconciled(approved: World, a_copy: Copy) -> None:
    world = a_copy(approved, native_key=False)
    world.erp.faults.add(Fault(kind=FaultKind.LOSE_ANSWER))
    send(world)
    settle(world)
    with world.database.read() as connection:
        (receipt,) = list_receipts(connection, EVERYTHING)

    assert receipt.found_by == "reconciliation"


def test_an_erp_that_cannot_be_asked_leaves_the_doubt_standing(approved: World, a_copy: Copy) -> None:
    world = a_copy(approved, native_key=False)
    world.erp.faults.add(Fault(kind=FaultKind.LOSE_ANSWER), Fault(kind=FaultKind.FIND_UNREACHABLE))
    send(world)

    assert settle(world) is S.IN_DOUBT
    assert settle(world) is S.EXECUTED
    assert postings(world) == 1


def test_a_document_that_did_not_arrive_is_sent_again_later(approved: World, a_copy: Copy) -> None:
    world = a_copy(approved, native_key=False)
    world.erp.faults.add(Fault(kind=FaultKind.UNREACHABLE))
    proposal_id = the_proposal(world).proposal_id
    assert send(world).state is S.SENT
    assert due(world.toolbox) == [proposal_id]

    assert send(world).state is S.EXECUTED
    assert postings(world) == 1
    assert documents(world)[0].attempts == 2


def test_a_refused_document_frees_the_units_and_opens_the_case(approved: World, a_copy: Copy) -> None:
    world = a_copy(approved)
    world.erp.faults.add(Fault(kind=FaultKind.REJECT))
    done = send(world)
    with world.database.read() as connection:
        case = find_case(connection, EVERYTHING, the_proposal(world).content.case_id)
        rows = ledger_rows(connection, EVERYTHING)

    assert (done.state, postings(world)) == (S.FAILED, 0)
    assert "refuses the document" in done.note
    assert (case.state, case.reason) == (CaseState.OPEN, "the ERP refused the document")
    assert sum(row.reserved + row.in_flight for row in rows) == 0


def test_a_posting_that_differs_is_in_doubt_with_the_difference(approved: World, a_copy: Copy) -> None:
    world = a_copy(approved)
    world.erp.faults.add(Fault(kind=FaultKind.WRONG_QUANTITY))
    done = send(world)
    with world.database.read() as connection:
        case = find_case(connection, EVERYTHING, the_proposal(world).content.case_id)

    assert (done.state, done.receipts) == (S.IN_DOUBT, ())
    assert done.note == f"item BOLT: sent {APPROVED_UNITS} units, the ERP holds {APPROVED_UNITS - 1}"
    assert case.reason == "in doubt: the ERP's answer is unknown"


def test_the_kill_switch_binds_before_anything_is_sent(approved: World, a_copy: Copy) -> None:
    world = a_copy(approved)
    with world.database.write("root", world.clock()) as transaction:
        set_switch(transaction, KILL_SWITCH, True)
    with pytest.raises(KillSwitchError, match="stays approved"):
        send(world)
    assert (the_proposal(world).state, postings(world)) == (S.APPROVED, 0)

    with world.database.write("root", world.clock()) as transaction:
        set_switch(transaction, KILL_SWITCH, False)
    assert send(world).state is S.EXECUTED


def test_the_kill_switch_stops_a_document_that_waits_to_be_sent_again(approved: World, a_copy: Copy) -> None:
    world = a_copy(approved)
    world.erp.faults.add(Fault(kind=FaultKind.UNREACHABLE))
    send(world)
    with world.database.write("root", world.clock()) as transaction:
        set_switch(transaction, KILL_SWITCH, True)
    with pytest.raises(KillSwitchError, match="waits"):
        send(world)

    assert postings(world) == 0
    assert documents(world)[0].state is DocumentState.READY


def test_stock_that_went_meanwhile_voids_the_proposal_with_the_difference(approved: World, a_copy: Copy) -> None:
    world = a_copy(approved)
    world.erp.load_stock([StockRow(item="BOLT", site="DC", on_hand=APPROVED_UNITS - 1)])
    done = send(world)
    with world.database.read() as connection:
        case = find_case(connection, EVERYTHING, the_proposal(world).content.case_id)
        rows = ledger_rows(connection, EVERYTHING)

    assert (done.state, postings(world)) == (S.VOID, 0)
    assert done.note == "item BOLT at DC: drafted on 300 on hand, now 77, 78 wanted"
    assert the_proposal(world).reason == done.note
    assert (case.state, case.reason) == (CaseState.OPEN, "facts changed")
    assert sum(row.reserved for row in rows) == 0


def test_stock_that_just_suffices_is_sent(approved: World, a_copy: Copy) -> None:
    world = a_copy(approved)
    world.erp.load_stock([StockRow(item="BOLT", site="DC", on_hand=APPROVED_UNITS)])

    assert send(world).state is S.EXECUTED
    assert donor_book(world) == 0


def test_nothing_is_sent_within_the_recall_window(automatic: World, a_copy: Copy) -> None:
    world = a_copy(automatic)
    proposal = the_proposal(world)
    assert proposal.not_before == world.clock() + timedelta(minutes=30)
    assert due(world.toolbox) == []
    with pytest.raises(StaleFactsError, match="may be recalled until"):
        send(world)
    assert (the_proposal(world).state, postings(world)) == (S.APPROVED, 0)

    world.clock.forward(minutes=30)
    assert due(world.toolbox) == [proposal.proposal_id]
    assert send(world).state is S.EXECUTED


def test_what_policy_signed_is_not_sent_to_an_erp_without_keys(automatic: World, a_copy: Copy) -> None:
    keyless = a_copy(automatic, native_key=False)
    keyless.clock.forward(hours=1)
    with pytest.raises(ApprovalMismatchError, match="approved by policy, and simulated enforces no keys"):
        send(keyless)

    assert postings(keyless) == 0


def test_an_approval_of_something_else_sends_nothing(approved: World, a_copy: Copy) -> None:
    world = a_copy(approved)
    with world.database.write("mallory", world.clock()) as transaction:
        row = transaction.connection.execute(approvals.select()).one()
        body = row.body.replace(the_proposal(world).digest, "0" * 64)
        assert body != row.body
        transaction.connection.execute(update(approvals).values(proposal_digest="0" * 64, body=body))
    with pytest.raises(ApprovalMismatchError, match="no approval names its digest"):
        send(world)

    assert (the_proposal(world).state, postings(world)) == (S.APPROVED, 0)


def test_a_proposal_nobody_approved_sends_nothing(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)

    assert send(world).state is S.PENDING
    assert (documents(world), world.erp.open_documents()) == ([], ())


def test_a_lease_lost_before_sending_is_given_back(approved: World, a_copy: Copy) -> None:
    """An executor leased the proposal and died before it marked anything as sent."""
    world = a_copy(approved)
    with world.database.write("executor", world.clock()) as transaction:
        leased = move(transaction, the_proposal(world), S.LEASED, lease_until=world.clock() + LEASE, fencing=1)
        lift_off(transaction, leased.proposal_id)
    reconcile(world.toolbox)
    assert the_proposal(world).state is S.LEASED, "its lease still runs"

    world.clock.forward(minutes=1)
    reconcile(world.toolbox)
    with world.database.read() as connection:
        (donor,) = [row for row in ledger_rows(connection, EVERYTHING) if row.site == "DC"]
    assert (the_proposal(world).state, the_proposal(world).reason) == (S.APPROVED, "lease lost before sending")
    assert (donor.reserved, donor.in_flight) == (APPROVED_UNITS, 0)
    assert send(world).state is S.EXECUTED
    assert postings(world) == 1


@pytest.mark.parametrize(("native_key", "state", "count"), [(True, S.EXECUTED, 1), (False, S.IN_DOUBT, 0)])
def test_a_document_marked_sent_by_an_executor_that_died_is_found_out(
    approved: World, a_copy: Copy, native_key: bool, state: ProposalState, count: int
) -> None:
    world = a_copy(approved, native_key=native_key)
    with world.database.write("executor", world.clock()) as transaction:
        leased = move(transaction, the_proposal(world), S.LEASED, lease_until=world.clock() + LEASE, fencing=1)
        lift_off(transaction, leased.proposal_id)
        move(transaction, leased, S.SENT, lease_until=world.clock() + LEASE)
        move_document(transaction, documents(world)[0], DocumentState.SENT)
    assert due(world.toolbox) == []

    assert settle(world) is state
    assert postings(world) == count


def test_lots_reserved_are_the_lots_sent(tmp_path: Path) -> None:
    """The lot that expires first goes first, and the document names each."""
    base = two_sites_one_lane()
    network = amended(
        base,
        set_column("stock", pl.when(pl.col("site") == "DC").then(pl.lit("OLD")).otherwise(pl.lit("")).alias("lot")),
        set_column("stock", pl.when(pl.col("site") == "DC").then(30).otherwise(pl.col("on_hand")).alias("on_hand")),
        set_column(
            "stock", pl.when(pl.col("site") == "DC").then(pl.lit("2024-06-01")).otherwise(None).alias("expiry")
        ),
        add_rows(
            "stock",
            {"item": "BOLT", "site": "DC", "lot": "FRESH", "on_hand": 270, "allocated": 0, "expiry": "2024-12-01",
             "as_of": "2024-04-08T06:00:00+00:00"},
        ),
    )  # fmt: skip
    world = World(tmp_path / "home", network, rollout="guided").furnish()
    world.erp.load_stock(
        [
            StockRow(item="BOLT", site="DC", on_hand=0),
            StockRow(item="BOLT", site="DC", lot="OLD", on_hand=30),
            StockRow(item="BOLT", site="DC", lot="FRESH", on_hand=270),
        ]
    )
    world.desk.sweep()
    world.decide(the_proposal(world), "approve", "pia")
    assert send(world).state is S.EXECUTED
    (posting,) = world.erp.orders_with(documents(world)[0].key)

    assert {line.lot: line.quantity for line in posting.lines} == {"OLD": 30, "FRESH": APPROVED_UNITS - 30}


def test_an_accepted_hold_sends_nothing_and_rests(tmp_path: Path) -> None:
    places = (
        ItemSite("SLOW", "DC", weekly=1, on_hand=500),
        ItemSite("FINE", "NORTH", weekly=10, on_hand=80),
    )
    world = World(tmp_path / "home", Network(places, two_sites_one_lane().lanes), rollout="guided").furnish()
    world.desk.sweep()
    hold = the_proposal(world)
    assert hold.content.action is ActionKind.HOLD
    world.decide(hold, "approve", "pia")

    assert send(world).state is S.EXECUTED
    assert world.erp.open_documents() == ()
    with world.database.read() as connection:
        case = find_case(connection, EVERYTHING, hold.content.case_id)
        assert find_proposal(connection, EVERYTHING, hold.proposal_id).state is S.EXECUTED
    assert (case.state, case.reason) == (CaseState.WAITING, "hold accepted")
    assert case.resume_on == world.clock().date() + timedelta(days=7)


def test_only_the_executing_process_can_send(approved: World, a_copy: Copy) -> None:
    world = a_copy(approved)
    world.toolbox.erp = None
    with pytest.raises(ToolInputError, match="no ERP is configured"):
        send(world)

    assert the_proposal(world).state is S.APPROVED
