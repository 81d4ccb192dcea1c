"""Three questions about any past action: what was recommended, on what data, and who or what executed it.

Everything is read from the store and the log under the reader's scope; nothing is worked out again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from agent.case_views import case_or_proposal
from inventory.audit import AuditEntry, entries
from inventory.chronicle import list_feed_health
from inventory.errors import NotFoundError
from inventory.outbox import list_outbox, list_receipts
from inventory.proposals import (
    find_explanation,
    find_plan_run,
    find_proposal,
    list_approvals,
    list_citations,
    list_proposals,
    list_rulings,
)
from inventory.record import Record
from inventory.records import FiredRule, PolicyKind, Proposal, ProposalLine, ProposalState, Scope, Tier
from inventory.rulebook import find_policy
from inventory.tables import outbox, receipts, snapshots


class Recommended(Record):
    """What was recommended."""

    case_id: str
    version: int
    digest: str
    action: str
    lines: tuple[ProposalLine, ...]
    value_minor: int
    currency: str
    requested_by: str
    drafted_at: datetime
    explanation: str
    cited: tuple[str, ...]
    """Written rules it rests on: passages with their versions."""


class FeedAge(Record):
    """How old one feed of one site was."""

    feed: str
    site: str
    as_of: datetime
    age_hours: float


class PolicyUsed(Record):
    """A version of a policy document that had a say."""

    kind: str
    version: int
    author: str


class DataUsed(Record):
    """On what data."""

    snapshot_id: str
    as_of: datetime | None
    age_hours_when_drafted: float | None
    feeds: tuple[FeedAge, ...]
    plan_run_id: str
    solver_path: str
    seed: int
    planned_at: datetime
    policies: tuple[PolicyUsed, ...]
    tier: Tier | None
    fired: tuple[FiredRule, ...]
    """Rules that asked for the tier, in the last ruling."""


class Signature(Record):
    """Who decided."""

    by: str
    kind: str
    decision: str
    reason: str
    at: datetime
    digest: str
    entry: int | None
    """Place in the audit chain."""


class Sent(Record):
    """One ERP document and who or what sent it."""

    key: str
    action: str
    state: str
    erp_reference: str
    posted_at: datetime | None
    found_by: str
    sent_by: str
    """Actor of the entry that says so, and the account of the operating system it ran under."""
    entry: int | None


class Account(Record):
    """The answer about one proposal."""

    proposal_id: str
    state: ProposalState
    reason: str
    recommended: Recommended
    data: DataUsed
    decided: tuple[Signature, ...]
    executed: tuple[Sent, ...]


class About(Record):
    """The answer about what was asked for."""

    asked: str
    accounts: tuple[Account, ...]


def about(connection: Connection, scope: Scope, some_id: str) -> About:
    """The three answers for a proposal, a document key, an ERP reference or a case.

    Raises
    ------
    NotFoundError
        If it names nothing the reader may see.
    """
    found = _proposals(connection, scope, some_id)
    return About(asked=some_id, accounts=tuple(_account(connection, scope, proposal) for proposal in found))


def _proposals(connection: Connection, scope: Scope, some_id: str) -> list[Proposal]:
    by_document = select(outbox.c.proposal_id).where(outbox.c.key == some_id)
    by_reference = select(receipts.c.proposal_id).where(receipts.c.erp_reference == some_id)
    ids = sorted(set(connection.execute(by_document.union(by_reference)).scalars()))
    if ids:
        return [_seen(connection, scope, proposal_id, some_id) for proposal_id in ids]
    try:
        return [find_proposal(connection, scope, some_id)]
    except NotFoundError:
        pass  # then it may be a case
    try:
        found = list_proposals(connection, scope, case_id=case_or_proposal(connection, scope, some_id))
    except NotFoundError:
        found = []
    if not found:
        raise NotFoundError(
            f"{some_id!r}: no proposal, document, ERP reference or case with a proposal that {scope.user} may see"
        )
    return found


def _seen(connection: Connection, scope: Scope, proposal_id: str, asked: str) -> Proposal:
    """The proposal, or the same words as for an id that does not exist."""
    try:
        return find_proposal(connection, scope, proposal_id)
    except NotFoundError:
        raise NotFoundError(
            f"{asked!r}: no proposal, document, ERP reference or case with a proposal that {scope.user} may see"
        ) from None


def _account(connection: Connection, scope: Scope, proposal: Proposal) -> Account:
    log = list(entries(connection, subject_id=proposal.proposal_id))
    return Account(
        proposal_id=proposal.proposal_id,
        state=proposal.state,
        reason=proposal.reason,
        recommended=_recommended(connection, scope, proposal),
        data=_data(connection, scope, proposal),
        decided=_decided(connection, scope, proposal, log),
        executed=_executed(connection, scope, proposal, log),
    )


def _recommended(connection: Connection, scope: Scope, proposal: Proposal) -> Recommended:
    content, known = proposal.content, proposal.proposal_id
    explanation = find_explanation(connection, scope, known)
    return Recommended(
        case_id=content.case_id,
        version=content.version,
        digest=proposal.digest,
        action=content.action.value,
        lines=content.lines,
        value_minor=content.value_minor,
        currency=content.currency,
        requested_by=proposal.requested_by,
        drafted_at=proposal.created_at,
        explanation=explanation.text if explanation else "",
        cited=tuple(citation.passage_id for citation in list_citations(connection, scope, known)),
    )


def _data(connection: Connection, scope: Scope, proposal: Proposal) -> DataUsed:
    content = proposal.content
    plan = find_plan_run(connection, scope, content.plan_run_id)
    rulings = list_rulings(connection, scope, proposal.proposal_id)
    as_of = connection.execute(
        select(snapshots.c.as_of).where(snapshots.c.snapshot_id == content.snapshot_id)
    ).scalar_one_or_none()
    health = list_feed_health(connection, scope, content.snapshot_id)
    used: list[tuple[PolicyKind, int]] = [
        ("approval", rulings[-1].policy_version if rulings else content.policy_version),
        ("thresholds", plan.threshold_version),
    ]
    return DataUsed(
        snapshot_id=content.snapshot_id,
        as_of=as_of,
        age_hours_when_drafted=(proposal.created_at - as_of).total_seconds() / 3600 if as_of else None,
        feeds=tuple(
            FeedAge(feed=row.feed, site=row.site, as_of=row.as_of, age_hours=row.age_hours)
            for row in health
            if row.site in content.sites
        ),
        plan_run_id=plan.plan_run_id,
        solver_path=plan.solver_path,
        seed=plan.seed,
        planned_at=plan.at,
        policies=tuple(_policy(connection, scope, kind, version) for kind, version in used),
        tier=rulings[-1].tier if rulings else proposal.tier,
        fired=rulings[-1].fired if rulings else (),
    )


def _policy(connection: Connection, scope: Scope, kind: PolicyKind, version: int) -> PolicyUsed:
    try:
        author = find_policy(connection, scope, kind, version).author
    except NotFoundError:
        author = "unknown"
    return PolicyUsed(kind=kind, version=version, author=author)


def _decided(
    connection: Connection, scope: Scope, proposal: Proposal, log: Sequence[AuditEntry]
) -> tuple[Signature, ...]:
    told = {entry.data["approval_id"]: entry.sequence for entry in log if entry.event == "approval.given"}
    return tuple(
        Signature(
            by=" for ".join(filter(None, (approval.by, approval.on_behalf_of))),
            kind=approval.kind, decision=approval.decision,
            reason=": ".join(filter(None, (approval.reason.value, approval.text))), at=approval.at,
            digest=approval.proposal_digest, entry=told.get(approval.approval_id),
        )
        for approval in list_approvals(connection, scope, proposal.proposal_id)
    )  # fmt: skip


def _executed(connection: Connection, scope: Scope, proposal: Proposal, log: Sequence[AuditEntry]) -> tuple[Sent, ...]:
    answers = {receipt.key: receipt for receipt in list_receipts(connection, scope, proposal_id=proposal.proposal_id)}
    last = {entry.data["key"]: entry for entry in log if entry.event.startswith("action.")}
    sent = []
    for row in list_outbox(connection, scope, proposal_id=proposal.proposal_id):
        receipt, entry = answers.get(row.key), last.get(row.key)
        sent.append(
            Sent(
                key=row.key, action=row.document.action.value, state=row.state.value,
                erp_reference=receipt.erp_reference if receipt else "",
                posted_at=receipt.posted_at if receipt else None,
                found_by=receipt.found_by if receipt else "",
                sent_by=f"{entry.actor} ({entry.os_user})" if entry else "", entry=entry.sequence if entry else None,
            )
        )  # fmt: skip
    return tuple(sent)
