"""One look at everything, as a LangGraph: recover → health → detect → group → plan → queue → brief.

It has no checkpoint: a sweep that dies is simply run again, and finds what it wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from time import perf_counter
from typing import Annotated, TypedDict

from langgraph.channels import UntrackedValue
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agent.lane_budgets import lane_budgets
from agent.policy_document import MINOR_PER_UNIT
from agent.purchase_budgets import budget_percent
from agent.queueing import AUTOMATIC, SHOWN, dispose
from agent.ruling import Gate, policy_in_force
from agent.shortlist import Shortlist
from agent.tracing import keep_found, keep_planned, keep_sweep
from inventory.cases import count_open_cases
from inventory.chronicle import KILL_SWITCH, count_sweeps, insert_sweep, save_feed_health, switch_is_on
from inventory.proposals import list_proposals
from inventory.record import short_id
from inventory.records import EVERYTHING, Case, Finding, KpiPoint, ProposalState, Sweep
from tools.detectors.contradictions import contradicting_rules
from tools.detectors.frozen import frozen_short
from tools.detectors.recurring import recurring
from tools.health import HealthReport, check_health
from tools.learning import observe_receipts
from tools.plan import plan_cases
from tools.segments import keep_segments, segment_network
from tools.stocking_policy import stocking_policy_in_force
from tools.sweeping import MILLION, Figures, Look, Looking, start_looking
from tools.toolbox import Toolbox
from tools.tracing import taking
from tools.triage import group_findings, open_cases

Progress = Callable[[str, int, int], None]


class SweepState(TypedDict, total=False):
    """What one sweep gathers on its way; what is more than plain data is never part of a checkpoint."""

    snapshot_id: str
    report: Annotated[HealthReport, UntrackedValue]
    recurring: Annotated[list[Finding], UntrackedValue]
    look: Annotated[Look, UntrackedValue]
    findings: Annotated[list[Finding], UntrackedValue]
    cases: Annotated[list[Case], UntrackedValue]
    cleared: int
    proposal_ids: list[str]
    held_back: dict[str, str]
    dispositions: dict[str, str]
    result: Annotated[Sweep, UntrackedValue]


@dataclass
class SweepContext:
    """What the nodes of a sweep work with."""

    toolbox: Toolbox
    gate: Gate
    recover: Callable[[], object]
    work_case: Callable[[str, str], None]
    """Runs the case graph of one proposal: case id, proposal id."""
    progress: Progress
    looking: Looking | None = None
    """The look at every part, begun while feeds are checked."""
    seconds: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=perf_counter)

    def lap(self, step: str) -> None:
        """Note how long a step took."""
        now = perf_counter()
        self.seconds[step] = round(now - self.started, 3)
        self.started = now


def recover(state: SweepState, runtime: Runtime[SweepContext]) -> SweepState:
    """Finish or undo what an earlier run left half-way, and observe what arrived."""
    context = runtime.context
    context.progress("recover", 0, 1)
    context.recover()
    snapshot = context.toolbox.snapshot()
    with context.toolbox.database.write("evenkeel", context.toolbox.now()) as transaction:
        observe_receipts(context.toolbox, transaction, snapshot)
    context.lap("recover")
    return {"snapshot_id": snapshot.snapshot_id}


def health(state: SweepState, runtime: Runtime[SweepContext]) -> SweepState:
    """Is the data sound?"""
    context, toolbox = runtime.context, runtime.context.toolbox
    context.progress("health", 0, 1)
    snapshot = toolbox.snapshot()
    lead_times = toolbox.lead_times(snapshot)
    # Workers look ahead meanwhile; what they find does not depend on the health of the feeds.
    context.looking = start_looking(toolbox)
    with toolbox.database.read() as connection:
        thresholds = toolbox.thresholds(connection)
        report = check_health(
            connection, snapshot, lead_times, thresholds, toolbox.now(), needs=toolbox.needs(snapshot)
        )
        again = recurring(connection, thresholds, toolbox.now())
        again += frozen_short(connection, thresholds, toolbox.now().date())
        again += contradicting_rules(connection, thresholds, toolbox.now().date())
    with toolbox.database.write("evenkeel", toolbox.now()) as transaction:
        save_feed_health(transaction, state["snapshot_id"], report.feeds)
    context.lap("health")
    return {"report": report, "recurring": again}


def detect(state: SweepState, runtime: Runtime[SweepContext]) -> SweepState:
    """Find what is wrong, over all item-sites at once."""
    context, toolbox = runtime.context, runtime.context.toolbox
    looking = context.looking or start_looking(toolbox)
    look = looking.finish(lambda done, of: context.progress("look ahead and detect", done, of))
    context.lap("detect")
    return {"look": look, "findings": [*look.findings, *state["report"].findings, *state["recurring"]]}


def group(state: SweepState, runtime: Runtime[SweepContext]) -> SweepState:
    """Findings of one cause become one case; ranked by money at risk."""
    context, toolbox = runtime.context, runtime.context.toolbox
    context.progress("group and rank", 0, 1)
    with toolbox.database.read() as connection:
        thresholds = toolbox.thresholds(connection)
    with taking(toolbox, "execute_tool detect", "demand") as step:
        step.attributes["evenkeel.snapshot"] = state["snapshot_id"]
        cases = group_findings(state["findings"], state["look"].outlook, thresholds, toolbox.snapshot())
        with toolbox.database.write("evenkeel", toolbox.now()) as transaction:
            triage = open_cases(transaction, cases, state["snapshot_id"])
            keep_found(transaction, step, triage.found)
    context.lap("group")
    return {"cases": list(triage.found), "cleared": len(triage.cleared)}


def plan(state: SweepState, runtime: Runtime[SweepContext]) -> SweepState:
    """Decide all open cases jointly."""
    context, toolbox = runtime.context, runtime.context.toolbox
    context.progress("plan jointly", 0, 1)
    with toolbox.database.read() as connection:
        policy = policy_in_force(connection, at=toolbox.now())
        shortlist = Shortlist(policy, context.gate, kill_switch=switch_is_on(connection, KILL_SWITCH))
        budgets, percent = lane_budgets(toolbox, connection), budget_percent(toolbox, connection)
    with taking(toolbox, "execute_tool plan", "allocation") as step:
        planned = plan_cases(
            toolbox, state["cases"], policy_version=policy.version, drafts=shortlist, lane_budgets=budgets,
            budget_percent=percent,
        )  # fmt: skip
        written = set(planned.proposal_ids)
        with toolbox.database.write("evenkeel", toolbox.now()) as transaction:
            drafts = list_proposals(transaction.connection, EVERYTHING, states=(ProposalState.DRAFT,))
            stubs = [draft for draft in drafts if draft.proposal_id in written]
            keep_planned(transaction, step, planned.plan_run_id, stubs, {case.case_id: case for case in state["cases"]})
    context.lap("plan")
    return {"proposal_ids": list(planned.proposal_ids), "held_back": planned.held_back}


def queue(state: SweepState, runtime: Runtime[SweepContext]) -> SweepState:
    """Explain and rule on every draft, then show what people must decide."""
    context, toolbox = runtime.context, runtime.context.toolbox
    with toolbox.database.read() as connection:
        drafts = list_proposals(connection, EVERYTHING, states=(ProposalState.DRAFT,))
    rank = {case.case_id: place for place, case in enumerate(state["cases"])}
    drafts.sort(key=lambda draft: (rank.get(draft.content.case_id, len(rank)), draft.proposal_id))
    for number, draft in enumerate(drafts, start=1):
        context.work_case(draft.content.case_id, draft.proposal_id)
        context.progress("explain and rule", number, len(drafts))
    with toolbox.database.write("evenkeel", toolbox.now()) as transaction:
        policy = policy_in_force(transaction.connection, at=toolbox.now())
        dispositions = dispose(transaction, state["cases"], policy, state["held_back"])
    context.lap("queue")
    return {"dispositions": dispositions}


def brief(state: SweepState, runtime: Runtime[SweepContext]) -> SweepState:
    """Keep the sweep and its figures."""
    context, toolbox = runtime.context, runtime.context.toolbox
    now, figures = toolbox.now(), state["look"].figures
    what = list(state["dispositions"].values())
    with toolbox.database.write("evenkeel", now) as transaction:
        stocking = stocking_policy_in_force(transaction.connection, at=now)
        segmented = segment_network(transaction.connection, toolbox.snapshot(), state["look"].segments, stocking)
        keep_segments(transaction, state["snapshot_id"], segmented)
        context.lap("segments")
        number = count_sweeps(transaction.connection, EVERYTHING) + 1
        sweep = Sweep(
            sweep_id=short_id("sweep", state["snapshot_id"], now.isoformat(), str(number)),
            snapshot_id=state["snapshot_id"],
            item_sites=figures.item_sites,
            findings=len(state["findings"]),
            found=len(state["cases"]),
            shown=what.count(SHOWN),
            automatic=what.count(AUTOMATIC),
            held_back=len(what) - what.count(SHOWN) - what.count(AUTOMATIC),
            cleared=state["cleared"],
            dispositions=state["dispositions"],
            started_at=now,
            finished_at=now,
            seconds=context.seconds,
        )
        insert_sweep(
            transaction, sweep, kpi_points(sweep, figures, count_open_cases(transaction.connection, EVERYTHING))
        )
        keep_sweep(toolbox, transaction, sweep)
    return {"result": sweep}


def kpi_points(sweep: Sweep, figures: Figures, open_cases_now: int) -> list[KpiPoint]:
    """Figures of a sweep: stock value by site, days of supply, service ahead, money at risk."""
    value = sum(figures.value_at.values()) / MINOR_PER_UNIT
    points = [
        ("inventory_value", "", value),
        ("fill_rate_ahead", "", 1.0 - figures.short / figures.asked if figures.asked > 0 else 1.0),
        ("out_of_stock_share", "", figures.out / figures.item_sites if figures.item_sites else 0.0),
        ("turns", "", 365.0 * figures.cost_of_demand / MILLION / max(value, 1e-9)),
        ("open_cases", "", float(open_cases_now)),
        *(("inventory_value", site, worth / MINOR_PER_UNIT) for site, worth in figures.value_at.items()),
    ]
    return [
        KpiPoint(sweep_id=sweep.sweep_id, name=name, site=site, value=round(figure, 6), at=sweep.finished_at)
        for name, site, figure in points
    ]


@cache
def sweep_graph() -> CompiledStateGraph[SweepState, SweepContext, SweepState, SweepState]:
    """The sweep graph, compiled once: LangGraph reads the byte code of every node for it."""
    graph = StateGraph(SweepState, context_schema=SweepContext)
    graph.add_node("recover", recover)
    graph.add_node("health", health)
    graph.add_node("detect", detect)
    graph.add_node("group", group)
    graph.add_node("plan", plan)
    graph.add_node("queue", queue)
    graph.add_node("brief", brief)
    steps = (START, "recover", "health", "detect", "group", "plan", "queue", "brief", END)
    for start, end in pairwise(steps):
        graph.add_edge(start, end)
    return graph.compile()
