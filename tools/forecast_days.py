"""A demand plan read by day over a horizon, and over the time that stock must protect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.demand.horizon import DAYS, WEEKS, DemandPlan
from optimizer.laws.lead_time_demand import LeadTimeDemand
from tools.columns import FloatArray
from tools.forecast_inputs import PLAN_DAYS


@dataclass(frozen=True)
class DailyForecast:
    """Demand of each day ahead, shape ``(n, days)``, units."""

    mean: FloatArray
    """Of what is not known yet."""
    variance: FloatArray
    known: FloatArray
    """What is certain, on top of the mean."""


def by_day(plan: DemandPlan, days: int) -> DailyForecast:
    """The plan's first days; after four weeks the days of a week are alike, after 26 weeks the last week goes on.

    The uncertain height of a young item is common to its days: each day's variance holds what it adds to that of the
    sum up to the day.
    """
    known = _days_of(plan.known_per_day, plan.known_per_week, days)
    mean = np.maximum(_days_of(plan.mean_per_day, plan.mean_per_week, days) - known, 0.0)
    variance = _days_of(plan.variance_per_day, plan.variance_per_week, days)
    young = np.flatnonzero(plan.level_cv2 > 0.0)
    if young.size:
        squared = np.cumsum(mean[young], axis=1) ** 2
        variance[young] += plan.level_cv2[young, None] * np.diff(squared, axis=1, prepend=0.0)
    return DailyForecast(mean, variance, known)


def protected_demand(plan: DemandPlan, interval_days: FloatArray, lead_time_sd_days: FloatArray) -> LeadTimeDemand:
    r"""Demand from today until an order placed at the next review is here, known demand included.

    Parameters
    ----------
    interval_days
        Shape ``(n,)``, mean lead time plus review period; beyond the plan its mean goes on.
    lead_time_sd_days
        Shape ``(n,)``.

    Returns
    -------
    LeadTimeDemand
        The plan's mean over the interval, and its variance plus :math:`\mu^2\sigma_L^2` with the interval's mean
        per day.
    """
    within = np.minimum(interval_days, float(PLAN_DAYS))
    whole = np.floor(within + 1e-9).astype(np.int64)
    part = np.maximum(within - whole, 0.0)
    first, next_day = plan.over(0, whole), plan.over(whole, np.minimum(whole + 1, PLAN_DAYS))
    longer = np.divide(interval_days, within, out=np.ones_like(within), where=within > 0.0)
    mean = (first.mean + part * next_day.mean) * longer
    per_day = np.divide(mean, interval_days, out=np.zeros_like(mean), where=interval_days > 0.0)
    spread = (first.variance + part * next_day.variance) * longer
    return LeadTimeDemand(mean, spread + (per_day * lead_time_sd_days) ** 2)


def _days_of(daily: FloatArray, weekly: FloatArray, days: int) -> FloatArray:
    if days <= DAYS:
        return np.array(daily[:, :days])
    week = np.minimum(np.arange(DAYS, days) // 7, WEEKS - 1)
    return np.concatenate([daily, weekly[:, week] / 7.0], axis=1)
