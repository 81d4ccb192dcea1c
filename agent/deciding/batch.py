"""Approve several at once: only what one rule asked for on one lane, each with its own check, signature and commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from sqlalchemy import Connection

from agent.deciding.request import Decided, Decision
from agent.deciding.verbs import Verb
from agent.errors import AgentError, DecisionRefusedError
from inventory.delegations import find_acting
from inventory.errors import InventoryError
from inventory.people import scope_of
from inventory.proposals import list_rulings
from inventory.record import Record
from inventory.records import EVERYTHING, Proposal, ProposalState, User
from inventory.revalidations import RevalidationReport
from tools.errors import ToolError, ToolInputError
from tools.toolbox import Toolbox

MOST = 50
"""Proposals in one batch: what a person can have looked at."""
Kind = tuple[str, str, str]
"""Action and tier, rules that asked for the tier, lane or supplier."""


class BatchRow(Record):
    """What became of one proposal of a batch."""

    proposal_id: str
    outcome: Literal["approved", "waits", "void", "refused"]
    words: str
    proposal: Proposal | None = None
    """As it stands afterwards; none where the decision was refused."""
    revalidation: RevalidationReport | None = None


def approve_all(
    toolbox: Toolbox, decisions: Sequence[Decision], user: User, decide: Callable[[Decision, User], Decided]
) -> tuple[BatchRow, ...]:
    """Approve each, in order; one that is refused or void does not stop the others.

    Raises
    ------
    ToolInputError
        If it is no batch: nothing in it, too much, something twice, or another verb than approve.
    DecisionRefusedError
        If they are not all of one rule and lane; it names the first that differs, and nothing is decided.
    """
    _refuse_what_is_no_batch(decisions)
    with toolbox.database.read() as connection:
        scope, now = scope_of(user), toolbox.now()
        seen = [find_acting(connection, scope, decision.proposal_id, now) for decision in decisions]
        first, *others = [(proposal, kind_of(connection, proposal)) for proposal in seen]
    for proposal, kind in others:
        if kind != first[1]:
            what, mine, other = next(
                found for found in zip(("tier", "rule", "lane"), first[1], kind, strict=True) if found[1] != found[2]
            )
            raise DecisionRefusedError(
                f"a batch is of one rule and lane: {proposal.proposal_id} has {what} {other or 'none'}, "
                f"{first[0].proposal_id} has {mine or 'none'}; decide about it by itself"
            )
    return tuple(_row(decision, user, decide) for decision in decisions)


def kind_of(connection: Connection, proposal: Proposal) -> Kind:
    """What two proposals must share to be approved in one batch."""
    newest = list_rulings(connection, EVERYTHING, proposal.proposal_id)[-1:]
    tier = proposal.tier or (newest[0].tier if newest else None)
    rules = sorted({fired.rule for ruling in newest for fired in ruling.fired if fired.tier is ruling.tier})
    lanes = sorted({f"{line.origin or line.supplier}>{line.destination}" for line in proposal.content.lines})
    return f"{proposal.content.action.value} {tier or 'no tier'}", ", ".join(rules), ", ".join(lanes)


def _refuse_what_is_no_batch(decisions: Sequence[Decision]) -> None:
    if not 1 <= len(decisions) <= MOST:
        raise ToolInputError(f"a batch has 1 to {MOST} proposals, not {len(decisions)}")
    named = [decision.proposal_id for decision in decisions]
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise ToolInputError(f"proposal {twice} is in the batch twice")
    other = next((decision.verb for decision in decisions if decision.verb is not Verb.APPROVE), None)
    if other is not None:
        raise ToolInputError(f"a batch approves; {other} takes one proposal at a time")


def _row(decision: Decision, user: User, decide: Callable[[Decision, User], Decided]) -> BatchRow:
    try:
        done = decide(decision, user)
    except (AgentError, InventoryError, ToolError) as error:
        return BatchRow(proposal_id=decision.proposal_id, outcome="refused", words=str(error))
    after = done.proposal
    outcome: Literal["approved", "waits", "void"] = "waits"
    if after.state is ProposalState.APPROVED:
        outcome = "approved"
    elif after.state is ProposalState.VOID:
        outcome = "void"
    return BatchRow(
        proposal_id=after.proposal_id, outcome=outcome, words=after.reason, proposal=after,
        revalidation=done.revalidation,
    )  # fmt: skip
