"""A second look at lines against machine rules, apart from what planned them: each rule is read as its clause says it.

Nothing here knows floors, barriers or order terms of the planning: a fault there is found here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from inventory.machine_rules import (
    AllocationCommitment,
    DonorFloor,
    Embargo,
    Freeze,
    LaneBan,
    NoMarkdown,
    OrderQuantity,
    PlannedDelisting,
    PromotionBuildUp,
    ProtectedRange,
    RuleRecord,
)
from inventory.records import ActionKind, ProposalLine
from inventory.snapshots import Snapshot
from tools.columns import BoolArray
from tools.outlook import Outlook
from tools.rules.in_force import clause_of
from tools.rules.lines import line_scopes
from tools.rules.rows import holds_on

Place = tuple[str, str]
GIVING_BY_ORIGIN = (ActionKind.TRANSFER, ActionKind.REALLOCATE)
A_UNIT = 1.0 - 1e-6


@dataclass(frozen=True)
class Violation:
    """A rule that lines break, and how."""

    rule: RuleRecord
    words: str


def violations(
    rules: Sequence[RuleRecord],
    snapshot: Snapshot,
    outlook: Outlook,
    lines: Sequence[ProposalLine],
    left: Mapping[Place, float],
) -> tuple[Violation, ...]:
    """What lines break, in the order of the rules; nothing where they keep to all.

    Parameters
    ----------
    left
        Units each giving place has once everything that is promised is gone, these lines included.
    """
    return violations_of_each(rules, snapshot, outlook, [lines], left)[0]


def violations_of_each(
    rules: Sequence[RuleRecord],
    snapshot: Snapshot,
    outlook: Outlook,
    groups: Sequence[Sequence[ProposalLine]],
    left: Mapping[Place, float],
) -> list[tuple[Violation, ...]]:
    """What each group of lines breaks by itself, as `violations` tells it; one look at who speaks about all of them."""
    moving = [[line for line in lines if line.quantity] for lines in groups]
    holding = [rule for rule in rules if holds_on(rule, outlook.arrays.today)]
    together = [line for lines in moving for line in lines]
    if not together or not holding:
        return [() for _ in groups]
    scopes = line_scopes(holding, snapshot, outlook, together)
    found, begin = [], 0
    for lines in moving:
        mine = slice(begin, begin := begin + len(lines))
        found.append(tuple(_of_group(holding, outlook, lines, scopes.origin[mine], scopes.destination[mine], left)))
    return found


def _of_group(
    rules: Sequence[RuleRecord],
    outlook: Outlook,
    lines: Sequence[ProposalLine],
    origin: BoolArray,
    destination: BoolArray,
    left: Mapping[Place, float],
) -> Iterator[Violation]:
    for number in np.flatnonzero((origin | destination).any(axis=0)).tolist():
        rule = rules[number]
        for words in _broken(rule, outlook, lines, origin[:, number], destination[:, number], left):
            yield Violation(rule, f"{words}, by {clause_of(rule)}")


def _broken(
    rule: RuleRecord,
    outlook: Outlook,
    lines: Sequence[ProposalLine],
    origin: BoolArray,
    destination: BoolArray,
    left: Mapping[Place, float],
) -> Iterator[str]:
    ends = list(zip(lines, origin.tolist(), destination.tolist(), strict=True))
    match rule:
        case DonorFloor() | Freeze() | AllocationCommitment() | PromotionBuildUp() | ProtectedRange():
            yield from _given_away(rule, outlook, ends, left)
            if isinstance(rule, ProtectedRange):
                yield from _marked_down(ends)
        case NoMarkdown():
            yield from _marked_down(ends)
        case LaneBan():
            for line, _, there in ends:
                if line.action is ActionKind.TRANSFER and there and _banned(rule, line):
                    yield f"{line.item} may not go from {line.origin} to {line.destination}"
        case Embargo():
            for line, leaves, comes in ends:
                if _in_embargo(rule, line, leaves=leaves, comes=comes):
                    yield f"no {line.action.value} of {line.item} from {rule.first_day} to {rule.last_day}"
        case OrderQuantity():
            for line, _, there in ends:
                if line.action is ActionKind.PURCHASE and there and _too_odd(rule, line.quantity):
                    asked = f"at least {rule.minimum or 0:,} in steps of {rule.multiple or 1:,}"
                    yield f"{line.quantity:,} of {line.item} is no order of {asked}"
        case PlannedDelisting():
            yield from _not_sold(rule, outlook, ends)


def _given_away(
    rule: RuleRecord, outlook: Outlook, ends: Sequence[tuple[ProposalLine, bool, bool]], left: Mapping[Place, float]
) -> Iterator[str]:
    given: Counter[Place] = Counter()
    for line, leaves, there in ends:
        if line.action in GIVING_BY_ORIGIN and leaves:
            given[(line.item, line.origin)] += line.quantity
        if line.action is ActionKind.RETURN_TO_SUPPLIER and there:
            given[(line.item, line.destination)] += line.quantity
    for (item, site), units in sorted(given.items()):
        keeps, has = _to_keep(rule, outlook, item, site), left.get((item, site), 0.0)
        if has < keeps - A_UNIT:
            said = "everything" if keeps == inf else f"{keeps:,.0f}"
            yield f"giving {units:,} of {item} leaves {site} {has:,.0f}, and it must keep {said}"


def _to_keep(rule: RuleRecord, outlook: Outlook, item: str, site: str) -> float:
    """Units the rule has a place keep; everything where that cannot be told."""
    row = outlook.arrays.row_of.get((item, site))
    if isinstance(rule, DonorFloor) and rule.days is not None:
        return inf if row is None else rule.days * float(outlook.demand.mean_per_day[row])
    if isinstance(rule, AllocationCommitment) and rule.share is not None:
        return inf if row is None else rule.share * float(outlook.arrays.on_hand[row])
    if isinstance(rule, AllocationCommitment) and rule.units is not None:
        return inf if row is None else rule.units * max(float(outlook.window_days[row]) / 7.0, 1.0)
    if isinstance(rule, DonorFloor | Freeze | PromotionBuildUp) and rule.units is not None:
        return float(rule.units)
    return inf


def _marked_down(ends: Sequence[tuple[ProposalLine, bool, bool]]) -> Iterator[str]:
    for line, _, there in ends:
        if line.action is ActionKind.MARKDOWN and there:
            yield f"{line.item} at {line.destination} may not be marked down"


def _banned(rule: LaneBan, line: ProposalLine) -> bool:
    named = {line.origin, line.destination}
    return (
        (not rule.origin or rule.origin == line.origin)
        and (not rule.destination or rule.destination == line.destination)
        and (not rule.sites or bool(named & set(rule.sites)))
    )


def _in_embargo(rule: Embargo, line: ProposalLine, *, leaves: bool, comes: bool) -> bool:
    if line.action not in rule.actions:
        return False
    if line.action is ActionKind.RETURN_TO_SUPPLIER:
        leaves, comes = comes, False
    meant = (leaves and rule.direction in ("out", "both")) or (comes and rule.direction in ("in", "both"))
    return meant and any(rule.first_day <= day <= rule.last_day for day in (line.ship_on, line.arrive_on))


def _too_odd(rule: OrderQuantity, units: int) -> bool:
    return units < (rule.minimum or 0) or units % (rule.multiple or 1) != 0


def _not_sold(
    rule: PlannedDelisting, outlook: Outlook, ends: Sequence[tuple[ProposalLine, bool, bool]]
) -> Iterator[str]:
    arrays, bought = outlook.arrays, Counter[Place]()
    for line, _, there in ends:
        if line.action is ActionKind.PURCHASE and there:
            bought[(line.item, line.destination)] += line.quantity
    days = max((rule.delisted_on - arrays.today).days, 0)
    for (item, site), units in sorted(bought.items()):
        row, sold = arrays.row_of.get((item, site)), 0.0
        if row is not None:
            due = float(outlook.demand.mean_per_day[row]) * days + float(arrays.known_demand[row, :days].sum())
            sold = due - max(float(arrays.free[row]), 0.0) - float(outlook.on_order[row])
        if units > max(sold, 0.0) + A_UNIT:
            yield f"of {units:,} of {item} for {site}, {max(sold, 0.0):,.0f} can be sold before {rule.delisted_on}"


def left_by(outlook: Outlook, lines: Sequence[ProposalLine]) -> dict[Place, float]:
    """Units each giving place of some lines has left by a look, once all of them are gone."""
    given: Counter[Place] = Counter()
    for line in lines:
        if line.action in GIVING_BY_ORIGIN:
            given[(line.item, line.origin)] += line.quantity
    rows, free = outlook.arrays.row_of, outlook.arrays.free
    return {place: float(free[rows[place]]) - units for place, units in given.items() if place in rows}
