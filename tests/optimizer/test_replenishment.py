"""The order a decision proposes, against enumeration, simulation and textbook values."""

import itertools
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.laws.loss import (
    negative_binomial_cdf,
    negative_binomial_quantile,
    poisson_loss,
)
from optimizer.replenishment.decision import decide
from optimizer.replenishment.lattice import level_factors, masses
from optimizer.replenishment.terms import Limit, ReplenishmentInput
from optimizer.stocking.newsvendor import newsvendor_poisson

Array = NDArray[np.float64]


def terms(mean: Any, **changes: Any) -> ReplenishmentInput:
    """Poisson demand, nothing on hand or under way, one unit left costs 1, one unit short 4."""
    path = np.atleast_2d(np.asarray(mean, dtype=np.float64))
    n, periods = path.shape
    review = int(changes.get("review_periods", 1))
    lead = periods - review
    one = np.ones(n)
    given: dict[str, Any] = {
        "demand_mean": path,
        "demand_variance": path.copy(),
        "level_cv": 0.0 * one,
        "on_hand": 0.0 * one,
        "inbound": np.zeros((n, lead + 1)),
        "holding_cost": one,
        "shortage_cost": 4.0 * one,
        "left_over_cost": 0.0 * one,
        "order_multiple": one,
        "minimum_order": 0.0 * one,
        "maximum_order": np.inf * one,
        "lead_periods": lead,
    }
    return ReplenishmentInput(**{**given, **changes})


def enumerated(pmfs: list[Array], on_hand: int, inbound: list[int], lead: int, order: int) -> tuple[float, float]:
    """Expected left and lost of a cycle of one period by adding up every path of demand."""
    left = lost = 0.0
    for path in itertools.product(*(range(len(p)) for p in pmfs)):
        weight = float(np.prod([p[d] for p, d in zip(pmfs, path, strict=True)]))
        stock = on_hand
        for j in range(lead):
            stock = max(stock + inbound[j] - path[j], 0)
        stock += inbound[lead] + order
        left += weight * max(stock - path[lead], 0)
        lost += weight * max(path[lead] - stock, 0)
    return left, lost


def test_without_lead_time_it_is_the_newsvendor_of_the_textbook() -> None:
    # Snyder & Shen, Example 4.7: Poisson 6, holding 1, shortage 4: level 8, cost 3.5701.
    answer = decide(terms([[6.0]]))
    book = newsvendor_poisson([6.0], 1.0, 4.0)
    assert answer.order_quantity[0] == book.order_up_to_level[0] == 8.0
    assert answer.expected_cost[0] == pytest.approx(3.57010694577094, rel=1e-9)


def test_stock_already_there_is_subtracted() -> None:
    answer = decide(terms([[6.0]], on_hand=np.array([3.0]), inbound=np.array([[2.0]])))
    assert answer.order_quantity[0] == 3.0
    assert answer.on_hand_at_arrival[0] == pytest.approx(5.0)


@pytest.mark.parametrize(("on_hand", "inbound"), [(0, [0, 0, 0]), (2, [1, 3, 0]), (5, [0, 1, 2])])
def test_lost_sales_before_arrival_equal_enumeration(on_hand: int, inbound: list[int]) -> None:
    mean = np.array([[1.2, 0.7, 1.5]])
    given = terms(mean, on_hand=np.array([float(on_hand)]), inbound=np.array([inbound], dtype=np.float64))
    pmfs = [masses(mean[0, j : j + 1], mean[0, j : j + 1], np.ones(1), 14, "count")[0] for j in range(3)]
    answer = decide(given)
    costs = []
    for order in range(8):
        left, lost = enumerated(pmfs, on_hand, inbound, 2, order)
        costs.append(left + 4.0 * lost)
    assert answer.order_quantity[0] == int(np.argmin(costs))
    assert answer.expected_cost[0] == pytest.approx(min(costs), abs=1e-7)


def test_stock_at_arrival_counts_what_was_lost_not_what_a_position_says() -> None:
    # Two units against mean 3 in each of two weeks: the position is minus four, the shelf is simply empty.
    answer = decide(terms([[3.0, 3.0, 3.0]], on_hand=np.array([2.0])))
    assert 0.0 <= answer.on_hand_at_arrival[0] < 0.05
    assert answer.short_before_arrival[0] == pytest.approx(float(poisson_loss(2.0, 6.0)), abs=0.05)
    backordered = decide(terms([[3.0, 3.0, 3.0]], on_hand=np.array([2.0]), unmet="backordered"))
    assert backordered.on_hand_at_arrival[0] == pytest.approx(-4.0, abs=1e-6)
    assert backordered.order_quantity[0] > answer.order_quantity[0]


