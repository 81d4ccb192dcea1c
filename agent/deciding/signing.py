"""The record of a person's decision, and what follows from the last signature."""

from __future__ import annotations

from agent.approval_policy import recall_window
from agent.deciding.request import Click
from agent.policy_document import ApprovalPolicy
from agent.signing_rights import Signature
from inventory.cases import set_case_state
from inventory.chronicle import insert_override
from inventory.database import Transaction
from inventory.ledger import commit_reservations
from inventory.lifecycle import move
from inventory.outbox import enqueue
from inventory.proposals import insert_approval
from inventory.record import short_id
from inventory.records import Approval, CaseState, Override, Proposal, ProposalState, Tier
from tools.actions import documents_of, reserved_lots


def sign(click: Click, signature: Signature) -> Approval:
    """Put a person's decision about exactly this digest on record."""
    proposal, decision = click.proposal, click.decision
    approval = Approval.model_validate(
        {
            "approval_id": short_id("appr", proposal.proposal_id, proposal.digest, decision.verb, signature.by),
            "proposal_id": proposal.proposal_id,
            "proposal_digest": proposal.digest,
            "decision": decision.verb.value,
            "by": signature.by,
            "on_behalf_of": signature.on_behalf_of,
            "kind": "person",
            "reason": decision.reason,
            "text": decision.text,
            "at": click.now,
        }
    )
    insert_approval(click.transaction, approval)
    return approval


def overrule(click: Click) -> None:
    """Keep that somebody decided otherwise, to be judged later."""
    insert_override(
        click.transaction,
        Override(
            proposal_id=click.proposal.proposal_id,
            case_id=click.proposal.content.case_id,
            by=click.user.user_id,
            decision=click.decision.verb.value,
            reason=click.decision.reason,
            text=click.decision.text,
            at=click.now,
        ),
    )


def release_for_execution(
    transaction: Transaction, proposal: Proposal, approval: Approval, tier: Tier, policy: ApprovalPolicy
) -> Proposal:
    """Approved: commit the reservations and write the outbox rows in the approving transaction."""
    approved = move(
        transaction, proposal, ProposalState.APPROVED, reason=approval.reason.value,
        not_before=transaction.now + recall_window(tier, policy),
    )  # fmt: skip
    commit_reservations(transaction, proposal.proposal_id)
    lots = reserved_lots(transaction.connection, proposal.proposal_id)
    enqueue(transaction, proposal.proposal_id, documents_of(approved, approval, lots))
    set_case_state(transaction, proposal.content.case_id, CaseState.DECIDED, f"approved by {approval.by}")
    return approved
