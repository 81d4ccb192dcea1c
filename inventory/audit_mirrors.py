"""Rows of the tables the log accounts for: the other side of what :mod:`inventory.audit_state` compares."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, or_, select, union

from inventory.audit_folds import SET_BY_ARROWS
from inventory.audit_ledger import slot_key, stock_key
from inventory.audit_state import BODY, Facts, Rows, stored_body_hash
from inventory.record import digest_body, digest_text
from inventory.records import Explanation, PlanRun, ProposalContent
from inventory.tables import (
    approvals,
    capacity,
    capacity_holds,
    cases,
    delegations,
    documents,
    escalations,
    executors,
    freezes,
    handovers,
    machine_rules,
    outbox,
    outcomes,
    overrides,
    plan_runs,
    policies,
    policy_drafts,
    proposals,
    questions,
    receipts,
    reservations,
    revalidations,
    rule_suggestions,
    rulings,
    snoozes,
    stock_lines,
    supplier_messages,
    switches,
    tasks,
    tokens,
    users,
)

PROMISED = ("reserved", "in_flight", "frozen")
"""Columns of a stock line that are sums of promises."""
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
    names = ("state", "added_by", "confirmed_by", "ended_by", "ended_at")
    for row in connection.execute(select(documents)):
        facts = _fields(row.body, "title", "text")
        facts |= {
            "text": digest_text(str(facts["text"])),
            "record": digest_text(row.body),
            "scan": digest_text(row.scan),
        }
        facts |= {name: _plain(row._mapping[name]) for name in names}
        yield f"{row.document_id}@v{row.version}", facts


def _machine_rules(connection: Connection) -> Iterator[tuple[str, Facts]]:
    for row in connection.execute(select(machine_rules)):
        yield f"{row.document_id}@v{row.version}/{row.rule_id}", {"record": digest_text(row.body)}


def _fields(body: str, *names: str) -> Facts:
    try:
        data = json.loads(body)
        return {name: data.get(name) for name in names}
    except (ValueError, TypeError, AttributeError):
        return dict.fromkeys(names, "unreadable")


def _switches(connection: Connection) -> Iterator[tuple[str, Facts]]:
    for row in connection.execute(select(switches.c.name, switches.c.on, switches.c.by)):
        yield row.name, {"on": bool(row.on), "by": row.by}


def _reservations(connection: Connection) -> Iterator[tuple[str, Facts]]:
    for row in connection.execute(select(reservations)):
        facts = dict(row._mapping)
        yield facts.pop("reservation_id"), facts


def _claims(connection: Connection) -> Iterator[tuple[str, Facts]]:
    for row in connection.execute(select(capacity_holds)):
        facts = {**row._mapping, "day": row.day.isoformat()}
        yield facts.pop("hold_id"), facts


def _slots(connection: Connection) -> Iterator[tuple[str, Facts]]:
    for row in connection.execute(select(capacity)):
        yield slot_key(row.kind, row.key, row.day.isoformat()), dict(row._mapping)


def _stock_lines(connection: Connection) -> Iterator[tuple[str, Facts]]:
    """Sums of promises on every stock line that has any, or ever had; what is on hand is the feeds'."""
    held, kept = reservations.c, freezes.c
    confirmed = select(kept.item, kept.site, kept.lot).where(kept.set_confirmed_by != "")
    places = union(select(held.item, held.site, held.lot), confirmed)
    found = {stock_key(*place): dict.fromkeys(PROMISED, 0) for place in connection.execute(places)}
    columns = stock_lines.c
    taken = or_(*(columns[name] != 0 for name in PROMISED))
    for row in connection.execute(select(stock_lines).where(taken)):
        found[stock_key(row.item, row.site, row.lot)] = {name: row._mapping[name] for name in PROMISED}
    yield from found.items()


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
    "freezes": _columns(
        freezes, "freeze_id", "state", "remaining", "set_by", "set_confirmed_by", "lift_by", "lift_confirmed_by"
    ),
    "reservations": _reservations,
    "capacity_holds": _claims,
    "capacity": _slots,
    "stock_lines": _stock_lines,
    "cases": _columns(cases, "case_id", "state", "state_version", "reason", "kind", "scope", "cause", body=False),
    "plan_runs": _plans,
    "proposals": _proposals,
    "rulings": _columns(rulings, "ruling_id", "tier"),
    "approvals": _columns(approvals, "approval_id", "proposal_id", "proposal_digest", "decision", "by"),
    "outbox": _columns(outbox, "key", "state", "attempts", "proposal_id"),
    "receipts": _columns(receipts, "key", "proposal_id", "erp_reference"),
    "executors": _columns(executors, "erp", "holder", "fencing", body=False),
    "tasks": _columns(tasks, "task_id", "proposal_id", "state", "done_by"),
    "supplier_messages": _columns(supplier_messages, "message_id", "proposal_id", "supplier", "state", "sent_by"),
    "outcomes": _columns(outcomes, "proposal_id"),
    "overrides": _columns(overrides, "proposal_id"),
    "escalations": _columns(escalations, "proposal_id", "from_role", "to_role", body=False),
    "handovers": _columns(handovers, "handover_id", "proposal_id", "by", "to_user"),
    "questions": _columns(questions, "question_id", "proposal_id", "asked_by", "asked_of", "answered_by"),
    "revalidations": _columns(revalidations, "revalidation_id", "proposal_id", "verdict", "by"),
    "snoozes": _columns(snoozes, "proposal_id", "by"),
    "documents": _documents,
    "machine_rules": _machine_rules,
    "rule_suggestions": _columns(rule_suggestions, "suggestion_id", "state", "author", "settled_by"),
}
"""Rows of each compared table, in the order differences are named: rights first, then decisions, then execution."""
