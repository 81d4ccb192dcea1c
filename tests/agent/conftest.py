"""Worlds swept once, from which each test that writes takes a copy."""

from __future__ import annotations

import pytest

from tests.capability_worlds import swept_company
from tests.tools.conftest import Copy, a_copy, automatic, guided
from tests.worlds import World, two_sites_one_lane

__all__ = ["Copy", "a_copy", "automatic", "guided"]


@pytest.fixture(scope="session")
def formal(engine: str, tmp_path_factory: pytest.TempPathFactory) -> World:
    """One pending transfer of regulated goods worth more than one person may sign."""
    network = two_sites_one_lane("regulated", cost=400.0, price=900.0)
    world = World(tmp_path_factory.mktemp("formal") / "home", network, rollout="guided").furnish()
    world.desk.sweep()
    return world


@pytest.fixture(scope="session")
def company(engine: str, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A small company with something to say about every question; who writes in it takes a copy."""
    return swept_company(tmp_path_factory.mktemp("company") / "home")
