"""Risk by day: the full grid beside its own special function calls, screening beside the full grid, the state DP."""

from __future__ import annotations

from collections.abc import Callable
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
    """The grid of 28 days with two uncertain orders, and the exact program for flagged series."""
    arrays = world(SERIES)
    on_hand, mean, sd, inbound = arrays

    def full() -> None:
        project_stock(on_hand, mean, sd, horizon_days=DAYS, inbound=inbound, screened=False)

    def screened() -> None:
        project_stock(on_hand, mean, sd, horizon_days=DAYS, inbound=inbound)

    def bisected() -> None:
        first_risky_day(on_hand, mean, sd, 0.2, horizon_days=DAYS, inbound=inbound)

    def bounds() -> None:
        ever_out_probability(on_hand, mean, sd, horizon_days=DAYS, inbound=inbound)

    size = f"{SERIES:,} x {DAYS} days, 2 orders"
    whole, calls = compare(full, _special_calls(arrays))
    quick, whole_again = compare(screened, full, repeats=3)
    day, whole_third = compare(bisected, full, repeats=3)
    ever, whole_last = compare(bounds, full, repeats=3)
    flagged = slow_movers(FLAGGED)
    lost, closed = compare(
        lambda: exact_stockout_risk(**flagged), lambda: project_stock(**flagged, screened=False), repeats=3
    )
    dp_size = f"{FLAGGED:,} slow movers x {DAYS} days, 2 orders"
    return [
        Row("risk by day, full grid", size, "series", SERIES / whole, "its gammaincc calls", SERIES / calls, 0.8),
        Row("risk by day, screened", size, "series", SERIES / quick, "full grid", SERIES / whole_again),
        Row("first risky day, screened", size, "series", SERIES / day, "full grid", SERIES / whole_third, 2.5),
        Row("ever out, bounds", size, "series", SERIES / ever, "full grid", SERIES / whole_last),
        Row("state program, lost sales", dp_size, "series", FLAGGED / lost, "2.7 k series/s", 2_700.0, 1.0),
        Row("state program, lost sales", dp_size, "series", FLAGGED / lost, "closed form, full grid", FLAGGED / closed),
    ]
