"""When each version of a written rule speaks.

Rules
-----
1. Only what a second person has confirmed speaks, from its first day to its last.
2. A newer version ends the older ones on the day before its first, for good: withdrawing the newer one later does not
   bring them back.
3. A version withdrawn speaks no more from that day on; one withdrawn before it took effect has ended nothing.
4. A version deleted never speaks again, for no day, yet what it had ended stays ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from sqlalchemy import Connection, select

from inventory.record import digest_text
from inventory.tables import documents


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides when a version speaks."""

    document_id: str
    version: int
    state: str
    effective_from: date
    effective_to: date | None
    confirmed_on: date
    ended_on: date | None

    @property
    def took_effect(self) -> bool:
        """Whether it ever spoke."""
        return self.ended_on is None or self.ended_on > max(self.effective_from, self.confirmed_on)


@dataclass(frozen=True, slots=True)
class Window:
    """First and last day a version speaks, both included; ``date.max`` means until further notice."""

    document_id: str
    version: int
    first: date
    last: date


def speaking_windows(standings: Iterable[Standing]) -> list[Window]:
    """Windows of the versions that speak on some day, by document and version."""
    found: list[Window] = []
    ordered = sorted(standings, key=lambda each: (each.document_id, each.version))
    for _, versions in groupby(ordered, key=lambda each: each.document_id):
        found += reversed(list(_of_one_document(reversed(list(versions)))))
    return found


def _of_one_document(newest_first: Iterable[Standing]) -> Iterator[Window]:
    ends = date.max
    for each in newest_first:
        last = min(ends, each.effective_to or date.max)
        if each.ended_on is not None:
            last = min(last, each.ended_on - timedelta(days=1))
        if each.took_effect:
            ends = min(ends, each.effective_from - timedelta(days=1))
            if each.state != "deleted" and each.effective_from <= last:
                yield Window(each.document_id, each.version, each.effective_from, last)


def windows(connection: Connection) -> list[Window]:
    """The windows of the stored documents."""
    table = documents.c
    rows = connection.execute(
        select(
            table.document_id,
            table.version,
            table.state,
            table.effective_from,
            table.effective_to,
            table.confirmed_at,
            table.ended_at,
        ).where(table.confirmed_at.is_not(None))
    )
    return speaking_windows(
        Standing(
            document_id=row.document_id,
            version=row.version,
            state=row.state,
            effective_from=row.effective_from,
            effective_to=row.effective_to,
            confirmed_on=row.confirmed_at.date(),
            ended_on=row.ended_at.date() if row.ended_at else None,
        )
        for row in rows
    )


def corpus_digest(connection: Connection) -> str:
    """Names what may speak, and when: equal as long as no version came to speak or fell silent."""
    said = (f"{each.document_id}@v{each.version} {each.first} {each.last}" for each in windows(connection))
    return digest_text("corpus", *said)
