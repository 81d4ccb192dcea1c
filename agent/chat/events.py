"""What a chat turn tells while it runs, piece by piece; nothing is shown before it was checked."""

from __future__ import annotations

from typing import Any, Literal

from inventory.conversations import PutQuestion
from inventory.record import Record
from tools.capabilities.answer import Answer, SuggestedForm, Table

EventKind = Literal["looking", "sentence", "refusal", "question", "table", "form", "source", "done"]


class ChatEvent(Record):
    """One piece of an answer; ``looking`` says which question is put to a tool, before it has answered."""

    kind: EventKind
    text: str = ""
    reason: str = ""
    """Of a refusal."""
    argument: str = ""
    """What a question asks for."""
    choices: tuple[str, ...] = ()
    table: Table | None = None
    form: SuggestedForm | None = None
    form_digest: str = ""


class Reply(Record):
    """A whole turn."""

    conversation_id: str = ""
    text: str
    """Everything said, a line each."""
    questions: tuple[PutQuestion, ...] = ()
    refused: tuple[str, ...] = ()
    asked_back: str = ""
    choices: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    sources: tuple[str, ...] = ()
    model: str = ""

    def brief(self) -> dict[str, Any]:
        """The reply as plain data, without the answers' facts."""
        return self.model_dump(mode="json", exclude={"answers"})
