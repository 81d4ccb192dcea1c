"""Small pictures of a network, straight as the tables a snapshot holds, and a look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.injected import InMemory, frame
from inventory.records import Finding
from inventory.stored_tables import HISTORY_WEEKS, stored_schema
from tools.arrays import NetworkArrays, build_arrays
from tools.detect import detect
from tools.detectors.scan import Place
from tools.lead_times import LeadTimes
from tools.outlook import Outlook, look_ahead
from tools.shared import SharedFacts
from tools.signals import Shelf, Signals
from tools.thresholds import Thresholds, packaged_thresholds, parse_thresholds

AS_OF = datetime(2024, 4, 8, 6, 0, tzinfo=UTC)
TODAY = AS_OF.date()


@dataclass(frozen=True)
class Row:
    """One planned item-site; the history's last week is the last complete one."""

    item: str
    site: str
    weekly: Sequence[float]
    on_hand: int
    cost: float = 10.0
    expires_in: int | None = None
    source: str = "SUP"
    service_target: float = 0.95
    review_days: int = 7
    order_up_to: int | None = None


def steady(weekly: int, weeks: int = HISTORY_WEEKS) -> list[int]:
    """Weekly demand that wobbles around a mean by a fixed pattern, never random."""
    wobble = (0, 1, -1, 2, 0, -2, 1, -1)
    return [max(weekly + wobble[week % len(wobble)], 0) for week in range(weeks)]


def days_from_now(days: int) -> date:
    """A date so many days ahead, or back."""
    return TODAY + timedelta(days=days)


def picture(*rows: Row, **tables: pl.DataFrame) -> InMemory:
    """The snapshot of some rows; tables given replace those made of the rows."""
    rows = tuple(sorted(rows, key=lambda row: (row.item, row.site)))
    items = {row.item: row for row in rows}
    sites = sorted({row.site for row in rows})
    weekly = np.full((len(rows), HISTORY_WEEKS), np.nan, dtype=np.float32)
    for number, row in enumerate(rows):
        weekly[number, HISTORY_WEEKS - len(row.weekly) :] = row.weekly
    named, at = [row.item for row in rows], [row.site for row in rows]
    demand = pl.DataFrame({"item": named, "site": at})
    schema, quiet = stored_schema("demand"), np.zeros(weekly.shape, np.bool_)
    columns = {"weekly": weekly, "promotion": quiet, "censored": quiet}
    made = {
        "sites": frame("sites", site=sites, name=sites, kind="store"),
        "items": frame("items", item=list(items), name=list(items), cost=[row.cost for row in items.values()],
                       price=[2.0 * row.cost for row in items.values()]),
        "suppliers": frame("suppliers", supplier=["SUP"], name=["SUP"]),
        "supplier_items": frame("supplier_items", supplier="SUP", item=list(items), price=1.0,
                                contract_lead_time_days=21),
        "item_sites": frame("item_sites", item=named, site=at, source=[row.source for row in rows],
                            service_target=[row.service_target for row in rows],
                            review_period_days=[row.review_days for row in rows],
                            order_up_to_level=[row.order_up_to for row in rows]),
        "lanes": frame("lanes", origin=["DC"], destination=["NORTH"], mode="truck", transit_days=2.0),
        "stock": frame("stock", item=named, site=at, on_hand=[row.on_hand for row in rows],
                       lot=["" if row.expires_in is None else "L" for row in rows], as_of=AS_OF,
                       expiry=[None if row.expires_in is None else days_from_now(row.expires_in) for row in rows]),
        "demand": demand.with_columns(pl.Series(name, values, schema[name]) for name, values in columns.items()),
    }  # fmt: skip
    return InMemory(AS_OF, made | tables)


def lead_times_of(snapshot: InMemory) -> LeadTimes:
    """Lead times of a picture."""
    return LeadTimes.of(snapshot)


def arrays_of(snapshot: InMemory) -> NetworkArrays:
    """The rows of a picture, nothing promised."""
    stock = snapshot.table("stock").filter(pl.col("source") == "erp")
    nothing = [pl.lit(0, pl.Int64).alias(name) for name in ("protect", "reserved", "in_flight", "frozen")]
    ledger = stock.select("item", "site", "lot", "on_hand", "allocated", *nothing)
    return build_arrays(snapshot, ledger, SharedFacts.of(snapshot, lead_times_of(snapshot)), horizon_days=42)


def thresholds(*changes: tuple[str, str]) -> Thresholds:
    """The packaged thresholds with texts replaced."""
    text = packaged_thresholds()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return parse_thresholds(text)


def look_at(snapshot: InMemory) -> Outlook:
    """The forward look on a picture."""
    return look_ahead(arrays_of(snapshot), lead_times_of(snapshot), thresholds())


def found_in(
    snapshot: InMemory,
    *,
    limits: Thresholds | None = None,
    open_places: frozenset[Place] = frozenset(),
    forecast: NDArray[np.float64] | None = None,
) -> dict[tuple[str, str], Finding]:
    """Findings of a picture by item and site."""
    outlook, limits = look_at(snapshot), limits or thresholds()
    signals = Signals.of(outlook.arrays, limits, shelf=Shelf.of(snapshot, outlook.arrays), forecast=forecast)
    found = detect(outlook, limits, open_places, signals=signals)
    assert len({(finding.item, finding.site) for finding in found}) == len(found), "one finding an item-site"
    return {(finding.item, finding.site): finding for finding in found}
