"""Short forms written out and misspelt words of the field put right, before anything is read."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from rapidfuzz.distance import OSA

from agent.offline import words

_CAPITALS = re.compile(r"(?<![\w-])[A-Z][A-Z0-9]+(?![\w-])")
_WORD = re.compile(r"(?<![\w-])[a-z]{4,}(?![\w-])")


@cache
def _short_forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    listed = words.table("spelling")["short_forms"]
    return tuple((re.compile(pattern), into) for pattern, into in listed)


def folded(text: str) -> str:
    """Lower case, one kind of quotes, dashes and spaces, short forms written out."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    for pattern, into in _short_forms():
        plain = pattern.sub(into, plain)
    return " ".join(plain.split())


def in_capitals(text: str) -> frozenset[str]:
    """Words written in capitals, folded; none of a text that is in capitals altogether."""
    if text == text.upper():
        return frozenset()
    return frozenset(word.casefold() for word in _CAPITALS.findall(unicodedata.normalize("NFKC", text)))


def corrected(text: str, vocabulary: frozenset[str], names: frozenset[str]) -> str:
    """The text with unknown words that are a slip or two away from a known one replaced by it.

    Parameters
    ----------
    vocabulary
        Words the rules know, and beginnings of words, which end in ``*``.
    names
        Words of ids and names; of two that are equally near, the name is meant.
    """

    def right(match: re.Match[str]) -> str:
        word = match.group()
        known = word in vocabulary or word in names or word.removesuffix("s") in names
        return word if known or _begins_known(word, vocabulary) else nearest(word, vocabulary, names)

    return _WORD.sub(right, text)


def _begins_known(word: str, vocabulary: frozenset[str]) -> bool:
    return any(f"{word[:length]}*" in vocabulary for length in range(4, len(word) + 1))


@lru_cache(maxsize=4096)
def nearest(word: str, vocabulary: frozenset[str], names: frozenset[str]) -> str:
    """The one known word within one slip (two from eight letters on) that begins alike; else the word itself."""
    slips = 1 if len(word) < 8 else 2
    fits: list[tuple[int, bool, str]] = []
    for known in (*vocabulary, *names):
        if abs(len(known) - len(word)) > slips or known[0] != word[0] or len(known) < 4 or known.endswith("*"):
            continue
        if len(word) == 4 and (len(known) != 5 or known.endswith("s")):
            continue  # of a short word only a letter left out is a slip: too many words are one letter away
        distance = OSA.distance(word, known, score_cutoff=slips)
        if 0 < distance <= slips:
            fits.append((distance, known not in names, known))
    # A plural of a known word is no slip.
    if not fits or any(known in (word.removesuffix("s"), f"{word}s") for _, _, known in fits):
        return word
    return min(fits)[2]
