"""Ordering policies: textbook answers, brute force on small instances, and simulation of both fill rates."""

import doctest
import itertools
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from scipy.special import gammaln, ndtr

import optimizer.stocking.economic_order
import optimizer.stocking.lot_sizing
from optimizer.arguments import FloatArray
from optimizer.laws.demand_law import DemandLaw
from optimizer.laws.lead_time_demand import LeadTimeDemand, lead_time_demand_moments
from optimizer.laws.loss import poisson_loss, standard_normal_loss, standard_normal_loss_second_order
from optimizer.stocking.economic_order import economic_order, economic_order_backorders, economic_order_discounts
from optimizer.stocking.fill_rate import FillRateForm, fill_rate_exact, fill_rate_one_cycle, reorder_point_for_fill_rate
from optimizer.stocking.levels import stocking_levels, stocking_service
from optimizer.stocking.lot_sizing import lot_sizes
from optimizer.stocking.newsvendor import newsvendor, newsvendor_normal, newsvendor_poisson
from optimizer.stocking.order_up_to import order_up_to_poisson
from optimizer.stocking.reorder_poisson import reorder_poisson
from optimizer.stocking.reorder_quantity import ReorderPolicy, reorder_eil, reorder_eoqb, reorder_eoqss, reorder_loss
from tests.optimizer.golden import golden


@pytest.mark.parametrize("module", [optimizer.stocking.economic_order, optimizer.stocking.lot_sizing])
def test_docstring_examples_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    ("case", "policy"),
    [("EIL", reorder_eil), ("EOQB", reorder_eoqb), ("EOQSS", reorder_eoqss), ("loss", reorder_loss)],
)
def test_reorder_approximations_equal_the_textbook(case: str, policy: Callable[..., ReorderPolicy]) -> None:
    given_, answers = golden("stocking", "R3")
    answer = answers[case]
    found = policy(
        given_["holding_cost"],
        given_["penalty"],
        given_["fixed_cost"],
        given_["rate"],
        given_["sd"],
        given_["lead_time"],
    )
    assert found.reorder_point[0] == pytest.approx(answer["r"], abs=1e-6)
    assert found.order_quantity[0] == pytest.approx(answer["Q"], abs=1e-6)
    if "cost" in answer:
        assert found.cost_rate[0] == pytest.approx(answer["cost"], rel=1e-6)


def test_reorder_poisson_equals_the_textbook() -> None:
    given_, answer = golden("stocking", "R1")
    found = reorder_poisson(
        given_["holding_cost"], given_["penalty"], given_["fixed_cost"], given_["rate"], given_["lead_time"]
    )
    assert (found.reorder_point[0], found.order_quantity[0]) == (answer["r"], answer["Q"])
    assert found.cost_rate[0] == pytest.approx(answer["cost"], abs=1e-7)


def test_reorder_poisson_equals_brute_force() -> None:
    rng = np.random.default_rng(3)
    n = 40
    holding, penalty = rng.uniform(0.5, 3.0, n), rng.uniform(1.0, 40.0, n)
    fixed, rate, lead = rng.uniform(0.0, 60.0, n), rng.uniform(0.05, 4.0, n), rng.uniform(0.0, 3.0, n)
    found = reorder_poisson(holding, penalty, fixed, rate, lead)
    levels = np.arange(-80.0, 120.0)
    for i in range(n):
        mean = rate[i] * lead[i]
        stand = holding[i] * (levels - mean) + (holding[i] + penalty[i]) * poisson_loss(levels, mean)
        running = np.concatenate([[0.0], np.cumsum(stand)])
        least = min(
            ((fixed[i] * rate[i] + running[q:] - running[:-q]) / q).min()  # every window of q levels
            for q in range(1, 100)
        )
        assert found.cost_rate[i] == pytest.approx(least, rel=1e-10)
        low = int(found.reorder_point[i] + 81)
        size = int(found.order_quantity[i])
        own = (fixed[i] * rate[i] + stand[low : low + size].sum()) / size
        assert own == pytest.approx(least, rel=1e-9)


