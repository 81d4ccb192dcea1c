"""What those who run the house must hear of: a silent worker, clocks that disagree, entries lost in a restore."""

from __future__ import annotations

from sqlalchemy import Connection

from inventory.restores import newest_restore
from inventory.workers import WorkerState, worker_state
from service.bootstrap import House
from tools.clocks import clock_problem


def operations_alarms(house: House, connection: Connection) -> list[str]:
    """Every alarm about running the house, a sentence each."""
    found = [worker_alarm(house, worker_state(connection)), clock_alarm(house, connection)]
    restored = newest_restore(connection)
    if restored is not None and restored.lost:
        found.append(f"restored on {restored.at:%Y-%m-%d %H:%M} UTC: {restored.lost}")
    return [words for words in found if words]


def worker_alarm(house: House, known: WorkerState | None) -> str:
    """What is wrong with the worker; empty while nothing is, or none ever worked here."""
    if known is None:
        return ""
    now = house.machine()
    if known.silent(now):
        minutes = int((now - known.beat_at).total_seconds() // 60)
        return f"worker {known.holder} was last heard of {minutes:,} minutes ago: start one with evenkeel worker"
    return f"worker {known.holder}: {known.trouble}" if known.trouble else ""


def clock_alarm(house: House, connection: Connection) -> str:
    """Which clocks disagree; empty while all agree."""
    problem = clock_problem(house.toolbox, connection)
    return f"{problem}: nothing is released without a person" if problem else ""
