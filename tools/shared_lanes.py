"""Lanes many items share: which are full, what others leave on them, and what each item does when they have no end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from optimizer.transfers.alone import AloneItems
from optimizer.transfers.answer import plan_of
from optimizer.transfers.items import Items
from optimizer.transfers.problem import TransferPlan, TransferProblem
from tools.lanes import Lane
from tools.options import PlannedMove

Lanes = dict[str, tuple[Lane, ...]]


def each_alone(problem: TransferProblem) -> TransferPlan:
    """The plan in which every item does what is best for itself; no lane may have a limit."""
    items = Items(problem)
    alone = AloneItems(problem, items).best(np.zeros(problem.groups))
    return plan_of(problem, alone.units, "shortest_paths", alone.bound, f"{items.count} items, each alone")


def without_limits(lanes: Lanes) -> Lanes:
    """The lanes as if they carried any number of units."""
    return {site: tuple(replace(lane, capacity_per_day=None) for lane in ways) for site, ways in lanes.items()}


def overfull(lanes: Lanes, moves: Iterable[PlannedMove]) -> set[str]:
    """Names of the lanes that carry less than the moves send over them."""
    used = _units(moves)
    return {lane.name for lane in _limited(lanes) if used[lane.name] > (lane.capacity_per_day or 0.0) * (1.0 + 1e-9)}


def with_room(lanes: Lanes, moves: Iterable[PlannedMove]) -> Lanes:
    """The lanes with what the moves leave of their capacity."""
    used = _units(moves)

    def left(lane: Lane) -> Lane:
        if lane.capacity_per_day is None or not used[lane.name]:
            return lane
        return replace(lane, capacity_per_day=max(lane.capacity_per_day - used[lane.name], 0.0))

    return {site: tuple(left(lane) for lane in ways) for site, ways in lanes.items()}


def _limited(lanes: Lanes) -> list[Lane]:
    return [lane for ways in lanes.values() for lane in ways if lane.capacity_per_day is not None]


def _units(moves: Iterable[PlannedMove]) -> Counter[str]:
    used: Counter[str] = Counter()
    for move in moves:
        used[move.lane.name] += move.units
    return used
