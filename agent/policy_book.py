"""The approval policy in layers: enterprise → region → site → item class → channel.

Rules
-----
1. The document itself is the enterprise layer. Each ``[[layer]]`` names a scope and changes keys.
2. A lower layer stands over an upper one. It tightens any key; it loosens a key only inside the bound the enterprise
   states for it, and without a bound it never does, whatever other layers cover the same place.
3. What touches several places is ruled by the strictest value of each key that holds at any of them, so a ruling is
   never milder than at the strictest of its places.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from agent.errors import PolicyError
from agent.gate_facts import Place
from agent.policy_document import ApprovalPolicy, read_policy
from agent.policy_keys import (
    NEVER,
    Key,
    Looser,
    Table,
    Value,
    direction,
    flattened,
    is_looser,
    name_of,
    policy_of,
    settled,
    stricter,
    table_of,
    value_words,
)
from inventory.records import Tier

ENTERPRISE = "enterprise"
SCOPES = ("region", "site", "item_class", "channel")
"""Parts of a scope, from the upper layer to the lower."""


@dataclass(frozen=True)
class Layer:
    """Other values of some keys where its scope holds."""

    scope: Place
    values: Table

    @property
    def name(self) -> str:
        """The scope in words, ``site=DC-EAST item_class=standard``."""
        return " ".join(f"{part}={getattr(self.scope, part)}" for part in SCOPES if getattr(self.scope, part))

    @property
    def rank(self) -> tuple[int, int]:
        """Rises from upper layers to lower: its lowest part, then how many parts it names."""
        named = [number for number, part in enumerate(SCOPES) if getattr(self.scope, part)]
        return max(named), len(named)

    def covers(self, place: Place) -> bool:
        """Whether it holds at a place."""
        return all(getattr(self.scope, part) in ("", getattr(place, part)) for part in SCOPES)


@dataclass(frozen=True)
class Held:
    """A value in force."""

    value: Value
    layer: str
    because_of: str = ""
    """The key that made it stricter than it is written; empty where nothing did."""


@dataclass(frozen=True)
class PolicyBook:
    """One version of the approval policy with all its layers."""

    enterprise: ApprovalPolicy
    layers: tuple[Layer, ...] = ()
    """From upper to lower; of equal rank in the order of the document."""
    bounds: tuple[tuple[Key, Value], ...] = ()

    @property
    def knows_channels(self) -> bool:
        """Whether any layer tells channels apart."""
        return any(layer.scope.channel for layer in self.layers)

    def at(self, place: Place) -> ApprovalPolicy:
        """The policy in force at one place."""
        layers = [layer for layer in self.layers if layer.covers(place)]
        return policy_of(self._table(layers)[0], f"the approval policy at {place}") if layers else self.enterprise

    def over(self, places: Iterable[Place]) -> ApprovalPolicy:
        """The strictest of the policies in force at some places, key by key; the enterprise's when there is none."""
        policies = {policy.model_dump_json(): policy for policy in map(self.at, places)}
        if len(policies) < 2:
            return next(iter(policies.values()), self.enterprise)
        first, *others = (table_of(policy) for policy in policies.values())
        for other in others:
            first = _strictest(first, other)
        return policy_of(first, "the approval policy over several places")

    def holding(self, place: Place) -> dict[str, Held]:
        """Every value in force at a place and the layer it comes from, by the name of its key."""
        table, origin = self._table([layer for layer in self.layers if layer.covers(place)])
        after, causes = settled(table)
        return {
            name_of(key): Held(after.get(key, NEVER), origin[causes.get(key, key)], name_of(causes.get(key, ())))
            for key in table
        }

    def origins(self, place: Place) -> dict[str, str]:
        """Name of the layer each value in force at a place comes from."""
        return {name: held.layer for name, held in self.holding(place).items()}

    def _table(self, layers: Iterable[Layer]) -> tuple[Table, dict[Key, str]]:
        """Values of every key under some layers, and the layer each comes from."""
        bounds = dict(self.bounds)
        table = table_of(self.enterprise)
        origin = dict.fromkeys(table, ENTERPRISE)
        for layer in layers:
            for key, value in layer.values.items():
                # What an upper layer tightened stays, unless the enterprise lets this key be loosened.
                if key in bounds or not is_looser(key, value, _baseline(table, key)):
                    table[key], origin[key] = value, layer.name
        return table, origin


