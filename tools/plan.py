"""Plans all open cases jointly and writes plan run, proposal stubs and their reservations in one transaction.

Pending proposals stay as they are and count as under way, unless the money at risk has grown past a threshold: then the
old one is superseded and the case is planned anew. A case whose units somebody took meanwhile gets no stub and is told.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
from sqlalchemy import Connection

from inventory.allotment import Wish, allot
from inventory.capacity import Claim, reserve_capacity, share_capacity
from inventory.cases import find_case, list_cases
from inventory.contract_budgets import share_budgets
from inventory.crash_points import crash_point
from inventory.database import Transaction
from inventory.ledger import release, reserve, set_protection
from inventory.ledger_frame import ledger_frame_at, rows_of
from inventory.lifecycle import move
from inventory.machine_rules import RuleRecord
from inventory.proposals import (
    count_plan_runs,
    find_plan_run,
    find_situation,
    insert_plan_run,
    insert_proposals,
    list_proposals,
    next_versions,
)
from inventory.record import digest_text, short_id
from inventory.records import (
    EVERYTHING,
    ActionKind,
    Case,
    CaseKind,
    CaseState,
    PlanLine,
    PlanRun,
    Proposal,
    ProposalContent,
    ProposalLine,
    ProposalState,
)
from tools.arrays import frame_of_places
from tools.budget_use import Percent, claims_of_drafts, whole_budget
from tools.lane_claims import LaneBudgets, crowded_out, lane_claims, room_left, with_room
from tools.lanes import Lane
from tools.limits import Limits, site_days
from tools.lot_rules import LotRules
from tools.money import relief_per_unit, to_minor
from tools.needs import Need, wanted_units
from tools.option_facts import Substitute
from tools.outlook import Outlook
from tools.plan_drafts import Drafts, EveryCase
from tools.plan_losers import short_needs, with_losers, with_refused
from tools.planning import JointPlan, PlanParameters, hold_line, plan_lines, solve_needs
from tools.replenish_facts import given_back, held_by
from tools.rules.check import left_by, violations_of_each
from tools.rules.in_force import on_record
from tools.sweeping import look_at_places, over_parts, parts_of, put_together
from tools.targets import Targets
from tools.thresholds import Thresholds
from tools.toolbox import Toolbox, committed_lines

LIVE = (
    ProposalState.DRAFT, ProposalState.PENDING, ProposalState.SNOOZED, ProposalState.APPROVED, ProposalState.LEASED,
    ProposalState.SENT, ProposalState.IN_DOUBT,
)  # fmt: skip
REPLACEABLE = (ProposalState.PENDING,)
GAVE_BACK = (ProposalState.REJECTED, ProposalState.RECALLED, ProposalState.SNOOZED, ProposalState.EXPIRED)
"""States in which a winner's units are free for whoever lost to it; one held back only waits for its turn."""
NEEDING = (CaseKind.PROJECTED_STOCKOUT, CaseKind.SUPPLIER_DELAY, CaseKind.IMBALANCE, CaseKind.DEMAND_SHIFT)
PLACES_AT_ONCE = 10_000
"""Item-sites of a plan that are looked at in one piece."""
WITHOUT_GOODS = {
    CaseKind.DATA_PROBLEM: ActionKind.CORRECTION,
    CaseKind.LEAD_TIME_DRIFT: ActionKind.PARAMETER_CHANGE,
    CaseKind.FORECAST_BIAS: ActionKind.PARAMETER_CHANGE,
    CaseKind.POLICY_INCONSISTENCY: ActionKind.PARAMETER_CHANGE,
    CaseKind.RECURRING: ActionKind.PARAMETER_CHANGE,
}
"""What a person changes where no goods would help."""
STUB_LIFETIME = timedelta(hours=72)
"""How long a stub lives before the gate gives it the lifetime of its tier."""
SITE_LIMITS = "site_limits"
"""Parameter of a plan run that kept to what sites can receive and handle; those of before did not know it."""
PREFERENCE = (
    ActionKind.EXPEDITE,
    ActionKind.PURCHASE,
    ActionKind.TRANSFER,
    ActionKind.CORRECTION,
    ActionKind.PARAMETER_CHANGE,
    ActionKind.HOLD,
)
"""A proposal's action is its strictest line's."""


@dataclass(frozen=True)
class Outdated:
    """A pending proposal that is to be replaced."""

    proposal_id: str
    reason: str


