"""Proposals, their rulings, approvals, explanations and plan runs, read under a scope."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, exists, func, or_, select, update

from inventory.cases import visible
from inventory.database import Transaction
from inventory.errors import NotFoundError
from inventory.record import canonical, canonical_record, digest, digest_body, load
from inventory.records import (
    Approval,
    Citation,
    Explanation,
    PlanRun,
    Proposal,
    ProposalContent,
    ProposalState,
    Ruling,
    Scope,
    Situation,
)
from inventory.tables import approvals, case_scopes, plan_runs, proposals, reservations, rulings


def insert_proposal(transaction: Transaction, proposal: Proposal) -> None:
    """Add a draft; its case must have no other live proposal."""
    insert_proposals(transaction, [proposal])


def insert_proposals(transaction: Transaction, drafts: Sequence[Proposal]) -> None:
    """Add drafts; each one's case must have no other live proposal."""
    if not drafts:
        return
    digests = [proposal.digest for proposal in drafts]
    transaction.connection.execute(
        proposals.insert(),
        [
            {
                "proposal_id": proposal.proposal_id,
                "case_id": proposal.content.case_id,
                "version": proposal.content.version,
                "digest": content_digest,
                "state": proposal.state.value,
                "state_version": proposal.state_version,
                "tier": proposal.tier.value if proposal.tier else None,
                "requested_by": proposal.requested_by,
                "created_at": proposal.created_at,
                "expires_at": proposal.expires_at,
                "content": canonical_record(proposal.content),
            }
            for proposal, content_digest in zip(drafts, digests, strict=True)
        ],
    )
    for proposal, content_digest in zip(drafts, digests, strict=True):
        body = {
            "case": proposal.content.case_id,
            "digest": content_digest,
            "requested_by": proposal.requested_by,
            "content": proposal.content.model_dump(mode="json"),
        }
        transaction.record("proposal.drafted", "proposal", proposal.proposal_id, body)


_COLUMNS = [column for column in proposals.c if column.name not in ("situation", "explanation", "citations")]
"""What a proposal is made of; the evidence beside it is read where it is asked for."""


@lru_cache(maxsize=4096)
def _content(text: str) -> ProposalContent:
    """A content as it was stored; it never changes, and every question reads those of all live proposals."""
    return load(ProposalContent, text)


def _proposal(row: Row[Any]) -> Proposal:
    return Proposal(
        proposal_id=row.proposal_id,
        content=_content(row.content),
        state=ProposalState(row.state),
        state_version=row.state_version,
        tier=row.tier,
        requested_by=row.requested_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        not_before=row.not_before,
        snoozed_until=row.snoozed_until,
        reason=row.reason,
    )


def _scoped(query: Select[Any], scope: Scope) -> Select[Any]:
    """Proposals of cases the reader may see, and those that take units from the reader's sites."""
    if scope.sites is None and scope.item_classes is None:
        return query
    case_seen = exists().where(case_scopes.c.case_id == proposals.c.case_id, visible(scope))
    if scope.sites is None or scope.item_classes is not None:
        return query.where(case_seen)
    gives = exists().where(
        reservations.c.proposal_id == proposals.c.proposal_id, reservations.c.site.in_(sorted(scope.sites))
    )
    return query.where(or_(case_seen, gives))


def find_proposal(connection: Connection, scope: Scope, proposal_id: str) -> Proposal:
    """The proposal of that id, or of the id beginning with it when only one does."""
    if not proposal_id:
        raise NotFoundError("a proposal is named by its id or the beginning of it; got nothing")
    for named in (
        proposals.c.proposal_id == proposal_id,
        proposals.c.proposal_id.istartswith(proposal_id, autoescape=True),
    ):
        rows = connection.execute(_scoped(select(*_COLUMNS).where(named), scope)).all()
        if len(rows) == 1:
            return _proposal(rows[0])
    raise NotFoundError(f"proposal {proposal_id!r}: {len(rows)} found that {scope.user} may see, expected one")


def list_proposals(
    connection: Connection,
    scope: Scope,
    *,
    states: Collection[ProposalState] = (),
    case_id: str | None = None,
) -> list[Proposal]:
    """Proposals in some states (all when empty), oldest first."""
    query = _scoped(select(*_COLUMNS).order_by(proposals.c.created_at, proposals.c.proposal_id), scope)
    if states:
        query = query.where(proposals.c.state.in_([state.value for state in states]))
    if case_id is not None:
        query = query.where(proposals.c.case_id == case_id)
    return [_proposal(row) for row in connection.execute(query)]


