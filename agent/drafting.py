"""Drafting: why a proposal is made, in words whose every figure was computed.

``TemplateDrafter`` needs no model and is what every other drafter falls back to. It says, in this order: what is
wrong and from when; why; what is proposed and what it is worth; why this and not the others; what limits it and what
would change the answer; which written rules apply; how sure it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from agent.draft_focus import LISTED_FINDINGS, Alternative, Focus, Weakness, focus_on
from agent.fact_slots import FactSlots, fact_slots, ids_of
from agent.grounding import SLOT, ground
from agent.wording import CAUSE, IMPOSSIBLE, LINE, OPTION, VOCABULARY, WEAKNESS, Sentence, numbered
from inventory.records import ActionKind, Case, CaseKind, Citation, Explanation, Finding, Proposal, Situation


class Drafter(Protocol):
    """Words the explanation of a proposal that is already fixed."""

    def draft(
        self, case: Case, situation: Situation, proposal: Proposal, citations: tuple[Citation, ...]
    ) -> Explanation:
        """Explain the proposal in prose in which no figure, date or id lacks a fact."""
        ...


class TemplateDrafter:
    """Fixed sentences with fact slots; equal records give equal text."""

    def draft(
        self, case: Case, situation: Situation, proposal: Proposal, citations: tuple[Citation, ...]
    ) -> Explanation:
        """Explain the proposal.

        Raises
        ------
        GroundingError
            If a sentence holds what no fact stands behind; that would be a fault of the wording.
        """
        focus = focus_on(case, situation, proposal)
        facts = fact_slots(case, situation, proposal, citations, focus)
        template = "\n\n".join(block for block in _blocks(case, proposal, citations, focus, facts) if block)
        known_ids = [name for name in ids_of(case, situation, proposal, citations) if name.casefold() not in VOCABULARY]
        return Explanation(
            proposal_id=proposal.proposal_id,
            source="template",
            template=template,
            facts={name: facts[name] for name in sorted(set(SLOT.findall(template)))},
            text=ground(template, facts, known_ids),
            citations=citations,
        )


def _blocks(
    case: Case, proposal: Proposal, citations: tuple[Citation, ...], focus: Focus, facts: FactSlots
) -> Iterable[str]:
    yield _cause(case, focus, facts)
    yield _drivers(focus)
    yield _proposed(proposal, focus)
    yield _worth(proposal, focus, facts)
    yield _most_valuable(focus) + _why(proposal, focus)
    yield _others(focus)
    yield _limits(focus, facts)
    yield _rules(citations)
    yield _confidence(facts)


def frame_of(proposal: Proposal, citations: tuple[Citation, ...], focus: Focus, facts: FactSlots) -> tuple[str, ...]:
    """What stands in every draft, whoever words the rest: what is proposed, the rules that apply, how sure it is."""
    return (_proposed(proposal, focus), _worth(proposal, focus, facts), _rules(citations), _confidence(facts))


def _cause(case: Case, focus: Focus, facts: FactSlots) -> str:
    """What is wrong, where and from when; several places are listed, and evidence stands in for missing drivers."""
    first = focus.findings[0]
    parts = [_trouble(case, first)]
    if not focus.all_drivers:
        parts.append(Sentence.REASON)
    if "note" in facts and (case.kind is CaseKind.DATA_PROBLEM or not focus.all_drivers):
        parts.append(Sentence.NOTE)
    text = " ".join(parts)
    if len(focus.findings) == 1:
        return text
    listed = [_finding(number, finding) for number, finding in enumerate(focus.findings[:LISTED_FINDINGS], start=1)]
    if len(focus.findings) > LISTED_FINDINGS:
        listed.append(Sentence.MORE_FINDINGS)
    return f"{text}\n\n{_list(Sentence.FINDINGS, listed)}"


def _trouble(case: Case, first: Finding) -> str:
    if not first.item:
        return Sentence.FEED_PROBLEM
    if case.kind is CaseKind.DATA_PROBLEM and not first.quantity:
        return Sentence.STOCK_UNKNOWN
    return CAUSE[case.kind]


def _finding(number: int, finding: Finding) -> str:
    return numbered(Sentence.FINDING if finding.item else Sentence.FEED_FINDING, f"finding_{number}")


def _drivers(focus: Focus) -> str:
    if not focus.all_drivers:
        return ""
    listed = [numbered(Sentence.DRIVER, f"driver_{number}") for number in range(1, len(focus.drivers) + 1)]
    if len(focus.all_drivers) > len(focus.drivers):
        listed.append(Sentence.OTHER_DRIVERS)
    if len(focus.all_drivers) > 1:
        listed.append(Sentence.DRIVER_SUM)
    return _list(Sentence.DRIVERS, listed)


def _proposed(proposal: Proposal, focus: Focus) -> str:
    if not focus.lines:
        return Sentence.NOTHING_PROPOSED
    head = Sentence.PROPOSED if len(focus.lines) == focus.line_count else Sentence.PROPOSED_LARGEST
    return _list(head, [numbered(LINE[line.action], f"line_{n}") for n, line in enumerate(focus.lines, start=1)])


def _worth(proposal: Proposal, focus: Focus, facts: FactSlots) -> str:
    """Cost and worth of what is proposed, and how the sites stand afterwards."""
    parts: list[str] = []
    if focus.lead is not None and proposal.requested_by != "evenkeel":
        parts.append(Sentence.CHOSEN if _as_priced(proposal, focus) else Sentence.EDITED)
    if proposal.content.action is not ActionKind.CORRECTION:
        parts.append(_worth_sentence(proposal, focus))
    if focus.lead is not None and len(focus.chosen) == 1:
        parts.append(Sentence.AFTERWARDS)
        if "donor_cover" in facts:
            parts.append(Sentence.DONOR)
    if "plan_note" in facts:
        parts.append(Sentence.PLAN_NOTE)
    return " ".join(parts)


def _as_priced(proposal: Proposal, focus: Focus) -> bool:
    """Whether the lines carry the units of the options whose worth is told; a pair's option names the order's only."""
    moved = sum(line.quantity for line in proposal.content.lines)
    pair = any(option.action is ActionKind.TRANSFER_AND_PURCHASE for option in focus.chosen)
    return pair or moved == sum(option.quantity for option in focus.chosen)


def _worth_sentence(proposal: Proposal, focus: Focus) -> Sentence:
    if proposal.content.action is ActionKind.HOLD:
        return Sentence.HOLD_WORTH
    if focus.lead is None:
        return Sentence.COST_ONLY
    if any(option.shortage_avoided_minor > 0 for option in focus.chosen):
        return Sentence.WORTH
    return Sentence.WORTH_WITHOUT_SHORTAGE


def _most_valuable(focus: Focus) -> str:
    """Of several needs only the most valuable is argued in detail; say which."""
    return f"{Sentence.MOST_VALUABLE} " if len(focus.chosen) > 1 else ""


def _why(proposal: Proposal, focus: Focus) -> str:
    if proposal.content.action is ActionKind.CORRECTION:
        return Sentence.WHY_CORRECTION
    weaknesses = {alternative.weakness for alternative in focus.alternatives}
    if Weakness.NOT_ASKED_FOR in weaknesses:
        return Sentence.WHY_CHOSEN
    if proposal.content.action is ActionKind.HOLD and weaknesses == {Weakness.INFEASIBLE}:
        return Sentence.WHY_INFEASIBLE
    if Weakness.BETTER_ALONE in weaknesses:
        return Sentence.WHY_JOINT
    if Weakness.TIE in weaknesses:
        return Sentence.WHY_EQUAL
    if Weakness.BY_HAND in weaknesses:
        return Sentence.WHY_BEST_FROM_HERE
    return Sentence.WHY_BEST if weaknesses else Sentence.WHY_ONLY


def _others(focus: Focus) -> str:
    if not focus.alternatives:
        return ""
    listed = [_alternative(number, other) for number, other in enumerate(focus.alternatives, start=1)]
    return _list(Sentence.OTHERS, listed)


def _alternative(number: int, alternative: Alternative) -> str:
    names = IMPOSSIBLE if alternative.weakness is Weakness.INFEASIBLE else OPTION
    sentence = f"- {names[alternative.option.action]}: {WEAKNESS[alternative.weakness]}"
    return numbered(sentence, f"alternative_{number}")


def _limits(focus: Focus, facts: FactSlots) -> str:
    """The binding constraint, the flip point and the break-even penalty of the lead option."""
    if focus.lead is None:
        return ""
    parts: list[str] = [Sentence.BINDING] if "lead_binding" in facts else []
    flip_point = facts.get("flip_point")
    if flip_point:
        parts.append(Sentence.NO_FLIP if flip_point == "none in range" else Sentence.FLIP)
    if "break_even" in facts:
        parts.append(Sentence.BREAK_EVEN)
    elif not flip_point:
        parts.append(Sentence.FLIP_UNKNOWN)
    return " ".join(parts)


def _rules(citations: tuple[Citation, ...]) -> str:
    if not citations:
        return Sentence.NO_RULES
    return _list(Sentence.RULES, [numbered(Sentence.RULE, f"rule_{number}") for number in range(1, len(citations) + 1)])


def _confidence(facts: FactSlots) -> str:
    """How sure it is, what lowers that, and how old the data is."""
    parts: list[str] = []
    if "confidence" in facts:
        parts.append(Sentence.CONFIDENCE)
        lowering = {
            "history": Sentence.LOWERED_BY_HISTORY,
            "arrival_spread": Sentence.LOWERED_BY_ARRIVAL,
            "health": Sentence.LOWERED_BY_HEALTH,
        }
        parts.extend(sentence for slot, sentence in lowering.items() if slot in facts)
    parts.append(Sentence.AS_OF)
    return " ".join(parts)


def _list(head: str, lines: list[str]) -> str:
    return "\n".join((head, *lines))
