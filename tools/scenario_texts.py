"""What-ifs in words: TOML documents, one-line texts, and events of the data contract, all as the same record."""

from __future__ import annotations

import tomllib
from datetime import date
from typing import Any

from pydantic import ValidationError

from inventory.records import ScenarioChange, ScenarioKind, StoredScenario
from inventory.snapshots import Snapshot
from tools.errors import ToolInputError

LISTS = ("items", "families")
EVENT = "event:"
SURGE = 1.5
"""Demand during a promotion of unknown size, as a multiple."""
EVENT_KINDS: dict[str, ScenarioKind] = {
    "shutdown": ScenarioKind.SITE_SHUTDOWN,
    "closure": ScenarioKind.SITE_SHUTDOWN,
    "strike": ScenarioKind.SITE_SHUTDOWN,
    "holiday": ScenarioKind.SITE_SHUTDOWN,
    "disruption": ScenarioKind.SUPPLIER_SLIPS,
    "delay": ScenarioKind.SUPPLIER_SLIPS,
    "promotion": ScenarioKind.DEMAND_SURGE,
    "surge": ScenarioKind.DEMAND_SURGE,
    "shortage": ScenarioKind.PART_DELIVERIES,
}
"""What an event would change; an event of another kind is no scenario."""


def scenarios_of_toml(text: str) -> tuple[StoredScenario, ...]:
    """Scenarios of a document with a table each: ``[name]``, ``note``, and ``[[name.changes]]``.

    Raises
    ------
    ToolInputError
        Naming the scenario and the key that cannot be understood.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ToolInputError(f"scenarios: not TOML: {error}") from error
    if not data:
        raise ToolInputError("scenarios: the document names none; expected [name] with [[name.changes]]")
    return tuple(_scenario(name, body) for name, body in data.items())


def scenario_of_text(text: str, name: str = "") -> StoredScenario:
    """A scenario of one line: ``kind key=value ...``, several joined by `` + ``; lists are separated by commas.

    Examples
    --------
    >>> scenario_of_text("supplier_slips supplier=SUP-LARCH days=14").name
    'supplier_slips:SUP-LARCH:14'
    """
    changes = [_words(part) for part in text.split(" + ")]
    listed = [str(value) for change in changes for value in change.values() if not isinstance(value, list)]
    return _scenario(name or ":".join(listed)[:96], {"changes": changes})


def event_scenarios(snapshot: Snapshot) -> dict[str, StoredScenario]:
    """What the events of the data that are not over would change, by ``event:ID``.

    A disruption makes the supplier it names, or every one where it names none, slip by what is left of it, since what
    would have come in it comes after it; a promotion of unknown size is a surge of half as much again.
    """
    today, found = snapshot.as_of.date(), {}
    for row in snapshot.table("events").sort("event_id").iter_rows(named=True):
        kind = EVENT_KINDS.get(str(row["kind"]).lower())
        if kind is None or row["end_date"] < today:
            continue
        name = f"{EVENT}{row['event_id']}"
        found[name] = StoredScenario(name=name, changes=(_of_event(kind, row, today),), note=row["note"] or "")
    return found


def _of_event(kind: ScenarioKind, row: dict[str, Any], today: date) -> ScenarioChange:
    first, end = max((row["start_date"] - today).days, 0), (row["end_date"] - today).days + 1
    by_kind: dict[ScenarioKind, dict[str, Any]] = {
        ScenarioKind.SUPPLIER_SLIPS: {"days": min(end - first, 365), "supplier": row.get("supplier") or ""},
        ScenarioKind.DEMAND_SURGE: {"factor": SURGE},
        ScenarioKind.PART_DELIVERIES: {"days": 14},
    }
    return ScenarioChange(kind=kind, first_day=first, end_day=end, site=row["site"] or "", **by_kind.get(kind, {}))


def _words(text: str) -> dict[str, Any]:
    kind, *pairs = text.split()
    change: dict[str, Any] = {"kind": kind}
    for pair in pairs:
        key, mark, value = pair.partition("=")
        if not mark or not value:
            raise ToolInputError(f"scenario {text!r}: expected key=value, got {pair!r}")
        change[key] = value.split(",") if key in LISTS else value
    return change


def _scenario(name: str, body: Any) -> StoredScenario:
    if not isinstance(body, dict):
        raise ToolInputError(f"scenario {name!r}: expected a table with [[{name}.changes]], got {body!r}")
    try:
        made = StoredScenario.model_validate({"name": name, **body})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        known = f"; known kinds: {', '.join(ScenarioKind)}" if place.endswith("kind") else ""
        raise ToolInputError(f"scenario {name!r}: {place}: {first['msg']}, got {first['input']!r}{known}") from error
    for change in made.changes:
        _check(name, change)
    return made


def _check(name: str, change: ScenarioChange) -> None:
    """What a kind cannot do without."""
    lacks = {
        ScenarioKind.SUPPLIER_SLIPS: "" if change.days else "days",
        ScenarioKind.LANE_CLOSED: "" if change.origin and change.destination else "origin and destination",
        ScenarioKind.SERVICE_TARGET_CHANGED: "" if change.service_target else "service_target",
        ScenarioKind.DEMAND_SURGE: "" if change.factor != 1.0 else "factor",
    }.get(change.kind, "")
    if lacks:
        raise ToolInputError(f"scenario {name!r}: {change.kind.value} needs {lacks}")
    if change.end_day <= change.first_day:
        raise ToolInputError(f"scenario {name!r}: end_day {change.end_day} must come after {change.first_day}")
