"""Worlds that tests only read, furnished once."""

from __future__ import annotations

import pytest

from tests.tools.networks import one_trouble_each
from tests.worlds import World


@pytest.fixture(scope="session")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> World:
    """One item in each kind of trouble, and a sound one; not swept."""
    return World(tmp_path_factory.mktemp("troubled") / "home", one_trouble_each()).furnish()
