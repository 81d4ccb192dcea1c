"""The approval gate: who must agree to a proposal, and why.

The gate is a pure function of facts and policy. It holds that

- it is total: every fact sheet gets a tier;
- it is monotone: every rule asks for a tier and the strictest stands, so more value or more risk, or less confidence
  or health, never lowers it;
- it fails closed: a missing fact is advice, and what no rule fits is formal;
- a ruling names every rule that fired, in words with the numbers compared, and every running sum it looked at.

``auto`` is an allow-list. A hold moves nothing, so lanes, budgets, net value and ERP keys do not concern it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from agent.gate_facts import GateFacts
from agent.policy_book import load_policy
from agent.policy_document import MINOR_PER_UNIT, ApprovalPolicy, Owner, packaged_policy_text
from agent.signing_rights import may_approve
from inventory.capacity import NAMED_HOLDERS
from inventory.record import Measures, Record
from inventory.records import ActionKind, FiredRule, Tier, strictest
from tools.plain_words import exact_money

__all__ = [
    "ApprovalPolicy",
    "GateDecision",
    "expiry",
    "load_policy",
    "may_approve",
    "packaged_policy_text",
    "recall_window",
    "rule_on",
]


class GateDecision(Record):
    """What the gate decided, and why."""

    tier: Tier
    fired: tuple[FiredRule, ...]
    two_people: bool
    """Two different people must sign."""
    needs_roles: tuple[str, ...]
    """Roles of which one signer each is required, at any value; sorted."""
    aggregates: Measures
    """Every running sum and rate the gate looked at."""


Rule = Callable[[GateFacts, ApprovalPolicy], FiredRule | None]


def rule_on(facts: GateFacts, policy: ApprovalPolicy) -> GateDecision:
    """The tier of a proposal: the strictest any rule asks for."""
    fired = tuple(answer for rule in RULES if (answer := rule(facts, policy)) is not None)
    return GateDecision(
        tier=strictest(*(rule.tier for rule in fired)),
        fired=fired,
        two_people=summed_value_minor(facts) > policy.two_people_above * MINOR_PER_UNIT,
        needs_roles=_needed_roles(fired, policy),
        aggregates=_aggregates(facts),
    )


def expiry(tier: Tier, policy: ApprovalPolicy) -> timedelta:
    """How long a proposal of this tier may wait for its decision."""
    hours: dict[Tier, int] = {
        Tier.AUTO: policy.expiry_hours.auto,
        Tier.PLANNER: policy.expiry_hours.planner,
        Tier.FORMAL: policy.expiry_hours.formal,
        Tier.ADVICE: policy.expiry_hours.advice,
    }
    return timedelta(hours=hours[tier])


def recall_window(tier: Tier, policy: ApprovalPolicy) -> timedelta:
    """How long an approved proposal of this tier can be recalled before it may act.

    Raises
    ------
    ValueError
        For ``advice``, which never acts from here.
    """
    if tier is Tier.ADVICE:
        raise ValueError("advice is never executed from here, so it has no recall window")
    minutes = {
        Tier.AUTO: policy.recall_minutes.auto,
        Tier.PLANNER: policy.recall_minutes.planner,
        Tier.FORMAL: policy.recall_minutes.formal,
    }
    return timedelta(minutes=minutes[tier])


def summed_value_minor(facts: GateFacts) -> int:
    """Value the limits are held against: with what the lane saw in 24 hours, so that splitting gains nothing."""
    return facts.value_minor + (facts.lane_value_24h_minor if _moves(facts) else 0)


def _moves(facts: GateFacts) -> bool:
    return facts.action is not ActionKind.HOLD


def _kill_switch(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    return _fire("kill_switch", Tier.ADVICE, "the kill switch is on") if facts.kill_switch else None


def _missing_fact(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    if not facts.missing:
        return None
    names = ", ".join(sorted(set(facts.missing)))
    return _fire("missing_fact", Tier.ADVICE, f"could not be established: {names}")


def _rollout(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    if facts.rollout_mode in ("shadow", "recommend"):
        return _fire("rollout", Tier.ADVICE, f"the scope is in {facts.rollout_mode} mode, which executes nothing")
    if facts.rollout_mode == "guided":
        return _fire("rollout", Tier.PLANNER, "the scope is in guided mode, where a person decides")
    return None


def _action(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    limits = policy.actions.get(facts.action)
    if limits is None:
        return _fire("no_rule_fits", Tier.FORMAL, f"no rule of the policy covers the action {facts.action.value}")
    if limits.floor is Tier.AUTO:
        return None
    return _fire("action", limits.floor, f"the action {facts.action.value} needs {limits.floor.value} at the least")


def _item_class(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    classes = sorted(set(facts.item_classes))
    unknown = [name for name in classes if name not in policy.item_classes]
    tier = strictest(*(policy.item_classes[name] for name in classes if name in policy.item_classes))
    if unknown or not classes:
        said = f"covers the item class {', '.join(unknown)}" if unknown else "covers items of no class"
        return _fire("item_class", strictest(tier, Tier.FORMAL), f"no rule of the policy {said}")
    if tier is Tier.AUTO:
        return None
    names = ", ".join(name for name in classes if policy.item_classes[name] is tier)
    return _fire("item_class", tier, f"items of class {names} need {tier.value} at the least")


def _customer(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    tier = policy.customer_tiers[facts.customer_tier]
    if tier is Tier.AUTO:
        return None
    return _fire("customer_tier", tier, f"stock of a {facts.customer_tier} customer is touched")


def _planner_value(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    limits = policy.actions.get(facts.action)
    value = summed_value_minor(facts)
    if limits is None or value <= limits.planner_limit * MINOR_PER_UNIT:
        return None
    limit = exact_money(limits.planner_limit * MINOR_PER_UNIT, policy.currency)
    return _fire("value", Tier.FORMAL, f"{_value_words(facts, policy)} is above the planner limit of {limit}")


def _allow_list(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    action = facts.action
    classes = sorted(set(facts.item_classes))
    limits = {name: policy.auto_limit_minor(action, name) for name in classes}
    listed = [limit for limit in limits.values() if limit is not None]
    unlisted = [name for name, limit in limits.items() if limit is None]
    if unlisted or not limits:
        reason = f"{action.value} of {', '.join(unlisted) or 'no class'} is not on the list of what may run by itself"
        return _fire("allow_list", Tier.PLANNER, reason)
    limit_minor = min(listed)
    limit = exact_money(limit_minor, policy.currency)
    if summed_value_minor(facts) > limit_minor:
        return _fire("allow_list", Tier.PLANNER, f"{_value_words(facts, policy)} is above the auto limit of {limit}")
    words = f"{_value_words(facts, policy)} is within the auto limit of {limit} for {action.value} of"
    return _fire("allow_list", Tier.AUTO, f"{words} {', '.join(classes)}")


def _budget(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    total = facts.auto_value_today_minor + facts.value_minor
    limit = policy.budget.auto_per_site_day * MINOR_PER_UNIT
    if not _moves(facts) or total <= limit:
        return None
    amount, most = exact_money(total, policy.currency), exact_money(limit, policy.currency)
    return _fire("auto_budget", Tier.PLANNER, f"with this the site would have moved {amount} of {most} by itself today")


def _confidence(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    marks = policy.confidence
    if facts.confidence < marks.formal_below:
        return _fire("confidence", Tier.FORMAL, f"confidence {facts.confidence:g} is below {marks.formal_below:g}")
    if facts.confidence < marks.planner_below:
        return _fire("confidence", Tier.PLANNER, f"confidence {facts.confidence:g} is below {marks.planner_below:g}")
    return None


def _freshness(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    age, marks = facts.snapshot_age_hours, policy.snapshot_age_hours
    if age > marks.advice_above:
        return _fire("freshness", Tier.ADVICE, f"the data is {age:g} hours old, more than {marks.advice_above}")
    if age > marks.planner_above:
        return _fire("freshness", Tier.PLANNER, f"the data is {age:g} hours old, more than {marks.planner_above}")
    return None


def _health(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    health, marks = facts.site_health, policy.site_health
    if health < marks.advice_below:
        return _fire("site_health", Tier.ADVICE, f"site health {health:g} is below {marks.advice_below:g}")
    if health < marks.planner_below:
        return _fire("site_health", Tier.PLANNER, f"site health {health:g} is below {marks.planner_below:g}")
    return None


def _data_problem(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    if not facts.data_problem_open:
        return None
    return _fire("data_problem", Tier.PLANNER, "a data problem is open for this item and site")


def _new_lane(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    return _fire("new_lane", Tier.PLANNER, "it would be the first move on this lane") if facts.new_lane else None


def _new_item(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    history_days = facts.history_weeks * 7
    known = history_days if facts.item_age_days is None else min(facts.item_age_days, history_days)
    if known >= policy.novelty.item_days:
        return None
    return _fire("new_item", Tier.PLANNER, f"the item is known for {known} days, less than {policy.novelty.item_days}")


def _donor_cover(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    ratio, marks = facts.donor_cover_ratio_after, policy.donor_cover_ratio
    if ratio is None or ratio >= marks.planner_below:
        return None
    tier, mark = (
        (Tier.FORMAL, marks.formal_below) if ratio < marks.formal_below else (Tier.PLANNER, marks.planner_below)
    )
    reason = f"giving {facts.units:,} units leaves the donor {ratio:g} times its floor, below {mark:g}"
    return _fire("donor_cover", tier, reason)


def _irreversible(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    return None if facts.reversible else _fire("irreversible", Tier.PLANNER, "it cannot be turned back")


def _overrides(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    rate, mark = facts.override_rate, policy.override_rate.planner_above
    if rate <= mark:
        return None
    return _fire("override_rate", Tier.PLANNER, f"people overruled {rate:g} of such proposals lately, above {mark:g}")


def _reverse(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    if not facts.reverse_of_recent:
        return None
    return _fire("reverse_move", Tier.FORMAL, f"it undoes a move of the last {policy.thrash.reverse_days} days")


def _cool_down(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    if not facts.cool_down_active:
        return None
    reason = f"the item moved on this lane within the last {policy.thrash.cool_down_days} days"
    return _fire("cool_down", Tier.PLANNER, reason)


def _erp_key(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    if facts.erp_native_key or not _moves(facts):
        return None
    return _fire("erp_key", Tier.PLANNER, "the ERP does not refuse a second document with our key by itself")


def _net_benefit(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    least = policy.thrash.minimum_net_benefit * MINOR_PER_UNIT
    low = facts.net_value_minor if facts.net_value_low_minor is None else facts.net_value_low_minor
    if not _moves(facts) or min(facts.net_value_minor, low) >= least:
        return None
    mark = exact_money(least, policy.currency)
    if facts.net_value_minor < least:
        worth = exact_money(facts.net_value_minor, policy.currency)
        return _fire("net_benefit", Tier.PLANNER, f"the net benefit of {worth} is below {mark}")
    sure = f"{policy.thrash.net_benefit_confidence:.0%}"
    words = f"the net benefit is at least {exact_money(low, policy.currency)} with a confidence of {sure}, below {mark}"
    return _fire("net_benefit", Tier.PLANNER, words)


def _infeasible(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    return _fire("infeasible", Tier.FORMAL, "no option meets the constraints") if facts.infeasible else None


def _valuation(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    if facts.valuation_change_minor is None:
        return None
    amount = exact_money(facts.valuation_change_minor, policy.currency)
    return _ask("valuation", policy.owners.valuation, f"it changes what the stock is worth by {amount}")


def _over_budget(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    if facts.budget_minor is None:
        return None
    spent, most = facts.budget_committed_minor + facts.budget_spend_minor, policy.purchase_budget.percent_above
    if spent * 100 <= facts.budget_minor * most:
        return None
    amount, budget = exact_money(spent, policy.currency), exact_money(facts.budget_minor, policy.currency)
    words = f"with this {amount} of the budget of {budget} are spent, above {most} %{_after(facts.budget_held_by)}"
    return _ask("over_budget", policy.owners.over_budget, words)


def _after(others: tuple[str, ...]) -> str:
    """Who holds of a budget already, those with most by name."""
    if not others:
        return ""
    more = f" and {len(others) - NAMED_HOLDERS} more" if len(others) > NAMED_HOLDERS else ""
    return f", after {', '.join(others[:NAMED_HOLDERS])}{more}"


def _customer_commitment(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    if not facts.customer_commitment:
        return None
    return _ask("customer_commitment", policy.owners.customer_commitment, "a promise to a customer changes")


def _supplier_commitment(facts: GateFacts, policy: ApprovalPolicy) -> FiredRule | None:
    if not facts.supplier_commitment:
        return None
    return _ask("supplier_commitment", policy.owners.supplier_commitment, "an agreement with a supplier changes")


RULES: tuple[Rule, ...] = (
    _kill_switch,
    _missing_fact,
    _rollout,
    _action,
    _item_class,
    _customer,
    _planner_value,
    _allow_list,
    _budget,
    _donor_cover,
    _irreversible,
    _confidence,
    _freshness,
    _health,
    _data_problem,
    _new_lane,
    _new_item,
    _overrides,
    _reverse,
    _cool_down,
    _erp_key,
    _net_benefit,
    _infeasible,
    _valuation,
    _over_budget,
    _customer_commitment,
    _supplier_commitment,
)
"""Every factor of the gate, in the order its reason is printed."""

RULE_NAMES = frozenset({
    "action", "allow_list", "auto_budget", "confidence", "cool_down", "customer_commitment", "customer_tier",
    "data_problem", "donor_cover", "erp_key", "freshness", "infeasible", "irreversible", "item_class", "kill_switch",
    "missing_fact", "net_benefit", "new_item", "new_lane", "no_rule_fits", "over_budget", "override_rate",
    "reverse_move", "rollout", "site_health", "supplier_commitment", "valuation", "value",
})  # fmt: skip
"""Names the gate's own rules fire under; a ruling may hold others, from whoever asked it."""


