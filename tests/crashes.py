"""Kills the house at named points, or at any moment.

A job is a furnished folder, a step to take in it, and a crash point to die at, or after so many milliseconds. Each job
runs in a process of its own, forked from one that has imported the product and run nothing of it; the kill is a real
SIGKILL. The exit code of each job goes to a file, one a line: ``-9`` was killed, ``0`` came to its end.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from inventory.crash_points import SKIP_VARIABLE, VARIABLE
from inventory.records import ProposalState
from tests.load import AT_WORK, work_on
from tests.processes import forks
from tests.worlds import START, TurnableClock, World, two_sites_one_lane
from tools.erp.faults import Fault, FaultKind
from tools.posting import ATTEMPTS

NETWORK = two_sites_one_lane()
KILLED = -signal.SIGKILL
LONGEST_START_SECONDS = 60
LONGEST_DRIVE_SECONDS = 1800


@dataclass(frozen=True)
class Job:
    """One step in one folder, to be killed at one point."""

    folder: str
    step: str
    point: str
    skip: int = 0
    """Passes of the point that are let through."""
    native_key: bool = True
    milliseconds: int = 0
    """Killed so long after its first sweep, wherever it is then; 0: at the point."""


def house(folder: Path, *, native_key: bool = True) -> World:
    """The house of the kills: one move to decide, a person decides it."""
    return World(folder, NETWORK, TurnableClock(START), native_key, "guided")


def sweep(world: World) -> None:
    """From planning to the gate."""
    world.desk.sweep()


def decide(world: World) -> None:
    """A person approves."""
    (proposal,) = world.proposals(ProposalState.PENDING)
    world.decide(proposal, "approve", "pia")


def execute(world: World) -> None:
    """From the outbox to the receipt."""
    world.desk.execute()


def take_in(world: World) -> None:
    """The next feeds."""
    world.clock.forward(seconds=1)
    world.deliver(NETWORK.with_stock({("BOLT", "DC"): 299}))


def edit(world: World) -> None:
    """A person changes the quantity, and the new version goes through the gate."""
    (proposal,) = world.proposals(ProposalState.PENDING)
    (line,) = proposal.content.lines
    world.decide(proposal, "edit", "pia", quantities={line.number: line.quantity - 1})


def expire(world: World) -> None:
    """Nobody has decided in time."""
    world.clock.forward(days=4)
    world.desk.recover()


def lose_answers(world: World) -> None:
    """An execution whose answers are all lost: the document is in doubt, and is there."""
    world.erp.faults.add(*(Fault(kind=FaultKind.LOSE_ANSWER) for _ in range(ATTEMPTS)))
    world.desk.execute()


def find_out(world: World) -> None:
    """What is in doubt is looked up once nobody is at work on it any more."""
    world.clock.forward(minutes=2)
    world.desk.recover()


STEPS: dict[str, Callable[[World], None]] = {
    "sweep": sweep, "decide": decide, "execute": execute, "import": take_in, "edit": edit, "expire": expire,
    "find out": find_out,
}  # fmt: skip
BEFORE: dict[str, str] = {"import": "decide", "edit": "decide", "expire": "decide"}
"""Steps that begin where another one does."""


def templates(root: Path, *, native_key: bool = True) -> dict[str, Path]:
    """A folder for each step, standing right before it."""
    world = house(root / "sweep", native_key=native_key).furnish()
    folders = {"sweep": world.folder}
    for step, following in (("sweep", "decide"), ("decide", "execute")):
        world = world.copied_to(root / following)
        STEPS[step](world)
        folders[following] = world.folder
    world = world.copied_to(root / "find out")
    lose_answers(world)
    world.database.dispose()
    folders["find out"] = world.folder
    return folders | {step: folders[where] for step, where in BEFORE.items()}


def kill(jobs: Iterable[Job], scratch: Path) -> list[int]:
    """Run the jobs, one after the other, in a driver process; the exit code of each."""
    exits, said = scratch / "exits.txt", scratch / "said.txt"
    driver = forks().Process(target=_drive, args=(list(jobs), exits, said))
    driver.start()
    driver.join(LONGEST_DRIVE_SECONDS)
    if driver.exitcode != 0:
        driver.kill()
        raise AssertionError(f"the driver ended with {driver.exitcode}: {said.read_text('utf-8')}")
    codes = [int(line) for line in exits.read_text("ascii").split()]
    if any(code > 0 for code in codes):
        raise AssertionError(f"a job failed before it was killed: {said.read_text('utf-8')}")
    return codes


def _drive(jobs: list[Job], exits: Path, said: Path) -> None:
    """Run every job; what they say goes to a file."""
    with said.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    exits.write_text("".join(f"{_run(job)}\n" for job in jobs), "ascii")


def _run(job: Job) -> int:
    """The job in a forked child; its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        os.environ[VARIABLE], os.environ[SKIP_VARIABLE] = job.point, str(job.skip)
        try:
            if job.milliseconds:
                work_on(Path(job.folder))
            STEPS[job.step](house(Path(job.folder), native_key=job.native_key))
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    if job.milliseconds:
        _wait_for(Path(job.folder) / AT_WORK)
        time.sleep(job.milliseconds / 1000)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _wait_for(sign: Path) -> None:
    """Wait until a child has begun; one that never does is killed, and found out by what it left."""
    given_up = time.monotonic() + LONGEST_START_SECONDS
    while not sign.exists() and time.monotonic() < given_up:
        time.sleep(0.01)
    sign.unlink(missing_ok=True)
