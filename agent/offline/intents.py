"""What a clause is about: every intent's patterns are weighed, and the heaviest is meant."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from agent.offline import words

SURE = 5.0
"""Weight from which an intent is taken for what is meant."""


@dataclass(frozen=True)
class Intent:
    """One kind of question."""

    name: str
    tool: str
    patterns: tuple[tuple[re.Pattern[str], float], ...]
    weights: tuple[tuple[str, float], ...]
    needs: frozenset[str]

    def weight(self, masked: str, marks: Collection[str]) -> float:
        """How much a masked clause speaks for it."""
        if self.needs and not self.needs & set(marks):
            return 0.0
        hits = sum(weight for pattern, weight in self.patterns if pattern.search(masked))
        if not hits:
            return 0.0
        return hits + sum(weight for mark, weight in self.weights if mark in marks or _signal(mark, masked))


@dataclass(frozen=True)
class Meant:
    """An intent and its weight."""

    intent: Intent
    weight: float


@cache
def intents() -> tuple[Intent, ...]:
    """Every intent, in the order of the table."""
    return tuple(
        Intent(
            name=each["name"],
            tool=each["tool"],
            patterns=tuple((re.compile(words.expanded(text)), float(weight)) for text, weight in each["patterns"]),
            weights=tuple((mark, float(weight)) for mark, weight in each.get("with", {}).items()),
            needs=frozenset(each.get("needs", ())),
        )
        for each in words.table("intents")["intent"]
    )


@cache
def _signals() -> dict[str, re.Pattern[str]]:
    return {name: re.compile(words.expanded(text)) for name, text in words.table("intents")["signal"].items()}


def _signal(name: str, masked: str) -> bool:
    pattern = _signals().get(name)
    return pattern is not None and bool(pattern.search(masked))


def meant(masked: str, remembered: Collection[str] = ()) -> list[Meant]:
    """Intents that have any weight for a masked clause, heaviest tool first; those of one tool add a little.

    Parameters
    ----------
    remembered
        Marks of what earlier turns named.
    """
    marks = set(re.findall(r"\b[A-Z]{3,5}\b", masked)) | ({"SUPP"} & set(remembered))
    if re.search(r"\b(?:the|this|that|which|our|my|a) (?:supplier|vendor)\b", masked):
        marks.add("SUPP")
    weights: dict[str, list[Meant]] = {}
    for intent in intents():
        weight = intent.weight(masked, marks)
        if weight > 0:
            weights.setdefault(intent.tool, []).append(Meant(intent, weight))
    found = []
    for listed in weights.values():
        first, *others = sorted(listed, key=lambda each: -each.weight)
        found.append(Meant(first.intent, first.weight + min(2.0, 0.25 * sum(other.weight for other in others))))
    return sorted(found, key=lambda each: (-each.weight, each.intent.name))
