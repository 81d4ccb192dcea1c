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
from tools.lane_claims import with_room
from tools.replenish import DEEPEST, Orders, recommend
from tools.replenish_proposals import recommended
from tools.stock_rows import StockRows
from tools.stocking_policy import stocking_policy_of, stocking_terms
from tools.toolbox import Toolbox

RESTS_ON = {
    "position": "position",
    "order_up_to_level": "level",
    "segment": "segment",
    "wanted": "units wanted",
    "limited_by": "limited by",
    "source": "source",
    "mode": "mode",
    "cost_minor": "cost in minor units",
    "value_minor": "value in minor units",
    "shortage_avoided_units": "shortage avoided",
    "arrive_on": "arrival",
}
"""Fields of a line that a difference names, in words."""


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
    terms = stocking_terms(
        policy, cell, rows.service_target, rows.review_days, sites=rows.sites, item_classes=rows.item_class
    )
    orders = recommend(
        rows,
        terms,
        available_units(rows, frame_of(plan.ledger)),
        np.array([not row.decided for row in worked], dtype=np.bool_),
        with_room(toolbox.lanes(toolbox.snapshot(plan.snapshot_id)), plan.lane_room),
        run.budgets,
        last_run=None,
    )
    again = {(one.line.item, one.line.site): one.line for one in recommended(rows, terms, cell, orders)}
    differences = [_words(line, again.get((line.item, line.site)) or _none(line, rows, orders)) for line in run.lines]
    return Again(lines=len(run.lines), differences=tuple(said for said in differences if said))


def _none(line: ReplenishmentLine, rows: StockRows, orders: Orders) -> ReplenishmentLine:
    """The line with nothing ordered on it, and the figures that came to that."""
    row = list(zip(rows.items, rows.sites, strict=True)).index((line.item, line.site))
    figures = {
        "position": round(float(orders.position[row]), 3),
        "order_up_to_level": round(float(orders.level[row]), 3),
        "wanted": int(orders.wanted[row]),
        "quantity": 0,
    }
    return line.model_copy(update=figures)


def _words(before: ReplenishmentLine, after: ReplenishmentLine) -> str:
    if after == before.model_copy(update={"proposal_id": ""}):
        return ""
    said = f"{before.item} at {before.site}: recorded {before.quantity} from {before.source}, now {after.quantity}"
    return f"{said}{_why(before, after)}"


def _why(before: ReplenishmentLine, after: ReplenishmentLine) -> str:
    """What the quantity follows from and is not as it was recorded."""
    pairs = ((words, getattr(before, name), getattr(after, name)) for name, words in RESTS_ON.items())
    changed = [f"{words} recorded {_said(was)}, now {_said(now)}" for words, was, now in pairs if was != now]
    return f" ({'; '.join(changed)})" if changed else ""


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return " and ".join(map(str, value)) or "nothing"
    return f"{value:g}" if isinstance(value, float) else str(value)


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
    held = sum((pl.col(name) for name in ("protect", "reserved", "in_flight", "frozen")), pl.col("allocated"))
    free = ledger.group_by("item", "site").agg(free=(pl.col("on_hand") - held).clip(lower_bound=0).sum())
    places = frame_of_places(list(zip(rows.items, rows.sites, strict=True)))
    found = places.join(free, on=["item", "site"], how="left", maintain_order="left")
    return found["free"].fill_null(0).cast(pl.Float64).to_numpy()
