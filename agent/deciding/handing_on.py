"""Escalate and delegate: the same proposal as another role's, or another person's, task."""

from __future__ import annotations

from agent.approval_policy import expiry
from agent.deciding.entitlement import actor_of, people_of, signature_by, waiting_of
from agent.deciding.request import Click, Decided
from agent.deciding.signing import sign
from agent.errors import DecisionRefusedError
from agent.rights import rights_in_force
from agent.rights_tasks import role_above
from agent.ruling import policy_in_force, rule
from agent.signing_rights import Law
from inventory.escalations import insert_escalation, list_escalations
from inventory.handovers import insert_handover, list_handovers
from inventory.lifecycle import move
from inventory.proposals import list_rulings
from inventory.records import EVERYTHING, ProposalState, Tier


def escalate(click: Click) -> Decided:
    """Make it the task of the role above, once; what a planner could sign takes formal approval then."""
    actor = actor_of(click)
    transaction, proposal = click.transaction, click.proposal
    name = f"proposal {proposal.proposal_id}"
    if proposal.tier is None or proposal.tier is Tier.ADVICE:
        raise DecisionRefusedError(f"{name} is advice, which nobody signs: reject or snooze it instead")
    before = list_escalations(click.connection, EVERYTHING).get(proposal.proposal_id)
    if before is not None:
        raise DecisionRefusedError(
            f"{name} already needs {proposal.tier.value} approval: it was escalated to {before.to_role} at "
            f"{before.at:%Y-%m-%d %H:%M} UTC, and that is done once; delegate it to a named person instead"
        )
    from_role, to_role = role_above(click.connection, click.now, proposal)
    if from_role == to_role:
        raise DecisionRefusedError(f"{name} is with {from_role} already, and nobody stands above")
    sign(click, actor)
    insert_escalation(transaction, proposal.proposal_id, from_role, to_role)
    _, policy = rule(click.toolbox, click.connection, click.gate, proposal)
    raised = move(
        transaction, proposal, ProposalState.PENDING, reason=f"escalated by {click.user.user_id}", tier=Tier.FORMAL,
        expires_at=click.now + expiry(Tier.FORMAL, policy),
    )  # fmt: skip
    return Decided(proposal=raised)


def delegate(click: Click) -> Decided:
    """Make it the task of a named person, who may sign it as it stands."""
    actor_of(click)
    connection, proposal, to_user = click.connection, click.proposal, click.decision.to
    people = people_of(connection, click.user)
    person = people.get(to_user)
    if person is None or to_user == click.user.user_id:
        what = "is no user" if person is None else "would hand it to themselves"
        raise DecisionRefusedError(f"{to_user} {what}: name another person who may sign (--to USER)")
    last = list_handovers(connection, EVERYTHING).get(proposal.proposal_id)
    if last is not None and last.to_user == to_user:
        raise DecisionRefusedError(f"proposal {proposal.proposal_id} is the task of {to_user} already")
    known = list_rulings(connection, EVERYTHING, proposal.proposal_id)[-1]
    waiting = waiting_of(connection, proposal, known.model_copy(update={"tier": proposal.tier or known.tier}))
    law = Law(policy_in_force(connection, at=click.now).approvers, rights_in_force(connection, click.now))
    signature, refusal = signature_by(connection, person, waiting, law, click.now, people)
    if signature is None:
        raise DecisionRefusedError(f"{to_user} could not sign it ({refusal}): name somebody who may, or escalate it")
    insert_handover(
        click.transaction, proposal.proposal_id, by=click.user.user_id, to_user=to_user, text=click.decision.text
    )
    return Decided(proposal=proposal)
