"""Good calls of the demand room and of the laws it feeds."""

import numpy as np

from optimizer.demand.change import demand_change
from optimizer.demand.classes import classify
from optimizer.demand.drift import demand_drift
from optimizer.demand.moments import demand_moments, rate_by_class
from optimizer.demand.obsolescence import obsolescence
from optimizer.demand.shift import demand_shift
from optimizer.demand.smoothing import croston, smooth, smooth_intermittent
from optimizer.demand.smoothing_choice import choose_smoothing
from optimizer.demand.tracking import tracking
from optimizer.laws.count import CountLaw
from optimizer.laws.empirical import EmpiricalDemand, empirical_demand, empirical_lead_time_demand
from tests.optimizer.calls import Call

_HISTORY = np.random.default_rng(2).poisson(1.5, (4, 60)).astype(np.float64)
_MISSING = frozenset({"history", "forecast"})
_DURATION = np.tile([0.0, 0.2, 0.3, 0.5], (4, 1))
_SMOOTHED = smooth(_HISTORY)

CALLS: tuple[Call, ...] = (
    Call(smooth, {"history": _HISTORY, "initial_probability": np.full(4, 0.5)}, missing=_MISSING),
    Call(smooth_intermittent, {"history": _HISTORY}, missing=_MISSING),
    Call(croston, {"history": _HISTORY, "smoothing": 0.1}, missing=_MISSING),
    Call(
        classify,
        {"interval": np.array([1.0, 2.0, np.inf]), "size_cv2": np.array([0.1, 0.6, 0.0])},
        infinite=frozenset({"interval"}),
    ),
    Call(demand_moments, {"history": _HISTORY}, missing=_MISSING),
    Call(rate_by_class, {"demand_class": np.array([0, 1, 2, 3], np.int8), "smoothed": _SMOOTHED}),
    Call(obsolescence, {"smoothed": _SMOOTHED}),
    Call(demand_shift, {"history": _HISTORY}, missing=_MISSING),
    Call(demand_change, {"history": _HISTORY}, missing=_MISSING),
    Call(demand_drift, {"history": _HISTORY}, missing=_MISSING),
    Call(choose_smoothing, {"history": _HISTORY, "alphas": (0.1, 0.2)}, missing=_MISSING),
    Call(tracking, {"history": _HISTORY, "forecast": np.full(_HISTORY.shape, 1.5)}, missing=_MISSING),
    Call(CountLaw, {"mean": np.array([1.0, 2.0, 3.0]), "variance": np.array([0.5, 2.0, 9.0])}),
    Call(EmpiricalDemand, {"mass": np.full((3, 4), 0.25), "unit": np.ones(3)}),
    Call(
        empirical_demand, {"history": _HISTORY, "periods": np.array([0, 1, 2, 5]), "unit": np.ones(4)}, missing=_MISSING
    ),
    Call(empirical_lead_time_demand, {"history": _HISTORY, "duration": _DURATION}, missing=_MISSING),
)