def test_backordered_demand_is_ordered_up_to_over_lead_time_plus_review() -> None:
    # Poisson 2 a period over 3 periods is Poisson 6: level 8 as in the newsvendor, whatever is owed.
    for owed in (0.0, 5.0, 500.0):
        answer = decide(terms([[2.0, 2.0, 2.0]], on_hand=np.array([-owed]), unmet="backordered"))
        assert answer.order_quantity[0] == 8.0 + owed
        assert answer.expected_cost[0] == pytest.approx(3.57010694577094, rel=1e-6)


def test_a_cycle_service_level_is_reached_by_the_smallest_quantity() -> None:
    r, p = 2.5, 0.2
    mean, variance = r * (1 - p) / p, r * (1 - p) / p**2
    given = terms([[mean]], demand_variance=np.array([[variance]]), cycle_service_level=np.array([0.95]))
    # K1 of the reference cases: the 95 % quantile is 24.
    assert decide(given).order_quantity[0] == float(negative_binomial_quantile(0.95, r, p)) == 24.0
    assert decide(given).stockout_probability[0] == pytest.approx(
        1.0 - float(negative_binomial_cdf(24, r, p)), rel=1e-6
    )


def test_expectations_agree_with_simulation_under_a_shared_level() -> None:
    path = np.array([[1.0, 2.0, 1.5, 1.0]])
    given = terms(
        path,
        review_periods=2,
        demand_variance=path + 0.3 * path**2,
        level_cv=np.array([0.4]),
        on_hand=np.array([3.0]),
        inbound=np.array([[0.0, 2.0, 0.0]]),
    )
    answer = decide(given)
    random = np.random.default_rng(3)
    paths = 400_000
    # The level is uniform over the means of its four parts: the law the decision states, drawn.
    factor = level_factors(np.array([0.4]))[0][random.integers(4, size=paths)]
    stock, left = np.full(paths, 3.0), np.zeros(paths)
    for j, arriving in enumerate((0.0, 2.0)):
        rate = factor * path[0, j] * random.gamma(1 / 0.3, 0.3, paths)
        stock = np.maximum(stock + arriving - random.poisson(rate), 0.0)
        assert answer.projected_on_hand[0, j] == pytest.approx(stock.mean(), abs=0.01)
    stock += answer.order_quantity[0]
    lost = np.zeros(paths)
    for j in (2, 3):
        demand = random.poisson(factor * path[0, j] * random.gamma(1 / 0.3, 0.3, paths))
        lost += np.maximum(demand - stock, 0.0)
        stock = np.maximum(stock - demand, 0.0)
        left += stock
    assert answer.short[0] == pytest.approx(lost.mean(), abs=0.01)
    assert answer.expected_cost[0] == pytest.approx((left + 4.0 * lost).mean(), abs=0.06)


def test_the_parts_of_the_level_keep_its_mean_and_most_of_its_spread() -> None:
    factor = level_factors(np.array([0.0, 0.1, 0.5]))
    assert factor.mean(axis=1) == pytest.approx([1.0, 1.0, 1.0], abs=1e-12)
    assert factor[0] == pytest.approx(1.0)
    assert 0.8 < factor[2].std() / 0.5 < 1.0


def test_fast_movers_on_a_coarser_grid_agree_with_the_exact_law() -> None:
    mean, variance = 900.0, 900.0 + 0.1 * 900.0**2
    answer = decide(terms([[mean]], demand_variance=np.array([[variance]])))
    r, p = mean**2 / (variance - mean), mean / variance
    assert answer.order_quantity[0] == pytest.approx(float(negative_binomial_quantile(0.8, r, p)), rel=5e-3)


def test_lots_take_the_cheaper_neighbor_and_a_minimum_is_reached_or_left() -> None:
    lots = decide(terms([[6.0]], order_multiple=np.array([5.0])))
    assert lots.order_quantity[0] in (5.0, 10.0)
    assert lots.limited_by[0] == Limit.MULTIPLE
    at = {q: decide(terms([[6.0]], order_multiple=np.array([q]))).expected_cost[0] for q in (5.0, 10.0)}
    assert lots.expected_cost[0] == min(at.values())
    reached = decide(terms([[6.0]], minimum_order=np.array([12.0])))
    assert (reached.order_quantity[0], reached.limited_by[0]) == (12.0, Limit.MINIMUM)
    left = decide(terms([[6.0]], minimum_order=np.array([60.0])))
    assert (left.order_quantity[0], left.limited_by[0]) == (0.0, Limit.MINIMUM)
    capped = decide(terms([[6.0]], maximum_order=np.array([4.0])))
    assert (capped.order_quantity[0], capped.limited_by[0]) == (4.0, Limit.MAXIMUM)


