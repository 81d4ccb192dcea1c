"""What would happen if: scenarios simulated side by side on the current snapshot, reading only.

Every run sees the same draws, so two runs differ by the scenario alone. Figures are kept by family, site and month, and
summed as asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from inventory.records import ScenarioChange, ScenarioKind, StoredScenario
from optimizer.simulation.network import simulate
from optimizer.simulation.scenarios import (
    AS_IT_IS,
    DemandSurge,
    LaneClosed,
    PartDeliveries,
    Scenario,
    ServiceTargetChanged,
    Setup,
    SiteShutdown,
    SupplierSlips,
)
from optimizer.simulation.tally import Tally
from tools.columns import FloatArray, IntArray
from tools.errors import ToolInputError
from tools.toolbox import Toolbox
from tools.whatif_world import (
    DAILY_CELLS,
    REPLICATIONS,
    Grid,
    Opening,
    PlannerOf,
    grid_of,
    network_opening,
    setup_of,
)

__all__ = ["AS_IT_IS", "GROUPS", "SUMS", "By", "WhatIf", "what_if"]
By = Literal["family", "site", "month"]
GROUPS: tuple[By, ...] = ("family", "site", "month")
SUMS = ("demand", "served", "lost_units", "lost_money", "stock_value_days", "orders", "ordered_value")
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class WhatIf:
    """Figures of every run by scenario, draw, family, site and month; money in whole currency units."""

    frame: pl.DataFrame
    scenarios: tuple[str, ...]
    """The first is the network as it is."""
    days: int
    step_days: int
    replications: int
    items: int
    sites: int

    def figures(self, by: Sequence[By] = ()) -> pl.DataFrame:
        """Means over the draws, by scenario and the groups named, in order of scenarios and groups.

        Columns: demand, fill_rate, lost_units, lost_money, stock_value (mean over the days), orders, ordered_value.
        """
        order = pl.DataFrame({"scenario": self.scenarios}).with_row_index("place")
        days = self.frame.select("month", "month_days").unique()["month_days"].sum()
        # A month is averaged over its own days, everything else over all.
        over = pl.col("month_days").first() if "month" in by else pl.lit(days)
        summed = self.frame.group_by("scenario", *by).agg(
            *((pl.col(name).sum() / self.replications).alias(name) for name in SUMS), over=over
        )
        return (
            summed.with_columns(
                fill_rate=pl.when(pl.col("demand") > 0).then(pl.col("served") / pl.col("demand")).otherwise(1.0),
                stock_value=pl.col("stock_value_days") / pl.col("over"),
            )
            .join(order, on="scenario")
            .sort("place", *by)
            .select("scenario", *by, "demand", "fill_rate", "lost_units", "lost_money", "stock_value", "orders",
                    "ordered_value")
        )  # fmt: skip

    def lost_money_spread(self) -> dict[str, float]:
        """Standard error over the draws of each scenario's lost money against the network as it is."""
        per_draw = self.frame.group_by("scenario", "draw").agg(pl.col("lost_money").sum()).sort("draw")
        lost = {name: per_draw.filter(pl.col("scenario") == name)["lost_money"].to_numpy() for name in self.scenarios}
        if self.replications < 2:
            return {}
        return {
            name: float((lost[name] - lost[AS_IT_IS]).std(ddof=1) / np.sqrt(self.replications))
            for name in self.scenarios
        }


