"""The facts that matter for one case, dated: figures per item-site, priced options, and what drove the shortfall."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection

from inventory.ledger_frame import frame_of
from inventory.records import (
    ActionKind,
    Case,
    CaseKind,
    Driver,
    Option,
    PlanRun,
    Proposal,
    ProposalLine,
    Situation,
    SituationFact,
)
from tools.chosen_options import EXPRESS
from tools.detect import cover_days
from tools.lanes import Lane, lane_name
from tools.limits import Limits
from tools.money import penalty_per_unit, to_minor
from tools.needs import Need, donor_losses, spare_units
from tools.option_facts import OptionFacts
from tools.options import DescribedNeed, Offer, PlannedMove, describe_all, offers, offers_for_surplus
from tools.outlook import Outlook
from tools.plan import limits_of_run, needs_of
from tools.rules.in_force import rules_of_run
from tools.targets import Targets
from tools.toolbox import Toolbox

SHORT = (CaseKind.PROJECTED_STOCKOUT, CaseKind.SUPPLIER_DELAY, CaseKind.DEMAND_SHIFT, CaseKind.IMBALANCE)
"""Kinds that have a shortfall to explain."""
SURPLUS = (CaseKind.EXCESS, CaseKind.OBSOLESCENCE)
FULL_DETAIL = 12
"""Item-sites of one case that get a full option table; the rest are listed by their figures."""


def plan_outlook(toolbox: Toolbox, connection: Connection, run: PlanRun) -> Outlook:
    """The outlook a plan run was made on, from its own record: same snapshot, ledger rows and thresholds."""
    return toolbox.outlook_of(
        toolbox.snapshot(run.snapshot_id),
        frame_of(run.ledger),
        list(run.committed_inbound),
        toolbox.thresholds(connection, run.threshold_version),
        Targets.of_records(run.targets),
        rules_of_run(run),
        places=run.places,
        name=run.plan_run_id,
    )


def assemble(toolbox: Toolbox, connection: Connection, case: Case, proposal: Proposal) -> Situation:
    """Facts and drivers of a case, on the data its plan was made on."""
    run = toolbox.plan_run(connection, proposal.content.plan_run_id)
    outlook = plan_outlook(toolbox, connection, run)
    snapshot = toolbox.snapshot(run.snapshot_id)
    facts = []
    for finding in case.findings:
        row = outlook.arrays.row_of.get((finding.item, finding.site))
        facts.append(_fact(outlook, row, finding.item, finding.site) if row is not None else _bare(finding.site))
    return Situation(
        case_id=case.case_id,
        snapshot_id=snapshot.snapshot_id,
        as_of=snapshot.as_of,
        money_at_risk_minor=case.money_at_risk.total,
        facts=tuple(facts),
        drivers=drivers(outlook, case),
    )


def _bare(site: str) -> SituationFact:
    return SituationFact(item="", site=site, measures={})


def _fact(outlook: Outlook, row: int, item: str, site: str) -> SituationFact:
    arrays = outlook.arrays
    figures = {
        "on_hand": arrays.on_hand[row],
        "allocated": arrays.allocated[row],
        "free": arrays.free[row],
        "on_order": outlook.on_order[row],
        "overdue": outlook.overdue[row],
        "demand_per_day": outlook.demand.mean_per_day[row],
        "demand_sd_per_day": outlook.demand.sd_per_day[row],
        "lead_time_mean_days": outlook.lead_time_mean[row],
        "lead_time_sd_days": outlook.lead_time_sd[row],
        "window_days": outlook.window_days[row],
        "reorder_point": outlook.levels.reorder_point[row],
        "order_up_to_level": outlook.levels.order_up_to_level[row],
        "safety_stock": outlook.levels.safety_stock[row],
        "erp_reorder_point": arrays.erp_reorder_point[row],
        "expected_short_units": outlook.short_units(row),
        "days_of_cover": cover_days(outlook, row),
        "history_weeks": outlook.history_weeks[row],
        "service_target": arrays.service_target[row],
        "committed_units": arrays.committed_units[row],
    }
    return SituationFact(
        item=item,
        site=site,
        measures={name: round(float(value), 4) for name, value in figures.items()},
        words={
            "demand_class": outlook_class(outlook, row),
            "item_class": arrays.item_class[row],
            "supplier": arrays.supplier[row],
            "source_site": arrays.source_site[row],
            "customer_tier": arrays.customer_tier[row],
        },
    )


def outlook_class(outlook: Outlook, row: int) -> str:
    """Demand class of a row, in lower case."""
    names = ("smooth", "erratic", "intermittent", "lumpy", "none")
    return names[int(outlook.demand.demand_class[row])]


def drivers(outlook: Outlook, case: Case) -> tuple[Driver, ...]:
    """Why units are short, in units, days of cover and money; the drivers sum to the shortfall.

    Late supply is what would not be short had overdue orders been here; demand above its earlier level is the change of
    the recent weeks over the window, as far as it explains what is left; the rest is stock ordered too little or too
    late.
    """
    if case.kind not in SHORT:
        return ()
    late = risen = rest = late_money = risen_money = rest_money = mean = 0.0
    for finding in case.findings:
        row = outlook.arrays.row_of.get((finding.item, finding.site))
        if row is None:
            continue
        short, window = outlook.short_units(row), int(outlook.window_days[row])
        by_delay = min(max(short - outlook.short_units_on_time(row), 0.0), short)
        change = float(outlook.shift.recent_mean_per_period[row] - outlook.shift.baseline_mean_per_period[row])
        by_demand = min(max(change, 0.0) / 7.0 * window, short - by_delay)
        value = penalty_per_unit(outlook, row)
        left = short - by_delay - by_demand
        late, risen, rest = late + by_delay, risen + by_demand, rest + left
        late_money, risen_money = late_money + by_delay * value, risen_money + by_demand * value
        rest_money += left * value
        mean += float(outlook.demand.mean_per_day[row])
    parts = (
        ("late_supply", late, late_money),
        ("higher_demand", risen, risen_money),
        ("too_little_ordered", rest, rest_money),
    )
    return tuple(
        Driver(
            name=name,
            units=round(units, 3),
            days_of_cover=round(units / mean, 2) if mean > 0 else 0.0,
            money_minor=to_minor(money),
        )
        for name, units, money in parts
        if units > 0
    )


def rank_options(toolbox: Toolbox, connection: Connection, case: Case, proposal: Proposal) -> tuple[Option, ...]:
    """The priced options of every item-site of a case, chosen first; other cases' reservations stay fixed."""
    run = toolbox.plan_run(connection, proposal.content.plan_run_id)
    outlook = plan_outlook(toolbox, connection, run)
    thresholds = toolbox.thresholds(connection, run.threshold_version)
    tables = describe_all(
        outlook,
        described_needs(toolbox, connection, case, proposal),
        minimum_net_benefit=run.parameters["minimum_net_benefit"],
        seed=run.seed,
        draws=int(thresholds.value("planning", "confidence_draws")),
    )
    return tuple(option for table in tables for option in table) or (_only_option(outlook, case, proposal),)


