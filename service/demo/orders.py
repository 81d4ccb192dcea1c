"""Purchase orders, transfers and production orders of the demo, written out from the warm-up."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from service.demo.catalogue import Catalogue
from service.demo.delays import SUPPLIERS
from service.demo.history import SalesHistory
from service.demo.situations import BOMS, PLANT, PRODUCTION
from service.demo.warmup import TODAY, Warmup

INTERNAL_TRANSIT_DAYS = 2
OPEN_TRANSIT_DAYS = 4
"""The scripted transfers left on a Friday and are due on Tuesday."""


def purchase_orders_table(history: SalesHistory, catalogue: Catalogue, warmup: Warmup, start: date) -> pl.DataFrame:
    """The ``purchase_orders`` table: one order per day, supplier and site, a line per item.

    ``start`` is the first Monday of the history, day 0 of the warm-up.
    """
    lines = warmup.orders
    received = lines.arrives < TODAY
    supplier = catalogue.supplier[history.item_row[lines.row]]
    flat = pl.DataFrame(
        {
            "supplier": [SUPPLIERS[i].supplier for i in supplier.tolist()],
            "item": [history.pairs[i][0] for i in lines.row.tolist()],
            "site": [history.pairs[i][1] for i in lines.row.tolist()],
            "ordered_date": _dates(start, lines.ordered.tolist()),
            "promised_date": _dates(start, lines.promised.tolist()),
            "received_date": pl.Series(
                [start + timedelta(days=d) if d < TODAY else None for d in lines.arrives.tolist()], dtype=pl.Date
            ),
            "quantity": lines.quantity,
            "received_quantity": np.where(received, lines.quantity, 0),
            "status": np.where(received, "received", "open"),
        }
    )
    order = ["ordered_date", "supplier", "site"]
    numbered = flat.sort(*order, "item").with_columns(
        pl.format("PO-{}", (10000 + pl.struct(order).rank("dense")).cast(pl.Int64)).alias("order_id"),
        pl.int_range(1, pl.len() + 1).over(order).cast(pl.Int64).alias("line"),
        pl.lit(False).alias("expedited"),
        pl.lit("").alias("our_key"),
    )
    return numbered.select("order_id", "line", *flat.columns, "expedited", "our_key")


def transfers_table(history: SalesHistory, warmup: Warmup, start: date) -> pl.DataFrame:
    """The ``transfers`` table: what the plant and the channel drew, and what is on the road today."""
    rows = []
    for number, shipment in enumerate(warmup.shipments, start=1):
        item, origin = history.pairs[shipment.origin]
        shipped = start + timedelta(days=shipment.shipped)
        transit = INTERNAL_TRANSIT_DAYS if shipment.received else OPEN_TRANSIT_DAYS
        due = shipped + timedelta(days=transit)
        rows.append(
            {
                "transfer_id": transfer_id(number),
                "line": 1,
                "item": item,
                "origin": origin,
                "destination": history.pairs[shipment.destination][1],
                "mode": "van"
                if history.pairs[shipment.destination][1] == "FC-WEB" and origin == "DC-EAST"
                else "truck",
                "shipped_date": shipped,
                "expected_date": due,
                "received_date": due if shipment.received else None,
                "quantity": shipment.quantity,
                "received_quantity": shipment.quantity if shipment.received else 0,
                "status": "received" if shipment.received else "in_transit",
                "our_key": "",
            }
        )
    return pl.DataFrame(rows, schema_overrides={"received_date": pl.Date}, infer_schema_length=None)


def transfer_id(number: int) -> str:
    """The id of the transfer of that running number."""
    return f"TR-{number:05d}"


def boms_table() -> pl.DataFrame:
    """The ``boms`` table."""
    rows = [(product, item, PLANT, per) for product, item, per in BOMS]
    return pl.DataFrame(rows, schema=["product", "item", "site", "quantity_per"], orient="row")


def production_orders_table(today: date) -> pl.DataFrame:
    """The ``production_orders`` table."""
    rows = [
        (f"MO-{number:04d}", product, PLANT, today + timedelta(days=days), quantity, status)
        for number, (product, days, quantity, status) in enumerate(PRODUCTION, start=1)
    ]
    names = ["order_id", "product", "site", "start_date", "quantity", "status"]
    return pl.DataFrame(rows, schema=names, orient="row")


def _dates(start: date, days: list[int]) -> list[date]:
    """Calendar days of day numbers."""
    return [start + timedelta(days=day) for day in days]
