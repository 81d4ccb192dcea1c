"""Who says which planned cases get a draft."""

from __future__ import annotations

from typing import Protocol

from inventory.records import ActionKind, Case


class Drafts(Protocol):
    """Says which planned cases get a draft; asked in their order."""

    def waits(self, case: Case) -> None:
        """A proposal of the case is waiting for a person already."""

    def refuses(self, case: Case, action: ActionKind, value_minor: int) -> str:
        """Why the case gets no draft; empty when it gets one."""


class EveryCase:
    """Drafts for every case."""

    def waits(self, case: Case) -> None:
        """Nothing follows from it."""

    def refuses(self, case: Case, action: ActionKind, value_minor: int) -> str:
        """Nothing is refused."""
        return ""
