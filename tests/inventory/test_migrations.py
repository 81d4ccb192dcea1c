"""The schema: built by the migrations, equal to the tables in code, and left alone once it is current."""

from __future__ import annotations

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
from inventory.migrate import HEAD
from inventory.tables import metadata
from tests.inventory.worlds import NOW, a_second_process, open_case

SCRIPTS = Path(inventory.migrate.__file__).parent / "migrations"


def schema(database: Database) -> list[tuple[str, str]]:
    """Name and text of everything SQLite knows."""
    with database.read() as connection:
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"))
        return [(row.name, row.sql) for row in rows]


def test_the_migrated_schema_is_the_one_in_code(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


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
    from_code = Database(tmp_path / "code.db", Anchor(tmp_path / "anchor"))
    with from_code.write("test", NOW) as transaction:
        metadata.create_all(transaction.connection)
    with database.read() as left, from_code.read() as right:
        migrated, in_code = reflected(left), reflected(right)
    from_code.dispose()
    assert migrated == in_code
    assert "not_overpromised" in str(migrated["stock_lines"])
    assert "state <> " in str(migrated["cases"])
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
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    assert schema(database) == before


def test_migrating_builds_the_folder_and_the_same_schema_every_time(database: Database, tmp_path: Path) -> None:
    fresh = Database(tmp_path / "new" / "home" / "evenkeel.db", Anchor(tmp_path / "anchor"))
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

    fresh = Database(tmp_path / "evenkeel.db", Anchor(tmp_path / "anchor"))
    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", cut_short)
        with pytest.raises(KeyboardInterrupt):
            fresh.migrate()
    assert schema(fresh) == []
    fresh.migrate()
    assert len(schema(fresh)) > 20
    fresh.dispose()


def test_every_connection_is_durable_and_holds_foreign_keys(database: Database) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    with database.read() as connection:
        assert {name: connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in wanted} == wanted
    with database.write("evenkeel", NOW) as transaction:
        found = {name: transaction.connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in wanted}
    assert found == wanted
    assert tuple(int(part) for part in database.sqlite_version().split(".")) >= (3, 51, 3)
    orphan = "INSERT INTO case_scopes (case_id, site, item_class) VALUES ('case-ghost', 'PORTO', '')"
    with pytest.raises(IntegrityError, match="FOREIGN KEY"), database.write("evenkeel", NOW) as transaction:
        transaction.connection.execute(text(orphan))
