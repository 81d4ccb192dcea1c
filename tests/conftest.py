"""Worlds that were built once and are copied by each test that works in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worlds import World, two_sites_one_lane, two_stores_one_donor


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> dict[str, World]:
    """Worlds to copy: a person decides (``guided``), policy decides (``auto``), two want one donor (``rivals``)."""
    root = tmp_path_factory.mktemp("shelf")
    worlds = {
        "guided": World(root / "guided", two_sites_one_lane(), rollout="guided"),
        "auto": World(root / "auto", two_sites_one_lane()),
        "rivals": World(root / "rivals", two_stores_one_donor(), rollout="guided"),
    }
    for world in worlds.values():
        world.furnish().desk.sweep()
    return worlds


@pytest.fixture
def guided(shelf: dict[str, World], tmp_path: Path) -> World:
    """One transfer waits for a person."""
    return shelf["guided"].copied_to(tmp_path / "guided")


@pytest.fixture
def auto(shelf: dict[str, World], tmp_path: Path) -> World:
    """One transfer was approved by policy and waits for its recall window."""
    return shelf["auto"].copied_to(tmp_path / "auto")


@pytest.fixture
def rivals(shelf: dict[str, World], tmp_path: Path) -> World:
    """Two transfers of the same donor wait for a person."""
    return shelf["rivals"].copied_to(tmp_path / "rivals")
