"""A hundred random histories of five hundred operations by eight clients, none unexplained."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests import counts
from tests.histories.history import Outcome
from tests.histories.test_histories import assert_worth_checking, explained_run, waiting
from tests.worlds import World

__all__ = ["waiting"]
pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(3600)]
HISTORIES = counts.of("histories", 100)
OPERATIONS, CLIENTS = 500, 8


def test_none_of_a_hundred_histories_is_unexplained(waiting: World, tmp_path: Path) -> None:
    told: Counter[tuple[str, Outcome]] = Counter()
    for seed in range(HISTORIES):
        history = explained_run(waiting, tmp_path / f"{seed}", clients=CLIENTS, operations=OPERATIONS, seed=1000 + seed)
        told.update((op.verb, op.outcome) for op in history.operations)
    assert_worth_checking(told, "approve", "reject", "edit", "born", "snooze", "execute", "read")
