"""Stock and orders of the simulated ERP as rows: what it checks, and how a document changes its books.

Every function works on a connection inside the caller's transaction.
"""

from __future__ import annotations

from typing import Any

from inventory.record import digest
from inventory.records import ActionKind, ErpDocument, ErpLine
from tools.errors import ErpRejectedError

ORDER_CHANGES = (ActionKind.EXPEDITE, ActionKind.PULL_IN, ActionKind.PUSH_OUT, ActionKind.SPLIT, ActionKind.CANCEL)
PREFIXES = {
    ActionKind.TRANSFER: "SIM-TO",
    ActionKind.PURCHASE: "SIM-PO",
    **dict.fromkeys(ORDER_CHANGES, "SIM-OC"),
    ActionKind.REALLOCATE: "SIM-CH",
    ActionKind.SUBSTITUTE: "SIM-SU",
    ActionKind.RETURN_TO_SUPPLIER: "SIM-RE",
    ActionKind.STATUS_CHANGE: "SIM-ST",
    ActionKind.MARKDOWN: "SIM-PR",
    ActionKind.PARAMETER_CHANGE: "SIM-PA",
    ActionKind.COUNT_REQUEST: "SIM-CO",
}
"""Document numbers start with it; also the kinds of document this ERP knows."""
TWO_SITES = (ActionKind.TRANSFER, ActionKind.REALLOCATE)
GOODS_ARRIVE = (ActionKind.TRANSFER, ActionKind.PURCHASE)
"""Documents whose lines are received."""
STAY_OPEN = (*GOODS_ARRIVE, *(kind for kind in ORDER_CHANGES if kind is not ActionKind.CANCEL))
"""Documents that are not done with when they are posted."""
_OPEN_LINES = (
    "FROM orders JOIN order_lines USING (number) "
    "WHERE reference = ? AND action IN ('transfer', 'purchase') AND destination = ? AND item = ?"
)


def known_under(connection: Any, document: ErpDocument) -> str | None:
    """Number of the document that holds the key natively, if any; rejects another body under it."""
    query = "SELECT reference, body FROM orders WHERE key = ? AND native_key = 1"
    row = connection.execute(query, (document.key,)).fetchone()
    if row is None:
        return None
    if row["body"] != digest(document):
        raise ErpRejectedError(
            f"key {document.key} belongs to document {row['reference']} with body {row['body'][:12]}, "
            f"not to the offered body {digest(document)[:12]}"
        )
    return str(row["reference"])


def require_known(connection: Any, item: str, site: str) -> None:
    """Reject an item or a site the ERP has never heard of."""
    for name, value in (("item", item), ("site", site)):
        if not connection.execute(f"SELECT 1 FROM stock WHERE {name} = ? LIMIT 1", (value,)).fetchone():
            raise ErpRejectedError(f"the ERP does not know {name} {value or '(none given)'}")


def require_postable(connection: Any, document: ErpDocument) -> None:
    """Reject a document that no ERP would book, whatever its stock."""
    where = f"key {document.key}"
    if document.action not in PREFIXES:
        raise ErpRejectedError(f"{where}: this ERP has no document for action {document.action.value}")
    if not document.lines:
        raise ErpRejectedError(f"{where}: a document needs at least one line")
    if document.action is ActionKind.PURCHASE and not document.supplier:
        raise ErpRejectedError(f"{where}: a purchase order needs a supplier")
    if document.action in TWO_SITES and document.origin == document.destination:
        raise ErpRejectedError(f"{where}: a {document.action.value} needs two sites, not {document.origin} twice")
    if document.arrive_on < document.ship_on:
        raise ErpRejectedError(f"{where}: arrives {document.arrive_on}, before it ships {document.ship_on}")
    for line in document.lines:
        require_known(connection, line.item, document.destination)
        if document.action in TWO_SITES:
            require_known(connection, line.item, document.origin)
        if document.action is ActionKind.SUBSTITUTE:
            require_known(connection, document.mode, document.destination)


def take_stock(connection: Any, site: str, line: ErpLine) -> None:
    """Take a line's units out of its lot at the site, or reject the line."""
    where = (line.item, site, line.lot)
    taken = connection.execute(
        "UPDATE stock SET on_hand = on_hand - ? WHERE item = ? AND site = ? AND lot = ? AND on_hand >= ?",
        (line.quantity, *where, line.quantity),
    )
    if taken.rowcount == 0:
        query = "SELECT on_hand FROM stock WHERE item = ? AND site = ? AND lot = ?"
        row = connection.execute(query, where).fetchone()
        lot = f" lot {line.lot}" if line.lot else ""
        raise ErpRejectedError(
            f"item {line.item}{lot} at site {site}: {line.quantity} units asked, {row['on_hand'] if row else 0} on hand"
        )


def add_stock(connection: Any, site: str, line: ErpLine) -> None:
    """Put a line's units into its lot at the site."""
    connection.execute(
        "INSERT INTO stock (item, site, lot, on_hand) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (item, site, lot) DO UPDATE SET on_hand = on_hand + excluded.on_hand",
        (line.item, site, line.lot, line.quantity),
    )


