"""Where the goods of a document are, as the feeds tell it: picked, in transit, received in full, in part, or refused.

Received and refused units of a document add up to what it moved, each unit counted once: what was refused is no
receipt and no longer on its way. The giving site shows it in its own stock once it is back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from inventory.record import Record
from inventory.records import ActionKind, OutboxRow
from inventory.snapshots import Snapshot
from tools.action_kinds import KINDS

OVER = ("received", "refused", "cancelled")
"""Status of a line nothing more comes of."""
SHOWN_WITHIN = timedelta(days=2)
"""A feed shows a document by then, or something has become of it."""
Rows = dict[str, list[dict[str, Any]]]


class Shipment(Record):
    """The goods of one document, over all its lines."""

    key: str
    shown: bool
    """A feed shows it; until then only our posting is known."""
    sent: int
    """Units by the feed; by our document while no feed shows it."""
    received: int = 0
    refused: int = 0
    """Units refused or cancelled: they will not come."""
    shipped: bool = False
    over: bool = False
    """Nothing more will come of it."""
    lost_since: date | None = None
    """Day it was posted, where the feeds should have shown it long since: perhaps the ERP's planner deleted it."""
    due: date | None = None
    day: date | None = None
    """Day of the last receipt."""

    @property
    def missing(self) -> int:
        """Units that were sent and will not come."""
        return self.sent - self.received if self.over else 0

    @property
    def stage(self) -> str:
        """Where the goods are, in words."""
        if self.over:
            if not self.missing:
                return "received"
            if not self.received:
                return f"refused: none of {self.sent} units received"
            return f"received in part: {self.received} of {self.sent} units, {self.missing} refused"
        if self.received:
            return f"in transit: {self.received} of {self.sent} units received, the rest is on its way"
        if self.shipped:
            return f"in transit, due {self.due}"
        if self.lost_since:
            return f"posted on {self.lost_since}, and no feed shows it: look in the ERP"
        return f"being picked, due {self.due}" if self.shown else "posted, waiting for receipt"


def shipments(snapshot: Snapshot, documents: Collection[OutboxRow]) -> dict[str, Shipment]:
    """The shipment of each document whose goods travel, by key."""
    by_key, by_order = _shown(snapshot)
    found = {}
    for row in documents:
        document = row.document
        if not KINDS[document.action].goods_travel:
            continue
        rows = by_key.get(row.key) or []
        if document.order_id and document.action is not ActionKind.TRANSFER:
            items = {line.item for line in document.lines}
            rows = [line for line in by_order.get(document.order_id) or [] if line["item"] in items]
        found[row.key] = _shipment(row, rows, snapshot.as_of)
    return found


def _shown(snapshot: Snapshot) -> tuple[Rows, Rows]:
    """Lines of the transfer and order feeds, by our key and by order."""
    by_key: Rows = defaultdict(list)
    by_order: Rows = defaultdict(list)
    names = {"transfers": ("transfer_id", "expected_date"), "purchase_orders": ("order_id", "promised_date")}
    for feed, (reference, due) in names.items():
        table = snapshot.table(feed).with_columns(pl.col("our_key").fill_null(""))
        for row in table.iter_rows(named=True):
            line = {**row, "due": row[due]}
            if row["our_key"]:
                by_key[row["our_key"]].append(line)
            if feed == "purchase_orders":
                by_order[row[reference]].append(line)
    return by_key, by_order


def _shipment(row: OutboxRow, lines: list[dict[str, Any]], as_of: datetime) -> Shipment:
    if not lines:
        lost = row.changed_at is not None and as_of - row.changed_at > SHOWN_WITHIN
        return Shipment(
            key=row.key,
            shown=False,
            sent=sum(line.quantity for line in row.document.lines),
            lost_since=row.changed_at.date() if row.changed_at and lost else None,
        )
    received = refused = 0
    for line in lines:
        units, came = int(line["quantity"]), _received(line)
        received += came
        refused += max(units - came, 0) if _is_over(line) else 0
    days = [line["received_date"] for line in lines if line["received_date"] is not None]
    return Shipment(
        key=row.key,
        shown=True,
        sent=sum(int(line["quantity"]) for line in lines),
        received=received,
        refused=refused,
        shipped=any(line.get("shipped_date") or line["status"] == "in_transit" for line in lines),
        over=all(_is_over(line) for line in lines),
        due=max(line["due"] for line in lines),
        day=max(days, default=None),
    )


def _is_over(line: dict[str, Any]) -> bool:
    return line["status"] in OVER or line["received_date"] is not None


def _received(line: dict[str, Any]) -> int:
    """Units of a line that arrived; a feed that says received and no quantity means all."""
    came = int(line["received_quantity"] or 0)
    if not came and line["status"] == "received" and line["received_date"] is not None:
        return int(line["quantity"])
    return came