def described_needs(toolbox: Toolbox, connection: Connection, case: Case, proposal: Proposal) -> list[DescribedNeed]:
    """What is offered for every need of a case in the world of its plan, and what the proposal chose."""
    run = toolbox.plan_run(connection, proposal.content.plan_run_id)
    outlook = plan_outlook(toolbox, connection, run)
    thresholds = toolbox.thresholds(connection, run.threshold_version)
    snapshot = toolbox.snapshot(run.snapshot_id)
    facts = toolbox.option_facts(snapshot)
    if case.kind in SURPLUS:
        rows = [outlook.arrays.row_of.get((finding.item, finding.site)) for finding in case.findings]
        surplus = [row for row in rows if row is not None][:FULL_DETAIL]
        return [_settled(outlook, row, proposal, facts) for row in surplus]
    lanes = toolbox.lanes(snapshot)
    needs = needs_of(case, outlook, thresholds)[:FULL_DETAIL]
    left = _room_left(toolbox, run)
    return [_decided(outlook, need, proposal, lanes, facts, left) for need in needs]


def _room_left(toolbox: Toolbox, run: PlanRun) -> Limits:
    """What the lines of a plan left of what lanes share."""
    if run.plan_run_id not in toolbox.room_left:
        moves = (line.line for line in run.lines if line.line.action is ActionKind.TRANSFER)
        sent = ((lane_name(move.origin, move.destination, move.mode), move.quantity) for move in moves)
        toolbox.room_left = {run.plan_run_id: limits_of_run(toolbox, run).after(sent)}
    return toolbox.room_left[run.plan_run_id]


