"""Pairs of options: so many lots now (a transfer), so many later (an order), priced on the joint schedule."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, positive, same_length
from optimizer.laws.demand_law import DemandLaw
from optimizer.options.pricing import price_options
from optimizer.options.rows import OptionRows
from optimizer.options.worlds import Worlds
from optimizer.risk.inbound import InboundSchedule


@dataclass(frozen=True)
class PairGrid:
    """Every combination of lots, shape ``(rows, first + 1, second + 1)``; the best one per row, ``(rows,)``.

    Parameters
    ----------
    expected_short, cost, net_value
        Of the two together.
    best_first, best_second
        Lots of highest net value; the fewest of the first, then of the second, among equals.
    """

    expected_short: FloatArray
    cost: FloatArray
    net_value: FloatArray
    best_first: IntArray
    best_second: IntArray


def with_order(worlds: Worlds, units: FloatArray, arrival: FloatArray) -> Worlds:
    """The worlds with one more order each: `units` ``(worlds,)`` by the law ``(worlds, days)``; none where zero."""
    some = np.flatnonzero(units > 0.0)
    days = arrival.shape[1]
    inbound = worlds.inbound if worlds.inbound is not None else InboundSchedule.none(days)
    width = min(days, inbound.arrival_probability.shape[1])
    schedule = InboundSchedule(
        np.concatenate([inbound.series, some]),
        np.concatenate([inbound.quantity, units[some]]),
        np.concatenate([inbound.arrival_probability[:, :width], arrival[some, :width]]),
    )
    return replace(worlds, inbound=schedule)


def pair_grid(
    first: OptionRows,
    second: OptionRows,
    first_lot: ArrayLike,
    second_lot: ArrayLike,
    lots: tuple[int, int],
    *,
    law: DemandLaw = "gamma",
) -> PairGrid:
    """Price every pair of lots of two options of the same cases, row by row.

    The two are not added up: what the first avoids, the second cannot. Each number of first lots is a world with one
    more order, in which the second is priced for all its lots by one walk.

    Parameters
    ----------
    first, second
        Options in the same worlds, row by row; their `quantity` is not used. Penalty, holding and write-off are the
        second's.
    first_lot, second_lot
        Shape ``(rows,)``, units per lot, positive.
    lots
        Most lots of each, at least 1.

    Raises
    ------
    ValueError
        If the rows do not match, or a lot is not positive.
    """
    one, two = positive("first_lot", first_lot), positive("second_lot", second_lot)
    count = same_length(first=first.quantity, second=second.quantity, first_lot=one, second_lot=two)
    if min(lots) < 1:
        raise ValueError(f"lots must be at least 1 each, got {lots}")
    if first.worlds is not second.worlds or (first.world != second.world).any():
        raise ValueError("first and second must be options in the same worlds, row by row")
    width, depth = lots[0] + 1, lots[1] + 1
    case, lots_one, lots_two = (axis.ravel() for axis in np.indices((count, width, depth)))
    of_world = np.repeat(np.arange(count), width)
    units = one[of_world] * np.tile(np.arange(width), count)
    worlds = with_order(first.worlds.take(first.world[of_world]), units, first.arrival_probability[of_world])
    taken = second.take(case)
    sent, ordered = lots_one * one[case], lots_two * two[case]
    values = price_options(
        replace(
            taken,
            worlds=worlds,
            world=case * width + lots_one,
            baseline=case * width,
            quantity=ordered,
            fixed_cost=taken.fixed_cost * (lots_two > 0),
            freight=taken.of("freight") * (lots_two > 0),
            elsewhere_cost=taken.of("elsewhere_cost") * (lots_two > 0) + _cost_of(first, case, sent),
            credit=taken.of("credit") * (lots_two > 0) + first.of("credit")[case] * (lots_one > 0),
        ),
        law=law,
    )
    shape = (count, width, depth)
    net = values.net_value.reshape(shape)
    flat = net.reshape(count, -1)
    highest = flat.max(axis=1, keepdims=True)
    best = np.argmax(flat >= highest - 1e-9 * np.maximum(np.abs(highest), 1.0), axis=1)
    return PairGrid(
        values.expected_short_after.reshape(shape), values.cost.reshape(shape), net, best // depth, best % depth
    )


def _cost_of(rows: OptionRows, case: IntArray, units: FloatArray) -> FloatArray:
    """What the first option costs besides carrying and write-off, which the joint schedule has."""
    per_unit = rows.unit_cost + rows.of("duty_per_unit") + rows.of("freight_per_unit") + rows.of("handling_per_unit")
    once = rows.fixed_cost + rows.of("freight") + rows.of("elsewhere_cost")
    return np.asarray(per_unit[case] * units + once[case] * (units > 0.0))
