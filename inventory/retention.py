"""What the trace keeps for how long: the words of a step go, the step and the digests of its words stay.

Nothing that was decided, signed, executed or audited is ever thrown away; only what was said, which may quote documents
and people, and who asked a model how often.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, distinct, func, select

from inventory.database import Transaction
from inventory.record import digest_text
from inventory.tables import model_calls, trace_words

_CHUNK = 1_000


def count_words_before(connection: Connection, before: datetime) -> int:
    """Steps older than a moment whose words are still kept."""
    query = select(func.count(distinct(trace_words.c.span_id))).where(trace_words.c.at < before)
    return int(connection.execute(query).scalar_one())


def purge_words(transaction: Transaction, before: datetime) -> int:
    """Throw away the words of up to a thousand steps older than a moment; returns of how many steps.

    The audit entry holds a digest over the words as they were, so that a copy kept elsewhere can be proven; so does
    each step's own.
    """
    connection = transaction.connection
    known = trace_words.c
    oldest = select(known.span_id, known.at).where(known.at < before).distinct().order_by(known.at, known.span_id)
    steps = list(connection.execute(oldest.limit(_CHUNK)).scalars())
    if not steps:
        return 0
    query = select(known.span_id, known.part, known.words).where(known.span_id.in_(steps))
    rows = connection.execute(query.order_by(known.span_id, known.part)).all()
    connection.execute(delete(trace_words).where(known.span_id.in_(steps)))
    transaction.record(
        "retention.purged", "trace", "steps",
        {
            "before": before.isoformat(),
            "steps": len(steps),
            "digest": digest_text(*(text for row in rows for text in (row.span_id, row.part, row.words))),
        },
    )  # fmt: skip
    return len(steps)


def count_calls_before(connection: Connection, before: datetime) -> int:
    """Counted calls to language models older than a moment."""
    query = select(func.count()).select_from(model_calls).where(model_calls.c.at < before)
    return int(connection.execute(query).scalar_one())


def purge_calls(transaction: Transaction, before: datetime) -> int:
    """Forget who asked a model when, for calls older than a moment; returns how many.

    Caps count today's calls and those of the run at hand; neither is as old as that.
    """
    return int(transaction.connection.execute(delete(model_calls).where(model_calls.c.at < before)).rowcount)
