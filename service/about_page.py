"""The three answers about a past action as aligned text."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table

from agent.about import About, Account, Sent, Signature
from inventory.records import ProposalLine
from service.case_tables import cell, plain_table, whole_money

FEEDS_SHOWN = 6


def about_page(answer: About) -> RenderableType:
    """Every account, one after the other."""
    return Group(*(part for account in answer.accounts for part in _page(account)))


def _page(account: Account) -> Iterator[RenderableType]:
    reason = f" ({account.reason})" if account.reason else ""
    yield cell(f"{account.proposal_id}: {account.state.value.replace('_', ' ')}{reason}", "bold")
    for title, rows in (
        ("What was recommended", _recommended(account)),
        ("On what data", _data(account)),
        ("Who or what executed it", _executed(account)),
    ):
        yield cell(title, "bold")
        yield _aligned(rows)
    yield cell("")


def _aligned(rows: Iterator[tuple[str, str]]) -> Table:
    table = plain_table("", "")
    table.show_header = False
    for name, what in rows:
        table.add_row(cell(f"  {name}"), cell(what))
    return table


def _recommended(account: Account) -> Iterator[tuple[str, str]]:
    told = account.recommended
    yield "case", told.case_id
    for line in told.lines:
        yield f"line {line.number}", _line(line)
    yield "value", f"{whole_money(told.value_minor)} {told.currency}"
    yield "drafted", f"{told.drafted_at:%Y-%m-%d %H:%M} UTC, version {told.version}, by {told.requested_by}"
    yield "digest", told.digest
    if told.explanation:
        yield "because", " ".join(told.explanation.split())
    if told.cited:
        yield "written rules", " ".join(told.cited)


def _line(line: ProposalLine) -> str:
    source = line.origin or line.supplier
    way = f"{source} to {line.destination}" if source else line.destination
    order = f", order {line.order_id}" if line.order_id else ""
    lot = f", lot {line.lot}" if line.lot else ""
    return f"{line.action.value.replace('_', ' ')} {line.quantity:,} of {line.item}, {way}{order}{lot}"


def _data(account: Account) -> Iterator[tuple[str, str]]:
    used = account.data
    as_of = f" as of {used.as_of:%Y-%m-%d %H:%M} UTC" if used.as_of else ""
    age = f", {used.age_hours_when_drafted:.1f} h old when drafted" if used.age_hours_when_drafted is not None else ""
    yield "snapshot", f"{used.snapshot_id}{as_of}{age}"
    oldest = sorted(used.feeds, key=lambda feed: (-feed.age_hours, feed.feed, feed.site))
    for feed in oldest[:FEEDS_SHOWN]:
        yield f"feed {feed.feed}", f"{feed.site}, {feed.age_hours:.1f} h old"
    if len(oldest) > FEEDS_SHOWN:
        yield "", f"and {len(oldest) - FEEDS_SHOWN} younger feeds"
    yield "plan run", f"{used.plan_run_id} ({used.solver_path}, seed {used.seed}), {used.planned_at:%Y-%m-%d %H:%M} UTC"
    for policy in used.policies:
        yield f"{policy.kind} policy", f"version {policy.version} by {policy.author}"
    if used.tier:
        yield "tier", used.tier.value
    for rule in used.fired:
        yield f"rule {rule.rule}", f"{rule.tier.value}: {rule.reason}"


def _executed(account: Account) -> Iterator[tuple[str, str]]:
    for signature in account.decided:
        yield signature.decision, _signature(signature)
    for sent in account.executed:
        yield sent.key, _sent(sent)
    if not account.decided:
        yield "decided by", "nobody yet"
    if not account.executed:
        yield "executed by", "nobody: no document was made for the ERP"


def _signature(signature: Signature) -> str:
    entry = f", entry {signature.entry}" if signature.entry else ""
    what = "a person" if signature.kind == "person" else "policy"
    return f"{signature.by} ({what}), {signature.reason}, {signature.at:%Y-%m-%d %H:%M} UTC{entry}"


def _sent(sent: Sent) -> str:
    posted = f" as {sent.erp_reference} {sent.posted_at:%Y-%m-%d %H:%M} UTC" if sent.posted_at else ""
    known = f", known by {sent.found_by}" if sent.found_by else ""
    by = f", by {sent.sent_by}" if sent.sent_by else ""
    entry = f", entry {sent.entry}" if sent.entry else ""
    return f"{sent.action.replace('_', ' ')} {sent.state.replace('_', ' ')}{posted}{known}{by}{entry}"
