"""Stock lines that have less than is frozen on them: people must say who goes short."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection

from inventory.freezes import ShortFreeze, short_freezes
from inventory.records import EVERYTHING, CaseKind, Finding
from tools.thresholds import Thresholds

KIND = CaseKind.DATA_PROBLEM


def frozen_short(connection: Connection, thresholds: Thresholds, today: date) -> list[Finding]:
    """One finding per freeze that the stock on its line no longer covers; nothing was taken from it."""
    return [_finding(short, thresholds, today) for short in short_freezes(connection, EVERYTHING)]


def _finding(short: ShortFreeze, thresholds: Thresholds, today: date) -> Finding:
    freeze = short.row.freeze
    return Finding(
        kind=KIND,
        item=freeze.item,
        site=freeze.site,
        cause=f"frozen_short:{freeze.freeze_id}",
        bites_on=today,
        quantity=short.short,
        threshold="freeze.remaining",
        threshold_value=float(short.row.remaining),
        threshold_version=thresholds.version,
        measures={
            "frozen": float(short.row.remaining),
            "on_hand": float(short.on_hand),
            "short": float(short.short),
        },
        note=f"{short.row.remaining} units are frozen for {freeze.purpose} until {freeze.until:%Y-%m-%d}, and "
        f"{short.short} of them are not there: {short.on_hand} on hand. Find them, or lift the freeze.",
    )
