"""Exact transfers per item: linear programs and enumeration agree, nothing depends on order, scale or blocks."""

from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np
import pytest
from scipy.optimize import linprog

from optimizer.arguments import FloatArray, IntArray
from optimizer.errors import SolverPathError
from optimizer.transfers import ssp
from optimizer.transfers.pieces import curve_money, lot_pieces
from optimizer.transfers.solve import solve_transfers, verify_plan
from optimizer.transfers.ssp import item_transfers
from tests.optimizer.golden import golden
from tests.optimizer.transfer_worlds import enumerate_best, random_problem, shared_items, textbook_problem


class _World(NamedTuple):
    need_lots: IntArray
    need_value: FloatArray
    donor_lots: IntArray
    donor_cost: FloatArray
    lane_cost: FloatArray


def _world(seed: int, items: int, donors: int, needs: int, pieces: int) -> _World:
    rng = np.random.default_rng(seed)
    lane = rng.uniform(0, 5, (items, donors, needs))
    lane[rng.random(lane.shape) < 0.3] = np.inf
    return _World(
        rng.integers(0, 4, (items, needs, pieces)),
        -np.sort(-rng.uniform(0, 10, (items, needs, pieces)), axis=2),
        rng.integers(0, 4, (items, donors, pieces)),
        np.sort(rng.uniform(-1, 5, (items, donors, pieces)), axis=2),
        lane,
    )


def _linear_optimum(world: _World, item: int) -> float:
    """Money saved by the relaxation of one item, modelled lane by lane for scipy."""
    cost = world.lane_cost[item]
    lanes = np.argwhere(np.isfinite(cost))
    (donors, needs), pieces = cost.shape, world.need_lots.shape[2]
    flow = len(lanes)
    matrix = np.zeros((donors + needs, flow + (donors + needs) * pieces))
    for number, (donor, need) in enumerate(lanes):
        matrix[need, number], matrix[needs + donor, number] = 1.0, 1.0
    for row in range(donors + needs):
        matrix[row, flow + row * pieces : flow + (row + 1) * pieces] = -1.0
    upper = np.concatenate([world.need_lots[item].ravel(), world.donor_lots[item].ravel()])
    bounds = [(0.0, None)] * flow + [(0.0, float(u)) for u in upper]
    money = [cost[tuple(lane)] for lane in lanes]
    money += [*-world.need_value[item].ravel(), *world.donor_cost[item].ravel()]
    answer = linprog(money, A_eq=matrix, b_eq=np.zeros(len(matrix)), bounds=bounds)
    assert answer.fun is not None
    return -answer.fun


def test_shortest_paths_equal_the_linear_program_on_1000_random_items() -> None:
    checked = moved = 0
    for seed in range(100):
        donors, needs, pieces = np.random.default_rng(seed).integers(1, 6, 3).tolist()
        world = _world(seed, 10, donors, needs, pieces)
        plans = item_transfers(*world)
        for item in range(10):
            assert plans.saved[item] == pytest.approx(_linear_optimum(world, item), rel=1e-9, abs=1e-7), (seed, item)
            checked += 1
        moved += int((plans.lots.sum(axis=(1, 2)) > 0).sum())
        assert (plans.lots.sum(axis=1) <= world.need_lots.sum(axis=2)).all()
        assert (plans.lots.sum(axis=2) <= world.donor_lots.sum(axis=2)).all()
        assert (plans.lots[np.isinf(world.lane_cost)] == 0).all()
    assert (checked, moved > 600) == (1000, True)


def test_brute_force_equals_shortest_paths_on_100_small_problems() -> None:
    moved = 0
    for seed in range(100):
        drawn = random_problem(seed)
        lanes = drawn.lanes
        problem = replace(
            drawn,
            lane_lot=np.full(lanes, 1 + seed % 3),
            lane_fixed_cost=drawn.lane_fixed_cost * (seed % 2),
            lane_group=np.full(lanes, -1),
        )
        plan = solve_transfers(problem, force_path="shortest_paths")
        assert plan.objective == pytest.approx(enumerate_best(problem), abs=1e-6), seed
        assert (plan.gap, verify_plan(problem, plan)) == (0.0, ()), seed
        moved += int(plan.units.sum() > 0)
    assert moved > 40


@pytest.mark.parametrize("case", ["T1", "T4"])
def test_textbook_cases_are_solved_without_a_solver(case: str) -> None:
    problem, before = textbook_problem(case)
    _, answer = golden("transshipment", case)
    plan = solve_transfers(problem, at_scale=True)
    assert plan.solver_path == "shortest_paths"
    assert before - plan.objective == pytest.approx(answer["optimum"], abs=1e-8)
    np.testing.assert_array_equal(plan.units, np.ravel(answer["lots"]))


def test_pitfall_f1_greedy_loses_32_percent_where_lane_costs_are_no_sum_of_two_ends() -> None:
    problem, before = textbook_problem("T4")
    greedy = before - solve_transfers(problem, force_path="greedy_fallback").objective
    exact = before - solve_transfers(problem, force_path="shortest_paths").objective
    assert greedy == pytest.approx(46.97, abs=0.01)
    assert greedy / exact - 1.0 == pytest.approx(0.324, abs=0.001)


