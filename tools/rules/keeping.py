"""What a site does not give away: donor floors, freezes, commitments, promotion stock and protected ranges.

Of several, the most holds: a site that keeps the most keeps every other amount, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inventory.machine_rules import (
    AllocationCommitment,
    DonorFloor,
    Freeze,
    PromotionBuildUp,
    ProtectedRange,
    RuleRecord,
)
from tools.columns import FloatArray, IntArray
from tools.outlook import Outlook
from tools.rules.in_force import clause_of

KEEPING = (DonorFloor, Freeze, AllocationCommitment, PromotionBuildUp, ProtectedRange)
DAYS_PER_WEEK = 7.0


@dataclass(frozen=True)
class Kept:
    """Units rules have each row keep after giving, shape ``(rows,)``; infinite where it gives nothing."""

    units: FloatArray
    rule: IntArray
    """Place of the rule that asks for them, -1 for none."""


def kept(outlook: Outlook) -> Kept:
    """What rules have the rows of a look keep; worked out once and kept beside the look's own cached figures."""
    return _cached(outlook, "_kept", KEEPING)


def built_up(outlook: Outlook) -> Kept:
    """What of it was built for a promotion and is no surplus."""
    return _cached(outlook, "_built_up", (PromotionBuildUp,))


def _cached(outlook: Outlook, name: str, kinds: tuple[type[RuleRecord], ...]) -> Kept:
    known = vars(outlook).get(name)
    if not isinstance(known, Kept):
        known = vars(outlook)[name] = _kept(outlook, kinds)
    return known


def _kept(outlook: Outlook, kinds: tuple[type[RuleRecord], ...]) -> Kept:
    rows, rules = outlook.arrays.rows, outlook.arrays.rules
    units, which = np.zeros(rows), np.full(rows, -1, dtype=np.int64)
    for number, rule in enumerate(rules.rules):
        if isinstance(rule, kinds):
            asked = np.where(rules.speaks[:, number], asked_units(outlook, rule), 0.0)
            more = asked > units
            units, which = np.where(more, asked, units), np.where(more, number, which)
    return Kept(units, which)


def asked_units(outlook: Outlook, rule: RuleRecord) -> FloatArray | float:
    """Units a rule has each row keep where it speaks, shape ``(rows,)`` or one for all."""
    match rule:
        case DonorFloor(days=int(days)):
            return days * outlook.demand.mean_per_day
        case AllocationCommitment(share=float(share)):
            return share * np.maximum(outlook.arrays.on_hand, 0.0)
        case AllocationCommitment(units=int(units)):
            # As many weeks as stock must last until the next order could be here, at least one.
            return units * np.maximum(outlook.window_days / DAYS_PER_WEEK, 1.0)
        case DonorFloor() | Freeze() | PromotionBuildUp():
            return np.inf if rule.units is None else float(rule.units)
        case _:
            return np.inf


def floor_units(outlook: Outlook, own: FloatArray) -> IntArray:
    """What each row keeps after giving: the most of its own need and of what rules ask; everything where they do."""
    if not outlook.arrays.rules:
        return np.ceil(own - 1e-9).astype(np.int64)
    asked = kept(outlook).units
    everything = np.maximum(own, np.maximum(outlook.arrays.on_hand, outlook.arrays.free))
    return np.ceil(np.where(np.isinf(asked), everything, np.maximum(own, asked)) - 1e-9).astype(np.int64)


def keeper(outlook: Outlook, row: int, own: float) -> RuleRecord | None:
    """The rule by which a row keeps more than its own need asks; ``None`` where none does."""
    if not outlook.arrays.rules:
        return None
    found = kept(outlook)
    asks_more = np.ceil(found.units[row] - 1e-9) > np.ceil(own - 1e-9)
    return outlook.arrays.rules.rules[int(found.rule[row])] if asks_more else None


def keeping_words(outlook: Outlook, row: int, rule: RuleRecord, own: float) -> str:
    """How much a row keeps by which clause, and how much more could go without it."""
    arrays, units = outlook.arrays, float(kept(outlook).units[row])
    keeps = "all it has" if np.isinf(units) else f"{int(np.ceil(units - 1e-9)):,} units"
    free = int(arrays.free[row])
    now = max(free - int(np.ceil(units - 1e-9)), 0) if np.isfinite(units) else 0
    more = max(free - int(np.ceil(own - 1e-9)), 0) - now
    said = f"{arrays.sites[row]} keeps {keeps} by {clause_of(rule)}"
    return f"{said}; {more:,} more units could go without it" if more > 0 else said
