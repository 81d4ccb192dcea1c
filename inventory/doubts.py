"""Documents nobody knows the outcome of, and what people have not done yet: what waits for a person, and what alarms.

A dead letter is a document that waits for a person although it should not: in doubt for longer than ``DOUBT_LIMIT``,
or tried ``ATTEMPTS_IN_ALL`` times. It stays an alarm until somebody rules.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from inventory.outbox import list_outbox
from inventory.record import Record
from inventory.records import DocumentState, OutboxRow, Scope
from inventory.tasks import Task, list_tasks

DOUBT_LIMIT = timedelta(hours=4)
"""A document in doubt for longer is a dead letter."""
ATTEMPTS_IN_ALL = 10
"""Times a document is sent, over all executors, before it waits for a person."""


class Doubt(Record):
    """A document that waits for somebody to find out about it."""

    key: str
    proposal_id: str
    why: str
    attempts: int
    since: datetime | None
    dead: bool
    """Beyond what may be waited for: an alarm."""

    @property
    def words(self) -> str:
        """The doubt in a sentence."""
        since = f" since {self.since:%Y-%m-%d %H:%M} UTC" if self.since else ""
        return f"document {self.key} of {self.proposal_id} waits for a person{since}: {self.why or 'outcome unknown'}"


def exhausted(row: OutboxRow) -> bool:
    """Whether a document that waits to be sent has been tried too often."""
    return row.state is DocumentState.READY and row.attempts >= ATTEMPTS_IN_ALL


def list_doubts(connection: Connection, scope: Scope, now: datetime) -> list[Doubt]:
    """Every document in doubt or tried in vain, the oldest first."""
    rows = list_outbox(connection, scope, states=(DocumentState.IN_DOUBT, DocumentState.READY))
    found = [
        Doubt(
            key=row.key,
            proposal_id=row.proposal_id,
            why=f"tried {row.attempts} times: {row.note}" if exhausted(row) else row.note,
            attempts=row.attempts,
            since=row.changed_at,
            dead=exhausted(row) or row.changed_at is None or now - row.changed_at > DOUBT_LIMIT,
        )
        for row in rows
        if row.state is DocumentState.IN_DOUBT or exhausted(row)
    ]
    return sorted(found, key=lambda doubt: (doubt.since is not None, doubt.since, doubt.key))


class Waiting(Record):
    """Everything execution waits for a person with."""

    tasks: tuple[Task, ...]
    doubts: tuple[Doubt, ...]


def waiting(connection: Connection, scope: Scope, now: datetime, *, answered: bool = False) -> Waiting:
    """Open tasks, with ``answered`` also the others, and documents in doubt."""
    return Waiting(
        tasks=tuple(list_tasks(connection, scope, states=() if answered else ("open",))),
        doubts=tuple(list_doubts(connection, scope, now)),
    )


def alarms(connection: Connection, scope: Scope, now: datetime) -> list[str]:
    """What somebody must look at: dead letters, and tasks that are overdue."""
    dead = [doubt.words for doubt in list_doubts(connection, scope, now) if doubt.dead]
    late = [_overdue(task) for task in list_tasks(connection, scope, states=("open",)) if task.due_at < now]
    return [*dead, *late]


def _overdue(task: Task) -> str:
    due = f"{task.due_at:%Y-%m-%d %H:%M} UTC"
    return f"task {task.task_id} for {task.role.replace('_', ' ')} was due {due}: {task.text.rstrip('.')}"
