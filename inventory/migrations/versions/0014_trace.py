"""The trace as trees of steps that nothing changes any more, and the words of a step beside it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from inventory.record import canonical, digest_text
from inventory.tables import UtcTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_REFUSED = "BEGIN SELECT RAISE(ABORT, 'the trace is only added to'); END"
SQLITE = (
    f"CREATE TRIGGER trace_no_update BEFORE UPDATE ON trace {_REFUSED}",
    f"CREATE TRIGGER trace_no_delete BEFORE DELETE ON trace {_REFUSED}",
)
POSTGRESQL = (
    "CREATE FUNCTION trace_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the trace is only added to'; END $$",
    "CREATE TRIGGER trace_no_update BEFORE UPDATE ON trace EXECUTE FUNCTION trace_is_only_added_to()",
    "CREATE TRIGGER trace_no_delete BEFORE DELETE OR TRUNCATE ON trace EXECUTE FUNCTION trace_is_only_added_to()",
)


def upgrade() -> None:
    """Create the tables and triggers; what the old trace holds is taken over."""
    connection = op.get_bind()
    kept = connection.execute(sa.text("SELECT body FROM trace ORDER BY at, span_id")).scalars().all()
    op.drop_table("trace")
    op.create_table(
        "trace",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("span_id", sa.String(length=96), nullable=False),
        sa.Column("trace_id", sa.String(length=96), nullable=False),
        sa.Column("parent_id", sa.String(length=96), nullable=False),
        sa.Column("name", sa.String(length=96), nullable=False),
        sa.Column("owner", sa.String(length=96), nullable=False),
        sa.Column("case_id", sa.String(length=96), nullable=False),
        sa.Column("proposal_id", sa.String(length=96), nullable=False),
        sa.Column("at", UtcTime(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_trace_numbered")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_trace")),
        sa.UniqueConstraint("span_id", name=op.f("uq_trace_span_id")),
    )
    op.create_index(op.f("ix_trace_trace_id"), "trace", ["trace_id"])
    op.create_table(
        "trace_words",
        sa.Column("span_id", sa.String(length=96), nullable=False),
        sa.Column("part", sa.String(length=32), nullable=False),
        sa.Column("at", UtcTime(length=32), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["span_id"], ["trace.span_id"], name=op.f("fk_trace_words_span_id")),
        sa.PrimaryKeyConstraint("span_id", "part", name=op.f("pk_trace_words")),
    )
    op.create_index(op.f("ix_trace_words_at"), "trace_words", ["at"])
    _take_over(connection, [json.loads(body) for body in kept])
    for statement in SQLITE if connection.dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Go back to the empty old table."""
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP TRIGGER trace_no_update ON trace")
        op.execute("DROP TRIGGER trace_no_delete ON trace")
        op.execute("DROP FUNCTION trace_is_only_added_to()")
    op.drop_table("trace_words")
    op.drop_table("trace")
    op.create_table(
        "trace",
        sa.Column("span_id", sa.String(length=96), nullable=False),
        sa.Column("case_id", sa.String(length=96), nullable=False),
        sa.Column("at", UtcTime(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("purged_at", UtcTime(length=32), nullable=True),
        sa.PrimaryKeyConstraint("span_id", name=op.f("pk_trace")),
    )
    op.create_index(op.f("ix_trace_case_id"), "trace", ["case_id"])


def _take_over(connection: sa.Connection, old: list[dict[str, Any]]) -> None:
    """Steps of before as children of their case; of what they took in and gave the digest is kept."""
    roots = {step["case_id"]: f"span-{digest_text('trace', step['case_id'])[:16]}" for step in old}
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    for step in old:
        case, root = step["case_id"], roots[step["case_id"]]
        if case not in seen:
            seen.add(case)
            rows.append(_span(step, root, "", "invoke_workflow case"))
        rows.append(_span(step, step["span_id"], root, step["name"]))
    texts = ("span_id", "trace_id", "parent_id", "name", "owner", "case_id", "proposal_id", "body")
    table = sa.table("trace", sa.column("number"), sa.column("at", UtcTime()), *(sa.column(name) for name in texts))
    if rows:
        connection.execute(table.insert(), [{"number": at, **row} for at, row in enumerate(rows, start=1)])


def _span(step: dict[str, Any], span_id: str, parent_id: str, name: str) -> dict[str, Any]:
    """One row of the new table."""
    inner = bool(parent_id)
    body = {
        "span_id": span_id, "trace_id": step["case_id"], "parent_id": parent_id, "name": name, "owner": "",
        "case_id": step["case_id"], "proposal_id": step["proposal_id"] if inner else "", "conversation_id": "",
        "role": step["role"] if inner else "desk", "who": "evenkeel", "sites": [],
        "inputs": digest_text(step["inputs"]) if inner else "",
        "outputs": digest_text(step["outputs"]) if inner else "",
        "attributes": {"gen_ai.operation.name": name.split(" ")[0]}, "started_at": step["started_at"], "seconds": 0.0,
    }  # fmt: skip
    columns = ("span_id", "trace_id", "parent_id", "name", "owner", "case_id", "proposal_id")
    at = datetime.fromisoformat(step["started_at"])
    return {**{column: body[column] for column in columns}, "at": at, "body": canonical(body)}