def _fire(rule: str, tier: Tier, reason: str) -> FiredRule:
    return FiredRule(rule=rule, tier=tier, reason=reason)


def _ask(rule: str, owner: Owner, reason: str) -> FiredRule:
    return _fire(rule, owner.tier, f"{reason}: {' and '.join(owner.roles)} must agree")


def _needed_roles(fired: tuple[FiredRule, ...], policy: ApprovalPolicy) -> tuple[str, ...]:
    owners = policy.owners.by_rule
    return tuple(sorted({role for rule in fired if rule.rule in owners for role in owners[rule.rule].roles}))


def _value_words(facts: GateFacts, policy: ApprovalPolicy) -> str:
    value = exact_money(summed_value_minor(facts), policy.currency)
    if summed_value_minor(facts) == facts.value_minor:
        return f"value {value}"
    before = exact_money(facts.lane_value_24h_minor, policy.currency)
    return f"value {value} (of which {before} on this lane in the last 24 hours)"


def _aggregates(facts: GateFacts) -> Measures:
    return {
        "value_minor": float(facts.value_minor),
        "lane_value_24h_minor": float(facts.lane_value_24h_minor),
        "summed_value_minor": float(summed_value_minor(facts)),
        "auto_value_today_minor": float(facts.auto_value_today_minor),
        "override_rate": facts.override_rate,
        "site_health": facts.site_health,
        "snapshot_age_hours": facts.snapshot_age_hours,
        "confidence": facts.confidence,
        "budget_committed_minor": float(facts.budget_committed_minor),
        "budget_spend_minor": float(facts.budget_spend_minor),
    }
