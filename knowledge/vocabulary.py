"""Words of supply chain work that stand for one another.

People ask in everyday words what procedures say in the field's. ``vocabulary.txt`` names a few hundred concepts of the
field, each with the words and short phrases that are used for it. Two words are kin as far as they share concepts: by
the cosine of the sets of concepts they stand in, so a word of many meanings is nobody's close kin.

The file is data of the ranking and knows no document: it was written from the vocabulary of the field.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from itertools import chain

from knowledge.words import EVERYDAY_WORDS, STOP_WORDS, stem, tokens

CLOSEST = 0.3
"""Words with a smaller cosine are not kin."""
EVERYDAY_WEIGHT = 0.5
AUXILIARY_WEIGHT = 0.3
"""Of a stop word that means something in the field, such as the "may" of a permission."""
WITHIN_PHRASE_WEIGHT = 0.5
"""Of a word that is part of a phrase found beside it."""
_MEANINGFUL_WORDS = "after again all before both can could may might more most must once only out own until"
_MEANINGFUL = frozenset(_MEANINGFUL_WORDS.split())


class Vocabulary:
    """Concepts and the units (stems, or stems of a phrase with spaces between) that stand for them.

    Parameters
    ----------
    concepts
        Members by concept: words or phrases in plain English.
    """

    def __init__(self, concepts: Mapping[str, tuple[str, ...]]) -> None:
        self._concepts: dict[str, frozenset[str]] = {}
        members: defaultdict[str, set[str]] = defaultdict(set)
        standing: defaultdict[str, set[str]] = defaultdict(set)
        for concept, listed in sorted(concepts.items()):
            for member in listed:
                parts = tokens(member)
                if not parts or (len(parts) == 1 and parts[0] in STOP_WORDS - _MEANINGFUL):
                    continue
                unit = " ".join(map(stem, parts))
                members[concept].add(unit)
                standing[unit].add(concept)
        self._members = {concept: tuple(sorted(units)) for concept, units in members.items()}
        self._concepts = {unit: frozenset(names) for unit, names in standing.items()}
        phrases = [unit.split() for unit in self._concepts if " " in unit]
        self._longest: defaultdict[str, int] = defaultdict(int)
        for phrase in phrases:
            self._longest[phrase[0]] = max(self._longest[phrase[0]], len(phrase))
        self._kin: dict[str, tuple[tuple[str, float], ...]] = {}

    def units(self, text: str) -> Counter[str]:
        """Stems and known phrases of a text with their counts; of the stop words only those that mean something."""
        read = tokens(text)
        stems = list(map(stem, read))
        single = (s for s, token in zip(stems, read, strict=True) if self._speaks(token, s))
        return Counter(chain(single, (" ".join(stems[start:end]) for start, end in self._phrases(stems))))

    def question(self, text: str) -> dict[str, float]:
        """Units of a question and how much each of them says, in ``(0, 1]``; a unit counts once."""
        read = tokens(text)
        stems = list(map(stem, read))
        found: dict[str, float] = {}
        covered: set[int] = set()
        for start, end in self._phrases(stems):
            found[" ".join(stems[start:end])] = 1.0
            covered.update(range(start, end))
        for place, (token, unit) in enumerate(zip(read, stems, strict=True)):
            if not self._speaks(token, unit) or (token in STOP_WORDS and place in covered):
                continue
            weight = AUXILIARY_WEIGHT if token in STOP_WORDS else EVERYDAY_WEIGHT if token in EVERYDAY_WORDS else 1.0
            if place in covered:
                weight *= WITHIN_PHRASE_WEIGHT
            found[unit] = max(weight, found.get(unit, 0.0))
        return found

    def kin(self, unit: str) -> tuple[tuple[str, float], ...]:
        """Units that can stand for a unit and their closeness in ``[CLOSEST, 1]``, the unit itself left out."""
        if unit not in self._kin:
            own = self._concepts.get(unit, frozenset())
            shared = Counter(other for concept in sorted(own) for other in self._members[concept])
            near = (
                (other, count / (len(own) * len(self._concepts[other])) ** 0.5)
                for other, count in shared.items()
                if other != unit
            )
            self._kin[unit] = tuple(sorted(pair for pair in near if pair[1] >= CLOSEST))
        return self._kin[unit]

    def _speaks(self, token: str, unit: str) -> bool:
        return token not in STOP_WORDS or unit in self._concepts

    def _phrases(self, stems: list[str]) -> list[tuple[int, int]]:
        """Known phrases from left to right, the longest first, none over another: first place and the one behind."""
        found, start = [], 0
        while start < len(stems):
            for size in range(min(self._longest.get(stems[start], 0), len(stems) - start), 1, -1):
                if " ".join(stems[start : start + size]) in self._concepts:
                    found.append((start, start + size))
                    start += size
                    break
            else:
                start += 1
        return found


@cache
def field_vocabulary() -> Vocabulary:
    """The vocabulary shipped with this package."""
    return parse_vocabulary((files("knowledge") / "vocabulary.txt").read_text("utf-8"))


def parse_vocabulary(text: str) -> Vocabulary:
    """A vocabulary from lines ``concept: word, word, two words``; ``#`` begins a comment line.

    Raises
    ------
    ValueError
        If a line is not of this form, or a concept is given twice.
    """
    concepts: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        concept, colon, members = line.partition(":")
        if not colon or not members.strip() or concept in concepts:
            raise ValueError(f"vocabulary line {number}: {line[:60]!r}, expected a new 'concept: word, word'")
        concepts[concept] = tuple(member.strip() for member in members.split(","))
    return Vocabulary(concepts)
