"""The trace: steps that were taken, as trees that are only ever added to, and the words of a step beside them.

- A tree is a case from finding to receipt, a conversation, a sweep, or one call of another program. Every step but the
  root names the step it is within; a case's steps before and after a person's decision hang on the same parent.
- Of what went into a step and came out of it the trace holds digests, for good. The words themselves (a prompt, an
  answer, a question to the rules) lie in a table of their own and go after the retention time.
- A step carries the sites whose data it may hold, and its owner where it is one person's alone. A reader whose rights
  end at a site is told of no step of other sites, and no words of a step that holds other sites' data too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import Field
from sqlalchemy import Connection, Select, func, select

from inventory.cases import find_case
from inventory.database import Transaction
from inventory.errors import NotFoundError
from inventory.record import Id, Record, Text, Utc, canonical_record, digest_text, load
from inventory.records import Scope
from inventory.tables import trace, trace_words

ANY_SITE = "*"
"""Stands for every site: who took the step may see them all."""
OPERATION = "gen_ai.operation.name"
_CHUNK = 500
"""Ids named in one query."""


class Span(Record):
    """One step on record: who took it, within which, with what, and what came out."""

    span_id: Id
    trace_id: Id
    """The tree: a case, a conversation, a sweep, a call."""
    parent_id: str = ""
    """The step it is within; empty for the root."""
    name: Text
    """``execute_tool options``, ``retrieval rules``, ``chat MODEL`` …: an operation of OpenTelemetry and its target."""
    role: Id
    """Which of the roles in ``docs/agents.md`` took it."""
    who: Id = "evenkeel"
    owner: str = ""
    """Whose alone it is; empty where rights over the sites decide."""
    sites: tuple[str, ...] = ()
    """Sites whose data it may hold."""
    case_id: str = ""
    proposal_id: str = ""
    conversation_id: str = ""
    inputs: str = ""
    """Digest of what went in."""
    outputs: str = ""
    """Digest of what came out."""
    attributes: dict[str, str]
    started_at: Utc
    seconds: float = Field(default=0.0, ge=0)
    """How long it took, by the machine's clock."""


Words = Mapping[str, Mapping[str, str]]
"""Words of steps, by span id and part."""


def span_id_of(*parts: str) -> str:
    """The id of a step: 64 bits, as other tracing tools want them."""
    return f"span-{digest_text('trace', *parts)[:16]}"


def insert_spans(transaction: Transaction, spans: Sequence[Span], words: Words | None = None) -> None:
    """Add steps in this order; one that is there stays as it was, and so do its words."""
    wanted = {span.span_id: span for span in spans}
    known = _known(transaction.connection, list(wanted))
    fresh = [span for span in wanted.values() if span.span_id not in known]
    if not fresh:
        return
    newest = transaction.connection.execute(select(func.coalesce(func.max(trace.c.number), 0))).scalar_one()
    rows = [
        {
            "number": number, "span_id": span.span_id, "trace_id": span.trace_id, "parent_id": span.parent_id,
            "name": span.name, "owner": span.owner, "case_id": span.case_id, "proposal_id": span.proposal_id,
            "at": span.started_at, "body": canonical_record(span),
        }
        for number, span in enumerate(fresh, start=int(newest) + 1)
    ]  # fmt: skip
    transaction.connection.execute(trace.insert(), rows)
    said = [
        {"span_id": span.span_id, "part": part, "at": span.started_at, "words": text}
        for span in fresh
        for part, text in (words or {}).get(span.span_id, {}).items()
    ]
    if said:
        transaction.connection.execute(trace_words.insert(), said)


def spans_of_case(connection: Connection, scope: Scope, case_id: str) -> list[Span]:
    """Steps of a case the reader may see, in the order they were recorded.

    Raises
    ------
    NotFoundError
        If there is no case of that id that the reader may see.
    """
    known = find_case(connection, scope, case_id).case.case_id
    return _told(connection, scope, select(trace.c.body).where(trace.c.trace_id == known))


def spans_of_trace(connection: Connection, scope: Scope, trace_id: str) -> list[Span]:
    """Steps of a conversation or call of one's own, or of a sweep.

    Raises
    ------
    NotFoundError
        If there is none, or it is somebody else's: the two are not told apart.
    """
    mine = trace.c.owner.in_(("", scope.user))
    found = _told(
        connection, scope, select(trace.c.body).where(trace.c.trace_id == trace_id, trace.c.case_id == "", mine)
    )
    if not found:
        raise NotFoundError(f"{trace_id!r}: no conversation, call or sweep with a trace that {scope.user} may see")
    return found


def spans_after(connection: Connection, number: int, limit: int) -> list[tuple[int, Span]]:
    """Steps recorded after the one of that number, of everybody, with their numbers; words are not among them."""
    query = select(trace.c.number, trace.c.body).where(trace.c.number > number).order_by(trace.c.number).limit(limit)
    return [(int(row.number), load(Span, row.body)) for row in connection.execute(query)]


def words_of(connection: Connection, scope: Scope, spans: Iterable[Span]) -> dict[str, dict[str, str]]:
    """Words of steps that are still kept, where the reader may see every site they may speak of."""
    found: dict[str, dict[str, str]] = {}
    for some in _chunks([span.span_id for span in spans]):
        query = (
            select(trace.c.body, trace_words.c.span_id, trace_words.c.part, trace_words.c.words)
            .join(trace, trace.c.span_id == trace_words.c.span_id)
            .where(trace_words.c.span_id.in_(some), trace.c.owner.in_(("", scope.user)))
            .order_by(trace.c.number, trace_words.c.part.desc())
        )
        for row in connection.execute(query):
            # As recorded: what a reader was told of a step names no site the reader may not see.
            if covers(scope, load(Span, row.body).sites):
                found.setdefault(row.span_id, {})[row.part] = row.words
    return found


def covers(scope: Scope, sites: Iterable[str]) -> bool:
    """Whether a reader may see all of these sites."""
    return scope.sites is None or set(sites) <= scope.sites


def _told(connection: Connection, scope: Scope, query: Select[Any]) -> list[Span]:
    found = [load(Span, body) for body in connection.execute(query.order_by(trace.c.number)).scalars()]
    if scope.sites is None:
        return found
    return [_narrowed(span, scope.sites) for span in found if not span.sites or scope.sites & {*span.sites}]


def _narrowed(span: Span, sites: frozenset[str]) -> Span:
    """The step as it is told to somebody who may not see all its sites: that it was taken, not what it held."""
    if {*span.sites} <= sites:
        return span
    kept = {name: value for name, value in span.attributes.items() if name == OPERATION}
    return span.model_copy(update={"attributes": kept, "sites": tuple(s for s in span.sites if s in sites)})


def _known(connection: Connection, span_ids: Sequence[str]) -> set[str]:
    known: set[str] = set()
    for some in _chunks(span_ids):
        known |= set(connection.execute(select(trace.c.span_id).where(trace.c.span_id.in_(some))).scalars())
    return known


def _chunks(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
