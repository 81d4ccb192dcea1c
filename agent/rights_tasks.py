"""Who must act: the owner of a case or of a proposal that waits, and its one escalation when nobody answers.

The named planner of a case stays its owner while the task is a planner's and they are active. An unanswered proposal
becomes another role's task once; its tier, and who may sign it, stay what they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from agent.policy_book import load_policy
from agent.policy_document import Approvers
from agent.rights import Rights, Task, escalation_for, held_by, matters, rights_in_force, signers, task_for
from agent.rights_document import Matter
from inventory.cases import find_case
from inventory.database import Transaction
from inventory.delegations import Delegation, list_delegations
from inventory.escalations import Escalated, insert_escalation, list_escalations
from inventory.handovers import Handover, list_handovers
from inventory.people import list_users
from inventory.proposals import list_proposals, list_rulings
from inventory.records import EVERYTHING, Case, Proposal, ProposalState, Tier, User
from inventory.rulebook import find_policy

if TYPE_CHECKING:
    from tools.toolbox import Toolbox

PLANNER = "planner"


@dataclass(frozen=True)
class Due:
    """A proposal nobody has answered in time."""

    proposal: Proposal
    from_role: str
    to_role: str
    waited: timedelta


@dataclass(frozen=True)
class Desk:
    """What decides whose task something is, read once for a whole list."""

    rights: Rights
    approvers: Approvers
    people: tuple[User, ...]
    escalated: Mapping[str, Escalated]
    delegations: tuple[Delegation, ...]
    """Those in force."""
    handovers: Mapping[str, Handover]
    """Proposals that were made a named person's task."""

    def task_of_case(self, case: Case) -> Task:
        """Whose task a case is that has no proposal waiting."""
        return self._named(task_for(self.rights, self.people, _matter(case, None)), case)

    def task_of_proposal(self, case: Case, proposal: Proposal) -> Task:
        """Whose task a proposal is that waits for a signature."""
        matter = _matter(case, proposal)
        if proposal.tier is None or proposal.tier is Tier.ADVICE:
            return self._named(task_for(self.rights, self.people, matter), case)
        may_sign = self.may_sign(case, proposal)
        moved, handed = self.escalated.get(proposal.proposal_id), self.handovers.get(proposal.proposal_id)
        if handed is not None and (moved is None or handed.at >= moved.at) and handed.to_user in self._active:
            role = next((role for role in may_sign if role in self._active[handed.to_user].roles), "delegate")
            return Task(role=role, users=(handed.to_user,))
        if moved is not None:
            return held_by(self.rights, self.people, moved.to_role, matter.site, matter.item_class, may_sign=may_sign)
        return self._named(task_for(self.rights, self.people, matter, may_sign=may_sign), case)

    @property
    def _active(self) -> dict[str, User]:
        return {user.user_id: user for user in self.people if user.active}

    def may_sign(self, case: Case, proposal: Proposal) -> tuple[str, ...]:
        """Roles that may sign a proposal, by both documents, the one asked first in front."""
        content, tier = proposal.content, proposal.tier or Tier.FORMAL
        touched = matters(case.kind, content.action, content.sites, case.item_classes, content.value_minor)
        found = signers(self.rights, tier, touched)
        bound = self.approvers.formal if found.tier is Tier.FORMAL else self.approvers.planner
        return tuple(role for role in found.roles if role in bound)

    def words(self, task: Task) -> str:
        """The task in words, with who stands in: ``planner: ben.planner (cara.planner acts for ben.planner)``."""
        acting = [f"{' and '.join(takers)} acts for {user}" for user, takers in self.stand_ins(task).items()]
        return task.words + (f" ({', '.join(acting)})" if acting else "")

    def stand_ins(self, task: Task) -> dict[str, tuple[str, ...]]:
        """Who acts for the people of a task at the moment."""
        return {
            user: found
            for user in task.users
            if (found := tuple(sorted({made.to_user for made in self.delegations if made.from_user == user})))
        }

    def _named(self, task: Task, case: Case) -> Task:
        if PLANNER in (task.role, task.deputy_for) and case.planner in task.users:
            return task.model_copy(update={"users": (case.planner,)})
        return task


def task_desk(connection: Connection, now: datetime) -> Desk:
    """Everything that decides whose task something is, as it stands."""
    return Desk(
        rights=rights_in_force(connection, now),
        approvers=load_policy(find_policy(connection, EVERYTHING, "approval", at=now).content).approvers,
        people=tuple(list_users(connection, EVERYTHING)),
        escalated=list_escalations(connection, EVERYTHING),
        delegations=tuple(made for made in list_delegations(connection, EVERYTHING) if made.in_force(now)),
        handovers=list_handovers(connection, EVERYTHING),
    )


def escalations_due(connection: Connection, now: datetime) -> list[Due]:
    """Pending proposals that have waited too long and were not escalated before, the longest wait first.

    The wait counts from the first ruling, when the proposal was put before people. Advice waits for nobody's signature,
    and what is with the right role already has nowhere to go.
    """
    pending = list_proposals(connection, EVERYTHING, states=(ProposalState.PENDING,))
    if not pending:
        return []
    desk = task_desk(connection, now)
    due = []
    for proposal in pending:
        if proposal.tier is None or proposal.tier is Tier.ADVICE or proposal.proposal_id in desk.escalated:
            continue
        case = find_case(connection, EVERYTHING, proposal.content.case_id).case
        found = escalation_for(desk.rights, proposal.tier, _matter(case, proposal))
        since = min((ruling.at for ruling in list_rulings(connection, EVERYTHING, proposal.proposal_id)), default=None)
        waited = now - (since or proposal.created_at)
        role = desk.task_of_proposal(case, proposal).role
        if waited >= found.after and role != found.to and now < proposal.expires_at:
            due.append(Due(proposal, role, found.to, waited))
    return sorted(due, key=lambda one: (-one.waited, one.proposal.proposal_id))


def role_above(connection: Connection, now: datetime, proposal: Proposal) -> tuple[str, str]:
    """The role whose task a proposal is, and the one it escalates to; equal where nobody stands above."""
    desk = task_desk(connection, now)
    case = find_case(connection, EVERYTHING, proposal.content.case_id).case
    role = desk.task_of_proposal(case, proposal).role
    above = escalation_for(desk.rights, proposal.tier or Tier.FORMAL, _matter(case, proposal)).to
    return role, above if above != role else desk.rights.uncovered.role


def escalate_overdue(toolbox: Toolbox, *, actor: str = "evenkeel") -> list[Escalated]:
    """Make every proposal nobody answered in time another role's task, once; safe to run at any moment."""
    now = toolbox.now()
    with toolbox.database.write(actor, now) as transaction:
        return _escalate(transaction, now)


def _escalate(transaction: Transaction, now: datetime) -> list[Escalated]:
    return [
        insert_escalation(transaction, due.proposal.proposal_id, due.from_role, due.to_role)
        for due in escalations_due(transaction.connection, now)
    ]


def _matter(case: Case, proposal: Proposal | None) -> Matter:
    """Where a case, or its proposal, is answered for: at the place that receives, else at the first one found."""
    lines = proposal.content.lines if proposal else ()
    sites = [line.destination for line in lines] or [finding.site for finding in case.findings] or [""]
    return Matter(
        kind=case.kind,
        action=proposal.content.action if proposal else None,
        site=sites[0],
        item_class=min(case.item_classes, default=""),
        value_minor=proposal.content.value_minor if proposal else case.money_at_risk.total,
    )
