"""On the real server: each role is refused what it must not do, and nobody but the owner touches the log."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, delete, text, update

from inventory.anchor import Anchor
from inventory.audit import verify
from inventory.database import Database
from inventory.database_roles import RIGHTS, ROLES, grant_roles, privileges, standing
from inventory.errors import AccessError
from inventory.outbox import enqueue
from inventory.tables import audit, metadata, outbox
from tests import postgres
from tests.inventory.worlds import NOW, a_document, draft

ADVISE, DECIDE, DISPATCH = ROLES
Statement = Callable[[Connection], object]


@pytest.fixture
def owned(database: Database) -> Database:
    """A database whose owner granted the roles their rights, with one proposal and its document."""
    with database.write("root", NOW) as transaction:
        grant_roles(transaction.connection)
        proposal = draft(transaction, 1)
        enqueue(transaction, proposal.proposal_id, [a_document(proposal)])
    return database


def as_role(owned: Database, role: str) -> Database:
    """The same database as a process sees it whose account is a member of that role alone."""
    return postgres.remember(Database(postgres.account(owned.url, role), Anchor(owned.anchor.path)))


def approve(connection: Connection) -> None:
    connection.execute(
        text(
            "INSERT INTO approvals (approval_id, proposal_id, proposal_digest, decision, by, at, body) "
            "SELECT 'appr-1', proposal_id, digest, 'approve', 'mallory', created_at, '{}' FROM proposals"
        )
    )


def send(connection: Connection) -> None:
    forged = "SELECT 'EK-FORGED', proposal_id, 9, 'ready', '{}' FROM proposals"
    connection.execute(text(f"INSERT INTO outbox (key, proposal_id, number, state, body) {forged}"))


def book(connection: Connection) -> None:
    made_up = "SELECT key, proposal_id, 'PO-1', '2026-03-02T06:00:00.000000+00:00', '{}' FROM outbox"
    connection.execute(text(f"INSERT INTO receipts (key, proposal_id, erp_reference, posted_at, body) {made_up}"))


def move_document(connection: Connection) -> None:
    connection.execute(update(outbox).values(state="sent"))


FORBIDDEN: dict[str, tuple[Statement, ...]] = {
    ADVISE: (approve, send, book, move_document),
    DECIDE: (book,),
    DISPATCH: (approve, send),
}
ALLOWED: dict[str, tuple[Statement, ...]] = {ADVISE: (), DECIDE: (approve, send), DISPATCH: (move_document, book)}


def attempt(database: Database, statement: Statement) -> None:
    with database.write("mallory", NOW) as transaction:
        statement(transaction.connection)


def refused(database: Database, statement: Statement) -> bool:
    try:
        attempt(database, statement)
    except AccessError as error:
        return "permission denied" in str(error)
    return False


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_refused_what_it_must_not_do_and_can_do_its_own(owned: Database, role: str) -> None:
    process = as_role(owned, role)
    assert [statement.__name__ for statement in FORBIDDEN[role] if not refused(process, statement)] == []
    assert [statement.__name__ for statement in ALLOWED[role] if refused(process, statement)] == []


@pytest.mark.parametrize("role", ROLES)
def test_no_role_changes_removes_or_empties_the_log_but_each_adds_to_it(owned: Database, role: str) -> None:
    process = as_role(owned, role)
    tampering: tuple[Statement, ...] = (
        lambda connection: connection.execute(update(audit).values(actor="nobody")),
        lambda connection: connection.execute(delete(audit)),
        lambda connection: connection.execute(text("TRUNCATE audit")),
        lambda connection: connection.execute(text("ALTER TABLE audit ADD COLUMN more text")),
        lambda connection: connection.execute(text("DROP TABLE audit")),
        lambda connection: connection.execute(text("CREATE TABLE another (name text)")),
    )
    for statement in tampering:
        with pytest.raises(AccessError, match=r"permission denied|must be owner"):
            attempt(process, statement)
    with process.write("somebody", NOW) as transaction:
        transaction.record("case.moved", "case", "case-1")
    with process.read() as connection:
        assert verify(connection, process.anchor).sound


@pytest.mark.parametrize("role", ROLES)
def test_the_server_holds_exactly_the_rights_that_are_written_down(owned: Database, role: str) -> None:
    """Each privilege of each table is asked of the server, which is the oracle."""
    asked = text("SELECT has_table_privilege(:role, :name, :privilege)")
    every = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
    with owned.read() as connection:
        for name in RIGHTS:
            held = {
                privilege
                for privilege in every
                if connection.execute(asked, {"role": role, "name": name, "privilege": privilege}).scalar_one()
            }
            assert held == set(privileges(name, role)), (name, role)


def test_every_table_has_its_rights_written_down() -> None:
    assert sorted({*metadata.tables, "alembic_version"}) == sorted(RIGHTS)


def test_granting_again_changes_nothing_and_takes_back_what_was_added(owned: Database) -> None:
    def granted() -> list[tuple[str, str]]:
        query = text("SELECT relname, relacl::text FROM pg_class WHERE relacl IS NOT NULL ORDER BY relname")
        with owned.read() as connection:
            return [(row.relname, "".join(sorted(row.relacl))) for row in connection.execute(query)]

    before = granted()
    with owned.write("root", NOW) as transaction:
        transaction.connection.execute(text(f"GRANT ALL ON audit, approvals TO {ADVISE}"))
    assert granted() != before
    with owned.write("root", NOW) as transaction:
        grant_roles(transaction.connection)
    assert granted() == before


def test_the_owner_is_told_from_a_member(owned: Database) -> None:
    with owned.read() as connection:
        assert standing(connection).may_rewrite_log
    with as_role(owned, DISPATCH).read() as connection:
        who = standing(connection)
    assert (who.roles, who.may_rewrite_log) == ((DISPATCH,), False)
