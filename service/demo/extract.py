"""Cuts the demo's three data files out of the source folders; run once by hand, its output is shipped.

``python -m service.demo.extract <folder>`` reads ``vn1_ecommerce/`` and ``usaid_scms/`` below the folder and writes
``service/demo/data/``. Nothing else in the project reads those folders.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from service.demo.history import DATA

CLIENT = 40


def vn1_rows(source: Path) -> pl.DataFrame:
    """The rows of one client of a VN1 file, ordered by warehouse and product; values untouched."""
    return pl.read_csv(source).filter(pl.col("client") == CLIENT).sort("warehouse", "product")


def shipment_delays(source: Path) -> pl.DataFrame:
    """One row per direct shipment with known dates: vendor, mode, promised lead time and delay in days.

    Lines of one shipment share a delay, so a shipment counts once: with its largest delay and, beside it, the
    largest promised lead time. Shipments promised in under two weeks are local pick-ups and are left out.
    """
    lines = pl.read_csv(source, try_parse_dates=True).filter(pl.col("fulfill_via") == "direct")
    dated = lines.drop_nulls(["po_sent", "scheduled", "delivered"]).with_columns(
        (pl.col("scheduled") - pl.col("po_sent")).dt.total_days().alias("promised_lead_days"),
        (pl.col("delivered") - pl.col("scheduled")).dt.total_days().alias("delay_days"),
    )
    shipments = dated.group_by("asn_dn").agg(
        pl.col("vendor").sort().first(),
        pl.col("shipment_mode").sort().first().fill_null("").alias("mode"),
        pl.col("promised_lead_days").max(),
        pl.col("delay_days").max(),
    )
    kept = shipments.filter(pl.col("promised_lead_days") >= 14)
    return kept.sort("asn_dn").select("vendor", "mode", "promised_lead_days", "delay_days")


def extract(folder: Path) -> None:
    """Writes the three files from the sources below ``folder``."""
    vn1_rows(folder / "vn1_ecommerce" / "sales_weekly.csv").write_csv(DATA / "vn1_client40_sales.csv")
    vn1_rows(folder / "vn1_ecommerce" / "prices.csv").write_csv(DATA / "vn1_client40_prices.csv")
    shipment_delays(folder / "usaid_scms" / "deliveries.csv").write_csv(DATA / "usaid_delays.csv")


if __name__ == "__main__":
    extract(Path(sys.argv[1]))
