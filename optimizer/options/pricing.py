"""What each option of a case costs and what it saves, with one law of demand for all.

Rules
-----
1. Every option is a change of the arrival schedule: `quantity` more units, on a day drawn from `arrival_probability`.
   *Hold* is the option of quantity zero: it costs nothing, saves nothing and is scored like any other.
2. A unit short is counted once, on the day demand first goes without it: the short units of a path are the highest
   expected backlog it reaches, before the arrival without the option and from the arrival on with it.
3. Money of an option: fixed cost if used, unit cost, and holding of the units it adds to the shelf within the horizon.
   `unit_cost` is what the option costs per unit beyond what would be paid anyway.
4. Net value = penalty x units avoided + credit - cost.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from optimizer.arguments import FloatArray, IntArray, finite, index, mass_function, non_negative, same_length
from optimizer.laws.demand_law import DemandLaw
from optimizer.risk.projection import InboundSchedule, StockProjection, project_stock


@dataclass(frozen=True)
class OptionRows:
    """Options to price: one row is one option of one case, shape ``(rows,)`` unless said otherwise.

    Parameters
    ----------
    quantity
        Units, 0 for hold.
    arrival_probability
        Shape ``(rows, horizon_days)``, column 0 today; rows sum to at most one, the rest arrives too late to matter.
    unit_cost, fixed_cost
        Money per unit, and once if the quantity is positive.
    penalty_per_unit
        Money per unit short.
    holding_cost_per_unit_day
        Money per unit and day on the shelf.
    on_hand
        Units free to be sold.
    mean_per_day, sd_per_day
        Demand, units.
    inbound
        What arrives anyway; its `series` counts the rows.
    credit
        Money the option saves elsewhere, such as carrying cost of surplus it takes away; none when omitted.
    baseline
        Row that says what happens if nothing is done; each row itself when omitted. An option that brings an open
        order in earlier leaves that order out of its own inbound, and compares with a row that has it.

    Raises
    ------
    ValueError
        If a shape or sign is wrong.
    """

    quantity: FloatArray
    arrival_probability: FloatArray
    unit_cost: FloatArray
    fixed_cost: FloatArray
    penalty_per_unit: FloatArray
    holding_cost_per_unit_day: FloatArray
    on_hand: FloatArray
    mean_per_day: FloatArray
    sd_per_day: FloatArray
    inbound: InboundSchedule | None = None
    credit: FloatArray | None = None
    baseline: IntArray | None = None

    def __post_init__(self) -> None:
        checked = {"arrival_probability": mass_function("arrival_probability", self.arrival_probability)}
        checked["on_hand"] = finite("on_hand", self.on_hand)
        rows = len(checked["on_hand"])
        for field in fields(self):
            if field.name not in checked and field.name not in ("inbound", "credit", "baseline"):
                checked[field.name] = non_negative(field.name, getattr(self, field.name))
        if self.credit is not None:
            checked["credit"] = non_negative("credit", self.credit)
        same_length(**checked)
        if self.baseline is not None:
            object.__setattr__(self, "baseline", index("baseline", self.baseline, rows))
        for name, values in checked.items():
            object.__setattr__(self, name, values)

    @property
    def horizon_days(self) -> int:
        """Days looked at."""
        return int(self.arrival_probability.shape[1])

    @property
    def saved_elsewhere(self) -> FloatArray:
        """`credit`, zeros when omitted."""
        return np.zeros(len(self.quantity)) if self.credit is None else self.credit

    @property
    def nothing_done(self) -> IntArray:
        """`baseline`, each row itself when omitted."""
        return np.arange(len(self.quantity)) if self.baseline is None else self.baseline


@dataclass(frozen=True)
class OptionValues:
    """Prices of the options, shape ``(rows,)`` throughout.

    Parameters
    ----------
    cost
        Money the option costs.
    expected_short_before, expected_short_after
        Units short over the horizon with nothing done, and with the option.
    shortage_avoided_units, shortage_avoided_value
        Their difference, in units and at the penalty.
    service_after
        Share of expected demand met on time with the option, in [0, 1]; 1 without demand.
    expected_leftover
        Units on the shelf at the end of the horizon with the option.
    net_value
        Money saved, here and elsewhere, less money spent.
    break_even_penalty
        Penalty per unit at which the option pays; infinite where it costs and avoids nothing, 0 where it is free.
    """

    cost: FloatArray
    expected_short_before: FloatArray
    expected_short_after: FloatArray
    shortage_avoided_units: FloatArray
    shortage_avoided_value: FloatArray
    service_after: FloatArray
    expected_leftover: FloatArray
    net_value: FloatArray
    break_even_penalty: FloatArray


def price_options(rows: OptionRows, *, law: DemandLaw = "gamma") -> OptionValues:
    """Price every row; two projections, one without and one with the option's units, carry all arrival days."""
    without = _project(rows, law)
    added = _project(replace(rows, on_hand=rows.on_hand + rows.quantity), law)
    before, after = _short_units(rows.arrival_probability, without, added)
    before = before[rows.nothing_done]
    avoided = np.maximum(before - after, 0.0)
    shelf = np.cumsum(rows.arrival_probability, axis=1) * (added.expected_on_hand - without.expected_on_hand)
    used = rows.quantity > 0.0
    holding = rows.holding_cost_per_unit_day * shelf.sum(axis=1)
    cost = np.where(used, rows.fixed_cost + rows.unit_cost * rows.quantity + holding, 0.0)
    saved = rows.penalty_per_unit * avoided
    demand = rows.mean_per_day * rows.horizon_days
    return OptionValues(
        cost=cost,
        expected_short_before=before,
        expected_short_after=after,
        shortage_avoided_units=avoided,
        shortage_avoided_value=saved,
        service_after=_service(after, demand),
        expected_leftover=without.expected_on_hand[:, -1] + shelf[:, -1],
        net_value=saved + rows.saved_elsewhere - cost,
        break_even_penalty=_break_even(cost, avoided),
    )


def _project(rows: OptionRows, law: DemandLaw) -> StockProjection:
    return project_stock(
        rows.on_hand,
        rows.mean_per_day,
        rows.sd_per_day,
        horizon_days=rows.horizon_days,
        inbound=rows.inbound,
        law=law,
    )


def _short_units(
    arrival: FloatArray, without: StockProjection, added: StockProjection
) -> tuple[FloatArray, FloatArray]:
    """Units short without and with the option, weighted over its arrival days."""
    reached = np.maximum.accumulate(without.expected_short_units, axis=1)
    reached_before = np.concatenate([np.zeros((len(arrival), 1)), reached[:, :-1]], axis=1)
    from_then_on = np.maximum.accumulate(added.expected_short_units[:, ::-1], axis=1)[:, ::-1]
    if_arriving = np.maximum(reached_before, from_then_on)
    never = np.maximum(1.0 - arrival.sum(axis=1), 0.0)
    before = reached[:, -1]
    return before, np.minimum((arrival * if_arriving).sum(axis=1) + never * before, before)


def _service(short: FloatArray, demand: FloatArray) -> FloatArray:
    """Share of demand met on time."""
    missed = np.divide(short, demand, out=np.zeros_like(short), where=demand > 0.0)
    return np.clip(1.0 - missed, 0.0, 1.0)


def _break_even(cost: FloatArray, avoided: FloatArray) -> FloatArray:
    """Cost per unit avoided."""
    per_unit = np.divide(cost, avoided, out=np.full_like(cost, np.inf), where=avoided > 0.0)
    return np.where(cost > 0.0, per_unit, 0.0)
