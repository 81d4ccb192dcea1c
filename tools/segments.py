"""Segments of a sweep: every item-site's class by value, variability, stage of life and supply.

A part of the network gives its measures; classes are cut over the whole network, since value is a share of all. The
measures are a few numbers per item-site, so parts may be looked at anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from sqlalchemy import Connection

from inventory.database import Transaction
from inventory.records import EVERYTHING, SegmentChange
from inventory.segments import save_segments, segment_frame
from inventory.snapshots import Snapshot
from optimizer.stocking.segments import (
    SegmentCodes,
    constrained_supply,
    life_stages,
    value_classes,
    variability_classes,
)
from tools.columns import BoolArray, FloatArray, IntArray
from tools.money import to_minor
from tools.outlook import Outlook
from tools.rows import join_rows
from tools.stocking_policy import SegmentCuts, StockingPolicy, codes_of_cells

SEASON_WEEKS = 52
TREND_WEEKS = 13
"""Weeks compared with the same weeks a year before, or with the weeks before them where history is shorter."""
NEVER = 1e6
"""Days since something that never happened."""


@dataclass(frozen=True)
class SegmentFacts:
    """Measures of each item-site, shape ``(n,)``."""

    items: tuple[str, ...]
    sites: tuple[str, ...]
    item_class: tuple[str, ...]
    value: FloatArray
    """Demand of a year at cost."""
    variation: FloatArray
    """Coefficient of variation of weekly demand; infinite without demand."""
    age_days: FloatArray
    silent_days: FloatArray
    recent: FloatArray
    """Units a week in the last weeks, and in the weeks they are compared with."""
    earlier: FloatArray
    supply: FloatArray
    """Units free, or expected within a lead time."""
    need: FloatArray
    """Units asked for within a lead time, when no new order could help."""
    declared: BoolArray
    """The item is of a constrained class, whatever is in stock."""

    @classmethod
    def of(cls, outlook: Outlook) -> SegmentFacts:
        """Measures from one look."""
        arrays, demand = outlook.arrays, outlook.demand
        mean, sd = demand.mean_per_day, demand.sd_per_day
        # In float64 from the start: sums over two years of float32 would depend on their order.
        history = arrays.history.astype(np.float64)
        sold = np.nan_to_num(history) > 0.0
        weeks = history.shape[1]
        some = sold.any(axis=1)
        first, last = np.argmax(sold, axis=1), np.argmax(sold[:, ::-1], axis=1)
        since_first = np.where(some, 7.0 * (weeks - first), 0.0)
        launched = arrays.launch_age_days.astype(np.float64)
        variation = np.divide(sd * np.sqrt(7.0), mean * 7.0, out=np.full(mean.shape, np.inf), where=mean > 0.0)
        recent, earlier = _trend(history)
        return cls(
            items=arrays.items,
            sites=arrays.sites,
            item_class=arrays.item_class,
            value=mean * 365.0 * np.nan_to_num(arrays.cost),
            variation=variation,
            age_days=np.where(launched >= 0.0, np.maximum(launched, since_first), since_first),
            silent_days=np.where(some, 7.0 * last, NEVER),
            recent=recent,
            earlier=earlier,
            supply=np.maximum(arrays.free + _arriving(outlook), 0.0),
            need=mean * outlook.lead_time_mean,
            declared=np.array([name == "constrained" for name in arrays.item_class], dtype=np.bool_),
        )

    @classmethod
    def join(cls, parts: Sequence[SegmentFacts]) -> SegmentFacts:
        """Parts of one network end to end."""
        return join_rows(parts)


@dataclass(frozen=True)
class Segmented:
    """Segments of the network, and what changed against those known before."""

    facts: SegmentFacts
    codes: SegmentCodes
    previous: IntArray
    """Cell known before, -1 for none."""

    @property
    def cell(self) -> IntArray:
        """Cell of each item-site."""
        return self.codes.cell

    @property
    def changed(self) -> IntArray:
        """Rows that were in another segment."""
        return np.flatnonzero((self.previous >= 0) & (self.previous != self.cell))


def _trend(history: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean units of the recent weeks, and of those they are compared with: a year before where history reaches."""
    weeks = history.shape[1]
    back = SEASON_WEEKS if weeks >= SEASON_WEEKS + TREND_WEEKS else TREND_WEEKS
    recent = history[:, max(weeks - TREND_WEEKS, 0) :]
    earlier = history[:, max(weeks - back - TREND_WEEKS, 0) : max(weeks - back, 0)]
    known = np.isfinite(earlier).sum(axis=1) >= TREND_WEEKS // 2
    # Weeks before the item was listed say nothing about its trend.
    return _mean(recent), np.where(known, _mean(earlier), _mean(recent))


