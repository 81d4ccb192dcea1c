"""An independent checker of plain prose: every figure, date, id and direction must stand in a table of facts.

Drafts and chat answers are written with slots (:mod:`agent.grounding`), so that they cannot say a figure no tool
computed. This module looks at finished sentences from the other side, knowing nothing of slots: it reads numbers in
digits of any script and in English words, with their units, dates in the usual forms, ids, clauses, and who gives to
whom. What it reads must be in the table under the fact's own rounding; what looks like a number and cannot be read is
refused.

It does not see a figure exchanged for another of the same kind and unit, sums, or a negated direction.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Literal

from agent.number_words import NUMBER_WORDS
from agent.prose.claims import ID_KINDS, ProseFact, supports
from agent.prose.dates import said_dates
from agent.prose.directions import Mention, Role, wrong_directions
from agent.prose.figures import figures
from agent.prose.number_phrases import ORDINALS
from inventory.record import Record
from tools.plain_words import is_hidden

UnsupportedKind = Literal["figure", "number word", "date", "id", "clause", "direction", "character"]

_ID_SHAPE = re.compile(r"(?<![\w-])[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)+(?![\w-])")
_CLAUSE = re.compile(
    r"(?:\b(?:clauses?|sections?|paragraphs?|articles?)\s+|§+\s*)(\d+(?:\.\d+)*[a-z]?\b(?:(?:\s*,\s*|\s+and\s+|\s+or\s+)\d+(?:\.\d+)+[a-z]?\b)*)",
    re.IGNORECASE,
)
_ROMAN = re.compile(r"\b[IVXLC]{2,}\b")
_ORDINAL = re.compile(
    rf"\b(?:{'|'.join(sorted(ORDINALS, key=len, reverse=True))}|(?P<digits>\d+)(?:st|nd|rd|th))\b", re.IGNORECASE
)
_RELATIVE = re.compile(r"\b(?:tomorrow|yesterday|tonight)\b", re.IGNORECASE)
_HARMLESS = frozenset({"one", "ones", "first", "second", "seconds", "once", "single", "minus", "score", "scores"})
_GIVES: dict[str, Role] = {"origin": "gives", "supplier": "gives", "destination": "receives"}
_BLANK = "\u2423"


class Unsupported(Record):
    """Something a sentence says and no fact does."""

    kind: UnsupportedKind
    said: str


def check_sentence(
    sentence: str, facts: Sequence[ProseFact], known_ids: Collection[str] = ()
) -> tuple[Unsupported, ...]:
    """Everything in the sentence that the facts do not support; empty when it may be said.

    Parameters
    ----------
    facts
        All that may be said.
    known_ids
        Ids that exist, whether or not they may be said here; only their capitals may differ in prose.
    """
    return tuple(_Reading(sentence, facts, known_ids).problems())


class _Reading:
    """One sentence under examination; what was read is blanked out so that it is read once."""

    def __init__(self, sentence: str, facts: Sequence[ProseFact], known_ids: Collection[str]) -> None:
        self.sentence = sentence
        self.text = _plain(sentence)
        self.facts = facts
        self.ids = {str(fact.value).casefold(): fact for fact in facts if fact.kind in ID_KINDS}
        self.known = {name.casefold() for name in known_ids} | set(self.ids)

    def problems(self) -> Iterator[Unsupported]:
        yield from self._characters()
        mentions = self._mentions()
        for mention in mentions:
            if mention.name not in self.ids:
                yield Unsupported(kind="id", said=self.text[mention.start : mention.end])
        for mention in wrong_directions(self.text, mentions, self._roles()):
            yield Unsupported(kind="direction", said=self.text[mention.start : mention.end])
        for mention in mentions:
            self._blank(mention.start, mention.end)
        yield from self._clauses()
        yield from self._dates()
        yield from self._ordinals()
        for figure in figures(self.text, [fact.unit for fact in self.facts if fact.kind == "quantity"]):
            said = self.text[figure.start : figure.end]
            if not any(supports(fact, figure) for fact in self.facts):
                yield Unsupported(kind="figure", said=said)
            self._blank(figure.start, figure.end)
        yield from self._leftovers()

    def _characters(self) -> Iterator[Unsupported]:
        for character in self.sentence:
            foreign = character.isalpha() and not unicodedata.name(character, "").startswith(("LATIN ", "FULLWIDTH "))
            if foreign or (is_hidden(character) and character not in "\n\t"):
                yield Unsupported(kind="character", said=f"U+{ord(character):04X}")

    def _mentions(self) -> list[Mention]:
        """Ids by what is known, longest first, and whatever is shaped like one."""
        found: list[Mention] = []
        lowered = self.text.lower()
        for name in sorted(self.known, key=lambda name: (-len(name), name)):
            for match in re.finditer(rf"(?<![\w-]){re.escape(name)}(?![\w]|-\w)", lowered):
                if all(match.end() <= other.start or match.start() >= other.end for other in found):
                    found.append(Mention(match.start(), match.end(), name))
        for match in _ID_SHAPE.finditer(self.text):
            shaped = match.group().split("-")[0].isupper() and not re.search(r"[a-z]", match.group())
            if shaped and all(match.end() <= other.start or match.start() >= other.end for other in found):
                found.append(Mention(match.start(), match.end(), match.group().casefold()))
        return sorted(found, key=lambda mention: mention.start)

    def _roles(self) -> dict[str, Role]:
        roles: dict[str, set[Role]] = {}
        for fact in self.facts:
            if fact.kind in {"site", "supplier"} and fact.role in _GIVES:
                roles.setdefault(str(fact.value).casefold(), set()).add(_GIVES[fact.role])
        return {name: next(iter(said)) for name, said in roles.items() if len(said) == 1}

    def _clauses(self) -> Iterator[Unsupported]:
        known = {str(fact.value).casefold() for fact in self.facts if fact.kind == "clause"}
        for match in list(_CLAUSE.finditer(self.text)):
            for number in re.findall(r"\d+(?:\.\d+)*[a-z]?", match.group(1).casefold()):
                if number not in known:
                    yield Unsupported(kind="clause", said=number)
            self._blank(match.start(), match.end())

    def _dates(self) -> Iterator[Unsupported]:
        known = self._known_dates()
        for said in said_dates(self.text):
            if not any(said.fits(day) for day in known):
                yield Unsupported(kind="date", said=self.text[said.start : said.end])
            self._blank(said.start, said.end)
        for match in _RELATIVE.finditer(self.text):
            yield Unsupported(kind="date", said=match.group())

    def _known_dates(self) -> list[date]:
        return [date.fromisoformat(str(fact.value)) for fact in self.facts if fact.kind == "date"]

    def _ordinals(self) -> Iterator[Unsupported]:
        """``a second person`` is no figure; ``the tenth`` is a day of the month or a counted thing."""
        days = {day.day for day in self._known_dates()}
        numbers = {fact.number for fact in self.facts if fact.kind in {"quantity", "days"}}
        for match in list(_ORDINAL.finditer(self.text)):
            number = int(match.group("digits") or 0) or ORDINALS.get(match.group().casefold(), 0)
            fraction = re.search(r"\b(?:a|an|one)\s+$", self.text[: match.start()].casefold())
            if fraction and re.match(r"\s+of\b", self.text[match.end() :]):
                continue  # a third of: a share, read with the figures
            if number > 2 and number not in days and number not in numbers:
                yield Unsupported(kind="number word", said=match.group())
            self._blank(match.start(), match.end())

    def _leftovers(self) -> Iterator[Unsupported]:
        for match in re.finditer(r"\S*[\d½¼¾⅓⅔]\S*", self.text):
            yield Unsupported(kind="figure", said=match.group())
        for match in _ROMAN.finditer(self.text):
            yield Unsupported(kind="figure", said=match.group())
        for match in re.finditer(r"[A-Za-z]+", self.text):
            word = match.group().casefold()
            if word in NUMBER_WORDS and word not in _HARMLESS:
                yield Unsupported(kind="number word", said=match.group())

    def _blank(self, start: int, end: int) -> None:
        self.text = self.text[:start] + _BLANK * (end - start) + self.text[end:]


def _plain(sentence: str) -> str:
    """The sentence with digits of every script as ASCII, dashes that mean minus and odd spaces as plain ones."""
    plain: list[str] = []
    for character in unicodedata.normalize("NFKC", sentence):
        digit = unicodedata.decimal(character, None)
        if digit is not None:
            plain.append(str(digit))
        elif character in "\u2212\u2010\u2011":
            plain.append("-")
        elif unicodedata.category(character) == "Zs":
            plain.append(" ")
        else:
            plain.append(character)
    return "".join(plain)