def proposal_ids(connection: Connection, scope: Scope, states: Collection[ProposalState]) -> list[str]:
    """Ids of the proposals in some states, oldest first."""
    query = _scoped(select(proposals.c.proposal_id).order_by(proposals.c.created_at, proposals.c.proposal_id), scope)
    return list(connection.execute(query.where(proposals.c.state.in_([state.value for state in states]))).scalars())


def next_version(connection: Connection, scope: Scope, case_id: str) -> int:
    """Version number the case's next proposal gets."""
    return 1 + max((p.content.version for p in list_proposals(connection, scope, case_id=case_id)), default=0)


def next_versions(connection: Connection, scope: Scope) -> dict[str, int]:
    """The same for every case that has proposals."""
    newest = select(proposals.c.case_id, func.max(proposals.c.version) + 1).group_by(proposals.c.case_id)
    query = _scoped(newest, scope)
    return {case_id: int(version) for case_id, version in connection.execute(query)}


def save_situation(transaction: Transaction, proposal_id: str, situation: Situation) -> None:
    """Keep the facts and options a proposal was explained with."""
    _keep(transaction, proposal_id, situation=canonical_record(situation))


def save_citations(transaction: Transaction, proposal_id: str, citations: tuple[Citation, ...]) -> None:
    """Keep the clauses that applied, and record which versions were read."""
    _keep(transaction, proposal_id, citations=canonical([c.model_dump(mode="json") for c in citations]))


def save_explanation(transaction: Transaction, explanation: Explanation) -> None:
    """Keep the words; they are outside the digest and may be replaced."""
    _keep(transaction, explanation.proposal_id, explanation=canonical_record(explanation))
    transaction.record(
        "proposal.explained",
        "proposal",
        explanation.proposal_id,
        {
            "source": explanation.source,
            "digest": digest(explanation),
            "citations": [citation.passage_id for citation in explanation.citations],
        },
    )


def _keep(transaction: Transaction, proposal_id: str, **columns: str) -> None:
    transaction.connection.execute(update(proposals).where(proposals.c.proposal_id == proposal_id).values(**columns))


def find_situation(connection: Connection, scope: Scope, proposal_id: str) -> Situation | None:
    """Facts and options of a proposal, or ``None`` while it is not explained."""
    body = _column(connection, scope, proposal_id, "situation")
    return load(Situation, body) if body else None


def list_citations(connection: Connection, scope: Scope, proposal_id: str) -> tuple[Citation, ...]:
    """Clauses kept for a proposal; empty while none were looked for, or none applied."""
    body = _column(connection, scope, proposal_id, "citations")
    return tuple(Citation.model_validate(citation) for citation in json.loads(body)) if body else ()


def find_explanation(connection: Connection, scope: Scope, proposal_id: str) -> Explanation | None:
    """Words of a proposal, or ``None`` while it is not explained."""
    body = _column(connection, scope, proposal_id, "explanation")
    return load(Explanation, body) if body else None


def _column(connection: Connection, scope: Scope, proposal_id: str, name: str) -> str:
    known = find_proposal(connection, scope, proposal_id).proposal_id
    return str(connection.execute(select(proposals.c[name]).where(proposals.c.proposal_id == known)).scalar_one())


def save_ruling(transaction: Transaction, proposal_id: str, ruling: Ruling) -> None:
    """Add a ruling; earlier ones stay."""
    transaction.connection.execute(
        rulings.insert().values(
            ruling_id=f"{proposal_id}.r{len(list(_rulings(transaction.connection, proposal_id))) + 1}",
            proposal_id=proposal_id,
            tier=ruling.tier.value,
            at=ruling.at,
            body=canonical_record(ruling),
        )
    )
    transaction.record("proposal.ruled", "proposal", proposal_id, ruling.model_dump(mode="json"))


def _rulings(connection: Connection, proposal_id: str) -> list[Ruling]:
    query = (
        select(rulings.c.body)
        .where(rulings.c.proposal_id == proposal_id)
        .order_by(rulings.c.at, func.length(rulings.c.ruling_id), rulings.c.ruling_id)
    )
    return [load(Ruling, body) for body in connection.execute(query).scalars()]


