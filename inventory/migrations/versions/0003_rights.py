"""Delegations, escalations, policy drafts and who confirmed them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from inventory.tables import UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "policy_drafts",
        sa.Column("draft_id", sa.String(length=96), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("author", sa.String(length=96), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("based_on", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("settled_by", sa.String(length=96), server_default="", nullable=False),
        sa.Column("settled_at", UtcTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('proposed', 'adopted', 'withdrawn', 'rejected')", name=op.f("ck_policy_drafts_state")
        ),
        sa.CheckConstraint(
            "state <> 'adopted' OR (settled_by <> '' AND settled_by <> author AND version IS NOT NULL)",
            name=op.f("ck_policy_drafts_two_people"),
        ),
        sa.PrimaryKeyConstraint("draft_id", name=op.f("pk_policy_drafts")),
        sa.UniqueConstraint("kind", "number", name=op.f("uq_policy_drafts_kind_number")),
    )
    op.create_table(
        "delegations",
        sa.Column("delegation_id", sa.String(length=96), nullable=False),
        sa.Column("from_user", sa.String(length=96), nullable=False),
        sa.Column("to_user", sa.String(length=96), nullable=False),
        sa.Column("starts", UtcTime(), nullable=False),
        sa.Column("ends", UtcTime(), nullable=False),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("from_user <> to_user", name=op.f("ck_delegations_two_people")),
        sa.CheckConstraint("starts < ends", name=op.f("ck_delegations_ends_after_start")),
        sa.ForeignKeyConstraint(["from_user"], ["users.user_id"], name=op.f("fk_delegations_from_user")),
        sa.ForeignKeyConstraint(["to_user"], ["users.user_id"], name=op.f("fk_delegations_to_user")),
        sa.PrimaryKeyConstraint("delegation_id", name=op.f("pk_delegations")),
    )
    op.create_index(op.f("ix_delegations_from_user"), "delegations", ["from_user"])
    op.create_index(op.f("ix_delegations_to_user"), "delegations", ["to_user"])
    op.create_table(
        "escalations",
        sa.Column("proposal_id", sa.String(length=96), nullable=False),
        sa.Column("from_role", sa.String(length=32), nullable=False),
        sa.Column("to_role", sa.String(length=32), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.CheckConstraint("from_role <> to_role", name=op.f("ck_escalations_another_role")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.proposal_id"], name=op.f("fk_escalations_proposal_id")),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_escalations")),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("escalations")
    op.drop_table("delegations")
    op.drop_table("policy_drafts")
