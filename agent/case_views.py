"""What a reader is shown of cases and proposals, gathered under their scope; no rendering here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import Connection

from agent.rights_tasks import Desk, task_desk
from inventory.cases import CaseRow, find_case, list_cases
from inventory.chronicle import list_sweeps
from inventory.errors import NotFoundError
from inventory.escalations import Escalated, list_escalations
from inventory.handovers import Handover, list_handovers
from inventory.ledger import Reservation, list_reservations
from inventory.outbox import list_outbox, list_receipts
from inventory.proposals import (
    find_explanation,
    find_proposal,
    find_situation,
    list_approvals,
    list_proposals,
    list_rulings,
)
from inventory.questions import Question, list_questions
from inventory.record import Record
from inventory.records import (
    EVERYTHING,
    ActionKind,
    Approval,
    Case,
    CaseKind,
    CaseState,
    Explanation,
    OutboxRow,
    Proposal,
    ProposalContent,
    ProposalState,
    Receipt,
    Ruling,
    Scope,
    Situation,
    Sweep,
    Tier,
)
from inventory.revalidations import RevalidationReport, list_revalidations
from inventory.snoozes import Snooze, find_snooze

SHOWN, HELD_BACK = "shown", "held_back"
NO_REASON = "no reason given"
DEAD = frozenset(
    {
        ProposalState.REJECTED,
        ProposalState.EXPIRED,
        ProposalState.RECALLED,
        ProposalState.VOID,
        ProposalState.SUPERSEDED,
    }
)
"""States of proposals that say nothing about what will be done."""
SHOWN_STATES = tuple(state for state in ProposalState if state not in DEAD)
DIGEST_SHOWN = 12
"""Characters of a digest that are shown and copied."""


class SweepCounts(Record):
    """The honest header: what was found and what became of it, as far as the reader may see."""

    sweep_id: str
    finished_at: datetime
    found: int
    shown: int
    automatic: int
    held_back: int
    held_back_reasons: dict[str, int]


class CaseLine(Record):
    """One case in a list."""

    rank: int
    case_id: str
    kind: CaseKind
    where: str
    """``item@site``, supplier or site the trouble is about."""
    places: int
    """Findings behind it."""
    bites_on: date
    units: int
    money_at_risk_minor: int
    currency: str
    action: str
    """Best action in words, empty when nothing is proposed."""
    tier: Tier | None
    state: CaseState
    proposal_id: str
    proposal_state: ProposalState | None
    fate: str
    """What the newest sweep did with it: ``shown``, ``automatic``, ``held_back``; empty when it did not find it."""
    held_back: str
    """Why it is held back; empty when it is not."""
    planner: str
    owner: str
    """Who must act, in words; empty when nobody has to."""
    times_found: int


class CaseList(Record):
    """Cases by money at risk, under the header of the newest sweep."""

    counts: SweepCounts | None
    open_cases: int
    """Cases not closed that the reader may see, listed or not."""
    cases: tuple[CaseLine, ...]


class ProposalDetail(Record):
    """One proposal in full."""

    proposal: Proposal
    digest: str
    situation: Situation | None
    option_numbers: tuple[int, ...]
    """Number of each option of the situation, by which it is chosen; the same for every reader."""
    explanation: Explanation | None
    rulings: tuple[Ruling, ...]
    approvals: tuple[Approval, ...]
    reservations: tuple[Reservation, ...]
    documents: tuple[OutboxRow, ...]
    receipts: tuple[Receipt, ...]
    revalidations: tuple[RevalidationReport, ...] = ()
    """What reading the facts again at each click came to, oldest first."""
    questions: tuple[Question, ...] = ()
    snooze: Snooze | None = None
    handover: Handover | None = None
    escalated: Escalated | None = None


class CaseDetail(Record):
    """One case in full, with its newest proposal and the earlier ones in short."""

    case: Case
    state: CaseState
    reason: str
    times_found: int
    resume_on: date | None
    held_back: str
    owner: str
    """Who must act, in words; empty when nobody has to."""
    newest: ProposalDetail | None
    earlier: tuple[Proposal, ...]


def case_list(
    connection: Connection, scope: Scope, *, everything: bool = False, at: datetime | None = None
) -> CaseList:
    """Cases not closed, most money at risk first; those that are automatic or held back only when asked for.

    Parameters
    ----------
    at
        Moment whose rights say who must act; nobody is named without it.
    """
    desk = task_desk(connection, at) if at else None
    newest = next(iter(list_sweeps(connection, scope, limit=1)), None)
    best = best_proposals(connection, scope)
    dispositions = newest.dispositions if newest else {}
    rows = list_cases(connection, scope)
    ranked = [
        _line(rank, row, best.get(row.case.case_id), dispositions.get(row.case.case_id, ""), desk)
        for rank, row in enumerate(rows, start=1)
    ]
    kept = tuple(line for line in ranked if everything or line.fate in (SHOWN, ""))
    return CaseList(counts=sweep_counts(newest, scope) if newest else None, open_cases=len(rows), cases=kept)


def sweep_counts(sweep: Sweep, scope: Scope) -> SweepCounts:
    """The header of a sweep; a limited reader's counts are of the cases they may see."""
    fates = Counter(fate.partition(":")[0] for fate in sweep.dispositions.values())
    limited = scope.sites is not None or scope.item_classes is not None
    reasons = Counter(
        fate.partition(":")[2] or NO_REASON
        for fate in sweep.dispositions.values()
        if fate.partition(":")[0] == HELD_BACK
    )
    return SweepCounts(
        sweep_id=sweep.sweep_id,
        finished_at=sweep.finished_at,
        found=len(sweep.dispositions) if limited else sweep.found,
        shown=fates["shown"] if limited else sweep.shown,
        automatic=fates["automatic"] if limited else sweep.automatic,
        held_back=fates[HELD_BACK] if limited else sweep.held_back,
        held_back_reasons=dict(sorted(reasons.items())),
    )


