"""Options a person carries out: calls to suppliers, other items, prices, returns, parameters, and pairs.

They are priced by the same engine as the rest and shown beside them; none is chosen by itself.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from inventory.records import ActionKind
from optimizer.options.markdown import markdown_lift
from tools.columns import FloatArray
from tools.money import penalty_per_unit
from tools.needs import donor_losses, spare_units, surplus_units, wanted_units
from tools.offer import Offer
from tools.option_facts import Assumptions, OptionFacts
from tools.option_offers import (
    expedited_law,
    horizon,
    in_other_time,
    largest_supplier_order,
    reached_days,
    refused,
    sold_by_supplier,
    within,
)
from tools.outlook import Outlook
from tools.rules.buying import ordered
from tools.rules.offering import ruled


def offers_by_hand(outlook: Outlook, row: int, plain: list[Offer], facts: OptionFacts) -> list[Offer]:
    """Further options of a need, after the plain ones (hold, transfer, purchase, expedite)."""
    days = plain[0].arrival.size
    found = [
        _pair(outlook, row, plain, days),
        *_of_open_order(outlook, row, days, facts.assumptions),
        _new_expedited_order(outlook, row, days),
        *_substitutes(outlook, row, days, facts),
        *_reallocations(outlook, row, days, facts),
        _parameter_change(outlook, row, days, facts.assumptions),
    ]
    if surplus_units(outlook, row) > 0:
        found += _of_surplus(outlook, row, days, facts.assumptions)
    return [replace(ruled(outlook, row, offer), executable=False) for offer in found]


def offers_for_surplus(outlook: Outlook, row: int, facts: OptionFacts) -> list[Offer]:
    """Options where there is too much: hold, and what a person could do to be rid of it."""
    days = horizon(outlook, row)
    found = _of_surplus(outlook, row, days, facts.assumptions) if surplus_units(outlook, row) > 0 else []
    return [
        Offer(ActionKind.HOLD, 0, np.zeros(days), 0.0, 0.0),
        *(replace(ruled(outlook, row, offer), executable=False) for offer in found),
    ]


def _of_surplus(outlook: Outlook, row: int, days: int, assumed: Assumptions) -> list[Offer]:
    return [
        _push_out(outlook, row, days, assumed),
        _markdown(outlook, row, days, assumed),
        _return(outlook, row, days, assumed),
    ]


def _pair(outlook: Outlook, row: int, plain: list[Offer], days: int) -> Offer:
    """The transfer now and an order for the rest of the need."""
    transfer, purchase = plain[1], plain[2]
    if not (transfer.feasible and purchase.feasible):
        return refused(ActionKind.TRANSFER_AND_PURCHASE, days, transfer.limit if purchase.feasible else purchase.limit)
    rest = wanted_units(outlook, row) - transfer.quantity
    if rest <= 0:
        return refused(ActionKind.TRANSFER_AND_PURCHASE, days, "the transfer alone covers the need")
    order = ordered(outlook, row, rest)
    if not order.units:
        return replace(refused(ActionKind.TRANSFER_AND_PURCHASE, days, order.limit), rules=order.rules)
    return replace(
        purchase,
        action=ActionKind.TRANSFER_AND_PURCHASE,
        quantity=order.units,
        limit=order.limit,
        rules=(*transfer.rules, *order.rules),
        extra=((float(transfer.quantity), transfer.arrival),),
        freight=transfer.freight + transfer.quantity * transfer.freight_per_unit,
        elsewhere=transfer.elsewhere,
        relief=transfer.relief,
        source=f"{transfer.source}+{purchase.source}",
        mode=transfer.mode,
        companion=f"{transfer.quantity} by transfer first",
        side_effects=transfer.side_effects,
        paid_by="logistics and purchasing",
    )


def _of_open_order(outlook: Outlook, row: int, days: int, assumed: Assumptions) -> list[Offer]:
    """Pull the largest open supplier order in, or a part of it."""
    inbound = outlook.arrays.inbound
    order = largest_supplier_order(outlook, row)
    if order < 0:
        return [refused(kind, days, "no open order to move") for kind in (ActionKind.PULL_IN, ActionKind.SPLIT)]
    units = int(inbound.quantity[order])
    law = outlook.arrivals.arrival_probability[order]
    sooner = in_other_time(law, 1.0 - assumed.pull_in_share)
    early, late = _days_of(sooner)
    whole = Offer(
        ActionKind.PULL_IN, units, within(sooner, days), 0.0, 0.0, source=inbound.supplier[order], replaces=order,
        p50_day=early, p90_day=late, paid_by="purchasing", companion=inbound.reference[order],
        limit=f"the supplier must agree to take {assumed.pull_in_share:.0%} off the time left",
    )  # fmt: skip
    part = int(np.floor(units * assumed.split_share + 1e-9))
    if not 0 < part < units:
        return [whole, refused(ActionKind.SPLIT, days, "the open order has too few units to split")]
    split = replace(
        whole,
        action=ActionKind.SPLIT,
        quantity=part,
        extra=((float(units - part), within(law, days)),),
        fixed_cost=float(outlook.arrays.order_cost[row]),
        limit=f"the supplier must agree to send {assumed.split_share:.0%} early",
    )
    return [whole, split]


def _days_of(law: FloatArray) -> tuple[int, int] | tuple[None, None]:
    return reached_days(law) if law.sum() > 0 else (None, None)


def _new_expedited_order(outlook: Outlook, row: int, days: int) -> Offer:
    """A further order on the supplier's expedite terms: the other mode of expediting."""
    arrays = outlook.arrays
    if np.isnan(arrays.expedite_days[row]) or not sold_by_supplier(outlook, row):
        return refused(ActionKind.EXPEDITE, days, "the supplier offers no expedite")
    order = ordered(outlook, row, wanted_units(outlook, row))
    if not order.units:
        return replace(refused(ActionKind.EXPEDITE, days, order.limit), rules=order.rules)
    law = expedited_law(outlook, row)
    early, late = reached_days(law)
    return Offer(
        ActionKind.EXPEDITE, order.units, within(law, days),
        float(arrays.purchase_price[row]) * (float(arrays.expedite_factor[row]) - 1.0),
        float(arrays.expedite_cost[row]) + float(arrays.order_cost[row]), source=arrays.supplier[row],
        mode="new order", p50_day=early, p90_day=late, limit=order.limit, rules=order.rules, paid_by="purchasing",
    )  # fmt: skip


