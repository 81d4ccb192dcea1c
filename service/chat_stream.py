"""The chat over HTTP: a message in, server-sent events out, each piece of the answer as soon as it was checked.

Events carry the name of their kind: ``looking`` (which question is put), ``sentence``, ``refusal``, ``question``,
``table``, ``form``, ``source`` and at the end ``done`` with the conversation's id. Rights are the token's; a
conversation is its owner's alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.sse import ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field

from inventory.records import User
from service.bootstrap import House
from service.decision_body import body_as
from service.problems import STATUS, status_of

if TYPE_CHECKING:
    from agent.chat.events import ChatEvent, Reply


class ChatBody(BaseModel):
    """A message."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    message: str = Field(min_length=1, max_length=2_000)
    conversation: str | None = Field(default=None, max_length=96)
    """A conversation of one's own to go on with."""


async def chat_body(request: Request) -> ChatBody:
    """The message in a request; as :func:`service.decision_body.body_as`."""
    return await body_as(request, ChatBody)


def chat_events(house: House, user: User, body: ChatBody) -> Iterator[ServerSentEvent]:
    """The answer to a message, piece by piece; an error on the way is told as an event, the stream is open by then."""
    try:
        for piece in house.chat.ask(user, body.message, body.conversation):
            yield as_event(piece)
    except tuple(STATUS) as error:
        detail = "the service cannot answer this" if status_of(error) == 500 else str(error)
        yield ServerSentEvent(event="error", data={"status": status_of(error), "detail": detail})


def as_event(piece: ChatEvent | Reply) -> ServerSentEvent:
    """One piece as a server-sent event; a sentence is text, never markup."""
    from agent.chat.events import Reply

    if isinstance(piece, Reply):
        return ServerSentEvent(event="done", data=piece.brief())
    return ServerSentEvent(event=piece.kind, data=piece.model_dump(mode="json", exclude_defaults=True))
