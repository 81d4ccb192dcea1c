"""What lies ahead for every item-site at once: demand, lead times, stocking levels and stock by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from inventory.contract import REFUSE_BELOW_WEEKS
from optimizer.demand.moments import DemandMoments, demand_moments
from optimizer.demand.shift import DemandShift, demand_shift
from optimizer.exposure.excess import ExcessExposure, excess_exposure
from optimizer.laws.lead_time_demand import lead_time_demand_moments
from optimizer.lead_time.kaplan_meier import LeadTimeLaw
from optimizer.risk.projection import InboundSchedule, StockProjection, project_stock
from optimizer.stocking.levels import StockingLevels, stocking_levels
from tools.arrays import Inbound, NetworkArrays
from tools.columns import BoolArray, FloatArray, IntArray
from tools.lead_times import UNKNOWN_LEAD_TIME, LeadTimes
from tools.rows import join_rows, take_rows
from tools.thresholds import Thresholds

UNKNOWN_LEAD_TIME_SD = 10.0
"""Spread assumed where the supplier is not known, days."""
INTERNAL_HANDLING_DAYS = 1.0
"""Picking and booking at the giving site, added to lane transit."""


_BY_ROW = ("demand", "shift", "levels", "projection", "on_time", "excess")
_FLAT = ("lead_time_mean", "lead_time_sd", "on_order", "overdue", "history_weeks", "window_days")


@dataclass(frozen=True)
class Outlook:
    """One forward look; rows as in ``arrays``."""

    arrays: NetworkArrays
    demand: DemandMoments
    shift: DemandShift
    lead_times: LeadTimes
    lead_time_mean: FloatArray
    lead_time_sd: FloatArray
    levels: StockingLevels
    arrivals: InboundSchedule
    projection: StockProjection
    on_time: StockProjection
    """As ``projection``, had every overdue order arrived today: what the delay alone costs."""
    excess: ExcessExposure
    on_order: FloatArray
    overdue: FloatArray
    """Units on supplier orders whose promise has passed."""
    history_weeks: IntArray
    window_days: IntArray
    """Days until an order placed at the next review would be here."""

    @cached_property
    def planned(self) -> BoolArray:
        """Rows with enough history for mathematics to give a quantity."""
        enough: BoolArray = self.history_weeks >= REFUSE_BELOW_WEEKS
        return enough

    def take(self, rows: IntArray) -> Outlook:
        """Only some rows, in the order given."""
        kept = np.flatnonzero(np.isin(self.arrays.inbound.series, rows))
        arrays = self.arrays.take(rows)
        arrivals = replace(take_rows(self.arrivals, kept), series=arrays.inbound.series)
        taken: dict[str, Any] = {name: take_rows(getattr(self, name), rows) for name in _BY_ROW}
        taken |= {name: getattr(self, name)[rows] for name in _FLAT}
        return replace(self, arrays=arrays, arrivals=arrivals, **taken)

    def on(self, lead_times: LeadTimes, number: IntArray) -> Outlook:
        """The same look with group ``g`` named ``number[g]``, as `lead_times` has it."""
        renamed = np.append(number, -1)
        inbound = replace(self.arrays.inbound, group=renamed[self.arrays.inbound.group])
        arrays = replace(self.arrays, group=renamed[self.arrays.group], inbound=inbound)
        return replace(self, arrays=arrays, lead_times=lead_times)

    @classmethod
    def join(cls, parts: Sequence[Outlook]) -> Outlook:
        """Looks at parts of one network, end to end, all on the same lead times."""
        arrays = NetworkArrays.join([part.arrays for part in parts])
        arrivals = replace(join_rows([part.arrivals for part in parts]), series=arrays.inbound.series)
        joined: dict[str, Any] = {name: join_rows([getattr(part, name) for part in parts]) for name in _BY_ROW}
        joined |= {name: np.concatenate([getattr(part, name) for part in parts]) for name in _FLAT}
        return replace(parts[0], arrays=arrays, arrivals=arrivals, **joined)

    @cached_property
    def worst_day(self) -> IntArray:
        """Day of each row's window on which most units are expected to be owed."""
        days = np.arange(self.arrays.horizon_days)
        owed = np.where(days < self.window_days[:, None], self.projection.expected_short_units, -1.0)
        return np.asarray(np.argmax(owed, axis=1), dtype=np.int64)

    @cached_property
    def short(self) -> FloatArray:
        """Expected units short over each row's window: the most that is owed on any day, for a sale lost is lost."""
        return self.projection.expected_short_units[np.arange(self.arrays.rows), self.worst_day]

    def short_units(self, row: int) -> float:
        """`short` of one row."""
        return float(self.short[row])

    def short_units_on_time(self, row: int) -> float:
        """The same, had every overdue order arrived today."""
        return float(self.on_time.expected_short_units[row, : int(self.window_days[row])].max())


