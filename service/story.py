"""The whole story of a case: every audit entry about it and its proposals, joined with the steps that led to them.

Entries stand in the order of the chain, never of the clock. A step of the desk stands before the entry it led to;
one that led to none stands after everything recorded up to its time; steps within another stand behind it. A
conversation, a call of another program and a sweep have steps only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from sqlalchemy import Connection

from agent.case_views import case_or_proposal
from agent.tracing import LASTING
from inventory.audit import AuditEntry, entries
from inventory.errors import NotFoundError
from inventory.proposals import list_proposals
from inventory.record import Record
from inventory.records import Scope
from inventory.trace import Span, spans_of_case, spans_of_trace, words_of
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
DIGEST_SHOWN = 8
BAR = 4
"""Characters of the bar of the step that took longest."""
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
DOCUMENTS = "gen_ai.retrieval.documents"
TOLD_OF_A_MODEL = (
    "gen_ai.response.finish_reasons", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "server.address",
)  # fmt: skip
ON_EVERY_TOOL = ("evenkeel.version", "evenkeel.seed")
"""In the record, not in the table."""
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
    span_id: str = ""
    """The step; none for an audit entry."""
    seconds: float = 0.0
    inputs: str = ""
    """Digest of what went into the step."""
    outputs: str = ""


class Story(Record):
    """A case from finding to receipt, or a conversation, call or sweep, in order."""

    case_id: str
    """Empty for what is no case."""
    proposal_ids: tuple[str, ...]
    moments: tuple[Moment, ...]
    trace_id: str
    spans: tuple[Span, ...]
    """The steps as recorded, each naming the one it is within."""
    words: dict[str, dict[str, str]]
    """Words of the steps, by span id, as far as they were asked for, are still kept, and the reader may see them."""


def story_of(connection: Connection, scope: Scope, some_id: str, *, words: bool = False) -> Story:
    """The story of a case, of the case a proposal belongs to, or of a conversation, call or sweep.

    Parameters
    ----------
    words
        Whether prompts, answers and questions to the rules are told, too.

    Raises
    ------
    NotFoundError
        If the reader may see nothing of that id.
    """
    try:
        case_id = case_or_proposal(connection, scope, some_id)
    except NotFoundError:
        return _of_steps(connection, scope, some_id, words=words)
    proposals = list_proposals(connection, scope, case_id=case_id)
    plan_runs = dict.fromkeys(proposal.content.plan_run_id for proposal in proposals)
    subjects = [case_id, *(proposal.proposal_id for proposal in proposals), *plan_runs]
    log = sorted(
        (entry for subject in subjects for entry in entries(connection, subject_id=subject)),
        key=lambda entry: entry.sequence,
    )
    spans = spans_of_case(connection, scope, case_id)
    return Story(
        case_id=case_id,
        proposal_ids=tuple(proposal.proposal_id for proposal in proposals),
        moments=tuple(_joined(log, spans)),
        trace_id=case_id,
        spans=tuple(spans),
        words=words_of(connection, scope, spans) if words else {},
    )


def _of_steps(connection: Connection, scope: Scope, trace_id: str, *, words: bool) -> Story:
    spans = spans_of_trace(connection, scope, trace_id)
    return Story(
        case_id="",
        proposal_ids=(),
        moments=tuple(_joined([], spans)),
        trace_id=trace_id,
        spans=tuple(spans),
        words=words_of(connection, scope, spans) if words else {},
    )


def story_page(story: Story) -> RenderableType:
    """The story as a timeline, and the words below it."""
    longest = max((moment.seconds for moment in story.moments), default=0.0)
    table = plain_table("time (UTC)", "took", "who", "event", "detail", gap=0)
    table.columns[3].no_wrap = True
    for moment in story.moments:
        who = moment.actor if moment.sequence is not None else f"{moment.actor}/{moment.role}"
        ways = (("in", moment.inputs), ("out", moment.outputs))
        digests = [f"{way} {value[:DIGEST_SHOWN]}" for way, value in ways if value]
        detail = " ".join([moment.detail, *digests]).strip()
        table.add_row(
            f"{moment.at:%d %b %H:%M:%S}", _took(moment, longest), cell(who), cell(moment.event), cell(detail)
        )
    proposals = f", {len(story.proposal_ids)} proposals" if story.case_id else ""
    told = [
        line
        for moment in story.moments
        for part, words in story.words.get(moment.span_id, {}).items()
        for line in (cell(f"{moment.event}: {part}", "bold"), cell(words))
    ]
    return Group(cell(f"{story.trace_id}: {len(story.moments)} events{proposals}", "bold"), table, *told)


def _took(moment: Moment, longest: float) -> str:
    """A bar and a figure; nothing for an entry, which takes no time."""
    if moment.sequence is not None:
        return ""
    bar = "█" * round(BAR * moment.seconds / longest) if longest else ""
    figure = f"{moment.seconds:.1f} s" if moment.seconds >= 1 else f"{1000 * moment.seconds:.0f} ms"
    return f"{bar or '▏'} {figure}"


def _joined(log: Sequence[AuditEntry], spans: Sequence[Span]) -> list[Moment]:
    placed = [((float(entry.sequence), 0, 0), _of_entry(entry)) for entry in log]
    by_id = {span.span_id: span for span in spans}
    for number, span in enumerate(spans):
        if span.name not in LASTING:
            placed.append(((*_place(_outermost(span, by_id), log), number), _of_span(span)))
    return [moment for _, moment in sorted(placed, key=lambda pair: pair[0])]


def _outermost(span: Span, by_id: Mapping[str, Span]) -> Span:
    """The step this one was taken within, directly under what lasts."""
    above = by_id.get(span.parent_id)
    return span if above is None or above.name in LASTING else _outermost(above, by_id)


def _place(span: Span, log: Sequence[AuditEntry]) -> tuple[float, int]:
    """Just before the entry the step led to, else after everything recorded by then; then in the steps' order."""
    order = list(STEPS).index(span.name) if span.name in STEPS else len(STEPS)
    led_to = [
        entry.sequence
        for entry in log
        if entry.subject_id == (span.proposal_id or span.case_id)
        and entry.event in (STEPS.get(span.name), AGAIN.get(span.name))
        and datetime.fromisoformat(entry.at) >= span.started_at
    ]
    before = [entry.sequence for entry in log if datetime.fromisoformat(entry.at) <= span.started_at]
    return (min(led_to) - 0.5 if led_to else max(before, default=0) + 0.5, order)


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
    return Moment(
        at=span.started_at,
        role=span.role,
        actor=span.who,
        event=span.name,
        detail=_short(", ".join(_noted(span))),
        sequence=None,
        hash="",
        proposal_id=span.proposal_id,
        span_id=span.span_id,
        seconds=span.seconds,
        inputs=span.inputs,
        outputs=span.outputs,
    )


