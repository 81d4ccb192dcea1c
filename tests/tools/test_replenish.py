"""Quantities of the daily run on rows made by hand: review days, levels, limits, and who feeds whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from optimizer.laws.demand_level import demand_quantile
from tools.columns import IntArray
from tools.lanes import Lane
from tools.replenish import Limit, Orders, due_today, recommend
from tools.rows import take_rows
from tools.safety_stock import SAFETY_STOCK, Bounds
from tools.stock_rows import SPELLS, StockRows
from tools.stocking_policy import METHODS, StockingTerms

MONDAY = date(2024, 4, 8)


def rows_of(*places: tuple[str, str, str], free: list[float], mean: float = 4.0, **more: Any) -> StockRows:
    """Rows ``(item, site, source site)`` with the same demand: lead time 9 days, supplier price 10."""
    n = len(places)
    one = np.ones(n)
    made = StockRows(
        today=MONDAY,
        items=tuple(item for item, _, _ in places),
        sites=tuple(site for _, site, _ in places),
        item_class=("standard",) * n,
        supplier=("SUP",) * n,
        source_site=tuple(source for _, _, source in places),
        planner=("pia",) * n,
        free=np.array(free, dtype=np.float64),
        on_hand=np.array(free, dtype=np.float64),
        arriving=np.zeros((n, SPELLS + 1)),
        mean_per_day=one * mean,
        sd_per_day=one * mean * 0.5,
        known=np.zeros((n, SPELLS + 1)),
        lead_mean=one * 9.0,
        lead_sd=one * 0.0,
        review_days=one * 7.0,
        service_target=one * 0.95,
        cost=one * 10.0,
        price=one * 10.0,
        order_cost=one * 20.0,
        minimum_order=one,
        order_multiple=one,
        margin=one * 15.0,
        holding_per_day=one * 0.01,
        history_weeks=np.full(n, 104, dtype=np.int64),
        planned=np.ones(n, dtype=np.bool_),
    )
    arrays: dict[str, Any] = {name: np.array(values, dtype=np.float64) for name, values in more.items()}
    return replace(made, **arrays)


def terms_of(
    rows: StockRows,
    *,
    method: str = "order_up_to",
    cover: float = 180.0,
    fill: bool = False,
    safety: str = "gamma",
    **bounds: float,
) -> StockingTerms:
    n = rows.count
    given = {name: np.full(n, value) for name, value in bounds.items()}
    return StockingTerms(
        service_target=rows.service_target,
        by_fill_rate=np.full(n, fill),
        review_days=rows.review_days,
        method=np.full(n, METHODS.index(method), dtype=np.int64),
        tier=np.zeros(n, dtype=np.int64),
        maximum_cover_days=np.full(n, cover),
        safety_stock=np.full(n, SAFETY_STOCK.index(safety), dtype=np.int64),
        bounds=replace(Bounds.none(n), **given),
    )


def lane(origin: str, destination: str, **more: Any) -> Lane:
    facts: dict[str, Any] = {"transit_days": 1.0, "transit_sd_days": 0.0, "unit_cost": 0.5, "fixed_cost": 8.0,
                             "capacity_per_day": None, "lot": 1, "calendar": "1234567"}  # fmt: skip
    return Lane(origin, destination, "truck", **{**facts, **more})


def orders_of(rows: StockRows, terms: StockingTerms | None = None, **more: Any) -> Orders:
    n = rows.count
    facts: dict[str, Any] = {"available": np.maximum(rows.free, 0.0), "excepted": np.zeros(n, dtype=np.bool_),
                             "lanes": {}, "budgets": {}, "last_run": None}  # fmt: skip
    return recommend(rows, terms or terms_of(rows), **{**facts, **more})


def test_the_first_run_reviews_everything_and_later_ones_what_has_come_due() -> None:
    review = np.array([1.0, 7.0, 14.0])
    monday = MONDAY.toordinal()
    assert due_today(review, monday, None).all()
    assert due_today(review, monday + 1, monday).tolist() == [True, False, False]
    assert due_today(review, monday + 7, monday).tolist()[:2] == [True, True]


@given(review=st.integers(1, 40), last=st.integers(730_000, 731_000), gap=st.integers(1, 90))
def test_no_review_day_is_missed_and_none_is_taken_twice(review: int, last: int, gap: int) -> None:
    every = np.array([float(review)])
    daily = sum(bool(due_today(every, day, day - 1)[0]) for day in range(last + 1, last + gap + 1))
    assert bool(due_today(every, last + gap, last)[0]) is (daily > 0)
    assert abs(daily - gap / review) < 1.0


def test_an_order_brings_the_position_near_the_gamma_level_over_lead_time_and_review() -> None:
    rows = rows_of(("A", "DC", ""), free=[55.0])
    made = orders_of(rows)
    level = demand_quantile(np.array([0.95]), np.array([64.0]), np.array([16 * 4.0]), "gamma")
    assert float(made.level[0]) == pytest.approx(float(level[0]), rel=0.05)
    assert made.quantity[0] == pytest.approx(float(made.level[0]) - 55.0, abs=1.0)
    assert made.avoided[0] > 0.0


def test_demand_that_is_lost_before_the_order_comes_is_not_ordered_for() -> None:
    """Nothing is left on the day of arrival in either case: both orders are for the review period alone."""
    made = orders_of(rows_of(("A", "N", ""), ("A", "S", ""), free=[0.0, 10.0]))
    cycle = demand_quantile(np.array([0.95]), np.array([28.0]), np.array([28.0]), "gamma")
    assert made.quantity[0] == pytest.approx(made.quantity[1], abs=1)
    assert made.quantity[0] == pytest.approx(float(cycle[0]), rel=0.05)


def test_enough_is_left_alone() -> None:
    made = orders_of(rows_of(("A", "DC", ""), free=[500.0]))
    assert (made.quantity[0], made.enough, made.set_aside) == (0, 1, {})


@settings(max_examples=20, deadline=None)
@given(free=st.floats(0.0, 120.0), minimum=st.integers(1, 60), multiple=st.integers(1, 12))
def test_a_quantity_is_a_multiple_of_the_lot_and_reaches_the_minimum(free: float, minimum: int, multiple: int) -> None:
    rows = rows_of(("A", "DC", ""), free=[free], minimum_order=[minimum], order_multiple=[multiple])
    quantity = int(orders_of(rows).quantity[0])
    assert quantity % multiple == 0
    assert quantity == 0 or quantity >= minimum


def test_a_higher_target_never_orders_less() -> None:
    asked = [0.8, 0.9, 0.95, 0.98, 0.995]
    rows = rows_of(*(("A", f"S{at}", "") for at in range(5)), free=[10.0] * 5, service_target=asked)
    quantity = orders_of(rows).quantity
    assert (np.diff(quantity) >= 0).all()
    assert quantity[-1] > quantity[0]


def test_a_fill_rate_is_met_with_less_stock_than_the_same_cycle_service() -> None:
    rows = rows_of(("A", "DC", ""), free=[0.0], service_target=[0.98])
    by_cycle, by_fill = orders_of(rows), orders_of(rows, terms_of(rows, fill=True))
    assert 0 < by_fill.quantity[0] < by_cycle.quantity[0]


def test_the_longest_cover_caps_an_order_and_is_named() -> None:
    rows = rows_of(("A", "DC", ""), free=[0.0])
    made = orders_of(rows, terms_of(rows, cover=5.0))
    assert made.quantity[0] == 20
    assert made.limits[0] & Limit.MAXIMUM


def test_a_floor_of_units_binds_where_the_target_asks_for_less_and_is_named() -> None:
    """No spread: the target keeps no safety stock, and nothing is left of 20 units on the day of arrival."""
    rows = rows_of(("A", "DC", ""), free=[20.0], sd_per_day=[0.0])
    plain, floored = orders_of(rows), orders_of(rows, terms_of(rows, floor_units=30.0))
    assert plain.quantity[0] < 7 * 4.0 + 30.0 - 1.0
    assert floored.quantity[0] == pytest.approx(7 * 4.0 + 30.0, abs=1), "what is lost before it comes is not asked for"
    assert not plain.limits[0] & Limit.FLOOR
    assert floored.limits[0] & Limit.FLOOR


def test_a_floor_in_days_is_the_same_floor_and_a_low_one_changes_nothing() -> None:
    rows = rows_of(("A", "DC", ""), free=[20.0])
    plain, low = orders_of(rows), orders_of(rows, terms_of(rows, floor_days=0.25))
    by_days, by_units = (
        orders_of(rows, terms_of(rows, floor_days=10.0)),
        orders_of(rows, terms_of(rows, floor_units=40.0)),
    )
    assert by_days.quantity[0] == by_units.quantity[0] > plain.quantity[0] == low.quantity[0]
    assert low.limits[0] == plain.limits[0]


def test_a_floor_brings_about_an_order_where_the_target_is_met() -> None:
    rows = rows_of(("A", "DC", ""), free=[120.0])
    assert orders_of(rows).quantity[0] == 0
    made = orders_of(rows, terms_of(rows, floor_units=80.0))
    assert made.quantity[0] == 80 + 64 - 120
    assert made.limits[0] & Limit.FLOOR


def test_a_least_reorder_point_lifts_the_position_to_it_in_whole_lots_and_is_named() -> None:
    rows = rows_of(("A", "DC", ""), free=[100.0], order_multiple=[24.0])
    made = orders_of(rows, terms_of(rows, minimum_units=150.0))
    assert made.quantity[0] == 72
    assert made.limits[0] & Limit.LEAST_STOCK


def test_no_order_passes_the_most_stock_and_a_floor_gives_way_to_it() -> None:
    rows = rows_of(("A", "DC", ""), free=[50.0])
    for terms in (terms_of(rows, maximum_units=60.0), terms_of(rows, maximum_units=60.0, floor_units=60.0)):
        made = orders_of(rows, terms)
        assert made.quantity[0] == 10
        assert made.limits[0] & Limit.MAXIMUM


@pytest.mark.parametrize("feeds", [False, True])
def test_a_floor_holds_at_a_site_that_feeds_others(feeds: bool) -> None:
    places = (("A", "DC", ""), ("A", "N", "DC")) if feeds else (("A", "DC", ""),)
    rows = rows_of(*places, free=[60.0, 300.0][: len(places)])
    ways = {"N": (lane("DC", "N"),)} if feeds else {}
    plain, made = orders_of(rows, lanes=ways), orders_of(rows, terms_of(rows, floor_units=500.0), lanes=ways)
    assert made.quantity[0] > plain.quantity[0]
    assert made.limits[0] & Limit.FLOOR


def test_each_method_of_safety_stock_gives_the_level_of_its_own_formula() -> None:
    """Demand of 64 with a spread of 8 over sixteen days, of 28 with 28 over the review."""
    rows = rows_of(("A", "DC", ""), free=[50.0])
    level = {name: float(orders_of(rows, terms_of(rows, safety=name)).level[0]) for name in ("gamma", "normal")}
    gamma_at = stats.gamma(64.0**2 / 64.0, scale=1.0)
    assert level["gamma"] == pytest.approx(gamma_at.ppf(0.95), rel=0.05)
    assert level["normal"] == pytest.approx(stats.norm(64.0, 8.0).ppf(0.95), rel=0.05)
    dear = orders_of(replace(rows, margin=np.array([1000.0])), terms_of(rows, safety="newsvendor"))
    cheap = orders_of(replace(rows, margin=np.array([0.05])), terms_of(rows, safety="newsvendor"))
    ratio = 0.05 / (0.05 + 0.01 * 7)
    assert float(cheap.level[0]) == pytest.approx(gamma_at.ppf(ratio), rel=0.06)
    assert dear.quantity[0] > cheap.quantity[0]
    unknown = orders_of(replace(rows, margin=np.array([np.nan])), terms_of(rows, safety="newsvendor"))
    assert float(unknown.level[0]) == level["gamma"], "without a cost the target stands"


def test_a_reorder_point_segment_orders_an_economic_quantity() -> None:
    rows = rows_of(("A", "DC", ""), free=[60.0])
    point = orders_of(rows, terms_of(rows, method="reorder_point"))
    assert point.quantity[0] >= round(float(np.sqrt(2 * 20.0 * 4.0 / 0.01)))


def test_a_site_answers_for_what_it_feeds() -> None:
    places = (("A", "DC", ""), ("A", "N", "DC"), ("A", "S", "DC"))
    rows = rows_of(*places, free=[100.0, 10.0, 200.0])
    ways = {"N": (lane("DC", "N"),), "S": (lane("DC", "S"),)}
    made = orders_of(rows, lanes=ways)
    alone = orders_of(rows_of(("A", "DC", ""), free=[100.0]))
    assert made.parent.tolist() == [-1, 0, 0]
    assert made.quantity[1] > 0
    assert made.quantity[2] == 0
    assert made.position[0] == 100.0 - made.wanted[1]
    assert made.quantity[0] > alone.quantity[0] + made.quantity[1], "own demand, that of two stores, and today's claim"


def test_nobody_gives_more_than_there_is_and_takers_are_treated_alike() -> None:
    places = (("A", "DC", ""), ("A", "N", "DC"), ("A", "S", "DC"))
    rows = rows_of(*places, free=[60.0, 0.0, 0.0])
    ways = {"N": (lane("DC", "N", lot=2),), "S": (lane("DC", "S", lot=2),)}
    made = orders_of(rows, lanes=ways)
    assert 0 < made.quantity[1] + made.quantity[2] <= 60
    assert abs(int(made.quantity[1] - made.quantity[2])) <= 2
    assert (made.quantity[1:] % 2 == 0).all()
    assert (made.limits[1:] & Limit.RATIONING > 0).all()


def test_a_lane_carries_no_more_than_a_day_of_its_capacity() -> None:
    places = (("A", "DC", ""), ("A", "N", "DC"), ("B", "DC", ""), ("B", "N", "DC"))
    rows = rows_of(*places, free=[900.0, 0.0, 900.0, 0.0])
    made = orders_of(rows, lanes={"N": (lane("DC", "N", capacity_per_day=50.0),)})
    moved = made.quantity[[1, 3]]
    assert moved.sum() == 50
    assert (made.limits[[1, 3]] & Limit.CAPACITY > 0).all()


def test_money_goes_where_a_unit_avoids_most_and_who_gets_none_is_said() -> None:
    rows = rows_of(("A", "DC", ""), ("B", "DC", ""), free=[0.0, 0.0], margin=[100.0, 1.0], minimum_order=[30, 30])
    made = orders_of(rows, budgets={"DC": 500.0})
    assert (made.quantity * rows.price).sum() <= 500.0
    assert made.quantity[0] > 0
    assert made.quantity[1] == 0
    assert made.set_aside == {"needed, and no budget is left": 1}


def test_sites_that_feed_each_other_are_set_aside_not_followed_for_ever() -> None:
    rows = rows_of(("A", "N", "S"), ("A", "S", "N"), free=[0.0, 0.0])
    ways = {"N": (lane("S", "N"),), "S": (lane("N", "S"),)}
    assert orders_of(rows, lanes=ways).set_aside == {"sites feed each other": 2}


def test_what_cannot_be_worked_out_is_counted_with_its_reason() -> None:
    rows = rows_of(*(("A", f"S{at}", "") for at in range(4)), free=[0.0] * 4)
    rows = replace(rows, planned=np.array([False, True, True, True]), price=np.array([1.0, np.nan, 1.0, 1.0]))
    excepted = np.array([False, False, True, False])
    made = orders_of(rows, excepted=excepted)
    assert made.set_aside == {"an open case: the sweep decides": 1, "too little history": 1, "no supplier sells it": 1}
    assert orders_of(rows, terms_of(rows, method="none")).quantity.sum() == 0


def test_the_order_of_rows_does_not_matter() -> None:
    free = [0.0, 5.0, 40.0, 300.0, 12.0]
    rows = rows_of(*((f"I{at}", "DC", "") for at in range(5)), free=free)
    turned: IntArray = np.array([3, 0, 4, 1, 2], dtype=np.int64)
    moved: StockRows = take_rows(rows, turned)
    assert orders_of(moved).quantity.tolist() == orders_of(rows).quantity[turned].tolist()
