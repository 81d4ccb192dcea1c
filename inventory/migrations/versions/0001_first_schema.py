"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from inventory.tables import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""

    op.create_table(
        "audit",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=96), nullable=False),
        sa.Column("os_user", sa.String(length=96), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.String(length=96), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_hash")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_subject_id"), ["subject_id"], unique=False)

    op.create_table(
        "cases",
        sa.Column("case_id", sa.String(length=96), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("cause", sa.String(length=96), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("state_version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("money_at_risk_minor", sa.Integer(), nullable=False),
        sa.Column("bites_on", sa.Date(), nullable=False),
        sa.Column("planner", sa.String(length=96), nullable=False),
        sa.Column("opened_at", UtcTime(length=32), nullable=False),
        sa.Column("updated_at", UtcTime(length=32), nullable=False),
        sa.Column("snapshot_id", sa.String(length=96), nullable=False),
        sa.Column("times_found", sa.Integer(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("missed_snapshot_id", sa.String(length=96), server_default="", nullable=False),
        sa.Column("resume_on", sa.Date(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_cases")),
    )
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.create_index(
            "uq_cases_open_identity",
            ["kind", "scope", "cause"],
            unique=True,
            sqlite_where=sa.text("state <> 'closed'"),
            postgresql_where=sa.text("state <> 'closed'"),
        )

    op.create_table(
        "documents",
        sa.Column("document_id", sa.String(length=96), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("added_at", UtcTime(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("document_id", "version", name=op.f("pk_documents")),
    )
    op.create_table(
        "feed_health",
        sa.Column("snapshot_id", sa.String(length=96), nullable=False),
        sa.Column("feed", sa.String(length=64), nullable=False),
        sa.Column("site", sa.String(length=96), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", "feed", "site", name=op.f("pk_feed_health")),
    )
    op.create_table(
        "imports",
        sa.Column("import_id", sa.String(length=96), nullable=False),
        sa.Column("at", UtcTime(length=32), nullable=False),
        sa.Column("by", sa.String(length=96), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.Column("snapshot_id", sa.String(length=96), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", name=op.f("pk_imports")),
    )
    op.create_table(
        "kpi_points",
        sa.Column("sweep_id", sa.String(length=96), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("site", sa.String(length=96), nullable=False),
        sa.Column("at", UtcTime(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sweep_id", "name", "site", name=op.f("pk_kpi_points")),
    )
    op.create_table(
        "plan_runs",
        sa.Column("plan_run_id", sa.String(length=96), nullable=False),
        sa.Column("snapshot_id", sa.String(length=96), nullable=False),
        sa.Column("at", UtcTime(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("plan_run_id", name=op.f("pk_plan_runs")),
    )
    op.create_table(
        "policies",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("effective_at", UtcTime(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "version", name=op.f("pk_policies")),
    )
    op.create_table(
        "snapshots",
        sa.Column("snapshot_id", sa.String(length=96), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("as_of", UtcTime(length=32), nullable=False),
        sa.Column("created_at", UtcTime(length=32), nullable=False),
        sa.Column("parent_id", sa.String(length=96), nullable=True),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", name=op.f("pk_snapshots")),
        sa.UniqueConstraint("number", name=op.f("uq_snapshots_number")),
    )
    op.create_table(
        "stock_lines",
        sa.Column("item", sa.String(length=96), nullable=False),
        sa.Column("site", sa.String(length=96), nullable=False),
        sa.Column("lot", sa.String(length=96), nullable=False),
        sa.Column("expiry", sa.Date(), nullable=True),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.Column("allocated", sa.Integer(), nullable=False),
        sa.Column("protect", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("in_flight", sa.Integer(), server_default="0", nullable=False),
        sa.Column("as_of", UtcTime(length=32), nullable=False),
        sa.CheckConstraint(
            "reserved = 0 OR reserved <= on_hand - allocated - protect - in_flight",
            name=op.f("ck_stock_lines_not_overpromised"),
        ),
        sa.CheckConstraint(
            "reserved >= 0 AND in_flight >= 0 AND protect >= 0", name=op.f("ck_stock_lines_not_negative")
        ),
        sa.PrimaryKeyConstraint("item", "site", "lot", name=op.f("pk_stock_lines")),
    )
    op.create_table(
        "sweeps",
        sa.Column("sweep_id", sa.String(length=96), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("snapshot_id", sa.String(length=96), nullable=False),
        sa.Column("finished_at", UtcTime(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sweep_id", name=op.f("pk_sweeps")),
        sa.UniqueConstraint("number", name=op.f("uq_sweeps_number")),
    )
    op.create_table(
        "switches",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("on", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=96), nullable=False),
        sa.Column("at", UtcTime(length=32), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_switches")),
    )
    op.create_table(
        "trace",
        sa.Column("span_id", sa.String(length=96), nullable=False),
        sa.Column("case_id", sa.String(length=96), nullable=False),
        sa.Column("at", UtcTime(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("span_id", name=op.f("pk_trace")),
    )
    with op.batch_alter_table("trace", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_trace_case_id"), ["case_id"], unique=False)

    op.create_table(
        "users",
        sa.Column("user_id", sa.String(length=96), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
    )
    op.create_table(
        "case_scopes",
        sa.Column("case_id", sa.String(length=96), nullable=False),
        sa.Column("site", sa.String(length=96), nullable=False),
        sa.Column("item_class", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_case_scopes_case_id")),
        sa.PrimaryKeyConstraint("case_id", "site", "item_class", name=op.f("pk_case_scopes")),
    )
    op.create_table(
        "findings",
        sa.Column("case_id", sa.String(length=96), nullable=False),
        sa.Column("snapshot_id", sa.String(length=96), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(length=96), nullable=False),
        sa.Column("site", sa.String(length=96), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_findings_case_id")),
        sa.PrimaryKeyConstraint("case_id", "snapshot_id", "number", name=op.f("pk_findings")),
    )
    op.create_table(
        "proposals",
        sa.Column("proposal_id", sa.String(length=96), nullable=False),
        sa.Column("case_id", sa.String(length=96), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("state_version", sa.Integer(), nullable=False),
        sa.Column("tier", sa.String(length=16), nullable=True),
        sa.Column("requested_by", sa.String(length=96), nullable=False),
        sa.Column("created_at", UtcTime(length=32), nullable=False),
        sa.Column("expires_at", UtcTime(length=32), nullable=False),
        sa.Column("not_before", UtcTime(length=32), nullable=True),
        sa.Column("snoozed_until", UtcTime(length=32), nullable=True),
        sa.Column("lease_until", UtcTime(length=32), nullable=True),
        sa.Column("fencing", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("situation", sa.Text(), server_default="", nullable=False),
        sa.Column("explanation", sa.Text(), server_default="", nullable=False),
        sa.Column("citations", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_proposals_case_id")),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_proposals")),
        sa.UniqueConstraint("case_id", "version", name=op.f("uq_proposals_case_id_version")),
    )
    with op.batch_alter_table("proposals", schema=None) as batch_op:
        batch_op.create_index(
            "uq_proposals_live",
            ["case_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('draft', 'pending', 'snoozed', 'approved', 'leased', 'sent', 'in_doubt')"),
            postgresql_where=sa.text(
                "state IN ('draft', 'pending', 'snoozed', 'approved', 'leased', 'sent', 'in_doubt')"
            ),
        )

    op.create_table(
        "quarantine",
        sa.Column("import_id", sa.String(length=96), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("file", sa.String(length=255), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=64), nullable=False),
        sa.Column("column_name", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_quarantine_import_id")),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_quarantine")),
    )
    op.create_table(
        "tokens",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=96), nullable=False),
        sa.Column("created_at", UtcTime(length=32), nullable=False),
        sa.Column("revoked_at", UtcTime(length=32), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_tokens_user_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_tokens")),
    )
    op.create_table(
        "approvals",
        sa.Column("approval_id", sa.String(length=96), nullable=False),
        sa.Column("proposal_id", sa.String(length=96), nullable=False),
        sa.Column("proposal_digest", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=96), nullable=False),
        sa.Column("at", UtcTime(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.proposal_id"], name=op.f("fk_approvals_proposal_id")),
        sa.PrimaryKeyConstraint("approval_id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("proposal_id", "decision", "by", name=op.f("uq_approvals_proposal_id_decision_by")),
    )
    with op.batch_alter_table("approvals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_approvals_proposal_id"), ["proposal_id"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("proposal_id", sa.String(length=96), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.proposal_id"], name=op.f("fk_outbox_proposal_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_outbox")),
        sa.UniqueConstraint("proposal_id", "number", name=op.f("uq_outbox_proposal_id_number")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_proposal_id"), ["proposal_id"], unique=False)

    op.create_table(
        "outcomes",
        sa.Column("proposal_id", sa.String(length=96), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.proposal_id"], name=op.f("fk_outcomes_proposal_id")),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_outcomes")),
    )
    op.create_table(
        "overrides",
        sa.Column("proposal_id", sa.String(length=96), nullable=False),
        sa.Column("by", sa.String(length=96), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("at", UtcTime(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.proposal_id"], name=op.f("fk_overrides_proposal_id")),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_overrides")),
    )
    op.create_table(
        "reservations",
        sa.Column("reservation_id", sa.String(length=96), nullable=False),
        sa.Column("proposal_id", sa.String(length=96), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(length=96), nullable=False),
        sa.Column("site", sa.String(length=96), nullable=False),
        sa.Column("lot", sa.String(length=96), nullable=False),
        sa.Column("destination", sa.String(length=96), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=96), server_default="", nullable=False),
        sa.Column("posted_at", UtcTime(length=32), nullable=True),
        sa.CheckConstraint(
            "state IN ('held', 'committed', 'in_flight', 'posted', 'absorbed', 'released')",
            name=op.f("ck_reservations_state"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_reservations_positive")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.proposal_id"], name=op.f("fk_reservations_proposal_id")),
        sa.PrimaryKeyConstraint("reservation_id", name=op.f("pk_reservations")),
    )
    with op.batch_alter_table("reservations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reservations_proposal_id"), ["proposal_id"], unique=False)

    op.create_table(
        "rulings",
        sa.Column("ruling_id", sa.String(length=96), nullable=False),
        sa.Column("proposal_id", sa.String(length=96), nullable=False),
        sa.Column("tier", sa.String(length=16), nullable=False),
        sa.Column("at", UtcTime(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.proposal_id"], name=op.f("fk_rulings_proposal_id")),
        sa.PrimaryKeyConstraint("ruling_id", name=op.f("pk_rulings")),
    )
    with op.batch_alter_table("rulings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rulings_proposal_id"), ["proposal_id"], unique=False)

    op.create_table(
        "receipts",
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("proposal_id", sa.String(length=96), nullable=False),
        sa.Column("erp_reference", sa.String(length=96), nullable=False),
        sa.Column("posted_at", UtcTime(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["key"], ["outbox.key"], name=op.f("fk_receipts_key")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.proposal_id"], name=op.f("fk_receipts_proposal_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_receipts")),
    )
    with op.batch_alter_table("receipts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_receipts_proposal_id"), ["proposal_id"], unique=False)

    # ### end Alembic commands ###


def downgrade() -> None:
    """Drop every table."""

    with op.batch_alter_table("receipts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_receipts_proposal_id"))

    op.drop_table("receipts")
    with op.batch_alter_table("rulings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rulings_proposal_id"))

    op.drop_table("rulings")
    with op.batch_alter_table("reservations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reservations_proposal_id"))

    op.drop_table("reservations")
    op.drop_table("overrides")
    op.drop_table("outcomes")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_proposal_id"))

    op.drop_table("outbox")
    with op.batch_alter_table("approvals", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_approvals_proposal_id"))

    op.drop_table("approvals")
    op.drop_table("tokens")
    op.drop_table("quarantine")
    with op.batch_alter_table("proposals", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_proposals_live",
            sqlite_where=sa.text("state IN ('draft', 'pending', 'snoozed', 'approved', 'leased', 'sent', 'in_doubt')"),
            postgresql_where=sa.text(
                "state IN ('draft', 'pending', 'snoozed', 'approved', 'leased', 'sent', 'in_doubt')"
            ),
        )

    op.drop_table("proposals")
    op.drop_table("findings")
    op.drop_table("case_scopes")
    op.drop_table("users")
    with op.batch_alter_table("trace", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_trace_case_id"))

    op.drop_table("trace")
    op.drop_table("switches")
    op.drop_table("sweeps")
    op.drop_table("stock_lines")
    op.drop_table("snapshots")
    op.drop_table("policies")
    op.drop_table("plan_runs")
    op.drop_table("kpi_points")
    op.drop_table("imports")
    op.drop_table("feed_health")
    op.drop_table("documents")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_cases_open_identity",
            sqlite_where=sa.text("state <> 'closed'"),
            postgresql_where=sa.text("state <> 'closed'"),
        )

    op.drop_table("cases")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_subject_id"))

    op.drop_table("audit")
    # ### end Alembic commands ###
