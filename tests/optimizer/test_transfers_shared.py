"""Shared lanes, docks, labor and trucks: enumeration, bounds, paths that replay, solvers that fail."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from optimizer.errors import SolverPathError
from optimizer.transfers import highs_child, scale
from optimizer.transfers.alone import AloneItems
from optimizer.transfers.groups import group_load, groups_used, lots_that_fit
from optimizer.transfers.items import Items
from optimizer.transfers.problem import SolverPath, TransferPlan, TransferProblem
from optimizer.transfers.solve import plan_value, solve_transfers, verify_plan
from tests.optimizer.transfer_worlds import enumerate_best, random_problem, scaled, shared_items, with_trucks

PATHS: tuple[SolverPath, ...] = ("milp", "lp_rounded", "greedy_fallback", "touched_milp", "touched_lp", "lane_prices")


def _small(seed: int) -> TransferProblem:
    """Two needs and two donors with a lane limit, a dock, a labor budget and trucks that cost money."""
    rng = np.random.default_rng(seed)
    problem = random_problem(seed, needs=2, donors=2)
    return replace(
        problem,
        donor_available=np.minimum(problem.donor_available, 6),
        group_capacity=np.append(problem.group_capacity, [rng.uniform(2, 9), rng.uniform(2, 9)]),
        member_lane=np.array([0, 2, 0, 1]),
        member_group=np.array([2, 2, 3, 3]),
        member_load_per_unit=rng.uniform(0.5, 2.0, 4),
        group_fixed_cost=np.array([rng.choice([0.0, 6.0]), rng.choice([0.0, 10.0]), 0.0, 0.0]),
    )


def test_brute_force_equals_the_program_with_docks_labor_and_trucks_on_60_problems() -> None:
    moved = 0
    for seed in range(60):
        problem = _small(seed)
        plan = solve_transfers(problem, gap=0.0)
        assert plan.objective == pytest.approx(enumerate_best(problem), abs=1e-6), seed
        moved += int(plan.units.sum() > 0)
    assert moved > 15


@pytest.mark.parametrize("path", PATHS)
def test_every_path_keeps_every_limit_and_its_bound(path: SolverPath) -> None:
    for seed in range(12):
        problem = _small(seed)
        plan = solve_transfers(problem, force_path=path)
        assert verify_plan(problem, plan) == (), seed
        assert plan.objective <= enumerate_best(problem) + 1e-6, seed
        assert plan.bound >= enumerate_best(problem) - 1e-6, (seed, plan.bound)
        assert 0.0 <= plan.gap <= 1.0
        assert plan.solver_path == path


@pytest.mark.parametrize("path", PATHS)
def test_currency_changes_no_plan_and_the_path_repeats_it(path: SolverPath) -> None:
    for problem in (shared_items(3, seed=2), with_trucks(shared_items(2, seed=3, fixed=1.0), 3.0)):
        first, again = (solve_transfers(problem, force_path=path, node_limit=20) for _ in range(2))
        dear = solve_transfers(scaled(problem, 1024.0), force_path=path, node_limit=20)
        np.testing.assert_array_equal(first.units, again.units)
        np.testing.assert_array_equal(first.units, dear.units)
        assert (first.objective, first.bound) == (again.objective, again.bound)


def _reordered(problem: TransferProblem, seed: int) -> tuple[TransferProblem, np.ndarray]:
    """The same problem with its lanes, needs and donors in another order; the new lanes' old numbers."""
    rng = np.random.default_rng(seed)
    lane, need, donor = (rng.permutation(n) for n in (problem.lanes, problem.needs, problem.donors))
    changes = {n: getattr(problem, n)[lane] for n in problem.__dataclass_fields__ if n.startswith("lane_")}
    changes |= {n: getattr(problem, n)[need] for n in problem.__dataclass_fields__ if n.startswith("need_")}
    changes |= {n: getattr(problem, n)[donor] for n in problem.__dataclass_fields__ if n.startswith("donor_")}
    changes["lane_need"] = np.argsort(need)[changes["lane_need"]]
    changes["lane_donor"] = np.argsort(donor)[changes["lane_donor"]]
    return replace(problem, **changes, member_lane=np.argsort(lane)[problem.member_lane]), lane


@pytest.mark.parametrize("path", ["touched_lp", "lane_prices"])
def test_another_order_of_lanes_needs_and_donors_gives_the_same_plan(path: SolverPath) -> None:
    problem = shared_items(30, seed=5)
    other, lane = _reordered(problem, 1)
    plain, shuffled = solve_transfers(problem, force_path=path), solve_transfers(other, force_path=path)
    assert shuffled.objective == pytest.approx(plain.objective, rel=1e-3)
    if path == "touched_lp":
        np.testing.assert_array_equal(shuffled.units, plain.units[lane])


