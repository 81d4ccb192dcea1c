"""The one table of kinds, and what the gate, the ledger and the executor ask it.

`ActionKind.TRANSFER_AND_PURCHASE` names a proposal whose lines are of two kinds; `ActionKind.HOLD` and
`ActionKind.CORRECTION` are never carried out from here. None of them has a row.
"""

from __future__ import annotations

from inventory.records import ActionKind, ProposalContent, ProposalLine
from tools.action_kinds.moves import REALLOCATE, SUBSTITUTE, TRANSFER
from tools.action_kinds.orders import CANCEL, EXPEDITE, PULL_IN, PURCHASE, PUSH_OUT, SPLIT
from tools.action_kinds.spec import ActionEffects, KindSpec, Place
from tools.action_kinds.stock import (
    COUNT_REQUEST,
    MARKDOWN,
    PARAMETER_CHANGE,
    RETURN_TO_SUPPLIER,
    STATUS_CHANGE,
)
from tools.errors import ToolInputError

KINDS: dict[ActionKind, KindSpec] = {
    spec.action: spec
    for spec in (
        TRANSFER, PURCHASE, EXPEDITE, PULL_IN, PUSH_OUT, SPLIT, CANCEL, SUBSTITUTE, REALLOCATE, PARAMETER_CHANGE,
        MARKDOWN, RETURN_TO_SUPPLIER, COUNT_REQUEST, STATUS_CHANGE,
    )
}  # fmt: skip
"""Every kind that is carried out, by an ERP document or by a person's task."""


def kind_of(action: ActionKind) -> KindSpec:
    """The rules of a kind; ``ToolInputError`` for one that is not carried out."""
    try:
        return KINDS[action]
    except KeyError:
        raise ToolInputError(f"{action.value} is not carried out: known are {', '.join(sorted(KINDS))}") from None


def effects(kind: ActionKind, content: ProposalContent) -> ActionEffects:
    """What a proposal touches beside the stock it moves, over its own kind and that of every line."""
    specs = [KINDS[action] for action in sorted({kind, *(line.action for line in content.lines)}) if action in KINDS]
    spend = sum(line.cost_minor for line in content.lines if line.action in KINDS and KINDS[line.action].spends)
    return ActionEffects(
        valuation_change_minor=abs(content.value_minor) if any(spec.revalues for spec in specs) else 0,
        spend_minor=spend,
        changes_supplier_commitment=any(spec.touches_supplier for spec in specs)
        or any(line.order_id for line in content.lines),
        changes_customer_commitment=any(spec.touches_customer for spec in specs),
        reversible=all(spec.reversible for spec in specs),
    )


def problems(content: ProposalContent) -> tuple[str, ...]:
    """Why a proposal cannot be carried out as it is written, a sentence each; empty when it can."""
    found = [
        problem for line in content.lines if line.action in KINDS for problem in KINDS[line.action].problems_of(line)
    ]
    days: dict[tuple[str, str, str, str], ProposalLine] = {}
    for line in content.lines:
        first = days.setdefault(line.document_group, line)
        if line.action in KINDS and KINDS[line.action].day_matters and first.arrive_on != line.arrive_on:
            found.append(
                f"line {line.number}: order {line.order_id} cannot come on {line.arrive_on} and on {first.arrive_on}"
            )
    return tuple(found)


def takes_stock(line: ProposalLine) -> Place | None:
    """Item and site whose units a line takes, so that they must be reserved for it; ``None`` when it takes none."""
    return KINDS[line.action].takes(line) if line.action in KINDS else None


def goods_travel(content: ProposalContent) -> bool:
    """Whether goods arrive some time after the proposal is carried out."""
    return any(KINDS[line.action].goods_travel for line in content.lines if line.action in KINDS)
