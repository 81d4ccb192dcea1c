"""Documents we hold as failed that a feed shows nevertheless: somebody posted them, or the ERP did after all.

The goods move, though nothing here counts on it. A person must look; until then nothing is posted for the same need.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl
from sqlalchemy import Connection

from inventory.outbox import list_outbox
from inventory.record import Record
from inventory.records import ActionKind, DocumentState, Scope
from inventory.snapshots import Snapshot

FEEDS = {
    "transfers": ("transfer_id", "destination", ActionKind.TRANSFER),
    "purchase_orders": ("order_id", "site", ActionKind.PURCHASE),
}
"""Where our keys are shown: number and receiving site of a row, and the kind of document it is."""
OVER = ("cancelled", "refused")
"""Status of a row of which nothing more comes, and nothing came."""
REMEMBERED = timedelta(days=14)
"""What arrived longer ago is no news any more: its goods have been on the shelf for as long."""


class Reappeared(Record):
    """A document held as failed, as a feed shows it."""

    key: str
    proposal_id: str
    note: str
    """Why it is held as failed."""
    reference: str
    """Number by which the feed knows it."""
    action: ActionKind
    item: str
    site: str
    """Site that receives."""
    units: int

    @property
    def words(self) -> str:
        """The mismatch and what to do, in a sentence."""
        why = f" ({self.note})" if self.note else ""
        return (
            f"document {self.key} of {self.proposal_id} is held as failed{why}, and the feed shows it as "
            f"{self.reference}: {self.units:,} of {self.item} for {self.site}; cancel it there or let the plan count it"
        )


def reappeared(connection: Connection, scope: Scope, snapshot: Snapshot) -> list[Reappeared]:
    """Every such document the reader may see, a row for each item and site, by key."""
    failed = {row.key: row for row in list_outbox(connection, scope, states=(DocumentState.FAILED,))}
    found = []
    for feed, (number, site, action) in FEEDS.items() if failed else ():
        for row in _shown(snapshot, feed, number, site, list(failed)).iter_rows(named=True):
            known = failed[row["our_key"]]
            found.append(
                Reappeared(
                    key=known.key, proposal_id=known.proposal_id, note=known.note, reference=row["reference"],
                    action=action, item=row["item"], site=row["site"], units=int(row["units"]),
                )
            )  # fmt: skip
    return sorted(found, key=lambda one: (one.key, one.item, one.site))


def _shown(snapshot: Snapshot, feed: str, number: str, site: str, keys: list[str]) -> pl.DataFrame:
    """Rows of a feed under some of our keys that bring goods, or brought them lately."""
    lately = pl.col("received_date").is_null() | (pl.col("received_date") >= snapshot.as_of.date() - REMEMBERED)
    place = [pl.col(number).alias("reference"), pl.col("item"), pl.col(site).alias("site"), pl.col("our_key")]
    return (
        snapshot.table(feed)
        .filter(pl.col("our_key").is_in(keys), ~pl.col("status").is_in(OVER), lately)
        .select(*place, pl.col("quantity"))
        .group_by("reference", "item", "site", "our_key")
        .agg(pl.col("quantity").sum().alias("units"))
        .sort("our_key", "reference", "item", "site")
    )
