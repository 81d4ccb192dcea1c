"""Approve: read every fact again, rule again, and sign; under lock, so that what was read is what is signed."""

from __future__ import annotations

from agent.approval_policy import expiry
from agent.deciding.entitlement import signature_of
from agent.deciding.request import Click, Decided
from agent.deciding.revalidation import revalidate
from agent.deciding.signing import release_for_execution, sign
from agent.policy_document import ApprovalPolicy
from agent.purchase_budgets import hold_budget, spend_budget
from agent.ruling import rule
from inventory.cases import set_case_state
from inventory.ledger import release
from inventory.lifecycle import move
from inventory.proposals import list_rulings, save_ruling
from inventory.records import EVERYTHING, CaseState, Proposal, ProposalState, Ruling, Tier
from inventory.revalidations import RevalidationReport, Verdict, insert_revalidation


def approve(click: Click) -> Decided:
    """Sign, if the facts still carry the proposal; else it is void, or waits again in the stricter tier."""
    transaction, proposal = click.transaction, click.proposal
    fresh, policy = rule(click.toolbox, click.connection, click.gate, proposal)
    known = list_rulings(click.connection, EVERYTHING, proposal.proposal_id)[-1]
    asked = known.model_copy(update={"tier": stricter_tier(known.tier, proposal.tier or known.tier)})
    # Whoever could not have signed what was asked for does not void it either.
    signature_of(click, asked, policy.approvers)
    report = revalidate(click, asked, fresh, policy)
    insert_revalidation(transaction, report)
    if report.verdict is Verdict.CHANGED:
        return Decided(proposal=_void(click, report), revalidation=report)
    if report.verdict is Verdict.STRICTER:
        return Decided(proposal=_send_back(click, fresh, policy), revalidation=report)
    stands = standing(asked, fresh)
    signature, missing = signature_of(click, stands, policy.approvers)
    approval = sign(click, signature)
    if missing:
        waits = move(transaction, proposal, ProposalState.PENDING, reason="; ".join(missing), tier=stands.tier)
        return Decided(proposal=waits, revalidation=report)
    spend_budget(click.toolbox, transaction, proposal, policy)
    approved = release_for_execution(transaction, proposal, approval, stands.tier, policy)
    return Decided(proposal=approved, revalidation=report)


def stricter_tier(one: Tier, other: Tier) -> Tier:
    """The stricter of two tiers."""
    return max(one, other, key=lambda tier: tier.strictness)


def standing(asked: Ruling, fresh: Ruling) -> Ruling:
    """What has to be met: the ruling of this moment, and everything that was asked for before."""
    return fresh.model_copy(
        update={
            "tier": stricter_tier(asked.tier, fresh.tier),
            "two_people": asked.two_people or fresh.two_people,
            "needs_roles": tuple(dict.fromkeys((*asked.needs_roles, *fresh.needs_roles))),
            "one_of_roles": tuple(dict.fromkeys((*asked.one_of_roles, *fresh.one_of_roles))),
        }
    )


def _void(click: Click, report: RevalidationReport) -> Proposal:
    """The facts are others by now: the units are free again, and the next sweep plans the case anew."""
    gone = move(click.transaction, click.proposal, ProposalState.VOID, reason=report.difference)
    release(click.transaction, click.proposal.proposal_id)
    set_case_state(click.transaction, click.proposal.content.case_id, CaseState.OPEN, "facts changed")
    return gone


def _send_back(click: Click, fresh: Ruling, policy: ApprovalPolicy) -> Proposal:
    """A stricter tier: it waits again, and this signature is not taken."""
    save_ruling(click.transaction, click.proposal.proposal_id, fresh)
    if fresh.tier is Tier.ADVICE:
        release(click.transaction, click.proposal.proposal_id)
    else:
        hold_budget(click.toolbox, click.transaction, click.proposal, policy)
    return move(
        click.transaction, click.proposal, ProposalState.PENDING, reason=f"facts changed: now {fresh.tier.value}",
        tier=fresh.tier, expires_at=click.now + expiry(fresh.tier, policy),
    )  # fmt: skip
