"""What happens to goods where they are: price, return, status, count; and the parameters they are planned by."""

from __future__ import annotations

import re
from collections.abc import Iterator

from inventory.records import ActionKind, ErpDocument, ErpLine, ProposalLine
from tools.action_kinds.spec import KindSpec, Place, lot_words

STATUSES = ("unrestricted", "quality", "blocked")
PARAMETERS = ("reorder_point", "order_up_to_level", "safety_stock", "service_target", "review_days", "lead_time_days")
"""What ``mode`` of a parameter change may name; a service target is given in ten-thousandths."""


def _percent(line: ProposalLine) -> Iterator[str]:
    if not re.fullmatch(r"[1-9][0-9]?", line.mode):
        yield f"mode is the percent off, 1 to 99, not {line.mode or 'empty'}"


def _statuses(line: ProposalLine) -> Iterator[str]:
    before, _, after = line.mode.partition("-")
    if before not in STATUSES or after not in STATUSES or before == after:
        yield f"mode is FROM-TO of {', '.join(STATUSES)}, not {line.mode or 'empty'}"


def _parameter(line: ProposalLine) -> Iterator[str]:
    if line.mode not in PARAMETERS:
        yield f"mode is one of {', '.join(PARAMETERS)}, not {line.mode or 'empty'}"
    elif line.mode == "service_target" and line.quantity >= 10_000:
        yield f"a service target is below 10000 ten-thousandths, not {line.quantity}"


def _here(line: ProposalLine) -> Place:
    return (line.item, line.destination)


def _out_of_unrestricted(line: ProposalLine) -> Place | None:
    return _here(line) if line.mode.startswith("unrestricted-") else None


def _mark_down(document: ErpDocument, line: ErpLine) -> str:
    return f"Sell {line.quantity} of {line.item}{lot_words(line)} at {document.destination} at {document.mode} % off"


def _return(document: ErpDocument, line: ErpLine) -> str:
    return (
        f"Send {line.quantity} of {line.item}{lot_words(line)} at {document.destination} back to {document.supplier}, "
        "with the supplier's agreement"
    )


def _change_status(document: ErpDocument, line: ErpLine) -> str:
    before, _, after = document.mode.partition("-")
    return f"Turn {line.quantity} of {line.item}{lot_words(line)} at {document.destination} from {before} to {after}"


def _count(document: ErpDocument, line: ErpLine) -> str:
    return f"Count {line.item}{lot_words(line)} at {document.destination} and book what is there"


def _set_parameter(document: ErpDocument, line: ErpLine) -> str:
    value = f"{line.quantity / 100:.2f} %" if document.mode == "service_target" else str(line.quantity)
    return f"Set {document.mode} of {line.item} at {document.destination} to {value}"


MARKDOWN = KindSpec(
    ActionKind.MARKDOWN,
    becomes="price change",
    says=("destination", "mode", "quantity"),
    leaves_empty=("origin", "supplier", "order_id"),
    checks=_percent,
    revalues=True,
    reversible=False,
    mode_matters=True,
    task=_mark_down,
    role="planner",
    reversal="nothing for units sold; the price goes back by another price change",
)
RETURN_TO_SUPPLIER = KindSpec(
    ActionKind.RETURN_TO_SUPPLIER,
    becomes="return order",
    says=("destination", "supplier", "quantity"),
    leaves_empty=("origin",),
    takes=_here,
    revalues=True,
    touches_supplier=True,
    reversible=False,
    task=_return,
    role="buyer",
    reversal="nothing, once the goods have left",
)
STATUS_CHANGE = KindSpec(
    ActionKind.STATUS_CHANGE,
    becomes="status change",
    says=("destination", "mode", "quantity"),
    leaves_empty=("origin", "supplier", "order_id"),
    checks=_statuses,
    takes=_out_of_unrestricted,
    revalues=True,
    mode_matters=True,
    task=_change_status,
    role="warehouse_manager",
    reversal="the status change the other way round",
    undone_by=ActionKind.STATUS_CHANGE,
)
COUNT_REQUEST = KindSpec(
    ActionKind.COUNT_REQUEST,
    becomes="inventory count order",
    says=("destination", "quantity"),
    leaves_empty=("origin", "supplier", "order_id"),
    task=_count,
    role="warehouse_manager",
    reversal="nothing is needed: a count changes no stock",
)
PARAMETER_CHANGE = KindSpec(
    ActionKind.PARAMETER_CHANGE,
    becomes="change of planning parameters",
    says=("destination", "mode", "quantity"),
    leaves_empty=("origin", "supplier", "order_id"),
    checks=_parameter,
    mode_matters=True,
    task=_set_parameter,
    role="planner",
    reversal="another change back to the value before",
    undone_by=ActionKind.PARAMETER_CHANGE,
)
