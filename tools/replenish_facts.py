"""What a replenishment run starts from beside stock and demand: exceptions, promises to be undone, and money."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import numpy as np
import polars as pl
from sqlalchemy import Connection

from inventory.capacity import CapacityKind, Slot
from inventory.cases import CaseRow
from inventory.ledger import list_reservations
from inventory.records import EVERYTHING, CaseKind
from inventory.snapshots import Snapshot
from tools.budget_use import budgets_of
from tools.columns import BoolArray
from tools.stock_rows import StockRows

MINOR = 100
"""Minor units in one unit of the currency."""


def is_replenishment(row: CaseRow) -> bool:
    """Whether a case is a replenishment run's."""
    return row.case.kind is CaseKind.REPLENISHMENT


def excepted_rows(rows: StockRows, cases: Iterable[CaseRow], day: date) -> BoolArray:
    """Rows with an open case, and those whose order a person turned down until some day."""
    places = {
        (finding.item, finding.site)
        for row in cases
        if not is_replenishment(row) or (row.resume_on is not None and row.resume_on > day)
        for finding in row.case.findings
    }
    return np.array([place in places for place in zip(rows.items, rows.sites, strict=True)], dtype=np.bool_)


def held_by(connection: Connection, proposals: Iterable[str]) -> pl.DataFrame:
    """Units that proposals hold, by item, site and lot."""
    held = [
        (row.item, row.site, row.lot, row.quantity)
        for proposal_id in sorted(proposals)
        for row in list_reservations(connection, EVERYTHING, proposal_id=proposal_id, states=("held",))
    ]
    schema = {"item": pl.String, "site": pl.String, "lot": pl.String, "back": pl.Int64}
    frame = pl.DataFrame(held, schema=schema, orient="row")
    return frame.group_by("item", "site", "lot").agg(pl.col("back").sum())


def given_back(ledger: pl.DataFrame, returned: pl.DataFrame) -> pl.DataFrame:
    """The ledger as if what is about to be superseded held nothing."""
    joined = ledger.join(returned, on=["item", "site", "lot"], how="left", maintain_order="left")
    return joined.with_columns(reserved=pl.col("reserved") - pl.col("back").fill_null(0)).drop("back")


def budgets_left(snapshot: Snapshot, budget: float | None, held: Mapping[Slot, int]) -> dict[str, float]:
    """Money left for purchases by site, and under an empty name for the whole run.

    Parameters
    ----------
    budget
        Most that may be spent in the run, whole currency units.
    held
        What proposals hold of budgets, minor units; a site has left what neither they nor the feed's orders took.
    """
    today, sites = snapshot.as_of.date(), set(snapshot.table("budgets")["site"])
    left = {
        site: min(each.budget_minor - each.ordered_minor - held.get(each.slot, 0) for each in several) / MINOR
        for (site, kind), several in budgets_of(snapshot, today, sites).items()
        if kind is CapacityKind.PURCHASE_BUDGET
    }
    return left | ({} if budget is None else {"": budget})
