"""Who may sign, and who may act on a proposal at all, by people, rights and delegations as they stand at the click."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from agent.deciding.request import Click
from agent.errors import DecisionRefusedError
from agent.policy_document import Approvers
from agent.rights import rights_in_force
from agent.rights_tasks import task_desk
from agent.ruling import policy_in_force
from agent.signing_rights import Law, Signature, Waiting, entitlement, signatures_missing
from inventory.cases import find_case
from inventory.delegations import delegations_to
from inventory.people import NEVER_SIGN, list_users
from inventory.proposals import list_approvals
from inventory.records import EVERYTHING, Case, Proposal, Ruling, User

MAY_ACT_BESIDES = "buyer"
"""A role that may edit, reject, ask … although it signs only where it is asked for by name."""


def signature_of(click: Click, ruling: Ruling, approvers: Approvers) -> tuple[Signature, tuple[str, ...]]:
    """How the user signs this digest, and what will be missing still.

    Raises
    ------
    DecisionRefusedError
        If they may not.
    """
    connection = click.connection
    waiting = waiting_of(connection, click.proposal, ruling)
    law = Law(approvers, rights_in_force(connection, click.now))
    people = people_of(connection, click.user)
    signature, refusal = signature_by(connection, people[click.user.user_id], waiting, law, click.now, people)
    if signature is None:
        raise DecisionRefusedError(f"{refusal}; {who_may(click)}")
    signed = waiting.model_copy(update={"signed": (*waiting.signed, signature)})
    return signature, signatures_missing(signed, law, people)


def signature_by(
    connection: Connection, user: User, waiting: Waiting, law: Law, now: datetime, people: Mapping[str, User]
) -> tuple[Signature | None, str]:
    """How somebody would sign, by their own right or a delegation in force; ``None`` and why not when they may not."""
    lent = delegations_to(connection, EVERYTHING, user.user_id, now)
    return entitlement(user, waiting, law, now, lent, people)


def people_of(connection: Connection, user: User) -> dict[str, User]:
    """Everybody as stored now; whoever asks and is not stored as they came."""
    return {user.user_id: user, **{person.user_id: person for person in list_users(connection, EVERYTHING)}}


def waiting_of(connection: Connection, proposal: Proposal, ruling: Ruling) -> Waiting:
    """A proposal as it waits for signatures under a ruling."""
    case = find_case(connection, EVERYTHING, proposal.content.case_id).case
    return Waiting(
        content=proposal.content,
        case_kind=case.kind,
        item_classes=tuple(sorted(set(case.item_classes))),
        tier=ruling.tier,
        two_people=ruling.two_people,
        needs_roles=ruling.needs_roles,
        one_of_roles=ruling.one_of_roles,
        value_minor=max(proposal.content.value_minor, int(ruling.aggregates.get("summed_value_minor", 0))),
        requested_by=proposal.requested_by,
        last_editor=proposal.requested_by,
        signed=tuple(
            Signature(by=approval.by, on_behalf_of=approval.on_behalf_of)
            for approval in list_approvals(connection, EVERYTHING, proposal.proposal_id)
            if approval.decision == "approve" and approval.proposal_digest == proposal.digest
        ),
    )


def actor_of(click: Click) -> Signature:
    """In whose right the user acts: edit, reject, recall, ask, escalate, snooze and delegate need a role that signs.

    Raises
    ------
    DecisionRefusedError
        If they hold no such role for a site and class of the proposal, and stand in for nobody who does.
    """
    connection, user = click.connection, click.user
    approvers = policy_in_force(connection, at=click.now).approvers
    people = people_of(connection, user)
    user = people[user.user_id]
    case = find_case(connection, EVERYTHING, click.proposal.content.case_id).case
    refusal = why_not_act((user,), user, click.proposal, case, approvers)
    if not refusal:
        return Signature(by=user.user_id)
    for made in delegations_to(connection, EVERYTHING, user.user_id, click.now):
        giver = people.get(made.from_user)
        if giver and not why_not_act((user, giver), made.narrowed(giver), click.proposal, case, approvers):
            return Signature(by=user.user_id, on_behalf_of=giver.user_id)
    raise DecisionRefusedError(f"{refusal}; {who_may(click)}")


def why_not_act(persons: tuple[User, ...], holder: User, proposal: Proposal, case: Case, approvers: Approvers) -> str:
    """Why somebody may not act in the holder's right; empty when they may."""
    roles = {*approvers.planner, *approvers.formal, MAY_ACT_BESIDES}
    for person in persons:
        never = set(person.roles) & {*NEVER_SIGN, *approvers.excluded}
        if not person.active or never:
            return f"{_named(person)} may not decide; needed: {', '.join(sorted(roles))}"
    if not set(holder.roles) & roles:
        return f"{_named(holder)} may not decide; needed: {', '.join(sorted(roles))}"
    sites = {*proposal.content.sites, *case.sites}
    if holder.sites is not None and not sites & set(holder.sites):
        return f"{holder.user_id} is responsible for none of the sites {', '.join(sorted(sites))}"
    if holder.item_classes is not None and not set(case.item_classes) & set(holder.item_classes):
        return f"{holder.user_id} has no right over items of class {', '.join(sorted(set(case.item_classes)))}"
    return ""


def who_may(click: Click) -> str:
    """Whose task it is: what somebody who may not decide can do instead."""
    case = find_case(click.connection, EVERYTHING, click.proposal.content.case_id).case
    desk = task_desk(click.connection, click.now)
    return f"it is with {desk.words(desk.task_of_proposal(case, click.proposal))}"


def _named(user: User) -> str:
    return f"{user.user_id} ({', '.join(user.roles) or 'no role'})"
