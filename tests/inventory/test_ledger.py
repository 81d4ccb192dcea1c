"""The stock ledger by example: what may be promised, which lots go first, and when a unit stops counting here."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from inventory.audit import entries
from inventory.database import Database, Transaction
from inventory.errors import NotEnoughStockError
from inventory.ledger import (
    absorb,
    commit_reservations,
    hold,
    ledger_rows,
    lift_off,
    list_reservations,
    post,
    release,
    reserved_by_line,
    set_protection,
    touch_down,
    underway_inbound,
)
from inventory.ledger_refresh import refresh_ledger
from inventory.lifecycle import move
from inventory.records import EVERYTHING, LedgerRow, Proposal, ProposalState
from inventory.tables import stock_lines
from tests.inventory.worlds import BOARD, GHENT, LYON, NOW, PORTO, boards, draft, stock

KEY = "EK-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
HOUR = timedelta(hours=1)


def promise(transaction: Transaction, number: int, quantity: int, *, line: int = 1) -> str:
    """A new proposal that holds boards at Lyon for Porto; its id."""
    proposal = draft(transaction, number, quantity=quantity)
    hold_boards(transaction, proposal.proposal_id, quantity, line=line)
    return proposal.proposal_id


def hold_boards(transaction: Transaction, proposal_id: str, quantity: int, *, line: int = 1) -> None:
    hold(
        transaction,
        proposal_id=proposal_id,
        line=line,
        item=BOARD,
        site=LYON,
        destination=PORTO,
        quantity=quantity,
    )


def promised(database: Database, number: int, quantity: int) -> str:
    with database.write("evenkeel", NOW) as transaction:
        return promise(transaction, number, quantity)


def line_of(database: Database, lot: str = "", site: str = LYON) -> LedgerRow:
    with database.read() as connection:
        (row,) = (row for row in ledger_rows(connection, EVERYTHING) if (row.site, row.lot) == (site, lot))
    return row


def states(database: Database, proposal_id: str) -> list[tuple[str, str, int]]:
    with database.read() as connection:
        found = list_reservations(connection, EVERYTHING, proposal_id=proposal_id)
    return sorted((one.lot, one.state, one.quantity) for one in found)


def test_a_hold_takes_what_is_free_and_no_more(database: Database) -> None:
    stock(database, boards(100, allocated=15))
    with database.write("evenkeel", NOW) as transaction:
        set_protection(transaction, {(BOARD, LYON): 25})
    promised(database, 1, 60)
    assert line_of(database).free == 0
    with pytest.raises(NotEnoughStockError, match=r"LARCH-BOARD at site LYON: 1 units asked .* only 0"):
        promised(database, 2, 1)
    assert line_of(database).reserved == 60


def test_a_hold_that_fails_half_way_leaves_nothing_behind(database: Database) -> None:
    stock(database, boards(10, lot="A"), boards(10, lot="B"))
    with pytest.raises(NotEnoughStockError, match="21 units asked for proposal prop-001, only 20 free"):
        promised(database, 1, 21)
    assert (line_of(database, "A").reserved, line_of(database, "B").reserved) == (0, 0)
    with database.read() as connection:
        assert list_reservations(connection, EVERYTHING) == []


def test_lots_that_expire_first_leave_first_and_lots_without_expiry_last(database: Database) -> None:
    stock(
        database,
        boards(10, lot="never"),
        boards(10, lot="july", expiry=date(2026, 7, 1)),
        boards(10, lot="may-b", expiry=date(2026, 5, 1)),
        boards(10, lot="may-a", expiry=date(2026, 5, 1)),
    )
    assert states(database, promised(database, 1, 15)) == [("may-a", "held", 10), ("may-b", "held", 5)]
    assert states(database, promised(database, 2, 20)) == [
        ("july", "held", 10),
        ("may-b", "held", 5),
        ("never", "held", 5),
    ]


def test_a_lot_with_nothing_free_is_passed_over(database: Database) -> None:
    stock(database, boards(10, lot="A", allocated=12), boards(10, lot="B", allocated=10), boards(10, lot="C"))
    assert states(database, promised(database, 1, 10)) == [("C", "held", 10)]


def test_protection_lies_on_the_lots_that_expire_last(database: Database) -> None:
    stock(
        database,
        boards(10, lot="may", expiry=date(2026, 5, 1)),
        boards(10, lot="july", expiry=date(2026, 7, 1)),
        boards(10, lot="never"),
    )
    with database.write("evenkeel", NOW) as transaction:
        set_protection(transaction, {(BOARD, LYON): 15, (BOARD, GHENT): 99})
    assert [line_of(database, lot).protect for lot in ("may", "july", "never")] == [0, 5, 10]
    with database.write("evenkeel", NOW) as transaction:
        set_protection(transaction, {(BOARD, LYON): 3})
    assert [line_of(database, lot).protect for lot in ("may", "july", "never")] == [0, 0, 3]


def test_a_partly_protected_lot_gives_what_lies_above_its_floor(database: Database) -> None:
    first, second = boards(50, lot="A", expiry=date(2026, 5, 1)), boards(50, lot="B", expiry=date(2026, 7, 1))
    stock(database, first)
    with database.write("evenkeel", NOW) as transaction:
        set_protection(transaction, {(BOARD, LYON): 20})
    stock(database, first, second)
    assert states(database, promised(database, 1, 40)) == [("A", "held", 30), ("B", "held", 10)]


def test_protection_gives_way_to_units_already_promised(database: Database) -> None:
    stock(database, boards(100))
    proposal_id = promised(database, 1, 70)
    with database.write("evenkeel", NOW) as transaction:
        set_protection(transaction, {(BOARD, LYON): 50})
    assert line_of(database).protect == 30
    assert states(database, proposal_id) == [("", "held", 70)]


def test_the_schema_itself_refuses_to_promise_a_unit_twice(database: Database) -> None:
    stock(database, boards(100))
    promised(database, 1, 70)
    for column, value in (("reserved", 101), ("in_flight", 31), ("protect", 31), ("allocated", 31), ("on_hand", 69)):
        with pytest.raises(IntegrityError, match="not_overpromised"), database.write("intruder", NOW) as transaction:
            transaction.connection.execute(update(stock_lines).values({column: value}))
    for column in ("reserved", "in_flight", "protect"):
        with pytest.raises(IntegrityError, match="not_negative"), database.write("intruder", NOW) as transaction:
            transaction.connection.execute(update(stock_lines).values({column: -1}))
    assert line_of(database).reserved == 70


def test_units_move_from_reserved_to_in_flight_and_back_when_the_lease_is_lost(database: Database) -> None:
    stock(database, boards(100))
    proposal_id = promised(database, 1, 40)
    seen = []
    for step in (commit_reservations, lift_off, touch_down, lift_off):
        with database.write("evenkeel", NOW) as transaction:
            step(transaction, proposal_id)
        row = line_of(database)
        seen.append((states(database, proposal_id)[0][1], row.reserved, row.in_flight, row.free))
    assert seen == [
        ("committed", 40, 0, 60),
        ("in_flight", 0, 40, 60),
        ("committed", 40, 0, 60),
        ("in_flight", 0, 40, 60),
    ]


def test_units_not_committed_do_not_lift_off(database: Database) -> None:
    stock(database, boards(100))
    proposal_id = promised(database, 1, 40)
    with database.write("evenkeel", NOW) as transaction:
        lift_off(transaction, proposal_id)
    assert states(database, proposal_id) == [("", "held", 40)]
    assert (line_of(database).reserved, line_of(database).in_flight) == (40, 0)


def test_release_gives_back_held_committed_and_in_flight_units_once(database: Database) -> None:
    stock(database, boards(100))
    with database.write("evenkeel", NOW) as transaction:
        held, committed, flying = (promise(transaction, number, 10 * number) for number in (1, 2, 3))
        for proposal_id in (committed, flying):
            commit_reservations(transaction, proposal_id)
        lift_off(transaction, flying)
        assert [release(transaction, one) for one in (held, committed, flying)] == [10, 20, 30]
        assert [release(transaction, one) for one in (held, committed, flying)] == [0, 0, 0]
    assert line_of(database).free == 100
    with database.read() as connection:
        told = [entry.data["units"] for entry in entries(connection) if entry.event == "reservation.released"]
    assert told == [10, 20, 30]


def test_units_the_erp_has_posted_are_not_given_back(database: Database) -> None:
    stock(database, boards(100))
    proposal_id = posted(database, 40)
    with database.write("evenkeel", NOW) as transaction:
        assert release(transaction, proposal_id) == 0
    assert states(database, proposal_id) == [("", "posted", 40)]
    assert line_of(database).in_flight == 40


def test_a_proposal_woken_from_snooze_holds_its_units_again(database: Database) -> None:
    stock(database, boards(100))
    proposal_id = promised(database, 1, 40)
    for _ in range(2):
        with database.write("evenkeel", NOW) as transaction:
            release(transaction, proposal_id)
        with database.write("evenkeel", NOW) as transaction:
            hold_boards(transaction, proposal_id, 40)
    assert line_of(database).reserved == 40
    assert states(database, proposal_id) == [("", "held", 40), ("", "released", 40), ("", "released", 40)]


def test_a_snapshot_below_what_is_reserved_voids_the_newest_proposals_first(database: Database) -> None:
    stock(database, boards(100))
    oldest, middle, newest = (promised(database, number, 30) for number in (1, 2, 3))
    assert stock(database, boards(65, allocated=10)) == [newest, middle]
    assert line_of(database).reserved == 30
    assert [states(database, one)[0][1] for one in (oldest, middle, newest)] == ["held", "released", "released"]
    with database.read() as connection:
        told = [entry.data for entry in entries(connection) if entry.event == "ledger.refreshed"]
    assert told[-1] == {"lines": 1, "voids": [middle, newest]}


def test_a_snapshot_that_still_covers_every_promise_voids_nothing(database: Database) -> None:
    stock(database, boards(100))
    promised(database, 1, 30)
    promised(database, 2, 30)
    assert stock(database, boards(60)) == []
    assert line_of(database).free == 0


def test_a_proposal_already_voided_frees_its_other_lots_before_anybody_else_is(database: Database) -> None:
    stock(database, boards(30, lot="A", expiry=date(2026, 5, 1)), boards(30, lot="B", expiry=date(2026, 6, 1)))
    with database.write("evenkeel", NOW) as transaction:
        small, wide = promise(transaction, 1, 20), promise(transaction, 2, 20)
    assert states(database, wide) == [("A", "held", 10), ("B", "held", 10)]
    with database.write("evenkeel", NOW) as transaction:
        late = promise(transaction, 3, 15)
    assert states(database, late) == [("B", "held", 15)]
    lost = stock(
        database,
        boards(20, lot="A", expiry=date(2026, 5, 1)),
        boards(15, lot="B", expiry=date(2026, 6, 1)),
    )
    assert lost == [wide]
    assert states(database, small) == [("A", "held", 20)]
    assert states(database, late) == [("B", "held", 15)]


def test_units_under_way_leave_less_room_for_what_is_reserved(database: Database) -> None:
    stock(database, boards(100))
    posted(database, 40)
    kept, lost = promised(database, 2, 30), promised(database, 3, 20)
    assert stock(database, boards(90)) == []
    assert stock(database, boards(89)) == [lost]
    assert (line_of(database).in_flight, line_of(database).reserved) == (40, 30)
    assert states(database, kept) == [("", "held", 30)]


def test_a_line_that_is_gone_voids_its_proposals_and_leaves_the_ledger(database: Database) -> None:
    stock(database, boards(50, lot="A"), boards(50, lot="B"))
    proposal_id = promised(database, 1, 40)
    assert stock(database, boards(50, lot="B")) == [proposal_id]
    with database.read() as connection:
        assert [row.lot for row in ledger_rows(connection, EVERYTHING)] == ["B"]


def test_a_line_that_is_gone_stays_while_units_are_under_way(database: Database) -> None:
    stock(database, boards(40))
    posted(database, 40)
    assert stock(database) == []
    row = line_of(database)
    assert (row.on_hand, row.in_flight, row.free) == (0, 40, 0)


def test_units_under_way_are_never_promised_from_the_next_snapshot(database: Database) -> None:
    """Posted, and the stock feed is still from before: the boards on it have left already."""
    stock(database, boards(100))
    posted(database, 80)
    stock(database, boards(100))
    with pytest.raises(NotEnoughStockError):
        promised(database, 2, 21)
    promised(database, 3, 20)


def test_the_floor_shrinks_with_the_stock_and_never_voids_a_promise(database: Database) -> None:
    stock(database, boards(100))
    with database.write("evenkeel", NOW) as transaction:
        set_protection(transaction, {(BOARD, LYON): 60})
    promised(database, 1, 40)
    assert stock(database, boards(70)) == []
    assert (line_of(database).protect, line_of(database).reserved) == (30, 40)


def posted(database: Database, quantity: int) -> str:
    """A proposal of that many boards which the ERP posted at ``NOW``."""
    with database.write("evenkeel", NOW) as transaction:
        proposal_id = promise(transaction, 1, quantity)
        commit_reservations(transaction, proposal_id)
        lift_off(transaction, proposal_id)
        post(transaction, proposal_id, [1], KEY, NOW)
    return proposal_id


def absorbed(
    database: Database, *, keys: Collection[str] = (KEY,), stock_age: int = 1, transfer_age: int = 1, other: int = 1
) -> int:
    """Units absorbed from feeds taken so many hours after the posting."""
    feeds = {
        ("stock", LYON): NOW + stock_age * HOUR,
        ("transfers", LYON): NOW + transfer_age * HOUR,
        ("stock", PORTO): NOW + other * HOUR,
        ("transfers", PORTO): NOW + other * HOUR,
    }
    with database.write("evenkeel", NOW + HOUR) as transaction:
        return absorb(transaction, keys, feeds, NOW + HOUR)


@pytest.mark.parametrize("shown", [True, False], ids=["with our key in it", "without our key in it"])
def test_a_posted_transfer_and_the_next_snapshot_count_the_units_once(database: Database, shown: bool) -> None:
    """100 boards, 40 posted. Once our key shows, the feed's 60 are the truth; until then the feed still says 100."""
    stock(database, boards(100))
    posted(database, 40)
    stock(database, boards(60 if shown else 100), now=NOW + HOUR)
    assert absorbed(database, keys=(KEY,) if shown else ()) == (40 if shown else 0)
    row = line_of(database)
    assert row.free == 60
    with database.read() as connection:
        due = sum(one.quantity for one in underway_inbound(connection, EVERYTHING))
        assert reserved_by_line(connection, EVERYTHING) == ({} if shown else {(BOARD, LYON): 40})
    expected_from_feed = 40 if shown else 0
    assert due + expected_from_feed == 40, "Porto expects the boards once"


