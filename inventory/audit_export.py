"""A period of the log to take away: self-contained, so that it can be checked with no home, database or network.

JSON lines: a header, the entries, the signed heads over them, the receipts, the table that reconciles executed
documents with receipts, totals by day and action, and a last line that counts them all. Entries from before the period
that tell what was executed in it come along, each with those after it up to a signed head, which proves their place.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from inventory.anchor import Anchor
from inventory.audit import entries
from inventory.audit_totals import TOLD_BY, reconcile
from inventory.chain import AuditEntry
from inventory.errors import NotFoundError
from inventory.heads import SignedHead
from inventory.record import canonical
from inventory.tables import audit, receipts

FORMAT = "evenkeel.audit.export.v1"


@dataclass(frozen=True)
class Period:
    """From a moment up to, not including, another; both aware."""

    start: datetime
    end: datetime


def export_lines(
    connection: Connection, anchor: Anchor, period: Period, *, public: str, now: datetime, actor: str
) -> Iterator[str]:
    """The lines of an export, in order.

    Parameters
    ----------
    public
        The house's public key, 64 hexadecimal characters; empty where heads are not signed.

    Raises
    ------
    NotFoundError
        If nothing was recorded in the period.
    """
    heads = anchor.heads()
    first, last = _sequences(connection, period)
    runs = _runs(connection, heads, first, last)
    header = {
        "kind": "header", "format": FORMAT, "from": period.start.isoformat(), "to": period.end.isoformat(),
        "first": first, "last": last, "public_key": public, "made_at": now.isoformat(), "made_by": actor,
    }  # fmt: skip
    lines = 0
    for line in _body(connection, header, runs, heads, first, last):
        lines += 1
        yield canonical(line)
    yield canonical({"kind": "end", "lines": lines})


def _body(
    connection: Connection,
    header: dict[str, Any],
    runs: list[tuple[int, int]],
    heads: list[SignedHead],
    first: int,
    last: int,
) -> Iterator[dict[str, Any]]:
    yield header
    told: list[AuditEntry] = []
    for entry in _entries(connection, runs):
        if entry.event in TOLD_BY:
            told.append(entry)
        yield {"kind": "entry", **vars(entry)}
    for head in heads:
        if any(start <= head.sequence <= end for start, end in runs):
            yield {"kind": "head", **vars(head)}
    made = reconcile(told, first, last)
    yield from _receipts(connection, {row.key for row in made.documents})
    yield from ({"kind": "document", **vars(row)} for row in made.documents)
    yield from ({"kind": "total", **vars(row)} for row in made.totals)
    yield from ({"kind": "problem", "problem": problem} for problem in made.problems)


def _sequences(connection: Connection, period: Period) -> tuple[int, int]:
    """First and last entry of the period; entries stand in the order of the chain, so those between belong to it."""
    start, end = (moment.astimezone(UTC).isoformat() for moment in (period.start, period.end))
    ends = select(func.min(audit.c.sequence), func.max(audit.c.sequence)).where(audit.c.at >= start, audit.c.at < end)
    first, last = connection.execute(ends).one()
    if first is None:
        raise NotFoundError(f"nothing was recorded from {start} to {end}")
    return int(first), int(last)


def _runs(connection: Connection, heads: list[SignedHead], first: int, last: int) -> list[tuple[int, int]]:
    """Ranges of entries to take along, in order, none touching another."""
    signed = sorted(head.sequence for head in heads)
    newest = int(connection.execute(select(func.max(audit.c.sequence))).scalar_one())
    wanted = [(place, _covered(place, signed, newest)) for place in _earlier(connection, first, last)]
    wanted.append((first, _covered(last, signed, newest)))
    runs: list[tuple[int, int]] = []
    for start, end in sorted(wanted):
        if runs and start <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], max(runs[-1][1], end))
        else:
            runs.append((start, end))
    return runs


def _covered(sequence: int, signed: list[int], newest: int) -> int:
    """The first signed entry from there on; the entry itself when none is."""
    return next((place for place in signed if sequence <= place <= newest), sequence)


def _earlier(connection: Connection, first: int, last: int) -> list[int]:
    """Entries from before the period that tell what was executed in it."""
    executed = select(audit.c.subject_id).where(
        audit.c.sequence >= first, audit.c.sequence <= last, audit.c.event.in_(("action.executed", "action.applied"))
    )
    query = (
        select(audit.c.sequence)
        .where(
            audit.c.sequence < first,
            audit.c.event.in_(("proposal.drafted", "action.enqueued")),
            audit.c.subject_id.in_(executed),
        )
        .order_by(audit.c.sequence)
    )
    return [int(sequence) for sequence in connection.execute(query).scalars()]


def _entries(connection: Connection, runs: Iterable[tuple[int, int]]) -> Iterator[AuditEntry]:
    for start, end in runs:
        yield from entries(connection, first=start, last=end)


def _receipts(connection: Connection, keys: set[str]) -> Iterator[dict[str, Any]]:
    """Receipts as the table has them, by key."""
    for row in connection.execute(select(receipts.c.key, receipts.c.body).order_by(receipts.c.key)):
        if row.key in keys:
            yield {"kind": "receipt", "key": row.key, "body": json.loads(row.body)}
