"""Documents and a world for the suite every ERP adapter must pass."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from inventory.records import ActionKind, ErpDocument, ErpLine
from tools.erp.faults import Fault
from tools.erp.port import ErpPort, Posting

SHIP_ON = date(2024, 4, 9)


@dataclass(frozen=True)
class ErpWorld:
    """What stands behind the adapter under test."""

    item: str
    other_item: str
    origin: str
    destination: str
    supplier: str
    order_id: str
    """An open purchase order of at least 10 units of ``item`` for ``destination``."""
    on_hand: int
    """Units of each item at ``origin``; ``destination`` has none."""
    inject: Callable[[Fault], None]
    pass_time: Callable[[timedelta], None]
    documents: Callable[[str], int]
    """How many documents carry a key in the ERP's own books."""
    units: Callable[[str, str], int]
    """Units of an item at a site in the ERP's own books."""


def key_named(name: str) -> str:
    """A key of the shape the dispatcher makes: ``EK-`` and 26 base32 characters."""
    return "EK-" + base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:26]


def transfer(world: ErpWorld, key: str, *quantities: int) -> ErpDocument:
    """A transfer from origin to destination, a line per quantity, of the two items in turn."""
    items = (world.item, world.other_item)
    return ErpDocument(
        key=key,
        action=ActionKind.TRANSFER,
        origin=world.origin,
        destination=world.destination,
        mode="truck",
        ship_on=SHIP_ON,
        arrive_on=SHIP_ON + timedelta(days=2),
        lines=tuple(ErpLine(item=items[place % 2], quantity=quantity) for place, quantity in enumerate(quantities)),
        approval_id="APR-1",
    )


def purchase(world: ErpWorld, key: str, quantity: int) -> ErpDocument:
    """A purchase order of one item for the destination."""
    update = {"action": ActionKind.PURCHASE, "origin": "", "supplier": world.supplier}
    return transfer(world, key, quantity).model_copy(update=update)


def order_change(world: ErpWorld, key: str, quantity: int) -> ErpDocument:
    """A change of the world's open purchase order."""
    update = {"action": ActionKind.EXPEDITE, "origin": "", "supplier": world.supplier, "order_id": world.order_id}
    return transfer(world, key, quantity).model_copy(update=update)


def of_kind(world: ErpWorld, key: str, kind: ActionKind, quantity: int) -> ErpDocument:
    """A document of any kind about the world's first item."""
    plain = transfer(world, key, quantity)
    order: dict[str, object] = {"origin": "", "supplier": world.supplier, "order_id": world.order_id, "mode": ""}
    here: dict[str, object] = {"origin": "", "destination": world.origin, "mode": ""}
    update: dict[ActionKind, dict[str, object]] = {
        ActionKind.TRANSFER: {},
        ActionKind.REALLOCATE: {"mode": ""},
        ActionKind.PURCHASE: {"origin": "", "supplier": world.supplier, "mode": ""},
        ActionKind.SUBSTITUTE: here | {"mode": world.other_item},
        ActionKind.RETURN_TO_SUPPLIER: here | {"supplier": world.supplier},
        ActionKind.STATUS_CHANGE: here | {"mode": "unrestricted-blocked"},
        ActionKind.MARKDOWN: here | {"mode": "20"},
        ActionKind.PARAMETER_CHANGE: here | {"mode": "reorder_point"},
        ActionKind.COUNT_REQUEST: here,
    }
    return plain.model_copy(update={"action": kind, **update.get(kind, order)})


TAKING_STOCK = (
    ActionKind.TRANSFER, ActionKind.REALLOCATE, ActionKind.SUBSTITUTE, ActionKind.RETURN_TO_SUPPLIER,
    ActionKind.STATUS_CHANGE,
)  # fmt: skip


def stock_of(world: ErpWorld, kind: ActionKind) -> tuple[str, str]:
    """Item and site whose units `of_kind` takes."""
    return (world.other_item if kind is ActionKind.SUBSTITUTE else world.item, world.origin)


def found(erp: ErpPort, key: str) -> Posting:
    """The one document under the key, which must be there."""
    posting = erp.find(key)
    assert posting is not None
    return posting


KEY = key_named("proposal 1, document 1")
OTHER_KEY = key_named("proposal 1, document 2")
