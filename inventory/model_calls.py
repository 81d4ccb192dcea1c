"""Calls to language models, counted: who asked, where, when, how it ended and how many tokens it took; never words.

They decide nothing, so they are no part of the audit chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, func, select, update

from inventory.database import Transaction
from inventory.record import Record, Utc
from inventory.tables import model_calls


class ModelCall(Record):
    """One call about to be made."""

    user_id: str
    run_id: str
    purpose: str
    endpoint: str
    model: str
    at: Utc


@dataclass(frozen=True)
class CallTotals:
    """What has been used up."""

    of_run: int
    of_user: int
    """Of the person on the day."""
    of_day: int
    tokens: int
    """On the day, by everybody."""


def call_totals(connection: Connection, user_id: str, run_id: str, day: date) -> CallTotals:
    """What a run, a person and everybody have used of their calls on a day, finished or not."""
    known = model_calls.c

    def count(*conditions: object) -> int:
        query = select(func.count()).select_from(model_calls)
        return int(connection.execute(query.where(*conditions)).scalar_one())  # type: ignore[arg-type]  # conditions

    spent = select(func.coalesce(func.sum(known.input_tokens + known.output_tokens), 0)).where(known.day == day)
    return CallTotals(
        of_run=count(known.run_id == run_id),
        of_user=count(known.user_id == user_id, known.day == day),
        of_day=count(known.day == day),
        tokens=int(connection.execute(spent).scalar_one()),
    )


def add_call(transaction: Transaction, call: ModelCall) -> str:
    """Enter a call; returns its id."""
    newest = select(func.coalesce(func.max(model_calls.c.number), 0))
    number = int(transaction.connection.execute(newest).scalar_one()) + 1
    transaction.connection.execute(
        model_calls.insert().values(
            number=number, day=call.at.date(), at=call.at, user_id=call.user_id, run_id=call.run_id,
            purpose=call.purpose, endpoint=call.endpoint, model=call.model, ended="asked",
            input_tokens=0, output_tokens=0,
        )
    )  # fmt: skip
    return str(number)


def finish_call(transaction: Transaction, call_id: str, ended: str, input_tokens: int, output_tokens: int) -> None:
    """Keep how a call ended."""
    transaction.connection.execute(
        update(model_calls)
        .where(model_calls.c.number == int(call_id))
        .values(ended=ended, input_tokens=input_tokens, output_tokens=output_tokens)
    )


def endings(connection: Connection, since: date) -> dict[str, int]:
    """How calls ended since a day, by kind."""
    query = (
        select(model_calls.c.ended, func.count())
        .where(model_calls.c.day > since - timedelta(days=1))
        .group_by(model_calls.c.ended)
        .order_by(model_calls.c.ended)
    )
    return {str(ended): int(number) for ended, number in connection.execute(query)}
