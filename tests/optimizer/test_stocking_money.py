"""Order quantities under their rules, money spread over items, and what a point of service costs."""

import doctest
import itertools
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri

import optimizer.stocking.curve
import optimizer.stocking.order_quantity
from optimizer.laws.demand_law import DemandLaw, exceedance, expected_short
from optimizer.laws.lead_time_demand import LeadTimeDemand
from optimizer.stocking.budget import levels_within_budget, lots_within_budget
from optimizer.stocking.curve import best_service_curve, cost_service_curve
from optimizer.stocking.fill_rate import fill_rate_one_cycle
from optimizer.stocking.levels import stocking_levels
from optimizer.stocking.order_quantity import Binding, order_quantities, shelf_life_limit


@pytest.mark.parametrize("module", [optimizer.stocking.curve, optimizer.stocking.order_quantity])
def test_docstring_examples_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    ("position", "minimum", "multiple", "limit", "quantity", "binding"),
    [
        (30.0, 0.0, 0.0, np.inf, 0.0, Binding.NO_NEED),
        (20.0, 0.0, 0.0, np.inf, 35.0, Binding.NEED),
        (20.0, 50.0, 0.0, np.inf, 50.0, Binding.MINIMUM),
        (20.0, 0.0, 12.0, np.inf, 36.0, Binding.MULTIPLE),
        (20.0, 50.0, 12.0, np.inf, 60.0, Binding.MULTIPLE),
        (20.0, 0.0, 12.0, 30.0, 24.0, Binding.LIMIT),
        (20.0, 50.0, 0.0, 40.0, 0.0, Binding.CONFLICT),
        (20.0, 0.0, 12.0, 5.0, 0.0, Binding.CONFLICT),
        (-5.0, 0.0, 10.0, np.inf, 60.0, Binding.NEED),
    ],
)
def test_an_order_says_which_rule_decided_it(
    position: float, minimum: float, multiple: float, limit: float, quantity: float, binding: Binding
) -> None:
    order = order_quantities([position], 20.0, 55.0, minimum, multiple, limit)
    assert (order.quantity[0], order.binding[0]) == (quantity, binding)


def test_a_need_that_is_a_multiple_but_for_rounding_is_not_rounded_up() -> None:
    order = order_quantities([0.0], 0.1, 0.1 + 0.2, multiple=0.1)
    assert order.quantity[0] == pytest.approx(0.3)


def test_shelf_life_caps_the_order_at_what_sells_in_time() -> None:
    cap = shelf_life_limit([20.0, 500.0], [100.0, 100.0], [400.0, 400.0], 0.05, law="normal")
    np.testing.assert_allclose(cap, [100.0 - 20.0 * -ndtri(0.05) - 20.0, 0.0])


def a_class(n: int = 60) -> dict[str, Any]:
    rng = np.random.default_rng(21)
    mean = np.exp(rng.normal(3.0, 1.0, n))
    return {
        "demand_mean": mean,
        "demand_variance": (mean * rng.uniform(0.3, 1.2, n)) ** 2,
        "order_quantity": mean * rng.uniform(0.5, 3.0, n),
        "unit_cost": np.exp(rng.normal(1.0, 1.0, n)),
        "units_per_period": mean * 12.0,
    }


def test_no_shift_of_money_between_two_items_lowers_the_shortage() -> None:
    rng = np.random.default_rng(22)
    n, budget = 30, 2_000.0
    mean, cost, weight = rng.uniform(5, 60, n), rng.uniform(0.5, 8.0, n), rng.uniform(1, 20, n)
    variance = (mean * rng.uniform(0.2, 1.0, n)) ** 2
    best = levels_within_budget(mean, variance, cost, weight, budget)
    assert best.spent == pytest.approx(budget, rel=1e-9)
    assert best.spent <= budget * (1.0 + 1e-12)
    worth_of_money = weight * exceedance(best.level, mean, variance, "gamma") / cost
    stocked = best.level > 0.0
    np.testing.assert_allclose(worth_of_money[stocked], best.price, rtol=1e-4)
    assert (worth_of_money[~stocked] <= best.price * (1.0 + 1e-9)).all()
    for _ in range(50):
        move = rng.normal(0.0, 1.0, n)
        move -= move @ cost / (cost @ cost) * cost
        other = np.maximum(best.level + move, 0.0)
        other *= min(budget / (cost @ other), 1.0)
        assert weight @ expected_short(other, mean, variance, "gamma") >= best.weighted_short - 1e-9


def test_money_beyond_every_need_stays_unspent_and_too_little_for_the_floors_is_refused() -> None:
    rich = levels_within_budget([10.0, 0.0], [9.0, 0.0], 2.0, [5.0, 0.0], 1e6, law="normal", floor=[0.0, 3.0])
    assert rich.price == 0.0
    np.testing.assert_allclose(rich.level, [10.0 + 3.0 * ndtri(0.9999), 3.0])
    none = levels_within_budget([10.0], [9.0], 2.0, 5.0, 0.0)
    assert none.level.tolist() == [0.0]
    with pytest.raises(ValueError, match="budget must cover the floors"):
        levels_within_budget([10.0], [9.0], 2.0, 5.0, 10.0, floor=6.0)


