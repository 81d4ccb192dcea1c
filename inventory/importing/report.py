"""What became of a delivery, table by table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from inventory.importing.checks import CheckedFeed
from inventory.importing.rejection import Rejection
from inventory.record import Record, Utc

SHOWN = 50
"""Rejections and item-sites a report lists; the quarantine has all of them."""


class TableReport(Record):
    """One feed: every row read was accepted or quarantined."""

    table: str
    file: str
    read: int
    accepted: int
    quarantined: int
    reasons: dict[str, int]
    """Quarantined rows by reason code."""


class ImportReport(Record):
    """One delivery."""

    import_id: str
    replay: bool
    """It had been sent before: nothing was read or written now."""
    snapshot_id: str
    as_of: Utc
    tables: tuple[TableReport, ...]
    warnings: tuple[str, ...]
    problems: tuple[Rejection, ...]
    """The first of the quarantined rows."""
    refused_items: int
    """Item-sites with too little history for mathematics."""
    refused_item_sites: tuple[str, ...]
    """The first of them, as ``item@site``."""

    @property
    def accepted(self) -> int:
        """Rows accepted."""
        return sum(table.accepted for table in self.tables)

    @property
    def quarantined(self) -> int:
        """Rows quarantined."""
        return sum(table.quarantined for table in self.tables)


def table_report(checked: CheckedFeed) -> TableReport:
    """The outcome of one feed in numbers."""
    return TableReport(
        table=checked.table,
        file=checked.file,
        read=checked.read,
        accepted=checked.accepted.height,
        quarantined=len(checked.rejections),
        reasons=dict(sorted(Counter(rejection.code for rejection in checked.rejections).items())),
    )


def first_rejections(checked: Iterable[CheckedFeed]) -> tuple[Rejection, ...]:
    """The first rejections over all feeds."""
    return tuple(rejection for feed in checked for rejection in feed.rejections)[:SHOWN]
