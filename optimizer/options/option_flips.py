"""Flip points of options: one parameter at a time, everything else as it is, all cases bisected together."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, index
from optimizer.laws.demand_law import DemandLaw
from optimizer.options.arrival import shifted_arrival
from optimizer.options.choice import chosen_rows
from optimizer.options.confidence import scaled_demand
from optimizer.options.flip import flip_points
from optimizer.options.lost_sales import LossSurface
from optimizer.options.pricing import price_on, surface_of
from optimizer.options.rows import OptionRows

DELAY_TOLERANCE = 1e-3
DEMAND_TOLERANCE = 1e-2


@dataclass(frozen=True)
class Ranked:
    """Options of many cases and how one of each is chosen.

    Parameters
    ----------
    rows
        The options.
    case
        Shape ``(rows,)``, case of each, the first row of a case is hold.
    eligible
        Shape ``(rows,)``, whether it may be chosen.
    minimum
        Least net value worth acting for.
    """

    rows: OptionRows
    case: IntArray
    eligible: np.typing.NDArray[np.bool_]
    minimum: float

    def choose(self, net_value: FloatArray) -> IntArray:
        """Row chosen per case."""
        return chosen_rows(net_value, self.case, eligible=self.eligible, minimum=self.minimum)


def unit_cost_flips(
    ranked: Ranked, surface: LossSurface, low: ArrayLike, high: ArrayLike, *, row: ArrayLike
) -> FloatArray:
    """Unit cost of `row` ``(cases,)``, going from `low` to `high` ``(cases,)``, at which the choice changes.

    NaN: none in range. Nothing but cost moves, so the options are priced on the walk already made.
    """
    whose = index("row", row, len(ranked.rows))

    def evaluate(value: FloatArray) -> IntArray:
        cost = ranked.rows.unit_cost.copy()
        cost[whose] = value
        return ranked.choose(price_on(surface, replace(ranked.rows, unit_cost=cost)).net_value)

    return flip_points(evaluate, low, high)


def penalty_flips(ranked: Ranked, surface: LossSurface, low: ArrayLike, high: ArrayLike) -> FloatArray:
    """Factor on the cost of a unit short, ``(cases,)``, at which the choice changes; NaN: none in range."""

    def evaluate(factor: FloatArray) -> IntArray:
        penalty = ranked.rows.penalty_per_unit * factor[ranked.case]
        return ranked.choose(price_on(surface, replace(ranked.rows, penalty_per_unit=penalty)).net_value)

    return flip_points(evaluate, low, high)


def delay_flips(ranked: Ranked, surface: LossSurface, low: ArrayLike, high: ArrayLike, *, row: ArrayLike) -> FloatArray:
    """Days by which the arrival of `row` ``(cases,)`` must move for the choice to change; NaN: none in range."""
    whose = index("row", row, len(ranked.rows))

    def evaluate(days: FloatArray) -> IntArray:
        delay = np.zeros(len(ranked.rows))
        delay[whose] = days
        arrival = shifted_arrival(ranked.rows.arrival_probability, delay)
        return ranked.choose(price_on(surface, replace(ranked.rows, arrival_probability=arrival)).net_value)

    return flip_points(evaluate, low, high, tolerance=DELAY_TOLERANCE)


def demand_flips(ranked: Ranked, low: ArrayLike, high: ArrayLike, *, law: DemandLaw = "gamma") -> FloatArray:
    """Factor on mean demand, ``(cases,)``, at which the choice changes; NaN: none in range. Each step walks anew."""
    owner = np.zeros(len(ranked.rows.worlds), dtype=np.int64)
    owner[ranked.rows.world] = owner[ranked.rows.baseline] = ranked.case

    def evaluate(factor: FloatArray) -> IntArray:
        worlds = scaled_demand(ranked.rows.worlds, factor[owner], np.ones(len(owner)))
        rows = replace(ranked.rows, worlds=worlds)
        return ranked.choose(price_on(surface_of(rows, law=law), rows).net_value)

    return flip_points(evaluate, low, high, tolerance=DEMAND_TOLERANCE, samples=8)
