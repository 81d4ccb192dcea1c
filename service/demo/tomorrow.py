"""The demo one day later: the feeds as the ERP would send them after our documents were posted.

Only what Evenkeel posted happens on that day: no sales, no other receipts. It is enough to show how a reservation is
absorbed once stock and transfer feeds carry our key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from service.demo.company import Tables


@dataclass(frozen=True)
class PostedDocument:
    """One line of a document Evenkeel posted: of a transfer, or of a purchase when ``origin`` is a supplier."""

    key: str
    """The idempotency key the ERP keeps with it."""
    item: str
    origin: str
    destination: str
    quantity: int


def next_day(
    tables: Tables, posted: Sequence[PostedDocument] = (), received: Sequence[str] = (), days: int = 1
) -> Tables:
    """The tables of the next snapshot.

    Parameters
    ----------
    tables
        The tables of the snapshot before.
    posted
        Documents posted since: a transfer leaves its origin's stock and is in transit, a purchase is on order.
    received
        Keys of transfers in transit that have arrived in full.
    days
        Days that pass, at least 1.

    Raises
    ------
    ValueError
        If a transfer takes more than the origin holds, no lane joins its sites, a key is posted twice, or an arrived
        key is not in transit.
    """
    if days < 1:
        raise ValueError(f"at least one day must pass, got {days}")
    later = _aged(tables, timedelta(days=days))
    now: datetime = later["feeds"]["as_of"].max()  # type: ignore[assignment]  # a time column; polars types max broadly
    for key in received:
        later = _receive(later, key, now)
    suppliers = set(later["suppliers"]["supplier"])
    _refuse_repeated_lines(posted)
    for key in sorted({document.key for document in posted}):
        _refuse_known_key(later, key)
    for document in posted:
        post = _order if document.origin in suppliers else _ship
        later = post(later, document, now)
    return later


def _aged(tables: Tables, passed: timedelta) -> Tables:
    """The same tables with every feed, and the stock rows, later by ``passed``."""
    aged = dict(tables)
    for name in ("feeds", "stock"):
        aged[name] = tables[name].with_columns(pl.col("as_of") + passed)
    return aged


def _refuse_repeated_lines(posted: Sequence[PostedDocument]) -> None:
    """A document has one line per item and lane; the same line twice is the same posting twice."""
    seen: set[tuple[str, str, str, str]] = set()
    for line in posted:
        place = (line.key, line.item, line.origin, line.destination)
        if place in seen:
            raise ValueError(f"key {line.key} is posted twice")
        seen.add(place)


def _refuse_known_key(tables: Tables, key: str) -> None:
    for name in ("transfers", "purchase_orders"):
        if key in set(tables[name]["our_key"]):
            raise ValueError(f"{name} already holds key {key}")


def _ship(tables: Tables, document: PostedDocument, now: datetime) -> Tables:
    """Takes the goods off the origin's shelf and puts them on the road."""
    lane = (
        tables["lanes"]
        .filter(pl.col("origin") == document.origin, pl.col("destination") == document.destination)
        .sort("transit_days", "mode")
    )
    if lane.is_empty():
        raise ValueError(f"{document.key}: no lane from {document.origin} to {document.destination}")
    transfers = tables["transfers"]
    identifier = f"TR-{document.key}"
    row = {
        "transfer_id": identifier,
        "line": 1 + transfers.filter(pl.col("transfer_id") == identifier).height,
        "item": document.item,
        "origin": document.origin,
        "destination": document.destination,
        "mode": lane["mode"][0],
        "shipped_date": now.date(),
        "expected_date": now.date() + timedelta(days=round(lane["transit_days"][0])),
        "received_date": None,
        "quantity": document.quantity,
        "received_quantity": 0,
        "status": "in_transit",
        "our_key": document.key,
    }
    moved = _move(tables, document.item, document.origin, -document.quantity, identifier, now)
    return {**moved, "transfers": pl.concat([transfers, pl.DataFrame([row], schema=transfers.schema)])}


