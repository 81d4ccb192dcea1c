"""What came of a decision: an outcome is opened when a proposal ends and observed when the goods are in."""

from __future__ import annotations

from sqlalchemy import exists, select

from inventory.cases import find_case, set_case_state
from inventory.chronicle import list_outcomes, save_outcome
from inventory.database import Transaction
from inventory.outbox import list_outbox
from inventory.proposals import find_proposal, find_situation
from inventory.records import EVERYTHING, ActionKind, CaseState, DocumentState, Outcome, ProposalState
from inventory.snapshots import Snapshot
from inventory.tables import outcomes, proposals
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
    """Complete the outcomes whose documents the feeds show as received, and close their cases.

    Returns
    -------
    list[str]
        Cases closed.
    """
    received = _received(snapshot)
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
        if not rows or any(row.key not in received for row in rows):
            continue
        units = sum(received[row.key][0] for row in rows)
        late = max(received[row.key][1] - row.document.arrive_on.toordinal() for row in rows)
        save_outcome(
            transaction,
            outcome.model_copy(
                update={
                    "state": "observed",
                    "observed": {"units_received": float(units), "days_late": float(late)},
                    "observed_at": toolbox.now(),
                }
            ),
        )
        case = find_case(transaction.connection, EVERYTHING, outcome.case_id)
        if case.state is not CaseState.CLOSED:
            set_case_state(transaction, outcome.case_id, CaseState.CLOSED, "received")
            closed.append(outcome.case_id)
    return closed


def _received(snapshot: Snapshot) -> dict[str, tuple[int, int]]:
    """Units and day of receipt by our key, of documents received in full."""
    found: dict[str, tuple[int, int]] = {}
    for feed in ("transfers", "purchase_orders"):
        table = snapshot.table(feed)
        for row in table.filter(table["our_key"].fill_null("") != "").iter_rows(named=True):
            if row["received_date"] is None:
                continue
            units, day = found.get(row["our_key"], (0, 0))
            found[row["our_key"]] = (
                units + int(row["received_quantity"] or row["quantity"]),
                max(day, row["received_date"].toordinal()),
            )
    return found
