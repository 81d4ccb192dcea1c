"""What becomes of a proposal and its case when its documents have been answered."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from inventory.cases import find_case, set_case_state
from inventory.database import Transaction
from inventory.ledger import release
from inventory.lifecycle import move
from inventory.outbox import list_outbox, list_receipts
from inventory.proposals import find_proposal
from inventory.record import Record
from inventory.records import (
    EVERYTHING,
    ActionKind,
    CaseState,
    DocumentState,
    OutboxRow,
    Proposal,
    ProposalState,
    Receipt,
)
from tools.action_kinds import goods_travel
from tools.toolbox import Toolbox

LOOKED_AT_AGAIN = timedelta(days=7)
"""How long the case of an accepted hold, or of an action that moves no goods, rests."""

ERP_REFUSED = "the ERP refused the document"


class Execution(Record):
    """What became of one proposal's documents."""

    proposal_id: str
    state: ProposalState
    receipts: tuple[Receipt, ...]
    note: str = ""


def settle(toolbox: Toolbox, proposal_id: str, actor: str) -> Execution:
    """Move the proposal to what its documents say together."""
    with toolbox.database.write(actor, toolbox.now()) as transaction:
        return settle_within(transaction, proposal_id)


def settle_within(transaction: Transaction, proposal_id: str, *, refused: str = ERP_REFUSED) -> Execution:
    """The same in a transaction that is open; ``refused`` is why the case opens again if a document failed."""
    connection = transaction.connection
    proposal = find_proposal(connection, EVERYTHING, proposal_id)
    rows = list_outbox(connection, EVERYTHING, proposal_id=proposal_id)
    notes = "; ".join(row.note for row in rows if row.note and row.state is not DocumentState.EXECUTED)
    state = _together({row.state for row in rows})
    if state is not None and proposal.state in (ProposalState.SENT, ProposalState.IN_DOUBT):
        if state is not proposal.state:
            proposal = move(transaction, proposal, state, reason=notes)
        if state is ProposalState.FAILED:
            release(transaction, proposal_id)
        _case_follows(transaction, proposal, state, refused)
    receipts = tuple(list_receipts(connection, EVERYTHING, proposal_id=proposal_id))
    return Execution(proposal_id=proposal_id, state=proposal.state, receipts=receipts, note=notes)


def _together(states: set[DocumentState]) -> ProposalState | None:
    if states & {DocumentState.READY, DocumentState.SENT}:
        return None
    if DocumentState.IN_DOUBT in states:
        return ProposalState.IN_DOUBT
    if DocumentState.FAILED in states:
        return ProposalState.FAILED
    return ProposalState.EXECUTED


def _case_follows(transaction: Transaction, proposal: Proposal, state: ProposalState, refused: str) -> None:
    known = find_case(transaction.connection, EVERYTHING, proposal.content.case_id)
    if known.state is CaseState.CLOSED:
        return
    if proposal.content.action is ActionKind.HOLD:
        _rest(transaction, known.case.case_id, "hold accepted")
        return
    if state is ProposalState.EXECUTED and not goods_travel(proposal.content):
        _rest(transaction, known.case.case_id, f"carried out: {proposal.content.action.value.replace('_', ' ')}")
        return
    follows = {
        ProposalState.EXECUTED: (CaseState.IN_TRANSIT, "posted, waiting for receipt"),
        ProposalState.FAILED: (CaseState.OPEN, refused),
        ProposalState.IN_DOUBT: (CaseState.EXECUTING, "in doubt: the ERP's answer is unknown"),
    }
    case_state, reason = follows[state]
    set_case_state(transaction, proposal.content.case_id, case_state, reason)


def _rest(transaction: Transaction, case_id: str, reason: str) -> None:
    resume = transaction.now.date() + LOOKED_AT_AGAIN
    set_case_state(transaction, case_id, CaseState.WAITING, reason, resume_on=resume)


def line_numbers(connection: Connection, row: OutboxRow) -> list[int]:
    """Numbers of the proposal lines a document carries."""
    proposal = find_proposal(connection, EVERYTHING, row.proposal_id)
    return [line.number for line in proposal.content.lines if line.document_group == row.document.group]
