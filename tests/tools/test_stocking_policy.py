"""The stocking policy: strict reading, rules in order, and whose setting stands."""

from __future__ import annotations

import numpy as np
import pytest

from inventory.segment_words import CELLS, STAGES, VALUES, VARIABILITIES, cell_codes, segment_words
from optimizer.stocking.segments import AbcClass, SegmentCodes, Stage, XyzClass
from tools.errors import ToolInputError
from tools.safety_stock import SAFETY_STOCK
from tools.stocking_policy import (
    METHODS,
    TIERS,
    codes_of_cells,
    packaged_stocking_policy,
    parse_stocking_policy,
    stocking_terms,
)

PACKAGED = packaged_stocking_policy()


def cell_of(value: AbcClass, variability: XyzClass, stage: Stage, constrained: int = 0) -> int:
    codes = SegmentCodes(*(np.array([int(code)]) for code in (value, variability, stage, constrained)))
    return int(codes.cell[0])


def test_words_and_mathematics_number_the_segments_alike() -> None:
    names = ([one.name for one in AbcClass], [one.name for one in XyzClass], [one.name.lower() for one in Stage])
    assert names == (list(VALUES), list(VARIABILITIES), list(STAGES))
    every = np.arange(CELLS)
    codes = codes_of_cells(every)
    assert codes.cell.tolist() == every.tolist()
    assert [cell_codes(cell)[2] for cell in range(CELLS)] == codes.stage.tolist()
    assert len({segment_words(cell) for cell in range(CELLS)}) == CELLS


def test_later_rules_win_and_what_they_do_not_name_stays() -> None:
    policy = parse_stocking_policy(PACKAGED)
    tail = policy.row(cell_of(AbcClass.C, XyzClass.Z, Stage.MATURE))
    assert (tail.method, tail.tier, tail.maximum_cover_days) == ("reorder_point", "auto", 180)
    over = policy.row(cell_of(AbcClass.C, XyzClass.Z, Stage.END_OF_LIFE))
    assert (over.method, over.maximum_cover_days) == ("none", 180)
    scarce = policy.row(cell_of(AbcClass.A, XyzClass.X, Stage.MATURE, 1))
    assert scarce.tier == "planner"


def test_a_rule_may_name_sites_and_item_classes() -> None:
    rule = '\n[[rules]]\nname = "{}"\n{}\nmaximum_cover_days = {}\n'
    text = (
        PACKAGED
        + rule.format("north", 'site = ["NORTH", "EAST"]', 40)
        + rule.format("cold north", 'site = ["NORTH"]\nitem_class = ["cold_chain"]', 7)
    )
    policy, cell = parse_stocking_policy(text), cell_of(AbcClass.A, XyzClass.X, Stage.MATURE)
    places = (("SOUTH", "cold_chain"), ("NORTH", "standard"), ("NORTH", "cold_chain"), ("EAST", "cold_chain"))
    wanted = [180, 40, 7, 40]
    assert [policy.row(cell, *place).maximum_cover_days for place in places] == wanted
    assert policy.row(cell).maximum_cover_days == 180
    sites, classes = zip(*places, strict=True)
    terms = stocking_terms(
        policy, np.full(4, cell), np.full(4, np.nan), np.full(4, np.nan), sites=sites, item_classes=classes
    )
    assert terms.maximum_cover_days.tolist() == wanted


