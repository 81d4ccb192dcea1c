"""Cases as they stand: what is open, one in full, and what a sweep held back."""

from __future__ import annotations

from datetime import date

from agent.case_views import (
    HELD_BACK,
    NO_REASON,
    action_words,
    best_proposals,
    case_detail,
    owner_words,
    sweep_counts,
    where_words,
)
from agent.rights_tasks import task_desk
from inventory.cases import CaseRow, find_case
from inventory.cases import list_cases as open_cases
from inventory.chronicle import list_sweeps
from inventory.errors import NotFoundError
from inventory.records import ProposalLine, Sweep
from tools.capabilities import arguments as a
from tools.capabilities.answer import Answer, Fact, Source
from tools.capabilities.facts import of_count, of_date, of_id, of_money, of_units, of_words
from tools.capabilities.registry import Asking, Capability, capability
from tools.capabilities.telling import ROWS, Row, currency_of, data_source, known, listing, narrowed

CASES = ("case", "kind", "where", "units", "money", "bites_on", "action", "tier", "state", "owner")
LINES = ("action", "item", "origin", "supplier", "destination", "quantity", "ships", "arrives", "cost")
SWEEPS = 400
"""Newest sweeps among which a day is looked for."""


def list_cases(asking: Asking, asked: a.ListCases) -> Answer:
    """Cases that are not closed, most money at risk first."""
    rows = [row for row in open_cases(asking.connection, asking.scope) if _meant(row, asked)]
    best, desk = best_proposals(asking.connection, asking.scope), task_desk(asking.connection, asking.toolbox.now())
    currency = currency_of(asking)
    table: list[Row] = []
    for row in rows[:ROWS]:
        case, proposal = row.case, best.get(row.case.case_id)
        table.append(
            {
                "case": of_id("reference", case.case_id),
                "kind": of_words(case.kind.value.replace("_", " ")),
                "where": of_words(where_words(case)),
                "units": of_units(sum(abs(finding.quantity) for finding in case.findings)),
                "money": of_money(case.money_at_risk.total, case.money_at_risk.currency),
                "bites_on": of_date(case.bites_on),
                "action": of_words(action_words(proposal.content)) if proposal else None,
                "tier": of_words(proposal.tier.value) if proposal and proposal.tier else None,
                "state": of_words((proposal.state.value if proposal else row.state.value).replace("_", " ")),
                "owner": of_words(owner_words(desk, row, proposal)),
            }
        )
    found = listing("case", "Open cases", CASES, table, total=len(rows))
    facts = known(
        {
            **_said(asked),
            "case_count": of_count(len(rows), "case"),
            "total_money": of_money(sum(row.case.money_at_risk.total for row in rows), currency),
        }
    )
    about = "".join(
        f" {word} {{{{{name}}}}}"
        for name, word in (("kind", "of kind"), ("item", "about"), ("at_site", "at"), ("supplier", "because of"))
        if name in facts
    )
    pattern = "[case] about [where]: [kind], [money] at risk, bites on [bites_on]."
    return Answer(
        capability="list_cases",
        found=bool(rows),
        facts={**facts, **found.facts},
        tables=(found.table,) if rows else (),
        sources=(data_source(asking), *_newest(asking)),
        template=f"Open{about}: {{{{case_count}}}}, {{{{total_money}}}} at risk. " + found.told(pattern)
        if rows
        else f"No case is open{about}.",
        notes=() if asked.site else narrowed(asking),
    )


def _meant(row: CaseRow, asked: a.ListCases) -> bool:
    case = row.case
    suppliers = {case.scope, *(finding.supplier for finding in case.findings), case.cause.partition(":")[2]}
    return (
        (asked.kind is None or case.kind is asked.kind)
        and (asked.site is None or asked.site in case.sites)
        and (asked.item is None or asked.item in case.items)
        and (asked.supplier is None or asked.supplier in suppliers)
    )


def _said(asked: a.ListCases) -> dict[str, Fact | None]:
    return {
        "kind": of_words(asked.kind.value.replace("_", " ")) if asked.kind else None,
        "item": of_id("item", asked.item) if asked.item else None,
        "at_site": of_id("site", asked.site) if asked.site else None,
        "supplier": of_id("supplier", asked.supplier, "supplier") if asked.supplier else None,
    }


def _newest(asking: Asking) -> tuple[Source, ...]:
    return tuple(_swept(sweep) for sweep in list_sweeps(asking.connection, asking.scope, limit=1))


def _swept(sweep: Sweep) -> Source:
    return Source(kind="sweep", reference=sweep.sweep_id, as_of=sweep.finished_at)


