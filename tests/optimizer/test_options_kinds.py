"""Curves over lots, pairs, substitutes and markdowns: shape, agreement with plain pricing, enumeration, simulation."""

from dataclasses import replace

import numpy as np
import pytest

from optimizer.options.curve import option_curve
from optimizer.options.markdown import markdown_lift, marked_down
from optimizer.options.pairs import pair_grid, with_order
from optimizer.options.pricing import price_options
from optimizer.options.substitution import substitution
from optimizer.options.worlds import Worlds
from tests.optimizer.option_worlds import bell, mixed_worlds, options_of, rows_of, simulated_lost


def test_a_cost_curve_is_convex_and_its_best_lot_is_the_best_of_all_lots_priced_alone() -> None:
    worlds = mixed_worlds(20, 28, 1, seed=5)
    units, arrival = options_of(worlds, seed=5)
    rows = replace(
        rows_of(worlds, units, arrival), write_off_per_unit=np.full(20, 0.3), freight_per_unit=np.full(20, 0.5)
    )
    lot = np.asarray(worlds.mean_per_day * 2.0)
    curve = option_curve(rows, lot, 10)
    savings = -np.diff(curve.expected_short, axis=1)
    assert (savings >= -1e-12).all()
    assert (np.diff(savings, axis=1) <= 1e-9).all()
    for lots in range(11):
        used = float(lots > 0)
        alone = price_options(replace(rows, quantity=lots * lot, fixed_cost=rows.fixed_cost * used))
        demand = worlds.expected_demand()
        np.testing.assert_allclose(
            curve.expected_short[:, lots] / demand, alone.expected_short_after / demand, atol=0.004
        )
        np.testing.assert_allclose(curve.leftover[:, lots] / demand, alone.leftover_added / demand, atol=0.004)
        np.testing.assert_allclose(curve.net_value[:, lots] / demand, alone.net_value / demand, atol=0.08)
    np.testing.assert_array_equal(curve.best_lots, curve.net_value.argmax(axis=1))


def test_a_curve_is_bit_identical_under_permutation_and_company() -> None:
    worlds = mixed_worlds(24, 28, 1, seed=8)
    rows = rows_of(worlds, *options_of(worlds, seed=5))
    lot = np.asarray(worlds.mean_per_day)
    whole = option_curve(rows, lot, 6)
    order = np.random.default_rng(1).permutation(24)
    shuffled = option_curve(rows.take(order), lot[order], 6)
    np.testing.assert_array_equal(shuffled.net_value, whole.net_value[order])
    alone = option_curve(rows.alone(np.array([3])), lot[[3]], 6)
    np.testing.assert_array_equal(alone.net_value[0], whole.net_value[3])


def test_pairs_equal_direct_enumeration_by_simulation_on_small_instances() -> None:
    worlds = mixed_worlds(5, 20, 0, seed=11)
    now, later = bell(np.full(5, 2), np.full(5, 0.6), 20), bell(np.full(5, 11), np.full(5, 2.0), 20)
    first, second = rows_of(worlds, np.ones(5), now), rows_of(worlds, np.ones(5), later)
    lot = np.asarray(worlds.mean_per_day * 3.0)
    grid = pair_grid(first, second, lot, lot, (2, 3))
    for a in range(3):
        for b in range(4):
            one = with_order(worlds, a * lot, now)
            _, lost = simulated_lost(one, b * lot, later, paths=12_000, seed=2)
            demand = worlds.expected_demand()
            np.testing.assert_allclose(grid.expected_short[:, a, b] / demand, lost / demand, atol=0.012)


def test_a_pair_with_nothing_of_one_is_the_other_alone() -> None:
    worlds = mixed_worlds(6, 20, 1, seed=12)
    units, later = options_of(worlds, seed=4)
    now = bell(np.full(6, 1), np.full(6, 0.5), 20)
    lot = np.asarray(worlds.mean_per_day * 3.0)
    first, second = rows_of(worlds, units, now), rows_of(worlds, units, later)
    grid = pair_grid(first, second, lot, lot, (2, 2))
    alone = price_options(replace(second, quantity=2 * lot))
    demand = worlds.expected_demand()
    np.testing.assert_allclose(grid.net_value[:, 0, 0], 0.0, atol=1e-9)
    np.testing.assert_allclose(grid.expected_short[:, 0, 2] / demand, alone.expected_short_after / demand, atol=0.004)
    flat = grid.net_value.reshape(6, -1)
    best = grid.net_value[np.arange(6), grid.best_first, grid.best_second]
    np.testing.assert_allclose(best, flat.max(axis=1), rtol=1e-8)


