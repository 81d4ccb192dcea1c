"""Segments of item-sites and their changes, stored scenarios, and replenishment runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from inventory.tables import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "segments",
        sa.Column("item", sa.String(length=96), nullable=False),
        sa.Column("site", sa.String(length=96), nullable=False),
        sa.Column("item_class", sa.String(length=32), nullable=False),
        sa.Column("cell", sa.Integer(), nullable=False),
        sa.Column("snapshot_id", sa.String(length=96), nullable=False),
        sa.CheckConstraint("cell >= 0 AND cell < 90", name=op.f("ck_segments_cell")),
        sa.PrimaryKeyConstraint("item", "site", name=op.f("pk_segments")),
    )
    op.create_table(
        "segment_changes",
        sa.Column("snapshot_id", sa.String(length=96), nullable=False),
        sa.Column("item", sa.String(length=96), nullable=False),
        sa.Column("site", sa.String(length=96), nullable=False),
        sa.Column("item_class", sa.String(length=32), nullable=False),
        sa.Column("before", sa.Integer(), nullable=False),
        sa.Column("after", sa.Integer(), nullable=False),
        sa.Column("value_minor", sa.Integer(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", "item", "site", name=op.f("pk_segment_changes")),
    )
    op.create_table(
        "scenarios",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=96), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_scenarios")),
    )
    op.create_table(
        "replenishment_runs",
        sa.Column("run_id", sa.String(length=96), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("snapshot_id", sa.String(length=96), nullable=False),
        sa.Column("shadow", sa.Integer(), nullable=False),
        sa.Column("plan_run_id", sa.String(length=96), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_replenishment_runs")),
        sa.UniqueConstraint("day", "snapshot_id", "shadow", name=op.f("uq_replenishment_runs_day_snapshot_id_shadow")),
        sa.UniqueConstraint("number", name=op.f("uq_replenishment_runs_number")),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("replenishment_runs", "scenarios", "segment_changes", "segments"):
        op.drop_table(table)
