"""What each option of a case costs and what it saves, with one law of demand for all.

Rules
-----
1. Every option is a change of the arrival schedule (`quantity` more units on a day drawn from `arrival_probability`),
   of the world it finds (an open order moved, demand raised, units taken away), or of both. *Hold* is the option that
   changes nothing: it costs nothing, saves nothing and is scored like any other.
2. Units short are lost sales, each counted once (`lost_sales.py`).
3. Cost is landed: price, duty, freight, handling, order, carrying, expected write-off, loss elsewhere, revenue given
   up, each a figure of its own; the whole is their sum.
4. Carrying and write-off are of stock beyond what lies there if nothing is done; where it is less, that is saved.
   Added units are taken to be sold before those that were there: first to what would have been lost.
5. Net value = penalty x units avoided + saved - cost.
"""

from dataclasses import dataclass, fields

import numpy as np

from optimizer.arguments import FloatArray
from optimizer.laws.demand_law import DemandLaw
from optimizer.options.lost_sales import LossSurface, last_sum, loss_surface
from optimizer.options.rows import CostParts, OptionRows, OptionValues
from optimizer.options.worlds import Worlds

_ROWS_AT_ONCE = 8_192


def price_options(rows: OptionRows, *, law: DemandLaw = "gamma") -> OptionValues:
    """Price every row.

    Parameters
    ----------
    rows
        Options; those that share a world share its walk, so a case costs one walk and few operations an option.
    law
        Law of demand over an interval, see `laws.demand_law`.

    Returns
    -------
    OptionValues
        Arrays of shape ``(rows,)``, in the order of the rows.

    Source
    ------
    Newsvendor accounting of an option by arrival: Silver, Pyke & Thomas (2017), Inventory and Production Management in
    Supply Chains, 4th ed., ch. 9; the loss is that of `lost_sales.py`.
    """
    return price_on(surface_of(rows, law=law), rows)


def surface_of(rows: OptionRows, *, law: DemandLaw = "gamma") -> LossSurface:
    """The walk that prices the rows, and any others in the same worlds with no more units."""
    most = np.zeros(len(rows.worlds))
    np.maximum.at(most, rows.world, rows.quantity)
    return loss_surface(rows.worlds, most, law=law)


def price_on(surface: LossSurface, rows: OptionRows) -> OptionValues:
    """Prices on a walk already made: for other costs, penalties, arrivals or quantities in the same worlds."""
    days = shelf_days(surface)
    blocks = [
        _priced(surface, days, rows.take(np.arange(start, min(start + _ROWS_AT_ONCE, len(rows)))))
        for start in range(0, len(rows), _ROWS_AT_ONCE)
    ]
    return _joined(blocks) if blocks else _priced(surface, days, rows)


@dataclass(frozen=True)
class ShelfDays:
    """A world with nothing added, by day: units lost up to it, and on the shelf after it, each ``(worlds, days)``."""

    lost: FloatArray
    on_hand: FloatArray


def shelf_days(surface: LossSurface) -> ShelfDays:
    """Lost and remaining units of every world by day, zero past its horizon."""
    worlds = surface.worlds
    day = np.arange(1.0, worlds.days + 1.0)
    time = np.minimum(day, worlds.horizon_days[:, None])
    at = time * (surface.epochs / worlds.horizon_days)[:, None]
    base = np.minimum(np.floor(at + 1e-9).astype(np.int64), surface.epochs[:, None] - 1)
    row = np.arange(len(worlds))[:, None]
    left, right = surface.lost_until[row, base], surface.lost_until[row, base + 1]
    # Cubic pieces may fall a hair where the loss only rises.
    rising = np.maximum.accumulate(np.maximum(left + (at - base) * (right - left), 0.0), axis=1)
    lost = np.minimum(rising, surface.lost[:, None])
    demand = worlds.until(worlds.mean_per_day, time)
    if worlds.known_demand is not None:
        demand += worlds.until(worlds.known_demand, time)
    on_hand = worlds.on_hand[:, None] + _received(worlds) - demand + lost
    inside = day <= worlds.horizon_days[:, None]
    return ShelfDays(lost, np.maximum(on_hand, 0.0) * inside)


