"""What the trace keeps for how long: the words of a step are purged, the step and their digests stay.

Nothing that was decided, signed, executed or audited is ever purged; only what was put into a step and what came out
in words, which may quote documents and people.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select, update

from inventory.chronicle import Span
from inventory.database import Transaction
from inventory.record import canonical_record, digest_text, load
from inventory.tables import trace

_CHUNK = 1_000


def count_spans_before(connection: Connection, before: datetime) -> int:
    """Steps older than a moment whose words are still kept."""
    query = select(func.count()).select_from(trace).where(trace.c.at < before, trace.c.purged_at.is_(None))
    return int(connection.execute(query).scalar_one())


def purge_spans(transaction: Transaction, before: datetime) -> int:
    """Replace the words of up to a thousand steps older than a moment by their digests; returns how many.

    The audit entry holds a digest over the steps as they were, so that a copy kept elsewhere can be proven.
    """
    connection = transaction.connection
    query = (
        select(trace.c.span_id, trace.c.body)
        .where(trace.c.at < before, trace.c.purged_at.is_(None))
        .order_by(trace.c.at, trace.c.span_id)
        .limit(_CHUNK)
    )
    rows = connection.execute(query).all()
    for row in rows:
        connection.execute(
            update(trace)
            .where(trace.c.span_id == row.span_id)
            .values(body=canonical_record(_without_words(load(Span, row.body))), purged_at=transaction.now)
        )
    if rows:
        transaction.record(
            "retention.purged", "trace", "steps",
            {"before": before.isoformat(), "steps": len(rows), "digest": digest_text(*(row.body for row in rows))},
        )  # fmt: skip
    return len(rows)


def _without_words(span: Span) -> Span:
    return span.model_copy(
        update={
            "inputs": f"sha256:{digest_text(span.inputs)}",
            "outputs": f"sha256:{digest_text(span.outputs)}",
            "attributes": {
                name: value if name.startswith("gen_ai.operation") else f"sha256:{digest_text(value)}"
                for name, value in span.attributes.items()
            },
        }
    )