def test_touched_items_come_within_half_a_percent_of_the_bound_on_300_items() -> None:
    problem = shared_items(300, seed=4)
    touched = solve_transfers(problem, at_scale=True)
    priced = solve_transfers(problem, force_path="lane_prices")
    assert touched.solver_path == "touched_lp"
    assert touched.gap < 0.005
    assert priced.gap < 0.005
    assert min(touched.bound, priced.bound) >= max(touched.objective, priced.objective)


def test_only_items_on_full_groups_are_touched() -> None:
    problem = shared_items(80, seed=6, tight=10.0)
    # Only the first ten items share a tight lane; the others ride on one without limit.
    group = np.where(np.arange(problem.lanes) < 60, problem.lane_group, -1)
    capacity = np.append(np.full(6, 30.0), [np.inf, np.inf])
    problem = replace(problem, lane_group=group, group_capacity=capacity)
    plan = solve_transfers(problem, at_scale=True, gap=0.0)
    assert plan.solver_path == "touched_milp"
    exact = solve_transfers(problem, force_path="milp", gap=0.0)
    assert plan.objective == pytest.approx(exact.objective, rel=1e-9)
    assert plan.bound == pytest.approx(exact.objective, rel=1e-6)


def test_fixed_costs_are_paid_exactly_by_items_alone() -> None:
    problem = replace(shared_items(40, seed=8, fixed=6.0), group_capacity=np.full(8, np.inf))
    alone = solve_transfers(problem, force_path="shortest_paths")
    exact = solve_transfers(problem, force_path="milp", gap=0.0)
    assert alone.objective == pytest.approx(exact.objective, rel=1e-9)
    plain = replace(problem, lane_fixed_cost=np.zeros(problem.lanes))
    assert solve_transfers(plain, at_scale=True).objective > alone.objective


def test_shared_capacity_with_fixed_costs_is_near_the_program_where_rounding_was_not() -> None:
    problem = shared_items(51, seed=9, fixed=6.0)
    exact = solve_transfers(problem, force_path="milp", gap=0.01, node_limit=5)
    priced = solve_transfers(problem, at_scale=True)
    rounded = solve_transfers(problem, force_path="lp_rounded")
    assert priced.solver_path == "lane_prices"
    assert priced.objective >= 0.99 * exact.objective
    assert priced.gap < 0.02
    assert priced.gap < 0.5 * rounded.gap


def test_trucks_that_do_not_pay_are_called_off() -> None:
    plain = replace(shared_items(30, seed=10), group_capacity=np.append(np.full(6, 75.0), [np.inf, np.inf]))
    trucks = with_trucks(plain, 300.0)
    consolidated = solve_transfers(trucks, force_path="lane_prices")
    careless = plan_value(trucks, solve_transfers(plain, force_path="touched_lp").units)
    assert consolidated.objective > careless
    assert groups_used(trucks, consolidated.units)[:6].sum() < 6
    exact = solve_transfers(trucks, force_path="milp", gap=0.01, node_limit=5)
    assert consolidated.objective >= 0.97 * exact.objective
    assert consolidated.bound >= exact.objective - 1e-6
    dear = solve_transfers(with_trucks(plain, 1e6), force_path="lane_prices")
    assert (dear.units.sum(), dear.objective) == (0, 0.0)


def test_no_truck_is_paid_twice_and_none_is_free() -> None:
    problem = with_trucks(shared_items(2, seed=1), 5.0)
    units = np.zeros(problem.lanes, dtype=np.int64)
    units[[0, 6]] = 1
    without = plan_value(replace(problem, group_fixed_cost=np.zeros(8)), units)
    assert plan_value(problem, units) == pytest.approx(without - 5.0)


def test_prices_bound_every_plan() -> None:
    for seed in range(30):
        problem = _small(seed)
        alone = AloneItems(problem, Items(problem))
        best = enumerate_best(problem)
        for price in np.random.default_rng(seed).uniform(0, 3, (5, 4)):
            assert alone.best(price).bound >= best - 1e-9, seed


