"""A replenishment run worked out again from its own record: the same snapshot, ledger rows, segments and budgets.

Recorded is what the quantities rest on and no more: rows that need something, the rows that feed them, and what a row
that orders feeds in turn. The others would not change a line.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from sqlalchemy import Connection

from inventory.ledger_frame import frame_of
from inventory.record import Record
from inventory.records import PlanRun, ReplenishmentLine, ReplenishmentRun, WorkedRow
from tools.arrays import frame_of_places
from tools.assemble import plan_outlook
from tools.columns import FloatArray, IntArray
from tools.replenish import DEEPEST, Orders, recommend
from tools.replenish_proposals import recommended
from tools.stock_rows import StockRows
from tools.stocking_policy import stocking_policy_of, stocking_terms
from tools.toolbox import Toolbox


class Again(Record):
    """What a run came to when it was worked out again."""

    lines: int
    differences: tuple[str, ...]


def replay_run(toolbox: Toolbox, connection: Connection, plan: PlanRun, run: ReplenishmentRun) -> Again:
    """Work the lines out again and name every one that comes out otherwise.

    Lines the run had to leave out, because units were taken while it was worked out, are not among those recorded and
    are passed over.
    """
    outlook = plan_outlook(toolbox, connection, plan)
    rows = StockRows.of(outlook)
    known = {(row.item, row.site): row for row in run.worked}
    worked = [known[place] for place in zip(rows.items, rows.sites, strict=True)]
    cell = np.array([row.segment for row in worked], dtype=np.int64)
    policy = stocking_policy_of(connection, run.stocking_version)
    terms = stocking_terms(policy, cell, rows.service_target, rows.review_days)
    orders = recommend(
        rows,
        terms,
        available_units(rows, frame_of(plan.ledger)),
        np.array([not row.decided for row in worked], dtype=np.bool_),
        toolbox.lanes(toolbox.snapshot(plan.snapshot_id)),
        run.budgets,
        last_run=None,
    )
    again = {(one.line.item, one.line.site): one.line for one in recommended(rows, terms, cell, orders)}
    differences = [_words(line, again.get((line.item, line.site))) for line in run.lines]
    return Again(lines=len(run.lines), differences=tuple(said for said in differences if said))


def _words(before: ReplenishmentLine, after: ReplenishmentLine | None) -> str:
    units = 0 if after is None else after.quantity
    if after is not None and after == before.model_copy(update={"proposal_id": ""}):
        return ""
    return f"{before.item} at {before.site}: recorded {before.quantity} from {before.source}, now {units}"


def rests_on(orders: Orders) -> IntArray:
    """Rows that the quantities of a run rest on."""
    needs = orders.wanted > 0
    fed = orders.parent >= 0
    feeds = needs.copy()
    for _ in range(DEEPEST):
        # What a row feeds is part of its demand, all the way down.
        feeds[fed] |= feeds[orders.parent[fed]]
    named = feeds.copy()
    named[orders.parent[needs & fed]] = True
    return np.flatnonzero(named)


def worked_rows(rows: StockRows, orders: Orders, cell: IntArray) -> tuple[WorkedRow, ...]:
    """The rows a run rests on, as they are kept with it."""
    needs = orders.decided & (orders.wanted > 0)
    return tuple(
        WorkedRow(item=rows.items[row], site=rows.sites[row], segment=int(cell[row]), decided=bool(needs[row]))
        for row in rests_on(orders).tolist()
    )


def available_units(rows: StockRows, ledger: pl.DataFrame) -> FloatArray:
    """Units each row may give: free by the ledger, what its floor protects left out."""
    held = pl.col("allocated") + pl.col("protect") + pl.col("reserved") + pl.col("in_flight")
    free = ledger.group_by("item", "site").agg(free=(pl.col("on_hand") - held).clip(lower_bound=0).sum())
    places = frame_of_places(list(zip(rows.items, rows.sites, strict=True)))
    found = places.join(free, on=["item", "site"], how="left", maintain_order="left")
    return found["free"].fill_null(0).cast(pl.Float64).to_numpy()
