"""Stocking levels: textbook examples, the reorder point's own docstring, monotone service."""

import doctest
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optimizer.demand.moments
import optimizer.laws.lead_time_demand
import optimizer.laws.loss
import optimizer.options.flip
import optimizer.stocking.levels
import optimizer.stocking.newsvendor
from optimizer.laws.lead_time_demand import LeadTimeDemand, lead_time_demand_moments
from optimizer.stocking.levels import StockingLaw, reorder_point, stocking_levels, stocking_service
from optimizer.stocking.newsvendor import newsvendor_normal, newsvendor_poisson
from tests.optimizer.golden import golden


def a_demand(mean: float, variance: float) -> LeadTimeDemand:
    return LeadTimeDemand(np.array([mean]), np.array([variance]))


@pytest.mark.parametrize(
    "module",
    [
        optimizer.demand.moments,
        optimizer.options.flip,
        optimizer.laws.lead_time_demand,
        optimizer.laws.loss,
        optimizer.stocking.newsvendor,
        optimizer.stocking.levels,
    ],
    ids=lambda module: module.__name__,
)
def test_docstring_examples_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("case", ["B1", "B2"])
def test_newsvendor_with_normal_demand(case: str) -> None:
    given_, (level, cost) = golden("stocking", case)
    periods = given_.get("periods", 1)
    best = newsvendor_normal(
        given_["mean"] * periods, given_["sd"] * np.sqrt(periods), given_["holding_cost"], given_["penalty"]
    )
    assert float(best.order_up_to_level) == pytest.approx(level, rel=1e-8)
    assert float(best.expected_cost) == pytest.approx(cost, rel=1e-8)


def test_newsvendor_with_poisson_demand() -> None:
    given_, (level, cost) = golden("stocking", "B4")
    best = newsvendor_poisson([given_["mean"]], given_["holding_cost"], given_["penalty"])
    assert best.order_up_to_level[0] == level
    assert best.expected_cost[0] == pytest.approx(cost, rel=1e-8)


def test_newsvendor_refuses_a_free_side() -> None:
    with pytest.raises(ValueError, match="must be positive"):
        newsvendor_normal(50.0, 8.0, 0.0, 1.0)


@pytest.mark.parametrize("case", ["C1", "C2"])
def test_service_of_a_given_reorder_point(case: str) -> None:
    given_, answer = golden("stocking", case)
    demand = lead_time_demand_moments([given_["mean"]], [given_["sd"]], given_["lead_time"], 0.0)
    service = stocking_service(demand, given_["reorder_point"], given_["order_quantity"], law="normal")
    assert given_["reorder_point"] - demand.mean[0] == answer["ss"]
    assert service.cycle_service_level[0] == pytest.approx(answer["csl"], rel=1e-8)
    assert service.expected_short_per_cycle[0] == pytest.approx(answer["esc"], rel=1e-8)
    assert service.fill_rate[0] == pytest.approx(answer["fill"], rel=1e-8)


def test_safety_stock_for_a_fill_rate_with_normal_demand() -> None:
    given_, (_, safety_stock) = golden("stocking", "C3")
    demand = lead_time_demand_moments([given_["mean"]], [given_["sd"]], given_["lead_time"], 0.0)
    levels = stocking_levels(
        demand, order_quantity=given_["order_quantity"], fill_rate=given_["fill_rate"], law="normal"
    )
    assert levels.safety_stock[0] == pytest.approx(safety_stock, rel=1e-8)


def test_safety_stock_under_lead_time_uncertainty() -> None:
    given_, answer = golden("stocking", "C4")
    expected = [row[1] for row in answer]
    demand = lead_time_demand_moments(given_["mean"], given_["sd"], given_["lead_time"], given_["lead_time_sd"])
    target = given_["cycle_service_level"]
    levels = stocking_levels(demand, order_quantity=1.0, cycle_service_level=target, law="normal")
    np.testing.assert_allclose(levels.safety_stock, expected, rtol=1e-8)
    point = reorder_point(given_["mean"], given_["sd"], given_["lead_time"], given_["lead_time_sd"], target)
    np.testing.assert_allclose(point - demand.mean, expected, rtol=1e-8)


