"""Demand is not what it was, or not what was forecast."""

from __future__ import annotations

import numpy as np

from inventory.records import CaseKind, Finding
from tools.detectors.scan import Scan, sales_price

AGREES = 2.0
"""Standard deviations the recent weeks must stand out by where change detection has alarmed."""


def demand_shifts(scan: Scan) -> list[Finding]:
    """Rows whose demand has shifted, told from noise.

    A shift is one when change detection alarms on it at its stated rate of false alarms. Where that cannot judge, for
    want of weeks or of sales, the score of the recent weeks decides. Either way the change must be large enough.
    """
    kind, outlook, signals = CaseKind.DEMAND_SHIFT, scan.outlook, scan.signals
    shift, weeks = outlook.shift, scan.value(kind, "recent_weeks")
    z_limit = scan.limit(kind, "z_score")
    by_score = ~signals.change.judged & (np.abs(shift.z_score) >= z_limit)
    recent = signals.change.pace(shift)
    baseline = np.where(signals.change.alarmed, signals.change.before, shift.baseline_mean_per_period)
    change = recent - baseline
    price = sales_price(outlook)
    found = outlook.planned & (signals.change.alarmed | by_score)
    # Change detection hears every week as it was; the score has seasons and promotions taken out, and must agree.
    agrees = (change * signals.change.direction > 0) & (shift.z_score * signals.change.direction >= AGREES)
    found &= ~signals.change.alarmed | agrees
    found &= np.abs(change) >= scan.limit(kind, "change_share") * np.maximum(baseline, 0.25)
    found &= np.abs(change) * weeks * price >= scan.limit(kind, "minimum_money")
    return [
        scan.finding(
            row,
            kind=kind,
            cause="spike" if change[row] > 0 else "drop",
            day=int(outlook.window_days[row]),
            quantity=abs(change[row]) * weeks,
            threshold="false_alarms_per_year" if abs(shift.z_score[row]) < z_limit[row] else "z_score",
            threshold_value=(
                scan.value(kind, "false_alarms_per_year") if abs(shift.z_score[row]) < z_limit[row] else z_limit[row]
            ),
            measures={
                "z_score": shift.z_score[row],
                "recent_per_week": recent[row],
                "baseline_per_week": baseline[row],
                "weeks_since_change": signals.change.weeks_since[row],
                "told_from_noise": float(signals.change.alarmed[row]),
                "days_of_cover": scan.cover_days(row),
            },
        )
        for row in np.flatnonzero(found).tolist()
    ]


def forecast_biases(scan: Scan) -> list[Finding]:
    """Rows whose one-step-ahead forecasts are off to one side, and no recent shift explains it."""
    kind, outlook, signals = CaseKind.FORECAST_BIAS, scan.outlook, scan.signals
    window = outlook.window_days.astype(np.float64)
    units = np.abs(signals.bias.share) * outlook.demand.mean_per_day * window
    limit = scan.limit(kind, "tracking_signal")
    shifted = signals.change.alarmed | (np.abs(outlook.shift.z_score) >= scan.value(CaseKind.DEMAND_SHIFT, "z_score"))
    found = outlook.planned & ~shifted & (signals.bias.weeks >= scan.value(kind, "weeks") / 2.0)
    found &= (np.abs(signals.bias.tracking) >= limit) & (np.abs(signals.bias.share) >= scan.limit(kind, "bias_share"))
    found &= units * sales_price(outlook) >= scan.limit(kind, "minimum_money")
    return [
        scan.finding(
            row,
            kind=kind,
            cause="forecast_low" if signals.bias.share[row] > 0 else "forecast_high",
            day=int(window[row]),
            quantity=units[row],
            threshold="tracking_signal",
            threshold_value=limit[row],
            measures={
                "bias_share": signals.bias.share[row],
                "tracking_signal": signals.bias.tracking[row],
                "weeks": signals.bias.weeks[row],
                "misjudged_units": units[row],
                "days_of_cover": scan.cover_days(row),
            },
            note=(
                f"forecasts of the last {signals.bias.weeks[row]} weeks were off by "
                f"{signals.bias.share[row]:+.0%} of demand"
            ),
        )
        for row in np.flatnonzero(found).tolist()
    ]