def load_policy(text: str) -> ApprovalPolicy:
    """The enterprise layer of the policy a TOML text holds; a ``PolicyError`` where `load_book` raises one."""
    return load_book(text).enterprise


@lru_cache(maxsize=32)
def load_book(text: str) -> PolicyBook:
    """The policy a TOML text holds, with its layers.

    Raises
    ------
    PolicyError
        If it is not TOML, does not meet the schema, or a layer breaks a bound; it names layer, key, value and bound.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"the approval policy is not TOML: {error}") from error
    raw_layers, raw_bounds = data.pop("layer", []), data.pop("bounds", {})
    enterprise = read_policy(data)
    if not isinstance(raw_layers, list) or not isinstance(raw_bounds, dict):
        raise PolicyError("layer: expected [[layer]] tables; bounds: expected one [bounds] table")
    table = table_of(enterprise)
    bounds = _bounds(raw_bounds, table)
    layers = sorted((_layer(raw, number) for number, raw in enumerate(raw_layers, start=1)), key=lambda at: at.rank)
    names = [layer.name for layer in layers]
    for name in names:
        if names.count(name) > 1:
            raise PolicyError(f"layer {name} is given twice")
    for layer in layers:
        _check(layer, table, bounds)
    book = PolicyBook(enterprise, tuple(layers), tuple(bounds.items()))
    for layer in layers:
        policy_of(book._table([layer])[0], f"layer {layer.name}")
    return book


def _layer(raw: Any, number: int) -> Layer:
    if not isinstance(raw, dict):
        raise PolicyError(f"layer {number}: expected a table")
    scope = {part: raw[part] for part in SCOPES if part in raw}
    try:
        place = Place.model_validate(scope)
    except ValidationError as error:
        raise PolicyError(f"layer {number}: a scope is text, got {scope}") from error
    if not any(scope.values()):
        raise PolicyError(f"layer {number} names no scope; expected one or more of {', '.join(SCOPES)}")
    return Layer(place, flattened({name: value for name, value in raw.items() if name not in SCOPES}))


def _bounds(raw: dict[str, Any], table: Table) -> Table:
    bounds = flattened(raw)
    for key, bound in bounds.items():
        if direction(key) is Looser.FIXED:
            raise PolicyError(f"bounds: {name_of(key)} is the enterprise's alone")
        if not is_looser(key, bound, _baseline(table, key)):
            raise PolicyError(
                f"bounds: {name_of(key)} = {value_words(bound)} is no looser than the enterprise's own "
                f"{value_words(_baseline(table, key))}"
            )
    return bounds


def _check(layer: Layer, table: Table, bounds: Table) -> None:
    for key, value in layer.values.items():
        said = f"layer {layer.name}: {name_of(key)} = {value_words(value)}"
        if direction(key) is Looser.FIXED:
            raise PolicyError(f"{said} is the enterprise's alone")
        if key[0] == "actions" and key not in table:
            raise PolicyError(f"{said}: the enterprise has no action {key[1]}")
        own = _baseline(table, key)
        if not is_looser(key, value, own):
            continue
        if key not in bounds:
            raise PolicyError(f"{said} is looser than the enterprise's {value_words(own)}, and no bound allows it")
        if is_looser(key, value, bounds[key]):
            raise PolicyError(f"{said} is looser than the bound {value_words(bounds[key])}")


def _baseline(table: Table, key: Key) -> Value:
    """The value a key has, or what its absence means: a closed row, a class no rule covers."""
    if key in table:
        return table[key]
    if key[0] == "auto":
        return NEVER
    if key[0] == "item_classes":
        return Tier.FORMAL.value
    raise PolicyError(f"{name_of(key)}: the approval policy has no such key")


def _strictest(one: Table, other: Table) -> Table:
    return {key: stricter(key, _baseline(one, key), _baseline(other, key)) for key in one | other}
