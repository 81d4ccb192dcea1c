"""The lines of a chosen option as a plan would write them: on the lane's own days, with what is paid and at stake."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from inventory.records import ActionKind, Option, ProposalLine
from tools.action_kinds import KINDS, takes_stock
from tools.chosen_options import EXPRESS, lines_of
from tools.errors import ToolInputError
from tools.lanes import Lane
from tools.money import to_minor
from tools.option_facts import Assumptions
from tools.outlook import Outlook

SINGLE = (ActionKind.TRANSFER, ActionKind.PURCHASE)
"""Kinds that are a pair when they come together."""
MOVEMENT = ("price", "duty", "freight", "handling", "order")
"""Parts of an option's cost that are paid for the movement itself; the rest is what it is expected to lead to."""
STRICTEST_FIRST = (
    ActionKind.RETURN_TO_SUPPLIER, ActionKind.MARKDOWN, ActionKind.SUBSTITUTE, ActionKind.REALLOCATE,
    ActionKind.SPLIT, ActionKind.PUSH_OUT, ActionKind.PULL_IN, ActionKind.EXPEDITE,
)  # fmt: skip
"""What a proposal of several kinds is as a whole: the kind most is asked for, so that it hides behind no other."""
ALONE = frozenset(STRICTEST_FIRST[:4])
"""Kinds of which a proposal holds one: each touches a commitment or a valuation of its own."""


def chosen_lines(
    outlook: Outlook, option: Option, today: date, lanes: Mapping[str, tuple[Lane, ...]], assumed: Assumptions
) -> tuple[ProposalLine, ...]:
    """The lines that carry out an option, priced on the outlook it was priced on.

    Parameters
    ----------
    today
        Day of the choice.
    lanes
        By destination.

    Raises
    ------
    ToolInputError
        If the option is not definite enough to be carried out, or no lane carries it.
    """
    return tuple(_priced(outlook, option, line, today, lanes) for line in lines_of(option, today, assumed))


def _priced(
    outlook: Outlook, option: Option, line: ProposalLine, today: date, lanes: Mapping[str, tuple[Lane, ...]]
) -> ProposalLine:
    if line.action is ActionKind.TRANSFER:
        ways = [way for way in lanes.get(line.destination, ()) if (way.origin, way.mode) == (line.origin, line.mode)]
        if not ways:
            raise ToolInputError(f"no lane carries {line.item} from {line.origin} to {line.destination} by {line.mode}")
        lane = ways[0]
        paid = to_minor(line.quantity * lane.unit_cost + lane.fixed_cost)
        days = {"ship_on": lane.departs(today), "arrive_on": lane.arrives(today, 0.5)}
        return line.model_copy(update={"cost_minor": paid, **days})
    if line.action is ActionKind.PURCHASE:
        return line.model_copy(update={"cost_minor": _ordered(outlook, line)})
    parts = option.cost_parts_minor
    return line.model_copy(update={"cost_minor": sum(parts.get(name, 0) for name in MOVEMENT)}) if parts else line


def _ordered(outlook: Outlook, line: ProposalLine) -> int:
    """What an order costs: the goods at the supplier's price and placing it, on express terms with their surcharge."""
    arrays, row = outlook.arrays, outlook.arrays.row_of[(line.item, line.destination)]
    price, once = float(arrays.purchase_price[row]), float(arrays.order_cost[row])
    if line.mode == EXPRESS:
        price, once = price * float(arrays.expedite_factor[row]), once + float(arrays.expedite_cost[row])
    return to_minor(line.quantity * price + once)


def value_of(outlook: Outlook, line: ProposalLine) -> int:
    """What a line puts at stake, minor units: what is paid, and the goods it takes from a shelf or revalues."""
    place = takes_stock(line)
    if place is None and line.action in KINDS and KINDS[line.action].revalues:
        place = (line.item, line.destination)
    row = outlook.arrays.row_of.get(place) if place is not None else None
    goods = line.quantity * float(outlook.arrays.cost[row]) if row is not None else 0.0
    return line.cost_minor + to_minor(goods)


def action_of(lines: Collection[ProposalLine]) -> ActionKind:
    """What a proposal with these lines is as a whole.

    Raises
    ------
    ToolInputError
        If the lines are of several kinds of which each needs a proposal of its own.
    """
    kinds = {line.action for line in lines}
    alone = sorted(kinds & ALONE)
    if len(alone) > 1:
        raise ToolInputError(f"{' and '.join(alone)} touch different commitments: decide about one at a time")
    strict = [kind for kind in STRICTEST_FIRST if kind in kinds]
    if strict:
        return strict[0]
    return ActionKind.TRANSFER_AND_PURCHASE if kinds == set(SINGLE) else min(kinds)