def _substitutes(outlook: Outlook, row: int, days: int, facts: OptionFacts) -> list[Offer]:
    arrays = outlook.arrays
    known = facts.substitutes.get(arrays.items[row], ())
    found = []
    for one in known:
        other = arrays.row_of.get((one.item, arrays.sites[row]))
        if other is None or not outlook.planned[other]:
            continue
        consent = ("the customer must agree",) if one.needs_consent else ()
        found.append(
            Offer(
                ActionKind.SUBSTITUTE, int(np.ceil(one.acceptance * outlook.short_units(row) - 1e-9)),
                np.zeros(days), 0.0, 0.0, source=one.item, stand_in=other, acceptance=one.acceptance,
                p50_day=0, p90_day=0, limit="what customers accept and the substitute can serve",
                companion=f"item {one.item}", paid_by="sales",
                side_effects=(*consent, "the substitute's own customers find less of it"),
            )
        )  # fmt: skip
    return found or [refused(ActionKind.SUBSTITUTE, days, "no item stands in for it at this site")]


def _reallocations(outlook: Outlook, row: int, days: int, facts: OptionFacts) -> list[Offer]:
    """Units another sales channel can spare, on paper."""
    arrays = outlook.arrays
    item, site = arrays.items[row], arrays.sites[row]
    if site not in facts.channels:
        return []
    wanted, found = wanted_units(outlook, row), []
    for channel in sorted(facts.channels - {site}):
        other = arrays.row_of.get((item, channel))
        spare = 0 if other is None or not outlook.planned[other] else spare_units(outlook, other)
        units = min(spare, wanted)
        if other is None or units < 1:
            continue
        at, all_spare, given = (np.array([value]) for value in (other, spare, units))
        lost = float(donor_losses(outlook, at, all_spare, given)[0])
        now = np.zeros(days)
        now[0] = 1.0
        found.append(
            Offer(
                ActionKind.REALLOCATE, units, now, 0.0, 0.0, source=channel, p50_day=0, p90_day=0,
                handling_per_unit=facts.assumptions.handling_per_unit_share * float(arrays.cost[row]),
                elsewhere=lost, elsewhere_units=lost / max(penalty_per_unit(outlook, other), 1e-9),
                limit="the need itself" if units == wanted else "what the channel can spare above its floor",
                paid_by="sales", side_effects=(f"{channel} has less to promise",),
            )
        )  # fmt: skip
    return found or [refused(ActionKind.REALLOCATE, days, "no other channel has units above its floor")]


