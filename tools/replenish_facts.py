"""What a replenishment run starts from beside stock and demand: exceptions, promises to be undone, and money."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np
import polars as pl
from sqlalchemy import Connection

from inventory.cases import CaseRow
from inventory.ledger import list_reservations
from inventory.records import EVERYTHING, CaseKind
from inventory.snapshots import Snapshot
from tools.columns import BoolArray
from tools.stock_rows import StockRows


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


def budgets_left(snapshot: Snapshot, budget: float | None) -> dict[str, float]:
    """Money left for purchases: a site's budget of the period less what was ordered in it, and the limit of the run."""
    today = snapshot.as_of.date()
    table = snapshot.table("budgets").filter(
        (pl.col("kind") == "purchase") & (pl.col("period_start") <= today) & (pl.col("period_end") >= today)
    )
    price = snapshot.table("supplier_items").select("supplier", "item", "price")
    orders = snapshot.table("purchase_orders").filter(pl.col("status") != "cancelled")
    spent = (
        orders.join(table.select("site", "period_start"), on="site", how="inner")
        .filter(pl.col("ordered_date") >= pl.col("period_start"))
        .join(price, on=["supplier", "item"], how="left")
        .group_by("site")
        .agg(spent=(pl.col("quantity") * pl.col("price").fill_null(0.0)).cast(pl.Float64).sum())
    )
    left = table.join(spent, on="site", how="left", maintain_order="left").with_columns(
        left=pl.col("amount").cast(pl.Float64) - pl.col("spent").fill_null(0.0)
    )
    found: dict[str, float] = dict(left.select("site", "left").iter_rows())
    return found | ({} if budget is None else {"": budget})
