"""The worker that is at work, and the work that is done once a day.

Processes live on the machine's time, also in a demo: leases and beats are never told by the clock of the business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, Row, delete, insert, select, update

from inventory.database import Transaction
from inventory.errors import LostRaceError
from inventory.tables import daily_jobs, workers

NAME = "worker"
LEASE = timedelta(seconds=30)
"""A worker not heard of for so long has lost its place to whoever asks next."""
SILENT_AFTER = timedelta(minutes=5)
"""A worker not heard of for so long is an alarm."""
JOB_LIMIT = timedelta(hours=1)
"""A daily job begun and not finished for so long is begun again: whoever did it has died."""


@dataclass(frozen=True)
class WorkerState:
    """What is known of the worker."""

    holder: str
    started_at: datetime
    beat_at: datetime
    lease_until: datetime
    erp_skew_seconds: int | None
    """How far the ERP's clock was ahead of ours when it was last asked; ``None`` where it tells no time."""
    trouble: str
    """What went wrong in its last round; empty when nothing did."""

    def silent(self, now: datetime) -> bool:
        """Whether it has not been heard of for too long."""
        return now - self.beat_at > SILENT_AFTER


def worker_state(connection: Connection) -> WorkerState | None:
    """The worker last heard of; ``None`` when none ever worked here."""
    row = connection.execute(select(workers).where(workers.c.name == NAME)).one_or_none()
    return None if row is None else _state(row)


def _state(row: Row[tuple[object, ...]]) -> WorkerState:
    values = {name: value for name, value in row._mapping.items() if name != "name"}
    return WorkerState(**values)


def beat(transaction: Transaction, holder: str, *, erp_skew_seconds: int | None = None, trouble: str = "") -> None:
    """Take the worker's place, or keep it; ``transaction.now`` is the machine's time.

    Raises
    ------
    LostRaceError
        While another worker is at work.
    """
    connection, now = transaction.connection, transaction.now
    known = worker_state(connection)
    values = {
        "beat_at": now, "lease_until": now + LEASE, "erp_skew_seconds": erp_skew_seconds, "trouble": trouble,
    }  # fmt: skip
    if known is None:
        connection.execute(insert(workers).values(name=NAME, holder=holder, started_at=now, **values))
        return
    if known.holder != holder:
        if known.lease_until > now:
            raise LostRaceError(
                f"worker {known.holder} is at work, last heard of at {known.beat_at:%Y-%m-%d %H:%M:%S} UTC"
            )
        values |= {"holder": holder, "started_at": now}
    changed = connection.execute(
        update(workers).where(workers.c.name == NAME, workers.c.holder == known.holder).values(**values)
    )
    if changed.rowcount != 1:
        raise LostRaceError("another worker was first")


def leave(transaction: Transaction, holder: str, *, for_good: bool = False) -> None:
    """Give the worker's place up; nothing happens if somebody else has it.

    Parameters
    ----------
    for_good
        Nobody need miss it: it was to work once only.
    """
    mine = workers.c.name == NAME, workers.c.holder == holder
    if for_good:
        transaction.connection.execute(delete(workers).where(*mine))
        return
    transaction.connection.execute(
        update(workers).where(*mine).values(beat_at=transaction.now, lease_until=transaction.now)
    )


def begin_job(transaction: Transaction, job: str, day: date, holder: str) -> bool:
    """Whether this job of this day is now the caller's to do.

    It is nobody's any more once it is finished; one that was begun and not finished is somebody's for an hour.
    """
    connection, now = transaction.connection, transaction.now
    mine = daily_jobs.c.job == job, daily_jobs.c.day == day
    known = connection.execute(select(daily_jobs).where(*mine)).one_or_none()
    if known is None:
        connection.execute(insert(daily_jobs).values(job=job, day=day, holder=holder, begun_at=now))
        return True
    if known.finished_at is not None or now - known.begun_at < JOB_LIMIT:
        return False
    changed = connection.execute(
        update(daily_jobs).where(*mine, daily_jobs.c.begun_at == known.begun_at).values(holder=holder, begun_at=now)
    )
    return changed.rowcount == 1


def finish_job(transaction: Transaction, job: str, day: date, holder: str, note: str) -> None:
    """Say that the job is done, and what came of it; nothing happens if somebody else took it over."""
    transaction.connection.execute(
        update(daily_jobs)
        .where(daily_jobs.c.job == job, daily_jobs.c.day == day, daily_jobs.c.holder == holder)
        .values(finished_at=transaction.now, note=note)
    )


def job_note(connection: Connection, job: str, day: date) -> str | None:
    """What came of a job that was finished that day; ``None`` when none was."""
    query = select(daily_jobs.c.note).where(
        daily_jobs.c.job == job, daily_jobs.c.day == day, daily_jobs.c.finished_at.is_not(None)
    )
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else str(found)
