"""The SQL schema: typed columns for what is queried or constrained, canonical JSON (``body``) for the whole record.

Money is integer minor units, quantities are integers, times are UTC text of one fixed width through ``UtcTime``.
Hard invariants are constraints here: one open case per identity, one live proposal per case, no stock line promised
beyond what is free, one outbox row per key, one receipt per key.

It has over 500 lines because it is one schema, which is read and compared with the migrations as a whole.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

LIVE_STATES = ("draft", "pending", "snoozed", "approved", "leased", "sent", "in_doubt")
"""States in which a proposal may still act; a case has at most one such proposal."""


class UtcTime(TypeDecorator[datetime]):
    """A moment as ISO text in UTC with microseconds: sorts as it reads, equal on every database."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Refuse naive times, turn the others to UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a stored time needs an offset: {value.isoformat()}")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Read it back aware."""
        return None if value is None else datetime.fromisoformat(value)


def _live(column: str = "state") -> Any:
    return text(f"{column} IN ({', '.join(repr(state) for state in LIVE_STATES)})")


audit = Table(
    "audit",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("actor", String(96), nullable=False),
    Column("os_user", String(96), nullable=False),
    Column("event", String(64), nullable=False),
    Column("subject", String(32), nullable=False),
    Column("subject_id", String(96), nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("snapshot_id", String(96), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("as_of", UtcTime, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("parent_id", String(96)),
    Column("manifest", Text, nullable=False),
)

imports = Table(
    "imports",
    metadata,
    Column("import_id", String(96), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("by", String(96), nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("quarantined", Integer, nullable=False),
    Column("snapshot_id", String(96)),
    Column("body", Text, nullable=False),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("import_id", String(96), ForeignKey("imports.import_id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("file", String(255), nullable=False),
    Column("line", Integer, nullable=False),
    Column("table_name", String(64), nullable=False),
    Column("column_name", String(64), nullable=False),
    Column("code", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("raw", Text, nullable=False),
)

stock_lines = Table(
    "stock_lines",
    metadata,
    Column("item", String(96), primary_key=True),
    Column("site", String(96), primary_key=True),
    Column("lot", String(96), primary_key=True),
    Column("expiry", Date),
    Column("on_hand", Integer, nullable=False),
    Column("allocated", Integer, nullable=False),
    Column("protect", Integer, nullable=False, server_default="0"),
    Column("reserved", Integer, nullable=False, server_default="0"),
    Column("in_flight", Integer, nullable=False, server_default="0"),
    Column("as_of", UtcTime, nullable=False),
    Column("frozen", Integer, nullable=False, server_default="0"),
    CheckConstraint("reserved >= 0 AND in_flight >= 0 AND protect >= 0 AND frozen >= 0", name="not_negative"),
    CheckConstraint(
        "reserved = 0 OR reserved <= on_hand - allocated - protect - frozen - in_flight", name="not_overpromised"
    ),
)

cases = Table(
    "cases",
    metadata,
    Column("case_id", String(96), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("scope", String(200), nullable=False),
    Column("cause", String(96), nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_version", Integer, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("money_at_risk_minor", Integer, nullable=False),
    Column("bites_on", Date, nullable=False),
    Column("planner", String(96), nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("snapshot_id", String(96), nullable=False),
    Column("times_found", Integer, nullable=False),
    Column("missed", Integer, nullable=False),
    Column("missed_snapshot_id", String(96), nullable=False, server_default=""),
    Column("resume_on", Date),
    Column("body", Text, nullable=False),
)
Index(
    "uq_cases_open_identity",
    cases.c.kind,
    cases.c.scope,
    cases.c.cause,
    unique=True,
    sqlite_where=text("state <> 'closed'"),
    postgresql_where=text("state <> 'closed'"),
)

case_scopes = Table(
    "case_scopes",
    metadata,
    Column("case_id", String(96), ForeignKey("cases.case_id"), primary_key=True),
    Column("site", String(96), primary_key=True),
    Column("item_class", String(32), primary_key=True),
)

findings = Table(
    "findings",
    metadata,
    Column("case_id", String(96), ForeignKey("cases.case_id"), primary_key=True),
    Column("snapshot_id", String(96), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("item", String(96), nullable=False),
    Column("site", String(96), nullable=False),
    Column("body", Text, nullable=False),
)

plan_runs = Table(
    "plan_runs",
    metadata,
    Column("plan_run_id", String(96), primary_key=True),
    Column("snapshot_id", String(96), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
)

proposals = Table(
    "proposals",
    metadata,
    Column("proposal_id", String(96), primary_key=True),
    Column("case_id", String(96), ForeignKey("cases.case_id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_version", Integer, nullable=False),
    Column("tier", String(16)),
    Column("requested_by", String(96), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("not_before", UtcTime),
    Column("snoozed_until", UtcTime),
    Column("lease_until", UtcTime),
    Column("fencing", Integer, nullable=False, server_default="0"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("content", Text, nullable=False),
    Column("situation", Text, nullable=False, server_default=""),
    Column("explanation", Text, nullable=False, server_default=""),
    Column("citations", Text, nullable=False, server_default=""),
    UniqueConstraint("case_id", "version"),
)
Index(
    "uq_proposals_live",
    proposals.c.case_id,
    unique=True,
    sqlite_where=_live(),
    postgresql_where=_live(),
)

rulings = Table(
    "rulings",
    metadata,
    Column("ruling_id", String(96), primary_key=True),
    Column("proposal_id", String(96), ForeignKey("proposals.proposal_id"), nullable=False, index=True),
    Column("tier", String(16), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
)

approvals = Table(
    "approvals",
    metadata,
    Column("approval_id", String(96), primary_key=True),
    Column("proposal_id", String(96), ForeignKey("proposals.proposal_id"), nullable=False, index=True),
    Column("proposal_digest", String(64), nullable=False),
    Column("decision", String(16), nullable=False),
    Column("by", String(96), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("proposal_id", "decision", "by"),
)

reservations = Table(
    "reservations",
    metadata,
    Column("reservation_id", String(96), primary_key=True),
    Column("proposal_id", String(96), ForeignKey("proposals.proposal_id"), nullable=False, index=True),
    Column("line", Integer, nullable=False),
    Column("item", String(96), nullable=False),
    Column("site", String(96), nullable=False),
    Column("lot", String(96), nullable=False),
    Column("destination", String(96), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("key", String(96), nullable=False, server_default=""),
    Column("posted_at", UtcTime),
    Column("freeze_id", String(96), nullable=False, server_default=""),
    CheckConstraint("quantity > 0", name="positive"),
    CheckConstraint("state IN ('held', 'committed', 'in_flight', 'posted', 'absorbed', 'released')", name="state"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("key", String(96), primary_key=True),
    Column("proposal_id", String(96), ForeignKey("proposals.proposal_id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("note", Text, nullable=False, server_default=""),
    Column("body", Text, nullable=False),
    Column("fencing", Integer, nullable=False, server_default="0"),
    Column("changed_at", UtcTime),
    UniqueConstraint("proposal_id", "number"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("key", String(96), ForeignKey("outbox.key"), primary_key=True),
    Column("proposal_id", String(96), ForeignKey("proposals.proposal_id"), nullable=False, index=True),
    Column("erp_reference", String(96), nullable=False),
    Column("posted_at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("proposal_id", String(96), ForeignKey("proposals.proposal_id"), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("body", Text, nullable=False),
)

overrides = Table(
    "overrides",
    metadata,
    Column("proposal_id", String(96), ForeignKey("proposals.proposal_id"), primary_key=True),
    Column("by", String(96), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
)

documents = Table(
    "documents",
    metadata,
    Column("document_id", String(96), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("added_at", UtcTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("added_by", String(96), nullable=False),
    Column("effective_from", Date, nullable=False),
    Column("effective_to", Date),
    Column("confirmed_by", String(96), nullable=False, server_default=""),
    Column("confirmed_at", UtcTime),
    Column("ended_by", String(96), nullable=False, server_default=""),
    Column("ended_at", UtcTime),
    Column("scan", Text, nullable=False),
    Column("body", Text, nullable=False),
    CheckConstraint("state IN ('uploaded', 'refused', 'confirmed', 'withdrawn', 'deleted')", name="state"),
    CheckConstraint(
        "state NOT IN ('confirmed', 'withdrawn') "
        "OR (confirmed_by <> '' AND confirmed_by <> added_by AND confirmed_at IS NOT NULL)",
        name="two_people",
    ),
)

machine_rules = Table(
    "machine_rules",
    metadata,
    Column("document_id", String(96), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("rule_id", String(96), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("suggestion_id", String(96), nullable=False, server_default=""),
    Column("body", Text, nullable=False),
    ForeignKeyConstraint(["document_id", "version"], ["documents.document_id", "documents.version"]),
)

rule_suggestions = Table(
    "rule_suggestions",
    metadata,
    Column("suggestion_id", String(96), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("document_id", String(96), nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("author", String(96), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("settled_by", String(96), nullable=False, server_default=""),
    Column("settled_at", UtcTime),
    Column("body", Text, nullable=False),
    ForeignKeyConstraint(["document_id", "version"], ["documents.document_id", "documents.version"]),
    CheckConstraint("state IN ('suggested', 'confirmed', 'refused')", name="state"),
    CheckConstraint("state = 'suggested' OR settled_by <> ''", name="settled"),
    CheckConstraint("state <> 'confirmed' OR settled_by <> author", name="two_people"),
)

policies = Table(
    "policies",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("effective_at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("user_id", String(96), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("user_id", String(96), ForeignKey("users.user_id"), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("sweep_id", String(96), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("snapshot_id", String(96), nullable=False),
    Column("finished_at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
)

feed_health = Table(
    "feed_health",
    metadata,
    Column("snapshot_id", String(96), primary_key=True),
    Column("feed", String(64), primary_key=True),
    Column("site", String(96), primary_key=True),
    Column("body", Text, nullable=False),
)

kpi_points = Table(
    "kpi_points",
    metadata,
    Column("sweep_id", String(96), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("site", String(96), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
)

switches = Table(
    "switches",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("on", Integer, nullable=False),
    Column("by", String(96), nullable=False),
    Column("at", UtcTime, nullable=False),
)

trace = Table(
    "trace",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("span_id", String(96), nullable=False, unique=True),
    Column("trace_id", String(96), nullable=False, index=True),
    Column("parent_id", String(96), nullable=False),
    Column("name", String(96), nullable=False),
    Column("owner", String(96), nullable=False),
    Column("case_id", String(96), nullable=False),
    Column("proposal_id", String(96), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
    CheckConstraint("number > 0", name="numbered"),
)
"""Steps, only ever added to: triggers refuse every change, whoever asks."""

trace_words = Table(
    "trace_words",
    metadata,
    Column("span_id", String(96), ForeignKey("trace.span_id"), primary_key=True),
    Column("part", String(32), primary_key=True),
    Column("at", UtcTime, nullable=False, index=True),
    Column("words", Text, nullable=False),
)
"""What was said in a step, beside its digest in the trace; thrown away after the retention time."""

segments = Table(
    "segments",
    metadata,
    Column("item", String(96), primary_key=True),
    Column("site", String(96), primary_key=True),
    Column("item_class", String(32), nullable=False),
    Column("cell", Integer, nullable=False),
    Column("snapshot_id", String(96), nullable=False),
    CheckConstraint("cell >= 0 AND cell < 90", name="cell"),
)

segment_changes = Table(
    "segment_changes",
    metadata,
    Column("snapshot_id", String(96), primary_key=True),
    Column("item", String(96), primary_key=True),
    Column("site", String(96), primary_key=True),
    Column("item_class", String(32), nullable=False),
    Column("before", Integer, nullable=False),
    Column("after", Integer, nullable=False),
    Column("value_minor", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
)

scenarios = Table(
    "scenarios",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("by", String(96), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
)

replenishment_runs = Table(
    "replenishment_runs",
    metadata,
    Column("run_id", String(96), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("day", Date, nullable=False),
    Column("snapshot_id", String(96), nullable=False),
    Column("shadow", Integer, nullable=False),
    Column("plan_run_id", String(96), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("day", "snapshot_id", "shadow"),
)

policy_drafts = Table(
    "policy_drafts",
    metadata,
    Column("draft_id", String(96), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("author", String(96), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("based_on", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("settled_by", String(96), nullable=False, server_default=""),
    Column("settled_at", UtcTime),
    Column("version", Integer),
    Column("body", Text, nullable=False),
    UniqueConstraint("kind", "number"),
    CheckConstraint("state IN ('proposed', 'adopted', 'withdrawn', 'rejected')", name="state"),
    CheckConstraint(
        "state <> 'adopted' OR (settled_by <> '' AND settled_by <> author AND version IS NOT NULL)", name="two_people"
    ),
)

writer_lock = Table("writer_lock", metadata, Column("name", String(32), primary_key=True))
"""Always empty: whoever writes to a PostgreSQL database locks it first."""

delegations = Table(
    "delegations",
    metadata,
    Column("delegation_id", String(96), primary_key=True),
    Column("from_user", String(96), ForeignKey("users.user_id"), nullable=False, index=True),
    Column("to_user", String(96), ForeignKey("users.user_id"), nullable=False, index=True),
    Column("starts", UtcTime, nullable=False),
    Column("ends", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Column("body", Text, nullable=False),
    CheckConstraint("from_user <> to_user", name="two_people"),
    CheckConstraint("starts < ends", name="ends_after_start"),
)

escalations = Table(
    "escalations",
    metadata,
    Column("proposal_id", String(96), ForeignKey("proposals.proposal_id"), primary_key=True),
    Column("from_role", String(32), nullable=False),
    Column("to_role", String(32), nullable=False),
    Column("at", UtcTime, nullable=False),
    CheckConstraint("from_role <> to_role", name="another_role"),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    Column("at", String(40), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("signature", String(128), nullable=False),
)

capacity = Table(
    "capacity",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("limit_amount", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False, server_default="0"),
    Column("used", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("reserved >= 0 AND used >= 0 AND limit_amount >= 0", name="not_negative"),
    CheckConstraint("reserved = 0 OR reserved + used <= limit_amount", name="not_overpromised"),
)

capacity_holds = Table(
    "capacity_holds",
    metadata,
    Column("hold_id", String(96), primary_key=True),
    Column("proposal_id", String(96), ForeignKey("proposals.proposal_id"), nullable=False, index=True),
    Column("line", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("key", String(200), nullable=False),
    Column("day", Date, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("document", String(96), nullable=False, server_default=""),
    ForeignKeyConstraint(["kind", "key", "day"], ["capacity.kind", "capacity.key", "capacity.day"]),
    CheckConstraint("amount > 0", name="positive"),
    CheckConstraint("state IN ('held', 'committed', 'in_flight', 'posted', 'absorbed', 'released')", name="state"),
)
Index("ix_capacity_holds_slot", capacity_holds.c.kind, capacity_holds.c.key, capacity_holds.c.day)

freezes = Table(
    "freezes",
    metadata,
    Column("freeze_id", String(96), primary_key=True),
    Column("item", String(96), nullable=False),
    Column("site", String(96), nullable=False),
    Column("lot", String(96), nullable=False),
    Column("purpose", String(96), nullable=False),
    Column("units", Integer, nullable=False),
    Column("remaining", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("set_by", String(96), nullable=False),
    Column("set_confirmed_by", String(96), nullable=False, server_default=""),
    Column("lift_by", String(96), nullable=False, server_default=""),
    Column("lift_confirmed_by", String(96), nullable=False, server_default=""),
    Column("body", Text, nullable=False),
    CheckConstraint("units > 0 AND remaining >= 0 AND remaining <= units", name="units"),
    CheckConstraint("state IN ('asked', 'in_force', 'lift_asked', 'lifted', 'ended', 'withdrawn')", name="state"),
    CheckConstraint(
        "state IN ('asked', 'withdrawn') OR (set_confirmed_by <> '' AND set_confirmed_by <> set_by)",
        name="set_by_two_people",
    ),
    CheckConstraint(
        "state <> 'lifted' OR (lift_by <> '' AND lift_confirmed_by <> '' AND lift_confirmed_by <> lift_by)",
        name="lifted_by_two_people",
    ),
)
Index("ix_freezes_line", freezes.c.item, freezes.c.site, freezes.c.lot)

executors = Table(
    "executors",
    metadata,
    Column("erp", String(96), primary_key=True),
    Column("holder", String(96), nullable=False),
    Column("fencing", Integer, nullable=False),
    Column("lease_until", UtcTime, nullable=False),
    CheckConstraint("fencing > 0", name="numbered"),
)
"""One row per ERP: who may write its outbox rows, until when, and under which number."""

tasks = Table(
    "tasks",
    metadata,
    Column("task_id", String(96), primary_key=True),
    Column("key", String(96), ForeignKey("outbox.key"), nullable=False, unique=True),
    Column("proposal_id", String(96), ForeignKey("proposals.proposal_id"), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("role", String(32), nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("done_by", String(96), nullable=False, server_default=""),
    Column("body", Text, nullable=False),
    CheckConstraint("state IN ('open', 'done', 'refused', 'in_doubt')", name="state"),
    CheckConstraint("state = 'open' OR done_by <> ''", name="somebody_answered"),
)
"""Documents an ERP cannot book: one task for a person each."""

questions = Table(
    "questions",
    metadata,
    Column("question_id", String(96), primary_key=True),
    Column("proposal_id", String(96), ForeignKey("proposals.proposal_id"), nullable=False, index=True),
    Column("asked_by", String(96), nullable=False),
    Column("asked_of", String(96), nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("answered_by", String(96), nullable=False, server_default=""),
    Column("body", Text, nullable=False),
    CheckConstraint("asked_by <> asked_of", name="two_people"),
)

handovers = Table(
    "handovers",
    metadata,
    Column("handover_id", String(96), primary_key=True),
    Column("proposal_id", String(96), ForeignKey("proposals.proposal_id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("by", String(96), nullable=False),
    Column("to_user", String(96), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("proposal_id", "number"),
    CheckConstraint("number > 0", name="numbered"),
)
"""A task given to a named person; of several for one proposal the last counts."""

snoozes = Table(
    "snoozes",
    metadata,
    Column("proposal_id", String(96), ForeignKey("proposals.proposal_id"), primary_key=True),
    Column("by", String(96), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("woken_at", UtcTime),
    Column("body", Text, nullable=False),
    CheckConstraint("until > at", name="ahead"),
)

revalidations = Table(
    "revalidations",
    metadata,
    Column("revalidation_id", String(96), primary_key=True),
    Column("proposal_id", String(96), ForeignKey("proposals.proposal_id"), nullable=False, index=True),
    Column("verdict", String(16), nullable=False),
    Column("by", String(96), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
    CheckConstraint("verdict IN ('holds', 'changed', 'stricter')", name="verdict"),
)
"""What reading the facts again at a signature came to."""

workers = Table(
    "workers",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("holder", String(96), nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("beat_at", UtcTime, nullable=False),
    Column("lease_until", UtcTime, nullable=False),
    Column("erp_skew_seconds", Integer),
    Column("trouble", Text, nullable=False, server_default=""),
)
"""The worker that is at work, and when it was last heard of."""

daily_jobs = Table(
    "daily_jobs",
    metadata,
    Column("job", String(32), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("holder", String(96), nullable=False),
    Column("begun_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    Column("note", Text, nullable=False, server_default=""),
)
"""Work that is done once a day, whoever does it."""

restores = Table(
    "restores",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("backup", String(64), nullable=False),
    Column("body", Text, nullable=False),
    CheckConstraint("number > 0", name="numbered"),
)
"""Each time this database was put back from a backup."""

conversations = Table(
    "conversations",
    metadata,
    Column("conversation_id", String(96), primary_key=True),
    Column("user_id", String(96), nullable=False, index=True),
    Column("started_at", UtcTime, nullable=False),
    Column("touched_at", UtcTime, nullable=False),
)
"""Talks of a person with Evenkeel, each its owner's alone."""