@dataclass(frozen=True)
class Planned:
    """What one planning run wrote."""

    plan_run_id: str
    proposal_ids: tuple[str, ...]
    held_back: dict[str, str]
    """Planned cases that got no draft, and why."""


def needs_of(case: Case, outlook: Outlook, thresholds: Thresholds) -> list[Need]:
    """Item-sites of a case that should receive units; none for excess, falling demand and data problems."""
    if case.kind not in NEEDING or case.cause == "drop":
        return []
    needs = []
    for finding in case.findings:
        row = outlook.arrays.row_of.get((finding.item, finding.site))
        if row is None or not outlook.planned[row]:
            continue
        if case.kind is CaseKind.SUPPLIER_DELAY and outlook.short_units(row) < 0.5:
            continue
        relief = relief_per_unit(outlook, row, thresholds) if case.kind is CaseKind.IMBALANCE else 0.0
        needs.append(Need(case.case_id, row, wanted_units(outlook, row), relief))
    return needs


def plan_parameters(toolbox: Toolbox, thresholds: Thresholds) -> PlanParameters:
    """What steers the plan, from policy and wiring."""
    return PlanParameters(
        minimum_net_benefit=thresholds.value("planning", "minimum_net_benefit"),
        node_limit=int(thresholds.value("planning", "node_limit")),
        hard_kill_seconds=toolbox.hard_kill_seconds,
    )


def limits_of_run(toolbox: Toolbox, run: PlanRun) -> Limits:
    """What lanes shared when a plan was made, from its own record."""
    snapshot = toolbox.snapshot(run.snapshot_id)
    days = site_days(snapshot, run.committed_inbound) if run.parameters.get(SITE_LIMITS) else None
    return Limits.of(with_room(toolbox.lanes(snapshot), run.lane_room), days)


def plan_cases(
    toolbox: Toolbox,
    cases: list[Case],
    *,
    policy_version: int,
    drafts: Drafts | None = None,
    lane_budgets: LaneBudgets | None = None,
    budget_percent: Percent = whole_budget,
    actor: str = "evenkeel",
) -> Planned:
    """Decide every case that has no live proposal, jointly; those that `drafts` does not refuse get a draft.

    The solve happens outside the transaction; inside it each reservation is a conditional update, so that a unit taken
    meanwhile by somebody else is not promised again. The same holds of lanes and of all budgets.
    """
    with toolbox.database.read() as connection:
        thresholds = toolbox.thresholds(connection)
        outdated = _outdated(connection, cases, thresholds)
        resting = _resting(connection, cases, thresholds, toolbox.now().date())
        frozen = {p.content.case_id for p in list_proposals(connection, EVERYTHING, states=LIVE)} - set(outdated)
        wanted = [case for case in cases if case.case_id not in frozen | resting]
        snapshot = toolbox.snapshot()
        places = _places(wanted, toolbox.lanes(snapshot), toolbox.option_facts(snapshot).substitutes)
        returned = held_by(connection, [old.proposal_id for old in outdated.values()])
        ledger = given_back(ledger_frame_at(connection, EVERYTHING, places), returned)
        committed = committed_lines(connection, snapshot, exclude=[old.proposal_id for old in outdated.values()])
        targets = Targets.in_force(connection, items={item for item, _ in places})
        rules = toolbox.rules(connection)
        given_up, today = {old.proposal_id for old in outdated.values()}, snapshot.as_of.date()
        room = room_left(connection, toolbox.lanes(snapshot), today, without=given_up)
    outlook = _look(toolbox, places, ledger, committed, thresholds, targets, rules)
    needs = [need for case in wanted for need in needs_of(case, outlook, thresholds)]
    lanes = toolbox.lanes(snapshot)
    limits = Limits.of(with_room(lanes, room), site_days(snapshot, committed))
    joint = solve_needs(outlook, needs, lanes, plan_parameters(toolbox, thresholds), limits=limits)
    lines = [plan_lines(outlook, decided, 1) for decided in joint.needs]
    run = _plan_run(
        toolbox, outlook, wanted, places, ledger, committed, targets, joint, lines, thresholds, policy_version
    ).model_copy(update={"lane_room": room})
    crash_point("plan.solved")
    with toolbox.database.write(actor, toolbox.now()) as transaction:
        run = _numbered(transaction.connection, run)
        stubs, held_back = _stubs(
            transaction.connection, toolbox, outlook, cases, joint, lines, run, drafts or EveryCase(), outdated, rules
        )
        run = with_losers(
            run.model_copy(update={"held_back": held_back}),
            crowded_out(transaction.connection, lanes, room, today, short_needs(outlook, joint)),
        )
        current = toolbox.snapshot()
        ways = lanes if current.snapshot_id == snapshot.snapshot_id else toolbox.lanes(current)
        claims = {stub.proposal_id: lane_claims(stub.content, ways, lane_budgets) for stub in stubs}
        spends = claims_of_drafts(current, toolbox.now().date(), stubs, budget_percent)
        lot_rules = LotRules(toolbox.snapshot(run.snapshot_id), rules)
        written = _write(transaction, stubs, joint, run, outdated, claims, spends, lot_rules)
        crash_point("plan.before_commit")
    crash_point("plan.after_commit")
    return Planned(run.plan_run_id, tuple(written), held_back)


