"""The only way to the ERP: an approved proposal's documents, posted exactly once or visibly in doubt.

Rules
-----
1. Nothing is sent without an approval record that names the proposal's exact digest, read in the leasing transaction.
2. A document is marked ``sent`` before it is posted. What happens in between is found out by its key, never guessed.
3. Where the ERP enforces keys, asking again under the same key is safe. Where it does not, a document whose outcome is
   unknown is in doubt until it is found or a person rules.
4. One executor at a time writes about an ERP's documents. Its time is looked at once more right before each post, so
   that one which slept after ``sent`` posts nothing when it wakes.
5. What the ERP has no document for becomes a person's task; their word closes it.
6. What was posted is compared line by line, and read back by its key where the ERP does not enforce keys; a difference
   or a second document is in doubt, never silently accepted.
"""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Connection, select

from inventory.cases import set_case_state
from inventory.chronicle import KILL_SWITCH, switch_is_on
from inventory.crash_points import crash_point
from inventory.doubts import exhausted
from inventory.errors import LostRaceError
from inventory.executors import LEASE
from inventory.ledger import ledger_rows, lift_off, release, touch_down
from inventory.lifecycle import move
from inventory.outbox import list_outbox, move_document, withdraw
from inventory.proposals import find_approval, find_proposal, list_proposals
from inventory.records import (
    EVERYTHING,
    ActionKind,
    CaseState,
    DocumentState,
    OutboxRow,
    Proposal,
    ProposalState,
)
from inventory.tables import proposals as proposals_table
from inventory.tasks import keys_with_tasks
from tools.action_kinds import KINDS, takes_stock
from tools.documents import documents_of, reserved_lots
from tools.erp.port import ErpPort
from tools.errors import (
    ApprovalMismatchError,
    ErpRejectedError,
    KillSwitchError,
    LeaseLostError,
    StaleFactsError,
    ToolInputError,
)
from tools.executor import Executor, executing
from tools.first_send import posted_before_restore, require_true_clocks
from tools.lot_rules import LotRules
from tools.posting import find_out, send
from tools.reappeared import reappeared
from tools.rules.standing import rules_against
from tools.settlement import Execution, settle
from tools.toolbox import Toolbox

__all__ = [
    "ERP_ACTIONS",
    "LEASE",
    "Execution",
    "dispatch",
    "documents_of",
    "due",
    "reconcile",
    "reserved_lots",
]

ERP_ACTIONS = tuple(KINDS)
"""Kinds of line that become a document: one of the ERP, or a person's task where the ERP has none for it."""


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
            if any(not exhausted(row) for row in _waiting(connection, proposal.proposal_id))
        ]
    return ready + half_way


def _waiting(connection: Connection, proposal_id: str) -> list[OutboxRow]:
    return list_outbox(connection, EVERYTHING, proposal_id=proposal_id, states=(DocumentState.READY,))


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
    ClockSkewError, RestoredError
        If it waits until clocks agree, or until the ERP can be asked what was sent before a restore.
    """
    erp = _erp(toolbox)
    with toolbox.database.read() as connection:
        proposal = find_proposal(connection, EVERYTHING, proposal_id)
    require_true_clocks(toolbox, proposal)
    posted = posted_before_restore(toolbox, erp, proposal_id)
    if proposal.state is ProposalState.APPROVED and not posted:
        stale = (
            _facts_changed(toolbox, erp, proposal)
            or _lots_refused(toolbox, proposal)
            or _rules_broken(toolbox, proposal)
            or _shown_meanwhile(toolbox, proposal)
        )
        if stale:
            return _void(toolbox, proposal, stale, actor)
    if proposal.state not in (ProposalState.APPROVED, ProposalState.SENT):
        return settle(toolbox, proposal_id, actor)
    with executing(toolbox, erp.capabilities.name, actor) as executor:
        if proposal.state is ProposalState.APPROVED:
            _lease(toolbox, proposal, erp, actor)
            crash_point("dispatch.after_lease")
        for row in _rows(toolbox, proposal_id, DocumentState.READY):
            if row.key in posted:
                _adopt(toolbox, erp, row, executor)
            elif not exhausted(row):
                send(toolbox, erp, row, executor)
        done = settle(toolbox, proposal_id, actor)
        crash_point("dispatch.settled")
        return done


def _adopt(toolbox: Toolbox, erp: ErpPort, row: OutboxRow, executor: Executor) -> None:
    """Keep what the ERP holds of a document that was sent before this house was put back from a backup."""
    executor.renew()
    with toolbox.database.write(executor.actor, toolbox.now()) as transaction:
        sent = move_document(transaction, row, DocumentState.SENT, lease=executor.lease)
    find_out(toolbox, erp, sent, executor)


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
        place = takes_stock(line)
        if place is not None and line.action in erp.capabilities.actions:
            wanted[place] += line.quantity
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


def _lots_refused(toolbox: Toolbox, proposal: Proposal) -> str:
    """What speaks against the lots of the proposal's moves by now; empty while nothing does."""
    with toolbox.database.read() as connection:
        rows = list_outbox(connection, EVERYTHING, proposal_id=proposal.proposal_id)
        moves = [row.document for row in rows if row.document.action is ActionKind.TRANSFER]
        lots = LotRules(toolbox.snapshot(), toolbox.rules(connection))
        return "; ".join(lots.problems_of(connection, moves)) if moves else ""


