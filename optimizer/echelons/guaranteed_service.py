r"""Guaranteed service: where in a tree of stages safety stock should sit, for many items of one network at once.

Rules
-----
1. A stage that waits :math:`SI` periods for its inputs, works :math:`T` and quotes :math:`S` covers
   :math:`\tau = SI + T - S \ge 0` periods and holds :math:`z\,\sigma\sqrt{\tau}` units of safety stock.
2. Demand variability of several customers is pooled upstream with an exponent that must be said:
   :math:`\sigma_i = (\sum_j (\phi_{ij}\sigma_j)^p)^{1/p}`, 2 for independent customers, 1 for none of the risk pooled.
3. Optimal service times may tie; costs do not. Ties go to the shortest quote.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray
from optimizer.echelons.min_plus import first_of_least, min_plus
from optimizer.echelons.shapes import at_most, spread, table
from optimizer.echelons.supply_tree import SupplyTree

_CELLS = 1 << 15


@dataclass(frozen=True)
class GuaranteedService:
    """Best plan of each item: arrays ``(items, stages)``, but ``cost`` of shape ``(items,)``.

    Parameters
    ----------
    service_time, inbound_service_time, covered_time
        Periods quoted to customers, waited for suppliers, and covered by safety stock.
    safety_stock, holding_cost
        Units, and money per period of those units, by stage.
    cost
        Sum of the holding cost over stages.
    """

    service_time: IntArray
    inbound_service_time: IntArray
    covered_time: IntArray
    safety_stock: FloatArray
    holding_cost: FloatArray
    cost: FloatArray


def guaranteed_service(
    tree: SupplyTree,
    holding_cost: ArrayLike,
    demand_sd: ArrayLike,
    safety_factor: ArrayLike,
    *,
    pooling_exponent: float,
) -> GuaranteedService:
    r"""Service times that minimize the holding cost of safety stock in a tree, exact.

    Minimizes :math:`\sum_k h_k z \sigma_k \sqrt{SI_k + T_k - S_k}` over whole service times with
    :math:`SI_k \ge S_i` for each supplier `i`, :math:`S_k \le SI_k + T_k` and :math:`S_k` within its limit.

    Parameters
    ----------
    tree
        Stages, arcs, times and limits, the same for all items.
    holding_cost
        Shape ``(items, stages)``, money per unit and period, >= 0.
    demand_sd
        Shape ``(items, stages)``, standard deviation of *outside* demand per period at each stage, units; zero at
        stages that only feed others.
    safety_factor
        A number or ``(items,)``, the z of the demand bound.
    pooling_exponent
        In [1, 2]; see rule 2 of the module.

    Raises
    ------
    ValueError
        If an array is negative, not finite or of another shape, or the exponent is outside [1, 2].

    Source
    ------
    Graves & Willems (2000), *Optimizing strategic safety stock placement in supply chains*, M&SOM 2(1), with the
    erratum of M&SOM 5(2), 2003.

    Examples
    --------
    >>> from optimizer.echelons.supply_tree import supply_tree
    >>> tree = supply_tree([[0, 1], [1, 2]], [1, 1, 2], [np.inf, np.inf, 0], inbound_service_time=[1, 0, 0])
    >>> plan = guaranteed_service(tree, [[2.0, 3.0, 4.0]], [[0.0, 0.0, 10.0]], 4.0, pooling_exponent=2.0)
    >>> plan.service_time, plan.cost.round(3)
    (array([[2, 3, 0]]), array([357.771]))
    """
    if not 1.0 <= pooling_exponent <= 2.0:
        raise ValueError(f"pooling_exponent must be in [1, 2], got {pooling_exponent}")
    holding, sd = table("holding_cost", holding_cost, at_most), table("demand_sd", demand_sd, at_most)
    for name, values in (("holding_cost", holding), ("demand_sd", sd)):
        if values.shape != (len(holding), tree.stages):
            raise ValueError(f"{name} must have shape ({len(holding)}, {tree.stages}), got {values.shape}")
    factor = spread("safety_factor", safety_factor, (len(holding),), at_most)
    # Items last and contiguous: every step of the program is one vector over them.
    stock = _pooled(tree, np.ascontiguousarray(sd.T), pooling_exponent) * factor
    weight = holding.T * stock
    service = np.empty(weight.shape, dtype=np.int64)
    block = max(1, _CELLS // (1 + int((tree.longest_inbound + tree.processing_time).max())))
    for start in range(0, len(holding), block):
        items = slice(start, start + block)
        service[:, items] = _Program(tree, np.ascontiguousarray(weight[:, items])).service_times()
    return _plan(tree, service, stock, weight)


def _pooled(tree: SupplyTree, outside: FloatArray, exponent: float) -> FloatArray:
    """Standard deviation seen by each stage, (stages, items)."""
    if not len(tree.edges):
        return outside
    units = {(int(a), int(b)): float(u) for (a, b), u in zip(tree.edges, tree.units_per_edge, strict=True)}
    # Powers of the share of the largest cannot overflow, and a change of units changes nothing but the scale.
    top = np.maximum(outside.max(axis=0) * max(1.0, *units.values()), np.finfo(np.float64).tiny)
    power = (outside / top) ** exponent
    for stage in tree.downstream_first.tolist():
        for customer in tree.customers[stage]:
            power[stage] += units[stage, customer] ** exponent * power[customer]
    return np.asarray(power ** (1.0 / exponent) * top)


class _Program:
    """The dynamic program over one block of items: tables by service time, (times, items), leaves to root and back."""

    def __init__(self, tree: SupplyTree, weight: FloatArray) -> None:
        self.tree, self.weight = tree, weight
        self.root_of = np.sqrt(np.arange(1.0 + (tree.longest_inbound + tree.processing_time).max()))
        # Cost upstream by inbound time, and downstream by service time, of the neighbors already done; None: nothing.
        self.upstream: list[FloatArray | None] = [None] * tree.stages
        self.downstream: list[FloatArray | None] = [None] * tree.stages
        self.best: list[FloatArray] = [np.empty(0)] * tree.stages
        self.feeds = [
            neighbor < 0 or neighbor in tree.customers[stage] for stage, neighbor in enumerate(tree.neighbor.tolist())
        ]

    def service_times(self) -> IntArray:
        """Quotes (stages, items)."""
        for stage in self.tree.order.tolist():
            self._settle(stage)
        service = np.empty(self.weight.shape, dtype=np.int64)
        inbound = np.empty_like(service)
        for stage in self.tree.order[::-1].tolist():
            self._choose(stage, service, inbound)
        return service

    def _sizes(self, stage: int) -> tuple[int, int, int]:
        """Number of inbound times and of service times, and the covered time at inbound 0 and the longest service."""
        inbound, service = int(self.tree.longest_inbound[stage]), int(self.tree.longest_service[stage])
        return inbound + 1, service + 1, int(self.tree.processing_time[stage]) - service

    def _settle(self, stage: int) -> None:
        """Least cost of the part of the tree behind a stage, by the time its remaining neighbor sees."""
        inbounds, services, shift = self._sizes(stage)
        own = self.root_of[: inbounds + int(self.tree.processing_time[stage]), None] * self.weight[stage]
        upstream, downstream = self.upstream[stage], self.downstream[stage]
        waits = int(self.tree.inbound_service_time[stage])
        if self.feeds[stage]:
            if upstream is None:
                covered = np.maximum(waits + shift + np.arange(services), 0)
                best = own[covered][::-1]
            else:
                upstream[:waits] = np.inf
                best = min_plus(own, upstream, services, shift)[::-1]
            best = best if downstream is None else best + downstream
        else:
            if downstream is None:
                best = own[np.maximum(shift + np.arange(inbounds), 0)]
            else:
                best = min_plus(own, downstream[::-1], inbounds, shift)
            best = best if upstream is None else best + upstream
            best[:waits] = np.inf
        self.best[stage] = best
        self._tell_neighbor(stage, best)

    def _tell_neighbor(self, stage: int, best: FloatArray) -> None:
        neighbor = int(self.tree.neighbor[stage])
        if neighbor < 0:
            return
        if self.feeds[stage]:
            # The customer waits at least as long as this stage quotes.
            told = self._table(self.upstream, neighbor, int(self.tree.longest_inbound[neighbor]) + 1)
            reach = np.minimum.accumulate(best, axis=0)
            told[: len(reach)] += reach
            told[len(reach) :] += reach[-1]
        else:
            told = self._table(self.downstream, neighbor, int(self.tree.longest_service[neighbor]) + 1)
            told += np.minimum.accumulate(best[::-1], axis=0)[::-1][: len(told)]

    def _table(self, tables: list[FloatArray | None], stage: int, length: int) -> FloatArray:
        table = tables[stage]
        if table is None:
            tables[stage] = table = np.zeros((length, self.weight.shape[1]))
        return table

    def _choose(self, stage: int, service: IntArray, inbound: IntArray) -> None:
        """Service and inbound time of a stage once those of its later neighbor are known."""
        neighbor, time = int(self.tree.neighbor[stage]), int(self.tree.processing_time[stage])
        best = self.best[stage]
        if self.feeds[stage]:
            most = inbound[neighbor] if neighbor >= 0 else None
            service[stage] = first_of_least(best, most=most)
            least = np.maximum(service[stage] - time, int(self.tree.inbound_service_time[stage]))
            upstream = self.upstream[stage]
            if upstream is None:
                inbound[stage] = least
                return
            covered = np.arange(len(upstream))[:, None] + (time - service[stage])
            cost = self.root_of[np.maximum(covered, 0)] * self.weight[stage] + upstream
            inbound[stage] = first_of_least(cost, least=least)
        else:
            inbound[stage] = first_of_least(best, least=service[neighbor])
            most = inbound[stage] + time
            downstream = self.downstream[stage]
            if downstream is None:
                service[stage] = np.minimum(most, int(self.tree.longest_service[stage]))
                return
            covered = most - np.arange(len(downstream))[:, None]
            cost = self.root_of[np.maximum(covered, 0)] * self.weight[stage] + downstream
            service[stage] = first_of_least(cost, most=most)


def _plan(tree: SupplyTree, service: IntArray, stock: FloatArray, weight: FloatArray) -> GuaranteedService:
    """Everything that follows from the quotes, taking slack out of waits and quotes that cost nothing."""
    inbound = np.empty_like(service)
    for stage in tree.downstream_first[::-1].tolist():
        inbound[stage] = tree.inbound_service_time[stage]
        for supplier in tree.suppliers[stage]:
            np.maximum(inbound[stage], service[supplier], out=inbound[stage])
        np.minimum(service[stage], inbound[stage] + tree.processing_time[stage], out=service[stage])
    covered = inbound + tree.processing_time[:, None] - service
    root = np.sqrt(covered)
    holding = weight * root
    return GuaranteedService(
        service_time=service.T,
        inbound_service_time=inbound.T,
        covered_time=covered.T,
        safety_stock=(stock * root).T,
        holding_cost=holding.T,
        # Added stage by stage, so that one item alone gets the very digits it gets among others.
        cost=np.add.accumulate(holding, axis=0)[-1],
    )
