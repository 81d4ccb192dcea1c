"""Reject what waits, recall what was approved while its window runs: nothing of it is sent, and the case rests."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from agent.deciding.entitlement import actor_of
from agent.deciding.request import Click, Decided
from agent.deciding.signing import overrule, sign
from agent.errors import DecisionRefusedError
from inventory.cases import set_case_state
from inventory.database import Transaction
from inventory.errors import LostRaceError
from inventory.ledger import release
from inventory.lifecycle import move
from inventory.outbox import withdraw
from inventory.records import CaseState, Proposal, ProposalState
from tools.learning import open_outcome

REST_AFTER_REJECTION = timedelta(days=7)


def recallable(proposal: Proposal, now: datetime) -> bool:
    """Whether it is approved and its recall window still runs."""
    return proposal.state is ProposalState.APPROVED and proposal.not_before is not None and proposal.not_before > now


def reject(click: Click) -> Decided:
    """Say no, or while the recall window runs: take it back."""
    actor = actor_of(click)
    sign(click, actor)
    recalled = click.proposal.state is ProposalState.APPROVED
    proposal = move(
        click.transaction,
        click.proposal,
        ProposalState.RECALLED if recalled else ProposalState.REJECTED,
        reason=click.decision.reason.value,
    )
    withdraw(click.transaction, proposal.proposal_id, f"recalled by {click.user.user_id}")
    release(click.transaction, proposal.proposal_id)
    overrule(click)
    open_outcome(click.transaction, proposal.proposal_id)
    word = "recalled" if recalled else "rejected"
    until = click.now.date() + REST_AFTER_REJECTION
    rest(click.transaction, proposal, f"{word} by {click.user.user_id}", until)
    return Decided(proposal=proposal)


def recall(click: Click) -> Decided:
    """Take back what was approved.

    Raises
    ------
    DecisionRefusedError
        If its window is over, or it was not approved yet.
    LostRaceError
        If it is on its way, or ended.
    """
    proposal = click.proposal
    if recallable(proposal, click.now):
        return reject(click)
    if proposal.state is ProposalState.PENDING:
        raise DecisionRefusedError(f"proposal {proposal.proposal_id} is not approved yet: reject it instead")
    if proposal.state is ProposalState.APPROVED:
        raise DecisionRefusedError(
            f"the recall window of proposal {proposal.proposal_id} ended at "
            f"{proposal.not_before or click.now:%Y-%m-%d %H:%M} UTC; the kill switch stops what is not sent yet"
        )
    raise LostRaceError(
        f"proposal {proposal.proposal_id} is {proposal.state.value} and can no longer be recalled; "
        "what was sent is undone by a move back"
    )


def rest(transaction: Transaction, proposal: Proposal, reason: str, until: date) -> None:
    """Let the case rest until a day."""
    set_case_state(transaction, proposal.content.case_id, CaseState.WAITING, reason, resume_on=until)
