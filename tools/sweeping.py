"""One look at the whole network, part by part: a part in, findings and a few rows out.

A part is a contiguous range of items with all their sites, about what one file of a snapshot holds. Parts know nothing
of each other, so they may be looked at anywhere and in any order; what comes back is put together in order of items,
and is the same for any number of workers. Only rows that matter travel back: those with a finding, or those a plan
asks for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl

from inventory.ledger_frame import ledger_frame
from inventory.records import EVERYTHING, Finding, ProposalLine
from inventory.snapshots import Manifest, Snapshot
from tools.arrays import build_arrays
from tools.columns import IntArray
from tools.detect import detect
from tools.lead_times import LeadTimes
from tools.outlook import Outlook, look_ahead
from tools.thresholds import Thresholds
from tools.toolbox import Toolbox, committed_lines, undecided

PART_ROWS = 40_000
"""Item-sites of a part, about."""
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Part:
    """A range of items and everything needed to look at it, wherever that is done."""

    directory: Path
    manifest: Manifest
    items: tuple[str, ...]
    ledger: pl.DataFrame
    committed: tuple[ProposalLine, ...]
    lead_times: LeadTimes
    """Groups of these items only, numbered anew."""
    number: IntArray
    """Number each group has in the whole network."""
    thresholds: Thresholds
    places: pl.DataFrame | None = None
    """The only item-sites wanted; all that are planned when ``None``."""


@dataclass(frozen=True)
class Figures:
    """Sums over item-sites from which the figures of a sweep follow."""

    item_sites: int
    value_at: dict[str, float]
    """Cost value of stock on hand, by site."""
    asked: float
    """Units expected to be asked for until a normal order could be here."""
    short: float
    out: int
    """Item-sites with demand and nothing free."""
    cost_of_demand: float
    """Cost value of a day's demand."""

    @classmethod
    def of(cls, outlook: Outlook) -> Figures:
        """Sums over one look."""
        arrays, mean = outlook.arrays, outlook.demand.mean_per_day
        value = arrays.on_hand * np.nan_to_num(arrays.cost)
        window = np.clip(outlook.window_days, 1, arrays.horizon_days) - 1
        names, place = np.unique(np.array(arrays.sites, dtype=np.str_), return_inverse=True)
        by_site = np.bincount(place, value, len(names)) if len(names) else np.zeros(0)
        return cls(
            item_sites=arrays.rows,
            value_at=dict(zip(names.tolist(), by_site.tolist(), strict=True)),
            asked=float((mean * (window + 1)).sum()),
            short=float(outlook.projection.expected_short_units[np.arange(arrays.rows), window].sum()),
            out=int(((arrays.free <= 0) & (mean > 0)).sum()),
            cost_of_demand=float((mean * np.nan_to_num(arrays.cost)).sum()),
        )

    @classmethod
    def total(cls, parts: Iterable[Figures]) -> Figures:
        """Sums over parts."""
        rows, asked, short, out, turned = 0, 0.0, 0.0, 0, 0.0
        value: Counter[str] = Counter()
        for part in parts:
            rows, asked, short = rows + part.item_sites, asked + part.asked, short + part.short
            out, turned = out + part.out, turned + part.cost_of_demand
            value.update(part.value_at)
        return cls(rows, dict(sorted(value.items())), asked, short, out, turned)


@dataclass(frozen=True)
class Look:
    """What looking at a part, or at the whole network, came to."""

    findings: tuple[Finding, ...]
    outlook: Outlook
    """Only the rows that matter: those with a finding, or those that were asked for."""
    figures: Figures
    """Sums over every row looked at."""
    number: IntArray
    """Number each lead-time group of the look has in the whole network."""


def look_for_findings(part: Part) -> Look:
    """Look ahead for every item-site of a part and find what is wrong there."""
    outlook = look_at_part(part)
    findings = detect(outlook, part.thresholds)
    rows = sorted({outlook.arrays.row_of[(finding.item, finding.site)] for finding in findings})
    return Look(tuple(findings), outlook.take(np.array(rows, dtype=np.int64)), Figures.of(outlook), part.number)


