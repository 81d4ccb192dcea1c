"""Executed lines whose story cannot be told from end to end: what of the trace is missing.

Case, snapshot, plan run, retrieval, explanation, ruling, approval of this very digest, outbox row, receipt. A line is
executed when the ERP has its document, or when its proposal says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from inventory.record import Record, digest, load
from inventory.records import ActionKind, Approval, DocumentState, ErpDocument, ProposalContent, ProposalState
from inventory.tables import (
    approvals,
    cases,
    outbox,
    plan_runs,
    proposals,
    receipts,
    rulings,
    snapshots,
    trace,
)

SENT_KINDS = (ActionKind.TRANSFER, ActionKind.PURCHASE, ActionKind.EXPEDITE)
"""Kinds of line that become an ERP document, unless the caller knows of more."""
RETRIEVAL = "retrieval"
"""How the name of the step that looked for written rules begins."""


class TraceGap(Record):
    """An executed line that lacks part of its trace."""

    proposal_id: str
    case_id: str
    line: int
    item: str
    missing: tuple[str, ...]
    """Parts, in the order of the story."""


class GapCount(Record):
    """What a look at every executed line came to."""

    lines: int
    """Executed lines looked at."""
    gaps: tuple[TraceGap, ...]


@dataclass
class _Kept:
    """Ids of what is on record."""

    cases: set[str] = field(default_factory=set)
    snapshots: set[str] = field(default_factory=set)
    plans: set[str] = field(default_factory=set)
    retrieved: set[str] = field(default_factory=set)
    ruled: set[str] = field(default_factory=set)
    approved: set[tuple[str, str]] = field(default_factory=set)
    """Proposal and digest."""
    documents: dict[str, list[tuple[ErpDocument, str]]] = field(default_factory=lambda: defaultdict(list))
    """ERP documents with their state, by proposal."""
    receipts: set[str] = field(default_factory=set)


def trace_gaps(connection: Connection, *, sent_kinds: Collection[ActionKind] = SENT_KINDS) -> GapCount:
    """Every executed line without a full trace, by proposal and line.

    Parameters
    ----------
    sent_kinds
        Kinds of line that become an ERP document; a line of another kind is never executed there.
    """
    kept = _kept(connection)
    found, lines = [], 0
    columns = proposals.c
    query = select(columns.proposal_id, columns.state, columns.digest, columns.content, columns.explanation)
    for row in connection.execute(query.order_by(columns.proposal_id)):
        content = load(ProposalContent, row.content)
        documents = kept.documents[row.proposal_id]
        common = tuple(_missing(kept, row.proposal_id, content, row.explanation))
        for line in content.lines:
            if line.action not in sent_kinds or not line.quantity:
                continue
            carried = [(each, state) for each, state in documents if each.group == line.document_group]
            states = {state for _, state in carried}
            if row.state != ProposalState.EXECUTED.value and DocumentState.EXECUTED.value not in states:
                continue
            lines += 1
            missing = (*common, *_not_sent(kept, carried))
            if missing:
                found.append(
                    TraceGap(
                        proposal_id=row.proposal_id, case_id=content.case_id, line=line.number, item=line.item,
                        missing=missing,
                    )
                )  # fmt: skip
    return GapCount(lines=lines, gaps=tuple(found))


def _missing(kept: _Kept, proposal_id: str, content: ProposalContent, explanation: str) -> Iterator[str]:
    """Parts that every line of a proposal shares."""
    checks = {
        "case": content.case_id in kept.cases,
        "snapshot": content.snapshot_id in kept.snapshots,
        "plan run": content.plan_run_id in kept.plans,
        "retrieval": proposal_id in kept.retrieved,
        "explanation": bool(explanation),
        "ruling": proposal_id in kept.ruled,
        "approval": (proposal_id, digest(content)) in kept.approved,
    }
    yield from (part for part, there in checks.items() if not there)


def _not_sent(kept: _Kept, carried: Collection[tuple[ErpDocument, str]]) -> Iterator[str]:
    if not carried:
        yield "outbox"
    if not any(document.key in kept.receipts for document, _ in carried):
        yield "receipt"


def _kept(connection: Connection) -> _Kept:
    """Read each table once."""
    searched = trace.c.name.startswith(RETRIEVAL)
    kept = _Kept(
        cases=set(connection.execute(select(cases.c.case_id)).scalars()),
        snapshots=set(connection.execute(select(snapshots.c.snapshot_id)).scalars()),
        plans=set(connection.execute(select(plan_runs.c.plan_run_id)).scalars()),
        ruled=set(connection.execute(select(rulings.c.proposal_id)).scalars()),
        receipts=set(connection.execute(select(receipts.c.key)).scalars()),
        retrieved=set(connection.execute(select(trace.c.proposal_id).where(searched)).scalars()),
    )
    for body in connection.execute(select(approvals.c.body).where(approvals.c.decision == "approve")).scalars():
        approval = load(Approval, body)
        kept.approved.add((approval.proposal_id, approval.proposal_digest))
    for row in connection.execute(select(outbox.c.proposal_id, outbox.c.state, outbox.c.body)):
        kept.documents[row.proposal_id].append((load(ErpDocument, row.body), row.state))
    return kept
