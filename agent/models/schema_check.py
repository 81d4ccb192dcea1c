"""Whether arguments a model gives fit the JSON schema of a tool: the part of JSON Schema that tools use."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

Schema = Mapping[str, Any]


def misfit(value: Any, schema: Schema, root: Schema | None = None) -> str:
    """Where a value does not fit a schema, as a path; empty when it does.

    Notes
    -----
    Understands ``$ref`` into the same schema, ``type``, ``enum``, ``const``, ``anyOf``, ``oneOf``, ``allOf``,
    ``properties``, ``required``, ``additionalProperties``, ``items``, lengths, bounds and ``pattern``. Numbers that are
    not finite never fit: Python's JSON reader takes ``NaN``.
    """
    root = schema if root is None else root
    if "$ref" in schema:
        return misfit(value, _referred(schema["$ref"], root), root)
    if isinstance(value, float) and not math.isfinite(value):
        return "a number that is not finite"
    choices = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if choices and all(misfit(value, choice, root) for choice in choices):
        return "none of the forms allowed"
    for part in schema.get("allOf", ()):
        if wrong := misfit(value, part, root):
            return wrong
    if "const" in schema and value != schema["const"]:
        return "not the one value allowed"
    if "enum" in schema and value not in schema["enum"]:
        return "not one of the values allowed"
    kinds = schema.get("type", ())
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    if kinds and not any(_TYPES[kind](value) for kind in kinds):
        return f"expected {' or '.join(kinds)}"
    return _bounds(value, schema) or _inside(value, schema, root)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _number,
    "integer": lambda value: _number(value) and float(value).is_integer(),
}


def _bounds(value: Any, schema: Schema) -> str:
    if _number(value):
        low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
        above, below = schema.get("exclusiveMinimum", -math.inf), schema.get("exclusiveMaximum", math.inf)
        if not (low <= value <= high and above < value < below):
            return "a number out of bounds"
    if isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", math.inf):
            return "a text too short or too long"
        if "pattern" in schema and re.search(schema["pattern"], value) is None:
            return "a text of another form"
    if isinstance(value, list) and not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf):
        return "a list too short or too long"
    return ""


def _inside(value: Any, schema: Schema, root: Schema) -> str:
    if isinstance(value, list) and "items" in schema:
        wrongs = ((at, misfit(part, schema["items"], root)) for at, part in enumerate(value))
        return next((f"{at}: {wrong}" for at, wrong in wrongs if wrong), "")
    if not isinstance(value, dict):
        return ""
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            return f"{name} is missing"
    for name, part in value.items():
        allowed = properties.get(name, schema.get("additionalProperties", True))
        if allowed is False:
            return f"an argument that does not exist: {name[:40]}"
        if isinstance(allowed, Mapping) and (wrong := misfit(part, allowed, root)):
            return f"{name}: {wrong}"
    return "a number that is not finite" if not _finite(value) else ""


def _finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_finite(part) for part in value.values())
    if isinstance(value, list):
        return all(_finite(part) for part in value)
    return not isinstance(value, float) or math.isfinite(value)


def _referred(reference: str, root: Schema) -> Schema:
    found: Any = root
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    assert isinstance(found, Mapping)
    return found
