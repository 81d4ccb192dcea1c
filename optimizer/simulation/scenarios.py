"""What would happen if: stored data that changes a simulation's input, and the answers side by side.

Rules
-----
1. A scenario is a frozen record of numbers, so that it can be stored and sent; `applied` turns a setup into another.
2. Days are positions in the run, from ``first_day`` up to but not including ``end_day``; what lies outside the run is
   cut off. Sites, lanes and items are positions; an empty tuple means all.
3. The draws stay: a scenario shifts or scales what was drawn, so two runs differ by the scenario alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import BoolArray, FloatArray, probability
from optimizer.simulation.network import simulate
from optimizer.simulation.planner import Planner
from optimizer.simulation.service import Summary, summarize
from optimizer.simulation.world import Inbound, World

AS_IT_IS = "as it is"


@dataclass(frozen=True)
class Setup:
    """What a scenario changes: a world, and the service wanted of the planner, shape ``(sites, items)``."""

    world: World
    cycle_service_level: FloatArray

    def __post_init__(self) -> None:
        target = probability("cycle_service_level", self.cycle_service_level)
        if target.shape != self.world.shape[1:]:
            raise ValueError(f"cycle_service_level must have shape {self.world.shape[1:]}, got {target.shape}")
        object.__setattr__(self, "cycle_service_level", target)


class Scenario(Protocol):
    """A change of a setup."""

    kind: ClassVar[str]

    def applied(self, setup: Setup) -> Setup:
        """The setup as it would be."""


@dataclass(frozen=True)
class SupplierSlips:
    """What suppliers of some items at some sites have under way or are asked for in those days comes `days` later."""

    kind: ClassVar[str] = "supplier_slips"
    days: int
    first_day: int
    end_day: int
    items: tuple[int, ...] = ()
    sites: tuple[int, ...] = ()

    def applied(self, setup: Setup) -> Setup:
        """Longer lead times, and later receipts of what is due in those days."""
        world = setup.world
        if self.days < 0:
            raise ValueError(f"days must not be negative, got {self.days}")
        mine = _chosen("sites", self.sites, world.shape[1])[:, None] & _chosen("items", self.items, world.shape[2])
        lead = world.lead_time_days + self.days * (_days(self, world)[:, None, None] & mine)
        inbound = world.inbound
        hit = mine[inbound.site, inbound.item] & (inbound.due_day >= self.first_day) & (inbound.due_day < self.end_day)
        later = Inbound(inbound.site, inbound.item, inbound.quantity, inbound.due_day + self.days * hit)
        return replace(setup, world=replace(world, lead_time_days=lead, inbound=later))


@dataclass(frozen=True)
class DemandSurge:
    """Demand is `factor` times what it was, at some sites and for some items."""

    kind: ClassVar[str] = "demand_surge"
    factor: float
    first_day: int
    end_day: int
    sites: tuple[int, ...] = ()
    items: tuple[int, ...] = ()

    def applied(self, setup: Setup) -> Setup:
        """Scaled demand."""
        world = setup.world
        if not (np.isfinite(self.factor) and self.factor >= 0.0):
            raise ValueError(f"factor must be finite and not negative, got {self.factor}")
        where = _chosen("sites", self.sites, world.shape[1])[:, None] & _chosen("items", self.items, world.shape[2])
        demand = world.demand * np.where(_days(self, world)[:, None, None] & where, self.factor, 1.0)
        return replace(setup, world=replace(world, demand=demand))


@dataclass(frozen=True)
class SiteShutdown:
    """A site receives, ships, orders and sells nothing."""

    kind: ClassVar[str] = "site_shutdown"
    site: int
    first_day: int
    end_day: int

    def applied(self, setup: Setup) -> Setup:
        """The site closed on those days."""
        world = setup.world
        closed = _days(self, world)[:, None] & _chosen("site", (self.site,), world.shape[1])
        return replace(setup, world=replace(world, site_open=world.site_open & ~closed))


@dataclass(frozen=True)
class LaneClosed:
    """A lane takes up nothing."""

    kind: ClassVar[str] = "lane_closed"
    lane: int
    first_day: int
    end_day: int

    def applied(self, setup: Setup) -> Setup:
        """The lane closed on those days."""
        world = setup.world
        closed = _days(self, world)[:, None] & _chosen("lane", (self.lane,), len(world.lanes))
        return replace(setup, world=replace(world, lane_open=world.lane_open & ~closed))


@dataclass(frozen=True)
class ServiceTargetChanged:
    """Another cycle service level is wanted of some sites and items."""

    kind: ClassVar[str] = "service_target_changed"
    cycle_service_level: float
    sites: tuple[int, ...] = ()
    items: tuple[int, ...] = ()

    def applied(self, setup: Setup) -> Setup:
        """The target replaced; the world stays."""
        _, sites, items = setup.world.shape
        where = _chosen("sites", self.sites, sites)[:, None] & _chosen("items", self.items, items)
        return replace(setup, cycle_service_level=np.where(where, self.cycle_service_level, setup.cycle_service_level))


@dataclass(frozen=True)
class PartDeliveries:
    """Of what is ordered in those days only a share comes in time, the rest `rest_after_days` later."""

    kind: ClassVar[str] = "part_deliveries"
    first_day: int
    end_day: int
    rest_after_days: int
    share: float = 0.5
    sites: tuple[int, ...] = ()

    def applied(self, setup: Setup) -> Setup:
        """Smaller first deliveries."""
        world = setup.world
        hit = _days(self, world)[:, None] & _chosen("sites", self.sites, world.shape[1])
        part = np.where(hit, self.share, world.delivered_share)
        return replace(setup, world=replace(world, delivered_share=part, rest_after_days=self.rest_after_days))


@dataclass(frozen=True)
class CostChange:
    """Unit cost is `factor` times what it was."""

    kind: ClassVar[str] = "cost_change"
    factor: float
    items: tuple[int, ...] = ()

    def applied(self, setup: Setup) -> Setup:
        """Scaled unit cost, from the first day on."""
        world = setup.world
        if not (np.isfinite(self.factor) and self.factor >= 0.0):
            raise ValueError(f"factor must be finite and not negative, got {self.factor}")
        mine = _chosen("items", self.items, world.shape[2])
        return replace(setup, world=replace(world, unit_cost=world.unit_cost * np.where(mine, self.factor, 1.0)))


KINDS: Mapping[str, type[Scenario]] = {
    kind.kind: kind
    for kind in (
        SupplierSlips, DemandSurge, SiteShutdown, LaneClosed, ServiceTargetChanged, PartDeliveries, CostChange,
    )
}  # fmt: skip
"""Scenarios by the name they are stored under."""


@dataclass(frozen=True)
class Comparison:
    """Scenarios side by side: `names` of the runs, the first as it is; figures of shape ``(runs, groups)``."""

    names: tuple[str, ...]
    figures: Summary


def compare(
    setup: Setup,
    planner_for: Callable[[Setup], Planner],
    scenarios: Mapping[str, Sequence[Scenario]],
    *,
    group: ArrayLike | None = None,
) -> Comparison:
    """Run a setup as it is and under each scenario, on the same draws.

    Parameters
    ----------
    planner_for
        The planner of a setup. It must not look into the world's future.
    scenarios
        By name; several in one are applied in turn.
    group
        As for `summarize`: figures by site, family, period or any mix.

    Raises
    ------
    ValueError
        If a scenario does not fit the world, or one is named like the run as it is.
    """
    if AS_IT_IS in scenarios:
        raise ValueError(f"scenarios must not be named {AS_IT_IS!r}")
    figures = []
    for changes in ((), *scenarios.values()):
        changed = setup
        for scenario in changes:
            changed = scenario.applied(changed)
        outcome = simulate(changed.world, planner_for(changed))
        figures.append(summarize(outcome.tally, changed.world.unit_cost, group))
    table = {field.name: np.stack([getattr(one, field.name) for one in figures]) for field in fields(Summary)}
    return Comparison((AS_IT_IS, *scenarios), Summary(**table))


class _Dated(Protocol):
    @property
    def first_day(self) -> int: ...
    @property
    def end_day(self) -> int: ...


def _days(scenario: _Dated, world: World) -> BoolArray:
    """Days of the run the scenario covers."""
    if scenario.first_day < 0 or scenario.end_day < scenario.first_day:
        raise ValueError(f"first_day and end_day must be ascending days, got {scenario.first_day}, {scenario.end_day}")
    day = np.arange(world.shape[0])
    return np.asarray((day >= scenario.first_day) & (day < scenario.end_day))


def _chosen(name: str, places: tuple[int, ...], size: int) -> BoolArray:
    """Flags of the places named, all where none is."""
    astray = [place for place in places if not 0 <= place < size]
    if astray:
        raise ValueError(f"{name} must be in 0..{size - 1}, got {astray[0]}")
    chosen = np.full(size, not places)
    chosen[list(places)] = True
    return chosen
