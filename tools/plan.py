"""Plans all open cases jointly and writes plan run, proposal stubs and their reservations in one transaction.

Pending proposals stay as they are and count as under way, unless the money at risk has grown past a threshold: then the
old one is superseded and the case is planned anew. A case whose units somebody took meanwhile gets no stub and is told.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

import polars as pl
from sqlalchemy import Connection

from inventory.cases import find_case
from inventory.crash_points import crash_point
from inventory.database import Transaction
from inventory.errors import NotEnoughStockError
from inventory.ledger import hold, list_reservations, release, set_protection
from inventory.ledger_frame import ledger_frame, rows_of
from inventory.lifecycle import move
from inventory.proposals import (
    count_plan_runs,
    find_plan_run,
    find_situation,
    insert_plan_run,
    insert_proposal,
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
from tools.lanes import Lane
from tools.money import relief_per_unit, to_minor
from tools.needs import Need, wanted_units
from tools.outlook import Outlook
from tools.planning import JointPlan, PlanParameters, hold_line, plan_lines, solve_needs
from tools.sweeping import PART_ROWS, look_at_places, over_parts, parts_of, put_together
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
STUB_LIFETIME = timedelta(hours=72)
"""How long a stub lives before the gate gives it the lifetime of its tier."""
PREFERENCE = (ActionKind.EXPEDITE, ActionKind.PURCHASE, ActionKind.TRANSFER, ActionKind.CORRECTION, ActionKind.HOLD)
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


class Drafts(Protocol):
    """Says which planned cases get a draft; asked in their order."""

    def waits(self, case: Case) -> None:
        """A proposal of the case is waiting for a person already."""

    def refuses(self, case: Case, action: ActionKind, value_minor: int) -> str:
        """Why the case gets no draft; empty when it gets one."""


class EveryCase:
    """Drafts for every case."""

    def waits(self, case: Case) -> None:
        """Nothing follows from it."""

    def refuses(self, case: Case, action: ActionKind, value_minor: int) -> str:
        """Nothing is refused."""
        return ""


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


def plan_cases(
    toolbox: Toolbox, cases: list[Case], *, policy_version: int, drafts: Drafts | None = None, actor: str = "evenkeel"
) -> Planned:
    """Decide every case that has no live proposal, jointly; those that `drafts` does not refuse get a draft.

    The solve happens outside the transaction; inside it each reservation is a conditional update, so that a unit taken
    meanwhile by somebody else is not promised again.
    """
    with toolbox.database.read() as connection:
        thresholds = toolbox.thresholds(connection)
        outdated = _outdated(connection, cases, thresholds)
        resting = _resting(connection, cases, thresholds, toolbox.now().date())
        frozen = {p.content.case_id for p in list_proposals(connection, EVERYTHING, states=LIVE)} - set(outdated)
        wanted = [case for case in cases if case.case_id not in frozen | resting]
        snapshot = toolbox.snapshot()
        places = _places(wanted, toolbox.lanes(snapshot))
        ledger = _without(
            connection,
            ledger_frame(connection, EVERYTHING, items={item for item, _ in places}),
            {old.proposal_id for old in outdated.values()},
        )
        committed = committed_lines(connection, snapshot, exclude=[old.proposal_id for old in outdated.values()])
    ledger = ledger.join(frame_of_places(places), on=["item", "site"], how="semi", maintain_order="left")
    outlook = _look(toolbox, places, ledger, committed, thresholds)
    needs = [need for case in wanted for need in needs_of(case, outlook, thresholds)]
    joint = solve_needs(outlook, needs, toolbox.lanes(snapshot), plan_parameters(toolbox, thresholds))
    run = _plan_run(toolbox, outlook, wanted, places, ledger, committed, joint, thresholds, policy_version)
    crash_point("plan.solved")
    with toolbox.database.write(actor, toolbox.now()) as transaction:
        run = _numbered(transaction.connection, run)
        stubs, held_back = _stubs(
            transaction.connection, toolbox, outlook, cases, joint, run, drafts or EveryCase(), outdated
        )
        run = run.model_copy(update={"held_back": held_back})
        written = _write(transaction, stubs, joint, run, outdated)
        crash_point("plan.before_commit")
    crash_point("plan.after_commit")
    return Planned(run.plan_run_id, tuple(written), held_back)


def _places(cases: list[Case], lanes: dict[str, tuple[Lane, ...]]) -> tuple[tuple[str, str], ...]:
    """Item-sites a plan for the cases looks at: where the trouble is, and who could send units there."""
    found: set[tuple[str, str]] = set()
    for case in cases:
        for finding in case.findings:
            found.add((finding.item, finding.site))
            if case.kind in NEEDING:
                found |= {(finding.item, lane.origin) for lane in lanes.get(finding.site, ())}
    return tuple(sorted(found))


def _look(
    toolbox: Toolbox,
    places: tuple[tuple[str, str], ...],
    ledger: pl.DataFrame,
    committed: list[ProposalLine],
    thresholds: Thresholds,
) -> Outlook:
    """The forward look on the places of a plan, part by part where there are many."""
    snapshot = toolbox.snapshot()
    if len(places) <= PART_ROWS:
        return toolbox.outlook_of(snapshot, ledger, committed, thresholds, places=places)
    lead_times = toolbox.lead_times(snapshot)
    parts = parts_of(snapshot, ledger, lead_times, committed, thresholds, places=frame_of_places(places))
    return put_together(list(over_parts(look_at_places, parts, toolbox.executor)), lead_times).outlook


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
    for case in cases:
        row = find_case(connection, EVERYTHING, case.case_id)
        if row.state is CaseState.OPEN:
            continue
        if row.state is CaseState.WAITING and row.resume_on is not None and row.resume_on <= today:
            continue
        history = list_proposals(connection, EVERYTHING, case_id=case.case_id)
        if not history or not has_grown(case, money_when_drafted(connection, history[-1]), thresholds):
            resting.add(case.case_id)
    return resting


def _without(connection: Connection, ledger: pl.DataFrame, proposals: set[str]) -> pl.DataFrame:
    """The ledger as if some proposals had already given their units back."""
    held = [
        (row.item, row.site, row.lot, row.quantity)
        for proposal_id in sorted(proposals)
        for row in list_reservations(connection, EVERYTHING, proposal_id=proposal_id, states=("held",))
    ]
    place = ["item", "site", "lot"]
    schema = {"item": pl.String, "site": pl.String, "lot": pl.String, "back": pl.Int64}
    back = pl.DataFrame(held, schema=schema, orient="row").group_by(place).agg(pl.col("back").sum())
    given = ledger.join(back, on=place, how="left", maintain_order="left")
    return given.with_columns(reserved=pl.col("reserved") - pl.col("back").fill_null(0)).drop("back")


def _plan_run(
    toolbox: Toolbox,
    outlook: Outlook,
    cases: list[Case],
    places: tuple[tuple[str, str], ...],
    ledger: pl.DataFrame,
    committed: list[ProposalLine],
    joint: JointPlan,
    thresholds: Thresholds,
    policy_version: int,
) -> PlanRun:
    arrays = outlook.arrays
    lines = [
        PlanLine(
            case_id=decided.need.case_id,
            line=line,
            net_value_minor=to_minor(decided.net_value),
        )
        for decided in joint.needs
        for line in plan_lines(outlook, decided, 1)
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
        parameters={
            "minimum_net_benefit": parameters.minimum_net_benefit,
            "node_limit": float(parameters.node_limit),
        },
        seed=toolbox.seed,
        solver_path=joint.solver_path,
        objective=joint.objective,
        lines=tuple(lines),
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
    run: PlanRun,
    drafts: Drafts,
    outdated: dict[str, Outdated],
) -> tuple[list[Proposal], dict[str, str]]:
    """A draft for every planned case that gets one, and why the others get none; cases in their order."""
    by_case = defaultdict(list)
    for decided in joint.needs:
        by_case[decided.need.case_id].append(decided)
    live = {p.content.case_id: p.state for p in list_proposals(connection, EVERYTHING, states=LIVE)}
    versions = next_versions(connection, EVERYTHING)
    planned = set(run.case_ids)
    stubs, held_back = [], {}
    for case in cases:
        if case.case_id in live and case.case_id not in outdated:
            if live[case.case_id] in REPLACEABLE:
                drafts.waits(case)
            continue
        if case.case_id not in planned:
            continue
        lines: list[ProposalLine] = []
        for decided in by_case[case.case_id]:
            lines += plan_lines(outlook, decided, len(lines) + 1)
        stub = _stub(toolbox, outlook, case, lines, run, versions.get(case.case_id, 1))
        refused = drafts.refuses(case, stub.content.action, stub.content.value_minor)
        if refused:
            held_back[case.case_id] = refused
        else:
            stubs.append(stub)
    return stubs, held_back


def _write(
    transaction: Transaction, stubs: list[Proposal], joint: JointPlan, run: PlanRun, outdated: dict[str, Outdated]
) -> list[str]:
    connection = transaction.connection
    reasons = {old.proposal_id: old.reason for old in outdated.values()}
    for proposal in list_proposals(connection, EVERYTHING, states=REPLACEABLE):
        if proposal.proposal_id in reasons:
            move(transaction, proposal, ProposalState.SUPERSEDED, reason=reasons[proposal.proposal_id])
            release(transaction, proposal.proposal_id)
    set_protection(transaction, joint.floors)
    written: list[str] = []
    lost = dict(run.lost_to)
    for proposal in stubs:
        savepoint = connection.begin_nested()
        entries = len(transaction.entries)
        try:
            insert_proposal(transaction, proposal)
            _hold_lines(transaction, proposal)
        except NotEnoughStockError as error:
            savepoint.rollback()
            del transaction.entries[entries:]
            lost[proposal.content.case_id] = f"units were taken while this was planned: {error}"
            continue
        savepoint.commit()
        written.append(proposal.proposal_id)
    insert_plan_run(transaction, run.model_copy(update={"lost_to": lost}))
    return written


def _hold_lines(transaction: Transaction, proposal: Proposal) -> None:
    for line in proposal.content.lines:
        if line.action is ActionKind.TRANSFER:
            hold(
                transaction,
                proposal_id=proposal.proposal_id,
                line=line.number,
                item=line.item,
                site=line.origin,
                destination=line.destination,
                quantity=line.quantity,
            )


def _stub(
    toolbox: Toolbox, outlook: Outlook, case: Case, lines: list[ProposalLine], run: PlanRun, version: int
) -> Proposal:
    if not lines:
        finding = case.findings[0]
        action = ActionKind.CORRECTION if case.kind is CaseKind.DATA_PROBLEM else ActionKind.HOLD
        lines = [hold_line(action, finding.item, finding.site, outlook.arrays.today)]
    content = ProposalContent(
        case_id=case.case_id,
        version=version,
        action=min((line.action for line in lines), key=PREFERENCE.index),
        lines=tuple(lines),
        value_minor=_value(outlook, case, lines),
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
