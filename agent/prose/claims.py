"""What prose may claim, and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from inventory.record import Record

FactKind = Literal[
    "quantity", "money", "percent", "date", "days", "ratio", "item", "site", "supplier", "document", "clause"
]
ID_KINDS = frozenset({"item", "site", "supplier", "document"})
HOURS = {"hour": Decimal(1), "day": Decimal(24), "week": Decimal(168)}
"""Times that change into one another without a calendar."""


class ProseFact(Record):
    """A row of the fact table: something prose may say."""

    name: str
    value: str | int | float
    """A number, an ISO date, or an id."""
    kind: FactKind
    unit: str = ""
    """``units``, ``pallets`` …; a currency; ``days``, ``weeks``, ``hours``."""
    role: str = ""
    """Of a site or supplier: ``origin`` and ``supplier`` give, ``destination`` receives."""
    decimals: int | None = None
    """Coarsest place prose may round to, half away from zero; exact when ``None``."""

    @property
    def number(self) -> Decimal:
        """The value of a fact that is a number."""
        return Decimal(str(self.value))


@dataclass(frozen=True)
class Figure:
    """A number as prose says it."""

    start: int
    end: int
    value: Decimal
    measure: Literal["bare", "count", "money", "percent", "time", "ratio", "share"] = "bare"
    """``share`` is a fraction in words: a ratio or the same in percent."""
    unit: str = ""
    """Singular noun, or currency."""


def supports(fact: ProseFact, figure: Figure) -> bool:
    """Whether the figure says what the fact holds, in its own or an equal unit."""
    if fact.kind in {"date", "clause"} or fact.kind in ID_KINDS:
        return False
    if figure.measure == "bare":
        return _equal(fact, figure.value)
    if figure.measure == "share":
        percent = fact.kind == "percent" and _equal(fact, figure.value * 100)
        return percent or (fact.kind == "ratio" and _equal(fact, figure.value))
    kinds = {"count": "quantity", "money": "money", "percent": "percent", "time": "days", "ratio": "ratio"}
    if fact.kind != kinds[figure.measure]:
        return False
    if figure.measure == "time":
        return _same_time(fact, figure)
    if figure.measure in {"count", "money"} and singular(fact.unit) != figure.unit:
        return False
    return _equal(fact, figure.value)


def singular(noun: str) -> str:
    """A unit without its plural, lower case: ``Boxes`` is ``box``; ``EUR`` is ``eur``."""
    word = noun.casefold()
    if word in {"people", "persons"}:
        return "person"
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes", "sses")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _same_time(fact: ProseFact, figure: Figure) -> bool:
    own = singular(fact.unit) or "day"
    if own == figure.unit:
        return _equal(fact, figure.value)
    if own not in HOURS or figure.unit not in HOURS or figure.value != figure.value.to_integral_value():
        return False
    return fact.number * HOURS[own] == figure.value * HOURS[figure.unit]


def _equal(fact: ProseFact, said: Decimal) -> bool:
    value = fact.number
    if said == value:
        return True
    if fact.decimals is None:
        return False
    exponent = value.normalize().as_tuple().exponent
    finest = max(-exponent if isinstance(exponent, int) else 0, fact.decimals)
    return any(said == _rounded(value, place) for place in range(fact.decimals, finest + 1))


def _rounded(value: Decimal, place: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-place), rounding=ROUND_HALF_UP)
