"""Lane capacity, budgets and freezes that proposals reserve."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from inventory.tables import UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; stock lines learn what is frozen, reservations what freeze they were taken from."""
    op.create_table(
        "capacity",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("limit_amount", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("used", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("reserved >= 0 AND used >= 0 AND limit_amount >= 0", name=op.f("ck_capacity_not_negative")),
        sa.CheckConstraint(
            "reserved = 0 OR reserved + used <= limit_amount", name=op.f("ck_capacity_not_overpromised")
        ),
        sa.PrimaryKeyConstraint("kind", "key", "day", name=op.f("pk_capacity")),
    )
    op.create_table(
        "capacity_holds",
        sa.Column("hold_id", sa.String(length=96), nullable=False),
        sa.Column("proposal_id", sa.String(length=96), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("document", sa.String(length=96), server_default="", nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_capacity_holds_positive")),
        sa.CheckConstraint(
            "state IN ('held', 'committed', 'in_flight', 'posted', 'absorbed', 'released')",
            name=op.f("ck_capacity_holds_state"),
        ),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.proposal_id"], name=op.f("fk_capacity_holds_proposal_id")),
        sa.ForeignKeyConstraint(
            ["kind", "key", "day"],
            ["capacity.kind", "capacity.key", "capacity.day"],
            name=op.f("fk_capacity_holds_kind"),
        ),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("pk_capacity_holds")),
    )
    op.create_index(op.f("ix_capacity_holds_proposal_id"), "capacity_holds", ["proposal_id"])
    op.create_index("ix_capacity_holds_slot", "capacity_holds", ["kind", "key", "day"])
    op.create_table(
        "freezes",
        sa.Column("freeze_id", sa.String(length=96), nullable=False),
        sa.Column("item", sa.String(length=96), nullable=False),
        sa.Column("site", sa.String(length=96), nullable=False),
        sa.Column("lot", sa.String(length=96), nullable=False),
        sa.Column("purpose", sa.String(length=96), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("until", UtcTime(), nullable=False),
        sa.Column("set_by", sa.String(length=96), nullable=False),
        sa.Column("set_confirmed_by", sa.String(length=96), server_default="", nullable=False),
        sa.Column("lift_by", sa.String(length=96), server_default="", nullable=False),
        sa.Column("lift_confirmed_by", sa.String(length=96), server_default="", nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("units > 0 AND remaining >= 0 AND remaining <= units", name=op.f("ck_freezes_units")),
        sa.CheckConstraint(
            "state IN ('asked', 'in_force', 'lift_asked', 'lifted', 'ended', 'withdrawn')",
            name=op.f("ck_freezes_state"),
        ),
        sa.CheckConstraint(
            "state IN ('asked', 'withdrawn') OR (set_confirmed_by <> '' AND set_confirmed_by <> set_by)",
            name=op.f("ck_freezes_set_by_two_people"),
        ),
        sa.CheckConstraint(
            "state <> 'lifted' OR (lift_by <> '' AND lift_confirmed_by <> '' AND lift_confirmed_by <> lift_by)",
            name=op.f("ck_freezes_lifted_by_two_people"),
        ),
        sa.PrimaryKeyConstraint("freeze_id", name=op.f("pk_freezes")),
    )
    op.create_index("ix_freezes_line", "freezes", ["item", "site", "lot"])
    with op.batch_alter_table("stock_lines") as batch:
        batch.add_column(sa.Column("frozen", sa.Integer(), server_default="0", nullable=False))
        batch.drop_constraint(op.f("ck_stock_lines_not_negative"), type_="check")
        batch.drop_constraint(op.f("ck_stock_lines_not_overpromised"), type_="check")
        batch.create_check_constraint(
            op.f("ck_stock_lines_not_negative"), "reserved >= 0 AND in_flight >= 0 AND protect >= 0 AND frozen >= 0"
        )
        batch.create_check_constraint(
            op.f("ck_stock_lines_not_overpromised"),
            "reserved = 0 OR reserved <= on_hand - allocated - protect - frozen - in_flight",
        )
    with op.batch_alter_table("reservations") as batch:
        batch.add_column(sa.Column("freeze_id", sa.String(length=96), server_default="", nullable=False))


def downgrade() -> None:
    """Drop them; what was frozen is free again."""
    with op.batch_alter_table("reservations") as batch:
        batch.drop_column("freeze_id")
    with op.batch_alter_table("stock_lines") as batch:
        batch.drop_constraint(op.f("ck_stock_lines_not_overpromised"), type_="check")
        batch.drop_constraint(op.f("ck_stock_lines_not_negative"), type_="check")
        batch.drop_column("frozen")
        batch.create_check_constraint(
            op.f("ck_stock_lines_not_negative"), "reserved >= 0 AND in_flight >= 0 AND protect >= 0"
        )
        batch.create_check_constraint(
            op.f("ck_stock_lines_not_overpromised"),
            "reserved = 0 OR reserved <= on_hand - allocated - protect - in_flight",
        )
    for table in ("freezes", "capacity_holds", "capacity"):
        op.drop_table(table)