def test_money_is_spread_alike_whatever_the_order_of_the_items() -> None:
    items = a_class()
    weight = np.linspace(1.0, 4.0, 60)
    order = np.random.default_rng(0).permutation(60)
    mean, variance, cost = items["demand_mean"], items["demand_variance"], items["unit_cost"]
    there = levels_within_budget(mean, variance, cost, weight, 3_000.0)
    back = levels_within_budget(mean[order], variance[order], cost[order], weight[order], 3_000.0)
    np.testing.assert_array_equal(back.level, there.level[order])
    assert back.spent == there.spent


@pytest.mark.parametrize("law", ["gamma", "count"])
def test_lots_within_budget_against_brute_force(law: DemandLaw) -> None:
    rng = np.random.default_rng(23)
    for _ in range(25):
        n, most = 4, 3
        mean, position = rng.uniform(1, 12, n), rng.uniform(-2, 8, n)
        variance = mean * rng.uniform(1.0, 4.0, n)
        cost, weight, lot = rng.uniform(1, 5, n), rng.uniform(1, 9, n), rng.integers(1, 6, n).astype(float)
        budget = rng.uniform(5, 80)
        found = lots_within_budget(position, mean, variance, cost, weight, lot, budget, most_lots=most, law=law)
        before = weight @ expected_short(position, mean, variance, law)
        best = 0.0
        for lots in itertools.product(range(most + 1), repeat=n):
            count = np.array(lots, dtype=np.float64)
            if (cost * lot) @ count <= budget * (1.0 + 1e-12):
                best = max(best, float(before - weight @ expected_short(position + count * lot, mean, variance, law)))
        own = before - weight @ expected_short(position + found.lots * lot, mean, variance, law)
        assert found.worth == pytest.approx(own, abs=1e-9)
        assert found.spent <= budget * (1.0 + 1e-12)
        assert best <= found.bound + 1e-9
        one_lot = (weight * lot).max()
        assert best - 1e-9 <= found.worth + one_lot
        assert found.worth >= 0.75 * best


def test_lots_are_taken_to_the_last_when_money_suffices() -> None:
    found = lots_within_budget([0.0], [10.0], [10.0], 1.0, 2.0, 5.0, 1e6, most_lots=3)
    assert found.lots.tolist() == [3]
    assert found.worth == pytest.approx(found.bound)
    assert lots_within_budget([0.0], [10.0], [10.0], 1.0, 2.0, 5.0, 0.0, most_lots=3).lots.tolist() == [0]


def test_the_curve_of_one_normal_item_is_its_textbook_formula() -> None:
    curve = cost_service_curve([100.0], [900.0], 200.0, 5.0, 1.0, [0.97, 0.98], 0.2, law="normal")
    z = ndtri(np.array([0.97, 0.98]))
    short = 30.0 * (np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi) - z * np.array([0.03, 0.02]))
    np.testing.assert_allclose(curve.capital, 5.0 * (30.0 * z + short + 100.0), rtol=1e-10)
    np.testing.assert_allclose(curve.fill_rate, 1.0 - short / 200.0, rtol=1e-12)
    per_point = 0.2 * np.diff(curve.capital) / (100.0 * np.diff(curve.fill_rate))
    np.testing.assert_allclose(curve.carrying_cost_per_point, per_point)


def test_each_further_point_of_service_costs_more_than_the_last() -> None:
    targets = np.array([0.90, 0.92, 0.94, 0.96, 0.98, 0.99])
    curve = cost_service_curve(**a_class(), targets=targets, carrying_rate=0.25, measure="fill_rate")
    np.testing.assert_allclose(curve.fill_rate, targets, atol=2e-3)
    assert (np.diff(curve.carrying_cost_per_point) > 0.0).all()


def test_the_same_money_buys_more_when_it_may_move_between_items() -> None:
    items = a_class()
    flat = cost_service_curve(**items, targets=[0.90, 0.95, 0.98], carrying_rate=0.25)
    demand = LeadTimeDemand(items["demand_mean"], items["demand_variance"])
    for target, fill in zip([0.90, 0.95, 0.98], flat.fill_rate, strict=True):
        levels = stocking_levels(demand, order_quantity=items["order_quantity"], cycle_service_level=target)
        money = float(items["unit_cost"] @ levels.reorder_point)
        best = best_service_curve(**items, budgets=[money], carrying_rate=0.25)
        assert best.fill_rate[0] > fill
        own = fill_rate_one_cycle(demand, levels.reorder_point, items["order_quantity"])
        assert np.average(own, weights=items["units_per_period"]) == pytest.approx(fill, abs=1e-9)


def test_a_class_without_demand_is_served_whole() -> None:
    curve = cost_service_curve([0.0], [0.0], 1.0, 5.0, 0.0, [0.95], 0.2)
    assert (curve.fill_rate[0], curve.capital[0]) == (1.0, 2.5)
