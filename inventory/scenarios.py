"""Stored what-ifs: versions by name, append-only; every user may read them."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from inventory.database import Transaction
from inventory.errors import NotFoundError
from inventory.record import canonical_record, digest, load
from inventory.records import Scope, StoredScenario
from inventory.tables import scenarios


def insert_scenario(transaction: Transaction, scenario: StoredScenario) -> int:
    """Keep the next version of a scenario; one equal to the newest is a replay. Returns its version."""
    newest = transaction.connection.execute(
        select(scenarios.c.version, scenarios.c.body)
        .where(scenarios.c.name == scenario.name)
        .order_by(scenarios.c.version.desc())
        .limit(1)
    ).one_or_none()
    if newest is not None and load(StoredScenario, newest.body) == scenario:
        return int(newest.version)
    version = 1 if newest is None else int(newest.version) + 1
    transaction.connection.execute(
        scenarios.insert().values(
            name=scenario.name, version=version, by=transaction.actor, at=transaction.now,
            body=canonical_record(scenario),
        )
    )  # fmt: skip
    transaction.record("scenario.stored", "scenario", f"{scenario.name}@v{version}", {"digest": digest(scenario)})
    return version


def find_scenario(connection: Connection, scope: Scope, name: str) -> StoredScenario:
    """The newest version of a scenario."""
    known = {scenario.name: scenario for scenario in list_scenarios(connection, scope)}
    if name not in known:
        listed = ", ".join(sorted(known)) or "none is stored"
        raise NotFoundError(f"{scope.user} asked for scenario {name!r}; known: {listed}")
    return known[name]


def list_scenarios(connection: Connection, scope: Scope) -> list[StoredScenario]:
    """The newest version of each, by name."""
    newest = select(scenarios.c.name, func.max(scenarios.c.version).label("version")).group_by(scenarios.c.name)
    top = newest.subquery()
    query = (
        select(scenarios.c.body)
        .join(top, (scenarios.c.name == top.c.name) & (scenarios.c.version == top.c.version))
        .order_by(scenarios.c.name)
    )
    return [load(StoredScenario, body) for body in connection.execute(query).scalars()]