def held_back_reason(dispositions: dict[str, str], case_id: str) -> str:
    """Why a case is held back, empty when it is not."""
    fate, _, reason = dispositions.get(case_id, "").partition(":")
    return (reason or NO_REASON) if fate == HELD_BACK else ""


def best_proposals(connection: Connection, scope: Scope) -> dict[str, Proposal]:
    """The newest proposal of each case that still says what will be, or was, done."""
    found = list_proposals(connection, scope, states=SHOWN_STATES)
    return {p.content.case_id: p for p in sorted(found, key=lambda p: (p.content.case_id, p.content.version))}


def case_detail(connection: Connection, scope: Scope, case_id: str, *, at: datetime | None = None) -> CaseDetail:
    """One case in full; ``NotFoundError`` when the reader may not see it.

    Parameters
    ----------
    at
        Moment whose rights say who must act; nobody is named without it.
    """
    row = find_case(connection, scope, case_id)
    proposals = sorted(
        list_proposals(connection, scope, case_id=row.case.case_id), key=lambda p: p.content.version, reverse=True
    )
    newest = next(iter(list_sweeps(connection, scope, limit=1)), None)
    return CaseDetail(
        case=row.case,
        state=row.state,
        reason=row.reason,
        times_found=row.times_found,
        resume_on=row.resume_on,
        held_back=held_back_reason(newest.dispositions if newest else {}, row.case.case_id),
        owner=owner_words(task_desk(connection, at), row, proposals[0] if proposals else None) if at else "",
        newest=_detail(connection, scope, proposals[0]) if proposals else None,
        earlier=tuple(proposals[1:]),
    )


def proposal_detail(connection: Connection, scope: Scope, proposal_id: str) -> ProposalDetail:
    """One proposal in full; ``NotFoundError`` when the reader may not see it."""
    return _detail(connection, scope, find_proposal(connection, scope, proposal_id))


def case_or_proposal(connection: Connection, scope: Scope, some_id: str) -> str:
    """Id of the case that ``some_id`` names, directly or through one of its proposals."""
    try:
        return find_case(connection, scope, some_id).case.case_id
    except NotFoundError:
        return find_proposal(connection, scope, some_id).content.case_id


