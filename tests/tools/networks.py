"""Networks made for one trouble each, and ways to amend the feeds of any network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from tests.worlds import WEEKS, ItemSite, Lane, Network, TurnableClock, World, copy_home, steady
from tools.outlook import Outlook
from tools.thresholds import Thresholds

Frames = dict[str, pl.DataFrame]
Edit = Callable[[Frames, datetime], None]


@dataclass(frozen=True)
class Amended(Network):
    """A network whose feeds are edited before they are sent."""

    edits: tuple[Edit, ...] = ()

    def frames(self, as_of: datetime, transfers: Any = ()) -> Frames:
        """Contract tables with the edits made."""
        frames = super().frames(as_of, transfers)
        for edit in self.edits:
            edit(frames, as_of)
        return frames


def amended(network: Network, *edits: Edit) -> Amended:
    """The network with edits to its feeds."""
    return Amended(**{f.name: getattr(network, f.name) for f in fields(Network)}, edits=edits)


def add_rows(table: str, *rows: dict[str, object]) -> Edit:
    """Append rows to a table, or make it."""

    def edit(frames: Frames, as_of: datetime) -> None:
        fresh = pl.DataFrame(rows, infer_schema_length=None)
        frames[table] = pl.concat([frames[table], fresh], how="diagonal_relaxed") if table in frames else fresh

    return edit


def set_column(table: str, expression: pl.Expr) -> Edit:
    """Compute a column of a table anew."""

    def edit(frames: Frames, as_of: datetime) -> None:
        frames[table] = frames[table].with_columns(expression)

    return edit


def replenished_by(source: str, *, item: str, site: str | None = None) -> Edit:
    """Name who replenishes an item, everywhere or at one site."""
    here = pl.col("item") == item if site is None else (pl.col("item") == item) & (pl.col("site") == site)
    return set_column("item_sites", pl.when(here).then(pl.lit(source)).otherwise(pl.col("source")).alias("source"))


def sells(supplier: str, item: str, **terms: object) -> Edit:
    """A supplier with terms for one item."""

    def edit(frames: Frames, as_of: datetime) -> None:
        if supplier not in frames["suppliers"]["supplier"].to_list():
            add_rows("suppliers", {"supplier": supplier, "name": supplier.title()})(frames, as_of)
        body = {"supplier": supplier, "item": item, "price": 10.0, "minimum_order_quantity": 10,
                "contract_lead_time_days": 21, "order_cost": 20.0, **terms}  # fmt: skip
        add_rows("supplier_items", body)(frames, as_of)

    return edit


def order(
    reference: str, item: str, site: str, quantity: int, *, supplier: str = "SUP", ordered_ago: int, promised_in: int,
    received_ago: int | None = None,
) -> Edit:  # fmt: skip
    """One purchase order, open unless it was received."""

    def edit(frames: Frames, as_of: datetime) -> None:
        today = as_of.date()
        done = received_ago is not None
        add_rows(
            "purchase_orders",
            {"order_id": reference, "line": 1, "supplier": supplier, "item": item, "site": site,
             "ordered_date": today - timedelta(days=ordered_ago), "promised_date": today + timedelta(days=promised_in),
             "received_date": today - timedelta(days=received_ago or 0) if done else None, "quantity": quantity,
             "received_quantity": quantity if done else 0, "status": "received" if done else "open"},
        )(frames, as_of)  # fmt: skip

    return edit


def only_recent(item: str, weeks: int) -> Edit:
    """Cut an item's demand to its last weeks."""

    def edit(frames: Frames, as_of: datetime) -> None:
        monday = as_of.date() - timedelta(days=as_of.weekday())
        recent = pl.col("date") >= monday - timedelta(weeks=weeks)
        frames["demand"] = frames["demand"].filter((pl.col("item") != item) | recent)

    return edit


def counted(item: str, site: str, units: int) -> Edit:
    """The warehouse's own count of an item."""

    def edit(frames: Frames, as_of: datetime) -> None:
        add_rows(
            "stock",
            {"item": item, "site": site, "on_hand": units, "allocated": 0, "as_of": as_of.isoformat(), "source": "wms"},
        )(frames, as_of)
        frames["stock"] = frames["stock"].with_columns(pl.col("source").fill_null("erp"))

    return edit


def one_trouble_each() -> Amended:
    """At NORTH: an item short, one late, one in excess, one spiking, one below a surplus at DC, one new, one sound."""
    spike = (*steady(5, WEEKS - 4), 30, 31, 29, 30)
    network = Network(
        item_sites=(
            ItemSite("EVEN", "DC", weekly=10, on_hand=110),
            ItemSite("EVEN", "NORTH", weekly=10, on_hand=36),
            ItemSite("FINE", "NORTH", weekly=10, on_hand=80),
            ItemSite("LATE", "NORTH", weekly=20, on_hand=5),
            ItemSite("NEW", "NORTH", weekly=20, on_hand=0),
            ItemSite("SHORT", "NORTH", weekly=20, on_hand=4, flags="consumable"),
            ItemSite("SLOW", "NORTH", weekly=1, on_hand=500),
            ItemSite("SPIKE", "NORTH", weekly=5, on_hand=300, history=spike),
        ),
        lanes=(Lane("DC", "NORTH"),),
    )
    return amended(
        network,
        sells("LATECO", "LATE"),
        replenished_by("LATECO", item="LATE"),
        *(
            order(f"PAST-{n}", "LATE", "NORTH", 40, supplier="LATECO", ordered_ago=160 + n, promised_in=-130,
                  received_ago=100 + n)
            for n in range(6)
        ),
        *(
            order(f"OPEN-{n}", "LATE", "NORTH", 40, supplier="LATECO", ordered_ago=39 + n, promised_in=-10)
            for n in (1, 2, 3)
        ),
        only_recent("NEW", 5),
    )  # fmt: skip


def look(world: World) -> tuple[Outlook, Thresholds]:
    """The outlook on a world as it stands, and the thresholds in force."""
    with world.database.read() as connection:
        return world.toolbox.outlook(connection), world.toolbox.thresholds(connection)


def copy_of(world: World, folder: Path, **changes: Any) -> World:
    """A world that starts where another stands, at the same moment, in a folder of its own."""
    world.database.dispose()
    copy_home(world.folder, folder)
    same = {"rollout": world.rollout, "native_key": world.native_key, **changes}
    return World(folder, world.network, TurnableClock(world.clock.at), **same)
