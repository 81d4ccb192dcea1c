"""Lines of a form: what the optimizer would move, buy or change for one item at one site."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from inventory.records import ActionKind, ProposalLine
from tools.capabilities import arguments as a
from tools.capabilities.registry import Asking
from tools.capabilities.solving import lanes_for, limits_for
from tools.chosen_lines import value_of
from tools.lanes import Lane
from tools.lot_rules import LotRules
from tools.money import to_minor
from tools.needs import Need, barriers, spare_units, wanted_units
from tools.option_facts import Assumptions
from tools.option_offers import expedited_law, largest_supplier_order, reached_days
from tools.outlook import Outlook
from tools.plan import plan_parameters
from tools.planning import transfer_alone
from tools.rules.binding import Bound, binding_on_lanes
from tools.rules.buying import ordered
from tools.rules.check import left_by, violations

ORDER_CHANGES = (ActionKind.EXPEDITE, ActionKind.PULL_IN, ActionKind.PUSH_OUT, ActionKind.SPLIT, ActionKind.CANCEL)


@dataclass(frozen=True)
class FormLines:
    """The lines of a form, or why there are none."""

    lines: tuple[ProposalLine, ...] = ()
    why_none: str = ""
    value_minor: int = 0
    """What they put at stake: what is paid, and the goods they take."""
    bound: tuple[Bound, ...] = ()
    """Rules by which they are other units than would do without them."""


def form_lines(asking: Asking, outlook: Outlook, row: int, asked: a.PrefillProposal) -> FormLines:
    """The lines of a form on a forward look; nothing is held for them."""
    if asked.action is ActionKind.TRANSFER:
        made = _transfer(asking, outlook, row, asked)
    elif asked.action is ActionKind.PURCHASE:
        made = _purchase(asking, outlook, row, asked)
    elif asked.action in ORDER_CHANGES:
        made = _order_change(asking, outlook, row, asked)
    else:
        units = asked.quantity or max(int(outlook.arrays.on_hand[row]), 1)
        made = FormLines((_line(asking, asked, units, 0, _today(asking)),))
    made = _within_rules(asking, outlook, made)
    return replace(made, value_minor=sum(value_of(outlook, line) for line in made.lines))


def _within_rules(asking: Asking, outlook: Outlook, made: FormLines) -> FormLines:
    """The lines where they keep to every machine rule in force; else none and the clause, as the gate would refuse."""
    toolbox = asking.toolbox
    rules, left = toolbox.rules(asking.connection), left_by(outlook, made.lines)
    broken = violations(rules, toolbox.snapshot(), outlook, made.lines, left)
    return FormLines(why_none="; ".join(found.words for found in broken)) if broken else made


def _today(asking: Asking) -> date:
    return asking.toolbox.now().date()


def _line(
    asking: Asking, asked: a.PrefillProposal, units: int, cost_minor: int, arrives: date, **more: object
) -> ProposalLine:
    today = _today(asking)
    fields = {"ship_on": today, "number": 1, **more}
    return ProposalLine.model_validate(
        {
            "action": asked.action, "item": asked.item, "destination": asked.site, "quantity": units,
            "cost_minor": cost_minor, "arrive_on": max(arrives, today), **fields,
        }
    )  # fmt: skip


def _transfer(asking: Asking, outlook: Outlook, row: int, asked: a.PrefillProposal) -> FormLines:
    today, arrays = _today(asking), outlook.arrays
    barred = LotRules(asking.toolbox.snapshot()).no_place(asked.item, asked.site)
    if barred:
        return FormLines(why_none=barred)
    lanes = lanes_for(asking)
    ways = tuple(lane for lane in lanes.get(asked.site, ()) if asked.origin in (None, lane.origin))
    if not ways:
        return FormLines(why_none="no lane leads there from a site you may see")
    # What comes too late is still told, with its day: the person decides.
    ways = tuple(lane for lane in ways if asked.arrive_by and lane.arrives(today, 0.5) <= asked.arrive_by) or ways
    kept = _keeping(outlook, row, asked.keep_days)
    wanted = asked.quantity or wanted_units(outlook, row)
    if asked.quantity is None:
        limits = limits_for(asking, lanes)
        parameters = plan_parameters(asking.toolbox, asking.toolbox.thresholds(asking.connection))
        moves = transfer_alone(kept, Need("asked", row, wanted), {asked.site: ways}, parameters, limits)
        sent = [(move.lane, move.units) for move in moves]
    else:
        sent = _filled(kept, asked.item, ways, wanted)
    bound = _binding(kept, row, ways, sent) if sum(units for _, units in sent) < wanted else ()
    if bound and not sent:
        return FormLines(why_none="; ".join(each.words for each in bound))
    if not sent:
        floor = "what it is asked to keep" if asked.keep_days is not None else "its floor"
        donor = asked.origin or "every site you may see"
        planned = any((asked.item, lane.origin) in arrays.row_of for lane in ways)
        why = (
            f"{donor} has nothing above {floor} that is worth more here"
            if planned
            else "no site that could send it keeps it"
        )
        return FormLines(why_none=why)
    return FormLines(
        tuple(
            _line(
                asking, asked, units, to_minor(units * lane.unit_cost + lane.fixed_cost), lane.arrives(today, 0.5),
                number=number, origin=lane.origin, mode=lane.mode, ship_on=lane.departs(today),
            )
            for number, (lane, units) in enumerate(sent, start=1)
        ),
        bound=bound,
    )  # fmt: skip


def _binding(outlook: Outlook, row: int, ways: tuple[Lane, ...], sent: list[tuple[Lane, int]]) -> tuple[Bound, ...]:
    """Rules by which less can be sent than donors could give otherwise."""
    given: Counter[int] = Counter()
    for lane, units in sent:
        given[outlook.arrays.row_of[(outlook.arrays.items[row], lane.origin)]] += units
    return binding_on_lanes(outlook, row, ways, given)


def _keeping(outlook: Outlook, row: int, keep_days: float | None) -> Outlook:
    """The look in which every other site keeps at least so many days of demand; its own floor never falls."""
    if keep_days is None:
        return outlook
    keep = np.ceil(outlook.demand.mean_per_day * keep_days - 1e-9)
    floor = np.maximum(outlook.levels.reorder_point, keep)
    floor[row] = outlook.levels.reorder_point[row]
    return replace(outlook, levels=replace(outlook.levels, reorder_point=floor))


def _filled(outlook: Outlook, item: str, ways: tuple[Lane, ...], quantity: int) -> list[tuple[Lane, int]]:
    """So many units from the cheapest lanes, in whole lots, as far as donors stay above their floors."""
    spare: dict[int, int] = {}
    sent, left = [], quantity
    for lane in sorted(ways, key=lambda way: (way.unit_cost + way.fixed_cost / quantity, way.transit_days, way.name)):
        donor = outlook.arrays.row_of.get((item, lane.origin))
        if donor is None or not outlook.planned[donor]:
            continue
        if barriers(outlook).on(lane, donor, outlook.arrays.row_of[(item, lane.destination)]) is not None:
            continue
        here = spare.setdefault(donor, spare_units(outlook, donor))
        room = here if lane.capacity_per_day is None else min(here, int(lane.capacity_per_day))
        units = min(room, left) // lane.lot * lane.lot
        if units > 0:
            sent.append((lane, units))
            spare[donor], left = here - units, left - units
    return sent


def _purchase(asking: Asking, outlook: Outlook, row: int, asked: a.PrefillProposal) -> FormLines:
    arrays = outlook.arrays
    supplier = asked.supplier or arrays.supplier[row]
    bound: tuple[Bound, ...] = ()
    terms = asking.toolbox.snapshot().table("supplier_items").filter(
        (pl.col("item") == asked.item) & (pl.col("supplier") == supplier)
    )  # fmt: skip
    if terms.is_empty():
        return FormLines(why_none=f"{supplier or 'no supplier'} does not sell it")
    found = terms.row(0, named=True)
    wanted = asked.quantity or wanted_units(outlook, row)
    if supplier == arrays.supplier[row]:
        order = ordered(outlook, row, wanted)
        if not order.units:
            return FormLines(why_none=order.limit)
        units, bound = order.units, tuple(Bound(rule, order.limit) for rule in order.rules)
    else:
        multiple = max(float(found["order_multiple"] or 1), 1.0)
        units = int(np.ceil(max(wanted, float(found["minimum_order_quantity"] or 0)) / multiple - 1e-9) * multiple)
    group = outlook.lead_times.frame.filter((pl.col("item") == asked.item) & (pl.col("supplier") == supplier))["group"]
    days = (
        reached_days(outlook.lead_times.law.probability[int(group[0])])[0] if len(group)
        else int(found["contract_lead_time_days"])
    )  # fmt: skip
    cost = to_minor(units * float(found["price"]) + float(found["order_cost"] or 0.0))
    arrives = _today(asking) + timedelta(days=days)
    return FormLines((_line(asking, asked, units, cost, arrives, supplier=supplier),), bound=bound)


def _order_change(asking: Asking, outlook: Outlook, row: int, asked: a.PrefillProposal) -> FormLines:
    arrays, inbound, assumed = outlook.arrays, outlook.arrays.inbound, Assumptions()
    order = largest_supplier_order(outlook, row)
    if order < 0 or asked.supplier not in (None, inbound.supplier[order]):
        return FormLines(why_none="no supplier order is open for it")
    open_units, today = int(inbound.quantity[order]), arrays.today
    units = min(asked.quantity or open_units, open_units)
    promised = today + timedelta(days=int(inbound.promised_day[order]))
    arrives, cost = promised, 0.0
    match asked.action:
        case ActionKind.EXPEDITE:
            if np.isnan(arrays.expedite_days[row]):
                return FormLines(why_none="the supplier offers no expedite")
            arrives = today + timedelta(days=reached_days(expedited_law(outlook, row))[0])
            premium = float(arrays.purchase_price[row]) * (float(arrays.expedite_factor[row]) - 1.0)
            cost = units * premium + float(arrays.expedite_cost[row])
        case ActionKind.PULL_IN | ActionKind.SPLIT:
            left = max(int(inbound.promised_day[order]), 0)
            arrives = asked.arrive_by or today + timedelta(days=round(left * (1.0 - assumed.pull_in_share)))
            if asked.action is ActionKind.SPLIT:
                units = min(asked.quantity or round(open_units * assumed.split_share), open_units - 1)
                cost = float(arrays.order_cost[row])
        case ActionKind.PUSH_OUT:
            arrives = asked.arrive_by or promised + timedelta(days=assumed.push_out_days)
        case _:
            pass
    if units < 1:
        return FormLines(why_none="the open order has too few units")
    named = {"supplier": inbound.supplier[order], "order_id": inbound.reference[order]}
    return FormLines((_line(asking, asked, units, to_minor(cost), arrives, **named),))
