"""What the history and the shelf of every item-site say beside the forward look: shifts, bias, silences, expiring lots.

Rules
-----
1. A part of the network computes its own signals; nothing here crosses items but the silence of an item at one site
   while its other sites sell.
2. Change detection reads every week of a series, so only rows whose last four or thirteen weeks stand out are given to
   it. A row it cannot judge (too short a record, too few sales) is said to be unjudged.
3. Silences are weighed with one silent week added to those seen: a hundred weeks with a sale each do not prove that a
   week without one cannot happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtr

from inventory.snapshots import Snapshot
from inventory.stored_tables import RECENT_DEMAND
from optimizer.demand.change import demand_change
from optimizer.demand.obsolescence import obsolescence
from optimizer.demand.shift import DemandShift, demand_shift
from optimizer.demand.smoothing import smooth_intermittent
from optimizer.demand.tracking import tracking
from tools.arrays import NetworkArrays, frame_of_places
from tools.columns import BoolArray, FloatArray, IntArray, days_of, floats_of
from tools.thresholds import Thresholds

SCREEN = 2.5
"""Standard deviations from which change detection looks at a row."""
LONG_WEEKS = 13
JUDGED_AFTER = 43
"""Weeks of record before change detection judges a row: a baseline of 26, at most 13 until the next look, 4 recent."""
_LEAST_EVENTS = 8
LEVEL_WEIGHT = 0.1
"""Weight of the newest week in smoothed demand."""
SILENT_WEEKS = 3
"""Shorter silences are not weighed at all."""
OTHERS_WEEKS, OTHERS_SHARE = SILENT_WEEKS, 0.5
"""Other sites sell an item when their last weeks reach this share of their pace before."""


@dataclass(frozen=True)
class Shelf:
    """Lots that expire, and items that end.

    Parameters
    ----------
    row, units, expiry_day
        One entry per usable lot with an expiry: its row, its units and its last usable day, days from today.
    end_day
        Days from today to the item's last day on sale, shape ``(n,)``, -1 when none is known or it has passed.
    sold_since
        Units sold since the last complete week, shape ``(n,)``.
    days_since
        Days of that, 0 on a Monday.
    """

    row: IntArray
    units: FloatArray
    expiry_day: IntArray
    end_day: IntArray
    sold_since: FloatArray
    days_since: int

    @classmethod
    def of(cls, snapshot: Snapshot, arrays: NetworkArrays) -> Shelf:
        """The lots and ends a snapshot names for the rows of some arrays."""
        places = frame_of_places(list(zip(arrays.items, arrays.sites, strict=True)))
        usable = (pl.col("source") == "erp") & (pl.col("status") == "unrestricted") & pl.col("expiry").is_not_null()
        lots = (
            snapshot.table("stock").filter(usable & (pl.col("on_hand") > 0)).select("item", "site", "on_hand", "expiry")
        )
        lots = lots.join(places.with_row_index("row"), on=["item", "site"], how="inner").sort("row", "expiry")
        ends = places.join(
            snapshot.table("items").select("item", "end_of_life_date"), on="item", how="left", maintain_order="left"
        )["end_of_life_date"]
        return cls(
            lots["row"].cast(pl.Int64).to_numpy(),
            floats_of(lots, "on_hand"),
            _days_to(lots["expiry"], arrays.today),
            np.maximum(days_of(ends - arrays.today), -1),
            _sold_since(snapshot, arrays, places),
            arrays.inputs.days_into_week,
        )

    @classmethod
    def empty(cls, rows: int) -> Shelf:
        """Nothing expires and nothing ends."""
        return cls(
            np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64), np.full(rows, -1, dtype=np.int64),
            np.zeros(rows), 0,
        )  # fmt: skip


def _sold_since(snapshot: Snapshot, arrays: NetworkArrays, places: pl.DataFrame) -> FloatArray:
    """Units sold from the end of the last complete week to yesterday, shape ``(n,)``; promoted days add none."""
    passed = (pl.col("date") >= snapshot.weeks[-1] + timedelta(weeks=1)) & (pl.col("date") < arrays.today)
    sold = (
        snapshot.table(RECENT_DEMAND)
        .filter(passed & ~pl.col("promotion"))
        .join(places.with_row_index("row"), on=["item", "site"])
    )
    row = sold["row"].cast(pl.Int64).to_numpy()
    return np.bincount(row, floats_of(sold, "quantity"), arrays.rows).astype(np.float64)


def _days_to(dates: pl.Series, today: date) -> IntArray:
    return (dates - today).dt.total_days().to_numpy().astype(np.int64)


@dataclass(frozen=True)
class Change:
    """Shifts of demand, shape ``(n,)`` throughout.

    Parameters
    ----------
    alarmed
        Change detection alarmed within the weeks asked for.
    judged
        It could have: enough weeks, and enough of them with a sale.
    direction
        1 for a rise, -1 for a fall, 0 without an alarm.
    before, after
        Units a week before and after the change; 0 without an alarm.
    weeks_since
        Weeks since the first of the new level, that one included; -1 without an alarm.
    """

    alarmed: BoolArray
    judged: BoolArray
    direction: NDArray[np.int8]
    before: FloatArray
    after: FloatArray
    weeks_since: IntArray

    @classmethod
    def of(cls, history: NDArray[np.float32], thresholds: Thresholds) -> Change:
        """The latest change of each row that stands out."""
        n, weeks = history.shape
        known = np.isfinite(history).sum(axis=1) >= JUDGED_AFTER
        judged = known & ((np.nan_to_num(history) > 0).sum(axis=1) >= _LEAST_EVENTS)
        change = cls(
            np.zeros(n, np.bool_),
            judged,
            np.zeros(n, np.int8),
            np.zeros(n),
            np.zeros(n),
            np.full(n, -1, dtype=np.int64),
        )
        rows = np.flatnonzero(judged & _stands_out(history, int(thresholds.value("demand_shift", "recent_weeks"))))
        if not rows.size:
            return change
        found = demand_change(
            history[rows],
            false_alarms_per_year=thresholds.value("demand_shift", "false_alarms_per_year"),
            recent_periods=int(thresholds.value("demand_shift", "alarm_weeks")),
        )
        kept = np.flatnonzero(found.changed)
        at = rows[kept]
        change.alarmed[at], change.direction[at] = True, found.direction[kept]
        change.before[at], change.after[at] = found.mean_before[kept], found.mean_after[kept]
        change.weeks_since[at] = weeks - found.change_period[kept]
        # After an alarm the new level has to be learnt before it can be judged.
        judged[rows[~found.changed & (found.alarm_period >= weeks - JUDGED_AFTER)]] = False
        return change

    def pace(self, shift: DemandShift) -> FloatArray:
        """Units a week of late: the mean of the last weeks; after an alarm, the new level if that is further off.

        An alarm dates the change too early rather than too late, so its new level may hold weeks of the old one.
        """
        recent = shift.recent_mean_per_period
        further = (self.after - recent) * self.direction > 0
        return np.where(self.alarmed & further, self.after, recent)


def _stands_out(history: NDArray[np.float32], recent_weeks: int) -> BoolArray:
    found: BoolArray = np.abs(demand_shift(history, recent_periods=recent_weeks).z_score) >= SCREEN
    return found | (np.abs(demand_shift(history, recent_periods=LONG_WEEKS).z_score) >= SCREEN)


def _mean_over_absolute() -> tuple[FloatArray, FloatArray]:
    r"""Mean error over mean absolute error of a normal law, and the mean in standard deviations it comes from.

    Of mean :math:`\mu` and spread 1 the absolute value has mean
    :math:`\sqrt{2/\pi}\,e^{-\mu^2/2} + \mu (1 - 2 \Phi(-\mu))` (the folded normal law). Dividing a sum of errors by
    their mean absolute value alone, a strong bias would hide itself: it makes both large.
    """
    mean = np.linspace(0.0, 4.0, 401)
    absolute = np.sqrt(2.0 / np.pi) * np.exp(-0.5 * mean**2) + mean * (1.0 - 2.0 * ndtr(-mean))
    return mean / absolute, mean


_MEAN_OVER_ABSOLUTE = _mean_over_absolute()


@dataclass(frozen=True)
class Bias:
    """One-sided errors of one-step-ahead forecasts, shape ``(n,)`` throughout.

    Parameters
    ----------
    share
        Share of demand by which forecasts fell short (positive) or overshot.
    tracking
        Sum of the errors in its standard deviations were there no bias.
    weeks
        Errors counted.
    """

    share: FloatArray
    tracking: FloatArray
    weeks: IntArray

    @classmethod
    def of(cls, history: NDArray[np.float32], weeks: int, forecast: NDArray[np.floating] | None = None) -> Bias:
        """Errors of the last weeks, of smoothed demand where no forecasts are given.

        Weeks without a sale tell of a rare item, not of its forecast: evidence counts by weeks with one.
        """
        given = _one_step_ahead(history, weeks) if forecast is None else forecast
        weeks = min(weeks, given.shape[1], history.shape[1])
        recent = history[:, -weeks:]
        found = tracking(recent, forecast=given[:, -weeks:])
        ratio = found.brown_signal / np.maximum(found.errors, 1)
        deviations = np.sign(ratio) * np.interp(np.abs(ratio), *_MEAN_OVER_ABSOLUTE)
        evidence = np.minimum((np.nan_to_num(recent) > 0.0).sum(axis=1), found.errors)
        return cls(found.bias, deviations * np.sqrt(evidence), found.errors)


def _one_step_ahead(history: NDArray[np.float32], weeks: int) -> FloatArray:
    """Smoothed demand before each of the last weeks, NaN without demand to start from; shape ``(n, weeks)``.

    The level starts at the mean of all weeks before twice the last ones: from a single first week it would not recover.
    """
    start = max(history.shape[1] - 2 * weeks, 0)
    before = history[:, :start].astype(np.float64)
    seen = np.isfinite(before).sum(axis=1)
    level = np.where(seen > 0, np.nan_to_num(before).sum(axis=1) / np.maximum(seen, 1), np.nan)
    forecasts = np.full((len(history), history.shape[1] - start), np.nan)
    for week in range(start, history.shape[1]):
        demand = history[:, week].astype(np.float64)
        forecasts[:, week - start] = level
        level = np.where(np.isfinite(demand), level + LEVEL_WEIGHT * (demand - level), level)
    return forecasts[:, -weeks:]


@dataclass(frozen=True)
class Silence:
    """Weeks without a sale, shape ``(n,)`` throughout.

    Parameters
    ----------
    weeks
        Usable weeks since the last sale; 0 where that is less than three.
    probability
        Chance of such a silence while the item lives; 1 where it cannot be told.
    hazard_per_week
        Share of demand lost per week of it; 0 unless it is no accident.
    others_sell
        The item sells at its other sites as it did.
    """

    weeks: IntArray
    probability: FloatArray
    hazard_per_week: FloatArray
    others_sell: BoolArray

    @classmethod
    def of(cls, arrays: NetworkArrays) -> Silence:
        """What the silences of some rows mean."""
        n, history = arrays.rows, arrays.history
        silence = cls(np.zeros(n, np.int64), np.ones(n), np.zeros(n), np.zeros(n, np.bool_))
        quiet = np.nan_to_num(history[:, -SILENT_WEEKS:]).sum(axis=1) == 0.0
        rows = np.flatnonzero(quiet & (np.nan_to_num(history).sum(axis=1) > 0.0))
        if not rows.size:
            return silence
        smoothed = smooth_intermittent(history[rows].astype(np.float64))
        alive = smoothed.periods - smoothed.since
        gaps = (alive - smoothed.events + 1.0) / (alive + 2.0)
        silence.weeks[rows] = smoothed.since.astype(np.int64)
        silence.probability[rows] = np.where(smoothed.events >= 3.0, gaps**smoothed.since, 1.0)
        silence.hazard_per_week[rows] = obsolescence(smoothed).hazard_per_period
        silence.others_sell[rows] = _others_sell(arrays)[rows]
        return silence


@dataclass(frozen=True)
class Signals:
    """What each row says; one entry per item-site everywhere, one per lot in ``shelf``."""

    change: Change
    bias: Bias
    silence: Silence
    shelf: Shelf

    @classmethod
    def of(
        cls,
        arrays: NetworkArrays,
        thresholds: Thresholds,
        *,
        shelf: Shelf | None = None,
        forecast: NDArray[np.floating] | None = None,
    ) -> Signals:
        """Signals of some arrays, at least one row.

        Parameters
        ----------
        shelf
            Lots and ends; none when omitted.
        forecast
            One-step-ahead forecasts of the last weeks, shape ``(n, weeks)``, NaN where none was made; smoothed demand
            when omitted.
        """
        return cls(
            Change.of(arrays.history, thresholds),
            Bias.of(arrays.history, int(thresholds.value("forecast_bias", "weeks")), forecast),
            Silence.of(arrays),
            Shelf.empty(arrays.rows) if shelf is None else shelf,
        )


def _others_sell(arrays: NetworkArrays) -> BoolArray:
    """Whether the other sites of each row's item sell it at least at half their pace before."""
    units = np.nan_to_num(arrays.history).astype(np.float64)
    if units.shape[1] <= OTHERS_WEEKS:
        return np.zeros(arrays.rows, dtype=np.bool_)
    item = np.unique(np.array(arrays.items, dtype=np.str_), return_inverse=True)[1]
    recent, before = units[:, -OTHERS_WEEKS:].mean(axis=1), units[:, :-OTHERS_WEEKS].mean(axis=1)
    theirs = [np.bincount(item, pace)[item] - pace for pace in (recent, before)]
    as_before: BoolArray = (theirs[0] > 1e-9) & (theirs[0] >= OTHERS_SHARE * theirs[1])
    return as_before
