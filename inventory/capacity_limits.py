"""New limits of capacity that feeds state: what no longer fits is given up, the newest proposals first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from sqlalchemy import select, update

from inventory.capacity import AT_SLOT, REVOCABLE, CapacityKind, Slot, among, named
from inventory.database import Transaction
from inventory.ledger import release
from inventory.tables import capacity, capacity_holds, proposals

NO_LIMIT = 2**53
"""Stands for a lane whose feed states no capacity any more."""


def refresh_limits(
    transaction: Transaction, kind: CapacityKind, since: date, limit_of: Callable[[Slot], int]
) -> dict[str, str]:
    """Set the limits of one kind of capacity from a day on, where anything was ever claimed of it.

    Parameters
    ----------
    limit_of
        The limit of a slot now, less what is taken of it outside Evenkeel.

    Returns
    -------
    dict[str, str]
        Proposals whose reservations were released and which must be voided, and what changed, in words.
    """
    row, lost = capacity.c, dict[str, str]()
    query = (
        select(row.key, row.day, row.limit_amount)
        .where(row.kind == kind.value, row.day >= since)
        .order_by(row.key, row.day)
    )
    for key, day, before in transaction.connection.execute(query).all():
        slot = Slot(kind, key, day)
        limit = max(limit_of(slot), 0)
        if limit == before:
            continue
        lost |= _fit(transaction, slot, int(before), limit)
        transaction.connection.execute(update(capacity).where(AT_SLOT).values(limit_amount=limit), named(slot))
        body = {"kind": kind.value, "key": key, "day": day.isoformat(), "limit": limit}
        transaction.record("capacity.limited", "ledger", str(slot), body)
    if lost:
        transaction.record("capacity.lowered", "ledger", kind.value, {"voids": sorted(lost)})
    return lost


def _fit(transaction: Transaction, slot: Slot, before: int, limit: int) -> dict[str, str]:
    """Release the newest proposals that may still be taken back until the rest fits."""
    lost: dict[str, str] = {}
    query = (
        select(capacity_holds.c.proposal_id)
        .distinct()
        .add_columns(proposals.c.created_at)
        .join(proposals, proposals.c.proposal_id == capacity_holds.c.proposal_id)
        .where(among(capacity_holds.c, [slot]), capacity_holds.c.state.in_(REVOCABLE))
        .order_by(proposals.c.created_at.desc(), capacity_holds.c.proposal_id.desc())
    )
    for proposal_id, _ in transaction.connection.execute(query).all():
        taken = select(capacity.c.reserved, capacity.c.used).where(among(capacity.c, [slot]))
        reserved, used = transaction.connection.execute(taken).one()
        if not reserved or reserved + used <= limit:
            break
        release(transaction, proposal_id)
        lost[proposal_id] = f"{slot}: drafted on {slot.amount(before)}, now {slot.amount(limit)}"
    return lost
