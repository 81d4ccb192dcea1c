"""The company itself: what is true of its items, customers and suppliers, drawn from one seed.

Published are revenue, turns, stock, perfect orders and expedite freight. The rest is stated here:

- 8,000 items at three distribution centres that each buy from suppliers; unmet demand waits (backorders).
- Cost of goods is revenue over `PRICE_PER_COST`. Value of items is lognormal, so that a fifth of them make about
  four fifths of it. Daily demand is negative binomial with a variance of a multiple of its mean, and its level
  wanders from quarter to quarter.
- The item master says 30 days of lead time. The truth differs by supplier: 38 days on average, deviation 11.
- What no publication states and the old policy's figures do not settle (how lumpy demand is and how far it wanders) is
  in `Traits`, so that other companies with the same published column can be tried.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.simulation.streams import Kind, draw_lead_times, drawn_by_block, stream

SEED = 20261121
ITEMS, YEAR, QUARTER = 8_000, 364, 91
SITE_SHARE = np.array([0.45, 0.33, 0.22])
SUPPLIERS = 160
REVENUE, COST_OF_GOODS = 250e6, 41e6 * 4.2
PRICE_PER_COST = REVENUE / COST_OF_GOODS
MASTER_LEAD_DAYS, TRUE_LEAD_MEAN, TRUE_LEAD_SD, SUPPLIER_SD = 30.0, 38.0, 11.0, 6.5
LONGEST_LEAD = 150
VALUE_SIGMA, COST_SIGMA, COST_MEDIAN = 1.65, 1.0, 25.0
EXPEDITE_DAYS = 5

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Traits:
    """What is not published: variance over mean of a day's demand, and deviation of a quarter's step of its log."""

    lumpiness: float = 4.0
    quarterly_drift: float = 0.25


@dataclass(frozen=True)
class Company:
    """Three years of a company; the first is history, in the second the old policy warms up, the third is measured.

    Parameters
    ----------
    unit_cost
        Shape ``(items,)``, money.
    demand
        Shape ``(3 * YEAR, sites, items)``, units.
    lead_time_days
        The same shape: what an order placed on that day will take.
    supplier
        Shape ``(items,)``.
    """

    unit_cost: Floats
    demand: Floats
    lead_time_days: Integers
    supplier: Integers


def company(seed: int = SEED, items: int = ITEMS, traits: Traits | None = None) -> Company:
    """The company of a seed; a smaller one has the same kind of items and suppliers."""
    traits = traits or Traits()
    days, drift, surplus = 3 * YEAR, traits.quarterly_drift, traits.lumpiness - 1.0
    draw = stream(seed, Kind.OTHER, 2**31)
    unit_cost = COST_MEDIAN * np.exp(COST_SIGMA * draw.standard_normal(items))
    value = np.exp(VALUE_SIGMA * draw.standard_normal(items))
    value *= COST_OF_GOODS * items / ITEMS / value.sum()
    supplier = draw.integers(0, SUPPLIERS, items)
    lead_law = _lead_laws(draw)
    mean = SITE_SHARE[:, None] * (value / unit_cost / YEAR)
    quarters = days // QUARTER

    def demand(generator: np.random.Generator, block: slice) -> Floats:
        steps = drift * generator.standard_normal((quarters, 1, block.stop - block.start))
        # A wandering level whose expectation stays where it is.
        level = np.exp(np.cumsum(steps, axis=0) - 0.5 * drift**2 * np.arange(1, quarters + 1)[:, None, None])
        expected = mean[:, block] * np.repeat(level, QUARTER, axis=0)
        rate = generator.standard_gamma(expected / surplus) * surplus
        return np.asarray(generator.poisson(rate), dtype=np.float64)

    lead = draw_lead_times(seed, lead_law, np.tile(supplier, (len(mean), 1)), days)
    units = drawn_by_block(seed, Kind.DEMAND, items, demand)
    # Money is scaled so that the measured year sells exactly the published cost of goods.
    unit_cost *= COST_OF_GOODS * items / ITEMS / (units[2 * YEAR :].sum(axis=(0, 1)) @ unit_cost)
    return Company(unit_cost, units, lead, supplier)


def _lead_laws(draw: np.random.Generator) -> Floats:
    """Law of each supplier's lead time, shape ``(suppliers, days)``."""
    mean = np.maximum(TRUE_LEAD_MEAN + SUPPLIER_SD * draw.standard_normal(SUPPLIERS), 15.0)
    within = TRUE_LEAD_SD**2 - SUPPLIER_SD**2
    day = np.arange(1, LONGEST_LEAD)
    shape, scale = mean**2 / within, within / mean
    density = (shape[:, None] - 1.0) * np.log(day) - day / scale[:, None]
    law = np.exp(density - density.max(axis=1, keepdims=True))
    law /= law.sum(axis=1, keepdims=True)
    return np.concatenate([np.zeros((SUPPLIERS, 1)), law], axis=1)


def perfect_orders(seed: int, demand: Floats, complete: NDArray[np.bool_], most_lines: int) -> float:
    """Share of customer orders that were complete and on time.

    A line is an item wanted at a site on a day. The lines of a site and day are shuffled and cut into orders of 1 to
    `most_lines` lines, each number as likely as the others; that depends on seed and demand only, so two policies
    serve the same orders.
    """
    good, total = 0, 0
    for day, (wanted, served) in enumerate(zip(demand, complete, strict=True)):
        draw = stream(seed, Kind.CUSTOMER_ORDERS, day)
        for site in range(len(wanted)):
            line = draw.permutation(np.flatnonzero(wanted[site]))
            if not line.size:
                continue
            start = np.cumsum(draw.integers(1, most_lines + 1, line.size))
            start = np.concatenate([[0], start[start < line.size]])
            good += int(np.logical_and.reduceat(served[site, line], start).sum())
            total += len(start)
    return good / total
