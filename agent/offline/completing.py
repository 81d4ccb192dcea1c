"""What is still missing from a call, and one call for each of several sites or items."""

from __future__ import annotations

from typing import Any

from agent.offline.arguments import Clause, Doubt
from agent.offline.needed import NEEDED_FOR_CHANGE, required_of
from agent.offline.sites import sites_of

MANY_SITES = frozenset(
    {"stock_position", "projection", "forecast", "why", "options", "list_cases", "excess", "expiring", "open_orders",
     "data_health", "segment", "frozen_stock", "lead_time", "kpis", "tasks"}
)  # fmt: skip
"""Tools that are called once for each of several sites."""


def missing(tool: str, given: dict[str, Any]) -> Doubt | None:
    """The first argument that is missing or not plain, as it is asked for."""
    for value in given.values():
        if isinstance(value, Doubt):
            return value
    for name in required_of(tool):
        if given.get(name) is None:
            return Doubt(name)
    if tool == "what_if":
        for name in NEEDED_FOR_CHANGE[str(given["change"])]:
            if given.get(name) is None:
                return Doubt(name)
        if given["change"] in ("demand_surge", "service_target_changed") and not ({"item", "site"} & set(given)):
            return Doubt("site")
    if tool == "lead_time" and not given:
        return Doubt("item")
    if tool == "past_decision" and not given:
        return Doubt("on")
    if tool == "who_approves" and given.get("value") is None and given.get("action") is None:
        return Doubt("value")
    return None


def several(clause: Clause, given: dict[str, Any]) -> list[dict[str, Any]]:
    """One call for each of several sites or items."""
    calls = [given]
    if clause.tool in MANY_SITES:
        sending, others = sites_of(clause.reading)
        ids = list(dict.fromkeys(m.id for m in sorted([*sending, *others], key=lambda m: m.start) if m.id))
        if len(ids) > 1:
            calls = [{**given, "site": site} for site in ids]
    items = list(dict.fromkeys(m.id for m in clause.reading.of("ITEM") if m.id))
    if clause.tool != "substitutes" and len(items) > 1 and "item" in given:
        calls = [{**each, "item": item} for item in items for each in calls]
    return calls
