"""What came of a decision: an outcome is opened when a proposal ends and observed when the goods are in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, select

from inventory.cases import find_case, set_case_state
from inventory.chronicle import list_outcomes, save_outcome
from inventory.database import Transaction
from inventory.outbox import list_outbox
from inventory.proposals import find_proposal, find_situation
from inventory.records import EVERYTHING, ActionKind, CaseState, DocumentState, OutboxRow, Outcome, ProposalState
from inventory.snapshots import Snapshot
from inventory.tables import outcomes, proposals
from tools.shipments import Shipment, shipments
from tools.toolbox import Toolbox


def open_outcome(transaction: Transaction, proposal_id: str) -> Outcome:
    """Record what was predicted; the observation stays open until the goods are received."""
    proposal = find_proposal(transaction.connection, EVERYTHING, proposal_id)
    situation = find_situation(transaction.connection, EVERYTHING, proposal_id)
    chosen = [option for option in situation.options if option.chosen] if situation else []
    outcome = Outcome(
        proposal_id=proposal.proposal_id,
        case_id=proposal.content.case_id,
        state="open",
        predicted={
            "shortage_avoided_units": round(sum(option.shortage_avoided_units for option in chosen), 3),
            "shortage_avoided_minor": float(sum(option.shortage_avoided_minor for option in chosen)),
            "cost_minor": float(sum(option.cost_minor for option in chosen)),
            "units": float(sum(line.quantity for line in proposal.content.lines)),
        },
        opened_at=transaction.now,
    )
    save_outcome(transaction, outcome)
    return outcome


def open_missing_outcomes(transaction: Transaction) -> list[str]:
    """Open the outcome of everything that was posted or refused while nobody was there to learn from it."""
    query = (
        select(proposals.c.proposal_id)
        .where(
            proposals.c.state.in_([ProposalState.EXECUTED.value, ProposalState.FAILED.value]),
            ~exists().where(outcomes.c.proposal_id == proposals.c.proposal_id),
        )
        .order_by(proposals.c.proposal_id)
    )
    missing = list(transaction.connection.execute(query).scalars())
    for proposal_id in missing:
        open_outcome(transaction, proposal_id)
    return missing


def observe_receipts(toolbox: Toolbox, transaction: Transaction, snapshot: Snapshot) -> list[str]:
    """Follow the goods of every open outcome through the feeds: its case says where they are.

    What has arrived in full closes its case. What was refused or came in part opens it again with what is missing,
    because nothing more will come of this proposal. Either completes the outcome.

    Returns
    -------
    list[str]
        Cases closed.
    """
    closed = []
    for outcome in list_outcomes(transaction.connection, EVERYTHING, state="open"):
        proposal = find_proposal(transaction.connection, EVERYTHING, outcome.proposal_id)
        if proposal.state is not ProposalState.EXECUTED or proposal.content.action is ActionKind.HOLD:
            continue
        rows = [
            row
            for row in list_outbox(transaction.connection, EVERYTHING, proposal_id=proposal.proposal_id)
            if row.state is DocumentState.EXECUTED
        ]
        goods = shipments(snapshot, rows)
        if not goods:
            continue
        case = find_case(transaction.connection, EVERYTHING, outcome.case_id)
        if all(one.over for one in goods.values()):
            save_outcome(transaction, _observed(outcome, rows, goods, transaction.now))
            if case.state is not CaseState.CLOSED and _end(transaction, outcome.case_id, goods):
                closed.append(outcome.case_id)
        elif case.state is CaseState.IN_TRANSIT:
            set_case_state(transaction, outcome.case_id, CaseState.IN_TRANSIT, _words(goods))
    return closed


def _end(transaction: Transaction, case_id: str, goods: dict[str, Shipment]) -> bool:
    """Close the case of goods that are all there, open that of others again; whether it was closed."""
    if any(one.missing for one in goods.values()):
        set_case_state(transaction, case_id, CaseState.OPEN, _words(goods))
        return False
    set_case_state(transaction, case_id, CaseState.CLOSED, "received")
    return True


def _words(goods: dict[str, Shipment]) -> str:
    """Where the goods are; each stage once."""
    return "; ".join(dict.fromkeys(one.stage for _, one in sorted(goods.items())))


def _observed(outcome: Outcome, rows: list[OutboxRow], goods: dict[str, Shipment], now: datetime) -> Outcome:
    days = [
        one.day.toordinal() - row.document.arrive_on.toordinal()
        for row in rows
        if (one := goods.get(row.key)) is not None and one.day is not None
    ]
    observed = {"units_received": float(sum(one.received for one in goods.values()))}
    if days:
        observed["days_late"] = float(max(days))
    missing = sum(one.missing for one in goods.values())
    if missing:
        observed["units_refused"] = float(missing)
    return outcome.model_copy(update={"state": "observed", "observed": observed, "observed_at": now})
