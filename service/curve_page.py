"""The cost-service curve on paper."""

from __future__ import annotations

from rich.console import Group, RenderableType

from service.case_tables import cell, plain_table
from tools.service_curve import ServiceCurve


def curve_page(found: ServiceCurve, currency: str) -> RenderableType:
    """Targets with their price, the answer to a budget, and the choices worth weighing."""
    title = "all item-sites" if found.name == "all" else f"class {found.name}"
    table = plain_table(
        "target for each", "#units served", f"#{currency} in stock", f"#{currency} a year", "#one step more",
        "#if spread best",
    )  # fmt: skip
    for at, point in enumerate(found.targets):
        table.add_row(
            f"{point.target:.1%}".replace(".0%", "%"), f"{point.fill_rate:.2%}", f"{point.capital:,.0f}",
            f"{point.carrying_per_year:,.0f}", f"+{point.more_per_year:,.0f}" if at else "–",
            f"{point.spread_fill_rate:.2%}",
        )  # fmt: skip
    parts: list[RenderableType] = [
        cell(
            f"What service costs: {title}, {found.item_sites:,} item-sites, "
            f"{found.demand_value_per_year:,.0f} {currency} of demand a year at cost",
            "bold",
        ),
        table,
    ]
    if found.budget is not None:
        parts.append(
            cell(
                f"{found.budget.target:,.0f} {currency} in reorder points, spread best: "
                f"{found.budget.fill_rate:.2%} of units served, {found.budget.capital:,.0f} {currency} in stock, "
                f"{found.budget.carrying_per_year:,.0f} {currency} a year"
            )
        )
    choices = plain_table("choices no other one beats", f"#{currency} a year", "#served", f"#{currency} in stock")
    for one in found.choices:
        choices.add_row(one.name, f"{one.carrying_per_year:,.0f}", f"{one.fill_rate:.2%}", f"{one.capital:,.0f}")
    parts.append(choices)
    return Group(*parts)
