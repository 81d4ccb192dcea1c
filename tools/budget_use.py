"""What a proposal spends of the purchase budgets it draws on, and how much of them is committed already.

Committed is what was ordered in the period as the feed shows it, and what was approved here and the feed does not show
yet. A purchase draws on the ``purchase`` budget of the site that receives, an expedite on its ``expedite`` budget.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import polars as pl
from sqlalchemy import Connection

from inventory.outbox import list_outbox
from inventory.records import EVERYTHING, ActionKind, DocumentState, Proposal, ProposalContent
from inventory.snapshots import Snapshot
from tools.money import to_minor

DRAWS_ON = {ActionKind.PURCHASE: "purchase", ActionKind.EXPEDITE: "expedite"}
Drawn = dict[tuple[str, str], int]
"""Minor units by site and kind of budget."""


@dataclass(frozen=True)
class BudgetUse:
    """One budget, minor units."""

    site: str
    kind: str
    budget_minor: int
    committed_minor: int
    spend_minor: int

    @property
    def share(self) -> Fraction:
        """Used share with this proposal; of an empty budget every cent is too much."""
        used = self.committed_minor + self.spend_minor
        return Fraction(used, self.budget_minor) if self.budget_minor else Fraction(10**15 + used)


def tightest_budget(
    snapshot: Snapshot, connection: Connection, acted: Iterable[Proposal], content: ProposalContent, today: date
) -> BudgetUse | None:
    """Of the budgets a proposal draws on the one it leaves least of; ``None`` when it draws on none.

    Parameters
    ----------
    acted
        Other proposals that were let through.
    today
        Day whose period counts.
    """
    spend = _drawn(content)
    if not spend:
        return None
    periods = snapshot.table("budgets").filter((pl.col("period_start") <= today) & (pl.col("period_end") >= today))
    budgets = {
        (site, kind): (start, to_minor(float(amount)))
        for site, kind, start, amount in periods.select("site", "kind", "period_start", "amount").iter_rows()
        if (site, kind) in spend
    }
    if not budgets:
        return None
    ours = _approved(snapshot, connection, acted, {key: start for key, (start, _) in budgets.items()})
    uses = [
        BudgetUse(
            site,
            kind,
            budget,
            (_ordered(snapshot, site, start) if kind == "purchase" else 0) + ours[(site, kind)],
            spend[(site, kind)],
        )
        for (site, kind), (start, budget) in sorted(budgets.items())
    ]
    return max(uses, key=lambda use: (use.share, use.site, use.kind))


def _drawn(content: ProposalContent, gone: frozenset[tuple[str, str, str, str]] = frozenset()) -> Drawn:
    drawn: Drawn = defaultdict(int)
    for line in content.lines:
        if line.action in DRAWS_ON and line.document_group not in gone:
            drawn[(line.destination, DRAWS_ON[line.action])] += line.cost_minor
    return dict(drawn)


def _ordered(snapshot: Snapshot, site: str, start: date) -> int:
    """Ordered for a site since a day, at the supplier's price, as the feed shows it."""
    orders = snapshot.table("purchase_orders").filter(
        (pl.col("site") == site) & (pl.col("status") != "cancelled") & (pl.col("ordered_date") >= start)
    )
    price = snapshot.table("supplier_items").select("supplier", "item", "price")
    priced = orders.join(price, on=["supplier", "item"], how="left").select(
        money=(pl.col("quantity") * pl.col("price").cast(pl.Float64).fill_null(0.0)).cast(pl.Float64)
    )
    return to_minor(float(priced["money"].sum()))


def _approved(
    snapshot: Snapshot, connection: Connection, acted: Iterable[Proposal], starts: dict[tuple[str, str], date]
) -> Drawn:
    """Let through here in the period and not in the feed yet."""
    shown = set(snapshot.table("purchase_orders")["our_key"].drop_nulls().to_list()) - {""}
    total: Drawn = defaultdict(int)
    drawing = [other for other in acted if set(_drawn(other.content)) & set(starts)]
    gone: dict[str, set[tuple[str, str, str, str]]] = defaultdict(set)
    for row in list_outbox(connection, EVERYTHING) if drawing else []:
        if row.key in shown or row.state is DocumentState.FAILED:
            gone[row.proposal_id].add(row.document.group)
    for other in drawing:
        for key, money in _drawn(other.content, frozenset(gone[other.proposal_id])).items():
            if key in starts and other.created_at.date() >= starts[key]:
                total[key] += money
    return total
