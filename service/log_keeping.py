"""How a home keeps its log: the anchor with its signing key and further places, and what a start leaves on record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select

from inventory.anchor import Anchor
from inventory.configuration import note_configuration
from inventory.database import Database
from inventory.head_sinks import CommandSink, FolderSink, HeadDeliveries, HeadSink
from inventory.heads import HeadSigner, create_key
from inventory.log_report import KEY_EVENT
from inventory.tables import audit
from service.home import Layout
from service.settings import Settings

KEY_SUBJECT = "signing_key"


def house_anchor(settings: Settings, layout: Layout, clock: Callable[[], datetime]) -> Anchor:
    """The anchor of a home: signed, and sent on to the places the settings name."""
    sinks: list[HeadSink] = []
    if settings.heads_folder is not None:
        sinks.append(FolderSink(settings.heads_folder))
    if settings.heads_command:
        sinks.append(CommandSink(settings.heads_command))
    deliveries = HeadDeliveries(sinks, layout.anchor.parent) if sinks else None
    return Anchor(layout.anchor, HeadSigner(layout.signing_key, clock), deliveries)


def public_key(connection: Connection) -> str:
    """The public key the log tells of; empty for a log whose heads are not signed."""
    from inventory.audit import entries

    told = [entry.data["public"] for entry in entries(connection, subject_id=KEY_SUBJECT) if entry.event == KEY_EVENT]
    return str(told[0]) if told else ""


def note_start(
    database: Database,
    signing_key: Path,
    clock: Callable[[], datetime],
    configuration: dict[str, str],
    *,
    actor: str,
) -> None:
    """Put on record what a process starts with, where it is not known yet: the signing key, and the configuration.

    A key is made once in the life of a home. One that is gone later is not made anew: that would hide it.

    Parameters
    ----------
    configuration
        What decides how the house acts, by name, without secrets.
    """
    now = clock()
    with database.read() as connection:
        known = _knows_key(connection)
    if not known:
        _introduce_key(database, signing_key, clock, actor)
    note_configuration(database, now, configuration, actor=actor)


def database_words(database: Database) -> str:
    """Which database it is, without its password."""
    if not isinstance(database.where, str):
        return "sqlite"
    from sqlalchemy import make_url

    url = make_url(database.where)
    return f"postgresql {url.host or 'local'} {url.database or ''}".strip()


def _knows_key(connection: Connection) -> bool:
    query = select(audit.c.sequence).where(audit.c.subject_id == KEY_SUBJECT, audit.c.event == KEY_EVENT).limit(1)
    return connection.execute(query).first() is not None


def _introduce_key(database: Database, key: Path, clock: Callable[[], datetime], actor: str) -> None:
    if not key.exists():
        create_key(key)
    with database.write(actor, clock()) as transaction:
        if not _knows_key(transaction.connection):
            transaction.record(KEY_EVENT, "key", KEY_SUBJECT, {"public": HeadSigner(key, clock).public})
