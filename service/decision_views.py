"""What is answered to a decision, and which decisions a proposal offers, each with the exact command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType

from agent.case_views import DIGEST_SHOWN, ProposalDetail
from agent.deciding.verbs import Verb
from inventory.questions import Question
from inventory.records import Proposal, ProposalState, ReasonCode, Tier
from inventory.revalidations import RevalidationReport, Verdict
from service.case_tables import cell, plain_table

if TYPE_CHECKING:
    from agent.deciding.batch import BatchRow
    from agent.deciding.request import Decided

CODES = ", ".join(code for code in ReasonCode if code is not ReasonCode.AGREE)
WHY = "--reason CODE --text WHY"
TAKES: dict[Verb, str] = {
    Verb.APPROVE: "--reason agree",
    Verb.EDIT: f"--line N=QTY {WHY}",
    Verb.CHOOSE: f"--option N {WHY}",
    Verb.REJECT: WHY,
    Verb.RECALL: WHY,
    Verb.ASK: "--to USER --text QUESTION",
    Verb.ANSWER: "--text ANSWER",
    Verb.ESCALATE: "",
    Verb.SNOOZE: "--until DATE",
    Verb.DELEGATE: "--to USER",
}
"""What each verb says besides the proposal and its digest."""
VERDICTS = {
    Verdict.HOLDS: "everything it rests on still holds",
    Verdict.CHANGED: "void, because the facts changed",
    Verdict.STRICTER: "it needs a stricter tier by now",
}


class DecisionAnswer(Proposal):
    """A proposal as it stands after a decision, and what was found on the way."""

    revalidation: RevalidationReport | None = None
    question: Question | None = None


def answer_of(decided: Decided) -> DecisionAnswer:
    """The answer as a record."""
    fields = {name: getattr(decided.proposal, name) for name in Proposal.model_fields}
    return DecisionAnswer(**fields, revalidation=decided.revalidation, question=decided.question)


def answer_page(decided: Decided) -> RenderableType:
    """The answer in words."""
    after, question = decided.proposal, decided.question
    lines: list[RenderableType] = [
        cell(f"{after.proposal_id}: {standing_words(after)}"),
        cell(f"digest {after.digest[:DIGEST_SHOWN]}"),
    ]
    if question is not None:
        asked = f"question {question.question_id} to {question.asked_of}"
        lines.append(cell(f"{asked} is on record" if question.is_open else f"{asked} is answered"))
    if decided.revalidation is not None:
        lines += revalidation_lines(decided.revalidation)
    return Group(*lines)


def standing_words(proposal: Proposal) -> str:
    """Where a proposal stands now, and what is next."""
    state = proposal.state.value.replace("_", " ")
    tier = f", tier {proposal.tier.value}" if proposal.tier else ""
    reason = f" ({proposal.reason})" if proposal.reason else ""
    if proposal.state is ProposalState.VOID:
        return f"{state}{reason}; nothing is executed, the next sweep plans the case anew"
    if proposal.not_before:
        return f"{state}{reason}; it acts from {proposal.not_before:%Y-%m-%d %H:%M} UTC and can be stopped until then"
    if proposal.snoozed_until:
        return f"{state} until {proposal.snoozed_until:%Y-%m-%d %H:%M} UTC{reason}"
    return f"{state}{tier}{reason}"


def revalidation_lines(report: RevalidationReport) -> Iterator[RenderableType]:
    """What was read again at a click: what no longer holds in full, the rest by name."""
    names = ", ".join(dict.fromkeys(check.name.replace("_", " ") for check in report.checks))
    yield cell(f"  facts read again by {report.by} at {report.at:%d %b %Y %H:%M} UTC: {VERDICTS[report.verdict]}")
    for check in report.checks:
        if not check.holds or (check.name in ("stock", "orders", "price") and check.drafted != check.now):
            yield cell(f"    {'✗' if not check.holds else '✓'} {check.words}")
    yield cell(f"    looked at: {names}")


def batch_page(rows: Sequence[BatchRow]) -> RenderableType:
    """What became of each proposal of a batch."""
    table = plain_table("proposal", "outcome", "why")
    for row in rows:
        table.add_row(cell(row.proposal_id), cell(row.outcome), cell(row.words))
    approved = sum(row.outcome == "approved" for row in rows)
    return Group(table, cell(f"{approved} of {len(rows)} approved"))


def verbs_for(detail: ProposalDetail) -> tuple[Verb, ...]:
    """What may be decided about a proposal as it stands, whoever asks."""
    proposal = detail.proposal
    answers = (Verb.ANSWER,) if any(question.is_open for question in detail.questions) else ()
    if proposal.state is ProposalState.APPROVED and _has_window(detail):
        return (Verb.RECALL, *answers)
    if proposal.state is not ProposalState.PENDING:
        return answers
    if proposal.tier is Tier.ADVICE:
        return (Verb.REJECT, Verb.SNOOZE, Verb.ASK, *answers)
    escalates = () if detail.escalated else (Verb.ESCALATE,)
    chooses = (Verb.CHOOSE,) if _has_another_option(detail) else ()
    return (
        Verb.APPROVE, Verb.EDIT, *chooses, Verb.REJECT, Verb.ASK, Verb.SNOOZE, *escalates, Verb.DELEGATE, *answers
    )  # fmt: skip


def _has_another_option(detail: ProposalDetail) -> bool:
    options = detail.situation.options if detail.situation else ()
    return any(option.feasible and option.quantity and not option.chosen for option in options)


def _has_window(detail: ProposalDetail) -> bool:
    signed = [approval.at for approval in detail.approvals if approval.decision == "approve"]
    ends = detail.proposal.not_before
    return ends is not None and bool(signed) and ends > max(signed)


def command_for(proposal: Proposal, verb: Verb, *, demo: bool) -> str:
    """The command for one verb about exactly this proposal."""
    person = "--as USER" if demo else ""
    words = ("evenkeel decide", proposal.proposal_id, verb, "--digest", proposal.digest[:DIGEST_SHOWN], TAKES[verb])
    return " ".join(word for word in (*words, person) if word)


def button_lines(detail: ProposalDetail, *, demo: bool) -> Iterator[RenderableType]:
    """The decisions a proposal offers, approval first, each to copy."""
    verbs = list(verbs_for(detail))
    if detail.proposal.state is ProposalState.PENDING and detail.proposal.tier is Tier.ADVICE:
        yield cell("advice only: it cannot be executed from here", "bold")
    if Verb.APPROVE in verbs:
        verbs.remove(Verb.APPROVE)
        yield cell(f"to approve:\n  {command_for(detail.proposal, Verb.APPROVE, demo=demo)}", "bold")
    if not verbs:
        return
    yield cell("otherwise:" if detail.proposal.state is ProposalState.PENDING else "possible still:")
    for verb in verbs:
        yield cell(f"  {command_for(detail.proposal, verb, demo=demo)}")
    if any("CODE" in TAKES[verb] for verb in verbs):
        yield cell(f"  CODE is {CODES}")
