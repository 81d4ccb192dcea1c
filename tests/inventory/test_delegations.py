"""Delegations: between two people who sign, for a stated time, over no more than the giver has."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from inventory.audit import entries
from inventory.database import Database
from inventory.delegations import Delegation, acting_scopes, delegations_to, grant, list_delegations, revoke, scope_for
from inventory.errors import AccessError, LostRaceError, NotFoundError
from inventory.people import save_user, scope_of
from inventory.records import EVERYTHING, User
from inventory.tables import delegations
from tests.inventory.worlds import GHENT, LYON, NOW, PORTO

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
INES = User(user_id="ines", name="Inês", roles=("planner",), sites=(PORTO,), value_limit_minor=500_000)
WOUT = User(user_id="wout", name="Wout", roles=("planner",), sites=(GHENT,))
ADA = User(user_id="ada", name="Ada", roles=("approver",), value_limit_minor=5_000_000)
PEOPLE = (
    INES,
    WOUT,
    ADA,
    User(user_id="nobody", name="No role", roles=()),
    User(user_id="gone", name="Gone", roles=("approver",), active=False),
    User(user_id="root", name="Root", roles=("administrator",)),
    User(user_id="rev", name="Reviewer", roles=("approver", "auditor")),
)


@pytest.fixture
def staffed(database: Database) -> Database:
    """A database with people in it."""
    with database.write("root", NOW) as transaction:
        for person in PEOPLE:
            save_user(transaction, person)
    return database


def lend(database: Database, giver: str, taker: str, *, now: datetime = NOW, **terms: Any) -> Delegation:
    with database.write(giver, now) as transaction:
        return grant(transaction, giver, taker, **{"ends": now + DAY, **terms})


def test_a_delegation_is_kept_told_and_found_while_it_holds(staffed: Database) -> None:
    made = lend(staffed, "ines", "wout", reason="holiday", sites=(PORTO,))
    with staffed.read() as connection:
        assert list_delegations(connection, EVERYTHING) == [made]
        for moment, found in ((NOW - TICK, []), (NOW, [made]), (NOW + DAY - TICK, [made]), (NOW + DAY, [])):
            assert delegations_to(connection, EVERYTHING, "wout", moment) == found
        assert delegations_to(connection, EVERYTHING, "ines", NOW) == []
        (told,) = entries(connection, subject_id=made.delegation_id)
    assert (told.event, told.actor, Delegation.model_validate(told.data)) == ("delegation.granted", "ines", made)


@pytest.mark.parametrize(
    ("giver", "taker", "terms", "said"),
    [
        ("ines", "ines", {}, "nobody stands in for themselves"),
        ("gone", "ines", {}, "gone is locked out"),
        ("ines", "gone", {}, "gone is locked out"),
        ("ines", "root", {}, "root holds the role administrator, which never signs"),
        ("rev", "ines", {}, "rev holds the role auditor"),
        ("nobody", "ines", {}, "nobody holds no role"),
        ("ines", "wout", {"ends": NOW}, "would end at 2026-03-02 06:00:00 UTC, before it begins"),
        ("ines", "wout", {"ends": NOW - DAY}, "before it begins"),
        ("ines", "wout", {"starts": NOW + 2 * DAY}, "before it begins"),
        ("ines", "wout", {"starts": NOW - TICK}, "would begin in the past"),
        ("ines", "wout", {"sites": (PORTO, LYON)}, "ines has no right over site LYON"),
        ("ines", "wout", {"sites": ()}, "it names no site"),
        ("ada", "wout", {"item_classes": ()}, "it names no class"),
    ],
)
def test_a_delegation_that_may_not_be_is_refused(
    staffed: Database, giver: str, taker: str, terms: dict[str, Any], said: str
) -> None:
    with pytest.raises(AccessError, match=f"{giver} cannot be represented by {taker}: .*{said}"):
        lend(staffed, giver, taker, **terms)
    with staffed.read() as connection:
        assert list_delegations(connection, EVERYTHING) == []


def test_nobody_unknown_gives_or_takes(staffed: Database) -> None:
    for pair in (("ghost", "ines"), ("ines", "ghost")):
        with pytest.raises(NotFoundError, match="ghost"):
            lend(staffed, *pair)


def test_the_schema_itself_refuses_one_person_and_no_time(staffed: Database) -> None:
    row = {"delegation_id": "dele-x", "from_user": "ines", "to_user": "wout", "starts": NOW, "ends": NOW, "body": ""}
    for change, name in (({}, "ends_after_start"), ({"to_user": "ines", "ends": NOW + DAY}, "two_people")):
        with pytest.raises(IntegrityError, match=name), staffed.write("root", NOW) as transaction:
            transaction.connection.execute(delegations.insert().values({**row, **change}))


def test_revoking_ends_it_at_once_and_only_once(staffed: Database) -> None:
    made = lend(staffed, "ines", "wout")
    noon = NOW + timedelta(hours=6)
    with staffed.write("ines", noon) as transaction:
        ended = revoke(transaction, made.delegation_id)
    assert ended.in_force(noon - TICK)
    assert not ended.in_force(noon)
    with staffed.read() as connection:
        assert delegations_to(connection, EVERYTHING, "wout", noon) == []
        assert [entry.event for entry in entries(connection, subject_id=made.delegation_id)][-1] == "delegation.revoked"
    for wrong, said in ((made.delegation_id, LostRaceError), ("dele-ghost", NotFoundError)):
        with pytest.raises(said), staffed.write("ines", noon) as transaction:
            revoke(transaction, wrong)


def test_a_reader_sees_their_own_and_those_between_people_they_may_see(staffed: Database) -> None:
    mine = lend(staffed, "ada", "ines", ends=NOW + 2 * DAY)
    others = lend(staffed, "ada", "wout")
    with staffed.read() as connection:
        assert list_delegations(connection, scope_of(INES)) == [mine]
        assert list_delegations(connection, scope_of(WOUT)) == [others]
        assert list_delegations(connection, scope_of(ADA)) == [others, mine]


def test_what_is_narrowed_never_grows(staffed: Database) -> None:
    made = lend(staffed, "ada", "ines", sites=(LYON, PORTO), item_classes=("standard",))
    assert made.narrowed(ADA).sites == (LYON, PORTO)
    assert made.narrowed(ADA.model_copy(update={"sites": (PORTO, GHENT)})).sites == (PORTO,)
    assert made.narrowed(ADA.model_copy(update={"sites": ()})).sites == ()
    assert made.narrowed(ADA).item_classes == ("standard",)
    assert lend(staffed, "ines", "wout").narrowed(INES).sites == (PORTO,)


def test_who_stands_in_asks_for_what_one_person_sees(staffed: Database) -> None:
    lend(staffed, "ada", "wout", sites=(PORTO,))
    with staffed.read() as connection:
        assert scope_for(connection, scope_of(WOUT), "ada", NOW).sites == frozenset({PORTO})
        for giver, moment in (("ines", NOW), ("ada", NOW + DAY), ("wout", NOW), ("ghost", NOW)):
            with pytest.raises(AccessError, match=f"wout does not act for {giver}"):
                scope_for(connection, scope_of(WOUT), giver, moment)
    lend(staffed, "ada", "wout")
    with staffed.read() as connection:
        assert scope_for(connection, scope_of(WOUT), "ada", NOW).sites is None
    with staffed.write("root", NOW) as transaction:
        save_user(transaction, ADA.model_copy(update={"active": False}))
        with pytest.raises(AccessError):
            scope_for(transaction.connection, scope_of(WOUT), "ada", NOW)


def test_who_stands_in_sees_what_the_other_sees_and_no_mixture(staffed: Database) -> None:
    lend(staffed, "ada", "wout", sites=(PORTO,), item_classes=("regulated",))
    with staffed.read() as connection:
        own, lent = acting_scopes(connection, scope_of(WOUT), NOW)
        assert acting_scopes(connection, scope_of(WOUT), NOW + DAY) == [own]
    assert own == scope_of(WOUT)
    assert lent.user == "wout"
    assert lent.allows(PORTO, "regulated")
    assert not lent.allows(GHENT, "regulated")
    assert not any(scope.allows(PORTO, "standard") for scope in (own, lent))
    with staffed.write("root", NOW) as transaction:
        save_user(transaction, ADA.model_copy(update={"active": False}))
        assert acting_scopes(transaction.connection, scope_of(WOUT), NOW) == [own]