def test_the_check_counts_docks_and_labor_by_itself() -> None:
    problem = replace(shared_items(1, seed=0), group_capacity=np.append(np.full(6, 100.0), [2.0, 100.0]))
    units = np.zeros(6, dtype=np.int64)
    units[0] = 3
    plan = TransferPlan(units, plan_value(problem, units), "milp", 1e9, 0.0, "")
    assert verify_plan(problem, plan) == ("lane group 6 is over its capacity",)
    np.testing.assert_allclose(group_load(problem, units)[6], 3.0)
    assert lots_that_fit(problem, problem.group_capacity)[0] == 2.0


def _nothing(status: int, message: str) -> Callable[..., SimpleNamespace]:
    def solve(*_: object, **__: object) -> SimpleNamespace:
        return SimpleNamespace(x=None, fun=None, status=status, message=message, mip_dual_bound=None)

    return solve


@pytest.mark.parametrize(
    ("status", "message"), [(1, "Time limit reached"), (2, "The problem is infeasible"), (4, "Solve error")]
)
def test_pitfall_f5_no_point_after_a_limit_or_a_false_infeasible_leaves_a_feasible_plan(
    monkeypatch: pytest.MonkeyPatch, status: int, message: str
) -> None:
    monkeypatch.setattr(highs_child, "milp", _nothing(status, message))
    monkeypatch.setattr(highs_child, "linprog", _nothing(status, message))
    problem = shared_items(6, seed=3)
    plan = solve_transfers(problem)
    assert plan.solver_path == "greedy_fallback"
    assert message in plan.status
    assert plan.objective > 0.0
    long = solve_transfers(shared_items(60, seed=3), at_scale=True)
    assert long.solver_path == "lane_prices"
    assert long.objective > 0.0
    for path in ("milp", "lp_rounded", "touched_lp", "touched_milp"):
        with pytest.raises(SolverPathError, match=f"path {path} was forced"):
            solve_transfers(problem, force_path=path)


@pytest.mark.parametrize(
    ("script", "reason"),
    [("import os; os.abort()", "ended with -6"), ("import time; time.sleep(60)", "killed after 0.3 s")],
)
def test_pitfall_f6_an_abort_or_a_presolve_without_end_stays_in_the_child(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, reason: str
) -> None:
    child = tmp_path / "child.py"
    child.write_text(script)
    monkeypatch.setattr("optimizer.transfers.highs.highs_child", SimpleNamespace(__file__=str(child)))
    plan = solve_transfers(shared_items(6, seed=3), hard_kill_seconds=0.3 if "sleep" in script else 30.0)
    assert plan.solver_path == "greedy_fallback"
    assert reason in plan.status
    assert verify_plan(shared_items(6, seed=3), plan) == ()


def test_pitfall_f7_what_the_solver_returns_is_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_much(cost: np.ndarray, **_: object) -> SimpleNamespace:
        return SimpleNamespace(x=np.full(len(cost), 50.0), fun=-1e9, status=0, message="optimal", mip_dual_bound=-1e9)

    monkeypatch.setattr(highs_child, "milp", too_much)
    problem = shared_items(6, seed=3)
    plan = solve_transfers(problem)
    assert plan.solver_path == "greedy_fallback"
    assert verify_plan(problem, plan) == ()


def test_the_child_process_gives_the_same_touched_plan() -> None:
    problem = shared_items(60, seed=3)
    here = solve_transfers(problem, force_path="touched_lp")
    there = solve_transfers(problem, force_path="touched_lp", hard_kill_seconds=60.0)
    np.testing.assert_array_equal(here.units, there.units)
    assert here.bound == there.bound


def test_callers_that_do_not_ask_for_scale_get_only_the_paths_they_know() -> None:
    assert solve_transfers(shared_items(60, seed=3)).solver_path == "lp_rounded"
    assert solve_transfers(shared_items(20, seed=3), node_limit=1, gap=0.05).solver_path == "milp"
    assert solve_transfers(shared_items(20, seed=3), at_scale=True, node_limit=1, gap=0.05).solver_path == "milp"
    assert set(scale.SCALE_PATHS) == {"shortest_paths", "touched_milp", "touched_lp", "lane_prices"}


def test_members_and_opening_costs_are_checked() -> None:
    problem = shared_items(2, seed=1)
    with pytest.raises(ValueError, match=r"member_load_per_unit must have shape \(10,\), got \(9,\)"):
        replace(problem, member_load_per_unit=problem.member_load_per_unit[:-1])
    with pytest.raises(ValueError, match=r"member_group must be in 0\.\.7"):
        replace(problem, member_group=problem.member_group + 1)
    with pytest.raises(ValueError, match=r"group_fixed_cost must have shape \(8,\), got \(2,\)"):
        replace(problem, group_fixed_cost=np.zeros(2))
