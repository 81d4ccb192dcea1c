"""One network in which every item's demand ahead differs from its past for a reason of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import cos, pi

import polars as pl

from tests.tools.networks import Amended, Edit, Frames, add_rows, amended, set_column
from tests.worlds import MONDAY, ItemSite, Lane, Network

YEARS = 104
PEAK_WEEK = 10
"""Week from today in which ice sells best."""
PROMOTED = (20, 33, 46, 59, 72, 85)
"""Weeks of the history in which a promotion ran."""
OLD_CURVE = (10, 20, 40, 30, 20)
"""First weeks of the older item; it stays at the last one."""


def ice(week: int) -> int:
    """Units of ice in a week of the history or after it: two hundred on average, twice that at the peak."""
    return round(200 * (1 + cos(2 * pi * (week - YEARS - PEAK_WEEK) / 52)))


def wobbling(week: int) -> int:
    """Units of an item whose ups and downs no year repeats."""
    return (5, 15, 10)[week % 3]


def sold(item: str, site: str, units: Sequence[int], promoted: Sequence[int] = (), lost: Sequence[int] = ()) -> Edit:
    """Give an item-site a history that ends with last week."""

    def edit(frames: Frames, as_of: datetime) -> None:
        monday = as_of.date() - timedelta(days=as_of.weekday())
        others = frames["demand"].filter((pl.col("item") != item) | (pl.col("site") != site))
        rows = [
            {"item": item, "site": site, "date": monday - timedelta(weeks=len(units) - week), "quantity": count,
             "promotion": week in promoted, "lost_sales": week in lost}
            for week, count in enumerate(units)
        ]  # fmt: skip
        frames["demand"] = pl.concat([others, pl.DataFrame(rows)], how="diagonal_relaxed")

    return edit


def item(name: str, **columns: object) -> Edit:
    """Set columns of an item's master data."""

    def edit(frames: Frames, as_of: datetime) -> None:
        for column, value in columns.items():
            if column not in frames["items"].columns:
                frames["items"] = frames["items"].with_columns(pl.lit(None).alias(column))
            chosen = pl.when(pl.col("item") == name).then(pl.lit(value)).otherwise(pl.col(column))
            frames["items"] = frames["items"].with_columns(chosen.alias(column))

    return edit


def everything_ahead() -> Amended:
    """Two sites; what each item stands for is its name."""
    places = [ItemSite(name, "NORTH", weekly=10, on_hand=100) for name in (
        "ARM", "BACK", "BOLT", "BOT", "DRAWN", "ENDED", "EXTRA", "FORETOLD", "FRESH", "GOING", "ICE", "OLD", "PART",
        "PLAIN", "PROMO", "RISING", "TOMORROW", "YOUNG",
    )]  # fmt: skip
    places += [ItemSite("ICE", "DC", weekly=10, on_hand=100), ItemSite("OLD", "DC", weekly=10, on_hand=100)]
    places.append(ItemSite("FRESH", "DC", weekly=10, on_hand=0))
    start = MONDAY - timedelta(weeks=60)
    ten = [10] * YEARS
    old = [*OLD_CURVE, *[OLD_CURVE[-1]] * 55]
    days = timedelta
    return amended(
        Network(tuple(sorted(places, key=lambda place: (place.item, place.site))), (Lane("DC", "NORTH"),)),
        set_column("items", pl.lit("DRY").alias("family")),
        *(item(name, family="FROZEN") for name in ("ICE",)),
        *(sold("ICE", site, [ice(week) for week in range(YEARS)]) for site in ("DC", "NORTH")),
        sold("PLAIN", "NORTH", ten, lost=(99, 100)),
        sold("PROMO", "NORTH", [40 if week in PROMOTED else 10 for week in range(YEARS)], promoted=PROMOTED),
        sold("RISING", "NORTH", [50 + 2 * week + 3 * (-1) ** week for week in range(YEARS)]),
        sold("PART", "NORTH", [14] * YEARS), sold("EXTRA", "NORTH", [14] * YEARS),
        sold("BACK", "NORTH", [100] * YEARS), sold("DRAWN", "NORTH", ten),
        sold("FORETOLD", "NORTH", [wobbling(week) for week in range(YEARS)]),
        sold("GOING", "NORTH", [70] * YEARS), sold("ENDED", "NORTH", ten),
        sold("OLD", "NORTH", old), sold("OLD", "DC", [2 * units for units in old]),
        sold("FRESH", "NORTH", [20, 40, 80]), sold("FRESH", "DC", [0, 0, 0]), sold("YOUNG", "NORTH", [10] * 3),
        sold("TOMORROW", "NORTH", [0]),
        item("OLD", launch_date=start), item("FRESH", launch_date=MONDAY - days(weeks=3), analog="OLD"),
        item("YOUNG", launch_date=MONDAY - days(weeks=3)),
        item("TOMORROW", launch_date=MONDAY + days(14), analog="OLD"),
        item("GOING", end_of_life_date=MONDAY + days(days=9)), item("ENDED", end_of_life_date=MONDAY - days(days=30)),
        item("DRAWN", flags="engineered_to_order"),
        add_rows(
            "known_demand",
            {"reference": "P-1", "item": "PROMO", "site": "NORTH", "kind": "promotion", "quantity": 0,
             "due_date": MONDAY + days(days=9), "adds_to_forecast": True},
            {"reference": "O-1", "item": "PART", "site": "NORTH", "kind": "order", "quantity": 14,
             "due_date": MONDAY + days(days=10), "adds_to_forecast": False},
            {"reference": "O-2", "item": "EXTRA", "site": "NORTH", "kind": "order", "quantity": 14,
             "due_date": MONDAY + days(days=10), "adds_to_forecast": True},
            {"reference": "O-3", "item": "DRAWN", "site": "NORTH", "kind": "order", "quantity": 5,
             "due_date": MONDAY + days(days=20), "adds_to_forecast": False},
            {"reference": "O-4", "item": "ARM", "site": "NORTH", "kind": "production", "quantity": 999,
             "due_date": MONDAY + days(days=5), "adds_to_forecast": True},
        ),
        add_rows(
            "boms",
            {"product": "BOT", "item": "ARM", "site": "NORTH", "quantity_per": 2.0},
            {"product": "ARM", "item": "BOLT", "site": "NORTH", "quantity_per": 3.0},
        ),
        add_rows(
            "production_orders",
            {"order_id": "M-1", "product": "BOT", "site": "NORTH", "start_date": MONDAY + days(days=5),
             "quantity": 70, "status": "planned"},
        ),
        add_rows(
            "returns",
            *({"item": "BACK", "site": "NORTH", "date": MONDAY - days(weeks=back), "quantity": 25,
               "reusable_share": 0.8} for back in range(1, 27)),
        ),
        add_rows(
            "external_forecasts",
            *({"item": "FORETOLD", "site": "NORTH", "source": "sales", "week": MONDAY + days(weeks=week),
               "quantity": wobbling(YEARS + week) if week < 0 else 30} for week in range(-12, 20)),
            *({"item": "FORETOLD", "site": "NORTH", "source": "rumour", "week": MONDAY + days(weeks=week),
               "quantity": 90} for week in range(-12, 20)),
            *({"item": "PLAIN", "site": "NORTH", "source": "rumour", "week": MONDAY + days(weeks=week),
               "quantity": 90} for week in range(-12, 20)),
        ),
    )  # fmt: skip
