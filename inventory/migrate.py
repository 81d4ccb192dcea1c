"""Brings a database to the newest schema revision with Alembic."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from inventory.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0014"
"""Newest revision; a test compares it with the migration scripts."""


def upgrade(engine: Engine) -> None:
    """Run every missing migration in one transaction; a database at the head costs one query.

    Raises
    ------
    StoreError
        If a PostgreSQL database cannot hold every text.
    """
    with engine.begin() as connection:
        if inspect(connection).has_table("alembic_version"):
            current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
            if current == HEAD:
                return
        from alembic import command

        _refuse_other_encodings(connection)
        migrate(connection, command.upgrade, "head")


def migrate(connection: Connection, move: Callable[[Config, str], None], revision: str) -> None:
    """Move the schema to a revision with a command of Alembic, on a connection and in its transaction."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    move(config, revision)


def _refuse_other_encodings(connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise StoreError(f"the database is encoded in {encoding}; create it WITH ENCODING 'UTF8' TEMPLATE template0")
