"""What happened over time: sweeps, feed health, KPI points, outcomes, overrides and switches."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, func, select, update

from inventory.cases import find_case
from inventory.database import Transaction
from inventory.errors import NotFoundError
from inventory.record import canonical_record, load
from inventory.records import FeedHealth, KpiPoint, Outcome, Override, Scope, Sweep
from inventory.tables import feed_health, kpi_points, outcomes, overrides, sweeps, switches

KILL_SWITCH = "kill_switch"


def insert_sweep(transaction: Transaction, sweep: Sweep, points: Iterable[KpiPoint]) -> None:
    """Keep a finished sweep and its KPI points; a sweep id is kept once."""
    connection = transaction.connection
    number = 1 + (connection.execute(select(func.max(sweeps.c.number))).scalar_one() or 0)
    connection.execute(
        sweeps.insert().values(
            sweep_id=sweep.sweep_id,
            number=number,
            snapshot_id=sweep.snapshot_id,
            finished_at=sweep.finished_at,
            body=canonical_record(sweep),
        )
    )
    kept = [
        {
            "sweep_id": point.sweep_id,
            "name": point.name,
            "site": point.site,
            "at": point.at,
            "body": canonical_record(point),
        }
        for point in points
    ]
    if kept:
        connection.execute(kpi_points.insert(), kept)
    transaction.record(
        "sweep.finished",
        "sweep",
        sweep.sweep_id,
        {
            "snapshot": sweep.snapshot_id,
            "found": sweep.found,
            "shown": sweep.shown,
            "automatic": sweep.automatic,
            "held_back": sweep.held_back,
            "cleared": sweep.cleared,
        },
    )


def count_sweeps(connection: Connection, scope: Scope) -> int:
    """How many sweeps were kept; every user may know that there was one."""
    return int(connection.execute(select(func.count()).select_from(sweeps)).scalar_one())


def list_sweeps(connection: Connection, scope: Scope, *, limit: int = 30) -> list[Sweep]:
    """Newest sweeps first, with dispositions of the cases the reader may see."""
    query = select(sweeps.c.body).order_by(sweeps.c.number.desc()).limit(limit)
    found = [load(Sweep, body) for body in connection.execute(query).scalars()]
    if scope.sites is None and scope.item_classes is None:
        return found
    return [
        sweep.model_copy(
            update={
                "dispositions": {
                    case: what for case, what in sweep.dispositions.items() if _may_see(connection, scope, case)
                }
            }
        )
        for sweep in found
    ]


def _may_see(connection: Connection, scope: Scope, case_id: str) -> bool:
    if scope.sites is None and scope.item_classes is None:
        return True
    try:
        find_case(connection, scope, case_id)
    except NotFoundError:
        return False
    return True


def list_kpi_points(connection: Connection, scope: Scope, *, name: str | None = None) -> list[KpiPoint]:
    """KPI points by time; readers limited to sites see only those sites' points."""
    query = select(kpi_points.c.body).order_by(kpi_points.c.at, kpi_points.c.name, kpi_points.c.site)
    if name is not None:
        query = query.where(kpi_points.c.name == name)
    if scope.sites is not None:
        query = query.where(kpi_points.c.site.in_(sorted(scope.sites)))
    return [load(KpiPoint, body) for body in connection.execute(query).scalars()]


def save_feed_health(transaction: Transaction, snapshot_id: str, rows: Iterable[FeedHealth]) -> None:
    """Keep the state of the feeds of a snapshot; saving again replaces it."""
    connection = transaction.connection
    connection.execute(delete(feed_health).where(feed_health.c.snapshot_id == snapshot_id))
    kept = [
        {"snapshot_id": snapshot_id, "feed": row.feed, "site": row.site, "body": canonical_record(row)} for row in rows
    ]
    if kept:
        connection.execute(feed_health.insert(), kept)


def list_feed_health(connection: Connection, scope: Scope, snapshot_id: str) -> list[FeedHealth]:
    """State of the feeds of a snapshot, by feed and site."""
    query = (
        select(feed_health.c.body)
        .where(feed_health.c.snapshot_id == snapshot_id)
        .order_by(feed_health.c.feed, feed_health.c.site)
    )
    if scope.sites is not None:
        query = query.where(feed_health.c.site.in_(sorted(scope.sites)))
    return [load(FeedHealth, body) for body in connection.execute(query).scalars()]


def save_outcome(transaction: Transaction, outcome: Outcome) -> None:
    """Open an outcome, or complete one; an observed outcome is final."""
    connection = transaction.connection
    known = connection.execute(
        select(outcomes.c.state).where(outcomes.c.proposal_id == outcome.proposal_id)
    ).scalar_one_or_none()
    if known == "observed" or known == outcome.state:
        return
    values = {"state": outcome.state, "body": canonical_record(outcome)}
    if known is None:
        connection.execute(outcomes.insert().values(proposal_id=outcome.proposal_id, **values))
    else:
        connection.execute(update(outcomes).where(outcomes.c.proposal_id == outcome.proposal_id).values(**values))
    transaction.record(f"outcome.{outcome.state}", "proposal", outcome.proposal_id, outcome.model_dump(mode="json"))


def list_outcomes(connection: Connection, scope: Scope, *, state: str | None = None) -> list[Outcome]:
    """Outcomes of the cases the reader may see, by proposal."""
    query = select(outcomes.c.body).order_by(outcomes.c.proposal_id)
    if state is not None:
        query = query.where(outcomes.c.state == state)
    found = [load(Outcome, body) for body in connection.execute(query).scalars()]
    return [outcome for outcome in found if _may_see(connection, scope, outcome.case_id)]


def insert_override(transaction: Transaction, override: Override) -> None:
    """Keep that a person decided otherwise, and why."""
    transaction.connection.execute(
        overrides.insert().values(
            proposal_id=override.proposal_id,
            by=override.by,
            reason=override.reason.value,
            at=override.at,
            body=canonical_record(override),
        )
    )
    transaction.record("override.recorded", "proposal", override.proposal_id, override.model_dump(mode="json"))


def list_overrides(connection: Connection, scope: Scope) -> list[Override]:
    """Overrides on the cases the reader may see, oldest first."""
    found = [load(Override, b) for b in connection.execute(select(overrides.c.body).order_by(overrides.c.at)).scalars()]
    return [override for override in found if _may_see(connection, scope, override.case_id)]


def set_switch(transaction: Transaction, name: str, on: bool) -> None:
    """Turn a switch; it binds from this commit on."""
    connection = transaction.connection
    connection.execute(delete(switches).where(switches.c.name == name))
    connection.execute(switches.insert().values(name=name, on=int(on), by=transaction.actor, at=transaction.now))
    transaction.record(f"switch.{'set' if on else 'lifted'}", "switch", name, {"on": on})


def switch_is_on(connection: Connection, name: str) -> bool:
    """Whether a switch is on; one never turned is off."""
    return bool(connection.execute(select(switches.c.on).where(switches.c.name == name)).scalar_one_or_none())
