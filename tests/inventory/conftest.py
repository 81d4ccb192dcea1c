"""A migrated database, built once a session and copied for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from inventory.anchor import Anchor
from inventory.database import Database
from tests.inventory.worlds import a_database


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database as the migrations build it."""
    directory = tmp_path_factory.mktemp("template")
    database = Database(directory / "template.db", Anchor(directory / "template.anchor"))
    database.migrate()
    database.dispose()
    return database.path


@pytest.fixture
def database(template: Path, tmp_path: Path) -> Iterator[Database]:
    """A fresh copy of the template."""
    fresh = a_database(template, tmp_path)
    yield fresh
    fresh.dispose()
