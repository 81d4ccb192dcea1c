"""What a forecast is made from beside the history: a snapshot and the shared facts as arrays over item-sites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from inventory.snapshots import Snapshot
from optimizer.demand.horizon import WEEKS
from optimizer.demand.known import KnownRows
from tools.columns import BoolArray, FloatArray, IntArray, days_of, floats_of
from tools.forecast_external import ExternalForecasts
from tools.forecast_promotion import Promotions
from tools.forecast_season import Seasons
from tools.rows import join_lines, join_rows, take_lines, take_rows
from tools.shared import SharedFacts

PLAN_DAYS = 7 * WEEKS
_LINES = ("known", "external", "young")
_NETWORK = ("seasons", "promotions", "days_into_week")


@dataclass(frozen=True)
class Young:
    """Launch curves of young rows, a line each."""

    series: IntArray
    curve: FloatArray
    """Shape ``(lines, weeks since launch)``, units, NaN where unknown."""


@dataclass(frozen=True)
class ForecastInputs:
    """Facts per row, shape ``(n,)`` unless said otherwise; lines name their row in ``series``."""

    group: IntArray
    """Group of the row, see `tools.forecast_groups`."""
    family: tuple[str, ...]
    region: tuple[str, ...]
    promoted: BoolArray
    """Shape ``(n, weeks)``: a promotion ran in the week of the history."""
    announced: BoolArray
    """Shape ``(n, 26)``: a promotion of unknown effect will run in the week of the plan."""
    end_day: FloatArray
    """Last day on sale, days from today; infinite without an end."""
    launch_day: FloatArray
    """First day on sale, days from today; NaN when unknown."""
    engineered: BoolArray
    """Made to a customer's drawing."""
    return_rate: FloatArray
    known: KnownRows
    external: ExternalForecasts
    young: Young
    seasons: Seasons
    promotions: Promotions
    days_into_week: int
    """Days from the Monday after the history's last week to today."""

    def take(self, rows: IntArray) -> ForecastInputs:
        """Only some rows, in the order given."""
        place = np.full(len(self.group), -1, dtype=np.int64)
        place[rows] = np.arange(rows.size)
        lines = {name: take_lines(getattr(self, name), place) for name in _LINES}
        return replace(take_rows(self, rows, besides=(*_LINES, *_NETWORK)), **lines)

    @classmethod
    def join(cls, parts: Sequence[ForecastInputs]) -> ForecastInputs:
        """Parts of one network end to end."""
        rows = [len(part.group) for part in parts]
        lines = {name: join_lines([getattr(part, name) for part in parts], rows) for name in _LINES}
        return replace(join_rows(parts, besides=(*_LINES, *_NETWORK)), **lines)


def forecast_inputs(
    snapshot: Snapshot, planned: pl.DataFrame, shared: SharedFacts, promoted: NDArray[np.bool_]
) -> ForecastInputs:
    """Inputs of the planned rows.

    Parameters
    ----------
    planned
        A row per item-site with columns ``item``, ``site``, ``flags``, ``family``, ``region``, ``launch_date`` and
        ``end_of_life_date``.
    promoted
        Shape ``(n, weeks)``: a promotion ran.
    """
    today = snapshot.as_of.date()
    into_week = (today - (snapshot.weeks[-1] + timedelta(weeks=1))).days
    at = planned.select("item", "site").with_row_index("row")
    curve = shared.curves.numbers(planned)
    young = np.flatnonzero(curve >= 0)
    known, announced = _known(snapshot, at, shared, today)
    return ForecastInputs(
        group=shared.groups.numbers(planned),
        family=tuple(planned["family"].fill_null("").to_list()),
        region=tuple(planned["region"].fill_null("").to_list()),
        promoted=promoted,
        announced=announced,
        end_day=_days(planned["end_of_life_date"], today, np.inf),
        launch_day=_days(planned["launch_date"], today, np.nan),
        engineered=planned["flags"].fill_null("").str.contains(r"\bengineered_to_order\b").to_numpy(),
        return_rate=shared.returns.rates(planned),
        known=known,
        external=ExternalForecasts.of(snapshot, _rows_of(snapshot.table("external_forecasts"), at), into_week),
        young=Young(young, shared.curves.table[curve[young]]),
        seasons=shared.seasons,
        promotions=shared.promotions,
        days_into_week=into_week,
    )


def _days(dates: pl.Series, today: date, missing: float) -> FloatArray:
    return (dates - today).dt.total_days().cast(pl.Float64).fill_null(missing).to_numpy().astype(np.float64)


def _rows_of(frame: pl.DataFrame, at: pl.DataFrame) -> IntArray:
    found = frame.select("item", "site").join(at, on=["item", "site"], how="left", maintain_order="left")
    return found["row"].cast(pl.Int64).fill_null(-1).to_numpy()


def _known(snapshot: Snapshot, at: pl.DataFrame, shared: SharedFacts, today: date) -> tuple[KnownRows, BoolArray]:
    """Known demand of the plan's days, and the weeks in which a promotion of unknown effect runs.

    What was due before today is not counted: what is owed of it is allocated already. Production needs that follow from
    production orders are counted there, and not again from the list of known demand.
    """
    listed = snapshot.table("known_demand").sort("reference", "item", "site")
    needs = shared.needs.frame
    covered = needs.select("item", "site").unique().with_columns(covered=pl.lit(value=True))
    marked = listed.join(covered, on=["item", "site"], how="left", maintain_order="left")
    again = (pl.col("kind") == "production") & pl.col("covered").fill_null(value=False)
    silent = (pl.col("kind") == "promotion") & (pl.col("quantity") == 0)
    counted = marked.filter(~again & ~silent)
    adds = [counted["adds_to_forecast"].fill_null(value=True).to_numpy(), np.ones(needs.height, dtype=np.bool_)]
    series = np.concatenate([_rows_of(counted, at), _rows_of(needs, at)])
    day = np.concatenate([days_of(counted["due_date"] - today), days_of(needs["date"] - today)])
    units = np.concatenate([floats_of(counted, "quantity"), floats_of(needs, "quantity")])
    kept = np.flatnonzero((series >= 0) & (day >= 0) & (day < PLAN_DAYS) & (units > 0.0))
    # In order of rows, so that parts put together are the whole.
    kept = kept[np.argsort(series[kept], kind="stable")]
    known = KnownRows(series[kept], day[kept], units[kept], np.concatenate(adds)[kept])
    announced = np.zeros((at.height, WEEKS), dtype=np.bool_)
    promotions = marked.filter(silent)
    row, start = _rows_of(promotions, at), days_of(promotions["due_date"] - today)
    soon = (row >= 0) & (start >= 0) & (start < PLAN_DAYS)
    announced[row[soon], start[soon] // 7] = True
    return known, announced
