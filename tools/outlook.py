"""What lies ahead for every item-site at once: demand, lead times, stocking levels and stock by day."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from inventory.contract import REFUSE_BELOW_WEEKS
from optimizer.demand.moments import DemandMoments, DemandShift, demand_moments, demand_shift
from optimizer.exposure.excess import ExcessExposure, excess_exposure
from optimizer.laws.lead_time_demand import lead_time_demand_moments
from optimizer.lead_time.kaplan_meier import LeadTimeLaw, kaplan_meier_lead_time
from optimizer.risk.projection import InboundSchedule, StockProjection, project_stock
from optimizer.stocking.levels import StockingLevels, stocking_levels
from tools.arrays import BoolArray, FloatArray, Inbound, IntArray, NetworkArrays
from tools.thresholds import Thresholds

INTERNAL_HANDLING_DAYS = 1.0
"""Picking and booking at the giving site, added to lane transit."""


@dataclass(frozen=True)
class Outlook:
    """One forward look; rows as in ``arrays``."""

    arrays: NetworkArrays
    demand: DemandMoments
    shift: DemandShift
    law: LeadTimeLaw
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

    def short_units(self, row: int) -> float:
        """Expected units short over the row's window: the most that is owed on any day, for a sale lost is lost."""
        return float(self.projection.expected_short_units[row, : int(self.window_days[row])].max())

    def short_units_on_time(self, row: int) -> float:
        """The same, had every overdue order arrived today."""
        return float(self.on_time.expected_short_units[row, : int(self.window_days[row])].max())


def look_ahead(arrays: NetworkArrays, thresholds: Thresholds) -> Outlook:
    """Estimate demand and lead times, set stocking levels, and project stock by day."""
    demand = demand_moments(arrays.history)
    law = kaplan_meier_lead_time(
        arrays.receipts.days,
        arrays.receipts.observed,
        arrays.receipts.weight / max(float(arrays.receipts.weight.mean()), 1e-9) if arrays.receipts.weight.size else
        arrays.receipts.weight,
        arrays.receipts.group,
        len(arrays.group_contract_days),
        pool=arrays.group_supplier,
        prior_days=arrays.group_contract_days,
    )  # fmt: skip
    mean_days, sd_days = _lead_times(arrays, law)
    protected = lead_time_demand_moments(demand.mean_per_day, demand.sd_per_day, mean_days, sd_days, arrays.review_days)
    levels = stocking_levels(
        protected,
        order_quantity=np.maximum(arrays.minimum_order, np.maximum(demand.mean_per_day * 7.0, 1.0)),
        cycle_service_level=arrays.service_target,
    )
    arrivals = arrival_schedule(arrays.inbound, law, arrays.horizon_days)
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
        law=law,
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


def _lead_times(arrays: NetworkArrays, law: LeadTimeLaw) -> tuple[FloatArray, FloatArray]:
    """Mean and spread of each row's replenishment: the lane from its source site, else the supplier's law."""
    group = np.maximum(arrays.group, 0)
    known = arrays.group >= 0
    mean = np.where(known, law.mean_days()[group], 30.0) if law.probability.size else np.full(arrays.rows, 30.0)
    sd = np.where(known, law.sd_days()[group], 10.0) if law.probability.size else np.full(arrays.rows, 10.0)
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
