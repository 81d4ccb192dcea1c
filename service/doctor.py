"""What ``evenkeel doctor`` looks at: the installation and the home, never the business in it."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from inventory.chronicle import KILL_SWITCH, switch_is_on
from inventory.database import sqlite_module
from inventory.document_windows import windows
from inventory.errors import InventoryError
from inventory.log_report import examine_log
from inventory.record import Record
from inventory.records import EVERYTHING
from inventory.restores import newest_restore
from inventory.rulebook import find_policy
from inventory.workers import worker_state
from service.bootstrap import House, open_home
from service.errors import HomeError
from service.home import HomeKind
from service.settings import Settings, unknown_variables
from service.sign_in import has_administrator
from service.watch import clock_alarm, worker_alarm
from tools.clocks import SKEW_LIMIT

SAFE_SQLITE = (3, 51, 3)
"""Older ones may damage a database that two connections write to: the WAL-reset race."""


class Health(StrEnum):
    """How a check came out."""

    SOUND = "sound"
    WARNING = "warning"
    BROKEN = "broken"


class Check(Record):
    """One thing looked at."""

    name: str
    health: Health
    found: str


def examine(settings: Settings) -> list[Check]:
    """Every check, in order; without a home only those about the installation."""
    checks = [_python(), _sqlite(), _variables()]
    try:
        house = open_home(settings)
    except (HomeError, InventoryError, DatabaseError) as error:
        return [*checks, Check(name="home", health=Health.BROKEN, found=str(error))]
    try:
        checks.append(_sound("home", f"{house.kind} home at {settings.home}, time {house.clock():%Y-%m-%d %H:%M} UTC"))
        return checks + [_guarded(name, look, house) for name, look in LOOKS.items()]
    finally:
        house.close()


def _sound(name: str, found: str) -> Check:
    return Check(name=name, health=Health.SOUND, found=found)


def _python() -> Check:
    return _sound("python", platform.python_version())


def _sqlite() -> Check:
    version = str(sqlite_module().sqlite_version)
    if tuple(int(part) for part in version.split(".")) >= SAFE_SQLITE:
        return _sound("sqlite", version)
    wanted = ".".join(map(str, SAFE_SQLITE))
    return Check(name="sqlite", health=Health.WARNING, found=f"{version}; {wanted} has the WAL-reset fix")


def _variables() -> Check:
    unknown = unknown_variables(os.environ)
    if unknown:
        return Check(name="settings", health=Health.WARNING, found=f"set nothing: {', '.join(unknown)}")
    return _sound("settings", "every EVENKEEL_ variable is known")


def _guarded(name: str, look: Callable[[House], tuple[Health, str]], house: House) -> Check:
    try:
        health, found = look(house)
    except (InventoryError, DatabaseError, OSError) as error:
        health, found = Health.BROKEN, str(error)
    return Check(name=name, health=health, found=found)


def _database(house: House) -> tuple[Health, str]:
    return _postgresql(house) if house.database.is_postgresql else _sqlite_file(house)


def _postgresql(house: House) -> tuple[Health, str]:
    from inventory.database_roles import standing

    with house.database.read() as connection:
        version, durable = (
            connection.execute(text(f"SHOW {name}")).scalar_one() for name in ("server_version", "fsync")
        )
        head = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        who = standing(connection)
    said = f"PostgreSQL {version}, schema {head}, account {who.account}: {', '.join(who.roles) or 'none of our roles'}"
    problems = []
    if durable != "on":
        problems.append("fsync is off: a power cut may lose what was committed")
    if who.may_rewrite_log:
        problems.append("this account may rewrite the audit log: connect as a member of one role (database grant)")
    return (Health.WARNING if problems else Health.SOUND), "; ".join([said, *problems])


def _sqlite_file(house: House) -> tuple[Health, str]:
    with house.database.read() as connection:
        said = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check"))]
        dangling = connection.execute(text("PRAGMA foreign_key_check")).all()
    if said != ["ok"] or dangling:
        return Health.BROKEN, f"integrity check: {said[0]}; {len(dangling)} dangling references"
    return Health.SOUND, "integrity check ok"


def _audit(house: House) -> tuple[Health, str]:
    with house.database.read() as connection:
        found = examine_log(connection, house.database.anchor)
    if not found.sound:
        return Health.BROKEN, found.alarms[0].words
    if found.undelivered:
        return Health.WARNING, "; ".join(place.words for place in found.undelivered)
    chain = found.chain
    return (
        Health.WARNING if chain.not_anchored or found.not_signed else Health.SOUND,
        f"{chain.entries:,} entries, {chain.not_anchored:,} not anchored, {found.not_signed:,} not signed for, "
        f"{found.rows:,} rows as the log tells them",
    )


def _snapshot(house: House) -> tuple[Health, str]:
    current = house.snapshots.current()
    if current is None:
        return Health.WARNING, "no data yet: evenkeel import FOLDER"
    current.verify()
    return Health.SOUND, f"{current.snapshot_id} as of {current.as_of:%Y-%m-%d %H:%M} UTC, every part verified"


def _rules(house: House) -> tuple[Health, str]:
    from agent.errors import PolicyError
    from agent.policy_book import load_policy
    from tools.errors import ToolInputError
    from tools.thresholds import parse_thresholds

    with house.database.read() as connection:
        approval = find_policy(connection, EVERYTHING, "approval")
        thresholds = find_policy(connection, EVERYTHING, "thresholds")
        documents = len(windows(connection))
    try:
        load_policy(approval.content)
        parse_thresholds(thresholds.content)
    except (PolicyError, ToolInputError) as error:
        return Health.BROKEN, str(error)
    said = f"approval policy v{approval.version}, thresholds v{thresholds.version}, {documents} documents"
    return (Health.SOUND if documents else Health.WARNING), said


def _people(house: House) -> tuple[Health, str]:
    with house.database.read() as connection:
        if has_administrator(connection):
            return Health.SOUND, "there is an administrator"
    return Health.WARNING, "no administrator yet: evenkeel user add ID --name NAME --roles administrator"


def _execution(house: House) -> tuple[Health, str]:
    from inventory.doubts import alarms
    from tools.reappeared import reappeared

    current = house.snapshots.current()
    with house.database.read() as connection:
        stopped = switch_is_on(connection, KILL_SWITCH)
        waiting = len(alarms(connection, EVERYTHING, house.clock()))
        unlike = reappeared(connection, EVERYTHING, current) if current else []
    said = f"ERP {house.erp_kind}, roll-out {house.rollout}, kill switch {'on' if stopped else 'off'}"
    if waiting:
        said += f", {waiting} documents or tasks wait for a person: evenkeel tasks"
    said = "; ".join([said, *(found.words for found in unlike)])
    return (Health.WARNING if stopped or waiting or unlike or house.erp_kind == "none" else Health.SOUND), said


def _worker(house: House) -> tuple[Health, str]:
    with house.database.read() as connection:
        known = worker_state(connection)
    if known is None:
        needed = house.kind is HomeKind.PRODUCTION and house.erp_kind != "none"
        return (Health.WARNING if needed else Health.SOUND), "no worker: execution is started by hand"
    said = f"{known.holder}, last heard of {known.beat_at:%Y-%m-%d %H:%M:%S} UTC"
    alarm = worker_alarm(house, known)
    return (Health.WARNING, alarm) if alarm else (Health.SOUND, said)


def _clocks(house: House) -> tuple[Health, str]:
    with house.database.read() as connection:
        alarm = clock_alarm(house, connection)
    limit = f"{SKEW_LIMIT.total_seconds():.0f} s"
    return (Health.WARNING, alarm) if alarm else (Health.SOUND, f"no two differ by more than {limit}")


def _restores(house: House) -> tuple[Health, str]:
    with house.database.read() as connection:
        restored = newest_restore(connection)
    if restored is None:
        return Health.SOUND, "never put back from a backup"
    said = f"{restored.at:%Y-%m-%d %H:%M} UTC from a backup of {restored.taken_at:%Y-%m-%d %H:%M} UTC"
    return (Health.WARNING, f"{said}: {restored.lost}") if restored.lost else (Health.SOUND, said)


LOOKS: dict[str, Callable[[House], tuple[Health, str]]] = {
    "database": _database,
    "audit chain": _audit,
    "snapshot": _snapshot,
    "rules": _rules,
    "people": _people,
    "execution": _execution,
    "worker": _worker,
    "clocks": _clocks,
    "restores": _restores,
}
"""Checks of a home, by name."""
