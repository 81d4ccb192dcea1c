"""Gathers the facts of one proposal for the gate, inside the deciding transaction, and rules on it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Literal

from sqlalchemy import Connection

from agent.approval_policy import rule_on
from agent.gate_facts import CustomerTier, GateFacts, RolloutMode
from agent.policy_document import ApprovalPolicy, load_policy
from inventory.cases import find_case
from inventory.chronicle import KILL_SWITCH, list_feed_health, list_overrides, switch_is_on
from inventory.ledger import ledger_rows
from inventory.proposals import find_situation, list_proposals
from inventory.record import Record
from inventory.records import (
    EVERYTHING,
    ActionKind,
    CaseKind,
    Proposal,
    ProposalState,
    Ruling,
    Situation,
)
from inventory.rulebook import find_policy
from inventory.snapshots import Snapshot
from tools.arrays import age_hours
from tools.assemble import plan_outlook
from tools.needs import donor_floor
from tools.outlook import Outlook
from tools.toolbox import Toolbox, any_open, signed_by_policy

S = ProposalState
ACTED = (S.APPROVED, S.LEASED, S.SENT, S.IN_DOUBT, S.EXECUTED)
DECIDED = (*ACTED, S.FAILED, S.REJECTED)
OVERRIDE_WINDOW = timedelta(days=28)
OVERRIDE_MINIMUM = 8
"""Decisions before an override rate means anything."""
NO_FLOOR = 99.0
"""Donor cover ratio where the floor is zero."""
TIERS: tuple[CustomerTier, ...] = ("standard", "key", "strategic")


class Gate(Record):
    """What the gate needs beside the store: how far the roll-out is, and whether the ERP enforces keys."""

    rollout: RolloutMode
    erp_native_key: bool


def policy_in_force(connection: Connection, version: int | None = None) -> ApprovalPolicy:
    """The approval policy as adopted, under the version number it was adopted with."""
    adopted = find_policy(connection, EVERYTHING, "approval", version)
    return load_policy(adopted.content).model_copy(update={"version": adopted.version})


def rule(toolbox: Toolbox, connection: Connection, gate: Gate, proposal: Proposal) -> tuple[Ruling, ApprovalPolicy]:
    """The ruling on a proposal from facts as they are now."""
    policy = policy_in_force(connection)
    facts = gather_facts(toolbox, connection, gate, proposal, policy)
    decision = rule_on(facts, policy)
    ruling = Ruling(
        proposal_digest=proposal.digest,
        tier=decision.tier,
        fired=decision.fired,
        aggregates=decision.aggregates,
        policy_version=policy.version,
        two_people=decision.two_people,
        at=toolbox.now(),
    )
    return ruling, policy


def gather_facts(
    toolbox: Toolbox, connection: Connection, gate: Gate, proposal: Proposal, policy: ApprovalPolicy
) -> GateFacts:
    """Everything the gate looks at; what cannot be established is named as missing and fails closed."""
    content = proposal.content
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
    ages = [age_hours(feed.as_of, toolbox.now()) for feed in health if feed.site in sites]
    classes = {outlook.arrays.item_class[row] for row in rows} or set(case.item_classes) or {"standard"}
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
        reversible=content.action is not ActionKind.EXPEDITE,
        item_classes=tuple(sorted(classes)),
        customer_tier=max((_tier(outlook, row) for row in rows), key=TIERS.index, default="standard"),
        confidence=_confidence(situation),
        snapshot_age_hours=round(max([age_hours(snapshot.as_of, toolbox.now()), *ages]), 4),
        site_health=min(scores, default=1.0),
        data_problem_open=_data_problem(connection, proposal),
        new_lane=_new_lane(snapshot, acted, proposal),
        item_age_days=_item_age(outlook, rows),
        history_weeks=min((int(outlook.history_weeks[row]) for row in rows), default=0),
        override_rate=_override_rate(toolbox, connection, decided, content.action),
        auto_value_today_minor=_auto_value_today(toolbox, connection, acted, proposal),
        lane_value_24h_minor=_lane_value(toolbox, acted, proposal),
        reverse_of_recent=_moved_lately(toolbox, acted, proposal, policy.thrash.reverse_days, "back"),
        cool_down_active=_moved_lately(toolbox, acted, proposal, policy.thrash.cool_down_days, "again"),
        rollout_mode=gate.rollout,
        kill_switch=switch_is_on(connection, KILL_SWITCH),
        erp_native_key=gate.erp_native_key,
        net_value_minor=sum(option.net_value_minor for option in situation.options if option.chosen)
        if situation
        else 0,
        infeasible=_infeasible(situation),
        missing=tuple(missing),
    )


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
            left[(row.item, row.site)] += row.on_hand - row.allocated - row.reserved - row.in_flight
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


def _override_rate(toolbox: Toolbox, connection: Connection, decided: list[Proposal], action: ActionKind) -> float:
    since = toolbox.now() - OVERRIDE_WINDOW
    decided = [proposal for proposal in decided if proposal.content.action is action and proposal.created_at >= since]
    overruled = {override.proposal_id for override in list_overrides(connection, EVERYTHING) if override.at >= since}
    judged = [p for p in decided if p.state is not S.SUPERSEDED or p.proposal_id in overruled]
    if len(judged) < OVERRIDE_MINIMUM:
        return 0.0
    return round(sum(p.proposal_id in overruled for p in judged) / len(judged), 4)


def _auto_value_today(toolbox: Toolbox, connection: Connection, acted: list[Proposal], proposal: Proposal) -> int:
    """Moved without a person today at any site this proposal touches, the largest of them."""
    today = toolbox.now().date()
    total = dict.fromkeys(proposal.content.sites, 0)
    sharing = [
        other
        for other in acted
        if other.created_at.date() == today
        and other.content.action is not ActionKind.HOLD
        and set(other.content.sites) & set(total)
    ]
    signed = signed_by_policy(connection, sharing)
    for other in sharing:
        if other.proposal_id in signed:
            for site in set(other.content.sites) & set(total):
                total[site] += other.content.value_minor
    return max(total.values(), default=0)


def _lane_value(toolbox: Toolbox, acted: list[Proposal], proposal: Proposal) -> int:
    """Value a person or policy already let through for the same item and lane within a day: splitting adds up."""
    since = toolbox.now() - timedelta(hours=24)
    mine = {(line.item, line.origin, line.destination) for line in proposal.content.lines if line.origin}
    return sum(
        other.content.value_minor
        for other in acted
        if other.created_at >= since
        and mine & {(line.item, line.origin, line.destination) for line in other.content.lines if line.origin}
    )


def _moved_lately(
    toolbox: Toolbox, acted: list[Proposal], proposal: Proposal, days: int, direction: Literal["back", "again"]
) -> bool:
    """Whether an item of the proposal moved on the same lane, or the reverse one, within some days."""
    since = toolbox.now() - timedelta(days=days)
    mine = {(line.item, line.origin, line.destination) for line in proposal.content.lines if line.origin}
    if direction == "back":
        mine = {(item, destination, origin) for item, origin, destination in mine}
    return any(
        mine & {(line.item, line.origin, line.destination) for line in other.content.lines if line.origin}
        for other in acted
        if other.created_at >= since
    )
