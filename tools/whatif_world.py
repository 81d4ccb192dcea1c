"""The current snapshot as a world to simulate: sites, the ways between them, stock, open orders and drawn futures.

A node of the world is a site with the chain of sites that feed it, since one site may be fed by a supplier for one item
and by a distribution centre for another. Nothing couples items, so any scope of items may be asked about alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl
from scipy.special import gammainc

from inventory.ledger_frame import ledger_frame
from inventory.records import EVERYTHING
from optimizer.laws.demand_level import demand_quantile
from optimizer.laws.lead_time_demand import lead_time_demand_moments
from optimizer.simulation.planner import OrderPolicy
from optimizer.simulation.scenarios import Setup
from optimizer.simulation.streams import draw_demand, draw_lead_times
from optimizer.simulation.world import SUPPLIER, Inbound, Lanes, World
from tools.columns import FloatArray, IntArray
from tools.errors import ToolInputError
from tools.lanes import Lane
from tools.outlook import INTERNAL_HANDLING_DAYS, Outlook
from tools.replenish import feeding
from tools.rows import join_rows
from tools.stock_rows import REVIEW_DAYS, StockRows
from tools.sweeping import Part, look_at_part, over_parts, parts_of
from tools.targets import Targets
from tools.toolbox import Toolbox, committed_lines, undecided

DAILY_CELLS = 4_000_000
"""Days x sites x items up to which the simulation steps day by day; beyond, week by week."""
MOST_CELLS = 60_000_000
"""Above this the question must be narrowed."""
REPLICATIONS = 8
LONGEST_LEAD = 200


@dataclass(frozen=True)
class DatedLines:
    """Units of a row on a day, one line each."""

    row: IntArray
    day: IntArray
    units: FloatArray


@dataclass(frozen=True)
class Opening:
    """Rows with what is under way to them and what is known to be asked of them."""

    rows: StockRows
    inbound: DatedLines
    known: DatedLines

    @classmethod
    def of(cls, outlook: Outlook) -> Opening:
        """The state one look starts from; an open order comes on its median day."""
        arrivals = outlook.arrivals
        reached = np.cumsum(arrivals.arrival_probability, axis=1) >= 0.5 - 1e-9
        horizon = arrivals.arrival_probability.shape[1]
        day = np.where(reached.any(axis=1), np.argmax(reached, axis=1), horizon)
        row, due = np.nonzero(outlook.arrays.known_demand)
        return cls(
            StockRows.of(outlook),
            DatedLines(arrivals.series.astype(np.int64), day.astype(np.int64), arrivals.quantity.astype(np.float64)),
            DatedLines(row.astype(np.int64), due.astype(np.int64), outlook.arrays.known_demand[row, due]),
        )

    @classmethod
    def join(cls, parts: Sequence[Opening]) -> Opening:
        """Parts of one network end to end."""
        starts = np.cumsum([0, *(part.rows.count for part in parts[:-1])]).tolist()

        def lines(name: str) -> DatedLines:
            moved: list[DatedLines] = [
                replace(getattr(part, name), row=getattr(part, name).row + start)
                for part, start in zip(parts, starts, strict=True)
            ]
            whole: DatedLines = join_rows(moved)
            return whole

        return cls(StockRows.join([part.rows for part in parts]), lines("inbound"), lines("known"))


def opening_of_part(part: Part) -> Opening:
    """The opening state of one part."""
    return Opening.of(look_at_part(part))


def network_opening(toolbox: Toolbox, items: Collection[str] | None) -> Opening:
    """The opening state of the network, or of some items with all their sites, on what is decided."""
    snapshot = toolbox.snapshot()
    with toolbox.database.read() as connection:
        ledger = ledger_frame(connection, EVERYTHING, items=items)
        targets = Targets.in_force(connection, items=items)
        committed = committed_lines(connection, snapshot, exclude=undecided(connection))
        thresholds = toolbox.thresholds(connection)
    places = None
    if items is not None:
        chosen = pl.col("item").is_in(sorted(items))
        places = snapshot.table("item_sites").filter(chosen).select("item", "site")
    parts = list(parts_of(snapshot, ledger, toolbox.shared(snapshot, targets), committed, thresholds, places=places))
    if not parts:
        raise ToolInputError("no item of the network is in this scope")
    return Opening.join(list(over_parts(opening_of_part, parts, toolbox.executor)))


@dataclass(frozen=True)
class Grid:
    """How rows lie in the world, and what its axes mean."""

    today: date
    step_days: int
    steps: int
    items: tuple[str, ...]
    node_site: tuple[str, ...]
    node_parent: IntArray
    """Node that feeds a node, -1 for a supplier."""
    lane_ends: tuple[tuple[str, str], ...]
    """Sites of each lane of the world."""
    node: IntArray
    """Node and item of each row."""
    item: IntArray
    supplier: tuple[str, ...]
    """Supplier of each item; of several, the first."""
    bought_from: tuple[str, ...]
    """Supplier each row orders from itself; empty where a site feeds it."""

    def dates(self) -> list[date]:
        """First day of each step."""
        return [self.today + timedelta(days=step * self.step_days) for step in range(self.steps)]

    def filled(self, values: FloatArray, default: float = 0.0) -> FloatArray:
        """A table ``(nodes, items)`` of a row's values."""
        table = np.full((len(self.node_site), len(self.items)), default)
        table[self.node, self.item] = values
        return table


