"""What people decide about a proposal; each verb one conditional update with its audit entry.

Facts, tier and every counter are read anew in the deciding transaction. A refusal is recorded too. The verbs are in
:mod:`agent.deciding`.
"""

from __future__ import annotations

from collections.abc import Callable

from agent.deciding.approving import approve
from agent.deciding.asking import answer, ask
from agent.deciding.choosing import choose
from agent.deciding.editing import edit
from agent.deciding.handing_on import delegate, escalate
from agent.deciding.refusing import recall, recallable, reject
from agent.deciding.request import Click, Decided, Decision, incomplete
from agent.deciding.signing import release_for_execution
from agent.deciding.sleeping import expire, snooze
from agent.deciding.verbs import Verb
from agent.errors import DecisionRefusedError
from agent.ruling import Gate
from inventory.crash_points import crash_point
from inventory.database import Transaction
from inventory.delegations import find_acting
from inventory.errors import LostRaceError
from inventory.people import scope_of
from inventory.records import Proposal, ProposalState, User
from tools.errors import ToolInputError
from tools.toolbox import Toolbox

__all__ = ["Decided", "Decision", "Verb", "decide", "expire", "recallable", "release_for_execution"]

VERBS: dict[Verb, Callable[[Click], Decided]] = {
    Verb.APPROVE: approve,
    Verb.EDIT: edit,
    Verb.CHOOSE: choose,
    Verb.REJECT: reject,
    Verb.RECALL: recall,
    Verb.ASK: ask,
    Verb.ANSWER: answer,
    Verb.ESCALATE: escalate,
    Verb.SNOOZE: snooze,
    Verb.DELEGATE: delegate,
}


def decide(toolbox: Toolbox, gate: Gate, decision: Decision, user: User) -> Decided:
    """Carry out one decision.

    Returns
    -------
    Decided
        The proposal as it stands after it (for an edit or a choice, the new version, still a draft), and what was
        found on the way.

    Raises
    ------
    ToolInputError
        If the decision lacks what its verb needs.
    DecisionRefusedError
        If this person may not, or not now; it says what to do instead.
    LostRaceError
        If somebody else decided first.
    """
    lacking = incomplete(decision)
    if lacking:
        raise ToolInputError(lacking)
    try:
        with toolbox.database.write(user.user_id, toolbox.now()) as transaction:
            proposal = _read(transaction, decision, user)
            result = VERBS[decision.verb](Click(toolbox, transaction, gate, proposal, decision, user))
            crash_point("decide.before_commit")
        crash_point("decide.after_commit")
    except DecisionRefusedError as refusal:
        with toolbox.database.write(user.user_id, toolbox.now()) as transaction:
            transaction.record(
                "decision.refused", "proposal", decision.proposal_id,
                {"verb": decision.verb.value, "user": user.user_id, "why": str(refusal)},
            )  # fmt: skip
        raise
    return result


def _read(transaction: Transaction, decision: Decision, user: User) -> Proposal:
    """The proposal the person saw, if it still is in a state in which this can be decided about it."""
    proposal = find_acting(transaction.connection, scope_of(user), decision.proposal_id, transaction.now)
    if not proposal.digest.startswith(decision.digest_prefix):
        raise DecisionRefusedError(
            f"proposal {proposal.proposal_id} has digest {proposal.digest[:12]}, not {decision.digest_prefix}: "
            f"it is not the one you saw; look at it again (evenkeel cases {proposal.content.case_id})"
        )
    if decision.verb in (Verb.RECALL, Verb.ANSWER):
        return proposal
    if decision.verb is Verb.REJECT and recallable(proposal, transaction.now):
        return proposal
    if proposal.state is not ProposalState.PENDING:
        raise LostRaceError(
            f"proposal {proposal.proposal_id} is {proposal.state.value}"
            f"{f' ({proposal.reason})' if proposal.reason else ''} and no longer waits for a decision; "
            f"see evenkeel cases {proposal.content.case_id}"
        )
    if proposal.expires_at <= transaction.now:
        raise DecisionRefusedError(
            f"proposal {proposal.proposal_id} expired at {proposal.expires_at:%Y-%m-%d %H:%M} UTC; "
            "the next sweep plans it anew"
        )
    return proposal
