"""What a snoozed proposal may wait for: read from words, and held against the newest data."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import polars as pl
from pydantic import ValidationError
from sqlalchemy import Connection

from inventory.ledger import ledger_rows
from inventory.records import EVERYTHING
from inventory.snapshots import Snapshot
from inventory.snoozes import Condition
from tools.errors import ToolInputError
from tools.toolbox import Toolbox

FORMS = (
    "stock ITEM@SITE below|above UNITS",
    "order ORDER received",
    "data after 2024-04-15",
    "price ITEM from SUPPLIER below|above 4.50",
)
_NAME = r"([A-Za-z0-9._/#:+\-]{1,96})"
_STOCK = re.compile(rf"stock {_NAME}@{_NAME} (below|above) ([0-9]{{1,12}})")
_ORDER = re.compile(rf"order {_NAME} received")
_DATA = re.compile(r"data after ([0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:]{5,8}(?:Z|[+-][0-9]{2}:[0-9]{2}))?)")
_PRICE = re.compile(rf"price {_NAME} from {_NAME} (below|above) ([0-9]{{1,9}})(?:\.([0-9]{{1,2}}))?")


def condition_of(text: str) -> Condition:
    """The condition a text states.

    Raises
    ------
    ToolInputError
        If it has none of the known forms.
    """
    said = " ".join(text.split())
    try:
        if found := _STOCK.fullmatch(said):
            item, site, side, units = found.groups()
            return Condition.model_validate({"kind": f"stock_{side}", "item": item, "site": site, "units": int(units)})
        if found := _ORDER.fullmatch(said):
            return Condition(kind="order_received", order_id=found[1])
        if found := _DATA.fullmatch(said):
            moment = datetime.fromisoformat(found[1])
            return Condition(kind="data_after", after=moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        if found := _PRICE.fullmatch(said):
            item, supplier, side, whole, part = found.groups()
            price = int(whole) * 100 + int((part or "").ljust(2, "0"))
            return Condition.model_validate(
                {"kind": f"price_{side}", "item": item, "supplier": supplier, "price_minor": price}
            )
    except (ValidationError, ValueError) as error:
        raise ToolInputError(f"--when {text!r} is no condition: {error}") from error
    raise ToolInputError(f"--when {text!r} is no condition; expected one of: {'; '.join(FORMS)}")


def fulfilled(toolbox: Toolbox, connection: Connection, condition: Condition) -> str:
    """What was seen that fulfils a condition; empty while it is not fulfilled.

    Raises
    ------
    ToolInputError
        If the data knows no such item, order or price.
    """
    if condition.units is not None:
        rows = ledger_rows(connection, EVERYTHING, items=[condition.item])
        units = sum(row.on_hand for row in rows if row.site == condition.site)
        if not any(row.site == condition.site for row in rows):
            _know_place(_current(toolbox), condition)
        met = units < condition.units if condition.kind == "stock_below" else units > condition.units
        return f"stock of {condition.item} at {condition.site} is {units:,}" if met else ""
    snapshot = _current(toolbox)
    if condition.after is not None:
        return f"there is data of {snapshot.as_of:%Y-%m-%d %H:%M} UTC" if snapshot.as_of > condition.after else ""
    if condition.price_minor is not None:
        price = _price(snapshot, condition)
        met = price < condition.price_minor if condition.kind == "price_below" else price > condition.price_minor
        return f"the price of {condition.item} from {condition.supplier} is {price / 100:.2f}" if met else ""
    return f"order {condition.order_id} was received" if _received(snapshot, condition.order_id) else ""


def _current(toolbox: Toolbox) -> Snapshot:
    return toolbox.snapshots.current() or toolbox.snapshot()


def _know_place(snapshot: Snapshot, condition: Condition) -> None:
    planned = (
        snapshot.of_items({condition.item})
        .table("item_sites")
        .filter(pl.col("item") == condition.item, pl.col("site") == condition.site)
    )
    if planned.is_empty():
        raise ToolInputError(f"item {condition.item} is not kept at site {condition.site}")


def _price(snapshot: Snapshot, condition: Condition) -> int:
    terms = (
        snapshot.of_items({condition.item})
        .table("supplier_items")
        .filter(pl.col("supplier") == condition.supplier, pl.col("item") == condition.item)
    )
    if terms.is_empty():
        raise ToolInputError(f"supplier {condition.supplier} sells no item {condition.item}")
    return round(float(terms["price"][0]) * 100)


def _received(snapshot: Snapshot, order_id: str) -> bool:
    """Whether every line of an order, or of a transfer, has arrived."""
    for table, key in (("purchase_orders", "order_id"), ("transfers", "transfer_id")):
        lines = snapshot.table(table).filter(pl.col(key) == order_id)
        if not lines.is_empty():
            return lines["received_date"].null_count() == 0
    raise ToolInputError(f"there is no order or transfer {order_id} in the data")
