"""Capacity by example: what is left of a lane or a budget, who holds the rest, and how claims live beside units."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from inventory.capacity import (
    CapacityKind,
    Claim,
    Slot,
    reserve_capacity,
    share_capacity,
    slot_holders,
    take_capacity,
    taken_capacity,
)
from inventory.capacity_holds import list_capacity_holds
from inventory.capacity_limits import NO_LIMIT, refresh_limits
from inventory.database import Database
from inventory.errors import NotEnoughCapacityError, StoreError
from inventory.ledger import absorb, commit_reservations, ledger_rows, lift_off, post, release, touch_down
from inventory.lifecycle import move
from inventory.records import EVERYTHING, ProposalState
from inventory.tables import capacity
from tests.inventory.test_ledger import hold_boards
from tests.inventory.worlds import NOW, TODAY, boards, draft, stock

TRUCK = Slot(CapacityKind.LANE, "LYON>PORTO/road", TODAY + timedelta(days=1))
MOVES = Slot(CapacityKind.LANE_MOVES, "LYON>PORTO", TODAY + timedelta(days=1))
SITE = Slot(CapacityKind.AUTO_VALUE, "LYON", TODAY)


def drafted(database: Database, *numbers: int) -> list[str]:
    with database.write("evenkeel", NOW) as transaction:
        return [draft(transaction, number).proposal_id for number in numbers]


def take(database: Database, proposal_id: str, *claims: Claim) -> None:
    with database.write("evenkeel", NOW) as transaction:
        take_capacity(transaction, proposal_id, claims)


def row(database: Database, slot: Slot = TRUCK) -> tuple[int, int, int]:
    """Limit, reserved and used."""
    with database.read() as connection:
        found = connection.execute(
            capacity.select().where(
                capacity.c.kind == slot.kind.value, capacity.c.key == slot.key, capacity.c.day == slot.day
            )
        ).one()
    return (found.limit_amount, found.reserved, found.used)


def test_a_claim_takes_what_is_left_and_no_more_and_a_refusal_says_who_holds_the_rest(database: Database) -> None:
    first, second, third = drafted(database, 1, 2, 3)
    take(database, first, Claim(TRUCK, 60, 100))
    take(database, second, Claim(TRUCK, 30, 100))
    with pytest.raises(NotEnoughCapacityError) as refused:
        take(database, third, Claim(TRUCK, 11, 100))
    assert str(refused.value) == (
        "proposal prop-003: lane LYON>PORTO/road on 2026-03-03: 11 units wanted, 10 units left; "
        "prop-001 holds 60 units, prop-002 holds 30 units"
    )
    assert row(database) == (100, 90, 0)
    take(database, third, Claim(TRUCK, 10, 100))
    assert row(database) == (100, 100, 0)


def test_a_proposal_gets_all_it_claims_or_nothing(database: Database) -> None:
    (first,) = drafted(database, 1)
    with pytest.raises(NotEnoughCapacityError, match="daily moves of lane"):
        take(database, first, Claim(TRUCK, 10, 100, 1), Claim(MOVES, 1, 1, 1), Claim(MOVES, 1, 1, 2))
    with database.read() as connection:
        assert list_capacity_holds(connection) == []
        assert connection.execute(capacity.select()).all() == []


def test_proposals_are_served_in_their_order_in_one_go(database: Database) -> None:
    ids = drafted(database, 1, 2, 3)
    with database.write("evenkeel", NOW) as transaction:
        shared = share_capacity(transaction.connection, {each: [Claim(TRUCK, 40, 100)] for each in ids})
        reserve_capacity(transaction, shared.granted)
    refused = shared.refused
    assert list(refused) == [ids[2]]
    assert refused[ids[2]].left == 20
    assert refused[ids[2]].holders == ((ids[0], 40), (ids[1], 40))
    with database.read() as connection:
        assert slot_holders(connection, [TRUCK]) == {TRUCK: [(ids[0], "case-001", 40), (ids[1], "case-002", 40)]}


def test_a_limit_of_feeds_is_the_rows_own_and_a_limit_of_policy_is_the_claims(database: Database) -> None:
    ids = drafted(database, 1, 2, 3, 4)
    take(database, ids[0], Claim(TRUCK, 60, 100), Claim(SITE, 60, 100))
    with pytest.raises(NotEnoughCapacityError):
        take(database, ids[1], Claim(TRUCK, 50, 500))
    with pytest.raises(NotEnoughCapacityError):
        take(database, ids[1], Claim(SITE, 10, 65))
    take(database, ids[2], Claim(SITE, 40, 500))
    assert row(database, SITE) == (500, 100, 0)
    with pytest.raises(NotEnoughCapacityError):
        take(database, ids[3], Claim(SITE, 1, 100))


@pytest.mark.parametrize("claim", [Claim(TRUCK, -1, 100), Claim(TRUCK, 1, -1)])
def test_a_negative_claim_is_refused(database: Database, claim: Claim) -> None:
    (first,) = drafted(database, 1)
    with pytest.raises(StoreError, match="at least 0"):
        take(database, first, claim)


def test_the_row_itself_refuses_to_be_overfull(database: Database) -> None:
    (first,) = drafted(database, 1)
    take(database, first, Claim(TRUCK, 60, 100))
    for column in ("reserved", "used"):
        with pytest.raises(IntegrityError), database.write("evenkeel", NOW) as transaction:
            transaction.connection.execute(update(capacity).values({column: 101}))


def test_claims_go_along_with_the_units_of_their_proposal(database: Database) -> None:
    stock(database, boards(100))
    with database.write("evenkeel", NOW) as transaction:
        one = draft(transaction, 1).proposal_id
        hold_boards(transaction, one, 40)
        take_capacity(transaction, one, [Claim(TRUCK, 40, 100, 1), Claim(SITE, 7, 100)])
    seen = []

    def look() -> None:
        with database.read() as connection:
            states = {hold.state for hold in list_capacity_holds(connection, proposal_id=one)}
        seen.append((*sorted(states), *row(database)[1:]))

    steps = (
        lambda t: None,
        lambda t: commit_reservations(t, one),
        lambda t: lift_off(t, one),
        lambda t: touch_down(t, one),
        lambda t: lift_off(t, one),
        lambda t: post(t, one, [1], "EK-1", NOW),
        lambda t: absorb(t, ["EK-1"], {}, NOW),
    )
    for step in steps:
        with database.write("evenkeel", NOW) as transaction:
            step(transaction)
        look()
    assert seen == [
        ("held", 40, 0), ("committed", 40, 0), ("in_flight", 0, 40), ("committed", 40, 0), ("in_flight", 0, 40),
        ("posted", 0, 40), ("absorbed", 0, 40),
    ]  # fmt: skip
    with database.write("evenkeel", NOW) as transaction:
        assert release(transaction, one) == 0
    assert row(database)[1:] == (0, 40), "what was sent took its place on the lane"
    with database.read() as connection:
        assert ledger_rows(connection, EVERYTHING)[0].in_flight == 0


@pytest.mark.parametrize("steps", range(3))
def test_what_was_not_posted_is_given_back(database: Database, steps: int) -> None:
    one, two = drafted(database, 1, 2)
    take(database, one, Claim(TRUCK, 70, 100))
    with database.write("evenkeel", NOW) as transaction:
        for step in (commit_reservations, lift_off)[:steps]:
            step(transaction, one)
        release(transaction, one)
    assert row(database) == (100, 0, 0)
    take(database, two, Claim(TRUCK, 100, 100))
    take(database, one)
    with database.write("evenkeel", NOW) as transaction:
        release(transaction, two)
        take_capacity(transaction, one, [Claim(TRUCK, 5, 100)])
    assert row(database) == (100, 5, 0)


def test_only_the_lines_that_were_posted_stay_when_the_others_failed(database: Database) -> None:
    (one,) = drafted(database, 1)
    take(database, one, Claim(TRUCK, 30, 100, 1), Claim(TRUCK, 20, 100, 2))
    with database.write("evenkeel", NOW) as transaction:
        commit_reservations(transaction, one)
        lift_off(transaction, one)
        post(transaction, one, [1], "EK-1", NOW)
        release(transaction, one)
    assert row(database) == (100, 0, 30)


def test_a_lower_limit_voids_the_newest_until_the_rest_fits_and_says_what_changed(database: Database) -> None:
    ids = drafted(database, 1, 2, 3)
    for each in ids:
        take(database, each, Claim(TRUCK, 30, 100))
    with database.write("evenkeel", NOW) as transaction:
        commit_reservations(transaction, ids[0])
        lift_off(transaction, ids[0])
        lost = refresh_limits(transaction, CapacityKind.LANE, TODAY, lambda slot: 60)
    assert lost == {ids[2]: "lane LYON>PORTO/road on 2026-03-03: drafted on 100 units, now 60 units"}
    assert row(database) == (60, 30, 30)
    with database.write("evenkeel", NOW) as transaction:
        lost = refresh_limits(transaction, CapacityKind.LANE, TODAY, lambda slot: 10)
    assert list(lost) == [ids[1]]
    assert row(database) == (10, 0, 30), "what is under way stays"
    with database.write("evenkeel", NOW) as transaction:
        assert touch_down(transaction, ids[0]) is False
        assert refresh_limits(transaction, CapacityKind.LANE, TODAY, lambda slot: NO_LIMIT) == {}
    assert row(database) == (NO_LIMIT, 0, 0)


def test_days_gone_by_keep_their_limits(database: Database) -> None:
    (one,) = drafted(database, 1)
    take(database, one, Claim(TRUCK, 30, 100))
    with database.write("evenkeel", NOW) as transaction:
        assert refresh_limits(transaction, CapacityKind.LANE, TRUCK.day + timedelta(days=1), lambda slot: 0) == {}
    assert row(database) == (100, 30, 0)


def test_what_is_taken_is_read_with_some_proposals_left_out(database: Database) -> None:
    one, two = drafted(database, 1, 2)
    take(database, one, Claim(TRUCK, 30, 100))
    take(database, two, Claim(TRUCK, 20, 100))
    with database.read() as connection:
        assert taken_capacity(connection, CapacityKind.LANE, TODAY) == {TRUCK: 50}
        assert taken_capacity(connection, CapacityKind.LANE, TODAY, without={one}) == {TRUCK: 20}
        assert taken_capacity(connection, CapacityKind.LANE, TRUCK.day + timedelta(days=1)) == {}


def test_a_moved_proposal_keeps_its_claims_until_they_are_released(database: Database) -> None:
    with database.write("evenkeel", NOW) as transaction:
        proposal = draft(transaction, 1)
        take_capacity(transaction, proposal.proposal_id, [Claim(TRUCK, 30, 100)])
        move(transaction, proposal, ProposalState.VOID)
        assert taken_capacity(transaction.connection, CapacityKind.LANE, TODAY) == {TRUCK: 30}
        release(transaction, proposal.proposal_id)
        assert taken_capacity(transaction.connection, CapacityKind.LANE, TODAY) == {}
