"""Joint transfers: textbook and brute-force optima, limits, paths, the killed solver."""

from dataclasses import replace

import numpy as np
import pytest

from optimizer.errors import OptimizerError, PlanViolationError, SolverPathError
from optimizer.transfers import solve
from optimizer.transfers.check import require_sound
from optimizer.transfers.highs import HighsAnswer
from optimizer.transfers.solve import SolverPath, TransferPlan, TransferProblem, solve_transfers, verify_plan
from tests.optimizer.golden import golden
from tests.optimizer.transfer_worlds import (
    enumerate_best,
    many_items,
    random_problem,
    scaled,
    textbook_problem,
    value_of,
)

PATHS: tuple[SolverPath, ...] = ("milp", "lp_rounded", "greedy_fallback")


@pytest.mark.parametrize("case", ["T1", "T4"])
def test_textbook_transfers_reach_the_optimum(case: str) -> None:
    problem, before = textbook_problem(case)
    _, answer = golden("transshipment", case)
    plan = solve_transfers(problem, gap=0.0)
    assert before == pytest.approx(answer["no_transfer"], abs=1e-8)
    assert before - plan.objective == pytest.approx(answer["optimum"], abs=1e-8)
    assert before - value_of(problem, np.ravel(answer["lots"]).tolist()) == pytest.approx(answer["optimum"], abs=1e-8)
    assert plan.solver_path == "milp"


def test_cheapest_lane_first_loses_where_the_textbook_says_so() -> None:
    problem, before = textbook_problem("T4")
    greedy = solve_transfers(problem, force_path="greedy_fallback")
    assert before - greedy.objective > golden("transshipment", "T4")[1]["optimum"] + 1.0


def test_brute_force_equals_the_solver_on_200_random_problems() -> None:
    moved = 0
    for seed in range(200):
        problem = random_problem(seed)
        plan = solve_transfers(problem, gap=0.0)
        assert plan.solver_path == "milp", (seed, plan.status)
        assert plan.objective == pytest.approx(enumerate_best(problem), abs=1e-6), seed
        assert verify_plan(problem, plan) == (), seed
        moved += int(plan.units.sum() > 0)
    assert moved > 60


@pytest.mark.parametrize("path", PATHS)
def test_every_path_conserves_units_and_keeps_every_floor(path: SolverPath) -> None:
    for seed in range(40):
        problem = random_problem(seed, needs=3, donors=3)
        plan = solve_transfers(problem, force_path=path)
        given = np.bincount(problem.lane_donor, plan.units, problem.donors)
        received = np.bincount(problem.lane_need, plan.units, problem.needs)
        assert given.sum() == received.sum()
        assert (given <= problem.donor_available).all()
        assert (received <= problem.need_capacity).all()
        assert (plan.units % problem.lane_lot == 0).all()
        assert 0.0 <= plan.objective <= plan.bound + 1e-6
        assert plan.solver_path == path


def test_long_lists_are_rounded_and_stay_near_their_bound() -> None:
    problem = many_items(120, seed=3)
    plan = solve_transfers(problem)
    greedy = solve_transfers(problem, force_path="greedy_fallback")
    assert plan.solver_path == "lp_rounded"
    assert plan.objective >= greedy.objective
    # The relaxation shares fixed costs out by the unit, so a part of this gap is the bound's and not the plan's.
    exact = solve_transfers(problem, force_path="milp", gap=0.02)
    assert plan.objective >= 0.9 * exact.objective


def test_scaling_money_leaves_the_plan_unchanged() -> None:
    for seed in range(20):
        problem = random_problem(seed, needs=2, donors=2)
        for path in PATHS:
            plain = solve_transfers(problem, force_path=path)
            dear = solve_transfers(scaled(problem, 1024.0), force_path=path)
            np.testing.assert_array_equal(dear.units, plain.units)
            assert dear.objective == pytest.approx(1024.0 * plain.objective)


def test_a_forced_path_repeats_the_recorded_plan() -> None:
    problem = many_items(6, seed=9)
    for path in PATHS:
        first, again = (solve_transfers(problem, force_path=path) for _ in range(2))
        np.testing.assert_array_equal(first.units, again.units)
        assert first.objective == again.objective


