"""The one executor of each ERP: a lease with a fencing number.

Whoever takes the lease gets the next number. Every write about a document names it and finds nothing to change once
somebody else holds a later one, so an executor that slept through its lease writes nothing when it wakes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, exists, select, update
from sqlalchemy.sql.elements import ColumnElement

from inventory.database import Transaction
from inventory.errors import LostRaceError
from inventory.tables import executors

LEASE = timedelta(seconds=30)
"""After it, another executor may take over."""


@dataclass(frozen=True)
class ExecutorLease:
    """The right to write about one ERP's documents, for a while."""

    erp: str
    holder: str
    fencing: int
    until: datetime


def take_lease(transaction: Transaction, erp: str, holder: str) -> ExecutorLease:
    """Take the lease of an ERP under the next fencing number.

    Raises
    ------
    LostRaceError
        While somebody else holds it.
    """
    connection, until = transaction.connection, transaction.now + LEASE
    known = connection.execute(select(executors).where(executors.c.erp == erp)).one_or_none()
    if known is None:
        connection.execute(executors.insert().values(erp=erp, holder=holder, fencing=1, lease_until=until))
        return _taken(transaction, ExecutorLease(erp, holder, 1, until))
    if known.lease_until > transaction.now:
        raise LostRaceError(
            f"ERP {erp} has an executor already, {known.holder}, until {known.lease_until:%Y-%m-%d %H:%M:%S} UTC"
        )
    lease = ExecutorLease(erp, holder, known.fencing + 1, until)
    changed = connection.execute(
        update(executors)
        .where(executors.c.erp == erp, executors.c.fencing == known.fencing)
        .values(holder=holder, fencing=lease.fencing, lease_until=until)
    )
    if changed.rowcount != 1:
        raise LostRaceError(f"ERP {erp}: another executor was first")
    # One that only looks again and again, and finds nothing to write, leaves no entry each time.
    return lease if known.holder == holder else _taken(transaction, lease)


def _taken(transaction: Transaction, lease: ExecutorLease) -> ExecutorLease:
    """Put on record that somebody else writes about an ERP's documents from now on; each document tells its number."""
    body = {"holder": lease.holder, "fencing": lease.fencing}
    transaction.record("executor.taken", "executor", lease.erp, body)
    return lease


def outlive(transaction: Transaction, gap: int) -> None:
    """End every lease there is or may have been: whoever takes one from now on has a number past all of them."""
    for row in transaction.connection.execute(select(executors).order_by(executors.c.erp)).all():
        transaction.connection.execute(
            update(executors)
            .where(executors.c.erp == row.erp)
            .values(fencing=row.fencing + gap, lease_until=transaction.now)
        )
        body = {"holder": row.holder, "fencing": row.fencing + gap}
        transaction.record("executor.outlived", "executor", row.erp, body)


def renew_lease(transaction: Transaction, lease: ExecutorLease) -> ExecutorLease:
    """The same lease for longer; ``LostRaceError`` once somebody else has taken it."""
    until = transaction.now + LEASE
    changed = transaction.connection.execute(
        update(executors)
        .where(executors.c.erp == lease.erp, executors.c.fencing == lease.fencing)
        .values(lease_until=until)
    )
    if changed.rowcount != 1:
        raise LostRaceError(f"ERP {lease.erp}: the lease of {lease.holder} is over, another executor has it")
    return ExecutorLease(lease.erp, lease.holder, lease.fencing, until)


def give_back(transaction: Transaction, lease: ExecutorLease) -> None:
    """End the lease now; nothing happens if it was lost already."""
    transaction.connection.execute(
        update(executors)
        .where(executors.c.erp == lease.erp, executors.c.fencing == lease.fencing)
        .values(lease_until=transaction.now)
    )


def holds(connection: Connection, lease: ExecutorLease) -> bool:
    """Whether nobody has taken the lease since."""
    return connection.execute(select(executors.c.fencing).where(still_held(lease))).scalar_one_or_none() is not None


def still_held(lease: ExecutorLease) -> ColumnElement[bool]:
    """Condition on ``executors``: the lease is the newest."""
    return (executors.c.erp == lease.erp) & (executors.c.fencing == lease.fencing)


def newest(lease: ExecutorLease) -> ColumnElement[bool]:
    """Condition for another table's write: nobody holds a later number."""
    return exists(select(executors.c.erp).where(still_held(lease)))
