"""Suppliers whose lead time is not what it was, or not what the contract says."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl

from inventory.records import CaseKind, Finding
from inventory.snapshots import Snapshot
from optimizer.lead_time.drift import LeadTimeDrift, lead_time_drift
from tools.columns import BoolArray, FloatArray, IntArray, days_of
from tools.detectors.records import EVERYWHERE, problem
from tools.lead_times import LeadTimes
from tools.thresholds import Thresholds

KIND = CaseKind.LEAD_TIME_DRIFT
Identity = tuple[str, str, str]
"""Kind, scope and cause of a case."""
RIPE = 1.5
"""Orders so many earlier lead times old say how long orders take now."""


def lead_time_drifts(
    snapshot: Snapshot, lead_times: LeadTimes, thresholds: Thresholds, standing: Collection[Identity] = ()
) -> list[Finding]:
    """Suppliers whose recent orders take longer, or less long, than those before, told from noise.

    Items of one supplier are compared as if all had its mean contract, so that ordering other items is no drift. A
    drift that is open stays while the difference is above the lower band, alarm or not.
    """
    receipts, suppliers = lead_times.receipts, lead_times.suppliers
    if not receipts.group.size:
        return []
    pool = lead_times.pool[receipts.group]
    age, waited = _ages(snapshot), _as_if_of_one_contract(lead_times, pool)
    recent = age <= thresholds.value(KIND.value, "recent_days")
    found = lead_time_drift(
        waited, receipts.observed, recent, pool, len(suppliers),
        false_alarm_rate=thresholds.value(KIND.value, "false_alarm_rate"),
    )  # fmt: skip
    earlier = np.nan_to_num(found.earlier_days)
    ripe = recent & (age >= RIPE * earlier[pool])
    days = _mean_days(waited, ripe, pool, found)
    difference = np.where(np.isnan(found.earlier_days), 0.0, days - earlier)
    orders = np.bincount(pool[recent], minlength=len(suppliers))
    limit, share = thresholds.value(KIND.value, "minimum_days"), thresholds.value("hysteresis", "close_share")
    drifts = []
    for number, supplier in enumerate(suppliers):
        cause = f"lead_time_drift:{supplier}"
        known = (KIND.value, supplier, cause) in standing
        if not (known or found.alarm[number]) or abs(difference[number]) < limit * (share if known else 1.0):
            continue
        words = "slower" if difference[number] > 0 else "faster"
        drifts.append(
            Finding(
                kind=KIND,
                site=EVERYWHERE,
                supplier=supplier,
                cause=cause,
                bites_on=snapshot.as_of.date(),
                quantity=int(orders[number]),
                threshold=f"{KIND.value}.minimum_days",
                threshold_value=limit,
                threshold_version=thresholds.version,
                measures={
                    "recent_days": round(float(days[number]), 2),
                    "earlier_days": round(float(found.earlier_days[number]), 2),
                    "difference_days": round(float(difference[number]), 2),
                    "standardised_difference": round(float(found.slower[number]), 3),
                    "recent_orders": float(orders[number]),
                },
                note=(
                    f"{supplier} has become {words}: {days[number]:.0f} days for recent orders, "
                    f"{found.earlier_days[number]:.0f} before; ask why, and review the stock it protects"
                ),
            )
        )
    return drifts


def _mean_days(waited: FloatArray, ripe: BoolArray, pool: IntArray, found: LeadTimeDrift) -> FloatArray:
    """Mean days of each supplier's recent orders, old enough that slow ones are among them; open ones count so far.

    The test itself compares no further than both windows reach, which understates how much slower the recent one is.
    """
    count = np.bincount(pool[ripe], minlength=found.slower.size)
    total = np.bincount(pool[ripe], waited[ripe], found.slower.size)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan_to_num(found.recent_days))


def _ages(snapshot: Snapshot) -> IntArray:
    """Days since each order of `LeadTimes.receipts` was placed, in its order."""
    orders = snapshot.table("purchase_orders").filter(pl.col("status") != "cancelled").sort("order_id", "line")
    return days_of(snapshot.as_of.date() - orders["ordered_date"])


def _as_if_of_one_contract(lead_times: LeadTimes, pool: IntArray) -> FloatArray:
    receipts, count = lead_times.receipts, len(lead_times.suppliers)
    contract = lead_times.contract_days[receipts.group]
    mean = np.bincount(pool, contract, count) / np.maximum(np.bincount(pool, minlength=count), 1)
    return np.maximum(receipts.days - contract + np.rint(mean)[pool], 0.0)


def contract_gaps(
    snapshot: Snapshot, lead_times: LeadTimes, thresholds: Thresholds, standing: Collection[Identity] = ()
) -> list[Finding]:
    """Suppliers whose actual lead time is far from the contract, weighed by receipts: master data to correct."""
    receipts, kind = lead_times.receipts, CaseKind.DATA_PROBLEM.value
    if not receipts.group.size:
        return []
    pool, done, suppliers = lead_times.pool[receipts.group], receipts.observed, lead_times.suppliers
    orders = np.bincount(pool[done], minlength=len(suppliers))
    actual = np.bincount(pool[done], receipts.days[done], minlength=len(suppliers))
    contract = np.bincount(pool[done], lead_times.contract_days[receipts.group[done]], minlength=len(suppliers))
    limit, share = thresholds.value(kind, "lead_time_days"), thresholds.value("hysteresis", "close_share")
    found = []
    for number, supplier in enumerate(suppliers):
        if orders[number] < thresholds.value(kind, "lead_time_orders"):
            continue
        cause = f"lead_time:{supplier}"
        known = (kind, supplier, cause) in standing
        mean, promised = float(actual[number] / orders[number]), float(contract[number] / orders[number])
        if abs(mean - promised) <= limit * (share if known else 1.0):
            continue
        found.append(
            problem(
                snapshot,
                thresholds,
                site=EVERYWHERE,
                supplier=supplier,
                cause=cause,
                quantity=int(orders[number]),
                threshold="lead_time_days",
                measures={
                    "actual_days": round(mean, 2),
                    "contract_days": round(promised, 2),
                    "receipts": float(orders[number]),
                },
                note=(
                    f"change the contract lead time of {supplier} from {promised:.0f} to {mean:.0f} days, "
                    f"the mean of {int(orders[number])} receipts"
                ),
            )
        )
    return found
