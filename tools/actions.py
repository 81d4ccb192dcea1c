"""The only way to the ERP: an approved proposal's documents, posted exactly once or visibly in doubt.

Rules
-----
1. Nothing is sent without an approval record that names the proposal's exact digest, read in the leasing transaction.
2. A document is marked ``sent`` before it is posted. What happens in between is found out by its key, never guessed.
3. Where the ERP enforces keys, asking again under the same key is safe. Where it does not, a document whose outcome is
   unknown is in doubt until it is found or a person rules.
4. What was posted is compared line by line, and read back by its key where the ERP does not enforce keys; a difference
   or a second document is in doubt, never silently accepted.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from sqlalchemy import Connection, select

from inventory.cases import find_case, set_case_state
from inventory.chronicle import KILL_SWITCH, switch_is_on
from inventory.crash_points import crash_point
from inventory.database import Transaction
from inventory.errors import LostRaceError
from inventory.ledger import ledger_rows, lift_off, list_reservations, post, release, touch_down
from inventory.lifecycle import move
from inventory.outbox import idempotency_key, insert_receipt, list_outbox, list_receipts, move_document
from inventory.proposals import find_approval, find_proposal, list_proposals
from inventory.record import Record
from inventory.records import (
    EVERYTHING,
    ActionKind,
    Approval,
    CaseState,
    DocumentState,
    ErpDocument,
    ErpLine,
    OutboxRow,
    Proposal,
    ProposalLine,
    ProposalState,
    Receipt,
)
from inventory.tables import proposals as proposals_table
from tools.erp.port import ErpPort, Posting, differences
from tools.errors import (
    ApprovalMismatchError,
    ErpDuplicateError,
    ErpError,
    ErpOutcomeUnknownError,
    ErpRejectedError,
    ErpUnreachableError,
    KillSwitchError,
    StaleFactsError,
    ToolInputError,
)
from tools.toolbox import Toolbox

LEASE = timedelta(seconds=30)
"""After it, another executor may take over."""
ATTEMPTS = 3
"""Posts of one document under a native key before it is left in doubt."""
HOLD_ACCEPTED = timedelta(days=7)
"""How long an accepted hold rests before the case is looked at again."""
ERP_ACTIONS = (ActionKind.TRANSFER, ActionKind.PURCHASE, ActionKind.EXPEDITE)


class Execution(Record):
    """What became of one proposal's documents."""

    proposal_id: str
    state: ProposalState
    receipts: tuple[Receipt, ...]
    note: str = ""


def documents_of(proposal: Proposal, approval: Approval, lots: dict[int, list[tuple[str, int]]]) -> list[ErpDocument]:
    """The ERP documents of an approved proposal: one per lane, supplier or changed order.

    Parameters
    ----------
    lots
        Lots and units reserved for each transfer line, by line number.
    """
    groups: dict[tuple[str, str, str, str], list[ProposalLine]] = defaultdict(list)
    for line in proposal.content.lines:
        if line.action in ERP_ACTIONS and line.quantity:
            groups[line.document_group].append(line)
    documents = []
    for number, (_, lines) in enumerate(sorted(groups.items()), start=1):
        first = lines[0]
        documents.append(
            ErpDocument(
                key=idempotency_key(proposal.digest, number),
                action=first.action,
                destination=first.destination,
                origin=first.origin,
                supplier=first.supplier,
                order_id=first.order_id,
                mode=first.mode,
                ship_on=min(line.ship_on for line in lines),
                arrive_on=max(line.arrive_on for line in lines),
                lines=tuple(
                    ErpLine(item=line.item, lot=lot, quantity=units)
                    for line in lines
                    for lot, units in lots.get(line.number, [("", line.quantity)])
                ),
                approval_id=approval.approval_id,
            )
        )
    return documents


def reserved_lots(connection: Connection, proposal_id: str) -> dict[int, list[tuple[str, int]]]:
    """Lots and units reserved for each line of a proposal, first-expiring first as they were taken."""
    lots: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for held in list_reservations(connection, EVERYTHING, proposal_id=proposal_id):
        if held.state != "released":
            lots[held.line].append((held.lot, held.quantity))
    return dict(lots)


