"""Freezes: two people set them, two people lift them, and nothing else takes a frozen unit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from inventory.allotment import Wish, allot
from inventory.audit import entries
from inventory.audit_folds import a_book
from inventory.audit_mirrors import READERS
from inventory.audit_state import RowDifference, differences
from inventory.database import Database
from inventory.errors import AccessError, LostRaceError, NotEnoughStockError, NotFoundError
from inventory.freezes import (
    Freeze,
    ask_freeze,
    ask_lift,
    confirm_freeze,
    confirm_lift,
    end_freezes,
    find_freeze,
    grow_freezes,
    list_freezes,
    short_freezes,
    withdraw_freeze,
)
from inventory.ledger import commit_reservations, hold, lift_off, release, reserve, set_protection, touch_down
from inventory.records import EVERYTHING, LedgerRow, Scope
from inventory.tables import freezes, stock_lines
from tests.inventory.test_ledger import line_of, promised
from tests.inventory.worlds import BOARD, GHENT_PLANNER, LYON, NOW, PORTO, boards, draft, stock

QUAY = "QUAY-PROJECT"
WEEK = timedelta(days=7)


def asked(database: Database, units: int | None = 40, *, by: str = "ines", lot: str = "") -> Freeze:
    with database.write(by, NOW) as transaction:
        return ask_freeze(
            transaction, EVERYTHING, item=BOARD, site=LYON, lot=lot, units=units, purpose=QUAY, until=NOW + WEEK
        )


def confirmed(database: Database, freeze: Freeze, *, by: str = "wout") -> Freeze:
    with database.write(by, NOW) as transaction:
        return confirm_freeze(transaction, EVERYTHING, freeze.freeze_id)


def frozen(database: Database, units: int | None = 40, *, lot: str = "") -> Freeze:
    return confirmed(database, asked(database, units, lot=lot))


def hold_for_quay(database: Database, number: int, quantity: int) -> str:
    with database.write("evenkeel", NOW) as transaction:
        proposal = draft(transaction, number)
        hold(
            transaction, proposal_id=proposal.proposal_id, line=1, item=BOARD, site=LYON, destination=PORTO,
            quantity=quantity, purpose=QUAY,
        )  # fmt: skip
    return proposal.proposal_id


def figures(database: Database) -> tuple[int, int, int]:
    """Units frozen on the line, frozen and not held for the purpose, and free for everybody."""
    line = line_of(database)
    with database.read() as connection:
        rest = sum(row.remaining for row in list_freezes(connection, EVERYTHING, states=("in_force", "lift_asked")))
    return line.frozen, rest, line.free


def test_a_request_freezes_nothing_and_its_confirmation_does(database: Database) -> None:
    stock(database, boards(100))
    request = asked(database)
    assert line_of(database) == LedgerRow(
        item=BOARD, site=LYON, on_hand=100, allocated=0, protect=0, reserved=0, in_flight=0
    )
    made = confirmed(database, request)
    assert (made.state, made.set_by, made.set_confirmed_by, made.frozen_units) == ("in_force", "ines", "wout", 40)
    assert figures(database) == (40, 40, 60)


@pytest.mark.parametrize("step", ["set", "lift"])
def test_nobody_sets_or_lifts_a_freeze_alone(database: Database, step: str) -> None:
    stock(database, boards(100))
    request = asked(database)
    if step == "set":
        with pytest.raises(AccessError, match="set by two different people; ines"):
            confirmed(database, request, by="ines")
        return
    confirmed(database, request)
    with database.write("mette", NOW) as transaction:
        ask_lift(transaction, EVERYTHING, request.freeze_id)
    assert figures(database) == (40, 40, 60), "until a second person confirms it holds"
    with pytest.raises(AccessError, match="lifted by two different people; mette"), database.write("mette", NOW) as t:
        confirm_lift(t, EVERYTHING, request.freeze_id)
    with database.write("ines", NOW) as transaction:
        made = confirm_lift(transaction, EVERYTHING, request.freeze_id)
    assert (made.state, made.lift_by, made.lift_confirmed_by) == ("lifted", "mette", "ines")
    assert figures(database) == (0, 0, 100)


@pytest.mark.parametrize(
    "forged",
    [
        {"state": "in_force", "set_confirmed_by": "ines"},
        {"state": "in_force"},
        {"state": "lifted", "set_confirmed_by": "wout", "lift_by": "wout", "lift_confirmed_by": "wout"},
        {"state": "lifted", "set_confirmed_by": "wout", "lift_by": "wout"},
        {"remaining": 41},
    ],
)
def test_the_table_itself_refuses_one_person_for_two(database: Database, forged: dict[str, object]) -> None:
    stock(database, boards(100))
    asked(database)
    with pytest.raises(IntegrityError), database.write("evil", NOW) as transaction:
        transaction.connection.execute(update(freezes).values(**forged))


def test_frozen_units_are_nobodys_else_s(database: Database) -> None:
    stock(database, boards(100))
    frozen(database)
    promised(database, 1, 60)
    with pytest.raises(NotEnoughStockError, match="only 0 free"):
        promised(database, 2, 1)
    with pytest.raises(IntegrityError), database.write("evil", NOW) as transaction:
        transaction.connection.execute(update(stock_lines).values(reserved=61))


def test_units_allotted_before_a_freeze_are_not_reserved_after_it(database: Database) -> None:
    stock(database, boards(100))
    with database.write("evenkeel", NOW) as transaction:
        proposal = draft(transaction, 1)
    with database.read() as connection:
        planned = allot(connection, [Wish(proposal.proposal_id, 1, BOARD, LYON, PORTO, 80)])
    frozen(database)
    with pytest.raises(NotEnoughStockError, match="fewer units by now"), database.write("evenkeel", NOW) as transaction:
        reserve(transaction, planned.takes)


def test_the_purpose_takes_frozen_units_first_and_gives_them_back_to_the_freeze(database: Database) -> None:
    stock(database, boards(100))
    frozen(database)
    proposal_id = hold_for_quay(database, 1, 50)
    assert figures(database) == (0, 0, 50)
    with database.write("evenkeel", NOW) as transaction:
        commit_reservations(transaction, proposal_id)
        lift_off(transaction, proposal_id)
        assert touch_down(transaction, proposal_id)
        release(transaction, proposal_id)
    assert figures(database) == (40, 40, 60)


def test_another_purpose_does_not_take_them(database: Database) -> None:
    stock(database, boards(100))
    frozen(database, 90)
    with database.read() as connection:
        answer = allot(connection, [Wish("prop", 1, BOARD, LYON, PORTO, 20, "SOMEBODY")])
    assert list(answer.refused) == ["prop"]


def test_what_was_held_for_a_purpose_is_free_once_the_freeze_is_over(database: Database) -> None:
    stock(database, boards(100))
    frozen(database)
    proposal_id = hold_for_quay(database, 1, 30)
    with database.write("evenkeel", NOW + WEEK) as transaction:
        (ended,) = end_freezes(transaction)
        assert ended.state == "ended"
        release(transaction, proposal_id)
    assert figures(database) == (0, 0, 100)


def test_a_freeze_ends_with_its_time_and_not_before(database: Database) -> None:
    stock(database, boards(100))
    frozen(database)
    request = asked(database, 5)
    with database.write("evenkeel", NOW + WEEK - timedelta(seconds=1)) as transaction:
        assert end_freezes(transaction) == []
    with pytest.raises(AccessError, match="would have ended"), database.write("wout", NOW + WEEK) as transaction:
        confirm_freeze(transaction, EVERYTHING, request.freeze_id)
    with database.write("evenkeel", NOW + WEEK) as transaction:
        assert sorted(freeze.state for freeze in end_freezes(transaction)) == ["ended", "withdrawn"]
    assert figures(database) == (0, 0, 100)


def test_what_is_promised_already_is_not_frozen_and_the_refusal_names_who_holds_it(database: Database) -> None:
    stock(database, boards(100))
    promised(database, 1, 70)
    with pytest.raises(NotEnoughStockError, match="only 30 promised to nobody; prop-001 holds 70"):
        frozen(database, 31)
    frozen(database, 30)
    assert figures(database) == (30, 30, 0)


def test_a_floor_gives_way_to_a_freeze(database: Database) -> None:
    stock(database, boards(100))
    with database.write("evenkeel", NOW) as transaction:
        set_protection(transaction, {(BOARD, LYON): 80})
    frozen(database, 90)
    assert (line_of(database).protect, line_of(database).frozen, line_of(database).free) == (10, 90, 0)


def test_a_snapshot_below_the_frozen_units_shrinks_nothing_and_is_named(database: Database) -> None:
    stock(database, boards(100))
    frozen(database, 40)
    holder = promised(database, 1, 50)
    assert stock(database, boards(60)) == [holder]
    assert figures(database) == (40, 40, 20)
    assert stock(database, boards(25)) == []
    assert figures(database) == (40, 40, 0)
    with pytest.raises(NotEnoughStockError):
        hold_for_quay(database, 2, 1)
    with database.read() as connection:
        (short,) = short_freezes(connection, EVERYTHING)
    assert (short.short, short.on_hand, short.row.freeze.purpose) == (15, 25, QUAY)
    assert stock(database) == [], "the line is gone from the feed and stays"
    assert figures(database) == (40, 40, 0)
    stock(database, boards(100))
    with database.read() as connection:
        assert short_freezes(connection, EVERYTHING) == []
    assert figures(database) == (40, 40, 60)


def test_a_line_frozen_as_a_whole_freezes_what_arrives(database: Database) -> None:
    stock(database, boards(100))
    promised(database, 1, 30)
    frozen(database, None)
    assert figures(database) == (70, 70, 0)
    stock(database, boards(120))
    with database.write("evenkeel", NOW) as transaction:
        assert grow_freezes(transaction) == 20
    assert figures(database) == (90, 90, 0)


def test_units_lost_by_a_lease_that_no_longer_fits_beside_a_freeze_are_released(database: Database) -> None:
    stock(database, boards(100))
    proposal_id = promised(database, 1, 50)
    with database.write("evenkeel", NOW) as transaction:
        commit_reservations(transaction, proposal_id)
        lift_off(transaction, proposal_id)
    frozen(database, 40)
    stock(database, boards(85))
    with database.write("evenkeel", NOW) as transaction:
        assert touch_down(transaction, proposal_id) is False
    assert figures(database) == (40, 40, 45)


def test_the_log_accounts_for_every_freeze_and_a_row_changed_past_it_is_found(database: Database) -> None:
    stock(database, boards(100))
    made = frozen(database, None)
    stock(database, boards(110))
    with database.write("evenkeel", NOW) as transaction:
        grow_freezes(transaction)
    for step, person in ((ask_lift, "mette"), (confirm_lift, "sven")):
        with database.write(person, NOW) as transaction:
            step(transaction, EVERYTHING, made.freeze_id)
    asked(database, 5)

    def found() -> list[RowDifference]:
        with database.read() as connection:
            book = a_book()
            for entry in entries(connection):
                book.observe(entry)
            return [each for each in differences(book, connection, READERS) if each.table == "freezes"]

    assert found() == []
    with database.write("evil", NOW) as transaction:
        transaction.connection.execute(update(freezes).where(freezes.c.state == "asked").values(set_by="sven"))
    assert len(found()) == 1


def test_steps_out_of_order_lose(database: Database) -> None:
    stock(database, boards(100))
    made = frozen(database)
    for step in (confirm_freeze, withdraw_freeze, confirm_lift):
        with pytest.raises((LostRaceError, AccessError)), database.write("mette", NOW) as transaction:
            step(transaction, EVERYTHING, made.freeze_id)
    request = asked(database, 5)
    with database.write("ines", NOW) as transaction:
        assert withdraw_freeze(transaction, EVERYTHING, request.freeze_id[:9]).state == "withdrawn"


def test_a_freeze_over_before_it_begins_or_on_a_line_nobody_has_is_refused(database: Database) -> None:
    stock(database, boards(100, lot="A"))
    with pytest.raises(NotFoundError, match="lots there: A"):
        asked(database)
    with pytest.raises(NotEnoughStockError):
        frozen(database, 101, lot="A")
    with pytest.raises(AccessError, match="over already"), database.write("ines", NOW) as transaction:
        ask_freeze(transaction, EVERYTHING, item=BOARD, site=LYON, lot="A", purpose=QUAY, until=NOW)


def test_a_reader_of_another_site_sees_and_touches_none(database: Database) -> None:
    stock(database, boards(100))
    made = frozen(database)
    with database.read() as connection:
        assert list_freezes(connection, GHENT_PLANNER) == []
        with pytest.raises(NotFoundError):
            find_freeze(connection, GHENT_PLANNER, made.freeze_id)
        assert find_freeze(connection, Scope(user="x", sites=frozenset({LYON})), made.freeze_id).freeze == made
        assert connection.execute(select(freezes.c.units)).scalar_one() == 40
