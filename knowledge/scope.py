"""What a search may see, decided before anything is ranked, and what is closest to the situation it is for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from knowledge.passages import Passage

SITE_BONUS = 0.2
SUPPLIER_BONUS = 0.5
CLASS_BONUS = 0.2
ACTION_BONUS = 0.05


class Revisions:
    """The versions of documents that passages belong to; every passage of one has the same dates and scope.

    Parameters
    ----------
    passages
        Sorted by ``passage_id``.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        number: dict[tuple[str, int], int] = {}
        firsts: list[Passage] = []
        of_passage: list[int] = []
        for passage in passages:
            key = (passage.document_id, passage.version)
            if key not in number:
                number[key] = len(firsts)
                firsts.append(passage)
            of_passage.append(number[key])
        self.firsts = tuple(firsts)
        """One passage of each version."""
        self.of_passage = np.array(of_passage, dtype=np.intp)
        """Shape ``(n_passages,)``, the version each passage belongs to."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The situation a search is for. ``None`` means the question does not say.

    A passage is in scope when it is in force on ``on`` and each set the question names meets the passage's own, or the
    passage is unrestricted there. ``readable_sites`` is a right rather than a question: a passage restricted to sites
    outside it is invisible.
    """

    on: date
    sites: frozenset[str] | None = None
    suppliers: frozenset[str] | None = None
    item_classes: frozenset[str] | None = None
    action: str | None = None
    readable_sites: frozenset[str] | None = None
    include_superseded: bool = False

    def named_in(self, question: str, revisions: Revisions) -> Scope:
        """This scope narrowed to the sites and suppliers that a question names by their whole ids.

        What the situation already says is left as it is, and only ids of documents the asker may see count.
        """
        seen = [first for first in revisions.firsts if _meets(first.sites, self.readable_sites)]
        sites = _named(question, (first.sites for first in seen))
        suppliers = _named(question, (first.suppliers for first in seen))
        return replace(
            self,
            sites=sites if self.sites is None and sites else self.sites,
            suppliers=suppliers if self.suppliers is None and suppliers else self.suppliers,
        )

    def not_naming(self, question: str) -> str:
        """A question without the ids this scope already holds."""
        for name in sorted((self.sites or frozenset()) | (self.suppliers or frozenset())):
            question = _whole(name).sub(" ", question)
        return question

    def rows(self, revisions: Revisions) -> NDArray[np.intp]:
        """Positions of the passages in scope, ascending."""
        current = _versions_in_force(revisions.firsts, self.on)
        admitted = np.array([self._admits(first, current) for first in revisions.firsts], dtype=np.bool_)
        return np.flatnonzero(admitted[revisions.of_passage])

    def closeness(self, revisions: Revisions, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """How much more than a general rule each row weighs: a rule made for this very situation comes first.

        Returns
        -------
        NDArray[np.float64]
            Shape ``(n_rows,)``, 1 or more.
        """
        weights = np.array([self._weight(first) for first in revisions.firsts], dtype=np.float64)
        return weights[revisions.of_passage[rows]]

    def _weight(self, passage: Passage) -> float:
        named = (
            (passage.sites, self.sites, SITE_BONUS),
            (passage.suppliers, self.suppliers, SUPPLIER_BONUS),
            (passage.item_classes, self.item_classes, CLASS_BONUS),
            (passage.actions, _one(self.action), ACTION_BONUS),
        )
        weight = 1.0
        for restriction, asked, bonus in named:
            if asked is not None and not restriction.isdisjoint(asked):
                weight *= 1.0 + bonus
        return weight

    def _admits(self, passage: Passage, current: dict[str, int]) -> bool:
        in_time = passage.effective_from <= self.on and (
            self.include_superseded or current.get(passage.document_id) == passage.version
        )
        return (
            in_time
            and _meets(passage.sites, self.readable_sites)
            and _meets(passage.sites, self.sites)
            and _meets(passage.suppliers, self.suppliers)
            and _meets(passage.item_classes, self.item_classes)
            and _meets(passage.actions, _one(self.action))
        )


def _one(value: str | None) -> frozenset[str] | None:
    return None if value is None else frozenset({value})


def _meets(restriction: frozenset[str], asked: frozenset[str] | None) -> bool:
    return asked is None or not restriction or not restriction.isdisjoint(asked)


def _named(question: str, restrictions: Iterable[frozenset[str]]) -> frozenset[str]:
    """Ids that stand in a question as a whole, in capitals or not."""
    return frozenset(name for name in frozenset[str]().union(*restrictions) if _whole(name).search(question))


def _whole(name: str) -> re.Pattern[str]:
    """An id that stands as a whole, in capitals or not."""
    return re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])", re.IGNORECASE)


def _versions_in_force(passages: Iterable[Passage], on: date) -> dict[str, int]:
    """The highest version of each document in force on a day."""
    current: dict[str, int] = {}
    for passage in passages:
        if passage.effective_from <= on and (passage.effective_to is None or on <= passage.effective_to):
            current[passage.document_id] = max(passage.version, current.get(passage.document_id, 0))
    return current