@pytest.mark.parametrize(("holding", "penalty"), [(0.1, 9.0), (1.0, 1.0), (50.0, 0.5)])
def test_reorder_loss_meets_both_of_its_equations_even_where_backorders_are_cheap(
    holding: float, penalty: float
) -> None:
    fixed, rate, mean, sd = 20.0, 400.0, 100.0, 30.0
    found = reorder_loss(holding, penalty, fixed, [rate], 60.0, 0.25)
    quantity, z = found.order_quantity[0], (found.reorder_point[0] - mean) / sd
    assert (holding + penalty) * sd * standard_normal_loss(z) == pytest.approx(holding * quantity, rel=1e-8)
    wanted = fixed * rate + (holding + penalty) * sd**2 * standard_normal_loss_second_order(z)
    assert holding * quantity**2 == pytest.approx(2.0 * wanted, rel=1e-8)


@pytest.mark.parametrize("policy", [reorder_eoqb, reorder_eoqss, reorder_loss])
def test_the_cost_of_a_reorder_policy_is_the_mean_over_its_positions(policy: Callable[..., ReorderPolicy]) -> None:
    found = policy(1.0, 9.0, 20.0, [400.0], 60.0, 0.25)
    quantity = found.order_quantity[0]
    position = found.reorder_point[0] + quantity * (np.arange(20_000) + 0.5) / 20_000
    standing = (position - 100.0) + 10.0 * 30.0 * standard_normal_loss((position - 100.0) / 30.0)
    assert found.cost_rate[0] == pytest.approx(20.0 * 400.0 / quantity + standing.mean(), rel=1e-6)


@pytest.mark.parametrize("case", ["S1", "S3o"])
def test_order_up_to_poisson_equals_the_published_table(case: str) -> None:
    given_, answer = golden("stocking", case)
    found = order_up_to_poisson(given_["holding_cost"], given_["penalty"], given_["fixed_cost"], given_["mean"])
    np.testing.assert_array_equal(found.reorder_point, np.atleast_1d(answer["s"]))
    np.testing.assert_array_equal(found.order_up_to_level, np.atleast_1d(answer["S"]))
    np.testing.assert_allclose(found.cost_rate, np.atleast_1d(answer["cost"]), atol=1e-6)


def _order_up_to_cost(s: int, top: int, mean: float, period: FloatArray, low: int, fixed: float) -> float:
    """Stationary cost of (s, S) from the Markov chain of the position after ordering, states s + 1 .. S."""
    size = top - s
    down = np.arange(size)
    law = np.exp(down * np.log(mean) - mean - gammaln(down + 1.0))
    # State j is j units below S; a demand past the last state orders back to 0.
    move = np.array([[law[k - j] if k >= j else 0.0 for k in range(size)] for j in range(size)])
    order = 1.0 - move.sum(axis=1)
    move[:, 0] += order
    system = np.vstack([(move.T - np.eye(size))[1:], np.ones(size)])
    share = np.linalg.solve(system, np.append(np.zeros(size - 1), 1.0))
    costs = period[[top - j - low for j in range(size)]]
    return float(share @ (costs + fixed * order))


@pytest.mark.parametrize(
    ("mean", "fixed", "penalty", "lead"), [(1.3, 6.0, 3.0, 0), (0.4, 10.0, 8.0, 2), (3.0, 0.0, 4.0, 1)]
)
def test_order_up_to_poisson_equals_brute_force(mean: float, fixed: float, penalty: float, lead: int) -> None:
    low, high = -12, 22
    levels = np.arange(low, high, dtype=np.float64)
    covered = mean * (lead + 1)
    period = (levels - covered) + (1.0 + penalty) * poisson_loss(levels, covered)
    least = min(
        _order_up_to_cost(s, top, mean, period, low, fixed)
        for s in range(low, high - 1)
        for top in range(max(s + 1, 0), high)
    )
    found = order_up_to_poisson(1.0, penalty, fixed, [mean], float(lead))
    assert found.cost_rate[0] == pytest.approx(least, rel=1e-9)
    own = _order_up_to_cost(int(found.reorder_point[0]), int(found.order_up_to_level[0]), mean, period, low, fixed)
    assert own == pytest.approx(least, rel=1e-9)