def _order(tables: Tables, document: PostedDocument, now: datetime) -> Tables:
    """Adds an open purchase order line promised after the contract lead time."""
    terms = tables["supplier_items"].filter(pl.col("supplier") == document.origin, pl.col("item") == document.item)
    if terms.is_empty():
        raise ValueError(f"{document.key}: {document.origin} does not sell {document.item}")
    orders = tables["purchase_orders"]
    row = {
        "order_id": f"PO-{document.key}",
        "line": 1 + orders.filter(pl.col("order_id") == f"PO-{document.key}").height,
        "supplier": document.origin,
        "item": document.item,
        "site": document.destination,
        "ordered_date": now.date(),
        "promised_date": now.date() + timedelta(days=int(terms["contract_lead_time_days"][0])),
        "received_date": None,
        "quantity": document.quantity,
        "received_quantity": 0,
        "status": "open",
        "expedited": False,
        "our_key": document.key,
    }
    return {**tables, "purchase_orders": pl.concat([orders, pl.DataFrame([row], schema=orders.schema)])}


def _receive(tables: Tables, key: str, now: datetime) -> Tables:
    """Puts a transfer that arrived on the destination's shelf."""
    transfers = tables["transfers"]
    arrived = (pl.col("our_key") == key) & (pl.col("status") == "in_transit")
    rows = list(transfers.filter(arrived).iter_rows(named=True))
    if not rows:
        raise ValueError(f"no transfer with key {key} is in transit")
    for row in rows:
        tables = _move(tables, row["item"], row["destination"], row["quantity"], row["transfer_id"], now)
    closed = transfers.with_columns(
        pl.when(arrived).then(pl.lit("received")).otherwise("status").alias("status"),
        pl.when(arrived).then(pl.lit(now.date())).otherwise("received_date").alias("received_date"),
        pl.when(arrived).then("quantity").otherwise("received_quantity").alias("received_quantity"),
    )
    return {**tables, "transfers": closed}


def _move(tables: Tables, item: str, site: str, change: int, reference: str, now: datetime) -> Tables:
    """Changes the usable stock of an item-site in every book that keeps it, and enters the ERP's in the movements.

    Goods leave the lots that expire first; goods that come in join the lot that expires last.
    """
    stock = tables["stock"].with_row_index("_row")
    usable = stock.filter(pl.col("item") == item, pl.col("site") == site, pl.col("status") == "unrestricted").sort(
        "expiry", "lot", nulls_last=True
    )
    if usable.filter(pl.col("source") == "erp").is_empty():
        raise ValueError(f"{reference}: {site} keeps no stock of {item}")
    changes: list[tuple[int, int]] = []
    entries: list[tuple[str, int]] = []
    for source in ("erp", "wms"):
        rows = usable.filter(pl.col("source") == source)
        taken = _spread(rows["on_hand"].to_list(), change)
        if taken is None and source == "erp":
            raise ValueError(f"{reference}: {site} holds {sum(rows['on_hand'])} of {item}, cannot give {-change}")
        taken = taken if taken is not None else [-units for units in rows["on_hand"].to_list()]
        changes += zip(rows["_row"].to_list(), taken, strict=True)
        if source == "erp":
            entries = [(lot, part) for lot, part in zip(rows["lot"].to_list(), taken, strict=True) if part]
    delta = pl.DataFrame(changes, schema={"_row": stock.schema["_row"], "_change": pl.Int64}, orient="row")
    changed = stock.join(delta, on="_row", how="left", maintain_order="left").with_columns(
        pl.col("on_hand") + pl.col("_change").fill_null(0)
    )
    allocated = pl.min_horizontal("allocated", "on_hand").alias("allocated")
    moved = changed.with_columns(allocated).select(tables["stock"].columns)
    return {**tables, "stock": moved, "movements": _entered(tables["movements"], item, site, entries, reference, now)}


def _spread(on_hand: list[int], change: int) -> list[int] | None:
    """The change of each row, taking from the first and adding to the last; None when there is too little."""
    if not on_hand:
        return []
    if change >= 0:
        return [0] * (len(on_hand) - 1) + [change]
    owed, parts = -change, []
    for units in on_hand:
        parts.append(-min(units, owed))
        owed += parts[-1]
    return None if owed else parts


def _entered(
    movements: pl.DataFrame, item: str, site: str, entries: Iterable[tuple[str, int]], reference: str, now: datetime
) -> pl.DataFrame:
    """The stock book with one more entry per lot."""
    first = movements.height + 1
    rows = [
        (f"MV-{first + index:06d}", item, site, lot, now, "receipt" if part > 0 else "issue", part, reference)
        for index, (lot, part) in enumerate(entries)
    ]
    return pl.concat([movements, pl.DataFrame(rows, schema=movements.schema, orient="row")])
