"""Depot and bases: the published model, enumeration by the exact law, simulation of waits."""

import doctest
from types import ModuleType

import numpy as np
import pytest

import optimizer.echelons.depot_and_bases
import optimizer.echelons.two_echelon
from optimizer.arguments import FloatArray
from optimizer.echelons.backorder_moments import BackorderLaw, backorder_moments
from optimizer.echelons.base_levels import levels_of_pipeline
from optimizer.echelons.depot_and_bases import DepotAndBases, Method, backorder_shares, network_backorders
from optimizer.echelons.two_echelon import two_echelon_stock
from optimizer.laws.demand_law import exceedance, expected_short
from tests.optimizer.golden import golden


def random_networks(items: int, bases: int, seed: int = 3) -> DepotAndBases:
    rng = np.random.default_rng(seed)
    return DepotAndBases(
        rng.uniform(0.02, 0.4, (items, bases)), rng.uniform(0.0, 4.0, (items, bases)), rng.uniform(1.0, 9.0, items)
    )


@pytest.mark.parametrize("module", [optimizer.echelons.depot_and_bases, optimizer.echelons.two_echelon])
def test_docstring_examples_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(("method", "key"), [("metric", "metric"), ("vari-metric", "vari_metric"), ("exact", "exact")])
def test_published_model(method: Method, key: str) -> None:
    given, answer = golden("echelons", "M1")
    network = DepotAndBases(
        np.array([given["demand_rate"]]), np.array([given["base_lead_time"]]), np.array([given["depot_lead_time"]])
    )
    found = network_backorders(network, [given["depot_stock"]], [given["base_stock"]], method=method)
    assert found.depot[0] == pytest.approx(answer["depot_EBO"], rel=1e-8)
    assert found.depot_wait[0] == pytest.approx(answer["wait"], rel=1e-8)
    assert found.base[0] == pytest.approx(answer[key], rel=1e-8)


def test_plain_metric_understates_backorders() -> None:
    network = random_networks(40, 3)
    stock, levels = np.rint(network.depot_mean), np.ones((40, 3))
    metric, vari, exact = (
        network_backorders(network, stock, levels, method=method).base.sum(axis=1)
        for method in ("metric", "vari-metric", "exact")
    )
    assert (metric < exact).all()
    assert (np.abs(vari - exact) < np.abs(metric - exact)).all()


def test_exact_backorders_agree_with_a_simulation_of_the_shares() -> None:
    network = DepotAndBases(np.array([[0.3, 0.1]]), np.array([[2.0, 5.0]]), np.array([10.0]))
    rng, runs = np.random.default_rng(5), 400_000
    owed = np.maximum(rng.poisson(4.0, runs) - 3, 0)
    first = rng.binomial(owed, 0.75)
    short = np.stack(
        [np.maximum(first + rng.poisson(0.6, runs) - 1, 0), np.maximum(owed - first + rng.poisson(0.5, runs) - 1, 0)]
    )
    exact = network_backorders(network, [3], [[1, 1]], method="exact").base[0]
    assert np.abs(short.mean(axis=1) - exact).max() < 4.0 * short.std(axis=1).max() / np.sqrt(runs)


def test_shares_of_the_depots_debt_add_up_to_it() -> None:
    network = random_networks(6, 3)
    stock = np.floor(network.depot_mean)
    shares = backorder_shares(network.depot_mean[:, None], stock[:, None], network.share)
    assert shares.sum(axis=0) == pytest.approx(1.0, abs=1e-13)
    units = np.arange(len(shares))[:, None, None]
    depot = backorder_moments(stock, network.depot_mean, network.depot_mean, "count").expected
    assert (units * shares).sum(axis=(0, 2)) == pytest.approx(depot, rel=1e-10)
    few = backorder_shares(network.depot_mean[:, None], stock[:, None], network.share, 4)
    assert np.array_equal(few, shares[:4])


@pytest.mark.parametrize("law", ["gamma", "count"])
def test_backorder_moments_agree_with_the_law_summed_up(law: BackorderLaw) -> None:
    for mean, variance, level in ((4.0, 4.0, 3.0), (4.0, 9.0, 6.0), (0.3, 0.5, 2.0), (20.0, 30.0, 20.0)):
        step = 1.0 if law == "count" else 1e-3
        grid: FloatArray = np.arange(int(200.0 / step), dtype=np.float64) * step + level
        beyond = exceedance(grid, np.full_like(grid, mean), np.full_like(grid, variance), law)
        # E[B] is the sum of P(X > x) from the level up, E[B^2] that of P weighted by 2(x - s) (+1 for counts).
        weight = 2.0 * (grid - level) + (1.0 if law == "count" else step)
        first, second = step * beyond.sum(), step * (weight * beyond).sum()
        found = backorder_moments(np.array([level]), np.array([mean]), np.array([variance]), law)
        assert found.expected[0] == pytest.approx(first, rel=2e-3 if law == "gamma" else 1e-9)
        assert found.variance[0] == pytest.approx(second - first**2, rel=2e-3 if law == "gamma" else 1e-9)


