"""Questions, tasks handed to a named person, snoozes and what reading the facts again at the click came to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from inventory.tables import UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "questions",
        sa.Column("question_id", sa.String(length=96), nullable=False),
        sa.Column("proposal_id", sa.String(length=96), nullable=False),
        sa.Column("asked_by", sa.String(length=96), nullable=False),
        sa.Column("asked_of", sa.String(length=96), nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("answered_by", sa.String(length=96), server_default="", nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("asked_by <> asked_of", name=op.f("ck_questions_two_people")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.proposal_id"], name=op.f("fk_questions_proposal_id")),
        sa.PrimaryKeyConstraint("question_id", name=op.f("pk_questions")),
    )
    op.create_index(op.f("ix_questions_proposal_id"), "questions", ["proposal_id"])
    op.create_table(
        "handovers",
        sa.Column("handover_id", sa.String(length=96), nullable=False),
        sa.Column("proposal_id", sa.String(length=96), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=96), nullable=False),
        sa.Column("to_user", sa.String(length=96), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_handovers_numbered")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.proposal_id"], name=op.f("fk_handovers_proposal_id")),
        sa.PrimaryKeyConstraint("handover_id", name=op.f("pk_handovers")),
        sa.UniqueConstraint("proposal_id", "number", name=op.f("uq_handovers_proposal_id_number")),
    )
    op.create_table(
        "snoozes",
        sa.Column("proposal_id", sa.String(length=96), nullable=False),
        sa.Column("by", sa.String(length=96), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("until", UtcTime(), nullable=False),
        sa.Column("woken_at", UtcTime(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("until > at", name=op.f("ck_snoozes_ahead")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.proposal_id"], name=op.f("fk_snoozes_proposal_id")),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_snoozes")),
    )
    op.create_table(
        "revalidations",
        sa.Column("revalidation_id", sa.String(length=96), nullable=False),
        sa.Column("proposal_id", sa.String(length=96), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=96), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("verdict IN ('holds', 'changed', 'stricter')", name=op.f("ck_revalidations_verdict")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.proposal_id"], name=op.f("fk_revalidations_proposal_id")),
        sa.PrimaryKeyConstraint("revalidation_id", name=op.f("pk_revalidations")),
    )
    op.create_index(op.f("ix_revalidations_proposal_id"), "revalidations", ["proposal_id"])


def downgrade() -> None:
    """Drop them."""
    for table in ("revalidations", "snoozes", "handovers", "questions"):
        op.drop_table(table)