def _places(
    cases: list[Case], lanes: dict[str, tuple[Lane, ...]], substitutes: dict[str, tuple[Substitute, ...]]
) -> tuple[tuple[str, str], ...]:
    """Item-sites a plan for the cases looks at: where the trouble is, who could send units, what could stand in."""
    found: set[tuple[str, str]] = set()
    for case in cases:
        for finding in case.findings:
            found.add((finding.item, finding.site))
            if case.kind in NEEDING:
                found |= {(finding.item, lane.origin) for lane in lanes.get(finding.site, ())}
                found |= {(other.item, finding.site) for other in substitutes.get(finding.item, ())}
    return tuple(sorted(found))


def _look(
    toolbox: Toolbox,
    places: tuple[tuple[str, str], ...],
    ledger: pl.DataFrame,
    committed: list[ProposalLine],
    thresholds: Thresholds,
    targets: Targets,
    rules: tuple[RuleRecord, ...],
) -> Outlook:
    """The forward look on the places of a plan, part by part where there are many."""
    snapshot = toolbox.snapshot()
    if len(places) <= PLACES_AT_ONCE:
        return toolbox.outlook_of(snapshot, ledger, committed, thresholds, targets, rules, places=places)
    shared = toolbox.shared(snapshot, targets, rules)
    parts = parts_of(
        snapshot, ledger, shared, committed, thresholds, places=frame_of_places(places), rows=PLACES_AT_ONCE
    )
    return put_together(list(over_parts(look_at_places, parts, toolbox.executor)), shared.lead_times).outlook


def _outdated(connection: Connection, cases: list[Case], thresholds: Thresholds) -> dict[str, Outdated]:
    """Pending proposals to be planned anew, by case.

    Either the case has grown past the threshold since, or the case that won its units gave them back.
    """
    by_case = {case.case_id: case for case in cases}
    found = {}
    for proposal in list_proposals(connection, EVERYTHING, states=REPLACEABLE):
        case = by_case.get(proposal.content.case_id)
        if case is None:
            continue
        drafted_at = money_when_drafted(connection, proposal)
        if case.snapshot_id != proposal.content.snapshot_id and has_grown(case, drafted_at, thresholds):
            found[case.case_id] = Outdated(proposal.proposal_id, "the money at risk has grown")
        elif _won_units_are_back(connection, proposal):
            found[case.case_id] = Outdated(proposal.proposal_id, "units another case had won are free again")
    return found


def _won_units_are_back(connection: Connection, proposal: Proposal) -> bool:
    """Whether the case that won this proposal's units in their common plan let go of them since."""
    run = find_plan_run(connection, EVERYTHING, proposal.content.plan_run_id)
    winner = run.won_by.get(proposal.content.case_id)
    if winner is None:
        return False
    return any(
        rival.content.plan_run_id == run.plan_run_id and rival.state in GAVE_BACK
        for rival in list_proposals(connection, EVERYTHING, case_id=winner)
    )


def money_when_drafted(connection: Connection, proposal: Proposal) -> int:
    """Money at risk of the case when the proposal was drafted, minor units."""
    situation = find_situation(connection, EVERYTHING, proposal.proposal_id)
    return situation.money_at_risk_minor if situation else proposal.content.value_minor


def has_grown(case: Case, money_before: int, thresholds: Thresholds) -> bool:
    """Whether the money at risk rose enough to disturb what was already proposed or decided."""
    share = thresholds.value("planning", "reopen_gain_share")
    return case.money_at_risk.total > (1.0 + share) * money_before + 100.0