def list_rulings(connection: Connection, scope: Scope, proposal_id: str) -> list[Ruling]:
    """Rulings on a proposal, oldest first."""
    return _rulings(connection, find_proposal(connection, scope, proposal_id).proposal_id)


def insert_approval(transaction: Transaction, approval: Approval) -> None:
    """Add a signature; one person signs one decision on one proposal once."""
    transaction.connection.execute(
        approvals.insert().values(
            approval_id=approval.approval_id,
            proposal_id=approval.proposal_id,
            proposal_digest=approval.proposal_digest,
            decision=approval.decision,
            by=approval.by,
            at=approval.at,
            body=canonical_record(approval),
        )
    )
    transaction.record("approval.given", "proposal", approval.proposal_id, approval.model_dump(mode="json"))


def list_approvals(connection: Connection, scope: Scope, proposal_id: str) -> list[Approval]:
    """Signatures on a proposal, oldest first."""
    known = find_proposal(connection, scope, proposal_id).proposal_id
    query = (
        select(approvals.c.body)
        .where(approvals.c.proposal_id == known)
        .order_by(approvals.c.at, approvals.c.approval_id)
    )
    return [load(Approval, body) for body in connection.execute(query).scalars()]


def find_approval(connection: Connection, scope: Scope, proposal: Proposal) -> Approval | None:
    """The newest ``approve`` that names exactly this proposal's digest."""
    signed = [
        approval
        for approval in list_approvals(connection, scope, proposal.proposal_id)
        if approval.decision == "approve" and approval.proposal_digest == proposal.digest
    ]
    return signed[-1] if signed else None


def insert_plan_run(transaction: Transaction, run: PlanRun) -> None:
    """Keep a joint decision with everything needed to repeat it."""
    body = canonical_record(run)
    transaction.connection.execute(
        plan_runs.insert().values(plan_run_id=run.plan_run_id, snapshot_id=run.snapshot_id, at=run.at, body=body)
    )
    transaction.record(
        "plan.made",
        "plan_run",
        run.plan_run_id,
        {
            "snapshot": run.snapshot_id,
            "cases": len(run.case_ids),
            "lines": len(run.lines),
            "solver_path": run.solver_path,
            "digest": digest_body(PlanRun, body),
        },
    )


def count_plan_runs(connection: Connection) -> int:
    """How many joint decisions were kept."""
    return int(connection.execute(select(func.count()).select_from(plan_runs)).scalar_one())


def find_plan_run(connection: Connection, scope: Scope, plan_run_id: str) -> PlanRun:
    """A plan run, narrowed to the cases the reader may see."""
    body = connection.execute(
        select(plan_runs.c.body).where(plan_runs.c.plan_run_id == plan_run_id)
    ).scalar_one_or_none()
    if body is None:
        raise NotFoundError(f"no plan run {plan_run_id}")
    run = load(PlanRun, body)
    if scope.sites is None and scope.item_classes is None:
        return run
    seen = set(
        connection.execute(
            select(case_scopes.c.case_id).where(and_(case_scopes.c.case_id.in_(run.case_ids), visible(scope)))
        ).scalars()
    )
    return run.model_copy(
        update={
            "case_ids": tuple(case for case in run.case_ids if case in seen),
            "needs": tuple(need for need in run.needs if need[0] in seen),
            "reliefs": tuple(
                relief for relief, need in zip(run.reliefs, run.needs, strict=bool(run.reliefs)) if need[0] in seen
            ),
            "lines": tuple(line for line in run.lines if line.case_id in seen),
            "lost_to": {case: why for case, why in run.lost_to.items() if case in seen},
            "held_back": {case: why for case, why in run.held_back.items() if case in seen},
            "won_by": {case: winner for case, winner in run.won_by.items() if {case, winner} <= seen},
            "lane_room": {},
            "places": tuple(place for place in run.places if scope.sites is None or place[1] in scope.sites),
            "ledger": tuple(row for row in run.ledger if scope.sites is None or row.site in scope.sites),
            "committed_inbound": tuple(
                line for line in run.committed_inbound if scope.sites is None or line.destination in scope.sites
            ),
        }
    )
