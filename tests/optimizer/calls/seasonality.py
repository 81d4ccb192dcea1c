"""Good calls of seasonality and trend."""

import numpy as np

from optimizer.demand.seasonality import seasonal_indices
from optimizer.demand.trend import damped_trend, discounted_level
from tests.optimizer.calls import Call

HISTORY = np.arange(60.0).reshape(3, 20) % 7.0
INDEX = np.array([[0.5, 1.5], [1.0, 1.0], [1.2, 0.8]])

CALLS: tuple[Call, ...] = (
    Call(
        seasonal_indices,
        {"history": HISTORY, "groups": np.array([[0, 0], [0, 1], [1, 2]]), "season": 4, "evidence": (5.0,) * 4},
        missing=frozenset({"history"}),
    ),
    Call(
        discounted_level,
        {
            "history": HISTORY,
            "seasonal_index": INDEX,
            "discount": 0.9,
            "prior_level": np.array([1.0, 2.0, 3.0]),
            "prior": 1.0,
        },
        missing=frozenset({"history"}),
    ),
    Call(damped_trend, {"history": HISTORY, "seasonal_index": INDEX}, missing=frozenset({"history"})),
)
