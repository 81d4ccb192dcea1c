"""Days as people name them, seen from today: ``3 May``, ``05/04/2024``, ``last Friday``, ``the day before yesterday``.

A day without a year, and a bare weekday, may lie before or after today: both readings are kept, and whoever asks says
which is meant. Numeric days are day before month.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta  # type: ignore[import-untyped]  # ships no type information

from agent.offline.numbers import NUMBER, as_number

_MONTHS = (
    "january|jan", "february|feb", "march|mar", "april|apr", "may", "june|jun", "july|jul", "august|aug",
    "september|sept|sep", "october|oct", "november|nov", "december|dec",
)  # fmt: skip
MONTH = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split("|")}
_WEEKDAYS = (
    "monday|mon", "tuesday|tues|tue", "wednesday|wed", "thursday|thurs|thur|thu", "friday|fri", "saturday|sat",
    "sunday|sun",
)  # fmt: skip
WEEKDAY = {name: number for number, names in enumerate(_WEEKDAYS) for name in names.split("|")}
_NAMED = "|".join(sorted(MONTH, key=len, reverse=True))
_DAYS = "|".join(sorted((name for name in WEEKDAY if name not in ("sun", "sat", "mon")), key=len, reverse=True))
_RELATIVE = {
    "day before yesterday": -2, "day after tomorrow": 2, "yesterday": -1, "tomorrow": 1, "today": 0, "tonight": 0,
    "this morning": 0, "this afternoon": 0,
}  # fmt: skip
PATTERNS: tuple[tuple[str, str], ...] = (
    ("iso", r"\b(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})\b"),
    ("numeric", r"(?<![\d.])(?P<d>\d{1,2})(?P<s>[./])(?P<m>\d{1,2})(?P=s)(?P<y>\d{4}|\d{2})\b"),
    ("numeric", r"(?<![\d.])(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?!\d)"),
    ("numeric", r"(?:(?<=\bon )|(?<=\bby )|(?<=\bof )|(?<=\buntil )|(?<=\bsince ))(?P<d>\d{1,2})[./](?P<m>\d{1,2})\b"),
    ("named", rf"\b(?:the )?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<mn>{_NAMED})\b\.?(?:,? (?P<y>\d{{4}}))?"),
    ("named", rf"\b(?P<mn>{_NAMED})\.? (?:the )?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\s?%)(?:,? (?P<y>\d{{4}}))?"),
    ("ordinal", r"\b(?:the )(?P<d>\d{1,2})(?:st|nd|rd|th)\b"),
    ("ordinal", r"\b(?P<d>\d{1,2})(?:st|nd|rd|th)\b"),
    ("relative", r"\b(?:the )?(?P<r>day before yesterday|day after tomorrow|yesterday|tomorrow|today|tonight"
                 r"|this morning|this afternoon)(?: (?:morning|evening|afternoon))?\b"),
    ("ago", rf"\b(?P<n>{NUMBER}|a|an) (?P<u>day|week|month|year)s? ago\b"),
    ("ahead", rf"\bin (?P<n>{NUMBER}|a|an) (?P<u>day|week|month)s?(?: time)?\b"),
    ("weekday", rf"\b(?:(?P<w>last|past|previous|next|coming|this) )?(?P<k>{_DAYS})(?: (?P<aw>(?:last|next) week))?\b"),
    ("month end", r"\b(?:the )?end of (?:the |this )?month\b|\bmonth[- ]end\b"),
    ("week end", r"\b(?:the )?end of (?:the |this )?week\b"),
)  # fmt: skip
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in PATTERNS)


@dataclass(frozen=True)
class Day:
    """A day somebody named; one reading when it is plain."""

    past: date
    future: date
    start: int
    end: int
    others: tuple[date, ...] = ()
    """Further days the words may mean: *next Tuesday* of this week and of the week after."""

    @property
    def readings(self) -> tuple[date, ...]:
        """Every day the words may mean."""
        return (self.past, self.future, *self.others)


def days_in(text: str, today: date) -> list[Day]:
    """Every day named on lower-case text, in order, none overlapping.

    Parameters
    ----------
    today
        The day it is said.
    """
    found: list[Day] = []
    for kind, pattern in _COMPILED:
        for match in pattern.finditer(text):
            if any(match.start() < day.end and day.start < match.end() for day in found):
                continue
            read = _read(kind, match, today)
            if read is not None:
                found.append(Day(read[0], read[1], match.start(), match.end(), read[2:]))
    return sorted(found, key=lambda day: day.start)


def _read(kind: str, match: re.Match[str], today: date) -> tuple[date, ...] | None:
    try:
        return _READERS[kind](match, today)
    except ValueError:
        return None


def _calendar(match: re.Match[str], today: date) -> tuple[date, ...]:
    named = match.groupdict()
    month = MONTH[named["mn"]] if named.get("mn") else int(named["m"])
    day = int(named["d"])
    if named.get("y"):
        year = int(named["y"])
        sure = date(year + 2000 if year < 100 else year, month, day)
        return sure, sure
    return _around(lambda year: date(year, month, day), today)


def _around(made: Callable[[int], date], today: date) -> tuple[date, ...]:
    this = made(today.year)
    return (this if this <= today else made(today.year - 1), this if this >= today else made(today.year + 1))


def _ordinal(match: re.Match[str], today: date) -> tuple[date, ...]:
    day = int(match["d"])
    this = today.replace(day=day)
    past = this if this <= today else this - relativedelta(months=1)
    return past, this if this >= today else this + relativedelta(months=1)


def _relative(match: re.Match[str], today: date) -> tuple[date, ...]:
    sure = today + timedelta(days=_RELATIVE[match["r"]])
    return sure, sure


def _offset(match: re.Match[str]) -> relativedelta:
    count = int(as_number(match["n"]) or 0)
    return relativedelta(**{f"{match['u']}s": count})


def _ago(match: re.Match[str], today: date) -> tuple[date, ...]:
    sure = today - _offset(match)
    return sure, sure


def _ahead(match: re.Match[str], today: date) -> tuple[date, ...]:
    sure = today + _offset(match)
    return sure, sure


def _weekday(match: re.Match[str], today: date) -> tuple[date, ...]:
    number = WEEKDAY[match["k"]]
    past = today - timedelta(days=(today.weekday() - number) % 7 or 7)
    future = today + timedelta(days=(number - today.weekday()) % 7 or 7)
    monday = today - timedelta(days=today.weekday())
    of_week = monday + timedelta(days=number)
    said, which = match["w"], match["aw"]
    if which:
        sure = of_week + timedelta(days=-7 if which == "last week" else 7)
        return sure, sure
    if said in ("last", "past", "previous"):
        return past, past
    if said == "next":
        return future, future, of_week + timedelta(days=7)
    if said in ("coming", "this"):
        return (of_week, of_week) if said == "this" else (future, future)
    return past, future


def _month_end(_match: re.Match[str], today: date) -> tuple[date, ...]:
    sure = today + relativedelta(day=31)
    return sure, sure


def _week_end(_match: re.Match[str], today: date) -> tuple[date, ...]:
    sure = today + timedelta(days=(4 - today.weekday()) % 7)
    return sure, sure


_READERS = {
    "iso": _calendar, "numeric": _calendar, "named": _calendar, "ordinal": _ordinal, "relative": _relative,
    "ago": _ago, "ahead": _ahead, "weekday": _weekday, "month end": _month_end, "week end": _week_end,
}  # fmt: skip
