"""One case or proposal in full on a terminal: evidence, drivers, options, words, rules, signatures, receipts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding

from agent.case_views import DIGEST_SHOWN, CaseDetail, ProposalDetail
from inventory.records import Case, Citation, Driver, Option, Proposal, Ruling
from service.case_tables import KIND_WORDS, cell, plain_table, short_day, tier_cell, whole_money
from service.decision_views import button_lines, revalidation_lines
from tools.plain_words import count, day, money

FINDINGS_SHOWN = 12
OPTION_COLUMNS = (
    "", "#no", "option", "#qty", "from", "arrives p50 (p90)", "#cost", "#avoided", "#service", "#donor", "#net value",
    "#sure",
)  # fmt: skip
FIRST_WORDS = 160
"""Characters of a clause that are shown."""


def case_page(detail: CaseDetail, *, demo: bool = False) -> RenderableType:
    """One case and its newest proposal.

    Parameters
    ----------
    demo
        Whether the command to copy should say who signs by name.
    """
    parts = [*_head(detail), _findings(detail.case)]
    if detail.newest:
        parts += _proposal_parts(detail.newest, demo=demo)
    else:
        parts.append(cell("\nnothing is proposed" + (f": held back, {detail.held_back}" if detail.held_back else "")))
    if detail.earlier:
        parts += [_title("Earlier proposals"), *(_earlier(proposal) for proposal in detail.earlier)]
    return Group(*parts)


def proposal_page(detail: ProposalDetail, *, demo: bool = False) -> RenderableType:
    """One proposal in full."""
    return Group(*_proposal_parts(detail, demo=demo))


def _title(text: str) -> RenderableType:
    return cell(f"\n{text}", "bold")


def _head(detail: CaseDetail) -> Iterator[RenderableType]:
    case, risk = detail.case, detail.case.money_at_risk
    state = detail.state.value.replace("_", " ") + (f" ({detail.reason})" if detail.reason else "")
    yield cell(f"{case.case_id}   {KIND_WORDS[case.kind]}   {case.scope}   {state}", "bold")
    yield cell(
        f"bites on {day(case.bites_on)} · {money(risk.total, risk.currency)} at risk · cause {case.cause} · "
        f"planner {case.planner or 'none'}"
    )
    if detail.owner:
        yield cell(f"must act: {detail.owner}")
    shares = {
        "margin": risk.margin,
        "commitments": risk.commitment_penalty,
        "standstill": risk.standstill,
        "constrained supply": risk.constrained_supply,
        "carrying excess": risk.excess_carrying,
    }
    parts = " + ".join(f"{name} {money(share, risk.currency)}" for name, share in shares.items() if share)
    times = "once" if detail.times_found == 1 else f"{detail.times_found} times"
    resumes = f" · resumes {day(detail.resume_on)}" if detail.resume_on else ""
    yield cell(f"opened {day(case.opened_on)} · found {times} · data {case.snapshot_id}{resumes}")
    if parts:
        yield cell(f"at risk: {parts}")


def _findings(case: Case) -> RenderableType:
    table = plain_table("item", "site", "bites on", "#units", "threshold crossed", "evidence")
    for finding in case.findings[:FINDINGS_SHOWN]:
        crossed = f"{finding.threshold} {finding.threshold_value:g} (v{finding.threshold_version})"
        table.add_row(
            cell(finding.item or "–"),
            cell(finding.site),
            short_day(finding.bites_on),
            f"{finding.quantity:,}",
            cell(crossed),
            cell(finding.note),
        )
    left = len(case.findings) - FINDINGS_SHOWN
    return Group(_title("What was found"), table, *([cell(f"… and {left} more")] if left > 0 else []))


def _proposal_parts(detail: ProposalDetail, *, demo: bool) -> list[RenderableType]:
    proposal, situation = detail.proposal, detail.situation
    parts: list[RenderableType] = []
    if situation and situation.drivers:
        parts.append(_drivers(situation.drivers, proposal.content.currency))
    if situation and situation.options:
        parts += _options(situation.options, detail.option_numbers, proposal.content.currency)
    parts += [*_lines(proposal), *_words(detail)]
    if detail.rulings:
        parts += _ruling(detail.rulings[-1])
    parts += [*_signatures(detail), *_read_again(detail), *_conversation(detail), *_execution(detail)]
    parts += _next(detail, demo=demo)
    return parts


def _drivers(drivers: Sequence[Driver], currency: str) -> RenderableType:
    table = plain_table("driver", "#units", "#days of cover", f"#{currency}")
    for driver in drivers:
        table.add_row(
            cell(driver.name), f"{driver.units:,.0f}", f"{driver.days_of_cover:.1f}", whole_money(driver.money_minor)
        )
    return Group(_title("What drives it"), table)


def _options(options: Sequence[Option], numbers: Sequence[int], currency: str) -> Iterator[RenderableType]:
    needs = list(dict.fromkeys((option.item, option.site) for option in options))
    for item, site in needs:
        at = [each for each in zip(numbers, options, strict=True) if (each[1].item, each[1].site) == (item, site)]
        mine = [option for _, option in at]
        table = plain_table(*OPTION_COLUMNS)
        for number, option in at:
            table.add_row(*_option_cells(number, option), style="bold" if option.chosen else None)
        yield _title(f"What could be done: {item} at {site}, {currency}")
        yield table
        for option in mine:
            if remark := _remark(option, currency):
                yield Padding(cell(f"{option.action.value}: {remark}"), (0, 0, 0, 2))


def _option_cells(number: int, option: Option) -> tuple[RenderableType, ...]:
    p50, p90 = option.arrives_p50, option.arrives_p90
    arrives = (short_day(p50) if p50 else "–") + (f" ({short_day(p90)})" if p90 else "")
    cover = option.donor_cover_days_after
    return (
        "▸" if option.chosen else "",
        str(number),
        cell(option.action.value if option.feasible else f"{option.action.value} ✗"),
        f"{option.quantity:,}",
        cell(option.source or "–"),
        arrives,
        whole_money(option.cost_minor),
        whole_money(option.shortage_avoided_minor),
        f"{option.service_after:.0%}",
        "–" if cover is None else f"{cover:.0f} d",
        whole_money(option.net_value_minor),
        f"{option.confidence:.0%}",
    )


def _remark(option: Option, currency: str) -> str:
    said = [option.binding_constraint and f"limited by {option.binding_constraint}"]
    if option.chosen:
        said.append(option.flip_point and f"flips: {option.flip_point}")
        if option.break_even_penalty_minor is not None:
            said.append(f"pays from {money(option.break_even_penalty_minor, currency)} per unit short")
    said.append(option.note)
    return "; ".join(part for part in said if part)


def _lines(proposal: Proposal) -> Iterator[RenderableType]:
    content = proposal.content
    state = proposal.state.value.replace("_", " ") + (f" ({proposal.reason})" if proposal.reason else "")
    yield _title(f"Proposal {proposal.proposal_id} version {content.version}: {content.action.value}, {state}")
    table = plain_table("#line", "action", "item", "#qty", "from", "to", "ships", "arrives", "#cost")
    for line in content.lines:
        table.add_row(
            str(line.number),
            line.action.value,
            cell(line.item + (f" lot {line.lot}" if line.lot else "")),
            f"{line.quantity:,}",
            cell(line.origin or line.supplier or "–"),
            cell(line.destination),
            short_day(line.ship_on),
            short_day(line.arrive_on),
            whole_money(line.cost_minor),
        )
    yield table
    yield cell(
        f"value {money(content.value_minor, content.currency)} · requested by {proposal.requested_by} · "
        f"expires {proposal.expires_at:%d %b %Y %H:%M} UTC"
    )


def _words(detail: ProposalDetail) -> Iterator[RenderableType]:
    if detail.explanation is None:
        return
    yield _title(f"Why ({detail.explanation.source})")
    yield Padding(cell(detail.explanation.text), (0, 0, 0, 2))
    yield _title("Rules that apply")
    for citation in detail.explanation.citations:
        yield Padding(cell(citation_words(citation)), (0, 0, 0, 2))
    if not detail.explanation.citations:
        yield cell("  none was found")


def citation_words(citation: Citation) -> str:
    """Document, version, clause and the first words of the text."""
    text = " ".join(citation.text.split())
    first = text if len(text) <= FIRST_WORDS else f"{text[:FIRST_WORDS].rsplit(' ', 1)[0]} …"
    return f"{citation.document_id} v{citation.version} § {citation.clause} {citation.title}: {first}"


def _ruling(ruling: Ruling) -> Iterator[RenderableType]:
    people = ", two different people" if ruling.two_people else ""
    yield _title(f"Ruling: {ruling.tier.value}{people} (policy v{ruling.policy_version})")
    table = plain_table("tier", "rule", "because")
    for fired in ruling.fired:
        table.add_row(tier_cell(fired.tier), cell(fired.rule), cell(fired.reason))
    yield table


def _signatures(detail: ProposalDetail) -> Iterator[RenderableType]:
    if not detail.approvals:
        return
    yield _title("Signatures")
    for approval in detail.approvals:
        words = f" “{approval.text}”" if approval.text else ""
        yield cell(
            f"  {approval.at:%d %b %Y %H:%M} UTC  {approval.decision} by {approval.by}, {approval.reason.value}, "
            f"digest {approval.proposal_digest[:DIGEST_SHOWN]}{words}"
        )


def _execution(detail: ProposalDetail) -> Iterator[RenderableType]:
    if detail.reservations:
        yield _title("Reservations")
        for held in detail.reservations:
            lot = f" lot {held.lot}" if held.lot else ""
            yield cell(f"  {held.quantity:,} of {held.item}{lot} at {held.site} for {held.destination}: {held.state}")
    if not detail.documents:
        return
    yield _title("Documents and receipts")
    receipts = {receipt.key: receipt for receipt in detail.receipts}
    for row in detail.documents:
        receipt = receipts.get(row.key)
        posted = f", ERP {receipt.erp_reference} at {receipt.posted_at:%d %b %Y %H:%M} UTC" if receipt else ""
        note = f" ({row.note})" if row.note else ""
        lines = count(len(row.document.lines), "line")
        yield cell(f"  {row.key} {row.document.action.value}, {lines}: {row.state.value}{posted}{note}")


def _conversation(detail: ProposalDetail) -> Iterator[RenderableType]:
    """Questions and answers, and whose task it was made."""
    if detail.questions:
        yield _title("Questions")
    for question in detail.questions:
        yield cell(f"  {question.question_id}  {question.asked_by} asks {question.asked_of}: “{question.text}”")
        said = f"“{question.answer}” ({question.answered_by})" if not question.is_open else "not answered yet"
        yield cell(f"    {said}")
    handed, moved, asleep = detail.handover, detail.escalated, detail.snooze
    if handed is not None:
        words = f" “{handed.text}”" if handed.text else ""
        yield cell(f"\nhanded to {handed.to_user} by {handed.by} at {handed.at:%d %b %Y %H:%M} UTC{words}")
    if moved is not None:
        yield cell(f"escalated from {moved.from_role} to {moved.to_role} at {moved.at:%d %b %Y %H:%M} UTC")
    if asleep is not None:
        sooner = f", sooner when {asleep.condition.words}" if asleep.condition else ""
        woken = f"; woken: {asleep.woken_by}" if asleep.woken_at else ""
        yield cell(f"snoozed by {asleep.by} until {asleep.until:%d %b %Y %H:%M} UTC{sooner}{woken}")


def _read_again(detail: ProposalDetail) -> Iterator[RenderableType]:
    if detail.revalidations:
        yield _title("Facts read again")
        yield from revalidation_lines(detail.revalidations[-1])


def _next(detail: ProposalDetail, *, demo: bool) -> Iterator[RenderableType]:
    yield cell(f"\ndigest {detail.proposal.digest[:DIGEST_SHOWN]}")
    yield from button_lines(detail, demo=demo)
    if detail.proposal.not_before:
        yield cell(f"acts from {detail.proposal.not_before:%d %b %Y %H:%M} UTC")


def _earlier(proposal: Proposal) -> RenderableType:
    reason = f" ({proposal.reason})" if proposal.reason else ""
    return cell(
        f"  {proposal.proposal_id} version {proposal.content.version}: {proposal.content.action.value}, "
        f"{proposal.state.value}{reason}"
    )