def look_ahead(arrays: NetworkArrays, lead_times: LeadTimes, thresholds: Thresholds) -> Outlook:
    """Estimate demand, set stocking levels, and project stock by day; groups of the rows are those of `lead_times`."""
    demand = demand_moments(arrays.history.astype(np.float64))
    mean_days, sd_days = _lead_times(arrays, lead_times)
    protected = lead_time_demand_moments(demand.mean_per_day, demand.sd_per_day, mean_days, sd_days, arrays.review_days)
    levels = stocking_levels(
        protected,
        order_quantity=np.maximum(arrays.minimum_order, np.maximum(demand.mean_per_day * 7.0, 1.0)),
        cycle_service_level=arrays.service_target,
    )
    arrivals = arrival_schedule(arrays.inbound, lead_times.law, arrays.horizon_days)
    overdue = _overdue(arrays)
    projection = project_stock(
        arrays.free,
        demand.mean_per_day,
        demand.sd_per_day,
        horizon_days=arrays.horizon_days,
        known_demand=arrays.known_demand,
        inbound=arrivals,
    )
    on_order = np.bincount(arrays.inbound.series, arrays.inbound.quantity, arrays.rows).astype(np.float64)
    return Outlook(
        arrays=arrays,
        demand=demand,
        shift=demand_shift(arrays.history, recent_periods=int(thresholds.value("demand_shift", "recent_weeks"))),
        lead_times=lead_times,
        lead_time_mean=mean_days,
        lead_time_sd=sd_days,
        levels=levels,
        arrivals=arrivals,
        projection=projection,
        on_time=_had_it_been_on_time(arrays, demand, arrivals, overdue, projection),
        excess=excess_exposure(
            np.maximum(arrays.free, 0.0), on_order, demand.mean_per_day, demand.sd_per_day,
            thresholds.value("excess", "horizon_days"),
        ),
        on_order=on_order,
        overdue=overdue,
        history_weeks=np.isfinite(arrays.history).sum(axis=1).astype(np.int64),
        window_days=np.clip(np.ceil(mean_days + arrays.review_days - 1e-9), 1, arrays.horizon_days).astype(np.int64),
    )  # fmt: skip


def _lead_times(arrays: NetworkArrays, lead_times: LeadTimes) -> tuple[FloatArray, FloatArray]:
    """Mean and spread of each row's replenishment: the lane from its source site, else the supplier's law."""
    # An unknown supplier is the entry after the last group.
    group = np.where(arrays.group >= 0, arrays.group, lead_times.mean_days.size)
    mean = np.append(lead_times.mean_days, UNKNOWN_LEAD_TIME)[group]
    sd = np.append(lead_times.sd_days, UNKNOWN_LEAD_TIME_SD)[group]
    internal = ~np.isnan(arrays.source_transit_days)
    mean = np.where(internal, np.nan_to_num(arrays.source_transit_days) + INTERNAL_HANDLING_DAYS, mean)
    sd = np.where(internal, np.nan_to_num(arrays.source_transit_sd), sd)
    return mean, sd


def arrival_schedule(inbound: Inbound, law: LeadTimeLaw, horizon_days: int) -> InboundSchedule:
    """When each open order may arrive.

    A supplier order follows its lead-time law given its age; a transfer arrives on its expected day, or spread over the
    next three days when that has passed.
    """
    arrival = np.zeros((len(inbound.series), horizon_days))
    orders = inbound.group >= 0
    if orders.any():
        remaining = law.given_age(inbound.age_days[orders], inbound.group[orders])
        width = min(horizon_days, remaining.shape[1])
        arrival[orders, :width] = remaining[:, :width]
    soon = ~orders & (inbound.promised_day >= 0) & (inbound.promised_day < horizon_days)
    arrival[soon, inbound.promised_day[soon]] = 1.0
    spread = min(3, horizon_days)
    arrival[~orders & (inbound.promised_day < 0), :spread] = 1.0 / spread
    return InboundSchedule(inbound.series, inbound.quantity, arrival)


def _overdue(arrays: NetworkArrays) -> FloatArray:
    inbound = arrays.inbound
    late = (inbound.group >= 0) & (inbound.promised_day < 0)
    return np.bincount(inbound.series[late], inbound.quantity[late], arrays.rows).astype(np.float64)


def _had_it_been_on_time(
    arrays: NetworkArrays,
    demand: DemandMoments,
    arrivals: InboundSchedule,
    overdue: FloatArray,
    projection: StockProjection,
) -> StockProjection:
    """The projection with overdue orders on the shelf today; rows without one are copied."""
    touched = np.flatnonzero(overdue > 0)
    if not touched.size:
        return projection
    late = (arrays.inbound.group >= 0) & (arrays.inbound.promised_day < 0)
    place = np.full(arrays.rows, -1, dtype=np.int64)
    place[touched] = np.arange(touched.size)
    kept = ~late & (place[arrays.inbound.series] >= 0)
    schedule = InboundSchedule(
        place[arrivals.series[kept]], arrivals.quantity[kept], arrivals.arrival_probability[kept]
    )
    sub = project_stock(
        arrays.free[touched] + overdue[touched],
        demand.mean_per_day[touched],
        demand.sd_per_day[touched],
        horizon_days=arrays.horizon_days,
        known_demand=arrays.known_demand[touched],
        inbound=schedule,
    )
    whole = [projection.expected_on_hand, projection.stockout_probability, projection.expected_short_units]
    parts = [sub.expected_on_hand, sub.stockout_probability, sub.expected_short_units]
    for index, part in enumerate(parts):
        whole[index] = whole[index].copy()
        whole[index][touched] = part
    return StockProjection(*whole)
