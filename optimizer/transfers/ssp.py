"""Exact transfers of many items at once: successive shortest paths on convex curves, one vector over all items.

Rules
-----
1. Every item is a network of its own: donors give along rising marginal costs, needs receive along falling marginal
   values, lanes cost money per lot. Nothing is shared between items and nothing is paid once only.
2. A round finds the cheapest path of each item from a donor with lots left over to a need with room. A path may take
   lots back from a need and bring them to another (residual arcs); the need left short is served anew. The path
   carries lots until its first marginal changes.
3. An item drops out when its best path saves nothing. Marginals only worsen, so what is left is the optimum.
4. Ties go to the lowest donor and need. Items do not see each other: neither their order nor the block size matters.

Source
------
Ahuja, Magnanti & Orlin (1993), *Network Flows*, ch. 9 (successive shortest paths) and ch. 14 (convex costs).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import BoolArray, FloatArray, IntArray, finite, non_negative, numbers

_BLOCK_CELLS = 200_000
_PATH_GUARD = 1e-12
_GAIN_GUARD = 1e-9


@dataclass(frozen=True)
class ItemTransfers:
    """Optimal transfers of each item.

    Parameters
    ----------
    lots
        Shape ``(items, donors, needs)``, whole lots on each lane.
    saved
        Shape ``(items,)``, money saved against moving nothing, never negative.
    """

    lots: IntArray
    saved: FloatArray


def item_transfers(
    need_lots: ArrayLike, need_value: ArrayLike, donor_lots: ArrayLike, donor_cost: ArrayLike, lane_cost: ArrayLike
) -> ItemTransfers:
    """Transfers within each item that save most money, exactly.

    Maximises, for each item, the value of the lots received less the cost of the lots given less lane costs.

    Parameters
    ----------
    need_lots, need_value
        Shape ``(items, needs, pieces)``: whole lots of each piece and money saved by each of them, not rising along
        the pieces. The lots of a row sum to the room of the receiver.
    donor_lots, donor_cost
        Shape ``(items, donors, pieces)``: whole lots of each piece and money lost by each of them (negative where a
        donor gains by giving), not falling along the pieces. The lots of a row sum to what lies above the floor.
    lane_cost
        Shape ``(items, donors, needs)``, money per lot; infinity where there is no lane (or it would lead back home).

    Returns
    -------
    ItemTransfers
        The optimum. A path is taken while it saves more than 1e-9 of the item's largest amount of money.

    Raises
    ------
    ValueError
        If shapes do not agree, lots are negative or not whole, money is not finite, or the pieces are out of order.

    Source
    ------
    Ahuja, Magnanti & Orlin (1993), *Network Flows*, ch. 9 and 14.
    """
    need_count, donor_count = _whole("need_lots", need_lots), _whole("donor_lots", donor_lots)
    value, cost = finite("need_value", need_value), finite("donor_cost", donor_cost)
    lane = numbers("lane_cost", lane_cost)
    finite("lane_cost", np.where(np.isposinf(lane), 0.0, lane))
    _same_shape("need_value", value, need_count.shape)
    _same_shape("donor_cost", cost, donor_count.shape)
    _same_shape("donor_lots", donor_count, (need_count.shape[0], *donor_count.shape[1:]))
    _same_shape("lane_cost", lane, (need_count.shape[0], donor_count.shape[1], need_count.shape[1]))
    _in_order("need_value", value, need_count, -1.0)
    _in_order("donor_cost", cost, donor_count, 1.0)
    return shortest_path_transfers(need_count, value, donor_count, cost, lane)


def shortest_path_transfers(
    need_lots: IntArray, need_value: FloatArray, donor_lots: IntArray, donor_cost: FloatArray, lane_cost: FloatArray
) -> ItemTransfers:
    """`item_transfers` for arrays that are known to be sound."""
    items, donors, needs = lane_cost.shape
    lots, saved = np.zeros((items, donors, needs), dtype=np.int64), np.zeros(items)
    step = max(1, _BLOCK_CELLS // max(1, donors * needs))
    for start in range(0, items, step):
        block = slice(start, start + step)
        paths = _Paths(need_lots[block], need_value[block], donor_lots[block], donor_cost[block], lane_cost[block])
        paths.run()
        lots[block] = paths.lots_out.transpose(2, 0, 1)
        saved[block] = paths.saved_out
    return ItemTransfers(lots, saved)


class _Curve:
    """Marginal money of the next lot of every row, item axis last; `closed` once a row has no lots left."""

    def __init__(self, lots: IntArray, rate: FloatArray, closed: float) -> None:
        rows, pieces = lots.shape[1], lots.shape[2]
        # A piece without end closes each row; rows that start with empty pieces skip to the first one with lots.
        self._lots = np.concatenate([lots, np.ones((len(lots), rows, 1), np.int64)], axis=2).transpose(2, 1, 0).copy()
        self._rate = np.concatenate([rate, np.full((len(lots), rows, 1), closed)], axis=2).transpose(2, 1, 0).copy()
        self._last = pieces
        first = np.argmax(self._lots > 0, axis=0)
        self._piece = first
        self.left = np.take_along_axis(self._lots, first[None], axis=0)[0]
        self.marginal = np.take_along_axis(self._rate, first[None], axis=0)[0]

    def take(self, row: IntArray, item: IntArray, lots: IntArray) -> None:
        """Use lots of the current piece of one row of each item."""
        self.left[row, item] -= lots
        empty = np.flatnonzero(self.left[row, item] == 0)
        while empty.size:
            r, i = row[empty], item[empty]
            piece = self._piece[r, i] + 1
            self._piece[r, i] = piece
            self.left[r, i] = self._lots[piece, r, i]
            self.marginal[r, i] = self._rate[piece, r, i]
            empty = empty[self.left[r, i] == 0]

    def keep(self, items: BoolArray) -> None:
        """Forget the items that are done."""
        self._lots, self._rate = self._lots[..., items], self._rate[..., items]
        self._piece, self.left, self.marginal = self._piece[:, items], self.left[:, items], self.marginal[:, items]


class _Paths:
    """A block of items; arrays are (donors, needs, items), so that every step is one long vector."""

    def __init__(
        self,
        need_lots: IntArray,
        need_value: FloatArray,
        donor_lots: IntArray,
        donor_cost: FloatArray,
        lane: FloatArray,
    ) -> None:
        self._need, self._donor = _Curve(need_lots, need_value, -np.inf), _Curve(donor_lots, donor_cost, np.inf)
        self._lane = lane.transpose(1, 2, 0).copy()
        self._donors, self._needs, items = self._lane.shape
        self._lots = np.zeros(self._lane.shape, dtype=np.int64)
        self._open = np.arange(items)
        size = np.maximum(np.abs(need_value).max(axis=(1, 2), initial=0.0), np.abs(donor_cost).max((1, 2), initial=0.0))
        self._scale = size + np.where(np.isinf(lane), 0.0, np.abs(lane)).max(axis=(1, 2), initial=0.0)
        self.lots_out, self.saved_out = self._lots.copy(), np.zeros(items)

    def run(self) -> None:
        """Send along best paths until none saves anything."""
        while self._open.size:
            gain, end, donor, via = self._best_paths()
            active = gain > _GAIN_GUARD * self._scale
            self._send(np.flatnonzero(active), gain, end, donor, via)
            # What is done stays done, so it may stay in the block until dropping it pays.
            if active.sum() <= 0.7 * active.size:
                self._drop(active)

    def _drop(self, active: BoolArray) -> None:
        """Write out the items that are done and go on with the rest."""
        self.lots_out[..., self._open[~active]] = self._lots[..., ~active]
        self._need.keep(active)
        self._donor.keep(active)
        self._lane, self._lots = self._lane[..., active], self._lots[..., active]
        self._open, self._scale = self._open[active], self._scale[active]

    def _best_paths(self) -> tuple[FloatArray, IntArray, IntArray, IntArray]:
        """Gain and end need of each item's best path; for each need the donor that serves it and the need before."""
        items = self._open.size
        label = np.full((self._needs, items), np.inf)
        donor = np.zeros((self._needs, items), dtype=np.int64)
        for d in range(self._donors):
            reach = self._donor.marginal[d] + self._lane[d]
            better = reach < label
            np.copyto(label, reach, where=better)
            donor[better] = d
        via = np.full((self._needs, items), -1, dtype=np.int64)
        if self._needs > 1:
            self._reroute(label, donor, via)
        gain, end = np.full(items, -np.inf), np.zeros(items, dtype=np.int64)
        for n in range(self._needs):
            saved = self._need.marginal[n] - label[n]
            better = saved > gain
            np.copyto(gain, saved, where=better)
            end[better] = n
        return gain, end, donor, via

    def _reroute(self, label: FloatArray, donor: IntArray, via: IntArray) -> None:
        """Shorten the ways to needs by taking lots back from other needs, until nothing shortens (Bellman-Ford)."""
        source = [n for n in range(self._needs) if self._lots[:, n].any()]
        guard = _PATH_GUARD * self._scale
        detour = {n: self._detours(n) for n in source}
        for _ in range(self._needs - 1):
            settled = True
            for n in source:
                extra, through = detour[n]
                better = label[n] + extra < label - guard
                if better.any():
                    settled = False
                    np.copyto(label, label[n] + extra, where=better)
                    np.copyto(donor, through, where=better)
                    via[better] = n
            if settled:
                return

    def _detours(self, need: int) -> tuple[FloatArray, IntArray]:
        """Cheapest change of a lot now at `need` to every other need, and the donor whose lot it is."""
        extra = np.full((self._needs, self._open.size), np.inf)
        through = np.zeros(extra.shape, dtype=np.int64)
        for d in range(self._donors):
            sends = self._lots[d, need] > 0
            if not sends.any():
                continue
            back = np.where(sends, np.where(sends, self._lane[d, need], 0.0), -np.inf)
            change = self._lane[d] - back
            change[need] = np.inf
            better = change < extra
            np.copyto(extra, change, where=better)
            through[better] = d
        return extra, through

    def _send(self, item: IntArray, gain: FloatArray, end: IntArray, donor: IntArray, via: IntArray) -> None:
        """Carry as many lots along each path as its marginals hold for."""
        if not item.size:
            return
        legs = self._legs(item, end[item], donor, via)
        lots = self._need.left[end[item], item]
        for place, _, giver, before in legs:
            first = before < 0
            lots[place[first]] = np.minimum(lots[place[first]], self._donor.left[giver[first], item[place[first]]])
            taken = self._lots[giver[~first], before[~first], item[place[~first]]]
            lots[place[~first]] = np.minimum(lots[place[~first]], taken)
        self._need.take(end[item], item, lots)
        for place, need, giver, before in legs:
            self._lots[giver, need, item[place]] += lots[place]
            first = before < 0
            self._donor.take(giver[first], item[place[first]], lots[place[first]])
            self._lots[giver[~first], before[~first], item[place[~first]]] -= lots[place[~first]]
        self.saved_out[self._open[item]] += lots * gain[item]

    def _legs(
        self, item: IntArray, end: IntArray, donor: IntArray, via: IntArray
    ) -> list[tuple[IntArray, IntArray, IntArray, IntArray]]:
        """Legs of the paths from their end to their start: (place in `item`, need, donor, need before or -1)."""
        legs = []
        place, need = np.arange(item.size), end
        for _ in range(self._needs):
            giver, before = donor[need, item[place]], via[need, item[place]]
            legs.append((place, need, giver, before))
            place, need = place[before >= 0], before[before >= 0]
            if not place.size:
                break
        return legs


def _whole(name: str, values: ArrayLike) -> IntArray:
    array = non_negative(name, values)
    if array.ndim != 3 or 0 in array.shape[1:]:
        raise ValueError(f"{name} must have shape (items, rows, pieces) with a row and a piece, got {array.shape}")
    bad = array != np.rint(array)
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{name} must be whole lots, got {array[place]} at index {place}")
    return array.astype(np.int64)


def _same_shape(name: str, values: FloatArray | IntArray, shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {values.shape}")


def _in_order(name: str, rate: FloatArray, lots: IntArray, sign: float) -> None:
    """Refuse rates that turn back along the pieces; pieces without lots may hold anything."""
    seen = np.where(lots > 0, sign * rate, -np.inf)
    highest = np.maximum.accumulate(seen, axis=2)
    bad = (lots > 0) & (sign * rate < highest - 1e-9 * np.maximum(1.0, np.abs(rate)))
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        word = "fall" if sign > 0 else "rise"
        raise ValueError(f"{name} must not {word} along the pieces, it does at index {place}: {rate[place]}")
