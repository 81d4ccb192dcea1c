"""Good calls of the structure of future demand: promotions, known demand, bills, launch, end of life, horizon."""

import numpy as np

from optimizer.demand.end_of_life import RunOut, remaining_demand, run_out
from optimizer.demand.explosion import BillOfMaterials, explode, net_requirements
from optimizer.demand.external import choose_forecast, forecast_error, forecast_value_added, pooled_error
from optimizer.demand.hierarchy import channel_shares, roll_up, split_channels
from optimizer.demand.horizon import DemandPlan, demand_plan
from optimizer.demand.known import KnownDemand, KnownRows, join_known, unconsumed_share
from optimizer.demand.launch import LaunchForecast, first_weeks, launch_forecast
from optimizer.demand.promotion import PromotionEffect, cleaned_history, promotion_effect, promotion_factor
from optimizer.demand.returns import net_of_returns, predicted_returns, return_rate
from optimizer.demand.scope import master_data_faults, prediction_scope
from tests.optimizer.calls import Call

_HISTORY = np.array([[5.0, 6.0, 15.0, 3.0, 5.0, 6.0], [0.0, 2.0, 0.0, 4.0, 1.0, 0.0], [7.0, 8.0, 7.0, 8.0, 7.0, 8.0]])
_FLAGS = np.array([[0, 0, 1, 0, 0, 0], [0, 1, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0]], dtype=bool)
_GROUP = np.array([0, 1, 1])
_ONE = np.array([1.0, 2.0, 3.0])
_COUNT = np.array([1, 2, 3])
_NO = np.zeros(3, dtype=bool)
_WEEKS = np.full((3, 26), 1.1)
_EFFECT = PromotionEffect(_ONE, np.ones(3), np.zeros(3), 2)
_LAUNCH = LaunchForecast(np.full((2, 26), 3.0), np.full((2, 26), 4.0), np.ones(2), np.full(2, 0.1))
_KNOWN = KnownRows(np.array([0, 2]), np.array([3, 40]), np.array([9.0, 5.0]), np.array([True, False]))
_BILL = BillOfMaterials(np.array([0, 1]), np.array([1, 2]), np.array([2.0, 3.0]), 3)
_DELAY = np.array([[0.5, 0.5], [0.0, 1.0]])


