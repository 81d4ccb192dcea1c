"""The simulator beside stockpyl's on the same demand, and beside numpy's own rate on vectors in cache.

Before anything is timed, costs are compared on several networks: they agree to 1e-9 or the run stops.
"""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Row, compare, seconds
from optimizer.simulation.network import simulate
from optimizer.simulation.planner import OrderPolicy
from optimizer.simulation.serial import SerialSystem, simulate_serial
from optimizer.simulation.single_stage import simulate_single_stage
from optimizer.simulation.world import World

PATHS, PERIODS, PEER_PERIODS = 2_000, 365, 100
# Vector operations on a path, a stage and a period: ordering 5, shipping 8, transit 4, books 6.
SERIAL_OPERATIONS = 23
EXAMPLE = SerialSystem(
    np.array([6.49, 5.53, 10.69]), np.array([1, 1, 2]), np.array([7.0, 4, 2]), np.array([37.12, 0, 0])
)

Floats = NDArray[np.float64]


def measure() -> list[Row]:
    """Every row of the room."""
    check_equal_costs()
    return [*_serial(), *_single_stage(), _network()]


def check_equal_costs() -> float:
    """Largest relative difference to stockpyl's total cost over networks of 1 to 5 stages; an error above 1e-9."""
    draw, worst = np.random.Generator(np.random.PCG64(4)), 0.0
    systems = [(EXAMPLE, draw.normal(5.0, 1.0, PEER_PERIODS))]
    for stages, zero in ((1, False), (2, False), (3, True), (4, False), (5, True)):
        lead = draw.integers(0 if zero else 1, 4, stages)
        level = np.round(5.0 * (lead + 1.0) + draw.normal(0.0, 2.0, stages), 2)
        penalty = np.zeros(stages)
        penalty[0] = 40.0
        rate = np.sort(draw.uniform(0.5, 8.0, stages))[::-1].copy()
        opening = np.round(draw.uniform(0.0, 12.0, stages), 1)
        demand = (draw.poisson(5.0, PEER_PERIODS).astype(np.float64), draw.gamma(2.0, 2.5, PEER_PERIODS))[stages % 2]
        systems.append((SerialSystem(level, lead, rate, penalty, opening), demand))
    for system, demand in systems:
        ours = float(simulate_serial(system, demand[:, None]).total_cost[0])
        peer = _peer_total(system, demand)
        worst = max(worst, abs(ours - peer) / abs(peer))
        if worst > 1e-9:
            raise RuntimeError(f"{len(system.lead_time)} stages cost {ours}, stockpyl says {peer}")
    return worst


def _peer_network(system: SerialSystem, demand: Floats) -> Any:
    """The same stages as a stockpyl network, upstream first."""
    networks = importlib.import_module("stockpyl.supply_chain_network")
    order = slice(None, None, -1)
    return networks.serial_system(
        num_nodes=len(system.lead_time),
        local_holding_cost=system.holding_cost[order].tolist(),
        stockout_cost=system.penalty[order].tolist(),
        shipment_lead_time=system.lead_time[order].tolist(),
        demand_type="D",
        demand_list=demand.tolist(),
        policy_type="BS",
        base_stock_level=system.base_stock_level[order].tolist(),
        initial_inventory_level=system.opening_level[order].tolist(),
    )


def _peer_total(system: SerialSystem, demand: Floats) -> float:
    simulation = importlib.import_module("stockpyl.sim").simulation
    return float(simulation(_peer_network(system, demand), len(demand), rand_seed=1, progress_bar=False))


def _serial() -> list[Row]:
    demand = np.random.Generator(np.random.PCG64(1)).normal(5.0, 1.0, (PERIODS, PATHS))
    one = np.ascontiguousarray(demand[:PEER_PERIODS, :1])
    network = _peer_network(EXAMPLE, one[:, 0])
    simulation = importlib.import_module("stockpyl.sim").simulation
    peer_run = partial(simulation, network, PEER_PERIODS, rand_seed=1, progress_bar=False)
    steps, peer_steps = 3 * PERIODS * PATHS, 3 * PEER_PERIODS
    ours, peer = compare(partial(simulate_serial, EXAMPLE, demand), peer_run)
    alone, peer_again = compare(partial(simulate_serial, EXAMPLE, one), peer_run)
    again, operations = compare(partial(simulate_serial, EXAMPLE, demand), partial(_sweep, PATHS, steps // PATHS))
    unit = "node-periods"
    return [
        Row(
            "serial simulation", f"3 stages x {PERIODS} x {PATHS:,} paths", unit,
            steps / ours, "stockpyl 1.0, one path", peer_steps / peer, 10_000.0,
        ),
        Row(
            "serial simulation", f"3 stages x {PEER_PERIODS}, one path", unit,
            peer_steps / alone, "stockpyl 1.0, one path", peer_steps / peer_again,
        ),
        Row(
            "serial simulation", f"3 stages x {PERIODS} x {PATHS:,} paths", unit,
            steps / again, f"{SERIAL_OPERATIONS} additions on vectors of {PATHS:,}",
            steps / (operations * SERIAL_OPERATIONS),
        ),
    ]  # fmt: skip


def _sweep(length: int, count: int) -> None:
    """Additions in cache: the rate of the machine at a vector length."""
    first, second, out = np.ones(length), np.ones(length), np.empty(length)
    for _ in range(count):
        np.add(first, second, out=out)


def _single_stage() -> list[Row]:
    draw, days, n = np.random.Generator(np.random.PCG64(2)), 365, 16_384
    demand = draw.poisson(3.0, (days, n)).astype(np.float64)
    lead = draw.integers(2, 12, (days, n))
    point, lot = np.full(n, 30.0), np.full(n, 12.0)
    run = partial(
        simulate_single_stage, demand, lead, opening=point + 20.0, reorder_point=point,
        order_up_to_level=point + 40.0, multiple=lot,
    )  # fmt: skip
    ours, operations = compare(run, partial(_sweep, n, days))
    cells = days * n
    return [
        Row(
            "single stage, random lead time, lots", f"{days} days x {n:,}", "item-days",
            cells / ours, "22 additions on vectors of 16,384", cells / (22 * operations),
        ),
    ]  # fmt: skip


def _network() -> Row:
    draw, shape = np.random.Generator(np.random.PCG64(3)), (91, 3, 8_000)
    demand = draw.poisson(3.0, shape).astype(np.float64)
    point = np.full(shape[1:], 30.0)
    world = World(demand, draw.integers(2, 12, shape), point + 20.0, np.ones(shape[2]))
    spent = min(seconds(lambda: simulate(world, OrderPolicy.min_max(point, point + 40.0))) for _ in range(3))
    read = min(seconds(lambda: demand.sum()) for _ in range(3))
    return Row(
        "network with all books and figures", "91 days x 3 sites x 8,000 items", "item-site-days",
        demand.size / spent, "reading the demand once", demand.size / read,
    )  # fmt: skip
