"""Lead-time laws beside the memory-bound limit: the two scatter sums any such estimate needs."""

from __future__ import annotations

import numpy as np

from benchmarks.measure import Row, compare
from optimizer.lead_time.kaplan_meier import kaplan_meier_lead_time

RECEIPTS, GROUPS, SUPPLIERS, HORIZON = 2_000_000, 5_000, 500, 180


def measure() -> list[Row]:
    """Two million receipts in five thousand groups, shrunk to suppliers."""
    rng = np.random.default_rng(1)
    lead = np.rint(rng.gamma(3.0, 20.0 / 3.0, RECEIPTS))
    age = rng.integers(0, 365, RECEIPTS)
    observed = lead < age
    days = np.where(observed, lead, age)
    group = rng.integers(0, GROUPS, RECEIPTS)
    pool = rng.integers(0, SUPPLIERS, GROUPS)
    weight = rng.uniform(1.0, 9.0, RECEIPTS)
    cell = group * HORIZON + np.minimum(days, HORIZON - 1).astype(np.int64)

    def ours() -> None:
        kaplan_meier_lead_time(days, observed, weight, group, GROUPS, pool=pool)

    def sums() -> None:
        for _ in range(2):
            np.bincount(cell, weight, GROUPS * HORIZON)

    quick, limit = compare(ours, sums)
    size = f"{RECEIPTS:,} receipts, {GROUPS:,} groups"
    return [
        Row("lead-time laws", size, "receipts", RECEIPTS / quick, "8 M receipts/s", 8e6, 1.0),
        Row("lead-time laws", size, "receipts", RECEIPTS / quick, "two numpy bincounts alone", RECEIPTS / limit),
    ]