def test_what_one_option_avoids_the_other_cannot_avoid_again() -> None:
    worlds = mixed_worlds(6, 20, 0, seed=13)
    now = bell(np.full(6, 1), np.full(6, 0.5), 20)
    lot = np.asarray(worlds.mean_per_day * 8.0)
    rows = rows_of(worlds, np.ones(6), now)
    grid = pair_grid(rows, rows, lot, lot, (1, 1)).expected_short
    assert (
        grid[:, 0, 0] - grid[:, 1, 1] <= (grid[:, 0, 0] - grid[:, 1, 0]) + (grid[:, 0, 0] - grid[:, 0, 1]) + 1e-6
    ).all()


def test_a_substitute_with_plenty_serves_all_who_accept_and_one_without_stock_nobody() -> None:
    plenty = Worlds(np.array([1e4, 0.0]), np.array([2.0, 2.0]), np.array([1.0, 1.0]), np.array([20, 20]))
    done = substitution([30.0, 30.0], [0.6, 0.6], plenty)
    np.testing.assert_allclose(done.served, [18.0, 0.0], atol=0.05)
    np.testing.assert_allclose(done.displaced, [0.0, 0.0], atol=0.05)


def test_a_scarce_substitute_serves_some_and_its_own_customers_pay() -> None:
    """Extra demand of one unit a day on a stock that lasts ten of twenty days."""
    scarce = Worlds(np.array([20.0]), np.array([2.0]), np.array([1.0]), np.array([20]))
    done = substitution([20.0], [1.0], scarce)
    # Three a day are wanted, twenty are there: a third of what is sold goes to the newcomers.
    assert done.served[0] == pytest.approx(20.0 / 3.0, rel=0.03)
    assert done.displaced[0] == pytest.approx(20.0 / 3.0, rel=0.05)
    by_day = substitution(np.full((1, 20), 1.0), [1.0], scarce)
    assert by_day.served[0] == pytest.approx(done.served[0], rel=0.01)


def test_a_markdown_lifts_demand_by_its_elasticity_and_leaves_less() -> None:
    np.testing.assert_allclose(markdown_lift([0.0, 0.2], [2.0, 2.0]), [1.0, 1.5625])
    worlds = Worlds(np.array([100.0]), np.array([2.0]), np.array([2.0]), np.array([30]))
    lifted = marked_down(worlds, [0.2], [2.0])
    assert lifted.mean_per_day[0] == pytest.approx(3.125)
    assert lifted.sd_per_day[0] ** 2 / lifted.mean_per_day[0] == pytest.approx(2.0)
    with pytest.raises(ValueError, match="discount must be below 1"):
        markdown_lift([1.0], [2.0])


def test_a_price_cut_counts_revenue_given_up_and_leftover_saved() -> None:
    worlds = Worlds(np.array([100.0, 100.0]), np.array([2.0, 3.125]), np.array([1.0, 1.0]), np.array([30, 30]))
    rows = rows_of(worlds, np.zeros(2), np.zeros((2, 30)))
    rows = replace(
        rows, world=np.array([0, 1]), baseline=np.zeros(2, dtype=np.int64), penalty_per_unit=np.zeros(2),
        fixed_cost=np.zeros(2), write_off_per_unit=np.full(2, 6.0), holding_cost_per_unit_day=np.zeros(2),
        sale_value=np.array([10.0, 8.0]), baseline_sale_value=np.full(2, 10.0),
    )  # fmt: skip
    values = price_options(rows)
    assert values.net_value[0] == 0.0
    # 60 sold at 10 against 93.75 at 8; 40 left against 6.25, each worth 6 less.
    assert values.net_value[1] == pytest.approx(93.75 * 8 - 600 + 33.75 * 6, rel=0.02)
