"""The one database, SQLite embedded or PostgreSQL, written one transaction at a time.

On SQLite every writing transaction is ``BEGIN IMMEDIATE`` (a deferred read-then-write fails at once under contention)
and commits are durable (WAL with ``synchronous=FULL``); :mod:`inventory.postgres` says how PostgreSQL does the same.
The audit entries of a transaction commit with its facts. After the commit the chain's new entries are appended to the
anchor, a file outside the database.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from inventory.anchor import Anchor
from inventory.audit import AuditEntry, insert_entries, last_link, next_entry
from inventory.audit_heads import keep_newest_head
from inventory.crash_points import crash_point
from inventory.errors import StoreError

BUSY_TIMEOUT_MS = 10_000


def sqlite_module() -> ModuleType:
    """The newest SQLite at hand: pysqlite3 where it ships (Linux), else the interpreter's own."""
    try:
        from pysqlite3 import dbapi2  # type: ignore[import-untyped]  # ships no type information
    except ImportError:
        import sqlite3

        return sqlite3
    module: ModuleType = dbapi2
    return module


def operating_system_user() -> str:
    """Who runs this process, as the operating system knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


@dataclass
class Transaction:
    """An open writing transaction: a connection, a moment, an actor, and the entries chained so far.

    Entries are written in one statement just before the commit: whoever rolls back to a savepoint drops those recorded
    since from ``entries``.
    """

    connection: Connection
    actor: str
    now: datetime
    os_user: str
    entries: list[AuditEntry] = field(default_factory=list)

    def record(self, event_name: str, subject: str, subject_id: str, body: dict[str, Any] | None = None) -> None:
        """Chain an audit entry that commits, or vanishes, with this transaction.

        Parameters
        ----------
        event_name
            Past tense, ``approval.granted``.
        subject, subject_id
            Kind and id of what it is about.
        body
            Plain JSON data: what a later reader needs.
        """
        newest = self.entries[-1] if self.entries else None
        entry = next_entry(
            (newest.sequence, newest.hash) if newest else last_link(self.connection),
            at=self.now,
            actor=self.actor,
            os_user=self.os_user,
            event=event_name,
            subject=subject,
            subject_id=subject_id,
            body=body or {},
        )
        self.entries.append(entry)


class Database:
    """Opens reading connections and writing transactions on one database.

    Parameters
    ----------
    where
        The SQLite file, or the URL of a PostgreSQL database; the schema is brought up by :meth:`migrate`.
    anchor
        Where the audit chain's heads go after each commit.
    """

    def __init__(self, where: Path | str, anchor: Anchor) -> None:
        self.where = where
        self.anchor = anchor
        self._os_user = operating_system_user()
        if isinstance(where, str):
            from inventory import postgres  # the dialect takes longer to load than a command that reads a case

            self._writer, self._reader = postgres.writing_engine(where), postgres.reading_engine(where)
        else:
            self._writer, self._reader = _engine(where, "BEGIN IMMEDIATE"), _engine(where, "BEGIN", "query_only = 1")

    @property
    def is_postgresql(self) -> bool:
        """Whether it is a PostgreSQL database; otherwise it is a SQLite file."""
        return isinstance(self.where, str)

    @property
    def path(self) -> Path:
        """The SQLite file; ``StoreError`` when there is none."""
        if isinstance(self.where, str):
            raise StoreError("the database is PostgreSQL: there is no file")
        return self.where

    @property
    def url(self) -> str:
        """The PostgreSQL database as libpq reads it, password included; ``StoreError`` when it is a SQLite file."""
        if not isinstance(self.where, str):
            raise StoreError(f"the database is the SQLite file {self.where}: there is no URL")
        from inventory.postgres import plain_url

        return plain_url(self.where)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one consistent state and cannot write."""
        with _plain_errors(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self, actor: str, now: datetime) -> Iterator[Transaction]:
        """A writing transaction: all of it commits, audit entries included, or nothing does.

        Raises
        ------
        ConflictError
            If the database rolled it back because of another transaction; :func:`inventory.conflicts.retrying` does
            the whole step again.
        """
        if now.tzinfo is None:
            raise StoreError(f"a transaction needs an aware time, not {now.isoformat()}")
        with _plain_errors(), self._writer.connect() as connection, connection.begin():
            transaction = Transaction(connection, actor, now.astimezone(UTC), self._os_user)
            yield transaction
            insert_entries(connection, transaction.entries)
            if transaction.entries:
                keep_newest_head(connection, self.anchor)
        crash_point("database.committed")
        self.anchor.append(transaction.entries)

    def sqlite_version(self) -> str:
        """Version of the SQLite library in use."""
        return str(sqlite_module().sqlite_version)

    def migrate(self) -> None:
        """Bring the schema to the newest revision; a current database is left untouched."""
        from inventory.migrate import upgrade

        if isinstance(self.where, str):
            from inventory.postgres import migrating_engine

            with _plain_errors():
                upgrade(migrating_engine(self.where))
            return
        self.where.parent.mkdir(parents=True, exist_ok=True)
        upgrade(self._writer)

    def dispose(self) -> None:
        """Close every pooled connection."""
        self._writer.dispose()
        self._reader.dispose()


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Say what a database error means where the caller can act upon it."""
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) is None:
            raise  # SQLite's own words are plain
        from inventory.postgres import in_plain_words

        meant = in_plain_words(error)
        if meant is None:
            raise
        raise meant from error


def _engine(path: Path, begin: str, *more: str) -> Engine:
    engine = create_engine(f"sqlite+pysqlite:///{path}", module=sqlite_module())

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {BUSY_TIMEOUT_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "mmap_size = 0",
            *more,
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
