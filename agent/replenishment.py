"""The daily replenishment run: everything in scope is ordered or moved in one go, under the same gate as any proposal.

One run a day and snapshot: asked again, it answers with what it wrote and finishes what was left half-way. What nobody
has decided of earlier runs is superseded, so there is always one list. In shadow the recommendation is kept, to be
compared with what was ordered, and nothing else is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from langgraph.runtime import Runtime
from sqlalchemy import Connection

from agent.approval_policy import expiry
from agent.auto_budget import within_auto_budget
from agent.case_graph import CaseState, DeskContext, draft, retrieve
from agent.deciding.signing import release_for_execution
from agent.drafting import Drafter
from agent.purchase_budgets import budget_percent, hold_budget, spend_budget
from agent.ruling import Gate, policy_in_force, rule
from inventory.capacity import CapacityKind, take_capacity, taken_capacity
from inventory.cases import insert_cases, list_cases, set_case_state
from inventory.chronicle import list_feed_health, save_feed_health
from inventory.contract_budgets import share_budgets
from inventory.database import Transaction
from inventory.errors import NotEnoughCapacityError, NotEnoughStockError
from inventory.ledger import hold, release
from inventory.ledger_frame import rows_of
from inventory.lifecycle import move
from inventory.proposals import (
    count_plan_runs,
    find_proposal,
    insert_approval,
    insert_plan_run,
    insert_proposal,
    list_approvals,
    list_proposals,
    save_ruling,
    save_situation,
)
from inventory.record import short_id
from inventory.records import (
    EVERYTHING,
    ActionKind,
    Approval,
    FiredRule,
    PlanLine,
    PlanRun,
    Proposal,
    ProposalContent,
    ProposalState,
    ReasonCode,
    ReplenishmentRun,
    Ruling,
    Tier,
    strictest,
)
from inventory.records import CaseState as State
from inventory.replenishments import find_run, insert_run, list_runs
from tools.arrays import frame_of_places
from tools.budget_use import claims_of_drafts
from tools.health import check_health
from tools.lane_claims import Lanes, lane_claims, room_left, with_room
from tools.plan import LIVE, STUB_LIFETIME, plan_parameters
from tools.plan_losers import with_refused
from tools.replenish import Orders, recommend
from tools.replenish_facts import budgets_left, excepted_rows, given_back, held_by, is_replenishment
from tools.replenish_proposals import Group, Recommended, grouped, recommended
from tools.replenish_replay import available_units, rests_on, worked_rows
from tools.rules.in_force import on_record
from tools.rules.standing import broken_rules
from tools.segments import Segmented, keep_segments, segment_network
from tools.stock_rows import NetworkStock, network_stock
from tools.stocking_policy import stocking_policy_in_force, stocking_terms
from tools.toolbox import Toolbox

PATH = "replenishment"
"""Solver path of a plan run that no joint solve made."""
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Worked:
    """What a run came to before anything was written."""

    stock: NetworkStock
    orders: Orders
    found: tuple[Recommended, ...]
    groups: tuple[Group, ...]
    segmented: Segmented
    budgets: dict[str, float]
    stocking_version: int
    outdated: frozenset[str]
    room: dict[str, float]
    """Units left on lanes of which earlier proposals took some."""


def replenish(
    toolbox: Toolbox,
    drafter: Drafter,
    gate: Gate,
    *,
    shadow: bool = False,
    budget: float | None = None,
    actor: str = "evenkeel",
    progress: Progress | None = None,
) -> ReplenishmentRun:
    """The run of today on the current snapshot.

    Parameters
    ----------
    shadow
        Keep the recommendation and write nothing else; forced where the roll-out is in shadow.
    budget
        Most that may be spent on purchases in this run, whole currency units; besides the budgets of the sites.
    """
    tell = progress or (lambda step, done, of: None)
    shadow = shadow or gate.rollout == "shadow"
    snapshot, day = toolbox.snapshot(), toolbox.now().date()
    with toolbox.database.read() as connection:
        known = find_run(connection, EVERYTHING, day=day, snapshot_id=snapshot.snapshot_id, shadow=shadow)
        policy = policy_in_force(connection, at=toolbox.now())
        version, currency = policy.version, policy.currency
    if known is None:
        tell("work out orders", 0, 1)
        worked = _work_out(toolbox, shadow=shadow, budget=budget, day=day, currency=currency)
        with toolbox.database.write(actor, toolbox.now()) as transaction:
            again = find_run(
                transaction.connection, EVERYTHING, day=day, snapshot_id=snapshot.snapshot_id, shadow=shadow
            )
            known = again or _write(toolbox, transaction, worked, day, shadow=shadow, policy=version, currency=currency)
    if not shadow:
        _know_health(toolbox)
        _finish(toolbox, DeskContext(toolbox, drafter, gate), known, tell)
    return known


def _know_health(toolbox: Toolbox) -> None:
    """The gate asks how sound the feeds are: before the first sweep of a snapshot nobody has looked."""
    snapshot = toolbox.snapshot()
    with toolbox.database.read() as connection:
        if list_feed_health(connection, EVERYTHING, snapshot.snapshot_id):
            return
        thresholds = toolbox.thresholds(connection)
        report = check_health(
            connection, snapshot, toolbox.lead_times(snapshot), thresholds, toolbox.now(), needs=toolbox.needs(snapshot)
        )
    with toolbox.database.write("evenkeel", toolbox.now()) as transaction:
        save_feed_health(transaction, snapshot.snapshot_id, report.feeds)


def _work_out(toolbox: Toolbox, *, shadow: bool, budget: float | None, day: date, currency: str) -> Worked:
    snapshot = toolbox.snapshot()
    with toolbox.database.read() as connection:
        policy = stocking_policy_in_force(connection, at=toolbox.now())
        outdated = frozenset() if shadow else frozenset(p.proposal_id for p in _undecided(connection))
        earlier = [run for run in list_runs(connection, EVERYTHING) if run.shadow is shadow and run.day < day]
        cases = list_cases(connection, EVERYTHING)
        room = room_left(connection, toolbox.lanes(snapshot), snapshot.as_of.date(), without=outdated)
        returned = held_by(connection, outdated)
        held = taken_capacity(connection, CapacityKind.PURCHASE_BUDGET, date.min, without=outdated)
    stock = network_stock(toolbox, without=lambda ledger: given_back(ledger, returned), exclude=sorted(outdated))
    rows = stock.rows
    with toolbox.database.read() as connection:
        segmented = segment_network(connection, snapshot, stock.facts, policy)
    cell = segmented.cell
    terms = stocking_terms(
        policy, cell, rows.service_target, rows.review_days, sites=rows.sites, item_classes=rows.item_class
    )
    budgets = budgets_left(snapshot, budget, held)
    orders = recommend(
        rows,
        terms,
        available_units(rows, stock.ledger),
        excepted_rows(rows, cases, day),
        with_room(toolbox.lanes(snapshot), room),
        budgets,
        last_run=earlier[0].day.toordinal() if earlier else None,
    )
    found = tuple(recommended(rows, terms, cell, orders))
    groups = tuple(grouped(found, snapshot.snapshot_id, day, currency, policy.version))
    return Worked(stock, orders, found, groups, segmented, budgets, policy.version, outdated, room)


def _undecided(connection: Connection) -> list[Proposal]:
    """Proposals of earlier runs that nobody has signed."""
    mine = {row.case.case_id for row in list_cases(connection, EVERYTHING) if is_replenishment(row)}
    waiting = list_proposals(connection, EVERYTHING, states=(ProposalState.DRAFT, ProposalState.PENDING))
    return [
        proposal
        for proposal in waiting
        if proposal.content.case_id in mine and not list_approvals(connection, EVERYTHING, proposal.proposal_id)
    ]


def _write(
    toolbox: Toolbox,
    transaction: Transaction,
    worked: Worked,
    day: date,
    *,
    shadow: bool,
    policy: int,
    currency: str,
) -> ReplenishmentRun:
    """Everything a run decides, in one transaction."""
    snapshot_id = toolbox.snapshot().snapshot_id
    proposal_of: dict[tuple[str, str], str] = {}
    run_id = short_id("repl", snapshot_id, day.isoformat(), str(shadow))
    plan_run_id, superseded, lost = "", tuple[str, ...](), 0
    if not shadow:
        superseded = _supersede(transaction, worked.outdated)
        keep_segments(transaction, snapshot_id, worked.segmented)
        plan_run_id = _plan_run_id(transaction.connection, run_id)
        kept: list[Group] = []
        written: list[Proposal] = []
        for group in worked.groups:
            proposal = _proposal(transaction, group, plan_run_id, policy, currency)
            if _inserted(transaction, group, proposal, toolbox.lanes(toolbox.snapshot())):
                kept.append(group)
                written.append(proposal)
                proposal_of |= {(m.line.item, m.line.site): proposal.proposal_id for m in group.members}
            else:
                lost += len(group.members)
        plan_run = _plan_run(toolbox, transaction.connection, worked, kept, plan_run_id, policy)
        insert_plan_run(transaction, _within_budgets(toolbox, transaction, plan_run, written))
    lines = [
        one.line.model_copy(update={"proposal_id": proposal_of.get((one.line.item, one.line.site), "")})
        for one in worked.found
        if shadow or (one.line.item, one.line.site) in proposal_of
    ]
    aside = dict(worked.orders.set_aside) | ({"units were taken while this was worked out": lost} if lost else {})
    run = ReplenishmentRun(
        run_id=run_id,
        day=day,
        snapshot_id=snapshot_id,
        shadow=shadow,
        currency=currency,
        policy_version=policy,
        stocking_version=worked.stocking_version,
        plan_run_id=plan_run_id,
        item_sites=worked.stock.rows.count,
        enough=worked.orders.enough,
        lines=tuple(lines),
        set_aside=aside,
        superseded=superseded,
        worked=() if shadow else worked_rows(worked.stock.rows, worked.orders, worked.segmented.cell),
        budgets=worked.budgets,
        at=transaction.now,
    )
    insert_run(transaction, run)
    return run


def _supersede(transaction: Transaction, outdated: Iterable[str]) -> tuple[str, ...]:
    """Void what nobody decided, and close our cases that nothing is done about any more."""
    gone = []
    for proposal_id in sorted(outdated):
        proposal = find_proposal(transaction.connection, EVERYTHING, proposal_id)
        if proposal.state not in (ProposalState.DRAFT, ProposalState.PENDING):
            continue
        move(transaction, proposal, ProposalState.SUPERSEDED, reason="a newer replenishment run replaces it")
        release(transaction, proposal_id)
        gone.append(proposal_id)
    live = {p.content.case_id for p in list_proposals(transaction.connection, EVERYTHING, states=LIVE)}
    today = transaction.now.date()
    for row in list_cases(transaction.connection, EVERYTHING, states=(State.OPEN, State.WAITING)):
        rests = row.resume_on is not None and row.resume_on > today
        if is_replenishment(row) and row.case.case_id not in live and not rests:
            set_case_state(transaction, row.case.case_id, State.CLOSED, "a newer replenishment run replaces it")
    return tuple(gone)


def _inserted(transaction: Transaction, group: Group, proposal: Proposal, lanes: Lanes) -> bool:
    """Whether the case, its draft and its reservations could be written; units taken meanwhile undo all three.

    Regular supply takes room on its lanes, and nothing of the budgets that keep goods from moving to and fro.
    """
    savepoint = transaction.connection.begin_nested()
    entries = len(transaction.entries)
    try:
        insert_cases(transaction, [group.case])
        insert_proposal(transaction, proposal)
        for line in proposal.content.lines:
            if line.action is ActionKind.TRANSFER:
                hold(
                    transaction, proposal_id=proposal.proposal_id, line=line.number, item=line.item, site=line.origin,
                    destination=line.destination, quantity=line.quantity,
                )  # fmt: skip
        take_capacity(transaction, proposal.proposal_id, lane_claims(proposal.content, lanes, None))
    except (NotEnoughStockError, NotEnoughCapacityError):
        savepoint.rollback()
        del transaction.entries[entries:]
        return False
    savepoint.commit()
    save_situation(transaction, proposal.proposal_id, group.situation(transaction.now))
    return True


def _within_budgets(toolbox: Toolbox, transaction: Transaction, run: PlanRun, written: Sequence[Proposal]) -> PlanRun:
    """Hold what the drafts spend of their budgets; the run with those that came too late, for the owner to decide."""
    connection = transaction.connection
    percent = budget_percent(toolbox, connection)
    claims = claims_of_drafts(toolbox.snapshot(), toolbox.now().date(), written, percent)
    case_of = {each.proposal_id: each.content.case_id for each in written}
    return with_refused(connection, run, case_of, share_budgets(transaction, claims), "the budget is spent")


def _proposal(transaction: Transaction, group: Group, plan_run_id: str, policy: int, currency: str) -> Proposal:
    content = ProposalContent(
        case_id=group.case.case_id,
        version=1,
        action=group.lines[0].action,
        lines=group.lines,
        value_minor=group.value_minor,
        currency=currency,
        snapshot_id=group.case.snapshot_id,
        plan_run_id=plan_run_id,
        policy_version=policy,
    )
    return Proposal(
        proposal_id=short_id("prop", group.case.case_id, "1"),
        content=content,
        state=ProposalState.DRAFT,
        state_version=1,
        tier=None,
        requested_by="evenkeel",
        created_at=transaction.now,
        expires_at=transaction.now + STUB_LIFETIME,
    )


def _plan_run_id(connection: Connection, run_id: str) -> str:
    return short_id("plan", run_id, str(count_plan_runs(connection)))


def _plan_run(
    toolbox: Toolbox, connection: Connection, worked: Worked, groups: Iterable[Group], plan_run_id: str, policy: int
) -> PlanRun:
    """The run as a joint decision on record: the places its lines touch, their ledger rows, and the lines."""
    thresholds = toolbox.thresholds(connection)
    kept = list(groups)
    lines = [(group.case.case_id, line) for group in kept for line in group.lines]
    rows = worked.stock.rows
    places = {(rows.items[row], rows.sites[row]) for row in rests_on(worked.orders).tolist()}
    listed = tuple(sorted(places))
    ledger = worked.stock.ledger.join(frame_of_places(listed), on=["item", "site"], how="semi", maintain_order="left")
    net = {
        (member.line.item, member.line.site): member.option.net_value_minor
        for group in kept
        for member in group.members
    }
    parameters = plan_parameters(toolbox, thresholds)
    return PlanRun(
        plan_run_id=plan_run_id,
        snapshot_id=toolbox.snapshot().snapshot_id,
        policy_version=policy,
        threshold_version=thresholds.version,
        case_ids=tuple(group.case.case_id for group in kept),
        places=listed,
        ledger=tuple(rows_of(ledger)),
        committed_inbound=tuple(line for line in worked.stock.committed if (line.item, line.destination) in places),
        needs=(),
        rules=on_record(rows.bounds.rules.used()) if rows.bounds is not None else (),
        parameters={
            "minimum_net_benefit": parameters.minimum_net_benefit,
            "node_limit": float(parameters.node_limit),
            "stocking_version": float(worked.stocking_version),
        },
        seed=toolbox.seed,
        solver_path=PATH,
        objective=round(sum(net.values()) / 100.0, 6),
        lane_room=worked.room,
        lines=tuple(
            PlanLine(case_id=case_id, line=line, net_value_minor=net[(line.item, line.destination)])
            for case_id, line in lines
        ),
        at=toolbox.now(),
    )


def _finish(toolbox: Toolbox, context: DeskContext, run: ReplenishmentRun, tell: Progress) -> None:
    """Explain and rule on every draft of the run that still is one."""
    with toolbox.database.read() as connection:
        drafts = list_proposals(connection, EVERYTHING, states=(ProposalState.DRAFT,))
    mine = [proposal for proposal in drafts if proposal.content.plan_run_id == run.plan_run_id]
    floors = {line.proposal_id: Tier.AUTO for line in run.lines}
    with toolbox.database.read() as connection:
        policy = stocking_policy_in_force(connection, at=toolbox.now())
    for line in run.lines:
        asked = policy.row(line.segment, line.site, line.item_class).tier
        floors[line.proposal_id] = strictest(floors[line.proposal_id], asked)
    runtime = Runtime(context=context)
    for number, proposal in enumerate(mine, start=1):
        state: CaseState = {"case_id": proposal.content.case_id, "proposal_id": proposal.proposal_id}
        retrieve(state, runtime)
        draft(state, runtime)
        _rule(toolbox, context.gate, proposal.proposal_id, floors[proposal.proposal_id])
        tell("explain and rule", number, len(mine))


def _rule(toolbox: Toolbox, gate: Gate, proposal_id: str, least: Tier) -> None:
    """The gate, with the least tier of the segments beside its own rules; in the auto tier policy signs."""
    with toolbox.database.write("evenkeel", toolbox.now()) as transaction:
        proposal = find_proposal(transaction.connection, EVERYTHING, proposal_id)
        if proposal.state is not ProposalState.DRAFT:
            return
        broken = "; ".join(broken_rules(toolbox, transaction.connection, proposal))
        if broken:
            move(transaction, proposal, ProposalState.VOID, reason=broken)
            release(transaction, proposal_id)
            return
        ruling, policy = rule(toolbox, transaction.connection, gate, proposal)
        hold_budget(toolbox, transaction, proposal, policy)
        ruling = within_auto_budget(transaction, proposal, _at_least(ruling, least), policy)
        save_ruling(transaction, proposal_id, ruling)
        pending = move(
            transaction, proposal, ProposalState.PENDING, reason=ruling.tier.value, tier=ruling.tier,
            expires_at=transaction.now + expiry(ruling.tier, policy),
        )  # fmt: skip
        if ruling.tier is Tier.ADVICE:
            release(transaction, proposal_id)
        if ruling.tier is Tier.AUTO:
            name = next((fired.rule for fired in ruling.fired if fired.tier is Tier.AUTO), "allow_list")
            by = f"policy:{ruling.policy_version}:{name}"
            approval = Approval(
                approval_id=short_id("appr", proposal_id, proposal.digest, by), proposal_id=proposal_id,
                proposal_digest=proposal.digest, decision="approve", by=by, kind="policy", reason=ReasonCode.AGREE,
                at=transaction.now,
            )  # fmt: skip
            insert_approval(transaction, approval)
            spend_budget(toolbox, transaction, proposal, policy)
            release_for_execution(transaction, pending, approval, Tier.AUTO, policy)


def _at_least(ruling: Ruling, least: Tier) -> Ruling:
    """The ruling raised to the tier the stocking policy asks for."""
    if least.strictness <= ruling.tier.strictness:
        return ruling
    said = FiredRule(rule="segment", tier=least, reason=f"the stocking policy asks for {least.value} at the least")
    return ruling.model_copy(update={"tier": least, "fired": (*ruling.fired, said)})
