"""What was decided, by whom and why, and what policy did without a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import select

from agent.about import Account, about
from agent.case_views import action_words
from inventory.chronicle import list_overrides
from inventory.proposals import list_proposals
from inventory.record import load
from inventory.records import ActionKind, Approval, Proposal
from inventory.tables import approvals
from tools.capabilities import arguments as a
from tools.capabilities.answer import Answer, Source
from tools.capabilities.facts import of_count, of_date, of_id, of_money, of_words
from tools.capabilities.registry import Asking, Capability, capability
from tools.capabilities.telling import Row, currency_of, data_source, known, listing, narrowed
from tools.errors import ToolInputError

LATELY_DAYS = 7
"""Days looked back over when no day is named."""
OVERRIDE_DAYS = 28
ACCOUNTS = 5
"""Proposals told of one past decision."""
DONE = ("proposal", "action", "where", "value", "state", "at", "rule")
OVERRULED = ("proposal", "action", "where", "by", "decision", "reason", "words", "at")
TOLD = ("proposal", "action", "where", "value", "state", "decided", "executed", "drafted", "data_of")


def _value(row: Row) -> float:
    fact = row.get("value")
    return fact.number if fact else 0.0


def signatures(
    asking: Asking, since: date, until: date, proposals: Sequence[Proposal] | None = None
) -> list[tuple[Approval, Proposal]]:
    """Decisions between two days, both included, oldest first, on some proposals or all the asker may see."""
    known_ = list_proposals(asking.connection, asking.scope) if proposals is None else proposals
    visible = {proposal.proposal_id: proposal for proposal in known_}
    begins, ends = (datetime.combine(day, time.min, UTC) for day in (since, until + timedelta(days=1)))
    query = (
        select(approvals.c.body)
        .where(approvals.c.at >= begins, approvals.c.at < ends)
        .order_by(approvals.c.at, approvals.c.approval_id)
    )
    given = (load(Approval, body) for body in asking.connection.execute(query).scalars())
    return [(approval, visible[approval.proposal_id]) for approval in given if approval.proposal_id in visible]


def automatic_actions(asking: Asking, asked: a.OnDayMaybeSite) -> Answer:
    """What policy signed without a person, on a day or lately; holds are counted apart."""
    until = asked.on or asking.toolbox.now().date()
    since = asked.on or until - timedelta(days=LATELY_DAYS - 1)
    signed = [
        (approval, proposal)
        for approval, proposal in signatures(asking, since, until)
        if approval.kind == "policy"
        and approval.decision == "approve"
        and (asked.site is None or asked.site in proposal.content.sites)
    ]
    holds = [pair for pair in signed if pair[1].content.action is ActionKind.HOLD]
    rows: list[Row] = [
        {
            "proposal": of_id("reference", proposal.proposal_id),
            "action": of_words(action_words(proposal.content)),
            "where": of_words(_places(proposal)),
            "value": of_money(proposal.content.value_minor, proposal.content.currency),
            "state": of_words(proposal.state.value.replace("_", " ")),
            "at": of_date(approval.at.date()),
            "rule": of_words(approval.by),
        }
        for approval, proposal in signed
        if proposal.content.action is not ActionKind.HOLD
    ]
    found = listing("action", "Done without a person", DONE, rows)
    facts = known(
        {
            "since": of_date(since),
            "until": of_date(until),
            "site": of_id("site", asked.site) if asked.site else None,
            "action_count": of_count(len(rows), "action"),
            "hold_count": of_count(len(holds), "hold"),
            "total_value": of_money(round(100 * sum(_value(row) for row in rows)), currency_of(asking)),
        }
    )
    when = " on {{until}}" if asked.on else " from {{since}} to {{until}}"
    where = " at {{site}}" if asked.site else ""
    holding = " Besides, {{hold_count}} were accepted by policy, which move nothing." if holds else ""
    return Answer(
        capability="automatic_actions",
        found=bool(signed),
        facts={**facts, **found.facts},
        tables=(found.table,) if rows else (),
        sources=(data_source(asking),),
        template=(
            f"{{{{action_count}}}} worth {{{{total_value}}}} ran without a person{where}{when}. "
            + found.told("[action] ([where]), [value], [state].")
            if rows
            else f"Nothing was moved or bought without a person{where}{when}."
        )
        + holding,
        notes=() if asked.site else narrowed(asking),
    )


def _places(proposal: Proposal) -> str:
    lines = proposal.content.lines
    first = lines[0]
    words = f"{first.item} {first.origin + ' to ' if first.origin else ''}{first.destination}"
    return words if len(lines) == 1 else f"{words} and {len(lines) - 1} more"


def overrides(asking: Asking, asked: a.Overrides) -> Answer:
    """Who decided otherwise than proposed, and why, the newest first."""
    days = asked.days or OVERRIDE_DAYS
    since = asking.toolbox.now() - timedelta(days=days)
    visible = {p.proposal_id: p for p in list_proposals(asking.connection, asking.scope)}
    made = [
        (override, visible[override.proposal_id])
        for override in reversed(list_overrides(asking.connection, asking.scope))
        if override.at >= since and override.proposal_id in visible
    ]
    rows: list[Row] = [
        {
            "proposal": of_id("reference", override.proposal_id),
            "action": of_words(action_words(proposal.content)),
            "where": of_words(_places(proposal)),
            "by": of_id("reference", override.by),
            "decision": of_words(override.decision),
            "reason": of_words(override.reason.value.replace("_", " ")),
            "words": of_words(override.text) if override.text else None,
            "at": of_date(override.at.date()),
        }
        for override, proposal in made
        if asked.site is None or asked.site in proposal.content.sites
    ]
    found = listing("override", "Decided otherwise", OVERRULED, rows)
    facts = known(
        {
            "override_count": of_count(len(rows), "time"),
            "within": of_count(days, "day"),
            "site": of_id("site", asked.site) if asked.site else None,
        }
    )
    where = " at {{site}}" if asked.site else ""
    return Answer(
        capability="overrides",
        found=bool(rows),
        facts={**facts, **found.facts},
        tables=(found.table,) if rows else (),
        sources=(data_source(asking),),
        template=f"People decided otherwise {{{{override_count}}}} in the last {{{{within}}}}{where}. "
        + found.told("[by] on [at]: [decision] of [action] ([where]), because of [reason].")
        if rows
        else f"Nobody decided otherwise in the last {{{{within}}}}{where}.",
        notes=() if asked.site else narrowed(asking),
    )


def past_decision(asking: Asking, asked: a.PastDecision) -> Answer:
    """What was recommended, on which data, who decided and what was executed, from the record alone.

    Raises
    ------
    ToolInputError
        If neither a reference, an item, a site nor a day is named.
    """
    if asked.reference:
        accounts = about(asking.connection, asking.scope, asked.reference).accounts
    elif asked.item or asked.site or asked.on:
        accounts = tuple(
            about(asking.connection, asking.scope, proposal.proposal_id).accounts[0]
            for proposal in _meant(asking, asked)
        )
    else:
        raise ToolInputError("past_decision: name a case, proposal or ERP reference, an item, a site or a day")
    told = accounts[:ACCOUNTS]
    found = listing("decision", "Past decisions", TOLD, [_account_row(account) for account in accounts])
    facts = known(
        {
            "decision_count": of_count(len(accounts), "proposal"),
            "item": of_id("item", asked.item) if asked.item else None,
            "site": of_id("site", asked.site) if asked.site else None,
            "on": of_date(asked.on) if asked.on else None,
            "reference": of_id("reference", asked.reference) if asked.reference else None,
        }
    )
    pattern = (
        "[proposal] of [drafted] recommended [action] ([where]), worth [value], on the data of [data_of]. "
        "Decided: [decided]. Executed: [executed]. It is [state]."
    )
    when = "".join(
        f" {word} {{{{{name}}}}}" for name, word in (("item", "of"), ("site", "at"), ("on", "on")) if name in facts
    )
    return Answer(
        capability="past_decision",
        found=bool(accounts),
        facts={**facts, **found.facts},
        tables=(found.table,) if accounts else (),
        sources=tuple(source for account in told for source in _account_sources(account)) or (data_source(asking),),
        template=found.told(pattern, most=2) if accounts
        else f"Nothing was recommended{when} that you may see.",
        notes=narrowed(asking),
    )  # fmt: skip


def _meant(asking: Asking, asked: a.PastDecision) -> list[Proposal]:
    """Proposals about the item and site, drafted or decided that day, the newest first."""
    found = [
        proposal
        for proposal in list_proposals(asking.connection, asking.scope)
        if (asked.item is None or any(line.item == asked.item for line in proposal.content.lines))
        and (asked.site is None or asked.site in proposal.content.sites)
    ]
    if asked.on is not None:
        decided = {proposal.proposal_id for _, proposal in signatures(asking, asked.on, asked.on)}
        found = [p for p in found if p.created_at.date() == asked.on or p.proposal_id in decided]
    return sorted(found, key=lambda p: (p.created_at, p.content.value_minor, p.proposal_id), reverse=True)[:20]


def _account_row(account: Account) -> Row:
    lines = account.recommended.lines
    where = ", ".join(dict.fromkeys(f"{x.item} {x.origin + ' to ' if x.origin else ''}{x.destination}" for x in lines))
    decided = "; ".join(f"{s.decision} by {s.by} on {s.at:%Y-%m-%d %H:%M}" for s in account.decided)
    sent = "; ".join(f"{s.erp_reference or s.key} {s.state} by {s.sent_by or 'nobody yet'}" for s in account.executed)
    units, action = sum(line.quantity for line in lines), account.recommended.action.replace("_", " ")
    return {
        "proposal": of_id("reference", account.proposal_id),
        "action": of_words(f"{action} of {units}" if units else action),
        "where": of_words(where),
        "value": of_money(account.recommended.value_minor, account.recommended.currency),
        "state": of_words(account.state.value.replace("_", " ")),
        "decided": of_words(decided or "nobody yet"),
        "executed": of_words(sent or "nothing"),
        "drafted": of_date(account.recommended.drafted_at.date()),
        "data_of": of_date((account.data.as_of or account.data.planned_at).date()),
    }


def _account_sources(account: Account) -> list[Source]:
    data = account.data
    return [
        Source(kind="proposal", reference=account.proposal_id, version=account.recommended.version),
        Source(kind="snapshot", reference=data.snapshot_id, as_of=data.as_of),
        Source(kind="plan_run", reference=data.plan_run_id, as_of=data.planned_at),
        *(Source(kind="policy", reference=used.kind, version=used.version) for used in data.policies),
    ]


CAPABILITIES: tuple[Capability, ...] = (
    capability("automatic_actions", automatic_actions),
    capability("overrides", overrides),
    capability("past_decision", past_decision),
)
