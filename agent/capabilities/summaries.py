"""A day in short, for the role that reads it: the same facts for everybody, in the order that matters to each."""

from __future__ import annotations

from collections import Counter
from datetime import date

from agent.capabilities.cases import sweep_on
from agent.capabilities.decided import signatures
from agent.capabilities.waiting import role_of
from agent.case_views import sweep_counts, where_words
from inventory.cases import list_cases
from inventory.chronicle import list_feed_health, list_overrides
from inventory.outbox import list_outbox
from inventory.proposals import list_proposals
from inventory.records import CaseKind, CaseState, DocumentState, Proposal, ProposalState
from inventory.tasks import list_tasks
from tools.capabilities import arguments as a
from tools.capabilities.answer import Answer, Fact, Source
from tools.capabilities.facts import of_count, of_date, of_id, of_money, of_words
from tools.capabilities.registry import Asking, Capability, capability
from tools.capabilities.telling import ROWS, SOUND, Row, currency_of, data_source, known, listing, narrowed

TOP = 3
PARTS: dict[str, str] = {
    "found": "A sweep found {{found_count}}: {{shown_count}} shown, {{automatic_count}} automatic, {{held_count}} held "
    "back.",
    "opened": "Opened: {{opened_count}}, closed: {{closed_count}}.",
    "open": "Open now are {{open_count}} with {{total_money}} at risk.",
    "top": "{top}",
    "waiting": "Waiting for a signature: {{waiting_count}} worth {{waiting_value}}.",
    "decided": "People took {{decision_count}}, policy alone {{automatic_signatures}}.",
    "executed": "{{executed_count}} went to the ERP.",
    "approved": "What was approved is worth {{approved_value}}.",
    "overruled": "People decided otherwise {{override_count}}.",
    "tasks": "To be carried out by hand: {{task_count}}.",
    "late": "About late suppliers: {{late_count}}.",
    "health": "Not sound: {{unsound_count}}.",
}
"""Sentences, each true of its facts."""
ORDER: dict[str, tuple[str, ...]] = {
    "planner": ("found", "opened", "open", "top", "waiting", "overruled", "health"),
    "buyer": ("open", "late", "top", "waiting", "tasks", "executed"),
    "manager": ("open", "top", "found", "decided", "approved", "waiting", "overruled", "health"),
    "approver": ("waiting", "decided", "approved", "top", "overruled"),
    "plant_leader": ("open", "top", "waiting", "tasks", "executed", "health"),
    "warehouse_manager": ("executed", "tasks", "open", "health"),
    "finance": ("approved", "waiting", "open", "executed", "decided"),
    "auditor": ("decided", "overruled", "executed", "found", "health"),
}
"""What each role is told, in order; everybody else is told what a manager is."""
OTHERWISE = "manager"
ALIASES = {"plant_manager": "plant_leader"}
"""What people call a role, and how it is kept."""


def summary(asking: Asking, asked: a.SummaryFor) -> Answer:
    """What a day came to: found, decided, executed; what is open and waits is as it stands now."""
    on = asked.on or asking.toolbox.now().date()
    role = role_of(asked.role) or next((held for held in asking.user.roles if held in ORDER), OTHERWISE)
    role = ALIASES.get(role, role)
    currency = currency_of(asking)
    rows = [
        row for row in list_cases(asking.connection, asking.scope) if asked.site is None or asked.site in row.case.sites
    ]
    table: list[Row] = [
        {
            "case": of_id("reference", row.case.case_id),
            "where": of_words(where_words(row.case)),
            "kind": of_words(row.case.kind.value.replace("_", " ")),
            "money": of_money(row.case.money_at_risk.total, row.case.money_at_risk.currency),
            "bites_on": of_date(row.case.bites_on),
        }
        for row in rows[:ROWS]
    ]
    columns = ("case", "where", "kind", "money", "bites_on")
    found = listing("case", "Most money at risk", columns, table, total=len(rows))
    proposals = [p for p in list_proposals(asking.connection, asking.scope) if _at(p, asked.site)]
    facts = known(
        {
            "on": of_date(on),
            "role": of_words(role.replace("_", " ")),
            "site": of_id("site", asked.site) if asked.site else None,
            "open_count": of_count(len(rows), "case"),
            "total_money": of_money(sum(row.case.money_at_risk.total for row in rows), currency),
            "late_count": of_count(sum(row.case.kind is CaseKind.SUPPLIER_DELAY for row in rows), "case"),
            **_of_day(asking, on, asked.site, currency, proposals),
            **_standing(asking, asked.site, currency, proposals),
        }
    )
    top = found.told("[where] ([kind], [money])", most=TOP, joined="; ")
    said = [
        PARTS[name].replace("{top}", f"Most at risk: {top}.") if name == "top" else PARTS[name]
        for name in ORDER.get(role, ORDER[OTHERWISE])
        if (name != "top" or top) and (name != "found" or "found_count" in facts)
    ]
    about = " at {{site}}" if asked.site else ""
    sweep = sweep_on(asking, on)
    sources = [data_source(asking)]
    if sweep is not None:
        sources.append(Source(kind="sweep", reference=sweep.sweep_id, as_of=sweep.finished_at))
    return Answer(
        capability="summary",
        facts={**facts, **found.facts},
        tables=(found.table,) if table else (),
        sources=tuple(sources),
        template=f"Summary of {{{{on}}}}{about} for {{{{role}}}}: " + " ".join(said),
        notes=(
            *(() if sweep else ("No sweep ran on {{on}}.",)),
            *(("What is open and waits is told as it stands now.",) if on != asking.toolbox.now().date() else ()),
            *(() if asked.site else narrowed(asking)),
        ),
    )


