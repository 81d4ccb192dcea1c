"""Fact slots: every figure, date and id a draft may name, written out by code from stored records.

A slot holds its unit. Numbered slots (``line_2_quantity``, ``driver_1_money``, ``alternative_3_gap``,
``rule_1_clause``, ``finding_1_item``) count from 1 in the order of the draft's :class:`~agent.draft_focus.Focus`.
Names ending in ``origin`` give, names ending in ``destination`` receive; grounding relies on that.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.draft_focus import LISTED_FINDINGS, Alternative, Focus, same_need
from inventory.records import Case, Citation, Driver, Finding, Option, Proposal, ProposalLine, Situation
from tools.plain_words import count, day, days, money, percent, plain, units

FactSlots = dict[str, str]

UNNAMED_SOURCE = "its usual source"

_REASONS = {
    "late": "late supply",
    "demand": "demand differs from plan",
    "stock_mismatch": "book and warehouse count differ",
}


def fact_slots(
    case: Case, situation: Situation, proposal: Proposal, citations: tuple[Citation, ...], focus: Focus
) -> FactSlots:
    """Every slot a draft about this case may use, by name; what is not known has no slot."""
    currency = proposal.content.currency
    slots = {
        **_case_slots(case, situation, focus),
        **_driver_slots(focus, currency),
        **_line_slots(proposal, focus),
        **_worth_slots(proposal, focus),
        **_lead_slots(case, situation, focus, currency),
        **_confidence_slots(focus),
        **_each("alternative", (_alternative(a, focus, currency) for a in focus.alternatives)),
        **_each("rule", (_rule(citation) for citation in citations)),
    }
    return {name: value for name, value in slots.items() if value}


def ids_of(case: Case, situation: Situation, proposal: Proposal, citations: tuple[Citation, ...]) -> frozenset[str]:
    """Every id of the case that prose may name only through a slot."""
    lines = proposal.content.lines
    found = {
        case.case_id,
        proposal.proposal_id,
        *case.items,
        *case.sites,
        *(finding.supplier for finding in case.findings),
        *(fact.item for fact in situation.facts),
        *(fact.site for fact in situation.facts),
        *(name for o in situation.options for name in (o.item, o.site, o.source, o.order_id)),
        *(name for x in lines for name in (x.item, x.destination, x.origin, x.supplier, x.order_id, x.lot)),
        *(citation.document_id for citation in citations),
    }
    return frozenset(found - {""})


def _each(prefix: str, slots: Iterable[FactSlots]) -> FactSlots:
    numbered = enumerate(slots, start=1)
    return {f"{prefix}_{number}_{name}": value for number, group in numbered for name, value in group.items()}


def _case_slots(case: Case, situation: Situation, focus: Focus) -> FactSlots:
    first = focus.findings[0]
    more = len(focus.findings) - LISTED_FINDINGS
    suppliers = sorted({finding.supplier for finding in focus.findings if finding.supplier})
    return {
        "supplier": ", ".join(suppliers) or plain(case.scope),
        "quantity": units(sum(abs(finding.quantity) for finding in focus.findings)),
        "finding_count": count(len({(finding.item, finding.site) for finding in focus.findings}), "item and site pair"),
        "findings_more": f"{more} more",
        "bites_on": day(case.bites_on),
        "money_at_risk": money(case.money_at_risk.total, case.money_at_risk.currency),
        "reason": _reason(case.cause),
        "note": plain(first.note).rstrip("."),
        "as_of": f"{day(situation.as_of.date())} {situation.as_of:%H:%M} UTC",
        **_each("finding", (_finding(finding) for finding in focus.findings[:LISTED_FINDINGS])),
    }


def _finding(finding: Finding) -> FactSlots:
    return {
        "item": finding.item,
        "site": finding.site,
        "quantity": units(abs(finding.quantity)),
        "bites_on": day(finding.bites_on),
    }


def _reason(cause: str) -> str:
    """Words for a cause code: ``late:SUP-LARCH`` is late supply, from whom."""
    code, _, subject = cause.partition(":")
    said = _REASONS.get(code, code.replace("_", " "))
    return f"{said} ({subject})" if subject else said


def _driver_slots(focus: Focus, currency: str) -> FactSlots:
    others = focus.all_drivers[len(focus.drivers) :]
    named = (
        {"name": plain(driver.name.replace("_", " ")), **_driver_sum((driver,), currency)} for driver in focus.drivers
    )
    return {
        **_each("driver", named),
        **{f"drivers_{name}": value for name, value in _driver_sum(focus.all_drivers, currency).items()},
        **{f"other_drivers_{name}": value for name, value in _driver_sum(others, currency).items()},
    }


def _driver_sum(drivers: tuple[Driver, ...], currency: str) -> FactSlots:
    return {
        "units": units(sum(driver.units for driver in drivers)),
        "days": days(sum(driver.days_of_cover for driver in drivers)),
        "money": money(sum(driver.money_minor for driver in drivers), currency),
    }


def _line_slots(proposal: Proposal, focus: Focus) -> FactSlots:
    return {
        "line_count": count(focus.line_count, "line"),
        "requested_by": plain(proposal.requested_by),
        **_each("line", (_line(line, focus.chosen) for line in focus.lines)),
    }


def _line(line: ProposalLine, chosen: tuple[Option, ...]) -> FactSlots:
    return {
        "item": line.item,
        "quantity": units(line.quantity),
        "origin": line.origin or UNNAMED_SOURCE,
        "destination": line.destination,
        "supplier": line.supplier or UNNAMED_SOURCE,
        "order": f"order {line.order_id}" if line.order_id else "new order",
        "ship_on": day(line.ship_on),
        "arrival": _arrival(line, chosen),
    }


def _arrival(line: ProposalLine, chosen: tuple[Option, ...]) -> str:
    """Usual arrival, and the late one where the planned option of this line knows it."""
    usual = f"usually there by {day(line.arrive_on)}"
    late = next((o.arrives_p90 for o in chosen if _is_option_of(o, line) and o.arrives_p90 is not None), None)
    return usual if late is None or late <= line.arrive_on else f"{usual}, if late by {day(late)}"


def _is_option_of(option: Option, line: ProposalLine) -> bool:
    source = (line.item, line.destination, line.action, line.origin or line.supplier)
    return (option.item, option.site, option.action, option.source) == source


def _worth_slots(proposal: Proposal, focus: Focus) -> FactSlots:
    """Cost of what is proposed, and what the planned options together are worth."""
    currency = proposal.content.currency
    return {
        "cost": money(sum(line.cost_minor for line in proposal.content.lines), currency),
        "planned_quantity": units(sum(option.quantity for option in focus.chosen)),
        "avoided_units": units(sum(option.shortage_avoided_units for option in focus.chosen)),
        "avoided_money": money(sum(option.shortage_avoided_minor for option in focus.chosen), currency),
        "net_value": money(sum(option.net_value_minor for option in focus.chosen), currency),
    }


def _lead_slots(case: Case, situation: Situation, focus: Focus, currency: str) -> FactSlots:
    lead = focus.lead
    if lead is None:
        return {}
    slots = {
        "lead_item": lead.item,
        "lead_site": lead.site,
        "lead_binding": _code_words(lead.binding_constraint),
        "flip_point": plain(lead.flip_point),
        "plan_note": plain(lead.note).rstrip("."),
        "option_count": count(len(same_need(case, situation, lead)), "option"),
        "service_after": percent(lead.service_after),
        "confidence": percent(min(option.confidence for option in focus.chosen)),
    }
    if lead.donor_cover_days_after is not None:
        slots["donor_cover"] = days(lead.donor_cover_days_after)
    if lead.break_even_penalty_minor is not None:
        slots["break_even"] = money(lead.break_even_penalty_minor, currency)
    return slots


def _confidence_slots(focus: Focus) -> FactSlots:
    slots: FactSlots = {}
    if focus.short_history_weeks is not None:
        slots["history"] = count(int(focus.short_history_weeks), "week")
    if focus.wide_arrival_days is not None:
        slots["arrival_spread"] = count(focus.wide_arrival_days, "day")
    if focus.poor_health is not None:
        slots["health"] = percent(focus.poor_health)
    return slots


def _alternative(alternative: Alternative, focus: Focus, currency: str) -> FactSlots:
    """An option beside the lead: its own figures, and its distance in cost and in net value."""
    option, lead = alternative.option, focus.chosen[0]
    slots = {
        "action": option.action.value,
        "quantity": units(option.quantity),
        "destination": option.site,
        "source": plain(option.source) or plain(option.order_id) or UNNAMED_SOURCE,
        "net_value": money(option.net_value_minor, currency),
        "gap": money(abs(lead.net_value_minor - option.net_value_minor), currency),
        "cost_gap": money(abs(lead.cost_minor - option.cost_minor), currency),
        "binding": _code_words(option.binding_constraint) or "the limits set",
    }
    if option.arrives_p90 is not None:
        slots["arrives_p90"] = day(option.arrives_p90)
    return slots


def _rule(citation: Citation) -> FactSlots:
    return {
        "title": plain(citation.title),
        "document": citation.document_id,
        "version": f"version {citation.version}",
        "clause": f"clause {plain(citation.clause)}" if citation.clause else "whole document",
        "effective_from": day(citation.effective_from),
    }


def _code_words(code: str) -> str:
    """A constraint's name as words; ids inside it keep their hyphens."""
    return plain(code.replace("_", " "))
