"""Money of contract budgets, held like units: at the draft, committed by the last signature, released by a refusal.

A proposal holds all it claims or nothing. What does not fit is a draft all the same, but holds none of the budget, so
that whoever comes after it may; the budget's owner can still agree to it, and then the overdraft is on record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from inventory.capacity import (
    CONTRACT_BUDGETS,
    Claim,
    Shortage,
    Slot,
    reserve_capacity,
    share_capacity,
    taken_now,
)
from inventory.capacity_holds import give_back_capacity, list_capacity_holds
from inventory.database import Transaction


def hold_budgets(transaction: Transaction, proposal_id: str, claims: Sequence[Claim]) -> Shortage | None:
    """Hold what a proposal claims of contract budgets as they are now, instead of what it held of them before.

    Returns
    -------
    Shortage | None
        Why it holds nothing, and who holds the rest; ``None`` when it holds all it claims.
    """
    connection = transaction.connection
    if _holds_them(connection, proposal_id, claims):
        return None
    give_back_capacity(transaction, proposal_id, CONTRACT_BUDGETS)
    shared = share_capacity(connection, {proposal_id: claims})
    reserve_capacity(transaction, shared.granted)
    return shared.refused.get(proposal_id)


def share_budgets(transaction: Transaction, wanted: Mapping[str, Sequence[Claim]]) -> dict[str, Shortage]:
    """Hold what drafts of one plan claim of contract budgets, in their order; those who came too late, and why."""
    shared = share_capacity(transaction.connection, wanted)
    reserve_capacity(transaction, shared.granted)
    return {proposal_id: why for proposal_id, why in shared.refused.items() if why.holders}


def spend_budgets(transaction: Transaction, proposal_id: str, claims: Sequence[Claim]) -> None:
    """The same at the last signature: what does not fit was agreed to by the budget's owner, and overdraws it."""
    if hold_budgets(transaction, proposal_id, claims) is None:
        return
    limits, spent = _limits(claims), _taken(transaction.connection, claims)
    for claim in claims:
        spent[claim.slot] += claim.amount
    lifted = [replace(claim, limit=max(claim.limit, spent[claim.slot])) for claim in claims]
    shared = share_capacity(transaction.connection, {proposal_id: lifted})
    reserve_capacity(transaction, shared.granted)
    over = [
        {"budget": str(slot), "limit": limit, "spent": spent[slot]}
        for slot, limit in sorted(limits.items())
        if spent[slot] > limit
    ]
    transaction.record("budget.overdrawn", "proposal", proposal_id, {"budgets": over})


def _holds_them(connection: Connection, proposal_id: str, claims: Sequence[Claim]) -> bool:
    """Whether a proposal holds exactly what it claims, and the budgets still have it."""
    held = [
        (hold.slot, hold.line, hold.amount)
        for hold in list_capacity_holds(connection, proposal_id=proposal_id, states=("held",))
        if hold.slot.kind in CONTRACT_BUDGETS
    ]
    if sorted(held) != sorted((claim.slot, claim.line, claim.amount) for claim in claims if claim.amount):
        return False
    taken = _taken(connection, claims)
    return all(taken[slot] <= limit for slot, limit in _limits(claims).items())


def _limits(claims: Sequence[Claim]) -> dict[Slot, int]:
    return {claim.slot: claim.limit for claim in claims}


def _taken(connection: Connection, claims: Sequence[Claim]) -> Counter[Slot]:
    """What everybody holds of the budgets, the proposal itself included."""
    return Counter(taken_now(connection, {claim.slot for claim in claims}))
