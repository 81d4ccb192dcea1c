"""The facts a proposal rests on, read again at the click: stock, orders, prices, policy, age of data, tier, counters.

Tolerances stand in the approval policy under ``revalidation``. What moved no further is the same proposal; what moved
further makes it void, with then and now in words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta

import polars as pl
from sqlalchemy import Connection

from agent.deciding.request import Click
from agent.policy_document import ApprovalPolicy
from inventory.ledger import ledger_rows, list_reservations
from inventory.outbox import list_outbox
from inventory.records import EVERYTHING, DocumentState, LedgerRow, PlanRun, Proposal, ProposalLine, Ruling
from inventory.revalidations import Check, RevalidationReport, Verdict, next_revalidation_id
from inventory.snapshots import Snapshot
from tools.action_kinds import takes_stock
from tools.arrays import age_hours
from tools.plain_words import exact_money
from tools.rules.standing import rules_against
from tools.toolbox import Toolbox

MINOR = 100
Place = tuple[str, str]


def revalidate(click: Click, asked: Ruling, fresh: Ruling, policy: ApprovalPolicy) -> RevalidationReport:
    """Every fact of a proposal, then and now.

    Parameters
    ----------
    asked
        What had to be met until now.
    fresh
        The ruling on the facts of this moment, and ``policy`` what it was ruled by.
    """
    toolbox, connection, proposal = click.toolbox, click.connection, click.proposal
    run = toolbox.plan_run(connection, proposal.content.plan_run_id)
    drafted, current = toolbox.snapshot(run.snapshot_id), toolbox.snapshots.current()
    tolerance = policy.revalidation
    checks = list(stock_checks(connection, proposal, run, tolerance.free_units_percent))
    if current is not None and current.snapshot_id != drafted.snapshot_id:
        items = {line.item for line in proposal.content.lines}
        before, now = drafted.of_items(items), current.of_items(items)
        window = timedelta(days=tolerance.equivalent_window_days)
        checks += order_checks(connection, proposal, before, now, tolerance.free_units_percent, window)
        checks += price_checks(proposal, before, now, tolerance.price_percent)
    checks += rule_checks(toolbox, connection, proposal)
    facts_hold = all(check.holds for check in checks)
    checks += ruled_checks(toolbox, proposal, asked, fresh, current or drafted)
    stricter = fresh.tier.strictness > asked.tier.strictness
    verdict = Verdict.CHANGED if not facts_hold else Verdict.STRICTER if stricter else Verdict.HOLDS
    return RevalidationReport(
        revalidation_id=next_revalidation_id(connection, proposal.proposal_id),
        proposal_id=proposal.proposal_id,
        proposal_digest=proposal.digest,
        by=click.user.user_id,
        verdict=verdict,
        tier_before=asked.tier,
        tier_now=fresh.tier,
        checks=tuple(checks),
        at=click.now,
    )


def rule_checks(toolbox: Toolbox, connection: Connection, proposal: Proposal) -> Iterator[Check]:
    """Machine rules in force that the lines break by now, and cited clauses that speak no more."""
    for words in rules_against(toolbox, connection, proposal):
        yield Check(name="rule", subject="written rules", drafted="kept to", now=words, tolerance="none", holds=False)


def stock_checks(connection: Connection, proposal: Proposal, run: PlanRun, percent: int) -> Iterator[Check]:
    """Stock that may be given: on hand and not allocated, whatever Evenkeel itself promised or moved of it."""
    wanted: Counter[Place] = Counter()
    for line in proposal.content.lines:
        place = takes_stock(line)
        if place is not None:
            wanted[place] += line.quantity
    items = {item for item, _ in wanted}
    before, now = unallocated(run.ledger), unallocated(ledger_rows(connection, EVERYTHING, items=items))
    moved = moved_since(connection, proposal, set(wanted)) if wanted else Counter()
    for (item, site), units in sorted(wanted.items()):
        free = now[(item, site)] + moved[(item, site)]
        drafted = before.get((item, site), free)
        yield Check(
            name="stock",
            subject=f"{item} at {site}",
            drafted=f"{drafted:,} free",
            now=f"{free:,} free",
            tolerance=f"{percent} %",
            holds=within(drafted, free, percent) and now[(item, site)] >= units,
        )


def within(drafted: int, now: int, percent: int) -> bool:
    """Whether no more than so much of what there was is gone; a fall of exactly that much is allowed."""
    return (drafted - now) * 100 <= percent * max(drafted, 0)


def unallocated(rows: Iterable[LedgerRow]) -> Counter[Place]:
    """Units on hand and not allocated by item and site, all lots together."""
    found: Counter[Place] = Counter()
    for row in rows:
        found[(row.item, row.site)] += row.on_hand - row.allocated
    return found


def moved_since(connection: Connection, proposal: Proposal, places: Collection[Place]) -> Counter[Place]:
    """Units our own other proposals took from these places since the draft, and that stock no longer shows."""
    found: Counter[Place] = Counter()
    for held in list_reservations(connection, EVERYTHING, states=("absorbed",)):
        late = held.posted_at is not None and held.posted_at >= proposal.created_at
        if late and (held.item, held.site) in places and held.proposal_id != proposal.proposal_id:
            found[(held.item, held.site)] += held.quantity
    return found


def order_checks(
    connection: Connection, proposal: Proposal, drafted: Snapshot, current: Snapshot, percent: int, window: timedelta
) -> Iterator[Check]:
    """Orders somebody else made since for the same item and site, to arrive at most the window before or after."""
    # What we hold as failed and a feed shows is somebody's order like any other: it must not be posted twice.
    ours = {row.key for row in list_outbox(connection, EVERYTHING) if row.state is not DocumentState.FAILED}
    lines = [line for line in proposal.content.lines if line.quantity and (line.origin or line.supplier)]
    earlier = {(order, number) for order, number, *_ in _incoming(drafted, lines)}
    since = [row for row in _incoming(current, lines) if row[:2] not in earlier and row[6] not in ours]
    for line in lines:
        made = [
            row for row in since if row[2:4] == (line.item, line.destination) and _same_window(line, row[7], window)
        ]
        if not made:
            continue
        units = sum(row[5] for row in made)
        named = ", ".join(f"{order} of {row_units:,} from {source}" for order, _, _, _, source, row_units, _, _ in made)
        yield Check(
            name="orders",
            subject=f"{line.item} for {line.destination}",
            drafted="nothing else under way",
            now=f"{units:,} more under way ({named})",
            tolerance=f"{percent} % of {line.quantity:,}",
            holds=units * 100 <= percent * line.quantity,
        )


_Incoming = tuple[str, int, str, str, str, int, str, date]
"""Order, line, item, destination, source, units, our key, day of arrival."""


def _incoming(snapshot: Snapshot, lines: Iterable[ProposalLine]) -> list[_Incoming]:
    """Orders and transfers for the items of some lines that are not cancelled, received ones too."""
    items = sorted({line.item for line in lines})
    bought = snapshot.table("purchase_orders").filter(pl.col("item").is_in(items), pl.col("status") != "cancelled")
    moved = snapshot.table("transfers").filter(
        pl.col("item").is_in(items), ~pl.col("status").is_in(["cancelled", "refused"])
    )
    key, arrived = pl.col("our_key").fill_null(""), pl.col("received_date")
    rows = [
        *bought.select(
            "order_id", "line", "item", "site", "supplier", "quantity", key, arrived.fill_null(pl.col("promised_date"))
        ).iter_rows(),
        *moved.select(
            "transfer_id", "line", "item", "destination", "origin", "quantity", key,
            arrived.fill_null(pl.col("expected_date")),
        ).iter_rows(),
    ]  # fmt: skip
    return sorted(rows)


def _same_window(line: ProposalLine, arrives: date, window: timedelta) -> bool:
    return line.ship_on - window <= arrives <= line.arrive_on + window


def price_checks(proposal: Proposal, drafted: Snapshot, current: Snapshot, percent: int) -> Iterator[Check]:
    """What a unit costs: the supplier's price of what is bought, the cost of what is moved."""
    seen: set[tuple[str, str]] = set()
    for line in proposal.content.lines:
        if not line.quantity or (line.item, line.supplier) in seen:
            continue
        seen.add((line.item, line.supplier))
        before, now = (price_of(snapshot, line.item, line.supplier) for snapshot in (drafted, current))
        if before is None or now is None:
            continue
        yield Check(
            name="price",
            subject=f"{line.item}{f' from {line.supplier}' if line.supplier else ''}",
            drafted=exact_money(round(before * MINOR), proposal.content.currency),
            now=exact_money(round(now * MINOR), proposal.content.currency),
            tolerance=f"{percent} %",
            holds=round(abs(now - before) * 100, 9) <= round(percent * before, 9),
        )