@pytest.mark.parametrize(
    ("stock_age", "transfer_age", "expected"),
    [(-1, -1, 0), (-1, 1, 0), (1, -1, 0), (0, 0, 40), (1, 1, 40)],
)
def test_absorbing_needs_both_feeds_of_the_giver_taken_after_the_posting(
    database: Database, stock_age: int, transfer_age: int, expected: int
) -> None:
    stock(database, boards(100))
    posted(database, 40)
    assert absorbed(database, stock_age=stock_age, transfer_age=transfer_age) == expected
    assert line_of(database).in_flight == 40 - expected


def test_a_feed_without_its_own_age_has_that_of_the_snapshot(database: Database) -> None:
    stock(database, boards(100))
    posted(database, 40)
    with database.write("evenkeel", NOW) as transaction:
        assert absorb(transaction, [KEY], {}, NOW - HOUR) == 0
        assert absorb(transaction, [KEY], {}, NOW + HOUR) == 40


def test_the_age_of_the_receivers_feeds_does_not_matter(database: Database) -> None:
    stock(database, boards(100))
    posted(database, 40)
    assert absorbed(database, other=-9) == 40


def test_another_key_absorbs_nothing_and_ours_only_once(database: Database) -> None:
    stock(database, boards(100))
    posted(database, 40)
    assert absorbed(database, keys=("EK-OTHER", "")) == 0
    assert absorbed(database) == 40
    assert absorbed(database) == 0
    assert line_of(database).in_flight == 0


