"""Where the steps of a case hang in its trace: under the case, and under the proposal they work out.

Both stand for something that lasts, so what is done before a person decides and what is done afterwards, perhaps by
another process, is one tree. Steps carry the roles of ``docs/agents.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlalchemy import Connection, select

from inventory.database import Transaction
from inventory.people import scope_of
from inventory.proposals import list_approvals
from inventory.record import digest
from inventory.records import EVERYTHING, Case, Proposal, ProposalState, Sweep, User
from inventory.tables import case_scopes
from inventory.trace import ANY_SITE
from tools.toolbox import Toolbox
from tools.tracing import HOUSE, Place, Step, begin, keep

CASE, PROPOSAL, SWEEP = "invoke_workflow case", "invoke_workflow proposal", "invoke_workflow sweep"
CONVERSATION = "invoke_workflow conversation"
LASTING = (CASE, PROPOSAL, SWEEP, CONVERSATION)
"""Names of steps that only hold others together."""


def keep_step(transaction: Transaction, step: Step, proposal: Proposal) -> None:
    """Put a step of the case graph on record, with the facts of its transaction."""
    keep_steps(transaction, (step,), proposal)


def keep_steps(transaction: Transaction, steps: Iterable[Step], proposal: Proposal) -> None:
    """Put steps of the case graph on record, in this order."""
    query = select(case_scopes.c.site).where(case_scopes.c.case_id == proposal.content.case_id)
    place = _of_proposal(proposal, transaction.connection.execute(query).scalars())
    keep(transaction, [(step, place) for step in steps])


def keep_found(transaction: Transaction, step: Step, cases: Iterable[Case]) -> None:
    """Put on record, for every case it found, that a look found it."""
    taken = []
    for case in cases:
        place = Place(case.case_id, ((CASE, case.case_id),), sites=_sorted(case.sites), case_id=case.case_id)
        taken.append((_copy(step, digest(case), **{"evenkeel.findings": str(len(case.findings))}), place))
    keep(transaction, taken)


def keep_planned(
    transaction: Transaction, step: Step, plan_run_id: str, stubs: Iterable[Proposal], cases: Mapping[str, Case]
) -> None:
    """Put on record, for every proposal it made, which plan made it."""
    taken = []
    for stub in stubs:
        case = cases.get(stub.content.case_id)
        copy = _copy(step, stub.digest, **{"evenkeel.plan_run": plan_run_id})
        taken.append((copy, _of_proposal(stub, case.sites if case else ())))
    keep(transaction, taken)


def keep_sweep(toolbox: Toolbox, transaction: Transaction, sweep: Sweep) -> None:
    """Put a sweep on record, with how long each of its steps took; what it did to a case is in the case's own trace."""
    place = Place(sweep.sweep_id, ((SWEEP, sweep.sweep_id),))
    taken = []
    for name, seconds in sweep.seconds.items():
        step = begin(toolbox, f"execute_tool {name}", HOUSE)
        step.seconds, step.attributes["evenkeel.snapshot"] = seconds, sweep.snapshot_id
        taken.append((step, place))
    keep(transaction, taken)


def waited(toolbox: Toolbox, connection: Connection, proposal: Proposal) -> Step:
    """The wait between gate and execution, once it is over: for whom, and how it ended.

    The nodes that wait run again from their first line each time they are resumed, so they record nothing themselves.
    """
    approvals = list_approvals(connection, EVERYTHING, proposal.proposal_id)
    step = begin(toolbox, "invoke_workflow approval", HOUSE)
    step.inputs, step.seconds = proposal.digest, 0.0
    if approvals:
        last = approvals[-1]
        step.outputs = digest(last)
        step.attributes |= {"evenkeel.decision": last.decision, "evenkeel.decision.id": last.approval_id}
    if proposal.state not in (ProposalState.APPROVED, ProposalState.SENT):
        step.attributes["evenkeel.state"] = proposal.state.value
    return step


def own_place(user: User, trace_id: str, lasting: str = "") -> Place:
    """Where what somebody asked hangs: theirs alone, and holding no more than what they may see.

    Parameters
    ----------
    lasting
        Name of what holds the steps of the trace together, such as a conversation; none for a single call.
    """
    sites = scope_of(user).sites
    return Place(
        trace_id,
        ((lasting, trace_id),) if lasting else (),
        who=user.user_id,
        owner=user.user_id,
        sites=(ANY_SITE,) if sites is None else _sorted(sites),
        conversation_id=trace_id if lasting == CONVERSATION else "",
    )


def _copy(step: Step, outputs: str, **attributes: str) -> Step:
    """The same step for one of many it concerned."""
    step.end()
    return replace(step, outputs=outputs, attributes={**step.attributes, **attributes})


def _sorted(sites: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(sites)))


def _of_proposal(proposal: Proposal, case_sites: Iterable[str]) -> Place:
    content = proposal.content
    return Place(
        content.case_id,
        ((CASE, content.case_id), (PROPOSAL, proposal.proposal_id)),
        sites=_sorted((*case_sites, *content.sites)),
        case_id=content.case_id,
        proposal_id=proposal.proposal_id,
    )
