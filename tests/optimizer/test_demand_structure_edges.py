"""Nothing in gives nothing out; scalars and missing axes are refused by name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from optimizer.demand.end_of_life import remaining_demand, run_out
from optimizer.demand.explosion import net_requirements
from optimizer.demand.external import choose_forecast, forecast_error, pooled_error
from optimizer.demand.hierarchy import channel_shares, roll_up, split_channels
from optimizer.demand.horizon import demand_plan
from optimizer.demand.known import join_known
from optimizer.demand.launch import first_weeks, launch_forecast
from optimizer.demand.promotion import PromotionEffect, cleaned_history, promotion_effect, promotion_factor
from optimizer.demand.returns import predicted_returns, return_rate
from optimizer.demand.scope import master_data_faults, prediction_scope

_FLAT, _TABLE, _NO, _NOBODY = np.zeros(0), np.zeros((0, 5)), np.zeros((0, 5), bool), np.zeros(0, int)
_NONE = PromotionEffect(_FLAT, _FLAT, _FLAT, 2)

EMPTY: dict[str, Callable[[], Any]] = {
    "promotion_effect": lambda: promotion_effect(_TABLE, _NO, _NOBODY, groups=1).uplift,
    "cleaned_history": lambda: cleaned_history(_TABLE, _NO, _NONE),
    "promotion_factor": lambda: promotion_factor(_NONE, _NO),
    "join_known": lambda: join_known(_TABLE, _TABLE, _TABLE, backward_days=2).total,
    "net_requirements": lambda: net_requirements(_TABLE, _TABLE),
    "first_weeks": lambda: first_weeks(_TABLE, _NOBODY, weeks=3),
    "launch_forecast": lambda: launch_forecast(_TABLE, _NOBODY, _TABLE).mean_per_week,
    "run_out": lambda: run_out(_FLAT).day_factor,
    "remaining_demand": lambda: remaining_demand(_FLAT, _FLAT, _FLAT).mean,
    "prediction_scope": lambda: (
        prediction_scope(
            _NOBODY,
            _NOBODY,
            engineered_to_order=_NO[:, 0],
            bad_master_data=_NO[:, 0],
            ended=_NO[:, 0],
            has_analog=_NO[:, 0],
        ).route
    ),
    "master_data_faults": lambda: master_data_faults(_FLAT, _FLAT, _FLAT),
    "forecast_error": lambda: forecast_error(_TABLE, _TABLE).wape,
    "choose_forecast": lambda: choose_forecast(_TABLE, _TABLE, _FLAT, _FLAT, _NOBODY, rule="better").mean,
    "return_rate": lambda: return_rate(_TABLE, _TABLE, _NOBODY, [[1.0]]),
    "predicted_returns": lambda: predicted_returns(_TABLE, _TABLE, _FLAT, _NOBODY, [[1.0]]).mean,
    "channel_shares": lambda: channel_shares(_TABLE, _FLAT, _NOBODY, items=1),
    "split_channels": lambda: split_channels(_TABLE, _TABLE, _TABLE).mean,
    "demand_plan": lambda: demand_plan(_FLAT, _FLAT).over(0, 9).mean,
}


@pytest.mark.parametrize("name", EMPTY)
def test_no_series_give_an_empty_answer(name: str) -> None:
    assert len(EMPTY[name]()) == 0


def test_groups_without_members_have_no_demand_and_no_record() -> None:
    assert roll_up(_TABLE, _TABLE, _NOBODY, groups=2).mean.tolist() == [[0.0] * 5] * 2
    assert np.isnan(pooled_error(_TABLE, _TABLE, _NOBODY, groups=2).wape).all()


REFUSED: dict[str, Callable[[], Any]] = {
    "history": lambda: promotion_effect(3.0, True, [0], groups=1),
    "forecast": lambda: join_known([1.0], [1.0], [1.0]),
    "gross": lambda: net_requirements(1.0, 1.0),
    "seen": lambda: launch_forecast(np.zeros((1, 0)), [0], [[1.0]]),
    "end_day": lambda: run_out(3.0),
    "mean": lambda: roll_up([1.0], [1.0], [0], groups=1),
    "sold": lambda: channel_shares(np.zeros((1, 0)), [1], [0], items=1),
    "level_per_week": lambda: demand_plan(1.0, 1.0),
    "shipped": lambda: return_rate(1.0, 1.0, [0], [[1.0]]),
    "promotion": lambda: promotion_effect([[1.0, 2.0]], [[0, 1]], [0], groups=1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_missing_axis_or_another_type_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must"):
        REFUSED[name]()
