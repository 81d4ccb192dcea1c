"""Promises of suppliers: a new order, and every change of an open one."""

from __future__ import annotations

from collections.abc import Callable

from inventory.records import ActionKind, ErpDocument, ErpLine
from tools.action_kinds.spec import KindSpec


def _buy(document: ErpDocument, line: ErpLine) -> str:
    return (
        f"Order {line.quantity} of {line.item} from {document.supplier} for {document.destination}, "
        f"due {document.arrive_on}"
    )


def _change(words: str) -> Callable[[ErpDocument, ErpLine], str]:
    def task(document: ErpDocument, line: ErpLine) -> str:
        told = words.format(
            units=line.quantity, item=line.item, order=document.order_id, day=document.arrive_on.isoformat()
        )
        return f"{told}, and have {document.supplier or 'the supplier'} confirm it"

    return task


def _order_change(
    action: ActionKind, words: str, reversal: str, undone_by: ActionKind | None = None, *,
    reversible: bool = True, spends: bool = False, day_matters: bool = True,
) -> KindSpec:  # fmt: skip
    return KindSpec(
        action,
        becomes="order change",
        says=("destination", "order_id", "quantity"),
        leaves_empty=("origin",),
        goods_travel=True,
        reversible=reversible,
        spends=spends,
        touches_supplier=True,
        day_matters=day_matters,
        task=_change(words),
        role="buyer",
        reversal=reversal,
        undone_by=undone_by,
    )


PURCHASE = KindSpec(
    ActionKind.PURCHASE,
    becomes="purchase order",
    says=("supplier", "destination", "quantity"),
    leaves_empty=("origin", "order_id"),
    goods_travel=True,
    spends=True,
    task=_buy,
    role="buyer",
    reversal="a cancellation, while the supplier accepts one",
    undone_by=ActionKind.CANCEL,
)
EXPEDITE = _order_change(
    ActionKind.EXPEDITE, "Have {units} of {item} on order {order} expedited to {day}", "nothing: the fee is spent",
    reversible=False, spends=True,
)  # fmt: skip
PULL_IN = _order_change(
    ActionKind.PULL_IN, "Pull {units} of {item} on order {order} in to {day}", "a push-out to the day before",
    ActionKind.PUSH_OUT,
)  # fmt: skip
PUSH_OUT = _order_change(
    ActionKind.PUSH_OUT, "Push {units} of {item} on order {order} out to {day}", "a pull-in to the day before",
    ActionKind.PULL_IN,
)  # fmt: skip
SPLIT = _order_change(
    ActionKind.SPLIT, "Split order {order}: {units} of {item} on {day}, the rest as promised",
    "nothing by itself: the parts are moved one by one", reversible=False, spends=True,
)  # fmt: skip
CANCEL = _order_change(
    ActionKind.CANCEL, "Cancel {units} of {item} on order {order}", "a new order at the terms of that day",
    ActionKind.PURCHASE, reversible=False, day_matters=False,
)  # fmt: skip
