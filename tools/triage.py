"""Findings become cases: one open case per identity, grouped by cause, closed when the trouble is gone, ranked.

Identity is kind, scope and cause. Findings one late supplier explains are one case about the supplier; the rest are
about their item-site. A case not found in two snapshots running is closed as ``cleared``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from inventory.cases import CaseRow, insert_cases, miss_case, open_by_identity, refresh_cases, set_case_state
from inventory.database import Transaction
from inventory.ledger import release
from inventory.lifecycle import move
from inventory.proposals import list_proposals
from inventory.record import short_id
from inventory.records import (
    EVERYTHING,
    Case,
    CaseKind,
    CaseState,
    Finding,
    MoneyAtRisk,
    ProposalState,
)
from inventory.snapshots import Snapshot
from tools.health import EVERYWHERE
from tools.money import add_up, excess_risk, imbalance_risk, shortage_risk, to_minor
from tools.outlook import Outlook
from tools.thresholds import Thresholds

MISSES_UNTIL_CLEARED = 2
CLEARABLE = (CaseState.OPEN, CaseState.WAITING)
"""A case that is being executed stays open until its receipt; what the replenishment run opened, it closes itself."""


@dataclass(frozen=True)
class Triage:
    """Cases after one look: those found, and those closed because their trouble is gone."""

    found: tuple[Case, ...]
    cleared: tuple[str, ...]


def group_findings(
    findings: Sequence[Finding], outlook: Outlook, thresholds: Thresholds, snapshot: Snapshot
) -> list[Case]:
    """Cases of the findings, most money at risk first, then by identity; ids are given by :func:`open_cases`."""
    groups: dict[tuple[CaseKind, str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[(finding.kind, scope_of_finding(finding), finding.cause)].append(finding)
    planners = _planners(snapshot)
    cases = [
        _case(kind, scope, cause, members, outlook, thresholds, snapshot.snapshot_id, planners)
        for (kind, scope, cause), members in groups.items()
    ]
    return sorted(cases, key=lambda case: (-case.money_at_risk.total, case.kind, case.scope, case.cause))


def scope_of_finding(finding: Finding) -> str:
    """What the case is about: the supplier where the cause names one, else the item-site, else the site."""
    if finding.supplier:
        return finding.supplier
    return f"{finding.item}@{finding.site}" if finding.item else finding.site


def _case(
    kind: CaseKind,
    scope: str,
    cause: str,
    findings: list[Finding],
    outlook: Outlook,
    thresholds: Thresholds,
    snapshot_id: str,
    planners: dict[str, str],
) -> Case:
    money = {id(finding): money_of(finding, outlook, thresholds) for finding in findings}
    ranked = sorted(findings, key=lambda f: (-money[id(f)].total, f.item, f.site))
    return Case(
        case_id=short_id("case", kind.value, scope, cause),
        kind=kind,
        scope=scope,
        cause=cause,
        findings=tuple(ranked),
        item_classes=tuple(_item_class(outlook, finding) for finding in ranked),
        money_at_risk=add_up(money.values()),
        bites_on=min(finding.bites_on for finding in findings),
        planner=_planner(ranked[0], outlook, planners),
        opened_on=outlook.arrays.today,
        snapshot_id=snapshot_id,
    )


def money_of(finding: Finding, outlook: Outlook, thresholds: Thresholds) -> MoneyAtRisk:
    """Money one finding puts at risk, in its shares."""
    row = outlook.arrays.row_of.get((finding.item, finding.site))
    if finding.kind is CaseKind.DATA_PROBLEM:
        return MoneyAtRisk(margin=to_minor(finding.measures.get("mismatch_cost", 0.0)))
    if finding.kind is CaseKind.POLICY_INCONSISTENCY:
        return MoneyAtRisk(excess_carrying=to_minor(finding.measures.get("cost_per_year", 0.0)))
    if finding.kind is CaseKind.OBSOLESCENCE:
        return MoneyAtRisk(excess_carrying=to_minor(finding.measures.get("leftover_cost", 0.0)))
    if row is None:
        return MoneyAtRisk()
    if finding.kind is CaseKind.EXCESS:
        return excess_risk(
            outlook,
            row,
            thresholds.value("excess", "horizon_days"),
            thresholds.value("planning", "excess_write_off_share"),
        )
    if finding.kind is CaseKind.IMBALANCE:
        return imbalance_risk(outlook, row, finding.measures.get("movable_units", 0.0), thresholds)
    return shortage_risk(outlook, row, outlook.short_units(row))


def _item_class(outlook: Outlook, finding: Finding) -> str:
    row = outlook.arrays.row_of.get((finding.item, finding.site))
    return outlook.arrays.item_class[row] if row is not None else "standard"


def _planners(snapshot: Snapshot) -> dict[str, str]:
    """The planner who plans most items of each site, and of all sites together."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    planned = snapshot.table("item_sites").group_by("site", pl.col("planner").fill_null("")).len()
    for site, planner, count in planned.iter_rows():
        counts[site][planner] += count
        counts[EVERYWHERE][planner] += count
    return {site: min(count, key=lambda planner: (-count[planner], planner)) for site, count in counts.items()}


def _planner(finding: Finding, outlook: Outlook, planners: dict[str, str]) -> str:
    row = outlook.arrays.row_of.get((finding.item, finding.site))
    return outlook.arrays.planner[row] if row is not None else planners.get(finding.site, "")


def open_cases(transaction: Transaction, cases: list[Case], snapshot_id: str) -> Triage:
    """Open new cases, refresh those found again, and close those whose trouble is gone."""
    known = open_by_identity(transaction.connection, EVERYTHING)
    found: list[Case] = []
    fresh: list[Case] = []
    again: list[tuple[CaseRow, Case]] = []
    for case in cases:
        row = known.get((case.kind, case.scope, case.cause))
        if row is None:
            case_id = short_id("case", case.kind.value, case.scope, case.cause, snapshot_id)
            case = case.model_copy(update={"case_id": case_id})
            fresh.append(case)
        else:
            case = case.model_copy(update={"case_id": row.case.case_id, "opened_on": row.case.opened_on})
            again.append((row, case))
        found.append(case)
    insert_cases(transaction, fresh)
    refresh_cases(transaction, again)
    seen = {case.case_id for case in found}
    cleared = [
        row.case.case_id
        for row in known.values()
        if row.case.kind is not CaseKind.REPLENISHMENT
        and row.state in CLEARABLE
        and row.case.case_id not in seen
        and _cleared(transaction, row, snapshot_id)
    ]
    return Triage(tuple(found), tuple(cleared))


def _cleared(transaction: Transaction, row: CaseRow, snapshot_id: str) -> bool:
    """Count a miss; at the second, close the case and void what was proposed, unless somebody let it sleep.

    A snoozed case that was closed would be opened anew, and shown, when its trouble is found again.
    """
    if miss_case(transaction, row, snapshot_id) < MISSES_UNTIL_CLEARED:
        return False
    case_id = row.case.case_id
    if list_proposals(transaction.connection, EVERYTHING, states=(ProposalState.SNOOZED,), case_id=case_id):
        return False
    live = (ProposalState.DRAFT, ProposalState.PENDING)
    for proposal in list_proposals(transaction.connection, EVERYTHING, states=live, case_id=case_id):
        move(transaction, proposal, ProposalState.VOID, reason="the trouble is gone")
        release(transaction, proposal.proposal_id)
    set_case_state(transaction, case_id, CaseState.CLOSED, "cleared")
    return True
