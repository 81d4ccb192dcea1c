"""Hypothesis against the whole house: whatever happens in whatever order, every property holds after each step."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests import counts
from tests.house_machine import machine_on
from tests.worlds import World, two_stores_one_donor

RUNS, STEPS = {"sqlite": 30, "postgresql": 2}, 30


@pytest.fixture(scope="module")
def shelves(engine: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[World, World]:
    """Two houses to copy: a person decides everything, and policy decides what it may."""
    root = tmp_path_factory.mktemp(f"shelves-{engine}")
    person = World(root / "person", two_stores_one_donor(), rollout="guided").furnish()
    policy = World(root / "policy", two_stores_one_donor(flags="consumable"), rollout="auto").furnish()
    for world in (person, policy):
        world.desk.sweep()
    return person, policy


def run(shelf: World, directory: Path, runs: int, steps: int, *, repeat: int | None = None) -> None:
    """So many runs of so many steps; with a number to repeat the same ones each time, others for each number."""
    machine = machine_on(shelf, directory)
    run_state_machine_as_test(
        machine if repeat is None else seed(repeat)(machine),
        settings=settings(
            max_examples=runs, stateful_step_count=steps, deadline=None, database=None,
            suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink),
        ),
    )  # fmt: skip


@pytest.mark.parametrize("number", [0, 1], ids=["people", "policy"])
def test_whatever_happens_every_property_holds(
    shelves: tuple[World, World], engine: str, tmp_path: Path, number: int
) -> None:
    run(shelves[number], tmp_path, RUNS[engine] // 2, STEPS, repeat=5 + number)


@pytest.mark.acceptance
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("number", [0, 1], ids=["people", "policy"])
def test_whatever_happens_in_two_hundred_long_runs_every_property_holds(
    shelves: tuple[World, World], tmp_path: Path, number: int
) -> None:
    run(shelves[number], tmp_path, counts.of("runs", 100), 50)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("number", [0, 1], ids=["people", "policy"])
def test_whatever_happens_in_two_thousand_runs_of_a_hundred_steps_every_property_holds(
    shelves: tuple[World, World], tmp_path: Path, number: int
) -> None:
    run(shelves[number], tmp_path, counts.of("runs", 1000), 100)
