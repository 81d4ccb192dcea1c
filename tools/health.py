"""Is the data sound? Scores every feed at every site and opens findings with evidence and a proposed correction.

A data problem is said to be one: the brief names it, the item-sites it touches are never automatic until it is
settled, and the autonomy of a site falls with its score.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from sqlalchemy import Connection

from inventory.records import EVERYTHING, CaseKind, FeedHealth, Finding
from inventory.snapshots import Snapshot
from inventory.stock_book import differences
from tools.arrays import age_hours
from tools.detectors.policies import policy_inconsistencies
from tools.detectors.records import EVERYWHERE, duplicate_orders, failed_documents, problem, silent_sites
from tools.detectors.refused import refused_rows, unknown_stock
from tools.detectors.standing import open_identities
from tools.detectors.suppliers import Identity, contract_gaps, lead_time_drifts
from tools.forecast_needs import Needs
from tools.lead_times import LeadTimes
from tools.reappeared import reappeared
from tools.thresholds import Thresholds

__all__ = ["EVERYWHERE", "HealthReport", "check_health"]

WATCHED = ("stock", "demand", "purchase_orders", "transfers")
"""Feeds whose age matters for quantities."""
KIND = CaseKind.DATA_PROBLEM


@dataclass(frozen=True)
class HealthReport:
    """State of the data behind one snapshot."""

    feeds: tuple[FeedHealth, ...]
    findings: tuple[Finding, ...]

    def site_score(self, site: str) -> float:
        """Worst feed score at a site, 1 when none is watched there."""
        return min((feed.score for feed in self.feeds if feed.site in (site, EVERYWHERE)), default=1.0)

    def touched(self) -> frozenset[tuple[str, str]]:
        """Item-sites with a data problem of their own."""
        return frozenset((finding.item, finding.site) for finding in self.findings if finding.item)


def check_health(
    connection: Connection,
    snapshot: Snapshot,
    lead_times: LeadTimes,
    thresholds: Thresholds,
    now: datetime,
    *,
    needs: Needs | None = None,
) -> HealthReport:
    """Look at feeds, counts, orders and refused rows, and at what crosses items: suppliers, policies and bills.

    Findings of open cases stay until they fall below the lower band of their threshold.

    Parameters
    ----------
    needs
        What production asks of its components: with it, a bill that leads back to itself is found.
    """
    cost_of, standing = _costs(snapshot), open_identities(connection)
    mismatches = _stock_mismatches(snapshot, cost_of, thresholds, standing)
    booked = _book_differences(snapshot, cost_of, thresholds)
    refused, refused_by_feed = refused_rows(connection, snapshot, thresholds)
    feeds = _feed_health(snapshot, thresholds, now, mismatches, refused_by_feed)
    findings = [
        *mismatches,
        *booked,
        *_stale_feeds(snapshot, feeds, thresholds),
        *refused,
        *unknown_stock(connection, snapshot, thresholds),
        *duplicate_orders(snapshot, thresholds, cost_of),
        *failed_documents(snapshot, thresholds, cost_of, reappeared(connection, EVERYTHING, snapshot)),
        *silent_sites(snapshot, thresholds),
        *_circular_bills(snapshot, needs, thresholds),
        *contract_gaps(snapshot, lead_times, thresholds, standing),
        *lead_time_drifts(snapshot, lead_times, thresholds, standing),
        *policy_inconsistencies(snapshot, thresholds, standing),
    ]
    return HealthReport(tuple(feeds), tuple(sorted(findings, key=lambda f: (f.cause, f.site, f.item))))


def _feed_health(
    snapshot: Snapshot,
    thresholds: Thresholds,
    now: datetime,
    mismatches: list[Finding],
    refused: Counter[str],
) -> list[FeedHealth]:
    stated = snapshot.feeds()
    limit = thresholds.value(KIND.value, "feed_age_hours")
    rows_at = dict(snapshot.table("item_sites").group_by("site").len().sort("site").iter_rows())
    wrong_at = Counter(finding.site for finding in mismatches)
    found = []
    for site in rows_at:
        for feed in WATCHED:
            as_of = stated.get((feed, site), snapshot.as_of)
            age = age_hours(as_of, now)
            score = float(np.clip(1.0 - (age - limit) / (3.0 * limit), 0.0, 1.0)) if age > limit else 1.0
            problems = [f"{age:.0f} h old"] if age > limit else []
            if feed == "stock" and wrong_at[site]:
                share = wrong_at[site] / rows_at[site]
                score *= 1.0 - min(5.0 * share, 0.5)
                problems.append(f"{wrong_at[site]} of {rows_at[site]} items disagree with the warehouse's count")
            if refused[feed]:
                problems.append(f"{refused[feed]} rows refused at import")
            found.append(
                FeedHealth(
                    feed=feed, site=site, as_of=as_of, age_hours=round(age, 3), score=round(score, 4),
                    problems=tuple(problems),
                )
            )  # fmt: skip
    return found


def _costs(snapshot: Snapshot) -> dict[str, float]:
    """Cost of each item that has one."""
    return dict(snapshot.table("items").select("item", pl.col("cost").cast(pl.Float64)).drop_nulls().iter_rows())


def _stock_mismatches(
    snapshot: Snapshot, cost_of: dict[str, float], thresholds: Thresholds, standing: Collection[Identity]
) -> list[Finding]:
    stock = snapshot.table("stock")
    books = stock.group_by("item", "site", "source").agg(pl.col("on_hand").sum())
    both = (
        books.filter(pl.col("source") == "erp")
        .join(books.filter(pl.col("source") == "wms"), on=["item", "site"], how="inner", suffix="_wms")
        .sort("item", "site")
    )
    found = []
    for row in both.iter_rows(named=True):
        book, count = int(row["on_hand"]), int(row["on_hand_wms"])
        gap = abs(book - count)
        share = gap / max(book, count, 1)
        site = row["site"]
        known = (KIND.value, f"{row['item']}@{site}", "stock_mismatch") in standing
        band = thresholds.value("hysteresis", "close_share") if known else 1.0
        if gap < band * thresholds.value(KIND.value, "mismatch_units", site=site):
            continue
        if share <= band * thresholds.value(KIND.value, "mismatch_share", site=site):
            continue
        cost = cost_of.get(row["item"], 0.0)
        found.append(
            problem(
                snapshot,
                thresholds,
                item=row["item"],
                site=site,
                cause="stock_mismatch",
                quantity=gap,
                threshold="mismatch_share",
                measures={
                    "book_units": float(book),
                    "counted_units": float(count),
                    "mismatch_share": round(share, 4),
                    "mismatch_cost": round(gap * cost, 2),
                },
                note=f"count the shelf; if the count is right, correct the book from {book} to {count} units",
            )
        )
    return found


def _book_differences(snapshot: Snapshot, cost_of: dict[str, float], thresholds: Thresholds) -> list[Finding]:
    """Stock that opening balance and movements do not lead to; only where movements are sent."""
    movements = snapshot.table("movements")
    if movements.is_empty():
        return []
    by_place = (
        differences(snapshot.table("stock"), movements)
        .group_by("item", "site")
        .agg(pl.col("on_hand").sum(), pl.col("rebuilt").sum())
        .sort("item", "site")
    )
    found = []
    for row in by_place.iter_rows(named=True):
        stock, book = int(row["on_hand"]), int(row["rebuilt"])
        if abs(stock - book) < thresholds.value(KIND.value, "mismatch_units", site=row["site"]):
            continue
        cost = cost_of.get(row["item"], 0.0)
        found.append(
            problem(
                snapshot,
                thresholds,
                item=row["item"],
                site=row["site"],
                cause="movements_mismatch",
                quantity=abs(stock - book),
                threshold="mismatch_units",
                measures={
                    "stock_units": float(stock),
                    "rebuilt_units": float(book),
                    "mismatch_cost": round(abs(stock - book) * cost, 2),
                },
                note=f"movements lead to {book} units, the book says {stock}: find the missing movement",
            )
        )
    return found


def _circular_bills(snapshot: Snapshot, needs: Needs | None, thresholds: Thresholds) -> list[Finding]:
    """The bill that leads back to itself, if there is one: until it is corrected no bill has lower levels."""
    circle = None if needs is None else needs.circle
    if needs is None or circle is None:
        return []
    members = len(circle.items) - 1
    return [
        problem(
            snapshot,
            thresholds,
            item=circle.items[0],
            site=circle.site,
            cause="circular_bill",
            quantity=members,
            threshold="quarantined_rows",
            measures={"items_in_the_circle": float(members)},
            note=(
                f"{needs.fault}; take one of these lines out of the boms feed: until then production asks only for the "
                "direct components of its orders, at every plant"
            ),
        )
    ]


def _stale_feeds(snapshot: Snapshot, feeds: list[FeedHealth], thresholds: Thresholds) -> list[Finding]:
    limit = thresholds.value(KIND.value, "feed_age_hours")
    return [
        problem(
            snapshot,
            thresholds,
            site=feed.site,
            cause=f"stale_feed:{feed.feed}",
            quantity=0,
            threshold="feed_age_hours",
            measures={"age_hours": feed.age_hours, "score": feed.score},
            note=f"send the {feed.feed} feed of {feed.site} again; the one at hand is {feed.age_hours:.0f} h old",
        )
        for feed in feeds
        if feed.age_hours > limit
    ]
