"""The same trouble settled again and again: time to change a parameter instead of moving units once more."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import mean, median

from sqlalchemy import Connection, select

from inventory.record import load
from inventory.records import Case, CaseKind, CaseState, Finding
from inventory.tables import cases
from tools.thresholds import Thresholds

KIND = CaseKind.RECURRING
SETTLED = (CaseState.CLOSED, CaseState.DECIDED, CaseState.EXECUTING, CaseState.IN_TRANSIT)
REMEDY = {
    CaseKind.PROJECTED_STOCKOUT: "raise the reorder point of {about} by {units} units, its mean shortage",
    CaseKind.IMBALANCE: "change the split of {about}: {units} units too few each time",
    CaseKind.SUPPLIER_DELAY: "plan {about} with its actual lead time, or order elsewhere: {units} units late each time",
    CaseKind.EXCESS: "lower the order-up-to level of {about}: {units} units too many each time",
}
"""What to change; for other kinds the cause is to be found at its source."""


def recurring(connection: Connection, thresholds: Thresholds, now: datetime) -> list[Finding]:
    """Identities of which as many cases were opened within the window and settled as the threshold says.

    The date is when the next one is due: the median time between them after the latest, today when that has passed.
    """
    least = thresholds.value(KIND.value, "times")
    since = now - timedelta(days=thresholds.value(KIND.value, "window_days"))
    rows = connection.execute(
        select(cases.c.kind, cases.c.scope, cases.c.cause, cases.c.opened_at, cases.c.body)
        .where(cases.c.state.in_([state.value for state in SETTLED]), cases.c.opened_at >= since)
        .where(cases.c.kind != KIND.value)
        .order_by(cases.c.opened_at, cases.c.case_id)
    ).all()
    seen: dict[tuple[str, str, str], list[tuple[datetime, str]]] = defaultdict(list)
    for row in rows:
        seen[(row.kind, row.scope, row.cause)].append((row.opened_at, row.body))
    return [
        _finding(kind, scope, [at for at, _ in times], [load(Case, body) for _, body in times], thresholds, now)
        for (kind, scope, _), times in sorted(seen.items())
        if len(times) >= least
    ]


def _finding(
    kind: str, scope: str, opened: list[datetime], settled: list[Case], thresholds: Thresholds, now: datetime
) -> Finding:
    gaps = [(later - earlier).total_seconds() / 86400.0 for earlier, later in pairwise(opened)]
    gap = median(gaps) if gaps else 0.0
    last = settled[-1].findings[0]
    units = mean(float(sum(finding.quantity for finding in case.findings)) for case in settled)
    remedy = REMEDY.get(CaseKind(kind), "find the source of {about}")
    about = scope.replace("@", " at ")
    return Finding(
        kind=KIND,
        item="" if last.supplier else last.item,
        site=last.site,
        supplier=last.supplier,
        cause=f"recurring:{kind}",
        bites_on=max(opened[-1] + timedelta(days=gap), now).date(),
        quantity=len(settled),
        threshold=f"{KIND.value}.times",
        threshold_value=thresholds.value(KIND.value, "times"),
        threshold_version=thresholds.version,
        measures={
            "times": float(len(settled)),
            "days_between": round(gap, 2),
            "mean_units": round(units, 2),
            "money_at_risk": round(sum(case.money_at_risk.total for case in settled) / 100.0, 2),
        },
        note=f"settled {len(settled)} times: {remedy.format(about=about, units=f'{units:.0f}')}",
    )
