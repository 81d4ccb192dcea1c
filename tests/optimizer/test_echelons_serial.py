"""Serial systems: published optima, independent recursions, simulation, and the edges others stumble over."""

import doctest
from types import ModuleType

import numpy as np
import pytest
from scipy.special import gammaln, ndtr

import optimizer.echelons.serial_normal
import optimizer.echelons.serial_poisson
from optimizer.arguments import FloatArray, IntArray
from optimizer.echelons.serial import SerialPolicy
from optimizer.echelons.serial_normal import serial_normal
from optimizer.echelons.serial_poisson import serial_poisson
from tests.optimizer.golden import golden

THREE = np.array([[3.0, 2.0, 2.0]])
PENALTY = 37.12


@pytest.mark.parametrize("module", [optimizer.echelons.serial_normal, optimizer.echelons.serial_poisson])
def test_docstring_examples_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_published_system_with_normal_demand() -> None:
    given, answer = golden("echelons", "X1")
    policy = serial_normal(
        [given["echelon_holding_cost"]],
        given["penalty"],
        [given["lead_time"]],
        given["demand_mean"],
        given["demand_sd"],
    )
    assert policy.expected_cost[0] == pytest.approx(answer["cost"], abs=1e-6)
    assert policy.echelon_base_stock[0] == pytest.approx(answer["S"], abs=1e-5)


@pytest.mark.parametrize("case", ["X5", "X7", "X9"])
def test_published_systems_with_poisson_demand(case: str) -> None:
    given, answer = golden("echelons", case)
    policy = serial_poisson(
        [given["echelon_holding_cost"]], given["penalty"], [given["lead_time"]], given["demand_rate"]
    )
    assert policy.echelon_base_stock[0].tolist() == answer["S"]
    assert policy.expected_cost[0] == pytest.approx(answer["cost"], abs=1e-6)


def recursion_on_a_grid(
    demand: list[tuple[FloatArray, FloatArray]], holding: FloatArray, penalty: float, levels: FloatArray
) -> tuple[list[float], float]:
    """Clark and Scarf by hand: cost tables on equidistant `levels`, demand as (values in steps, masses) per stage."""
    step = levels[1] - levels[0]
    total = penalty + holding.sum()
    below, best = total * np.maximum(-levels, 0.0), []
    for (steps, mass), cost in zip(demand, holding, strict=True):
        table = np.zeros(len(levels))
        for shift, weight in zip(steps.astype(int), mass, strict=True):
            source = np.clip(np.arange(len(levels)) - shift, 0, len(levels) - 1)
            table += weight * (cost * (levels - shift * step) + below[source])
        # The lowest entries have lost their left neighbors and are never used by the levels of interest.
        start = len(levels) // 3
        at = start + int(table[start:].argmin())
        best.append(float(levels[at]))
        below = np.where(np.arange(len(levels)) > at, table[at], table)
    return best, float(table[at])


@pytest.mark.parametrize("seed", range(6))
def test_poisson_systems_equal_a_recursion_written_from_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    holding, lead = rng.uniform(0.2, 2.0, 3), rng.choice([0.0, 0.5, 1.0, 2.0], 3)
    demand = []
    for time in lead:
        count = np.arange(60.0)
        mass = np.exp(count * np.log(max(3.0 * time, 1e-300)) - 3.0 * time - gammaln(count + 1.0))
        demand.append((count, mass))
    levels, cost = recursion_on_a_grid(demand, holding, 15.0, np.arange(-250.0, 60.0))
    policy = serial_poisson([holding], 15.0, [lead], 3.0)
    assert policy.echelon_base_stock[0].tolist() == levels
    assert policy.expected_cost[0] == pytest.approx(cost, abs=1e-8)


def test_normal_system_agrees_with_a_fine_grid() -> None:
    step = 0.02
    demand = []
    for time in (1.0, 0.5):
        steps = np.arange(np.round((5.0 * time - 8.0) / step), np.round((5.0 * time + 8.0) / step))
        edges = (step * (np.append(steps, steps[-1] + 1.0) - 0.5) - 5.0 * time) / np.sqrt(time)
        demand.append((steps, np.diff(ndtr(edges))))
    levels, cost = recursion_on_a_grid(demand, np.array([3.0, 2.0]), PENALTY, np.arange(-2000.0, 1000.0) * step)
    policy = serial_normal([[3.0, 2.0]], PENALTY, [[1.0, 0.5]], 5.0, 1.0)
    assert policy.echelon_base_stock[0] == pytest.approx(levels, abs=2.0 * step)
    assert policy.expected_cost[0] == pytest.approx(cost, abs=1e-3)


