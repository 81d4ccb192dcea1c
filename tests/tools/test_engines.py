"""Workers, parts and passes: whoever looks, and in whatever pieces, the answer is the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.sweep import NOW, House
from benchmarks.worlds import AS_OF, Shape, network
from inventory.ledger_frame import ledger_frame
from inventory.records import EVERYTHING
from tools.engines import ONE_THREAD, engine, processes
from tools.errors import EngineError
from tools.intake import take_stock
from tools.plan import needs_of, plan_parameters
from tools.planning import JointPlan, PlanParameters, solve_needs
from tools.sweeping import Look, look_everywhere
from tools.toolbox import Toolbox
from tools.triage import group_findings

SHAPE = Shape(sites=10, empty_share=0.2, tight_lanes=4, tight_capacity=3)
ROWS = {1: 1_000, 2: 200, 7: 60}
"""Item-sites of a part that make so many parts of 400 item-sites."""


@pytest.fixture(scope="module")
def toolbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toolbox]:
    """A network of 40 items at ten sites, a fifth of it empty, with four lanes that carry three units a day."""
    house = House(tmp_path_factory.mktemp("parts"))
    tables = network(400, shape=SHAPE)
    snapshot = house.snapshots.write(tables, as_of=AS_OF, import_id="parts", actor="test", now=NOW)
    with house.database.write("test", NOW) as transaction:
        take_stock(transaction, snapshot)
    yield house.desk.toolbox
    house.database.dispose()


@pytest.fixture(scope="module")
def whole(toolbox: Toolbox) -> Look:
    """The network looked at in one part, here."""
    return look(toolbox, None, ROWS[1])


def look(toolbox: Toolbox, executor: Executor | None, rows: int) -> Look:
    toolbox.executor = executor
    try:
        return look_everywhere(toolbox, lambda done, of: None, rows=rows)
    finally:
        toolbox.executor = None


def same(one: Look, other: Look) -> bool:
    """Whether two looks agree to the last bit."""
    arrays = ("free", "history", "known_demand", "on_hand")
    return (
        one.findings == other.findings
        and one.figures == other.figures
        and one.outlook.arrays.items == other.outlook.arrays.items
        and all(
            np.array_equal(getattr(one.outlook.arrays, name), getattr(other.outlook.arrays, name), equal_nan=True)
            for name in arrays
        )
        and np.array_equal(one.outlook.projection.expected_short_units, other.outlook.projection.expected_short_units)
        and np.array_equal(one.outlook.levels.reorder_point, other.outlook.levels.reorder_point)
    )


@pytest.mark.parametrize("parts", [2, 7])
def test_findings_and_figures_do_not_depend_on_how_the_network_is_cut(
    toolbox: Toolbox, whole: Look, parts: int
) -> None:
    seen: list[tuple[int, int]] = []
    toolbox.executor = None
    cut = look_everywhere(toolbox, lambda done, of: seen.append((done, of)), rows=ROWS[parts])

    assert seen[-1] == (parts, parts)
    assert len(whole.findings) > 30
    assert same(cut, whole)


def test_workers_that_finish_in_any_order_give_the_same_answer(toolbox: Toolbox, whole: Look) -> None:
    with ThreadPoolExecutor(7) as seven:
        assert same(look(toolbox, seven, ROWS[7]), whole)


def test_spawned_processes_give_the_same_answer_and_leave_the_environment_alone(toolbox: Toolbox, whole: Look) -> None:
    before = dict(os.environ)
    with processes(2) as two:
        assert os.environ == before
        assert two.submit(os.getenv, "POLARS_MAX_THREADS").result() == ONE_THREAD["POLARS_MAX_THREADS"]
        assert same(look(toolbox, two, ROWS[2]), whole)


@pytest.mark.acceptance
@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize("parts", [1, 2, 7])
def test_any_number_of_processes_gives_the_same_answer(toolbox: Toolbox, whole: Look, workers: int, parts: int) -> None:
    with processes(workers) as pool:
        assert same(look(toolbox, pool, ROWS[parts]), whole)


def decided(toolbox: Toolbox, whole: Look, parameters: PlanParameters, force: str | None = None) -> JointPlan:
    """A joint decision about everything that was found."""
    with toolbox.database.read() as connection:
        thresholds = toolbox.thresholds(connection)
        ledger = ledger_frame(connection, EVERYTHING)
    snapshot = toolbox.snapshot()
    outlook = toolbox.outlook_of(snapshot, ledger, [], thresholds, name="everything")
    cases = group_findings(whole.findings, outlook, thresholds, snapshot)
    needs = [need for case in cases for need in needs_of(case, outlook, thresholds)]
    return solve_needs(outlook, needs, toolbox.lanes(snapshot), parameters, force_path=force)


@pytest.fixture(scope="module")
def parameters(toolbox: Toolbox) -> PlanParameters:
    """Steers the plan so that any list is long."""
    with toolbox.database.read() as connection:
        return replace(plan_parameters(toolbox, toolbox.thresholds(connection)), joint_needs=0)


@pytest.fixture(scope="module")
def two_passes(toolbox: Toolbox, whole: Look, parameters: PlanParameters) -> JointPlan:
    """Every item alone, then those that meet on a full lane."""
    return decided(toolbox, whole, parameters)


def sent(plan: JointPlan) -> dict[str, int]:
    """Units over each lane."""
    units: dict[str, int] = {}
    for need in plan.needs:
        for move in need.moves:
            units[move.lane.name] = units.get(move.lane.name, 0) + move.units
    return units


def test_a_second_pass_keeps_lanes_within_what_they_carry(toolbox: Toolbox, two_passes: JointPlan) -> None:
    limits = {
        lane.name: lane.capacity_per_day
        for lanes in toolbox.lanes(toolbox.snapshot()).values()
        for lane in lanes
        if lane.capacity_per_day is not None
    }
    units = sent(two_passes)

    assert two_passes.solver_path.startswith("alone")
    assert "|" in two_passes.solver_path
    assert len(limits) == 4
    assert all(units.get(name, 0) <= limit for name, limit in limits.items())
    assert any(units.get(name, 0) > 0 for name in limits)


def test_two_passes_lose_little_against_one_joint_decision(
    toolbox: Toolbox, whole: Look, parameters: PlanParameters, two_passes: JointPlan
) -> None:
    jointly = decided(toolbox, whole, replace(parameters, joint_needs=10_000))

    assert jointly.solver_path.startswith(("milp", "lp_rounded"))
    assert two_passes.objective >= 0.99 * jointly.objective


def test_two_passes_repeat_from_their_recorded_path(
    toolbox: Toolbox, whole: Look, parameters: PlanParameters, two_passes: JointPlan
) -> None:
    again = decided(toolbox, whole, replace(parameters, joint_needs=10_000), two_passes.solver_path)

    assert again.solver_path == two_passes.solver_path
    assert [(need.moves, need.chosen, need.net_value) for need in again.needs] == [
        (need.moves, need.chosen, need.net_value) for need in two_passes.needs
    ]


def test_an_engine_that_cannot_be_had_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EngineError, match=r"pip install 'evenkeel\[dask\]'"), engine(dask="tcp://127.0.0.1:8786"):
        pass
    with pytest.raises(EngineError, match="at least 1 worker, not 0"), engine(workers=0):
        pass
    with pytest.raises(EngineError, match="not by both"), engine(workers=2, dask="tcp://127.0.0.1:8786"):
        pass
    with engine() as here:
        assert here is None
