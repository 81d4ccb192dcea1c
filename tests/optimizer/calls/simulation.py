"""Calls of the simulator."""

from typing import Any

import numpy as np

from optimizer.simulation.nervousness import (
    plan_instability,
    reversals_per_hundred,
    sign_changes,
    used_before_next_receipt,
    variance_ratio,
)
from optimizer.simulation.planner import GivenOrders, OrderPolicy
from optimizer.simulation.scenarios import Setup
from optimizer.simulation.serial import SerialSystem, simulate_serial
from optimizer.simulation.service import by_family, perfect_order_rate, summarize
from optimizer.simulation.single_stage import simulate_single_stage
from optimizer.simulation.streams import draw_demand, draw_lead_times
from optimizer.simulation.tally import Tally
from optimizer.simulation.world import Inbound, Lanes, World
from tests.optimizer.calls import Call

_DEMAND = np.array([[[2.0, 1.0], [0.0, 3.0]], [[1.0, 4.0], [2.0, 2.0]], [[0.0, 1.0], [5.0, 2.0]]])
_WORLD: dict[str, Any] = {
    "demand": _DEMAND,
    "lead_time_days": np.ones(_DEMAND.shape, dtype=np.int64),
    "opening": np.array([[5.0, 6.0], [7.0, 8.0]]),
    "unit_cost": np.array([1.5, 2.5]),
    "feeding_lane": np.array([-1, 0]),
    "lanes": Lanes(np.array([0]), np.array([1]), np.array([1])),
    "expedite_days": np.ones((2, 2), dtype=np.int64),
    "delivered_share": np.full((3, 2), 0.5),
    "site_open": np.ones((3, 2), dtype=np.bool_),
    "lane_open": np.ones((3, 1), dtype=np.bool_),
    "shelf_life_days": np.array([2, 3]),
    "period": np.array([0, 0, 1]),
}
_LEVELS = np.array([[3.0, 4.0], [5.0, 6.0]])
_SERIAL = SerialSystem(np.array([6.0, 9.0]), np.array([1, 2]), np.array([2.0, 1.0]), np.array([30.0, 0.0]))
_MOVES = np.array([0, 1, 1])

CALLS: tuple[Call, ...] = (
    Call(
        SerialSystem,
        {
            "base_stock_level": np.array([6.0, 9.0]), "lead_time": np.array([1, 2]),
            "holding_cost": np.array([2.0, 1.0]), "penalty": np.array([30.0, 0.0]),
            "opening_level": np.array([6.0, 9.0]),
        },
        negative=frozenset({"base_stock_level", "opening_level"}),
    ),
    Call(
        simulate_serial, {"system": _SERIAL, "demand": np.array([[3.0, 4.0], [5.0, 6.0]])},
        negative=frozenset({"demand"}),
    ),
    Call(World, _WORLD, negative=frozenset({"opening", "feeding_lane"})),
    Call(Lanes, {"origin": np.array([0, 1]), "destination": np.array([1, 0]), "transit_days": np.array([1, 2])}),
    Call(
        Inbound,
        {"site": _MOVES, "item": _MOVES, "quantity": np.array([1.0, 2.0, 3.0]), "due_day": np.array([1, 2, 9])},
    ),
    Call(
        OrderPolicy,
        {
            "reorder_point": _LEVELS, "order_up_to_level": _LEVELS + 4.0, "order_quantity": np.full((2, 2), 2.0),
            "multiple": np.ones((2, 2)), "review_period_days": np.ones((2, 2), dtype=np.int64),
            "first_review_day": np.zeros((2, 2), dtype=np.int64),
        },
        negative=frozenset({"reorder_point", "order_up_to_level"}),
    ),
    Call(GivenOrders, {"quantity": _DEMAND}),
    Call(
        Setup, {"world": World(**_WORLD), "cycle_service_level": np.full((2, 2), 0.95)},
    ),
    Call(
        simulate_single_stage,
        {
            "demand": _DEMAND[:, 0], "lead_time_days": np.ones((3, 2), dtype=np.int64), "opening": np.array([4.0, 5.0]),
            "reorder_point": np.array([3.0, 3.0]), "order_up_to_level": np.array([8.0, 9.0]),
            "multiple": np.array([2.0, 0.0]),
        },
        negative=frozenset({"opening", "reorder_point", "order_up_to_level"}),
    ),
    Call(draw_demand, {"seed": 1, "mean_per_day": _LEVELS, "sd_per_day": _LEVELS, "days": 2}),
    Call(
        draw_lead_times,
        {"seed": 1, "probability": np.array([[0.5, 0.5], [0.25, 0.75]]), "group": np.array([[0, 1]]), "days": 2},
    ),
    Call(summarize, {"tally": Tally.empty(2, 2, 3), "unit_cost": np.ones(3), "group": np.zeros((2, 2, 3), np.int64)},
         alone=frozenset({"group"})),
    Call(by_family, {"family": np.array([0, 1, 1])}),
    Call(
        perfect_order_rate,
        {
            "complete": np.array([True, False, True]), "wanted": np.array([True, True, True]),
            "order": np.array([0, 0, 1]),
        },
    ),
    Call(
        reversals_per_hundred,
        {"item": _MOVES, "origin": np.array([0, 0, 1]), "destination": np.array([1, 1, 0]), "day": np.array([1, 2, 3]),
         "within_days": 5},
    ),
    Call(plan_instability, {"earlier": _LEVELS, "later": _LEVELS + 1.0}),
    Call(sign_changes, {"recommendation": _LEVELS}, negative=frozenset({"recommendation"})),
    Call(variance_ratio, {"orders": np.array([[1.0, 2.0], [4.0, 3.0]]), "demand": np.array([[1.0, 5.0], [2.0, 3.0]])}),
    Call(
        used_before_next_receipt,
        {
            "moved": np.array([2.0, 3.0]), "stock_before": np.array([1.0, 1.0]),
            "demand_until_receipt": np.array([2.0, 9.0]),
        },
    ),
)  # fmt: skip
