"""Kills the house at named points: ``python -m tests.crashes JOBS.json``.

A job is a furnished folder, a step to take in it, and a crash point to die at. Each job runs in a process of its own,
forked from this one, which has imported the product and run nothing of it; the kill is a real SIGKILL. The exit code of
each job goes to standard output, one a line: ``-9`` died at the point, ``0`` never came there.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from inventory.crash_points import SKIP_VARIABLE, VARIABLE
from inventory.records import ProposalState
from tests.worlds import START, TurnableClock, World, two_sites_one_lane

NETWORK = two_sites_one_lane()
KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Job:
    """One step in one folder, to be killed at one point."""

    folder: str
    step: str
    point: str
    skip: int = 0
    """Passes of the point that are let through."""
    native_key: bool = True


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


STEPS: dict[str, Callable[[World], None]] = {"sweep": sweep, "decide": decide, "execute": execute}


def templates(root: Path, *, native_key: bool = True) -> dict[str, Path]:
    """A folder for each step, standing right before it."""
    world = house(root / "sweep", native_key=native_key).furnish()
    folders = {"sweep": world.folder}
    for step, following in (("sweep", "decide"), ("decide", "execute")):
        world = world.copied_to(root / following)
        STEPS[step](world)
        folders[following] = world.folder
    world.database.dispose()
    return folders


def kill(jobs: Iterable[Job], scratch: Path) -> list[int]:
    """Run the jobs in a driver process; the exit code of each."""
    listed = scratch / "jobs.json"
    listed.write_text(json.dumps([asdict(job) for job in jobs]), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "tests.crashes", str(listed)], capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode:
        raise AssertionError(f"the driver failed: {done.stderr}")
    return [int(line) for line in done.stdout.split()]


def _run(job: Job) -> int:
    """The job in a forked child; its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        os.environ[VARIABLE], os.environ[SKIP_VARIABLE] = job.point, str(job.skip)
        try:
            STEPS[job.step](house(Path(job.folder), native_key=job.native_key))
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(path: str) -> None:
    """Run every job of a file, one after the other."""
    for fields in json.loads(Path(path).read_text("utf-8")):
        sys.stdout.write(f"{_run(Job(**fields))}\n")


if __name__ == "__main__":
    main(sys.argv[1])
