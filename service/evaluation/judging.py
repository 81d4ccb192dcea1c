"""Judges a scenario by what stands in the database and the ERP's books at its end, never by a text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Literal

from inventory.record import Record
from inventory.records import Case, Finding, ProposalLine
from service.evaluation.end_state import EndState, Ruled
from service.evaluation.scenario import (
    Clause,
    Expectation,
    ExpectedCase,
    ExpectedDocuments,
    ExpectedLine,
    ExpectedProposal,
    ExpectedTotal,
    Forbidden,
)
from service.evaluation.world import World
from tools.erp.port import Posting

Aspect = Literal["step", "case", "action", "quantity", "tier", "citation", "forbidden", "document", "twin"]


class Check(Record):
    """One thing a scenario expects, and what was there."""

    aspect: Aspect
    expected: str
    seen: str
    passed: bool


def judge(expectation: Expectation, world: World, end: EndState) -> Iterator[Check]:
    """Every expectation against the end state, in the order of the scenario file."""
    for case in expectation.cases:
        yield _case(case, end.cases)
    for proposal in expectation.proposals:
        yield from _proposal(proposal, world, end)
    for total in expectation.totals:
        yield _total(total, end)
    for forbidden in expectation.forbidden:
        yield _forbidden(forbidden, end)
    for documents in expectation.documents:
        yield _documents(documents, end.postings)


def _case(expected: ExpectedCase, cases: Sequence[Case]) -> Check:
    fits = [case for case in cases if case.kind in expected.kinds and _about(expected, case)]
    findings = sum(len(case.findings) for case in fits)
    passed = (bool(fits) is expected.exists
              and expected.count in (None, len(fits))
              and expected.findings in (None, findings))  # fmt: skip
    seen = ", ".join(f"{case.kind.value} {case.scope} ({case.cause})" for case in cases) or "no open case"
    return Check(aspect="case", expected=words(expected), seen=f"{len(fits)} fit; open: {seen}", passed=passed)


def _about(expected: ExpectedCase, case: Case) -> bool:
    return any(_found(expected, case, finding) for finding in case.findings)


def _found(expected: ExpectedCase, case: Case, finding: Finding) -> bool:
    return (
        expected.item in ("", finding.item)
        and expected.site in ("", finding.site)
        and expected.supplier in ("", finding.supplier)
        and expected.cause in ("", case.cause, finding.cause)
    )


def _proposal(expected: ExpectedProposal, world: World, end: EndState) -> Iterator[Check]:
    """Checks of the one proposal that serves the place; where there is none or several, that alone."""
    serving = [one for one in end.standing if any(_serves(expected, line) for line in one.lines)]
    actions = [one.proposal.content.action for one in serving]
    place = f"{expected.item}@{expected.site}"
    yield Check(
        aspect="action",
        expected=f"{place}: one proposal, {' or '.join(expected.actions)}",
        seen=", ".join(actions) or _nothing_for(expected, end),
        passed=len(actions) == 1 and actions[0] in expected.actions,
    )
    if len(serving) != 1:
        return
    (one,) = serving
    for line in expected.lines:
        yield _line(line, one)
    yield from _ruling(expected, one, place)
    cited = _clauses(one.clauses)
    for clause in expected.citations:
        yield Check(aspect="citation", expected=f"{place} cites {_clause(clause)}", seen=cited,
                    passed=(clause.document, clause.version, clause.clause) in one.clauses)  # fmt: skip
    for clause in expected.not_cited:
        yield Check(aspect="citation", expected=f"{place} does not cite {_clause(clause)}", seen=cited,
                    passed=(clause.document, clause.version, clause.clause) not in one.clauses)  # fmt: skip
    if expected.first_lots:
        yield _lots(expected, world, one)


def _serves(expected: ExpectedProposal, line: ProposalLine) -> bool:
    return (line.item, line.destination) == (expected.item, expected.site)


def _nothing_for(expected: ExpectedProposal, end: EndState) -> str:
    """What became of proposals that served the place, where none stands."""
    ended = [one.proposal for one in end.proposals if any(_serves(expected, line) for line in one.lines)]
    return ", ".join(f"{one.content.action} {one.state} ({one.reason})" for one in ended) or "none"


def _line(expected: ExpectedLine, one: Ruled) -> Check:
    fits = [
        line.quantity
        for line in one.lines
        if (line.action, line.item, line.destination) == (expected.action, expected.item, expected.destination)
        and (not expected.origins or line.origin in expected.origins)
        and (not expected.suppliers or line.supplier in expected.suppliers)
        and (not expected.orders or line.order_id in expected.orders)
    ]
    passed = expected.at_least <= sum(fits) <= expected.at_most and not sum(fits) % expected.multiple_of
    return Check(aspect="quantity", expected=words(expected), seen=_lines(one.lines), passed=passed)


def _ruling(expected: ExpectedProposal, one: Ruled, place: str) -> Iterator[Check]:
    tier = one.proposal.tier
    fired = ", ".join(sorted(one.fired)) or "no rule"
    if expected.tiers:
        yield Check(aspect="tier", expected=f"{place}: {' or '.join(expected.tiers)}",
                    seen=f"{tier or 'no tier'} by {fired}", passed=tier in expected.tiers)  # fmt: skip
    for rule in expected.fired:
        yield Check(aspect="tier", expected=f"{place}: {rule} fires", seen=fired, passed=rule in one.fired)
    for rule in expected.not_fired:
        yield Check(aspect="tier", expected=f"{place}: {rule} does not fire", seen=fired, passed=rule not in one.fired)
    if expected.needs_roles:
        roles = one.demanded_roles
        passed = set(expected.needs_roles) <= roles
        yield Check(aspect="tier", expected=f"{place}: signed by {', '.join(expected.needs_roles)}",
                    seen=", ".join(sorted(roles)) or "no role named", passed=passed)  # fmt: skip
    if expected.two_people is not None:
        two = bool(one.ruling and one.ruling.two_people)
        yield Check(aspect="tier", expected=f"{place}: two people {expected.two_people}", seen=str(two),
                    passed=two is expected.two_people)  # fmt: skip


def _lots(expected: ExpectedProposal, world: World, one: Ruled) -> Check:
    """First lots are taken, and no other while one of them has units left."""
    taken: dict[str, int] = defaultdict(int)
    for lot, units in one.lots:
        taken[lot] += units
    places = [place for place in world.places if place.item == expected.item]
    there = {lot.lot: lot.on_hand for place in places for lot in place.lots}
    others = set(taken) - set(expected.first_lots)
    passed = all(taken[lot] > 0 and (not others or taken[lot] == there[lot]) for lot in expected.first_lots)
    seen = ", ".join(f"{units} of {lot or 'no lot'}" for lot, units in sorted(one.lots)) or "none"
    return Check(aspect="quantity", expected=f"lots first: {', '.join(expected.first_lots)}", seen=seen, passed=passed)


def _total(expected: ExpectedTotal, end: EndState) -> Check:
    by_day: dict[date, int] = defaultdict(int)
    for line in (line for one in end.standing for line in one.lines):
        if (line.action, line.item) == (expected.action, expected.item) and _on_lane(expected, line):
            by_day[line.ship_on] += line.quantity
    sums = list(by_day.values()) if expected.per_day else [sum(by_day.values())]
    passed = all(expected.at_least <= units <= expected.at_most for units in sums or [0])
    seen = ", ".join(f"{units} on {day}" for day, units in sorted(by_day.items())) or "nothing"
    return Check(aspect="quantity", expected=f"in all: {words(expected)}", seen=seen, passed=passed)


def _on_lane(expected: ExpectedTotal | Forbidden | ExpectedDocuments, line: ProposalLine | Posting) -> bool:
    return expected.origin in ("", line.origin) and expected.destination in ("", line.destination)


def _forbidden(expected: Forbidden, end: EndState) -> Check:
    """No proposal ever had such a line, whatever became of it."""
    found = [
        f"{one.proposal.tier or 'no tier'} {one.proposal.state}: {_lines([line])}"
        for one in end.proposals
        for line in one.lines
        if line.action == expected.action and expected.item in ("", line.item) and _on_lane(expected, line)
        and (not expected.tiers or one.proposal.tier in expected.tiers)
    ]  # fmt: skip
    return Check(aspect="forbidden", expected=f"never: {words(expected)}", seen="; ".join(found) or "none",
                 passed=not found)  # fmt: skip


def _documents(expected: ExpectedDocuments, postings: Sequence[Posting]) -> Check:
    fits = [
        one
        for one in postings
        if one.action == expected.action and _on_lane(expected, one)
        and (not expected.item or any(line.item == expected.item for line in one.lines))
    ]  # fmt: skip
    seen = ", ".join(f"{one.action} {one.reference}" for one in postings) or "none"
    return Check(aspect="document", expected=f"in the ERP: {words(expected)}", seen=seen,
                 passed=len(fits) == expected.count)  # fmt: skip


def same_but_for_words(mine: EndState, other: EndState) -> Check:
    """Actions, lines, tiers and citations of twins are equal."""
    one, two = _decided(mine), _decided(other)
    return Check(aspect="twin", expected="; ".join(two), seen="; ".join(one), passed=one == two)


def _decided(end: EndState) -> list[str]:
    return sorted(
        f"{one.proposal.content.action} {one.proposal.tier} {one.proposal.state} {_lines(one.lines)} "
        f"[{_clauses(one.clauses)}]"
        for one in end.proposals
    )


def words(expected: Record | ExpectedCase | ExpectedLine | ExpectedTotal | Forbidden | ExpectedDocuments) -> str:
    """What is expected, without what is left open."""
    given = expected.model_dump(mode="json", exclude_defaults=True)
    return ", ".join(f"{name} {_value(value)}" for name, value in given.items())


def _value(value: object) -> str:
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)


def _lines(lines: Iterable[ProposalLine]) -> str:
    return "; ".join(
        f"{line.action} {line.quantity} {line.item}{f' lot {line.lot}' if line.lot else ''} "
        f"{line.origin or line.supplier or line.order_id or '-'}>{line.destination}"
        for line in lines
    )


def _clauses(clauses: Iterable[tuple[str, int, str]]) -> str:
    return ", ".join(f"{document} v{version} {clause}" for document, version, clause in sorted(clauses)) or "nothing"


def _clause(clause: Clause) -> str:
    return f"{clause.document} v{clause.version} {clause.clause}"
