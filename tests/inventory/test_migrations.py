"""The schema: built by the migrations, equal to the tables in code, and left alone once it is current."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError

import inventory.migrate
from inventory.anchor import Anchor
from inventory.database import Database
from inventory.migrate import HEAD, migrate
from inventory.postgres import migrating_engine
from inventory.tables import metadata
from tests import postgres
from tests.inventory.worlds import NOW, a_second_process, open_case

SCRIPTS = Path(inventory.migrate.__file__).parent / "migrations"


CATALOGUE = """
    SELECT table_name || '.' || column_name AS name,
           concat_ws(' ', data_type, collation_name, column_default, is_nullable) AS sql
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint
              WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


def schema(database: Database) -> list[tuple[str, str]]:
    """Name and text of everything the database knows."""
    listed = CATALOGUE if database.is_postgresql else "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    with database.read() as connection:
        return sorted((row.name, row.sql) for row in connection.execute(text(listed)))


def an_empty_database(path: Path) -> Database:
    """A database nothing was done to: a file that is not there yet, or one just created."""
    where = postgres.new_database(empty=True) if postgres.engine() == "postgresql" else path
    return postgres.remember(Database(where, Anchor(path.with_suffix(".anchor"))))


def test_the_migrated_schema_is_the_one_in_code(database: Database) -> None:
    with database.read() as connection:
        # What the types become on PostgreSQL is decided beneath Alembic; the next test compares them there.
        context = MigrationContext.configure(connection, opts={"compare_type": not database.is_postgresql})
        assert compare_metadata(context, metadata) == []


@contextmanager
def changing_the_schema(database: Database) -> Iterator[Connection]:
    """A connection as the migrations get it."""
    engine = migrating_engine(database.where) if isinstance(database.where, str) else database._writer
    with engine.begin() as connection:
        yield connection


def reflected(connection: Connection) -> dict[str, list[str]]:
    """Columns, defaults, keys, checks and partial indexes of every table, as the database tells them."""
    seen = inspect(connection)
    told: dict[str, list[str]] = {}
    for table in metadata.tables:
        parts = [
            *seen.get_columns(table),
            *seen.get_check_constraints(table),
            *seen.get_unique_constraints(table),
            *seen.get_foreign_keys(table),
            *seen.get_indexes(table),
            seen.get_pk_constraint(table),
        ]
        told[table] = sorted(repr({**part, "dialect_options": _plain(part.get("dialect_options"))}) for part in parts)
    return told


def _plain(options: object) -> str:
    return str({name: str(value) for name, value in options.items()}) if isinstance(options, dict) else ""


def test_the_migrated_defaults_checks_and_partial_indexes_are_those_in_code(database: Database, tmp_path: Path) -> None:
    """What the comparison of Alembic does not look at."""
    from_code = an_empty_database(tmp_path / "code.db")
    with changing_the_schema(from_code) as connection:
        metadata.create_all(connection)
    with database.read() as left, from_code.read() as right:
        migrated, in_code = reflected(left), reflected(right)
    from_code.dispose()
    assert migrated == in_code
    assert "not_overpromised" in str(migrated["stock_lines"])
    assert "closed" in str(migrated["cases"])
    assert "in_doubt" in str(migrated["proposals"])


def test_the_head_in_code_is_the_head_of_the_scripts(database: Database) -> None:
    assert ScriptDirectory(str(SCRIPTS)).get_heads() == [HEAD]
    with database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [HEAD]


def test_migrating_a_current_database_changes_nothing(database: Database) -> None:
    open_case(database)
    before = schema(database)
    for again in (database, a_second_process(database)):
        again.migrate()
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM cases")).scalar_one() == 1
        if not database.is_postgresql:
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    assert schema(database) == before


def test_migrating_builds_the_folder_and_the_same_schema_every_time(database: Database, tmp_path: Path) -> None:
    fresh = an_empty_database(tmp_path / "new" / "home" / "evenkeel.db")
    fresh.migrate()
    assert schema(fresh) == schema(database)
    fresh.dispose()


def test_a_migration_cut_short_leaves_nothing_and_can_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = command.upgrade

    def cut_short(*arguments: object) -> None:
        whole(*arguments)  # type: ignore[arg-type]  # passed on as they came
        raise KeyboardInterrupt

    fresh = an_empty_database(tmp_path / "evenkeel.db")
    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", cut_short)
        with pytest.raises(KeyboardInterrupt):
            fresh.migrate()
    assert schema(fresh) == []
    fresh.migrate()
    assert len(schema(fresh)) > 20
    fresh.dispose()


def settings_of(connection: Connection, names: Collection[str]) -> dict[str, object]:
    """What the connection runs with."""
    ask = "PRAGMA" if connection.dialect.name == "sqlite" else "SHOW"
    return {name: connection.execute(text(f"{ask} {name}")).scalar_one() for name in names}


DURABLE: dict[bool, dict[str, object]] = {
    False: {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000},
    True: {"synchronous_commit": "on", "lock_timeout": "10s", "statement_timeout": "1min", "client_encoding": "UTF8"},
}
"""By whether it is PostgreSQL."""


def test_every_connection_is_durable_and_holds_foreign_keys(database: Database) -> None:
    wanted = DURABLE[database.is_postgresql]
    with database.read() as connection:
        assert settings_of(connection, wanted) == wanted
    with database.write("evenkeel", NOW) as transaction:
        assert settings_of(transaction.connection, wanted) == wanted
    orphan = "INSERT INTO case_scopes (case_id, site, item_class) VALUES ('case-ghost', 'PORTO', '')"
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), database.write("evenkeel", NOW) as transaction:
        transaction.connection.execute(text(orphan))


def test_the_sqlite_at_hand_has_the_fix_for_two_writers(database: Database) -> None:
    assert tuple(int(part) for part in database.sqlite_version().split(".")) >= (3, 51, 3)


def test_every_migration_can_be_taken_back_and_done_again(database: Database) -> None:
    before = schema(database)
    with changing_the_schema(database) as connection:
        migrate(connection, command.downgrade, "base")
    assert {name for name, _ in schema(database) if "alembic" not in name} == set()
    database.migrate()
    assert schema(database) == before