def test_a_cost_of_what_is_left_over_lowers_the_order() -> None:
    plain = decide(terms([[6.0]])).order_quantity[0]
    assert decide(terms([[6.0]], left_over_cost=np.array([1.0]))).order_quantity[0] < plain


def test_dead_series_and_heaps_of_stock_order_nothing() -> None:
    dead = decide(terms([[0.0, 0.0]], on_hand=np.array([7.0])))
    assert dead.order_quantity[0] == 0.0
    assert (dead.on_hand_at_arrival[0], dead.left_over[0]) == pytest.approx((7.0, 7.0))
    heap = decide(terms([[2.0, 2.0]], on_hand=np.array([1e6])))
    assert heap.order_quantity[0] == 0.0
    assert heap.left_over[0] == pytest.approx(1e6 - 4.0, rel=1e-9)


def many(n: int = 40) -> ReplenishmentInput:
    random = np.random.default_rng(5)
    mean = random.gamma(0.7, 5.0, (n, 3)) * (random.random((n, 1)) < 0.9)
    mean[:3] *= 40.0
    return terms(
        mean,
        demand_variance=mean + 0.3 * mean**2,
        level_cv=random.random(n) * 0.4,
        on_hand=random.integers(0, 9, n).astype(float),
        inbound=random.integers(0, 5, (n, 3)).astype(float),
        order_multiple=random.integers(1, 4, n).astype(float),
    )


def rows_of(given: ReplenishmentInput, rows: NDArray[np.int64]) -> ReplenishmentInput:
    arrays = {f.name: getattr(given, f.name) for f in fields(given) if isinstance(getattr(given, f.name), np.ndarray)}
    return replace(given, **{name: array[rows] for name, array in arrays.items()})


def test_pitfall_determinism_rows_do_not_depend_on_each_other_or_on_their_order() -> None:
    given = many()
    whole = decide(given)
    order = np.random.default_rng(1).permutation(40)
    shuffled = decide(rows_of(given, order))
    alone = [decide(rows_of(given, np.array([i]))) for i in range(40)]
    for field in fields(whole):
        expected = getattr(whole, field.name)
        np.testing.assert_array_equal(getattr(shuffled, field.name), expected[order])
        np.testing.assert_array_equal(np.concatenate([getattr(a, field.name) for a in alone]), expected)


def test_scaling_the_unit_scales_a_continuous_decision() -> None:
    base = many()
    free = replace(base, law="gamma", order_multiple=np.zeros(40), demand_variance=0.4 * base.demand_mean**2)
    small = decide(free)
    units = 1000.0
    large = decide(
        replace(
            free,
            demand_mean=units * free.demand_mean,
            demand_variance=units**2 * free.demand_variance,
            on_hand=units * free.on_hand,
            inbound=units * free.inbound,
        )
    )
    np.testing.assert_allclose(large.order_quantity, units * small.order_quantity, rtol=1e-6, atol=1e-6)


def test_scaling_the_costs_leaves_the_order_unchanged() -> None:
    given = many()
    dear = replace(given, holding_cost=7.0 * given.holding_cost, shortage_cost=7.0 * given.shortage_cost)
    np.testing.assert_array_equal(decide(dear).order_quantity, decide(given).order_quantity)


def test_more_shortage_cost_never_lowers_an_order() -> None:
    given = many()
    dear = replace(given, shortage_cost=3.0 * given.shortage_cost)
    assert (decide(dear).unconstrained_quantity >= decide(given).unconstrained_quantity).all()


def test_pitfall_c_the_protection_interval_is_lead_time_plus_review() -> None:
    target = np.array([0.95])
    weekly = decide(terms([[2.0] * 3], unmet="backordered", cycle_service_level=target))
    monthly = decide(terms([[2.0] * 6], unmet="backordered", review_periods=4, cycle_service_level=target))
    # 95 % quantiles of Poisson 6 and 12: two and five periods of mean 2 beside the first.
    assert (weekly.order_quantity[0], monthly.order_quantity[0]) == (10.0, 18.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lead_periods": -1}, "lead_periods"),
        ({"law": "normal"}, "law"),
        ({"unmet": "kept"}, "unmet"),
        ({"on_hand": np.array([-1.0])}, "on_hand"),
        ({"shortage_cost": np.array([0.0])}, "shortage_cost"),
        ({"level_cv": np.array([3.0])}, "level_cv"),
        ({"cycle_service_level": np.array([0.9, 0.9])}, "cycle_service_level"),
    ],
)
def test_terms_without_meaning_are_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        terms([[1.0, 1.0]], **changes)