def _received(worlds: Worlds) -> FloatArray:
    received = np.zeros((len(worlds), worlds.days))
    if worlds.inbound is not None:
        arrived = worlds.inbound.quantity[:, None] * worlds.inbound.arrival_probability[:, : worlds.days]
        np.add.at(received, worlds.inbound.series, arrived)
    return np.cumsum(received, axis=1)


def _priced(surface: LossSurface, days: ShelfDays, rows: OptionRows) -> OptionValues:
    worlds = rows.worlds
    before = surface.lost[rows.baseline]
    untouched = surface.lost[rows.world]
    with_units = surface.lost_with(rows.world, rows.quantity, rows.arrival_probability)
    after = np.maximum(with_units - rows.of("served_elsewhere"), 0.0)
    demand = worlds.expected_demand()
    shelf, left = _added(worlds, days, rows, untouched - with_units)
    sold = (demand[rows.world] - with_units) * rows.of("sale_value")
    gained = sold - (demand[rows.baseline] - before) * rows.of("baseline_sale_value")
    carrying, write_off = rows.holding_cost_per_unit_day * shelf, rows.of("write_off_per_unit") * left
    parts = CostParts(
        price=rows.unit_cost * rows.quantity,
        duty=rows.of("duty_per_unit") * rows.quantity,
        freight=rows.of("freight_per_unit") * rows.quantity + rows.of("freight"),
        handling=rows.of("handling_per_unit") * rows.quantity,
        order=rows.fixed_cost,
        carrying=np.maximum(carrying, 0.0),
        write_off=np.maximum(write_off, 0.0),
        elsewhere=rows.of("elsewhere_cost"),
        revenue=np.maximum(-gained, 0.0),
    )
    saved = rows.of("credit") + np.maximum(-carrying, 0.0) + np.maximum(-write_off, 0.0) + np.maximum(gained, 0.0)
    cost, avoided = parts.total(), before - after
    value = rows.penalty_per_unit * avoided
    end = days.on_hand[np.arange(len(worlds)), worlds.horizon_days - 1]
    return OptionValues(
        cost=cost,
        parts=parts,
        saved=saved,
        expected_short_before=before,
        expected_short_after=after,
        shortage_avoided_units=avoided,
        shortage_avoided_value=value,
        service_after=_service(after, demand[rows.world]),
        expected_leftover=np.maximum(end[rows.baseline] + left, 0.0),
        leftover_added=left,
        net_value=value + saved - cost,
        break_even_penalty=_break_even(cost - saved, avoided),
    )


def _added(worlds: Worlds, days: ShelfDays, rows: OptionRows, avoided: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Unit-days on the shelf, and units at the end, beyond those of the baseline."""
    horizon = worlds.horizon_days[rows.world]
    inside = np.arange(worlds.days) < horizon[:, None]
    arrived = np.minimum(np.cumsum(rows.arrival_probability[:, : worlds.days], axis=1), 1.0)
    lost = days.lost[rows.world]
    losing = np.diff(lost, axis=1, prepend=0.0)
    served = np.minimum(np.cumsum(losing * arrived, axis=1), avoided[:, None])
    units = last_sum((rows.quantity[:, None] * arrived - served) * inside)
    change = days.on_hand[rows.world] - days.on_hand[rows.baseline]
    last = np.arange(len(horizon)), horizon - 1
    end = rows.quantity * arrived[last] - avoided + change[last]
    return np.maximum(units, 0.0) + last_sum(change * inside), end


def _joined(parts: list[OptionValues]) -> OptionValues:
    """Prices end to end."""
    costs = [np.concatenate([getattr(part.parts, f.name) for part in parts]) for f in fields(CostParts)]
    names = [f.name for f in fields(OptionValues) if f.name != "parts"]
    others = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return OptionValues(parts=CostParts(*costs), **others)


def _service(short: FloatArray, demand: FloatArray) -> FloatArray:
    """Share of demand met on time."""
    missed = np.divide(short, demand, out=np.zeros_like(short), where=demand > 0.0)
    return np.clip(1.0 - missed, 0.0, 1.0)


def _break_even(cost: FloatArray, avoided: FloatArray) -> FloatArray:
    """Cost per unit avoided."""
    per_unit = np.divide(cost, avoided, out=np.full_like(cost, np.inf), where=avoided > 0.0)
    return np.where(cost > 0.0, per_unit, 0.0)
