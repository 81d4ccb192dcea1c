"""The life of a proposal: which state may follow which, and the one function that moves it.

Every arrow is a conditional update on (id, state, state version) that writes its audit event in the same transaction;
zero rows updated means somebody else was first.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update

from inventory.database import Transaction
from inventory.errors import LostRaceError, StoreError
from inventory.records import Proposal, ProposalState
from inventory.tables import proposals

S = ProposalState

ARROWS: dict[ProposalState, frozenset[ProposalState]] = {
    S.DRAFT: frozenset({S.PENDING, S.VOID, S.SUPERSEDED}),
    S.PENDING: frozenset(
        {S.APPROVED, S.REJECTED, S.EXPIRED, S.SNOOZED, S.VOID, S.SUPERSEDED, S.PENDING},
    ),
    S.SNOOZED: frozenset({S.PENDING, S.VOID}),
    S.APPROVED: frozenset({S.LEASED, S.RECALLED, S.EXPIRED, S.VOID}),
    S.LEASED: frozenset({S.SENT, S.APPROVED}),
    S.SENT: frozenset({S.EXECUTED, S.FAILED, S.IN_DOUBT}),
    S.IN_DOUBT: frozenset({S.EXECUTED, S.FAILED, S.INCIDENT}),
}
"""From each state, the states that may follow; a state without an entry is final."""

EVENTS: dict[ProposalState, str] = {
    S.PENDING: "proposal.queued",
    S.SNOOZED: "proposal.snoozed",
    S.APPROVED: "proposal.approved",
    S.LEASED: "proposal.leased",
    S.SENT: "proposal.sent",
    S.EXECUTED: "proposal.executed",
    S.FAILED: "proposal.failed",
    S.IN_DOUBT: "proposal.doubted",
    S.INCIDENT: "proposal.incident_opened",
    S.REJECTED: "proposal.rejected",
    S.EXPIRED: "proposal.expired",
    S.RECALLED: "proposal.recalled",
    S.VOID: "proposal.voided",
    S.SUPERSEDED: "proposal.superseded",
}


def move(
    transaction: Transaction,
    proposal: Proposal,
    to: ProposalState,
    *,
    reason: str = "",
    **columns: Any,
) -> Proposal:
    """Move a proposal along one arrow.

    Parameters
    ----------
    proposal
        As the caller read it; its state and version are the condition.
    reason
        Why, for people; kept on the row and in the audit entry.
    columns
        Other columns of ``proposals`` set with the move: ``tier``, ``not_before``, ``snoozed_until``, ``lease_until``,
        ``fencing``.

    Raises
    ------
    StoreError
        If the arrow does not exist.
    LostRaceError
        If the proposal has moved since it was read.
    """
    if to not in ARROWS.get(proposal.state, frozenset()):
        raise StoreError(f"proposal {proposal.proposal_id}: no way from {proposal.state} to {to}")
    changed = transaction.connection.execute(
        update(proposals)
        .where(
            proposals.c.proposal_id == proposal.proposal_id,
            proposals.c.state == proposal.state.value,
            proposals.c.state_version == proposal.state_version,
        )
        .values(state=to.value, state_version=proposal.state_version + 1, reason=reason, **columns)
    )
    if changed.rowcount != 1:
        raise LostRaceError(
            f"proposal {proposal.proposal_id} is no longer {proposal.state} (version {proposal.state_version}); "
            "somebody else was first"
        )
    transaction.record(
        EVENTS[to],
        "proposal",
        proposal.proposal_id,
        {
            "from": proposal.state.value,
            "to": to.value,
            "digest": proposal.digest,
            "reason": reason,
            "set": {name: _plain(value) for name, value in sorted(columns.items())},
        },
    )
    kept = {name: value for name, value in columns.items() if name in Proposal.model_fields}
    return proposal.model_copy(
        update={"state": to, "state_version": proposal.state_version + 1, "reason": reason, **kept}
    )


def _plain(value: Any) -> Any:
    """A column's value as the log tells it."""
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