def due(toolbox: Toolbox) -> list[str]:
    """Proposals whose documents may be sent now: approved and past their recall window, or left half-way."""
    now = toolbox.now()
    with toolbox.database.read() as connection:
        ready = [
            proposal.proposal_id
            for proposal in list_proposals(connection, EVERYTHING, states=(ProposalState.APPROVED,))
            if proposal.not_before is None or proposal.not_before <= now
        ]
        half_way = [
            proposal.proposal_id
            for proposal in list_proposals(connection, EVERYTHING, states=(ProposalState.SENT,))
            if list_outbox(connection, EVERYTHING, proposal_id=proposal.proposal_id, states=(DocumentState.READY,))
        ]
    return ready + half_way


def dispatch(toolbox: Toolbox, proposal_id: str, *, actor: str = "evenkeel") -> Execution:
    """Send the documents of one approved proposal, or say why not.

    Raises
    ------
    KillSwitchError
        If execution is switched off.
    ApprovalMismatchError
        If no approval names this proposal's digest.
    LostRaceError
        If another executor has it.
    """
    erp = _erp(toolbox)
    with toolbox.database.read() as connection:
        proposal = find_proposal(connection, EVERYTHING, proposal_id)
    if proposal.state is ProposalState.APPROVED:
        stale = _facts_changed(toolbox, erp, proposal)
        if stale:
            return _void(toolbox, proposal, stale, actor)
        proposal = _lease(toolbox, proposal, erp, actor)
        crash_point("dispatch.after_lease")
    for row in _rows(toolbox, proposal_id, DocumentState.READY):
        _send(toolbox, erp, row, actor)
    return _settle(toolbox, proposal_id, actor)


def _erp(toolbox: Toolbox) -> ErpPort:
    if toolbox.erp is None:
        raise ToolInputError("no ERP is configured here; documents are only sent by the executing process")
    return toolbox.erp


def _rows(toolbox: Toolbox, proposal_id: str, *states: DocumentState) -> list[OutboxRow]:
    with toolbox.database.read() as connection:
        return list_outbox(connection, EVERYTHING, proposal_id=proposal_id, states=states)


def _facts_changed(toolbox: Toolbox, erp: ErpPort, proposal: Proposal) -> str:
    """What the ERP's own stock says against the proposal; empty while it still holds."""
    wanted: dict[tuple[str, str], int] = defaultdict(int)
    for line in proposal.content.lines:
        if line.action is ActionKind.TRANSFER:
            wanted[(line.item, line.origin)] += line.quantity
    if not wanted:
        return ""
    with toolbox.database.read() as connection:
        rows = ledger_rows(connection, EVERYTHING, items=[item for item, _ in wanted])
    book: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        book[(row.item, row.site)] += row.on_hand
    changes = []
    for (item, site), units in sorted(wanted.items()):
        try:
            on_hand = erp.on_hand(item, site)
        except ErpRejectedError as error:
            changes.append(f"item {item} at {site}: {error}")
            continue
        if on_hand < units:
            changes.append(
                f"item {item} at {site}: drafted on {book[(item, site)]} on hand, now {on_hand}, {units} wanted"
            )
    return "; ".join(changes)


def _void(toolbox: Toolbox, proposal: Proposal, reason: str, actor: str) -> Execution:
    with toolbox.database.write(actor, toolbox.now()) as transaction:
        move(transaction, proposal, ProposalState.VOID, reason=reason)
        release(transaction, proposal.proposal_id)
        set_case_state(transaction, proposal.content.case_id, CaseState.OPEN, "facts changed")
    return Execution(proposal_id=proposal.proposal_id, state=ProposalState.VOID, receipts=(), note=reason)


