"""A form becomes a draft when a person submits it: from then on it is a proposal like any other, ruled by the gate.

Until then it is nothing but words: nothing is stored, nothing reserved. Submitting computes the form again, as the
person who submits may see the data; only the same form is taken. Whoever submits it has asked for it, and may not
sign it.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from agent.deciding.editing import take
from agent.errors import DecisionRefusedError
from agent.ruling import policy_in_force
from inventory.cases import cases_at, insert_cases
from inventory.database import Transaction
from inventory.ledger_frame import ledger_frame_at, rows_of
from inventory.people import NEVER_SIGN, find_user
from inventory.proposals import count_plan_runs, insert_plan_run, insert_proposal, list_proposals, next_version
from inventory.record import digest, short_id
from inventory.records import (
    EVERYTHING,
    ActionKind,
    Case,
    CaseKind,
    Finding,
    PlanRun,
    Proposal,
    ProposalContent,
    ProposalState,
    User,
)
from tools.arrays import frame_of_places
from tools.capabilities.answer import SuggestedForm
from tools.capabilities.arguments import PrefillProposal
from tools.capabilities.forms import form_for, suggestion
from tools.capabilities.registry import Asking, refuse_foreign_sites
from tools.capabilities.telling import look_at
from tools.errors import StaleFactsError
from tools.money import shortage_risk
from tools.outlook import Outlook
from tools.plan import LIVE, SITE_LIMITS, STUB_LIFETIME, plan_parameters
from tools.planning import solve_needs
from tools.rules.in_force import on_record
from tools.targets import Targets
from tools.toolbox import Toolbox, committed_lines

ASKED = "asked"
"""Cause of a case that a person's own form opened."""
TROUBLE: dict[ActionKind, CaseKind] = {
    ActionKind.PUSH_OUT: CaseKind.EXCESS,
    ActionKind.CANCEL: CaseKind.EXCESS,
    ActionKind.COUNT_REQUEST: CaseKind.DATA_PROBLEM,
}
"""What a form is about where nothing is short."""
LEAST_DIGITS = 8
"""Characters of a form's digest that name it."""


def submit_suggestion(toolbox: Toolbox, asked: PrefillProposal, form_digest: str, user: User) -> Proposal:
    """Make the form a draft, with its case where there is none, and hold what it takes; the gate rules on it next.

    Parameters
    ----------
    form_digest
        The digest the person saw, or its beginning.

    Raises
    ------
    DecisionRefusedError
        If the person may ask for nothing, or a proposal about the place is being decided already.
    StaleFactsError
        If the form would be another one by now; the message names its digest.
    NotEnoughStockError, NotEnoughCapacityError
        If somebody else took what it needs.
    """
    with toolbox.database.write(user.user_id, toolbox.now()) as transaction:
        connection = transaction.connection
        asking = Asking(toolbox, connection, _entitled(connection, user))
        refuse_foreign_sites(asking.scope, asked)
        form = _as_seen(asking, asked, form_digest)
        outlook, row = look_at(asking, asked.item, asked.site)
        case = _case(transaction, asking, form, outlook, row)
        run = _plan_run(toolbox, connection, case, form)
        proposal = _draft(transaction, case, form, run)
        insert_plan_run(transaction, run)
        insert_proposal(transaction, proposal)
        take(toolbox, transaction, proposal)
    return proposal


def _entitled(connection: Connection, user: User) -> User:
    """The person as stored now; who is locked out or never signs submits nothing either."""
    known = find_user(connection, EVERYTHING, user.user_id)
    if not known.active:
        raise DecisionRefusedError(f"{known.user_id} is not active")
    barred = sorted(set(known.roles) & set(NEVER_SIGN))
    if barred or not known.roles:
        raise DecisionRefusedError(
            f"{known.user_id} holds the role {barred[0] if barred else 'none'}, which proposes nothing"
        )
    return known


def _as_seen(asking: Asking, asked: PrefillProposal, form_digest: str) -> SuggestedForm:
    made = form_for(asking, asked)
    if not made.lines:
        raise StaleFactsError(f"{asked.action.value} of {asked.item} for {asked.site}: {made.why_none}")
    form = suggestion(asking, asked, made)
    now = digest(form)
    if len(form_digest) < LEAST_DIGITS or not now.startswith(form_digest):
        units = sum(line.quantity for line in made.lines)
        raise StaleFactsError(
            f"form {form_digest[:12]} is not what would be filled in now: "
            f"that is {now[:12]}, {units} units of {asked.item}"
        )
    return form