def test_the_child_process_gives_the_same_plan() -> None:
    problem = many_items(6, seed=9)
    here, there = solve_transfers(problem), solve_transfers(problem, hard_kill_seconds=60.0)
    np.testing.assert_array_equal(here.units, there.units)
    assert (there.solver_path, there.status) == (here.solver_path, here.status)
    assert there.bound == pytest.approx(here.bound)


def test_a_killed_solver_leaves_the_greedy_plan_and_its_reason() -> None:
    problem = many_items(6, seed=9)
    plan = solve_transfers(problem, hard_kill_seconds=0.001)
    greedy = solve_transfers(problem, force_path="greedy_fallback")
    assert plan.solver_path == "greedy_fallback"
    assert "killed after 0.001 s" in plan.status
    np.testing.assert_array_equal(plan.units, greedy.units)
    with pytest.raises(SolverPathError, match="path milp was forced"):
        solve_transfers(problem, hard_kill_seconds=0.001, force_path="milp")


def test_a_solver_that_answers_nonsense_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = random_problem(4, needs=2, donors=2)
    too_much = HighsAnswer(np.full(200, 50.0), 0.0, "optimal, it says")
    monkeypatch.setattr(solve, "ask_highs", lambda *_, **__: too_much)
    assert solve_transfers(problem).solver_path == "greedy_fallback"


def test_the_check_names_each_broken_limit() -> None:
    problem = replace(
        random_problem(4, needs=2, donors=2),
        lane_lot=np.full(4, 2),
        donor_available=np.array([5, 5]),
        need_capacity=np.array([5, 5]),
        lane_group=np.full(4, 0),
        lane_load_per_unit=np.ones(4),
        group_capacity=np.array([7.0, 7.0]),
    )

    def found(units: list[int]) -> str:
        plan = TransferPlan(np.array(units), value_of(problem, units), "milp", 0.0, 0.0, "")
        return " ".join(verify_plan(problem, plan))

    assert found([2, 0, 0, 2]) == ""
    assert found([1, 0, 0, 0]) == "lane 0 does not send whole lots"
    assert found([0, 0, 0, -2]) == "lane 3 sends a negative number of units"
    assert found([4, 2, 0, 0]) == "donor 0 falls below its floor"
    assert found([4, 0, 2, 0]) == "need 0 receives more than it can take in"
    assert found([4, 0, 0, 4]) == "lane group 0 is over its capacity"
    lie = TransferPlan(np.array([2, 0, 0, 2]), 1e6, "milp", 0.0, 0.0, "")
    with pytest.raises(PlanViolationError, match="the plan states"):
        require_sound(problem, lie)
    assert issubclass(PlanViolationError, OptimizerError)


def test_an_empty_problem_has_an_empty_plan() -> None:
    problem = random_problem(0)
    lanes = [name for name in TransferProblem.__dataclass_fields__ if name.startswith("lane_")]
    empty = {name: getattr(problem, name)[:0] for name in lanes}
    plan = solve_transfers(replace(problem, **empty))
    assert plan.units.shape == (0,)
    assert (plan.objective, plan.status) == (0.0, "no lanes")


def test_problems_are_checked() -> None:
    problem = random_problem(4, needs=2, donors=2)
    with pytest.raises(ValueError, match="joins an item-site to itself"):
        replace(problem, donor_series=np.array([0, 7]))
    with pytest.raises(ValueError, match="must not rise"):
        replace(problem, need_piece_value=problem.need_piece_value[:, ::-1])
    with pytest.raises(ValueError, match="must not fall"):
        replace(problem, donor_piece_cost=problem.donor_piece_cost[:, ::-1])
    with pytest.raises(ValueError, match="lane_lot must be at least 1"):
        replace(problem, lane_lot=np.zeros(4, int))
    with pytest.raises(ValueError, match=r"lane_unit_cost must have shape \(4,\)"):
        replace(problem, lane_unit_cost=np.ones(3))
    with pytest.raises(ValueError, match="lane_donor must be in"):
        replace(problem, lane_donor=np.array([0, 0, 1, 2]))
    with pytest.raises(ValueError, match="donor_available must hold integers"):
        replace(problem, donor_available=np.array([1.5, 2.0]))
    with pytest.raises(ValueError, match="limits are out of range"):
        solve_transfers(problem, node_limit=0)
