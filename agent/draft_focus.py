"""What a draft talks about: of everything known, the few things a planner needs at seven in the morning.

Facts and sentences are both built from one ``Focus``, so that they agree on which line is the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from inventory.records import ActionKind, Case, CaseKind, Driver, Finding, Option, Proposal, ProposalLine, Situation

LISTED_LINES = 5
LISTED_DRIVERS = 5
LISTED_FINDINGS = 5
LISTED_ALTERNATIVES = 6

SHORT_HISTORY_WEEKS = 78
"""History below which the data contract lowers confidence."""

WIDE_ARRIVAL_DAYS = 7
"""Spread between the usual and the late arrival above which the arrival counts as uncertain."""

SOUND_HEALTH = 0.8


class Weakness(StrEnum):
    """Why an alternative was not proposed, the first that holds."""

    INFEASIBLE = "infeasible"
    LEAVES_RISK = "leaves_risk"
    BY_HAND = "by_hand"
    NOT_ASKED_FOR = "not_asked_for"
    """A person asked for another."""
    BETTER_ALONE = "better_alone"
    NO_GAIN = "no_gain"
    TOO_LATE = "too_late"
    CHEAPER_BUT_WEAKER = "cheaper_but_weaker"
    DEARER = "dearer"
    LESS_WORTH = "less_worth"
    TIE = "tie"


@dataclass(frozen=True)
class Alternative:
    """An option that was not proposed, and why."""

    option: Option
    weakness: Weakness


@dataclass(frozen=True)
class Focus:
    """The part of a case its explanation is about."""

    findings: tuple[Finding, ...]
    """Earliest and largest first; the first one gives its name to the case."""
    drivers: tuple[Driver, ...]
    """By money, largest first, cut to ``LISTED_DRIVERS``."""
    all_drivers: tuple[Driver, ...]
    lines: tuple[ProposalLine, ...]
    """By cost, largest first when they must be cut; else in the proposal's order."""
    line_count: int
    chosen: tuple[Option, ...]
    """The planned options, one per need, most valuable first."""
    alternatives: tuple[Alternative, ...]
    """For the need of the first chosen option, most valuable first."""
    short_history_weeks: float | None
    poor_health: float | None

    @property
    def lead(self) -> Option | None:
        """The planned option the alternatives are compared with."""
        return self.chosen[0] if self.chosen else None

    @property
    def wide_arrival_days(self) -> int | None:
        """Days between usual and late arrival of the lead option, if that is much."""
        if self.lead is None or self.lead.arrives_p50 is None or self.lead.arrives_p90 is None:
            return None
        spread = (self.lead.arrives_p90 - self.lead.arrives_p50).days
        return spread if spread > WIDE_ARRIVAL_DAYS else None


def focus_on(case: Case, situation: Situation, proposal: Proposal) -> Focus:
    """Choose what to talk about; equal records give an equal focus whatever their order."""
    findings = tuple(sorted(case.findings, key=lambda f: (f.bites_on, -abs(f.quantity), f.item, f.site)))
    drivers = tuple(sorted(situation.drivers, key=lambda d: (-abs(d.money_minor), -abs(d.units), d.name)))
    chosen = tuple(sorted((o for o in situation.options if o.chosen), key=_option_key))
    lines, by_person = proposal.content.lines, proposal.requested_by != "evenkeel"
    if len(lines) > LISTED_LINES:
        lines = tuple(sorted(lines, key=lambda line: (-line.cost_minor, -line.quantity, line.number))[:LISTED_LINES])
    weeks, health = _lowest(situation, "history_weeks"), _lowest(situation, "site_health")
    return Focus(
        findings=findings,
        drivers=drivers[:LISTED_DRIVERS],
        all_drivers=drivers,
        lines=lines,
        line_count=len(proposal.content.lines),
        chosen=chosen,
        alternatives=_alternatives(case, situation, chosen[0], by_person) if chosen else (),
        short_history_weeks=weeks if weeks is not None and weeks < SHORT_HISTORY_WEEKS else None,
        poor_health=health if health is not None and health < SOUND_HEALTH else None,
    )


def bite_of(case: Case, item: str, site: str) -> Finding | None:
    """The finding that says from when an item hurts at a site, if there is one."""
    return next((f for f in case.findings if f.item == item and f.site == site), None)


def _alternatives(case: Case, situation: Situation, lead: Option, by_person: bool) -> tuple[Alternative, ...]:
    others = (option for option in same_need(case, situation, lead) if not option.chosen)
    ranked = sorted(others, key=_option_key)[:LISTED_ALTERNATIVES]
    return tuple(Alternative(option, weakness(case, option, lead, by_person=by_person)) for option in ranked)


def same_need(case: Case, situation: Situation, lead: Option) -> tuple[Option, ...]:
    """Options that compete with the lead: for its item and site, or for spare stock at whatever site takes it."""
    anywhere = case.kind in (CaseKind.EXCESS, CaseKind.IMBALANCE)
    return tuple(o for o in situation.options if o.item == lead.item and (anywhere or o.site == lead.site))


def weakness(case: Case, option: Option, lead: Option, *, by_person: bool = False) -> Weakness:
    """The first thing that speaks against an option beside the planned one, or the one a person asked for."""
    if not option.feasible:
        return Weakness.INFEASIBLE
    if option.net_value_minor > lead.net_value_minor and by_person:
        return Weakness.NOT_ASKED_FOR
    if option.net_value_minor > lead.net_value_minor:
        return Weakness.BETTER_ALONE if option.executable else Weakness.BY_HAND
    if option.action is ActionKind.HOLD:
        return Weakness.LEAVES_RISK
    if option.net_value_minor < 0:
        return Weakness.NO_GAIN
    if _arrives_after_bite(case, option) and not _arrives_after_bite(case, lead):
        return Weakness.TOO_LATE
    if option.net_value_minor == lead.net_value_minor:
        return Weakness.TIE
    if option.cost_minor < lead.cost_minor:
        return Weakness.CHEAPER_BUT_WEAKER
    return Weakness.DEARER if option.cost_minor > lead.cost_minor else Weakness.LESS_WORTH


def _arrives_after_bite(case: Case, option: Option) -> bool:
    if case.kind is CaseKind.EXCESS:
        return False  # spare stock has no hour by which help must come
    finding = bite_of(case, option.item, option.site)
    bites_on = case.bites_on if finding is None else finding.bites_on
    return option.arrives_p90 is not None and option.arrives_p90 > bites_on


def _option_key(option: Option) -> tuple[int, str, str, str, str, str, str, int]:
    return (
        -option.net_value_minor,
        option.item,
        option.site,
        option.action.value,
        option.source,
        option.order_id,
        option.mode,
        option.quantity,
    )


def _lowest(situation: Situation, name: str) -> float | None:
    values: Sequence[float] = [fact.measures[name] for fact in situation.facts if name in fact.measures]
    return min(values, default=None)
