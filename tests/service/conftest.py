"""A small open house: six items of the demo company, swept once a session and copied for every test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.bootstrap import House, open_home
from service.settings import Settings
from tests.service.doors import Doors, build_home


@pytest.fixture(scope="session")
def swept_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo home with data, written rules, users, one sweep and a simulated ERP."""
    return build_home(tmp_path_factory.mktemp("swept"))


@pytest.fixture
def home(swept_home: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    copied = tmp_path / "home"
    shutil.copytree(swept_home, copied)
    return copied


@pytest.fixture
def house(home: Path) -> Iterator[House]:
    """The copy, open."""
    opened = open_home(Settings(home=home))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def still_house(swept_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A copy that the tests of a module share, because they decide nothing in it."""
    copied = tmp_path_factory.mktemp("still") / "home"
    shutil.copytree(swept_home, copied)
    opened = open_home(Settings(home=copied))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def still_doors(still_house: House) -> Doors:
    """The command line of the shared copy."""
    return Doors(still_house.layout.home)


@pytest.fixture
def doors(home: Path) -> Doors:
    """The command line of the copy."""
    return Doors(home)