messages = Table(
    "messages",
    metadata,
    Column("conversation_id", String(96), ForeignKey("conversations.conversation_id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
    CheckConstraint("number > 0", name="numbered"),
)
"""What was said and what was answered, a row for each turn."""

model_calls = Table(
    "model_calls",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("day", Date, nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("user_id", String(96), nullable=False),
    Column("run_id", String(96), nullable=False, index=True),
    Column("purpose", String(32), nullable=False),
    Column("endpoint", String(255), nullable=False),
    Column("model", String(96), nullable=False),
    Column("ended", String(32), nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    CheckConstraint("number > 0", name="numbered"),
)
"""Calls to language models, counted; no words."""

supplier_messages = Table(
    "supplier_messages",
    metadata,
    Column("message_id", String(96), primary_key=True),
    Column("proposal_id", String(96), ForeignKey("proposals.proposal_id"), nullable=False, index=True),
    Column("supplier", String(96), nullable=False),
    Column("state", String(16), nullable=False),
    Column("sent_by", String(96), nullable=False, server_default=""),
    Column("body", Text, nullable=False),
    CheckConstraint("state IN ('drafted', 'sent', 'answered')", name="state"),
    CheckConstraint("state = 'drafted' OR sent_by <> ''", name="somebody_sent"),
)
"""Messages to suppliers about changes of their orders."""
