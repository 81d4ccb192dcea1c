"""Machine rules that contradict one another, and which of them holds meanwhile.

Rules
-----
1. Two rules of one kind contradict where both hold and ask for different values. A rule that asks for more within the
   scope of a wider one is a tightening and contradicts nothing; one that asks for less there has no effect, and does.
2. Units committed to a customer or channel contradict a freeze of all of them; a range kept at its target, or built up
   for a promotion, contradicts its delisting.
3. The stricter holds: more kept back, more life left, larger lots, fewer signers, and not buying rather than buying.
   Nothing is left out for that: a plan keeps to both, each only narrows what may be done, and what the looser one asks
   besides (a protected range that is delisted is still not marked down) goes on holding.
4. Scopes that cannot be compared without a catalogue (these items against those families) are not held to overlap.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import combinations
from math import inf
from typing import Any, TypeAlias

from inventory.machine_rules import (
    AllocationCommitment,
    ApprovalRight,
    DonorFloor,
    Embargo,
    Freeze,
    OrderQuantity,
    PlannedDelisting,
    PromotionBuildUp,
    ProtectedRange,
    RuleRecord,
    ShelfLifeMinimum,
)
from inventory.machine_rules_words import asked_words
from inventory.record import Record, Text

_SCOPES = ("sites", "suppliers", "customers", "channels")
_ITEMS = ("items", "families", "brands", "classes")
Demand: TypeAlias = tuple[tuple[Any, ...], tuple[Any, ...]]
"""What is measured, and how much of it is asked; more is stricter."""


class RuleConflict(Record):
    """Two rules in force that contradict one another."""

    stricter: RuleRecord
    """The one that holds meanwhile."""
    looser: RuleRecord
    why: Text

    @property
    def cause(self) -> str:
        """Names the pair, whichever is stricter."""
        first, second = sorted((self.stricter.rule_id, self.looser.rule_id))
        return f"rule_conflict:{first}:{second}"


def conflicts(rules: Iterable[RuleRecord], on: date) -> tuple[RuleConflict, ...]:
    """Pairs of rules that contradict one another on a day, by their ids."""
    current = sorted((rule for rule in rules if not _over(rule, on)), key=lambda rule: (rule.rule_id, rule.document_id))
    return tuple(found for pair in combinations(current, 2) if (found := _conflict(*pair)) is not None)


def _over(rule: RuleRecord, on: date) -> bool:
    """Whether a rule's own window has passed."""
    if isinstance(rule, Embargo | PromotionBuildUp):
        return rule.last_day < on
    return isinstance(rule, Freeze) and rule.until is not None and rule.until < on


def _conflict(left: RuleRecord, right: RuleRecord) -> RuleConflict | None:
    if not _overlap(left, right):
        return None
    if left.kind != right.kind:
        return next((found for pair in ((left, right), (right, left)) if (found := _opposed(*pair))), None)
    (measure, asked), (other_measure, other) = _demand(left), _demand(right)
    if measure != other_measure or asked == other:
        return None
    stricter, looser = (left, right) if asked > other else (right, left)
    if _covers(looser, stricter) and not _covers(stricter, looser) and _asks_no_less(stricter, looser):
        return None
    return RuleConflict(stricter=stricter, looser=looser, why=f"{asked_words(stricter)}, {asked_words(looser)}")


def _opposed(stricter: RuleRecord, looser: RuleRecord) -> RuleConflict | None:
    """Two kinds that cannot both have their way."""
    match stricter, looser:
        case Freeze(units=None), AllocationCommitment():
            why = "nothing is given away, yet units are promised"
        case PlannedDelisting(), ProtectedRange():
            why = "bought no more than can be sold, yet kept at its target"
        case PlannedDelisting(), PromotionBuildUp() if stricter.delisted_on <= looser.last_day:
            why = "delisted before the promotion it is built up for has ended"
        case _:
            return None
    return RuleConflict(stricter=stricter, looser=looser, why=why)


def _demand(rule: RuleRecord) -> Demand:
    match rule:
        case DonorFloor():
            return (("days",), (rule.days,)) if rule.days is not None else (("units",), (float(rule.units or 0),))
        case OrderQuantity():
            return (), (rule.minimum or 0, rule.multiple or 1)
        case ShelfLifeMinimum():
            return (("days",), (rule.days,)) if rule.days is not None else (("share",), (rule.share or 0.0,))
        case AllocationCommitment():
            measure = ("units" if rule.units is not None else "share", rule.customer, rule.channel)
            return measure, (float(rule.units or rule.share or 0),)
        case Freeze():
            return (), (_or_all(rule.units), rule.until.toordinal() if rule.until else inf)
        case PromotionBuildUp():
            return (rule.first_day, rule.last_day), (_or_all(rule.units),)
        case PlannedDelisting():
            return (), (-rule.delisted_on.toordinal(),)
        case ApprovalRight():
            return (rule.above, rule.actions), (-len(rule.roles), rule.roles)
        case _:
            return (), ()


def _or_all(units: int | None) -> float:
    return inf if units is None else units


def _asks_no_less(stricter: RuleRecord, looser: RuleRecord) -> bool:
    """Whether obeying the one obeys the other, where both hold."""
    match stricter, looser:
        case OrderQuantity(), OrderQuantity():
            asked, other = _demand(stricter)[1], _demand(looser)[1]
            return bool(asked[0] >= other[0] and asked[1] % other[1] == 0)
        case ApprovalRight(), ApprovalRight():
            return set(stricter.roles) <= set(looser.roles)
        case _ if stricter.kind == looser.kind:
            return all(more >= less for more, less in zip(_demand(stricter)[1], _demand(looser)[1], strict=True))
        case _:
            return True


def _overlap(left: RuleRecord, right: RuleRecord) -> bool:
    """Whether something may be in the scope of both."""
    shared = False
    for name in (*_SCOPES, *_ITEMS):
        ours, theirs = set(getattr(left, name)), set(getattr(right, name))
        if ours and theirs and not ours & theirs:
            return False
        shared = shared or (name in _ITEMS and bool(ours & theirs))
    return shared or not (left.names_items and right.names_items)


def _covers(outer: RuleRecord, inner: RuleRecord) -> bool:
    """Whether all of a rule's scope lies within another's."""
    return all(
        not getattr(outer, name) or (getattr(inner, name) and set(getattr(inner, name)) <= set(getattr(outer, name)))
        for name in (*_SCOPES, *_ITEMS)
    )
