"""Tasks for people, the executor's lease, and its fencing number on every document."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from inventory.tables import UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and the columns."""
    op.add_column("outbox", sa.Column("fencing", sa.Integer(), server_default="0", nullable=False))
    op.add_column("outbox", sa.Column("changed_at", UtcTime(length=32), nullable=True))
    op.create_table(
        "executors",
        sa.Column("erp", sa.String(length=96), nullable=False),
        sa.Column("holder", sa.String(length=96), nullable=False),
        sa.Column("fencing", sa.Integer(), nullable=False),
        sa.Column("lease_until", UtcTime(length=32), nullable=False),
        sa.CheckConstraint("fencing > 0", name=op.f("ck_executors_numbered")),
        sa.PrimaryKeyConstraint("erp", name=op.f("pk_executors")),
    )
    op.create_table(
        "tasks",
        sa.Column("task_id", sa.String(length=96), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("proposal_id", sa.String(length=96), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("due_at", UtcTime(length=32), nullable=False),
        sa.Column("done_by", sa.String(length=96), server_default="", nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'done', 'refused', 'in_doubt')", name=op.f("ck_tasks_state")),
        sa.CheckConstraint("state = 'open' OR done_by <> ''", name=op.f("ck_tasks_somebody_answered")),
        sa.ForeignKeyConstraint(["key"], ["outbox.key"], name=op.f("fk_tasks_key")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.proposal_id"], name=op.f("fk_tasks_proposal_id")),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("key", name=op.f("uq_tasks_key")),
    )
    op.create_index(op.f("ix_tasks_proposal_id"), "tasks", ["proposal_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("tasks")
    op.drop_table("executors")
    op.drop_column("outbox", "changed_at")
    op.drop_column("outbox", "fencing")