def _require_open(connection: Any, document: ErpDocument, line: ErpLine) -> None:
    """Reject a change of more units than the order has open."""
    query = f"SELECT coalesce(sum(quantity - received - refused), 0) {_OPEN_LINES}"
    values = (document.order_id, document.destination, line.item)
    open_units = connection.execute(query, values).fetchone()[0]
    if open_units < line.quantity:
        raise ErpRejectedError(
            f"order {document.order_id or '(none given)'} has {open_units} open units of item {line.item} "
            f"for site {document.destination}, {line.quantity} were to be changed"
        )


def change_order(connection: Any, document: ErpDocument) -> None:
    """Move the promised day of the order a change names, if it still has the units open."""
    for line in document.lines:
        _require_open(connection, document, line)
    connection.execute(
        "UPDATE orders SET arrive_on = ?, expedited = max(expedited, ?) WHERE reference = ?",
        (document.arrive_on.isoformat(), int(document.action is ActionKind.EXPEDITE), document.order_id),
    )


def split_order(connection: Any, document: ErpDocument, line: ErpLine) -> None:
    """Give a part of an order a day of its own, as another order of the same supplier."""
    order = connection.execute("SELECT * FROM orders WHERE reference = ?", (document.order_id,)).fetchone()
    cancel_units(connection, document, line)
    number = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM orders").fetchone()[0]
    names = ("destination", "origin", "supplier", "mode", "ship_on", "posted_at", "visible_at", "action")
    row = {name: order[name] for name in names} | {
        "arrive_on": document.arrive_on.isoformat(), "reference": f"{document.order_id}-{number}",
    }  # fmt: skip
    insert_order(connection, row, [line])


def cancel_units(connection: Any, document: ErpDocument, line: ErpLine) -> None:
    """Take open units off an order; a line with nothing left is taken off whole."""
    _require_open(connection, document, line)
    rest = line.quantity
    query = f"SELECT number, line, quantity, received, refused {_OPEN_LINES} ORDER BY line"
    values = (document.order_id, document.destination, line.item)
    for known in connection.execute(query, values).fetchall():
        off = min(rest, known["quantity"] - known["received"] - known["refused"])
        rest -= off
        place = (known["number"], known["line"])
        if off == known["quantity"]:
            connection.execute("DELETE FROM order_lines WHERE number = ? AND line = ?", place)
        elif off:
            connection.execute(
                "UPDATE order_lines SET quantity = quantity - ? WHERE number = ? AND line = ?", (off, *place)
            )
        close_if_complete(connection, known["number"], document.order_id, document.ship_on.isoformat())


def insert_order(connection: Any, row: dict[str, Any], lines: list[ErpLine]) -> str:
    """Write an order and its lines; its number, the row's own or the next of its kind."""
    number = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM orders").fetchone()[0]
    defaults = {"key": "", "native_key": 0, "body": "", "order_id": "", "number": number}
    row = defaults | {"reference": f"{PREFIXES[ActionKind(row['action'])]}-{number:06d}"} | row
    names = sorted(row)
    connection.execute(
        f"INSERT INTO orders ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})",
        [row[name] for name in names],
    )
    connection.executemany(
        "INSERT INTO order_lines (number, line, item, lot, quantity) VALUES (?, ?, ?, ?, ?)",
        [(number, place, line.item, line.lot, line.quantity) for place, line in enumerate(lines, start=1)],
    )
    return str(row["reference"])


def order_fields(connection: Any, row: Any) -> dict[str, object]:
    """A `Posting`'s fields as the ERP would send them."""
    query = "SELECT item, lot, quantity FROM order_lines WHERE number = ? ORDER BY line"
    lines = [dict(line) for line in connection.execute(query, (row["number"],))]
    names = (
        "key",
        "reference",
        "action",
        "destination",
        "origin",
        "supplier",
        "order_id",
        "posted_at",
        "mode",
        "arrive_on",
    )
    return {name: row[name] for name in names} | {"lines": lines}


def receive_line(connection: Any, line: Any, quantity: int | None, day: str, *, refused: bool = False) -> None:
    """Add arriving units (all that is open, if not said) to the destination's stock; refused ones go back."""
    still_open = line["quantity"] - line["received"] - line["refused"]
    arriving = still_open if quantity is None else quantity
    if not 0 < arriving <= still_open:
        raise ErpRejectedError(
            f"document {line['reference']} item {line['item']}: {arriving} units cannot arrive, {still_open} are open"
        )
    column = "refused" if refused else "received"
    connection.execute(
        f"UPDATE order_lines SET {column} = {column} + ?, received_on = ? WHERE number = ? AND line = ?",
        (arriving, day, line["number"], line["line"]),
    )
    back_to = line["origin"] if refused else line["destination"]
    if back_to:
        add_stock(connection, back_to, ErpLine(item=line["item"], lot=line["lot"], quantity=arriving))


def close_if_complete(connection: Any, number: int, reference: str, day: str) -> None:
    """Close an order with no open line, and the changes made to it."""
    query = "SELECT 1 FROM order_lines WHERE number = ? AND received + refused < quantity"
    if connection.execute(query, (number,)).fetchone() is None:
        connection.execute(
            "UPDATE orders SET received_on = ? WHERE number = ? OR order_id = ?", (day, number, reference)
        )
