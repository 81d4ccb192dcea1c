"""Machine rules in force that contradict one another: a person must settle it, the stricter holds meanwhile."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection

from inventory.machine_rules import list_effective
from inventory.machine_rules_conflicts import RuleConflict, conflicts
from inventory.machine_rules_words import asked_words
from inventory.records import EVERYTHING, CaseKind, Finding
from tools.detectors.records import EVERYWHERE
from tools.thresholds import Thresholds

KIND = CaseKind.POLICY_INCONSISTENCY


def contradicting_rules(connection: Connection, thresholds: Thresholds, today: date) -> list[Finding]:
    """One finding per pair; it is gone when one of the two is changed or withdrawn."""
    rules = list_effective(connection, EVERYTHING, today)
    return [_finding(found, thresholds, today) for found in conflicts(rules, today)]


def _finding(found: RuleConflict, thresholds: Thresholds, today: date) -> Finding:
    sites = set(found.stricter.sites) & set(found.looser.sites) or {*found.stricter.sites, *found.looser.sites}
    return Finding(
        kind=KIND,
        site=sites.pop() if len(sites) == 1 else EVERYWHERE,
        cause=found.cause,
        bites_on=today,
        quantity=2,
        threshold=f"{KIND.value}.rules",
        threshold_value=0.0,
        threshold_version=thresholds.version,
        measures={"rules": 2.0},
        note=f"{found.why}. {asked_words(found.stricter)} holds until one of the documents is changed or withdrawn.",
    )
