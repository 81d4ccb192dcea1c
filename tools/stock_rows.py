"""What a decision over the whole network needs of each item-site: a few numbers, so that parts may go anywhere.

The time until an order could be here is cut into `SPELLS` equal spells, and one more for the review period after it: a
row's spells are as long as its own lead time asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from inventory.ledger_frame import ledger_frame
from inventory.records import EVERYTHING, ProposalLine
from tools.columns import BoolArray, FloatArray, IntArray
from tools.outlook import Outlook
from tools.rows import join_rows
from tools.rules.bounds import RowBounds
from tools.segments import SegmentFacts
from tools.sweeping import Part, look_at_part, over_parts, parts_of
from tools.targets import Targets
from tools.toolbox import Toolbox, committed_lines, undecided

SPELLS = 3
"""Equal parts of a lead time over which stock is followed."""
REVIEW_DAYS = 7.0
"""Where the ERP names none."""


@dataclass(frozen=True)
class StockRows:
    """One row per planned item-site, shape ``(n,)`` unless said; sorted by item and site."""

    today: date
    items: tuple[str, ...]
    sites: tuple[str, ...]
    item_class: tuple[str, ...]
    supplier: tuple[str, ...]
    """Empty when unknown."""
    source_site: tuple[str, ...]
    """Site that replenishes the row; empty when a supplier does."""
    planner: tuple[str, ...]
    free: FloatArray
    """On hand less allocated and promised; may be negative."""
    on_hand: FloatArray
    arriving: FloatArray
    """Shape ``(n, SPELLS + 1)``, units expected at the start of each spell, the last by the end of the review."""
    mean_per_day: FloatArray
    sd_per_day: FloatArray
    known: FloatArray
    """Shape ``(n, SPELLS + 1)``, units due on top of the forecast in each spell."""
    lead_mean: FloatArray
    lead_sd: FloatArray
    review_days: FloatArray
    """As the ERP has it, NaN where it names none."""
    service_target: FloatArray
    cost: FloatArray
    price: FloatArray
    """What the supplier asks; NaN when none sells it."""
    order_cost: FloatArray
    minimum_order: FloatArray
    order_multiple: FloatArray
    margin: FloatArray
    holding_per_day: FloatArray
    history_weeks: IntArray
    planned: BoolArray
    """Enough history for mathematics to give a quantity."""
    bounds: RowBounds | None = None
    """What machine rules ask of the rows; ``None`` where there are none."""

    @property
    def count(self) -> int:
        """Number of item-sites."""
        return len(self.items)

    @classmethod
    def of(cls, outlook: Outlook) -> StockRows:
        """Rows of one look."""
        arrays = outlook.arrays
        review = np.where(np.isnan(arrays.review_days), REVIEW_DAYS, arrays.review_days)
        return cls(
            today=arrays.today,
            items=arrays.items,
            sites=arrays.sites,
            item_class=arrays.item_class,
            supplier=arrays.supplier,
            source_site=arrays.source_site,
            planner=arrays.planner,
            free=arrays.free,
            on_hand=arrays.on_hand,
            arriving=_arriving(outlook, review),
            mean_per_day=outlook.demand.mean_per_day,
            sd_per_day=outlook.demand.sd_per_day,
            known=_known(outlook, review),
            lead_mean=outlook.lead_time_mean,
            lead_sd=outlook.lead_time_sd,
            review_days=arrays.review_days,
            service_target=arrays.service_target,
            cost=arrays.cost,
            price=arrays.purchase_price,
            order_cost=arrays.order_cost,
            minimum_order=arrays.minimum_order,
            order_multiple=arrays.order_multiple,
            margin=arrays.margin,
            holding_per_day=arrays.holding_per_day,
            history_weeks=outlook.history_weeks,
            planned=outlook.planned,
            bounds=RowBounds.of(outlook),
        )

    @classmethod
    def join(cls, parts: Sequence[StockRows]) -> StockRows:
        """Parts of one network end to end."""
        return replace(join_rows(parts), bounds=RowBounds.join([part.bounds for part in parts]))


@dataclass(frozen=True)
class NetworkStock:
    """The network as rows, their measures for segments, and the ledger they were worked out on."""

    rows: StockRows
    facts: SegmentFacts
    ledger: pl.DataFrame
    committed: tuple[ProposalLine, ...]


def stock_of_part(part: Part) -> tuple[StockRows, SegmentFacts]:
    """Rows and measures of one part."""
    outlook = look_at_part(part)
    return StockRows.of(outlook), SegmentFacts.of(outlook)


def network_stock(
    toolbox: Toolbox,
    *,
    without: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
    exclude: Sequence[str] = (),
) -> NetworkStock:
    """The whole network on the current snapshot, part by part, on what is decided and on what only waits.

    Parameters
    ----------
    without
        Gives back to the ledger what some proposals hold: those that are about to be replaced.
    exclude
        Their ids: what they would bring does not count as under way.
    """
    snapshot = toolbox.snapshot()
    with toolbox.database.read() as connection:
        ledger = ledger_frame(connection, EVERYTHING)
        committed = tuple(committed_lines(connection, snapshot, exclude=exclude))
        thresholds = toolbox.thresholds(connection)
    if without is not None:
        ledger = without(ledger)
    # What the ERP itself asks: the run asks its policy for the segments it has just found out.
    shared = toolbox.shared(snapshot, Targets.none())
    parts = parts_of(snapshot, ledger, shared, committed, thresholds)
    answers = list(over_parts(stock_of_part, parts, toolbox.executor))
    return NetworkStock(
        StockRows.join([rows for rows, _ in answers]),
        SegmentFacts.join([facts for _, facts in answers]),
        ledger,
        committed,
    )


def decided_stock(toolbox: Toolbox) -> NetworkStock:
    """The same on what is decided only: what a look that changes nothing starts from."""
    with toolbox.database.read() as connection:
        waiting = undecided(connection)
    return network_stock(toolbox, exclude=waiting)


def spell_days(lead_mean: FloatArray, review: FloatArray) -> FloatArray:
    """Length of each spell, ``(n, SPELLS + 1)``, days."""
    return np.column_stack([np.repeat(lead_mean[:, None] / SPELLS, SPELLS, axis=1), review])


def _arriving(outlook: Outlook, review: FloatArray) -> FloatArray:
    """Open orders by the nearest start of a spell; those beyond the review period do not help this decision."""
    arrivals, rows = outlook.arrivals, outlook.arrays.rows
    horizon = arrivals.arrival_probability.shape[1]
    lead = outlook.lead_time_mean[arrivals.series]
    until = (outlook.lead_time_mean + review)[arrivals.series]
    day = np.arange(horizon)
    units = arrivals.quantity[:, None] * arrivals.arrival_probability
    # What the horizon cuts off is here in time only where the horizon is shorter than the time to protect.
    late = np.maximum(arrivals.quantity - units.sum(axis=1), 0.0) * (until > horizon)
    start = np.rint(day / np.maximum(lead[:, None] / SPELLS, 1e-9))
    place = np.minimum(start, SPELLS).astype(np.int64)
    units = np.where(day < until[:, None], units, 0.0)
    found = np.zeros((rows, SPELLS + 1))
    np.add.at(found, (np.broadcast_to(arrivals.series[:, None], place.shape), place), units)
    found[:, SPELLS] += np.bincount(arrivals.series, late, rows)
    return found


def _known(outlook: Outlook, review: FloatArray) -> FloatArray:
    """Known demand by spell, days split where a spell ends within one."""
    known = outlook.arrays.known_demand
    total = np.concatenate([np.zeros((len(known), 1)), np.cumsum(known, axis=1)], axis=1)
    ends = np.minimum(np.cumsum(spell_days(outlook.lead_time_mean, review), axis=1), known.shape[1])
    whole = np.floor(ends).astype(np.int64)
    here = np.take_along_axis(total, whole, axis=1)
    beyond = np.take_along_axis(total, np.minimum(whole + 1, known.shape[1]), axis=1)
    by = here + (ends - whole) * (beyond - here)
    return np.diff(by, axis=1, prepend=0.0)
