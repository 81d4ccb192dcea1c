"""Every value of a policy as it holds at a place, with the layer, rule or override it comes from."""

from __future__ import annotations

from agent.gate_facts import Place
from agent.policy_book import ENTERPRISE, load_book
from agent.policy_keys import flattened, name_of, value_words
from agent.policy_kinds import changes_between
from inventory.record import Record
from tools.stocking_policy import parse_stocking_policy
from tools.thresholds import parse_thresholds


class ShownValue(Record):
    """One value of a policy as it holds somewhere."""

    key: str
    value: str
    layer: str
    """Where it comes from: the enterprise, a layer, a rule or an override."""
    note: str = ""


def shown_values(kind: str, text: str, place: Place) -> tuple[ShownValue, ...]:
    """Values in the order of the document; of the approval policy and the thresholds those at the place."""
    if kind == "approval":
        held = load_book(text).holding(place)
        return tuple(
            ShownValue(
                key=key,
                value=value_words(one.value),
                layer=one.layer,
                note=f"because of {one.because_of}" if one.because_of else "",
            )
            for key, one in held.items()
            if key != "version"
        )
    if kind == "thresholds":
        return _thresholds(text, place)
    if kind == "stocking":
        return _stocking(text, place)
    return tuple(
        ShownValue(key=change.key, value=change.after, layer=ENTERPRISE) for change in changes_between(kind, "", text)
    )


def _thresholds(text: str, place: Place) -> tuple[ShownValue, ...]:
    thresholds = parse_thresholds(text)
    shown = []
    for kind, values in thresholds.values.items():
        for name in values:
            layer = ENTERPRISE
            for override in thresholds.overrides:
                if name in override.values and override.covers(kind, place.site, place.item_class):
                    layer = override.name
            value = thresholds.value(kind, name, site=place.site, item_class=place.item_class)
            shown.append(ShownValue(key=f"{kind}.{name}", value=f"{value:g}", layer=layer))
    return tuple(shown)


def _stocking(text: str, place: Place) -> tuple[ShownValue, ...]:
    policy = parse_stocking_policy(text)
    shown = []
    for section in ("segments", "default"):
        for key, value in flattened(
            getattr(policy, section).model_dump(mode="json", exclude_none=True), (section,)
        ).items():
            shown.append(ShownValue(key=name_of(key), value=value_words(value), layer=ENTERPRISE))
    for rule in policy.rules:
        if (place.site or place.item_class) and not rule.holds_at(place.site, place.item_class):
            continue
        given = rule.model_dump(mode="json", exclude_defaults=True, exclude={"name"})
        where = {"value", "variability", "stage", "constrained", "site", "item_class"}
        held = "; ".join(f"{name} {value_words(value)}" for name, value in given.items() if name in where)
        shown += [
            ShownValue(key=name, value=value_words(value), layer=rule.name, note=f"where {held}" if held else "")
            for name, value in given.items()
            if name not in where
        ]
    return tuple(shown)