def test_pitfall_f2_no_item_ships_to_itself_or_through() -> None:
    problem = shared_items(1, seed=0)
    with pytest.raises(ValueError, match="lane 0 joins an item-site to itself"):
        replace(problem, donor_series=np.array([0, 10, 11]))
    # A site on both sides of the item has no lane to itself: infinity closes it, whatever it would save.
    world = _World(
        np.array([[[3]]]), np.array([[[9.0]]]), np.array([[[3]]]), np.zeros((1, 1, 1)), np.full((1, 1, 1), np.inf)
    )
    assert item_transfers(*world).saved[0] == 0.0


def test_pitfall_f3_donors_are_protected_by_their_marginal_cost_and_by_the_floor() -> None:
    need = (np.array([[[10]]]), np.array([[[5.0]]]))
    dear = item_transfers(*need, np.array([[[2, 8]]]), np.array([[[1.0, 6.0]]]), np.ones((1, 1, 1)))
    floor = item_transfers(*need, np.array([[[2, 1]]]), np.array([[[1.0, 1.5]]]), np.ones((1, 1, 1)))
    assert (dear.lots[0, 0, 0], dear.saved[0]) == (2, pytest.approx(6.0))
    assert (floor.lots[0, 0, 0], floor.saved[0]) == (3, pytest.approx(8.5))


def test_pitfall_f4_lots_are_rounded_down_at_the_donor() -> None:
    pieces = lot_pieces(np.array([[4.0, np.inf]]), np.array([[1.0, 2.0]]), np.array([11]), np.array([3]))
    assert pieces.lots.sum() == 3
    problem = replace(shared_items(1, seed=0, lot=1), lane_lot=np.full(6, 4), lane_group=np.full(6, -1))
    plan = solve_transfers(replace(problem, group_capacity=np.full(8, np.inf)), force_path="shortest_paths")
    assert (plan.units % 4 == 0).all()
    assert plan.units.sum() > 0


def test_lot_pieces_follow_the_curve_at_every_whole_lot() -> None:
    rng = np.random.default_rng(5)
    units, rate = rng.uniform(0, 5, (50, 4)), -np.sort(-rng.uniform(0, 9, (50, 4)), axis=1)
    lot, most = rng.integers(1, 5, 50), rng.integers(0, 30, 50)
    pieces = lot_pieces(units, rate, most, lot)
    for row, column in product(range(50), range(6)):
        lots = min(column, int(most[row] // lot[row]))
        ends = np.minimum(np.cumsum(pieces.lots[row]), lots)
        money = np.diff(ends, prepend=0) @ pieces.money_per_lot[row]
        assert money == pytest.approx(
            curve_money(units[row : row + 1], rate[row : row + 1], np.array([[lots * lot[row]]]))[0, 0]
        )


def test_block_size_order_and_currency_leave_the_lots_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    world = _world(7, 60, 4, 3, 3)
    plain = item_transfers(*world)
    order = np.random.default_rng(1).permutation(60)
    shuffled = item_transfers(*(array[order] for array in world))
    np.testing.assert_array_equal(shuffled.lots, plain.lots[order])
    np.testing.assert_array_equal(shuffled.saved, plain.saved[order])
    ends = item_transfers(
        world.need_lots[:, ::-1],
        world.need_value[:, ::-1],
        world.donor_lots,
        world.donor_cost,
        world.lane_cost[:, :, ::-1],
    )
    np.testing.assert_array_equal(ends.lots[:, :, ::-1], plain.lots)
    money = (world.need_value * 1024, world.donor_cost * 1024, world.lane_cost * 1024)
    dear = item_transfers(world.need_lots, money[0], world.donor_lots, money[1], money[2])
    np.testing.assert_array_equal(dear.lots, plain.lots)
    for cells in (1, 100, 500):
        monkeypatch.setattr(ssp, "_BLOCK_CELLS", cells)
        blocked = item_transfers(*world)
        np.testing.assert_array_equal(blocked.lots, plain.lots)
        np.testing.assert_array_equal(blocked.saved, plain.saved)


def test_long_pieces_cost_no_more_rounds_than_short_ones() -> None:
    many = 10**9
    world = (np.array([[[many]]]), np.array([[[3.0]]]), np.array([[[many, many]]]), np.array([[[1.0, 2.5]]]))
    assert item_transfers(*world, np.full((1, 1, 1), 1.0)).lots[0, 0, 0] == many


def test_pieces_out_of_order_and_broken_lots_are_refused() -> None:
    world = _world(3, 2, 2, 2, 2)
    lots = np.ones((2, 2, 2), dtype=np.int64)
    with pytest.raises(ValueError, match=r"need_value must not rise along the pieces, it does at index \(0, 0, 1\)"):
        item_transfers(lots, world.need_value[..., ::-1], lots, world.donor_cost, world.lane_cost)
    with pytest.raises(ValueError, match="donor_cost must not fall"):
        item_transfers(lots, world.need_value, lots, world.donor_cost[..., ::-1], world.lane_cost)
    with pytest.raises(ValueError, match=r"need_lots must be whole lots, got 0.5 at index \(0, 0, 0\)"):
        item_transfers(lots * 0.5, world.need_value, lots, world.donor_cost, world.lane_cost)


def test_shortest_paths_are_refused_where_items_share_a_full_group() -> None:
    with pytest.raises(SolverPathError, match="items share a group"):
        solve_transfers(shared_items(4, seed=1), force_path="shortest_paths")
