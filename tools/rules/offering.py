"""Options that rules refuse or bind, whatever they would be worth: embargoes, markdowns, returns and substitutes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from inventory.machine_rules import Embargo, NoMarkdown, ProtectedRange, RuleRecord, SubstitutionConsent
from inventory.records import ActionKind
from tools.needs import own_floor
from tools.offer import Offer
from tools.outlook import Outlook
from tools.rules.in_force import clause_of
from tools.rules.keeping import keeper, keeping_words, kept
from tools.rules.moving import LEAVING, embargoed

BY_LANE = (ActionKind.TRANSFER, ActionKind.TRANSFER_AND_PURCHASE)
"""Kinds whose movement over lanes is barred lane by lane."""


def ruled(outlook: Outlook, row: int, offer: Offer) -> Offer:
    """The offer as machine rules leave it: as it is, bound by a clause, or refused by one."""
    if not outlook.arrays.rules or not offer.feasible or offer.action is ActionKind.HOLD:
        return offer
    found = _forbidding(outlook, row, offer)
    if found is not None:
        rule, why = found
        return replace(
            offer, quantity=0, arrival=np.zeros_like(offer.arrival), feasible=False, limit=why,
            rules=(*offer.rules, rule), takes=0, extra=(), replaces=-1, lift=1.0, price_share=1.0, stand_in=-1,
            acceptance=0.0, relief=0.0, unit_cost=0.0, fixed_cost=0.0, freight=0.0, freight_per_unit=0.0,
            handling_per_unit=0.0, elsewhere=0.0, elsewhere_units=0.0, p50_day=None, p90_day=None, side_effects=(),
        )  # fmt: skip
    return _with_consent(outlook, row, offer) if offer.action is ActionKind.SUBSTITUTE else offer


def _forbidding(outlook: Outlook, row: int, offer: Offer) -> tuple[RuleRecord, str] | None:
    """The rule an offer breaks, and how; ``None`` where it breaks none."""
    rules = outlook.arrays.rules
    if offer.action is ActionKind.MARKDOWN:
        for rule in rules.about(row, NoMarkdown, ProtectedRange):
            return rule, f"no markdown by {clause_of(rule)}"
    if offer.action is ActionKind.RETURN_TO_SUPPLIER:
        own = own_floor(outlook, row)
        keeping, left = keeper(outlook, row, own), float(outlook.arrays.free[row]) - offer.takes
        if keeping is not None and left < float(kept(outlook).units[row]):
            return keeping, keeping_words(outlook, row, keeping, own)
    if offer.action not in BY_LANE:
        for at, leaves in _ends(outlook, row, offer):
            for rule in rules.about(at, Embargo):
                if isinstance(rule, Embargo) and _embargoed(outlook, offer, rule, leaves=leaves):
                    action = offer.action.value.replace("_", " ")
                    return rule, f"no {action} from {rule.first_day} to {rule.last_day} by {clause_of(rule)}"
    return None


def _ends(outlook: Outlook, row: int, offer: Offer) -> list[tuple[int, bool]]:
    """Rows an action touches, and whether goods leave there."""
    arrays = outlook.arrays
    giver = arrays.row_of.get((arrays.items[row], offer.source)) if offer.action is ActionKind.REALLOCATE else None
    return [(row, offer.action in LEAVING), *([] if giver is None else [(giver, True)])]


def _embargoed(outlook: Outlook, offer: Offer, rule: Embargo, *, leaves: bool) -> bool:
    today = outlook.arrays.today
    return embargoed(rule, offer.action, today, today + timedelta(days=offer.p50_day or 0), leaves=leaves)


def _with_consent(outlook: Outlook, row: int, offer: Offer) -> Offer:
    """A substitute that a rule lets go only with the customer's word."""
    rules = outlook.arrays.rules
    asking = rules.about(row, SubstitutionConsent) or (
        rules.about(offer.stand_in, SubstitutionConsent) if offer.stand_in >= 0 else []
    )
    if not asking:
        return offer
    said = f"the customer must consent, and approval is formal, by {clause_of(asking[0])}"
    return replace(
        offer,
        limit=f"{offer.limit}; {said}",
        side_effects=(said, *(each for each in offer.side_effects if each != "the customer must agree")),
        rules=(*offer.rules, asking[0]),
    )
