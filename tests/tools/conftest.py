"""Worlds furnished or swept once; a test that writes takes a copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.networks import copy_of, one_trouble_each
from tests.worlds import World, two_sites_one_lane

Copy = Callable[..., World]


@pytest.fixture(scope="session")
def troubled(engine: str, tmp_path_factory: pytest.TempPathFactory) -> World:
    """One item in each kind of trouble, and a sound one; not swept."""
    return World(tmp_path_factory.mktemp("troubled") / "home", one_trouble_each()).furnish()


@pytest.fixture(scope="session")
def guided(engine: str, tmp_path_factory: pytest.TempPathFactory) -> World:
    """One pending transfer in the planner tier, nobody has decided."""
    world = World(tmp_path_factory.mktemp("guided") / "home", two_sites_one_lane(), rollout="guided").furnish()
    world.desk.sweep()
    return world


@pytest.fixture(scope="session")
def automatic(engine: str, tmp_path_factory: pytest.TempPathFactory) -> World:
    """One transfer that policy signed, in its recall window."""
    world = World(tmp_path_factory.mktemp("automatic") / "home", two_sites_one_lane()).furnish()
    world.desk.sweep()
    return world


@pytest.fixture
def a_copy(tmp_path: Path) -> Iterator[Copy]:
    """Copies worlds into the test's own folder."""
    made: list[World] = []

    def copy(world: World, **changes: Any) -> World:
        made.append(copy_of(world, tmp_path / f"copy{len(made)}", **changes))
        return made[-1]

    yield copy
    for world in made:
        world.database.dispose()