def grid_of(rows: StockRows, days: int) -> Grid:
    """Nodes, items and step length for a horizon.

    Raises
    ------
    ToolInputError
        If even weekly steps are too many: fewer items must be asked about.
    """
    parent, height = feeding(rows)
    items = tuple(dict.fromkeys(rows.items))
    number = {item: place for place, item in enumerate(items)}
    node = np.zeros(rows.count, dtype=np.int64)
    known: dict[tuple[str, int], int] = {}
    for row in np.argsort(-height, kind="stable").tolist():
        above = int(node[parent[row]]) if parent[row] >= 0 else -1
        node[row] = known.setdefault((rows.sites[row], above), len(known))
    node_parent = np.array([above for _, above in known], dtype=np.int64)
    node_site = tuple(site for site, _ in known)
    supplier = dict(zip(reversed(rows.items), reversed(rows.supplier), strict=True))
    cells = days * len(known) * len(items)
    step = 1 if cells <= DAILY_CELLS else 7
    steps = -(-days // step)
    if steps * len(known) * len(items) > MOST_CELLS:
        raise ToolInputError(
            f"{len(items):,} items at {len(known):,} sites over {days} days are too many at once: name --items or "
            "--family, or fewer --days"
        )
    return Grid(
        today=rows.today,
        step_days=step,
        steps=steps,
        items=items,
        node_site=node_site,
        node_parent=node_parent,
        lane_ends=tuple((node_site[a], node_site[n]) for n, a in enumerate(node_parent.tolist()) if a >= 0),
        node=node,
        item=np.array([number[item] for item in rows.items], dtype=np.int64),
        supplier=tuple(supplier[item] for item in items),
        bought_from=tuple("" if source else name for source, name in zip(rows.source_site, rows.supplier, strict=True)),
    )


def setup_of(opening: Opening, grid: Grid, lanes: Mapping[str, tuple[Lane, ...]], period: IntArray, seed: int) -> Setup:
    """The world with one drawn future, and the service wanted; equal seeds draw the same whatever is asked."""
    rows, step = opening.rows, grid.step_days
    fed = np.flatnonzero(grid.node_parent >= 0)
    feeding_lane = np.full(len(grid.node_site), SUPPLIER, dtype=np.int64)
    feeding_lane[fed] = np.arange(fed.size)
    transit = [_transit(lanes, origin, destination) for origin, destination in grid.lane_ends]
    demand = draw_demand(
        seed, grid.filled(rows.mean_per_day * step), grid.filled(rows.sd_per_day * np.sqrt(step)), grid.steps,
        law="count",
    )  # fmt: skip
    due = opening.known.day // step
    soon = due < grid.steps
    here = opening.known.row[soon]
    np.add.at(demand, (due[soon], grid.node[here], grid.item[here]), opening.known.units[soon])
    law, group = _lead_law(grid.filled(rows.lead_mean), grid.filled(rows.lead_sd), step)
    inbound = opening.inbound
    world = World(
        demand=demand,
        lead_time_days=draw_lead_times(seed, law, group, grid.steps),
        opening=grid.filled(rows.free),
        unit_cost=_by_item(grid, np.nan_to_num(rows.cost)),
        feeding_lane=feeding_lane,
        lanes=Lanes(
            origin=grid.node_parent[fed],
            destination=fed,
            transit_days=np.array([round(days / step) for days in transit], dtype=np.int64),
        ),
        inbound=Inbound(grid.node[inbound.row], grid.item[inbound.row], inbound.units, inbound.day // step),
        period=period,
    )
    target = np.clip(np.where(np.isnan(rows.service_target), 0.95, rows.service_target), 0.01, 0.9999)
    return Setup(world, grid.filled(target, 0.95))


@dataclass(frozen=True)
class PlannerOf:
    """Orders as the policy of today would: levels from today's demand and lead times, and the target of the setup.

    The levels do not learn: what a scenario changes is met by the plan as it stands.
    """

    mean: FloatArray
    variance: FloatArray
    multiple: FloatArray
    minimum: FloatArray
    review_steps: IntArray

    @classmethod
    def of(cls, rows: StockRows, grid: Grid) -> PlannerOf:
        """Moments over lead time and review period, what a site feeds included."""
        parent, height = feeding(rows)
        mean, variance = rows.mean_per_day.copy(), rows.sd_per_day**2
        for level in range(int(height.max(initial=0)) + 1):
            some = np.flatnonzero((height == level) & (parent >= 0))
            np.add.at(mean, parent[some], mean[some])
            np.add.at(variance, parent[some], variance[some])
        review = np.where(np.isnan(rows.review_days), REVIEW_DAYS, rows.review_days)
        review = np.maximum(np.rint(review / grid.step_days), 1.0) * grid.step_days
        moments = lead_time_demand_moments(mean, np.sqrt(variance), rows.lead_mean, rows.lead_sd, review)
        bought = np.array([not site for site in rows.source_site], dtype=np.bool_)
        return cls(
            grid.filled(moments.mean),
            grid.filled(moments.variance),
            grid.filled(np.maximum(np.where(bought, rows.order_multiple, 1.0), 1.0), 1.0),
            grid.filled(np.where(bought, np.nan_to_num(rows.minimum_order), 0.0)),
            grid.filled(review / grid.step_days, 1.0).astype(np.int64),
        )

    def __call__(self, setup: Setup) -> OrderPolicy:
        """The policy for the target of a setup."""
        flat = demand_quantile(setup.cycle_service_level.ravel(), self.mean.ravel(), self.variance.ravel(), "gamma")
        point = np.where(self.mean > 0.0, np.ceil(flat.reshape(self.mean.shape) * (1.0 - 1e-9)), 0.0)
        # Somebody who must order at least so many does so when something is needed.
        top = np.where(self.mean > 0.0, point + np.maximum(self.minimum - 1.0, 0.0), 0.0)
        # Without demand nothing is ever ordered, not even at a position of zero.
        point = np.where(self.mean > 0.0, point, -1.0)
        zero = np.zeros_like(point)
        return OrderPolicy(point, np.maximum(top, point), zero, self.multiple, self.review_steps, zero.astype(np.int64))


def _by_item(grid: Grid, values: FloatArray) -> FloatArray:
    found = np.zeros(len(grid.items))
    found[grid.item] = values
    return found


def _transit(lanes: Mapping[str, tuple[Lane, ...]], origin: str, destination: str) -> float:
    quickest = min((lane.transit_days for lane in lanes.get(destination, ()) if lane.origin == origin), default=1.0)
    return quickest + INTERNAL_HANDLING_DAYS


def _lead_law(mean: FloatArray, sd: FloatArray, step: int) -> tuple[FloatArray, IntArray]:
    """Gamma lead times in whole steps, one law per pair of moments to a tenth of a day, and each cell's law."""
    pairs = np.round(np.stack([mean.ravel(), sd.ravel()], axis=1), 1)
    some, group = np.unique(pairs, axis=0, return_inverse=True)
    steps = np.arange(LONGEST_LEAD + 1)
    middle, spread = np.maximum(some[:, :1], 1e-9), np.maximum(some[:, 1:], 1e-3)
    shape = (middle / spread) ** 2
    # A step belongs to the lead times that round to it.
    below = gammainc(shape, np.minimum((steps + 0.5) * step / middle * shape, 1e300))
    sure = some[:, 1] < 0.05
    below[sure] = steps >= np.rint(some[sure, :1] / step)
    below[:, -1] = 1.0
    law = np.diff(below, axis=1, prepend=0.0)
    return np.maximum(law, 0.0), group.reshape(mean.shape).astype(np.int64)
