"""Good calls of the risk room."""

from typing import Any

import numpy as np

from optimizer.risk.bands import projection_bands
from optimizer.risk.ever_out import ever_out_probability
from optimizer.risk.first_risky_day import first_risky_day
from optimizer.risk.inbound import InboundSchedule
from optimizer.risk.loss import stockout_loss
from optimizer.risk.projection import project_stock
from optimizer.risk.shared_delay import SharedDelay, delayed_arrivals, split_arrivals
from optimizer.risk.state_dp import exact_stockout_risk
from tests.optimizer.calls import Call

_ARRIVAL = np.array([[0.5, 0.25, 0.0], [0.0, 0.5, 0.5]])
_INBOUND = InboundSchedule(np.array([0, 2]), np.array([4.0, 6.0]), _ARRIVAL)
_STOCK: dict[str, Any] = {
    "on_hand": np.array([5.0, -1.0, 8.0]),
    "mean_per_day": np.array([2.0, 1.0, 3.0]),
    "sd_per_day": np.array([1.5, 1.0, 2.0]),
    "horizon_days": 3,
    "known_demand": np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [2.0, 0.0, 0.0]]),
    "inbound": _INBOUND,
}
_OWED = frozenset({"on_hand"})

CALLS: tuple[Call, ...] = (
    Call(project_stock, _STOCK, negative=_OWED),
    Call(
        project_stock,
        {**_STOCK, "mean_per_day": np.full((3, 3), 2.0), "sd_per_day": np.full((3, 3), 1.5), "law": "count"},
        negative=_OWED,
    ),
    Call(ever_out_probability, _STOCK, negative=_OWED),
    Call(first_risky_day, {**_STOCK, "threshold": 0.2}, negative=_OWED),
    Call(
        projection_bands,
        {**_STOCK, "probabilities": np.array([0.1, 0.9])},
        negative=_OWED,
        alone=frozenset({"probabilities"}),
    ),
    Call(exact_stockout_risk, _STOCK, negative=_OWED),
    Call(exact_stockout_risk, {**_STOCK, "law": "gamma", "cells": 16}, negative=_OWED),
    Call(
        InboundSchedule,
        {"series": np.array([0, 2]), "quantity": np.array([4.0, 6.0]), "arrival_probability": _ARRIVAL},
    ),
    Call(
        SharedDelay,
        {
            "supplier": np.array([0, 0]),
            "state_probability": np.array([0.5, 0.5]),
            "arrival_probability": np.stack([_ARRIVAL, _ARRIVAL]),
        },
    ),
    Call(
        split_arrivals,
        {"arrival_probability": _ARRIVAL, "supplier": np.array([0, 0]), "state_probability": np.array([0.5, 0.5])},
    ),
    Call(
        delayed_arrivals,
        {
            "arrival_probability": _ARRIVAL,
            "supplier": np.array([0, 0]),
            "state_probability": np.array([0.5, 0.5]),
            "delay_days": np.array([0.0, 1.0]),
        },
    ),
    Call(
        stockout_loss,
        {
            "projection": project_stock(**_STOCK),
            "penalty_per_unit": np.array([1.0, 2.0, 3.0]),
        },
    ),
)