def _resting(connection: Connection, cases: list[Case], thresholds: Thresholds, today: date) -> set[str]:
    """Cases a person or an action has settled for now: holds accepted, snoozed, rejected, or under way."""
    resting = set()
    known = {row.case.case_id: row for row in list_cases(connection, EVERYTHING)}
    for case in cases:
        row = known.get(case.case_id) or find_case(connection, EVERYTHING, case.case_id)
        if row.state is CaseState.OPEN:
            continue
        if row.state is CaseState.WAITING and row.resume_on is not None and row.resume_on <= today:
            continue
        history = list_proposals(connection, EVERYTHING, case_id=case.case_id)
        if not history or not has_grown(case, money_when_drafted(connection, history[-1]), thresholds):
            resting.add(case.case_id)
    return resting


def _plan_run(
    toolbox: Toolbox,
    outlook: Outlook,
    cases: list[Case],
    places: tuple[tuple[str, str], ...],
    ledger: pl.DataFrame,
    committed: list[ProposalLine],
    targets: Targets,
    joint: JointPlan,
    lines: list[list[ProposalLine]],
    thresholds: Thresholds,
    policy_version: int,
) -> PlanRun:
    arrays = outlook.arrays
    decisions = [
        PlanLine(case_id=decided.need.case_id, line=line, net_value_minor=to_minor(decided.net_value))
        for decided, chosen in zip(joint.needs, lines, strict=True)
        for line in chosen
    ]
    snapshot_id = toolbox.snapshot().snapshot_id
    now = toolbox.now()
    parameters = plan_parameters(toolbox, thresholds)
    needs = tuple(
        (decided.need.case_id, arrays.items[decided.need.row], arrays.sites[decided.need.row])
        for decided in joint.needs
    )
    return PlanRun(
        plan_run_id=short_id("plan", snapshot_id, now.isoformat(), digest_text(*(case.case_id for case in cases))),
        snapshot_id=snapshot_id,
        policy_version=policy_version,
        threshold_version=thresholds.version,
        case_ids=tuple(case.case_id for case in cases),
        places=places,
        ledger=tuple(rows_of(ledger)),
        committed_inbound=tuple(committed),
        needs=needs,
        reliefs=tuple(decided.need.relief_per_unit for decided in joint.needs),
        targets=targets.records(frame_of_places(places)),
        rules=on_record(arrays.rules.used()),
        parameters={
            "minimum_net_benefit": parameters.minimum_net_benefit,
            "node_limit": float(parameters.node_limit),
            SITE_LIMITS: 1.0,
        },
        seed=toolbox.seed,
        solver_path=joint.solver_path,
        objective=joint.objective,
        lines=tuple(decisions),
        lost_to=joint.lost_to,
        won_by=joint.won_by,
        at=now,
    )


def _numbered(connection: Connection, run: PlanRun) -> PlanRun:
    """The run with an id of its own: sweeps of one moment over the same facts are still two decisions."""
    return run.model_copy(update={"plan_run_id": short_id("plan", run.plan_run_id, str(count_plan_runs(connection)))})


def _stubs(
    connection: Connection,
    toolbox: Toolbox,
    outlook: Outlook,
    cases: list[Case],
    joint: JointPlan,
    lines: list[list[ProposalLine]],
    run: PlanRun,
    drafts: Drafts,
    outdated: dict[str, Outdated],
    rules: tuple[RuleRecord, ...],
) -> tuple[list[Proposal], dict[str, str]]:
    """A draft for every planned case that gets one, and why the others get none; cases in their order.

    A case whose lines break a machine rule gets none: what planned them is not what looks them over.
    """
    snapshot, left = toolbox.snapshot(run.snapshot_id), left_by(outlook, [line for some in lines for line in some])
    by_case: dict[str, list[ProposalLine]] = defaultdict(list)
    for decided, chosen in zip(joint.needs, lines, strict=True):
        by_case[decided.need.case_id] += chosen
    live = {p.content.case_id: p.state for p in list_proposals(connection, EVERYTHING, states=LIVE)}
    versions = next_versions(connection, EVERYTHING)
    planned = set(run.case_ids)
    lines_of = {
        case.case_id: by_case[case.case_id] or [_nothing(outlook, case)] for case in cases if case.case_id in planned
    }
    broken = violations_of_each(rules, snapshot, outlook, list(lines_of.values()), left)
    broken_by = dict(zip(lines_of, broken, strict=True))
    stubs, held_back = [], {}
    for case in cases:
        if case.case_id in live and case.case_id not in outdated:
            if live[case.case_id] in REPLACEABLE:
                drafts.waits(case)
            continue
        if case.case_id not in planned:
            continue
        mine = lines_of[case.case_id]
        action, value = min((line.action for line in mine), key=PREFERENCE.index), _value(outlook, case, mine)
        refused = "; ".join(each.words for each in broken_by[case.case_id]) or drafts.refuses(case, action, value)
        if refused:
            held_back[case.case_id] = refused
        else:
            stubs.append(_stub(toolbox, case, mine, action, value, run, versions.get(case.case_id, 1)))
    return stubs, held_back


