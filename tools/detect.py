"""Finds what is wrong, over all item-sites at once; a finding has a number, a date and a cause."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

import numpy as np

from inventory.records import CaseKind, Finding
from tools.money import imbalance_risk, shortage_risk
from tools.outlook import Outlook
from tools.thresholds import Thresholds

LOW_COVER = "low_cover"


def detect(outlook: Outlook, thresholds: Thresholds) -> list[Finding]:
    """Every finding but those about data, by kind, item and site.

    An item-site gets one finding: a shortage that overdue orders explain belongs to the supplier, one that is not
    explained is a projected stockout; excess, imbalance and demand shifts are looked for where there is neither.
    """
    late = _supplier_delays(outlook, thresholds)
    taken = {(finding.item, finding.site) for finding in late}
    found = [*late]
    for look in (_stockouts, _imbalances, _excesses, _demand_shifts):
        fresh = [finding for finding in look(outlook, thresholds) if (finding.item, finding.site) not in taken]
        taken |= {(finding.item, finding.site) for finding in fresh}
        found += fresh
    return sorted(found, key=lambda finding: (finding.kind, finding.item, finding.site))


def cover_days(outlook: Outlook, row: int) -> float:
    """Days of supply on the shelf at mean demand, at most 999."""
    mean = float(outlook.demand.mean_per_day[row])
    return min(max(float(outlook.arrays.free[row]), 0.0) / mean, 999.0) if mean > 0 else 999.0


def _value(thresholds: Thresholds, kind: CaseKind, name: str, outlook: Outlook, row: int) -> float:
    arrays = outlook.arrays
    return thresholds.value(kind.value, name, site=arrays.sites[row], item_class=arrays.item_class[row])


def _first_risky_day(outlook: Outlook, row: int, probability: float) -> int:
    window = int(outlook.window_days[row])
    risky = np.flatnonzero(outlook.projection.stockout_probability[row, :window] >= probability)
    return int(risky[0]) if risky.size else -1


def _finding(
    outlook: Outlook,
    thresholds: Thresholds,
    row: int,
    *,
    kind: CaseKind,
    cause: str,
    day: int,
    quantity: float,
    threshold: str,
    measures: dict[str, float],
    supplier: str = "",
    note: str = "",
) -> Finding:
    arrays = outlook.arrays
    return Finding(
        kind=kind,
        item=arrays.items[row],
        site=arrays.sites[row],
        supplier=supplier,
        cause=cause,
        bites_on=arrays.today + timedelta(days=day),
        quantity=max(int(np.ceil(quantity * (1.0 - 1e-7) - 1e-9)), 0),
        threshold=f"{kind.value}.{threshold}",
        threshold_value=_value(thresholds, kind, threshold, outlook, row),
        threshold_version=thresholds.version,
        measures={name: round(float(value), 6) for name, value in measures.items()},
        note=note,
    )


def _stockouts(outlook: Outlook, thresholds: Thresholds) -> list[Finding]:
    kind = CaseKind.PROJECTED_STOCKOUT
    lowest = min(
        [thresholds.values[kind.value]["probability"]]
        + [o.values["probability"] for o in thresholds.overrides if o.kind == kind and "probability" in o.values]
    )
    found = []
    for row in _running_out(outlook, lowest):
        probability = _value(thresholds, kind, "probability", outlook, row)
        day = _first_risky_day(outlook, row, probability)
        short = outlook.short_units(row)
        if day < 0 or short < _value(thresholds, kind, "minimum_short_units", outlook, row):
            continue
        money = shortage_risk(outlook, row, short).total
        if money < 100 * _value(thresholds, kind, "minimum_money", outlook, row):
            continue
        found.append(
            _finding(
                outlook,
                thresholds,
                row,
                kind=kind,
                cause=LOW_COVER,
                day=day,
                quantity=short,
                threshold="probability",
                measures={
                    "probability_out": outlook.projection.stockout_probability[row, day],
                    "expected_short_units": short,
                    "days_of_cover": cover_days(outlook, row),
                    "free_units": outlook.arrays.free[row],
                    "reorder_point": outlook.levels.reorder_point[row],
                },
            )
        )
    return found


def _running_out(outlook: Outlook, probability: float) -> list[int]:
    """Planned rows that reach the stockout probability on a day of their window."""
    days = np.arange(outlook.arrays.horizon_days)
    risky = (outlook.projection.stockout_probability >= probability) & (days < outlook.window_days[:, None])
    return np.flatnonzero(outlook.planned & risky.any(axis=1)).tolist()


def _supplier_delays(outlook: Outlook, thresholds: Thresholds) -> list[Finding]:
    kind, arrays = CaseKind.SUPPLIER_DELAY, outlook.arrays
    late_days = thresholds.value(kind.value, "late_days")
    by_supplier: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for order in np.flatnonzero((arrays.inbound.group >= 0) & (arrays.inbound.promised_day <= -late_days)).tolist():
        row = int(arrays.inbound.series[order])
        if outlook.planned[row]:
            by_supplier[arrays.inbound.supplier[order]][row].append(int(order))
    late_lines = outlook.lead_times.late_lines(late_days)
    found = []
    for supplier, rows in sorted(by_supplier.items()):
        if late_lines.get(supplier, 0) < thresholds.value(kind.value, "minimum_lines"):
            continue
        for row, orders in sorted(rows.items()):
            days_late = -int(arrays.inbound.promised_day[orders].min())
            window = int(outlook.window_days[row])
            day = _first_risky_day(outlook, row, thresholds.value("projected_stockout", "probability"))
            found.append(
                _finding(
                    outlook,
                    thresholds,
                    row,
                    kind=kind,
                    cause=f"late:{supplier}",
                    day=day if day >= 0 else window,
                    quantity=float(arrays.inbound.quantity[orders].sum()),
                    threshold="late_days",
                    supplier=supplier,
                    measures={
                        "days_late": days_late,
                        "late_units": arrays.inbound.quantity[orders].sum(),
                        "expected_short_units": outlook.short_units(row),
                        "short_units_had_it_been_on_time": outlook.short_units_on_time(row),
                        "days_of_cover": cover_days(outlook, row),
                        "probability_out": outlook.projection.stockout_probability[row, :window].max(),
                    },
                )
            )
    return found


def _excesses(outlook: Outlook, thresholds: Thresholds) -> list[Finding]:
    kind, arrays = CaseKind.EXCESS, outlook.arrays
    horizon = thresholds.value(kind.value, "horizon_days")
    stock = np.maximum(arrays.free, 1e-9)
    candidates = outlook.planned & (outlook.excess.expected_leftover >= 1.0)
    found = []
    for row in np.flatnonzero(candidates).tolist():
        leftover = float(outlook.excess.expected_leftover[row])
        if leftover < _value(thresholds, kind, "leftover_share", outlook, row) * stock[row]:
            continue
        if leftover * arrays.cost[row] < _value(thresholds, kind, "minimum_money", outlook, row):
            continue
        found.append(
            _finding(
                outlook,
                thresholds,
                row,
                kind=kind,
                cause="slow_moving",
                day=0,
                quantity=leftover,
                threshold="leftover_share",
                measures={
                    "expected_leftover_units": leftover,
                    "probability_leftover": outlook.excess.probability_leftover[row],
                    "days_of_supply": min(float(outlook.excess.days_of_supply[row]), 9999.0),
                    "horizon_days": horizon,
                    "free_units": arrays.free[row],
                    "leftover_cost": leftover * arrays.cost[row],
                },
            )
        )
    return found


def _demand_shifts(outlook: Outlook, thresholds: Thresholds) -> list[Finding]:
    kind, arrays, shift = CaseKind.DEMAND_SHIFT, outlook.arrays, outlook.shift
    weeks = thresholds.value(kind.value, "recent_weeks")
    change = shift.recent_mean_per_period - shift.baseline_mean_per_period
    share = np.abs(change) / np.maximum(shift.baseline_mean_per_period, 0.25)
    candidates = outlook.planned & (np.abs(shift.z_score) >= thresholds.value(kind.value, "z_score"))
    found = []
    for row in np.flatnonzero(candidates).tolist():
        price = float(arrays.price[row]) if not np.isnan(arrays.price[row]) else 1.5 * float(arrays.cost[row])
        if share[row] < _value(thresholds, kind, "change_share", outlook, row):
            continue
        if abs(change[row]) * weeks * price < _value(thresholds, kind, "minimum_money", outlook, row):
            continue
        found.append(
            _finding(
                outlook,
                thresholds,
                row,
                kind=kind,
                cause="spike" if change[row] > 0 else "drop",
                day=int(outlook.window_days[row]),
                quantity=abs(change[row]) * weeks,
                threshold="z_score",
                measures={
                    "z_score": shift.z_score[row],
                    "recent_per_week": shift.recent_mean_per_period[row],
                    "baseline_per_week": shift.baseline_mean_per_period[row],
                    "days_of_cover": cover_days(outlook, row),
                },
            )
        )
    return found


def _imbalances(outlook: Outlook, thresholds: Thresholds) -> list[Finding]:
    """Receivers below their reorder point whose gap a site with surplus of the same item could fill.

    A receiver that was just helped is left alone until the feeds show what it got.
    """
    kind, arrays = CaseKind.IMBALANCE, outlook.arrays
    position = arrays.free + outlook.on_order
    surplus = np.where(outlook.planned, np.floor(arrays.free - outlook.levels.order_up_to_level + 1e-9), 0.0)
    below = outlook.planned & (position < outlook.levels.reorder_point) & ~arrays.helped
    gap = np.where(below, np.ceil(outlook.levels.order_up_to_level - position - 1e-9), 0.0)
    by_item: dict[str, list[int]] = defaultdict(list)
    for row in np.flatnonzero((surplus >= 1) | (gap >= 1)).tolist():
        by_item[arrays.items[row]].append(row)
    found = []
    for rows in by_item.values():
        donors = [row for row in rows if surplus[row] >= 1]
        if not donors:
            continue
        best = max(donors, key=lambda row: (surplus[row], arrays.sites[row]))
        for row in rows:
            units = min(gap[row], sum(surplus[donor] for donor in donors))
            if units < max(_value(thresholds, kind, "minimum_units", outlook, row), 1.0):
                continue
            short = outlook.short_units(row)
            money = imbalance_risk(outlook, row, units, thresholds).total
            if money < 100 * _value(thresholds, kind, "minimum_money", outlook, row):
                continue
            found.append(
                _finding(
                    outlook,
                    thresholds,
                    row,
                    kind=kind,
                    cause="surplus_elsewhere",
                    day=int(outlook.window_days[row]),
                    quantity=units,
                    threshold="minimum_units",
                    measures={
                        "gap_units": gap[row],
                        "surplus_units": sum(surplus[donor] for donor in donors),
                        "movable_units": units,
                        "expected_short_units": short,
                        "days_of_cover": cover_days(outlook, row),
                        "reorder_point": outlook.levels.reorder_point[row],
                    },
                    note=f"largest surplus at {arrays.sites[best]}",
                )
            )
    return found
