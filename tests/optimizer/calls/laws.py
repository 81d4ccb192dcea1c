"""Good calls of the laws."""

import numpy as np

from optimizer.laws.count_quantile import negative_binomial_quantile, poisson_quantile
from optimizer.laws.demand_law import demand_tail, exceedance, expected_short
from optimizer.laws.demand_level import demand_quantile, shortage_level
from optimizer.laws.gamma_quantile import gamma_quantile
from optimizer.laws.lead_time_demand import LeadTimeDemand, PoissonMixture, lead_time_demand_moments
from optimizer.laws.loss import (
    gamma_loss,
    negative_binomial_cdf,
    negative_binomial_loss,
    negative_binomial_survival,
    poisson_loss,
    poisson_survival,
    standard_normal_loss,
    standard_normal_loss_second_order,
)
from optimizer.laws.loss_level import gamma_loss_level, normal_loss_level
from tests.optimizer.calls import Call

X = frozenset({"x"})
LEVEL = np.array([0.0, 4.0, 90.0])
MEAN = np.array([3.0, 6.0, 80.0])
VARIANCE = np.array([9.0, 6.0, 400.0])
CHANCE = np.array([0.5, 0.9, 0.98])
SHAPE = np.array([0.3, 2.0, 40.0])
SCALE = np.array([2.0, 3.0, 0.5])
ALLOWED = np.array([0.1, 1.0, 2.0])
WINDOW = np.array([5.0, 20.0, 30.0])
SUCCESSES, SUCCESS = {"successes": SHAPE}, {"probability": np.array([0.2, 0.5, 0.9])}

CALLS: tuple[Call, ...] = (
    Call(standard_normal_loss, {"z": LEVEL}, negative=frozenset({"z"})),
    Call(standard_normal_loss_second_order, {"z": LEVEL}, negative=frozenset({"z"})),
    Call(gamma_loss, {"x": LEVEL, "shape": SHAPE, "scale": SCALE}, negative=X),
    Call(poisson_survival, {"x": LEVEL, "mean": MEAN}, negative=X),
    Call(poisson_loss, {"x": LEVEL, "mean": MEAN}, negative=X),
    Call(negative_binomial_survival, {"x": LEVEL, **SUCCESSES, **SUCCESS}, negative=X),
    Call(negative_binomial_cdf, {"x": LEVEL, **SUCCESSES, **SUCCESS}, negative=X),
    Call(negative_binomial_loss, {"x": LEVEL, **SUCCESSES, **SUCCESS}, negative=X),
    Call(negative_binomial_quantile, {"q": CHANCE, **SUCCESSES, **SUCCESS}),
    Call(poisson_quantile, {"q": CHANCE, "mean": MEAN}),
    Call(gamma_quantile, {"q": CHANCE, "shape": SHAPE, "scale": SCALE}),
    Call(gamma_loss_level, {"allowed": ALLOWED, "shape": SHAPE, "scale": SCALE, "window": WINDOW}),
    Call(
        normal_loss_level,
        {"allowed": ALLOWED, "mean": MEAN, "sd": SCALE, "window": WINDOW},
        negative=frozenset({"mean"}),
    ),
    *(
        Call(function, {"level": LEVEL, "mean": MEAN, "variance": VARIANCE, "law": law}, negative=frozenset({"level"}))
        for function in (exceedance, expected_short, demand_tail)
        for law in ("gamma", "normal", "count")
    ),
    *(
        Call(function, {**first, "mean": MEAN, "variance": VARIANCE, "law": law})
        for function, first in ((demand_quantile, {"q": CHANCE}), (shortage_level, {"allowed": ALLOWED}))
        for law in ("gamma", "normal", "count")
    ),
    Call(
        lead_time_demand_moments,
        {
            "mean_per_day": MEAN,
            "sd_per_day": SCALE,
            "lead_time_mean_days": WINDOW,
            "lead_time_sd_days": SHAPE,
            "review_period_days": np.array([1.0, 7.0, 0.0]),
        },
    ),
    Call(LeadTimeDemand, {"mean": MEAN, "variance": VARIANCE}),
    Call(PoissonMixture, {"mean_per_day": MEAN[:2], "duration": np.array([[0.0, 0.5, 0.5], [0.2, 0.0, 0.8]])}),
)
