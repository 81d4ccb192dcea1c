"""Which planned cases get a draft: those a planner will be shown, and those that may need nobody.

A large network has thousands of cases and a planner twenty slots. A draft reserves units and is explained and ruled on,
so only cases that can become something today get one; the others keep their place in the joint plan's record.

Rules
-----
1. Cases are asked about in their order, most money at risk first.
2. A case may need nobody when the gate would say so were everything not known yet as good as it can be. The gate is
   monotone, so a case this refuses can never be automatic.
3. Per site, such cases get drafts up to twice the automatic budget of a day, since some will turn out to need a person.
4. The others take one of their planner's slots; proposals already waiting have taken theirs.
"""

from __future__ import annotations

from collections import Counter

from agent.approval_policy import rule_on
from agent.gate_facts import GateFacts
from agent.policy_document import MINOR_PER_UNIT, ApprovalPolicy
from agent.ruling import NO_FLOOR, Gate
from inventory.records import ActionKind, Case, Tier

SLACK = 2
"""Drafts per site for cases that may be automatic, as a multiple of the day's budget."""


class Shortlist:
    """Takes cases in their order until slots and budgets are used up."""

    def __init__(self, policy: ApprovalPolicy, gate: Gate, *, kill_switch: bool) -> None:
        self._policy = policy
        self._gate = gate
        self._kill_switch = kill_switch
        self._queued: Counter[str] = Counter()
        self._moved: Counter[str] = Counter()

    def waits(self, case: Case) -> None:
        """A proposal of the case is waiting for a person already."""
        self._queued[case.planner] += 1

    def refuses(self, case: Case, action: ActionKind, value_minor: int) -> str:
        """Why the case gets no draft today; empty when it gets one."""
        if self._may_be_automatic(case, action, value_minor) and self._within_budget(case, action, value_minor):
            return ""
        cap = self._policy.queue.per_planner
        if self._queued[case.planner] < cap:
            self._queued[case.planner] += 1
            return ""
        return f"queue cap of {cap} for {case.planner} reached"

    def _within_budget(self, case: Case, action: ActionKind, value_minor: int) -> bool:
        if action is ActionKind.HOLD:
            return True  # a hold moves nothing, so the budget does not concern it
        limit = SLACK * self._policy.budget.auto_per_site_day * MINOR_PER_UNIT
        sites = {finding.site for finding in case.findings}
        if any(self._moved[site] + value_minor > limit for site in sites):
            return False
        self._moved.update(dict.fromkeys(sites, value_minor))
        return True

    def _may_be_automatic(self, case: Case, action: ActionKind, value_minor: int) -> bool:
        best = GateFacts(
            action=action,
            value_minor=max(value_minor, 0),
            units=1,
            donor_cover_ratio_after=NO_FLOOR,
            reversible=True,
            item_classes=tuple(sorted(set(case.item_classes))),
            customer_tier="standard",
            confidence=1.0,
            snapshot_age_hours=0.0,
            site_health=1.0,
            data_problem_open=False,
            new_lane=False,
            item_age_days=None,
            history_weeks=10_000,
            override_rate=0.0,
            auto_value_today_minor=0,
            lane_value_24h_minor=0,
            reverse_of_recent=False,
            cool_down_active=False,
            rollout_mode=self._gate.rollout,
            kill_switch=self._kill_switch,
            erp_native_key=self._gate.erp_native_key,
            net_value_minor=10**12,
            infeasible=False,
            valuation_change_minor=None,
            budget_minor=None,
            budget_committed_minor=0,
            budget_spend_minor=0,
            customer_commitment=False,
            supplier_commitment=False,
            missing=(),
        )
        return rule_on(best, self._policy).tier is Tier.AUTO
