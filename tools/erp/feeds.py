"""What the simulated ERP exports for the next snapshot: rows of the data contract, with our keys.

Column names are those of :mod:`inventory.contract`; quantities are integers in the item's smallest unit, dates are
``date``, an absent date is ``None``. Documents the ERP does not show yet are not exported either.
"""

from __future__ import annotations

from datetime import date, datetime

from inventory.records import ActionKind
from tools.erp.books import Books, stamp, utc

LINES = """
SELECT orders.*, line, item, lot, quantity, received, refused, order_lines.received_on AS arrived_on
FROM orders JOIN order_lines USING (number)
WHERE action = ? AND visible_at <= ? ORDER BY number, line
"""


REFUSED_LINES = 10_000
"""What was refused of a line is a line of its own, so much further on."""


def stock_feed(books: Books, now: datetime) -> list[dict[str, object]]:
    """Rows of ``stock``: units on hand per item, site and lot; this ERP allocates nothing."""
    as_of = utc(now)
    with books.read() as connection:
        rows = connection.execute("SELECT item, site, lot, on_hand FROM stock ORDER BY item, site, lot")
        return [dict(row) | {"allocated": 0, "source": "erp", "as_of": as_of} for row in rows]


def transfer_feed(books: Books, now: datetime) -> list[dict[str, object]]:
    """Rows of ``transfers``, a row per line; a transfer is in transit from its shipping day on."""
    today = utc(now).date()
    with books.read() as connection:
        rows = connection.execute(LINES, (ActionKind.TRANSFER.value, stamp(now))).fetchall()
    feed: list[dict[str, object]] = []
    for row in rows:
        ship_on = date.fromisoformat(row["ship_on"])
        kept, arrived = row["quantity"] - row["refused"], row["received"]
        shipped = ship_on <= today or arrived + row["refused"] > 0
        day = date.fromisoformat(row["arrived_on"]) if row["arrived_on"] else None
        line = {
            "transfer_id": row["reference"],
            "line": row["line"],
            "item": row["item"],
            "origin": row["origin"],
            "destination": row["destination"],
            "mode": row["mode"] or "truck",
            "shipped_date": min(ship_on, today) if shipped else None,
            "expected_date": date.fromisoformat(row["arrive_on"]),
            "received_date": day if arrived == kept else None,
            "quantity": kept,
            "received_quantity": arrived,
            "status": "received" if arrived == kept else "in_transit" if shipped else "open",
            "our_key": row["key"],
        }
        if kept:
            feed.append(line)
        if row["refused"]:
            refused = {"line": row["line"] + REFUSED_LINES, "quantity": row["refused"], "received_quantity": 0}
            feed.append({**line, **refused, "status": "refused", "received_date": day})
    return feed


def purchase_order_feed(books: Books, now: datetime) -> list[dict[str, object]]:
    """Rows of ``purchase_orders``, a row per line; the promised day is the one an order change moved it to."""
    with books.read() as connection:
        rows = connection.execute(LINES, (ActionKind.PURCHASE.value, stamp(now))).fetchall()
    feed: list[dict[str, object]] = []
    for row in rows:
        complete = row["received"] + row["refused"] == row["quantity"]
        feed.append(
            {
                "order_id": row["reference"],
                "line": row["line"],
                "supplier": row["supplier"],
                "item": row["item"],
                "site": row["destination"],
                "ordered_date": datetime.fromisoformat(row["posted_at"]).date(),
                "promised_date": date.fromisoformat(row["arrive_on"]),
                "received_date": date.fromisoformat(row["arrived_on"]) if complete else None,
                "quantity": row["quantity"],
                "received_quantity": row["received"],
                "status": "open" if not complete else "received" if row["received"] else "cancelled",
                "expedited": bool(row["expedited"]),
                "our_key": row["key"],
            }
        )
    return feed
