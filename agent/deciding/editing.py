"""Edit: other quantities, or a line struck, make another proposal, which goes through the gate like any other."""

from __future__ import annotations

from agent.deciding.entitlement import actor_of
from agent.deciding.request import Click, Decided
from agent.deciding.signing import overrule, sign
from agent.lane_budgets import lane_budgets
from agent.purchase_budgets import hold_budget
from agent.ruling import policy_of
from agent.signing_rights import Signature
from inventory.allotment import Wish, allot
from inventory.capacity import take_capacity
from inventory.cases import find_case
from inventory.database import Transaction
from inventory.errors import NotEnoughStockError
from inventory.ledger import release, reserve
from inventory.lifecycle import move
from inventory.proposals import insert_proposal, next_version
from inventory.record import short_id
from inventory.records import EVERYTHING, ActionKind, CaseKind, Proposal, ProposalLine, ProposalState
from tools.action_kinds import takes_stock
from tools.errors import RuleBrokenError, ToolInputError
from tools.lane_claims import lane_claims
from tools.lot_rules import LotRules
from tools.plan import STUB_LIFETIME
from tools.rules.standing import broken_rules
from tools.toolbox import Toolbox


def edit(click: Click) -> Decided:
    """Replace the proposal by another version, asked for by whoever edits it, who may not sign it."""
    actor = actor_of(click)
    proposal = click.proposal
    lines = edited_lines(proposal, click.decision.quantities)
    value = sum(_share(proposal, line) for line in lines)
    return another_version(click, actor, lines, value, f"edited by {click.user.user_id}")


def another_version(
    click: Click,
    actor: Signature,
    lines: tuple[ProposalLine, ...],
    value_minor: int,
    why: str,
    action: ActionKind | None = None,
) -> Decided:
    """Supersede the proposal by one with other lines, and hold what they take.

    Parameters
    ----------
    value_minor
        What the new version puts at stake.
    action
        What it is as a whole; the same as before when omitted.
    """
    transaction, proposal = click.transaction, click.proposal
    sign(click, actor)
    move(transaction, proposal, ProposalState.SUPERSEDED, reason=why)
    release(transaction, proposal.proposal_id)
    overrule(click)
    version = next_version(click.connection, EVERYTHING, proposal.content.case_id)
    content = proposal.content.model_copy(
        update={
            "version": version, "lines": lines, "value_minor": value_minor,
            "action": action or proposal.content.action,
        }
    )  # fmt: skip
    edited = Proposal(
        proposal_id=short_id("prop", content.case_id, str(version)),
        content=content,
        state=ProposalState.DRAFT,
        state_version=1,
        tier=None,
        requested_by=click.user.user_id,
        created_at=click.now,
        expires_at=click.now + STUB_LIFETIME,
    )
    insert_proposal(transaction, edited)
    take(click.toolbox, transaction, edited)
    return Decided(proposal=edited)


def take(toolbox: Toolbox, transaction: Transaction, edited: Proposal) -> None:
    """Hold the units of a person's version, of lots the receivers may have, and its share of lanes and their budgets.

    Raises
    ------
    NotEnoughStockError
        If fewer units are free.
    NotEnoughCapacityError
        If a lane or its budget has less left.
    RuleBrokenError
        If the lines break a machine rule in force.
    """
    connection, content = transaction.connection, edited.content
    wishes = [
        Wish(edited.proposal_id, line.number, *place, line.destination, line.quantity)
        for line in content.lines
        if (place := takes_stock(line)) is not None
    ]
    snapshot = toolbox.snapshot()
    lots = LotRules(snapshot, toolbox.rules(connection))
    allotted = allot(connection, lots.applied(connection, wishes, {edited.proposal_id: content}))
    for why in allotted.refused.values():
        raise NotEnoughStockError(why)
    reserve(transaction, allotted.takes)
    broken = broken_rules(toolbox, connection, edited)
    if broken:
        raise RuleBrokenError("; ".join(broken))
    regular = find_case(connection, EVERYTHING, content.case_id).case.kind is CaseKind.REPLENISHMENT
    # Regular supply takes room on its lanes, and nothing of the budgets that keep goods from moving to and fro.
    budgets = None if regular else lane_budgets(toolbox, connection)
    take_capacity(transaction, edited.proposal_id, lane_claims(content, toolbox.lanes(snapshot), budgets))
    # What a budget has no room for is the gate's to send to its owner.
    hold_budget(toolbox, transaction, edited, policy_of(toolbox, connection, edited))


def edited_lines(proposal: Proposal, quantities: dict[int, int]) -> tuple[ProposalLine, ...]:
    """The lines with other quantities, struck ones left out.

    Raises
    ------
    ToolInputError
        If a line is unknown, a quantity negative, nothing is left or nothing changes.
    """
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
