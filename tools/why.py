"""Why there is a case for an item at a site, or why there is none: the rules replayed until the first that stops it."""

from __future__ import annotations

import numpy as np
from sqlalchemy import Connection

from inventory.cases import list_cases
from inventory.contract import REFUSE_BELOW_WEEKS
from inventory.errors import NotFoundError
from inventory.proposals import list_proposals
from inventory.record import Record
from inventory.records import EVERYTHING, CaseKind, Scope
from tools.detect import cover_days
from tools.money import shortage_risk
from tools.needs import donor_floor
from tools.outlook import Outlook
from tools.thresholds import Thresholds
from tools.toolbox import Toolbox


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
    steps = _steps(outlook, thresholds, row)
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


def _steps(outlook: Outlook, thresholds: Thresholds, row: int) -> list[WhyStep]:
    arrays = outlook.arrays
    kind, place = CaseKind.PROJECTED_STOCKOUT.value, {"site": arrays.sites[row], "item_class": arrays.item_class[row]}
    weeks, window = int(outlook.history_weeks[row]), int(outlook.window_days[row])
    limit = thresholds.value(kind, "probability", **place)
    probability = float(outlook.projection.stockout_probability[row, :window].max())
    day = int(np.argmax(outlook.projection.stockout_probability[row, :window]))
    short = outlook.short_units(row)
    least = thresholds.value(kind, "minimum_short_units", **place)
    money = shortage_risk(outlook, row, short).total / 100.0
    minimum = thresholds.value(kind, "minimum_money", **place)
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
                f"donor floor {donor_floor(outlook, row)}"
            ),
        ),
        WhyStep(
            check="a stockout is likely before a normal order arrives",
            passed=probability >= limit,
            detail=f"at most {probability:.0%} on day {day} of {window}, threshold {limit:.0%}",
        ),
        WhyStep(
            check="enough units would be short",
            passed=short >= least,
            detail=f"{short:.1f} units expected short, threshold {least:.1f}",
        ),
        WhyStep(
            check="enough money is at risk",
            passed=money >= minimum,
            detail=f"{money:,.2f} at risk, threshold {minimum:,.2f}",
        ),
    ]


def _case(connection: Connection, scope: Scope, item: str, site: str) -> tuple[str, str]:
    for row in list_cases(connection, scope):
        if not any((finding.item, finding.site) == (item, site) for finding in row.case.findings):
            continue
        proposals = list_proposals(connection, EVERYTHING, case_id=row.case.case_id)
        last = proposals[-1] if proposals else None
        words = f"{row.case.kind.value.replace('_', ' ')}, {row.state.value}"
        if last is not None:
            words += f"; {last.content.action.value} proposed, {last.state.value}"
            words += f" ({last.reason})" if last.reason else ""
        return row.case.case_id, words
    return "", ""