def test_order_up_to_answers_depend_on_their_own_item_alone() -> None:
    mean = np.random.default_rng(8).uniform(0.0, 60.0, 60)
    mean[7] = 0.0
    whole = order_up_to_poisson(1.0, 9.0, 64.0, mean)
    for rows in (np.arange(59, -1, -1), np.array([7]), np.array([3, 50])):
        part = order_up_to_poisson(1.0, 9.0, 64.0, mean[rows])
        np.testing.assert_array_equal(part.reorder_point, whole.reorder_point[rows])
        np.testing.assert_array_equal(part.order_up_to_level, whole.order_up_to_level[rows])
        np.testing.assert_array_equal(part.cost_rate, whole.cost_rate[rows])
    assert (whole.reorder_point[7], whole.order_up_to_level[7], whole.cost_rate[7]) == (-1.0, 0.0, 0.0)


def test_lot_sizes_equal_the_textbook() -> None:
    given_, answer = golden("stocking", "W1")
    found = lot_sizes([given_["demand"]], given_["fixed_cost"], given_["holding_cost"])
    assert found.cost[0] == answer["cost"]
    np.testing.assert_array_equal(found.order_quantity[0] > 0.0, np.array(answer["order_flags"]) == 1)
    assert found.order_quantity.sum() == sum(given_["demand"])


def test_lot_sizes_equal_brute_force_with_costs_by_period() -> None:
    rng = np.random.default_rng(9)
    n, periods = 25, 5
    demand = rng.integers(0, 4, (n, periods)) * 5.0
    fixed, holding, price = rng.uniform(0, 30, (n, periods)), rng.uniform(0, 2, (n, periods)), rng.uniform(1, 4, (n, 1))
    found = lot_sizes(demand, fixed, holding, price)
    for i in range(n):
        least = np.inf
        for flags in itertools.product([False, True], repeat=periods):
            cost, start = 0.0, None
            for t in range(periods):
                start = t if flags[t] else start
                cost += fixed[i, t] if flags[t] else 0.0
                if demand[i, t] > 0.0:
                    cost = np.inf if start is None else cost + demand[i, t] * (price[i, 0] + holding[i, start:t].sum())
            least = min(least, cost)
        assert found.cost[i] == pytest.approx(least, rel=1e-12)
        stock = np.cumsum(found.order_quantity[i] - demand[i])
        assert (stock >= -1e-9).all()
        assert stock[-1] == pytest.approx(0.0, abs=1e-9)


def test_lot_sizes_of_nothing_cost_nothing() -> None:
    assert lot_sizes(np.zeros((2, 3)), 5.0, 1.0).cost.tolist() == [0.0, 0.0]
    assert lot_sizes(np.zeros((1, 0)), 5.0, 1.0).order_quantity.shape == (1, 0)


def test_economic_orders_equal_the_textbook_and_their_limits() -> None:
    order = economic_order([8.0], 0.225, 1300.0)
    assert order.order_quantity[0] == pytest.approx(304.0467800264368, rel=1e-12)
    assert order.cost_rate[0] == pytest.approx(68.41052550594829, rel=1e-10)
    planned = economic_order_backorders([8.0], 0.225, 7.5, 1300.0)
    assert planned.order_quantity[0] == pytest.approx(308.5737801203754, rel=1e-12)
    assert planned.cost_rate[0] < order.cost_rate[0]
    assert economic_order([0.0, 8.0], 1.0, [5.0, 0.0]).order_quantity.tolist() == [0.0, 0.0]


def test_a_discount_is_taken_only_when_it_pays() -> None:
    found = economic_order_discounts([8.0], 0.3, 1300.0, [[0.0, 400.0, 800.0]], [[0.75, 0.72, 0.68]])
    sizes = np.array([np.sqrt(2 * 8 * 1300 / (0.3 * 0.75)), 400.0, 800.0])
    price = np.array([0.75, 0.72, 0.68])
    cost = price * 1300 + 8 * 1300 / sizes + 0.15 * price * sizes
    assert found.order_quantity[0] == sizes[np.argmin(cost)]
    assert found.cost_rate[0] == pytest.approx(cost.min(), rel=1e-12)
    with pytest.raises(ValueError, match="least_quantity must rise"):
        economic_order_discounts([8.0], 0.3, 1300.0, [[0.0, 400.0, 300.0]], [[0.75, 0.72, 0.68]])


