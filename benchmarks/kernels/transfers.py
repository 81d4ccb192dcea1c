"""Transfers: exact per item beside one linear program per item, shared lanes beside one linear program for all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from benchmarks.measure import Row, compare, seconds
from optimizer.arguments import BoolArray, FloatArray, IntArray
from optimizer.options.shortage import expected_shortage_curve, marginal_savings
from optimizer.transfers.groups import group_load
from optimizer.transfers.items import Items
from optimizer.transfers.problem import TransferProblem
from optimizer.transfers.relaxation import relaxation
from optimizer.transfers.solve import solve_transfers
from optimizer.transfers.ssp import item_transfers

SITES, LANES_PER_SITE, PIECES = 20, 6, 10
PROMISED_ITEMS_PER_SECOND = 13_000.0
PROMISED_GAP = 0.002


def measure() -> list[Row]:
    """Rows of the room."""
    return [*exact_rows(), *shared_rows(2_000)]


def exact_rows(items: int = 20_000, peer_items: int = 200) -> list[Row]:
    """Exception lists, three short sites of twenty, nothing shared."""
    exceptions = _Exceptions.drawn(items)
    few = exceptions.first(peer_items)
    ours, peer = compare(exceptions.exact, few.one_program_per_item, repeats=3)
    size = f"{items:,} items, 3 short of {SITES} sites"
    listed = world(1_000, short_sites=3)
    greedy_seconds = seconds(lambda: solve_transfers(listed, force_path="greedy_fallback"))
    exact_seconds = seconds(lambda: solve_transfers(listed, at_scale=True))
    greedy, exact = solve_transfers(listed, force_path="greedy_fallback"), solve_transfers(listed, at_scale=True)
    lost = 1.0 - greedy.objective / exact.objective
    return [
        Row("exact transfers", size, "items", items / ours, "scipy linprog, one per item", peer_items / peer, 15.0),
        Row("exact transfers", size, "items", items / ours, "promised rate", PROMISED_ITEMS_PER_SECOND, 1.0),
        Row(
            f"exact plan from arrays to check; the greedy plan saves {lost:.2%} less",
            "1,000 items, 3 short",
            "items",
            1_000 / exact_seconds,
            "our greedy plan (heap)",
            1_000 / greedy_seconds,
        ),
    ]


def shared_rows(items: int) -> list[Row]:
    """All lanes at half of what would flow freely: the joint plan beside one solve of its relaxation."""
    free = world(items, short_sites=SITES // 2)
    flow = solve_transfers(free, at_scale=True).units
    problem = replace(free, group_capacity=0.5 * group_load(free, flow))
    parts = Items(problem)
    program = relaxation(problem, parts, np.arange(parts.count), problem.group_capacity)
    shape = (len(program.row_high), len(program.cost))
    matrix = csr_array((program.value, (program.row, program.column)), shape=shape)
    arguments: dict[str, Any] = {
        "A_ub": matrix,
        "b_ub": program.row_high,
        "bounds": np.stack([np.zeros(shape[1]), program.upper], axis=1),
        "method": "highs-ipm",
    }
    ours, peer = compare(
        lambda: solve_transfers(problem, at_scale=True), lambda: linprog(program.cost, **arguments), repeats=3
    )
    plan = solve_transfers(problem, at_scale=True)
    priced_seconds = seconds(lambda: solve_transfers(problem, force_path="lane_prices"))
    size = f"{items:,} items x {SITES} sites, {len(problem.group_capacity)} tight lanes"
    what = f"shared lanes, {plan.solver_path}"
    return [
        Row(what, size, "plans", 1.0 / ours, "one linprog of it, highs-ipm", 1.0 / peer, 0.5),
        Row(
            f"{what}: gap {plan.gap:.3%}", size, "1/gap", 1.0 / plan.gap, "promised gap 0.2 %", 1.0 / PROMISED_GAP, 1.0
        ),
        Row(
            "shared lanes, lane_prices", size, "plans", 1.0 / priced_seconds, "one linprog of it, highs-ipm", 1.0 / peer
        ),
    ]


@dataclass(frozen=True)
class _Exceptions:
    """Arrays of `item_transfers`."""

    need_lots: IntArray
    need_value: FloatArray
    donor_lots: IntArray
    donor_cost: FloatArray
    lane_cost: FloatArray

    @classmethod
    def drawn(cls, items: int) -> _Exceptions:
        """Three needs of 4 to 10 lots, 17 donors of 1 to 7 lots, six lanes to each need."""
        rng = np.random.default_rng(11)
        donors = SITES - 3
        rank = rng.random((items, donors, 3)).argsort(axis=1).argsort(axis=1)
        lane = np.where(rank < LANES_PER_SITE, rng.uniform(0.5, 5.0, rank.shape), np.inf)
        place = np.arange(PIECES)
        return cls(
            (place < rng.integers(4, 11, (items, 3, 1))).astype(np.int64),
            -np.sort(-rng.uniform(0.0, 20.0, (items, 3, PIECES)), axis=2),
            (place < rng.integers(1, 8, (items, donors, 1))).astype(np.int64),
            np.sort(rng.uniform(0.0, 8.0, (items, donors, PIECES)), axis=2),
            lane,
        )

    def first(self, items: int) -> _Exceptions:
        """The first items."""
        return _Exceptions(
            self.need_lots[:items],
            self.need_value[:items],
            self.donor_lots[:items],
            self.donor_cost[:items],
            self.lane_cost[:items],
        )

    def exact(self) -> float:
        """Money saved, all items at once."""
        plans = item_transfers(self.need_lots, self.need_value, self.donor_lots, self.donor_cost, self.lane_cost)
        return float(plans.saved.sum())

    def one_program_per_item(self) -> float:
        """The same with one `linprog` for each item, its arrays built with numpy."""
        return sum(self._program(item) for item in range(len(self.lane_cost)))

    def _program(self, item: int) -> float:
        lane = np.argwhere(np.isfinite(self.lane_cost[item]))
        donors, needs = self.lane_cost[item].shape
        flow = len(lane)
        matrix = np.zeros((needs + donors, flow + (needs + donors) * PIECES))
        matrix[lane[:, 1], np.arange(flow)] = 1.0
        matrix[needs + lane[:, 0], np.arange(flow)] = 1.0
        row = np.repeat(np.arange(needs + donors), PIECES)
        matrix[row, flow + np.arange(len(row))] = -1.0
        upper = np.concatenate([np.full(flow, np.inf), self.need_lots[item].ravel(), self.donor_lots[item].ravel()])
        money = np.concatenate(
            [
                self.lane_cost[item][lane[:, 0], lane[:, 1]],
                -self.need_value[item].ravel(),
                self.donor_cost[item].ravel(),
            ]
        )
        bounds = np.stack([np.zeros(len(upper)), upper], axis=1)
        arguments: dict[str, Any] = {"A_eq": matrix, "b_eq": np.zeros(needs + donors), "bounds": bounds}
        return -float(linprog(money, **arguments).fun)


def world(items: int, *, short_sites: int, seed: int = 3) -> TransferProblem:
    """Twenty sites, six lanes into each, gamma demand, donors keep 80 % of their mean; lanes without limit."""
    rng = np.random.default_rng(seed)
    short: BoolArray = rng.random((items, SITES)).argsort(axis=1) < short_sites
    mean = rng.uniform(1.0, 8.0, short.shape)
    variance = mean * rng.uniform(1.0, 4.0, short.shape)
    cover = np.where(short, rng.uniform(0.0, 0.7, short.shape), rng.uniform(1.2, 2.5, short.shape))
    on_hand = np.floor(mean * cover)
    penalty = np.broadcast_to(rng.uniform(5.0, 30.0, (items, 1)), short.shape)
    need_step = np.maximum(1.0, np.round(1.5 * mean[short] / PIECES))
    need_curve = expected_shortage_curve(on_hand[short], mean[short], variance[short], need_step, PIECES)
    available = np.maximum(on_hand[~short] - np.ceil(0.8 * mean[~short]), 0.0)
    donor_step = np.maximum(1.0, np.ceil(available / PIECES))
    lowest = on_hand[~short] - donor_step * PIECES
    donor_curve = expected_shortage_curve(lowest, mean[~short], variance[~short], donor_step, PIECES)
    donor_cost = marginal_savings(donor_curve)[:, ::-1] / donor_step[:, None] * penalty[~short][:, None]
    need, donor = np.cumsum(short).reshape(short.shape) - 1, np.cumsum(~short).reshape(short.shape) - 1
    ways = [(o, t) for t in range(SITES) for o in rng.permutation(np.delete(np.arange(SITES), t))[:LANES_PER_SITE]]
    lane_item, lane_way = np.nonzero(np.stack([~short[:, o] & short[:, t] for o, t in ways], axis=1))
    origin, target = np.array(ways).T
    lanes = len(lane_item)
    site = np.arange(short.size).reshape(short.shape)
    return TransferProblem(
        need_series=site[short],
        need_piece_units=np.repeat(need_step[:, None], PIECES, axis=1),
        need_piece_value=marginal_savings(need_curve) / need_step[:, None] * penalty[short][:, None],
        need_capacity=(need_step * PIECES).astype(np.int64),
        donor_series=site[~short],
        donor_available=available.astype(np.int64),
        donor_piece_units=np.repeat(donor_step[:, None], PIECES, axis=1),
        donor_piece_cost=np.maximum.accumulate(donor_cost, axis=1),
        lane_donor=donor[lane_item, origin[lane_way]],
        lane_need=need[lane_item, target[lane_way]],
        lane_unit_cost=rng.uniform(0.5, 4.0, len(ways))[lane_way] * rng.uniform(0.8, 1.2, lanes),
        lane_fixed_cost=np.zeros(lanes),
        lane_lot=np.ones(lanes, dtype=np.int64),
        lane_load_per_unit=rng.uniform(0.5, 1.5, lanes),
        lane_group=lane_way,
        group_capacity=np.full(len(ways), np.inf),
    )
