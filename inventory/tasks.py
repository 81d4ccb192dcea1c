"""Tasks: what a person carries out because the ERP has no document for it, and how they answered.

A task belongs to one document of the outbox and is answered once: done, refused, or in doubt. The answer, the document
and the receipt change in one transaction.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from sqlalchemy import Connection, select, update

from inventory.database import Transaction
from inventory.errors import LostRaceError, NotFoundError
from inventory.outbox import list_outbox
from inventory.record import Id, Record, Text, Utc, canonical_record, load
from inventory.records import ActionKind, ErpDocument, Scope
from inventory.tables import tasks

TaskState = Literal["open", "done", "refused", "in_doubt"]
ANSWERS: dict[str, str] = {"done": "task.done", "refused": "task.refused", "in_doubt": "task.doubted"}
"""Event of each answer."""


class Task(Record):
    """One document that a person carries out."""

    task_id: Id
    key: Id
    """The document's key; a document has one task."""
    proposal_id: Id
    action: ActionKind
    role: str
    """Whose work it is."""
    sites: tuple[str, ...]
    text: Text
    """What to do, made from the document's facts."""
    document: ErpDocument
    opened_at: Utc
    due_at: Utc
    state: TaskState = "open"
    done_by: str = ""
    reference: str = ""
    """Where it can be looked up: the number of a document, a mail, a call."""
    confirmation: Text = ""
    """What the person said about it."""
    evidence: Text = ""
    answered_at: Utc | None = None


def insert_task(transaction: Transaction, task: Task) -> None:
    """Open a task; its document has no other."""
    transaction.connection.execute(
        tasks.insert().values(
            task_id=task.task_id, key=task.key, proposal_id=task.proposal_id, state=task.state, role=task.role,
            due_at=task.due_at, done_by=task.done_by, body=canonical_record(task),
        )
    )  # fmt: skip
    transaction.record("task.opened", "proposal", task.proposal_id, task.model_dump(mode="json"))


def answer_task(transaction: Transaction, task: Task) -> None:
    """Keep a person's answer; ``LostRaceError`` if somebody has answered already.

    Parameters
    ----------
    task
        As answered: its state, who, and what they said.
    """
    changed = transaction.connection.execute(
        update(tasks)
        .where(tasks.c.task_id == task.task_id, tasks.c.state == "open")
        .values(state=task.state, done_by=task.done_by, body=canonical_record(task))
    )
    if changed.rowcount != 1:
        raise LostRaceError(f"task {task.task_id} has been answered already")
    transaction.record(ANSWERS[task.state], "proposal", task.proposal_id, task.model_dump(mode="json"))


def list_tasks(connection: Connection, scope: Scope, *, states: Collection[str] = ()) -> list[Task]:
    """Tasks the reader may see, most urgent first; every state when none is named."""
    query = select(tasks.c.body).order_by(tasks.c.due_at, tasks.c.task_id)
    if states:
        query = query.where(tasks.c.state.in_(sorted(states)))
    found = [load(Task, body) for body in connection.execute(query).scalars()]
    if not found or (scope.sites is None and scope.item_classes is None):
        return found
    mine = {row.key for row in list_outbox(connection, scope)}
    return [task for task in found if task.key in mine]


def find_task(connection: Connection, scope: Scope, task_id: str) -> Task:
    """The task of that id or document key, or the one whose id begins so; ``NotFoundError`` otherwise."""
    known = list_tasks(connection, scope)
    exact = [task for task in known if task_id in (task.task_id, task.key)]
    found = exact or [task for task in known if task_id and task.task_id.startswith(task_id)]
    if len(found) != 1:
        raise NotFoundError(f"task {task_id!r}: {len(found)} found that {scope.user} may see, expected one")
    return found[0]


def keys_with_tasks(connection: Connection, proposal_id: str) -> frozenset[str]:
    """Documents of a proposal that people carry out."""
    return frozenset(connection.execute(select(tasks.c.key).where(tasks.c.proposal_id == proposal_id)).scalars())
