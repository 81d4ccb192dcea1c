"""From history to demand by day and week ahead, for every item-site at once.

Rules
-----
1. The baseline is demand without what is known to have moved it: promoted weeks are divided by the effect of
   promotions, every week by its season. Weeks whose season is next to nothing say nothing of the level and are left
   out, sold-out weeks and weeks before listing as well. All of this in double precision.
2. The level and its spread are those of the demand class; a drift beyond chance over a year or more is carried on,
   damped.
3. Ahead, level, season, trend and announced promotions are multiplied; young items follow their analog, ending ones run
   out; known demand replaces or adds; what comes back is netted; a forecast from outside replaces ours where its record
   is the better.
4. Made to order has no forecast: its demand is the order book. `Forecast.scope` gives the reason wherever mathematics
   gives no quantity.
5. Everything here is computed row by row, or comes from `tools.shared`: cutting the network changes no digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from inventory.contract import REFUSE_BELOW_WEEKS
from optimizer.demand.classes import DemandClass
from optimizer.demand.drift import demand_drift
from optimizer.demand.end_of_life import RunOut, run_out
from optimizer.demand.external import UsedForecast
from optimizer.demand.horizon import DAYS, WEEKS, DemandPlan, demand_plan
from optimizer.demand.launch import LaunchForecast
from optimizer.demand.moments import DemandMoments, demand_moments
from optimizer.demand.promotion import PromotionEffect, cleaned_history, promotion_factor
from optimizer.demand.scope import Exclusion, PredictionScope, Route, master_data_faults, prediction_scope
from optimizer.demand.shift import DemandShift, demand_shift
from optimizer.demand.trend import damped_trend
from tools.columns import BoolArray, FloatArray, IntArray
from tools.forecast_external import choose_external
from tools.forecast_inputs import ForecastInputs
from tools.forecast_launch import launch_plan
from tools.forecast_promotion import LEAST_INDEX, factors, own_effect
from tools.forecast_returns import without_returns
from tools.rows import join_rows, take_rows

CONSUMPTION_DAYS = 7
"""A known part of the forecast is looked for in the forecast of so many days before and after it."""
DRIFT_WEEKS = 52
"""Weeks of history a drift needs."""
DRIFT_CHANCE = 1e-4
"""Chance of so steep a line in level demand; most of what is likelier does not go on (measured on grocery sales)."""
SLOPE_WEIGHT = 0.005
"""Weight of a week in the slope."""
DRIFT_PER_YEAR = 0.1
"""Share of demand a year under which a drift is not worth following."""
_TREND_BOUNDS = (0.25, 4.0)
_BLOCK_ROWS = 8_192


@dataclass(frozen=True)
class Forecast:
    """Demand ahead of each row, and how it was come by."""

    plan: DemandPlan
    level: DemandMoments
    """Level, spread and class without season and promotions."""
    shift: DemandShift
    """Recent weeks against those before, season and promotions taken out."""
    scope: PredictionScope
    effect: PromotionEffect
    season: FloatArray
    """Shape ``(n, 26)``, seasonal index of each week ahead."""
    trend: FloatArray
    """Shape ``(n,)``, level in half a year over the level now; 1 without a drift."""
    used: NDArray[np.int8]
    """Values of `UsedForecast`: whose forecast it is."""

    @property
    def planned(self) -> BoolArray:
        """Rows for which mathematics gives quantities: those predicted, and those known to have ended."""
        ended: BoolArray = self.scope.exclusion == Exclusion.ENDED
        return self.scope.applies | (ended & (self.level.periods >= REFUSE_BELOW_WEEKS))

    def take(self, rows: IntArray) -> Forecast:
        """Only some rows, in the order given."""
        taken = take_rows(self, rows, besides=_RECORDS)
        return replace(taken, **{name: take_rows(getattr(self, name), rows) for name in _RECORDS})

    @classmethod
    def join(cls, parts: Sequence[Forecast]) -> Forecast:
        """Forecasts of parts of one network end to end."""
        joined = join_rows(parts, besides=_RECORDS)
        return replace(joined, **{name: join_rows([getattr(part, name) for part in parts]) for name in _RECORDS})


_RECORDS = ("plan", "level", "shift", "scope", "effect")


@dataclass(frozen=True)
class _Baseline:
    """What the history of each row says, shape ``(n,)`` but `path`, ``(n, 26)``."""

    level: DemandMoments
    shift: DemandShift
    effect: PromotionEffect
    path: FloatArray
    """Level in each week ahead over the level now."""


def forecast(
    history: NDArray[np.float32],
    inputs: ForecastInputs,
    *,
    cost: FloatArray,
    lead_time_days: FloatArray,
    recent_weeks: int,
) -> Forecast:
    """Demand of the 28 days and 26 weeks ahead.

    Parameters
    ----------
    history
        Shape ``(n, weeks)``, units, oldest first, NaN where not listed or sold out.
    cost, lead_time_days
        Shape ``(n,)``, NaN when unknown: master data that cannot be true rules a row out.
    recent_weeks
        Weeks whose demand is compared with what went before.
    """
    base = _baseline(history, inputs, recent_weeks)
    scope = _scope(history, inputs, cost, lead_time_days)
    per_week = base.level.mean_per_day * 7.0
    spread = base.level.sd_per_day**2 * 7.0
    silent = np.isin(scope.exclusion, (Exclusion.ENGINEERED_TO_ORDER, Exclusion.ENDED))
    per_week[silent], spread[silent] = 0.0, 0.0
    season = inputs.seasons.ahead(
        inputs.group, WEEKS, past_weeks=history.shape[1], days_into_week=inputs.days_into_week
    )
    promotion = _promotion_ahead(inputs, base.effect)
    used = np.full(len(history), UsedForecast.OWN, dtype=np.int8)
    level, factor = per_week, (season * base.path, promotion)
    if inputs.external.series.size:
        own = per_week[:, None] * factor[0] * (1.0 if promotion is None else promotion)
        level, spread, factor = _with_external(history, inputs, (per_week, spread), own, factor, used)
    launch, young = _launch(history, inputs, scope)
    plan = demand_plan(
        level, spread, season=factor[0], promotion=factor[1], launch=launch, launch_series=young,
        life=_life(inputs), known=inputs.known if inputs.known.series.size else None,
        backward_days=CONSUMPTION_DAYS, forward_days=CONSUMPTION_DAYS,
    )  # fmt: skip
    plan = without_returns(plan, np.asarray(history[:, -8:], dtype=np.float64), inputs.return_rate)
    return Forecast(plan, base.level, base.shift, scope, base.effect, season, base.path[:, -1], used)


def _baseline(history: NDArray[np.float32], inputs: ForecastInputs, recent_weeks: int) -> _Baseline:
    """Level, spread, class, shift and drift of every row, some thousand rows at a time to stay in cache."""
    blocks = [
        _block(history, inputs, slice(start, start + _BLOCK_ROWS), recent_weeks)
        for start in range(0, max(len(history), 1), _BLOCK_ROWS)
    ]
    whole = {
        field.name: join_rows([getattr(block, field.name) for block in blocks])
        for field in fields(_Baseline)
        if field.name != "path"
    }
    return _Baseline(**whole, path=np.concatenate([block.path for block in blocks]))


def _block(history: NDArray[np.float32], inputs: ForecastInputs, rows: slice, recent_weeks: int) -> _Baseline:
    table = np.asarray(history[rows], dtype=np.float64)
    group, promoted = inputs.group[rows], inputs.promoted[rows]
    index = inputs.seasons.history(group, table.shape[1]) if inputs.seasons.any else None
    factor = factors(inputs.seasons, group, table.shape[1]) if promoted.any() else np.ones_like(table)
    effect = own_effect(table, promoted, factor, group, inputs.promotions)
    if promoted.any():
        table = np.asarray(cleaned_history(table, promoted, effect), dtype=np.float64)
    if index is not None:
        table = _without_season(table, index)
    level = demand_moments(table)
    shift = demand_shift(table, recent_periods=recent_weeks)
    return _Baseline(level, shift, effect, _path(table, level))


def _without_season(table: FloatArray, index: FloatArray) -> FloatArray:
    """Demand over its season; weeks that are next to nothing are left out where enough others are left."""
    thin = index < LEAST_INDEX
    enough = (~thin & ~np.isnan(table)).sum(axis=1) >= REFUSE_BELOW_WEEKS
    freed = table / np.maximum(index, LEAST_INDEX)
    freed[thin & enough[:, None]] = np.nan
    return freed


def _path(table: FloatArray, level: DemandMoments) -> FloatArray:
    """Level of each week ahead over the level now: ones but where demand drifts."""
    path = np.ones((len(table), WEEKS))
    drift = demand_drift(table)
    drifting = (
        (drift.p_value < DRIFT_CHANCE)
        & (np.abs(drift.relative_per_year) >= DRIFT_PER_YEAR)
        & (level.periods >= DRIFT_WEEKS)
        & (level.demand_class <= DemandClass.ERRATIC)
        & (level.mean_per_day > 0.0)
    )
    rows = np.flatnonzero(drifting)
    if rows.size:
        trend = damped_trend(table[rows], np.ones((rows.size, 1)), slope_weight=SLOPE_WEIGHT)
        path[rows] = np.clip(trend.path(WEEKS) / (level.mean_per_day[rows, None] * 7.0), *_TREND_BOUNDS)
    return path


def _scope(
    history: NDArray[np.float32], inputs: ForecastInputs, cost: FloatArray, lead_time_days: FloatArray
) -> PredictionScope:
    # Before its launch an item is of age zero; only one without a date has no age.
    age = np.where(
        np.isnan(inputs.launch_day), -1.0, np.maximum(np.floor(-np.nan_to_num(inputs.launch_day) / 7.0), 0.0)
    )
    has_curve = np.zeros(len(history), dtype=np.bool_)
    has_curve[inputs.young.series] = True
    return prediction_scope(
        np.isfinite(history).sum(axis=1), age.astype(np.int64),
        engineered_to_order=inputs.engineered,
        bad_master_data=master_data_faults(cost, lead_time_days, np.ones(len(cost))) > 0,
        ended=inputs.end_day < 0.0,
        has_analog=has_curve,
    )  # fmt: skip


def _promotion_ahead(inputs: ForecastInputs, effect: PromotionEffect) -> FloatArray | None:
    """Factor of each week ahead, None where no promotion runs or ran lately."""
    before = inputs.promoted[:, -effect.dip_periods :]
    rows = np.flatnonzero(inputs.announced.any(axis=1) | before.any(axis=1))
    if not rows.size:
        return None
    factor = np.ones(inputs.announced.shape)
    factor[rows] = promotion_factor(take_rows(effect, rows), inputs.announced[rows], promoted_before=before[rows])
    return factor


def _with_external(
    history: NDArray[np.float32],
    inputs: ForecastInputs,
    levels: tuple[FloatArray, FloatArray],
    own: FloatArray,
    factor: tuple[FloatArray, FloatArray | None],
    used: NDArray[np.int8],
) -> tuple[FloatArray, FloatArray, tuple[FloatArray, FloatArray | None]]:
    """Level, variance and factors with rows whose forecast is someone else's: level 1, their units as its factor."""
    rows = inputs.external.series
    season = factors(inputs.seasons, inputs.group[rows], history.shape[1])
    past = np.asarray(history[rows], dtype=np.float64)
    taken = choose_external(inputs.external, past, season, own[rows], used)
    level, spread = (values.copy() for values in levels)
    shape = factor[0].copy()
    mean = np.maximum(taken.mean_per_week.mean(axis=1), 1e-9)
    level[taken.series], shape[taken.series] = 1.0, taken.mean_per_week
    # The variance of their record holds in a week of average height.
    spread[taken.series] = taken.variance / mean**1.5
    if factor[1] is None:
        return level, spread, (shape, None)
    promotion = factor[1].copy()
    promotion[taken.series] = 1.0
    return level, spread, (shape, promotion)


def _launch(
    history: NDArray[np.float32], inputs: ForecastInputs, scope: PredictionScope
) -> tuple[LaunchForecast | None, IntArray | None]:
    """Forecast of the rows that go by their analog, and which they are."""
    by_analog = scope.route[inputs.young.series] == Route.ANALOG
    rows = inputs.young.series[by_analog]
    if not rows.size:
        return None, None
    past = np.asarray(history[rows], dtype=np.float64)
    curves = inputs.young.curve[by_analog]
    return launch_plan(past, inputs.launch_day[rows], inputs.days_into_week, curves, weeks=WEEKS), rows


def _life(inputs: ForecastInputs) -> RunOut | None:
    """Share of demand left in each day and week, None where nothing ends within the plan."""
    ending = np.isfinite(inputs.end_day) & (inputs.end_day < 7 * WEEKS)
    if not ending.any():
        return None
    return run_out(inputs.end_day, days=DAYS, weeks=WEEKS)
