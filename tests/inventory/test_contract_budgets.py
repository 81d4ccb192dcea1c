"""Money of contract budgets by example: all or nothing, held until spent, and given back when the feed counts it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inventory.audit import entries
from inventory.capacity import CapacityKind, Claim, Slot, taken_now
from inventory.capacity_holds import absorb_capacity, list_capacity_holds
from inventory.contract_budgets import hold_budgets, share_budgets, spend_budgets
from inventory.database import Database
from inventory.ledger import commit_reservations, lift_off, post, release
from tests.inventory.worlds import NOW, PORTO, TODAY, draft

MARCH = Slot(CapacityKind.PURCHASE_BUDGET, PORTO, TODAY.replace(day=1))
APRIL = Slot(CapacityKind.PURCHASE_BUDGET, PORTO, TODAY.replace(month=4, day=1))
EXPRESS = Slot(CapacityKind.EXPEDITE_BUDGET, PORTO, TODAY.replace(day=1))


def drafted(database: Database, *numbers: int) -> list[str]:
    with database.write("evenkeel", NOW) as transaction:
        return [draft(transaction, number).proposal_id for number in numbers]


def hold(database: Database, proposal_id: str, *claims: Claim) -> str:
    with database.write("evenkeel", NOW) as transaction:
        why = hold_budgets(transaction, proposal_id, claims)
    return "" if why is None else str(why)


def spend(database: Database, proposal_id: str, *claims: Claim) -> None:
    """The last signature."""
    with database.write("evenkeel", NOW) as transaction:
        spend_budgets(transaction, proposal_id, claims)
        commit_reservations(transaction, proposal_id)


def executed(database: Database, proposal_id: str, lines: list[int]) -> str:
    """Posted under a key."""
    with database.write("evenkeel", NOW) as transaction:
        lift_off(transaction, proposal_id)
        post(transaction, proposal_id, lines, f"EK-{proposal_id}", NOW)
    return f"EK-{proposal_id}"


def taken(database: Database, slot: Slot = MARCH) -> int:
    with database.read() as connection:
        return taken_now(connection, [slot]).get(slot, 0)


def states(database: Database, proposal_id: str) -> list[tuple[str, int]]:
    with database.read() as connection:
        return [(one.state, one.amount) for one in list_capacity_holds(connection, proposal_id=proposal_id)]


def events(database: Database, name: str) -> list[tuple[str, object]]:
    with database.read() as connection:
        return [(entry.subject_id, entry.data) for entry in entries(connection) if entry.event == name]


def test_whoever_comes_second_holds_nothing_and_hears_who_was_first(database: Database) -> None:
    first, second, third = drafted(database, 1, 2, 3)
    assert hold(database, first, Claim(MARCH, 60_00, 100_00, 1)) == ""
    assert hold(database, second, Claim(EXPRESS, 5_00, 10_00, 1), Claim(MARCH, 50_00, 100_00, 2)) == (
        "purchase budget of PORTO from 2026-03-01: 50.00 wanted, 40.00 left; prop-001 holds 60.00"
    )
    assert (taken(database), taken(database, EXPRESS)) == (60_00, 0), "what is over one budget holds no other either"
    assert hold(database, third, Claim(MARCH, 40_00, 100_00, 1)) == ""


def test_drafts_of_one_plan_are_served_in_their_order_and_only_latecomers_are_named(database: Database) -> None:
    ids = drafted(database, 1, 2, 3)
    with database.write("evenkeel", NOW) as transaction:
        late = share_budgets(transaction, {each: [Claim(MARCH, 60_00, 100_00)] for each in ids[:2]})
        alone = share_budgets(transaction, {ids[2]: [Claim(EXPRESS, 60_00, 50_00)]})
    assert list(late) == [ids[1]]
    assert late[ids[1]].holders == ((ids[0], 60_00),)
    assert alone == {}, "nobody took what was never there"


def test_held_again_is_held_once_and_writes_nothing(database: Database) -> None:
    (first,) = drafted(database, 1)
    for _ in range(2):
        assert hold(database, first, Claim(MARCH, 60_00, 100_00, 1)) == ""
    assert states(database, first) == [("held", 60_00)]


def test_in_a_new_period_the_money_is_held_there(database: Database) -> None:
    (first,) = drafted(database, 1)
    hold(database, first, Claim(MARCH, 60_00, 100_00, 1))
    hold(database, first, Claim(APRIL, 60_00, 70_00, 1))
    assert (taken(database, MARCH), taken(database, APRIL)) == (0, 60_00)


def test_a_budget_that_was_cut_is_given_back_by_whoever_is_over_it(database: Database) -> None:
    first, second = drafted(database, 1, 2)
    hold(database, first, Claim(MARCH, 60_00, 100_00, 1))
    assert "50.00 left" in hold(database, first, Claim(MARCH, 60_00, 50_00, 1))
    assert hold(database, second, Claim(MARCH, 50_00, 50_00, 1)) == ""
    assert taken(database) == 50_00


def test_refused_gives_the_money_back_and_signed_keeps_it(database: Database) -> None:
    first, second = drafted(database, 1, 2)
    for each in (first, second):
        hold(database, each, Claim(MARCH, 50_00, 100_00, 1))
    spend(database, first, Claim(MARCH, 50_00, 100_00, 1))
    with database.write("evenkeel", NOW) as transaction:
        release(transaction, second)
    assert states(database, first) == [("committed", 50_00)]
    assert taken(database) == 50_00
    assert events(database, "budget.overdrawn") == []


def test_what_the_owner_agreed_to_overdraws_on_record_and_leaves_nothing_for_others(database: Database) -> None:
    first, second, third = drafted(database, 1, 2, 3)
    hold(database, first, Claim(MARCH, 60_00, 100_00, 1))
    over = [Claim(MARCH, 30_00, 100_00, 1), Claim(MARCH, 30_00, 100_00, 2), Claim(EXPRESS, 1_00, 5_00, 3)]
    hold(database, second, *over)
    spend(database, second, *over)
    assert (taken(database), taken(database, EXPRESS)) == (120_00, 1_00)
    said = {"budget": "purchase budget of PORTO from 2026-03-01", "limit": 100_00, "spent": 120_00}
    assert events(database, "budget.overdrawn") == [(second, {"budgets": [said]})]
    assert "0.00 left" in hold(database, third, Claim(MARCH, 1, 100_00, 1))


@pytest.mark.parametrize(("slot", "left"), [(MARCH, 0), (EXPRESS, 60_00)])
def test_money_of_an_order_the_feed_shows_is_the_feeds_to_count(database: Database, slot: Slot, left: int) -> None:
    (first,) = drafted(database, 1)
    claims = [Claim(slot, 35_00, 100_00, 1), Claim(slot, 25_00, 100_00, 2)]
    hold(database, first, *claims)
    spend(database, first, *claims)
    key = executed(database, first, [1, 2])
    assert taken(database, slot) == 60_00
    with database.write("evenkeel", NOW + timedelta(days=1)) as transaction:
        absorb_capacity(transaction, {key, "EK-of-another"})
    assert taken(database, slot) == left
    shown = [(first, {"money": 60_00, "documents": [key]})]
    assert events(database, "budget.ordered") == ([] if left else shown)