def look_at_places(part: Part) -> Look:
    """Look ahead for the item-sites of a part that a plan asks for."""
    outlook = look_at_part(part)
    return Look((), outlook, Figures.of(outlook), part.number)


def look_at_part(part: Part) -> Outlook:
    """The forward look on a part, its groups numbered as the part has them."""
    snapshot = Snapshot(part.directory, part.manifest, part.items)
    arrays = build_arrays(
        snapshot,
        part.ledger,
        part.lead_times,
        horizon_days=int(part.thresholds.value("horizon", "days")),
        committed=part.committed,
        places=part.places,
    )
    return look_ahead(arrays, part.lead_times, part.thresholds)


def parts_of(
    snapshot: Snapshot,
    ledger: pl.DataFrame,
    lead_times: LeadTimes,
    committed: Sequence[ProposalLine],
    thresholds: Thresholds,
    *,
    places: pl.DataFrame | None = None,
) -> Iterator[Part]:
    """The network as parts, in order of items, each with its share of the ledger.

    Parameters
    ----------
    places
        Columns ``item`` and ``site``: the only item-sites wanted.
    """
    for items in item_ranges(snapshot.table("item_sites") if places is None else places):
        mine, number = lead_times.of_items(items)
        named = set(items)
        yield Part(
            directory=snapshot.directory,
            manifest=snapshot.manifest,
            items=items,
            ledger=ledger.filter(pl.col("item").is_in(items)),
            committed=tuple(line for line in committed if line.item in named),
            lead_times=mine,
            number=number,
            thresholds=thresholds,
            places=None if places is None else places.filter(pl.col("item").is_in(items)),
        )


def item_ranges(places: pl.DataFrame, rows: int = PART_ROWS) -> list[tuple[str, ...]]:
    """Items in order, cut where a range would hold more than so many item-sites."""
    ranges: list[list[str]] = []
    filled = rows
    for item, count in places.group_by("item").len().sort("item").iter_rows():
        if filled + count > rows:
            ranges.append([])
            filled = 0
        ranges[-1].append(item)
        filled += count
    return [tuple(items) for items in ranges]


def over_parts(work: Callable[[Part], Answer], parts: Iterable[Part], executor: Executor | None) -> Iterator[Answer]:
    """The answers in order of the parts, worked out here or by an executor's workers."""
    return map(work, parts) if executor is None else executor.map(work, parts)


def put_together(looks: Sequence[Look], lead_times: LeadTimes) -> Look:
    """Looks at all parts as one, on the lead times of the whole network."""
    findings = sorted(
        (finding for look in looks for finding in look.findings),
        key=lambda finding: (finding.kind, finding.item, finding.site),
    )
    return Look(
        findings=tuple(findings),
        outlook=Outlook.join([look.outlook.on(lead_times, look.number) for look in looks]),
        figures=Figures.total(look.figures for look in looks),
        number=np.arange(lead_times.mean_days.size),
    )


def look_everywhere(toolbox: Toolbox, progress: Callable[[int, int], None]) -> Look:
    """Find what is wrong in the whole network, on what is decided: a draft nobody approved does not end the trouble."""
    snapshot = toolbox.snapshot()
    lead_times = toolbox.lead_times(snapshot)
    with toolbox.database.read() as connection:
        ledger = ledger_frame(connection, EVERYTHING)
        committed = committed_lines(connection, snapshot, exclude=undecided(connection))
        thresholds = toolbox.thresholds(connection)
    parts = list(parts_of(snapshot, ledger, lead_times, committed, thresholds))
    looks = []
    for look in over_parts(look_for_findings, parts, toolbox.executor):
        looks.append(look)
        progress(len(looks), len(parts))
    return put_together(looks, lead_times)