def price_of(snapshot: Snapshot, item: str, supplier: str) -> float | None:
    """Purchase price of a base unit from a supplier, or without one the item's cost; ``None`` when not known."""
    if supplier:
        terms = snapshot.table("supplier_items").filter(pl.col("supplier") == supplier, pl.col("item") == item)
        found = terms["price"].drop_nulls().to_list()
    else:
        found = snapshot.table("items").filter(pl.col("item") == item)["cost"].drop_nulls().to_list()
    return float(found[0]) if found else None


def ruled_checks(
    toolbox: Toolbox, proposal: Proposal, asked: Ruling, fresh: Ruling, current: Snapshot
) -> Iterator[Check]:
    """What the gate weighs itself: policy, age of the data, its running sums, and the tier they come to."""
    yield Check(
        name="policy",
        subject="approval policy",
        drafted=f"version {proposal.content.policy_version}",
        now=f"version {fresh.policy_version}",
        holds=True,
    )
    yield Check(
        name="data_age",
        subject="data",
        drafted=proposal.content.snapshot_id,
        now=f"{current.snapshot_id}, {age_hours(current.as_of, toolbox.now()):.1f} h old",
        holds=True,
    )
    for name in sorted(set(asked.aggregates) | set(fresh.aggregates)):
        before, now = asked.aggregates.get(name, 0.0), fresh.aggregates.get(name, 0.0)
        if before != now:
            yield Check(
                name="counter", subject=name.replace("_", " "), drafted=f"{before:,.4g}", now=f"{now:,.4g}", holds=True
            )
    yield Check(
        name="tier",
        subject="tier",
        drafted=asked.tier.value,
        now=fresh.tier.value,
        holds=fresh.tier.strictness <= asked.tier.strictness,
    )
