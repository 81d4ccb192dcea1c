"""Good calls of the replenishment room."""

from typing import Any

import numpy as np

from optimizer.replenishment.boosting import BoostingSettings, boosted_trees
from optimizer.replenishment.decision import decide
from optimizer.replenishment.features import origin
from optimizer.replenishment.outlook import OutlookSettings, dispersion
from optimizer.replenishment.terms import ReplenishmentDecision, ReplenishmentInput
from tests.optimizer.calls import Call

THREE = np.array([1.0, 2.0, 3.0])
PATH = np.array([[0.5, 0.6, 0.7], [4.0, 5.0, 6.0], [60.0, 50.0, 40.0]])
HISTORY = np.arange(60.0).reshape(3, 20) % 7.0

GIVEN = {
    "demand_mean": PATH,
    "demand_variance": PATH * 1.5,
    "level_cv": THREE / 10.0,
    "on_hand": THREE,
    "inbound": PATH.round(),
    "holding_cost": THREE / 10.0,
    "shortage_cost": THREE,
    "left_over_cost": THREE / 100.0,
    "order_multiple": THREE,
    "minimum_order": THREE,
    "maximum_order": THREE * 100.0,
    "lead_periods": 2,
}


def decided(**terms: Any) -> ReplenishmentDecision:
    """The decision from its terms, so that damaged terms reach it too."""
    return decide(ReplenishmentInput(**terms))


CALLS: tuple[Call, ...] = (
    Call(
        ReplenishmentInput,
        {**GIVEN, "cycle_service_level": np.array([0.8, 0.9, 0.95])},
        infinite=frozenset({"maximum_order"}),
    ),
    Call(
        ReplenishmentInput,
        {**GIVEN, "unmet": "backordered"},
        frozenset({"on_hand"}),
        infinite=frozenset({"maximum_order"}),
    ),
    Call(decided, GIVEN, infinite=frozenset({"maximum_order"})),
    Call(
        boosted_trees,
        {
            "features": HISTORY.T,
            "target": np.arange(20.0),
            "weight": np.ones(20),
            "block": np.arange(20) // 4,
            "settings": BoostingSettings(trees=3, depth=2),
        },
        negative=frozenset({"features", "target"}),
    ),
    Call(
        origin,
        {
            "history": HISTORY,
            "groups": np.array([[0], [0], [1]]),
            "pools": np.array([[0], [1], [1]]),
            "season": 4,
            "evidence": (5.0, 5.0, 5.0),
        },
        missing=frozenset({"history"}),
    ),
    Call(
        dispersion,
        {"base": HISTORY + 1.0, "actual": HISTORY, "settings": OutlookSettings()},
        missing=frozenset({"actual"}),
    ),
)
