"""Documents the ERP cannot book: handing them to a person, and taking the person's word, exactly once."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Literal

from inventory.database import Transaction
from inventory.errors import AccessError, LostRaceError
from inventory.ledger import post
from inventory.outbox import find_document, insert_receipt, move_document
from inventory.people import scope_of
from inventory.record import short_id
from inventory.records import EVERYTHING, DocumentState, OutboxRow, Receipt, User
from inventory.supplier_messages import list_messages
from inventory.tasks import Task, answer_task, find_task, insert_task
from tools.action_kinds import kind_of, may_close
from tools.errors import ToolInputError
from tools.settlement import Execution, line_numbers, settle_within
from tools.toolbox import Toolbox

Answer = Literal["done", "refused", "in_doubt"]
TASK_TIME = timedelta(hours=24)
"""Within which a task is to be done, unless its goods must leave sooner."""


def open_task(transaction: Transaction, row: OutboxRow) -> Task:
    """Hand a document to the role that carries it out."""
    document, spec = row.document, kind_of(row.document.action)
    leaves = datetime.combine(document.ship_on, time(23, 59), UTC)
    due = min(transaction.now + TASK_TIME, leaves) if leaves > transaction.now else transaction.now + TASK_TIME
    task = Task(
        task_id=short_id("task", row.key),
        key=row.key,
        proposal_id=row.proposal_id,
        action=document.action,
        role=spec.role,
        sites=tuple(sorted(filter(None, {document.origin, document.destination}))),
        text=". ".join(
            [*(spec.task(document, line) for line in document.lines), *_drafted(transaction, row), *_mark(row)]
        )
        + ".",
        document=document,
        opened_at=transaction.now,
        due_at=due,
    )
    insert_task(transaction, task)
    return task


def _drafted(transaction: Transaction, row: OutboxRow) -> list[str]:
    """Where the words to the supplier of a changed order are found."""
    wanted = (row.document.supplier, row.document.order_id)
    kept = list_messages(transaction.connection, EVERYTHING, proposal_id=row.proposal_id)
    return [f"Send message {each.message_id}" for each in kept if (each.supplier, each.order_id) == wanted]


def _mark(row: OutboxRow) -> list[str]:
    """What lets the feeds be recognised later; goods that do not travel show in the stock alone."""
    return [f"Write {row.key} into its reference"] if kind_of(row.document.action).goods_travel else []


def answer(
    toolbox: Toolbox, task_id: str, user: User, what: Answer, *, reference: str = "", text: str = "", evidence: str = ""
) -> Execution:
    """Take a person's answer to a task: its document is executed, failed or in doubt in the same transaction.

    Parameters
    ----------
    reference
        Where what was done can be looked up; needed for ``done``.
    text
        What the person says about it; needed for ``refused`` and ``in_doubt``.

    Raises
    ------
    ToolInputError
        If the reference or the text is missing.
    AccessError
        If the person may not close this task.
    LostRaceError
        If somebody has answered already.
    """
    if what == "done" and not reference:
        raise ToolInputError("say where it can be looked up: the number of the document, mail or call (--reference)")
    if what != "done" and not text.strip():
        raise ToolInputError("say why (--text)")
    now = toolbox.now()
    with toolbox.database.write(user.user_id, now) as transaction:
        known = find_task(transaction.connection, scope_of(user), task_id)
        require_closer(user, known.role, known.task_id)
        if known.state != "open":
            raise LostRaceError(f"task {known.task_id} is {known.state} already, by {known.done_by}")
        answered = known.model_copy(
            update={
                "state": what, "done_by": user.user_id, "reference": reference, "confirmation": text,
                "evidence": evidence, "answered_at": now,
            }
        )  # fmt: skip
        answer_task(transaction, Task.model_validate(answered.model_dump()))
        row = find_document(transaction.connection, EVERYTHING, known.key)
        if what == "done":
            execute_by_word(transaction, row, reference)
        else:
            state = DocumentState.FAILED if what == "refused" else DocumentState.IN_DOUBT
            move_document(transaction, row, state, note=f"{user.user_id}: {text}")
        return settle_within(transaction, row.proposal_id, refused=f"{user.user_id} could not carry it out: {text}")


def execute_by_word(transaction: Transaction, row: OutboxRow, reference: str) -> None:
    """A person says that a document is carried out: keep the receipt and book its units as posted."""
    move_document(transaction, row, DocumentState.EXECUTED, note=reference)
    insert_receipt(
        transaction,
        Receipt(
            key=row.key, proposal_id=row.proposal_id, erp_reference=reference, posted_at=transaction.now,
            found_by="person",
        ),
    )  # fmt: skip
    post(transaction, row.proposal_id, line_numbers(transaction.connection, row), row.key, transaction.now)


def require_closer(user: User, role: str, about: str) -> None:
    """``AccessError`` unless the person is active and of the role, or oversees it."""
    if not user.active or not may_close(user.roles, role):
        raise AccessError(
            f"{user.user_id} ({', '.join(user.roles) or 'no role'}) may not answer for {about}: "
            f"it is for {role.replace('_', ' ')}, central or manager"
        )
