"""What there is too much of, what expires, and what is kept aside."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
from sqlalchemy import select

from inventory.freezes import IN_FORCE, list_freezes
from inventory.snapshots import Snapshot
from inventory.tables import stock_lines
from tools.capabilities import arguments as a
from tools.capabilities.answer import Answer
from tools.capabilities.facts import of_count, of_date, of_days, of_id, of_money, of_share, of_units, of_words
from tools.capabilities.registry import Asking, Capability, capability
from tools.capabilities.telling import Row, currency_of, data_source, doubts, known, listing, narrowed
from tools.money import to_minor

SOON_DAYS = 30
"""Days ahead in which lots expire when nobody says how many."""
HALF_YEAR = 26
"""Weeks."""
CANDIDATES = 60
"""Most valuable stocks looked at when a whole site or company is asked about."""
EXCESS = ("item", "site", "leftover", "worth", "chance_left", "free", "cover")
LOTS = ("item", "site", "lot", "expires", "days_left", "units", "worth")
FROZEN = ("item", "site", "lot", "units", "purpose", "until", "reason", "set_by")


def excess(asking: Asking, asked: a.MaybePlace) -> Answer:
    """Stock that is expected to be left after the excess horizon, most money first."""
    toolbox, currency = asking.toolbox, currency_of(asking)
    horizon = toolbox.thresholds(asking.connection).value("excess", "horizon_days")
    items = [asked.item] if asked.item else _slowest(asking, asked.site or "")
    rows: list[Row] = []
    outlook = toolbox.decided_outlook(asking.connection, items=items)
    arrays = outlook.arrays
    for row, (item, site) in enumerate(zip(arrays.items, arrays.sites, strict=True)):
        if (asked.site and site != asked.site) or not asking.scope.allows(site, arrays.item_class[row]):
            continue
        left, cover = float(outlook.excess.expected_leftover[row]), float(outlook.excess.days_of_supply[row])
        if left < 1.0:
            continue
        rows.append(
            {
                "item": of_id("item", item),
                "site": of_id("site", site),
                "leftover": of_units(left),
                "worth": of_money(to_minor(left * float(arrays.cost[row])), currency),
                "chance_left": of_share(float(outlook.excess.probability_leftover[row])),
                "free": of_units(float(arrays.free[row])),
                "cover": of_days(round(cover, 1)) if np.isfinite(cover) else of_words("no end: nothing sells"),
            }
        )
    rows.sort(key=lambda row: (-_number(row, "worth"), str(row["item"]), str(row["site"])))
    found, trouble = listing("excess", "Too much", EXCESS, rows), doubts(asking, *([asked.site] if asked.site else []))
    facts = known(
        {
            "item": of_id("item", asked.item) if asked.item else None,
            "site": of_id("site", asked.site) if asked.site else None,
            "place_count": of_count(len(rows), "item and site pair"),
            "total_worth": of_money(round(100 * sum(_number(row, "worth") for row in rows)), currency),
            "horizon": of_days(horizon),
            "looked_at": of_count(len(items), "item"),
        }
    )
    about = (" of {{item}}" if asked.item else "") + (" at {{site}}" if asked.site else "")
    pattern = "[item] at [site]: [leftover] left, worth [worth], cover [cover]."
    template = (
        "{{place_count}}" + about + " will have stock left after {{horizon}}, worth {{total_worth}} at cost. "
        + found.told(pattern)
        if rows
        else f"Nothing{about} is expected to be left after {{{{horizon}}}}."
    )  # fmt: skip
    limited = () if asked.item else ("The {{looked_at}} with the longest cover and most money were looked at.",)
    return Answer(
        capability="excess", found=bool(rows), facts={**facts, **found.facts, **trouble.facts},
        tables=(found.table,) if rows else (), sources=(data_source(asking),), template=template,
        notes=(*limited, *trouble.notes, *(() if asked.site else narrowed(asking))),
    )  # fmt: skip


def _slowest(asking: Asking, site: str) -> list[str]:
    """Items whose stock at cost, beyond half a year of what they sold lately, is worth most."""
    snapshot = asking.toolbox.snapshot()
    stock = snapshot.table("stock").filter((pl.col("source") == "erp") & (pl.col("status") == "unrestricted"))
    if site:
        stock = stock.filter(pl.col("site") == site)
    elif asking.scope.sites is not None:
        stock = stock.filter(pl.col("site").is_in(sorted(asking.scope.sites)))
    sold = asking.toolbox.made_of_snapshot(half_year_sales)
    costs = snapshot.table("items").select("item", pl.col("cost").cast(pl.Float64))
    held = stock.group_by("item", "site").agg(pl.col("on_hand").sum().cast(pl.Float64))
    beyond = pl.col("on_hand") - pl.col("sold").fill_null(0.0)
    ranked = (
        held.join(sold, on=["item", "site"], how="left")
        .join(costs, on="item", how="left")
        .with_columns(worth=pl.max_horizontal(beyond, 0.0) * pl.col("cost"))
        .group_by("item")
        .agg(pl.col("worth").sum())
        .filter(pl.col("worth") > 0)
        .sort(["worth", "item"], descending=[True, False])
    )
    return [item for item in ranked["item"].head(CANDIDATES).to_list()]


def half_year_sales(snapshot: Snapshot) -> pl.DataFrame:
    """Columns ``item``, ``site`` and ``sold``: units in the last half year."""
    demand = snapshot.demand()
    sold = pl.Series("sold", np.nan_to_num(demand.weekly[:, -HALF_YEAR:]).sum(axis=1), pl.Float64)
    return demand.keys.with_columns(sold).select("item", "site", "sold")


def expiring(asking: Asking, asked: a.Expiring) -> Answer:
    """Dated lots whose last usable day comes within some days, the first to expire in front."""
    today, days, currency = asking.toolbox.snapshot().as_of.date(), asked.days or SOON_DAYS, currency_of(asking)
    lines = stock_lines.c
    query = select(lines.item, lines.site, lines.lot, lines.expiry, lines.on_hand).where(
        lines.expiry.is_not(None), lines.expiry <= today + timedelta(days=days), lines.on_hand > 0
    )
    for column, wanted in ((lines.item, asked.item), (lines.site, asked.site)):
        if wanted:
            query = query.where(column == wanted)
    if asking.scope.sites is not None:
        query = query.where(lines.site.in_(sorted(asking.scope.sites)))
    held = asking.connection.execute(query.order_by(lines.expiry, lines.item, lines.site, lines.lot)).all()
    costs = dict(asking.toolbox.snapshot().table("items").select("item", "cost").iter_rows())
    rows: list[Row] = [
        {
            "item": of_id("item", item),
            "site": of_id("site", site),
            "lot": of_id("reference", lot) if lot else None,
            "expires": of_date(expiry),
            "days_left": of_days((expiry - today).days),
            "units": of_units(units),
            "worth": of_money(to_minor(units * float(costs.get(item) or 0.0)), currency),
        }
        for item, site, lot, expiry, units in held
        if asking.scope.allows(site, asking.item_class(item))
    ]
    found, trouble = listing("lot", "Expiring lots", LOTS, rows), doubts(asking, *([asked.site] if asked.site else []))
    facts = known(
        {
            "item": of_id("item", asked.item) if asked.item else None,
            "site": of_id("site", asked.site) if asked.site else None,
            "within": of_days(days),
            "lot_count": of_count(len(rows), "lot"),
            "total_units": of_units(sum(_number(row, "units") for row in rows)),
            "total_worth": of_money(round(100 * sum(_number(row, "worth") for row in rows)), currency),
        }
    )
    about = (" of {{item}}" if asked.item else "") + (" at {{site}}" if asked.site else "")
    template = (
        "Ending within {{within}}" + about + ": {{lot_count}}, {{total_units}} worth {{total_worth}}. "
        + found.told("[units] of [item] at [site] last until [expires].")
        if rows
        else f"No dated lot{about} ends within {{{{within}}}}."
    )  # fmt: skip
    return Answer(
        capability="expiring", found=bool(rows), facts={**facts, **found.facts, **trouble.facts},
        tables=(found.table,) if rows else (), sources=(data_source(asking),), template=template,
        notes=(*trouble.notes, *(() if asked.site else narrowed(asking))),
    )  # fmt: skip


def frozen_stock(asking: Asking, asked: a.MaybePlace) -> Answer:
    """Units kept for a purpose by a freeze in force, those that end first in front."""
    rows: list[Row] = [
        {
            "item": of_id("item", row.freeze.item),
            "site": of_id("site", row.freeze.site),
            "lot": of_id("reference", row.freeze.lot) if row.freeze.lot else None,
            "units": of_units(row.remaining),
            "purpose": of_id("reference", row.freeze.purpose),
            "until": of_date(row.freeze.until.date()),
            "reason": of_words(row.freeze.reason) if row.freeze.reason else None,
            "set_by": of_id("reference", row.freeze.set_by),
        }
        for row in list_freezes(asking.connection, asking.scope, states=IN_FORCE)
        if asked.item in (None, row.freeze.item)
        and asked.site in (None, row.freeze.site)
        and asking.scope.allows(row.freeze.site, asking.item_class(row.freeze.item))
    ]
    found = listing("freeze", "Frozen stock", FROZEN, rows)
    facts = known(
        {
            "item": of_id("item", asked.item) if asked.item else None,
            "site": of_id("site", asked.site) if asked.site else None,
            "freeze_count": of_count(len(rows), "freeze"),
            "total_units": of_units(sum(_number(row, "units") for row in rows)),
        }
    )
    about = (" of {{item}}" if asked.item else "") + (" at {{site}}" if asked.site else "")
    template = (
        "{{freeze_count}}" + about + " in force, {{total_units}} in all. "
        + found.told("[units] of [item] at [site] are kept for [purpose] until [until].")
        if rows
        else f"Nothing{about} is frozen."
    )  # fmt: skip
    return Answer(
        capability="frozen_stock", found=bool(rows), facts={**facts, **found.facts},
        tables=(found.table,) if rows else (), sources=(data_source(asking),), template=template,
        notes=() if asked.site else narrowed(asking),
    )  # fmt: skip


def _number(row: Row, name: str) -> float:
    fact = row.get(name)
    return 0.0 if fact is None else fact.number


CAPABILITIES: tuple[Capability, ...] = (
    capability("excess", excess),
    capability("expiring", expiring),
    capability("frozen_stock", frozen_stock),
)
