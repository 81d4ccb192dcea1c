"""Goods that change place or owner: transfer, reallocation between channels, substitution."""

from __future__ import annotations

from collections.abc import Iterator

from inventory.records import ActionKind, ErpDocument, ErpLine, ProposalLine
from tools.action_kinds.spec import KindSpec, Place, lot_words


def _two_sites(line: ProposalLine) -> Iterator[str]:
    if line.origin == line.destination:
        yield f"needs two sites, not {line.origin} twice"


def _from_origin(line: ProposalLine) -> Place:
    return (line.item, line.origin)


def _another_item(line: ProposalLine) -> Iterator[str]:
    if line.mode == line.item:
        yield "an item does not stand in for itself"


def _stand_in(line: ProposalLine) -> Place:
    return (line.mode, line.destination)


def _move(document: ErpDocument, line: ErpLine) -> str:
    return (
        f"Move {line.quantity} of {line.item}{lot_words(line)} from {document.origin} to {document.destination}, "
        f"leaving {document.ship_on}"
    )


def _reallocate(document: ErpDocument, line: ErpLine) -> str:
    return (
        f"Give {line.quantity} of {line.item}{lot_words(line)} from channel {document.origin} to channel "
        f"{document.destination}"
    )


def _substitute(document: ErpDocument, line: ErpLine) -> str:
    return (
        f"Serve {line.quantity} of {line.item} at {document.destination} with {document.mode}{lot_words(line)}, "
        "after asking customers whose consent is needed"
    )


TRANSFER = KindSpec(
    ActionKind.TRANSFER,
    becomes="transfer order",
    says=("origin", "destination", "quantity"),
    leaves_empty=("supplier",),
    checks=_two_sites,
    takes=_from_origin,
    goods_travel=True,
    task=_move,
    role="warehouse_manager",
    reversal="a transfer back, once received",
    undone_by=ActionKind.TRANSFER,
)
REALLOCATE = KindSpec(
    ActionKind.REALLOCATE,
    becomes="change of channel allocation",
    says=("origin", "destination", "quantity"),
    leaves_empty=("supplier", "order_id"),
    checks=_two_sites,
    takes=_from_origin,
    touches_customer=True,
    task=_reallocate,
    role="planner",
    reversal="a reallocation back, as far as the units are not sold",
    undone_by=ActionKind.REALLOCATE,
)
SUBSTITUTE = KindSpec(
    ActionKind.SUBSTITUTE,
    becomes="substitution",
    says=("destination", "mode", "quantity"),
    leaves_empty=("origin", "supplier"),
    checks=_another_item,
    takes=_stand_in,
    touches_customer=True,
    reversible=False,
    mode_matters=True,
    task=_substitute,
    role="planner",
    reversal="nothing, once the customer has the other item",
)
