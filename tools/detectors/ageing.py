"""Stock that will lose its worth: lots that expire unsold, items that end, and demand that has died."""

from __future__ import annotations

import numpy as np

from inventory.records import CaseKind, Finding
from optimizer.exposure.excess import excess_exposure
from tools.columns import FloatArray, IntArray
from tools.detectors.scan import Scan

KIND = CaseKind.OBSOLESCENCE


def expiries(scan: Scan) -> list[Finding]:
    """Rows with lots that are expected to expire unsold, first expired being sold first.

    By the expiry of a lot, what is left of it and of all that expire earlier has to be written off; a row's write-off
    within the horizon is the largest of these sums.
    """
    outlook, shelf = scan.outlook, scan.signals.shelf
    soon = np.flatnonzero((shelf.expiry_day <= scan.value(KIND, "horizon_days")) & outlook.planned[shelf.row])
    if not soon.size:
        return []
    row, day = shelf.row[soon], np.maximum(shelf.expiry_day[soon], 0)
    units = _up_to_here(row, shelf.units[soon])
    left = excess_exposure(
        units, np.zeros(units.size), outlook.demand.mean_per_day[row], outlook.demand.sd_per_day[row], day
    ).expected_leftover
    cost, limit = np.nan_to_num(outlook.arrays.cost), scan.limit(KIND, "minimum_money")
    found = []
    for at in np.unique(row[left >= 1.0]).tolist():
        mine = np.flatnonzero(row == at)
        worst = mine[int(np.argmax(left[mine]))]
        first = mine[np.flatnonzero(left[mine] >= min(1.0, float(left[worst])))[0]]
        if left[worst] * cost[at] < limit[at]:
            continue
        found.append(
            scan.finding(
                at,
                kind=KIND,
                cause="expires",
                day=int(day[first]),
                quantity=left[worst],
                threshold="minimum_money",
                threshold_value=limit[at],
                measures={
                    "expected_leftover_units": left[worst],
                    "leftover_cost": left[worst] * cost[at],
                    "expiring_units": units[worst],
                    "days_to_first_expiry": day[first],
                    "free_units": outlook.arrays.free[at],
                    "days_of_cover": scan.cover_days(at),
                },
                note="sell it, move it to where it sells, or mark it down before it expires",
            )
        )
    return found


def _up_to_here(row: IntArray, units: FloatArray) -> FloatArray:
    """Running sum within each row; entries are sorted by row."""
    total = np.cumsum(units)
    first = np.r_[True, row[1:] != row[:-1]]
    start = np.maximum.accumulate(np.where(first, np.arange(row.size), 0))
    return np.asarray(total - (total - units)[start])


def ends_of_life(scan: Scan) -> list[Finding]:
    """Rows whose stock and orders outlast the item's last day on sale."""
    outlook, end = scan.outlook, scan.signals.shelf.end_day
    rows = np.flatnonzero(outlook.planned & (end >= 0) & (end <= scan.value(KIND, "horizon_days")))
    if not rows.size:
        return []
    left = excess_exposure(
        np.maximum(outlook.arrays.free[rows], 0.0), outlook.on_order[rows], outlook.demand.mean_per_day[rows],
        outlook.demand.sd_per_day[rows], end[rows],
    ).expected_leftover  # fmt: skip
    return _worthless(scan, rows, left, end[rows], "end_of_life", "run it out: no more orders, then markdown or return")


def dying(scan: Scan) -> list[Finding]:
    """Rows whose silence is no accident, everywhere: what the decay of their demand leaves of the stock."""
    outlook, signals, arrays = scan.outlook, scan.signals, scan.outlook.arrays
    silent = (signals.silence.probability < scan.value(KIND, "significance")) | scan.is_open(KIND)
    silent &= signals.silence.weeks >= scan.value(KIND, "silence_weeks")
    rows = np.flatnonzero(outlook.planned & silent & (arrays.free >= 1.0))
    # Of a rate r decaying at hazard h, r / h units will yet be sold.
    rate, hazard = 7.0 * outlook.demand.mean_per_day[rows], signals.silence.hazard_per_week[rows]
    to_sell = np.divide(rate, hazard, out=np.full(rows.size, np.inf), where=hazard > 0.0)
    left = np.maximum(arrays.free[rows] - to_sell, 0.0)
    note = "demand has died: stop replenishing, then markdown, return or write off"
    return _worthless(scan, rows, left, np.zeros(rows.size, dtype=np.int64), "dying", note)


def _worthless(scan: Scan, rows: IntArray, left: FloatArray, day: IntArray, cause: str, note: str) -> list[Finding]:
    outlook, signals = scan.outlook, scan.signals
    limit, worth = scan.limit(KIND, "minimum_money")[rows], left * np.nan_to_num(outlook.arrays.cost[rows])
    return [
        scan.finding(
            row,
            kind=KIND,
            cause=cause,
            day=int(day[at]),
            quantity=left[at],
            threshold="minimum_money",
            threshold_value=limit[at],
            measures={
                "expected_leftover_units": left[at],
                "leftover_cost": worth[at],
                "free_units": outlook.arrays.free[row],
                "silent_weeks": signals.silence.weeks[row],
                "silence_probability": signals.silence.probability[row],
                "days_of_cover": scan.cover_days(row),
            },
            note=note,
        )
        for at, row in enumerate(rows.tolist())
        if left[at] >= 1.0 and worth[at] >= limit[at]
    ]
