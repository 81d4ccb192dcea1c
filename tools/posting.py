"""One document on its way to the ERP: marked as sent, posted, answered, or looked up by its key.

Every write here names the executor's lease and finds nothing to change once another executor has taken over.
"""

from __future__ import annotations

from inventory.chronicle import KILL_SWITCH, switch_is_on
from inventory.crash_points import crash_point
from inventory.ledger import post
from inventory.outbox import insert_receipt, move_document
from inventory.records import DocumentState, OutboxRow, Receipt
from tools.erp.port import ErpPort, Posting, differences
from tools.errors import (
    ErpDuplicateError,
    ErpError,
    ErpOutcomeUnknownError,
    ErpRejectedError,
    ErpUnreachableError,
    KillSwitchError,
)
from tools.executor import Executor
from tools.settlement import line_numbers
from tools.tasks import open_task
from tools.toolbox import Toolbox

ATTEMPTS = 3
"""Posts of one document under a native key before it is left in doubt."""


def send(toolbox: Toolbox, erp: ErpPort, row: OutboxRow, executor: Executor) -> None:
    """Send a document that waits, or hand it to a person where the ERP has no form for it.

    Raises
    ------
    KillSwitchError
        If execution is switched off; the document waits.
    LeaseLostError
        If the executor's time is over before it has posted.
    """
    actor = executor.actor
    with toolbox.database.read() as connection:
        switched_off = switch_is_on(connection, KILL_SWITCH)
    if switched_off:
        raise KillSwitchError(f"execution is switched off; document {row.key} waits")
    executor.renew()
    by_hand = row.document.action not in erp.capabilities.actions
    with toolbox.database.write(actor, toolbox.now()) as transaction:
        row = move_document(transaction, row, DocumentState.SENT, lease=executor.lease)
        if by_hand:
            open_task(transaction, row)
    crash_point("dispatch.after_sent")
    if not by_hand:
        _post(toolbox, erp, row, executor)


def _post(toolbox: Toolbox, erp: ErpPort, row: OutboxRow, executor: Executor, *, unknown: bool = False) -> None:
    """Post a document that is marked as sent, and keep whatever is then known.

    Parameters
    ----------
    unknown
        It may have been posted before.
    """
    attempts = ATTEMPTS if erp.capabilities.native_key else 1
    note = ""
    for number in range(attempts):
        if number:
            executor.renew()
        try:
            executor.require()
        except KillSwitchError:
            _conclude(toolbox, row, _left_as(unknown), executor, note=note or "execution was switched off")
            raise
        try:
            posting = erp.post(row.document)
        except ErpRejectedError as error:
            return _refused(toolbox, erp, row, executor, str(error), unknown=unknown)
        except ErpUnreachableError as error:
            note = f"not reached: {error}"
            break
        except ErpOutcomeUnknownError as error:
            unknown, note = True, str(error)
        else:
            crash_point("dispatch.before_receipt")
            if erp.capabilities.native_key:
                return _accept(toolbox, row, posting, "answer", executor)
            return find_out(toolbox, erp, row, executor, found_by="answer")  # it may have been delivered twice
    return _conclude(toolbox, row, _left_as(unknown), executor, note=note)


def _refused(toolbox: Toolbox, erp: ErpPort, row: OutboxRow, executor: Executor, why: str, *, unknown: bool) -> None:
    """The ERP said no: believed unless the document is there nevertheless, or may yet turn up from an earlier post."""
    try:
        posting = erp.find(row.key)
    except ErpError as error:
        return _conclude(toolbox, row, DocumentState.IN_DOUBT, executor, note=f"{why}; cannot be looked up: {error}")
    if posting is not None:
        return _accept(toolbox, row, posting, "reconciliation", executor)
    posted_by = (row.changed_at or toolbox.now()) + erp.capabilities.answer_limit
    may_turn_up = unknown and toolbox.now() < posted_by
    return _conclude(toolbox, row, DocumentState.IN_DOUBT if may_turn_up else DocumentState.FAILED, executor, note=why)


def _left_as(unknown: bool) -> DocumentState:
    return DocumentState.IN_DOUBT if unknown else DocumentState.READY


def _conclude(toolbox: Toolbox, row: OutboxRow, state: DocumentState, executor: Executor, *, note: str) -> None:
    if row.state is state:
        return
    with toolbox.database.write(executor.actor, toolbox.now()) as transaction:
        move_document(transaction, row, state, note=note, lease=executor.lease)


def _accept(toolbox: Toolbox, row: OutboxRow, posting: Posting, found_by: str, executor: Executor) -> None:
    """Keep a posting as receipt if it is what was asked for, else leave the document in doubt."""
    wrong = differences(row.document, posting)
    if wrong:
        return _conclude(toolbox, row, DocumentState.IN_DOUBT, executor, note="; ".join(wrong))
    with toolbox.database.write(executor.actor, toolbox.now()) as transaction:
        move_document(transaction, row, DocumentState.EXECUTED, note=posting.reference, lease=executor.lease)
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
        numbers = line_numbers(transaction.connection, row)
        post(transaction, row.proposal_id, numbers, row.key, posting.posted_at)
        crash_point("dispatch.receipt_before_commit")
    crash_point("dispatch.after_receipt")
    return None


def find_out(
    toolbox: Toolbox, erp: ErpPort, row: OutboxRow, executor: Executor, *, found_by: str = "reconciliation"
) -> None:
    """Read a document back by its key and keep what is then known."""
    try:
        posting = erp.find(row.key)
    except ErpDuplicateError as error:
        return _conclude(toolbox, row, DocumentState.IN_DOUBT, executor, note=f"a person must look: {error}")
    except ErpError as error:
        return _conclude(toolbox, row, DocumentState.IN_DOUBT, executor, note=f"cannot be looked up: {error}")
    crash_point("reconcile.found")
    if posting is not None:
        return _accept(toolbox, row, posting, found_by, executor)
    if erp.capabilities.native_key:
        return _post(toolbox, erp, row, executor, unknown=True)
    return _conclude(
        toolbox, row, DocumentState.IN_DOUBT, executor,
        note="not found in the ERP, which enforces no keys: a person must rule before it is sent again",
    )  # fmt: skip
