"""How finely to look at demand: by item, site and day; by item, site and week; by item, region and week.

    python -m benchmarks.granularity            10,000 item-sites, three years of days
    python -m benchmarks.granularity 100000     another size

Every granularity sees the same two years, decides the same policy (reorder point at one service level, a week's demand
on top), and is judged on the third year's days: one demand, one set of lead times, lost sales.
"""

from __future__ import annotations

import argparse
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from time import process_time

import numpy as np
from rich.console import Console
from rich.table import Table

from optimizer.demand.moments import demand_moments
from optimizer.laws.lead_time_demand import lead_time_demand_moments
from optimizer.simulation.single_stage import simulate_single_stage
from optimizer.stocking.levels import stocking_levels

SITES, REGIONS = 10, 2
HISTORY_DAYS, JUDGED_DAYS, WEEK = 728, 364, 7
SMOOTHING = 0.1
"""Weight of the newest week."""
SERVICE, REVIEW_DAYS = 0.95, 1.0
LEAD_DAYS, LEAD_SD = 9.0, 3.0
HOLDING, LOST, ORDER = 0.004, 6.0, 2.0
"""Cost of a unit on hand for a day, of a unit not served, and of an order."""
WEEKDAYS = np.array([1.2, 1.0, 0.9, 1.0, 1.3, 1.6, 0.0])
"""Shape of a week; nothing is sold on Sundays."""


@dataclass(frozen=True)
class World:
    """Days of demand by item and site: known ones of shape ``(n, days)``, judged ones of shape ``(days, n)``."""

    history: np.ndarray
    judged: np.ndarray
    lead_time_days: np.ndarray


@dataclass(frozen=True)
class Moments:
    """What a granularity believes of each item-site, units a day, shape ``(n,)``."""

    mean: np.ndarray
    sd: np.ndarray


@dataclass(frozen=True)
class Verdict:
    """Cost of the year's decisions, and what it took to make them."""

    granularity: str
    series: int
    seconds: float
    megabytes: float
    """Most memory held while estimating and deciding."""
    cost: float
    """Per item-site and year."""
    fill_rate: float
    on_hand: float
    """Mean units on hand, per item-site."""


