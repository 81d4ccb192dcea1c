"""What policy may approve at a site on a day, reserved in the transaction that rules; used up, a planner decides."""

from __future__ import annotations

from agent.policy_document import MINOR_PER_UNIT, ApprovalPolicy
from inventory.capacity import CapacityKind, Claim, Slot, take_capacity
from inventory.database import Transaction
from inventory.errors import NotEnoughCapacityError
from inventory.records import ActionKind, FiredRule, Proposal, Ruling, Tier


def within_auto_budget(transaction: Transaction, proposal: Proposal, ruling: Ruling, policy: ApprovalPolicy) -> Ruling:
    """The ruling, with the value held against the day's budget of every site it touches if policy is to sign.

    The budget goes along with the proposal's units: whatever releases those gives it back.
    """
    if ruling.tier is not Tier.AUTO or proposal.content.action is ActionKind.HOLD:
        return ruling
    limit = policy.budget.auto_per_site_day * MINOR_PER_UNIT
    claims = [
        Claim(Slot(CapacityKind.AUTO_VALUE, site, transaction.now.date()), max(proposal.content.value_minor, 0), limit)
        for site in sorted(set(proposal.content.sites))
    ]
    try:
        take_capacity(transaction, proposal.proposal_id, claims)
    except NotEnoughCapacityError as refused:
        used_up = FiredRule(rule="auto_budget", tier=Tier.PLANNER, reason=str(refused))
        return ruling.model_copy(update={"tier": Tier.PLANNER, "fired": (*ruling.fired, used_up)})
    return ruling
