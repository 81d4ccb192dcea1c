"""What items do when nothing they share has an end, and what moves send over each lane."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from optimizer.transfers.alone import AloneItems
from optimizer.transfers.answer import plan_of
from optimizer.transfers.items import Items
from optimizer.transfers.problem import TransferPlan, TransferProblem
from tools.options import PlannedMove


def each_alone(problem: TransferProblem) -> TransferPlan:
    """The plan in which every item does what is best for itself; nothing shared may have a limit."""
    items = Items(problem)
    alone = AloneItems(problem, items).best(np.zeros(problem.groups))
    return plan_of(problem, alone.units, "shortest_paths", alone.bound, f"{items.count} items, each alone")


def sent_over(moves: Iterable[PlannedMove]) -> Iterator[tuple[str, int]]:
    """Name of the lane and units of each move."""
    return ((move.lane.name, move.units) for move in moves)
