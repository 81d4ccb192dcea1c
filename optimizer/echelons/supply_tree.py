"""A supply network whose stages form a tree, checked and put in the order in which a dynamic program visits it.

Rules
-----
1. An arc leads from supplier to customer. The arcs, directions ignored, must form one tree: no stage left out, no
   cycle. Anything else is refused with the cycle or the stages named; no arc is ever dropped to make it fit (networks
   with cycles need the method of Humair and Willems, which is another and exponential).
2. Times are whole periods. A stage without customers needs a finite service limit, or it would quote its whole lead
   time and hold nothing.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, non_negative, numbers
from optimizer.echelons.shapes import refuse, spread, whole

LONGEST_PATH = 5000
"""Most periods along a path; beyond it a coarser period is the answer, not a larger table."""


@dataclass(frozen=True)
class SupplyTree:
    """Stages of one topology, as `supply_tree` builds and checks it.

    Parameters
    ----------
    edges, units_per_edge
        ``(edges, 2)`` supplier and customer of each arc; ``(edges,)`` units of the supplier in one of the customer.
    processing_time, inbound_service_time
        ``(stages,)`` periods; the second is what outside suppliers quote.
    longest_inbound, longest_service
        ``(stages,)`` most periods a stage can wait for its inputs, and most it can quote within its limit.
    order, neighbor
        ``(stages,)`` stages so that each has at most one neighbor later in the order, and that neighbor (-1: the last).
    suppliers, customers
        Per stage the arcs' other ends, rising.
    downstream_first
        ``(stages,)`` stages so that every customer comes before its suppliers.
    """

    edges: IntArray
    units_per_edge: FloatArray
    processing_time: IntArray
    inbound_service_time: IntArray
    longest_inbound: IntArray
    longest_service: IntArray
    order: IntArray
    neighbor: IntArray
    suppliers: tuple[tuple[int, ...], ...]
    customers: tuple[tuple[int, ...], ...]
    downstream_first: IntArray

    @property
    def stages(self) -> int:
        """Number of stages."""
        return len(self.processing_time)


def supply_tree(
    edges: ArrayLike,
    processing_time: ArrayLike,
    service_limit: ArrayLike,
    *,
    inbound_service_time: ArrayLike = 0,
    units_per_edge: ArrayLike = 1.0,
) -> SupplyTree:
    """The network, refused unless it is a tree.

    Parameters
    ----------
    edges
        Shape ``(stages - 1, 2)``: supplier, customer, positions in ``range(stages)``; empty for a single stage.
    processing_time
        Shape ``(stages,)``, whole periods >= 0.
    service_limit
        Shape ``(stages,)``, most periods a stage may quote; infinite where it is free, finite where there are no
        customers. Fractions are rounded down.
    inbound_service_time
        A number or ``(stages,)``, whole periods that outside suppliers quote.
    units_per_edge
        A number or ``(stages - 1,)``, units of the supplier's product in one of the customer's.

    Raises
    ------
    ValueError
        If the arcs form no tree (the cycle or the stages left out are named), a time is no whole number, a stage
        without customers has no finite limit, or a path is longer than 5,000 periods.

    Examples
    --------
    >>> supply_tree([[0, 1], [1, 2]], [2, 1, 1], [np.inf, np.inf, 0]).longest_service
    array([2, 3, 0])
    """
    time = whole("processing_time", processing_time)
    if time.ndim != 1 or len(time) == 0:
        raise ValueError(f"processing_time must have shape (stages,) with at least one stage, got {time.shape}")
    stages = len(time)
    arcs = _arcs(edges, stages)
    suppliers, customers = _neighbors(arcs, stages)
    order, neighbor = _peeled(arcs, suppliers, customers)
    downstream_first = _downstream_first(customers)
    limit = _limits(service_limit, customers)
    inbound = spread("inbound_service_time", inbound_service_time, (stages,), whole)
    units = spread("units_per_edge", units_per_edge, (len(arcs),), non_negative)
    longest_inbound, longest_service = inbound.copy(), np.zeros(stages)
    for stage in downstream_first[::-1]:
        quoted = [longest_service[supplier] for supplier in suppliers[stage]]
        longest_inbound[stage] = max([longest_inbound[stage], *quoted])
        longest_service[stage] = min(longest_inbound[stage] + time[stage], limit[stage])
    total = longest_inbound + time
    refuse("processing_time", total > LONGEST_PATH, total, f"such that no path takes over {LONGEST_PATH} periods")
    return SupplyTree(
        edges=arcs,
        units_per_edge=units,
        processing_time=time.astype(np.int64),
        inbound_service_time=inbound.astype(np.int64),
        longest_inbound=longest_inbound.astype(np.int64),
        longest_service=longest_service.astype(np.int64),
        order=order,
        neighbor=neighbor,
        suppliers=suppliers,
        customers=customers,
        downstream_first=downstream_first,
    )


def _arcs(edges: ArrayLike, stages: int) -> IntArray:
    array = numbers("edges", edges)
    if array.size == 0:
        array = array.reshape(0, 2)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"edges must have shape (edges, 2), got {array.shape}")
    inside = (array >= 0) & (array < stages) & (array == np.rint(array))
    refuse("edges", ~inside, array, f"whole and in 0..{stages - 1}")
    return array.astype(np.int64)


def _limits(service_limit: ArrayLike, customers: tuple[tuple[int, ...], ...]) -> FloatArray:
    limit = numbers("service_limit", service_limit)
    if limit.shape != (len(customers),):
        raise ValueError(f"service_limit must have shape ({len(customers)},), got {limit.shape}")
    refuse("service_limit", ~(limit >= 0.0), limit, "at least 0")
    endless = np.isinf(limit) & np.array([not ends for ends in customers])
    refuse("service_limit", endless, limit, "finite at a stage without customers")
    return np.floor(limit + 1e-9)


def _neighbors(arcs: IntArray, stages: int) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
    suppliers: list[list[int]] = [[] for _ in range(stages)]
    customers: list[list[int]] = [[] for _ in range(stages)]
    seen: list[set[int]] = [set() for _ in range(stages)]
    for supplier, customer in arcs.tolist():
        _refuse_cycle(seen, supplier, customer)
        seen[supplier].add(customer)
        seen[customer].add(supplier)
        suppliers[customer].append(supplier)
        customers[supplier].append(customer)
    reached = set(_paths_from(seen, 0))
    if len(reached) < stages:
        apart = sorted(set(range(stages)) - reached)
        raise ValueError(f"edges must join all {stages} stages in one tree: no path from stage 0 to stages {apart}")
    return tuple(tuple(sorted(ends)) for ends in suppliers), tuple(tuple(sorted(ends)) for ends in customers)


def _refuse_cycle(seen: list[set[int]], supplier: int, customer: int) -> None:
    if not seen[supplier] or not seen[customer]:
        if supplier == customer:
            raise ValueError(f"edges must form a tree: arc {supplier} -> {customer} leads to itself")
        return
    before = _paths_from(seen, supplier)
    if customer in before:
        path = [customer]
        while path[-1] != supplier:
            path.append(before[path[-1]])
        cycle = " - ".join(str(stage) for stage in [*path[::-1], supplier])
        raise ValueError(f"edges must form a tree: arc {supplier} -> {customer} closes the cycle {cycle}")


def _paths_from(seen: list[set[int]], start: int) -> dict[int, int]:
    """Each stage that can be reached, with the stage before it."""
    before, queue = {start: start}, deque([start])
    while queue:
        stage = queue.popleft()
        for other in sorted(seen[stage]):
            if other not in before:
                before[other] = stage
                queue.append(other)
    return before


def _peeled(
    arcs: IntArray, suppliers: tuple[tuple[int, ...], ...], customers: tuple[tuple[int, ...], ...]
) -> tuple[IntArray, IntArray]:
    """Leaves first, always the lowest: each stage with the one neighbor that is still there (Graves and Willems)."""
    stages = len(suppliers)
    left = [set(suppliers[stage]) | set(customers[stage]) for stage in range(stages)]
    order, neighbor = [], np.full(stages, -1)
    leaves = sorted(stage for stage in range(stages) if len(left[stage]) <= 1)
    while leaves:
        stage = leaves.pop(0)
        order.append(stage)
        if not left[stage]:
            continue
        neighbor[stage] = other = left[stage].pop()
        left[other].discard(stage)
        if len(left[other]) == 1:
            leaves = sorted([*leaves, other])
    return np.array(order), neighbor


def _downstream_first(customers: tuple[tuple[int, ...], ...]) -> IntArray:
    placed: list[int] = []
    waiting = list(range(len(customers)))
    while waiting:
        ready = [stage for stage in waiting if all(end in placed for end in customers[stage])]
        placed += ready
        waiting = [stage for stage in waiting if stage not in ready]
    return np.array(placed)
