"""Which sales channels an item-site serves, from the demand rows a snapshot keeps as they came."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from inventory.snapshots import Snapshot
from inventory.stored_tables import RECENT_DEMAND


def channels_of(snapshot: Snapshot, items: Collection[str]) -> dict[tuple[str, str], list[str]]:
    """Channels named in recent demand by item and site, sorted; item-sites whose demand names none are left out."""
    recent = snapshot.of_items(set(items)).table(RECENT_DEMAND)
    named = (
        recent.filter(pl.col("item").is_in(sorted(set(items))) & (pl.col("channel").fill_null("") != ""))
        .select("item", "site", "channel")
        .unique()
        .sort("item", "site", "channel")
    )
    found: dict[tuple[str, str], list[str]] = {}
    for item, site, channel in named.iter_rows():
        found.setdefault((item, site), []).append(channel)
    return found
