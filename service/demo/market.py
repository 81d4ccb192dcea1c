"""Who buys from the demo company: demand (real), customers, orders, commitments and returns (invented)."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from service.demo.history import SalesHistory
from service.demo.situations import COMMITMENTS, SHORTAGES

CUSTOMERS: tuple[tuple[str, str, str, float], ...] = (
    ("HALDEN", "Halden Industries", "strategic", 0.25),
    ("BRIGHTMART", "Brightmart Retail", "key", 0.10),
    ("NORDVIK", "Nordvik Service", "standard", 0.0),
    ("QUAYSIDE", "Quayside Works", "standard", 0.0),
    ("OAKFIELD", "Oakfield Repairs", "standard", 0.0),
)
"""``(customer, name, tier, penalty as a share of price)``."""
ORDERS = 24
PROMOTION = ("P-9352", "P-6242", "P-5309")
"""Items of the spring web promotion at FC-WEB."""
PROMOTION_UNITS = 12
COMMITTED_DAYS = 120


def demand_table(history: SalesHistory, start: date) -> pl.DataFrame:
    """The ``demand`` table: the real sales, a row per item-site and week; ``start`` is the first Monday."""
    weeks = history.weekly.shape[1]
    channel = {"FC-WEB": "web", "ST-HARBOUR": "store", "ST-PINE": "store"}
    mondays = [start + timedelta(weeks=week) for week in range(weeks)]
    return pl.DataFrame(
        {
            "item": [item for item, _ in history.pairs for _ in mondays],
            "site": [site for _, site in history.pairs for _ in mondays],
            "channel": [channel.get(site, "trade") for _, site in history.pairs for _ in mondays],
            "date": mondays * len(history.pairs),
            "quantity": history.weekly.ravel(),
            "promotion": False,
            "lost_sales": False,
        }
    )


def customers_table() -> pl.DataFrame:
    """The ``customers`` table."""
    return pl.DataFrame(CUSTOMERS, schema=["customer", "name", "tier", "penalty_share"], orient="row")


def commitments_table(today: date) -> pl.DataFrame:
    """The ``commitments`` table."""
    until = today + timedelta(days=COMMITTED_DAYS)
    rows = [(*commitment, until) for commitment in COMMITMENTS]
    return pl.DataFrame(rows, schema=["customer", "item", "site", "protected_quantity", "until"], orient="row")


def known_demand_table(history: SalesHistory, today: date, rng: np.random.Generator) -> pl.DataFrame:
    """The ``known_demand`` table: customer orders and a contract inside the forecast, a promotion on top of it."""
    short = {(shortage.item, shortage.receiver) for shortage in SHORTAGES}
    recent = history.weekly[:, -8:].mean(axis=1)
    steady = [row for row, pair in enumerate(history.pairs) if recent[row] >= 4 and pair not in short]
    rows: list[tuple[str, str, str, str, str | None, date, int, bool]] = []
    for number, row in enumerate(sorted(rng.choice(steady, size=ORDERS, replace=False).tolist()), start=1):
        item, site = history.pairs[row]
        customer = CUSTOMERS[int(rng.integers(0, len(CUSTOMERS)))][0]
        due = today + timedelta(days=int(rng.integers(1, 20)))
        rows.append((f"SO-{number:04d}", item, site, "order", customer, due, max(1, int(recent[row] // 2)), False))
    for item, site in (("P-4132", "DC-EAST"), ("P-3426", "WH-SOUTH"), ("P-8551", "DC-EAST")):
        rows.append(("CT-HALDEN", item, site, "contract", "HALDEN", today + timedelta(days=18), 6, False))
    for item in PROMOTION:
        rows.append(("PR-SPRING", item, "FC-WEB", "promotion", None, today + timedelta(days=14), PROMOTION_UNITS, True))
    names = ["reference", "item", "site", "kind", "customer", "due_date", "quantity", "adds_to_forecast"]
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


def allocations(known_demand: pl.DataFrame, today: date) -> dict[tuple[str, str], int]:
    """Units set aside by ``(item, site)`` for customer orders due within a week."""
    due = known_demand.filter(pl.col("kind") == "order", pl.col("due_date") <= today + timedelta(days=7))
    totals = due.group_by("item", "site").agg(pl.col("quantity").sum()).sort("item", "site")
    return {(item, site): quantity for item, site, quantity in totals.iter_rows()}


def returns_table(history: SalesHistory, start: date, rng: np.random.Generator) -> pl.DataFrame:
    """The ``returns`` table: a few units of the best sellers, all before the stock book opens."""
    best = np.argsort(-history.weekly.sum(axis=1), kind="stable")[:30]
    rows = []
    for row in sorted(best.tolist()):
        item, site = history.pairs[row]
        units = max(1, int(history.weekly[row, 8:20].mean() * 0.1))
        day = start + timedelta(days=int(rng.integers(70, 150)))
        rows.append((item, site, day, units, round(float(rng.uniform(0.6, 1.0)), 2)))
    return pl.DataFrame(rows, schema=["item", "site", "date", "quantity", "reusable_share"], orient="row")