def action_words(content: ProposalContent) -> str:
    """``transfer 120``; what moves nothing is just named."""
    if content.action in (ActionKind.HOLD, ActionKind.CORRECTION):
        return content.action.value
    return f"{content.action.value} {sum(line.quantity for line in content.lines):,}"


def where_words(case: Case) -> str:
    """What a case is about: its item and site, or its supplier or site with the number of places."""
    places = len({(finding.item, finding.site) for finding in case.findings})
    return case.scope if places <= 1 else f"{case.scope} ×{places}"


def owner_words(desk: Desk, row: CaseRow, proposal: Proposal | None) -> str:
    """Who must act on a case, or on its newest proposal while that waits; empty when nobody has to."""
    if proposal is not None and proposal.state is ProposalState.PENDING:
        return desk.words(desk.task_of_proposal(row.case, proposal))
    if row.state is CaseState.OPEN and (proposal is None or proposal.state in DEAD):
        return desk.words(desk.task_of_case(row.case))
    return ""


def _line(rank: int, row: CaseRow, proposal: Proposal | None, disposition: str, desk: Desk | None) -> CaseLine:
    case = row.case
    fate, _, reason = disposition.partition(":")
    return CaseLine(
        rank=rank,
        case_id=case.case_id,
        kind=case.kind,
        where=where_words(case),
        places=len(case.findings),
        bites_on=case.bites_on,
        units=sum(finding.quantity for finding in case.findings),
        money_at_risk_minor=case.money_at_risk.total,
        currency=case.money_at_risk.currency,
        action=action_words(proposal.content) if proposal else "",
        tier=proposal.tier if proposal else None,
        state=row.state,
        proposal_id=proposal.proposal_id if proposal else "",
        proposal_state=proposal.state if proposal else None,
        fate=fate,
        held_back=(reason or NO_REASON) if fate == HELD_BACK else "",
        planner=case.planner,
        owner=owner_words(desk, row, proposal) if desk else "",
        times_found=row.times_found,
    )


def _detail(connection: Connection, scope: Scope, proposal: Proposal) -> ProposalDetail:
    known = proposal.proposal_id
    situation = find_situation(connection, scope, known)
    return ProposalDetail(
        proposal=proposal,
        digest=proposal.digest,
        situation=_narrow(situation, scope, proposal.content.sites) if situation else None,
        option_numbers=_numbers(situation, scope) if situation else (),
        explanation=find_explanation(connection, scope, known),
        rulings=tuple(list_rulings(connection, scope, known)),
        approvals=tuple(list_approvals(connection, scope, known)),
        # Whoever may see the proposal may see what it holds: its own lines name the same sites and units.
        reservations=tuple(list_reservations(connection, EVERYTHING, proposal_id=known)),
        documents=tuple(list_outbox(connection, scope, proposal_id=known)),
        receipts=tuple(list_receipts(connection, scope, proposal_id=known)),
        revalidations=tuple(list_revalidations(connection, scope, known)),
        questions=tuple(list_questions(connection, scope, known)),
        snooze=find_snooze(connection, scope, known),
        handover=list_handovers(connection, EVERYTHING).get(known),
        escalated=list_escalations(connection, EVERYTHING).get(known),
    )


def _numbers(situation: Situation, scope: Scope) -> tuple[int, ...]:
    """Numbers of the options the reader may see, as `_narrow` leaves them."""
    numbered = enumerate(situation.options, start=1)
    return tuple(at for at, option in numbered if scope.sites is None or option.site in scope.sites)


def _narrow(situation: Situation, scope: Scope, touched: Iterable[str]) -> Situation:
    """Facts and options about sites the reader may see, and those the proposal itself touches."""
    if scope.sites is None:
        return situation
    seen = scope.sites | set(touched)
    return situation.model_copy(
        update={
            "facts": tuple(fact for fact in situation.facts if fact.site in seen),
            "options": tuple(option for option in situation.options if option.site in scope.sites),
        }
    )
