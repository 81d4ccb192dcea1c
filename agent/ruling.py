"""Gathers the facts of one proposal for the gate, inside the deciding transaction, and rules on it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from agent.approval_policy import rule_on, summed_value_minor
from agent.gate_facts import CustomerTier, GateFacts, Place, RolloutMode, RuledFacts
from agent.gate_sums import ACTED, DECIDED, auto_value_today, lane_value, lanes_of, moved_lately, override_rate
from agent.policy_book import PolicyBook, load_book
from agent.policy_document import ApprovalPolicy
from inventory.cases import find_case
from inventory.chronicle import KILL_SWITCH, list_feed_health, switch_is_on
from inventory.ledger import ledger_rows
from inventory.proposals import find_situation, list_proposals
from inventory.record import Record, canonical_record
from inventory.records import (
    EVERYTHING,
    ActionKind,
    CaseKind,
    Proposal,
    ProposalContent,
    ProposalState,
    Ruling,
    Situation,
    strictest,
)
from inventory.rulebook import find_policy
from inventory.snapshots import Snapshot
from tools.action_kinds import effects
from tools.arrays import age_hours
from tools.assemble import plan_outlook
from tools.budget_use import BudgetUse, budgets_of, sites_drawing, tightest_budget
from tools.channels import channels_of
from tools.clocks import clock_rule
from tools.needs import donor_floor
from tools.outlook import Outlook
from tools.rules.gate import GateRules, gate_rules
from tools.thrash import net_value_low
from tools.toolbox import Toolbox, any_open

S = ProposalState
REVALUING = ("markdown", "return_to_supplier", "write_off", "status_change")
"""Actions that change what the stock is worth; by name, so that one this version does not know yet counts, too."""
PROMISED_TO_CUSTOMERS = ("reallocate", "substitute")
CHANGING_ORDERS = ("expedite", "pull_in", "push_out", "split", "cancel", "return_to_supplier")
NO_FLOOR = 99.0
"""Donor cover ratio where the floor is zero."""
TIERS: tuple[CustomerTier, ...] = ("standard", "key", "strategic")


class Gate(Record):
    """What the gate needs beside the store: how far the roll-out is, and whether the ERP enforces keys."""

    rollout: RolloutMode
    erp_native_key: bool


def policy_book(connection: Connection, version: int | None = None, *, at: datetime | None = None) -> PolicyBook:
    """The approval policy with its layers as adopted, under the version number it was adopted with.

    Parameters
    ----------
    version
        The newest when none is named.
    at
        The one in force at that moment; without it the newest, also when it takes effect later.
    """
    adopted = find_policy(connection, EVERYTHING, "approval", version, at=at)
    book = load_book(adopted.content)
    return replace(book, enterprise=book.enterprise.model_copy(update={"version": adopted.version}))


def policy_in_force(
    connection: Connection, version: int | None = None, *, at: datetime | None = None
) -> ApprovalPolicy:
    """The enterprise layer of `policy_book`."""
    return policy_book(connection, version, at=at).enterprise


def rule(toolbox: Toolbox, connection: Connection, gate: Gate, proposal: Proposal) -> tuple[Ruling, ApprovalPolicy]:
    """The ruling on a proposal from facts as they are now, and the policy it was ruled by: that of all its places."""
    policy, places = _policy_at(toolbox, connection, proposal)
    facts = gather_facts(toolbox, connection, gate, proposal, policy)
    decision = rule_on(facts, policy)
    asked = machine_rules(toolbox, connection, proposal, summed_value_minor(facts))
    beside = [*asked.fired, *(rule for rule in (clock_rule(toolbox, connection),) if rule is not None)]
    ruling = Ruling(
        proposal_digest=proposal.digest,
        tier=strictest(decision.tier, *(rule.tier for rule in beside)),
        fired=(*decision.fired, *beside),
        aggregates=decision.aggregates,
        policy_version=policy.version,
        two_people=decision.two_people,
        needs_roles=decision.needs_roles,
        one_of_roles=asked.one_of_roles,
        facts=canonical_record(RuledFacts(facts=facts, places=places)),
        at=toolbox.now(),
    )
    return ruling, policy


def machine_rules(toolbox: Toolbox, connection: Connection, proposal: Proposal, value_minor: int) -> GateRules:
    """What the machine rules in force now ask of the signers of a proposal."""
    rules = toolbox.rules(connection)
    if not rules:
        return GateRules()
    run = toolbox.plan_run(connection, proposal.content.plan_run_id)
    outlook, snapshot = plan_outlook(toolbox, connection, run), toolbox.snapshot(run.snapshot_id)
    return gate_rules(rules, snapshot, outlook, proposal.content, max(value_minor, proposal.content.value_minor))


def policy_of(toolbox: Toolbox, connection: Connection, proposal: Proposal) -> ApprovalPolicy:
    """The policy in force now over all places a proposal touches."""
    return _policy_at(toolbox, connection, proposal)[0]


def _policy_at(
    toolbox: Toolbox, connection: Connection, proposal: Proposal
) -> tuple[ApprovalPolicy, tuple[Place, ...]]:
    book = policy_book(connection, at=toolbox.now())
    places = places_of(toolbox, connection, proposal, channels=book.knows_channels)
    return book.over(places), places


def places_of(
    toolbox: Toolbox, connection: Connection, proposal: Proposal, *, channels: bool = False
) -> tuple[Place, ...]:
    """Every place a proposal touches: region, site and item class, and with `channels` the sales channels, too."""
    content = proposal.content
    run = toolbox.plan_run(connection, content.plan_run_id)
    outlook, snapshot = plan_outlook(toolbox, connection, run), toolbox.snapshot(run.snapshot_id)
    region_of = dict(snapshot.table("sites").select("site", "region").iter_rows())
    sold = channels_of(snapshot, [line.item for line in content.lines]) if channels else {}
    known = find_case(connection, EVERYTHING, content.case_id).case.item_classes
    places: set[Place] = set()
    for line in content.lines:
        for site in filter(None, (line.origin, line.destination)):
            row = outlook.arrays.row_of.get((line.item, site))
            classes = sorted(set(known)) if row is None else [outlook.arrays.item_class[row]]
            places |= {
                Place(region=region_of.get(site) or "", site=site, item_class=item_class, channel=channel)
                for item_class in classes or [""]
                for channel in sold.get((line.item, site), [""])
            }
    return tuple(sorted(places, key=lambda at: (at.region, at.site, at.item_class, at.channel)))


def gather_facts(
    toolbox: Toolbox, connection: Connection, gate: Gate, proposal: Proposal, policy: ApprovalPolicy
) -> GateFacts:
    """Everything the gate looks at; what cannot be established is named as missing and fails closed."""
    content, now = proposal.content, toolbox.now()
    case = find_case(connection, EVERYTHING, content.case_id).case
    run = toolbox.plan_run(connection, content.plan_run_id)
    outlook = plan_outlook(toolbox, connection, run)
    snapshot = toolbox.snapshot(run.snapshot_id)
    situation = find_situation(connection, EVERYTHING, proposal.proposal_id)
    rows = _rows(outlook, proposal)
    decided = list_proposals(connection, EVERYTHING, states=(*DECIDED, S.SUPERSEDED))
    acted = [other for other in decided if other.state in ACTED and other.proposal_id != proposal.proposal_id]
    sites = set(content.sites)
    health = list_feed_health(connection, EVERYTHING, snapshot.snapshot_id)
    scores = [feed.score for feed in health if feed.site in sites]
    ages = [age_hours(feed.as_of, now) for feed in health if feed.site in sites]
    classes = {outlook.arrays.item_class[row] for row in rows} or set(case.item_classes) or {"standard"}
    used = _tightest_budget(toolbox, connection, proposal, policy.purchase_budget.percent_above)
    missing = []
    if situation is None or not situation.options:
        missing.append("priced options")
    if not scores and content.action is not ActionKind.CORRECTION:
        missing.append("feed health")
    return GateFacts(
        action=content.action,
        value_minor=max(content.value_minor, 0),
        units=sum(line.quantity for line in content.lines),
        donor_cover_ratio_after=_donor_cover(outlook, connection, proposal),
        reversible=effects(content.action, content).reversible,
        item_classes=tuple(sorted(classes)),
        customer_tier=max((_tier(outlook, row) for row in rows), key=TIERS.index, default="standard"),
        confidence=_confidence(situation),
        snapshot_age_hours=round(max([age_hours(snapshot.as_of, now), *ages]), 4),
        site_health=min(scores, default=1.0),
        data_problem_open=_data_problem(connection, proposal),
        new_lane=_new_lane(snapshot, acted, proposal),
        item_age_days=_item_age(outlook, rows),
        history_weeks=min((int(outlook.history_weeks[row]) for row in rows), default=0),
        override_rate=override_rate(now, connection, decided, content.action),
        auto_value_today_minor=auto_value_today(now, connection, acted, content.sites),
        lane_value_24h_minor=lane_value(now, connection, acted, lanes_of(content)),
        reverse_of_recent=moved_lately(now, acted, proposal, policy.thrash.reverse_days, "back"),
        cool_down_active=moved_lately(now, acted, proposal, policy.thrash.cool_down_days, "again"),
        rollout_mode=gate.rollout,
        kill_switch=switch_is_on(connection, KILL_SWITCH),
        erp_native_key=gate.erp_native_key,
        net_value_minor=sum(option.net_value_minor for option in situation.options if option.chosen)
        if situation
        else 0,
        infeasible=_infeasible(situation),
        valuation_change_minor=abs(content.value_minor) if content.action.value in REVALUING else None,
        budget_minor=used.budget_minor if used else None,
        budget_committed_minor=used.committed_minor if used else 0,
        budget_spend_minor=used.spend_minor if used else 0,
        customer_commitment=content.action.value in PROMISED_TO_CUSTOMERS,
        supplier_commitment=_changes_an_order(content),
        missing=tuple(missing),
        net_value_low_minor=net_value_low(situation, policy.thrash.net_benefit_confidence),
        budget_held_by=used.held_by if used else (),
    )


def _tightest_budget(toolbox: Toolbox, connection: Connection, proposal: Proposal, percent: int) -> BudgetUse | None:
    """By the current snapshot: what was posted leaves the holds with the snapshot that shows it."""
    sites = sites_drawing(proposal.content)
    if not sites:
        return None
    budgets = budgets_of(toolbox.snapshot(), toolbox.now().date(), sites)
    return tightest_budget(connection, proposal.content, budgets, percent=percent, without=proposal.proposal_id)


def _changes_an_order(content: ProposalContent) -> bool:
    return content.action.value in CHANGING_ORDERS or any(line.order_id for line in content.lines)


def _rows(outlook: Outlook, proposal: Proposal) -> list[int]:
    """Rows of every item-site the lines touch, giving and receiving."""
    keys = {(line.item, site) for line in proposal.content.lines for site in (line.origin, line.destination) if site}
    return sorted(outlook.arrays.row_of[key] for key in keys if key in outlook.arrays.row_of)


def _tier(outlook: Outlook, row: int) -> CustomerTier:
    tier = outlook.arrays.customer_tier[row]
    return next((known for known in TIERS if known == tier), "strategic")


def _confidence(situation: Situation | None) -> float:
    chosen = [option.confidence for option in situation.options if option.chosen] if situation else []
    return min(chosen, default=0.0)


def _infeasible(situation: Situation | None) -> bool:
    """No option but hold was possible for a case that needs units."""
    if situation is None:
        return False
    needing = [option for option in situation.options if option.action is not ActionKind.CORRECTION]
    others = [option for option in needing if option.action is not ActionKind.HOLD]
    return bool(others) and not any(option.feasible for option in others)


def _donor_cover(outlook: Outlook, connection: Connection, proposal: Proposal) -> float | None:
    """Lowest units left at a giving site over its floor, with everything promised so far taken off."""
    donors = {(line.item, line.origin) for line in proposal.content.lines if line.origin}
    if not donors:
        return None
    left: dict[tuple[str, str], int] = dict.fromkeys(donors, 0)
    for row in ledger_rows(connection, EVERYTHING, items=[item for item, _ in donors]):
        if (row.item, row.site) in left:
            left[(row.item, row.site)] += row.on_hand - row.allocated - row.frozen - row.reserved - row.in_flight
    ratios = []
    for key, units in left.items():
        at = outlook.arrays.row_of.get(key)
        floor = donor_floor(outlook, at) if at is not None else 0
        ratios.append(max(units, 0) / floor if floor > 0 else NO_FLOOR)
    return round(min(*ratios, NO_FLOOR), 4) if ratios else None


def _data_problem(connection: Connection, proposal: Proposal) -> bool:
    touched = {(line.item, site) for line in proposal.content.lines for site in (line.origin, line.destination) if site}
    return any_open(connection, CaseKind.DATA_PROBLEM, touched)


def _new_lane(snapshot: Snapshot, acted: list[Proposal], proposal: Proposal) -> bool:
    lanes = set(proposal.content.lanes)
    if not lanes:
        return False
    moves = snapshot.table("transfers").select("origin", "destination").unique()
    known = {f"{origin}>{destination}" for origin, destination in moves.iter_rows()}
    for other in acted:
        if other.state is S.EXECUTED:
            known |= set(other.content.lanes)
    return bool(lanes - known)


def _item_age(outlook: Outlook, rows: Collection[int]) -> int | None:
    ages = [int(outlook.arrays.launch_age_days[row]) for row in rows]
    return min((age for age in ages if age >= 0), default=None)
