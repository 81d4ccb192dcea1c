"""An option a person picked, as the lines of a proposal: so that what is priced by hand can be carried out, too.

The lines go through the gate like any other. Where the option is not definite enough to act upon, nothing is guessed.
"""

from __future__ import annotations

import re
from datetime import date

from inventory.records import ActionKind, Option, ProposalLine
from tools.action_kinds import KINDS
from tools.errors import ToolInputError
from tools.option_facts import Assumptions

_ORDER_CHANGES = (ActionKind.PULL_IN, ActionKind.PUSH_OUT, ActionKind.SPLIT, ActionKind.EXPEDITE)
_FIRST_BY_TRANSFER = re.compile(r"(\d+) by transfer first")
SEVERAL = "+"
"""Between the names of several sources; how many units each gives, an option does not say."""
EXPRESS = "express"
"""Mode of a new order on the supplier's expedite terms."""


def lines_of(option: Option, today: date, assumed: Assumptions | None = None) -> tuple[ProposalLine, ...]:
    """The proposal lines of an option.

    Parameters
    ----------
    today
        Day the goods leave, or the change is asked for.
    assumed
        The assumptions the option was priced under; the usual ones when none are given.

    Raises
    ------
    ToolInputError
        If the option is not possible, moves nothing, or says too little to be carried out.
    """
    assumed = assumed or Assumptions()
    if not option.feasible or option.quantity < 1:
        raise ToolInputError(f"{option.action.value} of {option.item}: not possible, {option.binding_constraint}")
    if option.action is ActionKind.TRANSFER_AND_PURCHASE:
        return _pair(option, today)
    if option.action is ActionKind.TRANSFER and SEVERAL in option.source:
        raise ToolInputError(f"the transfer of {option.item} comes from {option.source}: edit its lines instead")
    action, update = option.action, _fields(option, assumed)
    if action is ActionKind.EXPEDITE and not option.order_id:
        action, update = ActionKind.PURCHASE, {"supplier": option.source, "mode": EXPRESS}
    if action not in KINDS or update is None:
        raise ToolInputError(f"{action.value} of {option.item} at {option.site} cannot be carried out from an option")
    return (_line(option, action, 1, option.quantity, option.cost_minor, today, update),)


def _fields(option: Option, assumed: Assumptions) -> dict[str, str] | None:
    """What a line of the option's kind says beside item, site and units; ``None`` if it cannot be told."""
    if option.action in _ORDER_CHANGES:
        return {"supplier": option.source, "order_id": option.order_id}
    return {
        ActionKind.TRANSFER: {"origin": option.source, "mode": option.mode},
        ActionKind.PURCHASE: {"supplier": option.source, "mode": option.mode},
        ActionKind.SUBSTITUTE: {"mode": option.source},
        ActionKind.REALLOCATE: {"origin": option.source},
        ActionKind.RETURN_TO_SUPPLIER: {"supplier": option.source},
        ActionKind.MARKDOWN: {"mode": str(round(100 * assumed.markdown_discount))},
    }.get(option.action)


def _pair(option: Option, today: date) -> tuple[ProposalLine, ...]:
    """The transfer now and the order for the rest; the cost is the pair's, in proportion to the units."""
    first = _FIRST_BY_TRANSFER.fullmatch(option.companion)
    origin, _, supplier = option.source.partition(SEVERAL)
    if first is None or not supplier or SEVERAL in supplier:
        raise ToolInputError(f"the pair for {option.item} at {option.site} is not definite enough to be carried out")
    moved, bought = int(first[1]), option.quantity
    share = option.cost_minor * moved // (moved + bought)
    return (
        _line(option, ActionKind.TRANSFER, 1, moved, share, today, {"origin": origin, "mode": option.mode}),
        _line(option, ActionKind.PURCHASE, 2, bought, option.cost_minor - share, today, {"supplier": supplier}),
    )


def _line(
    option: Option, action: ActionKind, number: int, units: int, cost_minor: int, today: date, said: dict[str, str]
) -> ProposalLine:
    return ProposalLine.model_validate(
        {
            "number": number, "action": action, "item": option.item, "destination": option.site, "quantity": units,
            "cost_minor": max(cost_minor, 0), "ship_on": today, "arrive_on": max(option.arrives_p50 or today, today),
            **said,
        }
    )  # fmt: skip
