"""What machine rules ask of the gate about an action that nobody has proposed yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import polars as pl

from inventory.machine_rules import RuleRecord
from inventory.records import ActionKind
from inventory.snapshots import Snapshot
from tools.rules.gate import GATE_KINDS, GateRules, asked_by, meant
from tools.rules.scope import speaking

NARROWER = ("items", "families", "brands", "suppliers", "customers", "channels")
"""Scope lists a question without an item leaves open."""


@dataclass(frozen=True)
class Spoken:
    """Rules about an action, as far as the question tells what it is about."""

    certain: GateRules = field(default_factory=GateRules)
    open: tuple[RuleRecord, ...] = ()
    """Rules that speak about some of what the question may mean: they can make it stricter."""


def rules_about_item(
    rules: Sequence[RuleRecord], snapshot: Snapshot, action: ActionKind, value_minor: int,
    item: str, sites: Collection[str], supplier: str = "",
) -> Spoken:  # fmt: skip
    """Rules for the gate about an action on an item at some sites, as `gate_rules` tells of its lines."""
    asking = _asking(rules, action, value_minor)
    if not asking:
        return Spoken()
    places = pl.DataFrame({"item": item, "site": sorted(sites), "supplier": supplier})
    speaks = speaking(asking, snapshot.of_items({item}), places)
    return Spoken(asked_by([rule for number, rule in enumerate(asking) if speaks[:, number].any()]))


def rules_about_classes(
    rules: Sequence[RuleRecord], action: ActionKind, value_minor: int, classes: Collection[str], sites: Collection[str]
) -> Spoken:
    """Rules for the gate about an action on items of some classes; any site where none is named."""
    certain: list[RuleRecord] = []
    left_open: list[RuleRecord] = []
    for rule in _asking(rules, action, value_minor):
        if (sites and rule.sites and not set(rule.sites) & set(sites)) or (
            rule.classes and not set(rule.classes) & set(classes)
        ):
            continue
        wider = any(getattr(rule, name) for name in NARROWER) or (bool(rule.sites) and not sites)
        (left_open if wider else certain).append(rule)
    return Spoken(asked_by(certain), tuple(left_open))


def _asking(rules: Sequence[RuleRecord], action: ActionKind, value_minor: int) -> list[RuleRecord]:
    return [rule for rule in rules if isinstance(rule, GATE_KINDS) and meant(rule, [action], value_minor)]