def _lease(toolbox: Toolbox, proposal: Proposal, erp: ErpPort, actor: str) -> Proposal:
    now = toolbox.now()
    with toolbox.database.write(actor, now) as transaction:
        connection = transaction.connection
        if switch_is_on(connection, KILL_SWITCH):
            raise KillSwitchError(f"execution is switched off; proposal {proposal.proposal_id} stays approved")
        if proposal.not_before is not None and proposal.not_before > now:
            raise StaleFactsError(f"proposal {proposal.proposal_id} may be recalled until {proposal.not_before}")
        approval = find_approval(connection, EVERYTHING, proposal)
        if approval is None:
            raise ApprovalMismatchError(
                f"proposal {proposal.proposal_id}: no approval names its digest {proposal.digest[:12]}"
            )
        if approval.kind == "policy" and not erp.capabilities.native_key:
            raise ApprovalMismatchError(
                f"proposal {proposal.proposal_id} was approved by policy, and {erp.capabilities.name} enforces no keys"
            )
        fencing = connection.execute(
            select(proposals_table.c.fencing).where(proposals_table.c.proposal_id == proposal.proposal_id)
        ).scalar_one()
        leased = move(transaction, proposal, ProposalState.LEASED, lease_until=now + LEASE, fencing=fencing + 1)
        lift_off(transaction, proposal.proposal_id)
        set_case_state(transaction, proposal.content.case_id, CaseState.EXECUTING)
    with toolbox.database.write(actor, toolbox.now()) as transaction:
        return move(transaction, leased, ProposalState.SENT, lease_until=toolbox.now() + LEASE)


def _send(toolbox: Toolbox, erp: ErpPort, row: OutboxRow, actor: str) -> None:
    with toolbox.database.read() as connection:
        switched_off = switch_is_on(connection, KILL_SWITCH)
    if switched_off:
        raise KillSwitchError(f"execution is switched off; document {row.key} waits")
    with toolbox.database.write(actor, toolbox.now()) as transaction:
        row = move_document(transaction, row, DocumentState.SENT)
    crash_point("dispatch.after_sent")
    _post(toolbox, erp, row, actor)


def _post(toolbox: Toolbox, erp: ErpPort, row: OutboxRow, actor: str) -> None:
    """Post a document that is marked as sent, and keep whatever is then known."""
    attempts = ATTEMPTS if erp.capabilities.native_key else 1
    unknown = row.state is DocumentState.IN_DOUBT
    note = ""
    for _ in range(attempts):
        try:
            posting = erp.post(row.document)
        except ErpRejectedError as error:
            return _conclude(toolbox, row, DocumentState.FAILED, actor, note=str(error))
        except ErpUnreachableError as error:
            note = f"not reached: {error}"
            break
        except ErpOutcomeUnknownError as error:
            unknown, note = True, str(error)
        else:
            crash_point("dispatch.before_receipt")
            if erp.capabilities.native_key:
                return _accept(toolbox, row, posting, "answer", actor)
            return _find_out(toolbox, erp, row, actor, found_by="answer")  # it may have been delivered twice
    return _conclude(toolbox, row, DocumentState.IN_DOUBT if unknown else DocumentState.READY, actor, note=note)


def _conclude(toolbox: Toolbox, row: OutboxRow, state: DocumentState, actor: str, *, note: str) -> None:
    if row.state is state:
        return
    with toolbox.database.write(actor, toolbox.now()) as transaction:
        move_document(transaction, row, state, note=note)


def _accept(toolbox: Toolbox, row: OutboxRow, posting: Posting, found_by: str, actor: str) -> None:
    """Keep a posting as receipt if it is what was asked for, else leave the document in doubt."""
    wrong = differences(row.document, posting)
    if wrong:
        return _conclude(toolbox, row, DocumentState.IN_DOUBT, actor, note="; ".join(wrong))
    with toolbox.database.write(actor, toolbox.now()) as transaction:
        move_document(transaction, row, DocumentState.EXECUTED, note=posting.reference)
        insert_receipt(
            transaction,
            Receipt(
                key=row.key,
                proposal_id=row.proposal_id,
                erp_reference=posting.reference,
                posted_at=posting.posted_at,
                found_by="answer" if found_by == "answer" else "reconciliation",
            ),
        )
        post(transaction, row.proposal_id, _line_numbers(transaction, row), row.key, posting.posted_at)
    crash_point("dispatch.after_receipt")
    return None


def _line_numbers(transaction: Transaction, row: OutboxRow) -> list[int]:
    """Numbers of the proposal lines a document carries."""
    proposal = find_proposal(transaction.connection, EVERYTHING, row.proposal_id)
    return [line.number for line in proposal.content.lines if line.document_group == row.document.group]


