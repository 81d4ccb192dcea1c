"""Options to price and their prices: one row is one option of one case."""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from optimizer.arguments import FloatArray, IntArray, finite, mass_function, non_negative, position, same_length
from optimizer.options.worlds import Worlds

REQUIRED = ("quantity", "unit_cost", "fixed_cost", "penalty_per_unit", "holding_cost_per_unit_day")
OPTIONAL = (
    "duty_per_unit", "freight_per_unit", "freight", "handling_per_unit", "write_off_per_unit", "elsewhere_cost",
    "served_elsewhere", "credit",
)  # fmt: skip


SIGNED = ("sale_value", "baseline_sale_value")


@dataclass(frozen=True)
class OptionRows:
    """Options, shape ``(rows,)`` unless said otherwise.

    Parameters
    ----------
    worlds
        What may lie ahead; options of one case share a world unless they change it.
    world, baseline
        Row of `worlds` that holds with the option (its own units apart), and the one that holds if nothing is done.
        They differ where an option moves an open order, changes demand or takes units away.
    quantity
        Units the option adds, 0 for hold.
    arrival_probability
        Shape ``(rows, days)``, column 0 today; rows sum to at most one, the rest arrives too late to matter.
    unit_cost, fixed_cost
        Money per unit beyond what would be paid anyway, and once.
    penalty_per_unit
        Money per unit short.
    holding_cost_per_unit_day
        Money per unit and day on the shelf.
    duty_per_unit, freight_per_unit, handling_per_unit
        Further shares of the landed cost, money per unit.
    freight
        Money of freight paid once.
    write_off_per_unit
        Money expected to be lost per unit left at the horizon.
    elsewhere_cost
        Money the option costs other sites, channels and items by what they lose.
    served_elsewhere
        Units short here that the option serves from elsewhere (a substitute).
    credit
        Money the option saves elsewhere, or is refunded.
    sale_value, baseline_sale_value
        Money per unit sold with the option and without it, where the option changes the price; of any sign.

    Raises
    ------
    ValueError
        If a shape or sign is wrong.
    """

    worlds: Worlds
    world: IntArray
    baseline: IntArray
    quantity: FloatArray
    arrival_probability: FloatArray
    unit_cost: FloatArray
    fixed_cost: FloatArray
    penalty_per_unit: FloatArray
    holding_cost_per_unit_day: FloatArray
    duty_per_unit: FloatArray | None = None
    freight_per_unit: FloatArray | None = None
    freight: FloatArray | None = None
    handling_per_unit: FloatArray | None = None
    write_off_per_unit: FloatArray | None = None
    elsewhere_cost: FloatArray | None = None
    served_elsewhere: FloatArray | None = None
    credit: FloatArray | None = None
    sale_value: FloatArray | None = None
    baseline_sale_value: FloatArray | None = None

    def __post_init__(self) -> None:
        arrival = mass_function("arrival_probability", self.arrival_probability)
        if arrival.shape[1] < self.worlds.days:
            raise ValueError(f"arrival_probability must have at least {self.worlds.days} days, got {arrival.shape[1]}")
        checked: dict[str, FloatArray | IntArray] = {"arrival_probability": arrival}
        for name in REQUIRED:
            checked[name] = non_negative(name, getattr(self, name))
        for name in OPTIONAL:
            if getattr(self, name) is not None:
                checked[name] = non_negative(name, getattr(self, name))
        for name in SIGNED:
            if getattr(self, name) is not None:
                checked[name] = finite(name, getattr(self, name))
        for name in ("world", "baseline"):
            checked[name] = position(name, getattr(self, name), len(self.worlds))
        same_length(**checked)
        for name, values in checked.items():
            object.__setattr__(self, name, values)
        differ = self.worlds.horizon_days[self.world] != self.worlds.horizon_days[self.baseline]
        if differ.any():
            row = int(np.argmax(differ))
            raise ValueError(f"world and baseline must have one horizon, they differ at index ({row},)")

    def __len__(self) -> int:
        return len(self.quantity)

    def of(self, name: str) -> FloatArray:
        """An optional figure, zeros when omitted."""
        values: FloatArray | None = getattr(self, name)
        return np.zeros(len(self)) if values is None else values

    def take(self, rows: IntArray) -> Self:
        """Only some rows; the worlds stay."""
        taken = {
            field.name: getattr(self, field.name)[rows]
            for field in fields(self)
            if field.name != "worlds" and getattr(self, field.name) is not None
        }
        return type(self)(worlds=self.worlds, **taken)

    def alone(self, rows: IntArray) -> Self:
        """Only some rows and the worlds they need."""
        taken = self.take(rows)
        used, place = np.unique(np.concatenate([taken.world, taken.baseline]), return_inverse=True)
        half = len(rows)
        return replace(taken, worlds=self.worlds.take(used), world=place[:half], baseline=place[half:])


@dataclass(frozen=True)
class CostParts:
    """Landed cost of each option by kind, money, shape ``(rows,)``; never negative, and their sum is the cost.

    Parameters
    ----------
    price, duty, freight, handling, order
        Of the units themselves and of ordering or shipping them once.
    carrying
        Of the units on the shelf within the horizon beyond what lies there if nothing is done.
    write_off
        Expected, of the units left at the horizon beyond those left anyway.
    elsewhere
        What other sites, channels and items are expected to lose.
    revenue
        Given up by a lower price.
    """

    price: FloatArray
    duty: FloatArray
    freight: FloatArray
    handling: FloatArray
    order: FloatArray
    carrying: FloatArray
    write_off: FloatArray
    elsewhere: FloatArray
    revenue: FloatArray

    def total(self) -> FloatArray:
        """Sum of the parts, in the order of the fields."""
        whole = np.zeros_like(self.price)
        for field in fields(self):
            whole = whole + getattr(self, field.name)
        return whole


@dataclass(frozen=True)
class OptionValues:
    """Prices of the options, shape ``(rows,)`` throughout.

    Parameters
    ----------
    cost, parts
        Money the option costs, whole and in parts.
    saved
        Money the option saves besides shortage: credit, less carrying and write-off, more revenue.
    expected_short_before, expected_short_after
        Units lost over the horizon with nothing done, and with the option.
    shortage_avoided_units, shortage_avoided_value
        Their difference, in units and at the penalty; negative where the option adds to shortage.
    service_after
        Share of expected demand met on time with the option, in [0, 1]; 1 without demand.
    expected_leftover, leftover_added
        Units on the shelf at the end of the horizon with the option, and how many more than with nothing done.
    net_value
        Money saved, here and elsewhere, less money spent.
    break_even_penalty
        Penalty per unit at which the option pays; infinite where it costs and avoids nothing, 0 where it is free.
    """

    cost: FloatArray
    parts: CostParts
    saved: FloatArray
    expected_short_before: FloatArray
    expected_short_after: FloatArray
    shortage_avoided_units: FloatArray
    shortage_avoided_value: FloatArray
    service_after: FloatArray
    expected_leftover: FloatArray
    leftover_added: FloatArray
    net_value: FloatArray
    break_even_penalty: FloatArray

    def take(self, rows: IntArray | slice) -> "OptionValues":
        """Only some rows."""
        parts = CostParts(*(getattr(self.parts, field.name)[rows] for field in fields(CostParts)))
        others = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "parts"}
        return OptionValues(parts=parts, **others)
