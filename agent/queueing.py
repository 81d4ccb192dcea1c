"""Who sees what today: every found case is shown, automatic or held back, and each held-back one has its reason.

The cap counts cases a person must decide, after the gate; what is held back reserves nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from agent.policy_document import ApprovalPolicy
from inventory.cases import find_case
from inventory.database import Transaction
from inventory.ledger import release
from inventory.lifecycle import move
from inventory.proposals import find_approval, list_proposals
from inventory.records import EVERYTHING, Case, CaseState, Proposal, ProposalState

SHOWN = "shown"
AUTOMATIC = "automatic"
HELD_BACK = "held_back"
S = ProposalState
CURRENT = (S.DRAFT, S.PENDING, S.SNOOZED, S.APPROVED, S.LEASED, S.SENT, S.IN_DOUBT)


def held_back(reason: str) -> str:
    """Disposition of a case that is not shown, with its reason."""
    return f"{HELD_BACK}:{reason}"


def dispose(
    transaction: Transaction, cases: list[Case], policy: ApprovalPolicy, undrafted: Mapping[str, str]
) -> dict[str, str]:
    """Disposition of every found case, most money at risk first; a proposal over the cap is voided.

    Parameters
    ----------
    undrafted
        Cases that were planned and got no draft, and why.
    """
    by_case = defaultdict(list)
    for proposal in list_proposals(transaction.connection, EVERYTHING):
        by_case[proposal.content.case_id].append(proposal)
    cap = policy.queue.per_planner
    queued: Counter[str] = Counter()
    dispositions: dict[str, str] = {}
    for case in sorted(cases, key=lambda case: (-case.money_at_risk.total, case.case_id)):
        known = by_case[case.case_id]
        live = next((proposal for proposal in known if proposal.state in CURRENT), None)
        if live is None and case.case_id in undrafted:
            dispositions[case.case_id] = held_back(undrafted[case.case_id])
        elif live is not None and live.state is S.PENDING:
            if queued[case.planner] < cap:
                queued[case.planner] += 1
                dispositions[case.case_id] = SHOWN
            else:
                move(transaction, live, S.VOID, reason=f"held back: over the queue cap of {cap}")
                release(transaction, live.proposal_id)
                dispositions[case.case_id] = held_back(f"queue cap of {cap} for {case.planner} reached")
        else:
            dispositions[case.case_id] = _without_a_person(transaction, case, live, known)
    return dispositions


def _without_a_person(transaction: Transaction, case: Case, live: Proposal | None, known: list[Proposal]) -> str:
    if live is not None and live.state in (S.APPROVED, S.LEASED, S.SENT, S.IN_DOUBT):
        approval = find_approval(transaction.connection, EVERYTHING, live)
        if approval is not None and approval.kind == "policy":
            return AUTOMATIC
        return held_back(f"already decided, {live.state.value.replace('_', ' ')}")
    row = find_case(transaction.connection, EVERYTHING, case.case_id)
    if row.state in (CaseState.WAITING, CaseState.IN_TRANSIT, CaseState.EXECUTING, CaseState.DECIDED):
        return held_back(row.reason or row.state.value.replace("_", " "))
    if known and known[-1].reason:
        return held_back(known[-1].reason)
    return held_back("units went to another case while this was planned")
