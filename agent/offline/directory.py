"""The company's names as they are spoken: their words, and which of them a misspelt word is a slip of."""

from __future__ import annotations

from dataclasses import dataclass, field

from rapidfuzz import process
from rapidfuzz.distance import OSA

from agent.offline import words
from inventory.snapshots import Snapshot
from tools.capabilities.names import NameKind, Names
from tools.toolbox import Toolbox

SHORTEST = 5
"""Letters of a word below which it must be spelled right."""
REMEMBERED = 10_000
"""Misspelt words whose meaning is kept."""


@dataclass(frozen=True, eq=False)
class Directory:
    """Items, sites and suppliers by name, and the words the names are made of."""

    names: Names
    words: frozenset[str]
    """Words of all names."""
    _slips: dict[tuple[NameKind, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: Snapshot) -> Directory:
        """The directory of a snapshot."""
        return cls.around(Names.of(snapshot))

    @classmethod
    def around(cls, names: Names) -> Directory:
        """The directory over names."""
        return cls(names, frozenset(word for index in names.indexes.values() for word in index.words))

    def word(self, kind: NameKind, said: str) -> str:
        """The word of a name that is meant by a spoken one: itself, its singular, or what it is a slip of."""
        known = self.names.indexes[kind].by_word
        forms = (said, said.removesuffix("s"), said.removesuffix("es")) if kind == "item" else (said,)
        for form in forms:
            if form in known:
                return form
        if len(said) < SHORTEST or said in words.vocabulary():
            return ""
        if (kind, said) not in self._slips:
            if len(self._slips) >= REMEMBERED:
                self._slips.clear()
            self._slips[kind, said] = self._slip(kind, said)
        return self._slips[kind, said]

    def _slip(self, kind: NameKind, said: str) -> str:
        """One wrong, missing, doubled or swapped letter, two from eight letters on."""
        slips = 1 if len(said) < 8 else 2
        known = self.names.indexes[kind].words
        close = process.extract(said, known, scorer=OSA.distance, score_cutoff=slips, limit=8)
        fits = sorted((distance, word) for word, distance, _ in close if len(word) >= SHORTEST - 1)
        return fits[0][1] if fits else ""

    def by_id(self, kind: NameKind, said: str) -> str:
        """The id written so in lower case, or nothing."""
        index = self.names.indexes[kind]
        place = index.by_id.get(said)
        return "" if place is None else index.ids[place]


def directory_of(toolbox: Toolbox) -> Directory:
    """The directory of the current snapshot, kept until there is another."""
    return toolbox.made_of_snapshot(Directory.of)
