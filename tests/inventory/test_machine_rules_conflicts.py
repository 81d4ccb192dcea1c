"""Contradicting rules: which pairs are told, and which of the two is stricter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from inventory.machine_rules import RuleRecord, rule_adapter
from inventory.machine_rules_conflicts import conflicts
from inventory.record import canonical

TODAY = date(2024, 4, 8)


def rule(rule_id: str, kind: str, **given: object) -> RuleRecord:
    said: Mapping[str, Any] = {"id": rule_id, "document_id": f"SOP-{rule_id}", "version": 1, "clause": "1.1"}
    return rule_adapter().validate_json(canonical({**said, "kind": kind, **given}))


SPRING = {"items": ["BOLT"], "from": "2024-04-01", "to": "2024-04-30"}
DELISTED = {"items": ["A"], "on": "2024-05-01"}
CONTRADICTING: list[tuple[str, dict[str, object], str, dict[str, object]]] = [
    ("donor_floor", {"days": 21}, "donor_floor", {"days": 14}),
    ("donor_floor", {"units": 40, "sites": ["DC"]}, "donor_floor", {"units": 30, "sites": ["DC"]}),
    ("donor_floor", {"days": 21}, "donor_floor", {"days": 14, "sites": ["DC"]}),
    ("donor_floor", {"days": 21, "sites": ["DC", "A"]}, "donor_floor", {"days": 14, "sites": ["DC", "B"]}),
    ("order_quantity", {"minimum": 100}, "order_quantity", {"minimum": 50}),
    ("order_quantity", {"multiple": 12}, "order_quantity", {"multiple": 5}),
    ("shelf_life_minimum", {"days": 90}, "shelf_life_minimum", {"days": 60}),
    ("shelf_life_minimum", {"share": 0.5}, "shelf_life_minimum", {"share": 0.25}),
    ("allocation_commitment", {"units": 9, "customer": "H"}, "allocation_commitment", {"units": 5, "customer": "H"}),
    ("freeze", {}, "freeze", {"units": 5}),
    ("freeze", {"units": 5}, "freeze", {"units": 5, "until": "2024-06-01"}),
    ("planned_delisting", {**DELISTED}, "planned_delisting", {**DELISTED, "on": "2024-09-01"}),
    ("promotion_build_up", {**SPRING}, "promotion_build_up", {**SPRING, "units": 5}),
    ("approval_right", {"roles": ["finance"]}, "approval_right", {"roles": ["central", "finance"]}),
    ("freeze", {}, "allocation_commitment", {"units": 5, "customer": "H"}),
    ("planned_delisting", {"items": ["A"], "on": "2024-05-01"}, "protected_range", {"items": ["A", "B"]}),
    ("planned_delisting", {"items": ["BOLT"], "on": "2024-04-20"}, "promotion_build_up", {**SPRING}),
]  # fmt: skip
"""The stricter of each pair first."""


@pytest.mark.parametrize(("kind", "given", "other_kind", "other"), CONTRADICTING)
def test_a_contradiction_names_the_stricter_whatever_the_order(
    kind: str, given: dict[str, object], other_kind: str, other: dict[str, object]
) -> None:
    strict, loose = rule("R-1", kind, **given), rule("R-2", other_kind, **other)
    renamed = [rule("R-2", kind, **given), rule("R-1", other_kind, **other)]
    for pair, stricter in (([strict, loose], "R-1"), ([loose, strict], "R-1"), (renamed, "R-2")):
        (found,) = conflicts(pair, TODAY)
        assert (found.stricter.rule_id, found.cause) == (stricter, "rule_conflict:R-1:R-2")


AGREEING: list[tuple[str, dict[str, object], str, dict[str, object]]] = [
    ("donor_floor", {"days": 14}, "donor_floor", {"days": 14}),
    ("donor_floor", {"days": 14}, "donor_floor", {"units": 30}),
    ("donor_floor", {"days": 14}, "donor_floor", {"days": 21, "sites": ["DC"]}),
    ("donor_floor", {"days": 14, "sites": ["A"]}, "donor_floor", {"days": 21, "sites": ["B"]}),
    ("donor_floor", {"days": 14, "items": ["A"]}, "donor_floor", {"days": 21, "families": ["F"]}),
    ("allocation_commitment", {"units": 9, "customer": "H"}, "allocation_commitment", {"units": 5, "customer": "B"}),
    ("approval_right", {"roles": ["finance"], "above": 10}, "approval_right", {"roles": ["central"], "above": 20}),
    ("embargo", {"from": "2024-04-01", "to": "2024-05-01"}, "embargo", {"from": "2024-04-09", "to": "2024-06-01"}),
    ("promotion_build_up", {**SPRING}, "promotion_build_up", {**SPRING, "to": "2024-04-29", "units": 3}),
    ("freeze", {"units": 3}, "allocation_commitment", {"units": 5, "customer": "H"}),
    ("freeze", {"until": "2024-04-07"}, "freeze", {"units": 5}),
    ("planned_delisting", {"items": ["BOLT"], "on": "2024-05-20"}, "promotion_build_up", {**SPRING}),
    ("lane_ban", {"origin": "A"}, "lane_ban", {"destination": "A"}),
    ("priority_customer", {"customer": "A"}, "priority_customer", {"customer": "B"}),
]
"""Tightenings, other measures, other places, other days, and kinds that can both have their way."""


@pytest.mark.parametrize(("kind", "given", "other_kind", "other"), AGREEING)
def test_rules_that_can_both_hold_contradict_nothing(
    kind: str, given: dict[str, object], other_kind: str, other: dict[str, object]
) -> None:
    assert conflicts([rule("R-1", kind, **given), rule("R-2", other_kind, **other)], TODAY) == ()