@pytest.mark.parametrize("law", ["gamma", "normal", "count"])
def test_newsvendor_of_any_law_reaches_the_critical_ratio(law: str) -> None:
    mean, variance = np.array([6.0, 40.0]), np.array([9.0, 300.0])
    if law == "normal":
        expected = newsvendor_normal(mean, np.sqrt(variance), 1.0, 4.0)
        found = newsvendor(mean, variance, 1.0, 4.0, law="normal")
        np.testing.assert_allclose(found.order_up_to_level, expected.order_up_to_level, rtol=1e-12)
        np.testing.assert_allclose(found.expected_cost, expected.expected_cost, rtol=1e-12)
    elif law == "count":
        found = newsvendor([6.0], [6.0], 1.0, 4.0, law="count")
        expected = newsvendor_poisson([6.0], 1.0, 4.0)
        assert found.order_up_to_level[0] == expected.order_up_to_level[0] == 8.0
        assert found.expected_cost[0] == pytest.approx(expected.expected_cost[0], rel=1e-12)
    else:
        found = newsvendor(mean, variance, 1.0, 4.0)
        service = stocking_service(LeadTimeDemand(mean, variance), found.order_up_to_level, 1.0)
        np.testing.assert_allclose(service.cycle_service_level, 0.8, atol=1e-7)


def test_unreliable_lead_time_multiplies_safety_stock_as_the_table_prints() -> None:
    given_, answer = golden("stocking", "L30")
    mean, sd, z = np.array(given_["mean"]), np.array(given_["sd"]), given_["z"]

    def demand(days: float, spread: float) -> LeadTimeDemand:
        return lead_time_demand_moments(mean, sd, days, spread)

    service = float(ndtr(z))
    master = stocking_levels(demand(30, 0), order_quantity=1.0, cycle_service_level=service, law="normal")
    constant = stocking_levels(demand(38, 0), order_quantity=1.0, cycle_service_level=service, law="normal")
    spread = stocking_levels(demand(38, 11), order_quantity=1.0, cycle_service_level=service, law="normal")
    np.testing.assert_array_equal(np.round(master.safety_stock), answer["ss_master"])
    np.testing.assert_array_equal(np.round(constant.safety_stock), answer["ss_constant"])
    np.testing.assert_array_equal(np.round(spread.safety_stock), answer["ss_distribution"])
    np.testing.assert_array_equal(np.round(spread.safety_stock / master.safety_stock, 1), answer["ratio"])
    np.testing.assert_array_equal(np.round(master.reorder_point), answer["rop_master"])
    np.testing.assert_array_equal(np.round(spread.reorder_point), answer["rop_distribution"])


def _simulated_fill_rate(point: float, quantity: float, lead: int, review: int, paths: int = 3_000) -> float:
    """Share of units met at once: gamma days (mean 10, cv .8), orders of multiples of Q at each review, backorders."""
    rng = np.random.default_rng(11)
    days, warm = 480, 80
    shape, scale = 1.0 / 0.64, 10.0 * 0.64
    level = np.full(paths, point + quantity)
    position = level.copy()
    due = np.zeros((days + lead + 2, paths))
    short = asked = 0.0
    for t in range(days):
        level += due[t]
        demand = rng.gamma(shape, scale, paths)
        missed = np.maximum(-(level - demand), 0.0) - np.maximum(-level, 0.0)
        level -= demand
        position -= demand
        if t >= warm:
            short, asked = short + missed.sum(), asked + demand.sum()
        if (t + 1) % review == 0:
            order = np.where(position <= point, np.ceil((point - position) / quantity + 1e-12) * quantity, 0.0)
            position += order
            due[t + 1 + lead] += order
    return float(1.0 - short / asked)


