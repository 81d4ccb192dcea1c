"""A second gate, written as one table read from the TOML as it stands, must agree with the first everywhere."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from agent.approval_policy import packaged_policy_text, rule_on
from agent.gate_facts import GateFacts
from inventory.records import ActionKind
from tests.agent.gate_worlds import POLICY, random_facts

LEVELS = ("auto", "planner", "formal", "advice")
RAW: dict[str, Any] = tomllib.loads(packaged_policy_text())


def _reference(facts: GateFacts) -> tuple[str, bool, set[str]]:
    """Tier, need of two people and roles, by scanning ``(condition, level)`` rows; shares no code with the gate."""
    highest = max((LEVELS.index(level) for met, level in _rows(facts) if met), default=0)
    roles = {role for name in _owners_asked(facts) for role in RAW["owners"][name]["roles"]}
    return LEVELS[highest], _cents(facts) > RAW["two_people_above"] * 100, roles


def _owners_asked(facts: GateFacts) -> list[str]:
    """Whose matter it is, by the comments over ``[purchase_budget]`` and ``[owners]`` in the document."""
    asked = {
        "valuation": facts.valuation_change_minor is not None,
        "over_budget": facts.budget_minor is not None
        and Fraction(facts.budget_committed_minor + facts.budget_spend_minor)
        > Fraction(RAW["purchase_budget"]["percent_above"], 100) * facts.budget_minor,
        "customer_commitment": facts.customer_commitment,
        "supplier_commitment": facts.supplier_commitment,
    }
    return [name for name, met in asked.items() if met]


def _cents(facts: GateFacts) -> int:
    return facts.value_minor + (0 if facts.action == "hold" else facts.lane_value_24h_minor)


def _rows(facts: GateFacts) -> Iterator[tuple[bool, str]]:
    f, p, cents = facts, RAW, _cents(facts)
    holds = f.action == ActionKind.HOLD
    listed = p["actions"].get(f.action.value)
    allowed = {(row["action"], row["item_class"]): row["value_limit"] * 100 for row in p["auto"]}
    ratio = f.donor_cover_ratio_after if f.donor_cover_ratio_after is not None else float("inf")
    age = min(f.history_weeks * 7, f.item_age_days if f.item_age_days is not None else 10**9)
    yield f.kill_switch or len(f.missing) > 0 or f.rollout_mode in {"shadow", "recommend"}, "advice"
    yield f.snapshot_age_hours > p["snapshot_age_hours"]["advice_above"], "advice"
    yield f.site_health < p["site_health"]["advice_below"], "advice"
    for name in _owners_asked(f):
        yield True, p["owners"][name]["tier"]
    yield f.infeasible or f.reverse_of_recent or listed is None or not f.item_classes, "formal"
    yield any(name not in p["item_classes"] for name in f.item_classes), "formal"
    yield f.confidence < p["confidence"]["formal_below"] or ratio < p["donor_cover_ratio"]["formal_below"], "formal"
    yield listed is not None and cents > listed["planner_limit"] * 100, "formal"
    yield True, listed["floor"] if listed else "formal"
    yield True, p["customer_tiers"][f.customer_tier]
    for name in f.item_classes:
        yield True, p["item_classes"].get(name, "formal")
        yield cents > allowed.get((f.action.value, name), -1), "planner"
    yield not holds and f.value_minor + f.auto_value_today_minor > p["budget"]["auto_per_site_day"] * 100, "planner"
    for worth in (f.net_value_minor, f.net_value_low_minor):
        yield not holds and worth is not None and worth < p["thrash"]["minimum_net_benefit"] * 100, "planner"
    yield not holds and not f.erp_native_key, "planner"
    yield f.rollout_mode == "guided" or f.data_problem_open or f.new_lane or f.cool_down_active, "planner"
    yield not f.reversible or age < p["novelty"]["item_days"], "planner"
    yield f.override_rate > p["override_rate"]["planner_above"], "planner"
    yield f.confidence < p["confidence"]["planner_below"] or ratio < p["donor_cover_ratio"]["planner_below"], "planner"
    yield f.snapshot_age_hours > p["snapshot_age_hours"]["planner_above"], "planner"
    yield f.site_health < p["site_health"]["planner_below"], "planner"


def _compare(cases: int, seed: int) -> dict[str, int]:
    """Compare both gates on random fact sheets; how often each tier came up."""
    draw = np.random.default_rng(seed)
    seen = dict.fromkeys(LEVELS, 0)
    for _ in range(cases):
        facts = random_facts(draw)
        decision = rule_on(facts, POLICY)
        said = (decision.tier.value, decision.two_people, set(decision.needs_roles))
        assert said == _reference(facts), facts
        seen[decision.tier.value] += 1
    return seen


def test_two_independent_gates_agree_and_every_tier_comes_up() -> None:
    seen = _compare(10_000, seed=7)
    assert min(seen.values()) > 200, seen


@pytest.mark.acceptance
@pytest.mark.timeout(1_800)
def test_two_independent_gates_agree_on_a_million_fact_sheets() -> None:
    seen = _compare(1_000_000, seed=11)
    assert min(seen.values()) > 20_000, seen