def _settled(outlook: Outlook, row: int, proposal: Proposal, facts: OptionFacts) -> DescribedNeed:
    """The surplus as the proposal's lines settle it."""
    table = offers_for_surplus(outlook, row, facts)
    mine = _lines_at(proposal, outlook.arrays.items[row], outlook.arrays.sites[row])
    return DescribedNeed(row, tuple(table), (), _offer_of(table, mine))


def _lines_at(proposal: Proposal, item: str, site: str) -> list[ProposalLine]:
    return [line for line in proposal.content.lines if line.item == item and line.destination == site and line.quantity]


def _offer_of(table: Sequence[Offer], mine: Sequence[ProposalLine]) -> int:
    """Which offer some lines carry out, told by its kind and then by its source; hold, which comes first, for none."""
    if not mine:
        return 0
    first = mine[0]
    kind = first.action
    if {line.action for line in mine} >= {ActionKind.TRANSFER, ActionKind.PURCHASE}:
        kind = ActionKind.TRANSFER_AND_PURCHASE
    elif kind is ActionKind.PURCHASE and first.mode == EXPRESS:
        kind = ActionKind.EXPEDITE
    source = first.mode if kind is ActionKind.SUBSTITUTE else first.origin or first.supplier
    of_kind = [at for at, offer in enumerate(table) if offer.action is kind and offer.feasible]
    if kind is ActionKind.EXPEDITE:  # of an open order, or a new one
        of_kind = [at for at in of_kind if (table[at].replaces >= 0) is bool(first.order_id)]
    of_kind = of_kind or [at for at, offer in enumerate(table) if offer.action is first.action]
    return next((at for at in of_kind if table[at].source == source), of_kind[0] if of_kind else 0)


def _decided(
    outlook: Outlook,
    need: Need,
    proposal: Proposal,
    lanes: dict[str, tuple[Lane, ...]],
    facts: OptionFacts,
    left: Limits,
) -> DescribedNeed:
    """The need as the proposal's lines settle it; what giving costs the donor is priced as in the plan."""
    arrays = outlook.arrays
    item, site = arrays.items[need.row], arrays.sites[need.row]
    ways = lanes.get(site, ())
    mine = _lines_at(proposal, item, site)

    def move(lane: Lane, units: int) -> PlannedMove:
        donor = arrays.row_of[(item, lane.origin)]
        at, spare, given = (np.array([value]) for value in (donor, spare_units(outlook, donor), units))
        return PlannedMove(lane, units, donor, float(donor_losses(outlook, at, spare, given)[0]))

    moves = tuple(
        move(lane, line.quantity)
        for line in mine
        for lane in ways
        if line.action is ActionKind.TRANSFER and (lane.origin, lane.mode) == (line.origin, line.mode)
    )
    full = {lane.name: left.stops(lane) for lane in ways}
    table = tuple(offers(outlook, need.row, moves, ways, need.relief_per_unit, facts, full))
    return DescribedNeed(need.row, table, moves, _offer_of(table, mine))


def _only_option(outlook: Outlook, case: Case, proposal: Proposal) -> Option:
    """Hold or correction, where mathematics moves nothing."""
    finding = case.findings[0]
    row = outlook.arrays.row_of.get((finding.item, finding.site))
    weeks = float(outlook.history_weeks[row]) if row is not None else 0.0
    return Option(
        action=proposal.content.action,
        item=finding.item or "none",
        site=finding.site,
        quantity=0,
        cost_minor=0,
        shortage_avoided_units=0.0,
        shortage_avoided_minor=0,
        service_after=1.0,
        expected_leftover_units=finding.measures.get("expected_leftover_units", 0.0),
        net_value_minor=0,
        confidence=round(min(0.7 + 0.3 * weeks / 78.0, 1.0), 3),
        chosen=True,
        binding_constraint="no other site needs the units" if case.kind is CaseKind.EXCESS else "",
        flip_point="demand must rise until the stock is sold in time" if case.kind is CaseKind.EXCESS else "",
        note=finding.note,
    )
