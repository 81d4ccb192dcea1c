"""Too much, and in the wrong place: excess at a site, and imbalance between sites of one item."""

from __future__ import annotations

import numpy as np

from inventory.records import CaseKind, Finding
from tools.columns import BoolArray, FloatArray
from tools.detectors.scan import A_UNIT, Scan
from tools.detectors.waiting import not_there_yet
from tools.money import imbalance_risk
from tools.rules.keeping import built_up, kept


def excesses(scan: Scan) -> list[Finding]:
    """Rows that will not sell a large share of their stock within the horizon."""
    kind, outlook, arrays = CaseKind.EXCESS, scan.outlook, scan.outlook.arrays
    share = scan.limit(kind, "leftover_share")
    # What was built up for a promotion is meant to be there.
    leftover = np.maximum(outlook.excess.expected_leftover - built_up(outlook).units, 0.0)
    cost = leftover * np.nan_to_num(arrays.cost)
    found = outlook.planned & (leftover >= 1.0) & (leftover >= share * np.maximum(arrays.free, 1e-9))
    found &= cost >= scan.limit(kind, "minimum_money")
    return [
        scan.finding(
            row,
            kind=kind,
            cause="slow_moving",
            day=0,
            quantity=leftover[row],
            threshold="leftover_share",
            threshold_value=share[row],
            measures={
                "expected_leftover_units": leftover[row],
                "probability_leftover": outlook.excess.probability_leftover[row],
                "days_of_supply": min(float(outlook.excess.days_of_supply[row]), 9999.0),
                "horizon_days": scan.value(kind, "horizon_days"),
                "free_units": arrays.free[row],
                "leftover_cost": cost[row],
            },
        )
        for row in np.flatnonzero(found).tolist()
    ]


def imbalances(scan: Scan) -> list[Finding]:
    """Receivers expected to run short, below their reorder point, whose gap a surplus of the item elsewhere could fill.

    Below the reorder point alone is no trouble: that is where every site is on the day before it orders. Nor is a
    shortage at the end of the window, which the order of the next review will most likely have settled by then.
    A receiver that was just helped is left alone until the feeds show what it got; an open one stays until its position
    is above the reorder point by the band.
    """
    kind, outlook, arrays = CaseKind.IMBALANCE, scan.outlook, scan.outlook.arrays
    position, up_to = arrays.free + outlook.on_order, outlook.levels.order_up_to_level
    free = np.minimum(arrays.free - up_to, arrays.free - kept(outlook).units)
    surplus = np.where(outlook.planned, np.floor(free + 1e-9), 0.0)
    surplus = np.where(surplus >= 1.0, surplus, 0.0)
    tolerance = np.where(scan.is_open(kind), scan.thresholds.value("hysteresis", "close_share"), 1.0)
    below = outlook.planned & (position * tolerance < outlook.levels.reorder_point) & ~arrays.helped
    below &= _owed_meanwhile(scan, below) >= scan.limit(kind, "minimum_short_units")
    gap = np.where(below, np.ceil(up_to - position - 1e-9), 0.0)
    available = np.bincount(scan.item, surplus)[scan.item] if arrays.rows else surplus
    units, money_limit = np.minimum(gap, available), scan.limit(kind, "minimum_money")
    minimum = scan.limit(kind, "minimum_units")
    found = []
    for row in np.flatnonzero((gap >= 1.0) & (units >= np.maximum(minimum, 1.0))).tolist():
        if imbalance_risk(outlook, row, float(units[row]), scan.thresholds).total < 100 * money_limit[row]:
            continue
        of_item = np.flatnonzero(scan.item == scan.item[row]).tolist()
        best = max(of_item, key=lambda other: (surplus[other], arrays.sites[other]))
        found.append(
            scan.finding(
                row,
                kind=kind,
                cause="surplus_elsewhere",
                day=int(outlook.window_days[row]),
                quantity=units[row],
                threshold="minimum_units",
                threshold_value=minimum[row],
                measures={
                    "gap_units": gap[row],
                    "surplus_units": available[row],
                    "movable_units": units[row],
                    "expected_short_units": outlook.short_units(row),
                    "days_of_cover": scan.cover_days(row),
                    "reorder_point": outlook.levels.reorder_point[row],
                },
                note=f"largest surplus at {arrays.sites[best]}",
            )
        )
    return found


def _owed_meanwhile(scan: Scan, asked: BoolArray) -> FloatArray:
    """Most units expected to be owed on a day, by the chance that no order of the next review is there; else 0."""
    rows = np.flatnonzero(asked & (scan.outlook.short > A_UNIT))
    owed = np.zeros(scan.outlook.arrays.rows)
    owed[rows] = (not_there_yet(scan.outlook, rows) * scan.outlook.projection.expected_short_units[rows]).max(axis=1)
    return owed
