"""How figures look to a planner: money, dates, units, days and shares, and text without hidden characters.

Rounding is half away from zero and done on integers or decimals, so that the same record reads the same everywhere.
"""

from __future__ import annotations

import unicodedata
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

CENTS_BELOW_MINOR = 100_00
"""Prose shows cents only under this amount; above it they are noise."""


def exact_money(minor: int, currency: str) -> str:
    """``6,200 EUR``, or ``6,200.01 EUR``: nothing is rounded away, for limits and their reasons."""
    whole, cents = divmod(abs(minor), 100)
    sign = "−" if minor < 0 else ""
    return f"{sign}{whole:,}{f'.{cents:02d}' if cents else ''} {currency}"


def money(minor: int, currency: str) -> str:
    """The same for prose: rounded to whole units from 100 upwards."""
    if abs(minor) < CENTS_BELOW_MINOR:
        return exact_money(minor, currency)
    return exact_money(int(_rounded(Decimal(minor) / 100, 0)) * 100, currency)


def day(value: date) -> str:
    """``12 Apr 2024``, in no locale but English."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def units(value: float) -> str:
    """``120 units``; a fraction is rounded to the whole unit."""
    count = _signed(_rounded(Decimal(str(value)), 0))
    return f"{count} unit" if count in ("1", "−1") else f"{count} units"


def days(value: float) -> str:
    """``6.1 days``, one decimal."""
    return f"{_signed(_rounded(Decimal(str(value)), 1))} days"


def percent(share: float) -> str:
    """``82 %`` of a share between 0 and 1."""
    return f"{_signed(_rounded(Decimal(str(share)) * 100, 0))} %"


def count(number: int, noun: str) -> str:
    """``1 line``, ``14 lines``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def plain(text: str) -> str:
    """Text of a record made fit for prose: one line, no hidden, directional or slot characters."""
    visible = "".join(" " if character.isspace() else character for character in unicodedata.normalize("NFC", text))
    kept = (character for character in visible if not is_hidden(character) and character not in "{}")
    return " ".join("".join(kept).split())


def is_hidden(character: str) -> bool:
    """Whether a character cannot be seen or changes how its neighbours are shown."""
    if character in "\n\t":
        return False
    code = ord(character)
    return unicodedata.category(character) in {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"} or 0xFE00 <= code <= 0xFE0F


def _rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _signed(value: Decimal) -> str:
    if value == 0:
        value = abs(value)  # no "−0"
    return f"{value:,}".replace("-", "−")
