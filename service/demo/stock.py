"""The shelf of the demo today: stock by lot and status, the warehouse's own count, lots and their suppliers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import polars as pl

from service.demo.book import Book
from service.demo.catalogue import Catalogue
from service.demo.delays import SUPPLIERS
from service.demo.history import SalesHistory
from service.demo.situations import EXPIRING, MISMATCHES, NOT_USABLE

COUNTING_SITES = ("DC-EAST", "WH-SOUTH")
"""Sites whose warehouse system sends its own count."""
SHELF_LIFE_DAYS = {"regulated": 540, "cold_chain": 180}


def lots_table(history: SalesHistory, catalogue: Catalogue, book: Book, start: date) -> pl.DataFrame:
    """What lies where, a row per item, site and lot, with the day the lot came in and its expiry.

    ``start`` is day 0 of the warm-up.
    """
    rows = []
    for (row, lot), units in sorted(book.balance.items()):
        item, site = history.pairs[row]
        index = int(history.item_row[row])
        received = start + timedelta(days=book.lot_day[row, lot])
        life = SHELF_LIFE_DAYS.get(catalogue.flags[index])
        expiry = None if life is None else received + timedelta(days=life)
        rows.append((item, site, lot, units, received, expiry, SUPPLIERS[int(catalogue.supplier[index])].supplier))
    names = ["item", "site", "lot", "on_hand", "received_date", "expiry", "supplier"]
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


def stock_table(
    lots: pl.DataFrame,
    catalogue_flags: Mapping[str, str],
    as_of: Mapping[str, datetime],
    allocated: Mapping[tuple[str, str], int],
    today: date,
) -> pl.DataFrame:
    """The ``stock`` table, the ERP's rows and the warehouses' own.

    Parameters
    ----------
    lots
        Result of :func:`lots_table`.
    catalogue_flags
        Class of each item; cold-chain items lie in the chilled zone.
    as_of
        Age of the book by site.
    allocated
        Units promised by ``(item, site)``; cut to what lies there.
    today
        Day from which the lots about to expire count.
    """
    promised = pl.DataFrame(
        [(item, site, units) for (item, site), units in allocated.items()],
        schema={"item": pl.String, "site": pl.String, "promised": pl.Int64},
        orient="row",
    )
    times = pl.DataFrame({"site": list(as_of), "as_of": list(as_of.values())})
    chilled = [item for item, flag in catalogue_flags.items() if flag == "cold_chain"]
    number = pl.col("item").str.strip_prefix("P-").cast(pl.Int64)
    zone = pl.when(pl.col("item").is_in(chilled)).then(pl.lit("C")).otherwise(pl.lit("A"))
    usable = (
        _apart(lots, today)
        .join(promised, on=["item", "site"], how="left")
        .with_columns(
            pl.when(pl.col("status") == "unrestricted", pl.col("lot") == pl.col("lot").first().over("item", "site"))
            .then(pl.min_horizontal(pl.col("promised").fill_null(0), "on_hand"))
            .otherwise(0)
            .alias("allocated"),
            zone.alias("zone"),
            pl.format("{}-{}", zone, (number % 240).cast(pl.String).str.zfill(3)).alias("shelf"),
            pl.lit("erp").alias("source"),
        )
        .join(times, on="site", how="left")
    )
    both = pl.concat([usable, _warehouse_count(usable)])
    names = ["item", "site", "lot", "status", "source", "on_hand", "allocated", "expiry", "zone", "shelf", "as_of"]
    return both.select(names).sort("item", "site", "lot", "status", "source")


def _apart(lots: pl.DataFrame, today: date) -> pl.DataFrame:
    """The lots by status: a few units wait for inspection or are blocked, the rest may be used; oldest lots expire."""
    wanted = pl.DataFrame(NOT_USABLE, schema=["item", "site", "status", "wanted"], orient="row")
    soon = pl.DataFrame(
        [(item, site, days) for (item, site), days in EXPIRING.items()],
        schema=["item", "site", "days_left"],
        orient="row",
    )
    dated = lots.join(soon, on=["item", "site"], how="left").with_columns(
        pl.coalesce(pl.lit(today) + pl.duration(days="days_left"), "expiry").cast(pl.Date).alias("expiry")
    )
    split = dated.join(wanted, on=["item", "site"], how="left").with_columns(
        pl.min_horizontal(pl.col("wanted").fill_null(0), "on_hand").alias("held")
    )
    names = ["item", "site", "lot", "status", "on_hand", "expiry"]
    held = split.filter(pl.col("held") > 0).with_columns(pl.col("held").alias("on_hand"))
    rest = split.with_columns(
        pl.lit("unrestricted").alias("status"), (pl.col("on_hand") - pl.col("held")).alias("on_hand")
    )
    return pl.concat([rest.select(names), held.select(names)]).sort("item", "site", "lot", "status")


def _warehouse_count(erp: pl.DataFrame) -> pl.DataFrame:
    """The same rows as the warehouse systems count them: equal but for the named mismatches."""
    ratio = pl.DataFrame(MISMATCHES, schema=["item", "site", "ratio"], orient="row")
    counted = erp.filter(pl.col("site").is_in(COUNTING_SITES)).join(ratio, on=["item", "site"], how="left")
    return counted.with_columns(
        (pl.col("on_hand") * pl.col("ratio").fill_null(1.0)).round(0).cast(pl.Int64).alias("on_hand"),
        pl.lit(0, dtype=pl.Int64).alias("allocated"),
        pl.lit("wms").alias("source"),
    ).select(erp.columns)


def supplier_lots_table(lots: pl.DataFrame) -> pl.DataFrame:
    """The ``supplier_lots`` table: where each named lot came from; the supplier's numbers count up by day."""
    named = lots.filter(pl.col("lot") != "").sort("received_date", "lot").with_row_index("number", offset=7001)
    supplier_lot = pl.format("{}/{}", pl.col("supplier").str.strip_prefix("SUP-"), "number").alias("supplier_lot")
    return named.select("item", "lot", "supplier", supplier_lot, "received_date").sort("item", "lot")
