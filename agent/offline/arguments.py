"""Values of a tool's arguments, read from the mentions of a clause."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any

from agent.offline import words
from agent.offline.needed import fields_of
from agent.offline.numbers import DAYS_OF
from agent.offline.reading import Mention, Reading
from agent.offline.sites import RECEIVING, sites_of
from tools.capabilities.names import Names

HAS_ORIGIN = frozenset({"prefill_proposal", "tier_preview"})
FORM_ACTIONS = ("transfer", "purchase", "expedite", "pull_in", "push_out", "split", "cancel", "count_request")
WHY_NOT_ACTIONS = (
    "transfer", "purchase", "expedite", "substitute", "reallocate", "markdown", "return_to_supplier", "hold",
)  # fmt: skip
PAST, FUTURE = "past", "future"


@dataclass(frozen=True)
class Clause:
    """A clause to be read for one tool."""

    tool: str
    reading: Reading
    said: str
    """The user's own words."""
    names: Names
    today: date

    @property
    def masked(self) -> str:
        """The clause with marks."""
        return self.reading.masked

    def first(self, mark: str) -> Mention | None:
        """First mention of a kind."""
        found = self.reading.of(mark)
        return found[0] if found else None


@dataclass(frozen=True)
class Doubt:
    """An argument that is named and not plain."""

    argument: str
    choices: tuple[str, ...] = ()


def read_arguments(clause: Clause) -> dict[str, Any]:
    """Every argument of the tool that the clause states; a :class:`Doubt` where it is not plain."""
    given: dict[str, Any] = {}
    for name in fields_of(clause.tool):
        value = READERS[name](clause)
        if value is not None:
            given[name] = value
    return given


def _item(clause: Clause) -> Any:
    mention = clause.first("ITEM")
    if mention is None:
        return None
    if clause.tool == "substitutes":
        mention = next((m for m in clause.reading.of("ITEM") if re.search(r"\b(?:for|of|replace)$", m.before)), mention)
    if mention.id:
        return mention.id
    site = _site(clause) if "site" in fields_of(clause.tool) else None
    if isinstance(site, str):
        best = clause.names.look_up("item", _singular(mention.said), site=site).best
        if best is not None and not any(character.isdigit() for character in mention.said):
            return best.id
    return Doubt("item", mention.choices)


def _singular(said: str) -> str:
    return re.sub(r"(?<=[a-z]{3})s\b", "", said)


def _end(mentions: list[Mention], name: str) -> Any:
    if not mentions:
        return None
    return mentions[0].id or Doubt(name, mentions[0].choices)


def _site(clause: Clause) -> Any:
    sending, others = sites_of(clause.reading)
    if clause.tool == "what_if" and _change(clause) == "lane_closed":
        return None
    if clause.tool in HAS_ORIGIN or clause.tool == "who_can_give":
        towards = rf"\b(?:{'|'.join(RECEIVING)}|give|spare|lend|send|help|supply)(?: the| our)?$"
        receiving = [mention for mention in others if re.search(towards, mention.before)]
        return _end(receiving or others, "site")
    return _end(others or sending, "site")


def _origin(clause: Clause) -> Any:
    if clause.tool == "what_if" and _change(clause) != "lane_closed":
        return None
    sending, others = sites_of(clause.reading)
    if clause.tool in ("lane", "what_if") and not sending and len(others) > 1:
        return _end(others[:1], "origin")
    return _end(sending, "origin")


def _destination(clause: Clause) -> Any:
    if clause.tool == "what_if" and _change(clause) != "lane_closed":
        return None
    sending, others = sites_of(clause.reading)
    return _end(others[1:] if not sending and len(others) > 1 else others, "destination")


def _supplier(clause: Clause) -> Any:
    mention = clause.first("SUPP")
    if mention is None:
        return None
    return mention.id or Doubt("supplier", mention.choices)


def _whole(value: float) -> float | int:
    return int(value) if value == int(value) else round(value, 2)


def _length(clause: Clause) -> Mention | None:
    """The length of time that is asked about, not the one a donor keeps."""
    for mention in clause.reading.of("DUR"):
        if not re.search(r"\b(?:keep|keeping|leave|leaving)\b", mention.before):
            return mention
    more = next((m for m in clause.reading.of("NUM") if re.match(r"(?:more |extra |additional )days\b", m.after)), None)
    return None if more is None else replace(more, unit="day")


def _days(clause: Clause) -> Any:
    length = _length(clause)
    if length is not None:
        return _whole(length.value * DAYS_OF[length.unit])
    ahead = _ahead(clause)
    return ahead if clause.tool in ("projection", "expiring") else None


def _ahead(clause: Clause) -> int | None:
    """Days until a day up to which is asked: *until Friday*, *in three weeks*."""
    mention = clause.first("DATE")
    if mention is None or mention.day is None:
        return None
    until = re.search(r"\b(?:until|till|through|up to)(?: the)?$", mention.before) or mention.said.startswith("in ")
    days = (mention.day.future - clause.today).days
    return days if days > 0 and until else None


