"""What people decide: approve, edit, reject, snooze, escalate; each one conditional update with its audit entry.

The tier and every counter are recomputed in the deciding transaction. A stricter tier sends the proposal back to
pending; a refusal is recorded too.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pydantic import Field

from agent.approval_policy import expiry, recall_window
from agent.errors import DecisionRefusedError
from agent.policy_document import ApprovalPolicy
from agent.ruling import Gate, rule
from agent.signing_rights import may_approve
from inventory.cases import find_case, set_case_state
from inventory.chronicle import insert_override
from inventory.crash_points import crash_point
from inventory.database import Transaction
from inventory.errors import LostRaceError
from inventory.ledger import commit_reservations, hold, release
from inventory.lifecycle import move
from inventory.outbox import enqueue, list_outbox, move_document
from inventory.people import scope_of
from inventory.proposals import (
    find_proposal,
    insert_approval,
    insert_proposal,
    list_approvals,
    list_proposals,
    list_rulings,
    next_version,
    save_ruling,
)
from inventory.record import Record, Text, Utc, short_id
from inventory.records import (
    EVERYTHING,
    ActionKind,
    Approval,
    CaseState,
    DocumentState,
    Override,
    Proposal,
    ProposalLine,
    ProposalState,
    ReasonCode,
    Ruling,
    Tier,
    User,
)
from tools.actions import documents_of, reserved_lots
from tools.errors import ToolInputError
from tools.learning import open_outcome
from tools.plan import STUB_LIFETIME
from tools.toolbox import Toolbox

MINIMUM_PREFIX = 8
REST_AFTER_REJECTION = timedelta(days=7)


class Decision(Record):
    """What a person wants done with one proposal."""

    proposal_id: str
    digest_prefix: str = Field(pattern=r"^[0-9a-f]{8,64}$")
    """Beginning of the digest the person saw, so that nothing else is approved."""
    verb: str = Field(pattern=r"^(approve|edit|reject|snooze|escalate)$")
    reason: ReasonCode
    text: Text = ""
    quantities: dict[int, int] = Field(default_factory=dict)
    """For an edit: new quantity by line number; 0 strikes the line."""
    until: Utc | None = None
    """For a snooze."""


def decide(toolbox: Toolbox, gate: Gate, decision: Decision, user: User) -> Proposal:
    """Carry out one decision.

    Returns
    -------
    Proposal
        As it stands after it; for an edit, the new version, still a draft.

    Raises
    ------
    DecisionRefusedError
        If this person may not, or not now.
    LostRaceError
        If somebody else decided first.
    """
    try:
        with toolbox.database.write(user.user_id, toolbox.now()) as transaction:
            proposal = _read(transaction, decision, user)
            handlers = {
                "approve": _approve, "edit": _edit, "reject": _reject, "snooze": _snooze, "escalate": _escalate
            }  # fmt: skip
            result = handlers[decision.verb](toolbox, transaction, gate, proposal, decision, user)
            crash_point("decide.before_commit")
        crash_point("decide.after_commit")
    except DecisionRefusedError as refusal:
        with toolbox.database.write(user.user_id, toolbox.now()) as transaction:
            transaction.record(
                "decision.refused", "proposal", decision.proposal_id,
                {"verb": decision.verb, "user": user.user_id, "why": str(refusal)},
            )  # fmt: skip
        raise
    return result


def _read(transaction: Transaction, decision: Decision, user: User) -> Proposal:
    proposal = find_proposal(transaction.connection, scope_of(user), decision.proposal_id)
    if not proposal.digest.startswith(decision.digest_prefix):
        raise DecisionRefusedError(
            f"proposal {proposal.proposal_id} has digest {proposal.digest[:12]}, not {decision.digest_prefix}: "
            "it is not the one you saw"
        )
    if decision.verb == "reject" and recallable(proposal, transaction.now):
        return proposal
    if proposal.state is not ProposalState.PENDING:
        raise LostRaceError(
            f"proposal {proposal.proposal_id} is {proposal.state.value}"
            f"{f' ({proposal.reason})' if proposal.reason else ''} and no longer waits for a decision"
        )
    if proposal.expires_at <= transaction.now:
        raise DecisionRefusedError(
            f"proposal {proposal.proposal_id} expired at {proposal.expires_at:%Y-%m-%d %H:%M} UTC; "
            "the next sweep plans it anew"
        )
    return proposal


def recallable(proposal: Proposal, now: datetime) -> bool:
    """Whether it is approved and its recall window still runs: rejecting it then recalls it."""
    return proposal.state is ProposalState.APPROVED and proposal.not_before is not None and proposal.not_before > now


def _refuse_unless_entitled(
    transaction: Transaction, proposal: Proposal, user: User, ruling: Ruling, policy: ApprovalPolicy
) -> list[Approval]:
    """Earlier approvals of this digest, if the user may add one."""
    case = find_case(transaction.connection, EVERYTHING, proposal.content.case_id).case
    signed = [
        approval
        for approval in list_approvals(transaction.connection, EVERYTHING, proposal.proposal_id)
        if approval.decision == "approve" and approval.proposal_digest == proposal.digest
    ]
    why_not = may_approve(
        user,
        ruling.tier,
        proposal.content,
        case.item_classes,
        proposal.requested_by,
        proposal.requested_by,
        [approval.by for approval in signed],
        policy,
    )
    if why_not:
        raise DecisionRefusedError(why_not)
    return signed


def _approve(
    toolbox: Toolbox, transaction: Transaction, gate: Gate, proposal: Proposal, decision: Decision, user: User
) -> Proposal:
    ruling, policy = rule(toolbox, transaction.connection, gate, proposal)
    known = list_rulings(transaction.connection, EVERYTHING, proposal.proposal_id)[-1]
    asked = known.tier if proposal.tier is None else proposal.tier
    if ruling.tier.strictness > max(known.tier.strictness, asked.strictness):
        save_ruling(transaction, proposal.proposal_id, ruling)
        if ruling.tier is Tier.ADVICE:
            release(transaction, proposal.proposal_id)
        return move(
            transaction, proposal, ProposalState.PENDING, reason=f"facts changed: now {ruling.tier.value}",
            tier=ruling.tier, expires_at=transaction.now + expiry(ruling.tier, policy),
        )  # fmt: skip
    tier = max(ruling.tier, asked, key=lambda t: t.strictness)
    ruling = ruling.model_copy(update={"tier": tier})
    signed = _refuse_unless_entitled(transaction, proposal, user, ruling, policy)
    approval = _sign(transaction, proposal, decision, user)
    if ruling.two_people and tier is Tier.FORMAL and not signed:
        return move(transaction, proposal, ProposalState.PENDING, reason="a second person must sign", tier=tier)
    return release_for_execution(transaction, proposal, approval, tier, policy)


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


def _sign(transaction: Transaction, proposal: Proposal, decision: Decision, user: User) -> Approval:
    approval = Approval.model_validate(
        {
            "approval_id": short_id("appr", proposal.proposal_id, proposal.digest, decision.verb, user.user_id),
            "proposal_id": proposal.proposal_id,
            "proposal_digest": proposal.digest,
            "decision": decision.verb,
            "by": user.user_id,
            "kind": "person",
            "reason": decision.reason,
            "text": decision.text,
            "at": transaction.now,
        }
    )
    insert_approval(transaction, approval)
    return approval


def _entitled_to_act(transaction: Transaction, toolbox: Toolbox, gate: Gate, proposal: Proposal, user: User) -> None:
    """Edit, reject, snooze and escalate need a role that signs at all and a site in scope; not four eyes."""
    _, policy = rule(toolbox, transaction.connection, gate, proposal)
    roles = set(policy.approvers.planner) | set(policy.approvers.formal) | {"buyer"}
    if not user.active or not set(user.roles) & roles or set(user.roles) & set(policy.approvers.excluded):
        raise DecisionRefusedError(
            f"{user.user_id} ({', '.join(user.roles) or 'no role'}) may not decide; needed: {', '.join(sorted(roles))}"
        )


def _reject(
    toolbox: Toolbox, transaction: Transaction, gate: Gate, proposal: Proposal, decision: Decision, user: User
) -> Proposal:
    _entitled_to_act(transaction, toolbox, gate, proposal, user)
    _sign(transaction, proposal, decision, user)
    recall = proposal.state is ProposalState.APPROVED
    rejected = move(
        transaction,
        proposal,
        ProposalState.RECALLED if recall else ProposalState.REJECTED,
        reason=decision.reason.value,
    )
    for row in list_outbox(transaction.connection, EVERYTHING, proposal_id=proposal.proposal_id):
        move_document(transaction, row, DocumentState.FAILED, note=f"recalled by {user.user_id}")
    release(transaction, proposal.proposal_id)
    _overrule(transaction, proposal, decision, user)
    open_outcome(transaction, proposal.proposal_id)
    word = "recalled" if recall else "rejected"
    _rest(transaction, proposal, f"{word} by {user.user_id}", transaction.now.date() + REST_AFTER_REJECTION)
    return rejected


def _snooze(
    toolbox: Toolbox, transaction: Transaction, gate: Gate, proposal: Proposal, decision: Decision, user: User
) -> Proposal:
    _entitled_to_act(transaction, toolbox, gate, proposal, user)
    if decision.until is None or decision.until <= transaction.now:
        raise DecisionRefusedError("a snooze needs a date that lies ahead (--until 2024-04-15)")
    _sign(transaction, proposal, decision, user)
    snoozed = move(
        transaction, proposal, ProposalState.SNOOZED, reason=decision.reason.value, snoozed_until=decision.until
    )
    release(transaction, proposal.proposal_id)
    _rest(transaction, proposal, f"snoozed by {user.user_id}", decision.until.date())
    return snoozed


def _escalate(
    toolbox: Toolbox, transaction: Transaction, gate: Gate, proposal: Proposal, decision: Decision, user: User
) -> Proposal:
    _entitled_to_act(transaction, toolbox, gate, proposal, user)
    ruling, policy = rule(toolbox, transaction.connection, gate, proposal)
    if proposal.tier is not Tier.PLANNER:
        raise DecisionRefusedError(
            f"proposal {proposal.proposal_id} already needs {proposal.tier or ruling.tier} approval"
        )
    _sign(transaction, proposal, decision, user)
    return move(
        transaction, proposal, ProposalState.PENDING, reason=f"escalated by {user.user_id}", tier=Tier.FORMAL,
        expires_at=transaction.now + expiry(Tier.FORMAL, policy),
    )  # fmt: skip


def _edit(
    toolbox: Toolbox, transaction: Transaction, gate: Gate, proposal: Proposal, decision: Decision, user: User
) -> Proposal:
    """Other quantities make another proposal, which goes through the gate like any other."""
    _entitled_to_act(transaction, toolbox, gate, proposal, user)
    lines = _edited(proposal, decision.quantities)
    _sign(transaction, proposal, decision, user)
    move(transaction, proposal, ProposalState.SUPERSEDED, reason=f"edited by {user.user_id}")
    release(transaction, proposal.proposal_id)
    _overrule(transaction, proposal, decision, user)
    version = next_version(transaction.connection, EVERYTHING, proposal.content.case_id)
    content = proposal.content.model_copy(
        update={
            "version": version,
            "lines": lines,
            "value_minor": sum(_share(proposal, line) for line in lines),
        }
    )
    edited = Proposal(
        proposal_id=short_id("prop", content.case_id, str(version)),
        content=content,
        state=ProposalState.DRAFT,
        state_version=1,
        tier=None,
        requested_by=user.user_id,
        created_at=transaction.now,
        expires_at=transaction.now + STUB_LIFETIME,
    )
    insert_proposal(transaction, edited)
    for line in lines:
        if line.action is ActionKind.TRANSFER:
            hold(
                transaction, proposal_id=edited.proposal_id, line=line.number, item=line.item, site=line.origin,
                destination=line.destination, quantity=line.quantity,
            )  # fmt: skip
    return edited


def _edited(proposal: Proposal, quantities: dict[int, int]) -> tuple[ProposalLine, ...]:
    known = {line.number: line for line in proposal.content.lines}
    unknown = sorted(set(quantities) - set(known))
    if unknown:
        raise ToolInputError(
            f"proposal {proposal.proposal_id} has no line {unknown[0]}; it has {', '.join(map(str, sorted(known)))}"
        )
    negative = sorted(number for number, quantity in quantities.items() if quantity < 0)
    if negative:
        raise ToolInputError(f"line {negative[0]}: a quantity is at least 0, got {quantities[negative[0]]}")
    kept = [
        _rescaled(line, quantities.get(number, line.quantity))
        for number, line in sorted(known.items())
        if quantities.get(number, line.quantity) > 0
    ]
    if not kept:
        raise ToolInputError("an edit that strikes every line is a rejection: use reject")
    if tuple(kept) == proposal.content.lines:
        raise ToolInputError("the edit changes nothing; name a line and its new quantity (--line 1=40)")
    return tuple(kept)


def _rescaled(line: ProposalLine, quantity: int) -> ProposalLine:
    """The line with another quantity; its cost moves in proportion, rounded up."""
    cost = -(-line.cost_minor * quantity // line.quantity) if line.quantity else line.cost_minor
    return line.model_copy(update={"quantity": quantity, "cost_minor": cost})


def _share(proposal: Proposal, line: ProposalLine) -> int:
    """The line's part of the proposal's value, in proportion to units moved."""
    units = sum(known.quantity for known in proposal.content.lines)
    return -(-proposal.content.value_minor * line.quantity // units) if units else proposal.content.value_minor


def _overrule(transaction: Transaction, proposal: Proposal, decision: Decision, user: User) -> None:
    insert_override(
        transaction,
        Override(
            proposal_id=proposal.proposal_id,
            case_id=proposal.content.case_id,
            by=user.user_id,
            decision=decision.verb,
            reason=decision.reason,
            text=decision.text,
            at=transaction.now,
        ),
    )


def _rest(transaction: Transaction, proposal: Proposal, reason: str, until: date) -> None:
    set_case_state(transaction, proposal.content.case_id, CaseState.WAITING, reason, resume_on=until)


def expire(toolbox: Toolbox, *, actor: str = "evenkeel") -> list[str]:
    """Let proposals whose time has run out expire, and wake the snoozed ones; their units are free again."""
    now = toolbox.now()
    gone = []
    with toolbox.database.write(actor, now) as transaction:
        waiting = (ProposalState.PENDING, ProposalState.SNOOZED)
        for proposal in list_proposals(transaction.connection, EVERYTHING, states=waiting):
            if proposal.state is ProposalState.SNOOZED:
                if proposal.snoozed_until is None or proposal.snoozed_until > now:
                    continue
                move(transaction, proposal, ProposalState.VOID, reason="the snooze is over: planned anew")
            elif proposal.expires_at <= now:
                move(transaction, proposal, ProposalState.EXPIRED, reason="nobody decided in time")
            else:
                continue
            release(transaction, proposal.proposal_id)
            set_case_state(transaction, proposal.content.case_id, CaseState.OPEN)
            gone.append(proposal.proposal_id)
    return gone