def test_two_documents_of_one_proposal_are_posted_and_absorbed_apart(database: Database) -> None:
    stock(database, boards(100))
    with database.write("evenkeel", NOW) as transaction:
        proposal_id = promise(transaction, 1, 30)
        hold_boards(transaction, proposal_id, 20, line=2)
        commit_reservations(transaction, proposal_id)
        lift_off(transaction, proposal_id)
        post(transaction, proposal_id, [2], "EK-SECOND", NOW)
    assert states(database, proposal_id) == [("", "in_flight", 30), ("", "posted", 20)]
    assert absorbed(database, keys=("EK-SECOND",)) == 20
    with database.write("evenkeel", NOW) as transaction:
        assert release(transaction, proposal_id) == 30
    assert line_of(database).free == 100


def test_units_of_a_failed_proposal_are_not_on_order(database: Database) -> None:
    stock(database, boards(100))
    with database.write("evenkeel", NOW) as transaction:
        proposal: Proposal = draft(transaction, 1)
        hold_boards(transaction, proposal.proposal_id, 40)
        commit_reservations(transaction, proposal.proposal_id)
        lift_off(transaction, proposal.proposal_id)
        for state in (ProposalState.PENDING, ProposalState.APPROVED, ProposalState.LEASED, ProposalState.SENT):
            proposal = move(transaction, proposal, state)
    with database.read() as connection:
        assert [one.quantity for one in underway_inbound(connection, EVERYTHING)] == [40]
    with database.write("evenkeel", NOW) as transaction:
        move(transaction, proposal, ProposalState.FAILED)
    with database.read() as connection:
        assert underway_inbound(connection, EVERYTHING) == []


