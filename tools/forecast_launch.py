"""Young items and the older ones their launch is expected to resemble.

Rules
-----
1. An item is young before its launch and until `LAUNCH_DAYS` after. Its curve is its analog's demand since the analog's
   own launch at the same site, at a site where the analog was never sold its mean over the sites that sold it.
2. An analog launched before the record begins has no launch to show: it lends its present level.
3. An analog without demand lends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from inventory.snapshots import Snapshot
from optimizer.demand.launch import LAUNCH_DAYS, LaunchForecast, first_weeks, launch_forecast
from tools.columns import FloatArray, IntArray, days_of

CURVE_WEEKS = 52
"""Weeks of an analog's life that are taken."""
_LEVEL_WEEKS = 13
_ANYWHERE = ""


@dataclass(frozen=True)
class Curves:
    """Launch curves of young items."""

    frame: pl.DataFrame
    """Columns ``item`` (the young one), ``site`` (empty: any other) and ``curve``, the row of `table`."""
    table: FloatArray
    """Shape ``(curves, 52)``, units in each week since launch, NaN where unknown."""

    @classmethod
    def of(cls, snapshot: Snapshot) -> Curves:
        """Curves for the young items of a whole snapshot."""
        items = snapshot.table("items").select("item", "analog", "launch_date")
        age = (pl.lit(snapshot.as_of.date()) - pl.col("launch_date")).dt.total_days()
        young = items.filter(pl.col("analog").is_not_null() & (pl.col("analog") != "") & (age < LAUNCH_DAYS))
        young = young.select("item", "analog").sort("item")
        if young.is_empty():
            return _no_curves()
        demand = snapshot.of_items(young["analog"].unique().to_list()).demand()
        places = demand.keys.join(
            items.select(pl.col("item"), "launch_date"), on="item", how="left", maintain_order="left"
        )
        history = np.where(demand.censored, np.nan, demand.weekly.astype(np.float64))
        launched = days_of(places["launch_date"] - snapshot.weeks[0])
        curves = _curves(history, np.where(places["launch_date"].is_null().to_numpy(), -1, launched // 7))
        shown = np.nansum(curves, axis=1) > 0.0
        return _named(young, demand.keys.filter(pl.Series(shown)), curves[shown])

    def of_items(self, items: list[str]) -> Curves:
        """Curves of some young items only."""
        mine = self.frame.filter(pl.col("item").is_in(items))
        rows = mine["curve"].to_numpy()
        return Curves(mine.with_columns(pl.Series("curve", np.arange(rows.size), pl.Int64)), self.table[rows])

    def numbers(self, places: pl.DataFrame) -> IntArray:
        """Row of each place's curve, -1 where there is none."""
        here = places.select("item", "site").join(self.frame, on=["item", "site"], how="left", maintain_order="left")
        anywhere = self.frame.filter(pl.col("site") == _ANYWHERE).select("item", other="curve")
        found = here.join(anywhere, on="item", how="left", maintain_order="left")
        return found["curve"].fill_null(found["other"]).fill_null(-1).cast(pl.Int64).to_numpy()


def launch_plan(
    history: FloatArray, launch_day: FloatArray, days_into_week: int, curves: FloatArray, *, weeks: int
) -> LaunchForecast:
    """Forecast of young rows; weeks before the launch have none.

    Parameters
    ----------
    history
        Shape ``(k, past weeks)``, NaN where unknown.
    launch_day
        Shape ``(k,)``, days from today, negative once launched.
    days_into_week
        Days from the Monday after the history's last week to today.
    curves
        Shape ``(k, curve weeks)``.
    """
    past = history.shape[1]
    # The first week of the history starts so many days before today.
    first_day = -(7 * past + days_into_week)
    column = np.floor((launch_day - first_day) / 7.0).astype(np.int64)
    age = np.clip(past - column, 0, past)
    width = max(int(age.max(initial=0)), 1)
    seen = first_weeks(history, np.clip(column, 0, past - 1), weeks=width)
    forecast = launch_forecast(seen, age, curves, weeks=weeks)
    wait = np.maximum(np.ceil(launch_day / 7.0), 0.0).astype(np.int64)
    source = np.arange(weeks) - wait[:, None]
    moved = {
        name: np.where(source >= 0, np.take_along_axis(getattr(forecast, name), np.maximum(source, 0), axis=1), 0.0)
        for name in ("mean_per_week", "variance_per_week")
    }
    return replace(forecast, **moved)


def _curves(history: FloatArray, launch_week: IntArray) -> FloatArray:
    """First weeks of each row from its launch, or its level in every week."""
    weeks = history.shape[1]
    inside = (launch_week >= 0) & (launch_week < weeks)
    curve = np.full((len(history), CURVE_WEEKS), np.nan)
    if inside.any():
        curve[inside] = first_weeks(history[inside], launch_week[inside], weeks=CURVE_WEEKS)
    recent = history[:, -_LEVEL_WEEKS:]
    known = ~np.isnan(recent)
    level = np.where(known, recent, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    curve[~inside] = np.where(known.any(axis=1), level, np.nan)[~inside, None]
    return curve


def _named(young: pl.DataFrame, analogs: pl.DataFrame, table: FloatArray) -> Curves:
    """Curves by young item: its analog's at each site, and their mean for any other."""
    by_site = analogs.with_row_index("curve").with_columns(pl.col("curve").cast(pl.Int64))
    known = by_site["item"].unique().sort().to_list()
    means = [_mean(table[by_site.filter(pl.col("item") == item)["curve"].to_numpy()]) for item in known]
    number = np.arange(len(known), dtype=np.int64) + len(table)
    anywhere = {"curve": number, "item": known, "site": [_ANYWHERE] * len(known)}
    every = pl.concat([by_site, pl.DataFrame(anywhere, schema=by_site.schema)])
    frame = young.join(every.rename({"item": "analog"}), on="analog", how="inner").select("item", "site", "curve")
    frame = frame.sort("item", "site")
    rows = frame["curve"].to_numpy()
    stacked = np.concatenate([table, np.array(means).reshape(len(known), CURVE_WEEKS)])
    return Curves(frame.with_columns(pl.Series("curve", np.arange(rows.size), pl.Int64)), stacked[rows])


def _mean(curves: FloatArray) -> FloatArray:
    known = ~np.isnan(curves)
    total = np.where(known, curves, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def _no_curves() -> Curves:
    schema = {"item": pl.String, "site": pl.String, "curve": pl.Int64}
    return Curves(pl.DataFrame(schema=schema), np.zeros((0, CURVE_WEEKS)))
