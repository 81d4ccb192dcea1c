"""The policy documents and what they have in common: TOML text that is read strictly and compared by key."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent.errors import AgentError, PolicyError
from agent.policy_book import load_book
from agent.policy_keys import Key, Looser, direction, is_looser, value_words
from agent.rights_document import load_rights
from inventory.records import PolicyKind
from tools.errors import ToolError
from tools.stocking_policy import parse_stocking_policy
from tools.thresholds import parse_thresholds

READERS: dict[PolicyKind, Callable[[str], object]] = {
    "approval": load_book,
    "stocking": parse_stocking_policy,
    "rights": load_rights,
    "thresholds": parse_thresholds,
}
"""Kinds of policy people change, and how each is read; a reader raises an error that names every offending key."""

_IDENTITY = ("name", "region", "site", "item_class", "channel", "case", "kind", "action", "tier", "role")
"""Fields that tell the tables of a list apart."""


@dataclass(frozen=True)
class Change:
    """One key that two documents set differently."""

    key: str
    before: str
    """Empty where the key was not there."""
    after: str
    effect: str
    """``looser``, ``tighter``, or empty where neither can be said."""


def reader_of(kind: str) -> Callable[[str], object]:
    """How a kind of policy is read."""
    for known, reader in READERS.items():
        if known == kind:
            return reader
    raise PolicyError(f"{kind!r} is no policy; known: {', '.join(READERS)}")


def problems_in(kind: str, text: str) -> tuple[str, ...]:
    """What is wrong with a document, one problem each with its key; empty when it can be adopted."""
    try:
        reader_of(kind)(text)
    except (AgentError, ToolError) as error:
        return tuple(str(error).split("; "))
    return ()


def changes_between(kind: str, before: str, after: str) -> tuple[Change, ...]:
    """Keys that differ between two documents of a kind, by name."""
    old, new = _flat(before), _flat(after)
    old.pop(("version",), None)
    new.pop(("version",), None)
    return tuple(
        Change(
            _name(key),
            value_words(old[key]) if key in old else "",
            value_words(new[key]) if key in new else "",
            _effect(key, old, new) if kind == "approval" else "",
        )
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key) or (key in old) is not (key in new)
    )


def _effect(key: Key, old: dict[Key, Any], new: dict[Key, Any]) -> str:
    if key[0] == "bounds":
        return ""
    inner = key[1:] if key[0].startswith("layer[") else key
    absent = {"auto": "never", "item_classes": "formal"}.get(inner[0])
    before, after = old.get(key, absent), new.get(key, absent)
    try:
        if before is None or after is None or direction(inner) is Looser.FIXED:
            return ""
        return "looser" if is_looser(inner, after, before) else "tighter"
    except PolicyError:
        return ""


def _flat(text: str) -> dict[Key, Any]:
    try:
        return _flattened(tomllib.loads(text), ())
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"the document is not TOML: {error}") from error


def _flattened(value: Any, before: Key) -> dict[Key, Any]:
    if isinstance(value, dict):
        found: dict[Key, Any] = {}
        for name, inner in value.items():
            found |= _flattened(inner, (*before, name))
        return found
    if isinstance(value, list) and value and all(isinstance(inner, dict) for inner in value):
        found = {}
        for place, inner in _named(before, value).items():
            found |= _flattened(inner, place)
        return found
    return {before: value}


def _named(before: Key, tables: list[dict[str, Any]]) -> dict[Key, dict[str, Any]]:
    """The tables of a list under names that do not depend on their order."""
    found: dict[Key, dict[str, Any]] = {}
    for number, table in enumerate(tables, start=1):
        if before == ("auto",):  # a row of the allow-list is a key of its own
            row = ("auto", str(table.get("action")))
            found[row] = {**found.get(row, {}), str(table.get("item_class")): table.get("value_limit")}
            continue
        said = " ".join(f"{name}={table[name]}" for name in _IDENTITY if isinstance(table.get(name), str))
        place: Key = (*before[:-1], f"{before[-1]}[{said or number}]")
        while place in found:
            place = (*place[:-1], f"{place[-1]}'")
        found[place] = table
    return found


def _name(key: Key) -> str:
    return ".".join(key)
