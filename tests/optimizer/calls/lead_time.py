"""Good calls of the lead-time room."""

import numpy as np

from optimizer.lead_time.disruption import disruption_risk
from optimizer.lead_time.drift import lead_time_drift
from optimizer.lead_time.kaplan_meier import kaplan_meier_lead_time
from optimizer.lead_time.law import LeadTimeLaw
from optimizer.lead_time.partial_receipts import receipt_observations
from optimizer.lead_time.reliability import supplier_reliability
from tests.optimizer.calls import Call

_DAYS = np.array([5.0, 9.0, 12.0, 30.0])
_SEEN = np.array([True, True, False, True])
_GROUP = np.array([0, 1, 1, 0])

CALLS: tuple[Call, ...] = (
    Call(
        kaplan_meier_lead_time,
        {
            "days": _DAYS,
            "observed": _SEEN,
            "weight": np.array([1.0, 2.0, 3.0, 4.0]),
            "group": _GROUP,
            "groups": 3,
            "pool": np.array([0, 0, 1]),
            "lane": np.array([0, 0, 0]),
            "order": np.array([0, 1, 2, 3]),
            "prior_days": np.array([10.0, 20.0, 30.0]),
        },
        # Nothing is done with the contract where there are receipts; order numbers are names.
        negative=frozenset({"order"}),
    ),
    Call(
        kaplan_meier_lead_time,
        {
            "days": _DAYS,
            "observed": _SEEN,
            "weight": np.ones(4),
            "group": _GROUP,
            "groups": 3,
            "pool": np.array([0, 0, 1]),
            "prior_days": np.array([10.0, 20.0, 30.0]),
            "unknown": "scaled",
        },
    ),
    Call(LeadTimeLaw, {"probability": np.array([[0.5, 0.5], [0.0, 1.0]])}, alone=frozenset({"probability"})),
    Call(
        receipt_observations,
        {
            "ordered_quantity": np.array([100.0, 10.0]),
            "order_age_days": np.array([30.0, 20.0]),
            "order_group": np.array([0, 1]),
            "receipt_order": np.array([0, 0, 1]),
            "receipt_day": np.array([5.0, 10.0, 7.0]),
            "receipt_quantity": np.array([30.0, 50.0, 10.0]),
        },
    ),
    Call(
        supplier_reliability,
        {
            "late_days": np.array([0.0, -1.0, 4.0, 2.0]),
            "received": _SEEN,
            "filled_share": np.array([1.0, 1.0, 0.0, 0.5]),
            "supplier": _GROUP,
            "suppliers": 2,
        },
        negative=frozenset({"late_days"}),
    ),
    Call(
        disruption_risk,
        {
            "waited_days": _DAYS,
            "received": _SEEN,
            "age_days": np.array([50.0, 60.0, 12.0, 200.0]),
            "contract_days": np.array([10.0, 10.0, 10.0, 20.0]),
            "supplier": _GROUP,
            "suppliers": 2,
        },
    ),
    Call(
        lead_time_drift,
        {
            "days": _DAYS,
            "observed": _SEEN,
            "recent": np.array([True, False, True, False]),
            "group": _GROUP,
            "groups": 2,
        },
    ),
)
