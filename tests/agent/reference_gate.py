"""A second gate, written from the words of ``agent/approval_policy.toml`` and not from the code of the first one.

It reads the same document with ``tomllib``, takes the record ``GateFacts`` and reckons in ``int`` and ``Fraction``.
The sentence each rule stands on is quoted at the rule: ``P`` from the policy document, ``F`` from the docstrings of
``GateFacts``, ``D`` from the design. Where those leave a gap the reading is marked:

- *reading*: chosen before the two gates were first compared, and left as it was;
- *settled*: the words bear two readings and the first choice differed from the gate; changed after that comparison.
  Here the two gates are not independent. `docs/acceptance/C.md` lists each.

Order: "Tiers rise: auto < planner < formal < advice. Each rule asks for a tier, and the strictest one stands." (P)
Money: "Values are whole units of `currency`. A value AT a limit is still within it; one cent more is above it." (P)
Marks: "Below (or above) the first mark a planner decides, beyond the second the stricter tier." (P)

Layers are no part of it: it rules on the enterprise document alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from agent.gate_facts import GateFacts

ORDER = ("auto", "planner", "formal", "advice")
AUTO, PLANNER, FORMAL, ADVICE = range(4)
CENTS = 100
DAYS_PER_WEEK = 7
MODES = {"auto": AUTO, "guided": PLANNER, "recommend": ADVICE, "shadow": ADVICE}


@dataclass(frozen=True)
class ReferenceRuling:
    """What the text asks for: a tier, whether two people sign, and the roles of every owner who must be among them."""

    tier: str
    two_people: bool
    needs_roles: frozenset[str]


def read_policy(text: str) -> dict[str, Any]:
    """The policy document as plain data; every number with a point is an exact fraction."""
    return tomllib.loads(text, parse_float=Fraction)


def reference_ruling(facts: GateFacts, policy: dict[str, Any]) -> ReferenceRuling:
    """The strictest tier any rule of the text asks for.

    Parameters
    ----------
    facts : the facts to rule on.
    policy : the document as `read_policy` gives it.
    """
    owners = [policy["owners"][name] for name in _owners(facts, policy)]
    asked = [
        *_of_what_it_is(facts, policy),
        *_of_trust(facts, policy),
        *_of_moves(facts, policy),
        *_of_the_house(facts),
    ]
    asked += [ORDER.index(owner["tier"]) for owner in owners]
    if max(asked, default=AUTO) == AUTO and not _listed_for_auto(facts, policy):
        asked.append(PLANNER)
    return ReferenceRuling(
        tier=ORDER[max(asked, default=AUTO)],
        # P "Two different people must sign above this value."
        two_people=_summed(facts) > policy["two_people_above"] * CENTS,
        needs_roles=frozenset(role for owner in owners for role in owner["roles"]),
    )


def _summed(facts: GateFacts) -> int:
    """F "Already proposed on this lane in the last 24 hours, before this one; catches splitting": one sum.

    *settled*: a hold proposes nothing on the lane, so nothing can be split into it.
    """
    return facts.value_minor + (0 if _is_hold(facts) else facts.lane_value_24h_minor)


def _is_hold(facts: GateFacts) -> bool:
    """F "for a hold, the money left at risk": nothing moves, nothing is posted."""
    return facts.action.value == "hold"


def _exact(number: float) -> Fraction:
    """The number as written: 0.6 is three fifths."""
    return Fraction(repr(number))


def _of_what_it_is(facts: GateFacts, policy: dict[str, Any]) -> Iterator[int]:
    """Action and value, class of item, customer."""
    action = policy["actions"].get(facts.action.value)
    if action is None:
        yield FORMAL  # P "An action that is not listed here fits no rule and needs formal approval."
    else:
        yield ORDER.index(action["floor"])  # P "What each kind of action asks for at the least,
        if _summed(facts) > action["planner_limit"] * CENTS:
            yield FORMAL  # and up to which value a planner may sign alone."
    for name in facts.item_classes:  # P "What each class of item asks for at the least."
        yield ORDER.index(policy["item_classes"].get(name, "formal"))  # P "An unknown class ... formal approval."
    if not facts.item_classes:
        yield FORMAL  # *reading*: no class at all is no known class
    yield ORDER.index(policy["customer_tiers"][facts.customer_tier])  # P "Most important customer ... touched."


def _listed_for_auto(facts: GateFacts, policy: dict[str, Any]) -> bool:
    """P "an allow-list. Every class of the proposal must be listed for its action". Then the day's budget."""
    limits = {
        row["item_class"]: row["value_limit"] * CENTS for row in policy["auto"] if row["action"] == facts.action.value
    }
    within = all(name in limits and _summed(facts) <= limits[name] for name in facts.item_classes)
    # P "What the auto tier may move per site and day, all together."; *settled*: a hold moves nothing
    moved = 0 if _is_hold(facts) else facts.auto_value_today_minor + facts.value_minor
    return within and moved <= policy["budget"]["auto_per_site_day"] * CENTS


