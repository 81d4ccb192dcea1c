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
from tools.columns import FloatArray, IntArray
from tools.detect import detect
from tools.detectors.scan import Place
from tools.detectors.standing import open_places
from tools.lead_times import LeadTimes
from tools.outlook import Outlook, look_ahead
from tools.segments import SegmentFacts
from tools.shared import SharedFacts
from tools.signals import Shelf, Signals
from tools.thresholds import Thresholds
from tools.toolbox import Toolbox, committed_lines, undecided

PART_ROWS = 40_000
"""Item-sites of a part, about."""
MILLION = 1_000_000
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Part:
    """A range of items and everything needed to look at it, wherever that is done."""

    directory: Path
    manifest: Manifest
    items: tuple[str, ...]
    ledger: pl.DataFrame
    committed: tuple[ProposalLine, ...]
    shared: SharedFacts
    """What these items share with others; lead-time groups of these items only, numbered anew."""
    number: IntArray
    """Number each group has in the whole network."""
    thresholds: Thresholds
    places: pl.DataFrame | None = None
    """The only item-sites wanted; all that are planned when ``None``."""
    open_places: frozenset[Place] = frozenset()
    """Kind, item and site of findings that are open: they stay until they fall below the lower band."""

    @property
    def lead_times(self) -> LeadTimes:
        """Lead times of the part's items."""
        return self.shared.lead_times


@dataclass(frozen=True)
class Figures:
    """Sums over item-sites from which the figures of a sweep follow; integers, so that no order of adding shows."""

    item_sites: int
    value_at: dict[str, int]
    """Cost value of stock on hand, minor units, by site."""
    asked: int
    """Units expected to be asked for until a normal order could be here, millionths."""
    short: int
    """Of these, units that will be missing."""
    out: int
    """Item-sites with demand and nothing free."""
    cost_of_demand: int
    """Cost value of a day's demand, millionths."""

    @classmethod
    def of(cls, outlook: Outlook) -> Figures:
        """Sums over one look."""
        arrays, mean = outlook.arrays, outlook.demand.mean_per_day
        value = np.rint(arrays.on_hand * np.nan_to_num(arrays.cost) * 100.0)
        window = np.clip(outlook.window_days, 1, arrays.horizon_days) - 1
        names, place = np.unique(np.array(arrays.sites, dtype=np.str_), return_inverse=True)
        by_site = np.bincount(place, value, len(names)) if len(names) else np.zeros(0)
        return cls(
            item_sites=arrays.rows,
            value_at=dict(zip(names.tolist(), map(int, by_site.tolist()), strict=True)),
            asked=_millionths(mean * (window + 1)),
            short=_millionths(outlook.projection.expected_short_units[np.arange(arrays.rows), window]),
            out=int(((arrays.free <= 0) & (mean > 0)).sum()),
            cost_of_demand=_millionths(mean * np.nan_to_num(arrays.cost)),
        )

    @classmethod
    def total(cls, parts: Iterable[Figures]) -> Figures:
        """Sums over parts."""
        rows = asked = short = out = turned = 0
        value: Counter[str] = Counter()
        for part in parts:
            rows, asked, short = rows + part.item_sites, asked + part.asked, short + part.short
            out, turned = out + part.out, turned + part.cost_of_demand
            value.update(part.value_at)
        return cls(rows, dict(sorted(value.items())), asked, short, out, turned)


def _millionths(values: FloatArray) -> int:
    """The sum of values, each rounded to a millionth: exact, however large."""
    return sum(map(int, np.rint(values * MILLION).tolist()))


@dataclass(frozen=True)
class Look:
    """What looking at a part, or at the whole network, came to."""

    findings: tuple[Finding, ...]
    outlook: Outlook
    """Only the rows that matter: those with a finding, or those that were asked for."""
    figures: Figures
    """Sums over every row looked at."""
    segments: SegmentFacts
    """What the kind of every row looked at follows from."""
    number: IntArray
    """Number each lead-time group of the look has in the whole network."""


