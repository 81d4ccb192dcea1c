"""What Evenkeel said in a scenario, held against its facts: explanations, answers, messages, the brief, what it cites.

An explanation is looked at from both sides. Its slots must follow from the stored records, worked out again; and its
finished sentences must say no figure, date or id that is in no slot, as :mod:`agent.prose_check` reads them, which
knows nothing of slots. A citation must name a clause that stands, word for word, in a version in force that day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from agent.brief import DAY, Brief, make_brief
from agent.draft_focus import focus_on
from agent.fact_slots import fact_slots, ids_of
from inventory.cases import find_case
from inventory.document_revisions import find_revision
from inventory.document_windows import windows
from inventory.machine_rules import list_effective
from inventory.proposals import find_explanation, find_situation, list_citations, list_proposals
from inventory.record import Record
from inventory.records import EVERYTHING, Citation, Explanation, Proposal, User
from knowledge.passages import SourceDocument, split_into_passages
from service.bootstrap import House
from service.brief_text import brief_text
from service.evaluation.slots import sentences_unsupported
from service.evaluation.spoken import listen
from tools.thrash import REVERSAL_DAYS, WINDOW

_RULE = re.compile(r"(?P<document>\S+)@v(?P<version>\d+)#(?P<clause>\S+) \((?P<rule>[^)]+)\)")
_NUMBER = re.compile(r"(?<![\w.])[−-]?\d[\d,]*(?:\.\d+)?(?![\w])")
_BRIEF_NUMBER = re.compile(r"(?<![\w.-])\d[\d,]*(?:\.\d+)?(?![\w-])")
WINDOWS = (Decimal(DAY // timedelta(hours=1)), Decimal(WINDOW.days), Decimal(REVERSAL_DAYS))
"""Hours and days the brief looks back, named in its headings."""


class Said(Record):
    """How much was said, and what of it nothing stands behind."""

    texts: int = 0
    citations: int = 0
    unsupported: tuple[str, ...] = ()
    """Text, and the figure, date or id in it that follows from no fact."""
    invalid_citations: tuple[str, ...] = ()

    def __add__(self, other: Said) -> Said:
        return Said(
            texts=self.texts + other.texts,
            citations=self.citations + other.citations,
            unsupported=self.unsupported + other.unsupported,
            invalid_citations=self.invalid_citations + other.invalid_citations,
        )


def look_through(house: House, user: User) -> Said:
    """Everything said so far in a home, and what this user is answered about every place."""
    texts = cited = 0
    unsupported: list[str] = []
    invalid: list[str] = []
    with house.database.read() as connection:
        for proposal in list_proposals(connection, EVERYTHING):
            name = proposal.proposal_id
            explanation = find_explanation(connection, EVERYTHING, name)
            if explanation is not None:
                texts += 1
                unsupported += [f"{name}: {what}" for what in _explanation(connection, proposal, explanation)]
            for citation in list_citations(connection, EVERYTHING, name):
                cited += 1
                invalid += [f"{name}: {what}" for what in _citation(connection, citation, proposal.created_at)]
            invalid += [f"{name}: {what}" for what in _rules_named(connection, proposal)]
        brief = make_brief(connection, EVERYTHING, house.clock(), house.toolbox.snapshot().as_of)
    unsupported += [f"brief: {what}" for what in unsupported_in_brief(brief)]
    spoken = listen(house, user)
    unsupported += spoken.unsupported
    texts += 1 + spoken.texts
    return Said(texts=texts, citations=cited, unsupported=tuple(unsupported), invalid_citations=tuple(invalid))


def _explanation(connection: Connection, proposal: Proposal, explanation: Explanation) -> Iterator[str]:
    case = find_case(connection, EVERYTHING, proposal.content.case_id).case
    situation = find_situation(connection, EVERYTHING, proposal.proposal_id)
    if situation is None:
        yield "no situation is kept beside the explanation"
        return
    known = ids_of(case, situation, proposal, explanation.citations)
    if case.snapshot_id == proposal.content.snapshot_id:  # else a later sweep has found other figures
        focus = focus_on(case, situation, proposal)
        slots = fact_slots(case, situation, proposal, explanation.citations, focus)
        for name, said in explanation.facts.items():
            if slots.get(name) != said:
                yield f"slot {name} says {said!r}, the records say {slots.get(name)!r}"
    yield from sentences_unsupported(explanation.text, explanation.facts, known)


def unsupported_in_brief(brief: Brief) -> Iterator[str]:
    """Figures of the rendered brief that its record does not hold, rounded as they are shown."""
    held = [*_held(brief.model_dump(mode="python")), *WINDOWS]
    for line in brief_text(brief).splitlines():
        for match in _BRIEF_NUMBER.finditer(_without_times(line)):
            shown = Decimal(match.group().replace(",", ""))
            half = Decimal("0.5").scaleb(int(shown.as_tuple().exponent))
            if not any(abs(abs(value) - shown) <= half for value in held):
                yield f"figure {match.group()!r} in {line!r}"


def _without_times(line: str) -> str:
    """The line without moments, whose days and hours are no figures."""
    line = re.sub(r"\b\d{1,2}:\d{2}\b", " ", line)
    line = re.sub(r"\b\d{4}-\d{2}-\d{2}\b", " ", line)
    return re.sub(r"\b\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b(?: \d{4})?", " ", line)


def _held(value: object) -> Iterator[Decimal]:
    """Every number a record holds as it may be shown: as it is, cents as units, shares as percent; and how many."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int | float):
        number = Decimal(str(value))
        yield from (number, number / 100, number * 100)
    elif isinstance(value, str):
        yield from (Decimal(match.group().replace(",", "").replace("−", "-")) for match in _NUMBER.finditer(value))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _held(part)
    elif isinstance(value, list | tuple):
        yield Decimal(len(value))
        for part in value:
            yield from _held(part)


def _citation(connection: Connection, citation: Citation, at: datetime) -> Iterator[str]:
    """What is wrong with a citation: version, day, clause or words."""
    name = f"{citation.document_id} v{citation.version} {citation.clause}"
    window = next(
        (one for one in windows(connection)
         if (one.document_id, one.version) == (citation.document_id, citation.version)), None
    )  # fmt: skip
    if window is None or not window.first <= at.date() <= window.last:
        yield f"{name} was not in force on {at.date()}"
        return
    document = find_revision(connection, EVERYTHING, citation.document_id, citation.version).document
    source = SourceDocument(
        document.document_id, document.title, document.version, document.text, document.effective_from,
        document.effective_to,
    )  # fmt: skip
    passages = {passage.clause: passage.text for passage in split_into_passages(source)}
    if passages.get(citation.clause) != citation.text:
        yield f"{name} does not read {citation.text!r}"


def _rules_named(connection: Connection, proposal: Proposal) -> Iterator[str]:
    """Machine rules named in the option table that are not rules in force for that clause."""
    situation = find_situation(connection, EVERYTHING, proposal.proposal_id)
    rules = list_effective(connection, EVERYTHING, proposal.created_at.date())
    known = {(rule.document_id, str(rule.version), rule.clause, rule.rule_id) for rule in rules}
    for option in situation.options if situation else ():
        for match in _RULE.finditer(option.binding_constraint):
            if match.group("document", "version", "clause", "rule") not in known:
                yield f"{match.group()} is no rule in force"
