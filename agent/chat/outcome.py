"""What one message comes to: questions to tools, asking back, refusals, talk."""

from __future__ import annotations

from typing import Any

from agent.chat.controls import Reason, Talk
from inventory.record import Record


class ToolCall(Record):
    """A question to a tool, vetted: its ids exist and its numbers were said or computed."""

    name: str
    arguments: dict[str, Any]
    call_id: str = ""


class Clarification(Record):
    """What must be known before anything is asked."""

    argument: str
    choices: tuple[str, ...] = ()


class Outcome(Record):
    """What a message comes to; a refusal may stand beside calls for the legitimate part."""

    calls: tuple[ToolCall, ...] = ()
    clarify: Clarification | None = None
    refusals: tuple[Reason, ...] = ()
    smalltalk: Talk | None = None
    problems: tuple[tuple[str, str], ...] = ()
    """``(call id, what was wrong)`` of calls that were not let through; told to the model."""
    text: str = ""
    """What the model said instead of calling a tool."""
