"""Every event the log may hold, by kind: the one list, read by the verifier of the house and by people.

An event is a thing that happened, in the past tense. A test holds every ``record`` call in the code against this list.
"""

from __future__ import annotations

from enum import StrEnum


class EventKind(StrEnum):
    """What sort of thing happened."""

    DECISION = "decision"
    POLICY = "policy"
    RIGHTS = "rights"
    DATA = "data"
    EXECUTION = "execution"
    REFUSAL = "refusal"
    CONFIGURATION = "configuration"


_BY_KIND: dict[EventKind, tuple[str, ...]] = {
    EventKind.DATA: (
        "case.found_again", "case.missed", "case.moved", "case.opened", "case.closed",
        "capacity.limited", "capacity.lowered", "import.refused",
        "ledger.refreshed", "outcome.observed", "outcome.open", "scenario.stored", "segments.assigned",
        "snapshot.imported", "sweep.finished",
    ),
    EventKind.DECISION: (
        "approval.given", "budget.overdrawn", "message.drafted",
        "freeze.asked", "freeze.confirmed", "freeze.ended", "freeze.grown", "freeze.lift_asked", "freeze.lifted",
        "freeze.withdrawn", "override.recorded", "plan.made", "proposal.approved", "proposal.drafted",
        "proposal.escalated", "proposal.expired", "proposal.explained", "proposal.handed_on", "proposal.queued",
        "proposal.recalled", "proposal.rejected", "proposal.revalidated", "proposal.ruled", "proposal.snoozed",
        "proposal.superseded", "proposal.voided", "question.answered", "question.asked", "replenishment.recommended",
        "capacity.held", "capacity.moved", "reservation.held", "reservation.released", "snooze.begun", "snooze.ended",
    ),
    EventKind.EXECUTION: (
        "action.applied", "action.enqueued", "action.executed", "action.failed", "action.in_doubt", "action.ready",
        "action.ruled", "action.sent", "budget.ordered", "proposal.doubted", "proposal.executed", "proposal.failed",
        "executor.outlived", "executor.taken", "proposal.incident_opened", "proposal.leased", "proposal.sent",
        "message.answered", "message.sent", "reservation.absorbed", "reservation.posted",
        "task.done", "task.doubted", "task.opened", "task.refused",
    ),
    EventKind.POLICY: (
        "document.added", "document.confirmed", "document.deleted", "document.refused", "document.uploaded",
        "document.withdrawn", "policy.adopted", "policy.confirmed", "policy.proposed", "policy.rejected",
        "policy.withdrawn", "rule.confirmed", "rule.refused", "rule.suggested",
    ),
    EventKind.RIGHTS: ("delegation.granted", "delegation.revoked", "token.issued", "token.revoked", "user.saved"),
    EventKind.REFUSAL: ("decision.refused",),
    EventKind.CONFIGURATION: (
        "audit.checked", "backup.restored", "configuration.changed", "database.granted", "retention.purged",
        "signing_key.created", "switch.lifted",
        "switch.set",
    ),
}  # fmt: skip

EVENTS: dict[str, EventKind] = {name: kind for kind, names in _BY_KIND.items() for name in names}
"""Kind of each event."""
