"""Need of a cycle beyond the stock it starts with: what a replenishment order has to meet, as a distribution."""

from dataclasses import dataclass

import numpy as np

from optimizer.arguments import FloatArray
from optimizer.replenishment.lattice import (
    added,
    consumed,
    level_factors,
    masses,
    mean_cells,
    need_at_most,
    placed,
    received,
)
from optimizer.replenishment.terms import ReplenishmentInput


@dataclass(frozen=True)
class Need:
    """Need of the cycle beyond the stock it starts with.

    `at_most` is P(need by period j <= owed + x cells), ``(review, n, width)``; `mean` is the mean need by period j,
    units; `owed` what is needed for certain, units.
    """

    at_most: FloatArray
    mean: FloatArray
    projected: FloatArray
    at_arrival: FloatArray
    owed: FloatArray
    short_before: FloatArray


def cycle_need(given: ReplenishmentInput, cell: FloatArray, width: int) -> Need:
    """Need of each row's cycle on a grid of `width` cells of `cell` ``(n,)`` units: stock followed to the arrival.

    Lost sales: the stock recursion ``S <- max(S + receipt - D, 0)`` on distributions, then demand less stock.
    Backordered: all demand from now less all supply.
    """
    n, lead = len(cell), given.lead_periods
    factor = level_factors(given.level_cv)
    demand = [_period(given, factor, j, cell, width) for j in range(lead + given.review_periods)]
    gone = [mean_cells(d) * cell for d in demand]
    lost = given.unmet == "lost"
    projected, short_before = np.zeros((n, lead)), np.zeros(n)
    # Backordered demand is not consumed from the grid but summed up and set against the supply at the end.
    supply = given.on_hand if not lost else np.zeros(n)
    stock, excess = placed(given.on_hand if lost else np.zeros(n), cell, width)
    held = np.repeat(stock[:, None, :], factor.shape[1], axis=1)
    total_owed = held
    for j in range(lead + 1):
        if lost:
            if given.inbound[:, j].any():
                before = mean_cells(held) * cell
                held = received(held, given.inbound[:, j], cell)
                excess = excess + before + given.inbound[:, j] - mean_cells(held) * cell
        else:
            supply = supply + given.inbound[:, j]
        if j == lead:
            break
        if lost:
            before = mean_cells(held)
            held = consumed(held, demand[j])
            short_before += gone[j] - (before - mean_cells(held)) * cell
            projected[:, j] = mean_cells(held) * cell + excess
        else:
            total_owed = added(total_owed, demand[j])
            short_now, projected[:, j] = _around_zero(total_owed, supply, cell)
            short_before = np.maximum(short_before, short_now)
    if lost:
        at_arrival = mean_cells(held) * cell + excess
        total, start = demand[lead], held
    else:
        at_arrival = supply - mean_cells(total_owed) * cell
        total, start = added(total_owed, demand[lead]), np.zeros_like(held)
        start[..., 0] = 1.0
    at_most, mean = [], []
    for j in range(given.review_periods):
        total = total if j == 0 else added(total, demand[lead + j])
        below = need_at_most(total, start)
        at_most.append(below if lost else _shifted(below, np.maximum(supply, 0.0), cell))
        mean.append(mean_cells(total) * cell - (at_arrival if lost else supply))
    owed = np.maximum(-supply, 0.0)
    return Need(np.stack(at_most), np.stack(mean), projected, at_arrival, owed, np.maximum(short_before, 0.0))


def _period(given: ReplenishmentInput, factor: FloatArray, j: int, cell: FloatArray, width: int) -> FloatArray:
    """Masses of demand of period j for every part of the level; the variation coefficient beyond Poisson is kept."""
    mean, variance = given.demand_mean[:, j], given.demand_variance[:, j]
    extra = np.maximum(variance - mean, 0.0) if given.law == "count" else variance
    part_mean = (mean[:, None] * factor).ravel()
    part_variance = extra[:, None] * factor**2 + (mean[:, None] * factor if given.law == "count" else 0.0)
    cells = np.repeat(cell, factor.shape[1])
    return masses(part_mean, part_variance.ravel(), cells, width, given.law).reshape(*factor.shape, width)


def _around_zero(owed: FloatArray, supply: FloatArray, cell: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Expected units short and expected units on hand when `owed` meets a known supply."""
    net = np.arange(owed.shape[-1]) * cell[:, None] - supply[:, None]
    mass = owed.mean(axis=1)
    return (mass * np.maximum(net, 0.0)).sum(axis=1), (mass * np.maximum(-net, 0.0)).sum(axis=1)


def _shifted(below: FloatArray, supply: FloatArray, cell: FloatArray) -> FloatArray:
    """P(total <= x + supply) from P(total <= x), between cells along a line; supply is not negative."""
    width = below.shape[-1]
    place = np.arange(width) + (supply / cell)[:, None]
    low = np.minimum(np.floor(place + 1e-9), width - 1.0)
    part = np.clip(place - low, 0.0, 1.0)
    here = low.astype(np.int64)
    first = np.take_along_axis(below, here, axis=1)
    return np.asarray(first + part * (np.take_along_axis(below, np.minimum(here + 1, width - 1), axis=1) - first))
