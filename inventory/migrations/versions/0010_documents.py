"""The life of a document, machine rules and their suggestions.

Documents kept before this revision were added by one person and were in force at once; they stay so, and say that
nobody confirmed them.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from inventory.tables import UtcTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BEFORE = "before:0010"
"""Stands where a second person's name would."""
UNSCANNED = '{"alarms":[],"hidden":{},"original":""}'


def upgrade() -> None:
    """Give documents a life, and create the tables of rules."""
    kept = _rows()
    op.drop_table("documents")
    table = op.create_table(
        "documents",
        sa.Column("document_id", sa.String(length=96), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("added_at", UtcTime(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("added_by", sa.String(length=96), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("effective_to", sa.Date(), nullable=True),
        sa.Column("confirmed_by", sa.String(length=96), server_default="", nullable=False),
        sa.Column("confirmed_at", UtcTime(length=32), nullable=True),
        sa.Column("ended_by", sa.String(length=96), server_default="", nullable=False),
        sa.Column("ended_at", UtcTime(length=32), nullable=True),
        sa.Column("scan", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('uploaded', 'refused', 'confirmed', 'withdrawn', 'deleted')", name=op.f("ck_documents_state")
        ),
        sa.CheckConstraint(
            "state NOT IN ('confirmed', 'withdrawn') "
            "OR (confirmed_by <> '' AND confirmed_by <> added_by AND confirmed_at IS NOT NULL)",
            name=op.f("ck_documents_two_people"),
        ),
        sa.PrimaryKeyConstraint("document_id", "version", name=op.f("pk_documents")),
    )
    assert table is not None
    if kept:
        op.bulk_insert(table, [_in_force(row) for row in kept])
    op.create_table(
        "machine_rules",
        sa.Column("document_id", sa.String(length=96), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.String(length=96), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("suggestion_id", sa.String(length=96), server_default="", nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id", "version"],
            ["documents.document_id", "documents.version"],
            name=op.f("fk_machine_rules_document_id"),
        ),
        sa.PrimaryKeyConstraint("document_id", "version", "rule_id", name=op.f("pk_machine_rules")),
    )
    op.create_table(
        "rule_suggestions",
        sa.Column("suggestion_id", sa.String(length=96), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.String(length=96), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("author", sa.String(length=96), nullable=False),
        sa.Column("at", UtcTime(length=32), nullable=False),
        sa.Column("settled_by", sa.String(length=96), server_default="", nullable=False),
        sa.Column("settled_at", UtcTime(length=32), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('suggested', 'confirmed', 'refused')", name=op.f("ck_rule_suggestions_state")),
        sa.CheckConstraint("state = 'suggested' OR settled_by <> ''", name=op.f("ck_rule_suggestions_settled")),
        sa.CheckConstraint("state <> 'confirmed' OR settled_by <> author", name=op.f("ck_rule_suggestions_two_people")),
        sa.ForeignKeyConstraint(
            ["document_id", "version"],
            ["documents.document_id", "documents.version"],
            name=op.f("fk_rule_suggestions_document_id"),
        ),
        sa.PrimaryKeyConstraint("suggestion_id", name=op.f("pk_rule_suggestions")),
        sa.UniqueConstraint("number", name=op.f("uq_rule_suggestions_number")),
    )


def downgrade() -> None:
    """Keep the texts alone."""
    op.drop_table("rule_suggestions")
    op.drop_table("machine_rules")
    kept = _rows()
    op.drop_table("documents")
    table = op.create_table(
        "documents",
        sa.Column("document_id", sa.String(length=96), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("added_at", UtcTime(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("document_id", "version", name=op.f("pk_documents")),
    )
    assert table is not None
    if kept:
        op.bulk_insert(table, kept)


def _rows() -> list[dict[str, Any]]:
    """What both forms of the table hold."""
    text = "SELECT document_id, version, added_at, body FROM documents ORDER BY document_id, version"
    rows = op.get_bind().execute(sa.text(text)).mappings()
    return [{**row, "added_at": datetime.fromisoformat(row["added_at"])} for row in rows]


def _in_force(row: dict[str, Any]) -> dict[str, Any]:
    body = json.loads(row["body"])
    until = body.get("effective_to")
    return {
        **row,
        "state": "confirmed",
        "added_by": body["added_by"],
        "effective_from": date.fromisoformat(body["effective_from"]),
        "effective_to": date.fromisoformat(until) if until else None,
        "confirmed_by": BEFORE,
        "confirmed_at": row["added_at"],
        "scan": UNSCANNED,
    }
