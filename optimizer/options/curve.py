"""The whole cost curve of an option over lots: what each further lot costs and saves, and the best number of lots."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, positive, same_length
from optimizer.laws.demand_law import DemandLaw
from optimizer.options.lost_sales import LossSurface, last_sum, loss_surface
from optimizer.options.pricing import shelf_days
from optimizer.options.rows import OptionRows

_WORLDS_AT_ONCE = 512


@dataclass(frozen=True)
class OptionCurve:
    """Curves over 0..lots lots, shape ``(rows, lots + 1)`` unless said otherwise.

    Parameters
    ----------
    units
        Units of so many lots.
    expected_short
        Units lost over the horizon; falling and convex along a row.
    leftover
        Units at the horizon beyond those left if nothing is done.
    cost
        Landed cost less what carrying and write-off it saves; nothing for no lot.
    net_value
        Penalty x units avoided + credit - cost.
    best_lots
        Shape ``(rows,)``, lots of highest net value, the fewest among equals.
    """

    units: FloatArray
    expected_short: FloatArray
    leftover: FloatArray
    cost: FloatArray
    net_value: FloatArray
    best_lots: IntArray


def option_curve(rows: OptionRows, lot_units: ArrayLike, lots: int, *, law: DemandLaw = "gamma") -> OptionCurve:
    """Curves of all options at once; the `quantity` of the rows is not used.

    Parameters
    ----------
    rows
        Options, each in one world (`world` equal to `baseline`).
    lot_units
        Shape ``(rows,)``, units per lot, positive.
    lots
        Most lots looked at, at least 1.
    law
        Law of demand over an interval.

    Raises
    ------
    ValueError
        If a lot is not positive, `lots` is below 1, or a row changes its world.
    """
    lot = positive("lot_units", lot_units)
    same_length(quantity=rows.quantity, lot_units=lot)
    if lots < 1:
        raise ValueError(f"lots must be at least 1, got {lots}")
    if (rows.world != rows.baseline).any():
        raise ValueError(f"a curve needs rows in one world, row {int(np.argmax(rows.world != rows.baseline))} has two")
    shape = (len(rows), lots + 1)
    short, leftover, cost, net = (np.zeros(shape) for _ in range(4))
    units = lot[:, None] * np.arange(lots + 1.0)
    curve = OptionCurve(units, short, leftover, cost, net, np.zeros(len(rows), dtype=np.int64))
    order = np.argsort(rows.world, kind="stable")
    block = rows.world[order] // _WORLDS_AT_ONCE
    for part in np.split(order, np.flatnonzero(np.diff(block)) + 1) if len(order) else []:
        used, place = np.unique(rows.world[part], return_inverse=True)
        most = np.zeros(len(used))
        np.maximum.at(most, place, curve.units[part, -1])
        _fill(curve, rows, part, place, loss_surface(rows.worlds.take(used), most, law=law))
    return curve


def _fill(curve: OptionCurve, rows: OptionRows, part: IntArray, place: IntArray, surface: LossSurface) -> None:
    units, arrival = curve.units[part], rows.arrival_probability[part]
    days = shelf_days(surface)
    short = surface.lost_by_lots(place, units, arrival)
    # Cubic pieces may leave a later lot a hair above an earlier one.
    savings = np.minimum.accumulate(np.maximum(-np.diff(short, axis=1), 0.0), axis=1)
    avoided = np.concatenate([np.zeros((len(part), 1)), np.cumsum(savings, axis=1)], axis=1)
    horizon = surface.worlds.horizon_days[place]
    arrived = np.minimum(np.cumsum(arrival[:, : surface.worlds.days], axis=1), 1.0)
    arrived *= np.arange(surface.worlds.days) < horizon[:, None]
    losing = np.diff(days.lost[place], axis=1, prepend=0.0)
    sold = _capped_sum(np.cumsum(losing * arrived, axis=1), avoided, horizon)
    shelf = np.maximum(units * last_sum(arrived)[:, None] - sold, 0.0)
    left = units * arrived[np.arange(len(part)), horizon - 1][:, None] - avoided

    def of(name: str) -> FloatArray:
        return rows.of(name)[part, None]

    per_unit = rows.unit_cost[part, None] + of("duty_per_unit") + of("freight_per_unit") + of("handling_per_unit")
    once = (rows.fixed_cost[part, None] + of("freight") + of("elsewhere_cost")) * (np.arange(units.shape[1]) > 0)
    cost = (
        once + per_unit * units + rows.holding_cost_per_unit_day[part, None] * shelf + of("write_off_per_unit") * left
    )
    credit = of("credit") * (np.arange(units.shape[1]) > 0)
    curve.expected_short[part] = short[:, :1] - avoided
    curve.leftover[part], curve.cost[part] = left, cost
    net = rows.penalty_per_unit[part, None] * avoided + credit - cost
    curve.net_value[part] = net
    near = net.max(axis=1, keepdims=True)
    curve.best_lots[part] = np.argmax(net >= near - 1e-9 * np.maximum(np.abs(near), 1.0), axis=1)


def _capped_sum(rising: FloatArray, cap: FloatArray, horizon: IntArray) -> FloatArray:
    """Sum over the horizon of the lesser of a rising figure ``(rows, days)`` and each cap ``(rows, lots)``."""
    inside = np.arange(rising.shape[1]) < horizon[:, None]
    total = np.concatenate([np.zeros((len(rising), 1)), np.cumsum(rising * inside, axis=1)], axis=1)
    below = np.stack([((rising < cap[:, [lot]]) & inside).sum(axis=1) for lot in range(cap.shape[1])], axis=1)
    return np.asarray(np.take_along_axis(total, below, axis=1) + cap * (horizon[:, None] - below))
