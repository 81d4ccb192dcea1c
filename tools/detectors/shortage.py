"""Shortages ahead: those overdue supply explains belong to who is late, the others to the item-site."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from inventory.records import CaseKind, Finding
from optimizer.risk.projection import project_stock
from tools.arrays import OUR_LINE
from tools.columns import FloatArray
from tools.detectors.rise import Rise
from tools.detectors.scan import A_UNIT, Scan
from tools.detectors.waiting import not_there_yet
from tools.money import shortage_risk
from tools.outlook import Outlook

LOW_COVER = "low_cover"


def supplier_delays(scan: Scan) -> list[Finding]:
    """Item-sites that wait for overdue orders of a supplier with enough late lines; open ones until they arrive."""
    kind, outlook = CaseKind.SUPPLIER_DELAY, scan.outlook
    inbound, known = outlook.arrays.inbound, scan.is_open(CaseKind.SUPPLIER_DELAY)
    late_days, minimum = scan.value(kind, "late_days"), scan.value(kind, "minimum_lines")
    late_lines = outlook.lead_times.late_lines(late_days)
    orders_of: dict[tuple[str, int], list[int]] = defaultdict(list)
    for order in np.flatnonzero((inbound.group >= 0) & (inbound.promised_day <= -late_days)).tolist():
        row = int(inbound.series[order])
        if outlook.planned[row]:
            orders_of[(inbound.supplier[order], row)].append(order)
    return [
        _late(scan, row, orders, cause=f"late:{supplier}", supplier=supplier, threshold="late_days", limit=late_days)
        for (supplier, row), orders in sorted(orders_of.items())
        if known[row] or late_lines.get(supplier, 0) >= minimum
    ]


def late_transfers(scan: Scan) -> list[Finding]:
    """Item-sites that run short while a transfer from the site that feeds them is overdue."""
    kind, outlook = CaseKind.SUPPLIER_DELAY, scan.outlook
    arrays, inbound = outlook.arrays, outlook.arrays.inbound
    limit = scan.value(kind, "late_transfer_days")
    enough = outlook.short >= scan.limit(CaseKind.PROJECTED_STOCKOUT, "minimum_short_units")
    lines_of: dict[int, list[int]] = defaultdict(list)
    for line in np.flatnonzero((inbound.group < 0) & (inbound.promised_day <= -limit)).tolist():
        row = int(inbound.series[line])
        by_a_site = bool(arrays.source_site[row]) and not inbound.supplier[line]
        if by_a_site and inbound.reference[line] != OUR_LINE and outlook.planned[row] and enough[row]:
            lines_of[row].append(line)
    return [
        _late(
            scan,
            row,
            lines,
            cause=f"late_transfer:{arrays.source_site[row]}",
            supplier=arrays.source_site[row],
            threshold="late_transfer_days",
            limit=limit,
        )
        for row, lines in sorted(lines_of.items())
    ]


def _late(
    scan: Scan, row: int, lines: list[int], *, cause: str, supplier: str, threshold: str, limit: float
) -> Finding:
    outlook, inbound = scan.outlook, scan.outlook.arrays.inbound
    window = int(outlook.window_days[row])
    ahead = outlook.projection.stockout_probability[row, :window]
    risky = np.flatnonzero(ahead >= scan.value(CaseKind.PROJECTED_STOCKOUT, "probability"))
    late_units = float(inbound.quantity[lines].sum())
    return scan.finding(
        row,
        kind=CaseKind.SUPPLIER_DELAY,
        cause=cause,
        day=int(risky[0]) if risky.size else window,
        quantity=late_units,
        threshold=threshold,
        threshold_value=limit,
        supplier=supplier,
        measures={
            "days_late": -int(inbound.promised_day[lines].min()),
            "late_units": late_units,
            "expected_short_units": outlook.short_units(row),
            "short_units_had_it_been_on_time": outlook.short_units_on_time(row),
            "days_of_cover": scan.cover_days(row),
            "probability_out": ahead.max(),
        },
    )


def stockouts(scan: Scan) -> list[Finding]:
    """Rows likely to be out on a day with no normal order there yet, with enough units and money short."""
    kind, outlook, ahead = CaseKind.PROJECTED_STOCKOUT, scan.outlook, Ahead.of(scan)
    probability, money_limit = scan.limit(kind, "probability"), scan.limit(kind, "minimum_money")
    enough = outlook.planned & (ahead.short_units >= scan.limit(kind, "minimum_short_units"))
    enough &= ahead.probability >= probability
    found = []
    for row in np.flatnonzero(enough).tolist():
        short = float(ahead.short_units[row])
        if shortage_risk(outlook, row, short).total < 100 * money_limit[row]:
            continue
        by_day = ahead.by_day(row)
        day = int(np.flatnonzero(by_day >= probability[row])[0])
        found.append(
            scan.finding(
                row,
                kind=kind,
                cause=LOW_COVER,
                day=day,
                quantity=short,
                threshold="probability",
                threshold_value=probability[row],
                measures={
                    "probability_out": by_day[day],
                    "expected_short_units": short,
                    "days_of_cover": scan.cover_days(row),
                    "free_units": outlook.arrays.free[row],
                    "reorder_point": outlook.levels.reorder_point[row],
                    "at_the_pace_of_the_last_weeks": float(row in ahead.faster),
                },
            )
        )
    return found


@dataclass(frozen=True)
class Ahead:
    """The danger ahead, shape ``(n,)``, at the forecast pace or at that of the last weeks.

    A day counts by its chance of being out, times the chance that an order placed at the next review is not there yet.
    Where demand has lately risen, the pace of the last weeks is looked at too, and the worse of both counts: a forecast
    learns of a rise too late to warn of it. Such a pace counts by its chance of going on.
    """

    outlook: Outlook
    probability: FloatArray
    """Highest chance of being out on a day, with no order there yet."""
    short_units: FloatArray
    faster: dict[int, FloatArray]
    """Chance by day at the pace of the last weeks, of the rows where that is worse."""

    @classmethod
    def of(cls, scan: Scan) -> Ahead:
        """The danger for the rows of a scan."""
        outlook = scan.outlook
        probability, short = np.zeros(outlook.arrays.rows), outlook.short.copy()
        risky = np.flatnonzero(short > A_UNIT)
        open_days = not_there_yet(outlook, risky)
        probability[risky] = (open_days * outlook.projection.stockout_probability[risky]).max(axis=1)
        rise, faster = Rise.of(scan), {}
        if rise.row.size:
            chance, units = _at_the_new_pace(outlook.take(rise.row), rise)
            worse = (chance.max(axis=1) > probability[rise.row]) & (units > short[rise.row])
            rows = rise.row[worse]
            faster = dict(zip(rows.tolist(), chance[worse], strict=True))
            probability[rows], short[rows] = chance[worse].max(axis=1), units[worse]
        return cls(outlook, probability, short, faster)

    def by_day(self, row: int) -> FloatArray:
        """Chance of being out on each day of a row's window, with no order there yet."""
        chance = self.faster.get(row)
        if chance is None:
            open_days = not_there_yet(self.outlook, np.array([row]))[0]
            chance = open_days * self.outlook.projection.stockout_probability[row]
        return chance[: int(self.outlook.window_days[row])]


def _at_the_new_pace(part: Outlook, rise: Rise) -> tuple[FloatArray, FloatArray]:
    """Chance by day and units short of the risen rows: the new pace and the forecast, mixed by what they are worth."""
    arrays, usual = part.arrays, np.maximum(part.demand.mean_per_day, 1e-9)
    new = project_stock(
        arrays.free,
        rise.pace,
        part.demand.sd_per_day * np.sqrt(np.maximum(rise.pace / usual, 1.0)),
        horizon_days=arrays.horizon_days,
        known_demand=arrays.known_demand,
        inbound=part.arrivals,
    )
    open_days, lasts = not_there_yet(part, np.arange(arrays.rows)), rise.lasts[:, None]
    old = part.projection
    chance = open_days * (lasts * new.stockout_probability + (1.0 - lasts) * old.stockout_probability)
    owed = open_days * (lasts * new.expected_short_units + (1.0 - lasts) * old.expected_short_units)
    return np.minimum(chance, 1.0), owed.max(axis=1)
