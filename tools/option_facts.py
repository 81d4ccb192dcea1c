"""Facts beyond stock and lanes that decide which options there are: substitutes, sales channels, agreed assumptions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from inventory.snapshots import Snapshot


@dataclass(frozen=True)
class Substitute:
    """An item that may stand in for another."""

    item: str
    acceptance: float
    """Share of customers who take it, in [0, 1]."""
    needs_consent: bool


@dataclass(frozen=True)
class Assumptions:
    """What no feed says; each is printed with the option it shapes."""

    pull_in_share: float = 0.5
    """Share of an order's remaining time a supplier can take out when asked."""
    split_share: float = 0.5
    """Share of an order that comes early when it is split."""
    push_out_days: int = 28
    markdown_discount: float = 0.2
    price_elasticity: float = 2.0
    """Units gained in percent per percent taken off the price."""
    return_refund_share: float = 0.8
    """Of the purchase price."""
    service_target_step: float = 0.4
    """Share of the distance to certainty by which a changed service target is raised."""
    handling_per_unit_share: float = 0.01
    """Of the item's cost, for a unit handled a further time."""


@dataclass(frozen=True)
class OptionFacts:
    """What `offers` may draw on besides the outlook."""

    substitutes: dict[str, tuple[Substitute, ...]] = field(default_factory=dict)
    """By item, the most accepted first."""
    channels: frozenset[str] = frozenset()
    """Sites that are sales channels: they may give units to one another on paper, without a lane."""
    assumptions: Assumptions = Assumptions()


def read_option_facts(snapshot: Snapshot, assumptions: Assumptions = Assumptions()) -> OptionFacts:
    """Facts of a snapshot."""
    found: dict[str, list[Substitute]] = defaultdict(list)
    table = snapshot.table("substitutes").sort("item", "substitute")
    for row in table.iter_rows(named=True):
        found[row["item"]].append(
            Substitute(row["substitute"], float(row["acceptance"] or 0.0), bool(row["needs_consent"]))
        )
    sites = snapshot.table("sites")
    return OptionFacts(
        substitutes={
            item: tuple(sorted(some, key=lambda one: (-one.acceptance, one.item))) for item, some in found.items()
        },
        channels=frozenset(site for site, kind in sites.select("site", "kind").iter_rows() if kind == "channel"),
        assumptions=assumptions,
    )
