"""A message in sentences and clauses, and the core of a clause: what is asked when politeness is taken off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from agent.offline import words

_SENTENCE = re.compile(r"(?<=[?!;])\s+|(?<=[a-z0-9)\"'][.])\s+(?=[a-z\"'])|(?<=[A-Z][.])\s+|\s*;\s*")
_JOIN = re.compile(
    r",? (?:and then|and also|then|and|but|so|plus|as well as) (?=\S)|, (?=(?:please|just|so|then|and|or)\b)|: | - |, "
)
_QUOTED = re.compile(r"\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)")


@cache
def _opening(name: str, before: str, after: str) -> re.Pattern[str]:
    return re.compile(f"^{before}(?:{'|'.join(words.table('clauses')[name])}){after}")


def is_question(text: str) -> bool:
    """Whether a clause asks something, rather than for something to be done."""
    return bool(_opening("questions", "(?:and |so |ok |but )*", r"\b").match(text))


def is_asking(text: str) -> bool:
    """Whether a clause opens like a question or a wish to see something."""
    return bool(_opening("asking", "(?:please |and |then |also |ok |so |just )*", r"\b").match(text))


def sentences(text: str) -> list[str]:
    """Sentences of a folded text."""
    return [part.strip() for part in _SENTENCE.split(text) if part and part.strip()]


def clauses(sentence: str) -> list[str]:
    """The sentence, and what is left and right of each of its joints, longest first."""
    found = [sentence]
    for match in _JOIN.finditer(sentence):
        found += [sentence[: match.start()].strip(), sentence[match.end() :].strip()]
    return [part for part in dict.fromkeys(found) if part]


def pairs(sentence: str) -> list[tuple[str, str]]:
    """Every way to part a sentence in two at a joint."""
    return [(sentence[: m.start()].strip(), sentence[m.end() :].strip()) for m in _JOIN.finditer(sentence)]


def cores(clause: str) -> Iterator[str]:
    """The clause without quoted words, then with one preamble after the other taken off, the core last."""
    text = " ".join(_QUOTED.sub(" ", clause).split())
    while True:
        yield text
        shorter = _opening("preambles", "", "(?: |, ?|$)").sub("", text, count=1).strip(" ,:")
        if shorter == text or not shorter:
            return
        text = shorter
