"""What a message takes from the turns before it: arguments it leaves out, or the whole question it only changes."""

from __future__ import annotations

import re
from typing import Any

from agent.offline import words
from agent.offline.arguments import Clause, Doubt, read_arguments
from agent.offline.completing import missing
from agent.offline.intents import SURE, Meant
from agent.offline.memory import Call, Memory, everywhere, points_back
from agent.offline.needed import NEEDED_FOR_CHANGE, fields_of, required_of
from agent.offline.reading import Reading
from tools.capabilities.names import NameKind, Names

SUBJECTS = ("ITEM", "SITE", "SUPP", "REF", "CASE")
CARRIED = frozenset({"item", "site", "supplier", "origin", "destination", "case", "reference", "action"})
"""Arguments that are remembered; figures and days are said anew."""
NUMERIC = ("days", "percent", "weeks", "value", "quantity", "keep_days")
_PRONOUNS = {
    "supplier": ("SUPP", "they|them|their|theirs|that supplier|the same supplier"),
    "item": ("ITEM", "of (?:it|them|those|that|these)|(?:this|that|the same) (?:item|article|product|one)"),
}
"""Arguments with pronouns of their own, and the mark that would name them anew."""
_AS_MANY = re.compile(
    r"\b(?:same|full|whole|entire|that) (?:quantity|amount|number|lot)\b|\b(?:that|as|so) many\b"
    r"|\ball of (?:it|them|those)\b|\bthe (?:lot|whole lot)\b"
)
NO_SITE = frozenset({"substitutes", "item_facts"})
_SHORT = re.compile(
    r"^(?:and|what about|how about|or|same|ok|so|then|also|make (?:it|that)|no|rather|better|i mean(?:t)?|sorry|for|at"
    r"|in|with|from|say|change (?:it|that) to|try|instead|now)\b"
)
_LITTLE = frozenset(
    """
    and at in the for of on with to from same what about how or please then ok it make that is there now instead rather
    again also too but i mean meant sorry no so try say only one just by other way round around
    """.split()  # noqa: SIM905 - a word list reads better as a paragraph
)
_IT_WERE = re.compile(
    r"\bif (?:it|that|this|they)"
    r" (?:were|was|is|are|takes?|took|lasts?|lasted|would be|only|rises?|rose|falls?|fell)\b"
)
_RISING = re.compile(r"\b(?:up|ris|grow|increas|more)\w*")


def continues(reading: Reading, found: list[Meant]) -> bool:
    """Whether a message only changes something of the one before."""
    bare = re.sub(r"[A-Z]{3,5}|[^a-z ]", " ", reading.masked)
    left = [word for word in bare.split() if word not in _LITTLE]
    if not left:
        return True
    weight = found[0].weight if found else 0.0
    return weight < SURE and bool(_SHORT.match(reading.masked) or len(left) <= 1)


def supposes_anew(reading: Reading, found: list[Meant], earlier: Call) -> bool:
    """Whether a supposition only changes a figure of the one before: *and if it were two days*."""
    if not found or found[0].intent.tool != "what_if" or earlier.name != "what_if":
        return False
    names_nothing = not any(reading.of(mark) for mark in SUBJECTS)
    return names_nothing and bool(_IT_WERE.search(reading.masked))


def remember(clause: Clause, given: dict[str, Any], memory: Memory) -> None:
    """Fill what was left out from the turns before, as far as the words refer to them."""
    tool, text = clause.tool, clause.reading.text
    needed = set(required_of(tool)) | set(NEEDED_FOR_CHANGE.get(str(given.get("change")), ()))
    said_item = "item" in given
    for name in fields_of(tool):
        if name in given or name not in CARRIED:
            continue
        value = _needed(name, memory) if name in needed else _referred_to(name, clause, memory)
        if value is not None:
            given[name] = value
    if "quantity" in fields_of(tool) and "quantity" not in given and _AS_MANY.search(text):
        quantity = memory.last("quantity")
        given.update({} if quantity is None else {"quantity": quantity})
    if tool == "past_decision" and not given and points_back(text) and memory.last("case"):
        given["reference"] = memory.last("case")
    carried_item = "item" in given and not said_item
    takes_site = "site" in fields_of(tool) and "site" not in given and tool not in NO_SITE
    if carried_item and takes_site and tool != "find_rules" and not everywhere(text) and memory.last("site"):
        given["site"] = memory.last("site")


def _needed(name: str, memory: Memory) -> Any:
    """An argument the tool cannot do without: the newest of that name; the end of a lane serves as a site."""
    value = memory.last(name)
    return memory.last("destination") if value is None and name == "site" else value