def _settle(toolbox: Toolbox, proposal_id: str, actor: str) -> Execution:
    """Move the proposal to what its documents say together."""
    with toolbox.database.write(actor, toolbox.now()) as transaction:
        connection = transaction.connection
        proposal = find_proposal(connection, EVERYTHING, proposal_id)
        rows = list_outbox(connection, EVERYTHING, proposal_id=proposal_id)
        states = {row.state for row in rows}
        notes = "; ".join(row.note for row in rows if row.note and row.state is not DocumentState.EXECUTED)
        state = _together(states)
        if state is not None and proposal.state in (ProposalState.SENT, ProposalState.IN_DOUBT):
            if state is not proposal.state:
                proposal = move(transaction, proposal, state, reason=notes)
            if state is ProposalState.FAILED:
                release(transaction, proposal_id)
            _case_follows(transaction, proposal, state)
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


def _case_follows(transaction: Transaction, proposal: Proposal, state: ProposalState) -> None:
    known = find_case(transaction.connection, EVERYTHING, proposal.content.case_id)
    if known.state is CaseState.CLOSED:
        return
    if proposal.content.action is ActionKind.HOLD:
        resume = transaction.now.date() + HOLD_ACCEPTED
        set_case_state(transaction, known.case.case_id, CaseState.WAITING, "hold accepted", resume_on=resume)
        return
    follows = {
        ProposalState.EXECUTED: (CaseState.IN_TRANSIT, "posted, waiting for receipt"),
        ProposalState.FAILED: (CaseState.OPEN, "the ERP refused the document"),
        ProposalState.IN_DOUBT: (CaseState.EXECUTING, "in doubt: the ERP's answer is unknown"),
    }
    case_state, reason = follows[state]
    set_case_state(transaction, proposal.content.case_id, case_state, reason)


def reconcile(toolbox: Toolbox, *, actor: str = "evenkeel") -> list[Execution]:
    """Find out what became of everything left half-way: lost leases, sent documents, documents in doubt."""
    settled = []
    for proposal_id in _abandoned(toolbox, actor):
        for row in _rows(toolbox, proposal_id, DocumentState.SENT, DocumentState.IN_DOUBT):
            try:
                _find_out(toolbox, _erp(toolbox), row, actor)
            except LostRaceError:
                continue
        settled.append(_settle(toolbox, proposal_id, actor))
    return settled


def _abandoned(toolbox: Toolbox, actor: str) -> list[str]:
    """Return lost leases, and name the proposals whose documents nobody is sending any more."""
    now = toolbox.now()
    left: list[str] = []
    with toolbox.database.write(actor, now) as transaction:
        rows = transaction.connection.execute(
            select(proposals_table.c.proposal_id, proposals_table.c.state, proposals_table.c.lease_until)
            .where(proposals_table.c.state.in_(["leased", "sent", "in_doubt"]))
            .order_by(proposals_table.c.proposal_id)
        ).all()
        for row in rows:
            if row.lease_until is not None and row.lease_until > now:
                continue
            if row.state == ProposalState.LEASED.value:
                proposal = find_proposal(transaction.connection, EVERYTHING, row.proposal_id)
                back = move(transaction, proposal, ProposalState.APPROVED, reason="lease lost before sending")
                if not touch_down(transaction, row.proposal_id):
                    move(transaction, back, ProposalState.VOID, reason="stock fell while it was being sent")
                    set_case_state(transaction, proposal.content.case_id, CaseState.OPEN, "facts changed")
            else:
                left.append(row.proposal_id)
    return left


def _find_out(toolbox: Toolbox, erp: ErpPort, row: OutboxRow, actor: str, *, found_by: str = "reconciliation") -> None:
    """Read a document back by its key and keep what is then known."""
    try:
        posting = erp.find(row.key)
    except ErpDuplicateError as error:
        return _conclude(toolbox, row, DocumentState.IN_DOUBT, actor, note=f"a person must look: {error}")
    except ErpError as error:
        return _conclude(toolbox, row, DocumentState.IN_DOUBT, actor, note=f"cannot be looked up: {error}")
    if posting is not None:
        return _accept(toolbox, row, posting, found_by, actor)
    if erp.capabilities.native_key:
        return _post(toolbox, erp, row, actor)
    return _conclude(
        toolbox, row, DocumentState.IN_DOUBT, actor,
        note="not found in the ERP, which enforces no keys: a person must rule before it is sent again",
    )  # fmt: skip