def _of_day(
    asking: Asking, on: date, site: str | None, currency: str, proposals: list[Proposal]
) -> dict[str, Fact | None]:
    """What happened on a day; a sweep's counts are of all sites together."""
    connection, scope = asking.connection, asking.scope
    signed = signatures(asking, on, on, proposals)
    approved = {p.proposal_id: p for approval, p in signed if approval.decision == "approve"}
    people = [approval for approval, _ in signed if approval.kind == "person"]
    visible = {p.proposal_id for p in proposals}
    sent = [
        row
        for row in list_outbox(connection, scope, states=(DocumentState.EXECUTED,))
        if row.changed_at is not None and row.changed_at.date() == on and row.proposal_id in visible
    ]
    overruled = [o for o in list_overrides(connection, scope) if o.at.date() == on and o.proposal_id in visible]
    closed = [
        row
        for row in list_cases(connection, scope, states=(CaseState.CLOSED,))
        if row.updated_at.date() == on and (site is None or site in row.case.sites)
    ]
    opened = [
        row
        for row in [*list_cases(connection, scope), *closed]
        if row.case.opened_on == on and (site is None or site in row.case.sites)
    ]
    sweep = sweep_on(asking, on)
    counts = sweep_counts(sweep, scope) if sweep and site is None else None
    return {
        "found_count": of_count(counts.found, "case") if counts else None,
        "shown_count": of_count(counts.shown, "case") if counts else None,
        "automatic_count": of_count(counts.automatic, "case") if counts else None,
        "held_count": of_count(counts.held_back, "case") if counts else None,
        "opened_count": of_count(len(opened), "case"),
        "closed_count": of_count(len(closed), "case"),
        "decision_count": of_count(len(people), "decision"),
        "automatic_signatures": of_count(len(signed) - len(people), "decision"),
        "approved_value": of_money(sum(p.content.value_minor for p in approved.values()), currency),
        "executed_count": of_count(len(sent), "document"),
        "override_count": of_count(len(overruled), "time"),
    }


def _standing(asking: Asking, site: str | None, currency: str, proposals: list[Proposal]) -> dict[str, Fact | None]:
    """What waits now."""
    connection, scope = asking.connection, asking.scope
    waiting = [p for p in proposals if p.state is ProposalState.PENDING]
    open_tasks = [task for task in list_tasks(connection, scope, states=("open",)) if site in (None, *task.sites)]
    feeds = list_feed_health(connection, scope, asking.toolbox.snapshot().snapshot_id)
    unsound = Counter(feed.feed for feed in feeds if feed.score < SOUND and site in (None, feed.site))
    return {
        "waiting_count": of_count(len(waiting), "proposal"),
        "waiting_value": of_money(sum(p.content.value_minor for p in waiting), currency),
        "task_count": of_count(len(open_tasks), "task"),
        "unsound_count": of_count(unsound.total(), "feed"),
    }


def _at(proposal: Proposal, site: str | None) -> bool:
    return site is None or site in proposal.content.sites


CAPABILITIES: tuple[Capability, ...] = (capability("summary", summary),)
