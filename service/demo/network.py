"""The demo's sites, the lanes between them, and what is known about the calendar; all invented."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

SITES: tuple[tuple[str, str, str, str, float, float], ...] = (
    ("DC-EAST", "Distribution centre East", "dc", "East", 60000.0, 0.0),
    ("DC-WEST", "Distribution centre West", "dc", "West", 40000.0, 0.0),
    ("WH-SOUTH", "Warehouse South", "warehouse", "South", 30000.0, 0.0),
    ("PL-NORTH", "Kitting plant North", "plant", "North", 8000.0, 6000.0),
    ("FC-WEB", "Web fulfilment", "channel", "East", 5000.0, 0.0),
    ("ST-HARBOUR", "Harbour store", "store", "West", 2500.0, 0.0),
    ("ST-PINE", "Pine Street store", "store", "East", 3000.0, 0.0),
)
"""``(site, name, kind, region, storage capacity, standstill cost per day)``."""

PLANNER = {
    "DC-EAST": "anna.planner",
    "DC-WEST": "anna.planner",
    "WH-SOUTH": "ben.planner",
    "PL-NORTH": "ben.planner",
    "FC-WEB": "cara.planner",
    "ST-HARBOUR": "cara.planner",
    "ST-PINE": "cara.planner",
}
DEPUTY = {"anna.planner": "ben.planner", "ben.planner": "cara.planner", "cara.planner": "anna.planner"}
BUYER = "dev.buyer"

LANES: tuple[tuple[str, str, str, float, float, float, float, float | None, int], ...] = (
    ("DC-EAST", "DC-WEST", "truck", 2.0, 0.5, 0.30, 20.0, 800.0, 1),
    ("DC-EAST", "WH-SOUTH", "truck", 2.0, 0.4, 0.25, 18.0, 800.0, 1),
    ("DC-EAST", "PL-NORTH", "truck", 3.0, 0.6, 0.35, 30.0, 400.0, 1),
    ("DC-EAST", "FC-WEB", "van", 1.0, 0.2, 0.20, 15.0, 300.0, 1),
    ("DC-EAST", "ST-PINE", "van", 1.0, 0.2, 0.40, 18.0, 200.0, 2),
    ("DC-EAST", "ST-HARBOUR", "van", 1.0, 0.3, 0.45, 22.0, 200.0, 2),
    ("DC-WEST", "WH-SOUTH", "truck", 3.0, 0.6, 0.40, 35.0, 500.0, 1),
    ("DC-WEST", "PL-NORTH", "truck", 2.0, 0.5, 0.35, 30.0, 400.0, 1),
    ("DC-WEST", "FC-WEB", "truck", 2.0, 0.4, 0.30, 25.0, None, 1),
    ("DC-WEST", "ST-HARBOUR", "van", 1.0, 0.2, 0.40, 18.0, 200.0, 2),
    ("DC-WEST", "ST-PINE", "van", 1.0, 0.3, 0.45, 22.0, 200.0, 2),
    ("WH-SOUTH", "PL-NORTH", "truck", 3.0, 0.7, 0.45, 40.0, None, 1),
    ("WH-SOUTH", "FC-WEB", "truck", 2.0, 0.4, 0.35, 30.0, None, 1),
    ("PL-NORTH", "FC-WEB", "truck", 2.0, 0.5, 0.50, 40.0, None, 1),
    ("ST-HARBOUR", "ST-PINE", "van", 1.0, 0.2, 0.80, 24.0, 150.0, 2),
)
"""``(origin, destination, mode, days, spread, unit cost, fixed cost, capacity a day, lot multiple)``; both ways."""
PALLET_LANE = ("DC-EAST", "DC-WEST", "rail", 4.0, 1.0, 0.15, 60.0, 2000.0, 12)
"""A slow, cheap second way in full boxes, one direction only."""

WORKING_DAYS = {"store": "123456", "channel": "1234567"}


def sites_table() -> pl.DataFrame:
    """The ``sites`` table."""
    rows = [
        {
            "site": site,
            "name": name,
            "kind": kind,
            "region": region,
            "time_zone": "Europe/Berlin",
            "currency": "EUR",
            "calendar": WORKING_DAYS.get(kind, "12345"),
            "storage_capacity": storage,
            "labour_capacity_per_day": storage / 20,
            "receiving_capacity_per_day": storage / 25,
            "holding_rate_per_year": 0.28 if kind == "store" else 0.2,
            "standstill_cost_per_day": standstill,
        }
        for site, name, kind, region, storage, standstill in SITES
    ]
    return pl.DataFrame(rows)


def lanes_table() -> pl.DataFrame:
    """The ``lanes`` table: every pair that makes sense, in both directions."""
    names = (
        "origin", "destination", "mode", "transit_days", "transit_sd_days", "unit_cost", "fixed_cost",
        "capacity_per_day", "lot_multiple",
    )  # fmt: skip
    rows = [*LANES, *((lane[1], lane[0], *lane[2:]) for lane in LANES), PALLET_LANE]
    table = pl.DataFrame(rows, schema=list(names), orient="row").with_columns(pl.lit("12345").alias("calendar"))
    return table.sort("origin", "destination", "mode")


def zones_table() -> pl.DataFrame:
    """The ``zones`` table: ambient everywhere, a chilled zone where cold chain is kept."""
    ambient = [(site, "A", "ambient", storage * 0.9) for site, _, _, _, storage, _ in SITES]
    chilled = [
        (site, "C", "chilled", storage * 0.1) for site, _, kind, _, storage, _ in SITES if kind in ("dc", "warehouse")
    ]
    table = pl.DataFrame([*ambient, *chilled], schema=["site", "zone", "storage", "capacity"], orient="row")
    return table.sort("site", "zone")


def budgets_table(today: date) -> pl.DataFrame:
    """The ``budgets`` table for the month of ``today``."""
    first = today.replace(day=1)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    share = {"dc": 1.0, "warehouse": 0.7, "plant": 0.3, "channel": 0.2, "store": 0.4}
    amount = {"purchase": 120000.0, "expedite": 6000.0, "transfer": 8000.0}
    rows = [
        (site, use, first, last, money * share[kind])
        for site, _, kind, _, _, _ in SITES
        for use, money in amount.items()
    ]
    return pl.DataFrame(rows, schema=["site", "kind", "period_start", "period_end", "amount"], orient="row")


def events_table(today: date) -> pl.DataFrame:
    """The ``events`` table: a promotion, a holiday and the trouble behind the late supplier."""
    rows = [
        {
            "event_id": "EV-PORT",
            "kind": "disruption",
            "site": None,
            "start_date": today - timedelta(days=27),
            "end_date": today + timedelta(days=14),
            "note": "Port congestion: shipments of SUP-LARCH wait at sea.",
        },
        {
            "event_id": "EV-SPRING",
            "kind": "promotion",
            "site": "FC-WEB",
            "start_date": today + timedelta(days=14),
            "end_date": today + timedelta(days=20),
            "note": "Spring web promotion.",
        },
        {
            "event_id": "EV-MAYDAY",
            "kind": "holiday",
            "site": None,
            "start_date": today + timedelta(days=23),
            "end_date": today + timedelta(days=23),
            "note": "No departures and no receiving.",
        },
    ]
    return pl.DataFrame(rows)
