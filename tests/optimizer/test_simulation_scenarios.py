"""What-ifs on the same draws: each does what it says, nothing else, and stands beside the run as it is."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from optimizer.simulation.network import simulate
from optimizer.simulation.planner import GivenOrders, OrderPolicy, Planner
from optimizer.simulation.scenarios import (
    AS_IT_IS,
    KINDS,
    CostChange,
    DemandSurge,
    LaneClosed,
    PartDeliveries,
    Scenario,
    ServiceTargetChanged,
    Setup,
    SiteShutdown,
    SupplierSlips,
    compare,
)
from optimizer.simulation.service import by_family, by_period, by_site, perfect_order_rate
from optimizer.simulation.world import Inbound
from tests.optimizer.simulation_worlds import Watching, levels, one_site, setup_of, three_sites

PAST = three_sites(seed=4)
"""Another draw of the same network: what a planner may have learned from."""


def _planner(setup: Setup) -> Planner:
    """Levels learned from the past, higher where more service is wanted."""
    policy = levels(PAST)
    lift = np.where(setup.cycle_service_level > 0.95, 1.5, 1.0)
    return OrderPolicy.min_max(policy.reorder_point * lift, policy.order_up_to_level * lift)


def _one(setup: Setup, scenario: Scenario) -> Setup:
    return scenario.applied(setup)


def test_a_scenario_that_changes_nothing_gives_the_same_numbers() -> None:
    setup = setup_of(three_sites())
    comparison = compare(setup, _planner, {"nothing": [DemandSurge(1.0, 0, 50)]}, group=by_site(3))
    assert comparison.names == (AS_IT_IS, "nothing")
    np.testing.assert_array_equal(comparison.figures.fill_rate[0], comparison.figures.fill_rate[1])


def test_the_draws_outside_a_scenario_stay_the_same() -> None:
    setup = setup_of(three_sites())
    surged = _one(setup, DemandSurge(2.0, 10, 20, sites=(1,), items=(3,))).world
    factor = surged.demand / np.where(setup.world.demand > 0.0, setup.world.demand, 1.0)
    touched = np.argwhere(factor == 2.0)
    assert {tuple(place[1:]) for place in touched} == {(1, 3)}
    assert touched[:, 0].min() >= 10
    assert touched[:, 0].max() < 20
    np.testing.assert_array_equal(surged.lead_time_days, setup.world.lead_time_days)


def test_every_disturbance_costs_service_and_a_higher_target_buys_it() -> None:
    setup = setup_of(three_sites())
    comparison = compare(
        setup,
        _planner,
        {
            "slip": [SupplierSlips(10, 20, 60)],
            "surge": [DemandSurge(1.6, 30, 60)],
            "shutdown": [SiteShutdown(0, 30, 45)],
            "lane": [LaneClosed(0, 30, 60)],
            "halves": [PartDeliveries(20, 80, 14)],
            "target": [ServiceTargetChanged(0.99)],
            "both": [SupplierSlips(10, 20, 60), DemandSurge(1.6, 30, 60)],
        },
    )
    fill = dict(zip(comparison.names, comparison.figures.fill_rate[:, 0], strict=True))
    for name in ("slip", "surge", "shutdown", "lane", "halves"):
        assert fill[name] < fill[AS_IT_IS], name
    assert fill["target"] > fill[AS_IT_IS]
    assert fill["both"] < min(fill["slip"], fill["surge"])
    value = dict(zip(comparison.names, comparison.figures.on_hand_value[:, 0], strict=True))
    assert value["target"] > value[AS_IT_IS]


def test_a_supplier_that_slips_delays_what_is_under_way_too() -> None:
    inbound = Inbound(np.array([0]), np.array([0]), np.array([5.0]), np.array([1]))
    setup = setup_of(one_site([0.0, 2.0, 2.0, 2.0], inbound=inbound))
    late = _one(setup, SupplierSlips(2, 0, 4)).world
    assert simulate(setup.world, GivenOrders(np.zeros((0, 1, 1)))).tally.lost.sum() == 1.0
    assert simulate(late, GivenOrders(np.zeros((0, 1, 1)))).tally.lost.sum() == 4.0


def test_a_supplier_that_slips_at_one_site_delivers_to_the_other_as_before() -> None:
    due = Inbound(np.array([0, 1, 1]), np.array([0, 0, 1]), np.array([5.0, 5.0, 5.0]), np.array([3, 3, 3]))
    before = replace(three_sites(), inbound=due)
    slipped = _one(setup_of(before), SupplierSlips(3, 2, 5, items=(0,), sites=(1,))).world
    later = np.zeros(before.shape, dtype=np.int64)
    later[2:5, 1, 0] = 3
    np.testing.assert_array_equal(slipped.lead_time_days, before.lead_time_days + later)
    assert slipped.inbound.due_day.tolist() == [3, 6, 3]


def test_a_closed_site_sells_nothing_and_what_comes_waits_outside() -> None:
    inbound = Inbound(np.array([0]), np.array([0]), np.array([5.0]), np.array([1]))
    setup = setup_of(one_site([1.0] * 5, opening=4.0, inbound=inbound))
    closed = _one(setup, SiteShutdown(0, 1, 3)).world
    outcome = simulate(closed, GivenOrders(np.zeros((0, 1, 1))), record_lines=True)
    assert outcome.complete[:, 0, 0].tolist() == [True, False, False, True, True]
    assert outcome.on_hand[0, 0] == 4.0 + 5.0 - 3.0


def test_half_deliveries_bring_the_other_half_later() -> None:
    halved = _one(setup_of(one_site([0.0] * 8, lead=1)), PartDeliveries(0, 8, 4)).world
    watching = Watching(GivenOrders(np.array([[[10.0]]])))
    simulate(halved, watching)
    assert [float(view.on_hand[0, 0]) for view in watching.seen] == [0.0, 5.0, 5.0, 5.0, 5.0, 10.0, 10.0, 10.0]


def test_a_cost_change_moves_money_and_no_unit() -> None:
    setup = setup_of(three_sites(40))
    figures = compare(setup, _planner, {"dear": [CostChange(3.0)]}).figures
    np.testing.assert_array_equal(figures.demand[0], figures.demand[1])
    np.testing.assert_allclose(figures.on_hand_value[1], 3.0 * figures.on_hand_value[0])
    np.testing.assert_array_equal(figures.average_on_hand[0], figures.average_on_hand[1])


def test_figures_by_site_family_and_month_each_sum_to_the_network() -> None:
    world = three_sites(90, 8, period=np.repeat([0, 1, 2], 30))
    family = by_family(np.array([0, 0, 1, 1, 1, 2, 2, 2]))
    for group in (by_site(3), by_period(3), family, by_site(3) * 9 + by_period(3) * 3 + family):
        figures = compare(setup_of(world), lambda s: levels(s.world), {"s": [SupplierSlips(5, 0, 90)]}, group=group)
        whole = compare(setup_of(world), lambda s: levels(s.world), {"s": [SupplierSlips(5, 0, 90)]})
        for name in ("demand", "lost_units", "orders", "transfers"):
            np.testing.assert_allclose(
                getattr(figures.figures, name).sum(axis=1), getattr(whole.figures, name)[:, 0], err_msg=name
            )


def test_common_draws_tell_a_small_change_from_chance() -> None:
    """5 % more stock, compared on the same draws, varies far less from draw to draw than on other draws."""
    together, apart = [], []
    for seed in range(12):
        rates = [_fill(seed, 1.0), _fill(seed, 1.05), _fill(seed + 100, 1.05)]
        together.append(rates[1] - rates[0])
        apart.append(rates[2] - rates[0])
    assert np.var(apart) > 20.0 * np.var(together)
    assert np.mean(together) > 0.0


def _fill(seed: int, lift: float) -> float:
    world, policy = three_sites(60, 12, seed=seed), levels(three_sites(60, 12, seed=999))
    tally = simulate(world, OrderPolicy.min_max(policy.reorder_point * lift, policy.order_up_to_level * lift)).tally
    return float(tally.served.sum() / tally.demand.sum())


def test_scenarios_are_stored_by_kind_and_come_back_the_same() -> None:
    scenario = DemandSurge(1.3, 5, 9, sites=(1, 2))
    assert KINDS[scenario.kind](**asdict(scenario)) == scenario
    assert len({kind.kind for kind in KINDS.values()}) == len(KINDS) == 7


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (SupplierSlips(-1, 0, 5), "days must not be negative, got -1"),
        (SupplierSlips(3, 5, 2), "first_day and end_day must be ascending days, got 5, 2"),
        (DemandSurge(float("nan"), 0, 5), "factor must be finite"),
        (DemandSurge(1.1, 0, 5, items=(99,)), r"items must be in 0..19, got 99"),
        (SiteShutdown(3, 0, 5), r"site must be in 0..2, got 3"),
        (LaneClosed(-1, 0, 5), r"lane must be in 0..3, got -1"),
        (ServiceTargetChanged(1.0), "cycle_service_level must be inside"),
        (PartDeliveries(0, 5, 0), "rest_after_days must be at least 1, got 0"),
        (PartDeliveries(0, 5, 3, share=1.5), "delivered_share must be in 0..1"),
        (CostChange(-2.0), "factor must be finite and not negative, got -2.0"),
    ],
)
def test_a_scenario_that_does_not_fit_is_refused_with_what_was_expected(scenario: Scenario, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scenario.applied(setup_of(three_sites(10)))


def test_an_order_is_perfect_only_with_all_its_lines() -> None:
    complete = np.array([True, False, True, True, False])
    wanted = np.array([True, True, True, True, False])
    assert perfect_order_rate(complete, wanted, np.array([0, 0, 1, 2, 2])) == pytest.approx(2.0 / 3.0)
    assert perfect_order_rate(complete, np.zeros(5, dtype=np.bool_), np.arange(5)) == 1.0