def test_reorder_point_for_a_fill_rate_with_gamma_demand() -> None:
    given_, answer = golden("stocking", "C6")
    demand = a_demand(given_["mean"], given_["variance"])
    levels = stocking_levels(demand, order_quantity=given_["order_quantity"], fill_rate=given_["fill_rate"])
    assert levels.reorder_point[0] == pytest.approx(answer, rel=1e-8)
    assert levels.order_up_to_level[0] == pytest.approx(answer + given_["order_quantity"], rel=1e-8)


def test_gamma_quantiles() -> None:
    given_, answer = golden("stocking", "C8")
    shape, scale = given_["shape"], given_["scale"]
    demand = LeadTimeDemand(np.full(4, shape * scale), np.full(4, shape * scale**2))
    levels = stocking_levels(demand, order_quantity=1.0, cycle_service_level=given_["cycle_service_level"])
    np.testing.assert_allclose(levels.reorder_point, answer, rtol=1e-8)


@given(
    mean=st.floats(0.01, 1e5),
    cv=st.floats(0.02, 4.0),
    quantity_share=st.floats(0.05, 20.0),
    fill_rate=st.floats(0.5, 0.9999),
    law=st.sampled_from(["gamma", "normal"]),
)
@settings(max_examples=150, deadline=None)
def test_a_fill_rate_asked_for_is_delivered(
    mean: float, cv: float, quantity_share: float, fill_rate: float, law: StockingLaw
) -> None:
    demand, quantity = a_demand(mean, (cv * mean) ** 2), mean * quantity_share
    levels = stocking_levels(demand, order_quantity=quantity, fill_rate=fill_rate, law=law)
    delivered = stocking_service(demand, levels.reorder_point, quantity, law=law).fill_rate[0]
    if levels.reorder_point[0] > 0.0:
        assert delivered == pytest.approx(fill_rate, abs=1e-7)
    else:
        assert delivered >= fill_rate - 1e-9


@given(mean=st.floats(0.1, 1e4), cv=st.floats(0.05, 3.0), point=st.floats(0.0, 3.0), more=st.floats(0.0, 2.0))
@settings(max_examples=100, deadline=None)
def test_more_safety_stock_never_lowers_service(mean: float, cv: float, point: float, more: float) -> None:
    demand = a_demand(mean, (cv * mean) ** 2)
    less_, more_ = (stocking_service(demand, mean * level, mean) for level in (point, point + more))
    assert more_.cycle_service_level[0] >= less_.cycle_service_level[0] - 1e-12
    assert more_.fill_rate[0] >= less_.fill_rate[0] - 1e-12


def test_no_demand_needs_no_stock_and_certain_demand_no_safety() -> None:
    demand = LeadTimeDemand(np.array([0.0, 70.0]), np.array([0.0, 0.0]))
    by_cycle = stocking_levels(demand, order_quantity=1.0, cycle_service_level=0.95)
    by_fill = stocking_levels(demand, order_quantity=1.0, fill_rate=0.99)
    for levels in (by_cycle, by_fill):
        assert levels.reorder_point[0] == 0.0
        assert levels.reorder_point[1] == pytest.approx(70.0, abs=0.011)


def test_targets_are_checked() -> None:
    demand = a_demand(10.0, 4.0)
    with pytest.raises(ValueError, match="exactly one"):
        stocking_levels(demand, order_quantity=1.0)
    with pytest.raises(ValueError, match="exactly one"):
        stocking_levels(demand, order_quantity=1.0, cycle_service_level=0.9, fill_rate=0.9)
    with pytest.raises(ValueError, match="cycle_service_level must be inside"):
        stocking_levels(demand, order_quantity=1.0, cycle_service_level=1.0)
    with pytest.raises(ValueError, match="order_quantity must be positive"):
        stocking_levels(demand, order_quantity=0.0, fill_rate=0.9)
    with pytest.raises(ValueError, match="must not be negative"):
        reorder_point([[-1.0]], [[1.0]], 1.0, 0.0, 0.9)
