"""Stages in series: textbook, a slow second implementation, and the edges the field's simulators fell over."""

import numpy as np
import pytest

from optimizer.errors import ConservationError
from optimizer.simulation import serial
from optimizer.simulation.serial import SerialSystem, simulate_serial
from tests.optimizer.golden import golden


def _system(case: dict[str, list[float]]) -> SerialSystem:
    names = ("base_stock_level", "lead_time", "holding_cost", "penalty")
    return SerialSystem(**{name: np.array(case[name]) for name in names})


def _slow_total(system: SerialSystem, demand: np.ndarray) -> float:
    """The same sequence of events with lists of shipments, one path, one unit of bookkeeping at a time."""
    stages = len(system.lead_time)
    level = [float(x) for x in system.opening_level]
    on_order, total = [0.0] * stages, 0.0
    under_way: list[dict[int, float]] = [{} for _ in range(stages)]
    owed = [max(-x, 0.0) for x in level]
    on_order[:-1] = owed[1:]
    for period, wanted in enumerate(float(x) for x in demand):
        inbound, orders = wanted, []
        for i in range(stages):
            position = level[i] + on_order[i] - inbound
            orders.append(max(float(system.base_stock_level[i]) - position, 0.0))
            on_order[i] += orders[i]
            inbound = orders[i]
        shipped = orders[-1]
        for i in reversed(range(stages)):
            arrival = period + int(system.lead_time[i])
            under_way[i][arrival] = under_way[i].get(arrival, 0.0) + shipped
            arrived = under_way[i].pop(period, 0.0)
            on_order[i] -= arrived
            claim = orders[i - 1] if i else wanted
            can = max(level[i], 0.0) + arrived
            shipped = min(can, owed[i] + claim)
            owed[i] += claim - shipped
            level[i] += arrived - claim
            total += float(system.holding_cost[i]) * max(level[i], 0.0)
            total += float(system.penalty[i]) * max(-level[i], 0.0)
        for i in range(1, stages):
            total += float(system.holding_cost[i]) * sum(under_way[i - 1].values())
    return total


def test_h1_serial_cost_equals_the_field_simulator_on_the_same_draws() -> None:
    case, answer = golden("simulation", "H1")
    draw = case["demand"]
    demand = np.random.default_rng(draw["seed"]).normal(draw["mean"], draw["sd"], draw["periods"])
    total = simulate_serial(_system(case), demand[:, None]).total_cost[0]
    assert total == pytest.approx(answer["total_cost"], abs=1e-6)


@pytest.mark.parametrize("lead", [[0], [3], [0, 0, 0], [2, 0, 1], [1, 4, 0, 2]])
@pytest.mark.parametrize("opening", [None, -3.0, 40.0])
def test_serial_cost_equals_a_slow_second_implementation(lead: list[int], opening: float | None) -> None:
    n = len(lead)
    start = np.zeros(0) if opening is None else np.full(n, opening)
    system = SerialSystem(
        np.linspace(9.0, 14.0, n), np.array(lead), np.linspace(5.0, 1.0, n), np.linspace(30.0, 0.0, n), start
    )
    demand = np.random.default_rng(len(lead)).gamma(4.0, 1.25, (60, 3))
    total = simulate_serial(system, demand).total_cost
    np.testing.assert_allclose(total, [_slow_total(system, path) for path in demand.T], rtol=1e-11)


def test_pitfall_e_lead_time_zero_is_an_input_not_an_error() -> None:
    system = SerialSystem(np.array([5.0]), np.array([0]), np.array([1.0]), np.array([10.0]))
    outcome = simulate_serial(system, np.full((7, 1), 3.0))
    # Ordered and received within the period: five on the shelf every evening.
    assert outcome.total_cost[0] == 7 * 5.0


def test_pitfall_e_negative_demand_is_a_return_that_raises_the_level() -> None:
    system = SerialSystem(np.array([5.0, 5.0]), np.array([1, 1]), np.array([1.0, 0.5]), np.array([9.0, 0.0]))
    outcome = simulate_serial(system, np.array([[2.0], [-4.0], [0.0]]))
    assert outcome.closing_level[0, 0] == 5.0 - 2.0 + 4.0 + 2.0
    assert outcome.penalty_cost.sum() == 0.0


def test_a_block_of_paths_gives_what_each_path_gives_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    case, _ = golden("simulation", "H1")
    demand = np.random.default_rng(3).normal(5.0, 1.0, (40, 11))
    together = simulate_serial(_system(case), demand)
    monkeypatch.setattr(serial, "_BLOCK_PATHS", 4)
    apart = simulate_serial(_system(case), demand)
    np.testing.assert_array_equal(together.total_cost, apart.total_cost)


def test_a_stage_that_loses_units_is_caught_in_its_period(monkeypatch: pytest.MonkeyPatch) -> None:
    case, _ = golden("simulation", "H1")
    honest = serial._Stage.arrive

    def leaking(stage: serial._Stage, period: int, shipped: np.ndarray) -> np.ndarray:
        arrived = honest(stage, period, shipped)
        return arrived * (0.9 if period == 6 else 1.0)

    monkeypatch.setattr(serial._Stage, "arrive", leaking)
    with pytest.raises(ConservationError, match="period 6, stage 0"):
        simulate_serial(_system(case), np.full((20, 2), 5.0))
