"""The stored table of stated against observed confidence, and whether it supports the auto threshold of a policy.

An auto threshold (``confidence.planner_below``) says from which stated confidence on nobody need look. It is supported
when choices stated there stayed best about as often as stated: no more than five points less, over enough choices.
"""

from __future__ import annotations

import tomllib
from datetime import datetime

from sqlalchemy import Connection

from agent.policy_book import load_book
from agent.policy_keys import Key
from inventory.database import Transaction
from inventory.errors import NotFoundError
from inventory.records import EVERYTHING, PolicyVersion
from inventory.rulebook import find_policy, insert_policy, newest_version
from tools.calibration import CalibrationBin, CalibrationTable

TOLERANCE = 0.05
"""Points by which fewer choices may have stayed best than was stated."""
ENOUGH = 200
"""Choices before a share means anything: its standard error is then at most 3.6 points."""
ENOUGH_IN_TENTH = 100
"""The same for the tenth the threshold lies in, since those are the choices a lower threshold lets through."""
_KEY: Key = ("confidence", "planner_below")


def keep_calibration(transaction: Transaction, table: CalibrationTable) -> PolicyVersion:
    """Store the table as the next version of the kind ``calibration``."""
    version = PolicyVersion(
        kind="calibration",
        version=newest_version(transaction.connection, "calibration") + 1,
        content=_text(table),
        author=transaction.actor,
        effective_at=transaction.now,
    )
    insert_policy(transaction, version)
    return version


def calibration_in_force(connection: Connection, at: datetime | None = None) -> CalibrationTable | None:
    """The newest table, at a moment where one is given, or ``None`` while nothing was measured."""
    try:
        stored = find_policy(connection, EVERYTHING, "calibration", at=at)
    except NotFoundError:
        return None
    return CalibrationTable.model_validate(tomllib.loads(stored.content))


def unsupported(connection: Connection, content: str, at: datetime) -> list[str]:
    """Auto thresholds of an approval policy, of its enterprise layer or any other, that the table does not support.

    While nothing was measured, a threshold may stay as it is or rise, not fall.
    """
    table = calibration_in_force(connection, at)
    wanted = _thresholds(content)
    if table is not None:
        return [problem for name, mark in wanted.items() if (problem := doubt(table, name, mark))]
    try:
        known = _thresholds(find_policy(connection, EVERYTHING, "approval", at=at).content)
    except NotFoundError:
        return []
    least = min(known.values())
    return [
        f"{name} = {mark:g} is looser than {least:g}, and nothing was measured yet that supports it: "
        "evenkeel policy calibrate"
        for name, mark in wanted.items()
        if mark < known.get(name, least)
    ]


def doubt(table: CalibrationTable, name: str, threshold: float) -> str:
    """Why a table does not support an auto threshold; empty when it does."""
    above, here = table.at_least(threshold), table.bin_of(threshold)
    if above.observations < ENOUGH:
        return (
            f"{name} = {threshold:g}: only {above.observations} choices were stated there or above, "
            f"fewer than the {ENOUGH} that would support it"
        )
    if here is not None and here.observations < ENOUGH_IN_TENTH:
        return (
            f"{name} = {threshold:g}: only {here.observations} choices were stated from {here.low:g} to {here.high:g}, "
            f"fewer than the {ENOUGH_IN_TENTH} that would support it"
        )
    for part, where in ((above, f"at {threshold:g} or above"), (here, "in its tenth")):
        if part is not None and is_overstated(part):
            return (
                f"{name} = {threshold:g}: of choices stated {where} with {part.stated:.1%} on average "
                f"only {part.observed:.1%} stayed best"
            )
    return ""


def is_overstated(part: CalibrationBin) -> bool:
    """Whether fewer choices stayed best than stated, beyond the tolerance."""
    return part.observed < part.stated - TOLERANCE


def verdict(part: CalibrationBin) -> str:
    """How a bin stands, in words."""
    if part.observations < ENOUGH:
        return "too few"
    if abs(part.observed - part.stated) <= TOLERANCE:
        return "within five points"
    return "overstated" if part.observed < part.stated else "understated"


def _thresholds(content: str) -> dict[str, float]:
    book = load_book(content)
    found = {".".join(_KEY): float(book.enterprise.confidence.planner_below)}
    for layer in book.layers:
        if _KEY in layer.values:
            found[f"layer {layer.name}: {'.'.join(_KEY)}"] = float(layer.values[_KEY])
    return found


def _text(table: CalibrationTable) -> str:
    data = table.model_dump(mode="json")
    lines = ["# Stated against observed confidence; measured by `evenkeel policy calibrate`."]
    lines += [
        f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}"
        for name, value in data.items()
        if name not in ("bins", "levels")
    ]
    for name in ("bins", "levels"):
        for part in data[name]:
            lines += ["", f"[[{name}]]", *(f"{key} = {value}" for key, value in part.items())]
    return "\n".join(lines) + "\n"