def _parameter_change(outlook: Outlook, row: int, days: int, assumed: Assumptions) -> Offer:
    """A higher service target: what the next regular order would bring on top."""
    arrays = outlook.arrays
    if not sold_by_supplier(outlook, row):
        return refused(ActionKind.PARAMETER_CHANGE, days, "no supplier sells this item")
    target = float(arrays.service_target[row])
    raised = target + assumed.service_target_step * (1.0 - target)
    safety = max(float(outlook.levels.safety_stock[row]), 0.0)
    units = int(np.ceil(safety * (_log_odds(raised) / max(_log_odds(target), 1e-9) - 1.0) - 1e-9))
    if units < 1:
        return refused(ActionKind.PARAMETER_CHANGE, days, "a higher target would not change the order")
    law = outlook.lead_times.law.probability[arrays.group[row]]
    review = int(arrays.review_days[row])
    later = np.concatenate([np.zeros(review), law])
    early, late = reached_days(later)
    return Offer(
        ActionKind.PARAMETER_CHANGE, units, within(later, days), 0.0, 0.0, source=arrays.supplier[row],
        p50_day=early, p90_day=late, paid_by="finance", companion=f"service target {target:.3f} to {raised:.3f}",
        limit="from the next review on", side_effects=("stock stays higher after this case, too",),
    )  # fmt: skip


def _log_odds(probability: float) -> float:
    """Stands for the safety factor: both grow alike towards certainty."""
    return float(np.log(probability / (1.0 - probability)))


def _push_out(outlook: Outlook, row: int, days: int, assumed: Assumptions) -> Offer:
    """Let the largest open supplier order come later."""
    inbound = outlook.arrays.inbound
    order = largest_supplier_order(outlook, row)
    if order < 0:
        return refused(ActionKind.PUSH_OUT, days, "no open order to move")
    law = np.concatenate([np.zeros(assumed.push_out_days), outlook.arrivals.arrival_probability[order]])
    early, late = _days_of(law)
    return Offer(
        ActionKind.PUSH_OUT, int(inbound.quantity[order]), within(law, days), 0.0, 0.0,
        source=inbound.supplier[order], replaces=order, p50_day=early, p90_day=late, paid_by="purchasing",
        companion=inbound.reference[order], limit=f"by {assumed.push_out_days} days, if the supplier agrees",
    )  # fmt: skip


def _markdown(outlook: Outlook, row: int, days: int, assumed: Assumptions) -> Offer:
    arrays = outlook.arrays
    if np.isnan(arrays.price[row]):
        return refused(ActionKind.MARKDOWN, days, "no selling price is known")
    off, elasticity = assumed.markdown_discount, assumed.price_elasticity
    lift = float(markdown_lift([off], [elasticity])[0])
    further = int(np.ceil((lift - 1.0) * float(outlook.demand.mean_per_day[row]) * days - 1e-9))
    return Offer(
        ActionKind.MARKDOWN, min(further, surplus_units(outlook, row)), np.zeros(days), 0.0, 0.0, p50_day=0, p90_day=0,
        lift=lift, price_share=1.0 - off, paid_by="sales",
        limit=f"{off:.0%} off at a price elasticity of {elasticity:g}",
        side_effects=("other channels sell at the same price or lose customers",),
    )  # fmt: skip


def _return(outlook: Outlook, row: int, days: int, assumed: Assumptions) -> Offer:
    arrays = outlook.arrays
    units = surplus_units(outlook, row)
    if np.isnan(arrays.purchase_price[row]):
        return refused(ActionKind.RETURN_TO_SUPPLIER, days, "no supplier sells this item")
    refund = assumed.return_refund_share * float(arrays.purchase_price[row])
    return Offer(
        ActionKind.RETURN_TO_SUPPLIER, units, np.zeros(days), 0.0, float(arrays.order_cost[row]),
        source=arrays.supplier[row], takes=units, p50_day=0, p90_day=0,
        elsewhere=units * (float(arrays.cost[row]) - refund) if refund < float(arrays.cost[row]) else 0.0,
        limit=f"the supplier must take it back at {assumed.return_refund_share:.0%} of the price",
        paid_by="purchasing",
    )  # fmt: skip
