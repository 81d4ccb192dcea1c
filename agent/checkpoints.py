"""Where the graphs keep their scratch paper: a SQLite file, or a schema of its own in the PostgreSQL database.

What is kept may be lost at any moment. A checkpoint may hold plain data and the types listed here, nothing else.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from inventory.database import BUSY_TIMEOUT_MS, Database
from inventory.errors import StoreError

if TYPE_CHECKING:
    import psycopg

LISTED_TYPES = [("inventory.records", "Tier"), ("inventory.records", "ProposalState")]
"""The only types of ours a checkpoint may hold."""
_THREADS = "SELECT DISTINCT thread_id FROM checkpoints"


@dataclass(frozen=True)
class Checkpoints:
    """An open saver, and how to ask which threads it holds."""

    saver: BaseCheckpointSaver[Any]
    threads: Callable[[], list[str]]

    def prune(self, live: set[str]) -> None:
        """Throw away every thread but these."""
        for thread in sorted(set(self.threads()) - live):
            self.saver.delete_thread(thread)

    def older_than(self, moment: datetime) -> list[str]:
        """Threads whose newest checkpoint was written before, by the machine's time."""
        return [thread for thread in sorted(self.threads()) if self._written(thread) < moment]

    def _written(self, thread: str) -> datetime:
        newest = self.saver.get_tuple({"configurable": {"thread_id": thread}})
        return datetime.fromisoformat(newest.checkpoint["ts"]) if newest else datetime.min.replace(tzinfo=UTC)


@contextmanager
def open_checkpoints(database: Database, path: Path) -> Iterator[Checkpoints]:
    """The scratch paper beside a database.

    Parameters
    ----------
    path
        The SQLite file; not used when the database is PostgreSQL.
    """
    if database.is_postgresql:
        with _connected(database.url) as connection:
            yield Checkpoints(
                _postgres_saver(connection), lambda: [row["thread_id"] for row in connection.execute(_THREADS)]
            )
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # The saver catches the interpreter's own SQLite errors only; what it keeps may be lost without harm.
    with closing(sqlite3.connect(path, check_same_thread=False)) as file:
        file.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        saver = SqliteSaver(file, serde=_serializer())
        saver.setup()
        yield Checkpoints(saver, lambda: [row[0] for row in file.execute(_THREADS)])


def prepare_checkpoints(url: str) -> None:
    """Make the schema and its tables, as the owner of the database; other accounts only use them."""
    with _connected(url) as connection:
        _postgres_saver(connection)


def _serializer() -> JsonPlusSerializer:
    return JsonPlusSerializer(allowed_msgpack_modules=LISTED_TYPES)


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    import psycopg
    from psycopg.rows import dict_row

    from inventory.postgres import CHECKPOINT_SCHEMA

    try:
        with psycopg.connect(url, autocommit=True, prepare_threshold=0, row_factory=dict_row) as connection:
            connection.execute(f"SET search_path = {CHECKPOINT_SCHEMA}")
            yield connection
    except psycopg.Error as error:
        raise StoreError(f"checkpoints cannot be kept: {str(error).splitlines()[0]}") from error


def _postgres_saver(connection: psycopg.Connection[dict[str, Any]]) -> BaseCheckpointSaver[Any]:
    """The saver; its tables are made where they are missing, which needs the owner of the database."""
    from langgraph.checkpoint.postgres import PostgresSaver

    from inventory.postgres import CHECKPOINT_SCHEMA

    saver = PostgresSaver(connection, serde=_serializer())
    known = connection.execute("SELECT to_regclass('checkpoint_migrations') AS name").fetchone()
    newest = None
    if known is not None and known["name"] is not None:
        newest = connection.execute("SELECT max(v) AS v FROM checkpoint_migrations").fetchone()
    if newest is None or newest["v"] != len(saver.MIGRATIONS) - 1:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {CHECKPOINT_SCHEMA}")
        saver.setup()
    return saver
