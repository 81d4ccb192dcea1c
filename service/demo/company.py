"""Northlight Supply, the demo company: one snapshot's tables, generated from real sales and a seed.

Rules
-----
- The tables are those of :mod:`inventory.contract`, in base units; equal seeds give equal tables.
- Sales and most prices are real (VN1, client 40), delays are real shares rescaled (USAID SCMS), the rest is invented;
  ``service/demo/data/README.md`` says which is which, ``service/demo/README.md`` what is hidden where.
- Dates hang on ``as_of``: the last week of sales ends the day before its week begins.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from inventory.contract import table
from service.demo import book, catalogue, delays, market, network, orders, stock
from service.demo.history import SalesHistory, read_history
from service.demo.policy import REVIEW_DAYS, StaticPolicy, static_policy
from service.demo.script import Script, write_script
from service.demo.situations import STALE_FEED
from service.demo.warmup import WEEKS, warm_up

COMPANY = "Northlight Supply"
AS_OF = datetime(2024, 4, 8, 6, tzinfo=UTC)
"""The demo's own now: the Monday after the last week of sales."""
SEED = 40
FEED_LAG = timedelta(minutes=30)
"""Feeds are complete up to this long before now."""
FED_TABLES = ("stock", "demand", "known_demand", "purchase_orders", "transfers", "movements")

COLUMN_TYPES: dict[str, pl.DataType] = {
    "integer": pl.Int64(),
    "quantity": pl.Int64(),
    "decimal": pl.Float64(),
    "date": pl.Date(),
    "time": pl.Datetime("us", "UTC"),
    "boolean": pl.Boolean(),
}
"""Frame type of each column type of the contract; the others are text."""

Tables = dict[str, pl.DataFrame]
"""One frame per table of the data contract, by its name."""


def generate(seed: int = SEED, as_of: datetime = AS_OF) -> Tables:
    """The demo company's tables as they stand at ``as_of``.

    Parameters
    ----------
    seed
        Seed of everything invented by chance.
    as_of
        Now, with an offset; history ends with the Sunday before its week.

    Raises
    ------
    ValueError
        If ``as_of`` carries no offset.
    """
    if as_of.tzinfo is None:
        raise ValueError(f"as_of must carry an offset, got {as_of.isoformat()}")
    today = as_of.astimezone(UTC).date()
    monday = today - timedelta(days=today.weekday())
    start = monday - timedelta(weeks=WEEKS)
    rng = np.random.default_rng(seed)
    history = read_history()
    items = catalogue.build_catalogue(history, rng)
    policy = static_policy(history, items)
    script = write_script(history, items, policy)
    warmed = warm_up(history, items, policy, script, delays.delay_shares(), rng)
    kept = book.keep_book(history, items, warmed)
    lots = stock.lots_table(history, items, kept, start)
    known = market.known_demand_table(history, monday, rng)
    feeds = feeds_table(as_of)
    flags = dict(zip(history.items, items.flags, strict=True))
    tables = {
        "sites": network.sites_table(),
        "items": catalogue.items_table(history, items),
        "item_sites": item_sites_table(history, items, policy, script),
        "suppliers": catalogue.suppliers_table(),
        "supplier_items": catalogue.supplier_items_table(history, items),
        "lanes": network.lanes_table(),
        "stock": stock.stock_table(lots, flags, feed_ages(feeds, "stock"), market.allocations(known, monday), today),
        "demand": market.demand_table(history, start),
        "known_demand": known,
        "purchase_orders": orders.purchase_orders_table(history, items, warmed, start),
        "transfers": orders.transfers_table(history, warmed, start),
        "boms": orders.boms_table(),
        "production_orders": orders.production_orders_table(monday),
        "substitutes": catalogue.substitutes_table(),
        "returns": market.returns_table(history, start, rng),
        "customers": market.customers_table(),
        "commitments": market.commitments_table(monday),
        "budgets": network.budgets_table(monday),
        "movements": book.movements_table(history, kept, start),
        "zones": network.zones_table(),
        "supplier_lots": stock.supplier_lots_table(lots),
        "events": network.events_table(monday),
        "feeds": feeds,
    }
    return {name: as_contracted(name, frame) for name, frame in tables.items()}


def as_contracted(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with each column in the type the contract gives it."""
    contract = table(name)
    return frame.with_columns(
        pl.col(column).cast(COLUMN_TYPES.get(contract.column(column).type, pl.String())) for column in frame.columns
    )


def item_sites_table(
    history: SalesHistory, items: catalogue.Catalogue, policy: StaticPolicy, script: Script
) -> pl.DataFrame:
    """The ``item_sites`` table: today's ERP parameters, source and people."""
    row = history.item_row
    sites = [site for _, site in history.pairs]
    flags = [items.flags[i] for i in row.tolist()]
    source = [
        history.pairs[donor][1] if donor >= 0 else delays.SUPPLIERS[supplier].supplier
        for donor, supplier in zip(policy.donor_row.tolist(), items.supplier[row].tolist(), strict=True)
    ]
    planner = [network.PLANNER[site] for site in sites]
    return pl.DataFrame(
        {
            "item": [item for item, _ in history.pairs],
            "site": sites,
            "reorder_point": script.reorder_point,
            "order_up_to_level": np.maximum(policy.order_up_to_level, script.reorder_point),
            "service_target": [0.98 if flag in ("regulated", "customer_specific") else 0.95 for flag in flags],
            "review_period_days": REVIEW_DAYS,
            "source": source,
            "planner": planner,
            "planner_deputy": [network.DEPUTY[user] for user in planner],
            "buyer": network.BUYER,
        }
    )


def feeds_table(as_of: datetime) -> pl.DataFrame:
    """The ``feeds`` table: every feed fresh at every site, but for the stale one."""
    fresh = as_of.astimezone(UTC) - FEED_LAG
    stale_feed, stale_site, days = STALE_FEED
    rows = [
        (feed, site, fresh - timedelta(days=days if (feed, site) == (stale_feed, stale_site) else 0))
        for feed in FED_TABLES
        for site, *_ in network.SITES
    ]
    return pl.DataFrame(rows, schema=["feed", "site", "as_of"], orient="row")


def feed_ages(feeds: pl.DataFrame, feed: str) -> dict[str, datetime]:
    """The age of one feed by site."""
    return dict(feeds.filter(pl.col("feed") == feed).select("site", "as_of").iter_rows())
