"""What the house runs with, on record: whenever a process starts with other settings than the last one told of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from inventory.database import Database
from inventory.record import canonical
from inventory.tables import audit

SUBJECT = "house"
EVENT = "configuration.changed"


def known_configuration(connection: Connection) -> str:
    """Canonical text of the configuration last told of; empty while none was."""
    query = (
        select(audit.c.body)
        .where(audit.c.subject_id == SUBJECT, audit.c.event == EVENT)
        .order_by(audit.c.sequence.desc())
        .limit(1)
    )
    return str(connection.execute(query).scalar_one_or_none() or "")


def note_configuration(database: Database, now: datetime, settings: dict[str, str], *, actor: str) -> bool:
    """Record the configuration if it is not the one last told of; returns whether it was.

    Parameters
    ----------
    settings
        What decides how the house acts, by name; no secrets, they would stay in the log for good.
    """
    with database.read() as connection:
        if known_configuration(connection) == canonical(settings):
            return False
    with database.write(actor, now) as transaction:
        if known_configuration(transaction.connection) == canonical(settings):
            return False  # another process starting now was first
        transaction.record(EVENT, "configuration", SUBJECT, dict(settings))
    return True