def _mean(weeks: FloatArray) -> FloatArray:
    count = np.isfinite(weeks).sum(axis=1)
    return np.asarray(np.nan_to_num(weeks).sum(axis=1) / np.maximum(count, 1))


def _arriving(outlook: Outlook) -> FloatArray:
    """Units expected within each row's lead time."""
    arrivals, rows = outlook.arrivals, outlook.arrays.rows
    horizon = arrivals.arrival_probability.shape[1]
    within = np.clip(np.ceil(outlook.lead_time_mean), 0, horizon).astype(np.int64)[arrivals.series]
    reached = np.where(np.arange(horizon) < within[:, None], arrivals.arrival_probability, 0.0).sum(axis=1)
    return np.bincount(arrivals.series, arrivals.quantity * reached, rows).astype(np.float64)


def segment(facts: SegmentFacts, ends_within: FloatArray, previous: IntArray, cuts: SegmentCuts) -> SegmentCodes:
    """Codes of every item-site, cut over all of them.

    Parameters
    ----------
    ends_within
        Days to an announced end, infinite without one.
    previous
        Cells known before, -1 for none.
    """
    before = codes_of_cells(np.maximum(previous, 0))
    known = previous >= 0

    def was(codes: IntArray) -> IntArray:
        return np.where(known, codes, -1)

    scarce = constrained_supply(
        facts.supply, facts.need, cuts.constrained_share, previous=was(before.constrained), band=cuts.constrained_band
    )
    return SegmentCodes(
        value=value_classes(facts.value, cuts.value_cuts, previous=was(before.value), band=cuts.value_band),
        variability=variability_classes(
            facts.variation, cuts.variability_cuts, previous=was(before.variability), band=cuts.variability_band
        ),
        stage=life_stages(
            facts.age_days, facts.silent_days, facts.recent, facts.earlier, ends_within,
            launch_days=float(cuts.launch_days), silence_days=float(cuts.silence_days),
            ending_days=float(cuts.ending_days), trend=cuts.trend, previous=was(before.stage), band=cuts.trend_band,
        ),
        constrained=np.where(facts.declared, 1, scarce),
    )  # fmt: skip


def segment_network(
    connection: Connection, snapshot: Snapshot, facts: SegmentFacts, policy: StockingPolicy
) -> Segmented:
    """Segments of the network beside those the store knows."""
    places = pl.DataFrame({"item": facts.items, "site": facts.sites}, schema={"item": pl.String, "site": pl.String})
    known = places.join(segment_frame(connection, EVERYTHING), on=["item", "site"], how="left", maintain_order="left")
    previous = known["cell"].fill_null(-1).to_numpy().astype(np.int64)
    ends = snapshot.table("items").select("item", "end_of_life_date")
    dated = places.join(ends, on="item", how="left", maintain_order="left")["end_of_life_date"]
    left = (dated - snapshot.as_of.date()).dt.total_days().cast(pl.Float64)
    ends_within = np.maximum(left.fill_null(np.inf).to_numpy(), 0.0)
    return Segmented(facts, segment(facts, ends_within, previous, policy.segments), previous)


def keep_segments(transaction: Transaction, snapshot_id: str, found: Segmented) -> None:
    """Write what is new or changed; the segments of a snapshot kept twice change nothing."""
    facts, cell = found.facts, found.cell
    fresh = np.flatnonzero(found.previous < 0).tolist()
    save_segments(
        transaction,
        snapshot_id,
        fresh=[(facts.items[row], facts.sites[row], facts.item_class[row], int(cell[row])) for row in fresh],
        changes=[
            SegmentChange(
                snapshot_id=snapshot_id,
                item=facts.items[row],
                site=facts.sites[row],
                item_class=facts.item_class[row],
                before=int(found.previous[row]),
                after=int(cell[row]),
                value_minor=to_minor(float(facts.value[row])),
                at=transaction.now,
            )
            for row in found.changed.tolist()
        ],
    )
