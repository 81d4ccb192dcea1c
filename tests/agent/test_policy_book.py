"""Layers of the approval policy: what each may change, what holds where, and that several places are ruled strictly."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.approval_policy import packaged_policy_text, rule_on
from agent.errors import PolicyError
from agent.gate_facts import GateFacts, Place
from agent.policy_book import ENTERPRISE, PolicyBook, load_book
from agent.policy_document import ApprovalPolicy
from agent.policy_keys import Looser, direction, is_looser, name_of, policy_of, settled, stricter, table_of
from inventory.records import ActionKind, Tier, strictest
from tests.agent.gate_worlds import POLICY, facts
from tests.agent.test_approval_policy import BOUNDARIES, fact_sheets

BOUNDS = """
[bounds]
auto.transfer.consumable = 800
auto.transfer.cold_chain = 50
confidence.planner_below = 0.5
item_classes.cold_chain = "auto"
"""


def book(*layers: str, bounds: str = BOUNDS) -> PolicyBook:
    """The packaged policy with bounds and layers."""
    return load_book(packaged_policy_text() + bounds + "".join(f"\n[[layer]]\n{layer}\n" for layer in layers))


def tier_at(policy: ApprovalPolicy, **changes: Any) -> Tier:
    return rule_on(facts(**changes), policy).tier


def test_the_packaged_policy_has_no_layers_and_holds_everywhere() -> None:
    packaged = load_book(packaged_policy_text())
    assert packaged.layers == ()
    assert packaged.at(Place(site="NORTH", item_class="standard")) == POLICY
    assert packaged.over([]) == packaged.over([Place(site="A"), Place(site="B")]) == POLICY


def test_every_key_of_the_policy_has_a_direction_and_survives_flattening() -> None:
    table = table_of(POLICY)
    fixed = {key[0] for key in table if direction(key) is Looser.FIXED}
    assert fixed == {"version", "currency", "queue", "approvers", "changes"}
    assert settled(table) == (table, {})
    assert policy_of(table, "again") == POLICY


def test_a_layer_tightens_freely_where_it_holds_and_nowhere_else() -> None:
    layered = book('site = "NORTH"\nconfidence.planner_below = 0.95\nauto.transfer.standard = "never"')
    north, south = Place(site="NORTH"), Place(site="SOUTH")
    assert tier_at(layered.at(north), confidence=0.94) is Tier.PLANNER
    assert tier_at(layered.at(south), confidence=0.94) is Tier.AUTO
    assert tier_at(layered.at(north), confidence=1.0, item_classes=("standard",)) is Tier.PLANNER
    assert layered.at(south) == POLICY


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ('site = "N"\nconfidence.planner_below = 0.49',
         "layer site=N: confidence.planner_below = 0.49 is looser than the bound 0.5"),
        ('region = "R"\nconfidence.formal_below = 0.29',
         "layer region=R: confidence.formal_below = 0.29 is looser than the enterprise's 0.3, and no bound allows it"),
        ('item_class = "consumable"\nauto.transfer.consumable = 801',
         "layer item_class=consumable: auto.transfer.consumable = 801 is looser than the bound 800"),
        ('channel = "web"\nauto.purchase.consumable = 301', "layer channel=web: auto.purchase.consumable = 301"),
        ('site = "N"\nauto.expedite.consumable = 0', "is looser than the enterprise's never"),
        ('site = "N"\ntwo_people_above = 20_001', "two_people_above = 20,001 is looser than the enterprise's 20,000"),
        ('site = "N"\nactions.transfer.planner_limit = 5_001', "actions.transfer.planner_limit = 5,001 is looser"),
        ('site = "N"\nactions.expedite.floor = "auto"', "actions.expedite.floor = auto is looser"),
        ('site = "N"\nitem_classes.unheard_of = "planner"', "item_classes.unheard_of = planner is looser"),
        ('site = "N"\nowners.valuation.roles = ["central"]', "owners.valuation.roles = central is looser"),
        ('site = "N"\nowners.valuation.tier = "planner"', "owners.valuation.tier = planner is looser"),
        ('site = "N"\nthrash.cool_down_days = 6', "thrash.cool_down_days = 6 is looser"),
        ('site = "N"\nrecall_minutes.auto = 29', "recall_minutes.auto = 29 is looser"),
        ('site = "N"\nrevalidation.equivalent_window_days = 13', "revalidation.equivalent_window_days = 13 is looser"),
        ('site = "N"\nsnooze.longest_wait_days = 31', "snooze.longest_wait_days = 31 is looser"),
        ('site = "N"\napprovers.planner = ["central"]', "approvers.planner = central is the enterprise's alone"),
        ('site = "N"\nqueue.per_planner = 5', "queue.per_planner = 5 is the enterprise's alone"),
        ('site = "N"\nactions.write_off.floor = "formal"', "the enterprise has no action write_off"),
        ('site = "N"\nspeed.limit = 5', "speed.limit: the approval policy has no such key"),
        ('site = "N"\nconfidence.planner_below = "high"', "confidence.planner_below = 'high': expected a number"),
        ('site = "N"\nitem_classes.standard = "soon"', "item_classes.standard = 'soon': expected one of auto"),
        ('site = "N"\nconfidence.planner_below = 1.5', "layer site=N is refused: confidence.planner_below"),
        ("confidence.planner_below = 0.9", "layer 1 names no scope"),
        ("site = 5\nconfidence.planner_below = 0.9", "a scope is text"),
    ],
)  # fmt: skip
def test_a_layer_that_breaks_a_bound_is_refused_by_layer_key_value_and_bound(layer: str, said: str) -> None:
    with pytest.raises(PolicyError) as refused:
        book(layer)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ("[bounds]\nconfidence.planner_below = 0.6", "is no looser than the enterprise's own 0.6"),
        ("[bounds]\nconfidence.planner_below = 0.9", "is no looser"),
        ("[bounds]\nqueue.per_planner = 50", "queue.per_planner is the enterprise's alone"),
        ("[bounds]\nwarp = 9", "warp: the approval policy has no such key"),
        ("[[bounds]]\nx = 1", "expected one \\[bounds\\] table"),
    ],
)
def test_a_bound_that_says_nothing_is_refused(bounds: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        book(bounds=f"\n{bounds}\n")


def test_the_same_scope_twice_is_refused() -> None:
    with pytest.raises(PolicyError, match="layer site=N is given twice"):
        book('site = "N"\nnovelty.item_days = 100', 'site = "N"\nnovelty.item_days = 120')


def test_a_value_at_the_bound_is_taken_and_one_step_beyond_is_not() -> None:
    layered = book('item_class = "consumable"\nauto.transfer.consumable = 800')
    place = Place(site="NORTH", item_class="consumable")
    assert tier_at(layered.at(place), value_minor=800_00) is Tier.AUTO
    assert tier_at(layered.at(place), value_minor=800_01) is Tier.PLANNER


def test_a_class_may_be_opened_as_far_as_its_bounds_and_no_further() -> None:
    layered = book('site = "NORTH"\nitem_classes.cold_chain = "auto"\nauto.transfer.cold_chain = 50')
    at = layered.at(Place(site="NORTH"))
    assert tier_at(at, item_classes=("cold_chain",), value_minor=50_00) is Tier.AUTO
    assert tier_at(at, item_classes=("cold_chain",), value_minor=50_01) is Tier.PLANNER
    assert tier_at(POLICY, item_classes=("cold_chain",), value_minor=1) is Tier.PLANNER


def test_lower_layers_stand_over_upper_ones_inside_the_bounds() -> None:
    layered = book(
        'channel = "web"\nconfidence.planner_below = 0.9',
        'site = "NORTH"\nconfidence.planner_below = 0.55\nnovelty.item_days = 100',
        'region = "R"\nconfidence.planner_below = 0.7\nnovelty.item_days = 120',
    )
    place = Place(region="R", site="NORTH")
    assert layered.at(Place(region="R")).confidence.planner_below == 0.7
    assert layered.at(place).confidence.planner_below == 0.55, "the enterprise lets this key be loosened"
    assert layered.at(place).novelty.item_days == 120, "and not this one: what the region tightened stays"
    assert layered.at(place.model_copy(update={"channel": "web"})).confidence.planner_below == 0.9


def test_every_value_names_the_layer_it_comes_from() -> None:
    layered = book('site = "NORTH"\ntwo_people_above = 1_000', 'region = "R"\nnovelty.item_days = 120')
    origins = layered.origins(Place(region="R", site="NORTH"))
    assert origins["two_people_above"] == "site=NORTH"
    assert origins["novelty.item_days"] == "region=R"
    assert origins["confidence.planner_below"] == ENTERPRISE
    held = layered.holding(Place(region="R", site="NORTH"))
    limit = held["actions.transfer.planner_limit"]
    assert (limit.value, limit.layer, limit.because_of) == (1_000, "site=NORTH", "two_people_above")
    assert set(origins) == {name_of(key) for key in table_of(POLICY)}


def test_closing_an_action_closes_its_rows_of_the_allow_list() -> None:
    layered = book('site = "NORTH"\nactions.transfer.floor = "formal"')
    at = layered.at(Place(site="NORTH"))
    assert tier_at(at) is Tier.FORMAL
    held = layered.holding(Place(site="NORTH"))["auto.transfer.consumable"]
    assert (held.value, held.because_of, held.layer) == ("never", "actions.transfer.floor", "site=NORTH")


LAYERS = (
    'site = "A"\nconfidence.planner_below = 0.8\nactions.transfer.planner_limit = 1_000',
    'site = "B"\nauto.transfer.consumable = 700\nowners.supplier_commitment.roles = ["buyer", "central"]',
    'region = "R"\nactions.purchase.floor = "planner"\nsnapshot_age_hours.advice_above = 20',
    'item_class = "consumable"\nconfidence.planner_below = 0.5\nthrash.minimum_net_benefit = 60',
    'channel = "web"\ntwo_people_above = 3_000\ncustomer_tiers.standard = "planner"',
    'site = "A"\nitem_class = "consumable"\nauto.transfer.consumable = "never"',
)
LAYERED = book(*LAYERS)
PLACES = [
    Place(region=region, site=site, item_class=of_class, channel=channel)
    for region, site, of_class, channel in product(("", "R"), ("A", "B", "C"), ("consumable", "standard"), ("", "web"))
]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(asked=fact_sheets, places=st.lists(st.sampled_from(PLACES), min_size=1, max_size=4))
def test_several_places_are_ruled_by_the_strictest_of_them(asked: GateFacts, places: list[Place]) -> None:
    together = rule_on(asked, LAYERED.over(places))
    alone = [rule_on(asked, LAYERED.at(place)) for place in places]
    assert together.tier is strictest(*(one.tier for one in alone))
    assert together.two_people == any(one.two_people for one in alone)
    assert set(together.needs_roles) == {role for one in alone for role in one.needs_roles}


@settings(max_examples=100, deadline=None, derandomize=True)
@given(asked=fact_sheets, places=st.lists(st.sampled_from(PLACES), max_size=3), more=st.sampled_from(PLACES))
def test_one_place_more_never_lowers_the_tier(asked: GateFacts, places: list[Place], more: Place) -> None:
    before = rule_on(asked, LAYERED.over(places)) if places else None
    after = rule_on(asked, LAYERED.over([*places, more]))
    assert before is None or after.tier.strictness >= before.tier.strictness


TIGHTER = {
    ("two_people_above",): 4_000, ("confidence", "formal_below"): 0.75, ("snapshot_age_hours", "planner_above"): 3,
    ("site_health", "advice_below"): 0.9, ("donor_cover_ratio", "planner_below"): 2.5, ("novelty", "item_days"): 400,
    ("override_rate", "planner_above"): 0.01, ("budget", "auto_per_site_day"): 10,
    ("purchase_budget", "percent_above"): 5, ("thrash", "minimum_net_benefit"): 800,
    ("actions", "hold", "planner_limit"): 5, ("actions", "hold", "floor"): "formal",
    ("item_classes", "consumable"): "formal", ("customer_tiers", "standard"): "formal",
    ("auto", "transfer", "consumable"): 1, ("auto", "transfer", "standard"): "never",
    ("owners", "supplier_commitment", "tier"): "formal",
}  # fmt: skip


@pytest.mark.parametrize("key", TIGHTER, ids=name_of)
def test_a_tighter_key_never_lowers_a_tier_and_raises_some(key: tuple[str, ...]) -> None:
    value = TIGHTER[key]
    assert is_looser(key, table_of(POLICY)[key], value)
    tight = policy_of(table_of(POLICY) | {key: value}, "tighter")
    sheets = [facts(**changes) for changes, _ in BOUNDARIES] + [
        facts(value_minor=value_minor, action=action) for value_minor in (1, 200_00, 4_500_00) for action in ActionKind
    ]
    rose = 0
    for sheet in sheets:
        before, after = rule_on(sheet, POLICY), rule_on(sheet, tight)
        assert after.tier.strictness >= before.tier.strictness
        rose += (after.tier, after.two_people) != (before.tier, before.two_people)
    assert rose


def test_the_stricter_of_two_values_is_at_least_as_strict_as_both() -> None:
    roles = ("owners", "valuation", "roles")
    assert stricter(roles, ["finance"], ["central"]) == ["central", "finance"]
    assert stricter(("auto", "transfer", "standard"), 5, "never") == "never"
    assert stricter(("item_classes", "standard"), "auto", "formal") == "formal"
    for key, value in TIGHTER.items():
        own = table_of(POLICY)[key]
        assert stricter(key, own, value) == stricter(key, value, own) == value