def _write(
    transaction: Transaction,
    stubs: list[Proposal],
    joint: JointPlan,
    run: PlanRun,
    outdated: dict[str, Outdated],
    claims: dict[str, list[Claim]],
    spends: dict[str, list[Claim]],
    rules: LotRules,
) -> list[str]:
    connection = transaction.connection
    reasons = {old.proposal_id: old.reason for old in outdated.values()}
    for proposal in list_proposals(connection, EVERYTHING, states=REPLACEABLE):
        if proposal.proposal_id in reasons:
            move(transaction, proposal, ProposalState.SUPERSEDED, reason=reasons[proposal.proposal_id])
            release(transaction, proposal.proposal_id)
    set_protection(transaction, joint.floors)
    shared = share_capacity(connection, claims)
    wishes = [wish for stub in stubs if stub.proposal_id not in shared.refused for wish in _wishes(stub)]
    wishes = rules.applied(connection, wishes, {stub.proposal_id: stub.content for stub in stubs})
    allotted = allot(connection, wishes)
    written = [stub for stub in stubs if stub.proposal_id not in allotted.refused.keys() | shared.refused.keys()]
    insert_proposals(transaction, written)
    reserve(transaction, allotted.takes)
    reserve_capacity(transaction, [(who, claim) for who, claim in shared.granted if who not in allotted.refused])
    over = share_budgets(transaction, {stub.proposal_id: spends[stub.proposal_id] for stub in written})
    case_of = {stub.proposal_id: stub.content.case_id for stub in stubs}
    run = with_refused(connection, run, case_of, over, "the budget is spent")
    run = with_refused(connection, run, case_of, shared.refused, "no room is left")
    taken = {case_of[stub]: f"units were taken while this was planned: {why}" for stub, why in allotted.refused.items()}
    insert_plan_run(transaction, run.model_copy(update={"lost_to": run.lost_to | taken}))
    return [proposal.proposal_id for proposal in written]


def _wishes(proposal: Proposal) -> list[Wish]:
    """Units the transfers of a proposal ask of their donors."""
    return [
        Wish(proposal.proposal_id, line.number, line.item, line.origin, line.destination, line.quantity)
        for line in proposal.content.lines
        if line.action is ActionKind.TRANSFER
    ]


def _nothing(outlook: Outlook, case: Case) -> ProposalLine:
    """The line of a case for which nothing is moved or bought."""
    action = WITHOUT_GOODS.get(case.kind, ActionKind.HOLD)
    return hold_line(action, case.findings[0].item, case.findings[0].site, outlook.arrays.today)


def _stub(
    toolbox: Toolbox, case: Case, lines: list[ProposalLine], action: ActionKind, value_minor: int, run: PlanRun,
    version: int,
) -> Proposal:  # fmt: skip
    content = ProposalContent(
        case_id=case.case_id,
        version=version,
        action=action,
        lines=tuple(line.model_copy(update={"number": number}) for number, line in enumerate(lines, start=1)),
        value_minor=value_minor,
        currency=case.money_at_risk.currency,
        snapshot_id=run.snapshot_id,
        plan_run_id=run.plan_run_id,
        policy_version=run.policy_version,
    )
    now = toolbox.now()
    return Proposal(
        proposal_id=short_id("prop", case.case_id, str(content.version)),
        content=content,
        state=ProposalState.DRAFT,
        state_version=1,
        tier=None,
        requested_by="evenkeel",
        created_at=now,
        expires_at=now + STUB_LIFETIME,
    )


def _value(outlook: Outlook, case: Case, lines: list[ProposalLine]) -> int:
    """Cost value of the units moved plus cost of moving them; money at risk when nothing moves."""
    if not any(line.quantity for line in lines):
        return case.money_at_risk.total
    return sum(line_value(outlook, line) for line in lines)


def line_value(outlook: Outlook, line: ProposalLine) -> int:
    """What a line puts at stake, minor units: the goods moved and the cost of moving, or what is paid for goods."""
    if line.action is not ActionKind.TRANSFER:
        return line.cost_minor
    row = outlook.arrays.row_of[(line.item, line.origin)]
    return line.cost_minor + to_minor(line.quantity * float(outlook.arrays.cost[row]))
