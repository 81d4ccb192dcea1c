"""A house at work until somebody ends it: feeds, sweeps, decisions, executions, arrivals, day after day.

What a person was told is kept in a file beside the house before anything else is done, so that whoever finds the house
later can ask whether it still knows.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from sqlalchemy import select

from agent.errors import AgentError
from inventory.audit import entries
from inventory.errors import InventoryError
from inventory.executors import LEASE
from inventory.records import ProposalState
from inventory.tables import executors
from tests.worlds import START, ItemSite, Lane, Network, TurnableClock, World
from tools.erp.faults import Fault, FaultKind
from tools.errors import ToolError

TOLD = "told.txt"
AT_WORK = "at_work"
"""File that is there once the first sweep of a process is done."""
DECIDERS = ("pia", "ada", "carl")
FAULTS = (FaultKind.LOSE_ANSWER, FaultKind.LOSE_REQUEST, FaultKind.UNREACHABLE, FaultKind.REJECT)


def busy_network() -> Network:
    """Three items that two stores are short of every day."""
    return Network(
        item_sites=tuple(
            ItemSite(f"PART-{number}", site, weekly, on_hand, "consumable", 4.0, 10.0)
            for number in range(3)
            for site, weekly, on_hand in (("DC", 10, 400), ("NORTH", 15, 3), ("SOUTH", 12, 3))
        ),
        lanes=(Lane("DC", "NORTH"), Lane("DC", "SOUTH")),
    )


def busy_house(folder: Path) -> World:
    """The house in a folder, at the moment its log ends."""
    world = World(folder, busy_network(), TurnableClock(START), rollout="auto")
    with world.database.read() as connection:
        moments = [entry.at for entry in entries(connection)]
    world.clock.at = max([START, *map(datetime.fromisoformat, moments)])
    return world


def past_every_lease(world: World) -> datetime:
    """When whatever a killed process held is free: half a minute after it took it."""
    with world.database.read() as connection:
        ends = [end for end in connection.execute(select(executors.c.lease_until)).scalars() if end]
    latest: datetime = max([world.clock() + LEASE, *ends])
    return latest + timedelta(seconds=1)


def work_on(folder: Path) -> None:
    """Work for ever."""
    world = busy_house(folder)
    for day in count():
        world.clock.forward(hours=2)
        world.desk.sweep()
        if not day:
            (folder / AT_WORK).touch()
        decide_everything(world, day)
        world.erp.faults.add(Fault(kind=FAULTS[day % len(FAULTS)]))
        world.clock.forward(hours=1)
        world.desk.execute()
        world.clock.forward(days=1)
        for document in world.erp.open_documents()[day % 2 :]:
            world.erp.receive(document.reference, world.clock())
        # The stores sell what they got, and the supplier fills the donor up.
        world.deliver(world.network, world.erp.export_transfers())


def decide_everything(world: World, day: int) -> None:
    """Each waiting proposal is decided by somebody; what they were told is kept at once."""
    for number, proposal in enumerate(world.proposals(ProposalState.PENDING)):
        verb = ("approve", "approve", "reject", "edit", "approve")[(day + number) % 5]
        line = proposal.content.lines[0]
        more = {"quantities": {line.number: line.quantity + 1}} if verb == "edit" else {}
        try:
            after = world.decide(proposal, verb, DECIDERS[(day + number) % len(DECIDERS)], **more)
        except (AgentError, InventoryError, ToolError):
            continue
        if after.state in (ProposalState.APPROVED, ProposalState.REJECTED):
            tell(world.folder, f"{proposal.proposal_id} {proposal.digest} {after.state.value}")


def tell(folder: Path, line: str) -> None:
    """Write down what somebody was told, on the disk."""
    descriptor = os.open(folder / TOLD, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    os.write(descriptor, f"{line}\n".encode())
    os.fsync(descriptor)
    os.close(descriptor)


def told(folder: Path) -> list[tuple[str, str, str]]:
    """What people were told: proposal, digest, state."""
    known = folder / TOLD
    lines = known.read_text("utf-8").splitlines() if known.exists() else []
    return [(words[0], words[1], words[2]) for words in map(str.split, lines) if len(words) == 3]