def what_if(
    toolbox: Toolbox,
    scenarios: Sequence[StoredScenario],
    *,
    days: int = 91,
    items: Collection[str] | None = None,
    families: Collection[str] = (),
    progress: Progress | None = None,
) -> WhatIf:
    """Play the network as it is and under each scenario; nothing is written.

    Parameters
    ----------
    days
        How far, from the day of the data.
    items, families
        The only items played; all when neither is given.

    Raises
    ------
    ToolInputError
        If a name is unknown, two scenarios share one, or the question is too large.
    """
    names = (AS_IT_IS, *(scenario.name for scenario in scenarios))
    if len(set(names)) < len(names):
        raise ToolInputError(f"each scenario needs a name of its own, got {', '.join(names[1:])}")
    snapshot = toolbox.snapshot()
    family_of = {
        item: family or "none" for item, family in snapshot.table("items").select("item", "family").iter_rows()
    }
    opening = network_opening(toolbox, _scope(family_of, items, families))
    grid = grid_of(opening.rows, days)
    changes = {
        scenario.name: [part for change in scenario.changes for part in _applied(change, grid, family_of)]
        for scenario in scenarios
    }
    months, period = _months(grid)
    draws = int(np.clip(DAILY_CELLS // (grid.steps * len(grid.node_site) * len(grid.items)), 1, REPLICATIONS))
    planner_of, lanes = PlannerOf.of(opening.rows, grid), toolbox.lanes(snapshot)
    cells = _Cells.of(opening, grid, family_of, months, np.bincount(period) * grid.step_days)
    frames = []
    for draw in range(draws):
        setup = setup_of(opening, grid, lanes, period, toolbox.seed + draw)
        for place, name in enumerate(names):
            changed = setup
            for scenario in changes.get(name, ()):
                changed = scenario.applied(changed)
            outcome = simulate(changed.world, planner_of(changed))
            frames.append(cells.frame(name, draw, outcome.tally, changed))
            if progress is not None:
                progress("simulate", draw * len(names) + place + 1, draws * len(names))
    return WhatIf(
        pl.concat(frames), names, grid.steps * grid.step_days, grid.step_days, draws, len(grid.items),
        len(set(grid.node_site)),
    )  # fmt: skip


def _scope(family_of: dict[str, str], items: Collection[str] | None, families: Collection[str]) -> set[str] | None:
    if items is None and not families:
        return None
    _refuse_unknown("item", items or (), family_of)
    _refuse_unknown("family", families, set(family_of.values()))
    return {
        item for item, family in family_of.items()
        if (items is None or item in items) and (not families or family in families)
    }  # fmt: skip


def _refuse_unknown(kind: str, named: Collection[str], known: Collection[str]) -> None:
    missing = sorted(set(named) - set(known))
    if missing:
        few = ", ".join(sorted(known)[:8])
        raise ToolInputError(f"unknown {kind} {missing[0]!r}; known: {few}{', …' if len(known) > 8 else ''}")


def _applied(change: ScenarioChange, grid: Grid, family_of: dict[str, str]) -> list[Scenario]:
    """A stored change as changes of this world: names become positions, days become steps."""
    first, end = change.first_day // grid.step_days, -(-change.end_day // grid.step_days)
    if first >= grid.steps:
        raise ToolInputError(f"{change.kind.value} begins on day {change.first_day}, after the last day played")
    later = max(round(change.days / grid.step_days), 1)
    if change.kind is ScenarioKind.SUPPLIER_SLIPS:
        return [SupplierSlips(later, first, end, items, at) for at, items in _deliveries(change, grid, family_of)]
    items, nodes = _items(change, grid, family_of), _nodes(change.site, grid)
    match change.kind:
        case ScenarioKind.DEMAND_SURGE:
            return [DemandSurge(change.factor, first, end, nodes, items)]
        case ScenarioKind.SITE_SHUTDOWN:
            return [SiteShutdown(node, first, end) for node in nodes or range(len(grid.node_site))]
        case ScenarioKind.LANE_CLOSED:
            ends = (change.origin, change.destination)
            closed = [place for place, lane in enumerate(grid.lane_ends) if lane == ends]
            if not closed:
                known = ", ".join(sorted({f"{a} to {b}" for a, b in grid.lane_ends})) or "none: suppliers feed all"
                raise ToolInputError(f"no site is fed from {ends[0]!r} to {ends[1]!r}; known: {known}")
            return [LaneClosed(lane, first, end) for lane in closed]
        case ScenarioKind.SERVICE_TARGET_CHANGED:
            return [ServiceTargetChanged(float(change.service_target or 0.95), nodes, items)]
        case ScenarioKind.PART_DELIVERIES:
            return [PartDeliveries(first, end, later if change.days else max(14 // grid.step_days, 1), change.share,
                                   nodes)]  # fmt: skip


def _items(change: ScenarioChange, grid: Grid, family_of: dict[str, str]) -> tuple[int, ...]:
    """Positions of the items a change is limited to; empty for all of them."""
    _refuse_unknown("item", change.items, family_of)
    _refuse_unknown("family", change.families, set(family_of.values()))
    if change.supplier:
        _refuse_unknown("supplier", (change.supplier,), set(grid.supplier))
    if not (change.items or change.families or change.supplier):
        return ()
    chosen = tuple(
        place
        for place, (item, supplier) in enumerate(zip(grid.items, grid.supplier, strict=True))
        if (not change.items or item in change.items)
        and (not change.families or family_of[item] in change.families)
        and change.supplier in ("", supplier)
    )
    if not chosen:
        raise ToolInputError(f"{change.kind.value}: no item played is meant")
    return chosen


def _deliveries(
    change: ScenarioChange, grid: Grid, family_of: dict[str, str]
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Nodes and items that order from the suppliers meant: what one of them delivers, no other's, and no transfer."""
    _refuse_unknown("supplier", (change.supplier,) if change.supplier else (), {*grid.supplier, *grid.bought_from})
    meant, nodes = _items(change.model_copy(update={"supplier": ""}), grid, family_of), _nodes(change.site, grid)
    nodes_of: dict[int, set[int]] = defaultdict(set)
    for node, item, supplier in zip(grid.node.tolist(), grid.item.tolist(), grid.bought_from, strict=True):
        delivered = grid.node_parent[node] < 0 and change.supplier in ("", supplier)
        if delivered and (not meant or item in meant) and (not nodes or node in nodes):
            nodes_of[item].add(node)
    items_at: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for item, at in sorted(nodes_of.items()):
        items_at[tuple(sorted(at))].append(item)
    if not items_at:
        raise ToolInputError(f"{change.kind.value}: no item played is delivered by {change.supplier or 'a supplier'}")
    return [(at, tuple(items)) for at, items in sorted(items_at.items())]


def _nodes(site: str, grid: Grid) -> tuple[int, ...]:
    if not site:
        return ()
    _refuse_unknown("site", (site,), set(grid.node_site))
    return tuple(node for node, at in enumerate(grid.node_site) if at == site)


def _months(grid: Grid) -> tuple[list[str], IntArray]:
    """Names of the calendar months played, and the month of each step by its first day."""
    named = [day.strftime("%Y-%m") for day in grid.dates()]
    months = list(dict.fromkeys(named))
    return months, np.array([months.index(name) for name in named], dtype=np.int64)


@dataclass(frozen=True)
class _Cells:
    """Family, site and month of each cell of a tally, and what its units are worth."""

    labels: pl.DataFrame
    label: IntArray
    margin: FloatArray
    step_days: int

    @classmethod
    def of(
        cls, opening: Opening, grid: Grid, family_of: dict[str, str], months: list[str], month_days: IntArray
    ) -> _Cells:
        families, sites = sorted({family_of[item] for item in grid.items}), sorted(set(grid.node_site))
        family = np.array([families.index(family_of[item]) for item in grid.items], dtype=np.int64)
        site = np.array([sites.index(name) for name in grid.node_site], dtype=np.int64)
        month = np.arange(len(months))
        label = (month[:, None, None] * len(sites) + site[None, :, None]) * len(families) + family[None, None, :]
        frame = pl.DataFrame(
            [
                (name, int(month_days[at]), place, kind)
                for at, name in enumerate(months)
                for place in sites
                for kind in families
            ],
            schema={"month": pl.String, "month_days": pl.Int64, "site": pl.String, "family": pl.String},
            orient="row",
        )
        return cls(frame, label, grid.filled(np.nan_to_num(opening.rows.margin)), grid.step_days)

    def frame(self, name: str, draw: int, tally: Tally, setup: Setup) -> pl.DataFrame:
        """Sums of one run by label; labels without demand or stock are left out."""
        cost = setup.world.unit_cost
        amounts = (
            tally.demand, tally.served, tally.lost, tally.lost * self.margin,
            tally.on_hand_days * cost * self.step_days, tally.orders, tally.ordered * cost,
        )  # fmt: skip
        flat = self.label.ravel()
        columns = {
            sum_of: np.bincount(flat, amount.ravel(), self.labels.height)
            for sum_of, amount in zip(SUMS, amounts, strict=True)
        }
        found = self.labels.with_columns(
            pl.lit(name).alias("scenario"), pl.lit(draw).alias("draw"), *(pl.Series(n, v) for n, v in columns.items())
        )
        return found.filter((pl.col("demand") > 0) | (pl.col("stock_value_days") > 0))