CALLS: tuple[Call, ...] = (
    Call(
        promotion_effect,
        {
            "history": _HISTORY,
            "promotion": _FLAGS,
            "group": _GROUP,
            "groups": 2,
            "expected_factor": np.full(_HISTORY.shape, 1.2),
        },
        missing=frozenset({"history"}),
    ),
    Call(
        cleaned_history,
        {"history": _HISTORY, "promotion": _FLAGS, "effect": _EFFECT},
        missing=frozenset({"history"}),
    ),
    Call(promotion_factor, {"effect": _EFFECT, "planned": _FLAGS, "promoted_before": _FLAGS}),
    Call(PromotionEffect, {"uplift": _ONE, "dip": _ONE, "evidence_periods": _ONE, "dip_periods": 2}),
    Call(KnownRows, {"series": _COUNT, "day": _COUNT, "quantity": _ONE, "adds": _NO}),
    Call(KnownDemand, {"part": _HISTORY, "added": _HISTORY}),
    Call(
        join_known, {"forecast": _HISTORY, "part": _HISTORY, "added": _HISTORY, "backward_days": 2, "forward_days": 1}
    ),
    Call(unconsumed_share, {"forecast": _HISTORY, "unconsumed": _HISTORY / 2.0}),
    Call(
        BillOfMaterials,
        {"product": np.array([0, 1]), "component": np.array([2, 3]), "quantity_per": np.array([1.0, 2.0]), "items": 4},
    ),
    Call(
        explode,
        {
            "bill": _BILL,
            "needs": _HISTORY,
            "lead_time_days": _COUNT,
            "on_hand": _ONE,
            "receipts": _HISTORY,
        },
    ),
    Call(net_requirements, {"gross": _HISTORY, "supply": _HISTORY}),
    Call(first_weeks, {"history": _HISTORY, "launch_week": _COUNT, "weeks": 4}, missing=frozenset({"history"})),
    Call(
        launch_forecast,
        {
            "seen": _HISTORY,
            "age_weeks": _COUNT,
            "analog": _HISTORY,
            "prior_scale": _ONE,
            "noise_cv2": _ONE,
        },
        missing=frozenset({"seen", "analog"}),
    ),
    Call(
        LaunchForecast,
        {"mean_per_week": _HISTORY, "variance_per_week": _HISTORY, "scale": _ONE, "level_cv2": _ONE},
    ),
    Call(
        run_out,
        {"end_day": _ONE, "bleed_days": 3},
        negative=frozenset({"end_day"}),
        infinite=frozenset({"end_day"}),
    ),
    Call(RunOut, {"day_factor": _HISTORY, "week_factor": _HISTORY}),
    Call(
        remaining_demand,
        {"mean_per_day": _ONE, "variance_per_day": _ONE, "end_day": _ONE},
        negative=frozenset({"end_day"}),
    ),
    Call(
        prediction_scope,
        {
            "usable_weeks": _COUNT,
            "age_weeks": _COUNT,
            "engineered_to_order": _NO,
            "bad_master_data": _NO,
            "ended": _NO,
            "has_analog": _NO,
        },
        negative=frozenset({"age_weeks"}),
    ),
    Call(
        master_data_faults,
        {"cost": _ONE, "lead_time_days": _ONE, "order_multiple": _ONE},
        missing=frozenset({"cost", "lead_time_days", "order_multiple"}),
    ),
    Call(
        forecast_error,
        {"forecast": _HISTORY + 1.0, "actual": _HISTORY},
        missing=frozenset({"forecast", "actual"}),
    ),
    Call(
        pooled_error,
        {"forecast": _HISTORY + 1.0, "actual": _HISTORY, "group": _GROUP, "groups": 2, "weight": _ONE},
        missing=frozenset({"forecast", "actual"}),
    ),
    Call(
        forecast_value_added,
        {"own_wape": _ONE, "external_wape": _ONE},
        missing=frozenset({"own_wape", "external_wape"}),
    ),
    Call(
        choose_forecast,
        {
            "own": _HISTORY,
            "external": _HISTORY,
            "own_error": _ONE,
            "external_error": _ONE,
            "periods": _COUNT * 10,
            "rule": "inverse_error",
        },
        missing=frozenset({"external", "own_error", "external_error"}),
    ),
    Call(return_rate, {"shipped": _HISTORY * 2.0, "returned": _HISTORY, "pool": _GROUP, "delay": _DELAY}),
    Call(
        predicted_returns,
        {"shipped": _HISTORY, "planned": _HISTORY, "rate": _ONE / 4.0, "pool": _GROUP, "delay": _DELAY},
    ),
    Call(net_of_returns, {"demand": _HISTORY, "returns": _HISTORY}),
    Call(roll_up, {"mean": _HISTORY, "variance": _HISTORY, "group": _GROUP, "groups": 2, "correlation": 0.3}),
    Call(channel_shares, {"sold": _HISTORY, "periods_with_demand": _COUNT, "item": _GROUP, "items": 2}),
    Call(
        split_channels,
        {"mean": _HISTORY, "variance": _HISTORY, "shares": np.array([[0.5, 0.5], [1.0, 0.0], [0.25, 0.75]])},
    ),
    Call(
        demand_plan,
        {
            "level_per_week": _ONE,
            "variance_per_week": _ONE,
            "season": _WEEKS,
            "trend": _WEEKS,
            "promotion": _WEEKS,
            "sensed": _WEEKS,
            "weekday_profile": np.ones((3, 7)),
            "launch": _LAUNCH,
            "launch_series": np.array([1, 2]),
            "life": run_out([10.0, np.inf, np.inf]),
            "known": _KNOWN,
        },
    ),
    Call(
        DemandPlan,
        {
            **{f"{kind}_per_day": np.ones((3, 28)) for kind in ("mean", "variance", "known")},
            **{f"{kind}_per_week": np.full((3, 26), 7.0) for kind in ("mean", "variance", "known")},
            "level_cv2": _ONE,
        },
    ),
    Call(demand_plan([1.0, 2.0, 3.0], [1.0, 1.0, 1.0]).over, {"first_day": _COUNT, "stop_day": _COUNT * 20}),
)
