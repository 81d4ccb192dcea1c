"""The daily brief: what stands, what waits for whom, what ran by itself, and how sound the data is.

Everything in it is read from the store under the reader's scope; the same store at the same moment gives the same
brief. Rendering is in :mod:`service.brief_text` and :mod:`service.brief_html`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from agent.case_views import (
    SweepCounts,
    action_words,
    best_proposals,
    held_back_reason,
    owner_words,
    sweep_counts,
    where_words,
)
from agent.gate_facts import Place
from agent.policy_book import PolicyBook, load_book
from agent.policy_calibration import calibration_in_force
from agent.policy_document import ApprovalPolicy
from agent.policy_levels import MoveLevels, move_levels
from agent.rights_tasks import task_desk
from inventory.cases import CaseRow, list_cases
from inventory.chronicle import (
    KILL_SWITCH,
    list_feed_health,
    list_kpi_points,
    list_outcomes,
    list_overrides,
    list_sweeps,
    switch_is_on,
)
from inventory.doubts import alarms as execution_alarms
from inventory.proposals import list_proposals
from inventory.questions import open_questions
from inventory.record import Record
from inventory.records import (
    ActionKind,
    Case,
    CaseKind,
    CaseState,
    FeedHealth,
    KpiPoint,
    Override,
    Proposal,
    ProposalState,
    Scope,
    SegmentChange,
    Tier,
)
from inventory.rulebook import find_policy
from inventory.segments import count_segment_changes, list_segment_changes
from tools.thrash import WINDOW, Nervousness, nervousness

TOP = 5
LISTED_CHANGES = 10
"""Changes of segment that are listed; the others are counted."""
DAY = timedelta(days=1)
ENDED = (ProposalState.APPROVED, ProposalState.LEASED, ProposalState.SENT, ProposalState.EXECUTED,
         ProposalState.FAILED, ProposalState.IN_DOUBT, ProposalState.INCIDENT, ProposalState.RECALLED)  # fmt: skip
"""States an automatic proposal passes once it has been approved by policy."""
STILL_OPEN = (ProposalState.PENDING, ProposalState.SNOOZED, ProposalState.APPROVED)
"""States of a proposal about which an answer still matters."""
UNSOUND = 1.0
"""A feed below this score is named."""


class TopCase(Record):
    """One of the cases that matter most."""

    case_id: str
    kind: CaseKind
    where: str
    bites_on: date
    money_at_risk_minor: int
    action: str
    tier: Tier | None
    state: str
    owner: str
    """Who must act, in words; empty when nobody has to."""
    decide_by: datetime | None


class Waiting(Record):
    """Proposals of one tier that wait for a person."""

    tier: Tier
    proposals: int
    value_minor: int
    oldest_hours: float
    next_expiry: datetime
    who: tuple[str, ...]
    """Whose task they are, in words."""


class Automatic(Record):
    """Something policy approved in the last day."""

    proposal_id: str
    case_id: str
    action: str
    value_minor: int
    state: ProposalState
    recall_until: datetime | None
    """While this lies ahead it can be taken back."""


class OpenQuestion(Record):
    """A question about a proposal that nobody has answered."""

    question_id: str
    proposal_id: str
    asked_by: str
    asked_of: str
    text: str
    hours: float
    """How long it has waited."""


class SupplierWatch(Record):
    """A supplier whose deliveries got worse."""

    supplier: str
    case_id: str
    lines: int
    money_at_risk_minor: int
    note: str


class SiteHealth(Record):
    """A site whose data is not sound, and what that does to its autonomy."""

    site: str
    score: float
    problems: tuple[str, ...]
    autonomy: str
    """``unchanged``, ``a planner decides`` or ``advice only``."""


class KpiFigure(Record):
    """The newest value of one figure, and the one before."""

    name: str
    site: str
    value: float
    before: float | None


class HeldBack(Record):
    """Cases held back for one reason."""

    reason: str
    cases: tuple[str, ...]
    money_at_risk_minor: int


class RiskShare(Record):
    """Money at risk in the open cases of one kind."""

    kind: CaseKind
    cases: int
    money_at_risk_minor: int


class Brief(Record):
    """One page for the start of the day."""

    reader: str
    at: datetime
    data_as_of: datetime | None
    currency: str
    kill_switch: bool
    alarms: tuple[str, ...]
    """What the keeping of the log needs a person for, in words."""
    counts: SweepCounts | None
    open_cases: int
    new_cases: int
    closed_cases: int
    money_at_risk_minor: int
    risk_by_kind: tuple[RiskShare, ...]
    """Most money first."""
    needs_decision: int
    first_deadline: datetime | None
    top: tuple[TopCase, ...]
    waiting: tuple[Waiting, ...]
    questions: tuple[OpenQuestion, ...]
    """Those to the reader first, then the oldest first; about proposals that may still be decided."""
    automatic: tuple[Automatic, ...]
    """What moves something; holds are counted below."""
    automatic_holds: int
    levels: MoveLevels
    """Moves of the last 28 days: how many were automatic, and what other confidences would have given."""
    suppliers: tuple[SupplierWatch, ...]
    segment_changes: tuple[SegmentChange, ...]
    """Item-sites in another segment than in the snapshot before, most valuable first."""
    segments_changed: int
    """How many there are, listed or not."""
    sites: tuple[SiteHealth, ...]
    overrides: tuple[Override, ...]
    judged_outcomes: int
    open_outcomes: int
    kpis: tuple[KpiFigure, ...]
    nervousness: Nervousness
    """How often plans took back what they said."""
    held_back: tuple[HeldBack, ...]


def make_brief(
    connection: Connection, scope: Scope, now: datetime, data_as_of: datetime | None, *, alarms: Sequence[str] = ()
) -> Brief:
    """The brief of a reader at a moment.

    Parameters
    ----------
    now
        Aware; "new" and "closed" look one day back from here.
    data_as_of
        Moment the current snapshot is complete up to; ``None`` before the first.
    alarms
        What cannot be read from the store but belongs on the page: heads not delivered.
    """
    rows = list_cases(connection, scope)
    closed = list_cases(connection, scope, states=(CaseState.CLOSED,))
    newest = next(iter(list_sweeps(connection, scope, limit=1)), None)
    best = best_proposals(connection, scope)
    dispositions = newest.dispositions if newest else {}
    pending = [proposal for proposal in best.values() if proposal.state is ProposalState.PENDING]
    desk = task_desk(connection, now)
    owners = {row.case.case_id: owner_words(desk, row, best.get(row.case.case_id)) for row in rows}
    book = load_book(find_policy(connection, scope, "approval", at=now).content)
    outcomes = list_outcomes(connection, scope)
    by_itself = [
        proposal
        for proposal in list_proposals(connection, scope, states=ENDED)
        if proposal.tier is Tier.AUTO and proposal.created_at > now - DAY
    ]
    return Brief(
        reader=scope.user,
        at=now,
        data_as_of=data_as_of,
        currency=book.enterprise.currency,
        kill_switch=switch_is_on(connection, KILL_SWITCH),
        alarms=(*alarms, *execution_alarms(connection, scope, now)),
        counts=sweep_counts(newest, scope) if newest else None,
        open_cases=len(rows),
        new_cases=sum(1 for row in rows if row.case.opened_on > (now - DAY).date()),
        closed_cases=sum(1 for row in closed if row.updated_at > now - DAY),
        money_at_risk_minor=sum(row.case.money_at_risk.total for row in rows),
        risk_by_kind=_risk_by_kind(row.case for row in rows),
        needs_decision=len(pending),
        first_deadline=min((proposal.expires_at for proposal in pending), default=None),
        top=tuple(_top(row, best.get(row.case.case_id), owners[row.case.case_id]) for row in rows[:TOP]),
        waiting=_waiting(pending, now, owners),
        questions=_questions(connection, scope, now),
        automatic=tuple(_automatic(proposal, now) for proposal in by_itself if not _is_hold(proposal)),
        levels=move_levels(connection, book, calibration_in_force(connection, now), scope=scope, since=now - WINDOW),
        automatic_holds=sum(1 for proposal in by_itself if _is_hold(proposal)),
        suppliers=_suppliers(row.case for row in rows),
        segment_changes=tuple(
            list_segment_changes(connection, scope, newest.snapshot_id, limit=LISTED_CHANGES) if newest else ()
        ),
        segments_changed=count_segment_changes(connection, scope, newest.snapshot_id) if newest else 0,
        sites=_sites(list_feed_health(connection, scope, newest.snapshot_id), book) if newest else (),
        overrides=tuple(override for override in list_overrides(connection, scope) if override.at > now - DAY),
        judged_outcomes=sum(1 for outcome in outcomes if outcome.state == "observed"),
        open_outcomes=sum(1 for outcome in outcomes if outcome.state == "open"),
        kpis=_kpis(list_kpi_points(connection, scope)),
        nervousness=nervousness(list_proposals(connection, scope), now),
        held_back=_held_back(rows, dispositions),
    )


def _top(row: CaseRow, proposal: Proposal | None, owner: str) -> TopCase:
    return TopCase(
        case_id=row.case.case_id,
        kind=row.case.kind,
        where=where_words(row.case),
        bites_on=row.case.bites_on,
        money_at_risk_minor=row.case.money_at_risk.total,
        action=action_words(proposal.content) if proposal else "",
        tier=proposal.tier if proposal else None,
        state=(proposal.state.value if proposal else row.state.value).replace("_", " "),
        owner=owner,
        decide_by=proposal.expires_at if proposal and proposal.state is ProposalState.PENDING else None,
    )


def _risk_by_kind(cases: Iterable[Case]) -> tuple[RiskShare, ...]:
    by_kind: dict[CaseKind, list[int]] = defaultdict(list)
    for case in cases:
        by_kind[case.kind].append(case.money_at_risk.total)
    shares = [RiskShare(kind=kind, cases=len(r), money_at_risk_minor=sum(r)) for kind, r in by_kind.items()]
    return tuple(sorted(shares, key=lambda share: (-share.money_at_risk_minor, share.kind)))


def _waiting(pending: Iterable[Proposal], now: datetime, owners: Mapping[str, str]) -> tuple[Waiting, ...]:
    by_tier: dict[Tier, list[Proposal]] = defaultdict(list)
    for proposal in pending:
        if proposal.tier is not None:
            by_tier[proposal.tier].append(proposal)
    return tuple(
        Waiting(
            tier=tier,
            proposals=len(found),
            value_minor=sum(proposal.content.value_minor for proposal in found),
            oldest_hours=max((now - proposal.created_at) / timedelta(hours=1) for proposal in found),
            next_expiry=min(proposal.expires_at for proposal in found),
            who=tuple(sorted({owners[case] for proposal in found if owners.get(case := proposal.content.case_id)})),
        )
        for tier, found in sorted(by_tier.items(), key=lambda pair: pair[0].strictness)
    )


def _questions(connection: Connection, scope: Scope, now: datetime) -> tuple[OpenQuestion, ...]:
    """Open questions about what may still be decided; one about a proposal that ended is of no use any more."""
    return tuple(
        OpenQuestion(
            question_id=question.question_id,
            proposal_id=question.proposal_id,
            asked_by=question.asked_by,
            asked_of=question.asked_of,
            text=question.text,
            hours=(now - question.asked_at) / timedelta(hours=1),
        )
        for question in sorted(
            open_questions(connection, scope, about=STILL_OPEN), key=lambda question: question.asked_of != scope.user
        )
    )


def _is_hold(proposal: Proposal) -> bool:
    return proposal.content.action is ActionKind.HOLD


def _automatic(proposal: Proposal, now: datetime) -> Automatic:
    return Automatic(
        proposal_id=proposal.proposal_id,
        case_id=proposal.content.case_id,
        action=action_words(proposal.content),
        value_minor=proposal.content.value_minor,
        state=proposal.state,
        recall_until=proposal.not_before if proposal.not_before and proposal.not_before > now else None,
    )


def _suppliers(cases: Iterable[Case]) -> tuple[SupplierWatch, ...]:
    return tuple(
        SupplierWatch(
            supplier=case.scope,
            case_id=case.case_id,
            lines=len(case.findings),
            money_at_risk_minor=case.money_at_risk.total,
            note=_lateness(case),
        )
        for case in cases
        if case.kind is CaseKind.SUPPLIER_DELAY
    )


def _lateness(case: Case) -> str:
    """How late a supplier's open lines are, from what was found."""
    late = [finding.measures.get("days_late", 0.0) for finding in case.findings]
    units = sum(finding.quantity for finding in case.findings)
    return f"{units:,} units open, up to {max(late):.0f} days past the promise" if late else case.cause


