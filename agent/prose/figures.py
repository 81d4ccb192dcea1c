"""Figures in prose: digits and number words with the unit they are said in."""

# ruff: noqa: SIM905 - a word list reads better as a paragraph than as quoted strings

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal
from typing import Literal

from agent.prose.claims import Figure, singular
from agent.prose.number_phrases import SCALES, Phrase, number_phrases

_DIGITS = re.compile(
    r"(?P<sign>(?<![\w.,)])[-+])?(?P<number>\d{1,3}(?:[ ,'’]\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?P<scale>\s?(?:k|mn|mio|bn)\b|\s(?:hundred|thousand|million|billion)\b)?"
)
_SHORT = {"k": 1_000, "mn": 1_000_000, "mio": 1_000_000, "bn": 1_000_000_000}
_CODES = "eur usd gbp chf jpy cny pln sek nok dkk czk huf cad aud inr brl mxn".split()
_CURRENCIES = {
    "€": "eur", "$": "usd", "£": "gbp", "¥": "jpy", "euro": "eur", "dollar": "usd", "pound": "gbp", "yen": "jpy",
    "cent": "cent", "franc": "chf",
    **{code: code for code in _CODES},
}  # fmt: skip
_TIMES = frozenset(["second", "minute", "hour", "day", "week", "month", "quarter", "year", "fortnight"])
_COUNTS = frozenset(
    """
    unit piece pallet box case carton crate bottle kilo kilogram kg gram ton tonne litre liter lot order line customer
    person item supplier site store truck container
    """.split()
)
_BETWEEN = r"(?:(?:more|further|extra|additional|full|whole|working|calendar|business|other|such)\s+)?"
_AFTER = re.compile(
    rf"\s*(?P<percent>%|(?:percentage\s+points?|percent|per\s+cent|pct)\b)|\s*(?P<symbol>[€$£¥])"
    rf"|[\s-]*{_BETWEEN}(?P<word>[A-Za-z]+)\b",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"(?P<currency>[€$£¥]|\b[A-Za-z]{3,7})\s?(?P<sign>-)?$")
_ONE_IS_NO_FIGURE = frozenset(
    """
    of by another or to from in at on is was has can must may and more who that which thing
    """.split()
)
_THE_ONE = frozenset(["no", "the", "each", "every", "any", "this", "that", "which", "either", "neither"])


def figures(text: str, units: Collection[str]) -> list[Figure]:
    """Every figure of the text with its unit, in order.

    Parameters
    ----------
    text
        Prose; what was read as an id, a clause or a date is blanked out.
    units
        Units of the fact table; others are known besides.
    """
    nouns = _COUNTS | {singular(unit) for unit in units}
    found = [_digits(text, match, nouns) for match in _DIGITS.finditer(text)]
    for phrase in number_phrases(text.lower()):
        if any(phrase.start < other.end and other.start < phrase.end for other in found):
            continue
        if not (phrase.only_one and _is_no_figure(text, phrase, nouns)):
            found.append(_words(text, phrase, nouns))
    return sorted(found, key=lambda figure: figure.start)


def _digits(text: str, match: re.Match[str], nouns: Collection[str]) -> Figure:
    value = Decimal(re.sub(r"[ ,'’]", "", match.group("number")))
    scale = (match.group("scale") or "").strip().casefold()
    value *= (SCALES | _SHORT).get(scale, 1)
    if match.group("sign") == "-":
        value = -value
    return _with_unit(text, match.start(), match.end(), value, nouns)


def _words(text: str, phrase: Phrase, nouns: Collection[str]) -> Figure:
    if phrase.measure != "number":
        measure: Literal["share", "ratio"] = "share" if phrase.measure == "share" else "ratio"
        return Figure(phrase.start, phrase.end, phrase.value, measure)
    negative = re.search(r"\bminus\s+$", text[: phrase.start], re.IGNORECASE)
    return _with_unit(text, phrase.start, phrase.end, -phrase.value if negative else phrase.value, nouns)


def _with_unit(text: str, start: int, end: int, value: Decimal, nouns: Collection[str]) -> Figure:
    before = _BEFORE.search(text, max(0, start - 10), start)
    if before is not None and singular(before.group("currency")) in _CURRENCIES:
        sign = -1 if before.group("sign") else 1
        return Figure(before.start(), end, sign * value, "money", _CURRENCIES[singular(before.group("currency"))])
    after = _AFTER.match(text, end)
    if after is None:
        return Figure(start, end, value)
    if after.group("percent"):
        return Figure(start, after.end(), value, "percent")
    word = singular(after.group("symbol") or after.group("word"))
    if word in _CURRENCIES:
        return Figure(start, after.end(), value, "money", _CURRENCIES[word])
    if word == "time":
        return Figure(start, after.end(), value, "ratio")
    if word == "fortnight":
        return Figure(start, after.end(), value * 2, "time", "week")
    if word in nouns:
        return Figure(start, after.end(), value, "count", word)
    if word in _TIMES:
        return Figure(start, after.end(), value, "time", word)
    return Figure(start, end, value)


def _is_no_figure(text: str, phrase: Phrase, nouns: Collection[str]) -> bool:
    """``no one``, ``one of the sites``, ``for one thing``, ``one store helps another``."""
    before = re.search(r"([a-z]+)\s+$", text[: phrase.start].casefold())
    after = re.match(r"[\s-]+([a-z]+)", text[phrase.end :].casefold())
    following = after.group(1) if after else ""
    if not following or following in _ONE_IS_NO_FIGURE:
        return True
    if singular(following) in _TIMES | _CURRENCIES.keys() or following in {"percent", "per"}:
        return False
    if re.match(r"[^.,;:]*\b(?:an)?other\b", text[phrase.end :].casefold()):
        return True
    return singular(following) not in nouns and before is not None and before.group(1) in _THE_ONE
