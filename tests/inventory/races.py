"""Contenders for a race: threads or processes, each with its own ``Database`` on one file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from inventory.anchor import Anchor
from inventory.database import Database
from inventory.errors import NotEnoughStockError
from inventory.ledger import hold
from tests.inventory.worlds import LYON, NOW, PORTO, a_second_process
from tests.processes import forks

T = TypeVar("T")
ROUNDS = 20


class Barrier(Protocol):
    """Lets everybody start together."""

    def wait(self) -> object:
        """Wait for the others."""


def race(database: Database, contenders: int, run: Callable[[Database, int], T]) -> list[T]:
    """Run a function in threads that start together; answers in the contenders' order."""
    start = threading.Barrier(contenders)

    def contend(number: int) -> T:
        own = a_second_process(database)
        try:
            start.wait(10)
            return run(own, number)
        finally:
            own.dispose()

    with ThreadPoolExecutor(contenders) as pool:
        return list(pool.map(contend, range(contenders)))


def hold_in_parts(database: Database, item: str, proposal_id: str, parts: int, units: int) -> int:
    """Hold that many parts of that many units, each in its own transaction; returns the units held."""
    held = 0
    for line in range(1, parts + 1):
        try:
            with database.write(proposal_id, NOW) as transaction:
                hold(
                    transaction,
                    proposal_id=proposal_id,
                    line=line,
                    item=item,
                    site=LYON,
                    destination=PORTO,
                    quantity=units,
                )
        except NotEnoughStockError:
            continue
        held += units
    return held


def race_processes(
    where: Path | str, anchor: Path, items: list[str], proposal_ids: list[str], parts: int, units: int
) -> None:
    """Two processes race for each item in turn; what they held is in the database afterwards."""
    context = forks()
    start = context.Barrier(len(proposal_ids))
    workers = [
        context.Process(target=_race_items, args=(where, anchor, items, proposal_id, parts, units, start))
        for proposal_id in proposal_ids
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * len(workers)


def _race_items(
    where: Path | str, anchor: Path, items: list[str], proposal_id: str, parts: int, units: int, start: Barrier
) -> None:
    database = Database(where, Anchor(anchor))
    for item in items:
        start.wait()
        hold_in_parts(database, item, f"{proposal_id}-{item}", parts, units)
    database.dispose()