def look_for_findings(part: Part) -> Look:
    """Look ahead for every item-site of a part and find what is wrong there."""
    outlook = look_at_part(part)
    shelf = Shelf.of(_snapshot_of(part), outlook.arrays)
    signals = Signals.of(outlook.arrays, part.thresholds, shelf=shelf)
    findings = detect(outlook, part.thresholds, part.open_places, signals=signals)
    rows = sorted({outlook.arrays.row_of[(finding.item, finding.site)] for finding in findings})
    kept = outlook.take(np.array(rows, dtype=np.int64))
    return Look(tuple(findings), kept, Figures.of(outlook), SegmentFacts.of(outlook), part.number)


def look_at_places(part: Part) -> Look:
    """Look ahead for the item-sites of a part that a plan asks for."""
    outlook = look_at_part(part)
    return Look((), outlook, Figures.of(outlook), SegmentFacts.of(outlook), part.number)


def look_at_part(part: Part) -> Outlook:
    """The forward look on a part, its groups numbered as the part has them."""
    arrays = build_arrays(
        _snapshot_of(part),
        part.ledger,
        part.shared,
        horizon_days=int(part.thresholds.value("horizon", "days")),
        committed=part.committed,
        places=part.places,
    )
    return look_ahead(arrays, part.lead_times, part.thresholds)


def _snapshot_of(part: Part) -> Snapshot:
    return Snapshot(part.directory, part.manifest, part.items)


def parts_of(
    snapshot: Snapshot,
    ledger: pl.DataFrame,
    shared: SharedFacts,
    committed: Sequence[ProposalLine],
    thresholds: Thresholds,
    *,
    places: pl.DataFrame | None = None,
    open_places: frozenset[Place] = frozenset(),
    rows: int = PART_ROWS,
) -> Iterator[Part]:
    """The network as parts, in order of items, each with its share of the ledger.

    Parameters
    ----------
    places
        Columns ``item`` and ``site``: the only item-sites wanted.
    open_places
        Kind, item and site of findings that are open.
    rows
        Item-sites of a part, about.
    """
    for items in item_ranges(snapshot.table("item_sites") if places is None else places, rows):
        mine, number = shared.of_items(items)
        named = set(items)
        yield Part(
            directory=snapshot.directory,
            manifest=snapshot.manifest,
            items=items,
            ledger=ledger.filter(pl.col("item").is_in(items)),
            committed=tuple(line for line in committed if line.item in named),
            shared=mine,
            number=number,
            thresholds=thresholds,
            places=None if places is None else places.filter(pl.col("item").is_in(items)),
            open_places=frozenset(place for place in open_places if place[1] in named),
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
        segments=SegmentFacts.join([look.segments for look in looks]),
        number=np.arange(lead_times.mean_days.size),
    )


@dataclass(frozen=True)
class Looking:
    """A look at the whole network that has begun: workers are at it while this process does something else."""

    looks: Iterator[Look]
    parts: int
    shared: SharedFacts

    def finish(self, progress: Callable[[int, int], None]) -> Look:
        """What was found, when every part has been looked at."""
        done = []
        for look in self.looks:
            done.append(look)
            progress(len(done), self.parts)
        return put_together(done, self.shared.lead_times)


def start_looking(toolbox: Toolbox, *, rows: int = PART_ROWS) -> Looking:
    """Begin to look for what is wrong in the whole network.

    On what is decided: a draft nobody approved does not end the trouble. Without workers nothing happens before
    :meth:`Looking.finish`.
    """
    snapshot = toolbox.snapshot()
    toolbox.start_sharing(snapshot)
    with toolbox.database.read() as connection:
        ledger = ledger_frame(connection, EVERYTHING)
        committed = committed_lines(connection, snapshot, exclude=undecided(connection))
        thresholds = toolbox.thresholds(connection)
        standing = open_places(connection)
    shared = toolbox.shared(snapshot)
    parts = list(parts_of(snapshot, ledger, shared, committed, thresholds, open_places=standing, rows=rows))
    return Looking(over_parts(look_for_findings, parts, toolbox.executor), len(parts), shared)


def look_everywhere(toolbox: Toolbox, progress: Callable[[int, int], None], *, rows: int = PART_ROWS) -> Look:
    """Look for what is wrong in the whole network."""
    return start_looking(toolbox, rows=rows).finish(progress)
