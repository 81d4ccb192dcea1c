"""What lies ahead for every item-site at once: demand, lead times, stocking levels and stock by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from optimizer.demand.horizon import DemandPlan
from optimizer.demand.moments import DemandMoments
from optimizer.demand.scope import PredictionScope
from optimizer.demand.shift import DemandShift
from optimizer.exposure.excess import ExcessExposure, excess_exposure
from optimizer.laws.lead_time_demand import LeadTimeDemand
from optimizer.lead_time.kaplan_meier import LeadTimeLaw
from optimizer.risk.projection import InboundSchedule, StockProjection, project_stock
from optimizer.risk.shared_delay import SharedDelay, split_arrivals
from optimizer.stocking.levels import StockingLevels, stocking_levels
from tools.arrays import Inbound, NetworkArrays
from tools.columns import BoolArray, FloatArray, IntArray
from tools.forecast import Forecast, forecast
from tools.forecast_days import DailyForecast, by_day, protected_demand
from tools.forecast_inputs import PLAN_DAYS
from tools.lead_times import UNKNOWN_LEAD_TIME, LeadTimes
from tools.rows import join_rows, take_rows
from tools.safety_stock import Protection, bounded_levels, cycle_targets
from tools.thresholds import Thresholds

UNKNOWN_LEAD_TIME_SD = 10.0
"""Spread assumed where the supplier is not known, days."""
INTERNAL_HANDLING_DAYS = 1.0
"""Picking and booking at the giving site, added to lane transit."""

DELAY_STATES = (0.8, 0.2)
"""Shares of the good and of the bad times of a supplier with a record of disruption."""

_BY_ROW = ("demand", "shift", "levels", "projection", "on_time", "excess")
_FLAT = ("lead_time_mean", "lead_time_sd", "on_order", "overdue", "history_weeks", "window_days")


@dataclass(frozen=True)
class Outlook:
    """One forward look; rows as in ``arrays``."""

    arrays: NetworkArrays
    demand: DemandMoments
    """Class of demand, and mean and spread per day of the window ahead, without `NetworkArrays.known_demand`."""
    shift: DemandShift
    forecast: Forecast
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
        """Rows for which mathematics gives a quantity; `scope` has the reason for the others."""
        return self.forecast.planned

    @property
    def plan(self) -> DemandPlan:
        """Demand of the 28 days and 26 weeks ahead, known demand included."""
        return self.forecast.plan

    @property
    def scope(self) -> PredictionScope:
        """Which rows are predicted, by which route, and why not."""
        return self.forecast.scope

    def take(self, rows: IntArray) -> Outlook:
        """Only some rows, in the order given."""
        kept = np.flatnonzero(np.isin(self.arrays.inbound.series, rows))
        arrays = self.arrays.take(rows)
        arrivals = replace(take_rows(self.arrivals, kept), series=arrays.inbound.series)
        taken: dict[str, Any] = {"forecast": self.forecast.take(rows)}
        taken |= {name: take_rows(getattr(self, name), rows) for name in _BY_ROW}
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
        joined: dict[str, Any] = {"forecast": Forecast.join([part.forecast for part in parts])}
        joined |= {name: join_rows([getattr(part, name) for part in parts]) for name in _BY_ROW}
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
    """Forecast demand, set stocking levels, and project stock by day; groups of the rows are those of `lead_times`."""
    mean_days, sd_days = _lead_times(arrays, lead_times)
    ahead = forecast(
        arrays.history, arrays.inputs, cost=arrays.cost, lead_time_days=mean_days,
        recent_weeks=int(thresholds.value("demand_shift", "recent_weeks")),
    )  # fmt: skip
    days = by_day(ahead.plan, arrays.horizon_days)
    arrays = replace(arrays, known_demand=days.known)
    window = np.clip(np.ceil(mean_days + arrays.review_days - 1e-9), 1, arrays.horizon_days).astype(np.int64)
    demand = _moments(ahead, days, window)
    protected = protected_demand(ahead.plan, mean_days + arrays.review_days, sd_days)
    order = np.maximum(arrays.minimum_order, np.maximum(demand.mean_per_day * 7.0, 1.0))
    arrays = replace(arrays, service_target=_cycle_targets(arrays, ahead.plan, protected, order, mean_days, sd_days))
    levels = stocking_levels(protected, order_quantity=order, cycle_service_level=arrays.service_target)
    levels = bounded_levels(levels, protected, demand.mean_per_day, arrays.bounds)
    arrivals = arrival_schedule(arrays.inbound, lead_times.law, arrays.horizon_days)
    shared = _shared_delay(arrays.inbound, arrivals, lead_times)
    overdue = _overdue(arrays)
    projection = _projected(arrays.free, days, arrivals, shared)
    on_order = np.bincount(arrays.inbound.series, arrays.inbound.quantity, arrays.rows).astype(np.float64)
    return Outlook(
        arrays=arrays,
        demand=demand,
        shift=ahead.shift,
        forecast=ahead,
        lead_times=lead_times,
        lead_time_mean=mean_days,
        lead_time_sd=sd_days,
        levels=levels,
        arrivals=arrivals,
        projection=projection,
        on_time=_had_it_been_on_time(arrays, days, arrivals, shared, overdue, projection),
        excess=_excess(arrays, ahead.plan, on_order, thresholds.value("excess", "horizon_days")),
        on_order=on_order,
        overdue=overdue,
        history_weeks=np.isfinite(arrays.history).sum(axis=1).astype(np.int64),
        window_days=window,
    )


def _cycle_targets(
    arrays: NetworkArrays,
    plan: DemandPlan,
    protected: LeadTimeDemand,
    order: FloatArray,
    lead_mean: FloatArray,
    lead_sd: FloatArray,
) -> FloatArray:
    """Targets as cycle service levels: that of the reorder point which the method and measure of policy give."""
    by_fill = ~np.isnan(arrays.fill_rate_target)
    if not (by_fill | (arrays.safety_stock > 0)).any():
        return arrays.service_target
    review = np.maximum(np.rint(arrays.review_days), 1.0).astype(np.int64)
    between = plan.over(0, np.minimum(review, PLAN_DAYS))
    answer_for = Protection(
        whole=protected,
        lead=protected_demand(plan, lead_mean, lead_sd),
        review=LeadTimeDemand(between.mean, between.variance),
        order_quantity=order,
        margin=arrays.margin,
        holding=arrays.holding_per_day * arrays.review_days,
    )
    target = np.where(by_fill, arrays.fill_rate_target, arrays.service_target)
    return cycle_targets(arrays.safety_stock, target, by_fill, answer_for)


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


def _moments(ahead: Forecast, days: DailyForecast, window: IntArray) -> DemandMoments:
    """Class and record of the level, with the mean and spread per day of the window ahead; known demand is on top."""
    row, last = np.arange(len(window)), window - 1
    mean = np.cumsum(days.mean, axis=1)[row, last] / window
    variance = np.cumsum(days.variance, axis=1)[row, last] / window
    return replace(ahead.level, mean_per_day=mean, sd_per_day=np.sqrt(variance))


def _excess(arrays: NetworkArrays, plan: DemandPlan, on_order: FloatArray, horizon_days: float) -> ExcessExposure:
    """What the plan's demand leaves of stock and orders; beyond the plan its mean goes on."""
    days = int(min(horizon_days, PLAN_DAYS))
    sold = plan.over(0, days)
    return excess_exposure(
        np.maximum(arrays.free, 0.0), on_order, sold.mean / days, np.sqrt(sold.variance / days), horizon_days
    )


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