def test_one_refresh_of_the_same_stock_changes_nothing(database: Database) -> None:
    lines = (boards(50, lot="A"), boards(50, lot="B"), boards(7, site=GHENT))
    stock(database, *lines)
    promised(database, 1, 60)
    with database.read() as connection:
        before = ledger_rows(connection, EVERYTHING)
    with database.write("evenkeel", NOW) as transaction:
        assert refresh_ledger(transaction, lines, NOW) == []
    with database.read() as connection:
        assert ledger_rows(connection, EVERYTHING) == before
        assert [row.site for row in ledger_rows(connection, EVERYTHING, items=["OAK"])] == []


def test_a_lost_lease_gives_back_what_the_stock_no_longer_holds(database: Database) -> None:
    stock(database, boards(20))
    with database.write("evenkeel", NOW) as transaction:
        proposal = draft(transaction, 1)
        hold(
            transaction, proposal_id=proposal.proposal_id, line=1, item=BOARD, site=LYON, destination=PORTO, quantity=5
        )
        commit_reservations(transaction, proposal.proposal_id)
        lift_off(transaction, proposal.proposal_id)
        refresh_ledger(transaction, [], NOW)
        assert not touch_down(transaction, proposal.proposal_id)
    with database.read() as connection:
        assert reserved_by_line(connection, EVERYTHING) == {}
