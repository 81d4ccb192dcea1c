"""Demand as weekly lists: how delivered rows become lists, and how lists move on with the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from inventory.stored_tables import HISTORY_WEEKS, RECENT_DEMAND, empty_table, stored_key, stored_schema


@dataclass(frozen=True)
class DemandHistory:
    """Weekly demand of every item and site that has any, sorted by item and site.

    Attributes
    ----------
    keys
        Columns ``item`` and ``site``, ``n`` rows.
    weekly
        Shape ``(n, 104)``, float32, the item's smallest units per week, all channels together, newest week last.
        NaN before the first recorded week, 0 for a week without a row after it.
    promotion
        Shape ``(n, 104)``: a promotion ran in the week.
    censored
        Shape ``(n, 104)``: stock was out, so the week understates demand.
    weeks
        The 104 Mondays.
    """

    keys: pl.DataFrame
    weekly: NDArray[np.float32]
    promotion: NDArray[np.bool_]
    censored: NDArray[np.bool_]
    weeks: list[date]

    @property
    def history_weeks(self) -> NDArray[np.int64]:
        """Weeks since the first recorded one, inclusive; shape ``(n,)``, 1 to 104."""
        counts: NDArray[np.int64] = (~np.isnan(self.weekly)).sum(axis=1, dtype=np.int64)
        return counts

    @classmethod
    def of(cls, frame: pl.DataFrame, weeks: list[date]) -> DemandHistory:
        """The arrays of a stored ``demand`` table; weekly values are not copied when they lie in one piece."""
        frame = frame.rechunk()
        shape = (frame.height, HISTORY_WEEKS)
        return cls(
            keys=frame.select("item", "site"),
            weekly=frame["weekly"].to_numpy().reshape(shape),
            promotion=frame["promotion"].to_numpy().reshape(shape),
            censored=frame["censored"].to_numpy().reshape(shape),
            weeks=weeks,
        )

    def frame(self) -> pl.DataFrame:
        """The stored ``demand`` table of these arrays."""
        columns = {"weekly": self.weekly, "promotion": self.promotion, "censored": self.censored}
        if self.keys.is_empty():
            return empty_table("demand")
        schema = stored_schema("demand")
        return self.keys.with_columns(pl.Series(name, array, schema[name]) for name, array in columns.items())


def no_history(weeks: list[date]) -> DemandHistory:
    """A history of nothing."""
    return DemandHistory.of(empty_table("demand"), weeks)


def merge_demand(
    history: DemandHistory, recent: pl.DataFrame, rows: pl.DataFrame, weeks: list[date]
) -> tuple[DemandHistory, pl.DataFrame]:
    """Move a history on to ``weeks`` and enter newly delivered rows.

    A delivered row replaces the one of the same item, site, channel and date. Weeks that reach back before the
    rows still at hand are replaced whole, since their days are known only as a sum.

    Parameters
    ----------
    history, recent
        What the parent snapshot holds; ``recent`` in the form of ``demand_recent``.
    rows
        Accepted rows of the ``demand`` feed.
    weeks
        The 104 Mondays of the new snapshot, not before those of ``history``.

    Returns
    -------
    tuple[DemandHistory, polars.DataFrame]
        The new history, and the rows to keep as ``demand_recent``.
    """
    key = stored_key(RECENT_DEMAND)
    known = pl.concat([rows, recent.join(rows, on=key, how="anti", nulls_equal=True)])
    totals = known.group_by("item", "site", pl.col("date").dt.truncate("1w").alias("week")).agg(
        pl.col("quantity").sum(), pl.col("promotion").any(), pl.col("lost_sales").any()
    )
    totals = totals.filter(pl.col("week") <= weeks[-1])
    keys = pl.concat([history.keys, totals.select("item", "site")]).unique().sort("item", "site")
    merged = _moved(history, keys, weeks)
    _enter(merged, totals)
    kept = known.filter(pl.col("date") >= weeks[-1]).sort(key)
    return _without_unknown(merged), kept


def _moved(history: DemandHistory, keys: pl.DataFrame, weeks: list[date]) -> DemandHistory:
    """The history on a larger set of keys and a later window; weeks not yet known are NaN."""
    shift = (weeks[0] - history.weeks[0]).days // 7
    if shift < 0:
        raise ValueError(f"demand history of {history.weeks[-1]} cannot move back to {weeks[-1]}")
    shape = (keys.height, HISTORY_WEEKS)
    moved = DemandHistory(
        keys, np.full(shape, np.nan, np.float32), np.zeros(shape, np.bool_), np.zeros(shape, np.bool_), weeks
    )
    kept = max(HISTORY_WEEKS - shift, 0)
    to = _positions(keys, history.keys)
    moved.weekly[to, :kept] = history.weekly[:, HISTORY_WEEKS - kept :]
    moved.promotion[to, :kept] = history.promotion[:, HISTORY_WEEKS - kept :]
    moved.censored[to, :kept] = history.censored[:, HISTORY_WEEKS - kept :]
    if kept < HISTORY_WEEKS:  # what was known before the window moved on is known to go on
        started = to[~np.isnan(history.weekly[:, -1])]
        moved.weekly[started, kept:] = 0.0
    return moved


def _enter(history: DemandHistory, totals: pl.DataFrame) -> None:
    """Write weekly totals into arrays this module just made, and zeros after the first recorded week."""
    older = totals.filter(pl.col("week") < history.weeks[0]).select("item", "site").unique()
    inside = totals.filter(pl.col("week") >= history.weeks[0])
    row = _positions(history.keys, inside)
    column = ((inside["week"] - history.weeks[0]).dt.total_days() // 7).to_numpy()
    history.weekly[row, column] = inside["quantity"].to_numpy()
    history.promotion[row, column] = inside["promotion"].to_numpy()
    history.censored[row, column] = inside["lost_sales"].to_numpy()
    started = np.logical_or.accumulate(~np.isnan(history.weekly), axis=1)
    started[_positions(history.keys, older)] = True
    history.weekly[started & np.isnan(history.weekly)] = 0.0


def _positions(keys: pl.DataFrame, wanted: pl.DataFrame) -> NDArray[np.int64]:
    """Row of ``keys`` at which each wanted item and site stands."""
    found = wanted.select("item", "site").join(
        keys.with_row_index("position"), on=["item", "site"], how="left", maintain_order="left"
    )
    return found["position"].cast(pl.Int64).to_numpy()


def _without_unknown(history: DemandHistory) -> DemandHistory:
    """Leaves out keys whose whole window is unknown."""
    known = ~np.isnan(history.weekly[:, -1])
    if known.all():
        return history
    return DemandHistory(
        history.keys.filter(pl.Series(known)),
        history.weekly[known],
        history.promotion[known],
        history.censored[known],
        history.weeks,
    )
