"""Budgets of the contract a proposal draws on: what it claims of them, and how much of each is committed already.

Committed is what was ordered in the period as the feed shows it, and what other proposals hold, drafts among them: what
was approved here leaves the holds once the feed shows it. A purchase draws on the ``purchase`` budget of the site that
receives, an expedite on its ``expedite`` budget.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

import polars as pl
from sqlalchemy import Connection

from inventory.capacity import COUNTED, CapacityKind, Claim, Slot, slot_holders, taken_now
from inventory.capacity_holds import list_capacity_holds
from inventory.records import ActionKind, Proposal, ProposalContent
from inventory.snapshots import Snapshot
from tools.money import to_minor

DRAWS_ON = {ActionKind.PURCHASE: CapacityKind.PURCHASE_BUDGET, ActionKind.EXPEDITE: CapacityKind.EXPEDITE_BUDGET}
NAMES = {"purchase": CapacityKind.PURCHASE_BUDGET, "expedite": CapacityKind.EXPEDITE_BUDGET}
"""Kinds of budget in the feed that proposals draw on."""
MICRO = 1_000_000
"""Parts of a currency unit orders are summed in: whole numbers, so that the sum does not hang on their order."""
Percent = Callable[[str], int]
"""Share of its budgets, in percent, a site may use without asking their owner."""


@dataclass(frozen=True)
class ContractBudget:
    """One budget of a period, minor units."""

    slot: Slot
    budget_minor: int
    ordered_minor: int
    """Ordered in the period as the feed shows it."""

    def limit(self, percent: int) -> int:
        """What proposals may hold of it, all together, without asking its owner."""
        return max(self.budget_minor * percent // 100 - self.ordered_minor, 0)


Budgets = Mapping[tuple[str, CapacityKind], Sequence[ContractBudget]]
"""Budgets of some sites in force on a day; where periods overlap, each of them counts."""


@dataclass(frozen=True)
class BudgetUse:
    """What a proposal spends of one budget, minor units."""

    site: str
    kind: CapacityKind
    budget_minor: int
    committed_minor: int
    spend_minor: int
    held_by: tuple[str, ...] = ()
    """Other proposals that hold some of it, most first; told where the share that needs no owner is passed."""

    @property
    def share(self) -> Fraction:
        """Used share with this proposal; of an empty budget every cent is too much."""
        used = self.committed_minor + self.spend_minor
        return Fraction(used, self.budget_minor) if self.budget_minor else Fraction(10**15 + used)


def whole_budget(site: str) -> int:
    """All of a budget may be used."""
    return 100


def budgets_of(snapshot: Snapshot, today: date, sites: Collection[str]) -> Budgets:
    """Budgets of some sites whose period holds a day."""
    periods = snapshot.table("budgets").filter(
        pl.col("site").is_in(sorted(sites))
        & pl.col("kind").is_in(sorted(NAMES))
        & (pl.col("period_start") <= today)
        & (pl.col("period_end") >= today)
    )
    if periods.is_empty():
        return {}
    ordered = _ordered(snapshot, periods.filter(pl.col("kind") == "purchase").select("site", "period_start"))
    found: dict[tuple[str, CapacityKind], list[ContractBudget]] = defaultdict(list)
    rows = periods.select("site", "kind", "period_start", "amount").sort("site", "kind", "period_start")
    for site, name, start, amount in rows.iter_rows():
        spent = ordered.get((site, start), 0) if name == "purchase" else 0
        slot = Slot(NAMES[name], site, start)
        found[(site, slot.kind)].append(ContractBudget(slot, to_minor(float(amount)), spent))
    return dict(found)


def _ordered(snapshot: Snapshot, periods: pl.DataFrame) -> dict[tuple[str, date], int]:
    """Ordered for a site since the first day of a period, at the supplier's price, as the feed shows it."""
    price = snapshot.table("supplier_items").select("supplier", "item", "price")
    money = pl.col("quantity").cast(pl.Float64) * pl.col("price").cast(pl.Float64).fill_null(0.0)
    sums = (
        snapshot.table("purchase_orders")
        .filter(pl.col("status") != "cancelled")
        .join(periods, on="site", how="inner")
        .filter(pl.col("ordered_date") >= pl.col("period_start"))
        .join(price, on=["supplier", "item"], how="left")
        .group_by("site", "period_start")
        .agg(micro=(money * MICRO).round().cast(pl.Int64).sum())
    )
    return {(site, start): to_minor(micro / MICRO) for site, start, micro in sums.iter_rows()}


def sites_drawing(content: ProposalContent) -> set[str]:
    """Sites whose budgets a proposal may draw on."""
    return {line.destination for line in content.lines if line.action in DRAWS_ON}


def budget_claims(content: ProposalContent, budgets: Budgets, percent: Percent = whole_budget) -> list[Claim]:
    """What the lines of a proposal take of the budgets they draw on."""
    return [
        Claim(budget.slot, line.cost_minor, budget.limit(percent(line.destination)), line.number)
        for line in content.lines
        if line.action in DRAWS_ON
        for budget in budgets.get((line.destination, DRAWS_ON[line.action]), ())
    ]


def claims_of_drafts(
    snapshot: Snapshot, today: date, drafts: Sequence[Proposal], percent: Percent
) -> dict[str, list[Claim]]:
    """What each of several drafts takes of its budgets, in their order."""
    sites = {site for draft in drafts for site in sites_drawing(draft.content)}
    budgets = budgets_of(snapshot, today, sites) if sites else {}
    return {draft.proposal_id: budget_claims(draft.content, budgets, percent) for draft in drafts}


def tightest_budget(
    connection: Connection, content: ProposalContent, budgets: Budgets, *, percent: int = 100, without: str = ""
) -> BudgetUse | None:
    """Of the budgets a proposal draws on the one it leaves least of; ``None`` when it draws on none.

    Parameters
    ----------
    percent
        Share of a budget that needs no owner.
    without
        The proposal itself: what it holds already is what it spends.
    """
    spend: dict[Slot, int] = defaultdict(int)
    for claim in budget_claims(content, budgets):
        spend[claim.slot] += claim.amount
    if not spend:
        return None
    taken = Counter(taken_now(connection, spend))
    for hold in list_capacity_holds(connection, proposal_id=without, states=COUNTED) if without else ():
        taken[hold.slot] -= hold.amount
    drawn = [budget for several in budgets.values() for budget in several if budget.slot in spend]
    uses = {
        budget.slot: BudgetUse(
            budget.slot.key, budget.slot.kind, budget.budget_minor, budget.ordered_minor + taken[budget.slot],
            spend[budget.slot],
        )
        for budget in drawn
    }  # fmt: skip
    slot = max(uses, key=lambda at: (uses[at].share, at))
    if uses[slot].share * 100 <= percent:
        return uses[slot]
    held_by = tuple(who for who, _, _ in slot_holders(connection, [slot]).get(slot, []) if who != without)
    return replace(uses[slot], held_by=held_by)
