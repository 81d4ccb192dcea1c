"""What scripted faults make of a document: other lines than were asked for, and what happens to it afterwards."""

from __future__ import annotations

from typing import Any

from inventory.record import digest_text
from inventory.records import ActionKind, ErpLine
from tools.erp.faults import Fault, FaultKind
from tools.erp.orders import add_stock, take_stock
from tools.errors import ErpError, ErpOutcomeUnknownError, ErpRejectedError, ErpUnreachableError

UNSEEN_LOT = "LOT-ELSE"
NOT_POSTED = frozenset(
    {
        FaultKind.REJECT, FaultKind.UNREACHABLE, FaultKind.LOSE_REQUEST, FaultKind.STORM, FaultKind.CLOSED_PERIOD,
        FaultKind.HANG,
    }
)  # fmt: skip
ANSWER_LOST = frozenset({FaultKind.LOSE_ANSWER, FaultKind.ANSWER_LATE, FaultKind.DELETED, FaultKind.EDITED})


def lines_posted(lines: list[ErpLine], kind: FaultKind | None, other_item: str) -> list[ErpLine]:
    """The lines an ERP with this fault books."""
    first, *rest = lines
    match kind:
        case FaultKind.WRONG_QUANTITY:
            return [line.model_copy(update={"quantity": one_off(line.quantity)}) for line in lines]
        case FaultKind.PARTIAL if rest:
            return [first]
        case FaultKind.PARTIAL:
            return [first.model_copy(update={"quantity": first.quantity // 2 or 2})]
        case FaultKind.WRONG_ITEM:
            return [first.model_copy(update={"item": other_item}), *rest]
        case FaultKind.WRONG_LOT:
            return [first.model_copy(update={"lot": UNSEEN_LOT}), *rest]
        case FaultKind.UNIT_MISMATCH:
            return [line.model_copy(update={"quantity": line.quantity * 2}) for line in lines]
        case _:
            return lines


def lines_taken(asked: list[ErpLine], posted: list[ErpLine], kind: FaultKind | None) -> list[ErpLine]:
    """Units that leave the shelf: a wrong item or lot is one on paper, the goods are those asked for."""
    return asked if kind in (FaultKind.WRONG_ITEM, FaultKind.WRONG_LOT) else posted


def one_off(quantity: int) -> int:
    """A unit fewer; one more where there is only one."""
    return quantity - 1 or 2


def delete_document(connection: Any, reference: str) -> None:
    """A planner of the ERP deletes a transfer or order: its units are back where they were."""
    row = connection.execute("SELECT * FROM orders WHERE reference = ?", (reference,)).fetchone()
    if row is None:
        raise ErpRejectedError(f"there is no document {reference}")
    if row["action"] == ActionKind.TRANSFER.value:
        for line in connection.execute("SELECT * FROM order_lines WHERE number = ?", (row["number"],)).fetchall():
            rest = line["quantity"] - line["received"] - line["refused"]
            if rest:
                add_stock(connection, row["origin"], ErpLine(item=line["item"], lot=line["lot"], quantity=rest))
    connection.execute("DELETE FROM order_lines WHERE number = ?", (row["number"],))
    connection.execute("DELETE FROM orders WHERE number = ?", (row["number"],))


def edit_document(connection: Any, reference: str) -> None:
    """A planner of the ERP changes every quantity of a document by one."""
    row = connection.execute("SELECT * FROM orders WHERE reference = ?", (reference,)).fetchone()
    for line in connection.execute("SELECT * FROM order_lines WHERE number = ?", (row["number"],)).fetchall():
        quantity = one_off(line["quantity"])
        _set_quantity(connection, row, line, quantity)


def append_again(connection: Any, reference: str) -> None:
    """A second confirmation books every line once more on the same document."""
    row = connection.execute("SELECT * FROM orders WHERE reference = ?", (reference,)).fetchone()
    for line in connection.execute("SELECT * FROM order_lines WHERE number = ?", (row["number"],)).fetchall():
        _set_quantity(connection, row, line, 2 * line["quantity"])


def _set_quantity(connection: Any, row: Any, line: Any, quantity: int) -> None:
    more = quantity - line["quantity"]
    if row["action"] == ActionKind.TRANSFER.value:
        moved = ErpLine(item=line["item"], lot=line["lot"], quantity=abs(more))
        if more > 0:
            take_stock(connection, row["origin"], moved)
        else:
            add_stock(connection, row["origin"], moved)
    connection.execute(
        "UPDATE order_lines SET quantity = ? WHERE number = ? AND line = ?", (quantity, row["number"], line["line"])
    )


def other_key(key: str) -> str:
    """A key of the right shape that belongs to some other document."""
    return "EK-" + digest_text("other", key).upper().translate(str.maketrans("0189", "ABCD"))[:26]


def told_instead(key: str, fault: Fault) -> ErpError:
    """What the caller is told when nothing was posted."""
    if fault.kind in (FaultKind.UNREACHABLE, FaultKind.STORM):
        return ErpUnreachableError(f"key {key}: no connection to the ERP (scripted)")
    if fault.kind is FaultKind.REJECT:
        return ErpRejectedError(f"key {key}: the ERP refuses the document (scripted)")
    if fault.kind is FaultKind.CLOSED_PERIOD:
        return ErpRejectedError(f"key {key}: the posting period is closed (scripted)")
    return no_answer(key)


def no_answer(key: str) -> ErpOutcomeUnknownError:
    """The request was sent, and time is up."""
    return ErpOutcomeUnknownError(f"key {key}: sent, and the ERP did not answer in time (scripted)")


def garbled(key: str, fault: Fault | None) -> dict[str, object]:
    """What stands in an answer in place of what belongs there."""
    match fault.kind if fault else None:
        case FaultKind.TEXT | FaultKind.FIND_TEXT:
            return {"reference": fault.text if fault else ""}
        case FaultKind.HUGE:
            return {"reference": "9" * 1_000_000}
        case FaultKind.MALFORMED:
            return {"reference": None, "lines": None, "posted_at": "soon"}
        case FaultKind.OTHER_KEY:
            return {"key": other_key(key)}
        case _:
            return {}
