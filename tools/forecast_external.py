"""Forecasts others make, used where their record is better than ours.

Rules
-----
1. A source's record at an item-site is what it forecast against what came, over the weeks of the history it sent a
   forecast for. Ours is held against the same weeks: one step ahead, season included.
2. Of several sources the one with the lowest squared error counts, the first by name where they tie.
3. It replaces ours when it was compared on at least eight weeks, was the better and has no gap. After the last week it
   covers our own forecast goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from inventory.snapshots import Snapshot
from optimizer.demand.external import ForecastError, choose_forecast, forecast_error, pooled_error
from optimizer.demand.horizon import WEEKS
from tools.columns import FloatArray, IntArray, floats_of

_SMOOTHING = 0.1


@dataclass(frozen=True)
class ExternalForecasts:
    """Forecasts of one source for one item-site, a line each."""

    series: IntArray
    """Row of the item-site."""
    source: tuple[str, ...]
    past: FloatArray
    """Shape ``(lines, weeks)``, units in each week of the history, NaN where none was made."""
    ahead: FloatArray
    """Shape ``(lines, 26)``, units in each week of the plan, NaN where none was made."""

    @classmethod
    def of(cls, snapshot: Snapshot, row: IntArray, days_into_week: int) -> ExternalForecasts:
        """Lines of a snapshot; `row` is the row of each line of its table, -1 where it is not wanted."""
        table = snapshot.table("external_forecasts").with_columns(pl.Series("row", row, pl.Int64))
        table = table.filter(pl.col("row") >= 0).sort("row", "source", "week")
        lines = table.select("row", "source").unique(maintain_order=True).with_row_index("line")
        named = table.join(lines, on=["row", "source"], how="left", maintain_order="left")
        weeks = len(snapshot.weeks)
        units = np.full((lines.height, weeks + WEEKS + 2), np.nan)
        week = ((named["week"] - snapshot.weeks[0]).dt.total_days() // 7).cast(pl.Int64).to_numpy()
        kept = (week >= 0) & (week < units.shape[1])
        units[named["line"].cast(pl.Int64).to_numpy()[kept], week[kept]] = floats_of(named, "quantity")[kept]
        first, late = weeks + days_into_week // 7, (days_into_week % 7) / 7.0
        # A week of the plan starts today, one of theirs on a Monday.
        now, then = units[:, first : first + WEEKS], units[:, first + 1 : first + 1 + WEEKS]
        ahead = now if late == 0.0 else (1.0 - late) * now + late * then
        return cls(lines["row"].to_numpy(), tuple(lines["source"].to_list()), units[:, :weeks], ahead)


@dataclass(frozen=True)
class Replacement:
    """Rows whose forecast is someone else's, shape ``(k,)`` each but `mean_per_week`, ``(k, 26)``."""

    series: IntArray
    mean_per_week: FloatArray
    variance: FloatArray
    """Squared error of a week, of the record."""


def choose_external(
    lines: ExternalForecasts, history: FloatArray, season: FloatArray, own: FloatArray, used: NDArray[np.int8]
) -> Replacement:
    """Item-sites where an external forecast replaces ours; `used` is filled with how each came to its forecast.

    Parameters
    ----------
    history, season
        Shape ``(lines, weeks)``: demand of each line's item-site, NaN where unknown, and its seasonal index.
    own
        Shape ``(lines, 26)``, our own forecast for it.
    """
    theirs = forecast_error(lines.past, history)
    ours = forecast_error(np.where(np.isnan(lines.past), np.nan, _one_step_ahead(history, season)), history)
    squared = np.where(theirs.periods > 0, np.nan_to_num(theirs.mean_squared_error), np.inf)
    order = np.lexsort((np.arange(len(squared)), squared, lines.series))
    best = order[np.unique(lines.series[order], return_index=True)[1]]
    ahead = _continued(lines.ahead[best], own[best])
    chosen = choose_forecast(
        own[best], ahead, ours.mean_squared_error[best], theirs.mean_squared_error[best], theirs.periods[best],
        rule="better",
    )  # fmt: skip
    used[lines.series[best]] = chosen.used
    taken = chosen.external_weight == 1.0
    return Replacement(lines.series[best][taken], chosen.mean[taken], theirs.mean_squared_error[best][taken])


def source_records(snapshot: Snapshot) -> tuple[tuple[str, ...], ForecastError]:
    """Every source and its record over the network, unweighted: errors do not cancel between item-sites."""
    demand = snapshot.demand()
    table = snapshot.table("external_forecasts")
    found = table.join(demand.keys.with_row_index("place"), on=["item", "site"], how="left", maintain_order="left")
    row = found["place"].cast(pl.Int64).fill_null(-1).to_numpy()
    lines = ExternalForecasts.of(snapshot, row, 0)
    names, label = np.unique(np.array(lines.source, dtype=np.str_), return_inverse=True)
    actual = np.where(demand.censored, np.nan, demand.weekly.astype(np.float64))[lines.series]
    return tuple(names.tolist()), pooled_error(lines.past, actual, label.astype(np.int64), groups=max(len(names), 1))


def _one_step_ahead(history: FloatArray, season: FloatArray) -> FloatArray:
    """Our forecast of each week from the weeks before it, NaN before the first known one."""
    level = np.full(len(history), np.nan)
    ahead = np.full_like(history, np.nan)
    for week in range(history.shape[1]):
        ahead[:, week] = level * season[:, week]
        value = history[:, week] / season[:, week]
        moved = np.where(np.isnan(level), value, level + _SMOOTHING * (value - level))
        level = np.where(np.isnan(value), level, moved)
    return ahead


def _continued(ahead: FloatArray, own: FloatArray) -> FloatArray:
    """Theirs, and ours after the last week theirs covers; a gap before that stays one."""
    left = np.cumsum(~np.isnan(ahead)[:, ::-1], axis=1)[:, ::-1]
    covered, some = left > 0, left[:, :1] > 0
    return np.where(covered | ~some, ahead, own)
