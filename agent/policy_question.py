"""What tier would this get, and why? The gate asked about an action nobody has proposed.

What the store knows is taken from it: what moved on the lane in the last day, what ran by itself at the site today, the
kill switch, how far the roll-out is, the health of the site, the age of the data, and the machine rules in force.
Everything else is taken to be well unless the question says otherwise, and the answer lists what was assumed.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError
from sqlalchemy import Connection

from agent.approval_policy import rule_on
from agent.errors import PolicyError
from agent.gate_facts import GateFacts, Place
from agent.gate_sums import ACTED, auto_value_today, lane_value
from agent.policy_book import ENTERPRISE, PolicyBook
from agent.ruling import CHANGING_ORDERS, NO_FLOOR, PROMISED_TO_CUSTOMERS, REVALUING, Gate, policy_book
from inventory.chronicle import KILL_SWITCH, list_feed_health, switch_is_on
from inventory.machine_rules_words import asked_words
from inventory.proposals import list_proposals
from inventory.record import Record
from inventory.records import EVERYTHING, ActionKind, FiredRule, Tier, strictest
from tools.action_kinds import KINDS
from tools.arrays import age_hours
from tools.rules.asking import Spoken, rules_about_classes, rules_about_item
from tools.toolbox import Toolbox


class Question(Record):
    """An action that might be proposed."""

    action: ActionKind
    value_minor: int
    item_classes: tuple[str, ...]
    sites: tuple[str, ...] = ()
    lane: tuple[str, str] | None = None
    """Site that gives, site that receives."""
    region: str = ""
    channel: str = ""
    item: str = ""
    """The item, where it is known which: machine rules about items then speak, or do not."""
    supplier: str = ""
    given: dict[str, Any] = Field(default_factory=dict)
    """Facts of the gate stated outright, by name; they replace what the store knows or what is assumed."""


class Answer(Record):
    """What the gate would say."""

    tier: Tier
    two_people: bool
    needs_roles: tuple[str, ...]
    one_of_roles: tuple[tuple[str, ...], ...] = ()
    """Of each group of roles one signer is needed, by machine rules."""
    fired: tuple[FiredRule, ...]
    """Rules of the policy, then machine rules."""
    by_clause: tuple[FiredRule, ...] = ()
    """Those of them that clauses ask for."""
    may_fire: tuple[str, ...] = ()
    """Machine rules that speak about some items or sites only, which the question leaves open."""
    policy_version: int
    layers: dict[str, str]
    """Keys at these places that another layer than the enterprise's sets, and that layer."""
    from_store: dict[str, str]
    """Facts that were looked up."""
    assumed: dict[str, str]
    """Facts nobody stated."""


_WELL: dict[str, Any] = {
    "units": 1,
    "donor_cover_ratio_after": NO_FLOOR,
    "reversible": True,
    "customer_tier": "standard",
    "confidence": 1.0,
    "snapshot_age_hours": 0.0,
    "site_health": 1.0,
    "data_problem_open": False,
    "new_lane": False,
    "item_age_days": None,
    "history_weeks": 104,
    "override_rate": 0.0,
    "auto_value_today_minor": 0,
    "lane_value_24h_minor": 0,
    "reverse_of_recent": False,
    "cool_down_active": False,
    "net_value_minor": 10**9,
    "infeasible": False,
    "budget_minor": None,
    "budget_committed_minor": 0,
    "budget_spend_minor": 0,
    "missing": (),
}


def ask(
    toolbox: Toolbox, connection: Connection, gate: Gate, question: Question, book: PolicyBook | None = None
) -> Answer:
    """The tier an action would get under the policy in force, or under another one.

    Raises
    ------
    PolicyError
        If a stated fact is unknown or not possible.
    """
    known = _known(toolbox, connection, gate, question)
    assumed = {name: value for name, value in _WELL.items() if name not in known and name not in question.given}
    action = question.action.value
    sheet = {
        "action": question.action,
        "value_minor": question.value_minor,
        "item_classes": question.item_classes,
        "reversible": question.action not in KINDS or KINDS[question.action].reversible,
        "valuation_change_minor": question.value_minor if action in REVALUING else None,
        "customer_commitment": action in PROMISED_TO_CUSTOMERS,
        "supplier_commitment": action in CHANGING_ORDERS,
    }
    try:
        facts = GateFacts.model_validate({**assumed, **sheet, **known, **question.given})
    except ValidationError as error:
        first = error.errors()[0]
        raise PolicyError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}, got {first['input']!r}") from error
    book = book or policy_book(connection, at=toolbox.now())
    places = _places(toolbox, question)
    decision = rule_on(facts, book.over(places))
    spoken = _spoken(toolbox, connection, question)
    layers = {key: layer for place in places for key, layer in book.origins(place).items() if layer != ENTERPRISE}
    return Answer(
        tier=strictest(decision.tier, *(rule.tier for rule in spoken.certain.fired)),
        two_people=decision.two_people,
        needs_roles=decision.needs_roles,
        one_of_roles=spoken.certain.one_of_roles,
        fired=(*decision.fired, *spoken.certain.fired),
        by_clause=spoken.certain.fired,
        may_fire=tuple(asked_words(rule) for rule in spoken.open),
        policy_version=book.enterprise.version,
        layers=layers,
        from_store={name: str(value) for name, value in sorted(known.items()) if name not in question.given},
        assumed={name: str(value) for name, value in sorted(assumed.items()) if name not in sheet},
    )


def _spoken(toolbox: Toolbox, connection: Connection, question: Question) -> Spoken:
    """What machine rules in force ask of such an action."""
    rules, sites = toolbox.rules(connection), _sites(question)
    snapshot = toolbox.snapshots.current() if question.item and sites else None
    if snapshot is None:
        return rules_about_classes(rules, question.action, question.value_minor, question.item_classes, sites)
    return rules_about_item(
        rules, snapshot, question.action, question.value_minor, question.item, sites, question.supplier
    )


def _sites(question: Question) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*question.sites, *(question.lane or ())]))


def _places(toolbox: Toolbox, question: Question) -> tuple[Place, ...]:
    current = toolbox.snapshots.current()
    region_of = dict(current.table("sites").select("site", "region").iter_rows()) if current else {}
    return tuple(
        Place(
            region=question.region or region_of.get(site) or "",
            site=site,
            item_class=of_class,
            channel=question.channel,
        )
        for site in _sites(question) or ("",)
        for of_class in question.item_classes or ("",)
    )


def _known(toolbox: Toolbox, connection: Connection, gate: Gate, question: Question) -> dict[str, Any]:
    """Facts the store has an answer to."""
    now, sites = toolbox.now(), _sites(question)
    known: dict[str, Any] = {
        "rollout_mode": gate.rollout,
        "erp_native_key": gate.erp_native_key,
        "kill_switch": switch_is_on(connection, KILL_SWITCH),
    }
    acted = list_proposals(connection, EVERYTHING, states=ACTED)
    if question.lane is not None:
        known["lane_value_24h_minor"] = lane_value(now, connection, acted, [question.lane])
    if sites:
        known["auto_value_today_minor"] = auto_value_today(now, connection, acted, sites)
    current = toolbox.snapshots.current()
    if current is not None:
        health = list_feed_health(connection, EVERYTHING, current.snapshot_id)
        mine = [feed for feed in health if not sites or feed.site in sites]
        ages = [age_hours(feed.as_of, now) for feed in mine]
        known["snapshot_age_hours"] = round(max([age_hours(current.as_of, now), *ages]), 4)
        known["site_health"] = min((feed.score for feed in mine), default=1.0)
    return known