def _weeks(clause: Clause) -> Any:
    length = _length(clause)
    if length is None:
        ahead = _ahead(clause)
        return None if ahead is None else max(1, round(ahead / 7))
    return _whole(length.value) if length.unit == "week" else max(1, round(length.value * DAYS_OF[length.unit] / 7))


def _keep_days(clause: Clause) -> Any:
    for mention in clause.reading.of("DUR"):
        if re.search(r"\b(?:keep|keeping|leave|leaving)\b", mention.before):
            return _whole(mention.value * DAYS_OF[mention.unit])
    return None


def _percent(clause: Clause) -> Any:
    mention = clause.first("PCT")
    if mention is None:
        return None
    change = _change(clause)
    if change != "demand_surge":
        return _whole(mention.value)
    if mention.unit == "share" and mention.value < 0:
        return _whole(mention.value)
    falls = re.search(words.table("intents")["falling"]["words"], clause.masked)
    return _whole(-abs(mention.value) if falls else mention.value)


def _quantity(clause: Clause) -> Any:
    numbers = clause.reading.of("NUM")
    return _whole(numbers[0].value) if numbers else None


def _value(clause: Clause) -> Any:
    mention = clause.first("MONEY") or clause.first("NUM")
    return None if mention is None else _whole(mention.value)


def _on(clause: Clause) -> Any:
    mention = clause.first("DATE")
    return None if mention is None or mention.day is None else mention.day.past.isoformat()


def _arrive_by(clause: Clause) -> Any:
    mention = clause.first("DATE")
    return None if mention is None or mention.day is None else mention.day.future.isoformat()


def _named(table: str, *allowed: str) -> Callable[[Clause], Any]:
    def read(clause: Clause) -> Any:
        for key, pattern in words.readers(table):
            if (not allowed or key in allowed) and pattern.search(clause.masked):
                return key
        return None

    return read


def _role(clause: Clause) -> Any:
    mention = clause.first("ROLE")
    return None if mention is None else mention.id


def _action(clause: Clause) -> Any:
    """The action the words name; those with words of their own before *transfer* and *purchase*."""
    allowed = {"prefill_proposal": FORM_ACTIONS, "why_not": WHY_NOT_ACTIONS}.get(clause.tool)
    if clause.tool == "who_approves":
        return _named_action(clause.masked.replace("sign-off", ""), None)
    if clause.tool == "why_not":
        masked = re.sub(r"\bnot ordered\b|\bon order\b", " ", clause.masked)
        denied = re.search(r"\b(?:not|no|never|against)\b(?! propose| suggest| recommend)(.*)", masked)
        return (_named_action(denied[1], allowed) if denied else None) or _named_action(masked, allowed)
    named = _named_action(clause.masked, allowed)
    if named is None and clause.tool in HAS_ORIGIN:
        return "transfer" if sites_of(clause.reading)[0] else ("purchase" if clause.reading.of("SUPP") else None)
    return named


def _named_action(masked: str, allowed: tuple[str, ...] | None) -> str | None:
    found = []
    for place, (action, pattern) in enumerate(words.readers("action")):
        match = pattern.search(masked)
        if match and (allowed is None or action in allowed):
            common = action in ("transfer", "purchase", "hold")
            found.append((common, match.start() if common else place, action))
    return min(found)[2] if found else None


def _name(clause: Clause) -> Any:
    if clause.tool == "kpis":
        return _named("kpi")(clause)
    known = next((key for key, each in words.readers("policy_name") if each.search(clause.reading.text)), None)
    if known is not None:
        return known
    told = re.sub(
        r"\b(?:[A-Z]{3,5}|what|is|are|the|our|how|high|big|much|long|set|to|at|in|for|of|current|currently|value|please|me"
        r"|show|tell|force|now|right|configured|does)\b|[?.!,]", " ", clause.masked,
    )  # fmt: skip
    return " ".join(told.split()) or None


@cache
def _changes() -> tuple[tuple[str, tuple[re.Pattern[str], ...]], ...]:
    table = words.table("intents")["change"]
    return tuple((name, tuple(re.compile(words.expanded(each)) for each in listed)) for name, listed in table.items())


def _change(clause: Clause) -> str | None:
    return next((name for name, listed in _changes() if any(each.search(clause.masked) for each in listed)), None)


def _question(clause: Clause) -> Any:
    return clause.said.strip()


def _case(clause: Clause) -> Any:
    mention = clause.first("CASE")
    return None if mention is None else mention.id


def _reference(clause: Clause) -> Any:
    mention = clause.first("REF") or clause.first("CASE")
    return None if mention is None else mention.id


READERS: dict[str, Callable[[Clause], Any]] = {
    "item": _item, "site": _site, "origin": _origin, "destination": _destination, "supplier": _supplier,
    "days": _days, "weeks": _weeks, "keep_days": _keep_days, "percent": _percent, "quantity": _quantity,
    "value": _value, "on": _on, "arrive_by": _arrive_by, "role": _role, "action": _action, "name": _name,
    "kind": _named("kind"), "item_class": _named("item_class"), "change": _change, "question": _question,
    "case": _case, "reference": _reference,
}  # fmt: skip
"""How each argument is read."""
