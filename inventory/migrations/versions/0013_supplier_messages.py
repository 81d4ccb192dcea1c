"""Messages to suppliers about changes of their orders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "supplier_messages",
        sa.Column("message_id", sa.String(length=96), nullable=False),
        sa.Column("proposal_id", sa.String(length=96), nullable=False),
        sa.Column("supplier", sa.String(length=96), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("sent_by", sa.String(length=96), server_default="", nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('drafted', 'sent', 'answered')", name=op.f("ck_supplier_messages_state")),
        sa.CheckConstraint("state = 'drafted' OR sent_by <> ''", name=op.f("ck_supplier_messages_somebody_sent")),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposals.proposal_id"], name=op.f("fk_supplier_messages_proposal_id")
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_supplier_messages")),
    )
    op.create_index(op.f("ix_supplier_messages_proposal_id"), "supplier_messages", ["proposal_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("supplier_messages")
