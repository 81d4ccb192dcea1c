"""Small named worlds for option pricing, and lost sales by simulation."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.options.rows import OptionRows
from optimizer.options.worlds import Worlds
from optimizer.risk.inbound import InboundSchedule

Array = NDArray[np.float64]


def some_rows(quantities: list[float], *, day: int = 0, horizon: int = 10, sd: float = 0.0) -> OptionRows:
    """Stock of 10, demand of 2 a day; each option arrives on `day` for certain."""
    r = len(quantities)
    arrival = np.zeros((r, horizon))
    arrival[:, day] = 1.0
    quantity = np.array(quantities)
    one = np.zeros(r, dtype=np.int64)
    return OptionRows(
        worlds=Worlds(np.array([10.0]), np.array([2.0]), np.array([sd]), np.array([horizon])),
        world=one,
        baseline=one,
        quantity=quantity,
        arrival_probability=arrival,
        unit_cost=np.full(r, 1.0),
        fixed_cost=np.where(quantity > 0.0, 5.0, 0.0),
        penalty_per_unit=np.full(r, 20.0),
        holding_cost_per_unit_day=np.full(r, 0.1),
    )


def mixed_worlds(n: int, days: int, orders: int, *, seed: int, known: bool = False) -> Worlds:
    """Fast and lumpy demand, stock for up to the horizon, uncertain orders."""
    rng = np.random.default_rng(seed)
    mean = rng.gamma(2.0, 5.0, n) + 0.1
    arrival = bell(rng.integers(0, days, n * orders), rng.uniform(1.0, 9.0, n * orders), days)
    due = np.zeros((n, days))
    due[np.arange(n), rng.integers(0, days, n)] = mean * rng.uniform(1.0, 8.0, n)
    series, units = np.repeat(np.arange(n), orders), np.repeat(mean, orders) * rng.uniform(2.0, 15.0, n * orders)
    return Worlds(
        on_hand=mean * rng.uniform(0.0, 1.0, n) * days,
        mean_per_day=mean,
        sd_per_day=mean * rng.uniform(0.2, 1.8, n),
        horizon_days=np.full(n, days),
        inbound=InboundSchedule(series, units, arrival) if orders else None,
        known_demand=due if known else None,
    )


def bell(center: NDArray[np.int64], width: Array, days: int) -> Array:
    """Arrival laws around a day; some of each may come after the horizon."""
    late = np.arange(days + 8)
    mass = np.exp(-0.5 * ((late - center[:, None]) / width[:, None]) ** 2)
    return np.asarray((mass / mass.sum(axis=1, keepdims=True))[:, :days])


def options_of(worlds: Worlds, *, seed: int) -> tuple[Array, Array]:
    """One option per world: units, and when they come."""
    rng = np.random.default_rng(seed)
    n, days = len(worlds), worlds.days
    units = np.asarray(worlds.mean_per_day * rng.uniform(0.5, float(days), n))
    return units, bell(rng.integers(0, days, n), rng.uniform(0.3, 5.0, n), days)


def rows_of(worlds: Worlds, quantity: Array, arrival: Array) -> OptionRows:
    """One option per world at plain prices."""
    n = len(worlds)
    return OptionRows(
        worlds, np.arange(n), np.arange(n), quantity, arrival, np.full(n, 1.0), np.full(n, 5.0), np.full(n, 20.0),
        np.full(n, 0.01),
    )  # fmt: skip


def simulated_lost(worlds: Worlds, quantity: Array, arrival: Array, *, paths: int, seed: int) -> tuple[Array, Array]:
    """Units lost over the horizon without and with the option, on the same paths."""
    rng = np.random.default_rng(seed)
    days, answer = worlds.days, np.zeros((2, len(worlds)))
    for world in range(len(worlds)):
        mean, sd = float(worlds.mean_per_day[world]), float(worlds.sd_per_day[world])
        demand = rng.gamma((mean / sd) ** 2, sd * sd / mean, (paths, days))
        if worlds.known_demand is not None:
            demand += worlds.known_demand[world]
        receipts = np.zeros((paths, days + 1))
        inbound = worlds.inbound
        for order in [] if inbound is None else np.flatnonzero(inbound.series == world).tolist():
            assert inbound is not None
            _receive(receipts, inbound.arrival_probability[order], float(inbound.quantity[order]), rng)
        for which in range(2):
            supply = worlds.on_hand[world] + np.cumsum(receipts[:, :days], axis=1)
            answer[which, world] = np.maximum((np.cumsum(demand, axis=1) - supply).max(axis=1), 0.0).mean()
            _receive(receipts, arrival[world], float(quantity[world]), rng)
    return answer[0], answer[1]


def _receive(receipts: Array, law: Array, units: float, rng: np.random.Generator) -> None:
    paths, late = receipts.shape[0], receipts.shape[1] - 1
    day = np.minimum(np.searchsorted(np.cumsum(law), rng.random(paths)), late)
    np.add.at(receipts, (np.arange(paths), day), units)


def scaled_units(rows: OptionRows, factor: float) -> OptionRows:
    """The same options with units counted in other pieces: quantities times, prices per unit over the factor."""
    worlds = rows.worlds
    inbound = worlds.inbound
    if inbound is not None:
        inbound = InboundSchedule(inbound.series, inbound.quantity * factor, inbound.arrival_probability)
    known = None if worlds.known_demand is None else worlds.known_demand * factor
    return replace(
        rows,
        worlds=Worlds(
            worlds.on_hand * factor, worlds.mean_per_day * factor, worlds.sd_per_day * factor, worlds.horizon_days,
            inbound, known,
        ),
        quantity=rows.quantity * factor,
        unit_cost=rows.unit_cost / factor,
        penalty_per_unit=rows.penalty_per_unit / factor,
        holding_cost_per_unit_day=rows.holding_cost_per_unit_day / factor,
    )  # fmt: skip
