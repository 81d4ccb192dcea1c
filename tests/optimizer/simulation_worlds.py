"""Small networks to play."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimizer.simulation.planner import OrderPolicy, Orders, Planner, View
from optimizer.simulation.scenarios import Setup
from optimizer.simulation.streams import draw_demand, draw_lead_times
from optimizer.simulation.world import SUPPLIER, Lanes, World

CENTRE_FEEDS_TWO: dict[str, Any] = {
    "lanes": Lanes(np.array([0, 0, 1, 2]), np.array([1, 2, 2, 1]), np.array([2, 0, 1, 1])),
    "feeding_lane": np.array([SUPPLIER, 0, 1]),
}
"""A centre that buys, two shops it feeds (the second the same morning), and lanes between the shops."""


def one_site(demand: list[float], *, lead: int = 0, opening: float = 0.0, **more: Any) -> World:
    """One item at one site with a constant lead time."""
    table = np.array(demand, dtype=np.float64).reshape(-1, 1, 1)
    return World(table, np.full(table.shape, lead), np.array([[opening]]), np.array([2.0]), **more)


def three_sites(days: int = 120, items: int = 20, *, seed: int = 5, first_item: int = 0, **more: Any) -> World:
    """A centre and two shops, Poisson-like demand, random lead times; opening stock of either sign."""
    mean = np.array([[0.5], [2.0], [1.0]]) * (1.0 + (np.arange(first_item, first_item + items) % 4))
    demand = draw_demand(seed, mean, np.sqrt(2.0 * mean), days, law="count", first_item=first_item)
    law = np.array([[0.0, 0.0, 0.1, 0.2, 0.3, 0.2, 0.1, 0.1]])
    lead = draw_lead_times(seed, law, np.zeros(mean.shape, dtype=np.int64), days, first_item=first_item)
    opening = np.rint(6.0 * mean - 4.0)
    return World(demand, lead, opening, np.linspace(1.0, 9.0, items), **{**CENTRE_FEEDS_TWO, **more})


def levels(world: World, *, review_days: int = 1) -> OrderPolicy:
    """(s, S) from the mean demand of the sites, the centre counting the shops' too."""
    mean = world.demand.mean(axis=0)
    mean[0] += mean[1:].sum(axis=0)
    return OrderPolicy.min_max(np.ceil(8.0 * mean), np.ceil(14.0 * mean), review_period_days=review_days)


def setup_of(world: World) -> Setup:
    """A setup that wants 95 % everywhere."""
    return Setup(world, np.full(world.shape[1:], 0.95))


class Watching:
    """A planner that keeps what it saw."""

    def __init__(self, inner: Planner) -> None:
        self.inner, self.seen = inner, list[View]()

    def __call__(self, view: View) -> Orders:
        self.seen.append(view)
        return self.inner(view)