def show_case(asking: Asking, asked: a.ShowCase) -> Answer:
    """What is wrong, what is proposed and where it stands."""
    detail = case_detail(asking.connection, asking.scope, asked.case, at=asking.toolbox.now())
    case, newest = detail.case, detail.newest
    risk = case.money_at_risk
    proposal = newest.proposal if newest else None
    lines = [_line(asking, line, risk.currency) for line in proposal.content.lines] if proposal else []
    found = listing("line", "What is proposed", LINES, lines)
    explanation = newest.explanation.text if newest and newest.explanation else ""
    facts = known(
        {
            "case": of_id("reference", case.case_id),
            "kind": of_words(case.kind.value.replace("_", " ")),
            "where": of_words(where_words(case)),
            "state": of_words(detail.state.value.replace("_", " ")),
            "money": of_money(risk.total, risk.currency),
            "units": of_units(sum(abs(finding.quantity) for finding in case.findings)),
            "bites_on": of_date(case.bites_on),
            "opened_on": of_date(case.opened_on),
            "planner": of_id("reference", case.planner) if case.planner else None,
            "owner": of_words(detail.owner) if detail.owner else None,
            "held_back": of_words(detail.held_back) if detail.held_back else None,
            "proposal": of_id("reference", proposal.proposal_id) if proposal else None,
            "action": of_words(action_words(proposal.content)) if proposal else None,
            "proposal_state": of_words(proposal.state.value.replace("_", " ")) if proposal else None,
            "tier": of_words(proposal.tier.value) if proposal and proposal.tier else None,
            "value": of_money(proposal.content.value_minor, proposal.content.currency) if proposal else None,
            "explanation": of_words(explanation) if explanation else None,
        }
    )
    parts = [
        "{{case}} is a {{kind}} about {{where}}, {{state}}: {{units}}, {{money}} at risk, biting on {{bites_on}}.",
        "Proposed is {{action}}, {{proposal_state}}"
        + (" in the {{tier}} tier" if "tier" in facts else "")
        + ", worth {{value}} ({{proposal}})."
        if proposal
        else "Nothing is proposed" + (": {{held_back}}." if detail.held_back else "."),
        "It waits for {{owner}}." if detail.owner else "",
    ]
    sources = [data_source(asking), Source(kind="case", reference=case.case_id)]
    if proposal and newest:
        sources += [
            Source(kind="proposal", reference=proposal.proposal_id, version=proposal.content.version),
            Source(kind="plan_run", reference=proposal.content.plan_run_id),
        ]
        citations = newest.explanation.citations if newest.explanation else ()
        sources += [
            Source(kind="document", reference=one.document_id, version=one.version, clause=one.clause)
            for one in citations
        ]
    return Answer(
        capability="show_case", facts={**facts, **found.facts}, tables=(found.table,) if lines else (),
        sources=tuple(sources), template=" ".join(part for part in parts if part),
    )  # fmt: skip


def _line(asking: Asking, line: ProposalLine, currency: str) -> Row:
    return {
        "action": of_words(line.action.value.replace("_", " ")),
        "item": of_id("item", line.item),
        "origin": of_id("site", line.origin, "origin") if line.origin else None,
        "supplier": of_id("supplier", line.supplier, "supplier") if line.supplier else None,
        "destination": of_id("site", line.destination, "destination"),
        "quantity": of_units(line.quantity),
        "ships": of_date(line.ship_on),
        "arrives": of_date(line.arrive_on),
        "cost": of_money(line.cost_minor, currency),
    }


def held_back(asking: Asking, asked: a.OnDay) -> Answer:
    """What the last sweep of a day found and did not show, with the reason of each."""
    sweep = sweep_on(asking, asked.on)
    day = asked.on or asking.toolbox.now().date()
    if sweep is None:
        return Answer(
            capability="held_back", found=False, facts={"on": of_date(day)}, sources=(data_source(asking),),
            template="No sweep ran on {{on}}, so nothing was held back.",
        )  # fmt: skip
    counts = sweep_counts(sweep, asking.scope)
    rows: list[Row] = []
    for case_id, fate in sorted(sweep.dispositions.items()):
        kind, _, reason = fate.partition(":")
        if kind != HELD_BACK:
            continue
        try:
            case = find_case(asking.connection, asking.scope, case_id).case
        except NotFoundError:
            continue
        rows.append(
            {
                "case": of_id("reference", case_id),
                "where": of_words(where_words(case)),
                "kind": of_words(case.kind.value.replace("_", " ")),
                "money": of_money(case.money_at_risk.total, case.money_at_risk.currency),
                "reason": of_words(reason or NO_REASON),
            }
        )
    rows.sort(key=lambda row: (-_money(row), str(row["case"])))
    found = listing("case", "Held back", ("case", "where", "kind", "money", "reason"), rows)
    facts = {
        "on": of_date(sweep.finished_at.date()),
        "found_count": of_count(counts.found, "case"),
        "shown_count": of_count(counts.shown, "case"),
        "automatic_count": of_count(counts.automatic, "case"),
        "held_count": of_count(counts.held_back, "case"),
        "total_money": of_money(round(100 * sum(_money(row) for row in rows)), currency_of(asking)),
    }
    reasons = {f"reason_{n}": of_words(why) for n, why in enumerate(counts.held_back_reasons, start=1)}
    times = {f"reason_{n}_count": of_count(k, "case") for n, k in enumerate(counts.held_back_reasons.values(), start=1)}
    told = "; ".join(f"{{{{reason_{n}_count}}}} because {{{{reason_{n}}}}}" for n in range(1, min(len(reasons), 4) + 1))
    template = (
        "On {{on}} {{found_count}} were found: {{shown_count}} shown, {{automatic_count}} automatic, {{held_count}} "
        "held back"
    )
    return Answer(
        capability="held_back",
        found=bool(rows),
        facts={**facts, **reasons, **times, **found.facts},
        tables=(found.table,) if rows else (),
        sources=(_swept(sweep),),
        template=f"{template}: {told}. Most money: {found.told('[where], [money]', joined='; ')}."
        if rows
        else f"{template}.",
        notes=narrowed(asking),
    )


def sweep_on(asking: Asking, on: date | None) -> Sweep | None:
    """The last sweep of a day; of today, or else the newest there is, when no day is named."""
    sweeps = list_sweeps(asking.connection, asking.scope, limit=SWEEPS if on else 1)
    if on is None:
        return sweeps[0] if sweeps else None
    return next((sweep for sweep in sweeps if sweep.finished_at.date() == on), None)


def _money(row: Row) -> float:
    fact = row.get("money")
    return fact.number if fact else 0.0


CAPABILITIES: tuple[Capability, ...] = (
    capability("list_cases", list_cases),
    capability("show_case", show_case),
    capability("held_back", held_back),
)