def _rules_broken(toolbox: Toolbox, proposal: Proposal) -> str:
    """What machine rules in force say against the lines by now; empty while nothing does."""
    with toolbox.database.read() as connection:
        return "; ".join(rules_against(toolbox, connection, proposal))


def _shown_meanwhile(toolbox: Toolbox, proposal: Proposal) -> str:
    """A document held as failed that the feeds show since the draft for the same need; empty while there is none."""
    current = toolbox.snapshots.current()
    if current is None or current.snapshot_id == proposal.content.snapshot_id:
        return ""
    wanted = {(line.item, line.destination) for line in proposal.content.lines if line.quantity}
    with toolbox.database.read() as connection:
        now = [one for one in reappeared(connection, EVERYTHING, current) if (one.item, one.site) in wanted]
        if not now:
            return ""
        drafted = toolbox.snapshot(proposal.content.snapshot_id)
        before = {(one.key, one.item, one.site) for one in reappeared(connection, EVERYTHING, drafted)}
    return "; ".join(one.words for one in now if (one.key, one.item, one.site) not in before)


def _void(toolbox: Toolbox, proposal: Proposal, reason: str, actor: str) -> Execution:
    with toolbox.database.write(actor, toolbox.now()) as transaction:
        move(transaction, proposal, ProposalState.VOID, reason=reason)
        withdraw(transaction, proposal.proposal_id, reason)
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
    crash_point("dispatch.leased")
    with toolbox.database.write(actor, toolbox.now()) as transaction:
        return move(transaction, leased, ProposalState.SENT, lease_until=toolbox.now() + LEASE)


def reconcile(toolbox: Toolbox, *, actor: str = "evenkeel") -> list[Execution]:
    """Find out what became of everything left half-way: lost leases, sent documents, documents in doubt.

    While another executor is at work nothing is done: it, or whoever follows it, will.
    """
    erp = _erp(toolbox)
    if not _anything_left(toolbox):
        return []
    settled = []
    try:
        with executing(toolbox, erp.capabilities.name, actor) as executor:
            for proposal_id in _abandoned(toolbox, actor):
                _find_out_all(toolbox, erp, proposal_id, executor)
                crash_point("reconcile.before_settle")
                settled.append(settle(toolbox, proposal_id, actor))
    except LostRaceError:
        return settled
    return settled


def _find_out_all(toolbox: Toolbox, erp: ErpPort, proposal_id: str, executor: Executor) -> None:
    with toolbox.database.read() as connection:
        by_hand = keys_with_tasks(connection, proposal_id)
    for row in _rows(toolbox, proposal_id, DocumentState.SENT, DocumentState.IN_DOUBT):
        if row.key in by_hand:
            continue
        try:
            executor.renew()
            find_out(toolbox, erp, row, executor)
        except (LostRaceError, LeaseLostError, KillSwitchError):
            continue


def _anything_left(toolbox: Toolbox) -> bool:
    states = [state.value for state in (ProposalState.LEASED, ProposalState.SENT, ProposalState.IN_DOUBT)]
    with toolbox.database.read() as connection:
        found = connection.execute(
            select(proposals_table.c.proposal_id).where(proposals_table.c.state.in_(states)).limit(1)
        )
        return found.one_or_none() is not None


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
