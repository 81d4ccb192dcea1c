"""The gate at every boundary, its properties, the policy document's refusals and its lifetimes."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.approval_policy import RULE_NAMES, RULES, expiry, load_policy, packaged_policy_text, recall_window, rule_on
from agent.errors import PolicyError
from agent.gate_facts import GateFacts
from agent.policy_document import AutoRow
from inventory.record import canonical_record, digest, load
from inventory.records import ActionKind, Tier
from tests.agent.gate_worlds import POLICY, facts

AUTO, PLANNER, FORMAL, ADVICE = Tier.AUTO, Tier.PLANNER, Tier.FORMAL, Tier.ADVICE
TRANSFER, PURCHASE, HOLD = ActionKind.TRANSFER, ActionKind.PURCHASE, ActionKind.HOLD
EXPEDITE, CORRECTION = ActionKind.EXPEDITE, ActionKind.CORRECTION

BOUNDARIES: list[tuple[dict[str, Any], Tier]] = [
    ({}, AUTO),
    ({"value_minor": 0}, AUTO),
    ({"value_minor": 499_99}, AUTO),
    ({"value_minor": 500_00}, AUTO),
    ({"value_minor": 500_01}, PLANNER),
    ({"value_minor": 5_000_00}, PLANNER),
    ({"value_minor": 5_000_01}, FORMAL),
    ({"value_minor": 300_00, "action": PURCHASE}, AUTO),
    ({"value_minor": 300_01, "action": PURCHASE}, PLANNER),
    ({"value_minor": 100_00, "action": PURCHASE, "item_classes": ("standard",)}, PLANNER),
    ({"value_minor": 1_000_00, "action": HOLD}, AUTO),
    ({"value_minor": 1_000_01, "action": HOLD}, PLANNER),
    ({"value_minor": 5_000_01, "action": HOLD}, FORMAL),
    ({"value_minor": 0, "action": EXPEDITE}, PLANNER),
    ({"value_minor": 2_000_00, "action": EXPEDITE}, PLANNER),
    ({"value_minor": 2_000_01, "action": EXPEDITE}, FORMAL),
    ({"value_minor": 0, "action": CORRECTION}, ADVICE),
    ({"item_classes": ("standard", "consumable")}, AUTO),
    ({"item_classes": ("cold_chain",)}, PLANNER),
    ({"item_classes": ("constrained",)}, PLANNER),
    ({"item_classes": ("customer_specific",)}, PLANNER),
    ({"item_classes": ("regulated",)}, FORMAL),
    ({"item_classes": ("consumable", "regulated")}, FORMAL),
    ({"item_classes": ("unheard_of",)}, FORMAL),
    ({"item_classes": ()}, FORMAL),
    ({"customer_tier": "key"}, PLANNER),
    ({"customer_tier": "strategic"}, FORMAL),
    ({"confidence": 0.6}, AUTO),
    ({"confidence": 0.599}, PLANNER),
    ({"confidence": 0.3}, PLANNER),
    ({"confidence": 0.299}, FORMAL),
    ({"snapshot_age_hours": 24.0}, AUTO),
    ({"snapshot_age_hours": 24.01}, PLANNER),
    ({"snapshot_age_hours": 72.0}, PLANNER),
    ({"snapshot_age_hours": 72.01}, ADVICE),
    ({"site_health": 0.8}, AUTO),
    ({"site_health": 0.79}, PLANNER),
    ({"site_health": 0.4}, PLANNER),
    ({"site_health": 0.39}, ADVICE),
    ({"donor_cover_ratio_after": None}, AUTO),
    ({"donor_cover_ratio_after": 1.2}, AUTO),
    ({"donor_cover_ratio_after": 1.19}, PLANNER),
    ({"donor_cover_ratio_after": 1.0}, PLANNER),
    ({"donor_cover_ratio_after": 0.99}, FORMAL),
    ({"item_age_days": 90}, AUTO),
    ({"item_age_days": 89}, PLANNER),
    ({"item_age_days": None, "history_weeks": 13}, AUTO),
    ({"item_age_days": None, "history_weeks": 12}, PLANNER),
    ({"history_weeks": 12}, PLANNER),
    ({"override_rate": 0.3}, AUTO),
    ({"override_rate": 0.31}, PLANNER),
    ({"auto_value_today_minor": 1_800_00}, AUTO),
    ({"auto_value_today_minor": 1_800_01}, PLANNER),
    ({"auto_value_today_minor": 1_800_01, "action": HOLD}, AUTO),
    ({"lane_value_24h_minor": 300_00}, AUTO),
    ({"lane_value_24h_minor": 300_01}, PLANNER),
    ({"lane_value_24h_minor": 4_800_01}, FORMAL),
    ({"lane_value_24h_minor": 4_800_01, "action": HOLD}, AUTO),
    ({"net_value_minor": 25_00}, AUTO),
    ({"net_value_minor": 24_99}, PLANNER),
    ({"net_value_minor": -1, "action": HOLD}, AUTO),
    ({"net_value_low_minor": 25_00}, AUTO),
    ({"net_value_low_minor": 24_99}, PLANNER),
    ({"net_value_low_minor": 24_99, "action": HOLD}, AUTO),
    ({"net_value_low_minor": 30_00, "net_value_minor": 24_99}, PLANNER),
    ({"erp_native_key": False}, PLANNER),
    ({"erp_native_key": False, "action": HOLD}, AUTO),
    ({"reversible": False}, PLANNER),
    ({"data_problem_open": True}, PLANNER),
    ({"new_lane": True}, PLANNER),
    ({"cool_down_active": True}, PLANNER),
    ({"reverse_of_recent": True}, FORMAL),
    ({"infeasible": True}, FORMAL),
    ({"rollout_mode": "guided"}, PLANNER),
    ({"rollout_mode": "recommend"}, ADVICE),
    ({"rollout_mode": "shadow"}, ADVICE),
    ({"missing": ("donor floor",)}, ADVICE),
    ({"kill_switch": True}, ADVICE),
    ({"valuation_change_minor": 0}, FORMAL),
    ({"valuation_change_minor": 1}, FORMAL),
    ({"budget_minor": 1_000_00, "budget_committed_minor": 800_00, "budget_spend_minor": 200_00}, AUTO),
    ({"budget_minor": 1_000_00, "budget_committed_minor": 800_00, "budget_spend_minor": 200_01}, FORMAL),
    ({"budget_minor": 1_000_00, "budget_committed_minor": 1_000_01}, FORMAL),
    ({"budget_minor": 0, "budget_spend_minor": 0}, AUTO),
    ({"budget_minor": 0, "budget_spend_minor": 1}, FORMAL),
    ({"budget_minor": None, "budget_spend_minor": 9_000_00}, AUTO),
    ({"budget_minor": 0, "budget_spend_minor": 1, "budget_held_by": ("prop-1",)}, FORMAL),
    ({"budget_minor": 0, "budget_spend_minor": 1, "budget_held_by": ("prop-1", "prop-2", "prop-3", "prop-4")}, FORMAL),
    ({"budget_minor": 1, "budget_spend_minor": 1, "budget_held_by": ("prop-1",)}, AUTO),
    ({"value_minor": 2_000_00, "action": ActionKind.CANCEL}, PLANNER),
    ({"value_minor": 2_000_01, "action": ActionKind.CANCEL}, FORMAL),
    ({"value_minor": 0, "action": ActionKind.STATUS_CHANGE}, FORMAL),
    ({"value_minor": 20_000_00, "action": ActionKind.COUNT_REQUEST}, PLANNER),
    ({"value_minor": 20_000_01, "action": ActionKind.COUNT_REQUEST}, FORMAL),
    ({"customer_commitment": True}, FORMAL),
    ({"supplier_commitment": True}, PLANNER),
]


@pytest.mark.parametrize(("changes", "tier"), BOUNDARIES, ids=[str(changes) for changes, _ in BOUNDARIES])
def test_the_tier_changes_exactly_at_the_documented_mark(changes: dict[str, Any], tier: Tier) -> None:
    assert rule_on(facts(**changes), POLICY).tier is tier


def test_two_people_sign_one_cent_above_the_limit_and_not_at_it() -> None:
    assert not rule_on(facts(value_minor=20_000_00), POLICY).two_people
    assert rule_on(facts(value_minor=20_000_01), POLICY).two_people
    assert rule_on(facts(value_minor=1, lane_value_24h_minor=20_000_00), POLICY).two_people


def test_reasons_name_the_numbers_compared() -> None:
    decision = rule_on(facts(value_minor=6_200_00), POLICY)
    reasons = {rule.rule: rule.reason for rule in decision.fired}
    assert reasons["value"] == "value 6,200 EUR is above the planner limit of 5,000 EUR"
    split = rule_on(facts(value_minor=100_00, lane_value_24h_minor=4_900_01), POLICY)
    said = next(rule.reason for rule in split.fired if rule.rule == "value")
    assert said == (
        "value 5,000.01 EUR (of which 4,900.01 EUR on this lane in the last 24 hours) "
        "is above the planner limit of 5,000 EUR"
    )


def test_the_auto_tier_names_the_rule_that_signs_for_it() -> None:
    decision = rule_on(facts(), POLICY)
    assert [(rule.rule, rule.tier) for rule in decision.fired] == [("allow_list", AUTO)]
    assert "within the auto limit of 500 EUR for transfer of consumable" in decision.fired[0].reason


def test_an_action_the_policy_does_not_list_fits_no_rule_and_is_formal() -> None:
    actions = {kind: limits for kind, limits in POLICY.actions.items() if kind is not EXPEDITE}
    decision = rule_on(facts(action=EXPEDITE), POLICY.model_copy(update={"actions": actions}))
    assert decision.tier is FORMAL
    assert "no_rule_fits" in {rule.rule for rule in decision.fired}


def test_the_ruling_carries_every_running_sum() -> None:
    sums = rule_on(facts(lane_value_24h_minor=50_00, auto_value_today_minor=70_00), POLICY).aggregates
    assert sums["summed_value_minor"] == 250_00
    assert sums["auto_value_today_minor"] == 70_00
    assert sums["override_rate"] == 0.05


def test_every_rule_fires_on_some_fact_sheet() -> None:
    fired = {rule.rule for changes, _ in BOUNDARIES for rule in rule_on(facts(**changes), POLICY).fired}
    assert len(fired) == len(RULES)
    assert fired == RULE_NAMES - {"no_rule_fits"}


@pytest.mark.parametrize(
    ("changes", "roles"),
    [
        ({}, ()),
        ({"value_minor": 20_000_01}, ()),
        ({"valuation_change_minor": 1}, ("finance",)),
        ({"budget_minor": 0, "budget_spend_minor": 1}, ("finance",)),
        ({"customer_commitment": True}, ("central",)),
        ({"supplier_commitment": True}, ("buyer",)),
        ({"supplier_commitment": True, "customer_commitment": True, "valuation_change_minor": 0, "value_minor": 0},
         ("buyer", "central", "finance")),
        ({"supplier_commitment": True, "kill_switch": True}, ("buyer",)),
    ],
)  # fmt: skip
def test_the_owner_of_what_changes_is_asked_at_any_value(changes: dict[str, Any], roles: tuple[str, ...]) -> None:
    assert rule_on(facts(**changes), POLICY).needs_roles == roles


def test_an_owner_is_named_in_the_reason_with_the_numbers() -> None:
    over = facts(budget_minor=1_000_00, budget_committed_minor=900_00, budget_spend_minor=150_00)
    (said,) = [rule.reason for rule in rule_on(over, POLICY).fired if rule.rule == "over_budget"]
    assert said == "with this 1,050 EUR of the budget of 1,000 EUR are spent, above 100 %: finance must agree"


def test_who_is_over_budget_is_told_who_came_before() -> None:
    over = facts(budget_minor=10_00, budget_spend_minor=11_00, budget_held_by=tuple(f"prop-{n}" for n in range(1, 6)))
    (said,) = [rule.reason for rule in rule_on(over, POLICY).fired if rule.rule == "over_budget"]
    assert said == (
        "with this 11 EUR of the budget of 10 EUR are spent, above 100 %, after prop-1, prop-2, prop-3 and 2 more: "
        "finance must agree"
    )


def test_what_has_a_row_since_it_can_be_carried_out_runs_nowhere_without_a_person() -> None:
    known = (ActionKind.CANCEL, ActionKind.STATUS_CHANGE, ActionKind.COUNT_REQUEST)
    for action in known:
        fired = {rule.rule for rule in rule_on(facts(action=action, value_minor=0), POLICY).fired}
        assert "no_rule_fits" not in fired
    assert {row.action for row in POLICY.auto} == {TRANSFER, PURCHASE, HOLD}


def test_a_document_from_before_there_were_owners_asks_the_packaged_ones() -> None:
    text = packaged_policy_text()
    sections = re.split(r"\n(?=\[)", text)
    old = "\n".join(
        s
        for s in sections
        if not s.startswith(("[owners]", "[purchase_budget]", "[revalidation]", "[snooze]", "[changes]"))
    )
    assert load_policy(old) == POLICY


@pytest.mark.parametrize(
    "classes",
    [
        ("regulated", "unheard_of", "consumable", "cold_chain", "regulated"),
        ("constrained", "cold_chain", "customer_specific", "constrained"),
    ],
)
def test_the_order_of_item_classes_changes_nothing(classes: tuple[str, ...]) -> None:
    decisions = {canonical_record(rule_on(facts(item_classes=order), POLICY)) for order in permutations(classes)}
    assert len(decisions) == 1


def test_the_order_of_missing_facts_changes_nothing() -> None:
    one, other = (rule_on(facts(missing=names), POLICY) for names in (("b", "a", "b"), ("a", "b")))
    assert one == other
    assert one.fired[0].reason == "could not be established: a, b"


def test_the_lowest_auto_limit_of_the_classes_counts() -> None:
    text = packaged_policy_text()
    narrow = load_policy(text.replace("value_limit = 500", "value_limit = 150", 1))  # consumable
    assert rule_on(facts(value_minor=150_00, item_classes=("consumable", "standard")), narrow).tier is AUTO
    assert rule_on(facts(value_minor=150_01, item_classes=("consumable", "standard")), narrow).tier is PLANNER
    assert rule_on(facts(value_minor=150_01, item_classes=("standard",)), narrow).tier is AUTO


def test_items_of_no_class_are_named_as_such() -> None:
    reasons = {rule.rule: rule.reason for rule in rule_on(facts(item_classes=()), POLICY).fired}
    assert reasons["item_class"] == "no rule of the policy covers items of no class"
    assert reasons["allow_list"] == "transfer of no class is not on the list of what may run by itself"


def test_a_stored_fact_sheet_replays_to_the_same_decision() -> None:
    for changes, tier in BOUNDARIES:
        asked = facts(**changes)
        again = rule_on(load(GateFacts, canonical_record(asked)), load_policy(packaged_policy_text()))
        assert digest(again) == digest(rule_on(asked, POLICY))
        assert again.tier is tier


fact_sheets = st.builds(
    facts,
    action=st.sampled_from(ActionKind),
    value_minor=st.integers(0, 30_000_00),
    item_classes=st.lists(
        st.sampled_from(["consumable", "standard", "cold_chain", "constrained", "regulated", "odd"]), max_size=3
    ).map(tuple),
    customer_tier=st.sampled_from(["standard", "key", "strategic"]),
    confidence=st.floats(0, 1),
    snapshot_age_hours=st.floats(0, 200),
    site_health=st.floats(0, 1),
    donor_cover_ratio_after=st.none() | st.floats(0, 5),
    override_rate=st.floats(0, 1),
    item_age_days=st.none() | st.integers(0, 200),
    history_weeks=st.integers(0, 30),
    lane_value_24h_minor=st.integers(0, 30_000_00),
    auto_value_today_minor=st.integers(0, 3_000_00),
    net_value_minor=st.integers(-100_00, 100_00),
    net_value_low_minor=st.none() | st.integers(-100_00, 100_00),
    rollout_mode=st.sampled_from(["auto", "guided"]),
    valuation_change_minor=st.none() | st.none() | st.integers(0, 10_000_00),
    budget_minor=st.none() | st.integers(0, 3_000_00),
    budget_committed_minor=st.integers(0, 3_000_00),
    budget_spend_minor=st.integers(0, 1_000_00),
    customer_commitment=st.booleans(),
    supplier_commitment=st.booleans(),
)

RISKIER: dict[str, tuple[str, Any]] = {
    "value": ("value_minor", lambda value, by: value + int(by * 10_000_00)),
    "units": ("units", lambda value, by: value + int(by * 1_000)),
    "lane sum": ("lane_value_24h_minor", lambda value, by: value + int(by * 10_000_00)),
    "auto budget": ("auto_value_today_minor", lambda value, by: value + int(by * 3_000_00)),
    "age of data": ("snapshot_age_hours", lambda value, by: value + 100 * by),
    "overrides": ("override_rate", lambda value, by: value + (1 - value) * by),
    "confidence": ("confidence", lambda value, by: value * (1 - by)),
    "health": ("site_health", lambda value, by: value * (1 - by)),
    "donor cover": ("donor_cover_ratio_after", lambda value, by: None if value is None else value * (1 - by)),
    "age of item": ("item_age_days", lambda value, by: None if value is None else int(value * (1 - by))),
    "history": ("history_weeks", lambda value, by: int(value * (1 - by))),
    "net value": ("net_value_minor", lambda value, by: value - int(by * 200_00)),
    "sure net value": ("net_value_low_minor", lambda value, by: (value or 0) - int(by * 200_00)),
    "classes": ("item_classes", lambda value, by: (*value, "regulated" if by > 0.5 else "cold_chain")),
    "customer": ("customer_tier", lambda value, by: "strategic" if value == "key" or by > 0.5 else value),
    "rollout": ("rollout_mode", lambda value, by: "shadow" if by > 0.5 else "guided"),
    "missing": ("missing", lambda value, by: (*value, "stock")),
    "kill switch": ("kill_switch", lambda value, by: True),
    "data problem": ("data_problem_open", lambda value, by: True),
    "new lane": ("new_lane", lambda value, by: True),
    "reverse move": ("reverse_of_recent", lambda value, by: True),
    "cool-down": ("cool_down_active", lambda value, by: True),
    "infeasible": ("infeasible", lambda value, by: True),
    "no native key": ("erp_native_key", lambda value, by: False),
    "irreversible": ("reversible", lambda value, by: False),
    "valuation": ("valuation_change_minor", lambda value, by: (value or 0) + int(by * 10_000_00)),
    "budget": ("budget_minor", lambda value, by: int((2_000_00 if value is None else value) * (1 - by))),
    "committed": ("budget_committed_minor", lambda value, by: value + int(by * 2_000_00)),
    "came before": ("budget_held_by", lambda value, by: (*value, "prop-1")),
    "spend": ("budget_spend_minor", lambda value, by: value + int(by * 2_000_00)),
    "customer's promise": ("customer_commitment", lambda value, by: True),
    "supplier's promise": ("supplier_commitment", lambda value, by: True),
}


@pytest.mark.parametrize("factor", RISKIER)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(asked=fact_sheets, by=st.floats(0, 1))
def test_more_risk_in_one_factor_never_lowers_the_tier(factor: str, asked: GateFacts, by: float) -> None:
    name, worsen = RISKIER[factor]
    if name == "item_classes" and not asked.item_classes:
        asked = asked.model_copy(update={"item_classes": ("consumable",)})  # no class at all is its own case
    before = asked.model_dump()
    worse = GateFacts(**{**before, name: worsen(before[name], by)})
    first, second = rule_on(asked, POLICY), rule_on(worse, POLICY)
    assert second.tier.strictness >= first.tier.strictness
    assert second.two_people >= first.two_people
    assert set(second.needs_roles) >= set(first.needs_roles)


def test_every_factor_of_the_fact_sheet_is_tested_for_monotonicity() -> None:
    assert {name for name, _ in RISKIER.values()} == set(GateFacts.model_fields) - {"action"}


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("version = 1", "version = 0", "version"),
        ("version = 1", "", "version"),
        ("version = 1", "version = true", "version"),
        ("version = 1", "version = 1\nspeed = 3", "speed"),
        ("two_people_above = 20_000", 'two_people_above = "many"', "two_people_above"),
        ("two_people_above = 20_000", "two_people_above = 4_999", "is above two_people_above"),
        ("two_people_above = 20_000", "two_people_above = -1", "two_people_above"),
        ("value_limit = 500", "value_limit = 5_001", "above the planner limit"),
        ("value_limit = 500", "value_limit = 500.5", "auto.0.value_limit"),
        ('action = "transfer"\nitem_class = "standard"', 'action = "expedite"\nitem_class = "standard"', "not open"),
        ('action = "transfer"\nitem_class = "standard"', 'action = "transfer"\nitem_class = "regulated"', "not open"),
        ('action = "transfer"\nitem_class = "standard"', 'action = "transfer"\nitem_class = "consumable"', "twice"),
        ("formal_below = 0.3", "formal_below = 0.7", "confidence"),
        ("planner_below = 0.6", "planner_below = 1.6", "confidence.planner_below"),
        ("advice_above = 72", "advice_above = 12", "snapshot_age_hours"),
        ("advice_below = 0.4", "advice_below = 0.9", "site_health"),
        ("formal_below = 1.0", "formal_below = 1.5", "donor_cover_ratio"),
        ("formal_below = 1.0", "formal_below = nan", "donor_cover_ratio"),
        ('key = "planner"', "", "customer_tiers: key missing"),
        ('strategic = "formal"', 'strategic = "auto"', "must not fall"),
        ('regulated = "formal"', 'regulated = "maybe"', "item_classes.regulated"),
        ("per_planner = 20", "per_planner = 0", "queue.per_planner"),
        ('excluded = ["auditor"', 'excluded = ["finance"', "both allowed and excluded"),
        ('tier = "formal", roles = ["finance"]', 'tier = "formal", roles = ["auditor"]', "auditor never signs"),
        ('tier = "formal", roles = ["finance"]', 'tier = "auto", roles = ["finance"]', "owners.valuation.tier"),
        ('tier = "formal", roles = ["finance"]', 'tier = "formal", roles = []', "owners.valuation.roles"),
        ("equivalent_window_days = 14", "equivalent_window_days = -1", "revalidation.equivalent_window_days"),
        ("longest_wait_days = 30", "longest_wait_days = 0", "snooze.longest_wait_days"),
        ("percent_above = 100", "percent_above = -1", "purchase_budget.percent_above"),
        ("[queue]", "[queue", "not TOML"),
    ],
)
def test_a_policy_that_is_wrong_is_refused_by_name(old: str, new: str, named: str) -> None:
    text = packaged_policy_text()
    assert old in text
    with pytest.raises(PolicyError, match=named):
        load_policy(text.replace(old, new, 1))


def test_lifetimes_come_from_the_policy() -> None:
    assert [expiry(tier, POLICY) for tier in Tier] == [timedelta(hours=hours) for hours in (24, 24, 72, 72)]
    assert [recall_window(tier, POLICY) for tier in (AUTO, PLANNER, FORMAL)] == [
        timedelta(minutes=30),
        timedelta(),
        timedelta(),
    ]
    with pytest.raises(ValueError, match="never executed"):
        recall_window(ADVICE, POLICY)


def says(rule: str, **changes: Any) -> Tier | None:
    """What one rule asks for; nothing when it does not fire."""
    return next((fired.tier for fired in rule_on(facts(**changes), POLICY).fired if fired.rule == rule), None)


@pytest.mark.parametrize("action", POLICY.actions, ids=str)
@pytest.mark.parametrize("cents", [-1, 0, 1])
def test_every_planner_limit_holds_to_the_cent(action: ActionKind, cents: int) -> None:
    value_minor = max(POLICY.actions[action].planner_limit * 100 + cents, 0)
    assert says("value", action=action, value_minor=value_minor) is (FORMAL if cents > 0 else None)


@pytest.mark.parametrize("row", POLICY.auto, ids=lambda row: f"{row.action.value}-{row.item_class}")
@pytest.mark.parametrize("cents", [-1, 0, 1])
def test_every_row_of_the_allow_list_holds_to_the_cent(row: AutoRow, cents: int) -> None:
    asked = {"action": row.action, "item_classes": (row.item_class,), "value_minor": row.value_limit * 100 + cents}
    assert says("allow_list", **asked) is (PLANNER if cents > 0 else AUTO)


@pytest.mark.parametrize(
    ("rule", "fact", "mark", "sign", "within", "beyond"),
    [
        ("confidence", "confidence", POLICY.confidence.planner_below, -1, None, PLANNER),
        ("confidence", "confidence", POLICY.confidence.formal_below, -1, PLANNER, FORMAL),
        ("site_health", "site_health", POLICY.site_health.planner_below, -1, None, PLANNER),
        ("site_health", "site_health", POLICY.site_health.advice_below, -1, PLANNER, ADVICE),
        ("donor_cover", "donor_cover_ratio_after", POLICY.donor_cover_ratio.planner_below, -1, None, PLANNER),
        ("donor_cover", "donor_cover_ratio_after", POLICY.donor_cover_ratio.formal_below, -1, PLANNER, FORMAL),
        ("freshness", "snapshot_age_hours", POLICY.snapshot_age_hours.planner_above, 1, None, PLANNER),
        ("freshness", "snapshot_age_hours", POLICY.snapshot_age_hours.advice_above, 1, PLANNER, ADVICE),
        ("override_rate", "override_rate", POLICY.override_rate.planner_above, 1, None, PLANNER),
    ],
)
def test_every_mark_holds_a_hundredth_either_side(
    rule: str, fact: str, mark: float, sign: int, within: Tier | None, beyond: Tier
) -> None:
    near = [round(mark + step * sign * 0.01, 6) for step in (-1, 0, 1)]
    assert [says(rule, **{fact: value}) for value in near] == [within, within, beyond]
