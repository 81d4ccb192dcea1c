"""Dates in prose: ISO, day and month in either order, ordinals, weekdays, ranges."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from agent.prose.number_phrases import ORDINALS

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_MONTH = (
    r"(?P<month>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_WEEKDAY = r"(?P<weekday>(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b\.?"
_ORDINAL = "|".join(sorted(ORDINALS, key=len, reverse=True))
_DAY = rf"(?P<day>\d{{1,2}}(?:st|nd|rd|th)?|{_ORDINAL}|{_ORDINAL.title()})\b"
_YEAR = r"(?P<year>[12]\d{3})\b"
_LEAD = rf"(?:{_WEEKDAY},?\s+(?:the\s+)?)?"
_FORMS = [
    re.compile(rf"{_LEAD}(?P<year>\d{{4}})-(?P<monthnumber>\d{{2}})-(?P<day>\d{{2}})(?![\d-])"),
    re.compile(rf"{_LEAD}\b(?P<day>\d{{1,2}})[./](?P<monthnumber>\d{{1,2}})[./](?P<year>\d{{4}})(?!\d)"),
    re.compile(rf"{_LEAD}\b{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR})?"),
    re.compile(rf"{_LEAD}\b{_MONTH}\s+(?:the\s+)?{_DAY}(?:,?\s+{_YEAR})?"),
    re.compile(rf"\b{_MONTH}\s+{_YEAR}"),
    re.compile(rf"\b{_WEEKDAY}"),
    re.compile(rf"(?<=[a-z] ){_MONTH}(?!\s+[a-z]+\s+(?:be|not|have)\b)"),
]
_RANGE_START = re.compile(rf"{_DAY}\s*(?:to|until|till|through|and|-|–|—)\s*(?:the\s+)?$")
_YEAR_ALONE = re.compile(
    r"\b(?:in|of|since|until|by|during|year)\s+(?P<year>[12]\d{3})\b(?![\d,.]*\d)(?!\s*(?:%|[a-z]))"
)


@dataclass(frozen=True)
class SaidDate:
    """What a piece of prose says of a date; what is ``None`` it leaves open."""

    start: int
    end: int
    day: int | None = None
    month: int | None = None
    year: int | None = None
    weekday: int | None = None
    ambiguous: bool = False
    """Day and month could be exchanged."""

    def fits(self, known: date) -> bool:
        """Whether the known date is one it may mean."""
        said = (self.day, self.month, self.year, self.weekday)
        real = (known.day, known.month, known.year, known.weekday())
        return not self.ambiguous and all(a is None or a == b for a, b in zip(said, real, strict=True))


def said_dates(text: str) -> list[SaidDate]:
    """Every date in the text, the most complete reading of each place.

    Notes
    -----
    ``03/04/2024`` fits nothing: nobody can tell which number is the month.
    """
    found: list[SaidDate] = []
    for form in _FORMS:
        for match in form.finditer(text):
            if _is_free(match.start(), match.end(), found):
                said = _said(match)
                found.append(said)
                found += _range_start(text, said, found)
    for match in _YEAR_ALONE.finditer(text):
        if _is_free(match.start("year"), match.end("year"), found):
            found.append(SaidDate(match.start("year"), match.end("year"), year=int(match.group("year"))))
    return sorted(found, key=lambda said: said.start)


def _is_free(start: int, end: int, found: Iterable[SaidDate]) -> bool:
    return all(end <= other.start or start >= other.end for other in found)


def _said(match: re.Match[str]) -> SaidDate:
    parts = match.groupdict()
    month = int(parts["monthnumber"]) if parts.get("monthnumber") else _place(_MONTHS, parts.get("month"), 1)
    day = _day(parts.get("day"))
    numeric = "monthnumber" in parts and "-" not in match.group()
    return SaidDate(
        start=match.start(),
        end=match.end(),
        day=day,
        month=month,
        year=int(parts["year"]) if parts.get("year") else None,
        weekday=_place(_WEEKDAYS, parts.get("weekday"), 0),
        ambiguous=numeric and "/" in match.group() and day is not None and day <= 12 and day != month,
    )


def _range_start(text: str, said: SaidDate, found: list[SaidDate]) -> list[SaidDate]:
    """``22 to 28 April``: the first day shares month and year."""
    if said.day is None or said.month is None:
        return []
    match = _RANGE_START.search(text, max(0, said.start - 40), said.start)
    if match is None or not _is_free(match.start(), match.end(), found):
        return []
    return [SaidDate(match.start("day"), match.end("day"), _day(match.group("day")), said.month, said.year)]


def _day(text: str | None) -> int | None:
    if text is None:
        return None
    word = text.casefold()
    return ORDINALS[word] if word in ORDINALS else int(re.sub(r"[a-z]+", "", word))


def _place(names: list[str], text: str | None, base: int) -> int | None:
    return None if text is None else names.index(text[:3].casefold()) + base
