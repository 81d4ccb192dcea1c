"""Exposure: leftover of a million series beside two incomplete gamma functions each; waste of lots per series."""

from __future__ import annotations

import numpy as np
from scipy.special import gammainc

from benchmarks.measure import Row, compare
from optimizer.exposure.excess import excess_exposure
from optimizer.exposure.expiry import expiry_exposure

SERIES, LOTS = 1_000_000, 4


def measure() -> list[Row]:
    """Every row of the room."""
    rng = np.random.default_rng(1)
    mean = rng.gamma(2.0, 1.0, SERIES) + 0.01
    sd = mean * rng.uniform(0.5, 3.0, SERIES)
    stock = mean * 182.0 * rng.gamma(4.0, 0.25, SERIES)
    none = np.zeros(SERIES)
    shape, level = 182.0 * (mean / sd) ** 2, stock * mean / sd**2
    ours, limit = compare(
        lambda: excess_exposure(stock, none, mean, sd, 182.0),
        lambda: (gammainc(shape, level), gammainc(shape + 1.0, level)),
        repeats=3,
    )
    size = f"{SERIES:,} series, 182 days"
    part = slice(0, 4_096)
    units = np.repeat(stock[part, None] / LOTS, LOTS, axis=1)
    day = np.tile(np.arange(1.0, LOTS + 1.0) * 45.0, (4_096, 1))
    waste, calls = compare(
        lambda: expiry_exposure(units, day, mean[part], sd[part]),
        lambda: [gammainc(shape[part, None], np.repeat(level[part, None], LOTS, axis=1))],
        repeats=3,
    )
    return [
        Row("excess", size, "series", SERIES / ours, "two gammainc calls", SERIES / limit),
        Row("excess", size, "series", SERIES / ours, "rate in view", 3e6, 1.0),
        Row("first expired first out", f"{LOTS} lots", "series", 4_096 / waste, "a gammainc per lot", 4_096 / calls),
    ]
