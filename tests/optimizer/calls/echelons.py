"""Good calls of the echelons room."""

import numpy as np

from optimizer.echelons.backorder_moments import backorder_moments
from optimizer.echelons.central_or_forward import CenterAndSites, central_or_forward
from optimizer.echelons.depot_and_bases import DepotAndBases, network_backorders
from optimizer.echelons.guaranteed_service import guaranteed_service
from optimizer.echelons.serial_normal import serial_normal
from optimizer.echelons.serial_poisson import serial_poisson
from optimizer.echelons.supply_tree import supply_tree
from optimizer.echelons.two_echelon import two_echelon_stock
from tests.optimizer.calls import Call

_TREE = supply_tree([[0, 2], [1, 2], [2, 3]], [2, 3, 1, 1], [np.inf, np.inf, np.inf, 0.0])
_RATE = np.array([[0.1, 0.3], [0.2, 0.2]])
_LANE = np.array([[2.0, 1.0], [3.0, 0.5]])
_NETWORK = DepotAndBases(_RATE, _LANE, np.array([9.0, 4.0]))
_PRICE = np.array([[1.0, 1.5], [2.0, 1.0]])
_HOLDING = np.array([[3.0, 2.0, 2.0], [1.0, 0.5, 0.5]])
_LEAD = np.array([[1.0, 1.0, 2.0], [0.5, 0.0, 3.0]])
_SITES = {
    "demand_mean": np.array([[2.0, 1.0], [0.5, 3.0]]),
    "demand_sd": np.array([[1.0, 1.0], [0.7, 2.0]]),
    "center_lead_time_days": np.array([9.0, 14.0]),
    "site_lead_time_days": np.array([[2.0, 3.0], [1.0, 2.0]]),
    "center_level": np.array([30.0, 50.0]),
    "site_level": np.array([[5.0, 4.0], [1.0, 7.0]]),
}

CALLS: tuple[Call, ...] = (
    Call(
        supply_tree,
        {
            "edges": np.array([[0, 2], [1, 2], [2, 3]]),
            "processing_time": np.array([2.0, 3.0, 1.0, 1.0]),
            "service_limit": np.array([9.0, np.inf, np.inf, 0.0]),
            "inbound_service_time": np.array([1.0, 0.0, 0.0, 0.0]),
            "units_per_edge": np.array([1.0, 2.0, 1.0]),
        },
    ),
    Call(
        guaranteed_service,
        {
            "tree": _TREE,
            "holding_cost": np.array([[1.0, 1.0, 3.0, 4.0], [2.0, 1.0, 4.0, 9.0]]),
            "demand_sd": np.array([[0.0, 0.0, 0.0, 3.0], [0.0, 0.0, 1.0, 2.0]]),
            "safety_factor": np.array([1.6, 2.0]),
            "pooling_exponent": 2.0,
        },
    ),
    Call(
        serial_normal,
        {
            "echelon_holding_cost": _HOLDING,
            "penalty": np.array([30.0, 20.0]),
            "lead_time": _LEAD,
            "demand_mean": np.array([5.0, 2.0]),
            "demand_sd": np.array([1.0, 2.0]),
            "review_period": np.array([0.0, 1.0]),
        },
        negative=frozenset({"demand_mean"}),
    ),
    Call(
        serial_poisson,
        {
            "echelon_holding_cost": _HOLDING,
            "penalty": np.array([30.0, 20.0]),
            "lead_time": _LEAD,
            "demand_rate": np.array([5.0, 2.0]),
            "review_period": np.array([0.0, 1.0]),
        },
    ),
    Call(
        backorder_moments,
        {
            "level": np.array([1.0, 2.0]),
            "mean": np.array([3.0, 2.0]),
            "variance": np.array([4.0, 2.0]),
            "law": "count",
        },
        negative=frozenset({"level"}),
    ),
    Call(DepotAndBases, {"demand_rate": _RATE, "base_lead_time": _LANE, "depot_lead_time": np.array([9.0, 4.0])}),
    *(
        Call(
            network_backorders,
            {
                "network": _NETWORK,
                "depot_stock": np.array([2.0, 1.0]),
                "base_stock": np.array([[1.0, 2.0], [0.0, 1.0]]),
                "method": method,
            },
        )
        for method in ("metric", "vari-metric", "exact")
    ),
    Call(
        two_echelon_stock,
        {
            "network": _NETWORK,
            "depot_holding_cost": np.array([1.0, 0.5]),
            "base_holding_cost": _PRICE,
            "backorder_cost": 20.0 * _PRICE,
        },
    ),
    Call(CenterAndSites, _SITES),
    *(
        Call(
            central_or_forward,
            {
                "network": CenterAndSites(**_SITES),
                "units": np.array([8.0, 12.0]),
                "center_holding_cost": np.array([0.1, 0.2]),
                "site_holding_cost": 0.2 * _PRICE,
                "penalty": 3.0 * _PRICE,
                "law": law,
            },
        )
        for law in ("gamma", "count")
    ),
)
