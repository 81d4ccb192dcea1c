"""A transfer problem taken apart into its items: the connected groups of donors and needs, each optimised alone.

Rules
-----
1. Items of like size are solved together as one padded block; padding is never used and changes nothing.
2. Of several lanes between one donor and one need the cheapest at the given costs is used, the lowest number on ties.
3. An item moves in its common lot: the lot of its lanes, or their greatest common divisor where they differ. Then
   the answer is a relaxation, whole lots of each lane are the caller's business.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from optimizer.arguments import BoolArray, FloatArray, IntArray
from optimizer.transfers.pieces import LotPieces, lot_pieces
from optimizer.transfers.problem import TransferProblem
from optimizer.transfers.ssp import shortest_path_transfers
from optimizer.transfers.value import open_ended

_SIZES = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256])


@dataclass(frozen=True)
class _Block:
    """Items solved together: their lanes with place (item, donor, need) in the block, and their padded curves."""

    shape: tuple[int, int, int]
    item: IntArray
    lane: IntArray
    cell: IntArray
    one_lane_each: bool
    need: LotPieces
    donor: LotPieces


@dataclass(frozen=True)
class ItemPlans:
    """What each item would do alone: units ``(lanes,)`` and money saved at the given lane costs ``(items,)``."""

    units: IntArray
    saved: FloatArray


class Items:
    """The items of a problem.

    Attributes
    ----------
    count
        Number of items that have a lane.
    of_lane, of_need, of_donor
        Item of each lane, need and donor; -1 without a lane.
    lot
        Shape ``(items,)``, units of the common lot.
    need_pieces, donor_pieces
        Curves of all needs and donors in lots of their item.
    """

    def __init__(self, problem: TransferProblem) -> None:
        nodes = problem.donors + problem.needs
        edges = (problem.lane_donor, problem.donors + problem.lane_need)
        graph = coo_array((np.ones(problem.lanes), edges), shape=(nodes, nodes))
        label = connected_components(graph.tocsr(), directed=False)[1].astype(np.int64)
        used = np.unique(label[problem.lane_donor])
        number = np.full(label.max(initial=-1) + 1, -1)
        number[used] = np.arange(len(used))
        self.count = len(used)
        self.of_donor, self.of_need = number[label[: problem.donors]], number[label[problem.donors :]]
        self.of_lane = self.of_donor[problem.lane_donor]
        self.lot = np.zeros(self.count, dtype=np.int64)
        np.gcd.at(self.lot, self.of_lane, problem.lane_lot)
        self._problem = problem
        self._size = np.stack([_tally(self.of_donor, self.count), _tally(self.of_need, self.count)])
        need_lot, donor_lot = self._row_lot(self.of_need), self._row_lot(self.of_donor)
        self.need_pieces = lot_pieces(
            problem.need_piece_units, problem.need_piece_value, problem.need_capacity, need_lot
        )
        self.donor_pieces = lot_pieces(
            open_ended(problem.donor_piece_units), problem.donor_piece_cost, problem.donor_available, donor_lot
        )
        self._blocks = self._in_blocks()

    @property
    def one_lot(self) -> BoolArray:
        """Whether all lanes of an item ``(items,)`` have its common lot: then moving in it is exact."""
        mixed = np.zeros(self.count, dtype=np.bool_)
        np.logical_or.at(mixed, self.of_lane, self._problem.lane_lot != self.lot[self.of_lane])
        return ~mixed

    def best_plans(self, lane_cost: FloatArray, only: BoolArray | None = None) -> ItemPlans:
        """Most money each item saves at costs per unit ``(lanes,)`` (infinity closes a lane), among items `only`."""
        chosen = np.ones(self.count, dtype=np.bool_) if only is None else only
        plans = self.best_plans_each(lane_cost[None], chosen[None])
        return ItemPlans(plans.units[0], plans.saved[0])

    def best_plans_each(self, lane_cost: FloatArray, only: BoolArray) -> ItemPlans:
        """The same for several sets of costs ``(sets, lanes)`` at once, each among its items ``(sets, items)``.

        Units have shape ``(sets, lanes)`` and savings ``(sets, items)``.
        """
        units = np.zeros(lane_cost.shape, dtype=np.int64)
        saved = np.zeros((len(lane_cost), self.count))
        cost = lane_cost * self.lot[self.of_lane]
        for block in self._blocks:
            self._solve_block(block, cost, only, units, saved)
        return ItemPlans(units, saved)

    def _solve_block(
        self, block: _Block, cost: FloatArray, only: BoolArray, units: IntArray, saved: FloatArray
    ) -> None:
        items, donors, needs = block.shape
        used = [_cheapest(block, each) for each in cost]
        places = [np.flatnonzero(chosen[block.item]) for chosen in only]
        tables = []
        for each, (lanes, cells), place in zip(cost, used, places, strict=True):
            table = np.full(items * donors * needs, np.inf)
            table[cells] = each[lanes]
            tables.append(table.reshape(block.shape)[place])
        place = np.concatenate(places)
        plans = shortest_path_transfers(
            block.need.lots.reshape(items, needs, -1)[place],
            block.need.money_per_lot.reshape(items, needs, -1)[place],
            block.donor.lots.reshape(items, donors, -1)[place],
            block.donor.money_per_lot.reshape(items, donors, -1)[place],
            np.concatenate(tables),
        )
        start = 0
        for number, ((lanes, cells), here) in enumerate(zip(used, places, strict=True)):
            lots = np.zeros(block.shape, dtype=np.int64)
            lots[here] = plans.lots[start : start + len(here)]
            units[number, lanes] = lots.ravel()[cells] * self.lot[self.of_lane[lanes]]
            saved[number, block.item[here]] = plans.saved[start : start + len(here)]
            start += len(here)

    def _row_lot(self, item: IntArray) -> IntArray:
        lot = np.ones(len(item), dtype=np.int64)
        lot[item >= 0] = self.lot[item[item >= 0]]
        return lot

    def _in_blocks(self) -> list[_Block]:
        """Items by padded numbers of donors and needs."""
        donors, needs = (_padded(size) for size in self._size)
        kinds, kind = np.unique(np.stack([donors, needs]), axis=1, return_inverse=True)
        donor_rank, need_rank = _rank_within(self.of_donor), _rank_within(self.of_need)
        blocks = []
        for number, (d, n) in enumerate(kinds.T.tolist()):
            item = np.flatnonzero(kind.ravel() == number)
            place = np.full(self.count, -1)
            place[item] = np.arange(len(item))
            lane = np.flatnonzero(place[self.of_lane] >= 0)
            donor, need = self._problem.lane_donor[lane], self._problem.lane_need[lane]
            cell = (place[self.of_lane[lane]] * d + donor_rank[donor]) * n + need_rank[need]
            blocks.append(
                _Block(
                    (len(item), d, n),
                    item,
                    lane,
                    cell,
                    len(np.unique(cell)) == len(cell),
                    _padded_rows(self.need_pieces, self.of_need, need_rank, place, (len(item), n)),
                    _padded_rows(self.donor_pieces, self.of_donor, donor_rank, place, (len(item), d)),
                )
            )
        return blocks


def _tally(item: IntArray, count: int) -> IntArray:
    return np.bincount(item[item >= 0], minlength=count).astype(np.int64)


def _padded(size: IntArray) -> IntArray:
    """Next size in steps, the size itself beyond the last step."""
    step = np.searchsorted(_SIZES, size)
    return np.where(step < len(_SIZES), _SIZES[np.minimum(step, len(_SIZES) - 1)], size)


def _rank_within(item: IntArray) -> IntArray:
    """Place of each row among the rows of its item, in order of row number."""
    order = np.argsort(item, kind="stable")
    _, first = np.unique(item[order], return_index=True)
    length = np.diff(np.append(first, len(item)))
    rank = np.zeros(len(item), dtype=np.int64)
    rank[order] = np.arange(len(item)) - np.repeat(first, length)
    return rank


def _padded_rows(
    pieces: LotPieces, item: IntArray, rank: IntArray, place: IntArray, shape: tuple[int, int]
) -> LotPieces:
    """Curves of the rows of a block at (place of the item, rank within it); padding has no lots."""
    here = np.flatnonzero((item >= 0) & (place[item] >= 0))
    at = place[item[here]] * shape[1] + rank[here]
    width = pieces.lots.shape[1]
    lots, money = np.zeros((shape[0] * shape[1], width), dtype=np.int64), np.zeros((shape[0] * shape[1], width))
    lots[at], money[at] = pieces.lots[here], pieces.money_per_lot[here]
    return LotPieces(lots, money)


def _cheapest(block: _Block, cost: FloatArray) -> tuple[IntArray, IntArray]:
    """One lane per cell: the cheapest, the lowest number on ties."""
    lane, cell = block.lane, block.cell
    if block.one_lane_each:
        return lane, cell
    order = np.lexsort((lane, cost[lane], cell))
    cells, first = np.unique(cell[order], return_index=True)
    return lane[order][first], cells