def _case(transaction: Transaction, asking: Asking, form: SuggestedForm, outlook: Outlook, row: int) -> Case:
    """The open case at the place that nobody proposes anything for, else a new one."""
    connection, asked = transaction.connection, form.asked
    for known in cases_at(connection, EVERYTHING, asked.item, asked.site):
        live = list_proposals(connection, EVERYTHING, states=LIVE, case_id=known.case.case_id)
        if live:
            raise DecisionRefusedError(
                f"proposal {live[-1].proposal_id} about {asked.item} at {asked.site} is {live[-1].state.value}: "
                "decide or edit it instead"
            )
        if known.case.scope == f"{asked.item}@{asked.site}":
            return known.case
    case = _new_case(transaction, asking, form, outlook, row)
    insert_cases(transaction, [case])
    return case


def _new_case(transaction: Transaction, asking: Asking, form: SuggestedForm, outlook: Outlook, row: int) -> Case:
    asked, arrays = form.asked, outlook.arrays
    kind, scope = TROUBLE.get(asked.action, CaseKind.PROJECTED_STOCKOUT), f"{asked.item}@{asked.site}"
    bites_on = arrays.today + timedelta(days=int(outlook.worst_day[row]))
    thresholds = asking.toolbox.thresholds(transaction.connection)
    return Case(
        case_id=short_id("case", kind.value, scope, ASKED, transaction.now.isoformat()),
        kind=kind,
        scope=scope,
        cause=ASKED,
        findings=(
            Finding(
                kind=kind, item=asked.item, site=asked.site, cause=ASKED, bites_on=bites_on,
                quantity=_units_in_trouble(kind, outlook, row), threshold=ASKED, threshold_value=0.0,
                threshold_version=thresholds.version, measures={"expected_short_units": outlook.short_units(row)},
                note=f"{asking.user.user_id} asked for it",
            ),
        ),
        item_classes=(arrays.item_class[row],),
        money_at_risk=shortage_risk(outlook, row, outlook.short_units(row)),
        bites_on=bites_on,
        planner=arrays.planner[row],
        opened_on=transaction.now.date(),
        snapshot_id=form.snapshot_id,
    )  # fmt: skip


def _units_in_trouble(kind: CaseKind, outlook: Outlook, row: int) -> int:
    """What is short there, or left over, by the forward look: not what the person asks for."""
    left = kind is CaseKind.EXCESS
    return round(float(outlook.excess.expected_leftover[row]) if left else outlook.short_units(row))


def _plan_run(toolbox: Toolbox, connection: Connection, case: Case, form: SuggestedForm) -> PlanRun:
    """The data the form rests on, on record: a plan that decided nothing by itself, for a person asked."""
    asked, snapshot = form.asked, toolbox.snapshot()
    lanes, thresholds = toolbox.lanes(snapshot), toolbox.thresholds(connection)
    donors = {(asked.item, lane.origin) for lane in lanes.get(asked.site, ())}
    planned = set(snapshot.of_items({asked.item}).table("item_sites").select("item", "site").iter_rows())
    places = tuple(sorted((donors & planned) | {(asked.item, asked.site)}))
    committed = committed_lines(connection, snapshot)
    targets = Targets.in_force(connection, items=[asked.item])
    parameters = plan_parameters(toolbox, thresholds)
    ledger = ledger_frame_at(connection, EVERYTHING, places)
    outlook = toolbox.outlook_of(
        snapshot, ledger, committed, thresholds, targets, toolbox.rules(connection), places=places
    )
    number = str(count_plan_runs(connection))
    return PlanRun(
        plan_run_id=short_id("plan", snapshot.snapshot_id, toolbox.now().isoformat(), digest(form), number),
        snapshot_id=snapshot.snapshot_id,
        policy_version=policy_in_force(connection, at=toolbox.now()).version,
        threshold_version=thresholds.version,
        case_ids=(case.case_id,),
        places=places,
        ledger=tuple(rows_of(ledger)),
        committed_inbound=tuple(committed),
        needs=(),
        targets=targets.records(frame_of_places(places)),
        rules=on_record(outlook.arrays.rules.used()),
        parameters={
            "minimum_net_benefit": parameters.minimum_net_benefit,
            "node_limit": float(parameters.node_limit),
            SITE_LIMITS: 1.0,
        },
        seed=toolbox.seed,
        solver_path=solve_needs(outlook, [], lanes, parameters).solver_path,
        objective=0.0,
        lines=(),
        at=toolbox.now(),
    )


def _draft(transaction: Transaction, case: Case, form: SuggestedForm, run: PlanRun) -> Proposal:
    version = next_version(transaction.connection, EVERYTHING, case.case_id)
    content = ProposalContent(
        case_id=case.case_id,
        version=version,
        action=form.asked.action,
        lines=form.lines,
        value_minor=form.value_minor,
        currency=form.currency,
        snapshot_id=form.snapshot_id,
        plan_run_id=run.plan_run_id,
        policy_version=run.policy_version,
    )
    return Proposal(
        proposal_id=short_id("prop", case.case_id, str(version)),
        content=content,
        state=ProposalState.DRAFT,
        state_version=1,
        tier=None,
        requested_by=transaction.actor,
        created_at=transaction.now,
        expires_at=transaction.now + STUB_LIFETIME,
    )
