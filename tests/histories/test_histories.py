"""Clients work at one house at once, and what they were told has a legal explanation."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.histories.checker import problems
from tests.histories.history import History, Outcome
from tests.histories.recorder import record, short_stores
from tests.invariants import assert_house_in_order
from tests.worlds import World

ROUNDS, OPERATIONS, CLIENTS = {"sqlite": 3, "postgresql": 2}, 120, 6


@pytest.fixture(scope="module")
def waiting(engine: str, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A house with many proposals that wait for people; two of each item want one donor's units."""
    world = World(tmp_path_factory.mktemp(f"waiting-{engine}") / "house", short_stores(), rollout="guided").furnish()
    world.desk.sweep()
    return world


def explained_run(waiting: World, folder: Path, *, clients: int, operations: int, seed: int) -> History:
    """One run, explained and with the house in order afterwards."""
    world = waiting.copied_to(folder)
    history = record(world, clients=clients, operations=operations, seed=seed)
    assert problems(history) == []
    assert_house_in_order(world)
    world.database.dispose()
    return history


def test_what_clients_at_once_were_told_is_explained(waiting: World, engine: str, tmp_path: Path) -> None:
    told: Counter[tuple[str, Outcome]] = Counter()
    for seed in range(ROUNDS[engine]):
        history = explained_run(waiting, tmp_path / f"{seed}", clients=CLIENTS, operations=OPERATIONS, seed=seed)
        told.update((op.verb, op.outcome) for op in history.operations)
    assert_worth_checking(told, "approve", "execute", "read")


def assert_worth_checking(told: Counter[tuple[str, Outcome]], *verbs: str) -> None:
    """Each of these verbs counted somewhere, somebody was late, and somebody never knew."""
    assert {verb for verb, outcome in told if outcome is Outcome.OK} >= set(verbs), told
    assert {Outcome.LOST, Outcome.FAIL, Outcome.UNKNOWN} <= {outcome for _, outcome in told}, told
