"""Records that cannot be true: stock nobody can buy, orders booked twice, sites whose sales are missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import polars as pl

from inventory.records import CaseKind, Finding
from inventory.snapshots import Snapshot
from inventory.stored_tables import RECENT_DEMAND
from tools.detectors.scan import Scan
from tools.reappeared import Reappeared
from tools.thresholds import Thresholds

KIND = CaseKind.DATA_PROBLEM
EVERYWHERE = "all-sites"
"""Site of a problem that is not one site's."""
LONGEST_SILENCE = 12
"""Weeks; after that it is no sudden silence but demand that has ended, which is looked for as such."""


def phantom_stock(scan: Scan) -> list[Finding]:
    """Rows whose book holds units while sales stopped all at once, though the item sells elsewhere as before."""
    outlook, signals, arrays = scan.outlook, scan.signals, scan.outlook.arrays
    limit = scan.value(KIND, "phantom_probability")
    found = outlook.planned & signals.silence.others_sell & (arrays.free >= 1.0)
    found &= (signals.silence.probability < limit) & (signals.silence.weeks >= scan.value(KIND, "phantom_weeks"))
    found &= signals.silence.weeks <= LONGEST_SILENCE
    worth = arrays.on_hand * np.nan_to_num(arrays.cost)
    found &= worth >= scan.limit(KIND, "phantom_money")
    return [
        scan.finding(
            row,
            kind=KIND,
            cause="phantom_stock",
            day=0,
            quantity=arrays.on_hand[row],
            threshold="phantom_probability",
            threshold_value=limit,
            measures={
                "book_units": arrays.on_hand[row],
                "silent_weeks": signals.silence.weeks[row],
                "silence_probability": signals.silence.probability[row],
                "mismatch_cost": round(float(worth[row]), 2),
            },
            note=(
                f"count the shelf: the book says {arrays.on_hand[row]:.0f} units, nothing was sold for "
                f"{signals.silence.weeks[row]} weeks, and other sites sell the item as before"
            ),
        )
        for row in np.flatnonzero(found).tolist()
    ]


def duplicate_orders(snapshot: Snapshot, thresholds: Thresholds, cost_of: dict[str, float]) -> list[Finding]:
    """Open orders of one day, supplier, item, site and quantity under several numbers: one of them is counted on."""
    same = ["supplier", "item", "site", "ordered_date", "promised_date", "quantity"]
    twice = (
        snapshot.table("purchase_orders")
        .filter(pl.col("status") == "open")
        .group_by(same)
        .agg(pl.col("order_id").unique().sort())
        .filter(pl.col("order_id").list.len() > 1)
        .sort("item", "site", "ordered_date", "supplier", "quantity")
    )
    doubled: dict[tuple[str, str], tuple[int, list[str]]] = {}
    for row in twice.iter_rows(named=True):
        units, orders = doubled.get((row["item"], row["site"]), (0, []))
        extra = row["quantity"] * (len(row["order_id"]) - 1)
        doubled[(row["item"], row["site"])] = (units + extra, orders + row["order_id"])
    return [
        problem(
            snapshot, thresholds, item=item, site=site, cause="duplicate_orders", quantity=units,
            threshold="duplicate_units",
            measures={"doubled_units": float(units), "mismatch_cost": round(units * cost_of.get(item, 0.0), 2)},
            note=f"ask whether {', '.join(orders)} are one order; if so, cancel all but one",
        )
        for (item, site), (units, orders) in doubled.items()
        if units >= thresholds.value(KIND.value, "duplicate_units", site=site)
    ]  # fmt: skip


def failed_documents(
    snapshot: Snapshot, thresholds: Thresholds, cost_of: dict[str, float], found: Iterable[Reappeared]
) -> list[Finding]:
    """Documents held as failed that a feed shows: goods under way, or there, that nobody here counts on."""
    at: dict[tuple[str, str], list[Reappeared]] = defaultdict(list)
    for one in found:
        at[(one.item, one.site)].append(one)
    return [
        problem(
            snapshot, thresholds, item=item, site=site, cause="failed_document_shown",
            quantity=sum(one.units for one in mine), threshold="duplicate_units",
            measures={
                "doubled_units": float(sum(one.units for one in mine)),
                "mismatch_cost": round(sum(one.units for one in mine) * cost_of.get(item, 0.0), 2),
            },
            note="; ".join(one.words for one in mine),
        )
        for (item, site), mine in sorted(at.items())
    ]  # fmt: skip


def silent_sites(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """Sites without one sale in the last complete week, while most sites of their size sold."""
    week, enough = snapshot.weeks[-1], thresholds.value(KIND.value, "silent_item_sites")
    planned = snapshot.table("item_sites").group_by("site").len("places").filter(pl.col("places") >= enough)
    this_week = (pl.col("date") >= week) & (pl.col("date") < pl.lit(week) + pl.duration(days=7))
    sold = snapshot.table(RECENT_DEMAND).filter(this_week).group_by("site").agg(pl.col("quantity").sum())
    sales = planned.join(sold, on="site", how="left").with_columns(pl.col("quantity").fill_null(0)).sort("site")
    silent = sales.filter(pl.col("quantity") == 0)
    if 2 * silent.height >= sales.height:
        return []
    return [
        problem(
            snapshot, thresholds, site=site, cause="missing_demand", quantity=places, threshold="silent_item_sites",
            measures={"item_sites_without_sales": float(places)},
            note=f"send the demand of {site} in the week of {week} again: no sale of {places} item-sites was delivered",
        )
        for site, places in silent.select("site", "places").iter_rows()
    ]  # fmt: skip


def problem(
    snapshot: Snapshot,
    thresholds: Thresholds,
    *,
    site: str,
    cause: str,
    quantity: int,
    threshold: str,
    measures: dict[str, float],
    note: str,
    item: str = "",
    supplier: str = "",
) -> Finding:
    """A data problem of a snapshot; it bites today."""
    return Finding(
        kind=KIND,
        item=item,
        site=site,
        supplier=supplier,
        cause=cause,
        bites_on=snapshot.as_of.date(),
        quantity=quantity,
        threshold=f"{KIND.value}.{threshold}",
        threshold_value=thresholds.value(KIND.value, threshold, site=site),
        threshold_version=thresholds.version,
        measures=measures,
        note=note,
    )
