"""What each kind of document does to the books of the simulated ERP, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from inventory.records import ActionKind, ErpDocument, ErpLine
from tools.erp.orders import add_stock, cancel_units, change_order, split_order, take_stock
from tools.errors import ErpRejectedError

Booking = Callable[[Any, ErpDocument, list[ErpLine]], None]


def _transfer(connection: Any, document: ErpDocument, lines: list[ErpLine]) -> None:
    for line in lines:
        take_stock(connection, document.origin, line)


def _nothing(connection: Any, document: ErpDocument, lines: list[ErpLine]) -> None:
    """A purchase order gives on receipt; a price, a parameter and a count order are documents only."""


def _change(connection: Any, document: ErpDocument, lines: list[ErpLine]) -> None:
    change_order(connection, document)


def _split(connection: Any, document: ErpDocument, lines: list[ErpLine]) -> None:
    for line in lines:
        split_order(connection, document, line)


def _cancel(connection: Any, document: ErpDocument, lines: list[ErpLine]) -> None:
    for line in lines:
        cancel_units(connection, document, line)


def _reallocate(connection: Any, document: ErpDocument, lines: list[ErpLine]) -> None:
    """Channels share their goods: they change owner at once."""
    for line in lines:
        take_stock(connection, document.origin, line)
        add_stock(connection, document.destination, line)


def _substitute(connection: Any, document: ErpDocument, lines: list[ErpLine]) -> None:
    for line in lines:
        take_stock(connection, document.destination, line.model_copy(update={"item": document.mode}))


def _return(connection: Any, document: ErpDocument, lines: list[ErpLine]) -> None:
    for line in lines:
        take_stock(connection, document.destination, line)


def _change_status(connection: Any, document: ErpDocument, lines: list[ErpLine]) -> None:
    before, _, after = document.mode.partition("-")
    for line in lines:
        if before == "unrestricted":
            take_stock(connection, document.destination, line)
        else:
            _take_restricted(connection, document, line, before)
        if after == "unrestricted":
            add_stock(connection, document.destination, line)
        else:
            put_restricted(connection, document.destination, line, after)


def put_restricted(connection: Any, site: str, line: ErpLine, status: str) -> None:
    """Add units that may not be used."""
    connection.execute(
        "INSERT INTO restricted (item, site, lot, status, on_hand) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (item, site, lot, status) DO UPDATE SET on_hand = on_hand + excluded.on_hand",
        (line.item, site, line.lot, status, line.quantity),
    )


def _take_restricted(connection: Any, document: ErpDocument, line: ErpLine, status: str) -> None:
    taken = connection.execute(
        "UPDATE restricted SET on_hand = on_hand - ? "
        "WHERE item = ? AND site = ? AND lot = ? AND status = ? AND on_hand >= ?",
        (line.quantity, line.item, document.destination, line.lot, status, line.quantity),
    )
    if taken.rowcount == 0:
        raise ErpRejectedError(
            f"item {line.item} at site {document.destination}: fewer than {line.quantity} units are {status}"
        )


BOOKINGS: dict[ActionKind, Booking] = {
    ActionKind.TRANSFER: _transfer,
    ActionKind.PURCHASE: _nothing,
    ActionKind.EXPEDITE: _change,
    ActionKind.PULL_IN: _change,
    ActionKind.PUSH_OUT: _change,
    ActionKind.SPLIT: _split,
    ActionKind.CANCEL: _cancel,
    ActionKind.REALLOCATE: _reallocate,
    ActionKind.SUBSTITUTE: _substitute,
    ActionKind.RETURN_TO_SUPPLIER: _return,
    ActionKind.STATUS_CHANGE: _change_status,
    ActionKind.MARKDOWN: _nothing,
    ActionKind.PARAMETER_CHANGE: _nothing,
    ActionKind.COUNT_REQUEST: _nothing,
}
"""What a document of each kind does when it is posted."""
