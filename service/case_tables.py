"""Lists of cases and proposals as tables for a terminal of 100 columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agent.case_views import CaseLine, CaseList, SweepCounts, action_words
from inventory.records import CaseKind, Proposal, Tier
from service.console import inert

KIND_WORDS: dict[CaseKind, str] = {
    CaseKind.PROJECTED_STOCKOUT: "stockout",
    CaseKind.EXCESS: "excess",
    CaseKind.SUPPLIER_DELAY: "late supply",
    CaseKind.DEMAND_SHIFT: "demand shift",
    CaseKind.IMBALANCE: "imbalance",
    CaseKind.OBSOLESCENCE: "obsolescence",
    CaseKind.LEAD_TIME_DRIFT: "lead-time drift",
    CaseKind.FORECAST_BIAS: "forecast bias",
    CaseKind.POLICY_INCONSISTENCY: "policy differs",
    CaseKind.RECURRING: "recurring",
    CaseKind.REPLENISHMENT: "replenishment",
    CaseKind.DATA_PROBLEM: "data problem",
}
TIER_STYLES: dict[Tier, str] = {Tier.AUTO: "green", Tier.PLANNER: "yellow", Tier.FORMAL: "red", Tier.ADVICE: "magenta"}
ABOUT_WIDTH = 18
LANES_WIDTH = 17
DIGEST_LISTED = 8
"""Characters of a digest in a list: as many as a decision must name."""
ID_SHOWN = 11
"""Characters of a case id in a list; the commands take any beginning that only one case has."""


def cell(text: str, style: str = "") -> Text:
    """Text for a table: no markup, nothing a terminal would obey."""
    return Text(inert(text), style=style)


def plain_table(*columns: str, gap: int = 1) -> Table:
    """A table with a head rule only; a column whose name begins with ``#`` is a number.

    Parameters
    ----------
    gap
        Spaces between two columns beyond the first.
    """
    table = Table(box=box.SIMPLE_HEAD, padding=(0, gap, 0, 0), pad_edge=False, show_edge=False)
    for column in columns:
        number = column.startswith("#")
        table.add_column(column.removeprefix("#"), justify="right" if number else "left", overflow="fold")
    return table


def whole_money(minor: int) -> str:
    """Money in whole units without its currency, for a column that names it; half a unit rounds away from zero."""
    whole = (abs(minor) + 50) // 100
    return f"{'−' if minor < 0 and whole else ''}{whole:,}"


def short_moment(value: datetime) -> str:
    """``12 Apr 06:00``, UTC."""
    return f"{short_day(value.date())} {value:%H:%M}"


def short_day(value: date) -> str:
    """``12 Apr``."""
    return f"{value.day} {value:%b}"


def counts_line(counts: SweepCounts) -> str:
    """``found 412 = shown 20 + automatic 143 + held back 249``."""
    return (
        f"found {counts.found} = shown {counts.shown} + automatic {counts.automatic} + held back {counts.held_back}"
        f"   (sweep of {counts.finished_at:%d %b %Y %H:%M} UTC)"
    )


def case_list_page(found: CaseList) -> RenderableType:
    """The list of cases under its honest header."""
    parts: list[RenderableType] = []
    if found.counts is None:
        parts.append(cell("no sweep yet: run `evenkeel sweep`"))
    else:
        parts.append(cell(counts_line(found.counts), "bold"))
        if found.counts.held_back_reasons:
            listed = "; ".join(f"{reason} {number}" for reason, number in found.counts.held_back_reasons.items())
            parts.append(cell(f"held back: {listed}"))
    if found.cases:
        parts.append(_case_table(found.cases))
        left = found.open_cases - len(found.cases)
        if left:
            parts.append(cell(f"{left} more are automatic or held back: see them with --all"))
    elif found.counts is not None:
        parts.append(cell("no open case in your scope"))
    return Group(*parts)


def _case_table(lines: Sequence[CaseLine]) -> Table:
    currency = lines[0].currency
    table = plain_table(
        "#", "case", "kind", "about", "bites", "#units", f"#{currency} risk", "action", "tier", "state", gap=0
    )
    for column in table.columns:
        column.no_wrap = True
        column.overflow = "ellipsis"
    table.columns[3].max_width = ABOUT_WIDTH
    for line in lines:
        table.add_row(
            str(line.rank),
            cell(line.case_id[:ID_SHOWN]),
            KIND_WORDS[line.kind],
            cell(line.where),
            short_day(line.bites_on),
            f"{line.units:,}",
            whole_money(line.money_at_risk_minor),
            cell(line.action or "–"),
            tier_cell(line.tier),
            cell(_state(line)),
        )
    return table


def tier_cell(tier: Tier | None) -> Text:
    """The tier in its colour, a dash for none."""
    return Text(tier.value, style=TIER_STYLES[tier]) if tier else Text("–")


def _state(line: CaseLine) -> str:
    if line.held_back:
        return "held back"
    return (line.proposal_state.value if line.proposal_state else line.state.value).replace("_", " ")


def proposal_list_page(proposals: Sequence[Proposal]) -> RenderableType:
    """A table of proposals."""
    if not proposals:
        return cell("no proposal in your scope")
    table = plain_table(
        "proposal", "case", "action", "lanes", f"#{proposals[0].content.currency}", "tier", "state", "digest",
        "expires", gap=0,
    )  # fmt: skip
    for column in table.columns:
        column.no_wrap = True
        column.overflow = "ellipsis"
    table.columns[3].max_width = LANES_WIDTH
    for proposal in proposals:
        content = proposal.content
        table.add_row(
            cell(proposal.proposal_id[:ID_SHOWN]),
            cell(content.case_id[:ID_SHOWN]),
            cell(action_words(content)),
            cell(", ".join(content.lanes) or ", ".join(content.sites)),
            whole_money(content.value_minor),
            tier_cell(proposal.tier),
            cell(proposal.state.value.replace("_", " ")),
            proposal.digest[:DIGEST_LISTED],
            short_moment(proposal.expires_at),
        )
    return table