def test_marginal_analysis_finds_the_quantile_of_the_law() -> None:
    rng = np.random.default_rng(6)
    mean = rng.uniform(0.0, 30.0, 300)
    variance = mean * np.where(rng.random(300) < 0.3, 1.0, rng.uniform(1.0, 4.0, 300))
    tail = rng.uniform(1e-6, 0.5, 300)
    best = levels_of_pipeline(mean, variance, tail)
    assert (exceedance(best.level, mean, variance, "count") <= tail * (1.0 + 1e-6)).all()
    some = best.level > 0.0
    assert (exceedance(best.level - 1.0, mean, variance, "count")[some] > tail[some]).all()
    assert best.expected_backorders == pytest.approx(expected_short(best.level, mean, variance, "count"), abs=1e-10)


def exact_cost(network: DepotAndBases, depot: int, levels: FloatArray, owed: float) -> float:
    found = network_backorders(network, [depot], levels, method="exact")
    mean = network.lane_mean + network.share * found.depot
    on_hand = (levels - mean + found.base).sum() * 1.2
    return float(depot - network.depot_mean[0] + found.depot[0] + on_hand + owed * found.base.sum())


@pytest.mark.parametrize("seed", range(8))
def test_the_confirmed_winner_is_within_a_hair_of_the_best_of_all_plans(seed: int) -> None:
    network = random_networks(1, 2, seed)
    best = two_echelon_stock(network, 1.0, 1.2, 25.0)
    own = exact_cost(network, int(best.depot_stock[0]), best.base_stock, 25.0)
    assert best.cost[0] == pytest.approx(own, rel=1e-9)
    # Bases do not touch each other once the depot's level is set, so all plans are tried base by base.
    plans = []
    for depot in range(14):
        found = [network_backorders(network, [depot], [[level, level]], method="exact") for level in range(9)]
        mean = (network.lane_mean + network.share * found[0].depot)[0]
        priced = [1.2 * (level - mean + at.base[0]) + 25.0 * at.base[0] for level, at in enumerate(found)]
        plans.append(depot - network.depot_mean[0] + found[0].depot[0] + np.min(priced, axis=0).sum())
    assert best.cost[0] <= min(plans) * 1.002
    assert best.cost[0] >= min(plans) * (1.0 - 1e-9)


def test_parts_of_the_price_sum_to_the_whole() -> None:
    best = two_echelon_stock(random_networks(20, 4), 1.0, 1.2, 30.0)
    assert np.array_equal(best.cost, best.holding_at_depot + best.holding_at_bases + best.backorders)
    assert (np.abs(best.searched_cost / best.cost - 1.0) < 0.05).all()


def test_a_dearer_backorder_never_lowers_the_level_of_a_base_at_one_depot_level() -> None:
    mean = np.full(50, 3.0)
    levels = levels_of_pipeline(mean, 1.5 * mean, 1.0 / (1.0 + np.linspace(1.0, 500.0, 50))).level
    assert (np.diff(levels) >= 0.0).all()


def test_items_do_not_touch_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_networks(30, 3)
    together = two_echelon_stock(network, 1.0, 1.2, 30.0)
    mixed = np.random.default_rng(1).permutation(30)
    other = DepotAndBases(network.demand_rate[mixed], network.base_lead_time[mixed], network.depot_lead_time[mixed])
    permuted = two_echelon_stock(other, 1.0, 1.2, 30.0)
    monkeypatch.setattr(optimizer.echelons.two_echelon, "_CELLS", 1)
    alone = two_echelon_stock(network, 1.0, 1.2, 30.0)
    for name in ("depot_stock", "base_stock", "cost", "searched_cost", "confirmed"):
        assert np.array_equal(getattr(together, name), getattr(alone, name))
        assert np.array_equal(getattr(together, name)[mixed], getattr(permuted, name))


def test_costs_scale_the_price_and_leave_the_plan() -> None:
    network = random_networks(10, 3)
    once, eight = (two_echelon_stock(network, unit, 1.25 * unit, 32.0 * unit) for unit in (1.0, 8.0))
    assert np.array_equal(once.base_stock, eight.base_stock)
    assert np.array_equal(8.0 * once.cost, eight.cost)


def test_pipelines_beyond_the_recursion_are_refused() -> None:
    with pytest.raises(ValueError, match=r"depot_lead_time must be such that at most 700 units wait, at index \(0,\)"):
        DepotAndBases(np.array([[100.0]]), np.array([[1.0]]), np.array([10.0]))


def test_a_base_without_demand_gets_no_stock() -> None:
    network = DepotAndBases(np.array([[0.2, 0.0]]), np.array([[2.0, 2.0]]), np.array([6.0]))
    assert two_echelon_stock(network, 1.0, 1.0, 20.0).base_stock[0, 1] == 0.0
