"""Small worlds for stock by day: the derived case, a mixed lot of slow movers, and a path simulation."""

from typing import Any

import numpy as np

from optimizer.arguments import FloatArray
from optimizer.risk.projection import InboundSchedule


def one_uncertain_order(case: dict[str, Any]) -> dict[str, Any]:
    """Arguments of case D1: Poisson demand, one order on one of three days."""
    arrival = np.zeros((1, case["horizon_days"]))
    arrival[0, np.array(case["arrival_day"]) - 1] = case["arrival_probability"]
    mean = float(case["mean_per_day"])
    return {
        "on_hand": [float(case["on_hand"])],
        "mean_per_day": [mean],
        "sd_per_day": [np.sqrt(mean)],
        "horizon_days": case["horizon_days"],
        "inbound": InboundSchedule(np.array([0]), np.array([float(case["quantity"])]), arrival),
        "law": "count",
    }


def mixed_world(n: int, days: int = 14) -> dict[str, Any]:
    """Slow movers with none, one or two uncertain orders each, counted in whole units."""
    rng = np.random.default_rng(20)
    mean = rng.uniform(0.1, 4.0, n)
    series = np.concatenate([np.arange(n), np.arange(0, n, 2)])
    arrival = np.zeros((len(series), days + 6))
    first = rng.integers(0, days, len(series))
    for later in range(6):
        arrival[np.arange(len(series)), first + later] = 1.0 / 6.0
    return {
        "on_hand": np.rint(mean * rng.uniform(0.0, 9.0, n)),
        "mean_per_day": mean,
        "sd_per_day": np.sqrt(mean * rng.uniform(1.0, 2.5, n)),
        "horizon_days": days,
        "inbound": InboundSchedule(series, np.rint(mean[series] * 6.0) + 1.0, arrival[:, :days]),
        "law": "count",
    }


def simulated(
    rng: np.random.Generator,
    paths: int,
    on_hand: float,
    mean: FloatArray,
    quantity: FloatArray,
    arrival: FloatArray,
    known: FloatArray,
    law: str,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Lost sales by paths: share out on the day, ever out, and units lost by day; variance twice the mean."""
    days = len(mean)
    beyond = np.concatenate([arrival, 1.0 - arrival.sum(axis=1, keepdims=True)], axis=1)
    landed = np.stack([rng.choice(days + 1, paths, p=np.clip(row, 0.0, None)) for row in beyond])
    stock, ever = np.full(paths, on_hand), np.zeros(paths, dtype=bool)
    out, ever_by, lost = np.zeros(days), np.zeros(days), np.zeros(days)
    for day in range(days):
        stock += (quantity[:, None] * (landed == day)).sum(axis=0)
        random = (
            rng.gamma(mean[day] / 2.0, 2.0, paths) if law == "gamma" else rng.negative_binomial(mean[day], 0.5, paths)
        )
        missing = np.maximum(random + known[day] - stock, 0.0)
        stock = np.maximum(stock - random - known[day], 0.0)
        ever |= missing > 0.0
        out[day], ever_by[day], lost[day] = (missing > 0.0).mean(), ever.mean(), missing.mean()
    return out, ever_by, lost