def _of_trust(facts: GateFacts, policy: dict[str, Any]) -> Iterator[int]:
    """P "Facts that lower trust"."""
    confidence, age = _exact(facts.confidence), _exact(facts.snapshot_age_hours)
    health, overruled = _exact(facts.site_health), _exact(facts.override_rate)
    marks = policy["confidence"]
    yield FORMAL if confidence < marks["formal_below"] else PLANNER if confidence < marks["planner_below"] else AUTO
    marks = policy["snapshot_age_hours"]
    yield ADVICE if age > marks["advice_above"] else PLANNER if age > marks["planner_above"] else AUTO
    marks = policy["site_health"]
    yield ADVICE if health < marks["advice_below"] else PLANNER if health < marks["planner_below"] else AUTO
    if facts.donor_cover_ratio_after is not None:  # F "None when nobody gives"
        cover, marks = _exact(facts.donor_cover_ratio_after), policy["donor_cover_ratio"]
        yield FORMAL if cover < marks["formal_below"] else PLANNER if cover < marks["planner_below"] else AUTO
    if overruled > policy["override_rate"]["planner_above"]:
        yield PLANNER
    # P "an item known for less (by launch date or demand history) goes to a planner"; *reading*: less by either of them
    known = [facts.history_weeks * DAYS_PER_WEEK]
    known += [] if facts.item_age_days is None else [facts.item_age_days]  # F "then history alone counts"
    if min(known) < policy["novelty"]["item_days"]:
        yield PLANNER
    if facts.new_lane:
        yield PLANNER  # D "novelty (first move on this lane, ...)"; *reading*: the tier of novelty


def _of_moves(facts: GateFacts, policy: dict[str, Any]) -> Iterator[int]:
    """P "Against moving goods to and fro." """
    thrash = policy["thrash"]
    # P "a move worth less than this goes to a planner"; *settled*: all but a hold are moves, a purchase too
    worth = [facts.net_value_minor]
    # P "how sure that must be"; *settled*: besides the expected worth. F "None where the policy asks for none"
    worth += [] if facts.net_value_low_minor is None else [facts.net_value_low_minor]
    if not _is_hold(facts) and min(worth) < thrash["minimum_net_benefit"] * CENTS:
        yield PLANNER
    if facts.cool_down_active:
        yield PLANNER  # P "item and lane rest this long after a move; sooner, a planner decides"
    if facts.reverse_of_recent:
        yield FORMAL  # P "undoing a move sooner than this needs formal approval"


def _of_the_house(facts: GateFacts) -> Iterator[int]:
    """What the design says of every policy."""
    # D "shadow (recommend, compare, execute nothing)", "recommend (people act, ...)", "guided (approve and execute)"
    yield MODES[facts.rollout_mode]
    if facts.kill_switch:
        yield ADVICE  # D "a kill switch binds at once"; *reading*: nothing is executed from here
    if facts.missing:
        yield ADVICE  # D "missing fact or stale site -> advice"
    if facts.infeasible:
        yield FORMAL  # D "infeasible -> ... hold proposed, tier formal"
    if facts.data_problem_open:
        yield PLANNER  # D "autonomy of that site drops (auto -> planner -> advice)"; *reading*: by one step
    if not facts.reversible:
        yield PLANNER  # D "reversibility"; *reading*: what cannot be turned back is not for the auto tier
    if not facts.erp_native_key and not _is_hold(facts):
        yield PLANNER  # D "the auto tier needs a native key"; *settled*: a hold posts nothing


def _owners(facts: GateFacts, policy: dict[str, Any]) -> Iterator[str]:
    """P "Who must be among the signers at any value, and the least tier"."""
    if facts.valuation_change_minor is not None:
        yield "valuation"  # P "for a change of what the stock is worth"; F "None when it does not"
    if facts.budget_minor is not None:  # P "A site without a budget is held against nothing."
        used = facts.budget_committed_minor + facts.budget_spend_minor
        # P "with what is committed already they may use so much of the budget"
        if used * 100 > facts.budget_minor * policy["purchase_budget"]["percent_above"]:
            yield "over_budget"
    if facts.customer_commitment:
        yield "customer_commitment"  # P "a change of a promise to a customer"
    if facts.supplier_commitment:
        yield "supplier_commitment"  # P "or to a supplier"