def test_twice_the_nodes_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    holding, lead = rng.uniform(0.2, 4.0, (8, 4)), rng.uniform(0.05, 6.0, (8, 4))
    coarse = serial_normal(holding, PENALTY, lead, 5.0, 2.0)
    monkeypatch.setattr(optimizer.echelons.serial_normal, "_FEWEST_NODES", 256)
    fine = serial_normal(holding, PENALTY, lead, 5.0, 2.0)
    assert coarse.expected_cost == pytest.approx(fine.expected_cost, rel=1e-10)
    assert coarse.echelon_base_stock == pytest.approx(fine.echelon_base_stock, rel=1e-9)


def test_one_stage_is_a_newsvendor() -> None:
    policy = serial_normal([[0.18]], 0.70, [[1.0]], 50.0, 8.0)
    assert policy.echelon_base_stock[0, 0] == pytest.approx(56.6039559274339)
    # The textbook's newsvendor pays penalty .70 per unit short and .18 per unit left, as here.
    assert policy.expected_cost[0] == pytest.approx(1.99760519317664)


def test_pitfall_e_lead_time_zero_is_a_lead_time() -> None:
    for place in range(3):
        lead = np.array([[1.0, 1.0, 2.0]])
        lead[0, place] = 0.0
        near = lead.copy()
        near[0, place] = 1e-2
        zero, small = (serial_normal(THREE, PENALTY, time, 5.0, 1.0) for time in (lead, near))
        # Four hundredths of the noise of a period remain: the root of two thousandths.
        assert small.expected_cost == pytest.approx(zero.expected_cost, rel=7e-2)
        assert small.expected_cost > zero.expected_cost
        counted, few = (serial_poisson(THREE, PENALTY, time, 5.0) for time in (lead, near))
        assert few.expected_cost == pytest.approx(counted.expected_cost, rel=7e-2)


def test_without_any_lead_time_nothing_is_held_and_nothing_is_paid() -> None:
    for policy in (
        serial_normal(THREE, PENALTY, np.zeros((1, 3)), 5.0, 1.0),
        serial_poisson(THREE, PENALTY, np.zeros((1, 3)), 5.0),
    ):
        assert policy.echelon_base_stock.tolist() == [[0.0, 0.0, 0.0]]
        assert policy.expected_cost.tolist() == [0.0]


def test_certain_demand_is_covered_exactly() -> None:
    policy = serial_normal(THREE, PENALTY, [[1.0, 1.0, 2.0]], 5.0, 0.0)
    assert policy.echelon_base_stock.tolist() == [[5.0, 10.0, 20.0]]
    # What remains is stock on its way: 2 + 2 on the first 5 units, 2 on the next 5.
    assert policy.expected_cost[0] == pytest.approx((2.0 + 2.0) * 5.0 + 2.0 * 5.0)


def test_pitfall_e_negative_normal_demand_is_solved_as_it_stands() -> None:
    # Demand enters as its mean plus noise, so the mean shifts levels by itself and the cost by the pipeline alone,
    # even where most of the law is below zero; a cut or folded law would break this.
    usual = serial_normal(THREE, PENALTY, [[1.0, 1.0, 2.0]], 50.0, 5.0)
    negative = serial_normal(THREE, PENALTY, [[1.0, 1.0, 2.0]], 0.5, 5.0)
    assert usual.echelon_base_stock - negative.echelon_base_stock == pytest.approx(49.5 * np.array([[1.0, 2.0, 4.0]]))
    assert usual.expected_cost - negative.expected_cost == pytest.approx(49.5 * (2.0 + 2.0 + 2.0))


