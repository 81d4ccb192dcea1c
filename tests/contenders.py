"""Contenders for a race: threads that start together, each with its own house on one folder."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from inventory.errors import LostRaceError
from inventory.records import ProposalState
from tests.crashes import house
from tests.worlds import TurnableClock, World

T = TypeVar("T")
LOST = "lost"
CONTENDERS = (("approve", "pia"), ("approve", "ada"))


class Barrier(Protocol):
    """Lets everybody start together."""

    def wait(self) -> object:
        """Wait for the others."""


def second_desk(world: World) -> World:
    """The same folder as another process would open it."""
    return World(world.folder, world.network, TurnableClock(world.clock()), world.native_key, world.rollout)


def together(*actions: Callable[[], T]) -> list[T]:
    """Run actions in threads that start at once; answers in their order."""
    start = threading.Barrier(len(actions))

    def run(action: Callable[[], T]) -> T:
        start.wait(10)
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def decide_first(world: World, verb: str, user_id: str) -> str:
    """Try to decide the one pending proposal; the state it got, or that somebody was first."""
    (proposal,) = [p for p in world.proposals() if p.content.version == 1]
    try:
        return world.decide(proposal, verb, user_id).state.value
    except LostRaceError:
        return LOST


def race_of_two_decisions(world: World, contenders: Sequence[tuple[str, str]] = CONTENDERS) -> list[str]:
    """Two desks decide one proposal at once; what each of them was told."""
    desks = [world, second_desk(world)]
    answers = together(
        *(
            lambda desk=desk, verb=verb, user_id=user_id: decide_first(desk, verb, user_id)
            for desk, (verb, user_id) in zip(desks, contenders, strict=True)
        )
    )
    desks[1].database.dispose()
    return answers


def race_of_two_processes(folders: Sequence[Path]) -> None:
    """Two processes decide the proposal of each folder in turn, starting together; the folders hold what came of it."""
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(len(CONTENDERS))
    workers = [
        spawn.Process(target=_decide_each, args=(list(folders), verb, user_id, start)) for verb, user_id in CONTENDERS
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(300)
    assert [worker.exitcode for worker in workers] == [0] * len(workers)


def _decide_each(folders: list[Path], verb: str, user_id: str, start: Barrier) -> None:
    for folder in folders:
        world = house(folder)
        assert world.proposals(ProposalState.PENDING, ProposalState.APPROVED)
        start.wait()
        decide_first(world, verb, user_id)
        world.database.dispose()
