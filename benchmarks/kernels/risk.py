"""Risk by day: the full grid beside its own special function calls, screening beside the full grid, the state DP."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy.special import gammaincc

from benchmarks.measure import Row, compare
from optimizer.risk.demand_by_day import daily_demand
from optimizer.risk.ever_out import ever_out_probability
from optimizer.risk.first_risky_day import first_risky_day
from optimizer.risk.inbound import InboundSchedule
from optimizer.risk.projection import project_stock
from optimizer.risk.state_dp import exact_stockout_risk
from optimizer.risk.supply import supply_table

SERIES, FLAGGED, DAYS = 50_000, 4_000, 28
_Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, InboundSchedule]


def world(n: int, *, seed: int = 1) -> _Arrays:
    """Series with two open orders each, due over the horizon and uncertain by nine days; stock for days to weeks."""
    rng = np.random.default_rng(seed)
    mean = rng.gamma(1.5, 4.0, n) + 0.05
    sd = mean * rng.uniform(0.3, 1.5, n)
    on_hand = mean * rng.gamma(2.0, 10.0, n)
    arrival = np.zeros((2 * n, DAYS + 9))
    first = rng.integers(0, DAYS, 2 * n)
    for later in range(9):
        arrival[np.arange(2 * n), first + later] = (1 + min(later, 8 - later)) / 25.0
    quantity = np.repeat(mean, 2) * rng.uniform(5.0, 20.0, 2 * n)
    return on_hand, mean, sd, InboundSchedule(np.repeat(np.arange(n), 2), quantity, arrival[:, :DAYS])


def ordinary_network(n: int, *, orders: int | None = None, seed: int = 1) -> _Arrays:
    """Series as in `benchmarks.worlds`: a centre and nine stores, stock between reorder point and order-up-to level.

    The reorder point is the mean over lead time and review and two standard deviations; 2 % of series are nearly
    empty, 0.3 % hold years. A quarter of the centre's series have one open order, due within the lead time and spread
    over a week, and a twentieth of the stores' have a transfer due in two days, spread over three. With `orders` every
    series has that many orders, spread as the centre's.
    """
    rng = np.random.default_rng(seed)
    centre = np.arange(n) % 10 == 0
    weekly = rng.lognormal(1.2, 0.9, n) * np.where(centre, 4.0, 1.0)
    steady = rng.random(n) < 0.6
    chance, size = rng.uniform(0.1, 0.4, n), 1.0 + weekly / 2.0
    lumpy_variance = chance * (2.0 - chance) * size**2 - chance * size
    mean = np.where(steady, weekly, chance * size)
    sd = np.sqrt(np.where(steady, weekly, lumpy_variance))
    weeks = np.where(centre, 28.0, 11.0) / 7.0
    stock = np.ceil(
        np.ceil(mean * weeks + 2.0 * sd * np.sqrt(weeks)) + rng.uniform(0.1, 0.9, n) * np.maximum(mean, 1.0)
    )
    fate = rng.random(n)
    stock = np.where(fate < 0.02, np.floor(rng.uniform(0.0, 0.5, n) * mean), stock)
    stock = np.where(fate > 0.997, np.ceil(150.0 * mean) + 40.0, stock)
    if orders is None:
        series = np.flatnonzero(rng.random(n) < np.where(centre, 0.25, 0.05))
    else:
        series = np.repeat(np.arange(n), orders)
    short_way = ~centre[series] & (orders is None)
    due = np.where(short_way, 1, rng.integers(0, 20, len(series)))
    arrival = np.zeros((len(series), DAYS))
    for later in range(7):
        likely = np.where(short_way, 1.0 / 3.0 if later < 3 else 0.0, (1 + min(later, 6 - later)) / 16.0)
        arrival[np.arange(len(series)), due + later] = likely
    quantity = np.ceil(np.where(centre[series], 3.0, 1.0) * mean[series]) + 1.0
    return stock, mean / 7.0, sd / np.sqrt(7.0), InboundSchedule(series, quantity, arrival)


def slow_movers(n: int) -> dict[str, Any]:
    """Flagged series in whole units: two uncertain orders each, some 50 units at most on the shelf."""
    rng = np.random.default_rng(1)
    mean = rng.gamma(1.5, 1.2, n) + 0.05
    arrival = world(n)[3].arrival_probability
    quantity = np.round(np.repeat(mean, 2) * rng.uniform(5.0, 20.0, 2 * n))
    return {
        "on_hand": np.round(mean * rng.gamma(2.0, 5.0, n)),
        "mean_per_day": mean,
        "sd_per_day": np.sqrt(mean * rng.uniform(1.0, 2.5, n)),
        "horizon_days": DAYS,
        "inbound": InboundSchedule(np.repeat(np.arange(n), 2), quantity, arrival),
        "law": "count",
    }


def _special_calls(arrays: _Arrays) -> Callable[[], None]:
    """The incomplete gamma calls of the full grid alone, on the same numbers and block by block."""
    on_hand, mean, sd, inbound = arrays
    demand = daily_demand(len(mean), mean, sd, None, DAYS)
    supply = supply_table(on_hand, inbound)
    calls = []
    for start in range(0, len(mean), 585):
        block = supply.block(np.arange(start, min(start + 585, len(mean))), demand)
        shape, scale = block.mean**2 / block.variance, block.variance / block.mean
        for first in (0.0, 1.0):
            for second in (0.0, 1.0):
                units = first * block.quantity[0] + second * block.quantity[1]
                calls.append((shape, np.maximum(block.level + units[:, None], 0.0) / scale))

    def run() -> None:
        for shape, y in calls:
            gammaincc(shape, y)

    return run


def measure() -> list[Row]:
    """The grid of 28 days on an ordinary network and on hard worlds, and the exact program for flagged series."""
    return [*_ordinary(), *_hard(), *_flagged()]


def _ordinary() -> list[Row]:
    """The network of `benchmarks.worlds`, where few series have an open order, and the same with two orders each."""
    rows = []
    for orders, size, target in ((None, "few orders", 2.5), (2, "2 orders each", None)):
        on_hand, mean, sd, inbound = ordinary_network(SERIES, orders=orders)
        project = partial(project_stock, on_hand, mean, sd, horizon_days=DAYS, inbound=inbound)
        quick, whole = _turns(project, partial(project, screened=False))
        name = f"{SERIES:,} x {DAYS} days, ordinary network, {size}"
        rows.append(Row("risk by day, screened", name, "series", SERIES / quick, "full grid", SERIES / whole, target))
    return rows


def _hard() -> list[Row]:
    """Two uncertain orders each and four cells in five at risk: little can be left out."""
    arrays = world(SERIES)
    on_hand, mean, sd, inbound = arrays
    project = partial(project_stock, on_hand, mean, sd, horizon_days=DAYS, inbound=inbound)
    full = partial(project, screened=False)
    whole, calls = _turns(full, _special_calls(arrays))
    quick, whole_again = _turns(project, full)
    day, whole_third = _turns(
        partial(first_risky_day, on_hand, mean, sd, 0.2, horizon_days=DAYS, inbound=inbound), full
    )
    ever, whole_last = _turns(
        partial(ever_out_probability, on_hand, mean, sd, horizon_days=DAYS, inbound=inbound), full
    )
    size = f"{SERIES:,} x {DAYS} days, hard world, 2 orders each"
    return [
        Row("risk by day, full grid", size, "series", SERIES / whole, "its gammaincc calls", SERIES / calls, 0.8),
        Row("risk by day, screened", size, "series", SERIES / quick, "full grid", SERIES / whole_again),
        Row("first risky day, screened", size, "series", SERIES / day, "full grid", SERIES / whole_third, 2.5),
        Row("ever out, bounds", size, "series", SERIES / ever, "full grid", SERIES / whole_last),
    ]


def _flagged() -> list[Row]:
    flagged = slow_movers(FLAGGED)
    lost, closed = _turns(partial(exact_stockout_risk, **flagged), partial(project_stock, **flagged, screened=False))
    size = f"{FLAGGED:,} slow movers x {DAYS} days, 2 orders"
    return [
        Row("state program, lost sales", size, "series", FLAGGED / lost, "2.7 k series/s", 2_700.0, 1.0),
        Row("state program, lost sales", size, "series", FLAGGED / lost, "closed form, full grid", FLAGGED / closed),
    ]


def _turns(ours: Callable[[], object], peer: Callable[[], object]) -> tuple[float, float]:
    return compare(ours, peer, repeats=4, clock=time.process_time)
