"""Numbers as people write them: ``3,200``, ``12k``, ``1.5 million``, ``five``, ``two dozen``, ``half``.

Two uses: reading arguments from a question, and telling whether a number somebody else put into an argument was ever
said (:func:`numbers_in`).
"""

from __future__ import annotations

import re
import unicodedata

UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
WORDS: dict[str, float] = {
    **{word: float(value) for value, word in enumerate(UNITS.split())},
    **{word: 20.0 + 10.0 * place for place, word in enumerate(TENS.split())},
    "a": 1.0, "an": 1.0, "dozen": 12.0, "couple": 2.0, "few": 3.0,
}  # fmt: skip
SCALES = {"hundred": 1e2, "thousand": 1e3, "grand": 1e3, "k": 1e3, "million": 1e6, "mio": 1e6, "m": 1e6, "billion": 1e9}
SHARES: dict[str, float] = {
    "half": 50.0, "one half": 50.0, "a third": 100.0 / 3.0, "one third": 100.0 / 3.0, "two thirds": 200.0 / 3.0,
    "a quarter": 25.0, "one quarter": 25.0, "three quarters": 75.0, "a fifth": 20.0, "one fifth": 20.0, "a tenth": 10.0,
    "nothing": 0.0, "none": 0.0,
}  # fmt: skip
"""Shares in words, in percent."""
GROWTH: dict[str, float] = {
    "doubles": 100.0, "double": 100.0, "doubled": 100.0, "twice": 100.0, "triples": 200.0, "triple": 200.0,
    "tripled": 200.0, "halves": -50.0, "halved": -50.0,
}  # fmt: skip
"""What a verb does to a figure, in percent of it."""
DAYS_OF = {"day": 1, "night": 1, "week": 7, "fortnight": 14, "month": 30, "quarter": 90, "year": 365}

_WORD = "|".join(sorted((*UNITS.split(), *TENS.split(), "dozen", "couple"), key=len, reverse=True))
NUMBER = (
    r"(?:\d{1,3}(?:[,' ]\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?)(?:\s?(?:k|m|mio|million|thousand|grand)\b)?"
    rf"|(?:{_WORD})(?:[\s-](?:{_WORD}|hundred|thousand|million))*"
)
"""Pattern of a number in digits or words, on lower-case text."""
_ANY = re.compile(rf"(?<![\w.])(?:{NUMBER})(?![\w])", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]+(?:[.,' ][0-9]+)*")
_DURATION = re.compile(
    rf"(?<![\w.])(?P<n>{NUMBER}|a|an|one)?[\s-]*(?:working |calendar |business )?"
    r"(?P<unit>day|night|week|fortnight|month|quarter|year)s?\b"
)

_ONE = re.compile(r"\b(?:last|past|next|coming|this|previous|following|the|per|another|whole|one)[ -]$")
"""Words after which a bare unit is one of it."""


def as_number(words: str) -> float | None:
    """The number some text is, or ``None``."""
    text = " ".join(words.strip().casefold().replace("-", " ").split())
    matched = re.fullmatch(r"([\d,.' ]+)\s?(k|m|mio|million|thousand|grand)?", text)
    if matched:
        digits = _plain_digits(matched[1].strip())
        return None if digits is None else digits * SCALES.get(matched[2] or "", 1.0)
    return _in_words(text.split())


def _plain_digits(text: str) -> float | None:
    """Digits whose separators are thousands, or one decimal mark."""
    if re.fullmatch(r"\d{1,3}(?:[,' ]\d{3})+(?:\.\d+)?", text):
        text = re.sub(r"[,' ]", "", text)
    elif re.fullmatch(r"\d{1,3}(?:\.\d{3}){2,}", text):
        text = text.replace(".", "")
    text = text.replace(",", ".")
    return float(text) if re.fullmatch(r"\d+(?:\.\d+)?", text) else None


def _in_words(words: list[str]) -> float | None:
    total, part, known = 0.0, 0.0, False
    for word in words:
        if word in SCALES:
            part = max(part, 1.0) * SCALES[word]
            if SCALES[word] >= 1e3:
                total, part = total + part, 0.0
        elif word == "dozen":
            part = max(part, 1.0) * 12.0
        elif word in WORDS:
            part += WORDS[word]
        elif word != "and":
            return None
        known = True
    return total + part if known else None


def durations_in(text: str) -> list[tuple[int, int, float, str]]:
    """``(start, end, count, unit)`` of each length of time on lower-case text; *a fortnight* is two weeks."""
    found = []
    for match in _DURATION.finditer(text):
        if match["n"] is None and match["unit"] != "fortnight" and not _ONE.search(text[: match.start("unit")]):
            continue
        count = 1.0 if match["n"] is None else as_number(match["n"])
        if count is not None:
            start = match.start() if match["n"] else match.start("unit")
            found.append((start, match.end(), count, match["unit"]))
    return found


def numbers_in(text: str) -> frozenset[float]:
    """Every number a text states, in every notation, with what follows from its units.

    ``two weeks`` gives 2 and 14, ``half`` 50, ``down 20 %`` 20 and −20, ``3,200`` and ``3.2k`` both 3200.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    found: set[float] = set()
    for match in _ANY.finditer(folded):
        value = as_number(match.group())
        if value is not None:
            found.add(value)
    for match in _DIGITS.finditer(folded):
        pieces = [match.group(), *re.split(r"[.,' ]", match.group())]
        found.update(value for value in map(as_number, pieces) if value is not None)
    for _, _, count, unit in durations_in(folded):
        days = count * DAYS_OF[unit]
        found.update({count, days, float(round(days / 7)), float(-(-days // 7))})
    for words, share in (*SHARES.items(), *GROWTH.items()):
        if re.search(rf"\b{words}\b", folded):
            found.add(share)
    return frozenset(round(value, 6) for number in found for value in (number, -number))
