"""Movements that rules forbid: a banned lane, an embargo on a site's days."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from inventory.machine_rules import Embargo, LaneBan, RuleOfClause, RuleRecord
from inventory.records import ActionKind
from tools.lanes import Lane
from tools.rules.in_force import clause_of
from tools.rules.rows import RuleRows

LEAVING = (ActionKind.RETURN_TO_SUPPLIER,)
"""Actions without a giving site by which goods leave the place they are named at."""


@dataclass(frozen=True)
class Barriers:
    """What keeps goods off lanes, for the rows of a look."""

    rows: RuleRows
    today: date
    _of_lane: dict[str, tuple[tuple[int, bool], ...]] = field(default_factory=dict)

    @cached_property
    def any(self) -> bool:
        """Whether any rule is about movements."""
        return any(isinstance(rule, LaneBan | Embargo) for rule in self.rows.rules)

    def on(self, lane: Lane, giver: int, receiver: int) -> RuleRecord | None:
        """The rule that keeps a giver's units of an item off a lane; ``None`` where none does."""
        if not self.any:
            return None
        if lane.name not in self._of_lane:
            self._of_lane[lane.name] = tuple(self._barring(lane))
        for number, leaves in self._of_lane[lane.name]:
            if self.rows.speaks[giver if leaves else receiver, number]:
                return self.rows.rules[number]
        return None

    def _barring(self, lane: Lane) -> list[tuple[int, bool]]:
        """Rules that may bar the lane, and whether it is the giver they must speak about."""
        found = []
        for number, rule in enumerate(self.rows.rules):
            if isinstance(rule, LaneBan) and bans(rule, lane.origin, lane.destination):
                found.append((number, False))
            if isinstance(rule, Embargo) and ActionKind.TRANSFER in rule.actions:
                days = (lane.departs(self.today), lane.arrives(self.today, 0.5))
                if any(rule.first_day <= day <= rule.last_day for day in days):
                    ends = [(number, True)] if rule.direction != "in" else []
                    found += ends + ([(number, False)] if rule.direction != "out" else [])
        return found


def bans(rule: LaneBan, origin: str, destination: str) -> bool:
    """Whether a lane between two sites is one the rule means; of the items nothing is said."""
    return (
        rule.origin in ("", origin)
        and rule.destination in ("", destination)
        and at_either_end(rule, origin, destination)
    )


def at_either_end(rule: RuleOfClause, origin: str, destination: str) -> bool:
    """Whether a movement leaves or comes to one of the rule's sites."""
    return not rule.sites or not {origin, destination}.isdisjoint(rule.sites)


def barred_words(lane: Lane, rule: RuleRecord) -> str:
    """Why nothing goes over a lane."""
    window = f" from {rule.first_day} to {rule.last_day}" if isinstance(rule, Embargo) else ""
    return f"nothing goes from {lane.origin} to {lane.destination}{window} by {clause_of(rule)}"


def embargoed(rule: Embargo, action: ActionKind, ship_on: date, arrive_on: date, *, leaves: bool) -> bool:
    """Whether the rule forbids an action at a site it speaks about, by its days and direction."""
    if action not in rule.actions or (rule.direction != "both" and (rule.direction == "out") is not leaves):
        return False
    return any(rule.first_day <= day <= rule.last_day for day in (ship_on, arrive_on))
