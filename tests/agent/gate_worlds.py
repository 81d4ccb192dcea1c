"""A fact sheet and a policy for the gate's tests: a calm 200 EUR transfer of a consumable."""

from __future__ import annotations

from typing import Any

import numpy as np

from agent.approval_policy import ApprovalPolicy, load_policy, packaged_policy_text
from agent.gate_facts import GateFacts
from inventory.records import ActionKind

POLICY: ApprovalPolicy = load_policy(packaged_policy_text())

CALM: dict[str, Any] = {
    "action": ActionKind.TRANSFER,
    "value_minor": 200_00,
    "units": 40,
    "donor_cover_ratio_after": 1.8,
    "reversible": True,
    "item_classes": ("consumable",),
    "customer_tier": "standard",
    "confidence": 0.9,
    "snapshot_age_hours": 2.0,
    "site_health": 1.0,
    "data_problem_open": False,
    "new_lane": False,
    "item_age_days": 800,
    "history_weeks": 104,
    "override_rate": 0.05,
    "auto_value_today_minor": 0,
    "lane_value_24h_minor": 0,
    "reverse_of_recent": False,
    "cool_down_active": False,
    "rollout_mode": "auto",
    "kill_switch": False,
    "erp_native_key": True,
    "net_value_minor": 900_00,
    "infeasible": False,
    "valuation_change_minor": None,
    "budget_minor": None,
    "budget_committed_minor": 0,
    "budget_spend_minor": 0,
    "customer_commitment": False,
    "supplier_commitment": False,
    "missing": (),
}

KINDS = tuple(ActionKind)
"""Every kind of action; most draws are of those that may be automatic."""
_COMMON = {ActionKind.TRANSFER: 0.4, ActionKind.PURCHASE: 0.2, ActionKind.HOLD: 0.2}
_RARE = (1.0 - sum(_COMMON.values())) / (len(KINDS) - len(_COMMON))
KIND_SHARES = tuple(_COMMON.get(kind, _RARE) for kind in KINDS)


def facts(**changes: Any) -> GateFacts:
    """The calm fact sheet with some facts changed."""
    return GateFacts(**{**CALM, **changes})


def random_facts(draw: np.random.Generator) -> GateFacts:
    """A fact sheet near the marks: most facts calm, each changed with some probability to a value at or by a mark."""

    def near(*marks: float) -> float:
        mark = marks[int(draw.integers(len(marks)))]
        return float(max(mark + draw.choice([-0.01, 0.0, 0.01]), 0.0))

    def money(*limits: int) -> int:
        limit = limits[int(draw.integers(len(limits)))] * 100
        return max(limit + int(draw.integers(-1, 2)), 0)

    def rarely() -> bool:
        return bool(draw.random() < 0.06)

    classes = ("standard", "consumable", "cold_chain", "constrained", "customer_specific", "regulated", "unheard_of")
    weights = (0.42, 0.42, 0.04, 0.03, 0.03, 0.03, 0.03)
    changes: dict[str, Any] = {
        "action": KINDS[int(draw.choice(len(KINDS), p=KIND_SHARES))],
        "value_minor": money(0, 100, 300, 500, 1_000, 2_000, 5_000, 20_000),
        "item_classes": tuple(str(name) for name in draw.choice(classes, size=int(draw.integers(0, 4)), p=weights)),
        "kill_switch": rarely(),
        "missing": ("stock",) if rarely() else (),
        "reversible": not rarely(),
        "new_lane": rarely(),
        "data_problem_open": rarely(),
        "reverse_of_recent": rarely(),
        "cool_down_active": rarely(),
        "erp_native_key": not rarely(),
        "infeasible": rarely(),
        "customer_commitment": rarely(),
        "supplier_commitment": rarely(),
        "valuation_change_minor": money(0, 100) if rarely() else None,
    }
    if draw.random() < 0.2:
        budget = money(0, 1_000)
        committed = int(draw.choice([0, budget // 2, max(budget - 300_00, 0)]))
        changes |= {
            "budget_minor": budget,
            "budget_committed_minor": committed,
            "budget_spend_minor": max(budget - committed + int(draw.integers(-1, 2)), 0),
        }
    optional: dict[str, Any] = {
        "lane_value_24h_minor": money(0, 200, 500, 3_000, 15_000),
        "auto_value_today_minor": money(0, 1_000, 1_500, 1_800),
        "donor_cover_ratio_after": None if rarely() else near(0.8, 1.0, 1.2),
        "confidence": min(near(0.0, 0.3, 0.6, 0.9), 1.0),
        "snapshot_age_hours": near(24, 72),
        "site_health": min(near(0.4, 0.8, 1.0), 1.0),
        "override_rate": near(0.0, 0.3),
        "item_age_days": None if rarely() else int(draw.integers(88, 93)),
        "history_weeks": int(draw.integers(11, 15)),
        "net_value_minor": int(draw.integers(-2, 3)) + (25_00 if draw.random() < 0.5 else 0),
        "net_value_low_minor": int(draw.integers(-2, 3)) + (25_00 if draw.random() < 0.5 else 0),
        "customer_tier": str(draw.choice(["standard", "key", "strategic"])),
        "rollout_mode": str(draw.choice(["shadow", "recommend", "guided", "auto"])),
    }
    changes.update({name: value for name, value in optional.items() if draw.random() < 0.15})
    return facts(**changes)