def world(item_sites: int, *, seed: int = 20240408) -> World:
    """Items of very different rates, sites of different sizes, over-dispersed days, and a rate that drifts by week."""
    generator = np.random.Generator(np.random.SFC64(seed))
    items = -(-item_sites // SITES)
    days = HISTORY_DAYS + JUDGED_DAYS
    rate = np.repeat(generator.lognormal(-1.0, 1.3, items), SITES) * np.tile(generator.gamma(4.0, 0.25, SITES), items)
    drift = np.cumsum(generator.normal(0.0, 0.03, (items * SITES, days // WEEK)), axis=1)
    level = np.repeat(np.exp(drift - drift[:, :1]), WEEK, axis=1) * np.tile(WEEKDAYS, days // WEEK)
    mixed = generator.gamma(0.7, 1.0 / 0.7, level.shape)
    demand = generator.poisson(rate[:, None] * level * mixed).astype(np.float32)
    lead = np.rint(generator.gamma((LEAD_DAYS / LEAD_SD) ** 2, LEAD_SD**2 / LEAD_DAYS, (JUDGED_DAYS, len(rate))))
    judged = np.ascontiguousarray(demand[:, HISTORY_DAYS:].T, dtype=np.float64)
    return World(demand[:, :HISTORY_DAYS], judged, np.maximum(lead, 1.0).astype(np.int64))


def by_day(history: np.ndarray) -> Moments:
    """Each item-site's days as they are, forgotten as fast as weeks are."""
    found = demand_moments(history, days_per_period=1, smoothing=1.0 - (1.0 - SMOOTHING) ** (1.0 / WEEK))
    return Moments(found.mean_per_day, found.sd_per_day)


def by_week(history: np.ndarray) -> Moments:
    """Each item-site's weeks."""
    found = demand_moments(weeks(history), smoothing=SMOOTHING)
    return Moments(found.mean_per_day, found.sd_per_day)


def by_region(history: np.ndarray) -> Moments:
    """Each item's weeks in a region, divided among its sites as the last quarter's sales were.

    A site gets its share of the mean and, as the parts of an independent whole would, its share of the variance.
    """
    weekly = weeks(history)
    size = SITES // REGIONS
    regions = weekly.reshape(-1, size, weekly.shape[1])
    found = demand_moments(regions.sum(axis=1), smoothing=SMOOTHING)
    sold = regions[:, :, -13:].sum(axis=2) + 1.0 / size
    share = (sold / sold.sum(axis=1, keepdims=True)).reshape(-1)
    return Moments(np.repeat(found.mean_per_day, size) * share, np.repeat(found.sd_per_day, size) * np.sqrt(share))


GRANULARITIES: dict[str, Callable[[np.ndarray], Moments]] = {
    "item-site-day": by_day,
    "item-site-week": by_week,
    "item-region-week": by_region,
}


def weeks(history: np.ndarray) -> np.ndarray:
    """Weekly sums."""
    return np.asarray(history.reshape(len(history), -1, WEEK).sum(axis=2))


def policy(believed: Moments) -> tuple[np.ndarray, np.ndarray]:
    """Reorder point and order-up-to level, whole units, shape ``(n,)``."""
    protected = lead_time_demand_moments(believed.mean, believed.sd, LEAD_DAYS, LEAD_SD, REVIEW_DAYS)
    batch = np.maximum(np.ceil(believed.mean * WEEK - 1e-9), 1.0)
    levels = stocking_levels(protected, order_quantity=batch, cycle_service_level=SERVICE)
    point = np.ceil(levels.reorder_point - 1e-9)
    return point, point + batch


def judge(name: str, facts: World, series: int) -> Verdict:
    """Decide on what is known, then play the year."""
    believe = GRANULARITIES[name]
    policy(believe(facts.history))
    started = process_time()
    point, level = policy(believe(facts.history))
    seconds = process_time() - started
    tracemalloc.start()
    policy(believe(facts.history))
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    n = len(point)
    year = simulate_single_stage(
        facts.judged, facts.lead_time_days, opening=level, reorder_point=point, order_up_to_level=level,
        multiple=np.zeros(n),
    )  # fmt: skip
    lost = year.demand - year.served
    cost = HOLDING * year.on_hand_days + LOST * lost + ORDER * year.orders
    return Verdict(
        name, series, seconds, held / 1e6, float(cost.mean()), float(year.served.sum() / year.demand.sum()),
        float(year.on_hand_days.mean() / JUDGED_DAYS),
    )  # fmt: skip


def measure(item_sites: int) -> list[Verdict]:
    """Every granularity on one world."""
    facts = world(item_sites)
    n = len(facts.history)
    series = {"item-region-week": n // SITES * REGIONS}
    return [judge(name, facts, series.get(name, n)) for name in GRANULARITIES]


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.granularity", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("item_sites", nargs="?", type=int, default=10_000, metavar="ITEM_SITES")
    console = Console(width=None if sys.stdout.isatty() else 120)
    verdicts = measure(parser.parse_args().item_sites)
    table = Table(title="One year's cost of decisions by granularity", title_justify="left")
    for heading in ("", "series", "decide, s", "memory, MB", "cost a year", "against the best", "fill rate", "on hand"):
        table.add_column(heading, justify="right" if heading else "left")
    best = min(verdict.cost for verdict in verdicts)
    for verdict in verdicts:
        table.add_row(
            verdict.granularity, f"{verdict.series:,}", f"{verdict.seconds:.3f}", f"{verdict.megabytes:,.0f}",
            f"{verdict.cost:.2f}", f"{verdict.cost / best - 1.0:+.1%}", f"{verdict.fill_rate:.2%}",
            f"{verdict.on_hand:.1f}",
        )  # fmt: skip
    console.print(table)


if __name__ == "__main__":
    main()
