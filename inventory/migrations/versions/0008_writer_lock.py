"""The table whose lock lets one writer in at a time; it stays empty, and SQLite has no use for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create it."""
    op.create_table(
        "writer_lock",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_writer_lock")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("writer_lock")
