"""Who may write what in a PostgreSQL database: three roles, as data.

- *advise* finds, plans, explains and rules. It cannot sign, send or book: the model's process holds no more than this.
- *decide* also takes people's decisions, and what only people change: policies, written rules, users, switches.
- *dispatch* sends what was approved and books the answers. It cannot sign what it sends.

Every role may read every table and only add to the audit log and the trace: nobody but the owner of the tables may
change or remove an entry, and no process of Evenkeel needs to run as the owner. The roles cannot log in; accounts are
made members of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from inventory.errors import AccessError
from inventory.postgres import CHECKPOINT_SCHEMA

ROLES = ("evenkeel_advise", "evenkeel_decide", "evenkeel_dispatch")
INSERT, UPDATE, DELETE = "INSERT", "UPDATE", "DELETE"
_LETTERS = {"i": INSERT, "u": UPDATE, "d": DELETE}
RIGHTS: dict[str, tuple[str, str, str]] = {
    "alembic_version": ("", "", ""),
    "approvals": ("", "i", ""),
    "audit": ("i", "i", "i"),
    "audit_heads": ("i", "i", "i"),
    "capacity": ("iu", "iu", "u"),
    "capacity_holds": ("iu", "iu", "u"),
    "case_scopes": ("id", "id", ""),
    "cases": ("iu", "iu", "u"),
    "conversations": ("iud", "iud", "d"),
    "daily_jobs": ("", "iu", "iu"),
    "delegations": ("", "iu", ""),
    "documents": ("", "iu", ""),
    "escalations": ("i", "i", "i"),
    "executors": ("", "", "iu"),
    "feed_health": ("id", "id", ""),
    "findings": ("id", "id", ""),
    "freezes": ("u", "iu", "u"),
    "handovers": ("", "i", ""),
    "imports": ("i", "i", ""),
    "kpi_points": ("i", "i", ""),
    "machine_rules": ("", "i", ""),
    "messages": ("iud", "iud", "d"),
    "model_calls": ("iu", "iud", "d"),
    "outbox": ("", "iu", "u"),
    "outcomes": ("iu", "iu", "iu"),
    "overrides": ("", "i", ""),
    "plan_runs": ("i", "i", ""),
    "policies": ("", "i", ""),
    "policy_drafts": ("", "iu", ""),
    "proposals": ("iu", "iu", "u"),
    "quarantine": ("i", "i", ""),
    "questions": ("", "iu", ""),
    "receipts": ("", "", "i"),
    "replenishment_runs": ("i", "i", ""),
    "reservations": ("iu", "iu", "u"),
    "restores": ("", "", ""),
    "revalidations": ("", "i", ""),
    "rule_suggestions": ("i", "iu", ""),
    "rulings": ("i", "i", ""),
    "scenarios": ("i", "i", ""),
    "segment_changes": ("id", "id", ""),
    "segments": ("iu", "iu", ""),
    "snapshots": ("i", "i", ""),
    "snoozes": ("u", "iu", "u"),
    "stock_lines": ("iud", "iud", "u"),
    "supplier_messages": ("i", "iu", ""),
    "sweeps": ("i", "i", ""),
    "switches": ("", "id", ""),
    "tasks": ("", "", "iu"),
    "tokens": ("", "iu", ""),
    "trace": ("i", "i", "i"),
    "trace_words": ("i", "id", "id"),
    "users": ("", "iu", ""),
    "workers": ("", "iud", "iud"),
    "writer_lock": ("u", "u", "u"),
}
"""What each role may do to a table beside reading it: insert, update, delete. ``writer_lock`` is only ever locked."""


@dataclass(frozen=True)
class Standing:
    """Who a connection is to the database."""

    account: str
    roles: tuple[str, ...]
    """Those of :data:`ROLES` it acts with."""
    may_rewrite_log: bool
    """It could change or remove entries of the audit log, as the owner can."""


def privileges(table: str, role: str) -> tuple[str, ...]:
    """What a role may do to a table, reading included."""
    return ("SELECT", *(_LETTERS[letter] for letter in RIGHTS[table][ROLES.index(role)]))


def grant_roles(connection: Connection) -> tuple[str, ...]:
    """Give the roles exactly their rights, as the owner of the tables; again changes nothing.

    Returns
    -------
    tuple[str, ...]
        The statements run, in order.

    Raises
    ------
    AccessError
        If the account does not own the tables: the server would only warn.
    """
    owner = "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = 'audit'::regclass"
    if not connection.execute(text(owner)).scalar_one():
        raise AccessError("the database account of this process does not own the tables: grant as their owner")
    statements = tuple(_statements(connection))
    for statement in statements:
        connection.execute(text(statement))
    return statements


def _statements(connection: Connection) -> Iterator[str]:
    schema = _quoted(str(connection.execute(text("SELECT current_schema()")).scalar_one()))
    known = set(connection.execute(text("SELECT rolname FROM pg_roles")).scalars())
    everybody = ", ".join(ROLES)
    for role in ROLES:
        if role not in known:
            yield f"CREATE ROLE {role} NOLOGIN"
    yield f"REVOKE ALL ON {', '.join(f'{schema}.{table}' for table in RIGHTS)} FROM PUBLIC, {everybody}"
    yield f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {everybody}"
    yield f"GRANT USAGE ON SCHEMA {schema} TO {everybody}"
    for table in RIGHTS:
        for role in ROLES:
            yield f"GRANT {', '.join(privileges(table, role))} ON {schema}.{table} TO {role}"
    if connection.execute(text("SELECT to_regnamespace(:name)"), {"name": CHECKPOINT_SCHEMA}).scalar_one():
        yield f"GRANT USAGE ON SCHEMA {CHECKPOINT_SCHEMA} TO {everybody}"
        yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {CHECKPOINT_SCHEMA} TO {everybody}"


def standing(connection: Connection) -> Standing:
    """Who this connection is, and what it could do to the log."""
    known = set(connection.execute(text("SELECT rolname FROM pg_roles")).scalars())
    member = text("SELECT pg_has_role(current_user, :role, 'USAGE')")
    rewrite = "has_table_privilege('audit', 'UPDATE') OR has_table_privilege('audit', 'DELETE')"
    return Standing(
        account=str(connection.execute(text("SELECT current_user")).scalar_one()),
        roles=tuple(
            role for role in ROLES if role in known and connection.execute(member, {"role": role}).scalar_one()
        ),
        may_rewrite_log=bool(connection.execute(text(f"SELECT {rewrite}")).scalar_one()),
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
