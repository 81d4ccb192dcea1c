"""Good calls of the room `transfers`."""

from dataclasses import fields

import numpy as np

from optimizer.transfers.problem import TransferProblem
from optimizer.transfers.rationing import bounded_shares, channel_shares, fair_shares, linear_rationing, tiered_shares
from optimizer.transfers.ssp import item_transfers
from tests.optimizer.calls import Call
from tests.optimizer.transfer_worlds import shared_items

_PROBLEM = shared_items(2, seed=1)

AVAILABLE, CLAIM = np.array([7, 20, 0]), np.array([[4, 6], [3, 9], [5, 1]])

CALLS: tuple[Call, ...] = (
    Call(
        TransferProblem,
        {each.name: getattr(_PROBLEM, each.name) for each in fields(_PROBLEM)},
        negative=frozenset({"donor_piece_cost"}),
        infinite=frozenset({"group_capacity"}),
    ),
    Call(
        item_transfers,
        {
            "need_lots": np.array([[[2, 1], [3, 2]]]),
            "need_value": np.array([[[9.0, 4.0], [8.0, 1.0]]]),
            "donor_lots": np.array([[[2, 2], [1, 4]]]),
            "donor_cost": np.array([[[0.5, 2.0], [0.0, 3.0]]]),
            "lane_cost": np.array([[[1.0, 2.0], [1.5, 2.5]]]),
        },
        negative=frozenset({"need_value", "donor_cost", "lane_cost"}),
        infinite=frozenset({"lane_cost"}),
    ),
    Call(fair_shares, {"available": AVAILABLE, "claim": CLAIM}),
    Call(linear_rationing, {"available": AVAILABLE, "claim": CLAIM, "fraction": np.full((3, 2), 0.5)}),
    Call(tiered_shares, {"available": AVAILABLE, "claim": CLAIM, "tier": np.array([[0, 1], [1, 0], [0, 0]])}),
    Call(bounded_shares, {"available": AVAILABLE, "claim": CLAIM, "value": np.full((3, 2), 2.0), "spread": 0.2}),
    Call(
        channel_shares,
        {"available": AVAILABLE, "claim": CLAIM, "protected": np.ones((3, 2), int), "tier": np.zeros((3, 2), int)},
    ),
)
