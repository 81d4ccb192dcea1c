"""Calls to language models, counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from inventory.tables import UtcTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "model_calls",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", UtcTime(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=96), nullable=False),
        sa.Column("run_id", sa.String(length=96), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("endpoint", sa.String(length=255), nullable=False),
        sa.Column("model", sa.String(length=96), nullable=False),
        sa.Column("ended", sa.String(length=32), nullable=False),
        sa.Column("input_tokens", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_model_calls_numbered")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_model_calls")),
    )
    op.create_index(op.f("ix_model_calls_day"), "model_calls", ["day"])
    op.create_index(op.f("ix_model_calls_run_id"), "model_calls", ["run_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("model_calls")
