"""Users and tokens: known roles, every version told, tokens kept as hashes only."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from inventory.audit import entries
from inventory.database import Database
from inventory.errors import AccessError, NotFoundError
from inventory.people import (
    ROLES,
    find_user,
    issue_token,
    list_users,
    revoke_tokens,
    save_user,
    scope_of,
    token_hash,
    user_by_token,
)
from inventory.records import EVERYTHING, User
from inventory.tables import audit, tokens, users
from tests.inventory.worlds import GHENT, NOW, PORTO, PORTO_PLANNER

INES = User(user_id="ines", name="Inês", roles=("planner",), sites=(PORTO,), value_limit_minor=500_000)


def save(database: Database, user: User) -> User:
    with database.write("admin", NOW) as transaction:
        return save_user(transaction, user)


def token_of(database: Database, user_id: str = "ines") -> str:
    with database.write("admin", NOW) as transaction:
        return issue_token(transaction, user_id)


def asks(database: Database, token: str) -> User:
    with database.read() as connection:
        return user_by_token(connection, token)


def test_every_version_of_a_user_is_in_the_chain(database: Database) -> None:
    versions = [
        save(database, INES),
        save(database, INES.model_copy(update={"value_limit_minor": 900_000})),
        save(database, INES.model_copy(update={"version": 77, "active": False})),
    ]
    assert [user.version for user in versions] == [1, 2, 3]
    with database.read() as connection:
        assert find_user(connection, EVERYTHING, "ines") == versions[-1]
        told = [User.model_validate(entry.data) for entry in entries(connection, subject_id="ines")]
    assert told == versions


def test_saving_an_unchanged_user_is_no_new_version(database: Database) -> None:
    first = save(database, INES)
    assert save(database, INES.model_copy(update={"version": 5})) == first
    with database.read() as connection:
        assert len(list(entries(connection))) == 1


def test_an_unknown_role_is_refused_by_name(database: Database) -> None:
    with pytest.raises(AccessError, match="user ines: unknown role emperor, king; known: planner, buyer"):
        save(database, INES.model_copy(update={"roles": ("planner", "king", "emperor")}))
    with database.read() as connection:
        assert list_users(connection, EVERYTHING) == []


def test_every_role_of_the_design_is_known(database: Database) -> None:
    assert save(database, INES.model_copy(update={"roles": ROLES})).roles == ROLES
    assert {"planner", "approver", "administrator", "auditor", "service"} <= set(ROLES)


def test_nobody_is_found_under_an_unknown_id(database: Database) -> None:
    with database.read() as connection, pytest.raises(NotFoundError, match="ines asked for user 'ghost'"):
        find_user(connection, PORTO_PLANNER, "ghost")


def test_a_scope_is_what_the_user_may_see() -> None:
    assert scope_of(INES).allows(PORTO, "regulated")
    assert not scope_of(INES).allows(GHENT, "regulated")
    limited = scope_of(INES.model_copy(update={"sites": None, "item_classes": ("standard",)}))
    assert limited.allows(GHENT, "standard")
    assert not limited.allows(GHENT, "regulated")
    assert not scope_of(INES.model_copy(update={"sites": ()})).allows(PORTO, "standard")


def test_a_reader_sees_people_who_share_a_site(database: Database) -> None:
    for user in (
        INES,
        INES.model_copy(update={"user_id": "wout", "sites": (GHENT,)}),
        INES.model_copy(update={"user_id": "ada", "sites": None}),
    ):
        save(database, user)
    with database.read() as connection:
        assert [user.user_id for user in list_users(connection, PORTO_PLANNER)] == ["ada", "ines"]
        assert [user.user_id for user in list_users(connection, EVERYTHING)] == ["ada", "ines", "wout"]


def test_a_token_opens_the_door_for_its_user_and_is_stored_nowhere(database: Database) -> None:
    saved = save(database, INES)
    token = token_of(database)
    assert asks(database, token) == saved
    with database.read() as connection:
        kept = connection.execute(select(tokens.c.token_hash)).scalar_one()
        written = [str(row) for table in (tokens, users, audit) for row in connection.execute(select(table))]
    assert kept == token_hash(token) == hashlib.sha256(token.encode()).hexdigest()
    assert not any(token in row or token.removeprefix("ek_") in row for row in written)
    assert kept not in str(written[-1]), "the chain names a token by the beginning of its hash"


def test_two_tokens_are_never_alike_and_long_enough_to_be_unguessable(database: Database) -> None:
    save(database, INES)
    found = {token_of(database) for _ in range(5)}
    assert len(found) == 5
    assert all(token.startswith("ek_") and len(token) >= 3 + 43 for token in found)


def test_revoking_ends_every_token_of_that_user_only(database: Database) -> None:
    save(database, INES)
    save(database, INES.model_copy(update={"user_id": "wout"}))
    mine, also_mine, other = token_of(database), token_of(database), token_of(database, "wout")
    with database.write("admin", NOW) as transaction:
        assert revoke_tokens(transaction, "ines") == 2
        assert revoke_tokens(transaction, "ines") == 0
    for token in (mine, also_mine):
        with pytest.raises(AccessError):
            asks(database, token)
    assert asks(database, other).user_id == "wout"
    assert asks(database, token_of(database)).user_id == "ines"


def test_unknown_revoked_and_inactive_get_the_same_answer(database: Database) -> None:
    save(database, INES)
    token = token_of(database)
    save(database, INES.model_copy(update={"active": False}))
    answers = set()
    for attempt in (token, "ek_guess", "", token.upper(), token[:-1], token_hash(token)):
        with pytest.raises(AccessError) as refused:
            asks(database, attempt)
        answers.add(str(refused.value))
    assert answers == {"the token is unknown or no longer valid"}


def test_a_token_needs_a_user(database: Database) -> None:
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        token_of(database, "ghost")
