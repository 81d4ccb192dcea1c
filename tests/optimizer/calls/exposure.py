"""Good calls of exposure."""

import numpy as np

from optimizer.exposure.excess import excess_exposure
from optimizer.exposure.expiry import expiry_exposure
from optimizer.exposure.obsolescence import obsolescence_exposure
from optimizer.exposure.pareto import pareto_set
from optimizer.exposure.roll_up import rolled_up, stock_by_age
from optimizer.exposure.run_out import run_out_days
from tests.optimizer.calls import Call

STOCK, ORDERED = np.array([10.0, 0.0, 300.0]), np.array([5.0, 2.0, 0.0])
MEAN, SD, DAYS = np.array([2.0, 1.0, 0.5]), np.array([1.0, 2.0, 0.5]), np.array([30.0, 60.0, 90.0])
GROUP = np.array([0, 1, 1])
STATE = {"on_hand": STOCK, "on_order": ORDERED, "mean_per_day": MEAN, "sd_per_day": SD, "horizon_days": DAYS}

CALLS: tuple[Call, ...] = (
    Call(excess_exposure, STATE),
    Call(obsolescence_exposure, {**STATE, "hazard_per_day": np.array([0.0, 0.01, 0.2])}),
    Call(
        expiry_exposure,
        {
            "quantity": np.array([[5.0, 3.0], [2.0, 0.0], [9.0, 4.0]]),
            "expiry_day": np.array([[5.0, 9.0], [2.0, 7.0], [9.0, 4.0]]),
            "mean_per_day": MEAN,
            "sd_per_day": SD,
            "blocked": np.array([[False, True], [False, False], [True, False]]),
        },
        negative=frozenset({"expiry_day"}),
    ),
    Call(
        run_out_days,
        {"stock": STOCK, "mean_per_day": MEAN, "sd_per_day": SD, "chance": np.array([0.1, 0.5])},
        alone=frozenset({"chance"}),
    ),
    Call(rolled_up, {"values": STOCK, "group": GROUP, "groups": 2}, negative=frozenset({"values"})),
    Call(
        stock_by_age,
        {"age_days": DAYS, "quantity": STOCK, "group": GROUP, "groups": 2, "edges": np.array([45.0, 80.0])},
        alone=frozenset({"edges"}),
    ),
    Call(
        pareto_set,
        {"cost": STOCK, "service": np.array([0.9, 0.5, 0.7]), "capital": ORDERED},
        negative=frozenset({"cost", "capital"}),
    ),
)
