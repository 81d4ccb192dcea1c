"""What a run recommended beside what was ordered after it, by whoever ordered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import polars as pl

from inventory.record import Record
from inventory.records import ActionKind, ReplenishmentLine, ReplenishmentRun, Scope
from inventory.snapshots import Snapshot

WINDOW_DAYS = 7
"""Days after a run in which an order counts as the answer to it."""
NEAR = 0.1
"""Share within which two quantities count as the same."""


class Compared(Record):
    """One kind of agreement, summed over item-sites."""

    verdict: str
    """``same``, ``less ordered``, ``more ordered``, ``not ordered``, ``only ordered``."""
    lines: int
    recommended_units: int
    ordered_units: int
    recommended_minor: int
    ordered_minor: int


class Comparison(Record):
    """A run against the orders of the days after it."""

    run_id: str
    day: date
    until: date
    """Last day of orders counted; before the window is over the comparison is not final."""
    final: bool
    rows: tuple[Compared, ...]


VERDICTS = ("same", "less ordered", "more ordered", "not ordered", "only ordered")


def compare_with_orders(snapshot: Snapshot, run: ReplenishmentRun, scope: Scope) -> Comparison:
    """The run's lines against purchase orders and transfers the feeds show since, by item and site.

    Units are valued at what the run would have paid for them, or at cost where it recommended none. A transfer counts
    by the day it was shipped.
    """
    today = snapshot.as_of.date()
    until = min(today, run.day + timedelta(days=WINDOW_DAYS - 1))
    cost: dict[str, float] = dict(snapshot.table("items").select("item", "cost").iter_rows())
    ordered = _ordered(snapshot, run.day, until)
    seen = {(line.item, line.site): line for line in run.lines}
    sums = {verdict: [0, 0, 0, 0, 0] for verdict in VERDICTS}
    for place in sorted(seen.keys() | ordered.keys()):
        line, units = seen.get(place), ordered.get(place, 0)
        if line is None and scope.sites is not None and place[1] not in scope.sites:
            continue
        wanted = line.quantity if line else 0
        each = _unit_minor(line, cost.get(place[0], 0.0))
        total = sums[_verdict(wanted, units)]
        for at, amount in enumerate((1, wanted, units, round(wanted * each), round(units * each))):
            total[at] += amount
    rows = tuple(
        Compared(
            verdict=verdict, lines=s[0], recommended_units=s[1], ordered_units=s[2], recommended_minor=s[3],
            ordered_minor=s[4],
        )
        for verdict, s in sums.items()
    )  # fmt: skip
    final = today >= run.day + timedelta(days=WINDOW_DAYS)
    return Comparison(run_id=run.run_id, day=run.day, until=until, final=final, rows=rows)


def _unit_minor(line: ReplenishmentLine | None, cost: float) -> float:
    if line is None or line.action is ActionKind.TRANSFER:
        return cost * 100.0
    return line.cost_minor / line.quantity


def _verdict(wanted: int, units: int) -> str:
    if wanted == 0:
        return "only ordered"
    if units == 0:
        return "not ordered"
    if abs(units - wanted) <= NEAR * wanted:
        return "same"
    return "less ordered" if units < wanted else "more ordered"


def _ordered(snapshot: Snapshot, first: date, last: date) -> dict[tuple[str, str], int]:
    orders = snapshot.table("purchase_orders").filter(pl.col("status") != "cancelled")
    moves = snapshot.table("transfers").filter(pl.col("status") != "cancelled")
    found: dict[tuple[str, str], int] = {}
    parts: Iterable[pl.DataFrame] = (
        orders.select("item", "site", "quantity", day="ordered_date"),
        moves.select("item", "quantity", site="destination", day="shipped_date"),
    )
    for frame in parts:
        here = (
            frame.filter(pl.col("day").is_between(first, last)).group_by("item", "site").agg(pl.col("quantity").sum())
        )
        for item, site, units in here.select("item", "site", "quantity").iter_rows():
            found[(item, site)] = found.get((item, site), 0) + int(units)
    return found