@pytest.mark.parametrize(("lead", "review", "point", "quantity"), [(6, 4, 90.0, 60.0), (3, 1, 40.0, 30.0)])
def test_pitfall_c5_the_exact_fill_rate_is_what_a_simulation_delivers(
    lead: int, review: int, point: float, quantity: float
) -> None:
    demand, between = (LeadTimeDemand(np.array([10.0 * d]), np.array([64.0 * d])) for d in (lead, review))
    exact = fill_rate_exact(demand, point, quantity, review_demand=between)[0]
    delivered = _simulated_fill_rate(point, quantity, lead, review)
    assert exact == pytest.approx(delivered, abs=0.004)
    without_undershoot = fill_rate_exact(demand, point, quantity)[0]
    assert without_undershoot - delivered > 0.01


def test_pitfall_c5_the_two_fill_rates_are_two_numbers_and_each_reorder_point_reaches_its_own() -> None:
    demand = LeadTimeDemand(np.array([60.0, 60.0]), np.array([900.0, 900.0]))
    quantity, target = np.array([20.0, 500.0]), 0.95
    one_cycle = reorder_point_for_fill_rate(demand, quantity, target, form="one_cycle")
    exact = reorder_point_for_fill_rate(demand, quantity, target, form="exact")
    np.testing.assert_allclose(fill_rate_one_cycle(demand, one_cycle, quantity), target, atol=1e-8)
    np.testing.assert_allclose(fill_rate_exact(demand, exact, quantity), target, atol=1e-8)
    assert one_cycle[0] > 1.05 * exact[0], "a small order is charged its backlog twice"
    assert one_cycle[1] == pytest.approx(exact[1], rel=1e-6), "a large order covers what was short"
    levels = stocking_levels(demand, order_quantity=quantity, fill_rate=target)
    np.testing.assert_array_equal(levels.reorder_point, one_cycle)
    with pytest.raises(ValueError, match="belongs to the exact form"):
        reorder_point_for_fill_rate(demand, quantity, target, form="one_cycle", review_demand=demand)


@pytest.mark.parametrize("law", ["gamma", "normal", "count"])
@pytest.mark.parametrize("form", ["one_cycle", "exact"])
def test_no_demand_needs_no_reorder_point_for_a_fill_rate(law: DemandLaw, form: FillRateForm) -> None:
    nothing = LeadTimeDemand(np.zeros(1), np.zeros(1))
    assert reorder_point_for_fill_rate(nothing, 5.0, 0.9, form=form, law=law).tolist() == [0.0]
    assert fill_rate_exact(nothing, 0.0, 5.0, review_demand=nothing).tolist() == [1.0]


def test_pitfall_c6_protection_covers_lead_time_plus_review() -> None:
    lead, review, target = 5.0, 7.0, 0.98
    protected = lead_time_demand_moments([10.0], [8.0], lead, 0.0, review)
    lead_alone = lead_time_demand_moments([10.0], [8.0], lead, 0.0)
    right, wrong = (
        stocking_levels(d, order_quantity=1.0, cycle_service_level=target).reorder_point
        for d in (protected, lead_alone)
    )
    # The order placed now arrives after the lead time and must last until the next one can: lead plus review days.
    days = np.random.default_rng(12).gamma(1.0 / 0.64, 6.4, (100_000, 12)).sum(axis=1)
    assert (days <= right[0]).mean() == pytest.approx(target, abs=0.003)
    assert (days <= wrong[0]).mean() < 0.55


def test_one_item_without_spread_is_ordered_at_its_certain_demand() -> None:
    for policy in (reorder_eil, reorder_eoqb, reorder_eoqss, reorder_loss):
        found = policy(1.0, 1e6, 20.0, [100.0], 0.0, 0.1)
        assert found.reorder_point[0] == pytest.approx(10.0, abs=1e-3)
        assert found.order_quantity[0] == pytest.approx(np.sqrt(4_000.0), rel=1e-5)


def test_items_without_demand_are_left_alone() -> None:
    for policy in (reorder_eil, reorder_eoqb, reorder_eoqss, reorder_loss):
        found = policy(1.0, 5.0, 20.0, [0.0], 0.0, 2.0)
        assert (found.reorder_point[0], found.order_quantity[0], found.cost_rate[0]) == (0.0, 0.0, 0.0)
    poisson = reorder_poisson(1.0, 5.0, 20.0, [0.0], 2.0)
    assert np.isfinite([poisson.reorder_point[0], poisson.cost_rate[0]]).all()