def _shared_delay(inbound: Inbound, arrivals: InboundSchedule, lead_times: LeadTimes) -> SharedDelay | None:
    """Orders of suppliers with a record of disruption are late together; those of the others each by themselves."""
    supplier = np.append(lead_times.pool, -1)[inbound.group]
    disrupted = np.append(lead_times.disrupted, False)[supplier]
    if not disrupted.any():
        return None
    # A number of its own keeps an order independent of all others.
    alone = len(lead_times.suppliers) + np.arange(len(supplier))
    return split_arrivals(arrivals.arrival_probability, np.where(disrupted, supplier, alone), DELAY_STATES)


def _projected(
    free: FloatArray, days: DailyForecast, arrivals: InboundSchedule, shared: SharedDelay | None
) -> StockProjection:
    return project_stock(
        free,
        days.mean,
        np.sqrt(days.variance),
        horizon_days=days.mean.shape[1],
        known_demand=days.known,
        inbound=arrivals,
        shared_delay=shared,
    )


def _had_it_been_on_time(
    arrays: NetworkArrays,
    days: DailyForecast,
    arrivals: InboundSchedule,
    shared: SharedDelay | None,
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
    kept = np.flatnonzero(~late & (place[arrays.inbound.series] >= 0))
    schedule = InboundSchedule(
        place[arrivals.series[kept]], arrivals.quantity[kept], arrivals.arrival_probability[kept]
    )
    if shared is not None:
        shared = SharedDelay(shared.supplier[kept], shared.state_probability, shared.arrival_probability[:, kept])
    free = arrays.free[touched] + overdue[touched]
    sub = _projected(free, take_rows(days, touched), schedule, shared)
    whole = [projection.expected_on_hand, projection.stockout_probability, projection.expected_short_units]
    parts = [sub.expected_on_hand, sub.stockout_probability, sub.expected_short_units]
    for index, part in enumerate(parts):
        whole[index] = whole[index].copy()
        whole[index][touched] = part
    return StockProjection(*whole)