def _sites(feeds: Iterable[FeedHealth], book: PolicyBook) -> tuple[SiteHealth, ...]:
    by_site: dict[str, list[FeedHealth]] = defaultdict(list)
    for feed in feeds:
        if feed.score < UNSOUND or feed.problems:
            by_site[feed.site].append(feed)
    return tuple(
        SiteHealth(
            site=site,
            score=min(feed.score for feed in found),
            problems=tuple(f"{feed.feed}: {problem}" for feed in found for problem in feed.problems),
            autonomy=_autonomy(
                min(feed.score for feed in found),
                max(feed.age_hours for feed in found),
                book.at(Place(site=site)),
            ),
        )
        for site, found in sorted(by_site.items())
    )


def _autonomy(score: float, age_hours: float, policy: ApprovalPolicy) -> str:
    """What the gate still lets happen at a site with this health and this age of its oldest feed."""
    if score < policy.site_health.advice_below or age_hours > policy.snapshot_age_hours.advice_above:
        return "advice only"
    if score < policy.site_health.planner_below or age_hours > policy.snapshot_age_hours.planner_above:
        return "a planner decides"
    return "unchanged"


def _kpis(points: Sequence[KpiPoint]) -> tuple[KpiFigure, ...]:
    series: dict[tuple[str, str], list[KpiPoint]] = defaultdict(list)
    for point in points:
        series[(point.name, point.site)].append(point)
    return tuple(
        KpiFigure(name=name, site=site, value=found[-1].value, before=found[-2].value if len(found) > 1 else None)
        for (name, site), found in sorted(series.items())
    )


def _held_back(rows: Iterable[CaseRow], dispositions: dict[str, str]) -> tuple[HeldBack, ...]:
    by_reason: dict[str, list[Case]] = defaultdict(list)
    for row in rows:
        if reason := held_back_reason(dispositions, row.case.case_id):
            by_reason[reason].append(row.case)
    return tuple(
        HeldBack(
            reason=reason,
            cases=tuple(case.case_id for case in found),
            money_at_risk_minor=sum(case.money_at_risk.total for case in found),
        )
        for reason, found in sorted(by_reason.items())
    )
