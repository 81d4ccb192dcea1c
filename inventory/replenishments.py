"""Replenishment runs: one a day and snapshot, kept whole."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, func, select

from inventory.database import Transaction
from inventory.record import canonical_record, load
from inventory.records import ReplenishmentRun, Scope
from inventory.tables import replenishment_runs


def insert_run(transaction: Transaction, run: ReplenishmentRun) -> None:
    """Keep a run; the schema refuses a second one of the same day, snapshot and mode."""
    connection = transaction.connection
    number = 1 + (connection.execute(select(func.max(replenishment_runs.c.number))).scalar_one() or 0)
    connection.execute(
        replenishment_runs.insert().values(
            run_id=run.run_id, number=number, day=run.day, snapshot_id=run.snapshot_id, shadow=int(run.shadow),
            plan_run_id=run.plan_run_id,
            at=run.at, body=canonical_record(run),
        )
    )  # fmt: skip
    transaction.record(
        "replenishment.recommended",
        "replenishment",
        run.run_id,
        {
            "day": run.day.isoformat(),
            "snapshot": run.snapshot_id,
            "shadow": run.shadow,
            "lines": len(run.lines),
            "value_minor": sum(line.value_minor for line in run.lines),
            "superseded": list(run.superseded),
        },
    )


def find_run(
    connection: Connection, scope: Scope, *, day: date, snapshot_id: str, shadow: bool
) -> ReplenishmentRun | None:
    """The run of a day on a snapshot, with the lines the reader may see."""
    body = connection.execute(
        select(replenishment_runs.c.body).where(
            replenishment_runs.c.day == day,
            replenishment_runs.c.snapshot_id == snapshot_id,
            replenishment_runs.c.shadow == int(shadow),
        )
    ).scalar_one_or_none()
    return None if body is None else _narrow(load(ReplenishmentRun, body), scope)


def run_of_plan(connection: Connection, plan_run_id: str) -> ReplenishmentRun | None:
    """The run that a joint decision is the record of, whole; ``None`` when no run is."""
    query = select(replenishment_runs.c.body).where(replenishment_runs.c.plan_run_id == plan_run_id)
    body = connection.execute(query).scalar_one_or_none()
    return None if body is None else load(ReplenishmentRun, body)


def list_runs(connection: Connection, scope: Scope, *, limit: int = 30) -> list[ReplenishmentRun]:
    """Newest runs first, with the lines the reader may see."""
    query = select(replenishment_runs.c.body).order_by(replenishment_runs.c.number.desc()).limit(limit)
    return [_narrow(load(ReplenishmentRun, body), scope) for body in connection.execute(query).scalars()]


def _narrow(run: ReplenishmentRun, scope: Scope) -> ReplenishmentRun:
    seen = tuple(line for line in run.lines if scope.allows(line.site, line.item_class))
    worked = tuple(row for row in run.worked if scope.sites is None or row.site in scope.sites)
    return run.model_copy(update={"lines": seen, "worked": worked})