def test_the_settings_of_the_erp_stay_only_where_policy_says_so() -> None:
    text = (
        PACKAGED
        + '\n[[rules]]\nname = "ours"\nvalue = ["A"]\nsource = "policy"\nservice_target = 0.99\nreview_days = 3\n'
    )
    policy = parse_stocking_policy(text)
    cells = np.array([cell_of(value, XyzClass.X, Stage.MATURE) for value in (AbcClass.A, AbcClass.B, AbcClass.B)])
    erp = np.array([0.9, 0.9, np.nan])
    terms = stocking_terms(policy, cells, erp, np.array([14.0, 14.0, np.nan]))
    assert terms.service_target.tolist() == [0.99, 0.9, 0.95]
    assert terms.review_days.tolist() == [3.0, 14.0, 7.0]
    assert {METHODS[place] for place in terms.method} == {"order_up_to"}
    assert TIERS[int(terms.tier[0])] == "auto"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("service_target = 0.95", "service_target = 1.2"), "default.service_target"),
        (('method = "order_up_to"', 'method = "guess"'), "default.method"),
        (("value_cuts = [0.80, 0.95]", "value_cuts = [0.95, 0.80]"), "value_cuts must be two rising"),
        (('value = ["C"]', 'value = ["D"]'), "rules.0.value"),
        (("review_days = 7", "review_day = 7"), "review_day"),
        (("version = 1", "version ="), "not TOML"),
    ],
)
def test_a_policy_that_cannot_be_read_names_what_is_wrong(change: tuple[str, str], said: str) -> None:
    assert change[0] in PACKAGED
    with pytest.raises(ToolInputError, match=said.replace(".", r"\.")):
        parse_stocking_policy(PACKAGED.replace(*change, 1))


def added(rule: str) -> str:
    return f'{PACKAGED}\n[[rules]]\nname = "ours"\n{rule}\n'


def test_floors_bounds_and_methods_are_layered_by_segment_and_site() -> None:
    text = added('floor_days = 3\nminimum_units = 5\nmaximum_units = 900\nsafety_stock = "normal"')
    text += (
        '\n[[rules]]\nname = "east"\nsite = ["EAST"]\nvalue = ["A"]\nfloor_units = 40\nsafety_stock = "newsvendor"\n'
    )
    policy = parse_stocking_policy(text)
    a, b = (cell_of(value, XyzClass.X, Stage.MATURE) for value in (AbcClass.A, AbcClass.B))
    terms = stocking_terms(
        policy, np.array([a, a, b]), np.full(3, np.nan), np.full(3, np.nan),
        sites=["EAST", "WEST", "EAST"], item_classes=["standard"] * 3,
    )  # fmt: skip
    assert [SAFETY_STOCK[place] for place in terms.safety_stock] == ["newsvendor", "normal", "normal"]
    assert terms.bounds.floor(np.array([10.0, 10.0, 20.0])).tolist() == [40.0, 30.0, 60.0]
    assert terms.bounds.minimum(np.ones(3)).tolist() == [5.0] * 3
    assert terms.bounds.maximum_units.tolist() == [900.0] * 3


def test_the_packaged_policy_bounds_nothing() -> None:
    policy = parse_stocking_policy(PACKAGED)
    assert not any(row.sets_levels for row in policy.table.values())


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("minimum_units = 50\nmaximum_units = 40", "AX launch: minimum_units 50 is above maximum_units 40"),
        ("floor_units = 50\nmaximum_units = 49", "floor_units 50 is above maximum_units 49"),
        ("floor_days = 61", "floor_days 61 is above maximum_cover_days 60 (by the rules 'first weeks', 'ours')"),
        ('stage = ["mature"]\nvalue = ["B"]\nfloor_days = 181', "BX mature: floor_days 181 is above maximum_cover"),
        ('site = ["EAST"]\nminimum_days = 181', "AX launch at EAST: minimum_days 181 is above maximum_cover_days 60"),
        ('safety_stock = "exact_fill_rate"', "safety_stock exact_fill_rate meets a fill rate, and measure is cycle"),
        ("floor_units = -1", "rules.6.floor_units"),
        ('safety_stock = "guess"', "rules.6.safety_stock"),
    ],
)  # fmt: skip
def test_what_cannot_hold_at_once_is_refused_with_segment_place_and_rules(rule: str, said: str) -> None:
    with pytest.raises(ToolInputError) as refused:
        parse_stocking_policy(added(rule))
    assert said in str(refused.value)


def test_bounds_that_meet_are_accepted() -> None:
    assert parse_stocking_policy(added("minimum_units = 40\nfloor_units = 40\nmaximum_units = 40"))


def test_a_minimum_of_one_rule_is_held_against_the_maximum_of_another() -> None:
    text = added("minimum_units = 50") + '\n[[rules]]\nname = "small"\nsite = ["ST-1"]\nmaximum_units = 20\n'
    with pytest.raises(ToolInputError, match=r"at ST-1: minimum_units 50 is above maximum_units 20.*'ours', 'small'"):
        parse_stocking_policy(text)
