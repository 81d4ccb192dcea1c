"""Conversations with Evenkeel: what was said, which questions were put, what was answered; each its owner's alone.

They decide nothing, so they are no part of the audit chain; what came of one (a submitted form) is. They are thrown
away when nobody has added to them for the time the settings say.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy import Connection, delete, func, select, update

from inventory.database import Transaction
from inventory.errors import NotFoundError
from inventory.record import Id, Record, Text, Utc, canonical_record, load, short_id
from inventory.records import Scope
from inventory.tables import conversations, messages

LONGEST = 400
"""Turns one conversation may have."""


class PutQuestion(Record):
    """A question put to a tool."""

    name: str
    arguments: dict[str, Any]


class SaidTurn(Record):
    """One turn: what a person said and what came of it."""

    said: Text
    said_at: Utc
    questions: tuple[PutQuestion, ...] = ()
    """Questions that were answered; none where Evenkeel asked back, refused or talked."""
    asked_back: str = ""
    """Argument Evenkeel asked for."""
    refused: tuple[str, ...] = ()
    """Reasons of what was refused."""
    answer: Text = ""
    facts: dict[str, str | int | float] = Field(default_factory=dict)
    """What the tools computed, by the name of the fact."""
    model: str = ""
    """Which model understood and worded the turn."""


def start_conversation(transaction: Transaction, user_id: str) -> str:
    """A new conversation of a person; returns its id."""
    count = select(func.count()).select_from(conversations).where(conversations.c.user_id == user_id)
    number = int(transaction.connection.execute(count).scalar_one()) + 1
    made = short_id("conv", user_id, transaction.now.isoformat(), str(number))
    transaction.connection.execute(
        conversations.insert().values(
            conversation_id=made, user_id=user_id, started_at=transaction.now, touched_at=transaction.now
        )
    )
    return made


def add_turn(transaction: Transaction, user_id: str, conversation_id: str, turn: SaidTurn) -> int:
    """Add a turn to a conversation of one's own; returns its number.

    Raises
    ------
    NotFoundError
        If there is none, or it is somebody else's, or it is full.
    """
    changed = transaction.connection.execute(
        update(conversations)
        .where(conversations.c.conversation_id == conversation_id, conversations.c.user_id == user_id)
        .values(touched_at=transaction.now)
    )
    newest = select(func.max(messages.c.number)).where(messages.c.conversation_id == conversation_id)
    number = int(transaction.connection.execute(newest).scalar_one() or 0) + 1
    if changed.rowcount != 1 or number > LONGEST:
        raise NotFoundError(f"{user_id} has no conversation {conversation_id!r} with room for another turn")
    transaction.connection.execute(
        messages.insert().values(
            conversation_id=conversation_id, number=number, at=transaction.now, body=canonical_record(turn)
        )
    )
    return number


def turns_of(connection: Connection, scope: Scope, conversation_id: str, *, newest: int = LONGEST) -> list[SaidTurn]:
    """The newest turns of a conversation of one's own, oldest first.

    Raises
    ------
    NotFoundError
        If there is none, or it is somebody else's: the two are not told apart.
    """
    own = select(conversations.c.conversation_id).where(
        conversations.c.conversation_id == conversation_id, conversations.c.user_id == scope.user
    )
    if connection.execute(own).first() is None:
        raise NotFoundError(f"{scope.user} has no conversation {conversation_id!r}")
    query = (
        select(messages.c.body)
        .where(messages.c.conversation_id == conversation_id)
        .order_by(messages.c.number.desc())
        .limit(newest)
    )
    return [load(SaidTurn, body) for body in connection.execute(query).scalars()][::-1]


def newest_conversation(connection: Connection, scope: Scope) -> Id | None:
    """The conversation of one's own that was added to last."""
    query = (
        select(conversations.c.conversation_id)
        .where(conversations.c.user_id == scope.user)
        .order_by(conversations.c.touched_at.desc(), conversations.c.conversation_id)
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()


def count_conversations_before(connection: Connection, before: datetime) -> int:
    """Conversations nobody added to since a moment."""
    query = select(func.count()).select_from(conversations).where(conversations.c.touched_at < before)
    return int(connection.execute(query).scalar_one())


def purge_conversations(transaction: Transaction, before: datetime) -> int:
    """Throw away what nobody added to since a moment; returns how many conversations."""
    old = select(conversations.c.conversation_id).where(conversations.c.touched_at < before)
    transaction.connection.execute(delete(messages).where(messages.c.conversation_id.in_(old)))
    gone = transaction.connection.execute(delete(conversations).where(conversations.c.touched_at < before))
    return int(gone.rowcount)
