"""The whole story of a case: every audit entry about it and its proposals, joined with the steps that led to them.

Entries stand in the order of the chain, never of the clock. A step of the desk stands before the entry it led to;
one that led to none stands after everything recorded up to its time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from sqlalchemy import Connection

from agent.case_views import case_or_proposal
from inventory.audit import AuditEntry, entries
from inventory.chronicle import Span, list_spans
from inventory.proposals import list_proposals
from inventory.record import Record
from inventory.records import Scope
from service.case_tables import cell, plain_table

STEPS: dict[str, str] = {
    "execute_tool detect": "case.opened",
    "execute_tool plan": "proposal.drafted",
    "execute_tool assemble": "proposal.explained",
    "retrieval rules": "proposal.explained",
    "execute_tool options": "proposal.explained",
    "invoke_agent draft": "proposal.explained",
    "execute_tool gate": "proposal.ruled",
    "execute_tool dispatch": "proposal.executed",
}
"""Steps in the order they are taken, and the entry each led to."""
AGAIN = {"execute_tool detect": "case.found_again"}
"""Entry a step led to when it was not the first time."""
DETAIL_SHOWN = 90
TOLD: dict[str, tuple[str, ...]] = {
    "case.opened": ("kind", "scope", "cause", "snapshot_id"),
    "case.found_again": ("snapshot", "bites_on", "findings"),
    "plan.made": ("solver_path", "cases", "lines"),
    "proposal.drafted": ("requested_by", "digest"),
    "proposal.explained": ("source", "citations"),
    "approval.given": ("decision", "reason", "text", "proposal_digest"),
    "action.enqueued": ("key", "action", "origin", "supplier", "destination"),
    "action.applied": ("erp_reference", "key", "found_by"),
    "action.ruled": ("executed", "reason", "key", "was"),
    "task.opened": ("role", "text", "due_at"),
    "task.done": ("reference", "confirmation", "done_by"),
    "task.refused": ("confirmation", "done_by"),
    "task.doubted": ("confirmation", "done_by"),
    "override.recorded": ("decision", "reason", "text"),
    "decision.refused": ("verb", "why"),
    "proposal.revalidated": ("verdict", "tier_before", "tier_now"),
    "proposal.handed_on": ("to_user", "text"),
    "question.asked": ("asked_of", "text"),
    "question.answered": ("answer",),
    "snooze.begun": ("until",),
    "snooze.ended": ("woken_by",),
}
"""What is told of an event, where the general rule would tell the wrong things."""
GENERAL = ("from", "to", "state", "reason", "key", "units", "note", "why")


class Moment(Record):
    """One thing that happened."""

    at: datetime
    role: str
    """Role of the desk that did it, or who it was for an audit entry."""
    actor: str
    event: str
    detail: str
    sequence: int | None
    """Place in the audit chain; none for a step."""
    hash: str
    proposal_id: str


class Story(Record):
    """A case from finding to receipt, in order."""

    case_id: str
    proposal_ids: tuple[str, ...]
    moments: tuple[Moment, ...]


def story_of(connection: Connection, scope: Scope, some_id: str) -> Story:
    """The story of a case, or of the case a proposal belongs to.

    Raises
    ------
    NotFoundError
        If the reader may see neither a case nor a proposal of that id.
    """
    case_id = case_or_proposal(connection, scope, some_id)
    proposals = list_proposals(connection, scope, case_id=case_id)
    plan_runs = dict.fromkeys(proposal.content.plan_run_id for proposal in proposals)
    subjects = [case_id, *(proposal.proposal_id for proposal in proposals), *plan_runs]
    log = sorted(
        (entry for subject in subjects for entry in entries(connection, subject_id=subject)),
        key=lambda entry: entry.sequence,
    )
    return Story(
        case_id=case_id,
        proposal_ids=tuple(proposal.proposal_id for proposal in proposals),
        moments=tuple(_joined(log, list_spans(connection, scope, case_id))),
    )


def story_page(story: Story) -> RenderableType:
    """The story as a table."""
    table = plain_table("time (UTC)", "who", "event", "detail")
    for moment in story.moments:
        who = moment.actor if moment.sequence is not None else f"{moment.actor}/{moment.role}"
        table.add_row(f"{moment.at:%d %b %H:%M:%S}", cell(who), cell(moment.event), cell(moment.detail))
    return Group(
        cell(f"{story.case_id}: {len(story.moments)} events, {len(story.proposal_ids)} proposals", "bold"), table
    )


def _joined(log: Sequence[AuditEntry], spans: Sequence[Span]) -> list[Moment]:
    placed = [((float(entry.sequence), 0, ""), _of_entry(entry)) for entry in log]
    placed += [(_place(span, log), _of_span(span)) for span in spans]
    return [moment for _, moment in sorted(placed, key=lambda pair: pair[0])]


def _place(span: Span, log: Sequence[AuditEntry]) -> tuple[float, int, str]:
    """Just before the entry the step led to, else after everything recorded by then; then by step and id."""
    order = list(STEPS).index(span.name) if span.name in STEPS else len(STEPS)
    led_to = [
        entry.sequence
        for entry in log
        if entry.subject_id == (span.proposal_id or span.case_id)
        and entry.event in (STEPS.get(span.name), AGAIN.get(span.name))
        and datetime.fromisoformat(entry.at) >= span.started_at
    ]
    before = [entry.sequence for entry in log if datetime.fromisoformat(entry.at) <= span.started_at]
    where = min(led_to) - 0.5 if led_to else max(before, default=0) + 0.5
    return (where, order, span.span_id)


def _of_entry(entry: AuditEntry) -> Moment:
    return Moment(
        at=datetime.fromisoformat(entry.at),
        role="",
        actor=entry.actor,
        event=entry.event,
        detail=_detail(entry.event, entry.data),
        sequence=entry.sequence,
        hash=entry.hash,
        proposal_id=entry.subject_id if entry.subject == "proposal" else "",
    )


def _of_span(span: Span) -> Moment:
    said = ", ".join(f"{name} {value}" for name, value in sorted(span.attributes.items()) if "." not in name)
    return Moment(
        at=span.started_at,
        role=span.role,
        actor="evenkeel",
        event=span.name,
        detail=_short(f"{said + ', ' if said else ''}gave {_words(span.outputs)}"),
        sequence=None,
        hash="",
        proposal_id=span.proposal_id,
    )


def _detail(event: str, data: dict[str, Any]) -> str:
    if event == "proposal.ruled":
        asked = [rule["rule"] for rule in data["fired"] if rule["tier"] == data["tier"]]
        return _short(f"tier {data['tier']}, asked for by {', '.join(asked) or 'no rule'}")
    told = TOLD.get(event, GENERAL)
    return _short(", ".join(f"{name} {_words(data[name])}" for name in told if data.get(name)))


def _words(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(str(part) for part in value)
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:12] if len(text) == 64 and " " not in text else text  # a digest


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= DETAIL_SHOWN else f"{text[: DETAIL_SHOWN - 1]}…"