def _noted(span: Span) -> Iterator[str]:
    """What is told of a step's attributes."""
    for name, value in sorted(span.attributes.items()):
        if name == DOCUMENTS:
            yield " ".join(str(one["id"]) for one in json.loads(value)) or "no passage"
        elif name == "error.type":
            yield f"failed: {value}"
        elif value and (name.startswith("evenkeel.") or name in TOLD_OF_A_MODEL) and name not in ON_EVERY_TOOL:
            yield f"{name.rpartition('evenkeel.')[2].rpartition('.')[2].replace('_', ' ')} {_words(value)}"


def _detail(event: str, data: dict[str, Any]) -> str:
    if event == "proposal.ruled":
        asked = [rule["rule"] for rule in data["fired"] if rule["tier"] == data["tier"]]
        return _short(f"tier {data['tier']}, asked for by {', '.join(asked) or 'no rule'}")
    told = TOLD.get(event, GENERAL)
    return _short(", ".join(f"{name} {_words(data[name])}" for name in told if data.get(name)))


def _words(value: Any) -> str:
    if isinstance(value, list):
        return (
            "; ".join(map(_words, value))
            if any(isinstance(part, dict) for part in value)
            else " ".join(map(str, value))
        )
    if isinstance(value, dict):
        return " ".join(f"{name.replace('_', ' ')} {part}" for name, part in value.items() if part not in ("", None))
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:12] if len(text) == 64 and " " not in text else text  # a digest


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= DETAIL_SHOWN else f"{text[: DETAIL_SHOWN - 1]}…"
