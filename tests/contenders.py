"""Contenders for a race: threads that start together, each with its own house on one folder."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Protocol, TypeVar

import pytest

from agent.decisions import Decision, Verb
from agent.ruling import rule
from inventory.errors import LostRaceError
from inventory.people import save_user
from inventory.records import ProposalState, User
from tests.compiled import compile_once
from tests.crashes import house
from tests.processes import forks
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
    context = forks()
    start = context.Barrier(len(CONTENDERS))
    workers = [
        context.Process(target=_decide_each, args=(list(folders), verb, user_id, start)) for verb, user_id in CONTENDERS
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


APPROVERS = tuple(
    User(user_id=f"p{number:02}", name=f"Planner {number}", roles=("planner",), value_limit_minor=500_000)
    for number in range(32)
)


def introduce(world: World, people: Sequence[User] = APPROVERS) -> None:
    """Let the world know some people."""
    with world.database.write("root", world.clock()) as transaction:
        for person in people:
            save_user(transaction, person)


def race_of_all(folders: Sequence[Path], *, processes: int = 2) -> list[list[str]]:
    """Every approver approves the proposal of each folder in turn, all starting at once, threads in processes.

    Returns
    -------
    list[list[str]]
        For each folder, the state each approver got, or that somebody was first.
    """
    context = forks()
    start, answers = context.Barrier(len(APPROVERS)), context.SimpleQueue()
    workers = [
        context.Process(target=_approve_each, args=(list(folders), APPROVERS[first::processes], start, answers))
        for first in range(processes)
    ]
    for worker in workers:
        worker.start()
    told: list[list[str]] = [[] for _ in folders]
    for _ in range(len(APPROVERS) * len(folders)):
        number, answer = answers.get()
        told[number].append(answer)
    for worker in workers:
        worker.join(300)
    assert [worker.exitcode for worker in workers] == [0] * len(workers)
    return told


def _approve_each(
    folders: list[Path], people: Sequence[User], start: Barrier, answers: SimpleQueue[tuple[int, str]]
) -> None:
    """The threads of one process share its desk, as those of a server that has shown the proposal would."""
    compile_once(pytest.MonkeyPatch())
    for number, folder in enumerate(folders):
        world = house(folder)
        (proposal,) = world.proposals(ProposalState.PENDING)
        with world.database.read() as connection:
            rule(world.toolbox, connection, world.desk.gate, proposal)
        decision = Decision(proposal_id=proposal.proposal_id, digest_prefix=proposal.digest[:12], verb=Verb.APPROVE)

        def run(person: User, world: World = world, decision: Decision = decision) -> str:
            start.wait()
            try:
                return world.desk.decide(decision, person).state.value
            except LostRaceError:
                return LOST
            except Exception as error:  # told to the test, which would wait for this answer for ever
                return repr(error)

        with ThreadPoolExecutor(len(people)) as pool:
            for answer in pool.map(run, people):
                answers.put((number, answer))
        world.database.dispose()
