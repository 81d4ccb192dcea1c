"""Who held which right when: the chain alone tells it, for any moment, as the tables told it then."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, update

from inventory.database import Database, Transaction
from inventory.delegations import Delegation, delegations_to, grant, list_delegations, revoke
from inventory.errors import InventoryError, NotFoundError
from inventory.people import list_users, save_user
from inventory.record import canonical_record
from inventory.records import EVERYTHING, PolicyVersion, User
from inventory.rights_history import rights_at, rights_differences, rights_then
from inventory.rulebook import find_policy, insert_policy
from inventory.tables import delegations, policies, users
from tests.inventory.worlds import GHENT_PLANNER, NOW, PORTO, PORTO_PLANNER

NAMES = ("ada", "ines", "wout", "yara")
ROLE_SETS = (("planner",), ("approver",), ("planner", "finance"), ("auditor",), ())
MINUTE = timedelta(minutes=1)


def a_person(name: str, roles: tuple[str, ...] = ("planner",), **more: object) -> User:
    return User.model_validate({"user_id": name, "name": name.title(), "roles": roles, **more})


def document(version: int, at: datetime, *, effective: datetime | None = None) -> PolicyVersion:
    return PolicyVersion(
        kind="rights", version=version, content=f"text {version}", author="ada", confirmed_by="wout",
        effective_at=effective or at,
    )  # fmt: skip


def something_happens(chance: random.Random, transaction: Transaction, version: int) -> int:
    """One change of rights, or one that is refused; returns the newest version of the document."""
    now = transaction.now
    known = [made for made in list_delegations(transaction.connection, EVERYTHING) if made.revoked_at is None]
    kind = chance.choice(("user", "user", "grant", "grant", "revoke", "document"))
    if kind == "user":
        limit = chance.randrange(3) * 1000
        active = chance.random() > 0.2
        person = a_person(chance.choice(NAMES), chance.choice(ROLE_SETS), active=active, value_limit_minor=limit)
        save_user(transaction, person)
    elif kind == "grant":
        ends = now + chance.randrange(1, 30) * MINUTE
        grant(
            transaction,
            chance.choice(NAMES),
            chance.choice(NAMES),
            ends=ends,
            starts=now + chance.randrange(3) * MINUTE,
        )
    elif kind == "revoke" and known:
        revoke(transaction, chance.choice(known).delegation_id)
    elif kind == "document":
        insert_policy(transaction, document(version + 1, now, effective=now + chance.randrange(4) * MINUTE))
        return version + 1
    return version


def as_told_by_the_tables(database: Database, now: datetime) -> tuple[list[User], dict[str, list[Delegation]], int]:
    with database.read() as connection:
        try:
            version = find_policy(connection, EVERYTHING, "rights", at=now).version
        except NotFoundError:
            version = 0
        people = list_users(connection, EVERYTHING)
        return people, {name: delegations_to(connection, EVERYTHING, name, now) for name in NAMES}, version


@pytest.mark.parametrize("seed", range(4))
def test_every_past_moment_is_told_as_the_tables_told_it_then(database: Database, seed: int) -> None:
    chance = random.Random(seed)
    now, version, then = NOW, 0, {}
    with database.write("ada", now) as transaction:
        for name in NAMES:
            save_user(transaction, a_person(name))
    for _ in range(40):
        then[now] = as_told_by_the_tables(database, now)
        now += chance.randrange(1, 4) * MINUTE
        try:
            with database.write("ada", now) as transaction:
                version = something_happens(chance, transaction, version)
        except InventoryError:
            continue
    assert version > 2
    with database.read() as connection:
        assert rights_differences(connection) == []
        for moment, (people, acting, document_then) in then.items():
            for person in people:
                told = rights_at(connection, EVERYTHING, person.user_id, moment)
                assert told.user == person
                assert sorted(told.acts_for, key=str) == sorted(acting[person.user_id], key=str)
                assert told.rights_version == document_then


@pytest.fixture
def kept(database: Database) -> Database:
    """Two people, a delegation between them, and one version of the document."""
    with database.write("root", NOW) as transaction:
        save_user(transaction, a_person("ines", sites=(PORTO,)))
        save_user(transaction, a_person("wout", ("approver",)))
        grant(transaction, "wout", "ines", ends=NOW + timedelta(days=1))
        insert_policy(transaction, document(1, NOW))
    return database


def test_the_moment_itself_counts_and_the_one_before_does_not(kept: Database) -> None:
    with kept.write("root", NOW + MINUTE) as transaction:
        save_user(transaction, a_person("ines", ("central",), sites=(PORTO,)))
    with kept.read() as connection:
        assert rights_at(connection, EVERYTHING, "ines", NOW + MINUTE).user.roles == ("central",)
        before = rights_at(connection, EVERYTHING, "ines", NOW + MINUTE - timedelta(microseconds=1))
        assert before.user.roles == ("planner",)
        assert (before.rights_version, before.rights_text) == (1, "text 1")
        assert [made.from_user for made in before.acts_for] == ["wout"]
        assert [made.to_user for made in rights_at(connection, EVERYTHING, "wout", NOW).represented_by] == ["ines"]
        with pytest.raises(NotFoundError, match="'ines' at 2026-03-02T05:59"):
            rights_at(connection, EVERYTHING, "ines", NOW - MINUTE)
        assert rights_at(connection, PORTO_PLANNER, "ines", NOW).user.user_id == "ines"
        with pytest.raises(NotFoundError):
            rights_at(connection, GHENT_PLANNER, "ines", NOW)


def test_a_role_set_by_hand_is_found_by_name(kept: Database) -> None:
    forged = a_person("ines", ("planner", "central"), sites=(PORTO,), version=1)
    with kept.write("root", NOW) as transaction:
        transaction.connection.execute(
            update(users).where(users.c.user_id == "ines").values(body=canonical_record(forged))
        )
    with kept.read() as connection:
        (found,) = rights_differences(connection)
        assert found.words == "users ines: roles is ['planner', 'central'], the chain says ['planner']"
        assert rights_then(connection).users["ines"].roles == ("planner",)


def test_rows_put_in_taken_out_or_stretched_by_hand_are_found(kept: Database) -> None:
    with kept.read() as connection:
        (made,) = list_delegations(connection, EVERYTHING)
    longer = made.model_copy(update={"ends": made.ends + timedelta(days=9)})
    ghost = a_person("ghost", ("central",), version=1)
    with kept.write("root", NOW) as transaction:
        run = transaction.connection.execute
        run(users.insert().values(user_id="ghost", version=1, body=canonical_record(ghost)))
        run(update(delegations).values(body=canonical_record(longer)))
        run(delete(policies).where(policies.c.kind == "rights"))
    with kept.read() as connection:
        found = [difference.words for difference in rights_differences(connection)]
    assert found[0] == "users ghost: no event put it there"
    assert found[1].startswith(f"delegations {made.delegation_id}: ends is '2026-03-12")
    assert found[2] == "policies rights@v1: the row is missing"


def test_a_document_brought_forward_by_hand_is_found(database: Database) -> None:
    later = document(1, NOW, effective=NOW + timedelta(days=30))
    with database.write("root", NOW) as transaction:
        insert_policy(transaction, later)
        now = later.model_copy(update={"effective_at": NOW})
        transaction.connection.execute(update(policies).values(body=canonical_record(now), effective_at=NOW))
    with database.read() as connection:
        assert rights_then(connection, NOW).documents == {}
        (found,) = rights_differences(connection)
    assert found.words.startswith("policies rights@v1: effective_at is '2026-03-02")
