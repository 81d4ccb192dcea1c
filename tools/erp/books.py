"""The SQLite file behind the simulated ERP: its tables, and how they are read and written.

The file is shared by every process that opens it and survives the death of any of them: WAL, ``synchronous=FULL``,
writers serialised by ``BEGIN IMMEDIATE``. One connection per operation, so threads share nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inventory.database import BUSY_TIMEOUT_MS, sqlite_module
from tools.errors import ErpUnreachableError, ToolInputError

SCHEMA = """
CREATE TABLE IF NOT EXISTS stock (
    item TEXT NOT NULL, site TEXT NOT NULL, lot TEXT NOT NULL, on_hand INTEGER NOT NULL CHECK (on_hand >= 0),
    PRIMARY KEY (item, site, lot)
);
CREATE TABLE IF NOT EXISTS orders (
    number INTEGER PRIMARY KEY, reference TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL, native_key INTEGER NOT NULL, body TEXT NOT NULL,
    action TEXT NOT NULL, destination TEXT NOT NULL, origin TEXT NOT NULL, supplier TEXT NOT NULL,
    order_id TEXT NOT NULL, mode TEXT NOT NULL, ship_on TEXT NOT NULL, arrive_on TEXT NOT NULL,
    posted_at TEXT NOT NULL, visible_at TEXT NOT NULL, expedited INTEGER NOT NULL DEFAULT 0, received_on TEXT
);
CREATE INDEX IF NOT EXISTS orders_by_key ON orders (key);
CREATE UNIQUE INDEX IF NOT EXISTS one_order_per_native_key ON orders (key) WHERE native_key = 1;
CREATE TABLE IF NOT EXISTS order_lines (
    number INTEGER NOT NULL REFERENCES orders (number), line INTEGER NOT NULL, item TEXT NOT NULL, lot TEXT NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity > 0), received INTEGER NOT NULL DEFAULT 0 CHECK (received <= quantity),
    received_on TEXT, refused INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (number, line)
);
CREATE TABLE IF NOT EXISTS restricted (
    item TEXT NOT NULL, site TEXT NOT NULL, lot TEXT NOT NULL, status TEXT NOT NULL,
    on_hand INTEGER NOT NULL CHECK (on_hand >= 0), PRIMARY KEY (item, site, lot, status)
);
CREATE TABLE IF NOT EXISTS faults (number INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
"""


class Books:
    """Opens reading and writing connections on one file; creates it, with its tables, when absent."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sqlite = sqlite_module()
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
            columns = {row["name"] for row in connection.execute("PRAGMA table_info(order_lines)")}
            if "refused" not in columns:  # a file made before goods could be refused
                connection.execute("ALTER TABLE order_lines ADD COLUMN refused INTEGER NOT NULL DEFAULT 0")

    @contextmanager
    def read(self) -> Iterator[Any]:
        """A connection that sees one consistent state."""
        with closing(self._connect()) as connection:
            connection.execute("BEGIN")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Any]:
        """A writing transaction: all of it is durable at the end, or nothing happened.

        Raises
        ------
        ErpUnreachableError
            Other writers held the file for too long; nothing was written.
        """
        with closing(self._connect()) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except self._sqlite.OperationalError as error:
                raise ErpUnreachableError(f"the simulated ERP at {self.path.name} is busy: {error}") from error
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connect(self) -> Any:
        connection = self._sqlite.connect(str(self.path), timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)
        connection.row_factory = self._sqlite.Row
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection


def utc(moment: datetime) -> datetime:
    """The moment in UTC; `ToolInputError` if it has no offset."""
    if moment.tzinfo is None:
        raise ToolInputError(f"a time needs an offset, not {moment.isoformat()}")
    return moment.astimezone(UTC)


def stamp(moment: datetime) -> str:
    """The moment as the file keeps it: UTC text that sorts by time."""
    return utc(moment).isoformat(timespec="microseconds")
