"""Every key of the approval policy, which way each is looser, and the policy as a flat table of keys.

A key is a path such as ``confidence.planner_below``; a row of the allow-list is ``auto.<action>.<class>``, and a row
that is not there is ``never``. Of two values one is stricter or they are equal: values of a key form an order (sets of
roles that must sign: more is stricter), so several policies always have a strictest common one.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from agent.errors import PolicyError
from agent.policy_document import ApprovalPolicy, read_policy
from inventory.records import Tier

Key = tuple[str, ...]
Value = Any
"""A number, a tier's name, a list of roles, or ``never``."""
Table = dict[Key, Value]

NEVER = "never"
"""Value of an allow-list row that does not exist."""


class Looser(Enum):
    """Which value of a key lets more happen."""

    HIGHER = "higher"
    LOWER = "lower"
    LOWER_TIER = "lower tier"
    FEWER_ROLES = "fewer roles"
    FIXED = "fixed"
    """Only the enterprise sets it."""


_DIRECTIONS: tuple[tuple[Key, Looser], ...] = (
    (("version",), Looser.FIXED),
    (("currency",), Looser.FIXED),
    (("queue", "*"), Looser.FIXED),
    (("approvers", "*"), Looser.FIXED),
    (("changes", "*", "*"), Looser.FIXED),
    (("two_people_above",), Looser.HIGHER),
    (("actions", "*", "floor"), Looser.LOWER_TIER),
    (("actions", "*", "planner_limit"), Looser.HIGHER),
    (("item_classes", "*"), Looser.LOWER_TIER),
    (("customer_tiers", "*"), Looser.LOWER_TIER),
    (("auto", "*", "*"), Looser.HIGHER),
    (("confidence", "*"), Looser.LOWER),
    (("snapshot_age_hours", "*"), Looser.HIGHER),
    (("site_health", "*"), Looser.LOWER),
    (("donor_cover_ratio", "*"), Looser.LOWER),
    (("novelty", "*"), Looser.LOWER),
    (("override_rate", "*"), Looser.HIGHER),
    (("budget", "*"), Looser.HIGHER),
    (("purchase_budget", "*"), Looser.HIGHER),
    (("owners", "*", "tier"), Looser.LOWER_TIER),
    (("owners", "*", "roles"), Looser.FEWER_ROLES),
    (("revalidation", "equivalent_window_days"), Looser.LOWER),
    (("revalidation", "*"), Looser.HIGHER),
    (("snooze", "*"), Looser.HIGHER),
    (("thrash", "lane_moves_per_day"), Looser.HIGHER),
    (("thrash", "lane_value_per_day"), Looser.HIGHER),
    (("thrash", "*"), Looser.LOWER),
    (("expiry_hours", "*"), Looser.HIGHER),
    (("recall_minutes", "*"), Looser.LOWER),
)


def direction(key: Key) -> Looser:
    """Which way a key is looser; ``PolicyError`` for a key there is none of."""
    for pattern, looser in _DIRECTIONS:
        if len(pattern) == len(key) and all(part in ("*", given) for part, given in zip(pattern, key, strict=True)):
            return looser
    raise PolicyError(f"{name_of(key)}: the approval policy has no such key")


def name_of(key: Key) -> str:
    """The key as it is written."""
    return ".".join(key)


def value_words(value: Value) -> str:
    """A value as it is written."""
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value) or "nobody"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def is_looser(key: Key, one: Value, other: Value) -> bool:
    """Whether the first value lets something happen that the second does not.

    Raises
    ------
    PolicyError
        If a value is not one the key can have.
    """
    looser = direction(key)
    if looser is Looser.FEWER_ROLES:
        return not set(_roles(key, one)) >= set(_roles(key, other))
    first, second = _rank(key, looser, one), _rank(key, looser, other)
    return first > second


def stricter(key: Key, one: Value, other: Value) -> Value:
    """The strictest value that is at least as strict as both."""
    if one == other:
        return one
    if direction(key) is Looser.FEWER_ROLES:
        return sorted(set(_roles(key, one)) | set(_roles(key, other)))
    return other if is_looser(key, one, other) else one


def _rank(key: Key, looser: Looser, value: Value) -> float:
    """A number that rises with looseness."""
    if looser is Looser.LOWER_TIER:
        if value not in list(Tier):
            raise PolicyError(f"{name_of(key)} = {value!r}: expected one of {', '.join(Tier)}")
        return -float(Tier(value).strictness)
    if value == NEVER and key[0] == "auto":
        return -1.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PolicyError(f"{name_of(key)} = {value!r}: expected a number")
    return float(value) if looser is Looser.HIGHER else -float(value)


def _roles(key: Key, value: Value) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(role, str) for role in value):
        raise PolicyError(f"{name_of(key)} = {value!r}: expected a list of roles")
    return list(value)


def flattened(data: dict[str, Any], before: Key = ()) -> Table:
    """Nested tables as one flat table; a list is a value."""
    table: Table = {}
    for name, value in data.items():
        if isinstance(value, dict):
            table |= flattened(value, (*before, name))
        else:
            table[(*before, name)] = value
    return table


def table_of(policy: ApprovalPolicy) -> Table:
    """The policy as a flat table."""
    data = policy.model_dump(mode="json")
    rows = data.pop("auto")
    table = flattened(data)
    return table | {("auto", row["action"], row["item_class"]): row["value_limit"] for row in rows}


def policy_of(table: Table, name: str) -> ApprovalPolicy:
    """The policy a flat table holds, tightened where one key forbids what another allows."""
    data: dict[str, Any] = {"auto": []}
    for key, value in settled(table)[0].items():
        if key[0] == "auto":
            data["auto"].append({"action": key[1], "item_class": key[2], "value_limit": value})
            continue
        inner = data
        for part in key[:-1]:
            inner = inner.setdefault(part, {})
        inner[key[-1]] = value
    return read_policy(data, name)


_FOLLOWS: tuple[tuple[Key, Key], ...] = (
    (("confidence", "planner_below"), ("confidence", "formal_below")),
    (("site_health", "planner_below"), ("site_health", "advice_below")),
    (("donor_cover_ratio", "planner_below"), ("donor_cover_ratio", "formal_below")),
    (("snapshot_age_hours", "planner_above"), ("snapshot_age_hours", "advice_above")),
    (("customer_tiers", "key"), ("customer_tiers", "standard")),
    (("customer_tiers", "strategic"), ("customer_tiers", "key")),
)
"""A mark, and the one it is never milder than."""


def settled(table: Table) -> tuple[Table, dict[Key, Key]]:
    """The table without what its stricter keys make void, and which key changed which.

    The gate rules by it as by the table as it was: only what another key forbids is taken away.
    """
    found = {key: value for key, value in table.items() if not (key[0] == "auto" and value == NEVER)}
    causes: dict[Key, Key] = {}

    def hold(key: Key, value: Value, cause: Key) -> None:
        if is_looser(key, found[key], value):
            found[key], causes[key] = value, cause

    for mark, other in _FOLLOWS:
        hold(mark, found[other], other)
    for key in [key for key in found if key[0] == "actions" and key[2] == "planner_limit"]:
        hold(key, found[("two_people_above",)], ("two_people_above",))
    for key in [key for key in found if key[0] == "auto"]:
        limit, floor, item_class = ("actions", key[1], "planner_limit"), ("actions", key[1], "floor"), key[2]
        closed = [at for at in (floor, ("item_classes", item_class)) if found.get(at) != Tier.AUTO]
        if closed:
            del found[key]
            causes[key] = closed[0]
        else:
            hold(key, found[limit], limit)
    return found, causes
