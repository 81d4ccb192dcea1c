"""Measures of thrash, by hand."""

import numpy as np
import pytest

from optimizer.simulation.nervousness import (
    plan_instability,
    reversals_per_hundred,
    sign_changes,
    used_before_next_receipt,
    variance_ratio,
)


def _reversals(moves: list[tuple[int, int, int, int]], within_days: int) -> float:
    item, origin, destination, day = (np.array(column, dtype=np.int64) for column in zip(*moves, strict=True))
    return reversals_per_hundred(item, origin, destination, day, within_days=within_days)


def test_a_move_taken_back_in_time_is_a_reversal_and_counts_once() -> None:
    moves = [(0, 0, 1, 3), (0, 1, 0, 8), (0, 1, 0, 9), (1, 1, 0, 5)]
    assert _reversals(moves, 5) == 25.0
    assert _reversals(moves, 4) == 0.0


def test_opposite_moves_of_one_day_are_one_reversal() -> None:
    assert _reversals([(0, 0, 1, 3), (0, 1, 0, 3)], 0) == 50.0


def test_moves_of_other_items_other_sites_or_the_same_way_are_no_reversals() -> None:
    assert _reversals([(0, 0, 1, 3), (1, 1, 0, 4), (0, 1, 2, 4), (0, 0, 1, 5)], 9) == 0.0


def test_reversals_agree_with_counting_pairs() -> None:
    rng = np.random.default_rng(6)
    moves = [(int(i), int(a), int((a + s) % 4), int(d)) for i, a, s, d in
             zip(rng.integers(0, 3, 80), rng.integers(0, 4, 80), rng.integers(1, 4, 80), rng.integers(0, 40, 80),
                 strict=True)]  # fmt: skip
    taken_back = sum(
        any((i, b, a) == (j, c, e) and (0 < f - d <= 6 or (f == d and a < b)) for j, c, e, f in moves)
        for i, a, b, d in moves
    )
    assert _reversals(moves, 6) == pytest.approx(100.0 * taken_back / 80)


def test_no_move_is_no_reversal() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert reversals_per_hundred(none, none, none, none, within_days=7) == 0.0


def test_instability_is_the_change_relative_to_the_plan_and_fades_with_distance() -> None:
    plan = np.array([[10.0, 0.0, 10.0], [10.0, 0.0, 10.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    new = np.array([[5.0, 0.0, 10.0], [10.0, 0.0, 5.0], [0.0, 0.0, 0.0], [0.0, 4.0, 0.0]])
    near, far, still, fresh = plan_instability(plan, new, discount=0.5)
    assert near == 5.0 / 12.5
    assert far == 1.25 / 12.5
    assert (still, fresh) == (0.0, 1.0)


def test_sign_changes_pass_over_runs_that_recommend_nothing() -> None:
    runs = np.array([[1.0, 0.0, -1.0, -2.0, 3.0], [0.0, 0.0, 0.0, 0.0, 0.0], [2.0, 1.0, 1.0, 5.0, 0.0]])
    assert sign_changes(runs).tolist() == [2.0, 0.0, 0.0]


def test_variance_ratio_is_one_when_orders_are_demand_and_infinite_when_only_orders_vary() -> None:
    demand = np.array([[1.0, 3.0, 2.0], [2.0, 2.0, 2.0], [2.0, 2.0, 2.0], [1.0, 3.0, 2.0]])
    orders = np.array([[1.0, 3.0, 2.0], [2.0, 2.0, 2.0], [0.0, 6.0, 0.0], [0.0, 4.0, 2.0]])
    assert variance_ratio(orders, demand).tolist() == [1.0, 1.0, np.inf, 4.0]


def test_moved_units_are_used_after_the_stock_that_was_there() -> None:
    assert used_before_next_receipt(np.array([10.0, 10.0]), np.array([5.0, 0.0]), np.array([9.0, 40.0])) == 0.7
    assert used_before_next_receipt(np.zeros(1), np.zeros(1), np.zeros(1)) == 1.0


def test_a_move_to_where_it_came_from_is_refused() -> None:
    with pytest.raises(ValueError, match="destination must differ from origin, move 1"):
        _reversals([(0, 0, 1, 3), (0, 2, 2, 3)], 5)
