"""PostgreSQL as SQLite's equal: the same tables and digests, and one writer at a time.

- A writing transaction is SERIALIZABLE, and its first statement locks the table ``writer_lock``. LOCK TABLE takes no
  snapshot, so whatever follows sees everything that was committed before it; readers are never kept waiting.
- A reading one is REPEATABLE READ and READ ONLY: one state, whatever is written meanwhile.
- Integers are 64 bit, as SQLite's are. Text has no length limit, as in SQLite, and is kept in byte order
  (``COLLATE "C"``), because rankings and digests depend on it. Both hold for every table of every migration: they are
  what the portable types mean on this database, here and nowhere else.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Column, Connection, Engine, Integer, NullPool, create_engine, event, make_url
from sqlalchemy.dialects.postgresql.base import PGTypeCompiler
from sqlalchemy.exc import ArgumentError, DBAPIError

from inventory.errors import AccessError, ConflictError, InventoryError, StoreError

LOCK_TIMEOUT_MS = 10_000
"""How long a writer waits for another one; SQLite's busy timeout is the same."""
STATEMENT_TIMEOUT_MS = 60_000
"""One statement may read the ledger of a large network; none may run for ever."""
IDLE_WRITER_TIMEOUT_MS = 120_000
"""A writer that stopped between two statements (paused, or cut off) is rolled back, so that others may go on."""
CHECKPOINT_SCHEMA = "checkpoints"
"""Where LangGraph keeps its scratch paper."""
_WRITER_LOCK = "LOCK TABLE writer_lock IN SHARE ROW EXCLUSIVE MODE"
_MIGRATION_LOCK = "SELECT pg_advisory_xact_lock(77120008)"
_DRIVER = "postgresql+psycopg"
_NAMES = ("postgres", "postgresql", _DRIVER)
_ROLLED_BACK = ("40001", "40P01")
_BUSY, _TOO_LONG, _DENIED = "55P03", "57014", "42501"


def parse_url(url: str) -> URL:
    """The address of a database.

    Raises
    ------
    StoreError
        If it is no PostgreSQL URL. The URL itself is not repeated: it may hold a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError("the database URL cannot be understood; expected postgresql://user@host/name") from None
    if parsed.drivername not in _NAMES or not parsed.database:
        raise StoreError(f"a database URL begins with postgresql:// and names a database, not {parsed.drivername}://")
    return parsed.set(drivername=_DRIVER)


def plain_url(url: str) -> str:
    """The same address as libpq reads it, password included."""
    return parse_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def writing_engine(url: str) -> Engine:
    """Connections whose transactions follow one another."""
    return _engine(url, "SERIALIZABLE", _WRITER_LOCK, idle_in_transaction_session_timeout=IDLE_WRITER_TIMEOUT_MS)


def reading_engine(url: str) -> Engine:
    """Connections that see one state each and cannot write."""
    return _engine(url, "REPEATABLE READ").execution_options(postgresql_readonly=True)


def migrating_engine(url: str) -> Engine:
    """One connection that changes the schema while no other does."""
    return _engine(url, "READ COMMITTED", _MIGRATION_LOCK, pooled=False)


def _engine(url: str, isolation: Any, first: str = "", *, pooled: bool = True, **more: int) -> Engine:
    address = parse_url(url)
    settings = {
        "lock_timeout": LOCK_TIMEOUT_MS,
        "statement_timeout": STATEMENT_TIMEOUT_MS,
        "synchronous_commit": "on",
        "client_encoding": "UTF8",
        **more,
    }
    theirs = address.query.get("options", "")
    options = " ".join([*(f"-c {name}={value}" for name, value in settings.items()), str(theirs)])
    engine = create_engine(
        address.difference_update_query(["options"]),
        isolation_level=isolation,
        connect_args={"options": options.strip(), "connect_timeout": 10, "keepalives_idle": 30},
        **({"pool_pre_ping": True} if pooled else {"poolclass": NullPool}),
    )
    dialect = engine.dialect
    dialect.type_compiler_instance = _SqliteEqual(dialect)
    # Left to itself it would declare every whole number that is sent as one of 32 bits.
    dialect.colspecs = {kind: sent for kind, sent in dialect.colspecs.items() if kind is not Integer}
    if first:

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql(first)

    return engine


class _SqliteEqual(PGTypeCompiler):
    """What the portable column types become, so that both databases hold the same and sort it alike."""

    def visit_INTEGER(self, type_: Any, **more: Any) -> str:
        """64 bits where it is a column: money is counted in minor units."""
        return "BIGINT" if isinstance(more.get("type_expression"), Column) else "INTEGER"

    def visit_VARCHAR(self, type_: Any, **more: Any) -> str:
        """Text without a limit, in byte order where it is a column."""
        return 'VARCHAR COLLATE "C"' if isinstance(more.get("type_expression"), Column) else "VARCHAR"

    def visit_TEXT(self, type_: Any, **more: Any) -> str:
        """The same."""
        return 'TEXT COLLATE "C"' if isinstance(more.get("type_expression"), Column) else "TEXT"


def in_plain_words(error: DBAPIError) -> InventoryError | None:
    """What a failed statement means for the caller; ``None`` where the error speaks for itself."""
    state = getattr(error.orig, "sqlstate", None)
    said = str(error.orig).splitlines()[0] if error.orig is not None else ""
    if state in _ROLLED_BACK:
        return ConflictError(f"the transaction was rolled back because of another one: {said}")
    if state == _BUSY:
        return StoreError(f"another writer has held the database for {LOCK_TIMEOUT_MS // 1000} s; nothing was written")
    if state == _TOO_LONG:
        return StoreError(f"a statement took longer than {STATEMENT_TIMEOUT_MS // 1000} s; nothing was written")
    if state == _DENIED:
        return AccessError(f"the database account of this process may not do this: {said}")
    return None
