"""The replenishment run on paper: what to buy and move, for whom, what it costs, and what was left out and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table

from inventory.records import ActionKind, Proposal, ReplenishmentLine, ReplenishmentRun
from inventory.segment_words import segment_words
from service.case_tables import cell, plain_table, short_day, tier_cell, whole_money
from tools.shadow_compare import Comparison

VERBS = {ActionKind.PURCHASE: "buy from", ActionKind.TRANSFER: "move from"}
ABOUT_WIDTH = 30
ID_SHOWN = 11


def run_page(
    run: ReplenishmentRun,
    proposals: Mapping[str, Proposal],
    comparisons: Sequence[Comparison],
    *,
    lines: bool,
    swept: bool,
) -> RenderableType:
    """One run, with the proposals it made and, for earlier runs in shadow, what was ordered after them."""
    mode = ", in shadow: nothing is posted" if run.shadow else ""
    left = sum(run.set_aside.values())
    parts: list[RenderableType] = [
        cell(f"Replenishment of {run.day:%a} {short_day(run.day)} {run.day.year}{mode}", "bold"),
        cell(
            f"{run.item_sites:,} item-sites = {len(run.lines):,} to order or move + "
            f"{run.item_sites - len(run.lines) - left:,} with enough + {left:,} set aside"
        ),
    ]
    if not swept:
        parts.append(cell("no sweep has looked at this data yet, so its exceptions are not set aside: sweep first"))
    if run.lines:
        parts.append(_groups(run, proposals))
    else:
        parts.append(cell("nothing is to be ordered"))
    limits = Counter(limit for line in run.lines for limit in line.limited_by)
    if limits:
        said = ", ".join(f"{name} {count:,}" for name, count in sorted(limits.items(), key=lambda p: (-p[1], p[0])))
        parts.append(cell(f"quantities changed by: {said}"))
    if lines and run.lines:
        parts.append(_lines(run))
    if run.set_aside:
        parts.append(_set_aside(run.set_aside))
    if run.superseded:
        parts.append(cell(f"{len(run.superseded)} undecided proposals of earlier runs are replaced"))
    parts += [_comparison(one, run.currency) for one in comparisons]
    waiting = [p for p in proposals.values() if p.state.value == "pending"]
    if waiting:
        parts.append(cell("see one with `evenkeel proposals ID`; sign it with `evenkeel decide ID approve …`"))
    return Group(*parts)


def _groups(run: ReplenishmentRun, proposals: Mapping[str, Proposal]) -> Table:
    by_group: dict[tuple[str, ...], list[ReplenishmentLine]] = defaultdict(list)
    for line in run.lines:
        ends = f"{line.source} to {line.site}" if line.action is ActionKind.TRANSFER else line.source
        by_group[(line.action.value, ends, line.planner, line.item_class, line.proposal_id)].append(line)
    table = plain_table(
        "proposal", "what", "planner", "class", "#lines", "#units", f"#{run.currency}", "tier", "state", gap=0
    )
    for column in table.columns:
        column.no_wrap, column.overflow = True, "ellipsis"
    table.columns[1].max_width = ABOUT_WIDTH
    for key, lines in sorted(by_group.items()):
        proposal = proposals.get(key[4])
        table.add_row(
            cell(key[4][:ID_SHOWN] or "–"),
            cell(f"{VERBS[lines[0].action].split()[0]}: {key[1]}"),
            cell(key[2] or "–"),
            cell(key[3]),
            f"{len(lines):,}",
            f"{sum(line.quantity for line in lines):,}",
            whole_money(sum(line.value_minor for line in lines)),
            tier_cell(proposal.tier if proposal else None),
            proposal.state.value.replace("_", " ") if proposal else "shadow" if run.shadow else "–",
        )
    table.add_section()
    for action in (ActionKind.PURCHASE, ActionKind.TRANSFER):
        mine = [line for line in run.lines if line.action is action]
        if mine:
            table.add_row(
                "", cell("all purchases" if action is ActionKind.PURCHASE else "all transfers", "bold"), "", "",
                f"{len(mine):,}", f"{sum(line.quantity for line in mine):,}",
                whole_money(sum(line.value_minor for line in mine)), "", "",
            )  # fmt: skip
    return table


def _lines(run: ReplenishmentRun) -> Table:
    table = plain_table(
        "item", "site", "from", "#units", "#asked", "#has", "#up to", f"#{run.currency}", "here", "segment", "cut by",
        gap=0,
    )  # fmt: skip
    for line in run.lines:
        table.add_row(
            cell(line.item),
            cell(line.site),
            cell(line.source),
            f"{line.quantity:,}",
            f"{line.wanted:,}",
            f"{line.position:,.0f}",
            f"{line.order_up_to_level:,.0f}",
            whole_money(line.cost_minor),
            short_day(line.arrive_on),
            segment_words(line.segment),
            cell(", ".join(line.limited_by)),
        )
    return table


def _set_aside(reasons: Mapping[str, int]) -> Table:
    table = plain_table("set aside", "#item-sites")
    for reason, count in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])):
        table.add_row(cell(reason), f"{count:,}")
    return table


def _comparison(found: Comparison, currency: str) -> Table:
    final = "" if found.final else ", not over yet"
    table = plain_table(
        f"shadow of {short_day(found.day)} beside orders to {short_day(found.until)}{final}",
        "#item-sites", "#recommended", "#ordered", f"#{currency} recommended", f"#{currency} ordered",
    )  # fmt: skip
    for row in found.rows:
        table.add_row(
            row.verdict, f"{row.lines:,}", f"{row.recommended_units:,}", f"{row.ordered_units:,}",
            whole_money(row.recommended_minor), whole_money(row.ordered_minor),
        )  # fmt: skip
    total = [sum(values) for values in zip(*((r.recommended_minor, r.ordered_minor) for r in found.rows), strict=True)]
    units = [sum(values) for values in zip(*((r.recommended_units, r.ordered_units) for r in found.rows), strict=True)]
    table.add_section()
    table.add_row(
        "all", f"{sum(r.lines for r in found.rows):,}", *(f"{unit:,}" for unit in units),
        *(whole_money(money) for money in total),
    )  # fmt: skip
    return table
