"""Why there is a case for an item at a site, or why there is none: the rules replayed until the first that stops it.

The figures are the detectors' own: the lower band where a case is open already, and the pace of the last weeks where
that is more dangerous than the forecast's.
"""

from __future__ import annotations

import numpy as np
from sqlalchemy import Connection

from inventory.cases import cases_at
from inventory.contract import REFUSE_BELOW_WEEKS
from inventory.errors import NotFoundError
from inventory.proposals import list_proposals
from inventory.record import Record
from inventory.records import EVERYTHING, CaseKind, Scope
from tools.detectors.scan import Scan, cover_days
from tools.detectors.shortage import Ahead
from tools.detectors.standing import open_places
from tools.money import shortage_risk
from tools.needs import donor_floor
from tools.outlook import Outlook
from tools.signals import Signals
from tools.toolbox import Toolbox

STOCKOUT = CaseKind.PROJECTED_STOCKOUT
THRESHOLDS = ("probability", "minimum_short_units", "minimum_money")


class WhyStep(Record):
    """One check on the way to a case."""

    check: str
    passed: bool
    detail: str


class Why(Record):
    """The checks in order, and what they came to."""

    item: str
    site: str
    case_id: str
    steps: tuple[WhyStep, ...]
    verdict: str


def explain_why(toolbox: Toolbox, connection: Connection, scope: Scope, item: str, site: str) -> Why:
    """Replay the rules for one item-site.

    Raises
    ------
    NotFoundError
        If nothing is planned there, or the asker may not see it.
    """
    outlook = toolbox.decided_outlook(connection, items=[item])
    row = outlook.arrays.row_of.get((item, site))
    if row is None or not scope.allows(site, outlook.arrays.item_class[row]):
        raise NotFoundError(f"item {item} at site {site}: not planned, or not for {scope.user} to see")
    thresholds = toolbox.thresholds(connection)
    signals = Signals.of(outlook.arrays, thresholds)
    scan = Scan.of(outlook, signals, thresholds, open_places(connection))
    steps = _steps(scan, row)
    case_id, standing = _case(connection, scope, item, site)
    if standing:
        steps.append(WhyStep(check="a case is open", passed=True, detail=standing))
    stopped = next((step for step in steps if not step.passed), None)
    if case_id:
        verdict = f"case {case_id} covers it: {standing}"
    elif stopped is not None:
        verdict = f"no case, because: {stopped.check} — {stopped.detail}"
    else:
        verdict = "every check passes: the next sweep opens a case"
    return Why(item=item, site=site, case_id=case_id, steps=tuple(steps), verdict=verdict)


def _steps(scan: Scan, row: int) -> list[WhyStep]:
    outlook, arrays, ahead = scan.outlook, scan.outlook.arrays, Ahead.of(scan)
    weeks = int(outlook.history_weeks[row])
    limit, least, minimum = (float(scan.limit(STOCKOUT, name)[row]) for name in THRESHOLDS)
    chances, short = ahead.by_day(row), float(ahead.short_units[row])
    probability, day = float(chances.max()), int(np.argmax(chances))
    money = shortage_risk(outlook, row, short).total / 100.0
    open_now, pace = _band(scan, row), _pace(ahead, row)
    return [
        WhyStep(
            check="enough demand history",
            passed=weeks >= REFUSE_BELOW_WEEKS,
            detail=f"{weeks} weeks, {REFUSE_BELOW_WEEKS} needed",
        ),
        WhyStep(
            check="demand draws on the stock",
            passed=float(outlook.demand.mean_per_day[row]) > 0,
            detail=(
                f"{float(outlook.demand.mean_per_day[row]) * 7:.1f} units a week, {float(arrays.free[row]):.0f} free, "
                f"{float(outlook.on_order[row]):.0f} on order, {cover_days(outlook, row):.0f} days of cover, "
                f"donor floor {donor_floor(outlook, row)}{bounds_words(outlook, row)}"
            ),
        ),
        WhyStep(
            check="a stockout is likely before a normal order arrives",
            passed=probability >= limit,
            detail=f"at most {probability:.0%} on day {day} of {chances.size}{pace}, threshold {limit:.0%}{open_now}",
        ),
        WhyStep(
            check="enough units would be short",
            passed=short >= least,
            detail=f"{short:.1f} units expected short{pace and ' at that pace'}, threshold {least:.1f}{open_now}",
        ),
        WhyStep(
            check="enough money is at risk",
            passed=money >= minimum,
            detail=f"{money:,.2f} at risk, threshold {minimum:,.2f}{open_now}",
        ),
    ]


def bounds_words(outlook: Outlook, row: int) -> str:
    """What the stocking policy bounds the levels of a row by, where it does."""
    bounds = outlook.arrays.bounds.take(np.array([row]))
    mean, safety = outlook.demand.mean_per_day[[row]], float(outlook.levels.safety_stock[row])
    floor, least, most = float(bounds.floor(mean)[0]), float(bounds.minimum(mean)[0]), float(bounds.maximum_units[0])
    said = []
    if floor > 0.0:
        binds = " which binds" if abs(safety - floor) < 1e-6 else ""
        said.append(f"policy floor of {floor:,.0f} units of safety stock{binds}")
    if least > 0.0:
        said.append(f"policy minimum of {least:,.0f} units")
    if np.isfinite(most):
        said.append(f"policy maximum of {most:,.0f} units")
    return f" ({', '.join(said)})" if said else ""


def _band(scan: Scan, row: int) -> str:
    """Why thresholds are lower here: what is open stays until it falls well below them."""
    if not scan.is_open(STOCKOUT)[row]:
        return ""
    return f" ({scan.thresholds.value('hysteresis', 'close_share'):.0%} of the usual one, because a case is open)"


def _pace(ahead: Ahead, row: int) -> str:
    """At which pace the danger is worst, where that is not the forecast's."""
    if row not in ahead.faster:
        return ""
    outlook = ahead.outlook
    forecast = float(outlook.projection.stockout_probability[row, : int(outlook.window_days[row])].max())
    return f" at the pace of the last weeks, which have risen (at the forecast's pace {forecast:.0%})"


def _case(connection: Connection, scope: Scope, item: str, site: str) -> tuple[str, str]:
    for row in cases_at(connection, scope, item, site):
        proposals = list_proposals(connection, EVERYTHING, case_id=row.case.case_id)
        last = proposals[-1] if proposals else None
        words = f"{row.case.kind.value.replace('_', ' ')}, {row.state.value}"
        if last is not None:
            words += f"; {last.content.action.value} proposed, {last.state.value}"
            words += f" ({last.reason})" if last.reason else ""
        return row.case.case_id, words
    return "", ""
