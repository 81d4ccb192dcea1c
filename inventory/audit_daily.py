"""The daily look at the log: everything it can be held against, gaps in the trace, and what came of it on record."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from inventory.audit_gaps import SENT_KINDS, GapCount, trace_gaps
from inventory.database import Database
from inventory.log_report import LogReport, examine_log
from inventory.records import ActionKind


@dataclass(frozen=True)
class DailyAudit:
    """What the daily look came to."""

    report: LogReport
    gaps: GapCount

    @property
    def alarms(self) -> tuple[str, ...]:
        """Everything a person must look at, in words."""
        told = [alarm.words for alarm in self.report.alarms]
        told += [place.words for place in self.report.undelivered]
        lines = len(self.gaps.gaps)
        return (*told, *([f"{lines} executed lines without a full trace"] if lines else []))


def run_daily_audit(
    database: Database, now: datetime, *, actor: str = "evenkeel", sent_kinds: Collection[ActionKind] = SENT_KINDS
) -> DailyAudit:
    """Offer the newest head to every place again, examine the log, count the gaps, and record the result."""
    anchor = database.anchor
    newest = anchor.newest_head()
    if anchor.deliveries and newest:
        anchor.deliveries.deliver(newest, again=True)
    with database.read() as connection:
        report = examine_log(connection, anchor)
    with database.read() as connection:
        gaps = trace_gaps(connection, sent_kinds=sent_kinds)
    daily = DailyAudit(report, gaps)
    with database.write(actor, now) as transaction:
        transaction.record(
            "audit.checked",
            "audit",
            "log",
            {
                "entries": report.chain.entries,
                "not_anchored": report.chain.not_anchored,
                "not_signed": report.not_signed,
                "rows": report.rows,
                "lines": gaps.lines,
                "gaps": len(gaps.gaps),
                "alarms": list(daily.alarms[:20]),
            },
        )
    return daily