def simulated_periodic_cost(levels: list[int], holding: list[float], penalty: float, lead: list[int]) -> FloatArray:
    """Mean cost per period of 300 paths: order, receive, sell, count; stage 2 counted before sales, as rule 2 says."""
    rng, periods, paths = np.random.default_rng(8), 1200, 300
    lower, upper = levels[0], levels[1] - levels[0]
    backlog_up = np.zeros(paths)
    stock = np.full(paths, float(lower))
    shelf = np.full(paths, float(upper))
    to_lower = [np.zeros(paths) for _ in range(lead[0])]
    to_upper = [np.zeros(paths) for _ in range(lead[1])]
    asked, cost = np.zeros(paths), np.zeros(paths)
    for period in range(periods):
        # Yesterday's demand is ordered at every stage; what arrives today can be sent on today.
        to_upper.append(asked)
        shelf = shelf + to_upper.pop(0)
        wanted = backlog_up + asked
        sent = np.minimum(shelf, wanted)
        shelf, backlog_up = shelf - sent, wanted - sent
        to_lower.append(sent)
        stock = stock + to_lower.pop(0)
        echelon = shelf + stock + sum(to_lower, np.zeros(paths))
        demand = rng.poisson(3.0, paths).astype(float)
        asked = demand
        stock = stock - demand
        if period >= 200:
            cost += holding[1] * echelon + holding[0] * stock + (penalty + sum(holding)) * np.maximum(-stock, 0.0)
    return cost / (periods - 200)


def test_pitfall_e_periodic_review_covers_one_period_more_than_continuous() -> None:
    holding, lead = [1.0, 0.5], [1, 2]
    continuous = serial_poisson([holding], 12.0, [lead], 3.0)
    periodic = serial_poisson([holding], 12.0, [lead], 3.0, review_period=1.0)
    longer = serial_poisson([holding], 12.0, [[2.0, 2.0]], 3.0)
    assert np.array_equal(periodic.echelon_base_stock, longer.echelon_base_stock)
    assert (periodic.echelon_base_stock > continuous.echelon_base_stock).all()
    levels = periodic.echelon_base_stock[0].astype(int).tolist()
    paths = simulated_periodic_cost(levels, holding, 12.0, lead)
    error = paths.std() / np.sqrt(len(paths))
    assert paths.mean() == pytest.approx(periodic.expected_cost[0], abs=4.0 * error)
    assert error < 0.01 * paths.mean()


def test_items_do_not_touch_each_other() -> None:
    rng = np.random.default_rng(4)
    holding, lead = rng.uniform(0.2, 4.0, (30, 3)), rng.choice([0.0, 0.1, 1.0, 4.0], (30, 3))
    penalty, mean = rng.uniform(5.0, 50.0, 30), rng.uniform(0.5, 9.0, 30)

    def normal(rows: IntArray) -> SerialPolicy:
        return serial_normal(holding[rows], penalty[rows], lead[rows], mean[rows], 0.4 * mean[rows])

    def poisson(rows: IntArray) -> SerialPolicy:
        return serial_poisson(holding[rows], penalty[rows], lead[rows], mean[rows])

    for solve in (normal, poisson):
        together = solve(np.arange(30))
        mixed = rng.permutation(30)
        for rows in (mixed, mixed[:7], mixed[:1]):
            apart = solve(rows)
            assert np.array_equal(apart.echelon_base_stock, together.echelon_base_stock[rows])
            assert np.array_equal(apart.expected_cost, together.expected_cost[rows])


def test_units_of_demand_and_money_only_scale_the_answer() -> None:
    policy = serial_normal(THREE, PENALTY, [[1.0, 1.0, 2.0]], 5.0, 1.0)
    scaled = serial_normal(4.0 * THREE, 4.0 * PENALTY, [[1.0, 1.0, 2.0]], 40.0, 8.0)
    assert np.array_equal(scaled.echelon_base_stock, 8.0 * policy.echelon_base_stock)
    assert np.array_equal(scaled.expected_cost, 32.0 * policy.expected_cost)


def test_lead_times_too_far_apart_are_refused_not_rounded() -> None:
    with pytest.raises(ValueError, match=r"lead_time must be such that 2048 nodes suffice .*\(0, 0\)"):
        serial_normal(THREE, PENALTY, [[1.0, 1e-6, 2.0]], 5.0, 1.0)


def test_no_items_give_no_levels() -> None:
    none = np.empty((0, 3))
    assert serial_normal(none, np.empty(0), none, np.empty(0), np.empty(0)).expected_cost.shape == (0,)
    assert serial_poisson(none, np.empty(0), none, np.empty(0)).expected_cost.shape == (0,)
