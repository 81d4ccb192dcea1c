"""Numbers written as English words: cardinals, fractions, multiples and ordinals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

_ONES = {
    word: number
    for number, word in enumerate(
        [
            "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
            "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
        ]
    )
}  # fmt: skip
_ONES |= {"nil": 0, "nought": 0, "naught": 0}
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
         "ninety": 90}  # fmt: skip
SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_GROUPS = {"dozen": 12, "couple": 2, "pair": 2, "score": 20}
_PARTS = {"half": 2, "halve": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
          "eighth": 8, "ninth": 9, "tenth": 10}  # fmt: skip
_MULTIPLES = {
    "twice": 2, "thrice": 3, "double": 2, "doubles": 2, "doubled": 2, "doubling": 2, "triple": 3, "triples": 3,
    "tripled": 3, "tripling": 3, "treble": 3, "trebled": 3, "quadruple": 4, "quadrupled": 4, "quintuple": 5,
}  # fmt: skip
_HALVED = frozenset({"halved", "halving", "halves"})
ORDINALS = {
    word: number
    for number, word in enumerate(
        [
            "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
            "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
            "twentieth",
        ],
        start=1,
    )
}  # fmt: skip
ORDINALS |= {"thirtieth": 30} | {f"twenty-{word}": 20 + number for word, number in list(ORDINALS.items())[:9]}
ORDINALS |= {"thirty-first": 31}

_WORD = re.compile(r"[a-z]+")
_GAP = re.compile(r"[ \t\n-]+")


@dataclass(frozen=True)
class Phrase:
    """Words that make a number."""

    start: int
    end: int
    value: Decimal
    measure: Literal["number", "share", "multiple"]
    only_one: bool = False
    """The word ``one`` alone, which is often no figure."""


def number_phrases(text: str) -> list[Phrase]:
    """Every number in words, in order; ordinals are not among them.

    Parameters
    ----------
    text
        Lower case.
    """
    words = list(_WORD.finditer(text))
    found: list[Phrase] = []
    place = 0
    while place < len(words):
        phrase, after = _Reader(text, words).read(place)
        if phrase is not None:
            found.append(phrase)
        place = max(after, place + 1)
    return found


@dataclass(frozen=True)
class _Reader:
    text: str
    words: list[re.Match[str]]

    def read(self, place: int) -> tuple[Phrase | None, int]:
        """The phrase that begins here, and the word after it."""
        word = self._word(place)
        if word in _MULTIPLES:
            return self._phrase(place, place + 1, Decimal(_MULTIPLES[word]), "multiple"), place + 1
        if word in _HALVED:
            return self._phrase(place, place + 1, Decimal("0.5"), "share"), place + 1
        if word.endswith("fold") and (word[:-4] in _ONES or word[:-4] in _TENS):
            value = (_ONES | _TENS)[word[:-4]]
            return self._phrase(place, place + 1, Decimal(value), "multiple"), place + 1
        for rule in (self._share, self._group, self._cardinal):
            phrase, after = rule(place)
            if phrase is not None:
                return phrase, after
        return None, place + 1

    def _share(self, place: int) -> tuple[Phrase | None, int]:
        """``half``, ``a quarter``, ``two thirds``; not ``half a dozen``, nor a third person."""
        word, following = self._word(place), self._word(place + 1)
        if word == "half":
            if following in {"a", "an"} and self._word(place + 2) in _GROUPS | SCALES:
                value = Decimal((_GROUPS | SCALES)[self._word(place + 2)]) / 2
                return self._phrase(place, place + 3, value, "number"), place + 3
            if following in {"a", "an"}:
                return self._phrase(place, place + 2, Decimal("0.5"), "number"), place + 2
            return self._phrase(place, place + 1, Decimal("0.5"), "share"), place + 1
        count = 1 if word in {"a", "an"} else _ONES.get(word, 0)
        part = following.removesuffix("s") if count > 1 else following
        if count and part in _PARTS and (count > 1 or self._word(place + 2) == "of" or part == "half"):
            return self._phrase(place, place + 2, Decimal(count) / _PARTS[part], "share"), place + 2
        return None, place

    def _group(self, place: int) -> tuple[Phrase | None, int]:
        """``a dozen``, ``two dozen``, ``a couple of``."""
        first = place
        count = 1
        if self._word(place) == "a" or self._word(place) in _ONES:
            count = _ONES.get(self._word(place), 1)
            place += 1
        if self._word(place) in _GROUPS and self._joined(first, place):
            after = place + 1 + (self._word(place + 1) == "of")
            return self._phrase(first, after, Decimal(count * _GROUPS[self._word(place)]), "number"), after
        return None, first

    def _cardinal(self, place: int) -> tuple[Phrase | None, int]:
        first, total, current, last = place, 0, 0, ""
        if self._word(place) == "a" and self._word(place + 1) in SCALES:
            current, last, place = 1, "one", place + 1
        while place < len(self.words) and (place == first or self._joined(place - 1, place)):
            word = self._word(place)
            if word == "and" and last in SCALES and self._continues(place + 1, last):
                place += 1
                continue
            if not self._continues(place, last):
                break
            if word in SCALES:
                total, current = self._scaled(word, total, current)
            else:
                current += _ONES.get(word, 0) + _TENS.get(word, 0)
            last, place = word, place + 1
        if not last:
            return None, first
        value = Decimal(total + current)
        value, place = self._with_decimals(value, place)
        only_one = place == first + 1 and last == "one"
        return self._phrase(first, place, value, "number", only_one), place

    def _scaled(self, word: str, total: int, current: int) -> tuple[int, int]:
        if word == "hundred":
            return total, max(current, 1) * 100
        return total + max(current, 1) * SCALES[word], 0

    def _continues(self, place: int, last: str) -> bool:
        """Whether the word goes on with the number: ``twenty`` takes ``one``, ``one`` takes ``hundred`` only."""
        word = self._word(place)
        if word in SCALES:
            return bool(last)  # "hundreds of" and a bare "hundred" are caught as leftovers
        if word in _TENS:
            return not last or last in SCALES
        if word in _ONES:
            return not last or last in SCALES or (last in _TENS and 0 < _ONES[word] < 10)
        return False

    def _with_decimals(self, value: Decimal, place: int) -> tuple[Decimal, int]:
        """``six point one``, ``one and a half``."""
        if self._word(place) == "point":
            digits = ""
            after = place + 1
            while self._word(after) in _ONES and _ONES[self._word(after)] < 10:
                digits += str(_ONES[self._word(after)])
                after += 1
            return (value + Decimal(f"0.{digits}"), after) if digits else (value, place)
        if [self._word(place + step) for step in range(2)] == ["and", "a"] and self._word(place + 2) in _PARTS:
            return value + Decimal(1) / _PARTS[self._word(place + 2)], place + 3
        return value, place

    def _word(self, place: int) -> str:
        return self.words[place].group() if 0 <= place < len(self.words) else ""

    def _joined(self, first: int, last: int) -> bool:
        """Whether nothing but spaces and hyphens stands between the words."""
        return all(
            _GAP.fullmatch(self.text[self.words[n].end() : self.words[n + 1].start()]) is not None
            for n in range(first, last)
        )

    def _phrase(
        self, first: int, after: int, value: Decimal, measure: Literal["number", "share", "multiple"],
        only_one: bool = False,
    ) -> Phrase:  # fmt: skip
        return Phrase(self.words[first].start(), self.words[after - 1].end(), value, measure, only_one)
