"""The worker's beat, daily jobs, restores, and when a step of the trace was purged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from inventory.tables import UtcTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and the column."""
    op.add_column("trace", sa.Column("purged_at", UtcTime(length=32), nullable=True))
    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("holder", sa.String(length=96), nullable=False),
        sa.Column("started_at", UtcTime(length=32), nullable=False),
        sa.Column("beat_at", UtcTime(length=32), nullable=False),
        sa.Column("lease_until", UtcTime(length=32), nullable=False),
        sa.Column("erp_skew_seconds", sa.Integer(), nullable=True),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    op.create_table(
        "daily_jobs",
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("holder", sa.String(length=96), nullable=False),
        sa.Column("begun_at", UtcTime(length=32), nullable=False),
        sa.Column("finished_at", UtcTime(length=32), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("job", "day", name=op.f("pk_daily_jobs")),
    )
    op.create_table(
        "restores",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcTime(length=32), nullable=False),
        sa.Column("backup", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_restores_numbered")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_restores")),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("restores")
    op.drop_table("daily_jobs")
    op.drop_table("workers")
    with op.batch_alter_table("trace") as table:
        table.drop_column("purged_at")
