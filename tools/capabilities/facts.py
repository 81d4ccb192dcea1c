"""Facts with their printed text: one maker for each kind, so that a figure looks the same in every answer."""

from __future__ import annotations

from datetime import date
from typing import Literal

from tools.capabilities.answer import Fact, FactKind
from tools.plain_words import CENTS_BELOW_MINOR, count, day, days, exact_money, percent, plain, units
from tools.plain_words import money as money_words

IdKind = Literal["item", "site", "supplier", "document", "clause", "reference"]
Role = Literal["", "origin", "destination", "supplier"]


def of_units(value: float) -> Fact:
    """Units of an item; prose says whole ones."""
    whole = float(value) == round(float(value))
    return Fact(
        value=round(float(value)) if whole else round(float(value), 3),
        kind="quantity",
        unit="units",
        decimals=None if whole else 0,
        text=units(float(value)),
    )


def of_count(number: int, noun: str) -> Fact:
    """A number of things, such as cases."""
    return Fact(value=int(number), kind="quantity", unit=f"{noun}s", text=count(int(number), noun))


def of_money(minor: int, currency: str) -> Fact:
    """An amount of minor units."""
    rounded = abs(minor) >= CENTS_BELOW_MINOR and minor % 100
    return Fact(
        value=int(minor) // 100 if minor % 100 == 0 else round(int(minor) / 100, 2),
        kind="money",
        unit=currency,
        decimals=0 if rounded else None,
        text=money_words(int(minor), currency),
    )


def of_price(amount: float, currency: str) -> Fact:
    """A price or rate in whole units of the currency, to the cent."""
    minor = round(100 * float(amount))
    value = minor // 100 if minor % 100 == 0 else round(minor / 100, 2)
    return Fact(value=value, kind="money", unit=currency, text=exact_money(minor, currency))


def of_share(share: float) -> Fact:
    """A share between 0 and 1, said in percent."""
    exact = round(100 * float(share), 3)
    whole = exact == round(exact)
    return Fact(
        value=round(exact) if whole else exact, kind="percent", unit="%", decimals=None if whole else 0,
        text=percent(float(share)),
    )  # fmt: skip


def of_days(value: float) -> Fact:
    """A time in days, a whole number as such, else to one decimal."""
    if float(value) == round(float(value)):
        return Fact(value=round(float(value)), kind="days", unit="days", text=count(round(float(value)), "day"))
    return Fact(value=round(float(value), 3), kind="days", unit="days", decimals=1, text=days(float(value)))


def of_hours(value: float) -> Fact:
    """A time in whole hours."""
    return Fact(value=round(float(value), 2), kind="days", unit="hours", decimals=0, text=count(round(value), "hour"))


def of_weeks(number: int) -> Fact:
    """A number of weeks."""
    return Fact(value=int(number), kind="days", unit="weeks", text=count(int(number), "week"))


def of_date(value: date) -> Fact:
    """A day."""
    return Fact(value=value.isoformat()[:10], kind="date", text=day(value))


def of_id(kind: IdKind, name: str, role: Role = "") -> Fact:
    """An id as it stands in the data."""
    return Fact(value=name, kind=kind, role=role, text=name)


def of_ratio(value: float, decimals: int = 2) -> Fact:
    """A number without a unit."""
    rounded = round(float(value), decimals)
    return Fact(value=rounded, kind="ratio", decimals=decimals, text=f"{rounded:,.{decimals}f}".replace("-", "−"))


def of_words(text: str, kind: FactKind = "words") -> Fact:
    """Words of the data or of a rule, made fit for one line of prose."""
    said = plain(text)
    return Fact(value=said, kind=kind, text=said)
