"""Snooze, wake and expire: proposals that wait for a moment, for something in the data, or that nobody answered."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from agent.deciding.conditions import fulfilled
from agent.deciding.entitlement import actor_of
from agent.deciding.refusing import rest
from agent.deciding.request import Click, Decided
from agent.deciding.signing import sign
from agent.errors import DecisionRefusedError
from agent.ruling import policy_of
from inventory.cases import set_case_state
from inventory.crash_points import crash_point
from inventory.ledger import release
from inventory.lifecycle import move
from inventory.proposals import list_proposals
from inventory.records import EVERYTHING, CaseState, Proposal, ProposalState
from inventory.snoozes import Snooze, end_snooze, find_snooze, insert_snooze
from tools.errors import ToolInputError
from tools.toolbox import Toolbox


def snooze(click: Click) -> Decided:
    """Let a proposal sleep until a moment, or until something is so; its units are free meanwhile."""
    actor = actor_of(click)
    decision, transaction, proposal = click.decision, click.transaction, click.proposal
    until = decision.until or (click.now + _longest_wait(click) if decision.when else None)
    if until is None or until <= click.now:
        raise DecisionRefusedError(
            "a snooze needs a date that lies ahead (--until 2024-04-15) or a condition (--when ...)"
        )
    if decision.when is not None and (seen := fulfilled(click.toolbox, click.connection, decision.when)):
        raise DecisionRefusedError(f"there is nothing to wait for: {seen}; approve, edit or reject it now")
    sign(click, actor)
    snoozed = move(transaction, proposal, ProposalState.SNOOZED, reason=decision.reason.value, snoozed_until=until)
    insert_snooze(
        transaction,
        Snooze(
            proposal_id=proposal.proposal_id, by=click.user.user_id, at=click.now, until=until, condition=decision.when
        ),
    )
    release(transaction, proposal.proposal_id)
    rest(transaction, proposal, f"snoozed by {click.user.user_id}", until.date())
    return Decided(proposal=snoozed)


def _longest_wait(click: Click) -> timedelta:
    """A snooze without a date ends after this at the latest: a condition may never come true."""
    policy = policy_of(click.toolbox, click.connection, click.proposal)
    return timedelta(days=policy.snooze.longest_wait_days)


def expire(toolbox: Toolbox, *, actor: str = "evenkeel") -> list[str]:
    """Let proposals whose time has run out expire, and wake the snoozed ones; their units are free again."""
    now = toolbox.now()
    gone = []
    with toolbox.database.write(actor, now) as transaction:
        waiting = (ProposalState.PENDING, ProposalState.SNOOZED)
        for proposal in list_proposals(transaction.connection, EVERYTHING, states=waiting):
            if proposal.state is ProposalState.SNOOZED:
                woken_by = what_wakes(toolbox, transaction.connection, proposal)
                if not woken_by:
                    continue
                move(transaction, proposal, ProposalState.VOID, reason=f"the snooze is over: {woken_by}; planned anew")
                end_snooze(transaction, proposal.proposal_id, woken_by)
            elif proposal.expires_at <= now:
                move(transaction, proposal, ProposalState.EXPIRED, reason="nobody decided in time")
            else:
                continue
            release(transaction, proposal.proposal_id)
            set_case_state(transaction, proposal.content.case_id, CaseState.OPEN)
            gone.append(proposal.proposal_id)
        crash_point("expire.before_commit")
    crash_point("expire.after_commit")
    return gone


def what_wakes(toolbox: Toolbox, connection: Connection, proposal: Proposal) -> str:
    """What ends the sleep of a proposal at this moment, in words; empty while it sleeps on."""
    if proposal.snoozed_until is not None and proposal.snoozed_until <= toolbox.now():
        return "its time has come"
    known = find_snooze(connection, EVERYTHING, proposal.proposal_id)
    if known is None or known.condition is None:
        return ""
    try:
        return fulfilled(toolbox, connection, known.condition)
    except ToolInputError as error:
        return str(error)  # what it waited for is gone from the data, and would never come
