"""Fact sheets on and beside every limit of a policy document, for comparing two gates.

A sheet starts calm, so that nothing but its class and action asks for a person; then a few of its facts are moved to
a limit, one minor unit or a hundredth beside it, or to a state of their own. Few moves a sheet, so that each rule is
often the only one to speak; sometimes many, so that they meet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from agent.gate_facts import GateFacts
from inventory.records import ActionKind

CENTS = 100
HUNDREDTH = 0.01
CALM: dict[str, Any] = {
    "units": 40,
    "value_minor": 10_000,
    "donor_cover_ratio_after": None,
    "reversible": True,
    "customer_tier": "standard",
    "confidence": 0.95,
    "snapshot_age_hours": 1.0,
    "site_health": 1.0,
    "data_problem_open": False,
    "new_lane": False,
    "item_age_days": 900,
    "history_weeks": 120,
    "override_rate": 0.0,
    "auto_value_today_minor": 0,
    "lane_value_24h_minor": 0,
    "reverse_of_recent": False,
    "cool_down_active": False,
    "rollout_mode": "auto",
    "kill_switch": False,
    "erp_native_key": True,
    "net_value_minor": 50_000,
    "infeasible": False,
    "valuation_change_minor": None,
    "budget_minor": None,
    "budget_committed_minor": 0,
    "budget_spend_minor": 0,
    "customer_commitment": False,
    "supplier_commitment": False,
    "missing": (),
    "net_value_low_minor": None,
}
FLAGS = (
    "data_problem_open",
    "new_lane",
    "reverse_of_recent",
    "cool_down_active",
    "kill_switch",
    "infeasible",
    "customer_commitment",
    "supplier_commitment",
)
Move = Callable[[dict[str, Any]], None]


class EdgeFacts:
    """Draws fact sheets round the limits of one policy document.

    Parameters
    ----------
    policy : the document as plain data, e.g. from ``reference_gate.read_policy``.
    draw : where chance comes from.
    """

    def __init__(self, policy: dict[str, Any], draw: np.random.Generator) -> None:
        self._draw = draw
        self._policy = policy
        self._actions = [kind.value for kind in ActionKind]
        self._autos = [(row["action"], row["item_class"]) for row in policy["auto"]]
        self._classes = [*policy["item_classes"], "unheard_of"]
        self._limits = sorted(
            {row["planner_limit"] * CENTS for row in policy["actions"].values()}
            | {row["value_limit"] * CENTS for row in policy["auto"]}
            | {policy["two_people_above"] * CENTS, policy["budget"]["auto_per_site_day"] * CENTS, 0}
        )
        self._moves: list[Move] = [
            self._value,
            self._lane,
            self._today,
            self._marks,
            self._marks,
            self._marks,
            self._age,
            self._net,
            self._budget,
            self._flag,
            self._flag,
            self._state,
        ]

    def one(self) -> GateFacts:
        """The next fact sheet."""
        sheet = dict(CALM) | self._subject()
        count = int(self._draw.choice([0, 1, 1, 2, 2, 3, 8]))
        for chosen in self._draw.integers(len(self._moves), size=count):
            self._moves[chosen](sheet)
        return GateFacts(**sheet)

    def _pick(self, values: Any) -> Any:
        return values[int(self._draw.integers(len(values)))]

    def _beside(self, limit: int) -> int:
        """The limit in minor units, or one beside it."""
        return limit + int(self._draw.integers(-1, 2))

    def _subject(self) -> dict[str, Any]:
        """Half the time an action and class the auto tier knows, else any action over none to three classes."""
        if self._draw.random() < 0.5:
            action, item_class = self._pick(self._autos)
            return {"action": action, "item_classes": (item_class,) * int(self._draw.integers(1, 3))}
        classes = tuple(self._pick(self._classes) for _ in range(int(self._draw.integers(0, 4))))
        return {"action": self._pick(self._actions), "item_classes": classes}

    def _limit(self, sheet: dict[str, Any]) -> int:
        """Half the time the planner limit of the sheet's own action, else any limit of the document."""
        own = self._policy["actions"].get(sheet["action"])
        if own is None or self._draw.random() < 0.5:
            return int(self._pick(self._limits))
        return int(own["planner_limit"] * CENTS)

    def _value(self, sheet: dict[str, Any]) -> None:
        sheet["value_minor"] = max(0, self._beside(self._limit(sheet)))

    def _lane(self, sheet: dict[str, Any]) -> None:
        """Value and lane sum together reach a limit: what splitting would hide."""
        total = max(0, self._beside(self._limit(sheet)))
        sheet["value_minor"] = int(self._draw.integers(0, total + 1))
        sheet["lane_value_24h_minor"] = total - sheet["value_minor"]

    def _today(self, sheet: dict[str, Any]) -> None:
        """Value and today's auto value together reach the daily budget."""
        day = self._policy["budget"]["auto_per_site_day"] * CENTS
        sheet["auto_value_today_minor"] = max(0, self._beside(day) - sheet["value_minor"])

    def _marks(self, sheet: dict[str, Any]) -> None:
        """A fact of trust at a mark, or a hundredth beside it."""
        table, fact, top = self._pick(
            (
                ("confidence", "confidence", 1.0),
                ("snapshot_age_hours", "snapshot_age_hours", 1e6),
                ("site_health", "site_health", 1.0),
                ("donor_cover_ratio", "donor_cover_ratio_after", 1e6),
                ("override_rate", "override_rate", 1.0),
            )
        )
        mark = float(self._pick(list(self._policy[table].values())))
        beside = round(mark + HUNDREDTH * int(self._draw.integers(-1, 2)), 6)
        sheet[fact] = min(top, max(0.0, beside))

    def _age(self, sheet: dict[str, Any]) -> None:
        """Days since launch and weeks of history round the age of novelty, either or both, or no launch date."""
        days = self._policy["novelty"]["item_days"]
        if self._draw.random() < 0.6:
            sheet["item_age_days"] = self._pick((None, max(0, self._beside(days)), 0))
        if self._draw.random() < 0.6:
            sheet["history_weeks"] = max(0, self._beside(days // 7))

    def _net(self, sheet: dict[str, Any]) -> None:
        """Expected and held-against net value round the least benefit, each on its own side."""
        least = self._policy["thrash"]["minimum_net_benefit"] * CENTS
        sheet["net_value_minor"] = self._pick((-1, 0, self._beside(least), 50_000))
        sheet["net_value_low_minor"] = self._pick((None, -1, 0, self._beside(least), 50_000))

    def _budget(self, sheet: dict[str, Any]) -> None:
        """A budget with what is committed and spent at its limit, or no budget at all."""
        budget = int(self._draw.integers(0, 1_000_000))
        allowed = int(budget * self._policy["purchase_budget"]["percent_above"] / 100)
        used = max(0, self._beside(allowed))
        spend = self._pick((0, used, int(self._draw.integers(0, used + 1))))
        sheet["budget_minor"] = None if self._draw.random() < 0.2 else budget
        sheet["budget_spend_minor"] = spend
        sheet["budget_committed_minor"] = used - spend

    def _flag(self, sheet: dict[str, Any]) -> None:
        sheet[self._pick(FLAGS)] = True

    def _state(self, sheet: dict[str, Any]) -> None:
        """A state that is no limit: mode, customer, valuation, what is missing, what cannot be undone."""
        name, values = self._pick(
            (
                ("rollout_mode", ("shadow", "recommend", "guided")),
                ("customer_tier", ("key", "strategic")),
                ("valuation_change_minor", (0, 1, 500_000, 2_000_001)),
                ("missing", (("launch date",), ("price", "lead time"))),
                ("reversible", (False,)),
                ("erp_native_key", (False,)),
            )
        )
        sheet[name] = self._pick(values)
