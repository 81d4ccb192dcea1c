"""Answers to what-ifs: each scenario beside the network as it is, for a terminal, as JSON and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from inventory.record import Record
from inventory.records import ScenarioChange, StoredScenario
from service.case_tables import cell, plain_table
from tools.whatif import AS_IT_IS, GROUPS, By, WhatIf


class Figures(Record):
    """One row of figures; money in whole currency units."""

    scenario: str
    group: str
    demand: float
    fill_rate: float
    lost_units: float
    lost_money: float
    stock_value: float
    orders: float
    ordered_value: float


class Answer(Record):
    """What a what-if came to."""

    days: int
    step_days: int
    draws: int
    items: int
    sites: int
    currency: str
    rows: tuple[Figures, ...]

    @classmethod
    def of(cls, found: WhatIf, currency: str, by: str | None) -> Answer:
        """As a record."""
        return cls(
            days=found.days, step_days=found.step_days, draws=found.replications, items=found.items, sites=found.sites,
            currency=currency, rows=tuple(figures_of(found, by)),
        )  # fmt: skip


def figures_of(found: WhatIf, by: str | None) -> list[Figures]:
    """Rows in order of scenarios, then groups."""
    groups: tuple[By, ...] = tuple(name for name in GROUPS if name == by)
    rows: list[dict[str, Any]] = found.figures(groups).to_dicts()
    return [Figures(group=str(row.pop(by)) if by else "", **{k: _plain(v) for k, v in row.items()}) for row in rows]


def _plain(value: Any) -> Any:
    return round(float(value), 6) if isinstance(value, float) else value


def answer_page(found: WhatIf, currency: str, by: str | None, *, compare: bool) -> RenderableType:
    """Tables for people: one with all scenarios, or one each beside the network as it is."""
    step = "day by day" if found.step_days == 1 else "week by week"
    means = f"means of {found.replications} draws" if found.replications > 1 else "one draw"
    head = cell(
        f"{found.days} days ahead, {step}, {found.items:,} items at {found.sites:,} sites, {means}; "
        "nothing is reserved or posted"
    )
    rows = figures_of(found, by)
    parts: list[RenderableType] = [head]
    if compare or len(found.scenarios) == 2:
        parts.append(_table(rows, currency, by))
    else:
        for name in found.scenarios[1:]:
            parts += [cell(name, "bold"), _table([r for r in rows if r.scenario in (AS_IT_IS, name)], currency, by)]
    spread = found.lost_money_spread()
    parts += [
        cell(f"{name}: lost money {_change(rows, name):+,.0f} {currency} against as it is (± {2 * spread[name]:,.0f})")
        for name in found.scenarios[1:]
        if name in spread
    ]
    return Group(*parts)


def _change(rows: Sequence[Figures], name: str) -> float:
    def lost(scenario: str) -> float:
        return sum(row.lost_money for row in rows if row.scenario == scenario)

    return lost(name) - lost(AS_IT_IS)


def _table(rows: Sequence[Figures], currency: str, by: str | None) -> Table:
    columns = ["scenario", *([by] if by else []), "#service", "#lost units", f"#lost {currency}",
               f"#stock {currency}", "#orders", f"#ordered {currency}"]  # fmt: skip
    table = plain_table(*columns)
    table.columns[0].max_width = 34
    ordered = sorted(rows, key=lambda row: row.group) if by else rows
    last = ""
    for row in ordered:
        group = [cell(row.group if row.group != last else "")] if by else []
        last = row.group
        table.add_row(
            cell(row.scenario), *group, f"{row.fill_rate:.1%}", f"{row.lost_units:,.0f}", f"{row.lost_money:,.0f}",
            f"{row.stock_value:,.0f}", f"{row.orders:,.0f}", f"{row.ordered_value:,.0f}",
        )  # fmt: skip
    return table


def csv_text(found: WhatIf) -> str:
    """Every figure by scenario, family, site and month."""
    return found.figures(GROUPS).write_csv(float_precision=4)


def listed_page(known: Sequence[StoredScenario]) -> RenderableType:
    """What can be asked by name."""
    if not known:
        return cell("no scenario is stored, no event lies ahead: say one in words, such as 'demand_surge factor=1.5'")
    table = plain_table("scenario", "what would be", "note")
    for one in known:
        table.add_row(cell(one.name), cell("; ".join(_words(change) for change in one.changes)), cell(one.note))
    return table


def _words(change: ScenarioChange) -> str:
    given = change.model_dump(mode="json", exclude_defaults=True, exclude={"kind"})
    listed = (f"{key}={','.join(value) if isinstance(value, list) else value}" for key, value in given.items())
    return " ".join((change.kind.value, *listed))
