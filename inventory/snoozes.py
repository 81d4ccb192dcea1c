"""Snoozes: until when, or until what is true, a proposal sleeps. A proposal is snoozed once; waking plans it anew."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator
from sqlalchemy import Connection, select, update

from inventory.database import Transaction
from inventory.errors import LostRaceError
from inventory.proposals import find_proposal
from inventory.record import Id, Record, Text, Utc, canonical_record, load
from inventory.records import EVERYTHING, Scope
from inventory.tables import snoozes

ConditionKind = Literal["stock_below", "stock_above", "order_received", "data_after", "price_below", "price_above"]

_NEEDS: dict[str, tuple[str, ...]] = {
    "stock_below": ("item", "site", "units"),
    "stock_above": ("item", "site", "units"),
    "order_received": ("order_id",),
    "data_after": ("after",),
    "price_below": ("item", "supplier", "price_minor"),
    "price_above": ("item", "supplier", "price_minor"),
}
"""Fields each kind of condition has, and no others."""


class Condition(Record):
    """Something in the data that is not so yet, and that wakes a proposal when it is."""

    kind: ConditionKind
    item: str = ""
    site: str = ""
    supplier: str = ""
    order_id: str = ""
    """Purchase order, or transfer."""
    units: int | None = Field(default=None, ge=0)
    price_minor: int | None = Field(default=None, ge=0)
    """Purchase price of a base unit, minor units."""
    after: Utc | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        given = {name for name in type(self).model_fields if name != "kind" and getattr(self, name) not in ("", None)}
        needed = set(_NEEDS[self.kind])
        if given != needed:
            wrong = sorted(needed - given) or sorted(given - needed)
            raise ValueError(f"{self.kind} has {', '.join(_NEEDS[self.kind])}; {wrong[0]} is missing or too much")
        return self

    @property
    def words(self) -> str:
        """As it is written at the command line."""
        side = self.kind.rpartition("_")[2]
        if self.units is not None:
            return f"stock {self.item}@{self.site} {side} {self.units}"
        if self.price_minor is not None:
            return f"price {self.item} from {self.supplier} {side} {self.price_minor / 100:.2f}"
        if self.after is not None:
            return f"data after {self.after:%Y-%m-%dT%H:%MZ}"
        return f"order {self.order_id} received"


class Snooze(Record):
    """A proposal that sleeps."""

    proposal_id: Id
    by: Id
    at: Utc
    until: Utc
    """When it wakes at the latest."""
    condition: Condition | None = None
    woken_at: Utc | None = None
    woken_by: Text = ""
    """What woke it, in words."""


def insert_snooze(transaction: Transaction, snooze: Snooze) -> None:
    """Keep what a proposal that is being snoozed waits for."""
    transaction.connection.execute(
        snoozes.insert().values(
            proposal_id=snooze.proposal_id,
            by=snooze.by,
            at=snooze.at,
            until=snooze.until,
            body=canonical_record(snooze),
        )
    )
    transaction.record("snooze.begun", "proposal", snooze.proposal_id, snooze.model_dump(mode="json"))


def end_snooze(transaction: Transaction, proposal_id: str, woken_by: str) -> None:
    """Keep what woke it; one snoozed before snoozes were kept has nothing to end."""
    known = find_snooze(transaction.connection, EVERYTHING, proposal_id)
    if known is None:
        return
    woken = known.model_copy(update={"woken_at": transaction.now, "woken_by": woken_by})
    changed = transaction.connection.execute(
        update(snoozes)
        .where(snoozes.c.proposal_id == proposal_id, snoozes.c.woken_at.is_(None))
        .values(woken_at=transaction.now, body=canonical_record(woken))
    )
    if changed.rowcount != 1:
        raise LostRaceError(f"proposal {proposal_id} is awake already")
    transaction.record("snooze.ended", "proposal", proposal_id, woken.model_dump(mode="json"))


def find_snooze(connection: Connection, scope: Scope, proposal_id: str) -> Snooze | None:
    """What a proposal the reader may see waited, or waits, for; ``None`` if it never slept."""
    known = find_proposal(connection, scope, proposal_id).proposal_id
    body = connection.execute(select(snoozes.c.body).where(snoozes.c.proposal_id == known)).scalar_one_or_none()
    return load(Snooze, body) if body else None