def _referred_to(name: str, clause: Clause, memory: Memory) -> Any:
    """An argument that may be left out: only where the words point back at it and name nothing else."""
    newest = memory.newest
    if newest is None or not newest.calls:
        return None
    if any(clause.reading.of(mark) for mark in SUBJECTS):
        return newest.calls[-1].arguments.get(name) if _by_pronoun(name, clause.reading) else None
    last, tool, text = newest.calls[-1], clause.tool, clause.reading.text
    if last.name == tool and points_back(text) and not everywhere(text):
        return last.arguments.get(name)
    if name in words.table("intents")["follow"].get(tool, ()) or (points_back(text) and _refers(name, text, tool)):
        return last.arguments.get(name)
    return None


def _by_pronoun(name: str, reading: Reading) -> bool:
    """Whether a pronoun can only mean this argument, whatever else is named: *what do they still owe East*."""
    mark, pronouns = _PRONOUNS.get(name, ("", ""))
    return bool(mark) and not reading.of(mark) and bool(re.search(rf"\b(?:{pronouns})\b", reading.text))


def _refers(name: str, text: str, tool: str) -> bool:
    """Whether the words that point back mean this argument."""
    if name == "site" and tool == "find_rules":
        return bool(re.search(r"\b(?:there|here)\b", text))
    if name == "site":
        return bool(re.search(r"\b(?:there|here|same|it|that)\b", text)) and not re.search(r"\bis there\b", text)
    if name == "supplier":
        return bool(re.search(r"\b(?:they|them|their|it|he|same)\b", text))
    return bool(re.search(r"\b(?:it|its|that|this|those|them|they|same|one|ones)\b", text)) or name == "reference"


def continued(earlier: Call, clause: Clause, memory: Memory, before: str) -> dict[str, Any]:
    """Arguments of the turn before with what is said now put in.

    Parameters
    ----------
    clause
        What is said now, read for the tool of the turn before.
    before
        What was said then, with marks.
    """
    reading = clause.reading
    new = {name: value for name, value in read_arguments(clause).items() if name not in ("question", "change")}
    given = {name: value for name, value in earlier.arguments.items() if not isinstance(value, Doubt)}
    if earlier.name == "policy_value" and not any(
        pattern.search(reading.masked) for _, pattern in words.readers("policy_name")
    ):
        new.pop("name", None)
    if everywhere(reading.text) and "site" not in required_of(earlier.name):
        given.pop("site", None)
    _put_number(earlier, reading, new)
    if given.get("change") == "demand_surge" and isinstance(new.get("percent"), int | float):
        fell = given["percent"] < 0 if "percent" in given else _falls(before)
        if fell and not _RISING.search(reading.masked):
            new["percent"] = -abs(new["percent"])
    if "question" in given:
        given["question"] = reworded(str(given["question"]), earlier, new, clause.names)
    if earlier.name == "lane" and not reading.of("SITE"):
        return turned_round(given)
    return {**given, **new}


def turned_round(given: dict[str, Any]) -> dict[str, Any]:
    """A lane in the other direction."""
    return {**given, "origin": given.get("destination"), "destination": given.get("origin")}


def _put_number(earlier: Call, reading: Reading, new: dict[str, Any]) -> None:
    """A bare number takes the place of the figure of the turn before, or of the one that was asked for."""
    numbers = reading.of("NUM")
    if not numbers or any(reading.of(mark) for mark in ("DUR", "PCT", "MONEY")):
        return
    doubt = missing(earlier.name, earlier.arguments)
    asked_for = doubt.argument if doubt is not None else ""
    target = next((name for name in NUMERIC if name in earlier.arguments or name == asked_for), None)
    if target is not None and target not in new:
        value = numbers[0].value
        new[target] = int(value) if value == int(value) else value


def _falls(masked: str) -> bool:
    return bool(re.search(words.table("intents")["falling"]["words"], masked))


def reworded(question: str, earlier: Call, new: dict[str, Any], names: Names) -> str:
    """The question of the turn before, with the new supplier, site or item in place of the old."""
    kinds: tuple[NameKind, ...] = ("supplier", "site", "item")
    for kind in kinds:
        old, into = earlier.arguments.get(kind), new.get(kind)
        if isinstance(old, str) and isinstance(into, str):
            for said in (old, old.split("-")[-1], names.name(kind, old)):
                question = re.sub(rf"\b{re.escape(said)}\b", into, question, flags=re.IGNORECASE)
    return question
