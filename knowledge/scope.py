"""What a search may see, decided before anything is ranked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from knowledge.passages import Passage


@dataclass(frozen=True, slots=True)
class Scope:
    """The situation a search is for. ``None`` means the question does not say.

    A passage is in scope when it is in force on ``on`` and each set the question names meets the passage's own, or the
    passage is unrestricted there. ``readable_sites`` is a right rather than a question: a passage restricted to sites
    outside it is invisible.
    """

    on: date
    sites: frozenset[str] | None = None
    supplier: str | None = None
    item_classes: frozenset[str] | None = None
    action: str | None = None
    readable_sites: frozenset[str] | None = None
    include_superseded: bool = False

    def rows(self, passages: Sequence[Passage]) -> list[int]:
        """Positions of the passages in scope, ascending."""
        current = _versions_in_force(passages, self.on)
        return [row for row, passage in enumerate(passages) if self._admits(passage, current)]

    def _admits(self, passage: Passage, current: dict[str, int]) -> bool:
        in_time = passage.effective_from <= self.on and (
            self.include_superseded or current.get(passage.document_id) == passage.version
        )
        return (
            in_time
            and _meets(passage.sites, self.readable_sites)
            and _meets(passage.sites, self.sites)
            and _meets(passage.suppliers, self._one(self.supplier))
            and _meets(passage.item_classes, self.item_classes)
            and _meets(passage.actions, self._one(self.action))
        )

    @staticmethod
    def _one(value: str | None) -> frozenset[str] | None:
        return None if value is None else frozenset({value})


def _meets(restriction: frozenset[str], asked: frozenset[str] | None) -> bool:
    return asked is None or not restriction or not restriction.isdisjoint(asked)


def _versions_in_force(passages: Iterable[Passage], on: date) -> dict[str, int]:
    """The highest version of each document in force on a day."""
    current: dict[str, int] = {}
    for passage in passages:
        if passage.effective_from <= on and (passage.effective_to is None or on <= passage.effective_to):
            current[passage.document_id] = max(passage.version, current.get(passage.document_id, 0))
    return current
