"""Rows of the tables the log accounts for: the other side of what :mod:`inventory.audit_state` compares."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select

from inventory.audit_folds import SET_BY_ARROWS
from inventory.audit_state import BODY, Facts, Rows, stored_body_hash
from inventory.record import digest_body, digest_text
from inventory.records import Explanation, PlanRun, ProposalContent
from inventory.tables import (
    approvals,
    cases,
    delegations,
    documents,
    escalations,
    freezes,
    handovers,
    outbox,
    outcomes,
    overrides,
    plan_runs,
    policies,
    policy_drafts,
    proposals,
    questions,
    receipts,
    revalidations,
    rulings,
    snoozes,
    switches,
    tasks,
    tokens,
    users,
)

TOKEN_SHOWN = 12
"""Characters of a token's hash in the log."""


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _columns(table: Table, key: str, *names: str, body: bool = True) -> Rows:
    """Rows with some columns as they are, and the record they hold."""

    def rows(connection: Connection) -> Iterator[tuple[str, Facts]]:
        wanted = [table.c[name] for name in dict.fromkeys((key, *names, *(["body"] if body else [])))]
        for row in connection.execute(select(*wanted)):
            facts: Facts = {name: _plain(row._mapping[name]) for name in names}
            if body:
                facts |= {BODY: stored_body_hash(row.body), "text": row.body}
            yield str(row._mapping[key]), facts

    return rows


def _proposals(connection: Connection) -> Iterator[tuple[str, Facts]]:
    columns = proposals.c
    names = ("state", "state_version", "digest", "case_id", "requested_by", "reason", *SET_BY_ARROWS)
    for row in connection.execute(
        select(columns.proposal_id, columns.content, columns.explanation, *(columns[name] for name in names))
    ):
        facts: Facts = {name: _plain(row._mapping[name]) for name in names}
        facts["content_digest"] = digest_body(ProposalContent, str(row.content))
        facts["explanation_digest"] = digest_body(Explanation, str(row.explanation)) if row.explanation else ""
        yield row.proposal_id, facts


def _tokens(connection: Connection) -> Iterator[tuple[str, Facts]]:
    for row in connection.execute(select(tokens.c.token_hash, tokens.c.user_id, tokens.c.revoked_at)):
        yield row.token_hash[:TOKEN_SHOWN], {"user_id": row.user_id, "revoked": row.revoked_at is not None}


def _policies(connection: Connection) -> Iterator[tuple[str, Facts]]:
    for row in connection.execute(select(policies.c.kind, policies.c.version, policies.c.body)):
        yield f"{row.kind}@v{row.version}", _fields(row.body, "author", "content", "confirmed_by")


def _documents(connection: Connection) -> Iterator[tuple[str, Facts]]:
    for row in connection.execute(select(documents.c.document_id, documents.c.version, documents.c.body)):
        facts = _fields(row.body, "title", "text")
        yield f"{row.document_id}@v{row.version}", {**facts, "text": digest_text(str(facts["text"]))}


def _fields(body: str, *names: str) -> Facts:
    try:
        data = json.loads(body)
        return {name: data.get(name) for name in names}
    except (ValueError, TypeError, AttributeError):
        return dict.fromkeys(names, "unreadable")


def _switches(connection: Connection) -> Iterator[tuple[str, Facts]]:
    for row in connection.execute(select(switches.c.name, switches.c.on, switches.c.by)):
        yield row.name, {"on": bool(row.on), "by": row.by}


def _plans(connection: Connection) -> Iterator[tuple[str, Facts]]:
    for row in connection.execute(select(plan_runs.c.plan_run_id, plan_runs.c.body)):
        yield row.plan_run_id, {"digest": digest_body(PlanRun, str(row.body))}


READERS: dict[str, Rows] = {
    "users": _columns(users, "user_id", "version"),
    "tokens": _tokens,
    "delegations": _columns(delegations, "delegation_id", "from_user", "to_user", "ends", "revoked_at"),
    "policies": _policies,
    "policy_drafts": _columns(policy_drafts, "draft_id", "state", "author", "settled_by"),
    "switches": _switches,
    "freezes": _columns(freezes, "freeze_id", "state", "set_by", "set_confirmed_by", "lift_by", "lift_confirmed_by"),
    "cases": _columns(cases, "case_id", "state", "state_version", "reason", "kind", "scope", "cause", body=False),
    "plan_runs": _plans,
    "proposals": _proposals,
    "rulings": _columns(rulings, "ruling_id", "tier"),
    "approvals": _columns(approvals, "approval_id", "proposal_id", "proposal_digest", "decision", "by"),
    "outbox": _columns(outbox, "key", "state", "attempts", "proposal_id"),
    "receipts": _columns(receipts, "key", "proposal_id", "erp_reference"),
    "tasks": _columns(tasks, "task_id", "proposal_id", "state", "done_by"),
    "outcomes": _columns(outcomes, "proposal_id"),
    "overrides": _columns(overrides, "proposal_id"),
    "escalations": _columns(escalations, "proposal_id", "from_role", "to_role", body=False),
    "handovers": _columns(handovers, "handover_id", "proposal_id", "by", "to_user"),
    "questions": _columns(questions, "question_id", "proposal_id", "asked_by", "asked_of", "answered_by"),
    "revalidations": _columns(revalidations, "revalidation_id", "proposal_id", "verdict", "by"),
    "snoozes": _columns(snoozes, "proposal_id", "by"),
    "documents": _documents,
}
"""Rows of each compared table, in the order differences are named: rights first, then decisions, then execution."""
